"""Faults of the process: streams, signals, memory, limits and environment."""
import json
import os
import re
import shutil
import signal
import subprocess
import time

from fault_test import BERTH, FaultTest, needs_strace, row


class Streams(FaultTest):
    def expect_trained(self, result):
        """A run's answer is its folder: training is not lost with the screen."""
        self.expect(result, 0)
        self.assertEqual(self.learned(), self.undisturbed())

    @row("standard output is closed", "`>&-`", "the run ends as an undisturbed one")
    def test_output_that_is_closed(self):
        self.expect_trained(self.shell('"$@" >&-', *self.command()))

    @row("all three streams are closed", "`<&- >&- 2>&-`",
         "the run ends as an undisturbed one; nothing of what it says gets into its files")
    def test_streams_that_are_closed(self):
        for closed in ("<&- >&-", "<&- >&- 2>&-", "<&- 2>&-"):
            with self.subTest(closed):
                shutil.rmtree(self.dir / "run", ignore_errors=True)
                self.expect_trained(self.shell(f'"$@" {closed}', *self.command()))

    @row("standard output is full", "`>/dev/full`", "the run ends as an undisturbed one")
    def test_output_that_is_full(self):
        self.expect_trained(self.shell('"$@" >/dev/full', *self.command()))

    @row("the reader of a run's output leaves", "a pipe whose reading end is closed",
         "the run ends as an undisturbed one")
    def test_a_reader_that_leaves(self):
        reading, writing = os.pipe()
        os.close(reading)
        program = self.start(self.command(), stdout=writing)
        os.close(writing)
        self.expect_trained(self.finish(program))

    @row("standard error is full or closed when an error is to be told", "`2>/dev/full`, `2>&-`",
         "the exit code is the error's own, as ever")
    def test_errors_that_can_not_be_told(self):
        for stream in ("2>/dev/full", "2>&-"):
            with self.subTest(stream):
                self.assertEqual(self.shell(f'"$@" {stream}', BERTH, "run", "nowhere.toml").returncode, 2)
                self.assertEqual(self.shell(f'"$@" {stream}', BERTH, "evaluate", "nowhere").returncode, 6)

    @row("answers can't be written",
         "predict, evaluate, check, plugins, compare, --help to /dev/full and to a closed output",
         "exit 6 and one sentence that says so")
    def test_answers_that_can_not_be_written(self):
        self.train("run", "--set", "training.steps=2", "--set", "analysis.at_end=false")
        (self.dir / "lines").write_text('{"text": "a fine day"}\n')
        for command in (("predict", "run", "--task", "mood", "--input", "lines"), ("evaluate", "run"), ("check", "suite.toml"),
                        ("plugins",), ("compare", "run", "run"), ("--help",)):
            for stream in (">/dev/full", ">&-"):
                with self.subTest(command=command, stream=stream):
                    result = self.shell(f'"$@" {stream}', BERTH, *command)
                    self.expect(result, 6, "can't be written")

    @row("the reader of a listing leaves", "`berth plugins | head`, of --help", "no error is told")
    def test_a_reader_of_a_listing_that_leaves(self):
        for command in ("plugins", "--help"):
            result = self.shell('"$@" | true', BERTH, command)
            self.assertEqual(result.stderr, "")

    @row("standard input ends within a line of predict's", "the last line has no line feed, and is cut",
         "exit 3 naming the line; the answers before it are given")
    def test_input_that_is_cut(self):
        self.train("run", "--set", "training.steps=2", "--set", "analysis.at_end=false")
        program = self.start([BERTH, "predict", "run", "--task", "mood"], stdin=subprocess.PIPE)
        output, error = program.communicate('{"text": "a fine day"}\n{"text": "a sa')
        result = subprocess.CompletedProcess(program.args, program.returncode, output, error)
        self.measured = f"exit {result.returncode}"
        self.expect(result, 3, ":2")
        self.assertEqual(len(output.splitlines()), 1)


