"""Texts longer than the encoder reads: an example becomes several windows, whose results are one answer."""
import json
import random

from program import PLACES, ProgramTest

FILLER = "we saw a grey day and good food and it was the best of all".split()
COUNT = 40


def texts(seed):
    """Words, and where a place stands in them."""
    rng = random.Random(seed)
    for _ in range(COUNT):
        words = [rng.choice(FILLER) for _ in range(rng.randrange(3, 40))]
        at = rng.randrange(len(words) + 1)
        place = rng.choice(PLACES).split()
        yield words[:at] + place + words[at:], at, at + len(place)


class Windows(ProgramTest):
    def setUp(self):
        super().setUp()
        for name, seed in (("train", 1), ("dev", 2)):
            questions, sentences = [], []
            for words, begin, end in texts(seed):
                context, place = " ".join(words), " ".join(words[begin:end])
                start = len(" ".join(words[:begin])) + (begin > 0)
                questions.append(json.dumps({"question": "in town", "context": context,
                                             "answers": [{"text": place, "answer_start": start}]}))
                tags = ["O"] * begin + ["B-place"] + ["I-place"] * (end - begin - 1) + ["O"] * (len(words) - end)
                sentences.append("".join(f"{w} {t}\n" for w, t in zip(words, tags, strict=True)))
            (self.dir / f"{name}.jsonl").write_text("\n".join(questions) + "\n")
            (self.dir / f"{name}.conll").write_text("\n".join(sentences))
        (self.dir / "suite.toml").write_text(f"""
[model]
path = "{self.shared.name}/model"
max_length = 16
precision = "float64"

[training]
epochs = 6
batch_size = 8

[optimizer]
rate = 3e-3

[tasks.where]
plugin = "qa"
train = "train.jsonl"
dev = "dev.jsonl"
options = {{ stride = 4 }}

[tasks.places]
plugin = "ner"
train = "train.conll"
dev = "dev.conll"
options = {{ head = "crf" }}
""")

    def test_answers_do_not_depend_on_the_batch(self):
        answers = {}
        for size in (1, 3, 1000):
            self.train(f"run{size}", "--set", f"evaluation.batch_size={size}")
            answers[size] = [self.json_lines(f"run{size}/predictions/{task}.dev.jsonl") for task in ("where", "places")]
        for where, places in answers.values():
            self.assertEqual((len(where), len(places)), (COUNT, COUNT))
            self.assertGreater(len({a["prediction"] for a in where}), 5)
            self.assertGreater(sum(len(a["prediction"]) for a in places), 5)
        for others in (answers[3], answers[1000]):
            for one, other in zip(answers[1], others, strict=True):
                self.assert_close(one, other)

    def test_predict_answers_as_the_run_did(self):
        self.train()
        for task in ("where", "places"):
            rows = self.json_lines(f"run/predictions/{task}.dev.jsonl")
            fields = [{k: v for k, v in row.items() if k in ("question", "context", "tokens")} for row in rows]
            lines = self.berth("predict", "run", "--task", task,
                               stdin="".join(json.dumps(f) + "\n" for f in fields)).stdout.splitlines()
            self.assert_close([json.loads(line)["prediction"] for line in lines], [row["prediction"] for row in rows])

    def test_what_compares_probabilities_needs_them(self):
        for setting in ("r_drop", "smart"):
            for other, task in (("places", "'where' (plugin qa)"), ("where", "'places' (plugin ner)")):
                suite = (self.dir / "suite.toml").read_text()
                kept = suite[:suite.index("[tasks.where]")] + "[tasks." + suite.split("[tasks.")[1 + (other == "where")]
                (self.dir / "one.toml").write_text(kept)
                self.fails(2, "run", "one.toml", "--out", f"{setting}.{other}", "--set", f"finetuning.{setting}=1",
                           says=[f"[finetuning]: '{setting}' compares the probabilities that a head gives", task])

    def test_the_threshold_that_dev_chose_comes_back_with_the_checkpoint(self):
        lines = (self.dir / "train.jsonl").read_text().splitlines() + (self.dir / "dev.jsonl").read_text().splitlines()
        for i in range(0, len(lines), 2):
            row = json.loads(lines[i])
            row["context"] = row["context"].replace(row["answers"][0]["text"], "the food")
            lines[i] = json.dumps({**row, "answers": []})
        (self.dir / "train.jsonl").write_text("\n".join(lines[:COUNT]) + "\n")
        (self.dir / "dev.jsonl").write_text("\n".join(lines[COUNT:]) + "\n")
        self.train()
        state = self.json("run/checkpoints/best/tasks/where.state")
        self.assertNotEqual(state["threshold"], 0)
        sets = self.json("run/summary.json")["tasks"]["where"]["sets"]["dev"]
        self.assertAlmostEqual(sets["best_f1"], sets["f1"])  # of the answers that the threshold lets pass
        rows = self.json_lines("run/predictions/where.dev.jsonl")
        self.assertEqual({True, False}, {row["prediction"] == "" for row in rows})
        lines = self.berth("predict", "run", "--task", "where",
                           stdin="".join(json.dumps(row) + "\n" for row in rows)).stdout.splitlines()
        self.assertEqual([json.loads(line)["prediction"] for line in lines], [row["prediction"] for row in rows])

    def test_labels_in_what_is_predicted_do_not_count(self):
        self.train()
        lines = ['{"text": "we saw home", "entities": [[7, 11, "animal"]]}', '{"text": "we saw home"}',
                 '{"text": "we saw home", "entities": "?"}']
        answers = self.berth("predict", "run", "--task", "places", stdin="\n".join(lines)).stdout.splitlines()
        self.assertEqual(len({json.dumps(json.loads(answer)["prediction"]) for answer in answers}), 1)

    def test_check_tells_windows_from_what_is_cut(self):
        output = self.berth("check", "suite.toml").stdout
        for line in (line for line in output.splitlines() if " examples " in line):
            self.assertRegex(line, r"truncated to 16: 0  read in windows: [1-9]")

    def assert_close(self, one, other):
        if isinstance(one, float):
            self.assertAlmostEqual(one, other, places=9)
        elif isinstance(one, dict):
            self.assertEqual(set(one), set(other))
            for key in one:
                self.assert_close(one[key], other[key])
        elif isinstance(one, list):
            self.assertEqual(len(one), len(other))
            for a, b in zip(one, other):
                self.assert_close(a, b)
        else:
            self.assertEqual(one, other)
