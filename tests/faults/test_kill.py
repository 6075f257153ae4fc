"""kill -9 at every system call by which checkpoints are written, and then: berth run --resume ends as a run that nothing
happened to. Needs strace. A test for each call, so that they can be run by themselves: -k every_fsync."""
import collections
import concurrent.futures
import json
import os
import re
import shutil
import subprocess
import time
import unittest

from fault_test import listed, spellings
from program import BERTH, ProgramTest
from test_run import without_times

# What changes files and folders, and what begins a change. `write` also writes the report; that is as good a moment to die.
CALLS = ("openat", "write", "writev", "pwrite64", "sendfile", "copy_file_range", "fsync", "fdatasync", "rename", "renameat",
         "renameat2", "mkdir", "mkdirat", "unlink", "unlinkat", "rmdir", "symlink", "symlinkat", "link", "linkat",
         "truncate", "ftruncate", "fchmod", "chmod", "fchmodat", "utimensat")
SETTINGS = ("training.steps=6", "evaluation.every=3", "checkpoints.every=2", "training.log_every=1", "analysis.at_end=false")
ONE_THREAD = {**os.environ, "OMP_NUM_THREADS": "1"}
# By these a run writes its checkpoints. After this share of the deaths, at least, there must be one to go on from; many an
# openat is made before the first one.
MAIN = {"openat": 0, "write": 0.5, "fsync": 0.5, "rename": 0.5}


def main_call(call):
    """The call of MAIN that this one is, or is in place of on another processor."""
    return next((name for name in MAIN if call in spellings(name)), None)


