"""Plugins that are broken: each is refused or contained with its one sentence, and the host goes on with the others."""
import os
import shutil

from fault_test import BERTH, PLUGINS, FaultTest, row

# Where a whole round of commands meets each call of a plugin.
CALLS = {
    "run": ("constructor", "describe", "use_tokenizer", "make_reader", "reader.describe", "open", "next", "fit", "save_state",
            "load_state", "fields", "features", "label", "make_head", "head.input", "head.forward", "head.loss",
            "head.predict", "decode", "tune", "make_metric", "metric.add", "metric.result", "metric.files",
            "prediction.json", "example.json"),
    "split": ("stratum", "group"),
    "predict": ("from_json", "load_state", "features", "decode", "prediction.json"),
    "evaluate": ("metric.add", "make_reader"),
    "export": ("export_info",),
}


class Plugins(FaultTest):
    def setUp(self):
        super().setUp()
        self.plugins = self.dir / "plugins"
        self.plugins.mkdir()
        shutil.copy(PLUGINS / "plugins-flawed/throws.so", self.plugins)

    def with_plugin(self, name):
        """The command that runs the suite by this plugin."""
        settings = ("training.steps=2", "evaluation.every=1", f"tasks.mood.plugin={name}")
        return [*self.command(*settings), "--plugin-path", self.plugins]

    def expect_refused(self, reasons, environment=None):
        """reasons: by name. `berth plugins` tells each and has the good ones; a run that needs one: exit 4, file, reason;
        a run with another plugin of the folder goes on."""
        listing = self.expect(self.call(BERTH, "plugins", "--plugin-path", self.plugins, environment=environment), 0).stdout
        self.assertRegex(listing, r"(?m)^throws +1\.0\.0")
        self.assertRegex(listing, r"(?m)^classification ")
        for name, reason in reasons.items():
            with self.subTest(name):
                self.assertRegex(listing, rf"/{name}\.so\n +.*({reason})")
                self.expect(self.call(*self.with_plugin(name), environment=environment), 4, f"/{name}\\.so", reason)
                self.assertFalse((self.dir / "run").exists(), "a failed start leaves no folder behind")
        self.expect_others_run()
        self.measured = f"{len(reasons)} refused; others run"

    def expect_others_run(self):
        self.expect(self.call(*self.with_plugin("throws")), 0)

    def add(self, kind, name, change=lambda data: data):
        (self.plugins / f"{name}.so").write_bytes(change((PLUGINS / f"plugins-{kind}/{name}.so").read_bytes()))

    def make(self, name, data):
        (self.plugins / f"{name}.so").write_bytes(data)

    @row("a plugin for another LibTorch", "its manifest says 2.999",
         "refused before its code runs: which it was built for, which this is")
    def test_another_libtorch(self):
        self.add("refused", "wrong_libtorch")
        self.expect_refused({"wrong_libtorch": r"was built for LibTorch 2\.999\.\d+, and this berth runs 2\."})

    @row("a plugin for another SDK", "its manifest says so, and another interface",
         "refused before its code runs: both versions")
    def test_another_sdk(self):
        for name in ("wrong_sdk", "wrong_interface"):
            self.add("refused", name)
        self.expect_refused({"wrong_sdk": r"was built with SDK .* and needs 1\.999\.0, and this berth has 1\.",
                             "wrong_interface": "was built for interface 999"})

    @row("a plugin of another compiler, ABI, debug mode", "its manifest says so",
         "refused before its code runs: what to rebuild it with")
    def test_another_compiler(self):
        reasons = {"wrong_compiler": "an unknown compiler", "wrong_abi": "_GLIBCXX_USE_CXX11_ABI=7",
                   "wrong_debug": "_GLIBCXX_DEBUG, AddressSanitizer"}
        for name in reasons:
            self.add("refused", name)
        self.expect_refused(reasons)

    @row("a plugin of a newer SDK that this berth can load", "a longer manifest", "it is taken")
    def test_a_newer_manifest(self):
        self.add("loadable", "newer_manifest")
        self.assertRegex(self.call(BERTH, "plugins", "--plugin-path", self.plugins).stdout, r"(?m)^newer_manifest +1\.0\.0")

    @row("a library that is no plugin", "no manifest", "refused: no section, and which macro lays it down")
    def test_no_manifest(self):
        self.add("refused", "no_manifest")
        self.expect_refused({"no_manifest": r"has no section \.berth_manifest, so it is no berth plugin"})

    @row("a manifest that was changed", "a bit of its text, of its version", "refused: damaged")
    def test_a_changed_manifest(self):
        def change(data):
            place = data.index(b"\x7f.BERTH1") + 40
            return data[:place] + bytes([data[place] ^ 1]) + data[place + 1:]
        self.add("loadable", "good", change)
        self.expect_refused({"good": "has a damaged manifest"})

    @row("a plugin without its entry function", "a manifest alone", "refused when loaded: what it does not export")
    def test_no_entry(self):
        self.add("loadable", "no_entry")
        self.expect(self.call(*self.with_plugin("no_entry")), 4, "no_entry.so", "does not export berth_create_task")
        self.expect_others_run()

    @row("a plugin that is cut", "to nothing, 10 bytes, its header, half, all but a byte",
         "refused: what is wrong with the file")
    def test_a_cut_file(self):
        whole = (PLUGINS / "plugins-loadable/good.so").read_bytes()
        damaged = "cut off or damaged"
        reasons = {0: "is not an ELF file|is empty", 10: "ends within its ELF header", 64: damaged, len(whole) // 2: damaged,
                   len(whole) - 1: damaged}
        for size in reasons:
            self.make(f"cut{size}", whole[:size])
        self.expect_refused({f"cut{size}": reason for size, reason in reasons.items()})

    @row("other things named .so", "a text, a folder, a link to nowhere, a pipe, a 32-bit header",
         "each refused in words; the pipe is not waited for")
    def test_other_things(self):
        self.make("text", b"no library\n")
        (self.plugins / "folder.so").mkdir()
        (self.plugins / "link.so").symlink_to("nowhere")
        os.mkfifo(self.plugins / "pipe.so")
        self.make("small", b"\x7fELF\x01\x01\x01" + bytes(200))
        self.expect_refused({"text": "is not an ELF file", "folder": "file", "link": "No such file", "pipe": "file",
                             "small": "is not a 64-bit library"})

    @row("a plugin that needs a library that is not there", "libc10.so in its list renamed",
         "refused when loaded: which library")
    def test_a_missing_library(self):
        self.add("loadable", "good", lambda data: data.replace(b"libc10.so\0", b"libno1.so\0"))
        self.expect(self.call(*self.with_plugin("good")), 4, "good.so", "libno1.so: cannot open shared object file")
        self.expect_others_run()

    @row("a plugin that needs a function that nobody has", "an undefined symbol", "refused when loaded: which symbol")
    def test_an_undefined_symbol(self):
        self.add("loadable", "undefined_symbol")
        self.expect(self.call(*self.with_plugin("undefined_symbol")), 4, "undefined_symbol.so",
                    "berth_tests_function_that_nobody_has")

    @row("a plugin that traps when it is loaded", "its constructor", "refused: which signal; the host lives")
    def test_a_trap_at_load(self):
        self.add("dangerous", "traps")
        self.expect_refused({"traps": "ends the process by SIG(ILL|TRAP) when it is loaded"})

    @row("a plugin that ends the process when it is loaded", "_exit(0) in its constructor",
         "refused: which status; the host lives")
    def test_an_exit_at_load(self):
        self.add("dangerous", "exits")
        self.expect_refused({"exits": "ends the process with exit status 0 when it is loaded"})

    @row("a plugin that never ends being loaded", "its constructor; BERTH_LOAD_SECONDS=2",
         "refused: how long it was given; the host lives")
    def test_a_hang_at_load(self):
        self.add("dangerous", "hangs")
        self.expect_refused({"hangs": "is not loaded within 2 s"}, {"BERTH_LOAD_SECONDS": "2"})

    @row("a plugin of -ffast-math", "it sets flush-to-zero for the process", "put back, with a warning that says so")
    def test_fast_math(self):
        self.add("loadable", "fast_math")
        result = self.call(BERTH, "plugins", "fast_math", "--plugin-path", self.plugins)
        self.assertRegex(result.stderr, "fast_math.so.*changed .*flush-to-zero.* when it was loaded; berth has put it back")

    @row("two plugins of one name", "a copy", "the first is taken, the second refused by name")
    def test_two_of_one_name(self):
        shutil.copy(self.plugins / "throws.so", self.plugins / "twice.so")
        listing = self.call(BERTH, "plugins", "--plugin-path", self.plugins).stdout
        self.assertRegex(listing, r"twice\.so\n +plugin 'throws' has the id of .*throws\.so, which was found first")

    @row("an entry function that throws; that makes nothing", "such plugins",
         "exit 4: plugin, file, reason; the host lives")
    def test_entries_that_fail(self):
        for name, says in (("throwing_entry", "the entry let this out"), ("silent_entry", "it gave no reason"),
                           ("failing_task", "made no task: xxx")):
            self.add("loadable", name)
            self.expect(self.call(*self.with_plugin(name)), 4, f"plugin '{name}' \\(.*{name}.so\\)", says)

    def throwing(self, call, command):
        return self.call(*command, environment={"BERTH_TEST_THROWS": call})

    def commands(self):
        self.expect(self.call(*self.with_plugin("throws")), 0)
        os.rename(self.dir / "run", self.dir / "trained")
        path = ("--plugin-path", self.plugins)
        lines = self.dir / "lines"
        lines.write_text('{"text": "a fine day"}\n')
        return {"run": self.with_plugin("throws"), "evaluate": [BERTH, "evaluate", "trained", *path],
                "split": self.with_plugin("throws"),
                "predict": [BERTH, "predict", "trained", "--task", "mood", "--input", lines, *path],
                "export": [BERTH, "export", "trained", "--task", "mood", "--to", "exported", *path]}

    @row("a plugin throws, in each of its calls", "BERTH_TEST_THROWS=CALL, in run, predict, evaluate, export",
         "exit 4 (plugin), one sentence: task, plugin, call, what it said")
    def test_throws_in_each_call(self):
        commands, met = self.commands(), 0
        whole = (self.dir / "suite.toml").read_text()
        for command, calls in CALLS.items():
            suite = whole.replace('dev = "dev.tsv"', "split = 0.2") if command == "split" else whole
            (self.dir / "suite.toml").write_text(suite)
            for call in calls:
                with self.subTest(command=command, call=call):
                    shutil.rmtree(self.dir / "run", ignore_errors=True)
                    result = self.throwing(call, commands[command])
                    self.expect(result, 4, f"throws.*thrown by {call}")
                    self.assertRegex(result.stderr, r"(?m)^berth: .*, [a-z_ ]+: thrown by|made no task: thrown by")
                    self.assertEqual(len(result.stderr.splitlines()), 1, "one sentence")
                    met += 1
        self.measured = f"exit 4 in {met} of {sum(map(len, CALLS.values()))} calls"

    @row("a plugin throws: whose fault it is", "the same, in fit", "the sentence names the plugin's file")
    def test_the_file_is_named(self):
        self.expect(self.throwing("fit", self.with_plugin("throws")), 4, r"/plugins/throws\.so")

    @row("a plugin throws in a later step", "in the first evaluation; in a save",
         "exit 4; what was learned is saved where that can be; resume without the fault: equal")
    def test_throws_in_a_later_step(self):
        suite = (self.dir / "suite.toml").read_text().replace('"classification"', '"throws"')
        (self.dir / "suite.toml").write_text(suite)
        command = [*self.command(), "--plugin-path", self.plugins]
        self.expect(self.call(*command[:4], "whole", *command[5:]), 0)
        for call in ("decode", "metric.result"):
            with self.subTest(call):
                shutil.rmtree(self.dir / "run", ignore_errors=True)
                self.expect(self.throwing(call, command), 4)
                self.expect(self.call(BERTH, "run", "--resume", "run", "--plugin-path", self.plugins), 0)
                self.assertEqual(self.learned(), self.learned("whole"))

    @row("a plugin is replaced or removed before a resume", "its file removed; another version that throws",
         "exit 2 or 4 naming it; the checkpoints stay; with the plugin back: equal")
    def test_a_plugin_that_is_gone_at_a_resume(self):
        suite = (self.dir / "suite.toml").read_text().replace('"classification"', '"throws"')
        (self.dir / "suite.toml").write_text(suite)
        command = [*self.command(), "--plugin-path", self.plugins]
        self.expect(self.call(*command), 0)
        whole = self.learned()
        (self.dir / "run/summary.json").unlink()
        shutil.rmtree(self.dir / "run/checkpoints/step-6")
        resume = [BERTH, "run", "--resume", "run", "--plugin-path", self.plugins]
        os.rename(self.plugins / "throws.so", self.dir / "away")
        self.expect(self.call(*resume), 2, "there is no plugin 'throws'")
        os.rename(self.dir / "away", self.plugins / "throws.so")
        self.expect(self.throwing("load_state", resume), 4)
        self.expect(self.call(*resume), 0)
        self.assertEqual(self.learned(), whole)
