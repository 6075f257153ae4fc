"""Ways of fine-tuning: 50 steps of each by berth and by transformers with peft, torch or a few lines of the method's own
paper, on a tiny model in float64; loss of every step and every parameter at the end. Each way must also end elsewhere
than plain training, or nothing was tested.
usage: compare_methods.py BERTH"""
import pathlib
import sys
import tempfile

import torch
from peft import PeftModel
from safetensors.torch import load_file
from torch.optim.swa_utils import AveragedModel
from transformers import AutoTokenizer, BertForSequenceClassification

TESTS = pathlib.Path(__file__).resolve().parents[2]
sys.path += [str(TESTS / "parity/training"), str(TESTS / "support")]
import tiny_model
from common import rows
from steps import RATE, STEPS, Hooks, compare, load_head, load_model, set_parameters, train_berth, train_transformers

NAMES = {"output.weight": "classifier.weight", "output.bias": "classifier.bias"}


class Only(Hooks):
    """Of the encoder only what `is_trained(name)` says learns."""

    def __init__(self, model, is_trained):
        for name, parameter in model.bert.named_parameters():
            parameter.requires_grad_(is_trained(name))


class Peft(Hooks):
    def __init__(self, model, adapter):
        self.model = model
        model.bert = PeftModel.from_pretrained(model.bert, adapter, is_trainable=True)

    def merge(self):
        self.model.bert = self.model.bert.merge_and_unload()


class DecayToStart(Hooks):
    """Decoupled weight decay of the encoder, as AdamW's, but towards where it started."""

    def __init__(self, model):
        self.start = {p: p.detach().clone() for p in model.bert.parameters()}

    @torch.no_grad()
    def before_update(self, optimizer):
        for group in optimizer.param_groups:
            for parameter in set(group["params"]) & set(self.start):
                pull = group["lr"] * group["weight_decay"]
                # AdamW is about to multiply by 1 - pull.
                parameter.add_(self.start[parameter] * pull / (1 - pull))


class FastGradient(Hooks):
    def __init__(self, model, length):
        self.embeddings, self.length = model.bert.embeddings.word_embeddings.weight, length

    def backward(self, loss, loss_again):
        loss.backward()
        own = self.embeddings.detach().clone()
        with torch.no_grad():
            self.embeddings.add_(self.length * self.embeddings.grad / self.embeddings.grad.norm())
        loss_again().backward()
        with torch.no_grad():
            self.embeddings.copy_(own)


class Average(Hooks):
    def __init__(self, model, steps):
        self.model, self.first, self.average = model, STEPS - steps, AveragedModel(model)

    def after_update(self, step):
        if step >= self.first:
            self.average.update_parameters(self.model)

    def merge(self):
        self.model.load_state_dict(self.average.module.state_dict())


class Unfreezing(Hooks):
    """The layers below the pooler begin to learn one after another, the last one first, embeddings at step `steps`."""

    def __init__(self, model, steps):
        layers = model.config.num_hidden_layers
        self.model = model
        self.begin = {"embeddings": steps} | {f"encoder.layer.{layers - 1 - i}.": steps * (i + 1) // (layers + 1)
                                              for i in range(layers)}

    def before(self, step):
        for name, parameter in self.model.bert.named_parameters():
            parameter.requires_grad_(all(step >= begin for part, begin in self.begin.items() if name.startswith(part)))


# The suite's sections, and what transformers does then; adapter: the first checkpoint's.
CASES = {
    "full": ({}, lambda model, adapter: Hooks()),
    "study": ({"finetuning": {"method": '"study"'}},
              lambda model, adapter: Only(model, lambda n: n.startswith(("embeddings.", "pooler.")))),
    "heads": ({"finetuning": {"method": '"heads"'}}, lambda model, adapter: Only(model, lambda n: False)),
    "top": ({"finetuning": {"method": '"top"', "top_layers": 1}},
            lambda model, adapter: Only(model, lambda n: n.startswith(("encoder.layer.1.", "pooler.")))),
    "biases": ({"finetuning": {"method": '"biases"'}},
               lambda model, adapter: Only(model, lambda n: n.endswith(".bias"))),
    "lora": ({"finetuning": {"method": '"lora"', "lora_rank": 4, "lora_alpha": 12,
                             "lora_targets": '["attention", "layers.1"]'}},
             lambda model, adapter: Peft(model, adapter)),
    "train_only": ({"optimizer": {"train_only": '["norms", "layers.0", "query"]', "freeze": '["key"]'}},
                   lambda model, adapter: Only(model, lambda n: "key" not in n and (
                       "LayerNorm" in n or "layer.0." in n or "query" in n))),
    "decay_to": ({"optimizer": {"decay_to": '"pretrained"', "weight_decay": 5}},
                 lambda model, adapter: DecayToStart(model)),
    "adversarial": ({"finetuning": {"adversarial": 0.5}}, lambda model, adapter: FastGradient(model, 0.5)),
    "average": ({"finetuning": {"average": 0.4}}, lambda model, adapter: Average(model, STEPS * 4 // 10)),
    "gradual_unfreezing": ({"finetuning": {"gradual_unfreezing": 0.5}},
                           lambda model, adapter: Unfreezing(model, STEPS // 2)),
}


def weights(run):
    return load_file(run / "checkpoints/last/encoder/model.safetensors")


def check(name, program, folder, model_folder, data, plain):
    """plain: the run's folder of the plain way, once there is one. Returns this one's."""
    settings, hooks_of = CASES[name]
    print(f"{name}: ", end="", flush=True)
    folder.mkdir()
    run, ours = train_berth(program, folder, model_folder, "float64", **settings)
    initial, last = run / "checkpoints/step-0", run / "checkpoints/last"
    labels = sorted({label for _, label in data})
    tokenizer = AutoTokenizer.from_pretrained(initial / "encoder")
    model = load_model(BertForSequenceClassification, initial, "float64", num_labels=len(labels))
    set_parameters(model, load_head(initial, "inbox", NAMES))
    hooks = hooks_of(model, initial / "adapter")

    def loss_of(batch):
        inputs = tokenizer([text for text, _ in batch], truncation=True, max_length=64, padding=True, return_tensors="pt")
        return model(**inputs, labels=torch.tensor([labels.index(label) for _, label in batch])).loss

    decay = settings.get("optimizer", {}).get("weight_decay", 0.01)
    theirs = train_transformers(model, data, loss_of, decay=decay, hooks=hooks)
    if hasattr(hooks, "merge"):
        hooks.merge()
    compare("float64", ours, theirs, last, load_head(last, "inbox", NAMES), model)
    if plain is not None:
        other = weights(plain)
        moved = max((a - other[n]).abs().max().item() for n, a in weights(run).items())
        if moved < RATE / 10:
            sys.exit(f"{name} ends where plain training does: {moved:.2e}")
    return run


def main():
    program = sys.argv[1]
    data = rows("train.tsv")
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        tiny_model.write(folder / "model", [text for text, _ in data])
        plain = None
        for case in CASES:
            run = check(case, program, folder / case, folder / "model", data, plain)
            plain = plain or run


main()
