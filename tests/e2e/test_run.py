"""berth run: what a run folder holds, and that runs repeat."""
import json
import os
import re
import signal
import subprocess
import time
from collections import Counter

from program import BERTH, GOOD, PLACES, ProgramTest, rows


def without_times(line):
    return {k: v for k, v in line.items() if "seconds" not in k}


class Run(ProgramTest):
    def test_a_run_learns_and_leaves_everything_in_its_folder(self):
        self.train()
        summary = self.json("run/summary.json")
        self.assertEqual(summary["ending"], "completed")
        self.assertEqual(summary["steps"], 104)
        mood = summary["tasks"]["mood"]
        self.assertGreater(mood["dev"]["accuracy"]["best"], 0.9)
        self.assertEqual(mood["sets"]["dev"]["accuracy"], mood["dev"]["accuracy"]["best"])
        for key in ("training_seconds", "examples_per_second", "tokens_per_second", "seconds_to_first_step",
                    "peak_resident_bytes", "trained_share"):
            self.assertGreater(summary[key], 0, key)
        predictions = self.json_lines("run/predictions/mood.dev.jsonl")
        self.assertEqual([p["text"] for p in predictions], [text for text, _ in rows(60, 2)])
        right = sum(p["prediction"] == p["label"] for p in predictions)
        self.assertAlmostEqual(right / 60, mood["dev"]["accuracy"]["best"])
        for p in predictions:
            self.assertAlmostEqual(sum(p["probabilities"].values()), 1, places=5)
            self.assertEqual(p["task"], "mood")
        self.assertTrue((self.dir / "run/checkpoints/last/encoder/model.safetensors").exists())
        self.assertTrue(os.path.islink(self.dir / "run/checkpoints/best"))
        self.assertEqual(os.readlink(self.dir / "run/checkpoints/last"), "step-104")

    def test_seeds_make_a_run_repeat_bit_for_bit(self):
        for out, seed in (("a", 7), ("b", 7), ("c", 8)):
            self.train(out, "--set", f"training.seed={seed}")
        files = ["checkpoints/last/encoder/model.safetensors", "checkpoints/last/heads/mood.safetensors",
                 "predictions/mood.dev.jsonl"]
        for file in files:
            self.assertEqual((self.dir / "a" / file).read_bytes(), (self.dir / "b" / file).read_bytes(), file)
            self.assertNotEqual((self.dir / "a" / file).read_bytes(), (self.dir / "c" / file).read_bytes(), file)
        self.assertEqual([without_times(l) for l in self.json_lines("a/metrics.jsonl")],
                         [without_times(l) for l in self.json_lines("b/metrics.jsonl")])

    def test_the_resolved_suite_gives_the_same_run(self):
        self.train("a")
        self.berth("run", "a/suite.toml", "--out", "b")
        self.assertEqual((self.dir / "a/checkpoints/last/encoder/model.safetensors").read_bytes(),
                         (self.dir / "b/checkpoints/last/encoder/model.safetensors").read_bytes())

    def test_accumulation_equals_larger_batches(self):
        common = ("--set", "model.dropout=0", "--set", "model.attention_dropout=0",
                  "--set", "tasks.mood.options.dropout=0", "--set", "training.shuffle=false",
                  "--set", "training.log_every=1", "--set", "model.precision=float64")
        # The last step of an epoch has 9 rows and 2: a mean of the micro-batches' means would be another.
        self.train("a", *common, "--set", "training.batch_size=27")
        self.train("b", *common, "--set", "training.batch_size=9", "--set", "training.accumulate=3")
        for a, b in zip(self.json_lines("a/metrics.jsonl"), self.json_lines("b/metrics.jsonl"), strict=True):
            for key in ("loss", "gradient_norm"):
                self.assertAlmostEqual(a.get(key, 0), b.get(key, 0), places=9)

    def test_frozen_parameters_stay_as_they_were(self):
        self.train("run", "--set", "optimizer.freeze=['embeddings','layers.0']", "--set", "checkpoints.initial=true")
        before, after = (self.tensors(f"run/checkpoints/{c}/encoder/model.safetensors") for c in ("step-0", "last"))
        for name, value in before.items():
            is_frozen = name.startswith(("embeddings.", "encoder.layer.0."))
            self.assertEqual(value == after[name], is_frozen, name)
        self.assertLess(self.json("run/summary.json")["trained_share"], 0.8)

    def test_frozen_layers_are_computed_once_with_the_same_result(self):
        common = ("--set", "optimizer.freeze=['embeddings','layers.0']", "--set", "model.precision=float64",
                  "--set", "training.log_every=1")
        self.train("kept", *common)
        self.train("anew", *common, "--set", "training.cache_megabytes=0")
        lines = {out: self.json_lines(f"{out}/metrics.jsonl") for out in ("kept", "anew")}
        cache = [l for l in lines["kept"] if l["kind"] == "cache"]
        self.assertEqual([(l["task"], l["set"], l["layers"]) for l in cache], [("mood", "train", 1), ("mood", "dev", 1)])
        kept = [l for l in lines["kept"] if l["kind"] != "cache"]
        for a, b in zip(kept, lines["anew"], strict=True):
            self.assertEqual(a["kind"], b["kind"])
            for key in ("loss", "gradient_norm"):
                self.assertAlmostEqual(a.get(key, 0), b.get(key, 0), places=9)
        # Nothing is kept where it would serve once, or where dropout makes it another at every step.
        for out, setting, expected in (("once", "training.epochs=1", []), ("noisy", "model.frozen_dropout=true", ["dev"])):
            self.train(out, *common, "--set", setting)
            sets = [l["set"] for l in self.json_lines(f"{out}/metrics.jsonl") if l["kind"] == "cache"]
            self.assertEqual(sets, expected, out)

    def test_bfloat16_products_learn_as_well(self):
        self.train("full", "--set", "training.log_every=1")
        self.train("low", "--set", "training.log_every=1", "--set", "model.precision=bfloat16")
        self.train("auto", "--set", "model.precision=auto", "--set", "training.steps=1")
        full, low, auto = (self.json(f"{out}/summary.json") for out in ("full", "low", "auto"))
        self.assertEqual([full["products"], low["products"]], ["float32", "bfloat16"])
        self.assertIn(auto["products"], ["float32", "bfloat16"])
        self.assertIn(f'precision = "{auto["products"]}"', (self.dir / "auto/suite.toml").read_text())
        self.assertGreater(low["tasks"]["mood"]["dev"]["accuracy"]["best"], 0.9)
        losses = [[l["loss"] for l in self.json_lines(f"{out}/metrics.jsonl") if l["kind"] == "train"] for out in ("full", "low")]
        self.assertNotEqual(*losses)
        self.assertAlmostEqual(losses[0][0], losses[1][0], places=2)
        self.berth("predict", "low", "--task", "mood", stdin='{"text": "a fine day here"}\n')

    def test_a_profile_says_where_the_time_went(self):
        text = self.berth("run", "suite.toml", "--out", "run", "--profile", "--set", "training.steps=3").stdout
        self.assertIn("a step, mean of 3", text)
        for part in ("matrix products", "attention, backward", "optimizer", "embeddings, forward"):
            self.assertRegex(text, rf"(?m)^{part} +\d+\.\d\d +\d+\.\d% +\d+\.\d$")

    def test_checkpoints_come_between_evaluations_too(self):
        self.train("run", "--set", "checkpoints.every=5", "--set", "checkpoints.keep=9", "--set", "training.epochs=1")
        found = {p.name for p in (self.dir / "run/checkpoints").iterdir()}
        self.assertEqual(found, {"step-5", "step-10", "step-13", "best", "last"})
        self.assertEqual(os.readlink(self.dir / "run/checkpoints/best"), "step-13")  # only what was scored is the best

    def test_a_dev_set_is_split_off_evenly_where_none_is_given(self):
        self.suite(task="split = 0.1")
        self.train()
        predictions = self.json_lines("run/predictions/mood.dev.jsonl")
        self.assertEqual(len(predictions), 20)
        train = list(rows(200, 1))
        good = sum(label == "good" for _, label in train)
        self.assertAlmostEqual(sum(p["label"] == "good" for p in predictions), good * 0.1, delta=1)
        self.assertEqual(self.json("run/summary.json")["tasks"]["mood"]["train_examples"], 180)

    def test_a_label_with_one_example_is_not_split_off(self):
        self.write_rows("train.tsv", [*rows(97, 1), ("we saw the sea", "blue"), ("we saw food", "odd"), ("food", "new")])
        for seed in range(3):
            self.suite(task="split = 0.2")
            self.train(f"run{seed}", "--set", f"training.seed={seed}", "--set", "training.epochs=1")
            labels = [p["label"] for p in self.json_lines(f"run{seed}/predictions/mood.dev.jsonl")]
            self.assertEqual(len(labels), 20)
            self.assertLessEqual(set(labels), {"good", "bad"})
        # Where all stand alone, chance decides and not the alphabet.
        self.write_rows("train.tsv", [(text, f"{i:02},all") for i, (text, _) in enumerate(rows(50, 1))])
        self.suite(task='split = 0.1\noptions = { kind = "multi-label" }')
        drawn = {re.search(r"'(\d\d)'", self.fails(3, "run", "suite.toml", "--set", f"training.seed={seed}"))[1]
                 for seed in range(5)}  # the first label of dev, which train has not
        self.assertGreater(len(drawn), 1)

    def test_what_belongs_together_is_split_off_together(self):
        contexts = [f"a cold day and {word} {place}" for place in PLACES for word in GOOD]
        questions = [json.dumps({"question": ask, "context": context, "answers": ["cold"]}) + "\n"
                     for ask in ("we", "town", "road") for context in contexts]
        (self.dir / "train.jsonl").write_text("".join(questions))
        self.suite(task="split = 0.2")
        text = (self.dir / "suite.toml").read_text()
        (self.dir / "suite.toml").write_text(text.replace('"classification"', '"qa"').replace("train.tsv", "train.jsonl"))
        for seed in range(2):
            self.train(f"run{seed}", "--set", "training.steps=1", "--set", f"training.seed={seed}")
            dev = Counter(row["context"] for row in self.json_lines(f"run{seed}/predictions/mood.dev.jsonl"))
            self.assertEqual(len(dev), len(contexts) // 5)
            self.assertEqual(set(dev.values()), {3})

    def test_two_tasks_share_the_encoder(self):
        self.suite(text="""
[tasks.first]
plugin = "classification"
train = "train.tsv"
dev = "dev.tsv"
[tasks.first.sets.again]
path = "dev.tsv"
""")
        self.train()
        summary = self.json("run/summary.json")
        self.assertEqual(summary["steps"], 208)
        self.assertGreater(summary["tasks"]["mood"]["dev"]["accuracy"]["best"], 0.9)
        self.assertEqual(summary["tasks"]["first"]["sets"]["again"], summary["tasks"]["first"]["sets"]["dev"])
        self.assertTrue((self.dir / "run/predictions/first.again.jsonl").exists())

    def test_training_stops_early_and_the_best_checkpoint_is_kept(self):
        self.train("run", "--set", "training.epochs=50", "--set", "evaluation.patience=2",
                   "--set", "evaluation.every=5")
        summary = self.json("run/summary.json")
        self.assertEqual(summary["ending"], "stopped early")
        self.assertLess(summary["steps"], summary["total_steps"])
        self.assertEqual(os.readlink(self.dir / "run/checkpoints/best"), f"step-{summary['best_step']}")
        self.assertLessEqual(len(list((self.dir / "run/checkpoints").glob("step-*"))), 2)
        # Predictions are the best checkpoint's.
        self.assertEqual(summary["tasks"]["mood"]["sets"]["dev"]["accuracy"],
                         summary["tasks"]["mood"]["dev"]["accuracy"]["best"])

    def test_an_interrupted_evaluation_ends_the_run_too(self):
        self.write_rows("dev.tsv", rows(40000, 2))
        process = subprocess.Popen([BERTH, "run", "suite.toml", "--out", "run", "--set", "training.steps=3",
                                    "--set", "evaluation.batch_size=1"], cwd=self.dir, stdout=subprocess.PIPE,
                                   stderr=subprocess.STDOUT, text=True, env={**os.environ, "OMP_NUM_THREADS": "1"})
        metrics = self.dir / "run/metrics.jsonl"
        deadline = time.time() + 60
        while time.time() < deadline and not (metrics.exists() and '"train"' in metrics.read_text()):
            time.sleep(0.02)
        process.send_signal(signal.SIGINT)
        output = process.communicate(timeout=60)[0]
        self.assertEqual(process.returncode, 130, output)
        summary = self.json("run/summary.json")
        self.assertEqual((summary["ending"], summary["steps"]), ("interrupted", 3))
        self.assertTrue((self.dir / "run/checkpoints/last").exists())

    def test_a_reader_that_goes_away_does_not_end_a_run(self):
        process = subprocess.Popen([BERTH, "run", "suite.toml", "--out", "run"], cwd=self.dir, stdout=subprocess.PIPE,
                                   stderr=subprocess.DEVNULL)
        process.stdout.readline()
        process.stdout.close()
        process.wait(timeout=120)
        self.assertEqual(self.json("run/summary.json")["ending"], "completed")

    def test_an_interrupted_run_keeps_what_it_learned(self):
        for sent, code in ((signal.SIGINT, 130), (signal.SIGTERM, 143)):
            out = f"run{code}"
            process = subprocess.Popen([BERTH, "run", "suite.toml", "--out", out, "--set", "training.epochs=100000"],
                                       cwd=self.dir, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
            metrics = self.dir / out / "metrics.jsonl"
            deadline = time.time() + 60
            while time.time() < deadline and not (metrics.exists() and '"train"' in metrics.read_text()):
                time.sleep(0.05)
            process.send_signal(sent)
            output = process.communicate(timeout=60)[0]
            self.assertEqual(process.returncode, code, output)
            self.assertIn("interrupted", output)
            self.assertEqual(self.json(f"{out}/summary.json")["ending"], "interrupted")
            answer = self.berth("predict", out, "--task", "mood", "--checkpoint", "last", stdin='{"text": "we loved it"}\n')
            self.assertIn('"prediction"', answer.stdout)
