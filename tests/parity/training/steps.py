"""50 steps of a transformers model with torch's AdamW, linear schedule, warm-up and clipping, and how they are compared
with berth's: the loss of every step, and every parameter at the end."""
import json
import sys

import torch
from safetensors.torch import load_file
from transformers import get_linear_schedule_with_warmup

from common import berth, write_suite

STEPS, BATCH, RATE, DECAY, WARMUP = 50, 16, 5e-5, 0.01, 5
# "shift": of a bias that shifts all of a softmax's scores alike. Its true gradient is zero, and AdamW makes steps of the
# rate's size of the rounding that float32 leaves of it: no more than these can be said.
LIMITS = {"float32": {"loss": 1e-5, "parameter": 1e-5, "key_bias": 1e-4, "shift": STEPS * RATE},
          "float64": {"loss": 1e-5, "parameter": 1e-9, "key_bias": 1e-9, "shift": 1e-9}}


def load_model(kind, initial, precision, **keywords):
    """A model of class `kind` on the encoder of a checkpoint's folder, without dropout."""
    return kind.from_pretrained(initial / "encoder", dtype=getattr(torch, precision), attn_implementation="eager",
                                hidden_dropout_prob=0.0, attention_probs_dropout_prob=0.0, **keywords)


def load_head(folder, name, names):
    """A head of berth under transformers' names: names maps berth's to these."""
    return {names[key]: value for key, value in load_file(folder / f"heads/{name}.safetensors").items()}


def set_parameters(model, values):
    with torch.no_grad():
        for name, value in values.items():
            model.get_parameter(name).copy_(value)


def train_berth(program, folder, model_folder, precision, batch=BATCH, optimizer=None, **keywords):
    """The run's folder and the loss of each step, in the order of the file and without dropout in the encoder."""
    suite = write_suite(
        folder, model_folder, model={"dropout": 0, "attention_dropout": 0, "precision": f'"{precision}"'},
        training={"steps": STEPS, "batch_size": batch, "shuffle": "false", "log_every": 1},
        optimizer={"rate": RATE, "weight_decay": DECAY} | (optimizer or {}), schedule={"warmup_steps": WARMUP},
        checkpoints={"initial": "true"}, **keywords)
    berth(program, "run", suite, "--out", folder / "run")
    lines = [json.loads(line) for line in (folder / "run/metrics.jsonl").read_text().splitlines()]
    return folder / "run", [line["loss"] for line in lines if line["kind"] == "train"]


class Hooks:
    """What a way of training does at other places than plain training."""

    def before(self, step):
        pass

    def loss(self, model, inputs, targets):
        return model(**inputs, labels=targets).loss

    def backward(self, loss, loss_again):
        """loss_again(): the loss of the same batch, computed anew."""
        loss.backward()

    def before_update(self, optimizer):
        pass

    def after_update(self, step):
        pass


def train_transformers(model, data, loss_of, rate_of=lambda name: RATE, batch=BATCH, decay=DECAY, hooks=Hooks()):
    """loss_of(rows) is the loss of a batch, rate_of(name) a parameter's rate. Returns the loss of each step."""
    model.train()
    groups = {}
    for name, parameter in model.named_parameters():
        own_decay = 0.0 if name.endswith("bias") or "LayerNorm" in name else decay
        groups.setdefault((rate_of(name), own_decay), []).append(parameter)
    optimizer = torch.optim.AdamW([{"params": parameters, "lr": rate, "weight_decay": own_decay}
                                   for (rate, own_decay), parameters in groups.items()], fused=True)
    schedule = get_linear_schedule_with_warmup(optimizer, WARMUP, STEPS)
    batches = [data[i:i + batch] for i in range(0, len(data), batch)]
    losses = []
    for step in range(STEPS):
        hooks.before(step)
        rows = batches[step % len(batches)]
        loss = loss_of(rows)
        hooks.backward(loss, lambda: loss_of(rows))
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        hooks.before_update(optimizer)
        optimizer.step()
        hooks.after_update(step)
        schedule.step()
        optimizer.zero_grad()
        losses.append(loss.item())
    return losses


def compare(precision, ours, theirs, checkpoint, head, model, shifts=(), prefix="bert."):
    """ours, theirs: losses. head: what load_head() gave of the checkpoint. shifts: names of biases that shift all scores
    of a softmax alike. prefix: of the encoder's names in the model. Prints a line; exits where a limit is passed."""
    limits = LIMITS[precision]
    expected = {n.removeprefix(prefix): p.detach() for n, p in model.named_parameters()}
    found = load_file(checkpoint / "encoder/model.safetensors") | head
    found = {n: p for n, p in found.items() if n in expected or not n.startswith("pooler.")}  # some models have none
    assert len(ours) == len(theirs) == STEPS and set(found) == set(expected), (len(ours), set(found) ^ set(expected))
    loss = max(abs(a - b) / abs(b) for a, b in zip(ours, theirs))
    differences = {n: (found[n].double() - expected[n].double()).abs().max().item() for n in expected}
    shift = max((differences.pop(n) for n in shifts), default=0)
    # The true gradient of a key's bias is zero (it shifts all scores of a row alike), so its updates are rounding noise.
    key_bias = max(v for n, v in differences.items() if n.endswith("key.bias"))
    name, parameter = max(((n, v) for n, v in differences.items() if not n.endswith("key.bias")), key=lambda x: x[1])
    print(f"{precision}: loss went from {ours[0]:.4f} to {ours[-1]:.4f}; largest relative difference of a loss {loss:.2e}; "
          f"largest difference of a parameter {parameter:.2e} ({name}), of a key's bias {key_bias:.2e}"
          + (f", of {', '.join(shifts)} {shift:.2e}" if shifts else ""))
    found = {"loss": loss, "parameter": parameter, "key_bias": key_bias, "shift": shift}
    if not all(found[what] <= limit for what, limit in limits.items()):
        sys.exit(f"over the limits {limits}")
