"""Compares the kit's entity meter, and the ner plugin's reader, predictions and metric, with seqeval on random and
hostile cases: compare.py PROGRAM [CASES]."""
import json
import math
import subprocess
import sys
import warnings

import numpy as np
from seqeval.metrics import accuracy_score
from seqeval.metrics.sequence_labeling import get_entities, precision_recall_fscore_support
from seqeval.metrics.v1 import precision_recall_fscore_support as strict_scores
from seqeval.scheme import IOB2, IOBES, Entities

TOLERANCE = 1e-9
SCHEMES = {"iob2": IOB2, "iobes": IOBES}
PREFIXES = {"iob2": "BI", "iobes": "BIES"}
TYPES = ["PER", "LOC", "creative-work", "a-b-c", "x", "O", "B", "_", "中文", "with space", 'quote"', "e\u0301"]
WORDS = ["a", "Zoë", "中", "😀", "don't", "x-y", "(", "\u200b", "\u00ad", "e\u0301e", '"', "#", "ﬁ", "Ω"]


def random_tags(rng, length, types, prefixes):
    """Without any regard to a scheme."""
    outside = rng.random() * 0.9
    return ["O" if rng.random() < outside else f"{rng.choice(list(prefixes))}-{rng.choice(types)}" for _ in range(length)]


def write(entities, length, scheme):
    tags = ["O"] * length
    for name, first, last in entities:
        for i in range(first, last + 1):
            tags[i] = ("B-" if i == first else "I-") + name
        if scheme == "iobes":
            tags[last] = ("S-" if first == last else "E-") + name
    return tags


def random_entities(rng, length, types):
    entities, at = [], 0
    while at < length:
        if rng.random() < 0.4:
            end = min(length - 1, at + int(rng.integers(0, 4)))
            entities.append((str(rng.choice(types)), at, end))
            at = end
        at += 1
    return entities


def to_iob1(tags):
    """B- only between neighbours of one type."""
    out = []
    for i, tag in enumerate(tags):
        keep = tag[0] == "B" and i > 0 and tags[i - 1][1:] == tag[1:]
        out.append("I" + tag[1:] if tag[0] == "B" and not keep else tag)
    return out


def in_scheme(rng, entities, length):
    """The same entities in one of the schemes that files use."""
    kind = rng.choice(["iob1", "iob2", "iobes", "bilou"])
    tags = write(entities, length, "iobes" if kind in ("iobes", "bilou") else "iob2")
    if kind == "iob1":
        return to_iob1(tags)
    return [{"E": "L", "S": "U"}.get(t[0], t[0]) + t[1:] if kind == "bilou" else t for t in tags]


def corrupted(rng, tags, types, prefixes):
    share = rng.random()
    return [t if rng.random() < share else random_tags(rng, 1, types, prefixes)[0] for t in tags]


def lengths(rng):
    return [int(n) for n in rng.integers(0 if rng.random() < 0.2 else 1, 12, size=int(rng.choice([1, 2, 5, 20])))]


def tags_case(rng):
    scheme = str(rng.choice(list(SCHEMES)))
    strict = bool(rng.random() < 0.5)
    prefixes = PREFIXES[scheme] if strict else "BIES"
    types = [str(t) for t in rng.choice(TYPES, size=int(rng.integers(1, 5)), replace=False)]
    predicted_types = types if rng.random() < 0.7 else [str(t) for t in rng.choice(TYPES, size=3, replace=False)]
    truth, prediction = [], []
    for n in lengths(rng):
        good = write(random_entities(rng, n, types), n, scheme)
        truth.append(good if rng.random() < 0.5 else random_tags(rng, n, types, prefixes))
        prediction.append(corrupted(rng, truth[-1], predicted_types, prefixes))
    return {"kind": "tags", "strict": strict, "scheme": scheme, "types": sorted({*types, *predicted_types}),
            "truth": truth, "prediction": prediction}


