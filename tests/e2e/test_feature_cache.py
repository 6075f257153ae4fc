"""training.feature_cache: a run makes the features of its training sets once, later ones map them, and nothing else changes;
whatever happens meanwhile, nothing is trained from what is not whole or belongs to other data."""
import contextlib
import gzip
import os
import pathlib
import shutil
import signal
import subprocess
import time
import unittest

from program import BERTH, rows, settings
import run_folders
from test_resume import FourTasksTest

PLUGINS = os.path.join(os.environ["TEST_PLUGINS"], "plugins-flawed")
CACHE = "training.feature_cache=cache"
SHORT = ("training.epochs=2", "training.log_every=1", "analysis.at_end=false")
MADE, FOUND, NONE = ("features of the training set " + how for how in ("written to", "found in", "not kept"))


class FeatureCacheTest(FourTasksTest):
    def run_short(self, out, *sets, flags=(), **keywords):
        return self.berth("run", "suite.toml", "--out", out, *flags, *settings(*SHORT, *sets), **keywords).stdout

    def summary(self, out):
        summary = super().summary(out)
        for task in summary["tasks"].values():
            task.pop("feature_cache", None)
        return summary

    def cache_files(self):
        return sorted(file.name for file in (self.dir / "cache").iterdir())

    def checked(self, *sets, flags=(), suite="suite.toml"):
        """What `berth check`, which needs the features too, says about them."""
        output = self.berth("check", suite, *flags, *settings(CACHE, *sets)).stdout
        return [line.strip() for line in output.splitlines() if "features of the training set" in line]

    def use_rows(self, count):
        self.write_rows("train.tsv", rows(count, 1))
        self.suite()


class SameResults(FeatureCacheTest):
    def test_all_four_tasks_learn_the_same(self):
        sets = ("model.max_length=16", "tasks.mood.options.balance_classes=true")
        self.run_short("held", *sets)
        for out, what in (("made", MADE), ("found", FOUND)):
            output = self.run_short(out, CACHE, *sets)
            self.assertEqual(output.count(what), 4, output)
            self.expect_same("held", out)
            for name, task in self.json(f"{out}/summary.json")["tasks"].items():
                self.assertEqual(task["feature_cache"]["found"], what == FOUND, name)
        self.assertNotIn("feature_cache", self.json("held/summary.json")["tasks"]["mood"])
        sizes = {file.stat().st_size for file in (self.dir / "cache").iterdir()}
        self.assertEqual({task["feature_cache"]["bytes"] for task in self.json("found/summary.json")["tasks"].values()}, sizes)

    def test_two_processes(self):
        self.use_rows(200)
        two = ("--processes", "2")
        self.run_short("held", flags=two)
        for out in ("made", "found"):
            self.run_short(out, CACHE, flags=two)
            self.expect_same("held", out)
        self.assertEqual(len(self.cache_files()), 1)

    def test_a_run_goes_on_with_a_cache_and_without(self):
        self.use_rows(200)
        every = ("checkpoints.every=1", "checkpoints.keep=99")
        self.run_short("held", *every)
        self.run_short("cached", CACHE, *every)
        line = f'feature_cache = "{self.dir}/cache"\n'
        for whole, out, before, after in (("held", "one", "[training]\n", "[training]\n" + line), ("cached", "two", line, "")):
            run_folders.cut_after(7, self.dir / whole, self.dir / out)
            suite = self.dir / out / "suite.toml"
            self.assertIn(before, suite.read_text())
            suite.write_text(suite.read_text().replace(before, after))
            self.assertIn("going on after step 7", self.berth("run", "--resume", out).stdout)
            self.expect_same(whole, out)
        self.assertEqual(self.last("held"), self.last("cached"))

    def test_examples_are_named_as_ever(self):
        """Also where the file has another name than when its features were made."""
        self.use_rows(200)
        file = self.dir / "train.tsv"
        lines = file.read_text().splitlines()
        lines[56] = "poison " + lines[56]
        file.write_text("\n".join(lines) + "\n")
        poisoned = ("tasks.mood.plugin=flawed", "tasks.mood.options.flaw=not_finite")

        def error(out, *sets):
            said = self.run_short_failing(out, *poisoned, *sets)
            self.assertIn(", lines ", said)
            return said
        held = error("held")
        self.assertEqual(error("made", CACHE), held)
        with gzip.open(self.dir / "train.tsv.gz", "wb") as packed:
            packed.write(file.read_bytes())
        other = error("found", CACHE, "tasks.mood.train=train.tsv.gz")
        self.assertEqual(other.replace("train.tsv.gz", "train.tsv"), held)
        self.assertEqual(len(self.cache_files()), 1)

    def run_short_failing(self, out, *sets):
        return self.berth("run", "suite.toml", "--out", out, "--plugin-path", PLUGINS, *settings(*SHORT, *sets), code=5).stderr


