"""What berth reads of files that torch.save writes equals what torch wrote, bit for bit: every type, layout, format and
protocol; and a tiny BERT in each of these loads as from safetensors.
usage: compare_torch_files.py TORCH_TO_SAFETENSORS DUMP_MODEL"""
import json
import pathlib
import subprocess
import sys
import tempfile
from collections import OrderedDict

import torch
from safetensors.torch import load_file

sys.path.append(str(pathlib.Path(__file__).resolve().parents[2] / "support"))
import tiny_model

TYPES = ["float64", "float32", "float16", "bfloat16", "int64", "int32", "int16", "int8", "uint8", "bool",
         "float8_e4m3fn", "float8_e5m2", "uint16", "uint32", "uint64", "complex64"]
OLD = {"_use_new_zipfile_serialization": False}


def run(*arguments):
    result = subprocess.run([*map(str, arguments)], capture_output=True, text=True)
    if result.returncode != 0:
        sys.exit(f"{arguments} failed with {result.returncode}\n{result.stderr}")


def same(found, expected, what):
    assert found.keys() == expected.keys(), (what, found.keys() ^ expected.keys())
    for name, tensor in expected.items():
        tensor = tensor.detach().contiguous()
        assert found[name].dtype == tensor.dtype and found[name].shape == tensor.shape, (what, name)
        bits = [t.flatten().view(torch.uint8) for t in (found[name], tensor)]
        assert torch.equal(*bits), (what, name)


def random(*shape, dtype=torch.float32):
    """Any bits: infinities and NaNs are to survive as well."""
    if dtype == torch.bool:
        return torch.rand(shape) < 0.5
    size = torch.zeros((), dtype=dtype).element_size()
    return torch.randint(0, 256, (*shape[:-1], shape[-1] * size), dtype=torch.uint8).view(dtype)


def layouts():
    base = random(40, 30)
    yield "whole", base
    yield "tied", base
    yield "parameter", torch.nn.Parameter(base)
    yield "turned", base.t()
    yield "rows", base[3:17]
    yield "columns", base[:, 5:9]
    yield "steps", base[::3, 1::7]
    yield "diagonal", base.diagonal()
    yield "windows", base.flatten().unfold(0, 8, 3)
    yield "permuted", random(3, 4, 5, 6).permute(2, 0, 3, 1)
    yield "channels last", random(2, 3, 4, 5).contiguous(memory_format=torch.channels_last)
    yield "expanded", random(1, 6).expand(5, 6)
    yield "scalar", torch.tensor(2.5)
    yield "one of many", base[7, 7]
    yield "empty", torch.zeros(0, 7)
    yield "empty rows", base[4:4]


def state_dicts():
    """(name, dict, how it is saved)."""
    types = {name: random(5, 3, dtype=getattr(torch, name)) for name in TYPES}
    for protocol in range(2, 6):
        yield f"types.{protocol}", types, {"pickle_protocol": protocol}
        yield f"types.old.{protocol}", types, {"pickle_protocol": protocol, **OLD}
    for saved in {}, OLD:
        yield f"layouts{len(saved)}", dict(layouts()), saved
        yield f"ordered{len(saved)}", OrderedDict(layouts()), saved
        yield f"none{len(saved)}", {}, saved
        # More than one byte's worth of memo places and of values that are set at once.
        yield f"many{len(saved)}", {f"layer.{i}.weight": random(i % 7, 3) for i in range(1500)}, saved
        module = torch.nn.Sequential(torch.nn.Linear(4, 3), torch.nn.BatchNorm1d(3))
        yield f"module{len(saved)}", module.state_dict(), saved
        yield f"kept{len(saved)}", module.state_dict(keep_vars=True), saved


def compare_files(program, folder):
    expected = {}
    for name, tensors, saved in state_dicts():
        torch.save(tensors, folder / f"{name}.bin", **saved)
        expected[name] = tensors
    run(program, *(folder / f"{name}.bin" for name in expected))
    for name, tensors in expected.items():
        same(load_file(folder / f"{name}.safetensors"), tensors, name)
    return len(expected)


def old_name(name):
    return "bert." + name.replace("LayerNorm.weight", "LayerNorm.gamma").replace("LayerNorm.bias", "LayerNorm.beta")


def model_folders(weights):
    """(name, files of torch.save, what the encoder is to have)."""
    def converted(dtype):
        return {name: tensor.to(dtype) for name, tensor in weights.items()}

    yield "plain", {"pytorch_model.bin": (weights, {})}, weights
    yield "old", {"pytorch_model.bin": (weights, OLD)}, weights
    for dtype in torch.float16, torch.bfloat16, torch.float64:
        yield str(dtype), {"pytorch_model.bin": (converted(dtype), {})}, converted(dtype)
    # As the first BERTs on the hub are: old names, a head for pretraining that shares the word embeddings.
    first = {old_name(name): tensor for name, tensor in weights.items()}
    first["cls.predictions.decoder.weight"] = first["bert.embeddings.word_embeddings.weight"]
    first["bert.embeddings.position_ids"] = torch.arange(64)[None]
    yield "first", {"pytorch_model.bin": (OrderedDict(first), OLD)}, weights
    names = sorted(weights)
    shards = {f"pytorch_model-{i}.bin": ({name: weights[name] for name in names[i::3]}, {}) for i in range(3)}
    yield "shards", shards, weights


def compare_models(program, folder):
    tiny_model.write(folder / "tiny", ["a small model for tests"])
    weights = load_file(folder / "tiny/model.safetensors")
    count = 0
    for name, files, expected in model_folders(weights):
        model = folder / name
        model.mkdir()
        (model / "config.json").write_bytes((folder / "tiny/config.json").read_bytes())
        for file, (tensors, saved) in files.items():
            torch.save(tensors, model / file, **saved)
        if len(files) > 1:
            index = {key: file for file, (tensors, _) in files.items() for key in tensors}
            (model / "pytorch_model.bin.index.json").write_text(json.dumps({"weight_map": index}))
        run(program, "--copy", model, folder / f"{name} copy", "")
        found = load_file(folder / f"{name} copy/model.safetensors")
        same(found, {key: tensor.float() for key, tensor in expected.items()}, name)
        count += 1
    return count


def main():
    torch.manual_seed(1)
    with tempfile.TemporaryDirectory() as folder:
        folder = pathlib.Path(folder)
        files = compare_files(sys.argv[1], folder)
        models = compare_models(sys.argv[2], folder)
    print(f"{files} files and {models} models are read as torch reads them")


main()
