"""berth run --resume: a run that was stopped anywhere ends as one that never stopped."""
import json
import os
import random
import signal
import subprocess
import time
import unittest

from program import BAD, BERTH, GOOD, PLACES, ProgramTest, rows
import run_folders
from test_run import without_times

MIXED = ("training.epochs=2", "training.batch_size=20", "training.accumulate=2", "training.log_every=3", "mixing.cosine_every=2",
         "analysis.at_end=false")


class ResumeTest(ProgramTest):
    def mixed(self, out, *settings):
        self.train(out, *(a for s in (*MIXED, "checkpoints.every=1", "checkpoints.keep=99", *settings) for a in ("--set", s)))

    def last(self, out):
        """Hashes of all that was learned, and the steps that it took."""
        return self.content(out), os.readlink(self.dir / out / "checkpoints/last")

    def metrics(self, out):
        return [without_times(line) for line in self.json_lines(f"{out}/metrics.jsonl")]

    def summary(self, out):
        def plain(value):
            if isinstance(value, dict):
                return {k: plain(v) for k, v in value.items() if "second" not in k and k != "peak_resident_bytes"}
            return value
        return plain(self.json(f"{out}/summary.json"))

    def cut_after(self, step, whole, out):
        """The folder as it was when the program was killed a moment after this checkpoint: what it told since is there."""
        run_folders.cut_after(step, self.dir / whole, self.dir / out)

    def expect_same(self, whole, out):
        self.assertEqual(self.last(out), self.last(whole))
        self.assertEqual(self.metrics(out), self.metrics(whole))
        self.assertEqual(self.summary(out), self.summary(whole))
        for file in (self.dir / whole / "predictions").iterdir():
            self.assertEqual((self.dir / out / "predictions" / file.name).read_bytes(), file.read_bytes())

    def resumes(self, *settings, every=1):
        self.mixed("whole", *settings)
        steps = self.json("whole/summary.json")["steps"]
        self.assertGreaterEqual(steps, 10)
        for step in range(steps, 0, -every):
            with self.subTest(step=step):
                self.cut_after(step, "whole", f"run-{step}")
                self.assertIn(f"going on after step {step}", self.berth("run", "--resume", f"run-{step}").stdout)
                self.expect_same("whole", f"run-{step}")


class Resume(ResumeTest):
    def setUp(self):
        super().setUp()
        self.write_rows("other.tsv", rows(90, 5))
        with (self.dir / "suite.toml").open("a") as file:
            file.write('\n[tasks.other]\nplugin = "classification"\ntrain = "other.tsv"\ndev = "dev.tsv"\n')

    def test_from_every_step_of_a_mix_with_accumulation(self):
        self.resumes("mixing.weights=uncertainty", "evaluation.before=true")

    def test_where_each_step_has_all_tasks(self):
        self.resumes("mixing.surgery=true", "optimizer.decay_to=pretrained", "evaluation.select_by=each", every=4)

    def test_where_tasks_are_trained_one_after_another(self):
        self.resumes("mixing.kind=sequential", every=5)

    def test_with_every_way_of_fine_tuning(self):
        self.suite()
        ways = {"lora": ["finetuning.method=lora"], "adapters": ["finetuning.method=adapters"],
                "mean": ["finetuning.average=0.6", "finetuning.mixout=0.3"],
                "slow": ["finetuning.gradual_unfreezing=0.6", "finetuning.reinitialize_layers=1"],
                "smooth": ["finetuning.smart=1", "finetuning.r_drop=1", "finetuning.adversarial=0.1"],
                "frozen": ["finetuning.method=top", "finetuning.top_layers=1"],
                "gate": ["tasks.mood.debias.method=learned_mixin", "tasks.mood.debias.bias=embeddings"],
                "groups": ["tasks.mood.debias.method=group_dro", "tasks.mood.debias.by_label=true"]}
        for way, settings in ways.items():
            with self.subTest(way=way):
                self.mixed(way, *settings, "mixing.cosine_every=0")
                for step in (4, 7):
                    self.cut_after(step, way, f"{way}-{step}")
                    self.berth("run", "--resume", f"{way}-{step}")
                    self.expect_same(way, f"{way}-{step}")

    def test_an_interrupted_run_goes_on(self):
        self.mixed("whole", "checkpoints.every=0")
        arguments = [a for s in (*MIXED, "checkpoints.every=0", "checkpoints.keep=99") for a in ("--set", s)]
        for attempt, wait in enumerate((0, 0.05, 0.2)):
            out = f"run-{attempt}"
            with subprocess.Popen([BERTH, "run", "suite.toml", "--out", out, *arguments], cwd=self.dir,
                                  stdout=subprocess.PIPE, text=True, env={**os.environ, "OMP_NUM_THREADS": "1"}) as program:
                while "step 1/" not in (line := program.stdout.readline()) and line:
                    pass
                time.sleep(wait)
                program.send_signal(signal.SIGTERM)
                output = program.stdout.read()
            if program.returncode != 0:
                self.assertEqual(program.returncode, 143)
                self.assertIn(f"`berth run --resume {self.dir / out}` goes on", output)
                self.berth("run", "--resume", out)
            self.expect_same("whole", out)

    def test_a_run_that_goes_on_is_not_interrupted_any_more(self):
        def lines_until(program, text):
            while text not in (line := program.stdout.readline()):
                self.assertTrue(line, f"the run ended without '{text}'")

        def start(*arguments):
            return subprocess.Popen([BERTH, "run", *arguments], cwd=self.dir, stdout=subprocess.PIPE, text=True,
                                    env={**os.environ, "OMP_NUM_THREADS": "1"})

        summary = self.dir / "run/summary.json"
        for attempt, arguments in enumerate((("suite.toml", "--out", "run", "--set", "training.epochs=100000"),
                                             ("--resume", "run"))):
            with self.subTest(attempt=attempt), start(*arguments) as program:
                if attempt == 1:
                    lines_until(program, "going on after step")
                lines_until(program, "mood loss")
                self.assertFalse(summary.exists())
                program.send_signal(signal.SIGTERM)
                program.stdout.read()
            self.assertEqual(program.returncode, 143)
            self.assertEqual(self.json("run/summary.json")["ending"], "interrupted")

    def test_what_is_broken_is_passed_over(self):
        self.mixed("whole")
        steps = self.json("whole/summary.json")["steps"]
        self.cut_after(steps, "whole", "run")
        broken = self.dir / f"run/checkpoints/step-{steps}/training.safetensors"
        data = bytearray(broken.read_bytes())
        data[-1] ^= 1
        broken.write_bytes(data)
        (self.dir / f"run/checkpoints/step-{steps - 1}/manifest.json").unlink()
        output = self.berth("run", "--resume", "run").stdout
        self.assertRegex(output, rf"step-{steps} is passed over: .*training.safetensors: is not what was written")
        self.assertRegex(output, rf"step-{steps - 1} is passed over: .*has no manifest.json")
        self.assertIn(f"going on after step {steps - 2}", output)
        self.expect_same("whole", "run")
        self.fails(3, "evaluate", self.broken_model(), says=["model.safetensors", "is not what was written"])

    def broken_model(self):
        file = self.dir / "run/checkpoints/best/encoder/model.safetensors"
        data = bytearray(file.read_bytes())
        data[-1] ^= 1
        file.write_bytes(data)
        return "run"

    def test_what_can_not_go_on_is_refused(self):
        self.mixed("whole")
        self.assertIn("has come to its end already", self.berth("run", "--resume", "whole").stdout)
        self.fails(2, "run", "suite.toml", "--resume", "whole", says=["--resume", "'suite'"])
        self.fails(2, "run", "--resume", "whole", "--set", "training.seed=1", says=["--resume", "'--set training.seed=1'"])
        self.fails(6, "run", "--resume", "nowhere", says="no such folder")
        self.cut_after(3, "whole", "edited")
        suite = self.dir / "edited/suite.toml"
        suite.write_text(suite.read_text().replace("freeze = []", 'freeze = ["embeddings"]'))
        manifest = (self.dir / "edited/checkpoints/step-3/manifest.json").read_bytes()
        self.fails(3, "run", "--resume", "edited", says=["optimizer/", "this is not the state of a run of this suite"])
        self.assertEqual((self.dir / "edited/checkpoints/step-3/manifest.json").read_bytes(), manifest)
        self.cut_after(3, "whole", "run")
        lines = (self.dir / "train.tsv").read_text().splitlines(keepends=True)
        (self.dir / "train.tsv").write_text("".join([lines[0], *lines[:0:-1]]))
        self.fails(3, "run", "--resume", "run", says=["the training sets are not those"])
        self.cut_after(0, "whole", "none")
        self.fails(6, "run", "--resume", "none", says=["no whole checkpoint"])


