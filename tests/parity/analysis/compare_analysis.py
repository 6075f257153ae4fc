"""Every number of a run's analysis in float64, against transformers' hidden states and attentions of the same checkpoints,
scipy and scikit-learn: to 1e-6, on two sets.
usage: compare_analysis.py BERTH"""
import json
import math
import pathlib
import sys
import tempfile

import numpy as np
import torch
from safetensors.torch import load_file
from scipy.linalg import svdvals
from scipy.spatial.distance import pdist
from scipy.stats import entropy, pearsonr
from sklearn.preprocessing import KernelCenterer
from transformers import AutoTokenizer, BertModel

TESTS = pathlib.Path(__file__).resolve().parents[2]
sys.path += [str(TESTS / "parity/training"), str(TESTS / "support")]
import tiny_model
from common import INBOX, berth, rows, write_suite

TASK = f"""[tasks.inbox]
plugin = "classification"
train = "{INBOX}/train.tsv"
dev = "{INBOX}/dev.tsv"
[tasks.inbox.sets]
again = "{INBOX}/train.tsv"
"""
KINDS = {"word": ["embeddings.word_embeddings.weight"], "position": ["embeddings.position_embeddings.weight"],
         "segment": ["embeddings.token_type_embeddings.weight"], "query": ["attention.self.query.weight"],
         "key": ["attention.self.key.weight"], "value": ["attention.self.value.weight"],
         "attention_output": ["attention.output.dense.weight"], "up": ["intermediate.dense.weight"],
         "down": [".output.dense.weight"], "pooler": ["pooler.dense.weight"], "norms": ["LayerNorm"], "biases": [".bias"]}
largest = 0.0


def near(found, expected, what):
    global largest
    if math.isnan(expected):
        assert found is None, (what, found)
        return
    difference = abs(found - expected)
    assert difference <= 1e-6 * max(1, abs(expected)), (what, found, expected)
    largest = max(largest, difference)


def cka(a, b):
    """By centred kernels (Kornblith et al. 2019, equation 3), where berth multiplies features."""
    k, l = (KernelCenterer().fit_transform(x @ x.T) for x in (a, b))
    return (k * l).sum() / math.sqrt((k * k).sum() * (l * l).sum())


def rsa(a, b):
    return pearsonr(1 - pdist(a, "cosine"), 1 - pdist(b, "cosine"))[0]


def kind_of(name):
    if "LayerNorm" in name:
        return "norms"
    if name.endswith(".bias"):
        return "biases"
    if "attention.output" in name:
        return "attention_output"
    return next(kind for kind, parts in KINDS.items() if any(part in name for part in parts))


def group_of(name):
    return f"layers.{name.split('.')[2]}" if name.startswith("encoder") else name.split(".")[0]


def check_weights(changes, before, after):
    seen = set()
    for change in changes:
        names = [n for n in before if group_of(n) == change["group"] and change["kind"] in ("all", kind_of(n))]
        seen.update(names if change["kind"] != "all" else [])
        x, y = (np.concatenate([part[n].numpy().ravel() for n in names]) for part in (before, after))
        what = (change["group"], change["kind"])
        near(change["distance"], np.linalg.norm(y - x), what)
        if not x.any():
            assert change["relative_distance"] is None and change["angle_degrees"] is None, what
            continue
        near(change["relative_distance"], np.linalg.norm(y - x) / np.linalg.norm(x), what)
        cosine = x @ y / np.linalg.norm(x) / np.linalg.norm(y)
        near(change["angle_degrees"] / 1e3, math.degrees(math.acos(min(1, cosine))) / 1e3, what)  # acos loses digits
        assert ("update_rank" in change) == (len(names) == 1 and before[names[0]].dim() == 2), what
        if "update_rank" in change:
            s = svdvals((after[names[0]] - before[names[0]]).numpy())
            near(change["update_rank"]["stable"], (s ** 2).sum() / s[0] ** 2, what)
            near(change["update_rank"]["effective"], math.exp(entropy(s)), what)
            assert change["update_rank"]["full"] == len(s)
    assert seen == set(before), set(before) - seen