class Keys(FeatureCacheTest):
    def setUp(self):
        super().setUp()
        self.use_rows(60)

    def expect(self, what, *sets, **keywords):
        line, = self.checked(*sets, **keywords)
        self.assertIn(what, line)

    def test_what_features_depend_on_makes_another_file(self):
        self.expect(MADE)
        self.expect(FOUND)
        self.expect(MADE, "model.max_length=16")
        self.expect(MADE, "tasks.mood.options.truncation=only_first")
        self.expect(MADE, "tasks.mood.data.quote=true")
        self.expect(FOUND, "training.seed=7", "optimizer.rate=1e-5")
        self.expect(FOUND)
        shutil.copytree(pathlib.Path(self.shared.name) / "model", self.dir / "model")
        self.expect(FOUND, "model.path=model")
        vocabulary = self.dir / "model/vocab.txt"
        vocabulary.write_text("".join(reversed(vocabulary.read_text().splitlines(keepends=True))))
        self.expect(MADE, "model.path=model")
        text = (self.dir / "train.tsv").read_text()
        (self.dir / "train.tsv").write_text(text.replace("fine", "nice"))
        self.expect(MADE)
        (self.dir / "train.tsv").write_text(text)
        self.expect(FOUND)
        (self.dir / "elsewhere").mkdir()
        shutil.move(self.dir / "train.tsv", self.dir / "elsewhere/train.tsv")
        self.expect(FOUND, "tasks.mood.train=elsewhere/train.tsv")

    def test_another_build_of_the_plugin_makes_another_file(self):
        flawed = "tasks.mood.plugin=flawed"
        self.expect(MADE, flawed, flags=("--plugin-path", PLUGINS))
        shutil.copytree(PLUGINS, self.dir / "plugins")
        own = ("--plugin-path", "plugins")
        self.expect(FOUND, flawed, flags=own)
        with (self.dir / "plugins/flawed.so").open("ab") as file:
            file.write(b"more")
        self.expect(MADE, flawed, flags=own)

    def test_what_needs_the_examples_is_not_kept(self):
        for sets, why in ((["tasks.mood.stream=true", "training.steps=5"], "it is streamed"),
                          (["tasks.mood.debias.method=group_dro", "tasks.mood.debias.by_label=true"], "groups")):
            line, = self.checked(*sets)
            self.assertIn(NONE, line)
            self.assertIn(why, line)
        self.suite(task="split = 0.2")
        self.expect(NONE + " in training.feature_cache: 'split' draws from all of its examples")
        self.assertFalse((self.dir / "cache").exists())

    def test_two_tasks_with_one_file_share(self):
        with (self.dir / "suite.toml").open("a") as file:
            file.write('\n[tasks.other]\nplugin = "classification"\ntrain = "train.tsv"\ndev = "dev.tsv"\n')
        first, second = self.checked()
        self.assertIn(MADE, first)
        self.assertIn(FOUND, second)
        self.assertEqual(len(self.cache_files()), 1)


