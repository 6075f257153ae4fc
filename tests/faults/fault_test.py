"""What the rows of the fault table share: their description, faults of system calls by strace, and what must hold after."""
import contextlib
import hashlib
import json
import os
import pathlib
import re
import shutil
import signal
import subprocess
import threading
import time
import unittest

from program import BERTH, ProgramTest
from test_run import without_times

PLUGINS = pathlib.Path(os.environ["TEST_PLUGINS"])
SETTINGS = ("training.steps=6", "evaluation.every=3", "checkpoints.every=2", "training.log_every=1", "analysis.at_end=false")
ROW_SECONDS = 60


def row(fault, injected, must):
    """Makes a test method a row of the table."""
    def mark(method):
        method.row = (fault, injected, must)
        return method
    return mark


def needs(reason, is_there):
    return unittest.skipUnless(is_there, reason)


def works(*command):
    with contextlib.suppress(OSError):
        return subprocess.run(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL).returncode == 0
    return False


# What the rows call by one name. Which call it is, and which of these there are, depends on the processor, on the C
# library and on the C++ library.
SPELLINGS = {
    "copy": ("sendfile", "copy_file_range"),
    "fstat": ("newfstatat", "fstat", "statx"),
    "mkdir": ("mkdir", "mkdirat"),
    "rename": ("rename", "renameat", "renameat2"),
    "symlink": ("symlink", "symlinkat"),
    "unlink": ("unlink", "unlinkat"),
}


def spellings(call):
    return SPELLINGS.get(call, (call,))


def listed(*calls):
    """As strace takes them: it passes over those with a question mark that are unknown here."""
    return ",".join(f"?{name}" for call in calls for name in spellings(call))


needs_strace = needs("strace is not there, or may not trace here", works("strace", "-qq", "-o", "/dev/null", "true"))


