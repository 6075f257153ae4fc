"""A folder written by `berth export` opens in transformers as a BertForTokenClassification and tags as berth predicts.
usage: compare_export.py BERTH"""
import json
import math
import pathlib
import sys
import tempfile

import torch
from transformers import AutoModelForTokenClassification, AutoTokenizer

from notes import sentences, write_task
from common import berth, minilm, write_suite

LIMIT = 1e-5


def main():
    program = sys.argv[1]
    source = minilm()
    words = [sentence for sentence, _ in sentences("dev")]
    with tempfile.TemporaryDirectory() as folder:
        folder = pathlib.Path(folder)
        suite = write_suite(folder, source, task=write_task(folder), training={"steps": 40, "batch_size": 16, "threads": 1},
                            optimizer={"rate": 2e-4})
        berth(program, "run", suite, "--out", folder / "run")
        berth(program, "export", folder / "run", "--task", "notes", "--to", folder / "exported")
        answers = berth(program, "predict", folder / "run", "--task", "notes",
                        input="".join(json.dumps({"tokens": w}) + "\n" for w in words)).splitlines()
        exported = AutoModelForTokenClassification.from_pretrained(folder / "exported")
        tokenizer = AutoTokenizer.from_pretrained(folder / "exported")
    assert type(exported).__name__ == "BertForTokenClassification", type(exported)
    exported.eval()
    inputs = tokenizer(words, is_split_into_words=True, truncation=True, max_length=64, padding=True, return_tensors="pt")
    with torch.no_grad():
        logs = torch.log_softmax(exported(**inputs).logits.double(), -1)
    entities, tags, largest = 0, 0, 0.0
    for i, answer in enumerate(map(json.loads, answers)):
        of_token = inputs.word_ids(i)
        firsts = [of_token.index(w) for w in range(len(words[i]))]
        best = logs[i, firsts].argmax(-1)
        assert answer["predicted_tags"] == [exported.config.id2label[t.item()] for t in best], answer
        tags += len(best)
        begins = [len(" ".join(words[i][:k])) + (k > 0) for k in range(len(words[i]))]
        for entity in answer["prediction"]:
            inside = [k for k, b in enumerate(begins) if entity["start"] <= b < entity["end"]]
            expected = sum(logs[i, firsts[k], best[k]].item() for k in inside)
            largest = max(largest, abs(math.log(entity["probability"]) - expected))
            entities += 1
    print(f"{len(words)} sentences: {tags} tags are equal; largest difference of {entities} entities' log-probabilities "
          f"{largest:.2e}")
    if entities < 20 or largest > LIMIT:
        sys.exit(f"over the limit {LIMIT}, or too few entities to tell")


main()
