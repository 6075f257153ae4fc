"""Several tasks in one suite: who trains when, what the report says of it, and runs beside each other."""
import os

from program import ProgramTest, rows

TASKS = """
[tasks.second]
plugin = "classification"
train = "second.tsv"
dev = "second-dev.tsv"
"""


def reversed_rows(count, seed):
    """The same texts with the labels changed over: what helps one task hurts the other."""
    return ((text, "bad" if label == "good" else "good") for text, label in rows(count, seed))


class Mixing(ProgramTest):
    def setUp(self):
        super().setUp()
        self.write_rows("second.tsv", reversed_rows(80, 3))
        self.write_rows("second-dev.tsv", reversed_rows(40, 4))
        self.suite(text=TASKS)

    def mix(self, out, *settings):
        self.train(out, *(a for s in settings for a in ("--set", s)))
        return self.json(f"{out}/summary.json")

    def steps_of(self, out):
        """Steps that each task had, as metrics.jsonl has them."""
        counts = {}
        for line in self.json_lines(f"{out}/metrics.jsonl"):
            if line["kind"] == "train":
                counts[line["task"]] = counts.get(line["task"], 0) + line["steps"]
        return counts

    def test_every_way_of_mixing_trains_both_tasks(self):
        for kind in ("proportional", "uniform", "temperature", "round_robin", "sequential"):
            self.mix(kind, f"mixing.kind={kind}", "training.epochs=2")
        # 200 and 80 rows in batches of 16: 13 and 5 steps an epoch.
        self.assertEqual(self.steps_of("proportional"), {"second": 10, "mood": 26})
        self.assertEqual(self.steps_of("sequential"), {"second": 10, "mood": 26})
        self.assertEqual(self.steps_of("round_robin"), {"second": 18, "mood": 18})
        self.assertEqual(sum(self.steps_of("uniform").values()), 36)
        self.assertEqual(sum(self.steps_of("temperature").values()), 36)

    def test_phases(self):
        summary = self.mix("run", "mixing.kind=phases", "training.steps=30", "training.log_every=1",
                           "mixing.phases=[{steps=10, shares={mood=1}}, {shares={second=1}}]")
        self.assertEqual(summary["steps"], 30)
        tasks = [line["task"] for line in self.json_lines("run/metrics.jsonl") if line["kind"] == "train"]
        self.assertEqual(tasks, ["mood"] * 10 + ["second"] * 20)

    def test_the_report_tells_that_tasks_are_against_each_other(self):
        summary = self.mix("run", "training.epochs=2", "mixing.cosine_every=3")
        (cosine,) = summary["gradient_cosines"]
        self.assertEqual(cosine["tasks"], ["second", "mood"])
        self.assertEqual(cosine["measured"], 12)
        for value in (cosine["mean"], cosine["least"]):
            self.assertTrue(-1 <= value <= 1, value)
        lines = [line for line in self.json_lines("run/metrics.jsonl") if line["kind"] == "cosines"]
        self.assertEqual([line["step"] for line in lines], list(range(3, 37, 3)))
        self.assertAlmostEqual(sum(l["between"][0]["cosine"] for l in lines) / 12, cosine["mean"], places=9)

    def test_looking_at_the_gradients_changes_nothing(self):
        files = ["checkpoints/last/encoder/model.safetensors", "checkpoints/last/heads/mood.safetensors"]
        self.mix("looked", "training.epochs=1", "mixing.cosine_every=1")
        self.mix("blind", "training.epochs=1", "mixing.cosine_every=0")
        self.assertNotIn("gradient_cosines", self.json("blind/summary.json"))
        for file in files:
            self.assertEqual((self.dir / "looked" / file).read_bytes(), (self.dir / "blind" / file).read_bytes(), file)

    def test_steps_of_all_tasks_and_surgery(self):
        summary = self.mix("all", "mixing.step=all", "training.epochs=2", "mixing.cosine_every=2")
        self.assertEqual(summary["steps"], 26)
        self.assertEqual(self.steps_of("all"), {"second": 26, "mood": 26})
        self.mix("surgery", "mixing.surgery=true", "training.epochs=2", "mixing.cosine_every=2")
        self.assertIn('step = "all"', (self.dir / "surgery/suite.toml").read_text())
        model = "checkpoints/last/encoder/model.safetensors"
        self.assertNotEqual((self.dir / "all" / model).read_bytes(), (self.dir / "surgery" / model).read_bytes())
        again = self.mix("again", "mixing.surgery=true", "training.epochs=2", "mixing.cosine_every=2")
        self.assertEqual((self.dir / "again" / model).read_bytes(), (self.dir / "surgery" / model).read_bytes())
        self.assertEqual(again["gradient_cosines"], self.json("surgery/summary.json")["gradient_cosines"])

    def test_a_step_of_all_tasks_is_the_weighted_sum_of_their_means(self):
        # A twin that weighs next to nothing changes next to nothing.
        alone = ("model.precision=float64", "model.dropout=0", "model.attention_dropout=0", "training.shuffle=false",
                 "training.epochs=1", "training.log_every=1", "optimizer.head_rate=1e-12", "training.clip_norm=0",
                 "optimizer.weight_decay=0")
        self.suite(text="")
        self.mix("alone", *alone, "tasks.mood.options.dropout=0", "checkpoints.initial=true")
        twin = '\n[tasks.twin]\nplugin = "classification"\ntrain = "train.tsv"\ndev = "dev.tsv"\nweight = 1e-9\n'
        self.suite(text=twin)
        self.mix("both", *alone, "mixing.step=all", "tasks.mood.options.dropout=0", "tasks.twin.options.dropout=0")

        def values(run):
            return [(l["loss"], l["gradient_norm"]) for l in self.json_lines(f"{run}/metrics.jsonl")
                    if l["kind"] == "train" and l["task"] == "mood"]
        for a, b in zip(values("alone"), values("both"), strict=True):
            self.assertAlmostEqual(a[0], b[0], places=5)
            self.assertAlmostEqual(a[1], b[1], places=5)

    def test_uncertainty_moves_the_weights_and_they_are_written_down(self):
        self.mix("run", "mixing.weights=uncertainty", "mixing.weight_rate=0.01", "training.epochs=4")
        weights = [(l["task"], l["weight"]) for l in self.json_lines("run/metrics.jsonl") if l["kind"] == "train"]
        for task in ("mood", "second"):
            own = [w for t, w in weights if t == task]
            self.assertNotEqual(own[0], own[-1])
            self.assertTrue(all(w > 0 for w in own))
        self.mix("fixed", "training.epochs=1")
        self.assertTrue(all(l["weight"] == 1 for l in self.json_lines("fixed/metrics.jsonl") if l["kind"] == "train"))

    def test_one_task_after_another_says_what_was_forgotten(self):
        summary = self.mix("run", "mixing.kind=sequential", "training.epochs=20")
        second = summary["tasks"]["second"]  # the first in the suite, taught the contrary afterwards
        self.assertGreater(second["after_own_turn"], 0.9)
        self.assertAlmostEqual(second["forgotten"], second["after_own_turn"] - second["dev"]["accuracy"]["final"])
        self.assertEqual(summary["tasks"]["mood"]["forgotten"], 0)
        # Each turn warms up and cools down by itself.
        rates = [line["rate"] for line in self.json_lines("run/metrics.jsonl") if line["kind"] == "train"]
        top = max(rates)
        rises = sum(b > a for a, b in zip(rates, rates[1:]))
        self.assertGreater(rises, 1)
        self.assertLess(rates[0], top)

    def test_each_task_keeps_its_own_best(self):
        summary = self.mix("run", "evaluation.select_by=each", "evaluation.every=10", "mixing.kind=sequential",
                           "training.epochs=6")
        checkpoints = self.dir / "run/checkpoints"
        for task in ("mood", "second"):
            entry = summary["tasks"][task]
            step = os.readlink(checkpoints / f"best-{task}")
            self.assertEqual(step, f"step-{entry['checkpoint_step']}")
            self.assertEqual(entry["checkpoint_step"], entry["dev"]["accuracy"]["best_step"])
            self.assertEqual(entry["sets"]["dev"]["accuracy"], entry["dev"]["accuracy"]["best"])
            right = sum(p["prediction"] == p["label"] for p in self.json_lines(f"run/predictions/{task}.dev.jsonl"))
            self.assertAlmostEqual(right / (60 if task == "mood" else 40), entry["dev"]["accuracy"]["best"])
            output = self.berth("evaluate", "run", "--task", task).stdout
            self.assertIn(f"{entry['dev']['accuracy']['best']:.6f}", output)
            self.assertNotIn("mood on" if task == "second" else "second on", output)
        both = self.berth("evaluate", "run").stdout
        self.assertIn("mood on dev", both)
        self.assertIn("second on dev", both)

    def test_a_heads_own_warmup(self):
        common = ("training.steps=1", "optimizer.weight_decay=0", "checkpoints.initial=true")
        # With a warm-up, the first step's rate is 0: the head stays where it was.
        self.suite()
        self.mix("warm", *common, "schedule.warmup=0", "tasks.mood.head_warmup=1.0")
        head = "checkpoints/{}/heads/mood.safetensors"
        encoder = "checkpoints/{}/encoder/model.safetensors"
        read = lambda run, file, at: (self.dir / run / file.format(at)).read_bytes()
        self.assertEqual(read("warm", head, "step-0"), read("warm", head, "last"))
        self.assertNotEqual(read("warm", encoder, "step-0"), read("warm", encoder, "last"))
        self.mix("cold", *common, "schedule.warmup=0", "tasks.mood.head_warmup=0")
        self.assertNotEqual(read("cold", head, "step-0"), read("cold", head, "last"))

    def test_a_task_starts_from_anothers_encoder(self):
        self.suite()
        self.mix("first", "training.epochs=4")
        self.mix("next", "model.path=first", "training.steps=1", "checkpoints.initial=true")
        encoder = "encoder/model.safetensors"
        self.assertEqual((self.dir / "next/checkpoints/step-0" / encoder).read_bytes(),
                         (self.dir / "first/checkpoints/best" / encoder).read_bytes())
        answer = self.berth("predict", "next", "--task", "mood", stdin='{"text": "we loved it"}\n')
        self.assertIn('"prediction"', answer.stdout)

    def test_compare_puts_the_mix_beside_each_task_alone(self):
        mixed = self.mix("mixed", "training.epochs=2")
        self.suite()
        alone = self.mix("alone", "training.epochs=2")
        output = self.berth("compare", "mixed", "alone").stdout
        lines = {tuple(line.split()[:3]): line for line in output.splitlines() if line}
        ours, theirs = (s["tasks"]["mood"]["sets"]["dev"]["accuracy"] for s in (mixed, alone))
        self.assertIn(f"{ours:.4f} ({ours - theirs:+.4f})", lines["mood", "dev", "accuracy"])
        self.assertTrue(lines["mood", "dev", "accuracy"].endswith(f"{theirs:.4f}"))
        self.assertTrue(lines["second", "dev", "accuracy"].endswith("-"))
        self.assertIn("In brackets", output)
        self.assertIn("mixed  second, mood", output)
        self.fails(2, "compare", "mixed", says="two or more")
        self.fails(6, "compare", "mixed", "nowhere", says="nowhere")
        os.remove(self.dir / "alone/summary.json")
        self.fails(6, "compare", "mixed", "alone", says="summary.json")
        (self.dir / "alone/summary.json").write_text("[1, 2")
        self.fails(3, "compare", "mixed", "alone", says="not valid JSON")
        (self.dir / "alone/summary.json").write_text('{"tasks": {"mood": 1}}')
        self.fails(3, "compare", "mixed", "alone", says="no summary that berth wrote")