def conll_case(rng):
    """A file in some scheme, or in none, and any predictions in the task's scheme."""
    scheme = str(rng.choice(list(SCHEMES)))
    types = [str(t) for t in rng.choice(TYPES, size=int(rng.integers(1, 5)), replace=False)]
    words, raw, prediction, lines = [], [], [], []
    for n in lengths(rng):
        n = max(n, 1)
        words.append([str(w) for w in rng.choice(WORDS, size=n)])
        is_good = rng.random() < 0.6
        raw.append(in_scheme(rng, random_entities(rng, n, types), n) if is_good else random_tags(rng, n, types, "BIES"))
        as_read = write(get_entities([{"L": "E", "U": "S"}.get(t[0], t[0]) + t[1:] for t in raw[-1]]), n, scheme)
        prediction.append(corrupted(rng, as_read, types, PREFIXES[scheme]))
        if rng.random() < 0.2:
            lines.append("-DOCSTART-\t-X-\tO" + ("\n" if rng.random() < 0.5 else ""))
        lines += [f"{w}\tX\t{t}" for w, t in zip(words[-1], raw[-1])] + [""] * int(rng.integers(1, 3))
    end = str(rng.choice(["\n", "\r\n"]))
    return {"kind": "file", "name": "set.conll", "options": {}, "content": end.join(lines), "scheme": scheme,
            "strict": bool(rng.random() < 0.5), "types": types, "prediction": prediction, "words": words, "raw": raw}


def json_case(rng):
    """Marked texts, whose true entities are predicted, so that the answers repeat them."""
    types = [str(t) for t in rng.choice(TYPES, size=int(rng.integers(1, 5)), replace=False)]
    rows = []
    for n in lengths(rng):
        words = [str(w) for w in rng.choice([w for w in WORDS if w != "\u200b"], size=n)]
        text, starts = str(rng.choice(["", " ", "\n"])), []
        for word in words:
            starts.append(len(text))
            text += word + str(rng.choice([" ", "  ", "\t", "\u3000", "\u00a0"]))
        entities = [{"start": starts[a], "end": starts[b] + len(words[b]), "label": t}
                    for t, a, b in random_entities(rng, n, types)]
        rows.append({"text": text, "entities": entities})
    return {"kind": "file", "name": "set.jsonl", "options": {"split": str(rng.choice(["punctuation", "edges", "space"]))},
            "content": "".join(json.dumps(r, ensure_ascii=bool(rng.random() < 0.5)) + "\n" for r in rows),
            "scheme": str(rng.choice(list(SCHEMES))), "strict": bool(rng.random() < 0.5), "types": types, "rows": rows}


def reference(truth, prediction, strict, scheme, types):
    """seqeval's numbers by our names."""
    if strict:
        def score(average):
            return strict_scores(truth, prediction, average=average, scheme=SCHEMES[scheme], zero_division=0)
        found = Entities(truth, SCHEMES[scheme]).unique_tags | Entities(prediction, SCHEMES[scheme]).unique_tags
    else:
        def score(average):
            return precision_recall_fscore_support(truth, prediction, average=average, zero_division=0)
        found = {e[0] for e in get_entities(truth)} | {e[0] for e in get_entities(prediction)}
    result = {}
    for average, suffix in (("micro", ""), ("macro", "_macro"), ("weighted", "_weighted")):
        result.update(zip((f"precision{suffix}", f"recall{suffix}", f"f1{suffix}"), map(float, score(average)[:3])))
    each = score(None)
    for i, name in enumerate(sorted(found)):
        result.update({f"precision:{name}": each[0][i], f"recall:{name}": each[1][i], f"f1:{name}": each[2][i]})
    for name in set(types) - found:  # seqeval does not list what is neither true nor predicted
        result.update({f"precision:{name}": math.nan, f"recall:{name}": math.nan, f"f1:{name}": math.nan})
    return result


