"""A folder written by `berth export` opens in transformers and gives what berth predicts.
usage: compare_export.py BERTH"""
import json
import pathlib
import sys
import tempfile

import torch
from transformers import AutoModelForSequenceClassification, AutoTokenizer

from common import berth, minilm, rows, write_suite

LIMIT = 1e-5


def main():
    program = sys.argv[1]
    model = minilm()
    texts = [text for text, _ in rows("dev.tsv")]
    with tempfile.TemporaryDirectory() as folder:
        folder = pathlib.Path(folder)
        suite = write_suite(folder, model, training={"steps": 20, "batch_size": 16}, optimizer={"rate": 1e-4})
        berth(program, "run", suite, "--out", folder / "run")
        berth(program, "export", folder / "run", "--task", "inbox", "--to", folder / "exported")
        answers = berth(program, "predict", folder / "run", "--task", "inbox",
                        input="".join(json.dumps({"text": t}) + "\n" for t in texts)).splitlines()
        exported = AutoModelForSequenceClassification.from_pretrained(folder / "exported")
        tokenizer = AutoTokenizer.from_pretrained(folder / "exported")
    assert type(exported).__name__ == "BertForSequenceClassification", type(exported)
    exported.eval()
    with torch.no_grad():
        logits = exported(**tokenizer(texts, truncation=True, max_length=64, padding=True, return_tensors="pt")).logits
    expected = torch.log_softmax(logits.double(), -1)
    largest = 0.0
    for row, answer in zip(expected, map(json.loads, answers), strict=True):
        ours = torch.tensor([answer["probabilities"][exported.config.id2label[i]] for i in range(len(row))])
        # Logits are defined up to a constant for each text; their logarithms of probability are not.
        largest = max(largest, (ours.double().log() - row).abs().max().item())
        assert answer["prediction"] == exported.config.id2label[row.argmax().item()], answer
    print(f"{len(texts)} texts: largest difference of a log-probability {largest:.2e}")
    if largest > LIMIT:
        sys.exit(f"over the limit {LIMIT}")


main()
