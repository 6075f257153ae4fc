"""compare_schema.py BERTH: `berth schema` against berth's own reading of suites.

Every suite of the repository must fit the schema. Suites with one mistake each must be refused by the schema, as
Python's jsonschema reads it, by taplo, as editors do, and by berth itself; suites with one unusual but right line must
be taken by all three. The model is not there: berth refuses a wrong suite before it looks for it (exit code 2), and
misses the model where the suite is right (6).

One difference is left out: JSON Schema knows none between 2 and 2.0, berth wants whole numbers without a point.
"""
import json
import os
import pathlib
import subprocess
import sys
import tempfile
import tomllib

try:
    import jsonschema
except ImportError:
    print("jsonschema is not installed: left out")
    sys.exit(77)

ROOT = pathlib.Path(__file__).resolve().parents[3]
BERTH = sys.argv[1]
TAPLO = pathlib.Path(sys.executable).with_name("taplo")

SUITE = """
[model]
path = "model"
[tasks.inbox]
plugin = "classification"
train = "train.tsv"
"""

# What is written at the suite's end.
GOOD = [
    ("the suite as it is", ""),
    ("a number in place of a real", "[training]\nepochs = 2"),
    ("no clipping", "[training]\nclip_norm = 0"),
    ("a choice", "[training]\nnot_finite = \"skip\""),
    ("betas", "[optimizer]\nbetas = [0, 0.99]"),
    ("patterns", "[optimizer]\nfreeze = [\"embeddings\", \"layers.0-3\"]"),
    ("no patterns", "[finetuning]\nmethod = \"top\"\nlora_targets = []"),
    ("phases", "[mixing]\nkind = \"phases\"\n"
               "phases = [{ steps = 3, shares = { inbox = 1 } }, { shares = { inbox = 2.5 } }]"),
    ("a set as a path", "[tasks.inbox.sets]\nnewer = \"a.tsv\""),
    ("a set as a table", "[tasks.inbox.sets.newer]\npath = \"a.csv\"\ndata = { text = \"body\" }"),
    ("dev as a table", "[tasks.inbox.dev]\npath = \"a.csv\"\n[tasks.inbox.dev.data]\nlabel = \"l\""),
    ("options", "[tasks.inbox.options]\ndropout = 0.2"),
    ("data", "[tasks.inbox.data]\ntext = \"body\""),
    ("debias", "[tasks.inbox.debias]\ngroup = \"place\"\nby_label = false"),
    ("a sweep", "[sweep]\nseeds = [1, 2]\n[sweep.over]\n\"optimizer.rate\" = [1e-5, 2e-5]"),
    ("dotted keys to sweep over",
     "[sweep.over]\noptimizer.rate = { from = 1e-5, to = 1e-4, count = 3, scale = \"log\" }"),
    ("variants", "[sweep.variants]\nplain = {}\nlong = { \"training.epochs\" = 9 }"),
    ("a name with dashes", "[tasks.other-1_B]\nplugin = \"classification\"\ntrain = \"b.tsv\""),
]
BAD = [
    ("an unknown section", "[trainning]\nepochs = 2"),
    ("an unknown key", "[training]\nepoch = 2"),
    ("an unknown key of the model", "[analysis]\nmax_length = 3"),
    ("a string in place of a number", "[training]\nepochs = \"2\""),
    ("a real in place of an integer", "[training]\nbatch_size = 2.5"),
    ("a number in place of a boolean", "[training]\nshuffle = 1"),
    ("a boolean in place of a number", "[training]\nseed = true"),
    ("a number in place of a string", "[evaluation]\nselect_by = 1"),
    ("a value in place of a table", "[mixing.kind]\na = 1"),
    ("too small", "[training]\nbatch_size = 0"),
    ("below an open bound", "[training]\nepochs = 0"),
    ("too large", "[optimizer]\nlayer_decay = 1.5"),
    ("at an open upper bound", "[finetuning]\nmixout = 1"),
    ("negative", "[schedule]\nwarmup = -0.1"),
    ("a wrong choice", "[schedule]\nkind = \"linaer\""),
    ("a choice in capitals", "[mixing]\nstep = \"All\""),
    ("a choice that is a number", "[training]\npreset = 3"),
    ("one beta", "[optimizer]\nbetas = [0.9]"),
    ("three betas", "[optimizer]\nbetas = [0.9, 0.99, 0.999]"),
    ("a beta of 1", "[optimizer]\nbetas = [0.9, 1]"),
    ("betas that are none", "[optimizer]\nbetas = 0.9"),
    ("a pattern that is no list", "[optimizer]\nfreeze = \"embeddings\""),
    ("an empty pattern", "[optimizer]\nfreeze = [\"\"]"),
    ("patterns of numbers", "[optimizer]\ntrain_only = [1]"),
    ("phases that are a table", "[mixing]\nkind = \"phases\"\nphases = { steps = 1 }"),
    ("a phase without shares", "[mixing]\nkind = \"phases\"\nphases = [{ steps = 1 }]"),
    ("a negative share", "[mixing]\nkind = \"phases\"\nphases = [{ shares = { inbox = -1 } }]"),
    ("an unknown key of a phase", "[mixing]\nkind = \"phases\"\nphases = [{ shares = { inbox = 1 }, length = 1 }]"),
    ("a task without a plugin", "[tasks.other]\ntrain = \"b.tsv\""),
    ("an empty plugin", "[tasks.other]\nplugin = \"\"\ntrain = \"b.tsv\""),
    ("a task that is none", "[tasks]\nother = 3"),
    ("a task's name with a space", "[tasks.\"a b\"]\nplugin = \"classification\"\ntrain = \"b.tsv\""),
    ("an unknown key of a task", "[tasks.inbox.data2]\na = 1"),
    ("a split of all", "[tasks.other]\nplugin = \"classification\"\ntrain = \"b.tsv\"\nsplit = 1"),
    ("a set without a path", "[tasks.inbox.sets]\nnewer = { data = {} }"),
    ("a set that is a number", "[tasks.inbox.sets]\nnewer = 3"),
    ("a set called dev", "[tasks.inbox.sets]\ndev = \"a.tsv\""),
    ("an unknown key of a set", "[tasks.inbox.sets.newer]\npath = \"a.tsv\"\nformat = \"tsv\""),
    ("an unknown key of debias", "[tasks.inbox.debias]\ngroups = \"place\""),
    ("a wrong method of debias", "[tasks.inbox.debias]\nmethod = \"dro\""),
    ("an empty path", "[tasks.inbox.debias]\nteacher = \"\""),
    ("a seed twice", "[sweep]\nseeds = [1, 1]"),
    ("a negative seed", "[sweep]\nseeds = [-1]"),
    ("a wrong search", "[sweep]\nsearch = \"bayes\"\nseeds = [1]"),
    ("a key with no values", "[sweep.over]\n\"optimizer.rate\" = []"),
    ("a key with one value", "[sweep.over]\n\"optimizer.rate\" = 1e-5"),
    ("half a range", "[sweep.over]\n\"optimizer.rate\" = { from = 1e-5 }"),
    ("a range with one step", "[sweep.over]\n\"optimizer.rate\" = { from = 1e-5, to = 1e-4, count = 1 }"),
    ("a variant that is no table", "[sweep.variants]\nplain = 1"),
]
# What only the plugin can say: berth refuses it when it has loaded the plugin, which needs a model and files.
BAD_OPTIONS = [
    ("an unknown option", "[tasks.inbox.options]\ndropuot = 0.2"),
    ("an option of a wrong type", "[tasks.inbox.options]\ndropout = \"0.2\""),
    ("an option out of range", "[tasks.inbox.options]\ndropout = 1.5"),
    ("an unknown key of data", "[tasks.inbox.data]\ntxt = \"body\""),
    ("an unknown key of a set's data", "[tasks.inbox.sets.newer]\npath = \"a.tsv\"\ndata = { txt = \"b\" }"),
]
MISSING = [("no model", SUITE.replace('[model]\npath = "model"\n', "")), ("no tasks", '[model]\npath = "model"\n'),
           ("no path", SUITE.replace('path = "model"\n', "")),
           ("an empty table of tasks", '[model]\npath = "model"\n[tasks]\n')]


