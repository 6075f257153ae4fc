"""Faults of the disk, of the run's folder and of its checkpoints."""
import os
import shutil

from fault_test import BERTH, SETTINGS, FaultTest, listed, needs, needs_strace, row, works

FAILED = r"failed; what was learned up to step {0} is in .*/checkpoints/last; `berth run --resume .*/run` goes on"
needs_namespace = needs("user namespaces are closed here",
                        works("unshare", "-rm", "mount", "-t", "tmpfs", "none", "/mnt"))


class Disk(FaultTest):
    def expect_failed(self, result, step, *says):
        """Exit 6, and the last checkpoint is whole, and it is the one that the program names."""
        self.expect(result, 6, *says)
        if step is None:
            self.assertNotIn("goes on", result.stdout)
            self.expect_nothing()
            return
        self.assertRegex(result.stdout, FAILED.format(step))
        self.expect_whole(step)
        self.expect_resumed()

    def full(self, space):
        """A run on a disk of this size that is full after the checkpoint of that step; then the disk gets larger."""
        script = """mount -t tmpfs -o size=$1 none disk && mkdir disk/run || exit 99
                    shift; "$@"; code=$?; df disk >&2; cp -a disk/run failed
                    mount -o remount,size=10m disk
                    "$0" run --resume disk/run >resumed 2>&1; echo $? >>resumed; cp -a disk/run run; exit $code"""
        (self.dir / "disk").mkdir()
        result = self.call("unshare", "-rm", "bash", "-c", script, BERTH, space, *self.command(out="disk/run"))
        self.expect(result, 6, "No space left on device|is the disk full")
        return result, (self.dir / "resumed").read_text()

    @needs_namespace
    @row("the disk is full at the first checkpoint", "a file system of 200 KB",
         "exit 6 naming file and reason, and no word of a checkpoint that is not there; --resume says that there "
         "is none")
    def test_full_at_the_first_checkpoint(self):
        result, resumed = self.full("200k")
        self.assertNotIn("goes on", result.stdout)
        self.expect_nothing("failed")
        self.assertIn("no whole checkpoint to go on from", resumed)

    @needs_namespace
    @row("the disk is full at a later checkpoint", "a file system of 500 KB",
         "exit 6; the checkpoint before is whole, and the only one named; what was begun is not left; with more "
         "room the run goes on and ends as an undisturbed one")
    def test_full_at_a_later_checkpoint(self):
        result, resumed = self.full("500k")
        self.expect_whole(2, "failed")
        self.assertEqual(list((self.dir / "failed/checkpoints").glob("*.partial")), [])
        self.assertRegex(result.stdout, FAILED.format(2))
        self.assertIn("going on after step 2", resumed)
        self.assertEqual(self.learned(), self.undisturbed())

    @needs_strace
    @row("the disk is full in the middle of a checkpoint, then has room",
         "write of training.safetensors of step 4: ENOSPC",
         "exit 6 naming the file; what was learned is saved after all; resume equal")
    def test_full_in_the_middle_of_a_checkpoint(self):
        result = self.inject("write", "error=ENOSPC", r"step-4.partial/training.safetensors", nth=3)
        self.expect_failed(result, 4, "training.safetensors: can't be written: No space left on device")

    @needs_strace
    @row("the disk is full at a line of metrics.jsonl", "write: ENOSPC", "exit 6 naming the file; saved; resume equal")
    def test_full_at_metrics(self):
        result = self.inject("write", "error=ENOSPC", r"metrics\.jsonl", nth=5)
        self.expect(result, 6, r"metrics\.jsonl: can't be written: No space left on device|is the disk full")
        self.expect_resumed()

    @needs_strace
    @row("the disk is full at TensorBoard's event file", "write: ENOSPC", "exit 6 naming the file; saved; resume equal")
    def test_full_at_events(self):
        result = self.inject("write", "error=ENOSPC", r"events\.out\.tfevents", nth=5,
                             command=self.command("report.tensorboard=true"))
        self.expect(result, 6, r"tfevents.*: can't be written; is the disk full")
        self.expect_resumed()

    @needs_strace
    @row("the disk is full at summary.json", "write: ENOSPC", "exit 6 naming the file; the run is whole; resume equal")
    def test_full_at_the_summary(self):
        result = self.inject("write", "error=ENOSPC", r"summary\.json")
        self.expect(result, 6, r"summary\.json: can't be written: No space left on device")
        self.expect_whole(6)
        self.expect_resumed()

    @needs_strace
    @row("the disk is full at the predictions", "writev: ENOSPC",
         "exit 6 naming the file; the run is whole; resume equal")
    def test_full_at_the_predictions(self):
        self.expect_failed(self.inject("writev", "error=ENOSPC", r"predictions/mood"), 6, "mood.dev.jsonl: can't be written")

    @needs_strace
    @row("the disk is full at the suite's copy, before the first step", "write: ENOSPC", "exit 6 naming the file")
    def test_full_at_the_suite(self):
        self.expect(self.inject("write", "error=ENOSPC", r"run/suite\.toml"), 6, "suite.toml: can't be written: No space left")
        self.expect(self.call(*self.command()), 0)  # what is left does not bar the way

    @needs_strace
    @row("the disk does not take what was written", "fsync of a file of step 4: EIO",
         "exit 6 naming the file; resume equal")
    def test_a_sync_that_fails(self):
        result = self.inject("fsync", "error=EIO", r"step-4.partial/training")
        self.expect_failed(result, 4, "training.safetensors: can't be synced to the disk: Input/output error")

    @needs_strace
    @row("a checkpoint can't be put in place", "rename of its folder: EIO", "exit 6 naming the folder; resume equal")
    def test_a_rename_that_fails(self):
        result = self.inject("rename", "error=EIO", r'step-4\.partial", .*step-4"')
        self.expect_failed(result, 4, "step-4: the checkpoint can't be written: .*Input/output error")

    @needs_strace
    @row("`last` can't be set", "symlink: EPERM", "exit 6 naming the link; resume equal")
    def test_a_link_that_fails(self):
        self.expect_failed(self.inject("symlink", "error=EPERM", "last", nth=2), 3, "last: the link can't be made")

    def with_cache(self, call, what):
        """A run with a fault at the file of its feature cache, and whether the next run makes up for it."""
        command = self.command("training.feature_cache=cache")
        self.number(call, r"features\.partial", command=command)
        shutil.rmtree(self.dir / "cache", ignore_errors=True)  # what the undisturbed one made
        result = self.inject(call, what, r"features\.partial", command=command)
        self.assertFalse((self.dir / "run").exists())
        self.assertEqual(list((self.dir / "cache").glob("*.features")), [])
        self.left = list((self.dir / "cache").iterdir())
        self.expect(self.call(*command), 0)
        self.assertEqual([file.suffix for file in (self.dir / "cache").iterdir()], [".features"])
        self.assertEqual(self.learned(), self.undisturbed())
        return result

    @needs_strace
    @row("the disk is full at the feature cache, or does not take or name what was written",
         "write: ENOSPC; fsync, rename: EIO", "exit 6 naming the file; nothing is left; the next run makes it, equal")
    def test_a_feature_cache_that_can_not_be_written(self):
        for call, error, says in (("write", "ENOSPC", r"partial: can't be written: No space left on device; free some space"),
                                  ("fsync", "EIO", r"partial: can't be written: Input/output error"),
                                  ("rename", "EIO", r"features: can't be put in place: Input/output error")):
            with self.subTest(call):
                self.expect(self.with_cache(call, f"error={error}"), 6, says)
                self.assertEqual(self.left, [])
                shutil.rmtree(self.dir / "run")

    @needs_strace
    @row("kill -9 before the feature cache's file has its name", "at its rename",
         "what is left is not used; the next run clears it away and makes the file, equal")
    def test_a_kill_in_the_feature_cache(self):
        self.with_cache("rename", "signal=KILL")
        self.assertEqual(len(self.left), 1)

    @needs_strace
    @row("the disk turns read-only at a checkpoint", "openat in it: EROFS", "exit 6 naming the file; resume equal")
    def test_a_disk_that_turns_read_only(self):
        result = self.inject("openat", "error=EROFS", r"step-4\.partial/heads.*O_CREAT")
        self.expect_failed(result, 4, "heads/mood.safetensors: can't be created: Read-only file system")

    @needs_strace
    @row("no more files can be open at a checkpoint", "openat in it: EMFILE", "exit 6 naming the file; resume equal")
    def test_too_many_open_files(self):
        result = self.inject("openat", "error=EMFILE", r"step-4\.partial/encoder.*O_CREAT")
        self.expect_failed(result, 4, "model.safetensors: can't be created: Too many open files")

    @needs_strace
    @row("the tokenizer's files can't be copied into a checkpoint", "sendfile or copy_file_range: ENOSPC",
         "exit 6 naming the file; resume equal")
    def test_a_copy_that_fails(self):
        self.expect_failed(self.inject("copy", "error=ENOSPC", "step-4"), 4, "vocab.txt: could not be copied.*No space")

    @needs_strace
    @row("the disk gives back other bytes than were written", "read of step 4 while it is checked: nothing comes",
         "exit 3 or 6 naming the file; the one before is whole; resume equal")
    def test_a_checkpoint_that_is_not_what_was_written(self):
        result = self.inject("read", "retval=0", r"step-4\.partial/training")
        self.assertIn(result.returncode, (3, 6))
        self.assertIn("training.safetensors: is not what was written", result.stderr)
        self.expect_resumed()

    @needs_strace
    @row("an old checkpoint can't be removed", "unlinkat: EACCES", "the run goes on and says so; exit 0")
    def test_an_old_checkpoint_that_can_not_be_removed(self):
        result = self.expect(self.inject("unlinkat", "error=EACCES", "step-2", calls=20), 0)
        self.assertIn("can't be removed (Permission denied); training goes on", result.stdout)

    @row("files may only have so many bytes", "ulimit -f 100 (SIGXFSZ, EFBIG)",
         "exit 6 naming the file, not a death by signal; no word of a checkpoint that is not there")
    def test_files_of_limited_size(self):
        result = self.shell('ulimit -f 100; exec "$@"', *self.command())
        self.expect_failed(result, None, "can't be written: File too large")

    @row("the run's folder can't be made", "a file stands where a folder is needed", "exit 6 naming it")
    def test_a_folder_that_can_not_be_made(self):
        (self.dir / "file").write_text("mine")
        self.expect(self.call(*self.command(out="file/run")), 6, "file/run: the folder can't be made: Not a directory")

    @needs_strace
    @row("the folder for the run is read-only", "mkdir: EROFS", "exit 6 naming it, before the first step")
    def test_a_read_only_folder(self):
        result = self.expect(self.inject("mkdir", "error=EROFS", '"run"'), 6, "run: the folder can't be made: Read-only")
        self.assertNotIn("step 1/", result.stdout)

    @needs_strace
    @row("the run's folder is removed under it", "it stands still after a step's line while the folder goes",
         "exit 6 naming what is missing; no word of a checkpoint that is not there")
    def test_a_run_folder_that_is_removed(self):
        result = self.while_stopped(lambda: shutil.rmtree(self.dir / "run"), "write", r"metrics\.jsonl", nth=4)
        self.expect(result, 6, "run")
        self.assertNotIn("goes on", result.stdout)

    @needs_strace
    @row("the last checkpoint is removed under the run", "it stands still after the line of step 5 while step-4 goes",
         "the run ends as an undisturbed one")
    def test_a_checkpoint_that_is_removed(self):
        result = self.while_stopped(lambda: shutil.rmtree(self.dir / "run/checkpoints/step-4"),
                                    "write", r'metrics\.jsonl.*"step\\":5')
        self.expect(result, 0)
        self.assertEqual(self.learned(), self.undisturbed())

    @needs_strace
    @row("two runs in one folder", "the first stands still in a step while the second starts",
         "the second: exit 6, told to take another folder; the first ends as if alone")
    def test_two_runs_in_one_folder(self):
        def second():
            self.expect(self.call(*self.command()), 6, "run: another berth works in this folder; .*another folder")
            self.expect(self.call(BERTH, "run", "--resume", "run"), 6, "another berth works in this folder")
        self.expect(self.while_stopped(second, "write", r"metrics\.jsonl", nth=4), 0)
        self.assertEqual(self.learned(), self.undisturbed())


