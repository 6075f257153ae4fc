"""berth completions, in the shells themselves; a shell that is not installed is left out."""
import os
import pathlib
import pty
import re
import select
import shutil
import subprocess
import tempfile
import time
import unittest

from program import BERTH, ProgramTest

SHELLS = ("bash", "zsh", "fish")
# Asks bash's function as readline does.
BASH = r"""
source berth.bash
COMP_WORDS=("$@") COMP_CWORD=$(($# - 1))
_berth
printf '%s\n' "${COMPREPLY[@]}"
"""
# In an interactive shell: Ctrl-X writes the line as it is to a file.
ZSH = r"""
PS1='ready> '
autoload -Uz compinit && compinit -u -D
source ./berth.zsh
write-line() { print -r -- "$BUFFER" > line.new && mv line.new line }
zle -N write-line
bindkey '^X' write-line
bindkey '^I' complete-word
setopt NO_AUTO_LIST NO_LIST_BEEP
cd .
"""


def commands_of(text):
    """The commands that `berth --help` lists, with the options of each `berth COMMAND --help`."""
    return re.findall(r"^  ([a-z-]+) +\S", text.split("commands:\n")[1].split("\n\n")[0], re.MULTILINE)


class Completions(ProgramTest):
    def setUp(self):
        super().setUp()
        home = tempfile.TemporaryDirectory()  # where shells keep files of their own
        self.addCleanup(home.cleanup)
        # The shells call berth by name.
        (self.dir / "bin").mkdir()
        (self.dir / "bin/berth").symlink_to(BERTH)
        self.environment = {**os.environ, "PATH": f"{self.dir}/bin:{os.environ['PATH']}", "OMP_NUM_THREADS": "1",
                            "HOME": home.name, "ZDOTDIR": home.name, "TERM": "xterm"}
        for shell in SHELLS:
            self.berth("completions", shell, "--out", f"berth.{shell}")
        (self.dir / "runs").mkdir()

    def bash(self, *words):
        result = subprocess.run(["bash", "--norc", "-c", BASH, "bash", *words], cwd=self.dir, env=self.environment,
                                capture_output=True, text=True)
        self.assertEqual((result.returncode, result.stderr), (0, ""))
        return set(result.stdout.split())

    def fish(self, *words):
        line = " ".join(words)
        result = subprocess.run(["fish", "--no-config", "-c", f"source berth.fish; complete -C '{line}'"], cwd=self.dir,
                                env=self.environment, capture_output=True, text=True)
        self.assertEqual((result.returncode, result.stderr), (0, ""))
        return {line.split("\t")[0].rstrip("/") for line in result.stdout.splitlines()}

    def zsh(self, line):
        """The line after the Tab key."""
        (self.dir / "setup.zsh").write_text(ZSH)
        (self.dir / "line").unlink(missing_ok=True)
        process, terminal = pty.fork()
        if process == 0:
            os.chdir(self.dir)
            os.execvpe("zsh", ["zsh", "-f", "-i"], self.environment)
        seen = ""

        def wait_for(is_there):
            nonlocal seen
            end = time.monotonic() + 60
            while not is_there():
                self.assertLess(time.monotonic(), end, seen)
                if select.select([terminal], [], [], 0.1)[0]:
                    seen += os.read(terminal, 4096).decode(errors="replace")

        try:
            os.write(terminal, b"source ./setup.zsh\n")
            wait_for(lambda: "ready> " in seen.split("setup.zsh")[-1])
            os.write(terminal, line.encode() + b"\t\x18")
            wait_for((self.dir / "line").exists)
            return (self.dir / "line").read_text().rstrip("\n")
        finally:
            os.kill(process, 9)
            os.waitpid(process, 0)
            os.close(terminal)

    def test_every_command_and_option_is_there(self):
        commands = commands_of(self.berth("--help").stdout)
        self.assertIn("validate-plugin", commands)
        texts = {shell: (self.dir / f"berth.{shell}").read_text() for shell in SHELLS}
        for command in commands:
            options = re.findall(r"^  (?:-\w \[ )?--([a-z-]+)", self.berth(command, "--help").stdout, re.MULTILINE)
            self.assertIn("help", options)
            self.assertEqual(self.bash("berth", command, "--"), {f"--{option}" for option in options})
            for option in options:
                self.assertIn(f"__berth_command {command}' -l {option} ", texts["fish"])
                self.assertRegex(texts["zsh"].split(f"\n    {command})\n")[1].split(";;")[0], rf"'\*?--{option}[=\[]")
        self.assertEqual(self.bash("berth", ""), {*commands, "--help", "--version"})

    def test_bash(self):
        self.assertEqual(self.bash("berth", "ex"), {"export"})
        self.assertEqual(self.bash("berth", "predict", "runs", "--in"), {"--input"})
        self.assertEqual(self.bash("berth", "predict", "runs", "--checkpoint", ""), {"best", "last", "bin", "runs"})
        self.assertEqual(self.bash("berth", "run", "--out", "=", "ru"), {"runs"})
        self.assertEqual(self.bash("berth", "run", "su"), {"suite.toml"})
        self.assertEqual(self.bash("berth", "run", "--watch", "su"), {"suite.toml"})  # its value needs a "="
        self.assertEqual(self.bash("berth", "run", "--set", ""), set())
        self.assertEqual(self.bash("berth", "evaluate", ""), {"bin", "runs"})
        self.assertEqual(self.bash("berth", "evaluate", "runs", "--data", "tr"), {"train.tsv"})
        self.assertEqual(self.bash("berth", "plugins", "cl"), {"classification"})
        self.assertEqual(self.bash("berth", "completions", ""), set(SHELLS))

    @unittest.skipUnless(shutil.which("zsh"), "zsh is not installed")
    def test_zsh(self):
        for line, completed in (("berth vali", "berth validate-plugin "),
                                ("berth predict runs --inp", "berth predict runs --input="),
                                ("berth predict runs --checkpoint la", "berth predict runs --checkpoint last "),
                                ("berth run --out ru", "berth run --out runs/"),
                                ("berth run su", "berth run suite.toml "),
                                ("berth evaluate runs --data tr", "berth evaluate runs --data train.tsv "),
                                ("berth new-plugin x --like ta", "berth new-plugin x --like tagging "),
                                ("berth plugins cla", "berth plugins classification ")):
            with self.subTest(line):
                self.assertEqual(self.zsh(line).rstrip(), completed.rstrip())

    @unittest.skipUnless(shutil.which("fish"), "fish is not installed")
    def test_fish(self):
        self.assertEqual(self.fish("berth", "ex"), {"export"})
        self.assertEqual(self.fish("berth", "predict", "runs", "--in"), {"--input"})
        self.assertLessEqual({"best", "last", "runs"}, self.fish("berth", "predict", "runs", "--checkpoint", ""))
        self.assertEqual(self.fish("berth", "run", "--out", "ru"), {"runs"})
        self.assertIn("suite.toml", self.fish("berth", "run", "su"))
        self.assertEqual(self.fish("berth", "run", "--set", ""), set())
        self.assertEqual(self.fish("berth", "evaluate", "runs", "--data", "tr"), {"train.tsv"})
        self.assertEqual(self.fish("berth", "plugins", "cl"), {"classification"})
        self.assertEqual(self.fish("berth", "completions", "z"), {"zsh"})

    def test_an_unknown_shell(self):
        self.fails(2, "completions", "tcsh", says=("'tcsh'", "bash, zsh and fish"))


if __name__ == "__main__":
    unittest.main()
