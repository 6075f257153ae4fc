"""The seq2seq plugin in the program: what the host hands it, and that its runs repeat."""
import json
import random

from program import BAD, GOOD, PLACES, ProgramTest


def requests(count, seed, form="[{label} [place {place} ] ]"):
    rng = random.Random(seed)
    for _ in range(count):
        label = rng.choice(["good", "bad"])
        place = rng.choice(PLACES)
        yield f"{rng.choice(GOOD if label == 'good' else BAD)} {place}", form.format(label=label, place=place)


class Seq2Seq(ProgramTest):
    def setUp(self):
        super().setUp()
        self.write_requests()

    def write_requests(self, **form):
        for name, count, seed in (("train.jsonl", 200, 1), ("dev.jsonl", 40, 2)):
            lines = [json.dumps({"source": s, "target": t}) + "\n" for s, t in requests(count, seed, **form)]
            (self.dir / name).write_text("".join(lines), encoding="utf-8")

    def train_seq2seq(self, out, *options):
        (self.dir / "suite.toml").write_text(f"""
[model]
path = "{self.shared.name}/model"
max_length = 32

[training]
epochs = 32
batch_size = 16

[optimizer]
rate = 2e-3

[tasks.parse]
plugin = "seq2seq"
train = "train.jsonl"
dev = "dev.jsonl"

[tasks.parse.options]
max_length = 24
{chr(10).join(options)}
""")
        self.train(out)
        return self.json(f"{out}/summary.json")["tasks"]["parse"]["dev"]

    def test_each_kind_learns_and_its_predictions_need_no_target(self):
        for kind in ("pointer-generator", "pointer", "generator"):
            scores = self.train_seq2seq(kind, f'kind = "{kind}"', "beams = 3", "show_copies = true")
            self.assertGreater(scores["exact_match"]["best"], 0.8, kind)
            line = self.berth("predict", kind, "--task", "parse", stdin='{"source": "we loved it by the sea"}\n').stdout
            answer = json.loads(line)
            self.assertEqual(answer["prediction"], "[good [place by the sea ] ]", kind)
            self.assertEqual([t["token"] for t in answer["tokens"]], answer["prediction"].split())
            copied = [t.get("source_word") for t in answer["tokens"] if t["from"] == "source"]
            if kind == "pointer":
                self.assertEqual(copied, [3, 4, 5])
            elif kind == "generator":
                self.assertEqual(copied, [])

    def test_the_encoders_tokens_are_written_by_its_tokenizer(self):
        self.write_requests(form="{place} {label}")  # the tiny model has no token for brackets
        for name in ("train.jsonl", "dev.jsonl"):  # the tiny model's vocabulary has no brackets
            rows = [json.loads(line) for line in (self.dir / name).read_text(encoding="utf-8").splitlines()]
            for row in rows:
                row["target"] = " ".join(w for w in row["target"].replace("[", "").split() if w not in ("place", "]"))
            (self.dir / name).write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
        scores = self.train_seq2seq("run", 'vocabulary = "wordpiece"')
        self.assertGreater(scores["exact_match"]["best"], 0.8)
        for line in self.json_lines("run/predictions/parse.dev.jsonl"):
            self.assertNotIn("##", line["prediction"])
        evaluated = self.berth("evaluate", "run").stdout
        self.assertIn("exact_match", evaluated)
        self.assertIn("prediction", self.berth("predict", "run", "--task", "parse", stdin='{"source": ""}\n').stdout)

    def test_runs_repeat_bit_for_bit(self):
        for out in ("a", "b"):
            self.train_seq2seq(out, "coverage = 0.1", "label_smoothing = 0.05", "beams = 2")
        for file in ("checkpoints/last/heads/parse.safetensors", "checkpoints/last/encoder/model.safetensors",
                     "predictions/parse.dev.jsonl"):
            self.assertEqual((self.dir / "a" / file).read_bytes(), (self.dir / "b" / file).read_bytes(), file)

    def test_what_can_not_be_done_is_said(self):
        self.train_seq2seq("run", 'kind = "pointer"')
        self.assertIn("its encoder alone", self.berth("export", "run", "--task", "parse", "--to", "model").stdout)
        self.assertEqual(self.json("model/config.json")["architectures"], ["BertModel"])
        self.assertIn("encoder without its head", (self.dir / "model/README.md").read_text())
        self.fails(3, "predict", "run", "--task", "parse", stdin='{"sorce": "x"}\n', says=["source", "sorce"])
        suite = (self.dir / "suite.toml").read_text()
        (self.dir / "suite.toml").write_text(suite.replace("max_length = 24", "max_length = 3"))
        self.fails(3, "run", "suite.toml", "--out", "short", says=["train.jsonl:", "max_length"])
        (self.dir / "suite.toml").write_text(suite.replace("max_length = 24", "beems = 3"))
        self.fails(2, "run", "suite.toml", "--out", "typo", says=["beems", "beams"])
