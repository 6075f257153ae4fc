"""transformers' Trainer fine-tuning an EncoderDecoderModel: the BERT, and a fresh BertGenerationDecoder over a vocabulary of
the training targets' words. Prints one JSON line.
usage: hf_train_seq2seq.py MODEL_DIR TRAIN SEED EPOCHS RATE HEAD_RATE MAX_TARGET NAME=SET...   (JSON lines, or TSV: source,
target, without a header)
needs: torch transformers datasets accelerate"""
import json, os, resource, sys, tempfile, time, warnings
from collections import Counter
start = time.time()
os.environ["TOKENIZERS_PARALLELISM"] = "true"
warnings.filterwarnings("ignore", category=FutureWarning)
import torch
from transformers import (AutoTokenizer, BertGenerationConfig, BertGenerationDecoder, BertModel, EncoderDecoderModel, Trainer,
                          TrainingArguments)

LAYERS, HEADS, BATCH = 2, 6, 32
BEGIN, END, UNKNOWN = 0, 1, 2
model_dir, train_path, seed, epochs = sys.argv[1], sys.argv[2], int(sys.argv[3]), float(sys.argv[4])
rate, head_rate, longest = float(sys.argv[5]), float(sys.argv[6]), int(sys.argv[7])
sets = dict(argument.split("=", 1) for argument in sys.argv[8:])

def read(path):
    lines = open(path, encoding="utf-8").read().splitlines()
    if path.endswith(".jsonl"):
        return [(r["source"], r["target"]) for r in map(json.loads, lines)]
    return [tuple(line.split("\t")[:2]) for line in lines]

train = read(train_path)
counts = Counter(word for _, target in train for word in target.split())
words = sorted(counts, key=lambda w: (-counts[w], w))
ids = {word: i + 3 for i, word in enumerate(words)}
tokenizer = AutoTokenizer.from_pretrained(model_dir)
encoder = BertModel.from_pretrained(model_dir, add_pooling_layer=False)
width = encoder.config.hidden_size
config = BertGenerationConfig(
    vocab_size=len(words) + 3, hidden_size=width, num_hidden_layers=LAYERS, num_attention_heads=HEADS, is_decoder=True,
    intermediate_size=4 * width, max_position_embeddings=longest + 1, add_cross_attention=True, pad_token_id=None,
    bos_token_id=BEGIN, eos_token_id=END, initializer_range=0.05)  # as Glorot's for this width
torch.manual_seed(seed)
model = EncoderDecoderModel(encoder=encoder, decoder=BertGenerationDecoder(config))

def collate(rows):
    inputs = tokenizer([r["source"] for r in rows], truncation=True, max_length=128, padding=True, return_tensors="pt")
    targets = [[ids.get(w, UNKNOWN) for w in r["target"].split()] + [END] for r in rows]
    most = max(map(len, targets))
    inputs["labels"] = torch.tensor([t + [-100] * (most - len(t)) for t in targets])
    inputs["decoder_input_ids"] = torch.tensor([[BEGIN] + t[:-1] + [END] * (most - len(t)) for t in targets])
    inputs["decoder_attention_mask"] = (inputs["labels"] != -100).long()
    inputs.pop("token_type_ids", None)
    return inputs

def loss_of(outputs, labels, num_items_in_batch=None):
    return torch.nn.functional.cross_entropy(outputs.logits.flatten(0, 1), labels.flatten())

def exact_match(rows):
    model.eval()
    right = []
    for i in range(0, len(rows), 128):
        part = rows[i:i + 128]
        inputs = tokenizer([s for s, _ in part], truncation=True, max_length=128, padding=True, return_tensors="pt")
        with torch.no_grad():
            out = model.generate(input_ids=inputs.input_ids, attention_mask=inputs.attention_mask, num_beams=1, do_sample=False,
                                 decoder_start_token_id=BEGIN, bos_token_id=BEGIN, eos_token_id=END, pad_token_id=END,
                                 max_new_tokens=longest, suppress_tokens=[BEGIN, UNKNOWN])
        right += [" ".join(words[t - 3] for t in row.tolist() if t > UNKNOWN) == " ".join(target.split())
                  for row, (_, target) in zip(out, part)]
    return right

plain = lambda n: n.endswith("bias") or "LayerNorm" in n
groups = [{"params": [p for n, p in model.named_parameters() if n.startswith("decoder.") == head and plain(n) == bare],
           "lr": head_rate if head else rate, "weight_decay": 0.0 if bare else 0.01} for head in (0, 1) for bare in (0, 1)]
args = TrainingArguments(tempfile.mkdtemp(), per_device_train_batch_size=BATCH, num_train_epochs=epochs, report_to=[],
                         save_strategy="no", seed=seed, use_cpu=True, disable_tqdm=True, warmup_steps=0.1,
                         remove_unused_columns=False)
optimizer = torch.optim.AdamW(groups)
trainer = Trainer(model=model, args=args, train_dataset=[{"source": s, "target": t} for s, t in train], data_collator=collate,
                  compute_loss_func=loss_of, optimizers=(optimizer, None))
t0 = time.time(); trainer.train(); t1 = time.time()
print(json.dumps({"setup_s": round(t0 - start, 1), "train_s": round(t1 - t0, 1),
                  "train_examples_per_s": round(len(train) * epochs / (t1 - t0), 1),
                  "right": {name: exact_match(read(path)) for name, path in sets.items()},
                  "peak_rss_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024}))
