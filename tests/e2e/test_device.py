"""A device that is not the processor: here one without a chip, whose memory the program can't read and whose tensors it
must not mix with the processor's (tests/support/strict_device.cpp). Every suite has to make there what it makes on the
processor."""
import json
import os
import unittest

import test_serve
from program import BAD, GOOD, PLACES, ProgramTest, settings, tiny_model
from test_debias import PairsTest, pairs
from test_processes import EQUAL, ProcessesTest

DEVICE = {"LD_PRELOAD": os.environ["STRICT_DEVICE"]}
# Masks of dropout are the device's own.
ALIKE = [*EQUAL, "model.dropout=0", "model.attention_dropout=0", "model.precision=float64", "training.steps=12"]


class DeviceTest(ProcessesTest):
    def on_device(self, out, *arguments):
        self.berth("run", "suite.toml", "--out", out, *arguments, *settings("model.device=strict"), environment=DEVICE)
        self.assertEqual(self.json(f"{out}/summary.json")["device"], "strict:0")

    def on_both(self, name, *sets):
        """The same suite here and there, and what both make of it."""
        runs = f"{name}-processor", f"{name}-device"
        self.train(runs[0], *settings(*sets))
        self.on_device(runs[1], *settings(*sets))
        return runs

    def assert_alike(self, name, *sets):
        runs = self.on_both(name, *ALIKE, *sets)
        self.assert_near(*runs, 1e-9, 1e-9)
        self.same_scores(*runs, 8)
        self.same_files(*runs)


class Alike(DeviceTest):
    def test_a_mixed_suite(self):
        self.assert_alike("mixed", "evaluation.before=true", "mixing.cosine_every=4")
        self.assertEqual(self.json("mixed-processor/summary.json")["device"], "cpu")

    def test_ways_of_fine_tuning(self):
        ways = {"lora": ["finetuning.method=lora", "training.feature_cache=cache"], "adapters": ["finetuning.method=adapters"],
                "mean": ["finetuning.average=0.6", "finetuning.mixout=0.3", "optimizer.layer_decay=0.9"],
                "slow": ["finetuning.gradual_unfreezing=0.6", "finetuning.reinitialize_layers=1"],
                "frozen": ["finetuning.method=top", "finetuning.top_layers=1", "optimizer.decay_to=pretrained"],
                "checkpointed": ["training.activation_checkpointing=true", "tasks.mood.stream=true", "mixing.kind=uniform"],
                "surgery": ["mixing.step=all", "mixing.surgery=true"]}
        for way, sets in ways.items():
            with self.subTest(way=way):
                self.assert_alike(way, *sets)

    def test_heads_of_other_kinds(self):
        for kind, sets in {"crf": ["tasks.notes.options.head=crf"],
                           "pointer": ["tasks.orders.options.kind=pointer", "tasks.orders.options.beams=3"],
                           "coverage": ["tasks.orders.options.coverage=0.5", "tasks.orders.options.label_smoothing=0.1"],
                           "weights": ["tasks.mood.options.class_weights={good=0.5, bad=2.0}"]}.items():
            with self.subTest(kind=kind):
                self.assert_alike(kind, *sets)

    def test_analysis_at_the_end(self):
        runs = self.on_both("analysed", *ALIKE, "analysis.at_end=true", "checkpoints.initial=true")
        one, two = (self.json(f"{run}/analysis.json") for run in runs)
        self.assertEqual(one.keys(), two.keys())
        self.compare(one, two)

    def compare(self, one, two, path=""):
        if isinstance(one, dict):
            self.assertEqual(one.keys(), two.keys(), path)
            for key in one:
                if "second" not in key:
                    self.compare(one[key], two[key], f"{path}/{key}")
        elif isinstance(one, list):
            self.assertEqual(len(one), len(two), path)
            for number, (a, b) in enumerate(zip(one, two)):
                self.compare(a, b, f"{path}/{number}")
        elif isinstance(one, float):
            self.assertAlmostEqual(one, two, 5, path)
        elif "path" not in path:
            self.assertEqual(one, two, path)

    def test_several_processes(self):
        self.on_device("one", *settings(*ALIKE))
        self.on_device("two", "--processes", 2, *settings(*ALIKE))
        self.assert_near("one", "two", 1e-10, 1e-10)


