"""Texts that tokenizers get wrong, as bytes: shared by the stored golden values and by the live comparison."""
import random

HOSTILE = [text if isinstance(text, bytes) else text.encode("utf-8") for text in [
    "", " ", "\t\n\r ", "\u00a0", "\u3000\u2003 \u2028\u2029", "\u200b\u200d\ufeff",
    "Hello, World! It's a test.", "UPPER lower MiXeD 123 3.14 1,000", "don't can't I'm we've they're",
    "snake_case kebab-case http://a.b/c?d=e&f=g#h user@example.org #tag @you $5 50% a+b=c <b>x</b> `~^|\\",
    "na\u00efve caf\u00e9 r\u00e9sum\u00e9 \u00c9COLE \u00fcber \u00d1and\u00fa \u0141\u00f3d\u017a \u00d8re \u00c6sir",
    "e\u0301 a\u0323\u0307 a\u0307\u0323 o\u0328\u0304\u0301 \u01d6\u0323 \u1e69 s\u0323\u0307 \u0344\u0323x",
    "\u0301alone \u0301 x\u0301\u0301\u0301\u0301 \u0345\u0334a \u0f73\u0f74 \u0f71\u0f72\u0f74",
    "a\u302e\u0301b \ud55c\u302e\u302f\u0323 \U0001d165\U0001d16d\u0301 \U0001d15e\U0001d1bb \U00016ff0\u0301",
    "\u0130stanbul \u0131 I i \u0130\u0130 \u00df \u1e9e STRASSE \u03a3\u0391\u03a3 \u03c3\u03c2 \u01c4\u01c5 \ufb01 \u212b \u2126",
    "\u1c89 \ua7cb \ua7dc \U00010d50 \U00016ea0 \U00010400 \u13a0 \uab70 \u10a0 \u1c90 \u2160 \u24b6",
    "\u4f60\u597d\u4e16\u754c abc\u4e2d\u6587def \u3400\U00020000\U0002a700\U0002b740\U0002b820\U0002f800\uf900 \u3007\u3005",
    "\u4e2d\u0301\u6587\u0323 \uf900\u0301 \u3042\u304c\u304b\u3099 \u30ab\u3099\u30d1 \uff21\uff22\uff0c\uff01 \uff76\uff9e",
    "\ud55c\uad6d\uc5b4 \u1112\u1161\u11ab \uac00\u11a8 \ud7a3 \uac01\u0301",
    "\u0627\u0644\u0639\u0631\u0628\u064a\u0629 \u0645\u064f\u062d\u064e\u0645\u064e\u0651\u062f \u0622\u0623\u0625 \u061f \u060c \u061b \u066a\u0640 \u200f\u202b\u202e",
    "\u05e9\u05dc\u05d5\u05dd \u05e9\u05c1\u05b8\u05dc\u05d5\u05b9\u05dd \ufb1d\ufb2a \u05be\u05f3 \u0939\u093f\u0928\u094d\u0926\u0940 \u0915\u093c\u0958 \u09cb\u09c7\u09be \u0e44\u0e17\u0e22\u0e33 \u1025\u102e",
    "\U0001f600\U0001f468\u200d\U0001f469\u200d\U0001f467\U0001f44d\U0001f3fd\U0001f1e9\U0001f1ea \u2764\ufe0f #\ufe0f\u20e3 \U000e0067\U000e007f a\U0001f600b",
    "\u2260 \u226e \u2241 \u1fef \u037e \u0387 \u2000x\u2001 \u1680y \u180ez \u205f \u2329\u232a \u0340\u0341\u0343",
    "\u2018q\u2019 \u201cq\u201d \u2013 \u2014 \u2026 \u00ab\u00bb \u00bf\u00a1 \u00a7 \u00b6 \u00b7 \u20ac \u00a3 \u2192 \u2212 \u00d7 \u2e43 \u2e5d \u166d \U000111c9",
    "con\x00trol\x01 char\x7fs \x1b[0m \x80\x85\x9f \x0b \x0c x\x0by z\u0085w".encode("utf-8").decode("utf-8"),
    "soft\u00adhyphen zero\u200bwidth no\u2060break bom\ufeff \ufffd x\ufffdy \ue000 \U000f0000 \ufdd0 \uffff \U0010ffff \u0378 \u0890 \u08e2",
    "[CLS] [SEP] [MASK] [PAD] [UNK]", "a[SEP]b [sep] [ SEP ] [CLS", "[SEP][SEP]x[MASK]\u0301y[[SEP]]", "[\u0301CLS] [CL\u200bS]",
    "a" * 99 + " " + "a" * 100 + " " + "a" * 101 + " " + "\u00e9" * 100 + " " + "\u00e9" * 101 + " " + "xyz" * 300,
    "\U0001f600" * 100 + " " + "\U0001f600" * 101 + " " + "e\u0301" * 100 + " " + "e\u0301" * 101 + " " + "\ud55c" * 40,
    "##a ## # a##b ##", "The quick brown fox jumps over the lazy dog. " * 5, "unaffable embeddings tokenization internationalisation",
    b"\xff", b"\x80\x80\x80", b"ok \xc3 cut", b"\xc3\x28 \xa0\xa1", b"\xe2\x82", b"\xe2\x28\xa1 \xe2\x82\x28", b"\xf0\x9f\x98",
    b"\xf0\x28\x8c\xbc \xf0\x90\x28\xbc \xf0\x28\x8c\x28", b"\xed\xa0\x80 \xed\xb0\x80", b"\xc0\x80 \xc1\xbf \xe0\x80\x80 \xf0\x80\x80\x80",
    b"\xf4\x90\x80\x80 \xf5\x80\x80\x80 \xfe\xff", b"a\xffb[SEP]\xe2\x82c\xcc", b"e\xff\xcc\x81 x\xcc\x81\xcc", b"\xef\xbf \xef\xbf\xbd \xef",
    b"caf\xe9 na\xefve latin-1 \xfcber", b"word\xf0\x9f\x98 \xf0\x9f\x98\x80\xf0\x9f",
]]

