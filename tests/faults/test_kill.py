"""kill -9 at every system call by which checkpoints are written, and then: berth run --resume ends as a run that nothing
happened to. Needs strace."""
import collections
import json
import os
import re
import shutil
import subprocess
import unittest

from program import BERTH, ProgramTest
from test_run import without_times

# What changes files and folders. `write` also writes the report; that is as good a moment to die.
CALLS = ("openat", "write", "fsync", "rename", "renameat2", "mkdir", "unlink", "unlinkat", "rmdir", "symlink", "ftruncate")
SETTINGS = ("training.steps=6", "evaluation.every=3", "checkpoints.every=2", "training.log_every=1", "analysis.at_end=false")


class Kill(ProgramTest):
    def command(self, out):
        return [BERTH, "run", "suite.toml", "--out", out, *(a for s in SETTINGS for a in ("--set", s))]

    def strace(self, arguments, *options):
        """The exit status, or minus the signal that ended the program."""
        result = subprocess.run(["strace", "-f", "-qq", "-e", f"trace={','.join(CALLS)}", *options, *arguments], cwd=self.dir,
                                stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True,
                                env={**os.environ, "OMP_NUM_THREADS": "1"})
        return result.returncode

    def resume(self):
        return subprocess.run([BERTH, "run", "--resume", "run"], cwd=self.dir, capture_output=True, text=True,
                              env={**os.environ, "OMP_NUM_THREADS": "1"})

    def content(self, out):
        return json.loads((self.dir / out / "checkpoints/last/manifest.json").read_text())["content"]

    def calls_of_an_undisturbed_run(self):
        """How often each call was made before the run's folder was, and in all."""
        self.assertEqual(self.strace(self.command("whole"), "-o", "calls"), 0)
        before, whole, has_begun = collections.Counter(), collections.Counter(), False
        for line in (self.dir / "calls").read_text().splitlines():
            if not (call := re.match(r"(?:\d+ +)?(\w+)\(", line)):
                continue
            has_begun |= str(self.dir / "whole") in line
            whole[call[1]] += 1
            before[call[1]] += not has_begun
        return before, whole

    def test_at_every_call_of_a_save(self):
        before, whole = self.calls_of_an_undisturbed_run()
        expected = self.content("whole")
        killed = resumed = 0
        for call in CALLS:
            for number in range(before[call] + 1, whole[call] + 1):
                with self.subTest(call=call, number=number):
                    shutil.rmtree(self.dir / "run", ignore_errors=True)
                    code = self.strace(self.command("run"), "-e", f"inject={call}:signal=KILL:when={number}", "-o", "/dev/null")
                    if code == 0:  # the number of calls varies by a few
                        continue
                    killed += 1
                    self.assertIn(code, (-9, 137))
                    again = self.resume()
                    if re.search("no whole checkpoint|no suite.toml|no such folder", again.stderr):
                        self.assertEqual(again.returncode, 6)
                        self.assertFalse((self.dir / "run/checkpoints/last").exists())
                        continue
                    self.assertEqual(again.returncode, 0, again.stderr)
                    resumed += 1
                    self.assertEqual(self.content("run"), expected)
        print(f"{killed} runs were killed; {resumed} went on from a checkpoint, the others had none yet")
        self.assertGreater(resumed, 100)

    def test_an_interrupt_at_every_call_of_write(self):
        """A step that has been made, an evaluation, a comparison: whatever it hits is finished or done again."""
        ways = {"slow": ["finetuning.gradual_unfreezing=0.8", "mixing.cosine_every=2", "evaluation.patience=1"],
                "frozen": ["finetuning.method=top", "finetuning.top_layers=1", "mixing.kind=sequential"]}
        with (self.dir / "suite.toml").open("a") as file:
            file.write('\n[tasks.other]\nplugin = "classification"\ntrain = "train.tsv"\ndev = "dev.tsv"\n')
        for way, settings in ways.items():
            command = [BERTH, "run", "suite.toml", *(a for s in (*SETTINGS, *settings) for a in ("--set", s)), "--out"]
            self.assertEqual(self.strace([*command, way], "-o", "calls"), 0)
            calls = sum(" write(" in line or line.startswith("write(") for line in (self.dir / "calls").read_text().splitlines())
            interrupted = 0
            for number in range(1, calls + 1):
                with self.subTest(way=way, number=number):
                    shutil.rmtree(self.dir / "run", ignore_errors=True)
                    code = self.strace([*command, "run"], "-e", f"inject=write:signal=TERM:when={number}", "-o", "/dev/null")
                    self.assertIn(code, (0, 143, -15))
                    if code == 0 or not (self.dir / "run/checkpoints/last").exists():
                        continue
                    interrupted += 1
                    again = self.resume()
                    self.assertEqual(again.returncode, 0, again.stderr)
                    self.assertEqual(self.content("run"), self.content(way))
                    self.assertEqual(*([without_times(json.loads(line)) for line in
                                        (self.dir / out / "metrics.jsonl").read_text().splitlines()] for out in ("run", way)))
            self.assertGreater(interrupted, 20)


if __name__ == "__main__":
    unittest.main()