class Judges:
    """Three verdicts on one text: True where it is taken."""

    def __init__(self, folder):
        self.folder = folder
        self.file = folder / "suite.toml"
        self.schema = folder / "berth.schema.json"
        subprocess.run([BERTH, "schema", "--out", self.schema], check=True)
        loaded = json.loads(self.schema.read_text())
        jsonschema.Draft202012Validator.check_schema(loaded)
        self.validator = jsonschema.Draft202012Validator(loaded)

    def by_schema(self, text):
        return self.validator.is_valid(tomllib.loads(text))

    def by_taplo(self, text):
        self.file.write_text(text)
        result = subprocess.run([TAPLO, "lint", "--schema", self.schema.as_uri(), self.file], capture_output=True,
                                text=True, env={**os.environ, "RUST_LOG": "warn"})
        assert result.returncode in (0, 1), result.stderr
        return result.returncode == 0

    def by_berth(self, text):
        self.file.write_text(text)
        result = subprocess.run([BERTH, "check", self.file], capture_output=True, text=True)
        assert result.returncode in (2, 6), result.stderr  # the suite, or the model that is not there
        return result.returncode == 6


def suites():
    for folder in ("configs", "tests/bench", "sdk/templates"):
        yield from sorted((ROOT / folder).rglob("*.toml"))


def main():
    failures = []
    compared = 0

    def expect(what, judge, text, wanted):
        nonlocal compared
        compared += 1
        if judge(text) != wanted:
            failures.append(f"{judge.__name__} {'refuses' if wanted else 'takes'} {what}")

    with tempfile.TemporaryDirectory() as folder:
        judges = Judges(pathlib.Path(folder))
        has_taplo = TAPLO.exists()
        for file in suites():
            for error in judges.validator.iter_errors(tomllib.loads(file.read_text())):
                failures.append(f"{file.relative_to(ROOT)}: {error.message}")
            if has_taplo:
                expect(str(file), judges.by_taplo, file.read_text(), True)
            compared += 1
        cases = [(what, f"{SUITE}{text}\n", True) for what, text in GOOD]
        cases += [(what, f"{SUITE}{text}\n", False) for what, text in BAD]
        cases += [(what, text, False) for what, text in MISSING]
        for what, text, wanted in cases:
            expect(what, judges.by_schema, text, wanted)
            expect(what, judges.by_berth, text, wanted)
            if has_taplo:
                expect(what, judges.by_taplo, text, wanted)
        for what, text in BAD_OPTIONS:
            expect(what, judges.by_schema, f"{SUITE}{text}\n", False)
            # Another plugin may have such keys.
            expect(what, judges.by_schema, f"{SUITE}{text}\n".replace('"classification"', '"elsewhere"'), True)
            if has_taplo:
                expect(what, judges.by_taplo, f"{SUITE}{text}\n", False)
    print("\n".join(failures))
    print(f"{compared} verdicts, {len(failures)} wrong{'' if has_taplo else '; taplo is not installed, so without it'}")
    sys.exit(1 if failures else 0)


if __name__ == "__main__":
    main()
