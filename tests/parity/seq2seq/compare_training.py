"""50 training steps of the seq2seq plugin as a generator, against transformers' EncoderDecoderModel of a BERT and a
BertGenerationDecoder with torch's AdamW, linear schedule, warm-up and clipping: the loss of every step, and every parameter
at the end. Then what both generate, greedily and with beams. Dropout is off, the order is the file's.
usage: compare_training.py BERTH {float32|float64}"""
import json
import pathlib
import sys
import tempfile
import warnings

import torch
from safetensors.torch import load_file
import transformers
from transformers import AutoTokenizer, BertGenerationConfig, BertGenerationDecoder, BertModel, EncoderDecoderModel

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "training"))
from common import ROOT, berth, minilm  # noqa: E402
from steps import RATE, compare, load_model, train_berth, train_transformers  # noqa: E402

warnings.filterwarnings("ignore", category=FutureWarning)
transformers.logging.set_verbosity_error()
DATA = ROOT / "configs/data/counter"
HEAD_RATE = 1e-3
LAYERS, HEADS, INNER, LONGEST = 2, 6, 512, 40
BEGIN, END, UNKNOWN = 0, 1, 2
# What generate() and berth's search call the same. transformers ranks by score / length^alpha, berth by GNMT's penalty, so
# that they agree at 0.
SEARCHES = [({"beams": 1}, {"num_beams": 1}),
            ({"beams": 4}, {"num_beams": 4, "early_stopping": True, "length_penalty": 0.0}),
            ({"beams": 3, "block_ngrams": 2, "min_length": 12},
             {"num_beams": 3, "early_stopping": True, "length_penalty": 0.0, "no_repeat_ngram_size": 2, "min_new_tokens": 12})]
TASK = f"""[tasks.counter]
plugin = "seq2seq"
train = "{DATA}/train.tsv"
head_rate = {HEAD_RATE}
options = {{ kind = "generator", norm = "post", dropout = 0, layers = {LAYERS}, heads = {HEADS}, inner_size = {INNER}, \
max_length = {LONGEST}, length_penalty = 0, beams = 1, block_ngrams = 0, min_length = 0 }}
"""


def rows(name):
    return [line.split("\t") for line in (DATA / name).read_text(encoding="utf-8").splitlines()[1:]]


def head_names():
    """berth's parameters of the head and transformers', a fused one with the parts' names."""
    names = {"embedding.words.weight": ["decoder.bert.embeddings.word_embeddings.weight"],
             "embedding.positions.weight": ["decoder.bert.embeddings.position_embeddings.weight"],
             "embedding.norm": ["decoder.bert.embeddings.LayerNorm"], "output.bias": ["decoder.lm_head.bias"]}
    for i in range(LAYERS):
        theirs = f"decoder.bert.encoder.layer.{i}."
        own, cross = f"{theirs}attention.self.", f"{theirs}crossattention.self."
        names |= {f"decoder.layers.{i}.{ours}": parts for ours, parts in {
            "self_query_key_value": [own + "query", own + "key", own + "value"],
            "self_output": [theirs + "attention.output.dense"], "self_norm": [theirs + "attention.output.LayerNorm"],
            "source_query": [cross + "query"], "source_key_value": [cross + "key", cross + "value"],
            "source_output": [theirs + "crossattention.output.dense"],
            "source_norm": [theirs + "crossattention.output.LayerNorm"], "inner": [theirs + "intermediate.dense"],
            "inner_output": [theirs + "output.dense"], "inner_norm": [theirs + "output.LayerNorm"]}.items()}
    whole = {}
    for ours, parts in names.items():
        if ours.endswith(("weight", "bias")):
            whole[ours] = parts
        else:
            whole |= {f"{ours}.{kind}": [f"{part}.{kind}" for part in parts] for kind in ("weight", "bias")}
    return whole


def as_transformers(head):
    """The head's tensors under transformers' names."""
    names = head_names()
    assert set(names) == set(head), set(names) ^ set(head)
    return {theirs: part for ours, parts in names.items() for theirs, part in zip(parts, head[ours].chunk(len(parts)))}


