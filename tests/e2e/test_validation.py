"""berth validate-plugin finds what it is there to find, and a plugin that crashes or hangs takes nothing with it;
berth new-plugin's projects. Building them: tests/install."""
import os
import pathlib
import re
import shutil
import unittest

from program import ProgramTest

PLUGINS = pathlib.Path(os.environ["TEST_PLUGINS"])
FLAWED = PLUGINS / "plugins-flawed/flawed.so"
ALL = {"manifest", "exports", "load", "options", "rows", "threads", "loss", "gradient", "batches", "learning", "reload",
       "metric", "display", "inputs", "errors"}


def failed(output):
    return set(re.findall(r"^FAILED +(\S+)", output, re.MULTILINE))


class Validation(ProgramTest):
    def setUp(self):
        super().setUp()
        suite = (self.dir / "suite.toml").read_text().replace('"classification"', '"flawed"')
        (self.dir / "suite.toml").write_text(suite)
        self.plain = suite

    def validate(self, *arguments, code=0, flaw="none", environment=None):
        (self.dir / "suite.toml").write_text(
            self.plain + f'options.flaw = "{flaw}"\n' + (f'data.flaw = "{flaw}"\n' if flaw == "rows" else ""))
        return self.berth("validate-plugin", FLAWED, "--suite", "suite.toml", *arguments, code=code,
                          environment=environment).stdout

    def test_a_good_plugin_passes_every_check(self):
        output = self.validate()
        self.assertEqual(set(re.findall(r"^ok +(\S+)", output, re.MULTILINE)), ALL)
        self.assertIn("15 of 15 checks passed", output)

    def test_without_a_suite_it_says_what_is_left_out(self):
        output = self.berth("validate-plugin", FLAWED).stdout
        self.assertIn("4 of 4 checks passed; 11 more look at the task's work: give --suite SUITE.toml", output)

    def test_each_flaw_is_found_by_its_check(self):
        for flaw in sorted(ALL - {"manifest", "exports", "load", "options"}):
            with self.subTest(flaw):
                output = self.validate("--only", flaw, code=4, flaw=flaw)
                self.assertEqual(failed(output), {flaw})
                self.assertIn(f"--only {flaw} --seed 1 --suite suite.toml", output)

    def test_a_flaw_fails_no_check_that_has_nothing_to_do_with_it(self):
        for flaw, others in (("gradient", set()), ("metric", set()), ("inputs", set()), ("errors", set())):
            with self.subTest(flaw):
                self.assertEqual(failed(self.validate(code=4, flaw=flaw)), {flaw} | others)

    def test_what_loading_and_options_get_wrong(self):
        for flaw in ("load", "options"):
            with self.subTest(flaw):
                output = self.validate("--only", flaw, code=4, environment={"BERTH_TEST_FLAW": flaw, "LC_ALL": "C"})
                self.assertEqual(failed(output), {flaw})
        fast_math = PLUGINS / "plugins-loadable/fast_math.so"
        output = self.berth("validate-plugin", fast_math, "--only", "load", code=4).stdout
        self.assertIn("flush-to-zero", output)

    def test_a_crash_and_a_hang_fail_one_check_and_the_others_go_on(self):
        output = self.validate(code=4, flaw="crash")
        self.assertEqual(failed(output), {"inputs"})
        self.assertIn("it ended the process by SIGABRT", output)
        self.assertRegex(output, "ok +errors")
        output = self.validate("--only", "loss", "--timeout", "3", code=4, flaw="hang")
        self.assertIn("it did not end within 3 s", output)
        output = self.validate(code=4, environment={"BERTH_TEST_FLAW": "trap"})
        self.assertEqual(failed(output), ALL - {"manifest", "exports", "load"})

    def test_files_that_are_no_plugins(self):
        for name in ("no_manifest", "wrong_libtorch", "wrong_checksum"):
            with self.subTest(name):
                file = PLUGINS / f"plugins-refused/{name}.so"
                output = self.berth("validate-plugin", file, code=4).stdout
                self.assertEqual(failed(output), {"manifest"})
                self.assertIn("0 of 1 checks passed", output)
        (self.dir / "text.so").write_text("no library")
        self.assertIn("is not an ELF file", self.berth("validate-plugin", "text.so", code=4).stdout)
        self.fails(6, "validate-plugin", "missing.so", says="is not there")
        self.fails(2, "validate-plugin", says="usage: berth validate-plugin")

    def test_other_flaws_of_the_same_checks(self):
        for check, flaw, says in (("loss", "sums", "with LossDetail::kSum and"),
                                  ("errors", "kinds", "the host's error came out as another one")):
            with self.subTest(flaw):
                self.assertIn(says, self.validate("--only", check, code=4, flaw=flaw))

    def test_an_output_with_other_rows_than_decode_asks_for(self):
        output = self.validate("--only", "batches", code=4, flaw="shape")
        self.assertIn("output 'logits' of the head's predict() has not one row a sequence", output)

    def test_what_it_exports(self):
        output = self.berth("validate-plugin", PLUGINS / "plugins-loadable/no_entry.so", "--only", "exports", code=4)
        self.assertIn("it exports nothing", output.stdout)

    def test_a_suite_that_is_no_good_is_not_the_plugins_fault(self):
        (self.dir / "train.tsv").unlink()
        error = self.fails(6, "validate-plugin", FLAWED, "--suite", "suite.toml", says="train.tsv")
        self.assertNotIn("FAILED", error)
        self.fails(6, "validate-plugin", FLAWED, "--suite", "suite.toml", "--only", "loss", says="train.tsv")

    def test_the_file_that_is_given_is_the_one_that_is_checked(self):
        shutil.copy(FLAWED, self.dir / "flawed.so.new")
        output = self.berth("validate-plugin", "flawed.so.new", "--only", "load", code=4).stdout
        self.assertIn("called NAME.so", output)

    def test_wrong_arguments(self):
        self.fails(2, "validate-plugin", FLAWED, "--only", "gradeint", says="did you mean 'gradient'?")
        self.fails(2, "validate-plugin", FLAWED, "--only", "gradient", says="needs --suite")
        self.fails(2, "validate-plugin", FLAWED, "--here", says="--here needs --only")
        self.fails(2, "validate-plugin", FLAWED, "--suite", "suite.toml", "--task", "nobody", says="no task 'nobody'")
        (self.dir / "suite.toml").write_text(self.plain.replace('"flawed"', '"qa"'))
        self.fails(2, "validate-plugin", FLAWED, "--suite", "suite.toml", says='plugin = "flawed"')


