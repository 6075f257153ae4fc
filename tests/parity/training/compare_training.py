"""50 training steps of berth against transformers' BertForSequenceClassification; see steps.py.
usage: compare_training.py BERTH {float32|float64}"""
import pathlib
import sys
import tempfile

import torch
from transformers import AutoTokenizer, BertForSequenceClassification

from common import minilm, rows
from steps import compare, load_head, load_model, set_parameters, train_berth, train_transformers

NAMES = {"output.weight": "classifier.weight", "output.bias": "classifier.bias"}


def main():
    program, precision = sys.argv[1:]
    with tempfile.TemporaryDirectory() as folder:
        run, ours = train_berth(program, pathlib.Path(folder), minilm(), precision)
        initial, last = run / "checkpoints/step-0", run / "checkpoints/last"
        data = rows("train.tsv")
        labels = sorted({label for _, label in data})
        tokenizer = AutoTokenizer.from_pretrained(initial / "encoder")
        model = load_model(BertForSequenceClassification, initial, precision, num_labels=len(labels))
        set_parameters(model, load_head(initial, "inbox", NAMES))

        def loss_of(batch):
            inputs = tokenizer([text for text, _ in batch], truncation=True, max_length=64, padding=True,
                               return_tensors="pt")
            return model(**inputs, labels=torch.tensor([labels.index(label) for _, label in batch])).loss

        theirs = train_transformers(model, data, loss_of)
        compare(precision, ours, theirs, last, load_head(last, "inbox", NAMES), model)


main()
