"""50 training steps of berth's qa task against transformers' BertForQuestionAnswering; see training/steps.py. The
reference runs windows of one length at a time, since padding would take part in its softmax.
usage: compare_training.py BERTH {float32|float64}"""
import pathlib
import sys
import tempfile

import torch
from transformers import AutoTokenizer, BertForQuestionAnswering

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "training"))
from common import minilm  # noqa: E402
from squad_windows import LEAFLETS, questions, windows  # noqa: E402
from steps import compare, load_head, load_model, set_parameters, train_berth, train_transformers  # noqa: E402

NAMES = {"output.weight": "qa_outputs.weight", "output.bias": "qa_outputs.bias"}
LENGTH, STRIDE = 64, 20
BATCH = 4  # windows: as many tokens as 16 of the short texts that other tasks are compared on
TASK = f"""[tasks.leaflets]
plugin = "qa"
train = "{LEAFLETS}/train.json"
options = {{ stride = {STRIDE} }}
"""


def main():
    program, precision = sys.argv[1:]
    with tempfile.TemporaryDirectory() as folder:
        run, ours = train_berth(program, pathlib.Path(folder), minilm(), precision, batch=BATCH, task=TASK)
        initial, last = run / "checkpoints/step-0", run / "checkpoints/last"
        tokenizer = AutoTokenizer.from_pretrained(initial / "encoder")
        model = load_model(BertForQuestionAnswering, initial, precision)
        set_parameters(model, load_head(initial, "leaflets", NAMES))
        data = [w for q in questions(LEAFLETS / "train.json") for w in windows(tokenizer, q, LENGTH, STRIDE)]
        held = sum(w["end"] > 0 for w in data)
        assert 0 < held < len(data), "windows with and without an answer are wanted"

        def loss_of(batch):
            total = 0
            for length in sorted({len(w["offsets"]) for w in batch}):
                rows = [w for w in batch if len(w["offsets"]) == length]
                inputs = {k: torch.tensor([w["inputs"][k] for w in rows]) for k in rows[0]["inputs"]}
                loss = model(**inputs, start_positions=torch.tensor([w["start"] for w in rows]),
                             end_positions=torch.tensor([w["end"] for w in rows])).loss
                total = total + loss * len(rows) / len(batch)
            return total

        theirs = train_transformers(model, data, loss_of, batch=BATCH)
        # What is added to all tokens alike shifts all scores of a softmax over them: the head's bias, and the last
        # LayerNorm's.
        shifts = ["qa_outputs.bias", f"encoder.layer.{model.config.num_hidden_layers - 1}.output.LayerNorm.bias"]
        compare(precision, ours, theirs, last, load_head(last, "leaflets", NAMES), model, shifts=shifts)


main()