class Quarantine(ProgramTest):
    """A plugin that traps or hangs while it is loaded is found by a process that is lost for it."""
    FOLDER = PLUGINS / "plugins-dangerous"

    def test_they_are_named_and_the_others_are_there(self):
        output = self.berth("plugins", "--plugin-path", self.FOLDER, environment={"BERTH_LOAD_SECONDS": "20"}).stdout
        self.assertRegex(output, r"(?m)^good +1.2.3")
        self.assertNotRegex(output, r"(?m)^(traps|hangs) ")
        self.assertRegex(output, r"traps.so\n  plugin 'traps' ends the process by SIG(ILL|TRAP) when it is loaded\n")
        self.assertIn("exits.so\n  plugin 'exits' ends the process with exit status 0 when it is loaded", output)
        self.assertIn("hangs.so\n  plugin 'hangs' is not loaded within 20 s", output)

    def test_a_run_that_needs_one_says_so_and_another_goes_on(self):
        suite = (self.dir / "suite.toml").read_text()
        (self.dir / "bad.toml").write_text(suite.replace('"classification"', '"traps"'))
        error = self.fails(4, "run", "bad.toml", "--plugin-path", self.FOLDER, says=["plugin 'traps' ("])
        self.assertIn("when it is loaded; berth did not load it", error)
        self.train("run", "--plugin-path", self.FOLDER, "--set", "training.steps=2")


class NewPlugin(ProgramTest):
    KINDS = {"classification": "stance", "tagging": "tagger", "span": "finder", "generation": "copyist"}

    def test_each_kind_has_all_its_files_and_no_old_name(self):
        for kind, old in self.KINDS.items():
            with self.subTest(kind):
                output = self.berth("new-plugin", "my_task", "--like", kind, "--to", kind, "--model",
                                    pathlib.Path(self.shared.name) / "model").stdout
                folder = self.dir / kind
                files = {str(f.relative_to(folder)): f.read_text() for f in folder.rglob("*") if f.is_file()}
                self.assertEqual(set(files), {"CMakeLists.txt", "README.md", "my_task.cpp", "suite.toml",
                                              "data/train.tsv", "data/dev.tsv"})
                for name, text in files.items():
                    self.assertIsNone(re.search(rf"(?<![a-z]){old}|{old.capitalize()}", text), name)
                self.assertIn("class MyTaskTask : public Task", files["my_task.cpp"])
                self.assertIn('BERTH_PLUGIN("my_task"', files["my_task.cpp"])
                self.assertIn(f'path = "{self.shared.name}/model"', files["suite.toml"])
                self.assertIn(f"cmake -S {kind} -B {kind}/build -DCMAKE_PREFIX_PATH=", output)

    def test_words_that_only_contain_the_old_name_stay(self):
        self.berth("new-plugin", "mood")
        self.assertNotIn("inmood", (self.dir / "mood/mood.cpp").read_text())
        self.assertIn('path = "${BERTH_MODEL}"', (self.dir / "mood/suite.toml").read_text())

    def test_wrong_arguments_write_nothing(self):
        self.fails(2, "new-plugin", says="usage: berth new-plugin")
        self.fails(2, "new-plugin", "Mood", says="a letter first")
        self.fails(2, "new-plugin", "test", says="is taken")
        self.fails(2, "new-plugin", "mood", "--to", "", says="--to is empty")
        self.fails(2, "new-plugin", "mood", "--like", "taging", says="did you mean 'tagging'?")
        self.fails(6, "new-plugin", "mood", "--model", "nowhere", says="is no folder")
        self.assertFalse((self.dir / "mood").exists())
        (self.dir / "mood").mkdir()
        (self.dir / "mood/file").write_text("mine")
        self.fails(6, "new-plugin", "mood", says="is there already")
        self.assertEqual((self.dir / "mood/file").read_text(), "mine")


if __name__ == "__main__":
    unittest.main()
