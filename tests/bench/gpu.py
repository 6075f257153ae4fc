"""Training on a GPU: berth against transformers' Trainer in bfloat16 with the best attention that it has there, on the same
texts and weights, and the share of the chip's peak, which is measured with a product of large matrices in the same run.
usage: gpu.py BERTH [--device cuda|cpu] [--layers N] [--width N] [--batch N] [--steps N] [--lengths A-B ...]
BERTH: the program. --lengths: words of a text, one measurement each (default: 8-60, much as single sentences are, and
500-500). --device cpu is for trying the script. Needs nothing from the network: a model of random weights, made-up texts.
needs: torch transformers accelerate"""
import argparse
import json
import pathlib
import random
import shutil
import subprocess
import tempfile
import time

import torch
from transformers import (BertConfig, BertForSequenceClassification, BertModel, BertTokenizerFast, DataCollatorWithPadding, Trainer,
                          TrainerCallback, TrainingArguments)

WORDS = 30000
WARM_UP = 10  # steps before the clock starts, on both sides


def make_model(folder, known):
    folder.mkdir()
    specials = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
    (folder / "vocab.txt").write_text("".join(f"{w}\n" for w in specials + [f"w{i}" for i in range(WORDS)]))
    torch.manual_seed(1)
    model = BertModel(BertConfig(vocab_size=WORDS + len(specials), hidden_size=known.width, num_hidden_layers=known.layers,
                                 num_attention_heads=known.width // 64, intermediate_size=4 * known.width))
    model.save_pretrained(folder)
    return sum(p.numel() for name, p in model.named_parameters() if name.startswith("encoder.") and p.dim() == 2)


def make_texts(file, count, least, most):
    draw = random.Random(1)
    with file.open("w") as out:
        out.write("text\tlabel\n")
        for i in range(count):
            words = [f"w{draw.randrange(WORDS)}" for _ in range(draw.randint(least, most))]
            out.write(" ".join([*words, f"w{i % 2}"]) + f"\t{i % 2}\n")


def run_berth(known, folder, steps, attempt):
    suite = folder / "suite.toml"
    suite.write_text(f"""
[model]
path = "{folder}/model"
max_length = 512
device = "{known.device}"
precision = "bfloat16"
[training]
steps = {steps}
batch_size = {known.batch}
log_every = 1
[optimizer]
rate = 2e-5
[analysis]
at_end = false
[tasks.texts]
plugin = "classification"
train = "train.tsv"
""")
    out = folder / f"run-{attempt}"
    subprocess.run([known.berth, "run", suite, "--out", out], check=True, stdout=subprocess.DEVNULL)
    summary = json.loads((out / "summary.json").read_text())
    return summary["training_seconds"], summary["tokens_per_second"] * summary["training_seconds"]


def speed_of_berth(known, folder):
    """Tokens a second of the steps after the first ones: a short run's time taken from a long one's."""
    short = run_berth(known, folder, WARM_UP, "short")
    long = run_berth(known, folder, WARM_UP + known.steps, "long")
    return (long[1] - short[1]) / (long[0] - short[0])


class Clock(TrainerCallback):
    def on_step_begin(self, args, state, control, **_):
        if state.global_step == WARM_UP:
            self.start = time.perf_counter()

    def on_train_end(self, args, state, control, **_):
        if args.device.type == "cuda":
            torch.cuda.synchronize()
        self.seconds = time.perf_counter() - self.start


class Texts(torch.utils.data.Dataset):
    def __init__(self, tokenizer, file):
        lines = [line.split("\t") for line in file.read_text().splitlines()[1:]]
        self.rows = [{**tokenizer(text, truncation=True, max_length=512), "labels": int(label)} for text, label in lines]

    def __len__(self):
        return len(self.rows)

    def __getitem__(self, index):
        return self.rows[index]


def speed_of_peer(known, folder, attention, by_length):
    tokenizer = BertTokenizerFast(str(folder / "model/vocab.txt"))
    texts = Texts(tokenizer, folder / "train.tsv")
    model = BertForSequenceClassification.from_pretrained(folder / "model", num_labels=2, attn_implementation=attention)
    clock = Clock()
    tokens = []
    collate = DataCollatorWithPadding(tokenizer)

    def count(rows):
        batch = collate(rows)
        tokens.append(int(batch["attention_mask"].sum()))
        return batch

    arguments = TrainingArguments(
        tempfile.mkdtemp(), per_device_train_batch_size=known.batch, max_steps=WARM_UP + known.steps, bf16=known.device != "cpu",
        learning_rate=2e-5, report_to=[], save_strategy="no", disable_tqdm=True, use_cpu=known.device == "cpu",
        train_sampling_strategy="group_by_length" if by_length else "random")
    Trainer(model=model, args=arguments, train_dataset=texts, data_collator=count, callbacks=[clock]).train()
    return sum(tokens[WARM_UP:WARM_UP + known.steps]) / clock.seconds


def peak(device):
    """Operations a second of a product of large matrices."""
    size = 8192 if device == "cuda" else 1024
    a, b = (torch.randn(size, size, dtype=torch.bfloat16, device=device) for _ in range(2))
    best = float("inf")
    for _ in range(10):
        start = time.perf_counter()
        for _ in range(5):
            a @ b
        if device == "cuda":
            torch.cuda.synchronize()
        best = min(best, (time.perf_counter() - start) / 5)
    return 2 * size**3 / best


def main():
    parser = argparse.ArgumentParser(usage=__doc__)
    parser.add_argument("berth", type=pathlib.Path)
    parser.add_argument("--device", default="cuda", choices=["cuda", "cpu"])
    parser.add_argument("--layers", type=int, default=12)
    parser.add_argument("--width", type=int, default=768)
    parser.add_argument("--batch", type=int, default=32)
    parser.add_argument("--steps", type=int, default=100)
    parser.add_argument("--attention", nargs="*", default=["sdpa", "flash_attention_2"])
    parser.add_argument("--lengths", nargs="*", default=["8-60", "500-500"])
    known = parser.parse_args()
    print(torch.cuda.get_device_name() if known.device == "cuda" else "the processor", torch.__version__, flush=True)
    limit = peak(known.device)
    print(f"peak, measured: {limit / 1e12:.1f} T operations a second", flush=True)
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        parameters = make_model(folder / "model", known)
        for lengths in known.lengths:
            least, most = map(int, lengths.split("-"))
            make_texts(folder / "train.tsv", known.batch * (WARM_UP + known.steps), least, most)
            # Forward and twice that backward, of the products with weights and of attention's with each other.
            tokens = (least + most) / 2 + 3
            operations = 3 * (2 * parameters + 4 * known.layers * known.width * tokens)
            ours = speed_of_berth(known, folder)
            print(f"{lengths} words: berth {ours:.0f} tokens a second, {ours * operations / limit:.2f} of the peak", flush=True)
            for attention in known.attention:
                for by_length in (False, True):
                    try:
                        theirs = speed_of_peer(known, folder, attention, by_length)
                    except (ImportError, ValueError) as error:  # not installed there
                        print(f"  transformers, {attention}: {str(error).splitlines()[0]}")
                        break
                    order = "grouped by length" if by_length else "as it comes"
                    print(f"  transformers, {attention}, {order}: {theirs:.0f}, berth / that {ours / theirs:.2f}", flush=True)
            for run in folder.glob("run-*"):
                shutil.rmtree(run)


main()
