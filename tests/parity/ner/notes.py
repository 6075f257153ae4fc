"""The demo's notes as words with IOB2 tags, and a suite that trains on them."""
import json
import pathlib
import re
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "training"))
from common import ROOT

LABELS = ["O"] + [f"{prefix}-{name}" for name in ("date", "person", "place", "product") for prefix in "BI"]


def sentences(name):
    """[(words, tags)] of configs/data/notes/NAME.jsonl."""
    result = []
    for line in (ROOT / f"configs/data/notes/{name}.jsonl").read_text(encoding="utf-8").splitlines():
        row = json.loads(line)
        words, tags = [], []
        for match in re.finditer(r"\w+|[^\w\s]", row["text"]):
            entity = next((e for e in row["entities"] if e["start"] <= match.start() < e["end"]), None)
            prefix = "" if entity is None else "B-" if entity["start"] == match.start() else "I-"
            words.append(match.group())
            tags.append(prefix + entity["label"] if entity else "O")
        result.append((words, tags))
    return result


def write_task(folder, options=""):
    """Writes the training set as CoNLL into the folder; returns the task's table for write_suite."""
    sets = ["\n".join(f"{w}\t{t}" for w, t in zip(*sentence)) + "\n" for sentence in sentences("train")]
    (folder / "train.conll").write_text("\n".join(sets), encoding="utf-8")
    return f"""[tasks.notes]
plugin = "ner"
train = "{folder}/train.conll"
options = {{ dropout = 0{options} }}
"""


def label_ids(encoding, tags):
    """[sequences, tokens]: the tag's number on the first token of a word, -100 elsewhere."""
    rows = []
    for i, sentence in enumerate(tags):
        words = encoding.word_ids(i)
        rows.append([-100 if w is None or (k > 0 and words[k - 1] == w) else LABELS.index(sentence[w])
                     for k, w in enumerate(words)])
    return rows
