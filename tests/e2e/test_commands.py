"""The commands around a trained run: evaluate, predict, export, check, plugins, help."""
import json
import shutil

from program import ProgramTest, rows


class Commands(ProgramTest):
    def test_evaluate_repeats_the_runs_own_scores(self):
        self.train()
        best = self.json("run/summary.json")["tasks"]["mood"]["sets"]["dev"]
        output = self.berth("evaluate", "run").stdout
        for name in ("accuracy", "f1_macro", "matthews"):
            self.assertRegex(output, rf"{name} +{best[name]:.6f}")
        shutil.copy(self.dir / "dev.tsv", self.dir / "other.tsv")
        again = self.berth("evaluate", "run", "--task", "mood", "--data", "other.tsv").stdout
        self.assertRegex(again, rf"accuracy +{best['accuracy']:.6f}")

    def test_a_run_needs_no_data_to_predict(self):
        self.train()
        expected = self.json_lines("run/predictions/mood.dev.jsonl")
        for name in ("train.tsv", "dev.tsv", "suite.toml"):
            (self.dir / name).unlink()
        lines = "".join(json.dumps({"id": i, "text": text, "note": {"a": [1, "é"]}}) + "\n"
                        for i, (text, _) in enumerate(rows(60, 2)))
        answers = [json.loads(l) for l in self.berth("predict", "run", "--task", "mood", stdin=lines).stdout.splitlines()]
        self.assertEqual([a["id"] for a in answers], list(range(60)))
        for answer, e in zip(answers, expected, strict=True):
            self.assertEqual(answer["note"], {"a": [1, "é"]})
            self.assertEqual((answer["task"], answer["prediction"]), ("mood", e["prediction"]))
            for label, p in e["probabilities"].items():
                self.assertAlmostEqual(answer["probabilities"][label], p, places=6)

    def test_predict_reads_and_writes_files(self):
        self.train()
        (self.dir / "in.jsonl").write_text('{"text": "we loved it"}\n\n{"text": "we hated it"}\n')
        self.berth("predict", "run", "--task", "mood", "--input", "in.jsonl", "--output", "out.jsonl")
        self.assertEqual([a["prediction"] for a in self.json_lines("out.jsonl")], ["good", "bad"])
        (self.dir / "in.jsonl").write_text('{"text": "we loved it", "label": "odd"}\n{"text": "we hated it"}\n')
        self.berth("predict", "run", "--task", "mood", "--input", "in.jsonl", "--output", "in.jsonl")
        self.assertEqual([a["prediction"] for a in self.json_lines("in.jsonl")], ["good", "bad"])
        (self.dir / "in.jsonl").write_text('{"text": "we loved it"}\n{"txt": "we hated it"}\n')
        self.fails(3, "predict", "run", "--task", "mood", "--input", "in.jsonl", "--output", "out.jsonl", says=":2")
        self.assertEqual(len(self.json_lines("out.jsonl")), 2)  # the answers of before
        self.assertEqual(len(self.json_lines("out.jsonl.part")), 1)
        self.fails(6, "predict", "run", "--task", "mood", "--input", ".", says="can't be read")

    def test_predict_names_the_bad_line(self):
        self.train()
        self.fails(3, "predict", "run", "--task", "mood", stdin='{"text": "a fine day"}\n{"text": \n', says=":2")
        self.fails(3, "predict", "run", "--task", "mood", stdin='{"txet": "a fine day"}\n', says=":1")
        answered = self.berth("predict", "run", "--task", "mood", code=3,
                              stdin='{"text": "we loved it"}\n{"text": "we hated it"}\n{"text": \n').stdout
        self.assertEqual([json.loads(a)["prediction"] for a in answered.splitlines()], ["good", "bad"])
        self.fails(2, "predict", "run", "--task", "mod", stdin="", says="'mood'")
        self.fails(6, "predict", "run", "--task", "mood", "--input", "nothing.jsonl", says="nothing.jsonl")

    def test_export_writes_a_whole_model_folder(self):
        self.train()
        self.berth("export", "run", "--task", "mood", "--to", "exported")
        config = self.json("exported/config.json")
        self.assertEqual(config["architectures"], ["BertForSequenceClassification"])
        self.assertEqual(config["id2label"], {"0": "bad", "1": "good"})
        self.assertTrue((self.dir / "exported/vocab.txt").exists())
        self.fails(2, "export", "run", "--task", "mood", "--to", "exported", says="exported")
        # It is a model folder for another run too; the head's tensors are then left over.
        output = self.berth("run", "suite.toml", "--set", f"model.path={self.dir}/exported", "--out", "second").stdout
        self.assertIn("classifier.weight", output)

    def test_check_counts_what_is_truncated(self):
        self.write_rows("dev.tsv", [*rows(9, 2), ("a fine day " * 20, "good")])
        output = self.berth("check", "suite.toml").stdout
        self.assertRegex(output, r"train +200 examples.*truncated to 32: 0")
        self.assertRegex(output, r"dev +10 examples.*truncated to 32: 1")
        self.assertFalse((self.dir / "runs").exists())

    def test_check_finds_what_is_odd_about_data(self):
        self.write_rows("dev.tsv", [("a fine day", "good"), ("the worst of all", "good"), ("cold food", "bad")])
        train = [*rows(200, 1), ("A fine  day", "bad"), ("the worst of all at home", "bad")]
        self.write_rows("train.tsv", train)
        output = self.berth("check", "suite.toml").stdout
        self.assertIn("1 of 3 in dev stand in an earlier set (1 with another label), such as dev.tsv:2 = train.tsv:202",
                      output.replace(f"{self.dir}/", ""))
        self.assertRegex(output, r"bag of words: dev accuracy 0\.\d+")
        findings = json.loads(self.berth("check", "suite.toml", "--json").stdout)["tasks"]["mood"]
        self.assertEqual(findings["duplicates"]["across"][0]["example"]["line"], 2)
        self.assertIn(202, [issue["line"] for issue in findings["label_issues"]])

    def test_plugins_lists_options_with_defaults_and_help(self):
        output = self.berth("plugins", "classification").stdout
        for text in ("label_smoothing", "[tasks.NAME.options]", "[tasks.NAME.data]", "label_map"):
            self.assertIn(text, output)

    def test_every_command_has_help_with_examples(self):
        self.assertIn("exit codes", self.berth("--help").stdout)
        for command in ("run", "evaluate", "predict", "export", "compare", "sweep", "matrix", "check", "plugins"):
            output = self.berth(command, "--help").stdout
            self.assertIn("examples:", output)
            self.assertIn(f"usage: berth {command}", output)

    def test_the_default_folder_is_a_free_one(self):
        self.berth("run", "suite.toml", "--set", "training.steps=1")
        self.berth("run", "suite.toml", "--set", "training.steps=1")
        self.assertTrue((self.dir / "runs/suite/summary.json").exists())
        self.assertTrue((self.dir / "runs/suite-2/summary.json").exists())