@needs_strace
class Signals(FaultTest):
    def expect_saved(self, result, number, step):
        self.assertIn(result.returncode, (128 + number, -number))
        self.assertIn("`berth run --resume", result.stdout)
        self.expect_whole(step)
        self.expect_resumed()

    @row("SIGINT in training", "at the line of step 5", "the step is finished and saved; exit 130; resume equal")
    def test_an_interrupt_in_training(self):
        self.expect_saved(self.inject("write", "signal=INT", r"metrics\.jsonl", nth=7), signal.SIGINT, 5)

    @row("SIGTERM in training", "at the line of step 5", "the step is finished and saved; exit 143; resume equal")
    def test_a_termination_in_training(self):
        self.expect_saved(self.inject("write", "signal=TERM", r"metrics\.jsonl", nth=7), signal.SIGTERM, 5)

    @row("SIGHUP in training: the terminal is closed", "at the line of step 5; twice, as a shell and the kernel send it",
         "the step is finished and saved; exit 129; resume equal")
    def test_a_terminal_that_is_closed(self):
        for times in (1, 2):
            shutil.rmtree(self.dir / "run", ignore_errors=True)
            self.expect_saved(self.inject("write", "signal=HUP", r"metrics\.jsonl", nth=7, calls=times), signal.SIGHUP, 5)

    @row("SIGHUP under nohup", "the same, ignored from the start", "the run ends as an undisturbed one")
    def test_a_terminal_that_is_closed_under_nohup(self):
        _, number = self.number("write", r"metrics\.jsonl", 7)
        result = self.shell(f'trap "" HUP; strace -f -qq -o /dev/null -e inject=write:signal=HUP:when={number} "$@"',
                            *self.command())
        self.expect(result, 0)
        self.assertEqual(self.learned(), self.undisturbed())

    @row("SIGTERM in an evaluation", "while step 3 is scored on 20000 examples", "saved; exit 143; resume equal")
    def test_a_termination_in_an_evaluation(self):
        self.write_rows("dev.tsv", [("a fine day", "good"), ("a sad day", "bad")] * 10000)
        command = self.command("evaluation.batch_size=2")
        whole = self.expect(self.call(*command), 0)
        expected = self.learned()
        shutil.rmtree(self.dir / "run")
        program = self.start(command)
        while not (self.dir / "run/checkpoints").exists() or not (self.dir / "run/checkpoints/last").is_symlink():
            self.assertIsNone(program.poll())
        time.sleep(0.1)
        program.terminate()
        result = self.finish(program)
        self.assertEqual(result.returncode, 143, whole.stdout)
        self.expect_whole(3)
        self.expect(self.call(BERTH, "run", "--resume", "run"), 0)
        self.assertEqual(self.learned(), expected)

    @row("SIGTERM in the middle of a checkpoint", "at a write of training.safetensors of step 4",
         "the checkpoint is written to its end; at most one more step; exit 143; resume equal")
    def test_a_termination_in_a_checkpoint(self):
        result = self.inject("write", "signal=TERM", r"step-4\.partial/training", nth=2)
        self.assertIn(result.returncode, (143, -15))
        self.expect_whole(int(os.readlink(self.dir / "run/checkpoints/last")[-1]))
        self.assertIn(os.readlink(self.dir / "run/checkpoints/last"), ("step-4", "step-5"))
        self.expect_resumed()

    @row("SIGINT in the last evaluation, when training is done", "at the opening of the predictions",
         "exit 130; the run is whole; resume ends it, equal")
    def test_an_interrupt_at_the_end(self):
        result = self.inject("openat", "signal=INT", r"predictions/mood")
        self.assertIn(result.returncode, (128 + signal.SIGINT, -signal.SIGINT))
        self.expect_whole(6)
        self.expect_resumed()

    @row("SIGINT in the analysis at the end", "at the opening of the model",
         "exit 130; the run is whole, and said to be")
    def test_an_interrupt_in_the_analysis(self):
        command = self.command("analysis.at_end=true")
        opened = sum("model/model.safetensors" in rest for name, rest in self.trace(command) if name == "openat")
        result = self.inject("openat", "signal=INT", r"/model/model\.safetensors", nth=opened, command=command)
        self.assertIn(result.returncode, (128 + signal.SIGINT, -signal.SIGINT))
        self.assertRegex(result.stdout, "the run is whole, and `berth analyze .*run` does what was left")
        self.assertEqual(self.json("run/summary.json")["ending"], "completed")
        self.call(BERTH, "analyze", "run")
        self.assertTrue((self.dir / "run/analysis.json").exists())

    @row("SIGINT while the data is read", "at the reading of train.tsv", "the end at once; no folder is left")
    def test_an_interrupt_while_data_is_read(self):
        result = self.inject("read", "signal=INT", r"train\.tsv")
        self.assertIn(result.returncode, (128 + signal.SIGINT, -signal.SIGINT))
        self.assertFalse((self.dir / "run").exists())

    @row("a second SIGTERM", "one at the line of step 5, one in the checkpoint that the first one asks for",
         "the end at once, exit 143; the checkpoint before is whole; resume equal")
    def test_a_second_termination(self):
        _, first = self.number("write", r"metrics\.jsonl", 7)
        result = self.call("strace", "-f", "-qq", "-o", "/dev/null", "-e", f"inject=write:signal=TERM:when={first}+8",
                           *self.command())
        self.assertIn(result.returncode, (128 + signal.SIGTERM, -signal.SIGTERM))
        self.assertNotIn("interrupted;", result.stdout)
        self.expect_whole(4)
        self.expect_resumed()

    @row("kill -9 in the middle of a checkpoint", "at a write of training.safetensors of step 4",
         "the checkpoint before is whole; resume equal")
    def test_a_kill_in_a_checkpoint(self):
        self.inject("write", "signal=KILL", r"step-4\.partial/training", nth=2)
        self.expect_whole(3)
        self.expect_resumed()

    @row("kill -9 between a checkpoint and its link", "at the symlink to step 4", "resume from step 4; equal")
    def test_a_kill_before_a_link(self):
        self.inject("symlink", "signal=KILL", "step-4")
        self.expect_whole(3)
        self.expect_resumed(says="going on after step 4")

    @row("a call is interrupted and to be made again", "write: EINTR", "the run ends as an undisturbed one")
    def test_calls_that_are_interrupted(self):
        for call, pattern in (("write", r"step-4\.partial/training"), ("write", r"metrics\.jsonl")):
            with self.subTest(call=call, pattern=pattern):
                shutil.rmtree(self.dir / "run", ignore_errors=True)
                self.expect(self.inject(call, "error=EINTR", pattern), 0)
                self.assertEqual(self.learned(), self.undisturbed())


