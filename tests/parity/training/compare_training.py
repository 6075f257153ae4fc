"""50 training steps of berth against transformers' BertForSequenceClassification with torch's AdamW, linear schedule,
warm-up and clipping: the loss of every step, and every parameter at the end. Dropout is off, the order is the file's.
usage: compare_training.py BERTH {float32|float64}"""
import json
import pathlib
import sys
import tempfile

import torch
from safetensors.torch import load_file
from transformers import AutoTokenizer, BertForSequenceClassification, get_linear_schedule_with_warmup

from common import berth, minilm, rows, write_suite

STEPS, BATCH, RATE, DECAY, WARMUP = 50, 16, 5e-5, 0.01, 5
LIMITS = {"float32": {"loss": 1e-5, "parameter": 1e-5, "key_bias": 1e-4},
          "float64": {"loss": 1e-5, "parameter": 1e-9, "key_bias": 1e-9}}


def train_transformers(initial, precision):
    dtype = getattr(torch, precision)
    tokenizer = AutoTokenizer.from_pretrained(initial / "encoder")
    data = rows("train.tsv")
    labels = sorted({label for _, label in data})
    model = BertForSequenceClassification.from_pretrained(
        initial / "encoder", num_labels=len(labels), dtype=dtype, attn_implementation="eager",
        hidden_dropout_prob=0.0, attention_probs_dropout_prob=0.0)
    head = load_file(initial / "heads/inbox.safetensors")
    with torch.no_grad():
        model.classifier.weight.copy_(head["output.weight"])
        model.classifier.bias.copy_(head["output.bias"])
    model.train()
    plain = [p for n, p in model.named_parameters() if n.endswith("bias") or "LayerNorm" in n]
    decayed = [p for n, p in model.named_parameters() if not (n.endswith("bias") or "LayerNorm" in n)]
    optimizer = torch.optim.AdamW([{"params": decayed, "weight_decay": DECAY}, {"params": plain, "weight_decay": 0.0}],
                                  lr=RATE)
    schedule = get_linear_schedule_with_warmup(optimizer, WARMUP, STEPS)
    batches = [data[i:i + BATCH] for i in range(0, len(data), BATCH)]
    losses = []
    for step in range(STEPS):
        batch = batches[step % len(batches)]
        inputs = tokenizer([text for text, _ in batch], truncation=True, max_length=64, padding=True,
                           return_tensors="pt")
        loss = model(**inputs, labels=torch.tensor([labels.index(label) for _, label in batch])).loss
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        schedule.step()
        optimizer.zero_grad()
        losses.append(loss.item())
    return losses, {n.removeprefix("bert."): p.detach() for n, p in model.named_parameters()}


def main():
    program, precision = sys.argv[1:]
    limits = LIMITS[precision]
    model = minilm()
    with tempfile.TemporaryDirectory() as folder:
        folder = pathlib.Path(folder)
        suite = write_suite(
            folder, model, model={"dropout": 0, "attention_dropout": 0, "precision": f'"{precision}"'},
            training={"steps": STEPS, "batch_size": BATCH, "shuffle": "false", "log_every": 1},
            optimizer={"rate": RATE, "weight_decay": DECAY}, schedule={"warmup_steps": WARMUP},
            evaluation={"every": STEPS}, checkpoints={"initial": "true"})
        berth(program, "run", suite, "--out", folder / "run")
        lines = [json.loads(line) for line in (folder / "run/metrics.jsonl").read_text().splitlines()]
        ours = [line["loss"] for line in lines if line["kind"] == "train"]
        theirs, expected = train_transformers(folder / "run/checkpoints/step-0", precision)
        last = folder / "run/checkpoints/last"
        found = load_file(last / "encoder/model.safetensors")
        head = load_file(last / "heads/inbox.safetensors")
        found |= {"classifier.weight": head["output.weight"], "classifier.bias": head["output.bias"]}

    assert len(ours) == len(theirs) == STEPS and set(found) == set(expected), (len(ours), set(found) ^ set(expected))
    loss = max(abs(a - b) / abs(b) for a, b in zip(ours, theirs))
    differences = {n: (found[n].double() - expected[n].double()).abs().max().item() for n in expected}
    # The true gradient of a key's bias is zero (it shifts all scores of a row alike), so its updates are rounding noise.
    key_bias = max(v for n, v in differences.items() if n.endswith("key.bias"))
    name, parameter = max(((n, v) for n, v in differences.items() if not n.endswith("key.bias")), key=lambda x: x[1])
    print(f"{precision}: loss went from {ours[0]:.4f} to {ours[-1]:.4f}; largest relative difference of a loss {loss:.2e}; "
          f"largest difference of a parameter {parameter:.2e} ({name}), of a key's bias {key_bias:.2e}")
    if not (loss <= limits["loss"] and parameter <= limits["parameter"] and key_bias <= limits["key_bias"]):
        sys.exit(f"over the limits {limits}")


main()
