"""Bad input: the exit code, and a message that says what, where and what to do."""
import pathlib

from program import ProgramTest, rows


class Errors(ProgramTest):
    def no_run(self):
        self.assertFalse((self.dir / "run").exists(), "a failed start leaves no folder behind")

    def test_a_missing_suite(self):
        self.fails(2, "run", "siute.toml", says="siute.toml")

    def test_a_typo_in_a_key_names_line_and_nearest_key(self):
        self.suite(text="[evaluation]\nevrey = 5\n")
        error = self.fails(2, "run", "suite.toml", "--out", "run", says=["'every'", "evrey"])
        line = (self.dir / "suite.toml").read_text().splitlines().index("evrey = 5") + 1
        self.assertIn(f"suite.toml:{line}:", error)
        self.no_run()

    def test_a_typo_in_an_option_of_the_plugin(self):
        self.fails(2, "run", "suite.toml", "--set", "tasks.mood.options.dropuot=0.1", says=["dropuot", "'dropout'"])

    def test_a_value_of_the_wrong_type_and_one_out_of_range(self):
        self.fails(2, "run", "suite.toml", "--set", "training.epochs='two'", says="epochs")
        self.fails(2, "run", "suite.toml", "--set", "tasks.mood.options.dropout=1.5", says="dropout")

    def test_toml_that_is_none(self):
        (self.dir / "suite.toml").write_text("[model\npath = 1\n")
        self.fails(2, "run", "suite.toml", says="suite.toml:1")

    def test_an_unknown_plugin(self):
        self.fails(2, "run", "suite.toml", "--set", "tasks.mood.plugin=clasification", says="'classification'")

    def test_a_missing_data_file(self):
        self.fails(6, "run", "suite.toml", "--set", "tasks.mood.train=trian.tsv", "--out", "run", says="trian.tsv")
        self.no_run()

    def test_a_missing_model(self):
        self.fails(6, "run", "suite.toml", "--set", "model.path=nowhere", says="nowhere")

    def test_a_row_with_too_many_fields(self):
        with open(self.dir / "train.tsv", "a") as f:
            f.write("one\ttwo\tthree\n")
        self.fails(3, "run", "suite.toml", "--out", "run", says="train.tsv:202")
        self.no_run()

    def test_a_column_that_the_file_lacks(self):
        self.fails(3, "run", "suite.toml", "--set", "tasks.mood.data.text=txet", says=["txet", "text"])

    def test_a_label_that_training_never_saw(self):
        self.write_rows("dev.tsv", [*rows(5, 2), ("a fine day", "godo")])
        self.fails(3, "run", "suite.toml", says=["dev.tsv:7", "godo", "'good'"])

    def test_an_empty_training_set(self):
        self.write_rows("train.tsv", [])
        self.fails(3, "run", "suite.toml", says="train.tsv")

    def test_a_model_file_that_is_cut_off(self):
        import shutil
        shutil.copytree(pathlib.Path(self.shared.name) / "model", self.dir / "model")
        data = (self.dir / "model/model.safetensors").read_bytes()
        (self.dir / "model/model.safetensors").write_bytes(data[:len(data) // 2])
        self.fails(3, "run", "suite.toml", "--set", "model.path=model", says="model.safetensors")

    def test_sequences_longer_than_the_encoder(self):
        self.fails(2, "run", "suite.toml", "--set", "model.max_length=65", says=["64", "65"])

    def test_a_freeze_pattern_that_matches_nothing(self):
        for command in (("run", "suite.toml", "--out", "run"), ("check", "suite.toml")):
            self.fails(2, *command, "--set", "optimizer.freeze=['layers.7']", says="layers.7")
        self.assertFalse((self.dir / "run").exists())

    def test_a_loss_that_is_not_finite(self):
        self.fails(5, "run", "suite.toml", "--set", "optimizer.rate=1e30", "--set", "training.clip_norm=0",
                   "--set", "schedule.kind=constant", "--set", "schedule.warmup=0", "--out", "run", says="lower the rate")
        summary = self.json("run/summary.json")
        self.assertEqual(summary["ending"], "failed")
        last = self.dir / "run/checkpoints/last"
        self.assertEqual(last.resolve().name, f"step-{summary['steps']}")
        self.assertGreater(summary["steps"], 0)

    def test_a_folder_that_holds_a_run_is_refused(self):
        self.train()
        before = (self.dir / "run/summary.json").read_bytes()
        self.fails(2, "run", "suite.toml", "--out", "run", says="holds a run")
        self.assertEqual((self.dir / "run/summary.json").read_bytes(), before)

    def test_a_plugin_that_is_none(self):
        (self.dir / "plugins").mkdir()
        (self.dir / "plugins/broken.so").write_bytes(b"\x7fELF nothing more")
        listing = self.berth("plugins", "--plugin-path", "plugins").stdout
        self.assertIn("broken.so", listing)
        self.assertIn("classification", listing)
        self.fails(4, "run", "suite.toml", "--set", "tasks.mood.plugin=broken", "--plugin-path", "plugins",
                   says="broken.so")

    def test_usage(self):
        self.fails(2, "rnu", says="'run'")
        self.fails(2, "run", says="SUITE.toml")
        self.fails(2, "run", "suite.toml", "--sett", "a=b", says="--sett")
        self.berth(code=2)
        self.fails(6, "predict", "nowhere", "--task", "mood", says="nowhere")
