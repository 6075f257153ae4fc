"""The environment: README's table names every variable that is read, and what berth draws on a terminal obeys it."""
import pathlib
import re
import subprocess
import unittest

from program import BERTH, ProgramTest

ROOT = pathlib.Path(__file__).resolve().parents[2]
# What one part of the tests hands to another.
OTHERS = {"BERTH_TEST_FLAW", "BERTH_TEST_THROWS", "BERTH_TEST_FOLDER", "BERTH_TEST_UNSET", "BERTH_COGS_TRAIN",
          "BERTH_MIXED"}
COLOUR = re.compile(rb"\x1b\[[0-9;]*m")


def files(*patterns):
    for pattern in patterns:
        yield from (file for file in ROOT.glob(pattern) if file.is_file() and "/build/" not in str(file))


def found(pattern, *globs):
    return {name for file in files(*globs) for name in re.findall(pattern, file.read_text(errors="replace"))}


class Table(ProgramTest):
    def documented(self):
        table = (ROOT / "README.md").read_text().split("| environment | what it does |\n|---|---|\n")[1]
        return {name for row in table.split("\n\n")[0].splitlines() for name in re.findall(r"`([A-Za-z_]+)`", row.split("|")[1])}

    def read(self):
        """By C++, by scripts, by tests, and by suites."""
        names = found(r'getenv\("(\w+)"\)', "apps/**/*.cpp", "core/**/*.cpp", "sdk/**/*.cpp", "plugins/**/*.cpp")
        names |= found(r"\$\{?(BERTH_\w+|NO_COLOR|TERM|LIBTORCH_ROOT|Torch_DIR|CMAKE_PREFIX_PATH)\b", "apps/common.sh",
                       "apps/setup", "apps/quickstart", "tests/run", "tests/*/run", ".ci/run")
        names |= found(r"\b(Torch_DIR|LIBTORCH_ROOT)\b", "apps/setup")
        names |= found(r'"(RANK|(?:WORLD|LOCAL|MASTER)_\w+)"', "core/distributed/place.cpp")
        names |= found(r"environ(?:\.get\(|\[)\"(BERTH_\w+)\"", "tests/**/*.py")
        names |= found(r"\$\{(BERTH_\w+)\}", "configs/*.toml", "sdk/templates/*/*.toml", "tests/bench/*.toml")
        names |= {"TMPDIR" for _ in found(r"temp_directory_path\(", "apps/**/*.cpp", "core/**/*.cpp")}  # reads it
        return names - OTHERS

    def test_every_variable_that_is_read_is_documented(self):
        self.assertEqual(self.read() - self.documented(), set())

    def test_every_variable_that_is_documented_is_read(self):
        self.assertEqual(self.documented() - self.read(), set())


class Mkl(unittest.TestCase):
    """BERTH_MKL_AS_IT_IS has an effect only where MKL finds the program's function before its own."""
    ASKED = "mkl_serv_intel_cpu_true"

    def has(self, file):
        symbols = subprocess.run(["nm", "--dynamic", "--defined-only", file], capture_output=True, text=True, check=True).stdout
        return any(line.split()[-1] == self.ASKED for line in symbols.splitlines())

    def test_mkl_asks_the_program(self):
        libraries = subprocess.run(["ldd", BERTH], capture_output=True, text=True, check=True).stdout
        library = re.search(r"=> (.*/libtorch_cpu\.so\S*) \(", libraries)
        self.assertIsNotNone(library, libraries)
        if not self.has(library[1]):
            self.skipTest("this LibTorch shows no MKL")
        self.assertTrue(self.has(BERTH))


class Terminal(ProgramTest):
    def run_berth(self, out, **environment):
        return self.on_a_terminal(BERTH, "run", "suite.toml", "--set", "training.epochs=1", "--out", out,
                                  environment=environment)

    def test_berth_draws_a_bar_and_no_colours(self):
        said = self.run_berth("a")
        self.assertIn(b"\r\x1b[K", said)
        self.assertNotRegex(said, COLOUR)
        self.assertNotRegex(self.run_berth("b", NO_COLOR="1"), COLOUR)

    def test_a_dumb_terminal_and_a_file_get_plain_lines(self):
        self.assertNotIn(b"\x1b", self.run_berth("a", TERM="dumb"))
        self.assertNotIn("\x1b", self.train("b").stdout)

    def test_the_scripts_colours(self):
        headline = ["bash", "-c", f"source {ROOT}/apps/common.sh; headline hello"]
        self.assertRegex(self.on_a_terminal(*headline), COLOUR)
        for environment in ({"NO_COLOR": "1"}, {"TERM": "dumb"}):
            said = self.on_a_terminal(*headline, environment=environment)
            self.assertIn(b"hello", said)
            self.assertNotIn(b"\x1b", said)
        result = subprocess.run(headline, capture_output=True, check=True)
        self.assertNotIn(b"\x1b", result.stdout)
