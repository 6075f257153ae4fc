#!/usr/bin/env python3
"""Asks this Python what it takes each character to be, and writes the answers down as C++ tables for plugins/qa, and
for plugins/ner the characters that Unicode calls punctuation.

The official SQuAD scripts are Python: what they call lower case, white space and a letter is what str.lower(),
str.split() and the re module do, so that is what is asked. The rules hold for one version of Unicode
(unicodedata.unidata_version); a newer Python gives other answers for the characters that are new in it.

    python_unicode.py --write plugins/qa/unicode_tables.inc
    python_unicode.py --check plugins/qa/unicode_tables.inc     # exit 1 if this Python answers otherwise
    python_unicode.py --marks --write plugins/ner/marks.inc
"""
import argparse
import pathlib
import re
import sys
import textwrap
import unicodedata

CODES = [c for c in range(0x110000) if not 0xD800 <= c < 0xE000]
WORD = re.compile(r"\w")
SIGMA, FINAL_SIGMA = "\u03a3", "\u03c2"


def flags(character):
    """As the enum in plugins/qa/unicode.h. The last two are what str.lower() looks at around a capital sigma: a letter
    that has case, and what it passes over in looking for one."""
    after_letter = ("A" + character + SIGMA).lower().endswith(FINAL_SIGMA)
    alone = ("1" + character + SIGMA).lower().endswith(FINAL_SIGMA)
    names = []
    names += ["kIsWord"] if WORD.match(character) else []
    names += ["kIsSpace"] if not character.split() else []
    names += ["kIsCased"] if alone else ["kIsIgnorable"] if after_letter else []
    return " | ".join(names) or None


def ranges(answers):
    """[first, last, answer] of neighbours with the same answer; those without one are left out."""
    result = []
    for code, answer in answers:
        if answer is None:
            continue
        if result and result[-1][1] == code - 1 and result[-1][2] == answer:
            result[-1][1] = code
        else:
            result.append([code, code, answer])
    return result


def lower_runs(mappings):
    """[first, last, step, difference]: every step-th character from first to last has its lower case that far on."""
    result = []
    for code, difference in mappings:
        if result and result[-1][3] == difference:
            run = result[-1]
            gap = code - run[1]
            if gap in (1, 2) and (run[0] == run[1] or gap == run[2]):
                run[1], run[2] = code, gap
                continue
        result.append([code, code, 1, difference])
    return result


def table(comment, declaration, entries):
    lines = textwrap.wrap(", ".join(entries) + ",", 116, break_long_words=False)
    return f"// {comment}\n{declaration} = {{\n" + "".join(f"    {line}\n" for line in lines) + "};\n"


def tables():
    mappings = []
    for code in CODES:
        lower = chr(code).lower()
        if len(lower) == 1 and ord(lower) != code:
            mappings.append((code, ord(lower) - code))
    several = [chr(c) for c in CODES if len(chr(c).lower()) != 1]
    assert several == ["\u0130"] and "\u0130".lower() == "i\u0307", several  # unicode.cpp knows it
    classes = [f"{{0x{a:X},0x{b:X},{f}}}".replace(" | ", "|") for a, b, f in ranges((c, flags(chr(c))) for c in CODES)]
    short = {"kIsWord": "W", "kIsSpace": "S", "kIsCased": "C", "kIsIgnorable": "I"}
    for name, letter in short.items():
        classes = [entry.replace(name, letter) for entry in classes]
    lowers = [f"{{0x{a:X},0x{b:X},{s},{d}}}" for a, b, s, d in lower_runs(mappings)]
    return (head()
            + table("W: \\w of re; S: white space of str.split(); C, I: cased, and passed over, beside a capital sigma.",
                    "constexpr ClassRange kClasses[]", classes)
            + "\n" + table("Lower case: {first, last, step, difference}.", "constexpr LowerRun kLower[]", lowers))


def head():
    return (f"// Written by tests/support/python_unicode.py from the answers of a Python with Unicode "
            f"{unicodedata.unidata_version}; not edited by\n// hand. Every range is inclusive.\n\n")


def marks():
    found = ranges((c, True if unicodedata.category(chr(c)).startswith("P") else None) for c in CODES if c > 0x7F)
    return head() + table("General category P, beyond ASCII.", "constexpr MarkRange kMarks[]",
                          [f"{{0x{a:X},0x{b:X}}}" for a, b, _ in found])


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    choice = parser.add_mutually_exclusive_group(required=True)
    choice.add_argument("--write", type=pathlib.Path, metavar="FILE")
    choice.add_argument("--check", type=pathlib.Path, metavar="FILE")
    parser.add_argument("--marks", action="store_true", help="the table of plugins/ner")
    arguments = parser.parse_args()
    text = marks() if arguments.marks else tables()
    if arguments.write:
        arguments.write.write_text(text, encoding="utf-8")
        return 0
    same = arguments.check.read_text(encoding="utf-8") == text
    print(f"{arguments.check}: {'as this Python answers' if same else 'this Python answers otherwise'}")
    return 0 if same else 1


if __name__ == "__main__":
    sys.exit(main())
