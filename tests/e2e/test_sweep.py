"""Many runs by one command: sweep, matrix, and compare over resamples."""
import csv
import json
import os
import signal
import subprocess
import xml.etree.ElementTree as ElementTree

from program import BAD, BERTH, GOOD, ProgramTest, rows

SVG = "{http://www.w3.org/2000/svg}"


class ManyRuns(ProgramTest):
    def svg_texts(self, path):
        root = ElementTree.parse(self.dir / path).getroot()
        self.assertEqual(root.tag, SVG + "svg")
        return [e.text for e in root.iter() if e.tag in (SVG + "text", SVG + "title")]

    def sweep_suite(self, section, **keywords):
        self.suite(text=f"[sweep]\n{section}\n", **keywords)

    def trials(self, folder="sweeps/suite"):
        return {path.name: path for path in (self.dir / folder / "trials").iterdir() if path.is_dir()}

    def start(self, *arguments):
        """The program in the background, read up to its first ended run."""
        process = subprocess.Popen([BERTH, *arguments], cwd=self.dir, stdout=subprocess.PIPE, text=True,
                                   env={**os.environ, "OMP_NUM_THREADS": "1"})
        self.addCleanup(process.stdout.close)
        self.addCleanup(process.wait)
        self.addCleanup(process.kill)
        self.assertIn("[1/", process.stdout.readline())
        return process


