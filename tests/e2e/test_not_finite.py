"""A loss or a gradient that is no number: what the run does about it, what it says, and that nothing of it is saved."""
import array
import math
import os
import shutil
import signal
import subprocess
import time
import unittest

from program import BERTH, ProgramTest, rows
import run_folders
from test_run import without_times

PLUGINS = os.path.join(os.environ["TEST_PLUGINS"], "plugins-flawed")
FLAWED = ("training.epochs=2", "analysis.at_end=false", "tasks.mood.plugin=flawed", "tasks.mood.options.flaw=not_finite")


class NotFinite(ProgramTest):
    def poison(self, *lines, word="poison"):
        """Puts a word into these lines of train.tsv, counted from 1."""
        text = (self.dir / "train.tsv").read_text().splitlines()
        for line in lines:
            text[line - 1] = f"{word} " + text[line - 1]
        (self.dir / "train.tsv").write_text("\n".join(text) + "\n")

    def run_suite(self, out, *settings, code=0):
        arguments = [a for s in (*FLAWED, *settings) for a in ("--set", s)]
        return self.berth("run", "suite.toml", "--out", out, "--plugin-path", PLUGINS, *arguments, code=code)

    def found(self, out):
        return [line for line in self.json_lines(f"{out}/metrics.jsonl") if line["kind"] == "not_finite"]

    def weights(self, out, step):
        folder = f"{out}/checkpoints/step-{step}"
        return {**self.tensors(f"{folder}/encoder/model.safetensors"), **self.tensors(f"{folder}/heads/mood.safetensors")}

    def expect_finite(self, out):
        """All numbers of all checkpoints. Floats are 4 bytes here; integers read as floats may be anything."""
        files = [f for f in (self.dir / out / "checkpoints").glob("step-*/**/*.safetensors")]
        self.assertGreater(len(files), 0)
        for file in files:
            for name, kind, data in self.entries(file):
                if kind == "F32":
                    self.assertTrue(all(map(math.isfinite, array.array("f", data))), f"{file}: {name}")

    def metrics(self, out):
        return [without_times(line) for line in self.json_lines(f"{out}/metrics.jsonl")]

    def expect_resumable(self, whole, *steps):
        """From these checkpoints, the run ends as it did."""
        for step in steps:
            out = f"again-{step}"
            run_folders.cut_after(step, self.dir / whole, self.dir / out)
            output = self.berth("run", "--resume", out, "--plugin-path", PLUGINS).stdout
            self.assertIn(f"going on after step {step}\n", output)
            self.assertEqual(self.content(out), self.content(whole), step)
            self.assertEqual(self.metrics(out), self.metrics(whole), step)

    def test_stop_names_the_examples_and_keeps_what_was_learned(self):
        self.poison(57)
        error = self.run_suite("run", "training.log_every=1", code=5).stderr
        found, = self.found("run")
        lines = [place["line"] for place in found["examples"]]
        self.assertEqual(len(lines), 16)
        self.assertIn(57, lines)
        for text in ("the loss is nan", "train.tsv, lines " + ", ".join(map(str, lines)), "optimizer.rate", "not_finite"):
            self.assertIn(text, error)
        self.assertEqual(found["action"], "stopped")
        self.assertEqual(os.readlink(self.dir / "run/checkpoints/last"), f"step-{found['step'] - 1}")
        self.expect_finite("run")
        # The batch is there again, unless the suite says otherwise from now on.
        self.berth("run", "--resume", "run", "--plugin-path", PLUGINS, code=5)
        error = self.berth("run", "--resume", "run", "--set", "training.steps=3", code=2).stderr
        self.assertIn("take '--set training.steps=3' away", error)
        self.berth("run", "--resume", "run", "--plugin-path", PLUGINS, "--set", "training.not_finite=skip")
        self.assertIn('not_finite = "skip"', (self.dir / "run/suite.toml").read_text())
        self.run_suite("skipped", "training.log_every=1", "training.not_finite=skip")
        last = self.json("skipped/summary.json")["steps"]
        self.assertEqual(self.weights("run", last), self.weights("skipped", last))

    def test_skip_leaves_out_the_update_alone(self):
        for word in ("poison", "sting"):
            with self.subTest(word):
                self.poison(57, word=word)
                out = f"run-{word}"
                output = self.run_suite(out, "training.not_finite=skip", "checkpoints.every=1", "checkpoints.keep=99").stdout
                found = self.found(out)
                self.assertEqual(len(found), 2)  # once an epoch
                self.assertEqual({line["what"] for line in found}, {"loss" if word == "poison" else "gradient"})
                self.assertIn("skipped this step 2 times", output)
                self.assertEqual(self.json(f"{out}/summary.json")["not_finite"], {"skipped this step": 2})
                for line in found:
                    self.assertIn(57, [place["line"] for place in line["examples"]])
                    step = line["step"]
                    self.assertEqual(self.weights(out, step), self.weights(out, step - 1))
                    self.assertNotEqual(self.weights(out, step + 1), self.weights(out, step))
                self.expect_finite(out)
                self.write_rows("train.tsv", rows(200, 1))

    def test_skip_and_resume(self):
        self.poison(57, 100)
        self.run_suite("whole", "training.not_finite=skip", "checkpoints.every=1", "checkpoints.keep=99",
                       "training.accumulate=2", "training.log_every=1")
        steps = [line["step"] for line in self.found("whole")]
        self.assertGreaterEqual(len(steps), 2)
        self.expect_resumable("whole", steps[0] - 1, steps[0], steps[-1])

    def test_skip_among_several_tasks(self):
        self.poison(57)
        self.write_rows("other.tsv", rows(90, 5))
        with (self.dir / "suite.toml").open("a") as file:
            file.write('\n[tasks.other]\nplugin = "classification"\ntrain = "other.tsv"\ndev = "dev.tsv"\n')
        ways = {"all": ["mixing.step=all", "mixing.surgery=true"], "one": ["mixing.cosine_every=1"],
                "lora": ["finetuning.method=lora", "finetuning.average=0.5"]}
        for way, settings in ways.items():
            with self.subTest(way):
                self.run_suite(way, "training.not_finite=skip", "checkpoints.every=3", "checkpoints.keep=99", *settings)
                found = self.found(way)
                self.assertGreaterEqual(len([line for line in found if line["action"] == "skipped this step"]), 2)
                compared = [line for line in found if line["action"] == "compared nothing"]
                self.assertEqual(len(compared) > 0, way == "one")
                self.expect_finite(way)
                self.expect_resumable(way, found[0]["step"] // 3 * 3)
                for folder in self.dir.glob("again-*"):
                    shutil.rmtree(folder)

    def test_back_brings_back_the_last_checkpoint_and_goes_on(self):
        self.poison(57)
        # A step before the bad batch is evaluated; none at the step itself.
        output = self.run_suite("run", "training.not_finite=back", "checkpoints.every=4", "checkpoints.keep=99",
                                "evaluation.every=7").stdout
        found = self.found("run")
        self.assertEqual(len(found), 2)
        kept = sorted(int(folder.name.split("-")[1]) for folder in (self.dir / "run/checkpoints").glob("step-*"))
        self.assertEqual(kept[0], 0)  # there is something to go back to from the first step on
        for line in found:
            self.assertEqual(line["action"], "went back")
            self.assertEqual(line["back_to"], max(step for step in kept if step < line["step"]))
            self.assertIn(f"went back to step {line['back_to']}", output)
        summary = self.json("run/summary.json")
        self.assertEqual(summary["steps"], summary["total_steps"])
        self.expect_finite("run")
        self.expect_resumable("run", *{found[0]["back_to"], found[1]["back_to"], found[0]["back_to"] + 4})

    def test_back_and_resume_in_every_kind_of_suite(self):
        """Everything that training knows is brought back, and is the same in a process that never knew what was lost."""
        self.poison(57)
        self.write_rows("other.tsv", rows(60, 5))
        orders = [f"bring {count} {what} please\t{what} {count}" for count in ("two", "three") for what in ("jars", "lamps")]
        (self.dir / "orders.tsv").write_text("\n".join(["source\ttarget", *orders * 10]) + "\n")
        other = '\n[tasks.other]\nplugin = "classification"\ntrain = "other.tsv"\ndev = "dev.tsv"\n'
        tied = ('\n[tasks.orders]\nplugin = "seq2seq"\ntrain = "orders.tsv"\ndev = "orders.tsv"\n'
                '[tasks.orders.options]\nvocabulary = "wordpiece"\n')
        ways = {"tied": (tied, []), "all": (other, ["mixing.step=all", "mixing.surgery=true"]),
                "average": ("", ["finetuning.average=0.8", "finetuning.mixout=0.2"]),
                "slow": (other, ["finetuning.gradual_unfreezing=0.8", "mixing.cosine_every=1"]),
                "learned": (other, ["mixing.weights=uncertainty", "evaluation.patience=3", "evaluation.select_by=each"]),
                "groups": (other, ["tasks.other.debias.method=group_dro", "tasks.other.debias.by_label=true"])}
        suite = (self.dir / "suite.toml").read_text()
        for way, (tasks, settings) in ways.items():
            with self.subTest(way):
                (self.dir / "suite.toml").write_text(suite + tasks)
                self.run_suite(way, "training.not_finite=back", "checkpoints.every=4", "checkpoints.keep=99",
                               "evaluation.every=7", "training.log_every=1", *settings)
                found = [line for line in self.found(way) if line["action"] == "went back"]
                self.assertGreaterEqual(len(found), 1)
                self.expect_finite(way)
                self.expect_resumable(way, found[0]["back_to"], max(found[0]["back_to"] - 4, 0))
                for folder in self.dir.glob("again-*"):
                    shutil.rmtree(folder)

    def test_back_after_an_interrupt_is_to_the_same_place(self):
        self.poison(100)
        settings = [a for s in (*FLAWED, "training.not_finite=back", "checkpoints.every=5", "training.log_every=1",
                                "evaluation.batch_size=1") for a in ("--set", s)]
        command = ["run", "suite.toml", "--plugin-path", PLUGINS, *settings, "--out"]
        self.berth(*command, "whole")
        interrupted = 0
        for attempt in range(4):
            out = f"run-{attempt}"
            with subprocess.Popen([BERTH, *command, out], cwd=self.dir, stdout=subprocess.PIPE, text=True,
                                  env={**os.environ, "OMP_NUM_THREADS": "1"}) as program:
                while not (metrics := self.dir / out / "metrics.jsonl").exists() or metrics.read_text().count("\n") < attempt + 2:
                    time.sleep(0.001)
                program.send_signal(signal.SIGTERM)
                program.communicate()
            self.assertIn(program.returncode, (0, 143))
            if program.returncode == 143 and (self.dir / out / "checkpoints/last").exists():
                interrupted += 1
                self.berth("run", "--resume", out, "--plugin-path", PLUGINS)
            self.assertEqual(self.content(out), self.content("whole"))
            self.assertEqual(self.metrics(out), self.metrics("whole"))
        self.assertGreater(interrupted, 0)

    def test_back_is_to_the_very_numbers(self):
        """With a checkpoint after each step, what follows is what follows a step that is left out."""
        self.poison(57)
        settings = ("checkpoints.every=1", "checkpoints.keep=99")
        self.run_suite("back", "training.not_finite=back", *settings)
        self.run_suite("skip", "training.not_finite=skip", *settings)
        self.assertEqual([line["step"] for line in self.found("back")], [line["step"] for line in self.found("skip")])
        last = self.json("skip/summary.json")["steps"]
        self.assertEqual(self.weights("back", last), self.weights("skip", last))

    def test_again_and_again_ends_the_run(self):
        self.poison(*range(2, 202))
        for policy in ("skip", "back"):
            error = self.run_suite(policy, f"training.not_finite={policy}", "evaluation.every=1", code=5).stderr
            self.assertIn("as 10 times in a row before", error)
            self.assertEqual(len(self.found(policy)), 11)

    def test_weights_that_are_no_numbers_are_not_saved(self):
        settings = ("optimizer.rate=1e39", "training.clip_norm=0", "schedule.kind=constant", "schedule.warmup=0")
        for policy, every in (("stop", 1), ("skip", 1), ("stop", 0), ("back", 1), ("back", 3)):
            out = f"{policy}-{every}"
            error = self.run_suite(out, *settings, f"training.not_finite={policy}", f"checkpoints.every={every}",
                                   code=5).stderr
            self.assertIn("not finite" if every == 1 else "nan", error)
            if policy == "back":  # what is there has the numbers from before the first step
                self.expect_finite(out)
                self.assertEqual(self.weights(out, 0), self.weights(out, int(os.readlink(
                    self.dir / out / "checkpoints/last").split("-")[1])))
            else:
                self.assertEqual(list((self.dir / out / "checkpoints").glob("*")), [])

    def test_a_run_that_learned_nothing_is_called_so(self):
        settings = [a for s in ("training.epochs=6", "analysis.at_end=false") for a in ("--set", s)]
        output = self.train("nothing", *settings, "--set", "optimizer.rate=1e-12").stdout
        self.assertRegex(output, r"mood: learned nothing: accuracy 0\.\d+ on dev, no better than the majority \(0\.\d+\)")
        self.assertRegex(self.json("nothing/summary.json")["tasks"]["mood"]["failure"], "no better than the majority")
        output = self.train("diverged", *settings, "--set", "optimizer.rate=5", "--set", "training.clip_norm=0", "--set",
                            "schedule.kind=constant", "--set", "schedule.warmup=0.2").stdout
        self.assertRegex(output, r"mood: diverged: its loss began at \S+ and ended at \S+; lower the rate")
        course = self.json("diverged/summary.json")["tasks"]["mood"]["diverged"]
        self.assertGreater(course["last_loss"], 3 * course["first_loss"])
        good = self.berth("run", "suite.toml", "--out", "good")
        self.assertNotRegex(good.stdout, "learned nothing|diverged")
        self.assertNotIn("failure", self.json("good/summary.json")["tasks"]["mood"])


if __name__ == "__main__":
    unittest.main()
