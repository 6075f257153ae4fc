"""Ways of fine-tuning: 50 steps of each by berth and by transformers with peft, torch or a few lines of the method's own
paper, on a tiny model in float64; loss of every step and every parameter at the end. Each way must also end elsewhere
than plain training, or nothing was tested.
usage: compare_methods.py BERTH"""
import pathlib
import sys
import tempfile

import torch
from torch.nn.functional import kl_div, nll_loss
from peft import PeftModel
from safetensors.torch import load_file
from torch.optim.swa_utils import AveragedModel
from transformers import AutoTokenizer, BertForSequenceClassification

TESTS = pathlib.Path(__file__).resolve().parents[2]
sys.path += [str(TESTS / "parity/training"), str(TESTS / "support")]
import tiny_model
from common import INBOX_TASK, rows
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


MASK = 2**64 - 1
SEED = 42


def mix(*parts):
    """berth's mixing of seeds (core/training/random.h): SplitMix64's finaliser over the parts."""
    h = 0x9E3779B97F4A7C15
    for part in parts:
        h = ((h ^ part) + 0x9E3779B97F4A7C15) & MASK
        h = ((h ^ (h >> 30)) * 0xBF58476D1CE4E5B9) & MASK
        h = ((h ^ (h >> 27)) * 0x94D049BB133111EB) & MASK
        h ^= h >> 31
    return h


def hash_name(name):
    """FNV-1a."""
    h = 0xCBF29CE484222325
    for byte in name.encode():
        h = ((h ^ byte) * 0x100000001B3) & MASK
    return h


class Draws(Hooks):
    """With the draw that berth names a micro-batch's randomness by."""

    def before(self, step):
        self.draw = mix(hash_name("inbox"), hash_name("step"), step + 1, 0)


class RDrop(Draws):
    """Only the head has dropout here, whose mask torch draws as LibTorch does."""

    def __init__(self, model, weight, dropout):
        self.weight, model.dropout.p = weight, dropout

    def loss(self, model, inputs, targets):
        log_p, losses = [], []
        for draw in (self.draw, mix(self.draw, hash_name("r_drop"))):
            torch.manual_seed(mix(SEED, hash_name("head"), draw))
            log_p.append(model(**inputs).logits.log_softmax(1))
            losses.append(nll_loss(log_p[-1], targets))
        both = [kl_div(a, b, reduction="batchmean", log_target=True) for a, b in (log_p, log_p[::-1])]
        return sum(losses) / 2 + self.weight * sum(both) / 2


class Smart(Draws):
    """The noise is berth's, drawn for the tokens end to end."""

    def __init__(self, model, weight, radius):
        self.weight, self.radius, self.move = weight, radius, None
        model.bert.embeddings.register_forward_hook(
            lambda module, arguments, out: out if self.move is None else out + self.move)

    def answer(self, model, inputs, move):
        self.move = move
        log_p = model(**inputs).logits.log_softmax(1)
        self.move = None
        return log_p

    def loss(self, model, inputs, targets):
        log_p = self.answer(model, inputs, None)
        is_token = inputs["attention_mask"].bool()
        noise = torch.empty(int(is_token.sum()), model.config.hidden_size, dtype=torch.float64)
        noise.normal_(0, self.radius, generator=torch.Generator().manual_seed(mix(SEED, hash_name("smart"), self.draw)))
        start = torch.zeros(*is_token.shape, model.config.hidden_size, dtype=torch.float64)
        start[is_token] = noise
        start.requires_grad_()
        slope, = torch.autograd.grad(self.divergence(log_p.detach(), self.answer(model, inputs, start)), start)
        slope = slope / slope.abs().amax(2, keepdim=True).clamp_min(1e-30)
        move = (start + 100 * self.radius * slope).clamp(-self.radius, self.radius).detach()
        return nll_loss(log_p, targets) + self.weight * self.divergence(log_p, self.answer(model, inputs, move))

    @staticmethod
    def divergence(log_p, log_q):
        return sum(kl_div(a, b, reduction="batchmean", log_target=True) for a, b in ((log_p, log_q), (log_q, log_p)))


