"""Compares the qa plugin's scores with the official SQuAD scripts, 1.1 and 2.0, on random and hostile cases, and what it
takes for lower case, white space and letters with this Python, on every code point: compare.py PROGRAM [CASES].

The scripts are the copies that the package tf-models-official carries; they are loaded by their files, so that nothing
else of it is needed (install it with --no-deps).
"""
import importlib.metadata
import importlib.util
import json
import logging
import math
import random
import re
import subprocess
import sys
import unicodedata

LIMIT = 1e-9
PACKAGE = "tf-models-official"


def official(name):
    files = [f for f in importlib.metadata.files(PACKAGE) if f.name == f"squad_evaluate_{name}.py"]
    spec = importlib.util.spec_from_file_location(f"squad_{name}", files[0].locate())
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def ask(program, requests):
    lines = "".join(json.dumps(r) + "\n" for r in requests)
    result = subprocess.run([program], input=lines, capture_output=True, text=True)
    answers = [json.loads(line) for line in result.stdout.split("\n") if line]
    if result.returncode != 0 or len(answers) != len(requests):
        sys.exit(f"{len(requests)} requests, but {len(answers)} answers: {result.stderr}")
    return answers


# --- Characters ------------------------------------------------------------------------------------------------------

def compare_characters(program):
    """The characters on which both agree. Those on which they don't must be new in one of the two versions of Unicode."""
    word = re.compile(r"\w")
    step = 0x8000
    ranges = [(c, min(c + step, 0x110000) - 1) for c in range(0, 0x110000, step)]
    answers = ask(program, [{"characters": r} for r in ranges])
    agreed, others = [], []
    for (first, last), answer in zip(ranges, answers):
        codes = [c for c in range(first, last + 1) if not 0xD800 <= c < 0xE000]
        for code, (is_word, is_space, lower) in zip(codes, answer, strict=True):
            c = chr(code)
            same = (is_word, is_space, lower) == (bool(word.match(c)), c.isspace(), c.lower())
            (agreed if same else others).append(c)
    version = unicodedata.unidata_version
    print(f"{len(agreed)} characters as Python with Unicode {version} has them, {len(others)} not")
    # The tables are those of Unicode 14: another version may know characters that it does not, and few others changed.
    if len(others) > (0 if version == "14.0.0" else 20000):
        sys.exit(f"characters that differ: {[hex(ord(c)) for c in others[:20]]}")
    return agreed


# --- Texts -----------------------------------------------------------------------------------------------------------

WORDS = ["the", "The", "a", "an", "THE", "honey", "Honey", "jar", "jars", "nine", "9", "euros", "Euro", "lamp", "it's",
         "its", "anna", "Anna-Lena", "U.S.", "co-op", "a.m.", "theatre", "_the_", "x_a", "the_", "Straße", "STRASSE",
         "ΟΔΟΣ", "οδος", "οδός", "ΑΣ'", "Σ", "İstanbul", "istanbul", "ǅ", "ǆ", "ﬁ", "ﬃ", "K", "Å", "é", "e\u0301", "a\u0301",
         "the\u0301", "\u0301the", "蜂蜜", "the蜂", "蜂 the 蜂", "عسل", "the،", "١٢", "½", "²", "№", "…", "—", "a—an", "“the”",
         "‘a’", "«an»", "¿the?", "!", "--", "'", "\"", "%", "$5", "5%", "€", "1,000", "3.14", "\u200bthe", "the\u200b", "\ufeffa",
         "\xad", "th\xade", "🐝", "a🐝", "👩\u200d🌾", "\U00010400", "\U0001e900", "Ω", "ẞ", "ß", "ŉ", "ǰ", "\u0345", "ⅷ", "Ⅷ", "ⓐ", "Ⓐ"]
SPACES = [" ", " ", " ", " ", "  ", "\t", "\n", "\r\n", "\x0b", "\x0c", "\x1c", "\x1f", "\x85", "\xa0", "\u1680", "\u2003",
          "\u2028", "\u202f", "\u205f", "\u3000", "", "\u200b", "\u180e", "\x00"]


