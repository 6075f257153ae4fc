"""Ways to fine-tune, from the suite to the checkpoint."""
import json
import struct
import unittest

from program import ProgramTest


class Finetuning(ProgramTest):
    def weights(self, path):
        return self.tensors(f"{path}/encoder/model.safetensors")

    def moved(self, out):
        """Names of the parameters that have another value than at the start."""
        before, after = (self.weights(f"{out}/checkpoints/{c}") for c in ("step-0", "last"))
        return {name for name in self.learning(before) if before[name] != after[name]}

    def learning(self, names):
        """Without the keys' biases, whose true gradient is zero."""
        return {name for name in names if not name.endswith("key.bias")}

    def learn(self, out, *settings):
        arguments = [a for s in (*settings, "checkpoints.initial=true") for a in ("--set", s)]
        return self.train(out, *arguments)

    def plan(self, out):
        return next(line for line in self.json_lines(f"{out}/metrics.jsonl") if line["kind"] == "plan")

    def test_methods_say_what_learns(self):
        cases = {"study": lambda n: n.startswith(("embeddings.", "pooler.")),
                 "heads": lambda n: False,
                 "top": lambda n: n.startswith(("encoder.layer.1.", "pooler.")),
                 "biases": lambda n: n.endswith(".bias")}
        for method, is_trained in cases.items():
            self.learn(method, f"finetuning.method={method}", "finetuning.top_layers=1", "training.steps=5",
                       "optimizer.rate=1e-3")
            names = set(self.weights(f"{method}/checkpoints/last"))
            expected = {n for n in self.learning(names) if is_trained(n)}
            # Of the embeddings only rows that were read have gradients; the tensors as a whole change.
            self.assertEqual(self.moved(method), expected, method)
            plan = self.plan(method)
            status = {p["name"]: p["status"] for p in plan["parameters"]}
            self.assertEqual({n for n, s in status.items() if s == "trained" and not n.startswith("heads.")},
                             {n for n in names if is_trained(n)})
            self.assertLess(plan["compute_share"], 0.7, method)
        self.assertEqual({p["group"] for p in plan["parameters"]},
                         {"embeddings", "layers.0", "layers.1", "pooler", "heads.mood"})

    def test_lora_leaves_a_merged_encoder_and_adapters(self):
        self.learn("run", "finetuning.method=lora", "finetuning.lora_rank=2", "finetuning.lora_alpha=6",
                   "optimizer.rate=1e-2", "training.epochs=4")
        targets = {f"encoder.layer.{i}.attention.self.{part}" for i in (0, 1) for part in ("query", "value")}
        self.assertEqual(self.moved("run"), {f"{t}.weight" for t in targets})
        self.assertGreater(self.json("run/summary.json")["tasks"]["mood"]["dev"]["accuracy"]["best"], 0.8)
        config = self.json("run/checkpoints/last/adapter/adapter_config.json")
        self.assertEqual((config["peft_type"], config["r"], config["lora_alpha"]), ("LORA", 2, 6))
        self.assertEqual(set(config["target_modules"]), targets)
        adapter = self.tensors("run/checkpoints/last/adapter/adapter_model.safetensors")
        self.assertEqual(set(adapter), {f"base_model.model.{t}.lora_{m}.weight" for t in targets for m in "AB"})
        before, after = (self.weights(f"run/checkpoints/{c}") for c in ("step-0", "last"))
        for target in targets:
            w0, w = (struct.unpack("<1024f", x[f"{target}.weight"]) for x in (before, after))
            a = struct.unpack("<64f", adapter[f"base_model.model.{target}.lora_A.weight"])
            b = struct.unpack("<64f", adapter[f"base_model.model.{target}.lora_B.weight"])
            for i in range(32):
                for j in range(32):
                    update = 3 * sum(b[2 * i + k] * a[32 * k + j] for k in (0, 1))
                    self.assertAlmostEqual(w[32 * i + j], w0[32 * i + j] + update, places=5)
        self.learn("full", "training.steps=1")
        self.assertFalse((self.dir / "full/checkpoints/last/adapter").exists())

    def test_adapters_learn_alone_and_stay_with_the_model(self):
        self.learn("run", "finetuning.method=adapters", "finetuning.adapter_size=8", "optimizer.rate=2e-2")
        after = self.weights("run/checkpoints/last")
        self.assertEqual(self.moved("run"), {n for n in after if ".adapter." in n})
        self.assertEqual(len(self.moved("run")), 2 * 6)
        self.assertEqual(self.json("run/checkpoints/last/encoder/config.json")["berth_adapter_size"], 8)
        self.assertGreater(self.json("run/summary.json")["tasks"]["mood"]["dev"]["accuracy"]["best"], 0.7)
        scored = self.json_lines("run/predictions/mood.dev.jsonl")
        texts = "".join(json.dumps({"text": p["text"]}) + "\n" for p in scored)
        kept = [json.loads(l) for l in self.berth("predict", "run", "--task", "mood", stdin=texts).stdout.splitlines()]
        for a, b in zip(scored, kept, strict=True):
            self.assertAlmostEqual(a["probabilities"]["good"], b["probabilities"]["good"], places=5)
        self.fails(2, "export", "run", "--task", "mood", "--to", "out", says="transformers' classes don't know")
        # A run from it has them too, whatever learns there.
        self.learn("next", "finetuning.method=heads", "model.path=run", "training.steps=2")
        next_start = self.weights("next/checkpoints/step-0")
        self.assertEqual({n: v for n, v in next_start.items() if ".adapter." in n},
                         {n: v for n, v in self.weights("run/checkpoints/best").items() if ".adapter." in n})
        self.assertEqual(self.moved("next"), set())
        self.fails(2, "run", "suite.toml", "--out", "other", "--set", "model.path=run", "--set",
                   "finetuning.method=adapters", says="has adapters of width 8, but finetuning.adapter_size is 64; write 8")

    def test_a_preset_is_written_out(self):
        self.learn("run", "training.preset=few_sample", "training.epochs=2")
        suite = (self.dir / "run/suite.toml").read_text()
        for line in ('preset = "few_sample"', "epochs = 2", "batch_size = 16", "warmup = 0.1"):
            self.assertIn(f"\n{line}", suite)

    def test_layers_begin_to_learn_one_after_another(self):
        # Of 12 steps the last layer learns from the fifth on, the first from the ninth, and the embeddings would from the 13th.
        self.learn("run", "training.steps=12", "finetuning.gradual_unfreezing=1", "evaluation.every=4",
                   "checkpoints.keep=9", "schedule.warmup=0")
        before = self.weights("run/checkpoints/step-0")
        for step, parts in ((4, ("pooler.",)), (8, ("pooler.", "encoder.layer.1.")), (12, ("pooler.", "encoder.layer."))):
            after = self.weights(f"run/checkpoints/step-{step}")
            moved = {name for name in self.learning(before) if before[name] != after[name]}
            self.assertEqual(moved, {name for name in self.learning(before) if name.startswith(parts)}, step)

    def test_reinitialized_layers_start_elsewhere(self):
        self.learn("run", "finetuning.reinitialize_layers=1", "training.steps=1")
        before = self.tensors(f"{self.shared.name}/model/model.safetensors")
        after = self.weights("run/checkpoints/step-0")
        changed = {n for n, value in before.items() if value != after[n]}
        self.assertEqual(changed, {n for n in before if n.startswith(("encoder.layer.1.", "pooler.")) and
                                   n.endswith(".weight") and "LayerNorm" not in n})

    def test_averaged_weights_are_those_that_are_scored_and_kept(self):
        settings = ("finetuning.method=lora", "optimizer.rate=1e-2", "training.steps=40", "evaluation.every=40")
        self.learn("run", "finetuning.average=0.4", *settings)
        scored = self.json_lines("run/predictions/mood.dev.jsonl")
        texts = "".join(json.dumps({"text": p["text"]}) + "\n" for p in scored)
        kept = [json.loads(l) for l in self.berth("predict", "run", "--task", "mood", stdin=texts).stdout.splitlines()]
        self.learn("last", *settings)
        last = self.json_lines("last/predictions/mood.dev.jsonl")
        moved = 0
        for a, b, c in zip(scored, kept, last, strict=True):
            self.assertAlmostEqual(a["probabilities"]["good"], b["probabilities"]["good"], places=5)
            moved = max(moved, abs(a["probabilities"]["good"] - c["probabilities"]["good"]))
        self.assertGreater(moved, 1e-3)
        self.assertFalse((self.dir / "run/checkpoints/last/adapter").exists())

    def test_everything_together_learns_and_repeats_bit_for_bit(self):
        settings = ("finetuning.mixout=0.3", "finetuning.adversarial=0.3", "finetuning.average=0.3",
                    "finetuning.gradual_unfreezing=0.2", "finetuning.reinitialize_layers=1", "optimizer.decay_to=pretrained",
                    "finetuning.r_drop=0.5", "finetuning.smart=0.5", "training.accumulate=2", "training.batch_size=8")
        for out, *more in (("a",), ("b",), ("c", "training.activation_checkpointing=true")):
            self.learn(out, *settings, *more)
            self.assertEqual(self.weights("a/checkpoints/last"), self.weights(f"{out}/checkpoints/last"), out)
        self.assertGreater(self.json("a/summary.json")["tasks"]["mood"]["dev"]["accuracy"]["best"], 0.9)
        for setting in settings[:8]:
            self.learn(setting, *(s for s in settings if s != setting))
            self.assertNotEqual(self.weights("a/checkpoints/last"), self.weights(f"{setting}/checkpoints/last"), setting)

    def test_what_does_not_fit_is_said_before_anything_is_made(self):
        for settings, expected in (
                (["finetuning.method=top", "finetuning.top_layers=3"], "finetuning.top_layers is 3, but the model has 2"),
                (["finetuning.reinitialize_layers=3"], "finetuning.reinitialize_layers is 3, but the model has 2"),
                (["finetuning.reinitialize_layers=1", "optimizer.freeze=['layers.1']"], "is frozen and would keep them"),
                (["finetuning.adversarial=1", "optimizer.freeze=['embeddings']"], "moves the word embeddings"),
                (["finetuning.method=lora", "finetuning.lora_targets=['querry']"], "did you mean 'query'?"),
                (["optimizer.train_only=['bias']"], "did you mean 'biases'?")):
            self.fails(2, "run", "suite.toml", "--out", "run", *(a for s in settings for a in ("--set", s)), says=expected)
            self.assertFalse((self.dir / "run").exists())
        self.fails(2, "run", "suite.toml", "--out", "run", "--set", "finetuning.average=0.001", "--set", "training.steps=20",
                   says="finetuning.average = 0.001 of 20 steps is none")


if __name__ == "__main__":
    unittest.main()
