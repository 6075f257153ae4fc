"""transformers' Trainer fine-tuning a model on SQuAD 1.1 as its run_qa does: windows of 384 tokens with stride 128, padded
to their full length ("plain") or to the longest of a batch ("dynamic"). BertForQuestionAnswering lets padding take part in
the softmax over positions, so that it has to be learned that no answer begins there; with "masked", padded as "dynamic", it
takes no part. Prints one JSON line.
usage: hf_train_qa.py MODEL_DIR TRAIN.json DEV.json {plain|dynamic|masked} SEED [EPOCHS [LR [fixed]]]
fixed: windows in the file's order and no dropout; nothing is left to the seed but a head that MODEL_DIR lacks.
needs: torch transformers datasets accelerate tf-models-official"""
import json, os, pathlib, resource, sys, tempfile, time
start = time.time()
os.environ["TOKENIZERS_PARALLELISM"] = "true"
import numpy as np
import torch
from datasets import Dataset
from transformers import (AutoModelForQuestionAnswering, AutoTokenizer, BertForQuestionAnswering, DataCollatorWithPadding,
                          Trainer, TrainingArguments)

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
from squad_files import official_scores, questions

MAX_LENGTH, STRIDE, N_BEST, MAX_ANSWER = 384, 128, 20, 30
model_dir, train_path, dev_path, padding, seed = sys.argv[1:5] + [int(sys.argv[5])]
epochs = float(sys.argv[6]) if len(sys.argv) > 6 else 2
rate = float(sys.argv[7]) if len(sys.argv) > 7 else 5e-5
fixed = sys.argv[8:] == ["fixed"]
tokenizer = AutoTokenizer.from_pretrained(model_dir)


def encode(rows):
    return tokenizer([q.lstrip() for q in rows["question"]], rows["context"], truncation="only_second",
                     max_length=MAX_LENGTH, stride=STRIDE, return_overflowing_tokens=True, return_offsets_mapping=True,
                     padding="max_length" if padding == "plain" else False)


def prepare_train(rows):
    encoded = encode(rows)
    starts, ends = [], []
    for i, offsets in enumerate(encoded["offset_mapping"]):
        row = encoded["overflow_to_sample_mapping"][i]
        begin, text = rows["answer_start"][row], rows["answer"][row]
        sequences = encoded.sequence_ids(i)
        first = sequences.index(1)
        last = len(sequences) - 1 - sequences[::-1].index(1)
        if offsets[first][0] > begin or offsets[last][1] < begin + len(text):
            starts.append(0), ends.append(0)
            continue
        while first < len(offsets) and offsets[first][0] <= begin:
            first += 1
        while offsets[last][1] >= begin + len(text):
            last -= 1
        starts.append(first - 1), ends.append(last + 1)
    return {**{k: encoded[k] for k in ("input_ids", "token_type_ids", "attention_mask")}, "start_positions": starts,
            "end_positions": ends}


def prepare_dev(rows):
    encoded = encode(rows)
    encoded["example"] = [rows["index"][row] for row in encoded.pop("overflow_to_sample_mapping")]
    encoded["offset_mapping"] = [[span if of == 1 else None for span, of in zip(offsets, encoded.sequence_ids(i))]
                                 for i, offsets in enumerate(encoded["offset_mapping"])]
    return {k: encoded[k] for k in ("input_ids", "token_type_ids", "attention_mask", "example", "offset_mapping")}


def answers(rows, features, logits):
    """The best stretch of each question over its windows: run_qa's postprocess_qa_predictions."""
    best = {}
    for feature, starts, ends in zip(features, *logits):
        offsets = feature["offset_mapping"]
        for s in np.argsort(starts)[-1:-N_BEST - 1:-1].tolist():
            for e in np.argsort(ends)[-1:-N_BEST - 1:-1].tolist():
                if max(s, e) >= len(offsets) or offsets[s] is None or offsets[e] is None or not 0 <= e - s < MAX_ANSWER:
                    continue
                candidate = (starts[s] + ends[e], offsets[s][0], offsets[e][1])
                best[feature["example"]] = max(best.get(feature["example"], candidate), candidate, key=lambda c: c[0])
    return {row["id"]: row["context"][best[i][1]:best[i][2]] if i in best else "empty" for i, row in enumerate(rows)}


class Masked(BertForQuestionAnswering):
    def forward(self, input_ids, attention_mask, token_type_ids=None, start_positions=None, end_positions=None):
        output = super().forward(input_ids=input_ids, attention_mask=attention_mask, token_type_ids=token_type_ids)
        for name in ("start_logits", "end_logits"):
            output[name] = output[name].masked_fill(attention_mask == 0, -1e9)
        if start_positions is not None:
            output["loss"] = sum(torch.nn.functional.cross_entropy(output[name], truth) for name, truth in
                                 (("start_logits", start_positions), ("end_logits", end_positions))) / 2
            output.move_to_end("loss", last=False)
        return output


rows = list(questions(train_path))
train = Dataset.from_dict({"question": [q["question"] for q in rows], "context": [q["context"] for q in rows],
                           "answer": [q["answers"][0]["text"] for q in rows],
                           "answer_start": [q["answers"][0]["answer_start"] for q in rows]})
train = train.map(prepare_train, batched=True, remove_columns=train.column_names)
dev_rows = list(questions(dev_path))
dev = Dataset.from_dict({"question": [q["question"] for q in dev_rows], "context": [q["context"] for q in dev_rows],
                         "index": list(range(len(dev_rows)))})
dev = dev.map(prepare_dev, batched=True, remove_columns=dev.column_names)
model = (Masked if padding == "masked" else AutoModelForQuestionAnswering).from_pretrained(
    model_dir, **({"hidden_dropout_prob": 0, "attention_probs_dropout_prob": 0} if fixed else {}))
args = TrainingArguments(tempfile.mkdtemp(), per_device_train_batch_size=16, per_device_eval_batch_size=64, num_train_epochs=epochs,
                         learning_rate=rate, report_to=[], save_strategy="no", seed=seed, use_cpu=True, disable_tqdm=True,
                         train_sampling_strategy="sequential" if fixed else "random")
trainer = Trainer(model=model, args=args, train_dataset=train, data_collator=DataCollatorWithPadding(tokenizer))
t0 = time.time(); trainer.train(); t1 = time.time()
logits = trainer.predict(dev.remove_columns(["example", "offset_mapping"])).predictions
scores = official_scores(dev_path, answers(dev_rows, dev, logits))
print(json.dumps({"setup_s": round(t0 - start, 1), "train_s": round(t1 - t0, 1), "windows": len(train),
                  "train_windows_per_s": round(len(train) * epochs / (t1 - t0), 1), **scores,
                  "peak_rss_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024}))
