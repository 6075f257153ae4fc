"""Several processes make of a suite what one makes of it, started by berth itself, by torchrun and mpirun, and on two
machines; and what happens when one of them is gone."""
import array
import os
import pathlib
import random
import re
import shutil
import signal
import socket
import subprocess
import sys
import time
import unittest

from program import BERTH, rows, settings
from cable import Cable
from test_not_finite import FLAWED, PLUGINS
from test_resume import FourTasksTest

# Heads draw dropout of their own, which a part of a batch can't draw as the whole does; the encoder's is the whole's.
EQUAL = ["training.epochs=100", "training.steps=50", "training.batch_size=9", "training.accumulate=2", "analysis.at_end=false",
         "mixing.weights=uncertainty",
         *(f"tasks.{task}.options.dropout=0" for task in ("mood", "notes", "questions", "orders"))]
LAUNCHED = re.compile("^(RANK|WORLD_SIZE|LOCAL_|MASTER_|OMPI_|PMI|SLURM_|TORCHELASTIC_)")


def environment(**changes):
    plain = {name: value for name, value in os.environ.items() if not LAUNCHED.match(name)}
    return {**plain, "OMP_NUM_THREADS": "1", **changes}


def free_port():
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return one.getsockname()[1]


class ProcessesTest(FourTasksTest):
    def weights(self, run):
        """Every number that was learned, by its tensor."""
        last = self.dir / run / "checkpoints/last"
        kinds = {"F32": "f", "F64": "d"}
        numbers = {}
        for file in sorted(last.rglob("*.safetensors")):
            name = str(file.relative_to(last))
            if not name.startswith(("encoder/", "heads/")):
                continue
            for tensor, kind, data in self.entries(file):
                if kind in kinds:
                    numbers[f"{name}/{tensor}"] = array.array(kinds[kind], data)
        self.assertTrue(any(name.startswith("heads/") for name in numbers))
        return numbers

    def assert_near(self, one, two, bound, key_bound):
        a, b = self.weights(one), self.weights(two)
        self.assertEqual(a.keys(), b.keys())
        for name in a:
            # Their true gradient is 0, so that AdamW follows what rounding makes of it.
            limit = key_bound if name.endswith(("attention.self.key.bias", "key_value.bias", "questions.safetensors/output.bias")) else bound
            self.assertLessEqual(max(abs(x - y) for x, y in zip(a[name], b[name], strict=True)), limit, name)

    def scores(self, run):
        tables = [line for line in self.metrics(run) if line["kind"] in ("evaluation", "final")]
        self.assertGreaterEqual(len(tables), 4)
        return tables

    def same_scores(self, a, b, places):
        def flat(value, path=""):
            if isinstance(value, dict):
                return {k: v for key, inner in value.items() for k, v in flat(inner, f"{path}/{key}").items()}
            return {path: value} if "second" not in path else {}
        for one, two in zip(self.scores(a), self.scores(b), strict=True):
            one, two = flat(one), flat(two)
            self.assertEqual(one.keys(), two.keys())
            for key, value in one.items():
                if isinstance(value, float):
                    self.assertAlmostEqual(value, two[key], places, key)
                else:
                    self.assertEqual(value, two[key], key)

    def same_files(self, a, b):
        """Predictions, and what of them is shown, in the order of the set."""
        names = {file.name for file in (self.dir / a / "predictions").iterdir()}
        self.assertEqual(names, {file.name for file in (self.dir / b / "predictions").iterdir()})
        digits = re.compile(r"-?\d+\.\d+(e-?\d+)?")
        for name in names:
            one, two = ((self.dir / run / "predictions" / name).read_text() for run in (a, b))
            self.assertEqual(digits.sub("#", one), digits.sub("#", two), name)
            for x, y in zip(digits.finditer(one), digits.finditer(two)):
                self.assertAlmostEqual(float(x[0]), float(y[0]), 4, name)


