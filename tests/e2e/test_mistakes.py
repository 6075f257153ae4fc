"""What users get wrong, and what berth answers: each message has the place, the reason and the next step.

A row of MISTAKES is what was done, how berth is called, the exit code, and three patterns that the message matches.
What looks like a mistake and is taken as it is meant stands in TAKEN.
"""
import dataclasses
import json
import os
import pathlib
import re
import shutil
import typing
import unittest
import zipfile

from program import ProgramTest, rows


@dataclasses.dataclass
class Mistake:
    what: str  # in the user's words
    code: int
    place: str  # file and line, key, option or folder
    reason: str  # what is wrong with it
    step: str  # what to do now
    does: typing.Callable = lambda test: None  # makes the mistake in the test's folder
    call: tuple = ("check", "suite.toml")
    out: str = "stderr"  # where the message stands: an odd thing is told by `berth check`
    stdin: str | None = None


def text(name, content, encoding="utf-8"):
    return lambda test: (test.dir / name).write_bytes(content.encode(encoding))


def table(separator="\t", header=("text", "label"), change=lambda pairs: pairs, name="train.tsv"):
    def make(test):
        pairs = change(list(rows(40, 1)))
        lines = [separator.join(header)] * bool(header) + [separator.join(pair) for pair in pairs]
        (test.dir / name).write_text("\n".join(lines) + "\n", encoding="utf-8")

    return make


def suite(text="", task="", plugin=None):
    def make(test):
        test.suite(text=text, task=task)
        if plugin:
            file = test.dir / "suite.toml"
            file.write_text(file.read_text().replace('"classification"', f'"{plugin}"'))

    return make


def both(*makers):
    return lambda test: [make(test) for make in makers]


def task(plugin, file, content, options=""):
    return both(text(file, content), suite(task=f'split = 0.5\n{options}', plugin=plugin),
                lambda test: test.replace("suite.toml", '"train.tsv"', f'"{file}"'))


def model(change):
    """A copy of the model's folder that is changed."""
    def make(test):
        shutil.copytree(pathlib.Path(test.shared.name) / "model", test.dir / "model")
        change(test.dir / "model")

    return make


def config(**values):
    def change(folder):
        file = folder / "config.json"
        file.write_text(json.dumps({**json.loads(file.read_text()), **values}))

    return model(change)


