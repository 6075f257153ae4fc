"""--json: one JSON object on standard output, and nothing else, by every command that prints a table."""
import json
import os
import pathlib

from program import ProgramTest, rows

PLUGINS = pathlib.Path(os.environ["TEST_PLUGINS"])
TWO_TASKS = """
[training]
steps = 3
[model]
path = "{model}"
max_length = 32
[tasks.one]
plugin = "classification"
train = "train.tsv"
dev = "dev.tsv"
[tasks.two]
plugin = "classification"
train = "train.tsv"
dev = "dev.tsv"
"""


class Json(ProgramTest):
    def ask(self, *arguments, code=0):
        output = self.berth(*arguments, "--json", code=code).stdout
        answer = json.loads(output)
        self.assertIsInstance(answer, dict)
        return answer

    def test_plugins(self):
        answer = self.ask("plugins")
        self.assertLessEqual({"classification", "ner", "qa", "seq2seq"}, {p["id"] for p in answer["plugins"]})
        for plugin in answer["plugins"]:
            self.assertTrue(pathlib.Path(plugin["path"]).exists())
        self.assertTrue(answer["folders"])
        (self.dir / "broken.so").write_text("no library")
        refused = self.ask("plugins", "--plugin-path", self.dir)["refused"]
        self.assertEqual([pathlib.Path(r["path"]).name for r in refused], ["broken.so"])
        self.assertTrue(refused[0]["reason"])

    def test_one_plugin(self):
        answer = self.ask("plugins", "classification")
        self.assertEqual(answer["id"], "classification")
        smoothing = answer["options"]["properties"]["label_smoothing"]
        self.assertEqual((smoothing["type"], smoothing["default"]), ("number", 0.0))
        self.assertIn("text", answer["data"]["properties"])

    def test_evaluate(self):
        self.train()
        summary = self.json("run/summary.json")["tasks"]["mood"]
        answer = self.ask("evaluate", "run")
        self.assertEqual(answer["checkpoint"], "best")
        mood = answer["tasks"]["mood"]
        self.assertEqual(mood["primary"], summary["primary"])
        self.assertEqual(mood["examples"], {"dev": 60})
        for name, value in summary["sets"]["dev"].items():
            self.assertAlmostEqual(mood["sets"]["dev"][name], value, places=6)
        on_file = self.ask("evaluate", "run", "--data", "dev.tsv")["tasks"]["mood"]["sets"]
        self.assertEqual([pathlib.Path(name).name for name in on_file], ["dev.tsv"])

    def test_analyze(self):
        self.train()
        answer = self.ask("analyze", "run", "--examples", "20")
        self.assertEqual(answer, self.json("run/analysis.json"))
        self.assertEqual(set(answer["tasks"]), {"mood"})

    def test_compare(self):
        self.train("a", "--set", "training.epochs=1")
        self.train("b", "--set", "training.epochs=2")
        answer = self.ask("compare", "a", "b")
        self.assertEqual([run["run"] for run in answer["runs"]], ["a", "b"])
        score = answer["scores"][0]
        self.assertEqual((score["task"], score["set"]), ("mood", "dev"))
        for value, run in zip(score["values"], "ab", strict=True):
            self.assertEqual(value, self.json(f"{run}/summary.json")["tasks"]["mood"]["sets"]["dev"][score["score"]])
        difference = self.ask("compare", "a", "b", "--resamples", "50")
        self.assertEqual(difference["examples"], 60)
        self.assertAlmostEqual(difference["difference"]["value"],
                               difference["runs"][0]["value"] - difference["runs"][1]["value"])
        self.assertGreater(difference["difference"]["p"], 0)
        self.assertEqual(len(difference["runs"][0]["interval"]), 2)

    def test_sweep(self):
        self.suite('[sweep]\nseeds = [1, 2]\n[sweep.over]\n"training.batch_size" = [8, 16]\n')
        self.assertEqual(self.ask("sweep", "suite.toml", "--set", "training.epochs=1", "--out", "s"),
                         self.json("s/sweep.json"))

    def test_matrix(self):
        (self.dir / "two.toml").write_text(TWO_TASKS.format(model=f"{self.shared.name}/model"))
        answer = self.ask("matrix", "two.toml", "--resamples", "20", "--out", "m")
        self.assertEqual(answer, self.json("m/matrix.json"))

    def test_check(self):
        self.write_rows("train.tsv", [*rows(200, 1), ("a fine day", "good"), ("A fine  day", "bad")])
        answer = self.ask("check", "suite.toml")
        self.assertEqual(answer["suite"], "suite")
        mood = answer["tasks"]["mood"]
        self.assertEqual(mood["sets"]["train"]["examples"], 202)
        self.assertGreater(mood["sets"]["dev"]["tokens"]["longest"], 3)
        self.assertTrue(mood["duplicates"]["within"])
        self.assertEqual(answer["parameters"], answer["trained_parameters"])

    def test_validate_plugin(self):
        flawed = PLUGINS / "plugins-flawed/flawed.so"
        answer = self.ask("validate-plugin", flawed)
        self.assertEqual(answer["failed"], 0)
        self.assertEqual(len(answer["checks"]), answer["passed"])
        self.assertGreater(answer["left_out"], 0)
        (self.dir / "broken.so").write_text("no library")
        answer = self.ask("validate-plugin", "broken.so", code=4)
        self.assertEqual(answer["failed"], 1)
        self.assertFalse(answer["checks"][0]["passed"])
        self.assertIn("validate-plugin", answer["checks"][0]["again"])

    def test_an_error_is_no_answer(self):
        result = self.berth("check", "nothing.toml", "--json", code=2)
        self.assertEqual(result.stdout, "")
        self.assertIn("nothing.toml", result.stderr)