class Equality(ProcessesTest):
    def test_two_and_three_make_what_one_makes(self):
        for precision, bound, key_bound in (("float32", 1e-5, 1e-4), ("float64", 1e-10, 1e-10)):
            for step in ("one", "all"):
                sets = settings(*EQUAL, f"model.precision={precision}", f"mixing.step={step}", "optimizer.rate=2e-5")
                runs = {count: f"{precision}-{step}-{count}" for count in (1, 2, 3)}
                for count, out in runs.items():
                    output = self.train(out, *sets, *(["--processes", count] if count > 1 else [])).stdout
                    self.assertEqual(f"{count} processes share each batch" in output, count > 1)
                for count in (2, 3):
                    with self.subTest(precision=precision, step=step, count=count):
                        self.assert_near(runs[1], runs[count], bound, key_bound)
                        if precision == "float64":
                            self.same_scores(runs[1], runs[count], 9)
                            self.same_files(runs[1], runs[count])

    def test_ways_of_fine_tuning(self):
        """What else takes part in a step: its numbers have to be those of the whole batch, too."""
        ways = {"lora": ["finetuning.method=lora"], "adapters": ["finetuning.method=adapters"],
                "mean": ["finetuning.average=0.6", "finetuning.mixout=0.3"],
                "slow": ["finetuning.gradual_unfreezing=0.6", "finetuning.reinitialize_layers=1"],
                "streamed": ["tasks.mood.stream=true", "tasks.mood.shuffle_buffer=7", "mixing.kind=uniform"],
                "frozen": ["finetuning.method=top", "finetuning.top_layers=1"],
                "checkpointed": ["training.activation_checkpointing=true"],
                "surgery": ["mixing.surgery=true", "mixing.cosine_every=3"],
                "bias": ["tasks.mood.debias.method=product_of_experts", "tasks.mood.debias.bias=embeddings"]}
        for way, sets in ways.items():
            with self.subTest(way=way):
                sets = settings(*EQUAL, *sets, "training.steps=12", "model.precision=float64")
                self.train(f"{way}-1", *sets)
                self.train(f"{way}-2", *sets, "--processes", 2)
                self.assert_near(f"{way}-1", f"{way}-2", 1e-10, 1e-10)

    def test_more_processes_than_sequences(self):
        sets = settings(*EQUAL, "training.batch_size=1", "training.steps=12", "model.precision=float64")
        self.train("one", *sets)
        self.train("three", *sets, "--processes", 3)
        self.assert_near("one", "three", 1e-10, 1e-10)
        self.same_files("one", "three")


class Launchers(ProcessesTest):
    def setUp(self):
        super().setUp()
        self.sets = settings(*EQUAL, "training.steps=8", "model.precision=float64")
        self.train("one", *self.sets)

    def run_by(self, *launcher, **changes):
        return subprocess.run([*launcher, BERTH, "run", "suite.toml", "--out", "two", *self.sets], cwd=self.dir,
                              env=environment(**changes), capture_output=True, text=True)

    def assert_ran(self, result):
        self.assertEqual(result.returncode, 0, result.stdout + result.stderr)
        self.assertIn("2 processes share each batch", result.stdout)
        self.assert_near("one", "two", 1e-10, 1e-10)

    def test_torchrun(self):
        python = os.environ.get("TORCH_PYTHON") or sys.executable
        if subprocess.run([python, "-c", "import torch.distributed.run"], capture_output=True).returncode != 0:
            self.skipTest("no torchrun")
        self.assert_ran(self.run_by(python, "-m", "torch.distributed.run", "--nproc-per-node", "2", "--no-python"))

    def test_mpirun(self):
        if shutil.which("mpirun") is None:
            self.skipTest("no mpirun")
        self.assert_ran(self.run_by("mpirun", "-n", "2", "--oversubscribe", OMPI_ALLOW_RUN_AS_ROOT="1",
                                    OMPI_ALLOW_RUN_AS_ROOT_CONFIRM="1", MASTER_PORT=str(free_port())))

    def test_mpich_and_slurm_by_their_variables(self):
        launchers = {"mpich": ("PMI_RANK", "PMI_SIZE", {}), "slurm": ("SLURM_PROCID", "SLURM_NTASKS", {"SLURM_STEP_ID": "0"})}
        for name, (rank, size, more) in launchers.items():
            with self.subTest(name):
                shutil.rmtree(self.dir / "two", ignore_errors=True)
                port = str(free_port())
                command = [BERTH, "run", "suite.toml", "--out", "two", *self.sets]
                with subprocess.Popen(command, cwd=self.dir, env=environment(**{rank: "1", size: "2", "MASTER_PORT": port}, **more),
                                      stdout=subprocess.DEVNULL) as other:
                    self.assert_ran(self.run_by(**{rank: "0", size: "2", "MASTER_PORT": port}, **more))
                self.assertEqual(other.returncode, 0)

    def test_two_machines(self):
        """Two network namespaces that only a cable joins."""
        if shutil.which("ip") is None:
            self.skipTest("no ip")
        cable = Cable()
        self.addCleanup(cable.remove)
        try:
            cable.lay()
        except OSError as error:
            self.skipTest(f"network namespaces can't be made here: {error}")
        command = cable.on(1, BERTH, "run", "suite.toml", "--out", "two", *self.sets)
        with subprocess.Popen(command, cwd=self.dir, env=environment(**cable.place(1, 29501)), stdout=subprocess.DEVNULL) as other:
            self.assert_ran(self.run_by(*cable.on(0), **cable.place(0, 29501)))
        self.assertEqual(other.returncode, 0)


