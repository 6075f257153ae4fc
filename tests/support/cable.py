"""Two network namespaces joined by a cable, as two machines are: for tests and measurements of several processes. Needs
root, and ip of iproute2."""
import os
import subprocess


class Cable:
    address = "10.11.12.1"  # of the first

    def __init__(self):
        self.names = [f"berth{os.getpid()}{end}" for end in "ab"]
        self.ends = [f"v{os.getpid()}{end}" for end in "ab"]

    def lay(self):
        """Raises OSError where namespaces can't be made."""
        for name in self.names:
            try:
                self.ip("netns", "add", name)
            except subprocess.CalledProcessError as error:
                raise OSError(error.stderr) from error
        self.ip("link", "add", self.ends[0], "netns", self.names[0], "type", "veth", "peer", "name", self.ends[1], "netns",
                self.names[1])
        for i, (name, end) in enumerate(zip(self.names, self.ends)):
            self.ip("-n", name, "address", "add", f"10.11.12.{i + 1}/24", "dev", end)
            for link in ("lo", end):
                self.ip("-n", name, "link", "set", link, "up")

    def remove(self):
        for name in self.names:
            subprocess.run(["ip", "netns", "delete", name], capture_output=True)

    def __enter__(self):
        self.lay()
        return self

    def __exit__(self, *_):
        self.remove()

    @staticmethod
    def ip(*command):
        subprocess.run(["ip", *command], check=True, capture_output=True, text=True)

    def on(self, machine, *command):
        """The command as it is run on that machine, 0 or 1."""
        return ["ip", "netns", "exec", self.names[machine], *map(str, command)]

    def place(self, rank, port):
        """The environment of a process that is alone on its machine."""
        return {"RANK": str(rank), "WORLD_SIZE": "2", "LOCAL_RANK": "0", "LOCAL_WORLD_SIZE": "1", "MASTER_ADDR": self.address,
                "MASTER_PORT": str(port)}
