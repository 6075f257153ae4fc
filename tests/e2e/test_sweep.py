"""Many runs by one command: sweep, matrix, and compare over resamples."""
import csv
import json
import os
import signal
import subprocess
import xml.etree.ElementTree as ElementTree

from program import BERTH, ProgramTest

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
        lines = list(csv.DictReader((self.dir / "sweeps/suite/runs.csv").open()))
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
