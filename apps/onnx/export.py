#!/usr/bin/env python3
"""Makes an ONNX model of a folder that `berth export` wrote, and checks it in onnxruntime against transformers; see
apps/docs/onnx.md.  usage: export.py FOLDER [--to FILE]"""
import argparse
import pathlib
import sys
import warnings

import onnxruntime
import torch
import transformers

OPSET = 20
LIMIT = 1e-4  # how far numbers may be from transformers', in parts of the largest one: float32 in another order
INPUTS = ["input_ids", "attention_mask", "token_type_ids"]
OUTPUTS = {"BertForSequenceClassification": ["logits"],
           "BertForTokenClassification": ["logits"],
           "BertForQuestionAnswering": ["start_logits", "end_logits"],
           "BertModel": ["last_hidden_state"]}
TEXTS = ["Short.", "A text of some more words, so that the other one of its batch is padded.", "A third one"]


class Tensors(torch.nn.Module):
    """The model with tensors as inputs and outputs, in place of names and objects."""

    def __init__(self, model, outputs):
        super().__init__()
        self.model, self.outputs = model, outputs

    def forward(self, *inputs):
        result = self.model(**dict(zip(INPUTS, inputs)))
        return tuple(result[name] for name in self.outputs)


def load(folder):
    """The model, and the names of its outputs."""
    config = transformers.AutoConfig.from_pretrained(folder)
    architecture = config.architectures[0]
    if architecture not in OUTPUTS:
        sys.exit(f"{folder}/config.json: architecture {architecture}; expected one of {', '.join(OUTPUTS)}: "
                 "give a folder that `berth export` wrote")
    model = getattr(transformers, architecture).from_pretrained(folder, dtype=torch.float32)
    return Tensors(model.eval(), OUTPUTS[architecture]), config


def convert(model, config, file):
    ids = torch.ones(2, 16, dtype=torch.long)
    batch = torch.export.Dim("batch")
    sequence = torch.export.Dim("sequence", max=config.max_position_embeddings)
    warnings.filterwarnings("ignore", message="# The axis name")  # two inputs share an axis, as they should
    # The older exporter (dynamo=False) traces one call: with transformers 5 it gives wrong numbers, without an error.
    program = torch.onnx.export(model, (ids, torch.ones_like(ids), torch.zeros_like(ids)), dynamo=True,
                                opset_version=OPSET, input_names=INPUTS, output_names=model.outputs,
                                dynamic_shapes=(tuple({0: batch, 1: sequence} for _ in INPUTS),), verbose=False)
    program.save(str(file))


def largest_difference(model, folder, file):
    """Between onnxruntime and transformers: of one text, of several, of pairs."""
    tokenizer = transformers.AutoTokenizer.from_pretrained(folder)
    session = onnxruntime.InferenceSession(str(file), providers=["CPUExecutionProvider"])
    largest = 0.0
    for texts in ((TEXTS[:1],), (TEXTS,), (TEXTS, TEXTS[::-1])):
        inputs = tokenizer(*texts, padding=True, return_tensors="pt")
        with torch.no_grad():
            expected = model(*(inputs[name] for name in INPUTS))
        found = session.run(None, {name: inputs[name].numpy() for name in INPUTS})
        for ours, theirs in zip(expected, found, strict=True):
            difference = (ours - torch.from_numpy(theirs)).abs().max() / max(1, ours.abs().max())
            largest = max(largest, difference.item())
    return largest


def main():
    parser = argparse.ArgumentParser(description="An ONNX model of a folder that `berth export` wrote.")
    parser.add_argument("folder", type=pathlib.Path)
    parser.add_argument("--to", type=pathlib.Path, help="the file (default: FOLDER/model.onnx)")
    arguments = parser.parse_args()
    file = arguments.to or arguments.folder / "model.onnx"
    model, config = load(arguments.folder)
    convert(model, config, file)
    difference = largest_difference(model, arguments.folder, file)
    if not difference <= LIMIT:
        file.unlink()
        sys.exit(f"{file}: onnxruntime's numbers are up to {difference:.1e} from transformers', more than {LIMIT}; the "
                 "file is removed. Are torch, onnxscript and onnxruntime of the versions in tests/requirements.txt?")
    print(f"{file}: inputs {', '.join(INPUTS)}, outputs {', '.join(model.outputs)}, opset {OPSET}; "
          f"at most {difference:.1e} from transformers")


if __name__ == "__main__":
    main()
