"""The order of the system calls by which a checkpoint is written: what a power cut must not find is never on the disk.
A kill can't show it, since the kernel writes what it was told after the process is gone. Needs strace."""
import os
import re
import subprocess
import unittest

from fault_test import listed, needs_strace
from program import BERTH, ProgramTest

SETTINGS = ("training.steps=4", "evaluation.every=2", "checkpoints.every=1", "checkpoints.keep=1", "analysis.at_end=false")
CALL = re.compile(r"^\d+ +(\w+)\((.*)\) += (-?\d+)")


@needs_strace
class Order(ProgramTest):
    def setUp(self):
        super().setUp()
        command = [BERTH, "run", "suite.toml", "--out", "run", *(a for s in SETTINGS for a in ("--set", s))]
        # -y: the path of each file descriptor.
        calls = listed("openat", "write", "fsync", "rename", "symlink", "unlink")
        strace = ["strace", "-f", "-y", "-qq", "-s", "4096", "-o", self.dir / "calls", "-e", f"trace={calls}"]
        subprocess.run([*strace, *command], cwd=self.dir, check=True, stdout=subprocess.DEVNULL,
                       env={**os.environ, "OMP_NUM_THREADS": "1"})
        self.root = str((self.dir / "run/checkpoints").resolve())
        self.events = [event for line in (self.dir / "calls").read_text().splitlines() if (event := self.event(line))]

    def event(self, line):
        """(call, path, second path) of what succeeded below checkpoints/, by its path there."""
        if not (call := CALL.match(line)) or int(call[3]) < 0:
            return None
        name, arguments = call[1], call[2]
        name = next((plain for plain in ("rename", "symlink") if name.startswith(plain)), name)
        if name in ("write", "fsync"):
            paths = re.match(r"\d+<(.*?)>", arguments).groups()
        else:
            paths = re.findall(r'"(.*?)"', arguments)
        if name == "unlinkat":  # relative to a folder that is open
            folder = re.match(r"\d+<(.*?)>", arguments)
            paths = [os.path.join(folder[1], paths[0]) if folder else paths[0]]
        if name == "openat":
            name = "read" if "O_RDONLY" in arguments and "O_DIRECTORY" not in arguments else "open"
        inside = [os.path.relpath(path, self.root) if path.startswith("/") else path for path in paths]
        return None if inside[-1].startswith("..") else (name, *inside, "")[:3]

    def places(self, test):
        return [i for i, event in enumerate(self.events) if test(event)]

    def place(self, call, *paths):
        found = self.places(lambda event: event[0] == call and list(event[1:1 + len(paths)]) == list(paths))
        self.assertTrue(found, f"no {call} of {paths}")
        return found[-1]

    def test_a_checkpoint_appears_when_all_of_it_is_on_the_disk(self):
        for step in (2, 4):
            folder = f"step-{step}"
            partial = f"{folder}.partial"
            appears = self.place("rename", partial, folder)
            files = [os.path.relpath(os.path.join(top, name), self.dir / "run/checkpoints/step-4")
                     for top, _, names in os.walk(self.dir / "run/checkpoints/step-4") for name in names]
            self.assertGreater(len(files), 6)
            manifest = self.places(lambda e: e[0] == "rename" and e[2] == f"{partial}/manifest.json")[-1]
            for name in files:
                written = self.places(lambda e: e[0] == "write" and e[1].startswith(f"{partial}/{name}"))
                synced = self.places(lambda e: e[0] == "fsync" and e[1].startswith(f"{partial}/{name}"))
                self.assertTrue(synced, name)
                if written:  # a copied file has no write()
                    self.assertLess(max(written), max(synced), name)
                # The manifest is last: where it is, what it names is on the disk.
                self.assertLess(max(synced), manifest if name != "manifest.json" else appears, name)
            for inner in ("encoder", "heads", "tasks"):
                self.assertLess(self.place("fsync", f"{partial}/{inner}"), manifest)
            folder_synced = [i for i in self.places(lambda e: e[:2] == ("fsync", partial)) if manifest < i < appears]
            self.assertTrue(folder_synced, "the folder's names are on the disk before it gets its own")

    def test_links_lead_to_what_is_there_and_old_ones_go_last(self):
        appears = self.place("rename", "step-2.partial", "step-2")
        links = [i for i in self.places(lambda e: e[0] == "rename" and e[1].endswith(".new")) if i > appears]
        self.assertIn(("fsync", ".", ""), self.events[appears:links[0]], "the new name is on the disk before a link leads there")
        link = next(i for i in links if self.events[i][2] == "last")
        self.assertIn(("symlink", "step-2", "last.new"), self.events[appears:link])
        read = {event[1] for event in self.events[appears:link] if event[0] == "read"}
        for name in ("manifest.json", "training.safetensors", "encoder/model.safetensors"):
            self.assertIn(f"step-2/{name}", read, "what was written is read once more")
        removed = min(self.places(lambda e: e[0].startswith("unlink") and e[1].startswith("step-1/")))
        self.assertLess(link, removed)
        self.assertIn(("fsync", ".", ""), self.events[link:removed], "the link is on the disk before the old one goes")


if __name__ == "__main__":
    unittest.main()