def expected_scores(case):
    if case["kind"] == "tags":
        return reference(case["truth"], case["prediction"], case["strict"], case["scheme"], case["types"])
    if "rows" in case:
        return {}
    plain = [[{"L": "E", "U": "S"}.get(t[0], t[0]) + t[1:] for t in tags] for tags in case["raw"]]
    truth = [write(get_entities(tags), len(tags), case["scheme"]) for tags in plain]
    # Whatever the scheme, the file's own tags and those it is read as hold the same entities.
    assert [get_entities(t) for t in truth] == [get_entities(t) for t in plain]
    result = reference(truth, case["prediction"], case["strict"], case["scheme"], case["types"])
    if not case["strict"]:
        again = reference(plain, case["prediction"], False, case["scheme"], case["types"])
        assert all(again[k] == v or math.isnan(v) for k, v in result.items())
    return {**result, "token_accuracy": accuracy_score(truth, case["prediction"])}


def wrong_answers(case, answers):
    """What is wrong with the predicted entities' places."""
    if len(answers) != len(case.get("rows", case.get("words"))):
        return [f"{len(answers)} examples"]
    faults = []
    for i, answer in enumerate(answers):
        found = [(e["start"], e["end"], e["label"]) for e in answer["prediction"]]
        if "rows" in case:
            text = case["rows"][i]["text"]
            expected = [(e["start"], e["end"], e["label"]) for e in case["rows"][i]["entities"]]
        else:
            words, tags = case["words"][i], case["prediction"][i]
            text = " ".join(words)
            spans = get_entities(tags) if not case["strict"] else [
                (e.tag, e.start, e.end - 1) for e in Entities([tags], SCHEMES[case["scheme"]]).entities[0]]
            begins = [len(" ".join(words[:k])) + (k > 0) for k in range(len(words))]
            expected = [(begins[a], begins[b] + len(words[b]), t) for t, a, b in spans]
            if answer["predicted_tags"] != tags:
                faults.append(f"tags {answer['predicted_tags']}; expected {tags}")
        if found != expected:
            faults.append(f"entities {found}; expected {expected}")
        faults += [f"text {e['text']!r}" for e in answer["prediction"] if text[e["start"]:e["end"]] != e["text"]]
    return faults


def differs(ours, theirs):
    if theirs is None or math.isnan(theirs):
        return ours is not None
    return ours is None or abs(ours - theirs) > TOLERANCE


def main():
    warnings.simplefilter("ignore")
    program = sys.argv[1]
    count = int(sys.argv[2]) if len(sys.argv) > 2 else 2400
    rng = np.random.default_rng(17)
    cases = [(tags_case, tags_case, conll_case, json_case)[i % 4](rng) for i in range(count)]
    for i, case in enumerate(cases):
        case["parts"] = 1 + i // 4 % 3
    lines = "".join(json.dumps(c, ensure_ascii=False) + "\n" for c in cases)
    output = subprocess.run([program], input=lines.encode(), capture_output=True, check=True).stdout.decode()
    answers = [json.loads(line) for line in output.split("\n")[:-1]]
    if len(answers) != len(cases):
        sys.exit(f"{len(cases)} cases, but {len(answers)} answers")
    values, entities, largest, faults = 0, 0, 0.0, []
    for i, (case, ours) in enumerate(zip(cases, answers)):
        if "answers" in ours:
            faults += [f"case {i}: {fault}" for fault in wrong_answers(case, ours["answers"])]
            entities += sum(len(a["prediction"]) for a in ours["answers"])
        theirs = expected_scores(case)
        if theirs and set(theirs) != set(ours) - {"answers"}:
            sys.exit(f"case {i}: the scores are {sorted(ours)}; expected {sorted(theirs)}")
        for name, value in theirs.items():
            values += 1
            if differs(ours[name], value):
                faults.append(f"case {i} ({case['kind']}), {name}: {ours[name]}; expected {value}")
            elif ours[name] is not None:
                largest = max(largest, abs(ours[name] - value))
    print(f"{len(cases)} cases, {values} scores and {entities} entities' places, {len(faults)} differ; the largest "
          f"accepted difference is {largest:.2g}")
    if faults:
        sys.exit("\n".join(faults[:20]))


if __name__ == "__main__":
    main()
