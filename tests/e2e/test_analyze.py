"""What training changed inside the encoder: at the end of a run, and by `berth analyze`."""
import json
import shutil
import unittest

from program import ProgramTest, rows


class Analyze(ProgramTest):
    def analysis(self, run="run"):
        return self.json(f"{run}/analysis.json")

    def changes(self, run="run"):
        """Distance by group and kind, of the only checkpoint."""
        return {(c["group"], c["kind"]): c for c in self.analysis(run)["weights"][-1]["changes"]}

    def test_a_run_ends_with_it(self):
        self.suite(task='dev = "dev.tsv"\n[tasks.mood.sets]\nmore = "train.tsv"')
        output = self.train("run", "--set", "analysis.examples=30", "--set", 'optimizer.freeze=["layers.0"]').stdout
        self.assertIn("what training changed in the encoder", output)
        self.assertIn("mood at step", output)
        task = self.analysis()["tasks"]["mood"]
        self.assertEqual(task["checkpoint_step"], self.json("run/summary.json")["tasks"]["mood"]["checkpoint_step"])
        self.assertEqual(set(task["sets"]), {"dev", "more"})
        for found in task["sets"].values():
            self.assertEqual(found["examples"], 30)
            self.assertEqual(len(found["cka"]), 3)
            self.assertLess(found["cka"][2], found["cka"][0] + 1e-6)
        # What was frozen neither moved nor can be put back.
        self.assertEqual(self.changes()["layers.0", "all"]["distance"], 0)
        self.assertGreater(self.changes()["layers.1", "all"]["distance"], 0)
        self.assertNotIn("layers.0", task["with_pretrained"])
        self.assertLessEqual({"embeddings", "layers.1", "pooler"}, set(task["with_pretrained"]))
        self.assertNotIn("probes", task)

    def test_it_can_be_left_out(self):
        output = self.train("run", "--set", "training.steps=2", "--set", "analysis.at_end=false").stdout
        self.assertNotIn("what training changed", output)
        self.assertFalse((self.dir / "run/analysis.json").exists())

    def test_the_scores_of_parts_put_back_are_those_of_such_a_checkpoint(self):
        self.train("run", "--set", "checkpoints.initial=true")
        self.berth("analyze", "run")
        task = self.analysis()["tasks"]["mood"]
        best = self.dir / f"run/checkpoints/step-{task['checkpoint_step']}"
        for group, part in (("embeddings", "embeddings."), ("layers.1", "encoder.layer.1."), ("pooler", "pooler.")):
            shutil.copytree(best, self.dir / group)
            file = f"{group}/encoder/model.safetensors"
            data = bytearray((self.dir / file).read_bytes())
            size = int.from_bytes(data[:8], "little")
            start = self.tensors("run/checkpoints/step-0/encoder/model.safetensors")
            for name, entry in json.loads(data[8:8 + size]).items():
                if name.startswith(part):
                    a, b = entry["data_offsets"]
                    data[8 + size + a:8 + size + b] = start[name]
            (self.dir / file).write_bytes(data)
            self.fails(3, "evaluate", "run", "--checkpoint", group, says=["model.safetensors", "is not what was written"])
            self.vouch_for(group)
            output = self.berth("evaluate", "run", "--checkpoint", group).stdout
            score = next(line.split()[1] for line in output.splitlines() if "accuracy" in line)
            self.assertAlmostEqual(float(score), task["with_pretrained"][group], places=6, msg=group)
        self.assertGreater(task["trained"], min(task["with_pretrained"].values()) + 0.1)

    def test_probes_find_what_a_layer_knows(self):
        self.train()
        output = self.berth("analyze", "run").stdout
        self.assertIn("probe before", output)
        task = self.analysis()["tasks"]["mood"]
        labels = [label for _, label in rows(60, 2)]
        majority = max(labels.count("good"), labels.count("bad")) / len(labels)
        for side in ("pretrained", "trained"):
            # The first token's embedding is the same in every text.
            self.assertAlmostEqual(task["probes"][side][0], majority, places=6)
        self.assertGreater(task["probes"]["trained"][2], 0.95)
        self.assertGreaterEqual(task["probes"]["trained"][2], task["probes"]["pretrained"][2])

    def test_a_dev_set_that_was_split_off_is_found_again(self):
        self.suite(task="split = 0.2")
        self.train()
        self.berth("analyze", "run")
        self.assertEqual(self.analysis()["tasks"]["mood"]["sets"]["dev"]["examples"], 40)
        score = self.json("run/summary.json")["tasks"]["mood"]["sets"]["dev"]["accuracy"]
        self.assertAlmostEqual(self.analysis()["tasks"]["mood"]["trained"], score, places=6)
        self.assertIn(f"{score:.6f}", self.berth("evaluate", "run").stdout)

    def test_growth_is_told_where_checkpoints_were_kept(self):
        self.train("run", "--set", "checkpoints.keep=3", "--set", "training.epochs=3")
        output = self.berth("analyze", "run", "--examples", "20").stdout
        self.assertIn("over the steps", output)
        steps = self.analysis()["weights"]
        self.assertEqual([s["step"] for s in steps], [13, 26, 39])
        distances = [c["distance"] for s in steps for c in s["changes"] if (c["group"], c["kind"]) == ("layers.1", "all")]
        self.assertEqual(distances, sorted(distances))

    def test_it_repeats_bit_for_bit(self):
        self.train("run", "--set", "training.epochs=2", "--set", "analysis.at_end=false")
        self.berth("analyze", "run")
        first = (self.dir / "run/analysis.json").read_text()
        self.berth("analyze", "run")
        self.assertEqual((self.dir / "run/analysis.json").read_text(), first)

    def test_what_is_wrong_is_said(self):
        self.train("run", "--set", "training.steps=2", "--set", "analysis.at_end=false")
        self.fails(2, "analyze", "run", "--task", "moot", says=["moot", "did you mean 'mood'?"])
        self.fails(2, "analyze", "run", "--examples", "1", says=["--examples is 1", "2 or more"])
        self.fails(6, "analyze", "nowhere", says="no such folder")
        (self.dir / "run/checkpoints/step-2/checkpoint.json").write_text("{}")
        self.fails(3, "analyze", "run", says=["checkpoint.json", "is not what was written"])
        self.vouch_for("run/checkpoints/step-2")
        self.fails(3, "analyze", "run", says=["checkpoint.json", '"step"'])


if __name__ == "__main__":
    unittest.main()
