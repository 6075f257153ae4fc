"""What `berth export` writes for each of the four tasks opens in transformers and answers as `berth predict` does: by
the Python that stands in its model card, which is run here as it stands, and as an ONNX model in onnxruntime.
usage: compare_tasks.py BERTH"""
import json
import math
import os
import pathlib
import re
import subprocess
import sys
import tempfile

import onnxruntime
import torch
from huggingface_hub import ModelCard
from safetensors.torch import load_file
from transformers import AutoModel, AutoModelForQuestionAnswering, AutoModelForSequenceClassification, \
    AutoModelForTokenClassification, AutoTokenizer

ROOT = pathlib.Path(__file__).resolve().parents[3]
sys.path.insert(0, str(ROOT / "tests/parity/training"))
from common import berth, minilm  # noqa: E402

LIMIT = 1e-5
LENGTH = 160
SETTINGS = {"training.epochs": 2, "training.threads": 1, "evaluation.every": 0, "evaluation.before": "false",
            "evaluation.select_by": "mean", "analysis.at_end": "false"}
CLASSES = {"inbox": AutoModelForSequenceClassification, "notes": AutoModelForTokenClassification,
           "leaflets": AutoModelForQuestionAnswering, "counter": AutoModel}


class Exported:
    """A trained task: its folder, what opens in transformers, and what `berth predict` says."""

    def __init__(self, program, folder, task, rows):
        self.task, self.rows, self.path = task, rows, folder / f"{task}-model"
        berth(program, "export", folder / "run", "--task", task, "--to", self.path)
        self.run = folder / "run"
        self.model = CLASSES[task].from_pretrained(self.path).eval()
        self.tokenizer = AutoTokenizer.from_pretrained(self.path)
        self.card = ModelCard.load(self.path / "README.md")
        lines = "".join(json.dumps(row) + "\n" for row in rows)
        self.answers = [json.loads(line) for line in
                        berth(program, "predict", folder / "run", "--task", task, input=lines).splitlines()]
        assert len(self.answers) == len(rows)

    def function(self, name="predict"):
        """What the model card's Python defines, run where its reader runs it: beside the folder."""
        [python] = re.findall(r"```python\n(.*?)```", self.card.content, re.DOTALL)
        names, here = {}, pathlib.Path.cwd()
        os.chdir(self.path.parent)
        try:
            exec(compile(python, f"{self.task}'s model card", "exec"), names)
        finally:
            os.chdir(here)
        return names[name]

    def onnx(self):
        """A function from the tokenizer's inputs to the ONNX model's outputs, by name."""
        script = [sys.executable, str(ROOT / "apps/onnx/export.py"), str(self.path)]
        result = subprocess.run(script, capture_output=True, text=True)
        assert result.returncode == 0, result.stderr
        session = onnxruntime.InferenceSession(str(self.path / "model.onnx"), providers=["CPUExecutionProvider"])

        def run(inputs):
            found = session.run(None, {k: v.numpy() for k, v in inputs.items()})
            return {o.name: torch.from_numpy(v) for o, v in zip(session.get_outputs(), found, strict=True)}
        return run


def check_card(one):
    """Its metadata: the scores are those of metrics.jsonl, and what is not known is not made up."""
    data = one.card.data
    assert data.library_name == "transformers" and data.base_model == "nreimers/MiniLM-L6-H384-uncased", data
    assert data.license is None and {"berth", "bert"} <= set(data.tags), data
    assert str(one.run) not in one.card.content and str(ROOT) not in one.card.content, "folders of this machine"
    if one.task == "counter":
        assert "encoder without its head" in one.card.content and not data.eval_results
        return
    lines = [json.loads(line) for line in (one.run / "metrics.jsonl").read_text().splitlines()]
    [final] = [line for line in lines if line["kind"] == "final" and line["task"] == one.task]
    scores = {score: value for score, value in final["scores"].items() if value is not None}
    assert {r.metric_type: r.metric_value for r in data.eval_results} == scores
    assert {(r.task_type, r.dataset_name) for r in data.eval_results} == {(data.pipeline_tag, "dev")}


def check_tokenizer(one, texts):
    """The ids of the model that training started from."""
    base = AutoTokenizer.from_pretrained(minilm())
    assert one.tokenizer(texts).input_ids == base(texts).input_ids
    assert one.tokenizer(texts, texts[::-1]).input_ids == base(texts, texts[::-1]).input_ids


def log_differences(ours, theirs):
    return max(abs(math.log(ours[label]) - math.log(theirs[label])) for label in ours)


