#!/usr/bin/env python3
"""Asks the Rust tokenizers library what it makes of every code point, and writes the answers down as C++ tables.

The crates inside it are built on several versions of Unicode (its marks are those of Unicode 7, its lower case that of
Unicode 17), so neither a library's tables nor one version of the standard gives its answers: only it does.
Run it again when the pinned version of tokenizers changes:

    unicode_probe.py --write core/text/unicode_tables.inc     # writes the file
    unicode_probe.py --check core/text/unicode_tables.inc     # exit 1 if the library answers otherwise

Decompositions and lower case themselves come from utf8proc; this checks that they agree (all decompositions must) and
writes down the lower case mappings that utf8proc's older Unicode lacks.
"""
import argparse
import ctypes
import ctypes.util
import sys
import unicodedata

import tokenizers
from tokenizers import AddedToken, Tokenizer, models, normalizers, pre_tokenizers

SURROGATES = range(0xD800, 0xE000)
HANGUL = range(0xAC00, 0xD7A4)  # decomposed by arithmetic, so not listed


class Utf8proc:
    """The few calls of libutf8proc that the comparison needs."""

    STABLE, DECOMPOSE = 2, 16

    def __init__(self):
        self.lib = ctypes.CDLL(ctypes.util.find_library("utf8proc") or "libutf8proc.so.2")
        self.lib.utf8proc_category_string.restype = ctypes.c_char_p
        self.buffer = (ctypes.c_int32 * 32)()
        self.boundary = ctypes.c_int()

    def category(self, code):
        return self.lib.utf8proc_category_string(code).decode()

    def lower(self, code):
        return chr(self.lib.utf8proc_tolower(code))

    def decompose(self, code):
        count = self.lib.utf8proc_decompose_char(
            code, self.buffer, 32, self.DECOMPOSE | self.STABLE, ctypes.byref(self.boundary))
        return "".join(chr(self.buffer[i]) for i in range(count))


class Probe:
    """One question a method; each is answered by the library itself."""

    def __init__(self):
        self.clean = normalizers.BertNormalizer(True, False, False, False)
        self.chinese = normalizers.BertNormalizer(False, True, False, False)
        self.strip = normalizers.BertNormalizer(False, False, True, False)
        self.lowercase = normalizers.BertNormalizer(False, False, False, True)
        self.nfd = normalizers.NFD()
        self.split = pre_tokenizers.BertPreTokenizer()
        self.single_word = Tokenizer(models.WordPiece({"[UNK]": 0}, unk_token="[UNK]"))
        self.single_word.add_tokens([AddedToken("<m>", single_word=True, normalized=False)])
        self.references = {}
        for code in range(0x300, 0x20000):
            combining = unicodedata.combining(chr(code))
            if combining and combining not in self.references and self.swaps(chr(code)):
                self.references[combining] = chr(code)

    def swaps(self, mark):
        """Whether the library reorders this mark, so that it has a combining class other than 0."""
        for pair in (mark + "\u0334", "\u0345" + mark):
            if self.nfd.normalize_str("a" + pair) != "a" + pair:
                return True
        return False

    def combining_class(self, mark):
        if not self.swaps(mark):
            return 0
        same = [k for k, r in self.references.items()
                if self.nfd.normalize_str("a" + mark + r) == "a" + mark + r
                and self.nfd.normalize_str("a" + r + mark) == "a" + r + mark]
        if len(same) != 1:
            raise SystemExit(f"U+{ord(mark):04X}: combining class is one of {same}")
        return same[0]

    def ends_word(self, character):
        return self.single_word.encode(character + "<m>").ids[-1] != 1


def word_by_category(utf8proc, code):
    """The rule that core/text/unicode_properties.cpp uses for regex's \\w."""
    category = utf8proc.category(code)
    circled = (0x24B6, 0x24E9), (0x1F130, 0x1F149), (0x1F150, 0x1F169), (0x1F170, 0x1F189)
    return (category[0] in "LM" or category in ("Nd", "Nl", "Pc") or code in (0x200C, 0x200D)
            or any(first <= code <= last for first, last in circled))


