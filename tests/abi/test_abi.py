"""The SDK as it stands against the SDK as it was released (tests/abi/sdk-1.0, never edited): every class and struct that a
compiled plugin knows must be what it was. Both are compiled here, with the same compiler and LibTorch, and compared by
abidiff; new types pass. And each header compiles alone, so that plugins may include them in any order."""
import concurrent.futures
import os
import pathlib
import re
import shutil
import subprocess
import tempfile
import unittest

HERE = pathlib.Path(__file__).resolve().parent
SDK = HERE.parents[1] / "sdk/include"
RELEASED = HERE / "sdk-1.0"
FLAGS = ["-std=c++20", *(f"-isystem{p}" for p in os.environ["TORCH_INCLUDES"].split(":"))]

# What must turn the gate red: file, text, what it becomes.
BREAKS = {
    "a member at the end of a struct": ("loss.h", "at::Tensor sequences;", "at::Tensor sequences; int extra = 0;"),
    "a virtual at the end of a class": ("task.h", "virtual ExportInfo export_info() const",
                                        "virtual int extra() const { return 0; }\n  virtual ExportInfo export_info() const"),
    "two virtuals that change places": ("tokenizer.h", "virtual std::int32_t cls_id() const = 0;\n"
                                        "  virtual std::int32_t sep_id() const = 0;",
                                        "virtual std::int32_t sep_id() const = 0;\n"
                                        "  virtual std::int32_t cls_id() const = 0;"),
    "an enumerator with another value": ("metric.h", "{ kHigherIsBetter, kLowerIsBetter }",
                                         "{ kLowerIsBetter, kHigherIsBetter }"),
}


def compile(*arguments):
    result = subprocess.run([os.environ["CXX"], *FLAGS, *map(str, arguments)], capture_output=True, text=True)
    if result.returncode != 0:
        raise AssertionError(result.stderr)


def anchor(headers, output):
    """-femit-class-debug-always: else a class with virtuals is described where they are defined, which is nowhere here."""
    compile("-g", "-O0", "-femit-class-debug-always", "-fPIC", "-shared", "-fvisibility=hidden",
            f"-Wl,--version-script={HERE}/anchor.map", f"-I{headers}", HERE / "anchor.cpp", "-o", output)


class Abi(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.temporary = tempfile.TemporaryDirectory()
        cls.dir = pathlib.Path(cls.temporary.name)
        with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
            jobs = [pool.submit(anchor, RELEASED, cls.dir / "released.so"), pool.submit(anchor, SDK, cls.dir / "now.so")]
            for i, what in enumerate(BREAKS):
                jobs.append(pool.submit(anchor, cls.changed(*BREAKS[what]), cls.dir / f"{i}.so"))
            for job in jobs:
                job.result()

    @classmethod
    def tearDownClass(cls):
        cls.temporary.cleanup()

    @classmethod
    def changed(cls, name, old, new):
        folder = pathlib.Path(tempfile.mkdtemp(dir=cls.dir))
        shutil.copytree(SDK / "berth", folder / "berth")
        text = (folder / "berth" / name).read_text()
        assert text.count(old) == 1, (name, old)
        (folder / "berth" / name).write_text(text.replace(old, new))
        return folder

    def compare(self, library):
        return subprocess.run([os.environ["ABIDIFF"], "--no-added-syms", self.dir / "released.so", self.dir / library],
                              capture_output=True, text=True)

    def test_the_sdk_is_what_was_released(self):
        result = self.compare("now.so")
        self.assertEqual(result.returncode, 0, "a compiled plugin would break; add a new type in place of the change:\n"
                         + result.stdout)

    def test_every_break_turns_the_gate_red(self):
        for i, what in enumerate(BREAKS):
            with self.subTest(what):
                self.assertNotEqual(self.compare(f"{i}.so").returncode, 0)

    def test_every_type_is_compared(self):
        """A class of the SDK that anchor.cpp forgets would be free to change."""
        declared = set()
        for header in (SDK / "berth").glob("*.h"):
            for name, rest in re.findall(r"^(?:class|struct|enum class|enum) (?:BERTH_VISIBLE )?(\w+)(.*)", header.read_text(),
                                         re.MULTILINE):
                if not rest.startswith(";"):  # a name that another header defines
                    declared.add(name)
        anchored = {line.split(", ")[1].rstrip(")") for line in (HERE / "anchor.cpp").read_text().splitlines()
                    if line.startswith("ANCHOR(")}
        self.assertEqual(declared, anchored)


class Headers(unittest.TestCase):
    def test_each_compiles_alone(self):
        headers = [h.relative_to(SDK) for h in sorted((SDK / "berth").rglob("*.h"))]
        self.assertGreater(len(headers), 20)

        def alone(header):
            with tempfile.NamedTemporaryFile("w", suffix=".cpp") as source:
                source.write(f'#include "{header}"\n#include "{header}"\n')
                source.flush()
                compile("-fsyntax-only", "-Wall", "-Wextra", "-Wpedantic", "-Wshadow", "-Werror", f"-I{SDK}", source.name)

        with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
            list(pool.map(alone, headers))


if __name__ == "__main__":
    unittest.main()