@torch.no_grad()
def run(model, tokenizer, texts):
    """Of each stage the states of all tokens in a row; of each layer and head the mean entropy and distance."""
    states, entropies, distances, tokens = None, 0, 0, 0
    for text in texts:
        output = model(**tokenizer(text, return_tensors="pt", truncation=True, max_length=64))
        here = [s[0].numpy() for s in output.hidden_states]
        states = [[] for _ in here] if states is None else states
        for stage, rows_of_text in zip(states, here):
            stage.append(rows_of_text)
        attention = torch.stack(output.attentions)[:, 0].numpy()  # [layers, heads, from, to]
        places = np.arange(attention.shape[-1])
        entropies = entropies + entropy(attention, axis=-1).sum(-1)
        distances = distances + (attention * abs(places[:, None] - places)).sum((-1, -2))
        tokens += len(places)
    return [np.concatenate(s) for s in states], entropies / tokens, distances / tokens


def check_states(found, before, after, tokenizer, texts, tokens):
    (a, entropy_a, distance_a), (b, entropy_b, distance_b) = (run(m, tokenizer, texts) for m in (before, after))
    count = min(tokens, len(a[0]))
    assert found["tokens"] == count and found["examples"] == len(texts), found
    some = [i * len(a[0]) // count for i in range(count)]
    for stage, (x, y) in enumerate(zip(a, b)):
        near(found["cka"][stage], cka(x[some], y[some]), ("cka", stage))
        near(found["rsa"][stage], rsa(x[some], y[some]), ("rsa", stage))
    for name, values in (("attention_before", (entropy_a, distance_a)), ("attention_after", (entropy_b, distance_b))):
        for key, expected in zip(("entropy", "distance"), values):
            for layer, heads in enumerate(expected):
                for head, value in enumerate(heads):
                    near(found[name][key][layer][head], value, (name, key, layer, head))


def main(program):
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        texts = [[row[0] for row in rows(f)] for f in ("dev.tsv", "train.tsv")]
        tiny_model.write(folder / "model", sum(texts, []))
        suite = write_suite(folder, folder / "model", TASK, model={"precision": '"float64"'},
                            training={"epochs": 3, "batch_size": 16}, optimizer={"rate": 3e-3},
                            checkpoints={"initial": "true"}, analysis={"at_end": "false"})
        berth(program, "run", suite, "--out", folder / "run")
        berth(program, "analyze", folder / "run", "--examples", 60, "--tokens", 200)
        analysis = json.loads((folder / "run/analysis.json").read_text())
        task = analysis["tasks"]["inbox"]
        best = folder / f"run/checkpoints/step-{task['checkpoint_step']}"
        models, weights = [], []
        for checkpoint in (folder / "run/checkpoints/step-0", best):
            models.append(BertModel.from_pretrained(checkpoint / "encoder", dtype=torch.float64,
                                                    attn_implementation="eager", output_hidden_states=True,
                                                    output_attentions=True).eval())
            weights.append(load_file(checkpoint / "encoder/model.safetensors"))
        changes = {s["step"]: s["changes"] for s in analysis["weights"]}
        check_weights(changes[task["checkpoint_step"]], *weights)
        assert all(c["distance"] == 0 for c in changes[0]), "the checkpoint from before the first step differs"
        tokenizer = AutoTokenizer.from_pretrained(best / "encoder")
        for set_name, of_set in zip(("dev", "again"), texts):
            some = [of_set[i * len(of_set) // 60] for i in range(60)] if len(of_set) > 60 else of_set
            check_states(task["sets"][set_name], *models, tokenizer, some, 200)
        cka_of = task["sets"]["dev"]["cka"]
        assert min(cka_of) < 0.999, cka_of
    print(f"weights, hidden states and attention: at most {largest:.1e} from the references; CKA by stage "
          f"{[round(v, 3) for v in cka_of]}")


main(*sys.argv[1:])