class Endings(ProcessesTest):
    SETS = settings("training.epochs=2", "training.batch_size=10", "training.accumulate=2", "checkpoints.every=2",
                    "checkpoints.keep=2", "analysis.at_end=false", "report.html=false")

    def start(self, *arguments):
        return subprocess.Popen([BERTH, "run", *map(str, arguments), "--processes", "2"], cwd=self.dir, env=environment(),
                                stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)

    def children_of(self, process):
        """The processes of a run, by rank."""
        found = {}
        deadline = time.monotonic() + 20
        while len(found) < 2 and time.monotonic() < deadline and process.poll() is None:
            for pid in pathlib.Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split():
                try:
                    variables = pathlib.Path(f"/proc/{pid}/environ").read_bytes().split(b"\0")
                except OSError:
                    continue
                found |= {int(v.split(b"=")[1]): int(pid) for v in variables if v.startswith(b"RANK=")}
        return found

    def test_kill_either_at_any_moment(self):
        start = time.monotonic()
        self.train("whole", *self.SETS, "--processes", 2)
        whole = time.monotonic() - start
        rng = random.Random(9)
        for attempt in range(int(os.environ.get("BERTH_KILLS", "6"))):
            rank, wait, out = attempt % 2, rng.uniform(0.05, whole), f"run-{attempt}"
            with self.subTest(rank=rank, wait=wait):
                with self.start("suite.toml", "--out", out, *self.SETS) as program:
                    children = self.children_of(program)
                    time.sleep(wait)
                    try:
                        os.kill(children[rank], signal.SIGKILL)
                    except (KeyError, ProcessLookupError):
                        pass  # it had ended
                    killed = time.monotonic()
                    _, error = program.communicate(timeout=60)
                    self.assertLess(time.monotonic() - killed, 20)
                if program.returncode != 0:
                    self.assertEqual(program.returncode, 6, error)
                    self.assertIn(f"process {rank} was ended by signal 9", error)
                    self.assertEqual(error.count("was ended by signal"), 1, error)
                if not list((self.dir / out).glob("checkpoints/step-*/manifest.json")):
                    shutil.rmtree(self.dir / out, ignore_errors=True)
                    self.train(out, *self.SETS, "--processes", 2)
                else:
                    self.berth("run", "--resume", out, "--processes", 2)
                self.assertEqual(self.content(out), self.content("whole"))
                self.assertEqual(self.metrics(out), self.metrics("whole"))

    def test_an_interrupted_run_goes_on_with_another_number_of_processes(self):
        sets = settings(*EQUAL, "model.precision=float64", "checkpoints.every=50", "checkpoints.keep=99", "training.steps=300")
        self.train("one", *sets)
        for stop in (signal.SIGINT, signal.SIGTERM):
            with self.subTest(stop=stop):
                shutil.rmtree(self.dir / "two", ignore_errors=True)
                with self.start("suite.toml", "--out", "two", *sets) as program:
                    while "step 12 " not in (line := program.stdout.readline()) and line:
                        pass
                    program.send_signal(stop)
                    output, error = program.communicate(timeout=60)
                self.assertEqual(program.returncode, 128 + stop, error)
                self.assertIn("goes on", output)
                self.assertIn("going on after step", self.berth("run", "--resume", "two").stdout)
                self.assert_near("one", "two", 1e-10, 1e-10)
        self.cut_after(50, "one", "three")
        self.berth("run", "--resume", "three", "--processes", 3)
        self.assert_near("one", "three", 1e-10, 1e-10)

    def test_a_signal_that_reaches_all_of_them(self):
        """By the launcher and by itself, as from a batch system; while they start, and while they train."""
        for wait_for in (None, "step 1/"):
            with self.subTest(wait_for), self.start("suite.toml", "--out", f"run-{wait_for is None}", *self.SETS,
                                                    *settings("training.epochs=1000")) as program:
                children = self.children_of(program)
                while wait_for and wait_for not in (line := program.stdout.readline()) and line:
                    pass
                for pid in (program.pid, *children.values()):
                    os.kill(pid, signal.SIGTERM)
                output, error = program.communicate(timeout=60)
                self.assertEqual(program.returncode, 143, error)
                self.assertNotIn("was ended by", error)
                self.assertEqual("goes on" in output, wait_for is not None, output)

    def test_what_is_wrong_is_told_once(self):
        error = self.fails(2, "run", "suite.toml", "--processes", 2, *settings("optimizer.rat=1"), says="optimizer.rat")
        self.assertEqual(error.count("optimizer.rat"), 1, error)
        (self.dir / "orders.dev.tsv").write_text("source\ttarget\nbring two jars\n")
        error = self.fails(3, "run", "suite.toml", "--out", "no", "--processes", 2, says="orders.dev.tsv:2")
        self.assertEqual(error.count("orders.dev.tsv:2"), 1, error)
        self.assertFalse((self.dir / "no").exists())
        self.fails(2, "run", "suite.toml", "--processes", 0, says="--processes is 0")
        self.fails(2, "run", "suite.toml", "--processes", 2, *settings("tasks.mood.train=-"), says="standard input")

    def test_what_several_can_not_do_is_refused(self):
        for sets in (["tasks.mood.debias.method=group_dro", "tasks.mood.debias.by_label=true"],
                     ["tasks.mood.debias.method=learned_mixin", "tasks.mood.debias.bias=embeddings"],
                     ["finetuning.adversarial=0.1"], ["finetuning.smart=1"]):
            error = self.fails(2, "run", "suite.toml", "--out", "none", "--processes", 2, *settings(*sets))
            self.assertEqual(error.count("in one process alone"), 1, error)
            self.assertFalse((self.dir / "none").exists())

    def test_processes_that_do_not_fit_together(self):
        lines = (self.dir / "train.tsv").read_text().splitlines(keepends=True)
        (self.dir / "other.tsv").write_text("".join(lines[:1] + lines[:0:-1]))
        shutil.copytree(self.dir.parent / self.shared.name / "model", self.dir / "model")
        with (self.dir / "model/model.safetensors").open("r+b") as file:
            file.seek(-1, os.SEEK_END)
            file.write(b"\x3c")
        command = [BERTH, "run", "suite.toml"]
        for i, (what, sets) in enumerate({"training sets": "tasks.mood.train=other.tsv", "evaluation sets": "tasks.mood.dev=other.tsv",
                                          "settings": "optimizer.rate=1e-5", "weights to begin with": "model.path=model"}.items()):
            place = {"WORLD_SIZE": "2", "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(free_port())}
            with self.subTest(what), subprocess.Popen([*command, *settings(sets)], cwd=self.dir, stderr=subprocess.PIPE, text=True,
                                                      stdout=subprocess.DEVNULL, env=environment(**place, RANK="1")) as other:
                first = subprocess.run([*command, "--out", f"two-{i}"], cwd=self.dir, env=environment(**place, RANK="0"),
                                       capture_output=True, text=True)
                self.assertEqual((first.returncode, other.wait(), other.stderr.read()), (2, 2, ""), first.stderr)
                self.assertIn(f"has other {what} than process 0", first.stderr)

    def test_one_that_never_comes(self):
        place = {"RANK": "0", "WORLD_SIZE": "2", "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(free_port())}
        start = time.monotonic()
        result = self.berth("run", "suite.toml", *settings("distributed.start_timeout=2"), code=6, environment=place)
        self.assertIn("process 0 of 2 did not find the others", result.stderr)
        self.assertLess(time.monotonic() - start, 20)


class NotFinite(ProcessesTest):
    """A loss or a gradient that is no number, in the part of one process."""

    def setUp(self):
        super().setUp()
        self.suite()
        lines = ["text\tlabel"] + [f"{text}\t{label}" for text, label in rows(200, 1)]
        self.lines = lines
        self.write_rows("dev.tsv", rows(60, 2))

    def run_poisoned(self, out, word, *sets, processes=1, code=0):
        lines = self.lines[:56] + [f"{word} {self.lines[56]}"] + self.lines[57:]
        (self.dir / "train.tsv").write_text("\n".join(lines) + "\n")
        return self.berth("run", "suite.toml", "--out", out, "--plugin-path", PLUGINS, "--processes", processes, code=code,
                          *settings(*FLAWED, "training.accumulate=2", "model.precision=float64", "model.dropout=0", *sets))

    def found(self, out):
        return [line for line in self.metrics(out) if line["kind"] == "not_finite"]

    def test_all_do_the_same_about_it(self):
        for action, word in (("skip", "poison"), ("skip", "sting"), ("back", "poison")):
            with self.subTest(action=action, word=word):
                runs = [f"{action}-{word}-{processes}" for processes in (1, 2, 3)]
                for processes, out in enumerate(runs, 1):
                    self.run_poisoned(out, word, f"training.not_finite={action}", processes=processes)
                self.assertGreater(len(self.found(runs[0])), 0)
                for out in runs[1:]:
                    self.assert_near(runs[0], out, 1e-10, 1e-10)
                    self.assertEqual([line["examples"] for line in self.found(out)],
                                     [line["examples"] for line in self.found(runs[0])])

    def test_stop_is_told_once(self):
        error = self.run_poisoned("two", "poison", processes=2, code=5).stderr
        self.assertEqual(error.count("the loss is nan"), 1, error)
        self.assertIn("train.tsv, lines", error)
        self.assertEqual(len(self.found("two")), 1)

    def test_one_that_fails_alone_ends_all(self):
        """In the middle of a step, and of an evaluation: the others don't wait for it."""
        for out, train in (("step", True), ("evaluation", False)):
            with self.subTest(out):
                (self.dir / "train.tsv").write_text("\n".join(self.lines) + "\n")
                self.write_rows("dev.tsv", rows(60, 2))
                file = self.dir / ("train.tsv" if train else "dev.tsv")
                lines = file.read_text().splitlines()
                lines[50] = f"bomb {lines[50]}"
                file.write_text("\n".join(lines) + "\n")
                start = time.monotonic()
                result = self.berth("run", "suite.toml", "--out", out, "--plugin-path", PLUGINS, "--processes", 2, code=4,
                                    *settings(*FLAWED, "training.shuffle=false", "training.epochs=2"))
                self.assertLess(time.monotonic() - start, 30)
                self.assertIn("a bomb", result.stderr)
                saved = os.readlink(self.dir / out / "checkpoints/last")
                self.assertEqual(saved, "step-3" if train else "step-13")


if __name__ == "__main__":
    unittest.main()
