"""Writes mixed.safetensors beside it: a file of the format's own library, with every type that torch and it share.

usage: make_golden.py     needs: torch, safetensors
"""

from pathlib import Path

import torch
from safetensors.torch import save_file

TYPES = ["float64", "float32", "float16", "bfloat16", "int64", "int32", "int16", "int8", "uint8", "bool",
         "float8_e4m3fn", "float8_e5m2", "uint16", "uint32", "uint64", "complex64"]

tensors = {name: torch.tensor([[0, 1, 2], [3, 4, 5]]).to(getattr(torch, name)) for name in TYPES}
tensors["scalar"] = torch.tensor(7.5)
tensors["empty"] = torch.zeros(0, 4)
save_file(tensors, Path(__file__).parent / "mixed.safetensors", {"format": "pt", "note": "golden"})
