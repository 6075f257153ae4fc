"""Data that is gzip or zstd, in several files, or on standard input: the same run as from plain files."""
import gzip
import os
import resource
import select
import shutil
import signal
import subprocess
import threading
import time
import zlib

from program import BERTH, ProgramTest, rows
import run_folders

ZSTD_BLOCK = 128 << 10
SHORT = ("--set", "training.epochs=2", "--set", "analysis.at_end=false")


def zstd_frame(blocks):
    """blocks: (type, content size, bytes) each; 0: as they are, 1: one byte repeated (RFC 8878, 3.1.1.2)."""
    data = b"\x28\xb5\x2f\xfd" + b"\x00\x70"  # no checksum, no size; a window of 16 MiB
    for i, (kind, size, content) in enumerate(blocks):
        is_last = i + 1 == len(blocks)
        data += (is_last | kind << 1 | size << 3).to_bytes(3, "little") + content
    return data


def zstd(data):
    pieces = [data[i:i + ZSTD_BLOCK] for i in range(0, len(data), ZSTD_BLOCK)]
    return zstd_frame([(0, len(piece), piece) for piece in pieces])


def zstd_bomb(megabytes):
    return zstd_frame([(1, ZSTD_BLOCK, b"x")] * (megabytes * 8))


class Files(ProgramTest):
    def setUp(self):
        super().setUp()
        self.temporary_files = self.dir / "tmp"
        self.temporary_files.mkdir()
        self.environment = {"TMPDIR": str(self.temporary_files)}
        self.train_bytes = (self.dir / "train.tsv").read_bytes()

    def tearDown(self):
        self.assert_clean()
        super().tearDown()

    def assert_clean(self):
        self.assertEqual(list(self.temporary_files.rglob("*")), [])

    def berth(self, *arguments, environment=None, **keywords):
        return super().berth(*arguments, environment={**self.environment, **(environment or {})}, **keywords)

    def use(self, train, data="", dev="dev.tsv"):
        """A suite with these files."""
        self.suite(task=f'dev = "{dev}"\n' + (f"[tasks.mood.data]\n{data}\n" if data else ""))
        text = (self.dir / "suite.toml").read_text().replace('train = "train.tsv"', f'train = "{train}"')
        (self.dir / "suite.toml").write_text(text)

    def result(self, out):
        """What was learned, and what was answered."""
        return (self.json(f"{out}/checkpoints/last/manifest.json")["content"],
                (self.dir / out / "predictions/mood.dev.jsonl").read_bytes())

    def quick(self, out, *arguments, **keywords):
        return self.berth("run", "suite.toml", "--out", out, *SHORT, *arguments, **keywords)

    def write_variants(self):
        header, *lines = self.train_bytes.splitlines(keepends=True)
        for name, part in (("part-1", lines[:70]), ("part-2", lines[70:140]), ("part-3", lines[140:])):
            data = header + b"".join(part)
            (self.dir / f"{name}.tsv").write_bytes(data)
            packed = gzip.compress(data) if name == "part-2" else zstd(data)
            (self.dir / f"{name}.packed.tsv.{'gz' if name == 'part-2' else 'zst'}").write_bytes(packed)
        (self.dir / "train.tsv.gz").write_bytes(gzip.compress(self.train_bytes))
        (self.dir / "train.tsv.zst").write_bytes(zstd(self.train_bytes))
        half = self.train_bytes.index(b"\n", len(self.train_bytes) // 2) + 5  # in the middle of a line
        halves = self.train_bytes[:half], self.train_bytes[half:]
        (self.dir / "members.tsv.gz").write_bytes(b"".join(map(gzip.compress, halves)))
        (self.dir / "frames.tsv.zst").write_bytes(b"".join(map(zstd, halves)))
        (self.dir / "hidden.tsv").write_bytes(gzip.compress(self.train_bytes))
        (self.dir / "dev.tsv.gz").write_bytes(gzip.compress((self.dir / "dev.tsv").read_bytes()))

    def test_however_the_rows_are_packed_the_run_is_the_same(self):
        self.write_variants()
        self.use("train.tsv")
        self.quick("plain")
        expected = self.result("plain")
        for train in ("train.tsv.gz", "train.tsv.zst", "members.tsv.gz", "frames.tsv.zst", "hidden.tsv", "part-?.tsv",
                      "part-[1-3].packed.tsv.*"):
            with self.subTest(train=train):
                self.use(train, dev="dev.tsv.gz")
                self.quick("run")
                self.assertEqual(self.result("run"), expected)
                self.assert_clean()
                shutil.rmtree(self.dir / "run")
        for name, data in (("plain", self.train_bytes), ("gzip", gzip.compress(self.train_bytes))):
            with self.subTest(stdin=name):
                self.use("-", 'format = "tsv"')
                (self.dir / "stdin").write_bytes(data)
                with open(self.dir / "stdin", "rb") as stdin:
                    subprocess.run([BERTH, "run", "suite.toml", "--out", "run", *SHORT], cwd=self.dir, stdin=stdin,
                                   capture_output=True, check=True,
                                   env={**os.environ, **self.environment, "OMP_NUM_THREADS": "1"})
                self.assertEqual(self.result("run"), expected)
                self.assertIn('path = "-"', (self.dir / "run/suite.toml").read_text())
                shutil.rmtree(self.dir / "run")

    def test_a_dev_set_is_split_off_several_files_as_of_one(self):
        self.write_variants()
        for out, train in (("a", "train.tsv"), ("b", "part-*.packed.tsv.*")):
            self.suite(task="split = 0.2")
            text = (self.dir / "suite.toml").read_text().replace('train = "train.tsv"', f'train = "{train}"')
            (self.dir / "suite.toml").write_text(text)
            self.quick(out)
        self.assertEqual(self.result("a"), self.result("b"))

    def test_a_run_from_compressed_files_goes_on_bit_for_bit(self):
        self.write_variants()
        self.use("part-*.packed.tsv.*", dev="dev.tsv.gz")
        self.quick("whole", "--set", "checkpoints.every=5", "--set", "checkpoints.keep=99")
        run_folders.cut_after(10, self.dir / "whole", self.dir / "cut")
        self.assertIn("going on after step 10", self.berth("run", "--resume", "cut").stdout)
        self.assertEqual(self.result("cut"), self.result("whole"))
        # Other data is noticed, as with plain files.
        shutil.rmtree(self.dir / "cut")
        shutil.copytree(self.dir / "whole", self.dir / "cut", symlinks=True)
        (self.dir / "cut/summary.json").unlink()
        data = gzip.decompress((self.dir / "part-2.packed.tsv.gz").read_bytes())
        (self.dir / "part-2.packed.tsv.gz").write_bytes(gzip.compress(data.replace(b"fine", b"grey", 1)))
        self.fails(3, "run", "--resume", "cut", says="the training sets are not those that the run was started with")

    def test_a_run_from_standard_input_goes_on_with_the_same_input_alone(self):
        self.use("-", 'format = "tsv"')
        train = self.train_bytes.decode()
        self.quick("whole", "--set", "checkpoints.every=5", "--set", "checkpoints.keep=99", stdin=train)
        expected = self.result("whole")
        run_folders.forget_after(10, self.dir / "whole")
        self.fails(3, "run", "--resume", "whole", stdin=train.replace("fine", "grey", 1),
                   says="the training sets are not those")
        self.fails(3, "run", "--resume", "whole", stdin="", says="standard input: is empty")
        self.assertIn("going on after step 10", self.berth("run", "--resume", "whole", stdin=train).stdout)
        self.assertEqual(self.result("whole"), expected)

    def test_errors_name_the_file_that_the_user_knows(self):
        bad = self.train_bytes.replace(b"\tgood\n", b"\n", 1)
        line = 1 + bad.split(b"\n").index(next(l for l in bad.split(b"\n") if l and b"\t" not in l))
        (self.dir / "bad.tsv.gz").write_bytes(gzip.compress(bad))
        (self.dir / "bad.tsv.zst").write_bytes(zstd(bad))
        for name in ("bad.tsv.gz", "bad.tsv.zst", "bad.tsv.*"):
            self.use(name)
            file = self.dir / name.replace("*", "gz")
            error = self.fails(3, "check", "suite.toml", says=f"{file}:{line}: ")
            self.assertNotIn(str(self.temporary_files), error)
        self.use("-", 'format = "tsv"')
        self.fails(3, "check", "suite.toml", stdin=bad.decode(), says=f"standard input:{line}: ")
        self.use("-")
        self.fails(2, "check", "suite.toml", stdin=bad.decode(),
                   says=("standard input: the extension '' says no format", "Set `format`"))
        # The second of two files has its own lines.
        (self.dir / "a-1.tsv").write_bytes(self.train_bytes)
        (self.dir / "a-2.tsv.gz").write_bytes(gzip.compress(bad))
        self.use("a-*")
        self.fails(3, "check", "suite.toml", says=f"{self.dir}/a-2.tsv.gz:{line}: ")
        # So do findings about the data.
        (self.dir / "a-2.tsv.gz").write_bytes(gzip.compress(self.train_bytes))
        text = self.berth("check", "suite.toml", "--json").stdout
        self.assertIn(f"{self.dir}/a-2.tsv.gz", text)
        self.assertNotIn(str(self.temporary_files), text)

    def test_bad_files_are_refused_with_their_name(self):
        packed = gzip.compress(self.train_bytes)
        frame = zstd(self.train_bytes)
        damaged = bytearray(packed)
        damaged[len(damaged) // 2] ^= 0xff
        deflated = bytearray(packed)
        deflated[-8:-4] = zlib.crc32(b"other").to_bytes(4, "little")
        for name, data, code, says in (
                ("cut.tsv.gz", packed[:len(packed) // 2], 3, "the gzip data ends in the middle, after"),
                ("tail.tsv.gz", packed[:-4], 3, "the gzip data ends in the middle, after"),
                ("second.tsv.gz", packed + packed[:50], 3, "the gzip data ends in the middle, after"),
                ("damaged.tsv.gz", bytes(damaged), 3, "the gzip data is damaged within its first"),
                ("crc.tsv.gz", bytes(deflated), 3, "incorrect data check"),
                ("more.tsv.gz", packed + b"and more", 3, "something else stands behind its end"),
                ("cut.tsv.zst", frame[:-9], 3, "the zstd data ends in the middle, after"),
                ("second.tsv.zst", frame + frame[:9], 3, "the zstd data ends in the middle, after"),
                ("more.tsv.zst", frame + b"and more", 3, "something else stands behind its end"),
                ("empty.tsv.gz", b"", 3, "is empty; expected gzip data"),
                ("nothing.tsv.gz", gzip.compress(b""), 3, "the file is empty; expected rows"),
                ("plain.tsv.zst", self.train_bytes, 3, "is not zstd data, as its name says")):
            with self.subTest(name=name):
                (self.dir / name).write_bytes(data)
                self.use(name)
                self.fails(code, "run", "suite.toml", "--out", "run", says=(f"{self.dir}/{name}", says))
                self.assertFalse((self.dir / "run").exists())
                self.assert_clean()
        self.use("missing.tsv.gz")
        self.fails(6, "check", "suite.toml", says=(f"{self.dir}/missing.tsv.gz: can't open the data file",))
        self.use("trian-*.tsv")
        self.fails(6, "check", "suite.toml",
                   says=(f"{self.dir}/trian-*.tsv: no file matches this pattern", "did you mean train.tsv?"))
        (self.dir / "folder.tsv.gz").mkdir()
        self.use("folder.tsv.gz")
        self.fails(6, "check", "suite.toml", says="is a folder; expected a data file")
        self.use("-", 'format = "tsv"')
        self.fails(3, "check", "suite.toml", stdin="", says="standard input: is empty")

    def test_a_small_file_that_becomes_a_huge_one_ends_with_an_error(self):
        (self.dir / "bomb.tsv.zst").write_bytes(zstd_bomb(1000))
        self.use("bomb.tsv.zst")
        limit = 50 << 20
        result = subprocess.run([BERTH, "check", "suite.toml"], cwd=self.dir, capture_output=True, text=True,
                                env={**os.environ, **self.environment},
                                preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit)))
        self.assertEqual(result.returncode, 6, result.stderr)
        self.assertIn(f"{self.dir}/bomb.tsv.zst: can't be unpacked into {self.temporary_files}", result.stderr)
        self.assertIn("File too large", result.stderr)
        self.assertIn("gave 52.4 MB; set TMPDIR to a folder with more room", result.stderr)

    def start(self, *arguments, stdin=subprocess.DEVNULL):
        return subprocess.Popen([BERTH, *arguments], cwd=self.dir, stdin=stdin, stdout=subprocess.PIPE,
                                stderr=subprocess.STDOUT, text=True,
                                env={**os.environ, **self.environment, "OMP_NUM_THREADS": "1"})

    def wait_for(self, condition):
        deadline = time.time() + 60
        while time.time() < deadline and not condition():
            time.sleep(0.01)
        self.assertTrue(condition())

    def unpacked(self):
        return [p for p in self.temporary_files.rglob("*") if p.is_file() and p.name != "lock"]

    def test_nothing_is_left_of_a_process_that_is_interrupted(self):
        self.write_variants()
        for sent, code in ((signal.SIGINT, 130), (signal.SIGTERM, 143)):
            with self.subTest(sent=sent, when="in training"):
                self.use("train.tsv.gz")
                process = self.start("run", "suite.toml", "--out", f"run{code}", "--set", "training.epochs=100000")
                metrics = self.dir / f"run{code}/metrics.jsonl"
                self.wait_for(lambda: metrics.exists() and '"train"' in metrics.read_text())
                self.assertEqual([p.name for p in self.unpacked()], ["train.tsv"])
                process.send_signal(sent)
                output = process.communicate(timeout=60)[0]
                self.assertEqual(process.returncode, code, output)
                self.assert_clean()
            with self.subTest(sent=sent, when="while the data comes in"):
                self.use("-", 'format = "tsv"')
                process = self.start("check", "suite.toml", stdin=subprocess.PIPE)
                process.stdin.write(self.train_bytes.decode())
                process.stdin.flush()
                self.wait_for(lambda: any(p.stat().st_size > 0 for p in self.unpacked()))
                process.send_signal(sent)
                process.communicate(timeout=60)
                self.assertEqual(process.returncode, -sent)
                self.assert_clean()

    def test_what_a_killed_process_left_goes_with_the_next(self):
        self.write_variants()
        self.use("train.tsv.gz")
        process = self.start("run", "suite.toml", "--out", "run", "--set", "training.epochs=100000")
        self.wait_for(lambda: (self.dir / "run").exists() and self.unpacked())
        used = self.unpacked()
        self.berth("check", "suite.toml")
        self.assertEqual(self.unpacked(), used)  # another's, who lives
        process.kill()
        process.communicate(timeout=60)
        self.assertEqual(self.unpacked(), used)
        self.berth("check", "suite.toml")
        self.assert_clean()

    def test_the_folder_is_private(self):
        self.write_variants()
        self.use("train.tsv.gz")
        process = self.start("run", "suite.toml", "--out", "run", "--set", "training.epochs=100000")
        self.wait_for(lambda: (self.dir / "run").exists() and self.unpacked())
        modes = {p.stat().st_mode & 0o777 for p in self.temporary_files.iterdir()}
        process.send_signal(signal.SIGTERM)
        process.communicate(timeout=60)
        self.assertEqual(modes, {0o700})

    def test_another_file_is_scored_whatever_it_is_packed_in(self):
        self.write_variants()
        self.use("train.tsv", 'format = "tsv"')
        self.quick("run")
        dev = (self.dir / "dev.tsv").read_text()

        def scores(*arguments, **keywords):
            output = self.berth("evaluate", "run", "--task", "mood", "--data", *arguments, **keywords).stdout
            return output.splitlines()[1:]
        expected = scores("dev.tsv")
        self.assertIn("accuracy", expected[0])
        self.assertEqual(scores("dev.tsv.gz"), expected)
        self.assertEqual(scores("-", stdin=dev), expected)
        self.assertEqual(scores("[d]ev.tsv"), expected)
        # What another process writes, without a file in between.
        os.mkfifo(self.dir / "pipe.tsv")
        writer = threading.Thread(target=(self.dir / "pipe.tsv").write_text, args=(dev,))
        writer.start()
        self.assertEqual(scores("pipe.tsv"), expected)
        writer.join()
        output = self.berth("evaluate", "run", "--task", "mood", "--data", "-", stdin=dev).stdout
        self.assertIn("mood on standard input: 60 examples", output)

    def test_answers_are_the_same_from_and_into_compressed_files(self):
        self.use("train.tsv")
        self.quick("run")
        lines = "".join(f'{{"text": "{text}"}}\n' for text, _ in rows(150, 5))
        (self.dir / "in.jsonl").write_text(lines)
        (self.dir / "in.jsonl.gz").write_bytes(gzip.compress(lines.encode()))
        (self.dir / "in.jsonl.zst").write_bytes(zstd(lines.encode()))
        predict = ("predict", "run", "--task", "mood")
        expected = self.berth(*predict, "--input", "in.jsonl").stdout
        self.assertEqual(len(expected.splitlines()), 150)
        self.assertEqual(self.berth(*predict, "--input", "in.jsonl.gz").stdout, expected)
        self.assertEqual(self.berth(*predict, "--input", "in.jsonl.zst").stdout, expected)
        self.assertEqual(self.berth(*predict, "--input", "-", stdin=lines).stdout, expected)
        self.berth(*predict, "--input", "in.jsonl.gz", "--output", "out.jsonl.gz")
        self.assertEqual(gzip.decompress((self.dir / "out.jsonl.gz").read_bytes()).decode(), expected)
        self.berth(*predict, "--input", "in.jsonl.gz", "--output", "out.jsonl.zst")
        self.assertEqual((self.dir / "out.jsonl.zst").read_bytes()[:4], b"\x28\xb5\x2f\xfd")
        # Answers are input, too: each has the fields that it came with.
        again = self.berth(*predict, "--input", "out.jsonl.zst").stdout
        self.assertEqual(again, self.berth(*predict, stdin=expected).stdout)
        self.assertEqual(list(self.dir.glob("*.part*")), [])
        (self.dir / "bad.jsonl.gz").write_bytes(gzip.compress((lines + "no JSON\n").encode()))
        self.fails(3, *predict, "--input", "bad.jsonl.gz", "--output", "bad.gz", says="bad.jsonl.gz:151:")
        self.assertEqual((self.dir / "bad.gz.part").read_text(), expected)
        self.assertFalse((self.dir / "bad.gz").exists())

    def test_a_pipe_is_answered_before_it_ends(self):
        self.use("train.tsv")
        self.quick("run", "--set", "evaluation.batch_size=1")
        os.mkfifo(self.dir / "pipe")
        process = self.start("predict", "run", "--task", "mood", "--input", "pipe")
        try:
            with open(self.dir / "pipe", "r+b", buffering=0) as pipe:  # "+": opening it waits for nobody
                pipe.write(b'{"text": "we loved it"}\n')
                self.assertTrue(select.select([process.stdout], [], [], 60)[0], "no answer")
                self.assertIn('"prediction"', process.stdout.readline())
                self.assertIsNone(process.poll())
            self.assertEqual(process.communicate(timeout=60)[0], "")
            self.assertEqual(process.returncode, 0)
        finally:
            process.kill()

    def add_sweep(self):
        with open(self.dir / "suite.toml", "a") as suite:
            suite.write('[sweep.over]\n"optimizer.rate" = [1e-3, 1e-4]\n')

    def test_several_runs_can_t_share_standard_input(self):
        self.use("-", 'format = "tsv"')
        self.add_sweep()
        self.fails(2, "sweep", "suite.toml", stdin=self.train_bytes.decode(), says="standard input can be read once")

    def test_a_sweep_unpacks_in_each_of_its_runs(self):
        self.write_variants()
        self.use("part-*.packed.tsv.*", dev="dev.tsv.gz")
        self.add_sweep()
        self.berth("sweep", "suite.toml", "--out", "sweep", "--set", "training.epochs=1")
        self.assertEqual(len(list((self.dir / "sweep/trials").glob("*/summary.json"))), 2)
