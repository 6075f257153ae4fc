"""Training sets that are streamed from their files: what is learned is what a set in memory teaches, a run goes on from
anywhere, and what needs the whole set is refused."""
import gzip
import os

from program import rows, settings
import run_folders
from test_resume import FourTasksTest

PLUGINS = os.path.join(os.environ["TEST_PLUGINS"], "plugins-flawed")
STREAM = ("tasks.mood.stream=true", "training.steps=30", "training.log_every=1", "evaluation.every=10", "analysis.at_end=false")
IN_ORDER = (*STREAM, "training.shuffle=false")


class StreamingTest(FourTasksTest):
    def train(self, out="run", *arguments, **keywords):
        return self.berth("run", "suite.toml", "--out", out, *arguments, **keywords)

    def learned(self, out):
        """Every tensor of the last checkpoint, but for those by which a run finds its training sets again."""
        folder = self.dir / out / "checkpoints/last"
        tensors = {}
        for file in folder.rglob("*.safetensors"):
            name = str(file.relative_to(folder))
            tensors |= {f"{name}/{key}": value for key, value in self.tensors(f"{out}/checkpoints/last/{name}").items()}
        self.assertGreater(len(tensors), 20)
        return {key: value for key, value in tensors.items() if key.split("/", 1)[1] != "data" and "/stream/" not in key}

    def losses(self, out):
        return [(line["step"], line["task"], line["loss"]) for line in self.json_lines(f"{out}/metrics.jsonl")
                if line["kind"] == "train"]


