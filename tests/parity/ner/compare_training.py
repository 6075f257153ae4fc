"""50 training steps of berth's ner against transformers' BertForTokenClassification; see training/steps.py. Labels on the
first token of each word, -100 elsewhere.
usage: compare_training.py BERTH {float32|float64}"""
import pathlib
import sys
import tempfile

import torch
from transformers import AutoTokenizer, BertForTokenClassification

from notes import LABELS, label_ids, sentences, write_task
from common import minilm
from steps import compare, load_head, load_model, set_parameters, train_berth, train_transformers

NAMES = {"output.weight": "classifier.weight", "output.bias": "classifier.bias"}


def main():
    program, precision = sys.argv[1:]
    with tempfile.TemporaryDirectory() as folder:
        folder = pathlib.Path(folder)
        run, ours = train_berth(program, folder, minilm(), precision, task=write_task(folder))
        initial, last = run / "checkpoints/step-0", run / "checkpoints/last"
        tokenizer = AutoTokenizer.from_pretrained(initial / "encoder")
        model = load_model(BertForTokenClassification, initial, precision, num_labels=len(LABELS))
        set_parameters(model, load_head(initial, "notes", NAMES))

        def loss_of(batch):
            inputs = tokenizer([words for words, _ in batch], is_split_into_words=True, truncation=True, max_length=64,
                               padding=True, return_tensors="pt")
            return model(**inputs, labels=torch.tensor(label_ids(inputs, [tags for _, tags in batch]))).loss

        theirs = train_transformers(model, sentences("train"), loss_of)
        compare(precision, ours, theirs, last, load_head(last, "notes", NAMES), model)


main()