class Repeatable(DeviceTest):
    def test_dropout_and_resuming(self):
        """With masks of the device's own, too: the same bits, wherever a run was stopped."""
        sets = settings("training.steps=9", "training.batch_size=9", "training.accumulate=2", "analysis.at_end=false",
                        "checkpoints.every=1", "checkpoints.keep=99", "mixing.weights=uncertainty")
        self.on_device("whole", *sets)
        self.on_device("again", *sets)
        self.assertEqual(self.content("whole"), self.content("again"))
        for step in (1, 4, 8):
            self.cut_after(step, "whole", f"run-{step}")
            self.berth("run", "--resume", f"run-{step}", environment=DEVICE)
            self.assertEqual(self.content(f"run-{step}"), self.content("whole"))

    def test_what_began_on_one_goes_on_on_the_other(self):
        sets = settings(*ALIKE, "checkpoints.every=4", "checkpoints.keep=99")
        self.train("whole", *sets)
        self.cut_after(4, "whole", "moved")
        self.berth("run", "--resume", "moved", *settings("model.device=strict"), environment=DEVICE)
        self.assert_near("whole", "moved", 1e-9, 1e-9)
        self.on_device("there", *sets)
        self.cut_after(4, "there", "back")
        self.berth("run", "--resume", "back", *settings("model.device=cpu"))
        self.assert_near("whole", "back", 1e-9, 1e-9)


class OneTask(PairsTest):
    def on_both(self, name, *sets):
        quiet = settings("model.dropout=0", "model.attention_dropout=0", "tasks.mood.options.dropout=0", "training.epochs=1",
                         "model.precision=float64", "analysis.at_end=false", *sets)
        self.train(f"{name}-processor", *quiet)
        self.berth("run", "suite.toml", "--out", f"{name}-device", *quiet, *settings("model.device=strict"), environment=DEVICE)
        losses = [[line["loss"] for line in self.json_lines(f"{run}/metrics.jsonl") if line["kind"] == "train"]
                  for run in (f"{name}-processor", f"{name}-device")]
        self.assertGreater(len(losses[0]), 1)
        for one, two in zip(*losses, strict=True):
            self.assertAlmostEqual(one, two, 8)

    def test_bfloat16_and_flash_attention(self):
        """Near what the processor makes of bfloat16 products, of the first token alone and of all."""
        quiet = settings("model.precision=bfloat16", "model.dropout=0", "model.attention_dropout=0", "training.log_every=1",
                         "tasks.mood.options.dropout=0", "optimizer.rate=1e-3", "analysis.at_end=false")
        self.train("here", *quiet)
        output = self.berth("run", "suite.toml", "--out", "there", environment=DEVICE, *quiet, *settings("model.device=strict"))
        self.assertIn("strict: flash attention", output.stderr)
        summary = self.json("there/summary.json")
        self.assertEqual((summary["products"], summary["device"]), ("bfloat16", "strict:0"))
        self.assertGreater(summary["tasks"]["mood"]["dev"]["accuracy"]["best"], 0.9)
        here, there = ([line["loss"] for line in self.json_lines(f"{run}/metrics.jsonl") if line["kind"] == "train"]
                       for run in ("here", "there"))
        self.assertLess(here[-1], here[0] / 2)
        for one, two in zip(here[:40], there[:40], strict=True):
            self.assertAlmostEqual(one, two, delta=0.03)

    def test_what_regularises(self):
        for name, sets in {"smooth": ["finetuning.r_drop=1"], "smart": ["finetuning.smart=1"],
                           "adversary": ["finetuning.adversarial=0.1"]}.items():
            with self.subTest(way=name):
                self.on_both(name, *sets, "training.log_every=1")

    def test_what_lessens_a_bias(self):
        self.write_pairs("train.tsv", pairs(120, 1))
        self.write_pairs("dev.tsv", pairs(40, 2, lie=0.5))
        self.suite(task='dev = "dev.tsv"\ndata = { text_pair = "second" }\n')
        self.train("teacher", *settings("training.epochs=1", "analysis.at_end=false"))
        for method in ("product_of_experts", "learned_mixin", "reweighting", "group_dro", "balanced",
                       "confidence_regularization"):
            with self.subTest(method=method):
                self.on_both(method, f"tasks.mood.debias.method={method}", "training.log_every=1",
                             *(["tasks.mood.debias.teacher=teacher"] if method == "confidence_regularization" else []),
                             *(["tasks.mood.debias.bias=embeddings"] if method == "learned_mixin" else []))

    def test_everything_that_asks_a_run(self):
        self.train("run", *settings("training.epochs=2", "analysis.at_end=false"))
        suite = self.dir / "run/suite.toml"
        texts = "".join(json.dumps({"text": f"{text} {place}"}) + "\n" for text in GOOD + BAD for place in PLACES)
        asked = "predict", "run", "--task", "mood"
        here = self.berth(*asked, stdin=texts).stdout
        suite.write_text(suite.read_text().replace('device = "auto"', 'device = "strict"'))
        self.assertEqual(self.berth(*asked, stdin=texts).stdout, here)  # where that device isn't, without it
        there = self.berth(*asked, stdin=texts, environment=DEVICE).stdout
        self.assertNotEqual(there, here)  # in the last digits
        for one, two in zip(here.splitlines(), there.splitlines(), strict=True):
            one, two = json.loads(one), json.loads(two)
            self.assertEqual(one["prediction"], two["prediction"])
        self.assertIn("accuracy", self.berth("evaluate", "run", environment=DEVICE).stdout)
        self.berth("analyze", "run", environment=DEVICE)
        self.berth("export", "run", "--task", "mood", "--to", "exported", environment=DEVICE)
        self.assertEqual(self.tensors("exported/model.safetensors")["bert.pooler.dense.weight"],
                         self.tensors("run/checkpoints/best/encoder/model.safetensors")["pooler.dense.weight"])