def check_inbox(one):
    predict, onnx = one.function(), one.onnx()
    texts = [row["text"] for row in one.rows]
    inputs = one.tokenizer(texts, truncation=True, max_length=LENGTH, padding=True, return_tensors="pt")
    probabilities = onnx(inputs)["logits"].double().softmax(-1).tolist()
    largest = 0.0
    for text, answer, row in zip(texts, one.answers, probabilities):
        labels = predict(text)
        assert labels[0]["label"] == answer["prediction"], (labels, answer)
        largest = max(largest, log_differences(answer["probabilities"], {e["label"]: e["score"] for e in labels}))
        by_name = {one.model.config.id2label[i]: p for i, p in enumerate(row)}
        largest = max(largest, log_differences(answer["probabilities"], by_name))
    assert len({answer["prediction"] for answer in one.answers}) > 2, "all the same: nothing compared"
    assert largest <= LIMIT, largest
    return f"{len(texts)} texts, largest difference of a log-probability {largest:.1e}"


def check_notes(one):
    predict, onnx, found = one.function(), one.onnx(), 0
    for row, answer in zip(one.rows, one.answers):
        ours = [(e["label"], e["start"], e["end"]) for e in answer["prediction"]]
        assert [(e["entity_group"], e["start"], e["end"]) for e in predict(row["text"])] == ours, answer
        inputs = one.tokenizer(row["text"], return_tensors="pt")
        with torch.no_grad():
            expected = one.model(**inputs).logits
        assert torch.allclose(onnx(inputs)["logits"], expected, atol=1e-4) and \
            torch.equal(onnx(inputs)["logits"].argmax(-1), expected.argmax(-1)), row
        found += len(ours)
    assert found >= 20, f"{found} entities: too few to tell"
    return f"{len(one.rows)} texts, {found} entities"


def check_leaflets(one):
    predict, onnx = one.function(), one.onnx()
    threshold, answered, none, scores = one.model.config.no_answer_threshold, 0, 0, 0.0
    for row, answer in zip(one.rows, one.answers):
        inputs = one.tokenizer(row["question"], row["context"], return_tensors="pt")
        if inputs.input_ids.shape[1] > LENGTH:
            continue  # berth reads it in windows; the card says that it cuts
        assert predict(row["question"], row["context"]) == answer["prediction"], (row, answer)
        output = onnx(inputs)
        null = (output["start_logits"][0, 0] + output["end_logits"][0, 0]).item()
        best = max(a["score"] for a in answer["n_best"] if a["text"])
        scores = max(scores, abs(null - best - answer["null_odds"]))
        assert (answer["prediction"] == "") == (answer["null_odds"] > threshold), answer
        answered, none = answered + bool(answer["prediction"]), none + (not answer["prediction"])
    assert answered >= 5 and none >= 5, f"{answered} answers, {none} without one: too few to tell"
    assert scores < 1e-4, scores
    return f"{answered} answers, {none} questions without one"


def check_counter(one):
    """The encoder, bit by bit that of the checkpoint."""
    saved = load_file(one.run / "checkpoints/best/encoder/model.safetensors")
    weights = {k: v for k, v in one.model.state_dict().items() if k in saved}
    assert len(weights) == len(saved) and all(torch.equal(weights[k], saved[k]) for k in saved)
    hidden = one.function("encode")(one.rows[0]["source"])
    assert hidden.shape == (len(one.tokenizer(one.rows[0]["source"]).input_ids), one.model.config.hidden_size)
    return f"{len(saved)} tensors"


def data_rows():
    """Some rows of each task's dev set, without what is to be predicted."""
    data = ROOT / "configs/data"

    def tsv(name, column):
        header, *lines = (data / name).read_text().splitlines()
        return [{column: line.split("\t")[header.split("\t").index(column)]} for line in lines]
    notes = [json.loads(line) for line in (data / "notes/dev.jsonl").read_text().splitlines()]
    leaflets = [{"question": qa["question"], "context": paragraph["context"]}
                for article in json.loads((data / "leaflets/dev.json").read_text())["data"]
                for paragraph in article["paragraphs"] for qa in paragraph["qas"]]
    return {"inbox": tsv("inbox/dev.tsv", "text")[:40], "notes": [{"text": n["text"]} for n in notes[:30]],
            "leaflets": leaflets, "counter": tsv("counter/dev.tsv", "source")[:3]}


def main():
    program = os.path.abspath(sys.argv[1])
    minilm()
    checks = {"inbox": check_inbox, "notes": check_notes, "leaflets": check_leaflets, "counter": check_counter}
    texts = ["Würde das passen?", "2 jars,3 lids", "unaffable 中文", ""]
    with tempfile.TemporaryDirectory() as folder:
        folder = pathlib.Path(folder)
        settings = [a for key, value in SETTINGS.items() for a in ("--set", f"{key}={value}")]
        berth(program, "run", ROOT / "configs/quickstart.toml", "--out", folder / "run", *settings,
              "--set", f"model.path={minilm()}")
        for task, rows in data_rows().items():
            one = Exported(program, folder, task, rows)
            check_card(one)
            check_tokenizer(one, texts)
            print(f"{task}: {type(one.model).__name__}: {checks[task](one)}", flush=True)


main()
