"""Classifying SST-2's dev set: transformers' Trainer.evaluate, transformers sorted by length, onnxruntime sorted by length;
float32. Prints one JSON line of examples a second, the median of REPEATS.
usage: hf_infer.py MODEL_DIR DEV.tsv REPEATS     needs: torch transformers datasets accelerate onnx onnxscript onnxruntime"""
import json
import os
import statistics
import sys
import tempfile
import time

import numpy
import onnxruntime
import torch
from datasets import Dataset
from transformers import AutoModelForSequenceClassification, AutoTokenizer, DataCollatorWithPadding, Trainer, TrainingArguments

BATCH = 64
folder, dev, repeats = sys.argv[1], sys.argv[2], int(sys.argv[3])
threads = int(os.environ.get("OMP_NUM_THREADS", len(os.sched_getaffinity(0))))
rows = [line.rstrip("\n").split("\t") for line in open(dev, encoding="utf-8")]
tokenizer = AutoTokenizer.from_pretrained(folder)
model = AutoModelForSequenceClassification.from_pretrained(folder, num_labels=2).eval()
encoded = Dataset.from_dict({"text": [r[0] for r in rows], "label": [int(r[1]) for r in rows]}).map(
    lambda b: tokenizer(b["text"], truncation=True, max_length=128), batched=True)

collate = DataCollatorWithPadding(tokenizer)
names = ["input_ids", "attention_mask", "token_type_ids"]  # in the order of forward()
by_length = sorted(({n: e[n] for n in names} for e in encoded), key=lambda e: len(e["input_ids"]))
batches = [collate(by_length[i:i + BATCH]) for i in range(0, len(by_length), BATCH)]

arguments = TrainingArguments(tempfile.mkdtemp(), per_device_eval_batch_size=BATCH, report_to=[], use_cpu=True, disable_tqdm=True)
trainer = Trainer(model=model, args=arguments, eval_dataset=encoded, data_collator=collate)

onnx = os.path.join(tempfile.mkdtemp(), "model.onnx")
axes = {n: {0: "batch", 1: "length"} for n in names}
padded = next(b for b in batches if not b["attention_mask"].all())  # else the trace leaves the mask out
torch.onnx.export(model, tuple(padded[n] for n in names), onnx, input_names=names, output_names=["logits"],
                  dynamic_axes=axes, dynamo=False, opset_version=17)
options = onnxruntime.SessionOptions()
options.intra_op_num_threads = threads
session = onnxruntime.InferenceSession(onnx, options, providers=["CPUExecutionProvider"])


def torch_sorted():
    with torch.inference_mode():
        return torch.cat([model(**b).logits for b in batches]).numpy()


def onnx_sorted():
    return numpy.concatenate([session.run(None, {n: b[n].numpy() for n in names})[0] for b in batches])


def speed(run):
    run()
    seconds = []
    for _ in range(repeats):
        start = time.perf_counter()
        run()
        seconds.append(time.perf_counter() - start)
    return round(len(rows) / statistics.median(seconds), 1)


difference = numpy.abs(torch_sorted() - onnx_sorted()).max()
assert difference < 1e-3, f"onnxruntime differs by {difference}"
print(json.dumps({"trainer": speed(trainer.evaluate), "transformers_sorted": speed(torch_sorted), "onnxruntime_sorted": speed(onnx_sorted)}))