def xlsx(test):
    with zipfile.ZipFile(test.dir / "train.csv", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("xl/worksheets/sheet1.xml", "<worksheet/>" * 50)


def folder(name):
    return lambda test: (test.dir / name).mkdir()


def short_run(test):
    test.train("run", "--set", "training.steps=2", "--set", "analysis.at_end=false")


def set_key(*keys):
    return ("check", "suite.toml", *(part for key in keys for part in ("--set", key)))


MODEL = set_key("model.path=model")
CSV = set_key("tasks.mood.train=train.csv")
SQUAD = ('{"data": [{"title": "a", "paragraphs": [{"context": "a fine day in town", "qas": [{"id": "1", '
         '"question": "where", "answers": [{"text": "town", "answer_start": 3}]}]}]}]}')
LONG = "source\ttarget\n" + "".join(f"a fine day {i}\t{'a fine day ' * 60}\n" for i in range(8))

MISTAKES = [
    # The data file
    Mistake("wrong column name", 3, r"train\.tsv:1", r"no column 'txet'", r"nearest: 'text'.*Name the right column",
            call=set_key("tasks.mood.data.text=txet")),
    Mistake("tabs for commas", 3, r"train\.csv:1", r"found 'text label'", r'set format = "tsv"',
            table(name="train.csv"), CSV),
    Mistake("commas for tabs", 3, r"train\.tsv:1", r"found 'text,label'", r'set format = "csv"', table(separator=",")),
    Mistake("semicolons for commas", 3, r"train\.csv:1", r"separator ';'", r"save the file with commas",
            table(separator=";", name="train.csv"), CSV),
    Mistake("a comma in a text that is not quoted", 3, r"train\.csv:42", r"has 3 fields; expected 2", r"go into quotes",
            both(table(",", name="train.csv"), lambda test: test.append("train.csv", "oh, no,bad\n")), CSV),
    Mistake("header missing", 3, r"train\.tsv:1", r"no column 'text'", r"no header.*columns", table(header=())),
    Mistake("empty file", 3, r"train\.tsv:1", r"empty", r"expected rows", text("train.tsv", "")),
    Mistake("a header and nothing else", 3, r"train\.tsv:1", r"no rows", r"expected rows",
            text("train.tsv", "text\tlabel\n")),
    Mistake("an unbalanced quote", 3, r"train\.csv:42", r"never closed", r"Close it",
            both(table(",", name="train.csv"), lambda test: test.append("train.csv", '"oh no,bad\nwell,good\n')), CSV),
    Mistake("Windows-1252 bytes", 3, r"train\.tsv:2:4", r"0xE9.*not UTF-8", r"iconv",
            text("train.tsv", "text\tlabel\ncaf\xe9 here\tgood\nsad day\tbad\n", "cp1252")),
    Mistake("UTF-16", 3, r"train\.tsv:1", r"UTF-16", r"iconv", text("train.tsv", "text\tlabel\na\tgood\n", "utf-16")),
    Mistake("a folder for a file", 6, r"data: ", r"folder", r"expected a data file", folder("data"),
            set_key("tasks.mood.train=data")),
    Mistake("a missing file", 6, r"trian\.tsv", r"No such file", r"check the path",
            call=set_key("tasks.mood.train=trian.tsv")),
    Mistake("a spreadsheet for CSV", 3, r"train\.csv", r"zip archive", r"Save the sheet as CSV", xlsx, CSV),
    Mistake("a JSON array for JSON lines", 3, r"train\.jsonl:1", r"one JSON array", r"jq -c",
            text("train.jsonl", '[\n{"text": "a", "label": "good"}\n]\n'), set_key("tasks.mood.train=train.jsonl")),
    Mistake("JSON that is none", 3, r"train\.jsonl:2:\d+", r"not valid JSON.*expected '}'", r"correct it",
            text("train.jsonl", '{"text": "a", "label": "good"}\n{"text": "a, "label": "good"}\n'),
            set_key("tasks.mood.train=train.jsonl")),
    Mistake("a field that JSON rows lack", 3, r"train\.jsonl:2", r"no field 'label'", r"Correct the row",
            text("train.jsonl", '{"text": "a", "label": "good"}\n{"text": "a", "lable": "good"}\n'),
            set_key("tasks.mood.train=train.jsonl")),
    Mistake("an extension that says nothing", 2, r"train\.dat", r"extension '\.?dat'", r"Set `format`",
            table(name="train.dat"), set_key("tasks.mood.train=train.dat")),
    Mistake("a number with a comma for regression", 3, r"train\.tsv:3", r"'1,5'", r"decimal point",
            text("train.tsv", "text\tlabel\na\t1.5\nb\t1,5\n"), set_key("tasks.mood.options.kind=regression")),
    # Labels
    Mistake("a label in dev that train lacks", 3, r"dev\.tsv:4", r"'godo'", r"nearest: 'good'|correct",
            text("dev.tsv", "text\tlabel\na\tgood\nb\tbad\nc\tgodo\n")),
    Mistake(
        "a single label", 3, r"task 'mood'", r"only the label 'good'", r"Is `label` the right column",
        both(table(change=lambda pairs: [(a, "good") for a, _ in pairs]),
             table(name="dev.tsv", change=lambda pairs: [(a, "good") for a, _ in pairs]))),
    Mistake(
        "an identifier for the label", 3, r"dev\.tsv:2", r"unknown label 'dev0'", r"Is it the right column",
        both(table(change=lambda pairs: [(a, f"id{i}") for i, (a, _) in enumerate(pairs)]),
             table(name="dev.tsv", change=lambda pairs: [(a, f"dev{i}") for i, (a, _) in enumerate(pairs)]))),
    Mistake("an empty label", 3, r"train\.tsv:3", r"nothing as label", r"give one, or leave the row out",
            text("train.tsv", "text\tlabel\na\tgood\nb\t\n")),
    Mistake(
        "text and label swapped", 3, r"dev\.tsv:2", r"unknown label", r"Is it the right column",
        call=set_key("tasks.mood.data.text=label", "tasks.mood.data.label=text"),
        does=both(table(change=lambda pairs: [(f"{a} {i}", b) for i, (a, b) in enumerate(pairs)]),
                  table(name="dev.tsv", change=lambda pairs: [(f"{a} dev {i}", b) for i, (a, b) in enumerate(pairs)]))),
    Mistake("dev is train", 0, r"dev", r"duplicates", r"earlier set|leak",
            does=lambda test: shutil.copy(test.dir / "train.tsv", test.dir / "dev.tsv"), out="stdout"),
    # The model
    Mistake("a model folder that is not there", 6, r"nowhere", r"no such model folder", r"give \[model\] path",
            call=set_key("model.path=nowhere")),
    Mistake("a folder that is no model", 6, r"data: ", r"no config\.json", r"give the folder that has it",
            folder("data"), set_key("model.path=data")),
    Mistake("a model without its vocabulary", 6, r"model", r"vocab\.txt", r"tokenizer\.json",
            model(lambda path: (path / "vocab.txt").unlink()), MODEL),
    Mistake("a model without weights", 6, r"model", r"model\.safetensors", r"pytorch_model\.bin",
            model(lambda path: (path / "model.safetensors").unlink()), MODEL),
    Mistake("GPT-2 for BERT", 3, r"config\.json", r"gpt2.*trains models of type", r"choose one of these",
            config(model_type="gpt2"), MODEL),
    Mistake("sizes of another model", 3, r"/model: ", r"word_embeddings.*found \[81, 32\], expected",
            r"take both from the same", config(vocab_size=7), MODEL),
    Mistake("max_length above the model's positions", 2, r"max_length", r"512.*64 tokens", r"set it to 64 or less",
            call=set_key("model.max_length=512")),
    # The suite
    Mistake("a missing suite", 2, r"siute\.toml", r"no such suite", r"check the path", call=("check", "siute.toml")),
    Mistake("a suite that is no TOML", 2, r"suite\.toml:1:7", r"not valid TOML", r"expected '\]'",
            text("suite.toml", "[model\npath = 1\n")),
    Mistake("a typo in a key", 2, r"suite\.toml:7:1", r"no key 'epohcs'", r"did you mean 'epochs'",
            lambda test: test.replace("suite.toml", "epochs", "epohcs")),
    Mistake("a wrong type", 2, r"training\.epochs", r"is a string", r"must be a number",
            call=set_key("training.epochs='two'")),
    Mistake("an unknown option of the task", 2, r"dropuot", r"no key 'dropuot'", r"did you mean 'dropout'",
            call=set_key("tasks.mood.options.dropuot=0.1")),
    Mistake("a choice that there is not", 2, r"options\.kind", r'is "multilabel"', r'did you mean "multi-label"',
            call=set_key("tasks.mood.options.kind=multilabel")),
    Mistake("an unknown plugin", 2, r"tasks\.mood\.plugin", r"no plugin 'clasification'",
            r"did you mean 'classification'", call=set_key("tasks.mood.plugin=clasification")),
    Mistake("a folder of plugins that is not there", 6, r"nowhere", r"can't be read", r"correct --plugin-path",
            call=("check", "suite.toml", "--plugin-path", "nowhere")),
    Mistake("--set without a value", 2, r"--set training\.epochs", r"no '='", r"section\.key=value",
            call=set_key("training.epochs")),
    Mistake("--set of a key that there is not", 2, r"--set training\.epoch=3", r"no key 'epoch'",
            r"did you mean 'epochs'", call=set_key("training.epoch=3")),
    Mistake("batch_size 0", 2, r"training\.batch_size", r"is 0", r"at least 1", call=set_key("training.batch_size=0")),
    Mistake("a rate of 5 for 5e-5", 0, r"mood: ", r"learned nothing: accuracy", r"lower.*optimizer\.rate",
            call=("run", "suite.toml", "--out", "run", "--set", "optimizer.rate=5"), out="stdout"),
    Mistake("two tasks of one name", 2, r"suite\.toml:\d+", r"redefine existing table 'tasks\.mood'",
            r"give a second task another name", lambda test: test.append("suite.toml", "\n[tasks.mood]\nplugin = 'qa'\n")),
    Mistake("no task", 2, r"suite\.toml", r"'tasks' is missing", r"add \[tasks\.NAME\]", lambda test:
            (test.dir / "suite.toml").write_text(f'[model]\npath = "{test.shared.name}/model"\n')),
    # Other tasks
    Mistake("CoNLL with one column", 3, r"train\.conll:2", r"1 column", r"tab or spaces",
            task("ner", "train.conll", "a O\nfine\n\nday O\n\n")),
    Mistake("a tag that is none", 3, r"train\.conll:2", r"'person'", r"expected O, or B-",
            task("ner", "train.conll", "a O\nfine person\n\nday O\n\n")),
    Mistake(
        "entities outside of their text", 3, r"train\.jsonl:1", r"from 0 to 99.*10 characters", r"expected 0 <=",
        task("ner", "train.jsonl",
             '{"text": "a fine day", "entities": [[0, 99, "x"]]}\n{"text": "a", "entities": []}\n')),
    Mistake("answer_start that is wrong", 3, r"train\.json:1", r"'town' does not stand at its answer_start 3",
            r"nearest one stands at 14.*Correct it, or set bad_answers", task("qa", "train.json", SQUAD)),
    Mistake("SQuAD's JSON for another task", 3, r"train\.json:1", r"field 'text'", r"Correct the row|qa",
            task("classification", "train.json", SQUAD)),
    Mistake("a target that is too long", 3, r"train\.tsv:2", r"180 words", r"Raise `max_length`",
            task("seq2seq", "train.tsv", LONG)),
    # Commands
    Mistake("an unknown command", 2, r"rnu", r"no command 'rnu'", r"did you mean 'run'", call=("rnu", "suite.toml")),
    Mistake("an unknown flag", 2, r"--sett", r"unrecognised option", r"berth run --help",
            call=("run", "suite.toml", "--sett", "a=b")),
    Mistake("an --out that holds other files", 2, r"full", r"not empty", r"give --out a new",
            both(folder("full"), text("full/notes.txt", "mine")), ("run", "suite.toml", "--out", "full")),
    Mistake("--resume of a folder that is no run", 6, r"empty: ", r"holds no run",
            r"give the folder that `berth run` wrote", folder("empty"), ("run", "--resume", "empty")),
    Mistake("predict with a folder that is no run", 6, r"nowhere", r"no such folder",
            r"give the one that `berth run` wrote", call=("predict", "nowhere", "--task", "mood")),
    Mistake(
        "a rate of 1e30: the numbers overflow", 5, r"step \d+", r"the loss is -?(nan|inf)", r"lower the rate",
        call=("run", "suite.toml", "--out", "run", "--set", "optimizer.rate=1e30", "--set", "training.clip_norm=0",
              "--set", "schedule.kind=constant", "--set", "schedule.warmup=0")),
    Mistake("a folder that can't be made", 6, r"train\.tsv/run", r"can't be made: Not a directory",
            r"give --out another", call=("run", "suite.toml", "--out", "train.tsv/run")),
    Mistake("a line to answer that lacks the column", 3, r"standard input:1", r"no field 'text'; found 'txet'",
            r"Correct the row", short_run, ("predict", "run", "--task", "mood"), stdin='{"txet": "a fine day"}\n'),
    Mistake("a line to answer that is no JSON", 3, r"standard input:1:1", r"not valid JSON", r"correct it", short_run,
            ("predict", "run", "--task", "mood"), stdin="a fine day\n"),
    Mistake("another task's name", 2, r"--task moood", r"no such task", r"did you mean 'mood'", short_run,
            ("predict", "run", "--task", "moood"), stdin=""),
]


def labels(*expected):
    """What the task of the folder "run" took for its labels."""
    return lambda test: test.assertEqual(test.json("run/checkpoints/last/tasks/mood.state")["labels"], [*expected])


# What is no mistake, though it looks like one: (what, what is done, how berth is called, what it says or leaves, and
# what else is done before).
TAKEN = [
    ("a byte order mark", table(change=lambda pairs: pairs), ("check", "suite.toml"), "all is well",
     lambda test: text("train.tsv", (test.dir / "train.tsv").read_text(), "utf-8-sig")(test)),
    ("labels with spaces around", table(change=lambda pairs: [(a, f" {b}  " if i % 2 else b) for i, (a, b) in enumerate(pairs)]),
     ("run", "suite.toml", "--out", "run", "--set", "training.steps=2"), labels("bad", "good"), lambda test: None),
    ("lines that end as on Windows", table(), ("check", "suite.toml"), "all is well",
     lambda test: text("train.tsv", (test.dir / "train.tsv").read_text().replace("\n", "\r\n"))(test)),
    ("tags that begin with I-", task("ner", "train.conll", "a O\nfine I-x\nday I-x\n\nthe O\nbest I-x\n\n"),
     ("check", "suite.toml"), "all is well", lambda test: None),
]


class Mistakes(ProgramTest):
    def append(self, name, content):
        with open(self.dir / name, "a", encoding="utf-8") as file:
            file.write(content)

    def replace(self, name, old, new):
        file = self.dir / name
        file.write_text(file.read_text().replace(old, new))

    def check(self, mistake):
        result = self.berth(*mistake.call, code=mistake.code, stdin=mistake.stdin)
        message = getattr(result, mistake.out)
        if os.environ.get("SHOW"):
            print(f"--- {mistake.what}\n{message}")
        for part in ("place", "reason", "step"):
            pattern = getattr(mistake, part)
            self.assertRegex(message, re.compile(pattern, re.DOTALL), f"{mistake.what}: no {part}")

    def test_each(self):
        self.assertGreaterEqual(len(MISTAKES), 30)
        self.assertEqual(len({mistake.what for mistake in MISTAKES}), len(MISTAKES))
        for mistake in MISTAKES:
            with self.subTest(mistake.what):
                self.setUp()
                mistake.does(self)
                self.check(mistake)
                self.doCleanups()

    def test_what_is_taken_as_it_is_meant(self):
        for what, does, call, says, more in TAKEN:
            with self.subTest(what):
                self.setUp()
                does(self)
                more(self)
                output = self.berth(*call).stdout
                says(self) if callable(says) else self.assertIn(says, output)
                self.doCleanups()

    def test_runs_leave_nothing_behind(self):
        self.fails(3, "run", "suite.toml", "--out", "run", "--set", "tasks.mood.data.text=txet")
        self.assertFalse((self.dir / "run").exists())