class Sweep(ManyRuns):
    def test_a_grid_with_runs_that_fail(self):
        self.sweep_suite('seeds = [1, 2]\n[sweep.over]\n"optimizer.rate" = [3e-3, 1e-12, 1e30]')
        output = self.berth("sweep", "suite.toml", "--set", "training.epochs=4").stdout
        report = self.json("sweeps/suite/sweep.json")
        good, *others = report["rows"]
        self.assertEqual(good["settings"], {"optimizer.rate": "0.003"})
        self.assertEqual((good["failed"], len(good["runs"])), (0, 2))
        self.assertLess(good["interval"][0], good["mean"])
        named = {row["settings"]["optimizer.rate"]: row for row in others}
        for run in named["1e-12"]["runs"]:
            self.assertRegex(run["failure"], "mood: no better than (the majority|before training)")
        for run in named["1e+30"]["runs"]:
            self.assertRegex(run["failure"], "exit code 5: step .* the loss is")
            self.assertIsNone(run["score"])
        self.assertIn("failed runs\n", output)
        self.assertRegex(output, r"optimizer.rate=1e-12 seed 1: mood: no better than")
        self.assertEqual([one["setting"] for one in report["importance"]], ["optimizer.rate", "training.seed"])
        self.assertGreater(report["importance"][0]["eta_squared"], 0.5)
        lines = list(csv.DictReader((self.dir / "sweeps/suite/runs.csv").read_text().splitlines()))
        self.assertEqual(len(lines), 6)
        texts = self.svg_texts("sweeps/suite/sweep.svg")
        self.assertTrue(any(f"{good['mean']:.4g}" in text for text in texts if text), texts)
        # The best run's checkpoints alone are kept, and are as good as any run's.
        kept = [name for name, path in self.trials().items() if (path / "checkpoints").exists()]
        self.assertIn(report["best"].removeprefix("trials/"), kept)
        self.assertEqual(sum((path / "summary.json").exists() and (path / "checkpoints").exists() and
                             json.loads((path / "summary.json").read_text())["ending"] == "completed"
                             for path in self.trials().values()), 1)
        answer = self.berth("predict", f"sweeps/suite/{report['best']}", "--task", "mood",
                            stdin='{"text": "we loved it here"}\n').stdout
        self.assertEqual(json.loads(answer)["prediction"], "good")

    def test_it_goes_on_where_it_was_stopped(self):
        self.sweep_suite('seeds = [1, 2, 3]\nkeep_checkpoints = "all"')
        command = ("sweep", "suite.toml", "--set", "training.epochs=4")
        process = self.start(*command)
        process.send_signal(signal.SIGINT)
        self.assertIn("goes on", process.stdout.read())
        self.assertEqual(process.wait(), 130)
        process = self.start(*command)
        process.kill()  # and its runs with it
        process.wait()
        ended = {name: (path / "summary.json").stat().st_mtime_ns for name, path in self.trials().items()
                 if (path / "summary.json").exists()}
        self.assertIn(len(ended), (1, 2))
        output = self.berth(*command, "--jobs", "2").stdout
        self.assertEqual(output.count("there already"), len(ended))
        self.assertEqual(len(self.json("sweeps/suite/sweep.json")["rows"][0]["runs"]), 3)
        for name, time in ended.items():
            self.assertEqual((self.trials()[name] / "summary.json").stat().st_mtime_ns, time)
        # Each run is the one that `berth run` makes of the same settings.
        self.train("alone", "--set", "training.epochs=4", "--set", "training.seed=2", "--set", "training.threads=1")
        scores = {run["seed"]: run["score"] for run in self.json("sweeps/suite/sweep.json")["rows"][0]["runs"]}
        self.assertEqual(scores[2], self.json("alone/summary.json")["tasks"]["mood"]["sets"]["dev"]["accuracy"])

    def test_halving_trains_the_better_ones_longer(self):
        self.sweep_suite('search = "halving"\ntrials = 3\nrungs = 2\n'
                         '[sweep.over]\n"optimizer.rate" = { from = 1e-9, to = 1e-2, scale = "log" }')
        output = self.berth("sweep", "suite.toml", "--set", "training.epochs=3", "--jobs", "2").stdout
        report = self.json("sweeps/suite/sweep.json")
        self.assertEqual([row["training_share"] for row in report["rows"]][:2], [1, 1 / 3])
        self.assertEqual(len(report["rows"]), 3)
        self.assertIn("share of training", output)
        steps = [self.json(f"sweeps/suite/{run['folder']}/summary.json")["total_steps"]
                 for row in report["rows"] for run in row["runs"]]
        self.assertEqual(steps, [39, 13, 13])
        self.svg_texts("sweeps/suite/sweep.svg")

    def test_wrong_sweeps_are_refused_before_anything_is_trained(self):
        self.fails(2, "sweep", "suite.toml", says="[sweep.over]")
        self.sweep_suite('[sweep.over]\n"optimizer.rat" = [1]')
        self.fails(2, "run", "suite.toml", says=["suite.toml:", "'rate'"])
        self.sweep_suite('seeds = [1]\nscore = "moood"')
        self.fails(2, "sweep", "suite.toml", says=["suite.toml:", "'mood'"])
        self.sweep_suite('seeds = [1]', task="weight = 1")
        self.fails(2, "sweep", "suite.toml", says="dev set")
        self.sweep_suite('[sweep.over]\n"tasks.mood.options.dropuot" = [0.1]')
        self.fails(2, "sweep", "suite.toml", says="'dropout'")
        self.sweep_suite('seeds = [1]')
        self.fails(6, "sweep", "suite.toml", "--set", "tasks.mood.train=trian.tsv", says="trian.tsv")
        self.fails(2, "sweep", "suite.toml", "--jobs", "0", says="--jobs")
        self.assertFalse((self.dir / "sweeps").exists())


