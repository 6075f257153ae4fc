"""[tasks.NAME.debias]: what the biased model learns by itself, what becomes of the loss, and scores by group."""
import random
import unittest

from program import BAD, GOOD, PLACES, ProgramTest

WORDS = " ".join(GOOD + BAD + PLACES).split()


def pairs(count, seed, lie=0.1):
    """What is true: the label is the mood of the first text. What is nearly always true: the second text of a good one
    repeats it. lie: how often that is the other way round."""
    rng = random.Random(seed)
    for _ in range(count):
        label = rng.choice(["good", "bad"])
        text = f"{rng.choice(GOOD if label == 'good' else BAD)} {rng.choice(PLACES)}"
        repeats = (label == "good") != (rng.random() < lie)
        second = " ".join(text.split()[-3:] if repeats else rng.choices(WORDS, k=4))
        yield text, second, label, "repeats" if repeats else "differs"


class PairsTest(ProgramTest):
    def write_pairs(self, name, rows):
        lines = ["text\tsecond\tlabel\tkind"] + ["\t".join(row) for row in rows]
        (self.dir / name).write_text("\n".join(lines) + "\n", encoding="utf-8")


class Debias(PairsTest):
    def setUp(self):
        super().setUp()
        self.write_pairs("train.tsv", pairs(200, 1))
        self.write_pairs("dev.tsv", pairs(60, 2, lie=0.5))
        self.suite(task='dev = "dev.tsv"\ndata = { text_pair = "second" }\n')

    def debias(self, out, method, *settings):
        self.train(out, "--set", f"tasks.mood.debias.method={method}", "--set", "training.epochs=2",
                   *(a for s in settings for a in ("--set", s if "." in s.split("=")[0] else f"tasks.mood.debias.{s}")))
        return self.json(f"{out}/summary.json")["tasks"]["mood"]

    def losses(self, out):
        return [line["loss"] for line in self.json_lines(f"{out}/metrics.jsonl") if line["kind"] == "train"]

    def test_each_biased_model_is_learned_and_reported(self):
        bias = {}
        for kind, method in (("overlap", "product_of_experts"), ("second_text", "reweighting"), ("embeddings", "learned_mixin")):
            task = self.debias(kind, method, f"bias={kind}")
            bias[kind] = task["debias"]["bias"]
            self.assertEqual(bias[kind]["features"], 200)
            line = next(line for line in self.json_lines(f"{kind}/metrics.jsonl") if line["kind"] == "debias")
            self.assertEqual(line["debias"]["bias"], bias[kind])
            self.assertEqual("mean_gate" in task["debias"], method == "learned_mixin")
        self.assertAlmostEqual(bias["overlap"]["accuracy"], 0.9, delta=0.05)  # what the second text gives away, no more
        self.assertGreater(bias["second_text"]["accuracy"], bias["second_text"]["majority"])
        self.assertGreater(bias["embeddings"]["accuracy"], 0.95)  # it sees the first text
        self.assertGreater(task["debias"]["mean_gate"], 0)
        self.assertNotIn("gate.weight", self.tensors("embeddings/checkpoints/last/heads/mood.safetensors"))

    def test_a_loss_in_parts_is_the_loss_of_the_whole(self):
        settings = ("model.dropout=0", "model.attention_dropout=0", "model.precision=float64", "training.steps=3",
                    "training.log_every=1", "tasks.mood.options.dropout=0.0")
        for method in ("product_of_experts", "reweighting", "learned_mixin"):
            self.debias(f"{method}-1", method, *settings)
            self.debias(f"{method}-2", method, *settings, "training.batch_size=4", "training.accumulate=4")
            for one, other in zip(self.losses(f"{method}-1"), self.losses(f"{method}-2"), strict=True):
                self.assertAlmostEqual(one, other, delta=1e-9)
        self.train("plain", *(a for s in settings for a in ("--set", s)))
        self.assertNotAlmostEqual(self.losses("plain")[0], self.losses("product_of_experts-1")[0], places=3)

    def test_the_teacher_is_a_finished_run(self):
        self.train("plain", "--set", "training.epochs=2")
        task = self.debias("run", "confidence_regularization", "teacher='plain'")
        self.assertIn("bias", task["debias"])
        # Its targets are the teacher's chances, not the labels: from the same start the first loss is another.
        self.assertNotEqual(self.losses("plain")[0], self.losses("run")[0])
        self.fails(2, "run", "suite.toml", "--out", "none", "--set", "tasks.mood.debias.method=confidence_regularization",
                   says=["teacher", "[tasks.mood.debias]"])
        self.write_pairs("three.tsv", [*pairs(50, 3), ("a day", "a day", "grey", "repeats")])
        self.fails(2, "run", "suite.toml", "--out", "none", "--set", "tasks.mood.debias.method=confidence_regularization",
                   "--set", "tasks.mood.debias.teacher='plain'", "--set", "tasks.mood.train='three.tsv'",
                   says=["other labels", "plain"])

    def test_groups_are_weighted_balanced_and_scored(self):
        names = ["bad, differs", "bad, repeats", "good, differs", "good, repeats"]
        task = self.debias("dro", "group_dro", "group=kind", "step_size=0.1")
        groups = task["debias"]["groups"]
        self.assertEqual(list(groups), names)
        self.assertEqual(sum(g["features"] for g in groups.values()), 200)
        self.assertAlmostEqual(sum(g["weight"] for g in groups.values()), 1)
        self.assertEqual(list(task["groups"]["dev"]), names)
        worst = min(names, key=lambda name: task["groups"]["dev"][name]["accuracy"])
        self.assertEqual(task["groups"]["dev"][task["worst_group"]["dev"]]["accuracy"],
                         task["groups"]["dev"][worst]["accuracy"])
        balanced = self.debias("balanced", "balanced", "group=kind")
        self.assertNotIn("debias", balanced)
        plain = self.debias("plain", "none", "group=kind")  # groups are scored without a method too
        self.assertEqual(list(plain["groups"]["dev"]), names)
        self.assertNotEqual(self.losses("balanced"), self.losses("plain"))
        examples = (self.dir / "plain/predictions/mood.dev.jsonl").read_text().count("\n")
        self.assertEqual(examples, 60)
        printed = self.berth("evaluate", "plain").stdout
        for name in names:
            self.assertRegex(printed, rf"accuracy +{plain['groups']['dev'][name]['accuracy']:.6f}  \(group '{name}'")
        self.assertIn(f"(group '{plain['worst_group']['dev']}', the worst)", printed)

    def test_what_does_not_fit_is_refused(self):
        def refused(code, says, *settings):
            arguments = [a for s in settings for a in ("--set", s)]
            self.fails(code, "run", "suite.toml", "--out", "none", *arguments, says=says)

        refused(2, ["'teacher' counts only"], "tasks.mood.debias.teacher='plain'")
        refused(2, ["training.shuffle"], "tasks.mood.debias.method=balanced", "training.shuffle=false")
        refused(2, ["all examples are one group"], "tasks.mood.debias.method=group_dro", "tasks.mood.debias.by_label=false")
        refused(3, ["train.tsv:2", "no 'colour'"], "tasks.mood.debias.method=group_dro", "tasks.mood.debias.group=colour")
        for i, (option, says) in enumerate((("label_smoothing=0.1", "not plain"), ("kind=multi-label", "class probabilities"))):
            self.fails(2, "run", "suite.toml", "--out", f"refused-{i}", "--set", "tasks.mood.debias.method=product_of_experts",
                       "--set", f"tasks.mood.options.{option}", says=says)
        self.suite(task='dev = "dev.tsv"')  # one text
        error = self.fails(2, "run", "suite.toml", "--out", "one", "--set", "tasks.mood.debias.method=product_of_experts",
                           says=["second of two texts", "embeddings"])
        self.assertEqual(error.count("[tasks.mood.debias]"), 1)


if __name__ == "__main__":
    unittest.main()