class FourTasksTest(ResumeTest):
    """The suite of all four tasks."""
    def setUp(self):
        super().setUp()
        rng = random.Random(4)

        def notes(count):
            for _ in range(count):
                who, place = rng.choice(["anna", "olaf", "mira"]), rng.choice(PLACES)
                text = f"please tell {who} that it is {place}"
                yield {"text": text, "entities": [{"start": 12, "end": 12 + len(who), "label": "person"},
                                                  {"start": len(text) - len(place), "end": len(text), "label": "place"}]}

        def questions(count):
            for i in range(count):
                answer, text = rng.choice(PLACES), rng.choice(GOOD)
                context = f"{text} . it is {answer} . {rng.choice(BAD)}"
                answers = [{"text": answer, "answer_start": context.index(f"is {answer}") + 3}]
                yield {"context": context, "qas": [{"id": f"{i}", "question": "where is it ?", "answers": answers}]}

        def orders(count):
            return [(f"bring {n} {what} please", f"{what} {n}")
                    for n, what in ((rng.choice(["two", "three"]), rng.choice(["jars", "lamps"])) for _ in range(count))]

        for name, count in (("train", 40), ("dev", 12)):
            (self.dir / f"notes.{name}.jsonl").write_text("".join(json.dumps(note) + "\n" for note in notes(count)))
            data = {"version": "1", "data": [{"title": "t", "paragraphs": list(questions(count))}]}
            (self.dir / f"questions.{name}.json").write_text(json.dumps(data))
            (self.dir / f"orders.{name}.tsv").write_text(
                "source\ttarget\n" + "".join(f"{source}\t{target}\n" for source, target in orders(count)))
        self.write_rows("train.tsv", rows(40, 1))
        self.write_rows("dev.tsv", rows(12, 2))
        with (self.dir / "suite.toml").open("a") as file:
            for task, plugin, ending in (("notes", "ner", "jsonl"), ("questions", "qa", "json"), ("orders", "seq2seq", "tsv")):
                file.write(f'\n[tasks.{task}]\nplugin = "{plugin}"\ntrain = "{task}.train.{ending}"\n'
                           f'dev = "{task}.dev.{ending}"\n')


class FourTasks(FourTasksTest):
    def test_from_every_step(self):
        """Two epochs, two micro-batches a step: each step of it is one to go on from."""
        self.resumes("training.batch_size=10", "evaluation.every=7")
