"""transformers' Trainer, as it comes, fine-tuning a tagger: BertForTokenClassification, labels on the first token of each
word, DataCollatorForTokenClassification, seqeval; prints one JSON line.
usage: hf_train_ner.py MODEL_DIR TRAIN.conll DEV.conll TEST.conll N {plain|group} SEED [EPOCHS [LR]]   (word ... tag)
needs: torch transformers datasets accelerate seqeval"""
import json, os, resource, sys, tempfile, time
start = time.time()
os.environ["TOKENIZERS_PARALLELISM"] = "true"
import numpy as np
from datasets import Dataset
from seqeval.metrics import accuracy_score, f1_score, precision_score, recall_score
from transformers import AutoModelForTokenClassification, AutoTokenizer, DataCollatorForTokenClassification, Trainer, TrainingArguments

model_dir, train_path, dev_path, test_path, n, order, seed = sys.argv[1:5] + [int(sys.argv[5]), sys.argv[6], int(sys.argv[7])]
epochs = float(sys.argv[8]) if len(sys.argv) > 8 else 5
lr = float(sys.argv[9]) if len(sys.argv) > 9 else 1e-4

def read(path, limit=None):
    sentences, words, tags = [], [], []
    for line in [*open(path, encoding="utf-8"), ""]:
        columns = line.split()
        if len(columns) > 1 and columns[0] != "-DOCSTART-":
            words.append(columns[0]); tags.append(columns[-1])
        elif words:
            sentences.append({"words": words, "tags": tags}); words, tags = [], []
    return Dataset.from_list(sentences[:limit])

raw = {"train": read(train_path, n), "dev": read(dev_path), "test": read(test_path)}
types = sorted({t[2:] for tags in raw["train"]["tags"] for t in tags if t != "O"})
labels = ["O"] + [f"{p}-{t}" for t in types for p in "BI"]
ids = {l: i for i, l in enumerate(labels)}
tokenizer = AutoTokenizer.from_pretrained(model_dir)

def encode(batch):
    coded = tokenizer(batch["words"], is_split_into_words=True, truncation=True, max_length=128)
    coded["labels"] = []
    for i, tags in enumerate(batch["tags"]):
        of_token = coded.word_ids(i)
        coded["labels"].append([-100 if w is None or (k and of_token[k - 1] == w) else ids[tags[w]]
                                for k, w in enumerate(of_token)])
    return coded

def metrics(p):
    best = p.predictions.argmax(-1)
    truth = [[labels[l] for l in row if l != -100] for row in p.label_ids]
    found = [[labels[b] for b, l in zip(b_row, row) if l != -100] for b_row, row in zip(best, p.label_ids)]
    return {"f1": f1_score(truth, found), "precision": precision_score(truth, found), "recall": recall_score(truth, found),
            "token_accuracy": accuracy_score(truth, found)}

sets = {k: v.map(encode, batched=True, remove_columns=["words", "tags"]) for k, v in raw.items()}
model = AutoModelForTokenClassification.from_pretrained(model_dir, num_labels=len(labels), id2label=dict(enumerate(labels)),
                                                        label2id=ids)
args = TrainingArguments(tempfile.mkdtemp(), per_device_train_batch_size=32, per_device_eval_batch_size=64, num_train_epochs=epochs,
                         learning_rate=lr, report_to=[], save_strategy="no", seed=seed, use_cpu=True, disable_tqdm=True,
                         train_sampling_strategy="group_by_length" if order == "group" else "random")
trainer = Trainer(model=model, args=args, train_dataset=sets["train"], eval_dataset=sets["dev"],
                  data_collator=DataCollatorForTokenClassification(tokenizer), compute_metrics=metrics)
t0 = time.time(); trainer.train(); t1 = time.time()
scores = {name: {k.removeprefix("eval_"): v for k, v in trainer.evaluate(sets[name]).items() if k != "epoch"} for name in ("dev", "test")}
print(json.dumps({"setup_s": round(t0 - start, 1), "train_s": round(t1 - t0, 1),
                  "train_examples_per_s": round(len(sets["train"]) * epochs / (t1 - t0), 1),
                  **{name: {k: s[k] for k in ("f1", "precision", "recall", "token_accuracy")} for name, s in scores.items()},
                  "peak_rss_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024}))
