"""Writes torch_zip.bin and torch_stream.bin into tests/unit/checkpoint/data: one state dict in both of torch.save's
formats, for torch_file_test.cpp, which knows what is in them.

usage: make_torch_files.py     needs: torch
"""
from collections import OrderedDict
from pathlib import Path

import torch

DATA = Path(__file__).resolve().parent.parent / "unit/checkpoint/data"
TYPES = ["float64", "float32", "float16", "bfloat16", "int64", "int32", "int16", "int8", "uint8", "bool",
         "float8_e4m3fn", "float8_e5m2", "uint16", "uint32", "uint64", "complex64"]


def state_dict():
    tensors = OrderedDict((name, torch.tensor([[0, 1, 2], [3, 4, 5]]).to(getattr(torch, name))) for name in TYPES)
    tensors["parameter"] = torch.nn.Parameter(torch.tensor([1.5, 2.5]))
    tensors["scalar"] = torch.tensor(7.5)
    tensors["empty"] = torch.zeros(0, 4)
    tensors["tied"] = tensors["float32"]
    tensors["turned"] = tensors["float32"].t()
    tensors["part"] = tensors["float32"][1, 1:]
    tensors["every other"] = tensors["float64"][:, ::2]
    tensors["expanded"] = torch.tensor([4.0]).expand(2, 3)
    tensors._metadata = OrderedDict({"": {"version": 1}, "layer": {"version": 2}})
    return tensors


def main():
    torch.save(state_dict(), DATA / "torch_zip.bin")
    torch.save(state_dict(), DATA / "torch_stream.bin", _use_new_zipfile_serialization=False)


main()
