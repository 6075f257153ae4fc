"""A qa task written by `berth export` opens in transformers and gives what berth predicts: the answers, their scores
and probabilities, found as run_qa does. Questions have several windows.
usage: compare_export.py BERTH"""
import json
import pathlib
import sys
import tempfile

import torch
from transformers import AutoModelForQuestionAnswering, AutoTokenizer

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "training"))
from common import berth, minilm, write_suite  # noqa: E402
from squad_windows import LEAFLETS, questions, windows  # noqa: E402

LIMIT = 1e-5
THRESHOLD = 1.5  # about the middle of the odds after so few steps, so that both answers and none are seen
LENGTH, STRIDE, N_BEST, MAX_ANSWER = 64, 20, 20, 30
TASK = f"""[tasks.leaflets]
plugin = "qa"
train = "{LEAFLETS}/train.json"
options = {{ stride = {STRIDE}, threshold_from_dev = false, no_answer_threshold = {THRESHOLD} }}
"""


def reference(model, tokenizer, question):
    """[(score, start, end)], the best first, and the score of "no answer"."""
    best, null_score = {}, None
    for window in windows(tokenizer, question, LENGTH, STRIDE):
        with torch.no_grad():
            output = model(**{k: torch.tensor([v]) for k, v in window["inputs"].items()})
        starts, ends = output.start_logits[0].double(), output.end_logits[0].double()
        null = (starts[0] + ends[0]).item()
        null_score = null if null_score is None else min(null_score, null)
        context = [i for i, span in enumerate(window["offsets"]) if span]

        def top(scores):
            return sorted(context, key=lambda i: -scores[i])[:N_BEST]
        pairs = [(i, j) for i in top(starts) for j in top(ends) if 0 <= j - i < MAX_ANSWER]
        assert pairs, "no pair of likely starts and ends: the comparison wants another seed"
        for i, j in pairs:
            span = (window["offsets"][i][0], window["offsets"][j][1])
            best[span] = max(best.get(span, -1e9), (starts[i] + ends[j]).item())
    return sorted(((s, *span) for span, s in best.items()), reverse=True)[:N_BEST], null_score


def main():
    program = sys.argv[1]
    data = list(questions(LEAFLETS / "dev.json"))
    with tempfile.TemporaryDirectory() as folder:
        folder = pathlib.Path(folder)
        suite = write_suite(folder, minilm(), task=TASK, training={"steps": 20, "batch_size": 16},
                            optimizer={"rate": 1e-4})
        berth(program, "run", suite, "--out", folder / "run")
        berth(program, "export", folder / "run", "--task", "leaflets", "--to", folder / "exported")
        lines = [json.dumps({"question": q["question"], "context": q["context"]}) + "\n" for q in data]
        answers = berth(program, "predict", folder / "run", "--task", "leaflets", input="".join(lines)).splitlines()
        model = AutoModelForQuestionAnswering.from_pretrained(folder / "exported")
        tokenizer = AutoTokenizer.from_pretrained(folder / "exported")
    assert type(model).__name__ == "BertForQuestionAnswering", type(model)
    model.eval()
    largest, count, given = 0.0, 0, 0
    for question, answer in zip(data, map(json.loads, answers), strict=True):
        best, null_score = reference(model, tokenizer, question)
        theirs = sorted([*best, (null_score, None, None)], key=lambda one: -one[0])
        logs = torch.log_softmax(torch.tensor([s for s, _, _ in theirs], dtype=torch.float64), 0).tolist()
        assert len(answer["n_best"]) == len(theirs), (len(answer["n_best"]), len(theirs))
        for ours, (score, _, _), log in zip(answer["n_best"], theirs, logs):
            largest = max(largest, abs(ours["score"] - score), abs(ours["log_probability"] - log))
            count += 1
        odds = null_score - best[0][0]
        largest = max(largest, abs(answer["null_odds"] - odds))
        score, start, end = best[0]
        expected = "" if odds > THRESHOLD else question["context"][start:end]
        if abs(odds - THRESHOLD) > LIMIT and (len(best) < 2 or score - best[1][0] > LIMIT):
            assert answer["prediction"] == expected, (answer, expected)
            assert (answer["start"], answer["end"]) == ((None, None) if odds > THRESHOLD else (start, end)), answer
        given += bool(expected)
    print(f"{len(data)} questions, {given} of them answered, {count} scores: the largest difference is {largest:.2e}")
    assert 0 < given < len(data), "some answers and some without one are wanted: the threshold lies beside all odds"
    if largest > LIMIT:
        sys.exit(f"over the limit {LIMIT}")


main()
