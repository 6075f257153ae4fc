"""50 training steps of berth's classification against transformers' BertForSequenceClassification (steps.py).
usage: compare_training.py BERTH {float32|float64}"""
import pathlib
import sys
import tempfile

import torch
from transformers import AutoTokenizer, BertForSequenceClassification

from common import minilm, rows
from steps import WITHOUT_DROPOUT, compare, copy_head, train_berth, train_transformers

HEAD = {"output.weight": "classifier.weight", "output.bias": "classifier.bias"}


def main():
    program, precision = sys.argv[1:]
    source = minilm()
    with tempfile.TemporaryDirectory() as folder:
        folder = pathlib.Path(folder)
        ours = train_berth(program, folder, source, precision)
        initial = folder / "run/checkpoints/step-0"
        tokenizer = AutoTokenizer.from_pretrained(initial / "encoder")
        data = rows("train.tsv")
        labels = sorted({label for _, label in data})
        model = BertForSequenceClassification.from_pretrained(
            initial / "encoder", num_labels=len(labels), dtype=getattr(torch, precision), **WITHOUT_DROPOUT)
        copy_head(model, initial, "inbox", HEAD)

        def inputs_of(batch):
            inputs = tokenizer([text for text, _ in batch], truncation=True, max_length=64, padding=True,
                               return_tensors="pt")
            return {**inputs, "labels": torch.tensor([labels.index(label) for _, label in batch])}

        theirs = train_transformers(model, data, inputs_of)
        compare(precision, ours, theirs, folder / "run/checkpoints/last", "inbox", HEAD, model)


main()