ALPHABETS = [
    [chr(c) for c in range(0x20, 0x7F)],
    list("abcdeABCDE     .,!?-'"),
    [chr(c) for c in range(0xA0, 0x250)],
    [chr(c) for c in (*range(0x300, 0x370), *range(0x1DC0, 0x1E00), 0x302E, 0x302F, 0x1D165, 0x1D16D, 0x16FF0, 0xF71, 0xF72)],
    [chr(c) for c in (*range(0x370, 0x500), *range(0x1E00, 0x2000))],
    [chr(c) for c in range(0x590, 0x700)],
    [chr(c) for c in range(0x900, 0xE00)],
    [chr(c) for c in (*range(0x4E00, 0x4F00), *range(0x3040, 0x3100), *range(0xAC00, 0xAD00), *range(0xF900, 0xFA00))],
    [chr(c) for c in (*range(0x1F300, 0x1F700), 0x200D, 0xFE0F)],
    [chr(c) for c in (*range(0, 0x20), *range(0x7F, 0xA1), *range(0x2000, 0x2070), 0xFEFF, 0xFFFD)],
    ["[SEP]", "[CLS]", "[MASK]", "[UNK]", "[PAD]", "[", "]", "SEP", "##", " "],
]


def any_character(generator):
    plane = generator.choice([0, 0, 0, 0, 1, 1, 1, 2, 3, 14, generator.randrange(17)])
    code = plane * 0x10000 + generator.randrange(0x10000)
    return chr(code) if not 0xD800 <= code < 0xE000 else "\ud7ff"


def random_text(generator, tokens=()):
    """A short text that mixes a few alphabets; one in eight is then broken at random bytes."""
    alphabets = generator.sample(ALPHABETS, generator.randrange(1, 4))
    if tokens:
        alphabets.append(list(tokens))
    parts = []
    for _ in range(generator.randrange(0, 40)):
        kind = generator.random()
        parts.append(any_character(generator) if kind < 0.1 else " " if kind < 0.2 else
                     generator.choice(generator.choice(alphabets)))
    data = bytearray("".join(parts).encode("utf-8"))
    if data and generator.random() < 0.125:
        for _ in range(generator.randrange(1, 4)):
            data[generator.randrange(len(data))] = generator.randrange(256)
    return bytes(data)


def random_texts(seed, count, tokens=()):
    generator = random.Random(seed)
    return [random_text(generator, tokens) for _ in range(count)]
