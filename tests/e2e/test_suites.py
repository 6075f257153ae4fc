"""The suites of configs/, as they stand there, on MiniLM: each is checked, and each trains for two steps."""
import os
import pathlib
import subprocess
import tempfile
import unittest

BERTH = os.environ["BERTH"]
CONFIGS = pathlib.Path(__file__).parents[2] / "configs"
MODEL = os.environ.get("BERTH_MINILM")
SUITES = sorted(path for path in CONFIGS.glob("*.toml"))


@unittest.skipUnless(MODEL, "BERTH_MINILM does not say where MiniLM is")
class Suites(unittest.TestCase):
    def berth(self, command, suite, *arguments):
        result = subprocess.run([BERTH, command, suite, "--set", f"model.path={MODEL}", *arguments],
                                capture_output=True, text=True)
        self.assertEqual(result.returncode, 0, f"{suite}\n{result.stdout}\n{result.stderr}")
        return result.stdout

    def test_each_is_in_the_gallery_and_whole(self):
        gallery = (CONFIGS / "README.md").read_text(encoding="utf-8")
        self.assertGreaterEqual(len(SUITES), 12)
        for suite in SUITES:
            with self.subTest(suite.name):
                self.assertIn(f"]({suite.name})", gallery)
                self.assertIn("all is well", self.berth("check", suite))

    def test_each_trains(self):
        short = ["--set", "training.steps=2", "--set", "evaluation.before=false", "--set", "analysis.at_end=false",
                 "--set", "mixing.cosine_every=0"]
        for suite in SUITES:
            command = suite.stem if suite.stem in ("sweep", "matrix") else "run"
            with self.subTest(suite.name), tempfile.TemporaryDirectory() as folder:
                self.berth(command, suite, "--out", f"{folder}/out", *short)
                result = "summary" if command == "run" else command
                self.assertTrue(pathlib.Path(folder, "out", f"{result}.json").exists())


if __name__ == "__main__":
    unittest.main()