def make_model(checkpoint, precision):
    head = as_transformers(load_file(checkpoint / "heads/counter.safetensors"))
    encoder = load_model(BertModel, checkpoint, precision, add_pooling_layer=False)
    words = head["decoder.bert.embeddings.word_embeddings.weight"]
    config = BertGenerationConfig(
        vocab_size=len(words), hidden_size=words.shape[1], num_hidden_layers=LAYERS, num_attention_heads=HEADS,
        intermediate_size=INNER, hidden_dropout_prob=0.0, attention_probs_dropout_prob=0.0, is_decoder=True,
        max_position_embeddings=LONGEST + 1, add_cross_attention=True, pad_token_id=None, bos_token_id=BEGIN,
        eos_token_id=END)
    config._attn_implementation = "eager"
    decoder = BertGenerationDecoder(config).to(getattr(torch, precision))
    model = EncoderDecoderModel(encoder=encoder, decoder=decoder)
    own = dict(model.named_parameters())
    with torch.no_grad():
        for name, tensor in head.items():
            own[name].copy_(tensor)
    assert {n for n in own if n.startswith("decoder.")} == set(head), {n for n in own if n.startswith("decoder.")} ^ set(head)
    return model


class Vocabulary:
    def __init__(self, checkpoint):
        self.words = json.loads((checkpoint / "tasks/counter.state").read_text())["words"]
        self.ids = {word: i + 3 for i, word in enumerate(self.words)}

    def encode(self, target):
        return [self.ids.get(word, UNKNOWN) for word in target.split()] + [END]

    def decode(self, ids):
        return " ".join(self.words[i - 3] for i in ids if i > UNKNOWN)


def inputs_of(tokenizer, sources):
    return tokenizer(sources, truncation=True, max_length=64, padding=True, return_tensors="pt")


def loss_of(model, tokenizer, vocabulary, batch):
    inputs = inputs_of(tokenizer, [source for source, _ in batch])
    targets = [vocabulary.encode(target) for _, target in batch]
    longest = max(map(len, targets))
    labels = torch.tensor([t + [-100] * (longest - len(t)) for t in targets])
    decoder_ids = torch.tensor([([BEGIN] + t[:-1]) + [END] * (longest - len(t)) for t in targets])
    logits = model(input_ids=inputs.input_ids, attention_mask=inputs.attention_mask, decoder_input_ids=decoder_ids,
                   decoder_attention_mask=(labels != -100).long(), use_cache=False).logits
    return torch.nn.functional.cross_entropy(logits.flatten(0, 1), labels.flatten())


def generate(model, tokenizer, vocabulary, sources, settings):
    model.eval()
    inputs = inputs_of(tokenizer, sources)
    with torch.no_grad():
        ids = model.generate(input_ids=inputs.input_ids, attention_mask=inputs.attention_mask, decoder_start_token_id=BEGIN,
                             bos_token_id=BEGIN, eos_token_id=END, pad_token_id=END, forced_eos_token_id=END,
                             max_new_tokens=LONGEST + 1, do_sample=False,
                             suppress_tokens=[BEGIN, UNKNOWN], **settings)
    return [vocabulary.decode(row.tolist()) for row in ids]


def predict(program, run, sources, settings):
    suite = run / "suite.toml"
    plain = suite.read_text()
    text = plain
    for key, value in settings.items():
        old = next(line for line in plain.splitlines() if line.strip().startswith(f"{key} = "))
        text = text.replace(old + "\n", f"{key} = {value}\n")
    suite.write_text(text)
    lines = berth(program, "predict", run, "--task", "counter", "--checkpoint", "last",
                  input="".join(json.dumps({"source": s}) + "\n" for s in sources)).splitlines()
    suite.write_text(plain)
    return [json.loads(line)["prediction"] for line in lines]


def main():
    program, precision = sys.argv[1:]
    model_folder = minilm()
    sources = [source for source, _ in rows("dev.tsv")]
    with tempfile.TemporaryDirectory() as folder:
        run, ours = train_berth(program, pathlib.Path(folder), model_folder, precision, task=TASK)
        initial, last = run / "checkpoints/step-0", run / "checkpoints/last"
        tokenizer = AutoTokenizer.from_pretrained(initial / "encoder")
        vocabulary = Vocabulary(initial)
        model = make_model(initial, precision)
        theirs = train_transformers(model, rows("train.tsv"), lambda batch: loss_of(model, tokenizer, vocabulary, batch),
                                    lambda name: HEAD_RATE if name.startswith("decoder.") else RATE)
        compare(precision, ours, theirs, last, as_transformers(load_file(last / "heads/counter.safetensors")), model,
                prefix="encoder.")
        answers = []
        for settings, arguments in SEARCHES:
            mine = predict(program, run, sources, settings)
            expected = generate(model, tokenizer, vocabulary, sources, arguments)
            answers += [(settings, s, m, e) for s, m, e in zip(sources, mine, expected, strict=True)]
    wrong = [a for a in answers if a[2] != a[3]]
    print(f"{len(answers)} generated answers ({len({a[2] for a in answers})} different ones), {len(wrong)} differ")
    if wrong:
        sys.exit(f"other answers: {wrong[:5]}")


main()
