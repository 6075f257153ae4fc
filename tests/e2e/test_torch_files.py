"""A model's pytorch_model.bin is a pickle, which may ask Python to run anything: berth runs none of it."""
import io
import os
import pathlib
import pickle
import shutil
import subprocess
import zipfile

from program import ProgramTest


class Command:
    """Runs a shell's command where Python loads its pickle."""

    def __init__(self, call, *arguments):
        self.call, self.arguments = call, arguments

    def __reduce__(self):
        return self.call, self.arguments


def archive(value, protocol):
    """As torch.save writes it."""
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w", zipfile.ZIP_STORED) as file:
        file.writestr("pytorch_model/data.pkl", pickle.dumps(value, protocol))
        file.writestr("pytorch_model/byteorder", "little")
        file.writestr("pytorch_model/data/0", bytes(16))
    return data.getvalue()


def stream(value, protocol):
    """As torch.save wrote it before torch 1.6."""
    system = {"protocol_version": 1001, "little_endian": True, "type_sizes": {"short": 2, "int": 4, "long": 4}}
    parts = [0x1950a86a20f9469cfc6c, 1001, system, value, []]
    return b"".join(pickle.dumps(part, protocol) for part in parts)


class TorchFiles(ProgramTest):
    def setUp(self):
        super().setUp()
        shutil.copytree(pathlib.Path(self.shared.name) / "model", self.dir / "model")
        (self.dir / "model/model.safetensors").unlink()

    def refused(self, weights, says):
        (self.dir / "model/pytorch_model.bin").write_bytes(weights)
        error = self.fails(3, "run", "suite.toml", "--set", "model.path=model", "--out", "run",
                           says=["pytorch_model.bin", *says])
        self.assertFalse((self.dir / "run").exists(), "a failed start leaves no folder behind")
        return error

    def test_a_pickle_that_wants_to_run_something(self):
        marker = self.dir / "it ran"
        touch = f"touch '{marker}'"
        commands = {"system": Command(os.system, touch), "exec": Command(exec, f"open({str(marker)!r}, 'w')"),
                    "Popen": Command(subprocess.Popen, ["touch", str(marker)])}
        self.assertEqual(pickle.loads(pickle.dumps(commands["system"])), 0)
        self.assertTrue(marker.exists(), "Python itself is to run it")
        marker.unlink()
        for name, command in commands.items():
            for write, protocol in (archive, 2), (stream, 4):
                self.refused(write({"bert.embeddings.word_embeddings.weight": command}, protocol),
                             [f'{name}"', "berth runs nothing that a file asks for", "byte"])
        self.refused(pickle.dumps(commands["system"]), ["a pickle, but not one of torch.save's"])
        self.assertFalse(marker.exists(), "berth ran what the file asked for")

    def test_a_checkpoint_of_training(self):
        self.refused(archive({"epoch": 3, "model": {}}, 2), ['"epoch"', 'torch.load(FILE)["model"]'])

    def test_a_compressed_archive(self):
        data = io.BytesIO()
        with zipfile.ZipFile(data, "w", zipfile.ZIP_DEFLATED) as file:
            file.writestr("pytorch_model/data.pkl", pickle.dumps({}, 2))
        self.refused(data.getvalue(), ["compressed", "zip -0"])

    def test_a_folder_without_weights(self):
        self.fails(6, "run", "suite.toml", "--set", "model.path=model",
                   says=["model.safetensors", "pytorch_model.bin", "pytorch_model.bin.index.json"])