class Resume(FaultTest):
    """A run that was killed after step 5 of 6: the checkpoints after the steps 2, 3 (the best) and 4 are there."""

    def setUp(self):
        super().setUp()
        self.call(*self.command("checkpoints.keep=99"))
        (self.dir / "run/summary.json").unlink()
        shutil.rmtree(self.dir / "run/checkpoints/step-6")
        self.step_4 = self.dir / "run/checkpoints/step-4"
        self.measured = ""

    def expect_passed_over(self, why, step=3):
        self.expect_resumed(says=f"step-4 is passed over: .*{why}(.|\n)*going on after step {step}\n")

    def expect_refused(self, code, *says):
        """The checkpoints stay as they are."""
        before = self.checkpoints()
        self.expect(self.call(BERTH, "run", "--resume", "run"), code, *says)
        self.assertTrue(self.checkpoints() == before)

    def checkpoints(self):
        return {file: file.read_bytes() for file in (self.dir / "run/checkpoints").rglob("*") if file.is_file()}

    def change(self, name, to):
        file = self.step_4 / name
        file.write_bytes(to(file.read_bytes()))

    @row("kill -9", "the folder as it is then", "resume goes on after the last checkpoint; equal")
    def test_killed(self):
        self.expect_resumed(says="going on after step 4\n")

    @row("the last checkpoint has no manifest", "manifest.json removed",
         "it is passed over, and that is said; resume equal")
    def test_a_manifest_that_is_missing(self):
        (self.step_4 / "manifest.json").unlink()
        self.expect_passed_over("has no manifest.json")

    @row("the manifest is no manifest", "manifest.json cut in half",
         "it is passed over, and that is said; resume equal")
    def test_a_manifest_that_is_cut(self):
        self.change("manifest.json", lambda data: data[:len(data) // 2])
        self.expect_passed_over("manifest.json.*not valid JSON")

    @row("a file of the last checkpoint is cut", "the optimizer's state cut in half",
         "passed over by name; resume equal")
    def test_a_checkpoint_that_is_cut(self):
        self.change("training.safetensors", lambda data: data[:len(data) // 2])
        self.expect_passed_over("training.safetensors: is not what was written")

    @row("a bit of the last checkpoint is another", "the last bit of the encoder flipped",
         "passed over by name; resume equal")
    def test_a_checkpoint_with_another_bit(self):
        self.change("encoder/model.safetensors", lambda data: data[:-1] + bytes([data[-1] ^ 1]))
        self.expect_passed_over("model.safetensors: is not what was written")

    @row("a file of the last checkpoint is longer", "a byte added to the head", "passed over by name; resume equal")
    def test_a_checkpoint_that_is_longer(self):
        self.change("heads/mood.safetensors", lambda data: data + b"\0")
        self.expect_passed_over("mood.safetensors: is not what was written")

    @row("a file of the last checkpoint is missing", "the task's state removed", "passed over by name; resume equal")
    def test_a_checkpoint_with_a_missing_file(self):
        (self.step_4 / "tasks/mood.state").unlink()
        self.expect_passed_over("mood.state: is missing")

    @row("no checkpoint is whole", "all encoders cut",
         "exit 6: start anew, each named; evaluate: exit 3 naming the file")
    def test_no_checkpoint_is_whole(self):
        for file in (self.dir / "run/checkpoints").glob("step-*/encoder/model.safetensors"):
            file.write_bytes(b"")
        self.expect_refused(6, "no whole checkpoint to go on from; start it anew")
        self.expect(self.call(BERTH, "evaluate", "run"), 3, "model.safetensors: is not what was written")

    @row("`last` and `best` lead nowhere, or are gone", "links replaced, removed", "resume equal")
    def test_links_that_lead_nowhere(self):
        for link, target in (("last", "step-99"), ("best", None)):
            (self.dir / "run/checkpoints" / link).unlink()
            if target:
                (self.dir / "run/checkpoints" / link).symlink_to(target)
        self.expect_resumed()

    @row("metrics.jsonl is missing at a resume", "removed",
         "exit 6 naming it, or the run goes on and says that lines are lost")
    def test_metrics_that_are_missing(self):
        (self.dir / "run/metrics.jsonl").unlink()
        result = self.call(BERTH, "run", "--resume", "run")
        self.assertIn(result.returncode, (0, 6))
        self.assertRegex(result.stdout + result.stderr, r"run/metrics\.jsonl.*(lost|can't)")
        if result.returncode == 0:
            self.assertEqual(self.learned()[0], self.undisturbed()[0])

    @row("metrics.jsonl is cut at a resume", "half of it removed",
         "the run goes on and says that lines are lost; each line left is whole")
    def test_metrics_that_are_cut(self):
        os.truncate(self.dir / "run/metrics.jsonl", 100)
        result = self.call(BERTH, "run", "--resume", "run")
        self.expect(result, 0)
        self.assertRegex(result.stdout, "metrics.jsonl has 100 bytes, but had [0-9]+: lines of it are lost")
        self.assertEqual(self.learned()[0], self.undisturbed()[0])

    @row("the run's suite was edited: no TOML", "suite.toml cut in a line", "exit 2 naming file and line; nothing lost")
    def test_a_suite_that_is_cut(self):
        (self.dir / "run/suite.toml").write_text("[model\n")
        self.expect_refused(2, "run/suite.toml:1")

    @row("the run's suite was edited: another training", "optimizer.freeze set",
         "exit 3 naming file and tensor; nothing lost")
    def test_a_suite_of_another_training(self):
        suite = self.dir / "run/suite.toml"
        suite.write_text(suite.read_text().replace("freeze = []", 'freeze = ["embeddings"]'))
        self.expect_refused(3, "training.safetensors: .*this is not the state of a run of this suite")

    @row("the training data is gone at a resume", "removed", "exit 6 naming it; nothing lost")
    def test_training_data_that_is_gone(self):
        os.rename(self.dir / "train.tsv", self.dir / "away")
        self.expect_refused(6, "train.tsv: can't open the data file: No such file")
        os.rename(self.dir / "away", self.dir / "train.tsv")
        self.expect_resumed()

    @row("the training data is another at a resume", "rows in reverse; cut after half of its rows; a text changed",
         "exit 3: not those of the run; nothing lost")
    def test_training_data_that_is_another(self):
        train = self.dir / "train.tsv"
        lines = train.read_text().splitlines(keepends=True)
        for other in ([lines[0], *lines[:0:-1]], lines[:100], [*lines[:-1], "a grey day\tbad\n"]):
            train.write_text("".join(other))
            self.expect_refused(3, "the training sets are not those")

    @row("the model that the run began with is gone at a resume", "its folder renamed",
         "exit 6 naming it; nothing lost")
    def test_a_model_that_is_gone(self):
        suite = self.dir / "run/suite.toml"
        suite.write_text(suite.read_text().replace(self.shared.name, "/nowhere"))
        self.expect_refused(6, "/nowhere/model: there is no such model folder")

    @needs_strace
    @row("kill -9 in the middle of a resume", "at each unlinkat and rename by which it makes room",
         "the next resume goes on; equal")
    def test_killed_while_resuming(self):
        os.rename(self.dir / "run", self.dir / "before")
        for call, number in (("unlinkat", 1), ("unlinkat", 4), ("rename", 1), ("rename", 2), ("rename", 9)):
            shutil.rmtree(self.dir / "run", ignore_errors=True)
            shutil.copytree(self.dir / "before", self.dir / "run", symlinks=True)
            shutil.copytree(self.dir / "before/checkpoints/step-4", self.dir / "run/checkpoints/step-6.partial")
            result = self.call("strace", "-f", "-qq", "-o", "/dev/null", "-e", f"trace={listed(call)}", "-e",
                               f"inject={listed(call)}:signal=KILL:when={number}", BERTH, "run", "--resume", "run")
            self.assertIn(result.returncode, (-9, 137), result.stderr)
            self.measured = ""
            self.expect_resumed()
