"""50 training steps of berth's ner against transformers' BertForTokenClassification (../training/steps.py): labels on the
first token of each word, -100 elsewhere.
usage: compare_training.py BERTH {float32|float64}"""
import pathlib
import sys
import tempfile

import torch
from transformers import AutoTokenizer, BertForTokenClassification

from notes import LABELS, label_ids, sentences, write_task
from common import minilm
from steps import WITHOUT_DROPOUT, compare, copy_head, train_berth, train_transformers

HEAD = {"output.weight": "classifier.weight", "output.bias": "classifier.bias"}


def main():
    program, precision = sys.argv[1:]
    source = minilm()
    with tempfile.TemporaryDirectory() as folder:
        folder = pathlib.Path(folder)
        ours = train_berth(program, folder, source, precision, task=write_task(folder))
        initial = folder / "run/checkpoints/step-0"
        tokenizer = AutoTokenizer.from_pretrained(initial / "encoder")
        model = BertForTokenClassification.from_pretrained(
            initial / "encoder", num_labels=len(LABELS), dtype=getattr(torch, precision), **WITHOUT_DROPOUT)
        copy_head(model, initial, "notes", HEAD)

        def inputs_of(batch):
            inputs = tokenizer([words for words, _ in batch], is_split_into_words=True, truncation=True, max_length=64,
                               padding=True, return_tensors="pt")
            return {**inputs, "labels": torch.tensor(label_ids(inputs, [tags for _, tags in batch]))}

        theirs = train_transformers(model, sentences("train"), inputs_of)
        compare(precision, ours, theirs, folder / "run/checkpoints/last", "notes", HEAD, model, unused=["pooler."])


main()