class Matrix(ManyRuns):
    def setUp(self):
        super().setUp()
        # Domain b says the opposite of a with the same words.
        for name, count, seed in (("train", 200, 3), ("dev", 60, 4)):
            self.write_rows(f"{name}-b.tsv", [(text, {"good": "bad", "bad": "good"}[label])
                                              for text, label in rows(count, seed)])
        self.suite(task='dev = "dev.tsv"\n[tasks.turned]\nplugin = "classification"\n'
                        'train = "train-b.tsv"\ndev = "dev-b.tsv"')

    def test_domains_are_scored_on_each_other(self):
        output = self.berth("matrix", "suite.toml", "--seeds", "1,2", "--resamples", "200").stdout
        matrix = self.json("matrices/suite/matrix.json")
        cells = {(c["trained_on"], c["tested_on"]): c for c in matrix["cells"]}
        self.assertEqual(matrix["domains"], ["mood", "turned"])
        self.assertEqual(matrix["score"], "accuracy")
        for (trained, tested), cell in cells.items():
            self.assertEqual(len(cell["scores"]), 2)
            (self.assertGreater if trained == tested else self.assertLess)(cell["mean"], 0.5)
            self.assertLessEqual(cell["interval_over_examples"][0], cell["mean"])
            self.assertGreaterEqual(cell["interval_over_examples"][1], cell["mean"])
        self.assertIn("95% over seeds", output)
        texts = self.svg_texts("matrices/suite/matrix.svg")
        for cell in cells.values():
            self.assertIn(f"{cell['mean']:.4f}", texts)
        # What a run scores at home is what it says itself.
        own = [json.loads((path / "summary.json").read_text())["tasks"] for path in
               (self.dir / "matrices/suite/trials").iterdir() if path.is_dir()]
        home = sorted(tasks["mood"]["sets"]["dev"]["accuracy"] for tasks in own if "mood" in tasks)
        self.assertEqual(sorted(cells["mood", "mood"]["scores"]), home)
        again = self.berth("matrix", "suite.toml", "--seeds", "1,2", "--resamples", "200").stdout
        self.assertEqual(again.count("there already"), 4)
        self.assertEqual(self.json("matrices/suite/matrix.json"), matrix)

    def test_what_can_not_be_tested_shows_before_training(self):
        self.write_rows("dev-b.tsv", [("a fine day", "splendid")])
        error = self.fails(3, "matrix", "suite.toml", says=["tasks.mood", "tasks.turned", "splendid", "label_map"])
        self.assertIn("dev-b.tsv:2", error)
        self.fails(2, "matrix", "suite.toml", "--on", "dve", says="'dev'")
        self.fails(2, "matrix", "suite.toml", "--seeds", "1,x", says="--seeds")
        self.suite()
        self.fails(2, "matrix", "suite.toml", says="two tasks")
        self.assertFalse((self.dir / "matrices").exists())


class Resamples(ManyRuns):
    def test_two_runs_differ_by_more_than_chance_or_not(self):
        self.train("good")
        self.train("same", "--set", "checkpoints.keep=2")
        self.train("untrained", "--set", "optimizer.rate=1e-12")
        output = self.berth("compare", "good", "same", "--resamples", "200").stdout
        self.assertRegex(output, r"difference +\+0.0000")
        self.assertIn("p 1.0000 by the paired bootstrap, 1.0000 by approximate randomisation", output)
        score = self.json("good/summary.json")["tasks"]["mood"]["sets"]["dev"]["accuracy"]
        less = self.json("untrained/summary.json")["tasks"]["mood"]["sets"]["dev"]["accuracy"]
        output = self.berth("compare", "good", "untrained", "--resamples", "200").stdout
        self.assertRegex(output, rf"good +{score:.4f}")
        self.assertRegex(output, rf"difference +\+{score - less:.4f}")
        self.assertIn("p 0.0050 by the paired bootstrap, 0.0050 by approximate randomisation", output)

    def test_runs_on_other_examples_are_refused(self):
        self.train("a", "--set", "training.steps=1")
        self.write_rows("other.tsv", [(GOOD[0], "good"), (BAD[0], "bad")])
        self.train("b", "--set", "training.steps=1", "--set", "tasks.mood.dev=other.tsv")
        self.fails(2, "compare", "a", "b", "--resamples", "10", says="60 and 2 examples")
        self.fails(2, "compare", "a", "--resamples", "10", says="two")
        self.fails(2, "compare", "a", "b", "--resamples", "10", "--task", "mod", says="'mood'")