class Streaming(StreamingTest):
    def setUp(self):
        super().setUp()
        self.write_rows("train.tsv", rows(200, 1))
        self.suite()

    def stream(self, out, *more, **keywords):
        return self.train(out, *settings(*STREAM, *more), **keywords)

    def refuses(self, *more, says):
        self.fails(2, "run", "suite.toml", "--out", "none", *settings(*more), says=says)
        self.assertFalse((self.dir / "none").exists())

    def test_in_order_it_learns_what_a_set_in_memory_teaches(self):
        """Over two epochs and a part, each with a short last step."""
        accumulated = ("training.batch_size=9", "training.accumulate=2")
        self.train("held", *settings(*IN_ORDER, *accumulated, "tasks.mood.stream=false"))
        output = self.train("streamed", *settings(*IN_ORDER, *accumulated)).stdout
        self.assertIn(f"training examples streamed from {self.dir}/train.tsv", output)
        self.assertEqual(self.losses("streamed"), self.losses("held"))
        self.assertEqual(self.learned("streamed"), self.learned("held"))
        held, streamed = self.json("held/summary.json"), self.json("streamed/summary.json")
        self.assertEqual(streamed["tasks"]["mood"]["train_examples"], None)
        self.assertEqual(streamed["tasks"]["mood"]["dev"], held["tasks"]["mood"]["dev"])

    def test_shuffled_it_learns_as_well(self):
        self.stream("run", "training.steps=100", "tasks.mood.shuffle_buffer=50")
        self.assertEqual(self.json("run/summary.json")["tasks"]["mood"]["dev"]["accuracy"]["final"], 1)
        self.stream("again", "training.steps=100", "tasks.mood.shuffle_buffer=50")
        self.assertEqual(self.learned("again"), self.learned("run"))
        self.stream("other", "training.steps=100", "tasks.mood.shuffle_buffer=51")
        self.assertNotEqual(self.losses("other"), self.losses("run"))

    def test_evaluations_come_ten_times_a_run(self):
        self.stream("run", "evaluation.every=0")
        steps = [line["step"] for line in self.json_lines("run/metrics.jsonl") if line["kind"] == "evaluation"]
        self.assertEqual(steps, list(range(3, 31, 3)))
        self.assertTrue(all(line["epoch"] is None for line in self.json_lines("run/metrics.jsonl") if "epoch" in line))
        self.assertIn("</html>", (self.dir / "run/report.html").read_text())

    def test_patterns_and_compressed_files(self):
        self.train("one", *settings(*IN_ORDER))
        header, *lines = (self.dir / "train.tsv").read_text().splitlines(keepends=True)
        for part, first in enumerate((0, 90, 170)):
            text = header + "".join(lines[first:(90, 170, 200)[part]])
            with gzip.open(self.dir / f"part-{part}.tsv.gz", "wt") as file:
                file.write(text)
        self.train("many", *settings(*IN_ORDER, "tasks.mood.train=part-*.tsv.gz"))
        self.assertEqual(self.learned("many"), self.learned("one"))

    def test_two_processes(self):
        two = ("--processes", "2")
        self.train("held", *settings(*IN_ORDER, "tasks.mood.stream=false"), *two)
        self.train("streamed", *settings(*IN_ORDER), *two)
        self.assertEqual(self.learned("streamed"), self.learned("held"))

    def test_what_needs_the_whole_set_is_refused(self):
        stream = STREAM[0]
        self.refuses(stream, says=["[tasks.mood]", "nobody knows how many steps", "write training.steps = N"])
        self.suite(task="split = 0.2")
        self.refuses(*STREAM, says=["'split' takes a share", "give dev = \"FILE\""])
        self.suite()
        self.refuses(*STREAM, "tasks.mood.train=-", says=["standard input can be read once", "write it to a file"])
        self.refuses(*STREAM, "tasks.mood.debias.method=balanced", says=["a method against bias looks at the whole training set"])
        self.refuses(*STREAM, "tasks.mood.shuffle_buffer=0", says=["'shuffle_buffer' is 0, but must be at least 1"])
        with (self.dir / "suite.toml").open("a") as file:
            file.write('\n[tasks.other]\nplugin = "classification"\ntrain = "dev.tsv"\n')
        self.refuses(*STREAM, says=["mixed by the sizes", "mixing.kind = \"uniform\""])

    def test_a_bad_row_is_told_when_it_is_read(self):
        """Mended without a change of the file's size, and not in its first or last megabyte, the run goes on."""
        self.write_rows("train.tsv", ((text + " x" * 8000, label) for text, label in rows(200, 1)))
        file = self.dir / "train.tsv"
        good = file.read_text()
        lines = good.split("\n")
        lines[99] = lines[99].replace("\t", " ")
        file.write_text("\n".join(lines))
        in_order = (*IN_ORDER, 'tasks.mood.options.labels=["bad", "good"]')  # else they are looked for in all of so short a file
        error = self.train("run", *settings(*in_order), code=3)
        self.assertIn(f"{file}:100: ", error.stderr)
        self.assertIn("what was learned up to step 6", error.stdout)
        self.assertEqual(os.readlink(self.dir / "run/checkpoints/last"), "step-6")
        file.write_text(good)
        self.berth("run", "--resume", "run")
        self.train("whole", *settings(*in_order))
        self.assertEqual(self.learned("run"), self.learned("whole"))

    def test_a_label_that_comes_late_is_told_with_what_to_do(self):
        late = 100_001
        pairs = list(rows(late, 1)) + [("a late day", "late")] * 50_000
        self.write_rows("train.tsv", pairs)
        few = ("training.steps=2", "tasks.mood.shuffle_buffer=200000")
        error = self.stream("run", *few, code=3).stderr
        for text in ("train.tsv:1", "unknown label 'late'", "from its first 100000 examples alone", "[tasks.mood.options]"):
            self.assertIn(text, error)
        self.stream("named", *few, 'tasks.mood.options.labels=["bad", "good", "late"]')

    def test_early_mistakes_show_before_there_is_a_folder(self):
        self.fails(6, "run", "suite.toml", "--out", "none", *settings(*STREAM, "tasks.mood.train=nowhere.tsv"), says="nowhere.tsv")
        lines = (self.dir / "train.tsv").read_text().splitlines()
        (self.dir / "train.tsv").write_text("\n".join([*lines[:9], "no label", *lines[9:]]) + "\n")
        self.fails(3, "run", "suite.toml", "--out", "none", *settings(*STREAM), says="train.tsv:10: ")
        (self.dir / "train.tsv").write_text(lines[0] + "\n")
        self.fails(3, "run", "suite.toml", "--out", "none", *settings(*STREAM), says="no rows")
        self.assertFalse((self.dir / "none").exists())

    def test_check_reads_all_of_it(self):
        found = self.berth("check", "suite.toml", *settings(*STREAM)).stdout
        self.assertRegex(found, r"train +200 examples")
        lines = (self.dir / "train.tsv").read_text().splitlines()
        (self.dir / "train.tsv").write_text("\n".join([*lines, "no label"]) + "\n")
        self.fails(3, "check", "suite.toml", *settings(*STREAM), says="train.tsv:202: ")

    def test_commands_after_training(self):
        self.stream("run")
        self.berth("analyze", "run", "--examples", "20")
        self.berth("evaluate", "run")


