"""Templates of the SDK, as they are: the tagger, and the classifier as it was built at SDK 1.0."""
import json
import os
import random

from program import BAD, GOOD, PLACES, ProgramTest


class Tagger(ProgramTest):
    def setUp(self):
        super().setUp()
        for name, count, seed in (("train.tsv", 120, 1), ("dev.tsv", 30, 2)):
            rng = random.Random(seed)
            lines = ["words\ttags"]
            for _ in range(count):
                words, place = rng.choice(GOOD + BAD).split(), rng.choice(PLACES).split()
                lines.append(" ".join(words + place) + "\t" + " ".join(["O"] * len(words) + ["place"] * len(place)))
            (self.dir / name).write_text("\n".join(lines) + "\n")
        suite = (self.dir / "suite.toml").read_text()
        (self.dir / "suite.toml").write_text(suite.replace('"classification"', '"tagger"'))

    def test_it_learns_and_tags(self):
        self.train("run", "--plugin-path", os.environ["TAGGER"])
        self.assertGreater(self.json("run/summary.json")["tasks"]["mood"]["sets"]["dev"]["accuracy"], 0.97)
        answer = self.berth("predict", "run", "--task", "mood", "--plugin-path", os.environ["TAGGER"],
                            stdin='{"words": "we loved it by the sea", "tags": "?"}\n').stdout
        self.assertEqual(json.loads(answer)["prediction"], ["O", "O", "O", "place", "place", "place"])

    def test_its_errors_have_a_line(self):
        (self.dir / "dev.tsv").write_text("words\ttags\na b\tO O\na b\tO\n")
        self.fails(3, "run", "suite.toml", "--plugin-path", os.environ["TAGGER"],
                   says=["dev.tsv:3", "2 words and 1 tags"])


class Released(ProgramTest):
    def test_a_plugin_built_at_1_0_trains_to_what_it_did(self):
        suite = (self.dir / "suite.toml").read_text()
        (self.dir / "suite.toml").write_text(suite.replace('"classification"', '"stance"'))
        self.train("old", "--plugin-path", os.environ["TEST_PLUGINS"] + "/plugins-released")
        self.train("new", "--plugin-path", os.environ["STANCE"])
        old, new = (self.json(f"{run}/checkpoints/last/manifest.json")["content"] for run in ("old", "new"))
        self.assertEqual(old, new)
        # As recorded when 1.0 was released. Other processors have other last bits, which training makes larger.
        losses = {line["step"]: line["loss"] for line in self.json_lines("old/metrics.jsonl") if line["kind"] == "train"}
        for step, loss, tolerance in ((10, 0.69102, 1e-3), (60, 0.26980, 5e-2), (104, 0.02842, 1e-2)):
            self.assertAlmostEqual(losses[step], loss, delta=tolerance)
        self.assertEqual(self.json("old/summary.json")["tasks"]["mood"]["sets"]["dev"]["accuracy"], 1)
