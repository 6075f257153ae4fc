"""The encoder's hidden states, pooled outputs and gradients against transformers', live.

usage: compare_model.py DUMP_MODEL_PROGRAM
BERTH_MINILM names a folder with the real MiniLM; without it that part is skipped, with a message.
Our side runs packed, the other padded. Prints the largest difference of each case; exit 1 where one is too large.
"""

import copy
import functools
import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path

import torch
from safetensors.torch import load_file, save_file
from transformers import BertConfig, BertForSequenceClassification, BertModel, logging
from transformers.activations import ACT2FN

logging.set_verbosity_error()
logging.disable_progress_bar()

PROGRAM = sys.argv[1]
FLOAT32, FLOAT64 = 1e-5, 1e-10
GRADIENT = 2e-5  # in float32: either side is up to 1e-5 from its own float64 gradients
KEY_BIAS = 1e-4  # in float32: its true gradient is zero, and transformers differs from itself by as much
LENGTHS = [1, 2, 3, 16, 17, 64, 65, 31, 9]
WITH_PARAMETERS = {"prelu", "xielu"}  # activations that bring parameters of their own; no BERT uses them
failures = []


def make_input(config, lengths, seed=1):
    generator = torch.Generator().manual_seed(seed)
    total = sum(lengths)
    segments = torch.cat([(torch.arange(n) >= n // 2).long() for n in lengths])
    return {
        "ids": torch.randint(0, config.vocab_size, (total,), generator=generator),
        "segments": segments % config.type_vocab_size,
        "offsets": torch.tensor([0, *lengths]).cumsum(0),
        "hidden_weights": torch.randn(total, config.hidden_size, generator=generator),
        "pooled_weights": torch.randn(len(lengths), config.hidden_size, generator=generator),
    }


def reference(model, data, gradients):
    """What dump_model writes, by transformers, on a padded batch."""
    offsets = data["offsets"].tolist()
    lengths = [b - a for a, b in zip(offsets, offsets[1:])]
    mask = torch.arange(max(lengths))[None] < torch.tensor(lengths)[:, None]
    ids, segments = torch.zeros(2, *mask.shape, dtype=torch.long)
    ids[mask], segments[mask] = data["ids"], data["segments"]
    arguments = dict(input_ids=ids, attention_mask=mask.long(), token_type_ids=segments)
    model.eval()
    with torch.no_grad():
        output = model(**arguments, output_hidden_states=True)
    result = {f"hidden.{i}": h[mask] for i, h in enumerate(output.hidden_states)}
    result["all.hidden"] = output.last_hidden_state[mask]
    result["all.first"] = result["first.first"] = output.last_hidden_state[:, 0]
    result["pooled"] = output.pooler_output
    if gradients:
        for name, weights in (("hidden", data["hidden_weights"]), ("pooled", data["pooled_weights"])):
            model.zero_grad()
            output = model(**arguments)
            value = output.last_hidden_state[mask] if name == "hidden" else output.pooler_output
            (value * weights.to(value.dtype)).sum().backward()
            for key, parameter in model.named_parameters():
                grad = parameter.grad
                result[f"{name}_gradient.{key}"] = torch.zeros_like(parameter) if grad is None else grad
    return result


def run(folder, data, gradients, dtype):
    with tempfile.TemporaryDirectory() as work:
        data = data if gradients else {k: v for k, v in data.items() if not k.endswith("_weights")}
        save_file(data, f"{work}/in.safetensors")
        text = subprocess.run([PROGRAM, folder, f"{work}/in.safetensors", f"{work}/out.safetensors", dtype],
                              check=True, stdout=subprocess.PIPE, text=True).stdout
        return load_file(f"{work}/out.safetensors"), text.splitlines()


def fail(text):
    failures.append(text)
    print(f"FAILED {text}")


def compare(case, ours, theirs, dtype, truth):
    """Outputs and hidden states by absolute difference; gradients, which may be large, relative to their tensor's largest
    value where that is above one. truth() gives what a float64 copy of their model does: where hidden states have large
    values, rounding alone can pass FLOAT32, and two sides that round differently be apart by twice their own error."""
    if ours.keys() != theirs.keys():
        fail(f"{case}: tensors differ by name: {sorted(ours.keys() ^ theirs.keys())}")
        return
    worst = {}
    for name, expected in theirs.items():
        difference = (ours[name].double() - expected.detach().double()).abs().max().item()
        kind = next((k for k in ("key.bias", "gradient", "hidden.") if k in name), "output")
        if kind in ("key.bias", "gradient"):
            difference /= max(1.0, expected.abs().max().item())
        allowed = FLOAT64 if dtype == "float64" else {"key.bias": KEY_BIAS, "gradient": GRADIENT}.get(kind, FLOAT32)
        if kind in ("hidden.", "output") and difference > allowed and dtype == "float32":
            rounding, own = (max((side[n].double() - value).abs().max().item() for n, value in truth().items())
                             for side in (theirs, ours))
            print(f"{case}: {name} {difference:.1e}; from float64 theirs is {rounding:.1e}, ours {own:.1e}")
            allowed = max(allowed, 2 * rounding)
        if not difference <= allowed:  # "not": a NaN fails too
            fail(f"{case}: {name} differs by {difference:.3e}, allowed {allowed:.1e}")
        worst[kind] = max(worst.get(kind, 0), difference)
    print(f"{case}: " + ", ".join(f"{kind} {value:.1e}" for kind, value in sorted(worst.items())), flush=True)


def check(case, folder, lengths, gradients=True, dtypes=("float32", "float64"), model=None):
    for dtype in dtypes:
        torch_type = getattr(torch, dtype)
        reference_model = (model or BertModel.from_pretrained(folder, attn_implementation="eager")).to(torch_type)
        data = make_input(reference_model.config, lengths)
        ours, _ = run(folder, data, gradients, dtype)
        theirs = reference(reference_model, data, gradients)
        compare(f"{case}, {dtype}", ours, theirs, dtype,
                functools.cache(lambda: reference(copy.deepcopy(reference_model).double(), data, False)))


def tiny(**changes):
    torch.manual_seed(7)
    settings = dict(vocab_size=200, hidden_size=48, num_hidden_layers=2, num_attention_heads=4, intermediate_size=80,
                    max_position_embeddings=256, initializer_range=0.2)
    return BertModel(BertConfig(**{**settings, **changes}))


def check_minilm(work):
    folder = os.environ.get("BERTH_MINILM")
    if not folder:
        print("MiniLM: skipped, BERTH_MINILM is not set")
        return
    check("MiniLM, long", folder, [512, 1, 200, 300], gradients=False, dtypes=["float32"])
    check("MiniLM", folder, LENGTHS)


def check_bfloat16(work):
    """Neither side is right: both are held against float64. Theirs is autocast's, ours must not be farther off."""
    folder = os.environ.get("BERTH_MINILM")
    if not folder:
        print("bfloat16: skipped, BERTH_MINILM is not set")
        return
    model = BertModel.from_pretrained(folder, attn_implementation="eager")
    data = make_input(model.config, LENGTHS)
    ours, _ = run(folder, data, True, "bfloat16")
    with torch.autocast("cpu", torch.bfloat16):
        theirs = reference(model, data, True)
    truth = reference(copy.deepcopy(model).double(), data, True)

    def distance(side, names):
        """Root mean square of the error, in parts of the values'."""
        error, size = (sum(t.double().square().sum().item() for t in tensors) for tensors in (
            [side[n].double() - truth[n] for n in names], [truth[n] for n in names]))
        return (error / size) ** 0.5

    kinds = {"hidden states": "hidden.", "outputs": "pooled$", "gradients by hidden states": "hidden_gradient.",
             "gradients by outputs": "pooled_gradient."}
    for kind, prefix in kinds.items():
        names = [n for n in truth if re.match(prefix, n) and "key.bias" not in n]
        own, other = distance(ours, names), distance(theirs, names)
        print(f"bfloat16, {kind}: {own:.2e} from float64, transformers with autocast {other:.2e}")
        if not 1e-4 < own <= 1.1 * other:
            fail(f"bfloat16, {kind}: farther from float64 than autocast, or not bfloat16 at all")


def check_base(work):
    torch.manual_seed(3)
    model = BertModel(BertConfig())
    model.save_pretrained(f"{work}/base")
    check("random BERT-base, long", f"{work}/base", [512, 1, 64], gradients=False, dtypes=["float32"], model=model)
    check("random BERT-base", f"{work}/base", [25, 1, 40], dtypes=["float32"], model=model)


def check_activations(work):
    for name in ACT2FN:
        if name in WITH_PARAMETERS:
            continue
        tiny(hidden_act=name).save_pretrained(f"{work}/{name}")
        check(f"tiny, {name}", f"{work}/{name}", [1, 7, 30], dtypes=["float64"])


def check_shapes(work):
    cases = {
        "odd head width": dict(hidden_size=33, num_attention_heads=3),
        "one head": dict(num_attention_heads=1),
        "one segment type, no padding token": dict(type_vocab_size=1, pad_token_id=None),
        "another padding token, wide norm": dict(pad_token_id=5, layer_norm_eps=1e-3),
        "one layer": dict(num_hidden_layers=1),
    }
    tiny().save_pretrained(f"{work}/plain")
    check("tiny", f"{work}/plain", LENGTHS, dtypes=["float32"])
    for case, changes in cases.items():
        tiny(**changes).save_pretrained(f"{work}/shape")
        check(f"tiny, {case}", f"{work}/shape", [*LENGTHS, 200], dtypes=["float64"])


def check_same(case, folder, plain, data, expect_text):
    ours, text = run(folder, data, False, "float32")
    if sorted(text) != sorted(expect_text):
        fail(f"{case}: reported {text}, expected {expect_text}")
    if ours.keys() != plain.keys() or any(not torch.equal(ours[k], plain[k]) for k in plain):
        fail(f"{case}: not equal to the plain folder's")
    else:
        print(f"{case}: equal")


def check_folders(work):
    """The same weights under other names, in shards, in other types."""
    model = tiny()
    model.save_pretrained(f"{work}/plain")
    data = make_input(model.config, [5, 1, 20])
    plain, _ = run(f"{work}/plain", data, False, "float32")
    weights = {k: v.contiguous() for k, v in model.state_dict().items()}

    def folder(name, tensors):
        Path(f"{work}/{name}").mkdir()
        model.config.save_pretrained(f"{work}/{name}")
        save_file(tensors, f"{work}/{name}/model.safetensors", {"format": "pt"})
        return f"{work}/{name}"

    prefixed = {f"bert.{k}": v for k, v in weights.items()}
    extra = {"cls.predictions.bias": torch.zeros(200), "bert.embeddings.position_ids": torch.arange(256)[None]}
    check_same("prefix", folder("prefix", {**prefixed, **extra}), plain, data, ["unused cls.predictions.bias"])

    def old(name):
        return re.sub(r"LayerNorm\.bias", "LayerNorm.beta", re.sub(r"LayerNorm\.weight", "LayerNorm.gamma", name))

    check_same("gamma, beta", folder("old", {old(k): v for k, v in prefixed.items()}), plain, data, [])
    model.save_pretrained(f"{work}/shards", max_shard_size="50KB")
    assert len(list(Path(f"{work}/shards").glob("*.safetensors"))) > 2
    check_same("shards", f"{work}/shards", plain, data, [])
    for dtype in (torch.float16, torch.bfloat16):
        short = {k: v.to(dtype) for k, v in weights.items()}
        rounded = folder(f"rounded-{dtype}", {k: v.float() for k, v in short.items()})
        expected, _ = run(rounded, data, False, "float32")
        check_same(str(dtype), folder(f"short-{dtype}", short), expected, data, [])
    headless = {k: v for k, v in weights.items() if not k.startswith("pooler.")}
    ours, text = run(folder("headless", headless), data, False, "float32")
    if text != ["initialised pooler.dense.weight", "initialised pooler.dense.bias"]:
        fail(f"without pooler: reported {text}")
    if not torch.equal(ours["all.hidden"], plain["all.hidden"]):
        fail("without pooler: hidden states differ")


def check_written(work):
    """transformers opens the folders that we write."""
    model = tiny(hidden_act="silu", id2label={0: "no", 1: "yes"})
    model.save_pretrained(f"{work}/model")
    for prefix, kind in (("", BertModel), ("bert.", BertForSequenceClassification)):
        subprocess.run([PROGRAM, "--copy", f"{work}/model", f"{work}/copy{prefix}", prefix], check=True)
        loaded, info = kind.from_pretrained(f"{work}/copy{prefix}", output_loading_info=True)
        missing = {name for name in info["missing_keys"] if not name.startswith("classifier.")}
        if missing or info["unexpected_keys"] or info["mismatched_keys"]:
            fail(f"written with prefix '{prefix}': {info}")
        encoder = loaded.base_model.state_dict()
        if any(not torch.equal(encoder[k], v) for k, v in model.state_dict().items()):
            fail(f"written with prefix '{prefix}': weights differ")
        if loaded.config.hidden_act != "silu" or loaded.config.id2label != {0: "no", 1: "yes"}:
            fail(f"written with prefix '{prefix}': the config differs")
    print("written folders: checked")


def main():
    for part in (check_minilm, check_bfloat16, check_base, check_activations, check_shapes, check_folders, check_written):
        with tempfile.TemporaryDirectory() as work:
            part(work)
    print(f"{len(failures)} failures")
    return 1 if failures else 0


sys.exit(main())