class Limits(FaultTest):
    def expect_no_memory(self, result):
        self.expect(result, 6, "(?i)memory")

    @needs_strace
    @row("no memory for the data", "mmap: ENOMEM, brk refused, from the opening of train.tsv on (60000 rows)",
         "exit 6: out of memory, in words")
    def test_no_memory_for_the_data(self):
        self.write_rows("train.tsv", [("a fine day", "good"), ("a sad day", "bad")] * 30000)
        self.expect_no_memory(self.without_memory("openat", r"train\.tsv"))
        self.assertFalse((self.dir / "run").exists())

    @needs_strace
    @row("no memory for the model", "mmap: ENOMEM from the opening of config.json on",
         "exit 6: out of memory, in words")
    def test_no_memory_for_the_model(self):
        self.expect_no_memory(self.without_memory("openat", r"model/config\.json"))

    @needs_strace
    @row("no memory in training", "mmap: ENOMEM from the line of step 3 on, with batches of 200 rows",
         "exit 6: out of memory, in words; the last checkpoint is whole")
    def test_no_memory_in_training(self):
        command = self.command("training.batch_size=200", "evaluation.batch_size=200")
        result = self.without_memory("write", r"metrics\.jsonl", 2, command)
        self.expect_no_memory(result)

    @row("no memory for a batch", "ulimit -v 200 MB above what the run needs; batches of 4000 rows",
         "exit 6: out of memory; which settings to lower")
    def test_no_memory_for_a_batch(self):
        self.write_rows("train.tsv", [("we loved it " * 8, "good"), ("we hated it " * 8, "bad")] * 4000)
        command = self.command("training.batch_size=8000", "evaluation.every=0", "checkpoints.every=0")
        script = """"$@" & while [ -d /proc/$! ] && ! grep -q . run/metrics.jsonl 2>/dev/null; do sleep 0.01; done
                    grep VmPeak /proc/$!/status; kill -9 $!"""
        status = self.shell(script, *self.command("training.steps=4000"))
        peak = int(re.search(r"VmPeak:\s+(\d+) kB", status.stdout)[1])
        shutil.rmtree(self.dir / "run", ignore_errors=True)
        self.measured = ""
        result = self.shell(f'ulimit -v {peak + 200_000}; exec "$@"', *command)
        self.expect(result, 6, "out of memory; lower training.batch_size")

    @row("hardly any files may be open", "ulimit -n 4, 5, 6, 8",
         "exit 6 naming a file that can't be opened, or an ordinary run")
    def test_few_open_files(self):
        for limit in (4, 5, 6, 8):
            with self.subTest(limit=limit):
                shutil.rmtree(self.dir / "run", ignore_errors=True)
                result = self.shell(f'ulimit -n {limit}; exec "$@"', *self.command())
                if result.returncode == 127:  # the loader of the program's own libraries
                    continue
                self.assertIn(result.returncode, (0, 6), result.stderr)
                self.expect(result, result.returncode, *([] if result.returncode == 0 else ["Too many open files"]))


