#!/usr/bin/env python3
"""Writes tests/unit/text/data from the Rust tokenizers library: two small tokenizers and what the library makes of texts.

    make_tokenizer_goldens.py FOLDER

uncased/ is a tokenizer.json, cased/ a vocab.txt with tokenizer_config.json. goldens.jsonl in each: a request and its
answer a line (tests/support/tokenizer_requests.h). unicode.json: how many characters the library takes to be white
space and so on, with a hash of which.
"""
import json
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent / "parity" / "tokenizer")]
import compare_tokenizer as compare  # noqa: E402
from hostile_text import HOSTILE  # noqa: E402
from tokenizers import AddedToken  # noqa: E402
from unicode_probe import HANGUL, SURROGATES, Probe  # noqa: E402

PIECES = """the a an he she it is was not do don can t m s re ve I Hello hello World world test quick brown fox jump
##s ##ed over lazy dog un ##aff ##able token ##ization embed ##ding inter ##national ##isation naive cafe resume ecole
uber straße strasse e é E É ##é ##e i ##i ˈ x ##x ##y y z 123 3 14 1 000 ab ##b ##c 你 好 世 界 中 文 ##文 ᄒ ##ᅡ ##ᆫ ال ##عربية
😀 ##😀 . , ! ? ' - _ / : ; @ # & + = < > ( ) [ ] ## " sep CLS new one""".split()


def vocabulary():
    letters = [chr(c) for c in (*range(ord("a"), ord("z") + 1), *range(ord("A"), ord("S")))]
    names = compare.SPECIALS + PIECES + letters + ["##" + c for c in letters if c not in "qQ"]
    return {name: i for i, name in enumerate(dict.fromkeys(names))}


def write_goldens(folder, tokenizer):
    texts = [compare.Text(data) for data in HOSTILE]
    requests = [compare.text_request(text) for text in texts]
    chosen = [texts[i] for i in (0, 6, 8, 11, 16, 22, 26, 33, 41)]
    requests += compare.all_ways(chosen)
    tokenizer.no_truncation()
    requests += [compare.decode_request(tokenizer.encode(text.seen).ids) for text in texts]
    with open(folder / "goldens.jsonl", "w", encoding="ascii") as out:
        for request, expected in requests:
            out.write(json.dumps({"request": request, "answer": expected(tokenizer)}, separators=(",", ":")) + "\n")


def fnv(numbers):
    value = 0xCBF29CE484222325
    for number in numbers:
        value = ((value ^ number) * 0x100000001B3) & 0xFFFFFFFFFFFFFFFF
    return value


def unicode_answers():
    """For each question the number of characters with that answer and a hash: of the characters, or of the changes."""
    probe = Probe()
    found = {name: [] for name in ("dropped", "space", "punctuation", "chinese", "mark", "class", "decomposed", "lower",
                                   "word")}
    for code in range(0x110000):
        if code in SURROGATES:
            continue
        character = chr(code)
        between = "a" + character + "b"
        decomposed, lower = probe.nfd.normalize_str(character), probe.lowercase.normalize_str(character)
        pieces = len(probe.split.pre_tokenize_str(between))
        answers = {"dropped": probe.clean.normalize_str(between) == "ab", "space": pieces == 2,
                   "punctuation": pieces == 3, "chinese": probe.chinese.normalize_str(character) != character,
                   "word": probe.ends_word(character)}
        for name, answer in answers.items():
            found[name] += [[code]] if answer else []
        if decomposed != character:
            found["decomposed"].append([code, *map(ord, decomposed)])
        elif code not in HANGUL:
            found["mark"] += [[code]] if probe.strip.normalize_str("a" + character) == "a" else []
            combining = probe.combining_class(character)
            found["class"] += [[code, combining]] if combining else []
        if lower != character:
            found["lower"].append([code, *map(ord, lower)])
    return {name: {"count": len(rows), "hash": fnv(n for row in rows for n in row)} for name, rows in found.items()}


def main():
    root = Path(sys.argv[1])
    names = vocabulary()
    added = [AddedToken("[new one]", special=True), AddedToken("Caf\u00e9 X", normalized=True, single_word=True)]
    uncased = compare.make_tokenizer(names, added=added)
    folder = compare.saved(uncased, root / "uncased")
    write_goldens(folder, uncased)

    cased = compare.make_tokenizer(names, lower=False)
    folder = root / "cased"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "vocab.txt").write_text("".join(name + "\n" for name in names), encoding="utf-8")
    (folder / "tokenizer_config.json").write_text('{"do_lower_case": false}\n')
    write_goldens(folder, cased)
    (root / "unicode.json").write_text(json.dumps(unicode_answers(), indent=1) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
