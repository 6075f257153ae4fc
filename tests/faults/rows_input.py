"""Faults of what is read: the suite, the data, the model; and a loss that is no number."""
import json
import os
import shutil

from fault_test import BERTH, PLUGINS, FaultTest, needs_strace, row


def rows_of(count):
    return [("a fine day", "good"), ("a sad day", "bad")] * (count // 2)


class Data(FaultTest):
    def expect_refused(self, result, code, *says):
        self.expect(result, code, *says)
        self.assertFalse((self.dir / "run").exists(), "a failed start leaves no folder behind")

    @needs_strace
    @row("reading the data fails", "read of train.tsv: EIO, at its beginning; within it", "exit 6 naming the file")
    def test_a_read_that_fails(self):
        self.write_rows("train.tsv", rows_of(20000))
        for nth in (1, 3):
            self.expect_refused(self.inject("read", "error=EIO", r"train\.tsv", nth=nth, calls=9), 6,
                                "train.tsv: reading failed: Input/output error")

    @needs_strace
    @row("a data file is cut while it is read",
         "it stands still within the file, which is cut between two rows, within one",
         "exit 6 naming the file: never a model of half the data")
    def test_data_that_is_cut_while_it_is_read(self):
        self.write_rows("train.tsv", rows_of(20000))
        file, whole = self.dir / "train.tsv", (self.dir / "train.tsv").read_bytes()
        for size in (whole.index(b"\n", len(whole) // 2) + 1, len(whole) // 2):
            with self.subTest(size=size):
                file.write_bytes(whole)
                result = self.while_stopped(lambda: os.truncate(file, size), "read", r"train\.tsv", nth=2)
                self.expect_refused(result, 6, "train.tsv")

    @needs_strace
    @row("a data file is removed while it is read", "the same, removed", "exit 6 naming it, where it is read once more")
    def test_data_that_is_removed_while_it_is_read(self):
        result = self.while_stopped((self.dir / "train.tsv").unlink, "read", r"train\.tsv")
        self.expect_refused(result, 6, "train.tsv: can't open the data file")

    @row("the data can't be read", "a folder; /proc/self/mem; a name that is not there", "exit 6 naming it")
    def test_data_that_can_not_be_read(self):
        (self.dir / "folder.tsv").mkdir()
        for name, says in (("folder.tsv", "is a folder"), ("/proc/self/mem", "reading failed"),
                           ("nowhere.tsv", "No such file")):
            self.expect_refused(self.call(*self.command(f"tasks.mood.train='{name}'")), 6, says)

    @row("the data is empty, binary, UTF-16, cut within a character", "such files",
         "exit 3 naming the file, and the line where there is one")
    def test_data_that_is_no_text(self):
        good = (self.dir / "train.tsv").read_bytes()
        for data, says in ((b"", "train.tsv"), (b"\x7fELF\x02\0\0", "train.tsv"), (good.decode().encode("utf-16"), "UTF-16"),
                           (good + "größ".encode()[:-1] + b"\tgood\n", "train.tsv:202:.*UTF-8"),
                           (good + "x".encode() * 100_000, "train.tsv:202"), (good + b"a\0b\tgood\n" * 2, None)):
            (self.dir / "train.tsv").write_bytes(data)
            result = self.call(*self.command())
            if says:
                self.expect_refused(result, 3, says)
            else:
                self.assertIn(result.returncode, (0, 3))


class Model(FaultTest):
    def setUp(self):
        super().setUp()
        shutil.copytree(self.shared.name + "/model", self.dir / "model")
        suite = (self.dir / "suite.toml").read_text()
        (self.dir / "suite.toml").write_text(suite.replace(self.shared.name + "/model", "model"))
        self.weights = self.dir / "model/model.safetensors"

    def expect_refused(self, code, *says, result=None):
        self.expect(result or self.call(*self.command()), code, *says)
        self.assertFalse((self.dir / "run").exists(), "a failed start leaves no folder behind")

    def config(self, **values):
        file = self.dir / "model/config.json"
        file.write_text(json.dumps(json.loads(file.read_text()) | values))

    @needs_strace
    @row("the model is cut while it is read", "it stands still when model.safetensors was opened, which is then cut",
         "exit 6 naming the file, not a death by SIGBUS")
    def test_a_model_that_is_cut_while_it_is_read(self):
        result = self.while_stopped(lambda: os.truncate(self.weights, 20000), "fstat", r"model\.safetensors>")
        self.expect_refused(6, r"model\.safetensors: can't be read: it ended after 20000 bytes", result=result)

    @needs_strace
    @row("reading the model fails", "read of config.json, vocab.txt, model.safetensors: EIO", "exit 6 naming the file")
    def test_a_read_that_fails(self):
        for name in ("config.json", "vocab.txt", "model.safetensors"):
            self.expect_refused(6, f"model/{name}", result=self.inject("read", "error=EIO", f"model/{name}"))

    @row("model.safetensors is a FIFO", "mkfifo", "exit 6 naming the file; a writer is not waited for")
    def test_weights_that_are_a_pipe(self):
        self.weights.unlink()
        os.mkfifo(self.weights)
        self.expect_refused(6, r"model/model\.safetensors")

    @row("the model's weights are cut", "in the header, in the data, to nothing", "exit 3 naming the file")
    def test_weights_that_are_cut(self):
        data = self.weights.read_bytes()
        for size in (0, 7, 100, len(data) // 2, len(data) - 1):
            self.weights.write_bytes(data[:size])
            self.expect_refused(3, "model.safetensors: .*(shorter|truncated)")

    @row("the header of the weights is hostile", "its length 2^63; 100000 brackets; a size of 2^62",
         "exit 3 naming the file")
    def test_weights_with_a_hostile_header(self):
        def weights(header, length=None):
            self.weights.write_bytes((length or len(header)).to_bytes(8, "little") + header)
        for header, length in ((b"{}", 1 << 63), (b"[" * 100_000, None),
                               (b'{"a":{"dtype":"F32","shape":[4611686018427387904],"data_offsets":[0,0]}}', None)):
            weights(header, length)
            self.expect_refused(3, "model.safetensors")

    @row("a file of the model is missing", "config.json, vocab.txt, the weights removed", "exit 6 or 3 naming the file")
    def test_files_that_are_missing(self):
        for name in ("config.json", "vocab.txt", "model.safetensors"):
            with self.subTest(name):
                os.rename(self.dir / "model" / name, self.dir / "away")
                result = self.call(*self.command())
                self.assertIn(result.returncode, (3, 6))
                self.expect_refused(result.returncode, name, result=result)
                os.rename(self.dir / "away", self.dir / "model" / name)

    @row("config.json is hostile",
         "100000 brackets; a hidden size of 10^12, of 2^63, of -1; 10^9 layers; a text for a number",
         "exit 3 naming the file and the value, at once")
    def test_a_hostile_config(self):
        good = (self.dir / "model/config.json").read_text()
        (self.dir / "model/config.json").write_text("[" * 100_000)
        self.expect_refused(3, "config.json")
        for key, value in (("hidden_size", 10**12), ("hidden_size", 1 << 63), ("hidden_size", -1),
                           ("num_hidden_layers", 10**9), ("num_attention_heads", "four"), ("vocab_size", 0)):
            with self.subTest(key=key, value=value):
                (self.dir / "model/config.json").write_text(good)
                self.config(**{key: value})
                self.expect_refused(3, "config.json|hidden_size|tensors")

    @row("an index of shards leads out of the folder",
         "../outside.safetensors; an absolute path; a shard that is missing",
         "exit 3 or 6 naming index and shard; nothing outside is read")
    def test_an_index_that_leads_outside(self):
        os.rename(self.weights, self.dir / "outside.safetensors")
        for shard in ("../outside.safetensors", str(self.dir / "outside.safetensors"), "missing.safetensors"):
            (self.dir / "model/model.safetensors.index.json").write_text(
                json.dumps({"weight_map": {"pooler.dense.bias": shard}}))
            result = self.call(*self.command())
            self.assertIn(result.returncode, (3, 6))
            self.expect_refused(result.returncode, "index.json: .*not a plain file name|missing.safetensors", result=result)

    @row("the vocabulary does not belong to the model", "twice the words; the same word twice", "exit 3 naming it")
    def test_another_vocabulary(self):
        file = self.dir / "model/vocab.txt"
        words = file.read_text()
        for text in (words + "".join(f"more{i}\n" for i in range(200)), words + "[CLS]\n"):
            file.write_text(text)
            self.expect_refused(3, "model")

    @row("the weights hold NaN", "in the embeddings of words", "exit 5: the loss is no number, and what to do")
    def test_weights_that_are_no_numbers(self):
        data = self.weights.read_bytes()
        begin, nans = 8 + int.from_bytes(data[:8], "little"), b"\0\0\xc0\x7f" * 1000
        self.weights.write_bytes(data[:begin] + nans + data[begin + len(nans):])
        self.expect(self.call(*self.command()), 5, "nan|finite")

    @row("a loss that is not finite", "a rate of 1e30, no clipping",
         "exit 5: the rate is to be lowered; the last good checkpoint is whole")
    def test_a_loss_that_is_not_finite(self):
        result = self.call(*self.command("optimizer.rate=1e30", "training.clip_norm=0", "schedule.kind=constant",
                                         "schedule.warmup=0"))
        self.expect(result, 5, "lower the rate")
        self.expect_whole(self.json("run/summary.json")["steps"])

    def not_finite(self, policy, kind):
        """A run with the test plugin, whose 31st row makes a loss or a gradient that is no number."""
        lines = (self.dir / "train.tsv").read_text().splitlines()
        lines[30] = f"{kind} {lines[30]}"
        (self.dir / "train.tsv").write_text("\n".join(lines) + "\n")
        result = self.call(*self.command("training.steps=16", "tasks.mood.plugin=flawed", "tasks.mood.options.flaw=not_finite",
                                         f"training.not_finite={policy}"), "--plugin-path", PLUGINS / "plugins-flawed")
        found = [line for line in self.json_lines("run/metrics.jsonl") if line["kind"] == "not_finite"]
        for line in found:
            self.assertIn(31, [place["line"] for place in line["examples"]])
        return result, found

    @row("a row that makes a loss that is no number", 'training.not_finite = "stop"',
         "exit 5 naming the batch's rows; the checkpoint of the step before is whole")
    def test_a_loss_that_is_no_number(self):
        result, found = self.not_finite("stop", "poison")
        self.expect(result, 5, r"the loss is nan; its examples: .*train\.tsv, lines .*\b31\b")
        self.expect_whole(found[0]["step"] - 1)

    @row("a row that makes a gradient that is no number", 'training.not_finite = "skip"',
         "exit 0; that step's update is left out, and the report says so")
    def test_a_gradient_that_is_no_number(self):
        result, found = self.not_finite("skip", "sting")
        self.expect(result, 0)
        self.assertGreaterEqual(len(found), 1)
        self.assertIn("skipped this step", result.stdout)
        self.expect_whole(16)

    @row("the same, with a way back", 'training.not_finite = "back"',
         "exit 0; the last checkpoint is brought back, and the report says so")
    def test_a_way_back(self):
        result, found = self.not_finite("back", "poison")
        self.expect(result, 0)
        self.assertGreaterEqual(len(found), 1)
        self.assertIn(f"went back to step {found[0]['back_to']}", result.stdout)
        self.expect_whole(16)

    @row("an export that can't be written", "ulimit -f 50 (EFBIG)",
         "exit 6 naming the file; nothing half written is left; a second try works")
    def test_an_export_that_can_not_be_written(self):
        self.train("run", "--set", "training.steps=2", "--set", "analysis.at_end=false")
        export = [BERTH, "export", "run", "--task", "mood", "--to", "out"]
        result = self.shell('trap "" XFSZ; ulimit -f 50; exec "$@"', *export)
        self.expect(result, 6, "model.safetensors: can't be written: File too large")
        self.assertEqual(list((self.dir / "out").glob("*")), [])
        self.expect(self.call(*export), 0)