class Served(ProgramTest):
    def test_all_tasks_on_one_pass(self):
        tiny_model.write(self.dir / "model", GOOD + BAD + PLACES + test_serve.QUESTIONS)
        test_serve.write_data(self.dir)
        (self.dir / "suite.toml").write_text(test_serve.SUITE)
        self.train("run", *settings("training.epochs=1", "analysis.at_end=false"))
        suite = self.dir / "run/suite.toml"
        suite.write_text(suite.read_text().replace('device = "auto"', 'device = "strict"'))
        server = test_serve.Server(self, self.dir / "run", environment=DEVICE)
        for task in ("mood", "places", "faq", "echo"):
            rows = [test_serve.row_for(task, text) for text in (*GOOD, *BAD)]
            lines = "".join(json.dumps(row) + "\n" for row in rows)
            expected = [json.loads(line) for line in self.berth("predict", "run", "--task", task, stdin=lines).stdout.splitlines()]
            answers = [server.answer(f"/v1/tasks/{task}", row) for row in rows]
            self.assertEqual([a["prediction"] for a in answers], [e["prediction"] for e in expected])
        server.stop()


class Choice(ProgramTest):
    def test_without_a_gpu_it_is_the_processor(self):
        self.train("run", *settings("training.steps=1", "analysis.at_end=false"))
        self.assertEqual(self.json("run/summary.json")["device"], "cpu")

    def test_what_is_not_there_is_told(self):
        for name, says in {"gpu": "LibTorch knows no such device", "strict": "LibTorch knows no such device",
                           "cuda": "LibTorch finds no GPU here", "meta": "LibTorch knows no such device"}.items():
            with self.subTest(name=name):
                self.fails(2, "run", "suite.toml", *settings(f"model.device={name}"), says=[f'model.device is "{name}"', says])
        self.suite()
        text = (self.dir / "suite.toml").read_text().replace("[model]", '[model]\ndevice = "cuda"')
        (self.dir / "suite.toml").write_text(text)
        self.fails(2, "run", "suite.toml", says=["suite.toml:3:10: ", '"auto" takes a GPU where there is one'])


if __name__ == "__main__":
    unittest.main()
