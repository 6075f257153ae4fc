"""What a run keeps of its answers for people to look at: predictions/TASK.SET.shown.json."""
import os
import pathlib

from program import ProgramTest, rows


class Shown(ProgramTest):
    FILE = "run/predictions/mood.dev.shown.json"

    def setUp(self):
        super().setUp()
        # Two labels that no model of this data can find right.
        self.write_rows("dev.tsv", [*rows(40, 2), ("we loved it", "bad"), ("the worst of all", "good")])
        self.train()

    def test_a_run_keeps_its_worst_answers(self):
        shown = self.json(self.FILE)
        answers = self.json_lines("run/predictions/mood.dev.jsonl")
        wrong = {line: a for line, a in enumerate(answers, 2) if a["prediction"] != a["label"]}
        self.assertIn(42, wrong)
        self.assertEqual((shown["examples"], shown["wrong"]), (42, len(wrong)))
        self.assertEqual({w["line"] for w in shown["worst"]}, set(wrong))
        errors = [w["error"] for w in shown["worst"]]
        self.assertEqual(errors, sorted(errors, reverse=True))
        for worst in shown["worst"]:
            answer = wrong[worst["line"]]
            self.assertTrue(worst["file"].endswith("dev.tsv"))
            self.assertEqual(worst["texts"], [{"title": "text", "text": answer["text"], "marks": []}])
            self.assertEqual(worst["truth"], answer["label"])
            self.assertIn(answer["prediction"], worst["answer"])
        labels = shown["confusion"]["labels"]
        self.assertEqual(labels, ["bad", "good"])
        for t, truth in enumerate(labels):
            for p, predicted in enumerate(labels):
                count = sum((a["label"], a["prediction"]) == (truth, predicted) for a in answers)
                self.assertEqual(shown["confusion"]["counts"][t][p], count)
        self.assertEqual(sum(b["count"] for b in shown["calibration"]["bins"]), 42)

    def test_evaluate_keeps_those_of_the_best_checkpoint(self):
        of_run = self.json(self.FILE)
        (self.dir / self.FILE).unlink()
        self.berth("evaluate", "run", "--checkpoint", "last")
        self.berth("evaluate", "run", "--task", "mood", "--data", "dev.tsv")
        self.assertFalse((self.dir / self.FILE).exists())
        self.berth("evaluate", "run")
        again = self.json(self.FILE)
        self.assertEqual(again["confusion"], of_run["confusion"])
        self.assertEqual([w["line"] for w in again["worst"]], [w["line"] for w in of_run["worst"]])

    def test_a_run_that_can_not_be_written_to_is_still_scored(self):
        (self.dir / self.FILE).unlink()
        (self.dir / self.FILE).mkdir()
        result = self.berth("evaluate", "run")
        self.assertRegex(result.stdout, r"accuracy +0\.\d+")
        self.assertIn("no answers for a report", result.stderr)

    def test_a_task_that_can_not_show_its_answers_is_still_scored(self):
        suite = (self.dir / "suite.toml").read_text().replace('"classification"', '"flawed"')
        (self.dir / "suite.toml").write_text(suite + 'options.flaw = "show"\n')
        plugins = pathlib.Path(os.environ["TEST_PLUGINS"]) / "plugins-flawed"
        output = self.berth("run", "suite.toml", "--out", "flawed", "--plugin-path", plugins).stdout
        self.assertIn("no answers for a report: ", output)
        self.assertIn("can't show it", output)
        self.assertIn("accuracy", self.json("flawed/summary.json")["tasks"]["mood"]["sets"]["dev"])
        self.assertFalse((self.dir / "flawed/predictions/mood.dev.shown.json").exists())
        self.assertTrue((self.dir / "flawed/report.html").exists())
