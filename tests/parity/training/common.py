"""What the comparisons of training share."""
import os
import pathlib
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parents[3]
INBOX = ROOT / "configs/data/inbox"


def minilm():
    """The real pretrained model's folder; without one the test is skipped."""
    folder = os.environ.get("BERTH_MINILM", "")
    if not folder:
        print("BERTH_MINILM is not set: nothing compared")
        sys.exit(77)
    return pathlib.Path(folder).resolve()


def rows(name):
    lines = (INBOX / name).read_text(encoding="utf-8").splitlines()[1:]
    return [line.split("\t") for line in lines]


def berth(program, *arguments, **keywords):
    result = subprocess.run([program, *map(str, arguments)], capture_output=True, text=True, **keywords)
    if result.returncode != 0:
        sys.exit(f"{arguments} failed with {result.returncode}\n{result.stdout}\n{result.stderr}")
    return result.stdout


INBOX_TASK = f"""[tasks.inbox]
plugin = "classification"
train = "{INBOX}/train.tsv"
options = {{ dropout = 0 }}
"""


def write_suite(folder, model_folder, task=INBOX_TASK, **sections):
    """task: the tables of the suite's tasks. sections: {"training": {"epochs": "2"}}, values as TOML writes them."""
    text = f'[model]\npath = "{model_folder}"\nmax_length = 64\n'
    text += "".join(f"{k} = {v}\n" for k, v in sections.pop("model", {}).items())
    for section, values in sections.items():
        text += f"[{section}]\n" + "".join(f"{k} = {v}\n" for k, v in values.items())
    (folder / "suite.toml").write_text(text + task)
    return folder / "suite.toml"
