"""Writes a tiny random BERT folder (config.json, vocab.txt, model.safetensors) with the standard library alone, so that
end-to-end tests need neither torch nor a real model.  usage: tiny_model.py FOLDER TEXT_FILE..."""
import json
import pathlib
import random
import re
import struct
import sys

HIDDEN, LAYERS, HEADS, INTERMEDIATE, POSITIONS = 32, 2, 4, 64, 64


def vocabulary(texts):
    words = sorted({w for text in texts for w in re.findall(r"[a-z]+|[^\sa-z]", text.lower())})
    characters = sorted({c for w in words for c in w})
    pieces = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"] + characters + ["##" + c for c in characters]
    return pieces + [w for w in words if w not in set(pieces)]


def shapes(vocabulary_size):
    yield "embeddings.word_embeddings.weight", (vocabulary_size, HIDDEN)
    yield "embeddings.position_embeddings.weight", (POSITIONS, HIDDEN)
    yield "embeddings.token_type_embeddings.weight", (2, HIDDEN)
    yield "embeddings.LayerNorm.weight", (HIDDEN,)
    yield "embeddings.LayerNorm.bias", (HIDDEN,)
    for i in range(LAYERS):
        layer = f"encoder.layer.{i}."
        for name in ("query", "key", "value"):
            yield f"{layer}attention.self.{name}.weight", (HIDDEN, HIDDEN)
            yield f"{layer}attention.self.{name}.bias", (HIDDEN,)
        for name, out, into in (("attention.output", HIDDEN, HIDDEN), ("intermediate", INTERMEDIATE, HIDDEN),
                                ("output", HIDDEN, INTERMEDIATE)):
            yield f"{layer}{name}.dense.weight", (out, into)
            yield f"{layer}{name}.dense.bias", (out,)
        for name in ("attention.output", "output"):
            yield f"{layer}{name}.LayerNorm.weight", (HIDDEN,)
            yield f"{layer}{name}.LayerNorm.bias", (HIDDEN,)
    yield "pooler.dense.weight", (HIDDEN, HIDDEN)
    yield "pooler.dense.bias", (HIDDEN,)


def values(name, count, rng):
    if name.endswith("LayerNorm.weight"):
        return [1.0] * count
    if name.endswith("bias"):
        return [0.0] * count
    return [rng.gauss(0, 0.1) for _ in range(count)]


def write(folder, texts):
    folder = pathlib.Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    vocab = vocabulary(texts)
    (folder / "vocab.txt").write_text("\n".join(vocab) + "\n", encoding="utf-8")
    config = {"model_type": "bert", "vocab_size": len(vocab), "hidden_size": HIDDEN, "num_hidden_layers": LAYERS,
              "num_attention_heads": HEADS, "intermediate_size": INTERMEDIATE, "max_position_embeddings": POSITIONS,
              "type_vocab_size": 2, "hidden_act": "gelu", "hidden_dropout_prob": 0.1,
              "attention_probs_dropout_prob": 0.1, "layer_norm_eps": 1e-12, "initializer_range": 0.02}
    (folder / "config.json").write_text(json.dumps(config, indent=2))
    rng = random.Random(1)
    header, data = {}, bytearray()
    for name, shape in shapes(len(vocab)):
        count = 1
        for n in shape:
            count *= n
        begin = len(data)
        data += struct.pack(f"<{count}f", *values(name, count, rng))
        header[name] = {"dtype": "F32", "shape": list(shape), "data_offsets": [begin, len(data)]}
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    (folder / "model.safetensors").write_bytes(struct.pack("<Q", len(text)) + text + data)


if __name__ == "__main__":
    write(sys.argv[1], [pathlib.Path(f).read_text(encoding="utf-8") for f in sys.argv[2:]])
