"""50 training steps of berth against transformers with torch's AdamW, linear schedule, warm-up and clipping: the loss of
every step, and every parameter at the end. Dropout is off, the order is the file's."""
import json
import sys

import torch
from safetensors.torch import load_file
from transformers import get_linear_schedule_with_warmup

from common import berth, write_suite

STEPS, BATCH, RATE, DECAY, WARMUP = 50, 16, 5e-5, 0.01, 5
LIMITS = {"float32": {"loss": 1e-5, "parameter": 1e-5, "key_bias": 1e-4},
          "float64": {"loss": 1e-5, "parameter": 1e-9, "key_bias": 1e-9}}
WITHOUT_DROPOUT = {"attn_implementation": "eager", "hidden_dropout_prob": 0.0, "attention_probs_dropout_prob": 0.0}


def train_berth(program, folder, model_folder, precision, **suite):
    """Trains into folder/run, whose checkpoint step-0 holds what transformers is to start from; returns the losses."""
    suite = write_suite(
        folder, model_folder, model={"dropout": 0, "attention_dropout": 0, "precision": f'"{precision}"'},
        training={"steps": STEPS, "batch_size": BATCH, "shuffle": "false", "log_every": 1},
        optimizer={"rate": RATE, "weight_decay": DECAY}, schedule={"warmup_steps": WARMUP},
        evaluation={"every": STEPS}, checkpoints={"initial": "true"}, **suite)
    berth(program, "run", suite, "--out", folder / "run")
    lines = [json.loads(line) for line in (folder / "run/metrics.jsonl").read_text().splitlines()]
    return [line["loss"] for line in lines if line["kind"] == "train"]


def train_transformers(model, data, inputs_of):
    """inputs_of: from a batch of `data` to the model's arguments, labels included. Returns the losses."""
    model.train()
    plain = [p for n, p in model.named_parameters() if n.endswith("bias") or "LayerNorm" in n]
    decayed = [p for n, p in model.named_parameters() if not (n.endswith("bias") or "LayerNorm" in n)]
    optimizer = torch.optim.AdamW([{"params": decayed, "weight_decay": DECAY}, {"params": plain, "weight_decay": 0.0}],
                                  lr=RATE)
    schedule = get_linear_schedule_with_warmup(optimizer, WARMUP, STEPS)
    batches = [data[i:i + BATCH] for i in range(0, len(data), BATCH)]
    losses = []
    for step in range(STEPS):
        loss = model(**inputs_of(batches[step % len(batches)])).loss
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        schedule.step()
        optimizer.zero_grad()
        losses.append(loss.item())
    return losses


def copy_head(model, checkpoint, task, names):
    """names: of berth's head to the model's: {"output.weight": "classifier.weight"}."""
    head = load_file(checkpoint / f"heads/{task}.safetensors")
    with torch.no_grad():
        for ours, theirs in names.items():
            model.get_parameter(theirs).copy_(head[ours])


def compare(precision, ours, theirs, checkpoint, task, names, model, unused=()):
    """Prints the largest differences; exits where one is over the limit. unused: of berth's encoder, that the model lacks."""
    limits = LIMITS[precision]
    found = load_file(checkpoint / "encoder/model.safetensors")
    head = load_file(checkpoint / f"heads/{task}.safetensors")
    found |= {theirs_: head[ours_] for ours_, theirs_ in names.items()}
    expected = {n.removeprefix("bert."): p.detach() for n, p in model.named_parameters()}
    found = {n: p for n, p in found.items() if not n.startswith(tuple(unused))}
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