class Adapters(Only):
    """A bottleneck after each layer, with the values that berth starts from; it learns, the rest of the encoder does not."""

    def __init__(self, model, initial):
        super().__init__(model, lambda name: False)
        values = load_file(initial / "encoder/model.safetensors")
        for i, layer in enumerate(model.bert.encoder.layer):
            own = {name.removeprefix(f"encoder.layer.{i}.adapter."): value for name, value in values.items()
                   if name.startswith(f"encoder.layer.{i}.adapter.")}
            size, width = own["down.weight"].shape
            layer.adapter = torch.nn.ModuleDict({"LayerNorm": torch.nn.LayerNorm(width, eps=model.config.layer_norm_eps),
                                                 "down": torch.nn.Linear(width, size),
                                                 "up": torch.nn.Linear(size, width)}).double()
            layer.adapter.load_state_dict(own)
            layer.register_forward_hook(self.adapt)

    @staticmethod
    def adapt(layer, arguments, out):
        a = layer.adapter
        add = lambda hidden: hidden + a["up"](torch.relu(a["down"](a["LayerNorm"](hidden))))
        return (add(out[0]), *out[1:]) if isinstance(out, tuple) else add(out)


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


# The suite's sections, and what transformers does then with the checkpoint before the first step.
CASES = {
    "full": ({}, lambda model, initial: Hooks()),
    "study": ({"finetuning": {"method": '"study"'}},
              lambda model, initial: Only(model, lambda n: n.startswith(("embeddings.", "pooler.")))),
    "heads": ({"finetuning": {"method": '"heads"'}}, lambda model, initial: Only(model, lambda n: False)),
    "top": ({"finetuning": {"method": '"top"', "top_layers": 1}},
            lambda model, initial: Only(model, lambda n: n.startswith(("encoder.layer.1.", "pooler.")))),
    "biases": ({"finetuning": {"method": '"biases"'}},
               lambda model, initial: Only(model, lambda n: n.endswith(".bias"))),
    "lora": ({"finetuning": {"method": '"lora"', "lora_rank": 4, "lora_alpha": 12,
                             "lora_targets": '["attention", "layers.1"]'}},
             lambda model, initial: Peft(model, initial / "adapter")),
    "train_only": ({"optimizer": {"train_only": '["norms", "layers.0", "query"]', "freeze": '["key"]'}},
                   lambda model, initial: Only(model, lambda n: "key" not in n and (
                       "LayerNorm" in n or "layer.0." in n or "query" in n))),
    "decay_to": ({"optimizer": {"decay_to": '"pretrained"', "weight_decay": 5}},
                 lambda model, initial: DecayToStart(model)),
    "adversarial": ({"finetuning": {"adversarial": 0.5}}, lambda model, initial: FastGradient(model, 0.5)),
    "adapters": ({"finetuning": {"method": '"adapters"', "adapter_size": 5}},
                 lambda model, initial: Adapters(model, initial)),
    "r_drop": ({"finetuning": {"r_drop": 0.8}, "task": INBOX_TASK.replace("dropout = 0", "dropout = 0.3")},
               lambda model, initial: RDrop(model, 0.8, 0.3)),
    "smart": ({"finetuning": {"smart": 2, "smart_radius": 0.3}}, lambda model, initial: Smart(model, 2, 0.3)),
    "average": ({"finetuning": {"average": 0.4}}, lambda model, initial: Average(model, STEPS * 4 // 10)),
    "gradual_unfreezing": ({"finetuning": {"gradual_unfreezing": 0.5}},
                           lambda model, initial: Unfreezing(model, STEPS // 2)),
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
    hooks = hooks_of(model, initial)

    def loss_of(batch):
        inputs = tokenizer([text for text, _ in batch], truncation=True, max_length=64, padding=True, return_tensors="pt")
        targets = torch.tensor([labels.index(label) for _, label in batch])
        return hooks.loss(model, inputs, targets)

    decay = settings.get("optimizer", {}).get("weight_decay", 0.01)
    theirs = train_transformers(model, data, loss_of, decay=decay, hooks=hooks)
    if hasattr(hooks, "merge"):
        hooks.merge()
    compare("float64", ours, theirs, last, load_head(last, "inbox", NAMES), model)
    if plain is not None:
        own = weights(run)
        moved = max((own[n] - value).abs().max().item() for n, value in weights(plain).items())
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
