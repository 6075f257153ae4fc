"""Questions of a SQuAD file as transformers' run_qa makes features of them: windows with stride, the first answer as
token positions, [CLS] where a window does not hold all of it."""
import json
import pathlib

ROOT = pathlib.Path(__file__).resolve().parents[3]
LEAFLETS = ROOT / "configs/data/leaflets"


def questions(file):
    for article in json.loads(pathlib.Path(file).read_text(encoding="utf-8"))["data"]:
        for paragraph in article["paragraphs"]:
            for question in paragraph["qas"]:
                yield {"context": paragraph["context"], **question}


def windows(tokenizer, question, max_length, stride):
    """One dictionary a window: what the model reads, "offsets" (None outside of the context), "start", "end"."""
    encoded = tokenizer(question["question"], question["context"], truncation="only_second", max_length=max_length,
                        stride=stride, return_overflowing_tokens=True, return_offsets_mapping=True)
    for i, offsets in enumerate(encoded["offset_mapping"]):
        sequences = encoded.sequence_ids(i)
        yield {"inputs": {key: encoded[key][i] for key in ("input_ids", "token_type_ids", "attention_mask")},
               "offsets": [span if of == 1 else None for span, of in zip(offsets, sequences)],
               **target(question["answers"], offsets, sequences)}


def target(answers, offsets, sequences):
    nothing = {"start": 0, "end": 0}
    context = [i for i, of in enumerate(sequences) if of == 1]
    if not answers or not context:
        return nothing
    begin = answers[0]["answer_start"]
    end = begin + len(answers[0]["text"])
    first, last = context[0], context[-1]
    if not (offsets[first][0] <= begin and offsets[last][1] >= end):
        return nothing
    # run_qa goes on to the special tokens behind the context, so that an answer of the window's last token starts at
    # [SEP], behind its own end; here, as in berth, it starts where it does.
    while first <= context[-1] and offsets[first][0] <= begin:
        first += 1
    while offsets[last][1] >= end:
        last -= 1
    return {"start": first - 1, "end": last + 1}
