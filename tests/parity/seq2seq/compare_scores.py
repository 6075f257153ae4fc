"""Compares the seq2seq plugin's scores with sacrebleu and rouge-score on random and hostile cases, and its stemmer with
NLTK's: compare_scores.py PROGRAM [CASES]"""
import json
import math
import subprocess
import sys

import numpy as np
from nltk.stem.porter import PorterStemmer
from rouge_score.rouge_scorer import RougeScorer
from sacrebleu.metrics import BLEU

TOLERANCE = 1e-9

WORDS = ("the a of to and honey jar jars kettle kettles please send sending sent order orders 12 3.50 1,000 2-for-1 don't "
         "running flies happily national relational conditional hopefulness electricity generalizations skies dying news "
         "x y zz Queen QUEEN queen İstanbul \u212Aelvin straße über naïve 中 文 😀 e.g. U.S. co. mr. well-known").split()
MARKS = ['"', "'", ".", ",", "-", "--", "...", "!", "?", "(", ")", "[", "]", "{", "}", "&", "&amp;", "&quot;", "&lt;",
         "&gt;", "&amp;lt;", "<skipped>", "<skip<skipped>ped>", "/", "\\", "%", "$", "@", "#", "~", "^", "_", "|", ":", ";",
         "3.", ".5", "5-", "-5", "1.2.3", "a.b", "a,b", ",,", ".,.", "10-20", "¿", "„", "—", "´"]
SPACES = [" ", "  ", "\t", "\n", "\r\n", "-\n", "\u00a0", "\u2003", "\u3000", "\u2028", "\x1c", "\x0b", "\x85", "\u200b", "",
          "\u202f", "\u180e", "\ufeff"]


def text(rng):
    """Words and marks with spaces of many kinds between them, or none."""
    pieces = []
    plain = rng.random() < 0.4
    for _ in range(int(rng.choice([0, 1, 2, 3, 5, 8, 20, 60], p=[.05, .05, .05, .1, .25, .25, .2, .05]))):
        pieces.append(str(rng.choice(WORDS if plain or rng.random() < 0.6 else MARKS)))
        pieces.append(" " if plain or rng.random() < 0.7 else str(rng.choice(SPACES)))
    if rng.random() < 0.05:
        return "".join(chr(int(c)) for c in rng.integers(1, 0x2FF, size=30) if not 0xD800 <= c < 0xE000)
    return "".join(pieces)


def changed(rng, line):
    """An answer that is near the reference, or something else."""
    kind = rng.random()
    if kind < 0.15:
        return line
    if kind < 0.3:
        return text(rng)
    words = line.split(" ")
    share = rng.random() ** 2
    out = []
    for word in words:
        if rng.random() > share:
            out.append(word)
        elif rng.random() < 0.5:
            out.append(str(rng.choice(WORDS)))
        if rng.random() < share / 4:
            out.append(word)
    if rng.random() < 0.2:
        rng.shuffle(out)
    return " ".join(out).upper() if rng.random() < 0.05 else " ".join(out)


def scores(case):
    references, answers = zip(*case["pairs"])
    result = {"bleu": BLEU(tokenize=case["tokenizer"], force=True).corpus_score(list(answers), [list(references)]).score}
    scorer = RougeScorer(["rouge1", "rouge2", "rougeL"], use_stemmer=case["stemmer"])
    each = [scorer.score(r, a) for r, a in case["pairs"]]
    for ours, theirs in (("rouge_1", "rouge1"), ("rouge_2", "rouge2"), ("rouge_l", "rougeL")):
        result[ours] = math.fsum(s[theirs].fmeasure for s in each) / len(each)
    # Written here a second time.
    result["exact_match"] = sum(r == a for r, a in case["pairs"]) / len(each)
    right = sum(x == y for r, a in case["pairs"] for x, y in zip(r.split(), a.split()))
    tokens = sum(max(len(r.split()), len(a.split())) for r, a in case["pairs"])
    result["token_accuracy"] = right / tokens if tokens else 1.0
    return result


def stem_cases(rng):
    stems = "gener nation relat hop fizz y yy by sky troubl abil conflat siz geo theo opt control syzygy o ou agr be".split()
    ends = ("sses ies ss s eed ed ing at bl iz y ational tional enci anci izer bli abli alli entli eli ousli ization ation "
            "ator alism iveness fulness ousness aliti iviti biliti fulli logi icate ative alize iciti ical ful ness al ance "
            "ence er ic able ible ant ement ment ent ion sion tion ou ism ate iti ous ive ize e ll lle ied ying").split()
    words = [a + b for a in stems for b in ends] + [a + b + c for a in stems[:8] for b in ends for c in ends[:20]]
    letters = np.array(list("aeiouybcdlsstzzll"))
    words += ["".join(rng.choice(letters, size=int(rng.integers(1, 10)))) for _ in range(20000)]
    return sorted(set(words))


def main():
    program = sys.argv[1]
    count = int(sys.argv[2]) if len(sys.argv) > 2 else 4000
    rng = np.random.default_rng(7)
    cases = []
    for i in range(count):
        lines = [text(rng) for _ in range(int(rng.choice([1, 1, 2, 5, 20])))]
        cases.append({"pairs": [[line, changed(rng, line)] for line in lines], "parts": 1 + i % 3,
                      "tokenizer": ["13a", "none"][i % 2], "stemmer": i % 4 > 1})
    words = stem_cases(rng)
    lines = [*map(json.dumps, cases), json.dumps({"stem": words})]
    output = subprocess.run([program], input="\n".join(lines) + "\n", capture_output=True, text=True, check=True).stdout
    answers = [json.loads(line) for line in output.split("\n") if line]
    if len(answers) != len(lines):
        sys.exit(f"{len(lines)} cases, but {len(answers)} answers")

    faults = []
    largest, values, nonzero = 0.0, 0, 0
    for i, (case, ours) in enumerate(zip(cases, answers)):
        for name, theirs in scores(case).items():
            values += 1
            nonzero += 0 < theirs < (100 if name == "bleu" else 1)
            difference = abs(ours[name] - theirs)
            if not difference <= TOLERANCE:
                faults.append(f"case {i}, {name}: {ours[name]}; expected {theirs}: {json.dumps(case)[:600]}")
            else:
                largest = max(largest, difference)
    stemmer = PorterStemmer()
    wrong = [f"{w}: {o}; expected {stemmer.stem(w)}" for w, o in zip(words, answers[-1]) if o != stemmer.stem(w)]
    print(f"{len(cases)} cases, {values} scores ({nonzero} between nothing and all), {len(faults)} differ from sacrebleu and "
          f"rouge-score; the largest accepted difference is {largest:.2g}; {len(words)} words, {len(wrong)} stems differ "
          f"from NLTK's")
    if faults or wrong:
        sys.exit("\n".join(faults[:20] + wrong[:20]))


if __name__ == "__main__":
    main()