class Kill(ProgramTest):
    plans = {}

    def command(self, out):
        return [BERTH, "run", "suite.toml", "--out", out, *(a for s in SETTINGS for a in ("--set", s))]

    def strace(self, arguments, *options, calls=CALLS):
        """The exit status, or minus the signal that ended the program."""
        command = ["strace", "-f", "-qq", "-e", f"trace={listed(*calls)}", *options, *arguments]
        return subprocess.run(command, cwd=self.dir, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True,
                              env=ONE_THREAD).returncode

    def resume(self, out):
        return subprocess.run([BERTH, "run", "--resume", out], cwd=self.dir, capture_output=True, text=True, env=ONE_THREAD)

    def content(self, out):
        return json.loads((self.dir / out / "checkpoints/last/manifest.json").read_text())["content"]

    def lines(self, out):
        return [without_times(json.loads(line)) for line in (self.dir / out / "metrics.jsonl").read_text().splitlines()]

    def calls_of(self, command, folder):
        """How often the program, not what it starts, made each call before the folder was named, and in all."""
        self.assertEqual(self.strace(command, "-o", "calls"), 0)
        before, whole, has_begun, program = collections.Counter(), collections.Counter(), False, None
        for line in (self.dir / "calls").read_text().splitlines():
            if not (call := re.match(r"(\d+) +(\w+)\(", line)):
                continue
            program = program or call[1]
            if call[1] == program:  # strace counts for each thread by itself
                has_begun |= folder in line
                whole[call[2]] += 1
                before[call[2]] += not has_begun
        return before, whole

    def at_every(self, call, before, whole, kill, spared=0.1):
        """kill(number): what is wrong after a death at that call, "went on", "has none", or None where nothing died.
        Gives how many there were of each. spared: the share that may not die."""
        start = time.monotonic()
        numbers = range(before[call] + 1, whole[call] + 1)
        self.assertTrue(numbers, f"no {call} to die at")
        with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
            found = dict(zip(numbers, pool.map(kill, numbers)))
        counts = collections.Counter(found.values())
        print(f"{call}: {counts['went on']} killed runs went on, {counts['has none']} had no checkpoint yet, "
              f"{counts[None]} did not die; {time.monotonic() - start:.0f} s", flush=True)
        self.assertEqual({n: what for n, what in found.items() if what not in ("went on", "has none", None)}, {})
        # The number of calls varies by a few.
        most = len(numbers) * spared if main_call(call) else len(numbers) - 1
        self.assertLessEqual(counts[None], most, f"did not die of {len(numbers)}")
        return counts

    def outcome(self, out, expected):
        again = self.resume(out)
        if re.search("no whole checkpoint|no suite.toml|no such folder", again.stderr):
            is_bare = again.returncode == 6 and not (self.dir / out / "checkpoints/last").exists()
            return "has none" if is_bare else f"exit {again.returncode}, and a checkpoint: {again.stderr}"
        if again.returncode != 0:
            return f"exit {again.returncode}: {again.stderr}"
        return "went on" if (self.content(out), self.lines(out)) == expected else "ended as another run"

    def kill_and_look(self, call, number, command, out, expected):
        code = self.strace(command, "-e", f"inject={call}:signal=KILL:when={number}", "-o", "/dev/null", calls=[call])
        try:
            if code == 0:
                return None
            return self.outcome(out, expected) if code in (-9, 137) else f"strace ended with {code}"
        finally:
            shutil.rmtree(self.dir / out, ignore_errors=True)

    def plan(self, kind, make, call):
        """What make() gives, which is the same in each test: the calls before and in all, and how the run ends. Skips
        the test of a call that is not among them."""
        if kind not in self.plans:
            self.plans[kind] = make()
        before, whole, expected = self.plans[kind]
        if whole[call] == before[call]:
            self.skipTest(f"berth makes no {call} here")
        return before, whole, expected

    def plan_of_a_run(self):
        before, whole = self.calls_of(self.command("whole"), str(self.dir / "whole"))
        return before, whole, (self.content("whole"), self.lines("whole"))

    def kill_a_run(self, call):
        before, whole, expected = self.plan("run", self.plan_of_a_run, call)
        counts = self.at_every(call, before, whole,
                               lambda n: self.kill_and_look(call, n, self.command(f"run-{n}"), f"run-{n}", expected))
        if main_call(call):
            self.assertGreaterEqual(counts["went on"], MAIN[main_call(call)] * sum(counts.values()))

    def cut(self):
        """A run that was killed after step 5, while it wrote a checkpoint."""
        if not (self.dir / "cut").exists():
            _, whole = self.calls_of(self.command("calls-of"), str(self.dir / "calls-of"))
            rename = max(spellings("rename"), key=lambda name: whole[name])
            death = f"inject={rename}:signal=KILL:when={whole[rename] - 5}"
            self.strace(self.command("cut"), "-e", death, "-o", "/dev/null")
            self.assertTrue(list((self.dir / "cut/checkpoints").glob("*.partial")))
        return self.dir / "cut"

    def resuming(self, out):
        """The command that goes on with a copy of it."""
        shutil.copytree(self.cut(), self.dir / out, symlinks=True)
        return [BERTH, "run", "--resume", out]

    def plan_of_a_resume(self):
        self.assertEqual(self.strace(self.command("whole"), "-o", "/dev/null"), 0)
        before, whole = self.calls_of(self.resuming("run-calls"), str(self.dir / "run-calls"))
        return before, whole, (self.content("whole"), self.lines("whole"))

    def kill_a_resume(self, call):
        before, whole, expected = self.plan("resume", self.plan_of_a_resume, call)
        self.cut()  # before threads need it
        self.at_every(call, before, whole,
                      lambda n: self.kill_and_look(call, n, self.resuming(f"run-{n}"), f"run-{n}", expected))

    def test_the_list_has_every_call_that_changes_the_folder(self):
        """What a run does to a file or folder of its own is in CALLS, or changes nothing."""
        harmless = {"access", "close", "dup", "execve", "faccessat2", "fcntl", "flock", "fstat", "getdents64", "ioctl",
                    "lseek", "lstat", "mmap", "munmap", "newfstatat", "pread64", "read", "readlink", "readlinkat", "stat", "statx"}
        command = ["strace", "-f", "-qq", "-y", "-o", "calls", *self.command("whole")]
        subprocess.run(command, cwd=self.dir, stdout=subprocess.DEVNULL, check=True, env=ONE_THREAD)
        lines = [line for line in (self.dir / "calls").read_text(errors="replace").splitlines() if "/whole" in line]
        made = {call[1] for line in lines if (call := re.match(r"\d+ +(\w+)\(", line))}
        self.assertEqual(made - set(CALLS) - harmless, set())
        for call in MAIN:
            self.assertTrue(made & set(spellings(call)), call)

    def interrupt_and_look(self, number, command, out, expected):
        code = self.strace(command, "-e", f"inject=write:signal=TERM:when={number}", "-o", "/dev/null", calls=["write"])
        try:
            if code == 0:
                return None
            if code not in (143, -15):
                return f"strace ended with {code}"
            return self.outcome(out, expected)
        finally:
            shutil.rmtree(self.dir / out, ignore_errors=True)

    def interrupt(self, *settings):
        """A step that has been made, an evaluation, a comparison: whatever it hits is finished or done again."""
        with (self.dir / "suite.toml").open("a") as file:
            file.write('\n[tasks.other]\nplugin = "classification"\ntrain = "train.tsv"\ndev = "dev.tsv"\n')

        def command(out):
            return [*self.command(out), *(a for s in settings for a in ("--set", s))]

        _, whole = self.calls_of(command("whole"), str(self.dir / "whole"))
        expected = self.content("whole"), self.lines("whole")
        counts = self.at_every("write", {"write": 0}, whole,
                               lambda n: self.interrupt_and_look(n, command(f"run-{n}"), f"run-{n}", expected),
                               spared=0.25)  # at the last writes nothing is left to be interrupted
        self.assertGreater(counts["went on"], 20)

    def test_an_interrupt_at_every_write_while_layers_thaw(self):
        self.interrupt("finetuning.gradual_unfreezing=0.8", "mixing.cosine_every=2", "evaluation.patience=1")

    def test_an_interrupt_at_every_write_with_frozen_layers(self):
        self.interrupt("finetuning.method=top", "finetuning.top_layers=1", "mixing.kind=sequential")


def at_every(method, call):
    return lambda self: method(self, call)


for _call in CALLS:
    setattr(Kill, f"test_at_every_{_call}_of_a_run", at_every(Kill.kill_a_run, _call))
    setattr(Kill, f"test_at_every_{_call}_of_a_resume", at_every(Kill.kill_a_resume, _call))


if __name__ == "__main__":
    unittest.main()
