"""`cmake --install` gives a prefix that a stranger works with: berth new-plugin, find_package(berth) in another folder with
all warnings as errors, training with the result, and the SDK's own checks of it."""
import os
import pathlib
import subprocess
import tempfile
import unittest

BUILD, CMAKE = os.environ["BUILD"], os.environ["CMAKE"]
MODEL = os.environ["BERTH_MINILM"]
WARNINGS = "-Wall -Wextra -Wpedantic -Wshadow -Wnon-virtual-dtor -Woverloaded-virtual -Werror -Wno-restrict"


class Install(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.temporary = tempfile.TemporaryDirectory()
        cls.dir = pathlib.Path(cls.temporary.name)
        cls.prefix = cls.dir / "prefix"
        cls.run_in(cls.dir, CMAKE, "--install", BUILD, "--prefix", cls.prefix)

    @classmethod
    def tearDownClass(cls):
        cls.temporary.cleanup()

    @staticmethod
    def run_in(folder, *command, code=0):
        environment = {k: v for k, v in os.environ.items() if not k.startswith("BERTH")}
        result = subprocess.run([str(c) for c in command], cwd=folder, capture_output=True, text=True,
                                env=environment | {"OMP_WAIT_POLICY": "passive"})
        if result.returncode != code:
            raise AssertionError(f"{command}: exit status {result.returncode}\n{result.stdout}\n{result.stderr}")
        return result.stdout + result.stderr

    def berth(self, *arguments, **keywords):
        return self.run_in(self.dir, self.prefix / "bin/berth", *arguments, **keywords)

    def configure(self, project, *arguments, **keywords):
        return self.run_in(self.dir, CMAKE, "-S", project, "-B", f"{project}/build",
                           f"-DCMAKE_PREFIX_PATH={self.prefix}", *arguments, **keywords)

    def test_the_prefix_has_what_it_promises(self):
        plugins = self.berth("plugins")
        for name in ("classification", "ner", "qa", "seq2seq"):
            self.assertRegex(plugins, rf"(?m)^{name} ")
        headers = {f.name for f in (self.prefix / "include/berth").glob("*.h")}
        self.assertGreaterEqual(headers, {"plugin.h", "task.h", "head.h", "batch.h", "version.h"})
        linked = self.run_in(self.dir, "ldd", self.prefix / "bin/berth")
        self.assertNotIn("not found", linked)

    def test_from_nothing_to_trained_in_three_commands(self):
        said = self.berth("new-plugin", "mood", "--model", MODEL)
        self.assertIn(f"cmake -S mood -B mood/build -DCMAKE_PREFIX_PATH={self.prefix}", said)
        self.configure("mood", f"-DCMAKE_CXX_FLAGS={WARNINGS}")
        self.run_in(self.dir, CMAKE, "--build", "mood/build")
        said = self.berth("run", "mood/suite.toml", "--plugin-path", "mood/build", "--out", "run")
        self.assertIn("completed:", said)
        said = self.run_in(self.dir, "ctest", "--test-dir", "mood/build", "--output-on-failure")
        self.assertIn("100% tests passed", said)

    def test_what_does_not_fit_is_refused_by_cmake(self):
        project = self.dir / "other"
        project.mkdir()
        for wanted, says in (("berth 99 REQUIRED", "99"), ("berth REQUIRED", "this berth runs LibTorch")):
            (project / "CMakeLists.txt").write_text(
                f"cmake_minimum_required(VERSION 3.22)\nproject(other CXX)\nfind_package({wanted})\n")
            fake = self.dir / "libtorch"
            for file in ("include/torch/csrc/autograd/custom_function.h", "lib/libtorch.so", "lib/libtorch_cpu.so",
                         "lib/libc10.so", "include/torch/csrc/api/include/torch/version.h"):
                (fake / file).parent.mkdir(parents=True, exist_ok=True)
                (fake / file).write_text("#define TORCH_VERSION_MAJOR 99\n#define TORCH_VERSION_MINOR 1\n"
                                         "#define TORCH_VERSION_PATCH 0\n")
            said = self.configure("other", f"-DLIBTORCH_ROOT={fake}", code=1)
            self.assertIn(says, " ".join(said.split()))


if __name__ == "__main__":
    unittest.main()