def ask_everything():
    probe, utf8proc = Probe(), Utf8proc()
    sets = {name: [] for name in ("dropped", "space", "punctuation", "chinese", "mark", "decomposes", "newer_word")}
    classes, newer_lower = [], []
    for code in range(0x110000):
        if code in SURROGATES:
            continue
        character = chr(code)
        between = "a" + character + "b"
        if probe.clean.normalize_str(between) == "ab":
            sets["dropped"].append(code)
        pieces = len(probe.split.pre_tokenize_str(between))
        if pieces == 2:
            sets["space"].append(code)
        if pieces == 3:
            sets["punctuation"].append(code)
        if probe.chinese.normalize_str(character) != character:
            sets["chinese"].append(code)
        if code not in HANGUL:
            decomposed = probe.nfd.normalize_str(character)
            if decomposed != character:
                sets["decomposes"].append(code)
                if decomposed != utf8proc.decompose(code):
                    raise SystemExit(f"U+{code:04X}: utf8proc decomposes it otherwise")
            else:
                if probe.strip.normalize_str("a" + character) == "a":
                    sets["mark"].append(code)
                classes.append((code, probe.combining_class(character)))
        lower = probe.lowercase.normalize_str(character)
        if lower != utf8proc.lower(code) and code != 0x130:
            if len(lower) != 1:
                raise SystemExit(f"U+{code:04X}: lower case has {len(lower)} characters")
            newer_lower.append((code, ord(lower)))
        word, ruled = probe.ends_word(character), word_by_category(utf8proc, code)
        if word and not ruled:
            sets["newer_word"].append(code)
        if ruled and not word:
            raise SystemExit(f"U+{code:04X}: a letter for utf8proc, none for the library")
    return sets, classes, newer_lower


def ranges(codes):
    found = []
    for code in codes:
        if found and found[-1][1] == code - 1:
            found[-1][1] = code
        else:
            found.append([code, code])
    return found


def class_ranges(classes):
    found = []
    for code, combining in classes:
        if combining and found and found[-1][1] == code - 1 and found[-1][2] == combining:
            found[-1][1] = code
        elif combining:
            found.append([code, code, combining])
    return found


def table(kind, name, comment, rows):
    lines = [f"// {comment}", f"constexpr {kind} {name}[] = {{"]
    line = "   "
    for row in rows:
        text = " {" + ", ".join(f"0x{v:X}" if i < 2 else str(v) for i, v in enumerate(row)) + "},"
        if len(line + text) > 118:
            lines.append(line)
            line = "   "
        line += text
    return "\n".join(lines + [line, "};", ""])


def render(sets, classes, newer_lower):
    parts = [
        f"// Written by tests/support/unicode_probe.py from the answers of tokenizers {tokenizers.__version__}; not edited "
        "by hand.\n// Every range is inclusive.\n",
        table("Range", "kDropped", "Left out by BertNormalizer's clean_text.", ranges(sets["dropped"])),
        table("Range", "kSpace", "White space: ends a word.", ranges(sets["space"])),
        table("Range", "kPunctuation", "A word by itself.", ranges(sets["punctuation"])),
        table("Range", "kChinese", "Given spaces by handle_chinese_chars.", ranges(sets["chinese"])),
        table("Range", "kMark", "Left out by strip_accents, after decomposition.", ranges(sets["mark"])),
        table("Range", "kDecomposes", "Has a canonical decomposition (besides Hangul syllables).",
              ranges(sets["decomposes"])),
        table("ClassRange", "kCombiningClass", "Canonical combining class, where it is not 0.", class_ranges(classes)),
        table("Mapping", "kNewerLower", "Lower case that Unicode 15 lacks.", newer_lower),
        table("Range", "kNewerWord", "Letters, marks and digits that Unicode 15 lacks.", ranges(sets["newer_word"])),
    ]
    return "\n".join(parts)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    action = parser.add_mutually_exclusive_group(required=True)
    action.add_argument("--write", metavar="FILE")
    action.add_argument("--check", metavar="FILE")
    arguments = parser.parse_args()
    text = render(*ask_everything())
    if arguments.write:
        with open(arguments.write, "w", encoding="ascii") as out:
            out.write(text)
        return 0
    with open(arguments.check, encoding="ascii") as committed:
        same = committed.read() == text
    print("same" if same else f"tokenizers {tokenizers.__version__} answers otherwise: run --write and look at the change")
    return 0 if same else 1


if __name__ == "__main__":
    sys.exit(main())
