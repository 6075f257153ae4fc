"""What the end-to-end tests share: a tiny model, small data, and running the program."""
import hashlib
import json
import os
import pathlib
import pty
import random
import subprocess
import sys
import tempfile
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).parent.parent / "support"))
import tiny_model

BERTH = os.environ["BERTH"]
GOOD = ["a fine day", "the best of all", "great food and good music", "we loved it", "a warm and happy place"]
BAD = ["a sad day", "the worst of all", "cold food and bad music", "we hated it", "a grey and angry place"]
PLACES = ["here", "there", "at home", "in town", "by the sea", "on the road"]


def settings(*values):
    """The arguments that give a suite these."""
    return [argument for value in values for argument in ("--set", value)]


def rows(count, seed):
    rng = random.Random(seed)
    for _ in range(count):
        label = rng.choice(["good", "bad"])
        yield f"{rng.choice(GOOD if label == 'good' else BAD)} {rng.choice(PLACES)}", label


class ProgramTest(unittest.TestCase):
    """A folder of its own with model/, train.tsv, dev.tsv and suite.toml for each test."""

    @classmethod
    def setUpClass(cls):
        cls.shared = tempfile.TemporaryDirectory()
        tiny_model.write(pathlib.Path(cls.shared.name) / "model", GOOD + BAD + PLACES)

    @classmethod
    def tearDownClass(cls):
        cls.shared.cleanup()

    def setUp(self):
        self.temporary = tempfile.TemporaryDirectory()
        self.addCleanup(self.temporary.cleanup)
        self.dir = pathlib.Path(self.temporary.name)
        self.write_rows("train.tsv", rows(200, 1))
        self.write_rows("dev.tsv", rows(60, 2))
        self.suite()

    def write_rows(self, name, pairs):
        lines = ["text\tlabel"] + [f"{text}\t{label}" for text, label in pairs]
        (self.dir / name).write_text("\n".join(lines) + "\n", encoding="utf-8")

    def suite(self, text="", task="", name="suite.toml"):
        """text: further sections; task: further lines of [tasks.mood]."""
        (self.dir / name).write_text(f"""
[model]
path = "{self.shared.name}/model"
max_length = 32

[training]
epochs = 8
batch_size = 16

[optimizer]
rate = 3e-3
{text}
[tasks.mood]
plugin = "classification"
train = "train.tsv"
{task or 'dev = "dev.tsv"'}
""")

    def berth(self, *arguments, code=0, stdin=None, environment=None):
        result = subprocess.run([BERTH, *map(str, arguments)], input=stdin, capture_output=True, text=True, cwd=self.dir,
                                env={**os.environ, "OMP_NUM_THREADS": "1", **(environment or {})})
        self.assertEqual(result.returncode, code, f"{arguments}\n{result.stdout}\n{result.stderr}")
        return result

    def on_a_terminal(self, *command, types="", environment=None):
        """What a program that ends well writes to a terminal, on which this is typed."""
        ours, theirs = pty.openpty()
        process = subprocess.Popen(list(map(str, command)), cwd=self.dir, stdin=theirs, stdout=theirs, stderr=theirs,
                                   env={**os.environ, "TERM": "xterm", "OMP_NUM_THREADS": "1", **(environment or {})})
        os.close(theirs)
        os.write(ours, types.encode())
        said = b""
        while True:
            try:
                piece = os.read(ours, 65536)
            except OSError:  # the other end is closed
                break
            if not piece:
                break
            said += piece
        os.close(ours)
        self.assertEqual(process.wait(), 0, said.decode(errors="replace"))
        return said

    def fails(self, code, *arguments, says=(), **keywords):
        """Runs the program, expects the exit code and each of `says` in its one message."""
        error = self.berth(*arguments, code=code, **keywords).stderr
        for text in [says] if isinstance(says, str) else says:
            self.assertIn(text, error)
        return error

    def train(self, out="run", *arguments):
        return self.berth("run", "suite.toml", "--out", out, *arguments)

    def json(self, path):
        return json.loads((self.dir / path).read_text())

    def vouch_for(self, checkpoint):
        """A manifest for what a test changed in a checkpoint, as another tool computes it."""
        folder = self.dir / checkpoint
        manifest = json.loads((folder / "manifest.json").read_text())
        for name, entry in manifest["files"].items():
            data = (folder / name).read_bytes()
            entry |= {"bytes": len(data), "sha256": hashlib.sha256(data).hexdigest()}
        (folder / "manifest.json").write_text(json.dumps(manifest))

    def entries(self, path):
        """Name, type and bytes of each tensor of a safetensors file."""
        data = (self.dir / path).read_bytes()
        size = int.from_bytes(data[:8], "little")
        for name, entry in json.loads(data[8:8 + size]).items():
            if name != "__metadata__":
                begin, end = entry["data_offsets"]
                yield name, entry["dtype"], data[8 + size + begin:8 + size + end]

    def tensors(self, path):
        """The bytes of each tensor of a safetensors file."""
        return {name: data for name, _, data in self.entries(path)}

    def content(self, out):
        """The hash of all that the run has learned."""
        return self.json(f"{out}/checkpoints/last/manifest.json")["content"]

    def json_lines(self, path):
        return [json.loads(line) for line in (self.dir / path).read_text().splitlines()]
