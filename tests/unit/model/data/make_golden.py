"""Writes the golden files beside it: a tiny random BERT with what transformers computes from it, and its activations.

usage: make_golden.py     needs: torch, transformers, safetensors
"""

from pathlib import Path

import torch
from safetensors.torch import save_file
from transformers import BertConfig, BertModel
from transformers.activations import ACT2FN

HERE = Path(__file__).parent
LENGTHS = [5, 1, 9]

torch.manual_seed(11)
config = BertConfig(vocab_size=40, hidden_size=16, num_hidden_layers=2, num_attention_heads=2, intermediate_size=24,
                    max_position_embeddings=12, initializer_range=0.3)
model = BertModel(config, add_pooling_layer=True).eval()
for parameter in model.parameters():  # biases and norms too, so that a mistake with them shows
    torch.nn.init.normal_(parameter, std=0.3)
model.save_pretrained(HERE / "tiny")

mask = torch.arange(max(LENGTHS))[None] < torch.tensor(LENGTHS)[:, None]
ids, segments = torch.zeros(2, *mask.shape, dtype=torch.long)
ids[mask] = torch.randint(0, 40, (sum(LENGTHS),))
segments[mask] = torch.randint(0, 2, (sum(LENGTHS),))
with torch.no_grad():
    output = model(input_ids=ids, attention_mask=mask.long(), token_type_ids=segments, output_hidden_states=True)
golden = {"ids": ids[mask], "segments": segments[mask], "offsets": torch.tensor([0, *LENGTHS]).cumsum(0),
          "positions": torch.arange(max(LENGTHS)).expand(mask.shape)[mask], "pooled": output.pooler_output}
golden |= {f"hidden.{i}": h[mask] for i, h in enumerate(output.hidden_states)}
save_file({k: v.contiguous() for k, v in golden.items()}, HERE / "tiny_outputs.safetensors")

x = torch.linspace(-12, 12, 49, dtype=torch.float64)
activations = {name: ACT2FN[name](x) for name in ACT2FN if name not in ("prelu", "xielu")}
save_file({"input": x, **{k: v.clone() for k, v in activations.items()}}, HERE / "activations.safetensors")