class Environment(FaultTest):
    def expect_same(self, result, out="run"):
        self.expect(result, 0)
        self.assertEqual(self.learned(out), self.undisturbed())

    @row("no home, no folder for temporary files", "HOME and TMPDIR lead nowhere", "the run ends as ever")
    def test_no_home(self):
        self.expect_same(self.call(*self.command(), environment={"HOME": "/nowhere", "TMPDIR": "/nowhere"}))

    @row("an empty environment", "env -i", "the run ends as ever")
    def test_no_environment(self):
        self.expect_same(self.call("env", "-i", "OMP_NUM_THREADS=1", *self.command()))

    @row("a locale that is not there, and names in UTF-8",
         "LC_ALL=xx_YY, LC_ALL=C; a folder, a file, a label in other scripts", "the run ends as ever")
    def test_names_in_other_scripts(self):
        os.rename(self.dir / "train.tsv", self.dir / "größe-日本.tsv")
        suite = (self.dir / "suite.toml").read_text().replace("train.tsv", "größe-日本.tsv")
        (self.dir / "suite.toml").write_text(suite)
        for locale in ("xx_YY", "C", "de_DE.UTF-8"):
            with self.subTest(locale=locale):
                shutil.rmtree(self.dir / "проба", ignore_errors=True)
                self.expect_same(self.call(*self.command(out="проба"), environment={"LC_ALL": locale}), "проба")

    @row("names with spaces, quotes and line feeds", "folder and data file", "the run ends as ever")
    def test_names_with_spaces(self):
        name = "a 'b' \"c\"\n d"
        os.rename(self.dir / "train.tsv", self.dir / (name + ".tsv"))
        suite = (self.dir / "suite.toml").read_text().replace('"train.tsv"', json.dumps(name + ".tsv"))
        (self.dir / "suite.toml").write_text(suite)
        self.expect_same(self.call(*self.command(out=name)), name)
        (self.dir / name / "summary.json").unlink()
        self.expect(self.call(BERTH, "run", "--resume", name), 0)

    @row("the present folder was removed", "the command is given whole paths",
         "the run ends as ever, or exit 6 that says so")
    def test_a_present_folder_that_is_gone(self):
        (self.dir / "gone").mkdir()
        command = [BERTH, "run", self.dir / "suite.toml", "--out", self.dir / "run", *self.command()[5:]]
        result = self.shell('cd gone && rmdir "$PWD" && exec "$@"', *command)
        if result.returncode == 0:
            self.expect_same(result)
        else:
            self.expect(result, 6, "current|folder|directory")

    @row("a path that is too long", "--out of 300, then of 5000 characters", "exit 6 naming it, before the first step")
    def test_a_path_that_is_too_long(self):
        for out in ("x" * 300, "/".join(["x" * 99] * 50)):
            result = self.expect(self.call(*self.command(out=out)), 6, "xxx.*File name too long")
            self.assertNotIn("step 1/", result.stdout)

    @row("a task whose name makes names of files too long", "250 characters",
         "refused before the first step, exit 2 or 6")
    def test_a_task_with_a_long_name(self):
        suite = (self.dir / "suite.toml").read_text().replace("tasks.mood", "tasks." + "m" * 250)
        (self.dir / "suite.toml").write_text(suite)
        result = self.call(*self.command())
        self.assertIn(result.returncode, (2, 6))
        self.expect(result, result.returncode, "mmm")
        self.assertNotIn("step 1/", result.stdout)

    @row("the folders of plugins can't be read", "--plugin-path leads nowhere; to a file",
         "exit 6 naming it and the option")
    def test_plugin_folders_that_can_not_be_read(self):
        for path in ("nowhere", "train.tsv"):
            self.expect(self.call(*self.command(), "--plugin-path", path), 6, f"{path}: .*correct --plugin-path")