class GoingOn(StreamingTest):
    def going_on(self, *more, every=1, flags=()):
        self.train("whole", *flags, *settings(*STREAM, "checkpoints.every=1", "checkpoints.keep=99", *more))
        steps = self.json("whole/summary.json")["steps"]
        for step in range(steps, 0, -every):
            with self.subTest(step=step):
                run_folders.cut_after(step, self.dir / "whole", self.dir / f"run-{step}")
                output = self.berth("run", "--resume", f"run-{step}", *flags).stdout
                self.assertIn(f"going on after step {step}", output)
                self.expect_same("whole", f"run-{step}")

    def expect_same(self, whole, out):
        self.assertEqual(self.last(out), self.last(whole))
        self.assertEqual(self.metrics(out), self.metrics(whole))
        self.assertEqual(self.summary(out), self.summary(whole))

    def test_from_every_step_of_one_task(self):
        self.suite()
        self.write_rows("train.tsv", rows(200, 1))
        self.going_on("training.accumulate=2", "training.steps=16", "tasks.mood.shuffle_buffer=40")

    def test_from_every_step_of_four(self):
        """One of them in memory; questions are read in windows."""
        streamed = [f"tasks.{task}.stream=true" for task in ("notes", "questions")]
        self.going_on("mixing.kind=uniform", "training.steps=16", "training.batch_size=5", "training.accumulate=2", "mixing.cosine_every=2",
                      "model.max_length=16", "tasks.mood.shuffle_buffer=7", "evaluation.before=true", *streamed)

    def test_where_each_step_has_all_tasks(self):
        self.going_on("mixing.surgery=true", "training.batch_size=7", "training.steps=12",
                      *(f"tasks.{task}.stream=true" for task in ("notes", "questions", "orders")), every=3)

    def test_two_processes(self):
        self.suite()
        self.write_rows("train.tsv", rows(200, 1))
        self.going_on("tasks.mood.shuffle_buffer=40", every=11, flags=("--processes", "2"))

    def test_another_file_is_refused(self):
        self.suite()
        self.train("whole", *settings(*STREAM, "checkpoints.every=1", "checkpoints.keep=99"))
        run_folders.cut_after(3, self.dir / "whole", self.dir / "run")
        with (self.dir / "train.tsv").open("a") as file:
            file.write("a fine day\tgood\n")
        self.fails(3, "run", "--resume", "run", says="the training sets are not those")


class NotFinite(StreamingTest):
    """The batch's examples are known, and the run goes on as without a stream."""
    def setUp(self):
        super().setUp()
        self.write_rows("train.tsv", rows(200, 1))
        self.suite()
        lines = (self.dir / "train.tsv").read_text().splitlines()
        lines[56] = "poison " + lines[56]
        (self.dir / "train.tsv").write_text("\n".join(lines) + "\n")

    def run_suite(self, out, *more, code=0):
        return self.berth("run", "suite.toml", "--out", out, "--plugin-path", PLUGINS, code=code, *settings(
            *STREAM, "tasks.mood.plugin=flawed", "tasks.mood.options.flaw=not_finite", "tasks.mood.shuffle_buffer=30", *more))

    def test_the_examples_are_named(self):
        error = self.run_suite("run", code=5).stderr
        found, = [line for line in self.json_lines("run/metrics.jsonl") if line["kind"] == "not_finite"]
        lines = [place["line"] for place in found["examples"]]
        self.assertEqual(len(lines), 16)
        self.assertIn(57, lines)
        self.assertIn("train.tsv, lines " + ", ".join(map(str, lines)), error)
        self.berth("run", "--resume", "run", "--plugin-path", PLUGINS, "--set", "training.not_finite=skip")
        self.run_suite("skip", "training.not_finite=skip")
        self.assertEqual(self.learned("run"), self.learned("skip"))

    def test_going_back_goes_on_with_what_comes_next(self):
        for policy in ("skip", "back"):
            more = (f"training.not_finite={policy}", "checkpoints.every=1", "checkpoints.keep=99")
            self.run_suite(policy, *more)
            found = [line for line in self.json_lines(f"{policy}/metrics.jsonl") if line["kind"] == "not_finite"]
            self.assertEqual([line["action"] for line in found], [{"skip": "skipped this step", "back": "went back"}[policy]] * len(found))
            self.assertGreater(len(found), 1)
            for step in (2, found[0]["step"], found[0]["step"] + 1, 20):
                out = f"{policy}-{step}"
                run_folders.cut_after(step, self.dir / policy, self.dir / out)
                self.berth("run", "--resume", out, "--plugin-path", PLUGINS)
                self.assertEqual(self.last(out), self.last(policy), out)