class Endings(FeatureCacheTest):
    def start(self, *arguments):
        return subprocess.Popen([BERTH, *map(str, arguments)], cwd=self.dir, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                                text=True, env={**os.environ, "OMP_NUM_THREADS": "1"})

    @contextlib.contextmanager
    def while_writing(self, *arguments):
        """A run that has begun to write."""
        self.use_rows(60_000)
        with self.start("run", "suite.toml", "--out", "none", *settings(CACHE), *arguments) as program:
            deadline = time.time() + 60
            while not any(f.stat().st_size > 0 for f in (self.dir / "cache").glob("*.partial")) and time.time() < deadline:
                time.sleep(0.001)
            yield program
            output = program.communicate(timeout=60)[0]
        self.assertFalse((self.dir / "none").exists(), output)

    def test_a_killed_run_leaves_nothing_that_counts(self):
        with self.while_writing() as program:
            program.kill()
        left, = self.cache_files()
        self.assertTrue(left.endswith(".features.partial"))
        self.write_rows("train.tsv", rows(50, 3))  # so that the next one writes another file
        line, = self.checked()
        self.assertIn(MADE, line)
        self.assertEqual([pathlib.Path(name).suffix for name in self.cache_files()], [".features"])
        self.assertNotEqual(self.cache_files()[0] + ".partial", left)

    def test_an_interrupted_run_leaves_nothing(self):
        for sent in (signal.SIGINT, signal.SIGTERM):
            with self.subTest(sent):
                with self.while_writing() as program:
                    program.send_signal(sent)
                self.assertEqual(program.returncode, -sent)
                self.assertEqual(self.cache_files(), [])
        with self.while_writing("--processes", "2") as program:
            program.send_signal(signal.SIGINT)
        self.assertEqual(program.returncode, 130)
        self.assertEqual(self.cache_files(), [])

    def test_runs_at_once_make_it_once(self):
        self.use_rows(20_000)
        running = [self.start("check", "suite.toml", *settings(CACHE)) for _ in range(4)]
        outputs = [program.communicate(timeout=60)[0] for program in running]
        self.assertEqual([program.returncode for program in running], [0] * 4, outputs)
        self.assertEqual(sorted((output.count(MADE), output.count(FOUND)) for output in outputs), [(0, 1)] * 3 + [(1, 0)])
        self.assertEqual(len(self.cache_files()), 1)

    def test_a_damaged_file_is_made_anew(self):
        self.use_rows(60)
        self.checked()
        file, = (self.dir / "cache").iterdir()
        good = file.read_bytes()
        for damaged, says in ((good[:-1], f"has {len(good) - 1} bytes, where {len(good)} were written"), (b"", "is cut off"),
                              (good[:800] + bytes([good[800] ^ 1]) + good[801:], "is damaged")):
            file.write_bytes(damaged)
            line, = self.checked()
            self.assertIn(MADE, line)
            self.assertIn(f"; the file that was there {says}", line)
            self.assertEqual(file.read_bytes(), good)

    def test_a_folder_that_can_not_be_used(self):
        self.use_rows(60)
        self.fails(6, "run", "suite.toml", "--out", "none", *settings("training.feature_cache=dev.tsv"),
                   says=["dev.tsv", "give training.feature_cache another folder"])
        self.fails(6, "run", "suite.toml", "--out", "none", *settings("training.feature_cache=/proc/cache"), says="/proc/cache")
        self.fails(2, "check", "suite.toml", *settings('training.feature_cache=""'), says="'feature_cache' is empty")
        self.assertFalse((self.dir / "none").exists())

    @unittest.skipIf(os.geteuid() == 0, "nothing is read-only to root")
    def test_a_read_only_folder_gives_what_it_has(self):
        self.use_rows(60)
        self.checked()
        (self.dir / "cache").chmod(0o500)
        self.addCleanup((self.dir / "cache").chmod, 0o700)
        self.assertIn(FOUND, self.checked()[0])
        self.fails(6, "check", "suite.toml", *settings(CACHE, "model.max_length=16"), says="can't be written: Permission denied")


if __name__ == "__main__":
    unittest.main()