class Texts:
    def __init__(self, seed, characters):
        self.rng = random.Random(seed)
        # No characters but those that both sides know alike; half of them from the first plane's beginning.
        self.low = [c for c in characters if ord(c) < 0x2600]
        self.characters = characters

    def word(self):
        kind = self.rng.random()
        if kind < 0.85:
            return self.rng.choice(WORDS)
        pool = self.low if self.rng.random() < 0.7 else self.characters
        return "".join(self.rng.choice(pool) for _ in range(self.rng.randrange(1, 4)))

    def text(self, longest=7):
        parts = []
        for _ in range(self.rng.randrange(0, longest)):
            parts += [self.word(), self.rng.choice(SPACES)]
        return "".join(parts)

    def like(self, text):
        """A text that shares words with another one, so that scores between 0 and 1 are frequent."""
        words = text.split(" ")
        change = self.rng.randrange(6)
        if change == 0:
            return text
        if change == 1:
            return text.upper() if self.rng.random() < 0.5 else text.swapcase()
        if change == 2:
            self.rng.shuffle(words)
        elif change == 3 and words:
            words.pop(self.rng.randrange(len(words)))
        elif change == 4:
            words.insert(self.rng.randrange(len(words) + 1), self.word())
        else:
            words += words[:self.rng.randrange(3)]
        return self.rng.choice(SPACES).join(words)


def compare_texts(program, texts, script, count):
    cases = []
    for _ in range(count):
        cases.append({"lower": texts.text(12), "normalize": [texts.text(12) for _ in range(5)]})
    faults = []
    for case, ours in zip(cases, ask(program, cases)):
        if ours["lower"] != case["lower"].lower():
            faults.append(f"lower case of {case['lower']!r}: {ours['lower']!r}")
        for text, words in zip(case["normalize"], ours["normalize"], strict=True):
            if " ".join(words) != script._normalize_answer(text):
                faults.append(f"{text!r} became {words}; expected {script._normalize_answer(text)!r}")
    print(f"{len(cases)} lower cases and {5 * len(cases)} normalised answers, {len(faults)} differ")
    return faults


# --- Scores ----------------------------------------------------------------------------------------------------------

def random_case(texts, squad2):
    rng = texts.rng
    n = rng.choice([1, 1, 2, 3, 5, 10, 40])
    share_without = rng.choice([0, 0.3, 0.5, 1]) if squad2 else 0
    odds_of = rng.choice([lambda: rng.gauss(0, 3), lambda: float(rng.randrange(-2, 3)), lambda: 0.0,
                          lambda: rng.choice([-1e300, 1e300, 5e-324, 0.1 + 0.2])])
    questions = []
    for i in range(n):
        answers = [] if rng.random() < share_without else [texts.text() for _ in range(rng.randrange(1, 4))]
        context = texts.like(rng.choice(answers)) if answers and rng.random() < 0.8 else texts.text()
        questions.append({"id": rng.choice(["q", "é", "a b", '"', "5"]) + str(i), "answers": answers, "context": context,
                          "odds": odds_of()})
    return {"squad2": squad2, "parts": rng.randrange(1, 4), "threshold": rng.choice([0.0, 0.5, -1.0, 1e9]),
            "questions": questions}


def hostile_cases():
    def case(squad2, *questions, threshold=0.0):
        rows = [{"id": f"q{i}", "answers": a, "context": c, "odds": o} for i, (a, c, o) in enumerate(questions)]
        return {"squad2": squad2, "parts": 1, "threshold": threshold, "questions": rows}
    for squad2 in (False, True):
        for prediction in ("", "the", ".", "a the an", "nine euros", " ", "\u3000", "The\u2014"):
            for answers in ([""], ["the"], ["."], ["nine euros"], ["the", "nine"], ["nine nine euros", "euros"]):
                yield case(squad2, (answers, prediction, -1.0))
    for odds in ((0, 0, 0), (-1, 0, 1), (1, 0, -1), (5, 5, -5)):
        a, b, c = map(float, odds)
        for prediction in ("", "nine", "the"):
            yield case(True, (["nine"], prediction, a), ([], prediction, b), (["nine euros"], "nine", c))
            yield case(True, ([], prediction, a), ([], "jar", b), ([], "jar", c))
    yield case(True, (["the"], "the", 1.0), ([], "the", 2.0))  # nothing is left of answer and prediction
    yield case(True, (["nine"], "nine", 5.0), (["ten"], "ten", 7.0), threshold=6.0)