class FaultTest(ProgramTest):
    """`self.measured` is told in the table, beside whether the row holds."""
    lock = threading.RLock()
    traces, wholes = {}, {}

    def setUp(self):
        super().setUp()
        self.measured = ""

    # --- running ---

    def command(self, *settings, out="run"):
        return [BERTH, "run", "suite.toml", "--out", out, *(a for s in (*SETTINGS, *settings) for a in ("--set", s))]

    def start(self, command, environment=None, **keywords):
        streams = {"stdin": subprocess.DEVNULL, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
        return subprocess.Popen(list(map(str, command)), cwd=self.dir, text=True, errors="replace", start_new_session=True,
                                env={**os.environ, "OMP_NUM_THREADS": "1", **(environment or {})}, **{**streams, **keywords})

    def finish(self, program):
        try:
            output, error = program.communicate(timeout=ROW_SECONDS)
        except subprocess.TimeoutExpired:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(program.pid, signal.SIGKILL)
            program.communicate()
            self.fail(f"still runs after {ROW_SECONDS} s: {program.args}")
        code = program.returncode
        self.measured += f"{', ' if self.measured else ''}exit {code}" if code >= 0 else f"{signal.Signals(-code).name}"
        return subprocess.CompletedProcess(program.args, code, output or "", error or "")

    def call(self, *command, **keywords):
        return self.finish(self.start(command, **keywords))

    def shell(self, script, *command, **keywords):
        """script: Bash that runs the command as "$@"."""
        return self.call("bash", "-c", script, "bash", *command, **keywords)

    def expect(self, result, code, *says):
        """The exit code, and one error that says all of this."""
        self.assertEqual(result.returncode, code, result.stdout + result.stderr)
        if code in (2, 3, 4, 5, 6):
            errors = re.findall(r"(?m)^berth: (?!warning)", result.stderr)
            self.assertEqual(len(errors), 1, f"there is to be one error:\n{result.stderr}")
        for text in says:
            self.assertRegex(result.stderr, text)
        self.assertNotRegex(result.stderr, "unexpected error|terminate called|std::|basic_string|Exception raised from")
        return result

    def inputs(self):
        """What a run depends on, beside its settings: suite and data."""
        data = [(file.name, hashlib.sha256(file.read_bytes()).hexdigest()) for file in sorted(self.dir.glob("*.tsv"))]
        return (self.dir / "suite.toml").read_text(), tuple(data)

    # --- system calls ---

    def trace(self, command):
        """The system calls (name, rest of the line) of an undisturbed run, which is removed again. With one thread they are
        the same at each run."""
        key = (*command[1:], self.inputs())
        with self.lock:
            if key not in self.traces:
                log = self.dir / "calls"
                subprocess.run(["strace", "-f", "-qq", "-y", "-o", log, *command], cwd=self.dir, check=True,
                               stdout=subprocess.DEVNULL, env={**os.environ, "OMP_NUM_THREADS": "1"})
                calls = [re.match(r"(\d+) +(\w+)(\(.*)", line) for line in log.read_text(errors="replace").splitlines()]
                self.traces[key] = [(c[2], c[3]) for c in calls if c and c[1] == calls[0][1]]
                shutil.rmtree(self.dir / "run", ignore_errors=True)
            return self.traces[key]

    def number(self, call, pattern, nth=1, of=None, command=None):
        """(name, number): how the call is spelled here, and how many calls of that name, or of `of`, there have been at
        the nth one whose line matches the pattern. strace counts each name by itself."""
        calls = self.trace(command or self.command())
        for name in spellings(call):
            places = [i for i, (made, rest) in enumerate(calls) if made == name and re.search(pattern, rest)]
            if len(places) >= nth:
                return name, sum(made == (of or name) for made, _ in calls[:places[nth - 1] + 1])
        self.fail(f"no {' or '.join(spellings(call))} of {pattern}")

    def inject(self, call, what, pattern, nth=1, calls=1, command=None):
        """Runs the command with a fault in so many calls from the one that matches on."""
        name, first = self.number(call, pattern, nth, command=command)
        return self.call("strace", "-f", "-qq", "-o", "/dev/null", "-e", f"trace={name}", "-e",
                         f"inject={name}:{what}:when={first}..{first + calls - 1}", *(command or self.command()))

    def without_memory(self, call, pattern, nth=1, command=None):
        """Runs the command; from the call on that matches, the system has no more memory for it."""
        maps, breaks = (self.number(call, pattern, nth, of, command)[1] + 1 for of in ("mmap", "brk"))
        return self.call("strace", "-f", "-qq", "-o", "/dev/null", "-e", "trace=mmap,brk",
                         "-e", f"inject=mmap:error=ENOMEM:when={maps}+", "-e", f"inject=brk:retval=0:when={breaks}+",
                         *(command or self.command()))

    def while_stopped(self, do, call, pattern, nth=1, command=None):
        """Runs the command; when it has made the call that matches, it stands still while do() works."""
        name, number = self.number(call, pattern, nth, command=command)
        log = self.dir / "log"
        log.unlink(missing_ok=True)
        program = self.start(["strace", "-f", "-qq", "-o", log, "-e", f"trace={name}", "-e",
                              f"inject={name}:signal=STOP:when={number}", *(command or self.command())])
        stopped = None
        for _ in range(100 * ROW_SECONDS):
            stopped = re.search(r"(?m)^(\d+) +--- stopped by SIGSTOP", log.read_text(errors="replace") if log.exists() else "")
            if stopped or program.poll() is not None:
                break
            time.sleep(0.01)
        if stopped:
            try:
                do()
            finally:
                os.kill(int(stopped[1]), signal.SIGCONT)
        result = self.finish(program)
        self.assertTrue(stopped, f"it did not stop\n{result.stdout}\n{result.stderr}")
        return result

    # --- what must hold after ---

    def undisturbed(self, *settings):
        """(the hash of all that was learned, the lines of metrics.jsonl) of the run that nothing happens to."""
        key = (settings, self.inputs())
        with self.lock:
            if key not in self.wholes:
                self.train("undisturbed", *(a for s in (*SETTINGS, *settings) for a in ("--set", s)))
                self.wholes[key] = self.learned("undisturbed")
            return self.wholes[key]

    def learned(self, out="run"):
        return (self.json(f"{out}/checkpoints/last/manifest.json")["content"],
                [without_times(line) for line in self.json_lines(f"{out}/metrics.jsonl")])

    def expect_whole(self, step, out="run"):
        """`last` is the checkpoint after this step, and each of its files is what its manifest says."""
        last = self.dir / out / "checkpoints/last"
        self.assertEqual(os.readlink(last), f"step-{step}")
        for name, entry in json.loads((last / "manifest.json").read_text())["files"].items():
            self.assertEqual(hashlib.sha256((last / name).read_bytes()).hexdigest(), entry["sha256"], name)

    def expect_nothing(self, out="run"):
        self.assertFalse((self.dir / out / "checkpoints/last").is_symlink(), "there is no checkpoint to be named")

    def expect_resumed(self, *settings, out="run", says=""):
        """The run goes on, and ends as the undisturbed one."""
        result = self.call(BERTH, "run", "--resume", out)
        self.expect(result, 0)
        if says:
            self.assertRegex(result.stdout, says)
        self.assertEqual(self.learned(out), self.undisturbed(*settings))
        self.measured += ", equal"