def reference_1(script, data, answer):
    scores = script.evaluate(data, answer["official"])
    return {"exact": scores["exact_match"], "f1": scores["final_f1"]}  # this copy gives fractions


def reference_2(script, data, answer, case):
    def fraction(value):
        return math.nan if value is None else value / 100
    plain = script.evaluate(data, answer["official"])
    result = {"exact": fraction(plain["exact"]), "f1": fraction(plain["f1"])}
    for ours, theirs in (("has_ans", "HasAns"), ("no_ans", "NoAns")):
        for name in ("exact", "f1"):
            result[f"{ours}_{name}"] = fraction(plain.get(f"{theirs}_{name}"))
    odds = answer["null_odds"]
    best = script.evaluate(data, answer["answers"], odds)
    result |= {"best_exact": fraction(best["final_exact"]), "best_exact_thresh": best["final_exact_thresh"],
               "best_f1": fraction(best["final_f1"]), "best_f1_thresh": best["final_f1_thresh"]}
    return result


def check_chosen(script, case, answer):
    """The threshold that the task keeps is as good as any: tried one by one with the script's own scores."""
    data = dataset(case)
    has_answer = script._make_qid_to_has_ans(data)
    raw = dict(zip(("exact", "f1"), script._get_raw_scores(data, answer["answers"])))
    odds = answer["null_odds"]

    def total(scores, threshold):
        def of(i):
            if odds[i] > threshold or not answer["answers"][i]:
                return float(not has_answer[i])
            return scores[i] if has_answer[i] else 0.0
        return sum(map(of, scores))
    for name, scores in raw.items():
        if any(has_answer[i] and not answer["answers"][i] for i in scores):
            continue  # an empty answer to a question that has one: nothing that a threshold would change
        found = total(scores, answer["chosen"][name])
        best = max(total(scores, t) for t in [-math.inf, *odds.values()])
        if found < best - LIMIT:
            return [f"the threshold {answer['chosen'][name]} gives {name} {found}; {best} can be had: {case}"]
    return []


def dataset(case):
    return [{"paragraphs": [{"qas": [{"id": q["id"], "answers": [{"text": t} for t in q["answers"]]}]}]}
            for q in case["questions"]]


def differs(ours, theirs):
    if math.isnan(theirs):
        return ours is not None
    return ours is None or abs(ours - theirs) > LIMIT * max(1.0, abs(theirs))


def main():
    program = sys.argv[1]
    count = int(sys.argv[2]) if len(sys.argv) > 2 else 2000
    logging.disable(logging.ERROR)
    squad1, squad2 = official("v1_1"), official("v2_0")
    texts = Texts(20, compare_characters(program))
    faults = compare_texts(program, texts, squad2, count)
    cases = [*hostile_cases(), *(random_case(texts, bool(i % 2)) for i in range(count))]
    values, largest = 0, 0.0
    for i, (case, answer) in enumerate(zip(cases, ask(program, cases))):
        data = dataset(case)
        theirs = reference_2(squad2, data, answer, case) if case["squad2"] else reference_1(squad1, data, answer)
        ours = answer["scores"]
        if ours.keys() != theirs.keys():
            sys.exit(f"case {i}: the scores are {list(ours)}; expected {list(theirs)}")
        for name, value in theirs.items():
            values += 1
            if differs(ours[name], value):
                faults.append(f"case {i}, {name}: {ours[name]}; expected {value}: {case}")
            elif not math.isnan(value):
                largest = max(largest, abs(ours[name] - value) / max(1.0, abs(value)))
        expected = {q["id"]: "" if case["squad2"] and answer["null_odds"][q["id"]] > case["threshold"] else q["context"]
                    for q in case["questions"]}
        if answer["official"] != expected:
            faults.append(f"case {i}: the predictions are {answer['official']}; expected {expected}")
        if case["squad2"]:
            faults += check_chosen(squad2, case, answer)
    print(f"{len(cases)} cases, {sum(len(c['questions']) for c in cases)} questions, {values} scores, {len(faults)} differ "
          f"from the official scripts; the largest accepted difference is {largest:.2g}")
    if faults:
        sys.exit("\n".join(faults[:20]))


if __name__ == "__main__":
    main()
