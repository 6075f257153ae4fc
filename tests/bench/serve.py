"""Load on `berth serve` over loopback: throughput and latency at 1, 8 and 64 clients, against `berth predict` one
text at a time and against transformers' pipeline behind an HTTP server, on the same texts, in turn; then a soak at the
limit, and what comes past it. Prints tables in markdown.
usage: serve.py [--run RUN_DIR] [--texts FILE.jsonl] [--seconds S] [--rounds N] [--soak MINUTES] [--no-peer]
Without --run, trains configs/classification.toml on MiniLM first (a minute or two). needs: torch transformers, but for
--no-peer; `apps/setup --bench --model` and a build."""
import argparse
import http.client
import json
import os
import pathlib
import re
import statistics
import subprocess
import sys
import tempfile
import threading
import time

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parents[1]
BERTH = pathlib.Path(os.environ.get("BERTH", ROOT / "build/release/bin/berth")).resolve()
CLIENTS = (1, 8, 64)


def arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--run", type=pathlib.Path, help="a run with a classification task")
    parser.add_argument("--task", help="its name (default: the first one whose rows are a `text`)")
    parser.add_argument("--texts", type=pathlib.Path, help="JSON lines with `text` (default: the task's dev set)")
    parser.add_argument("--seconds", type=float, default=15, help="of each measurement")
    parser.add_argument("--rounds", type=int, default=3, help="every program in turn, that often")
    parser.add_argument("--soak", type=float, default=10, help="minutes at the limit; 0: none")
    parser.add_argument("--no-peer", action="store_true", help="without transformers")
    return parser.parse_args()


def train(folder):
    out = folder / "run"
    subprocess.run([BERTH, "run", ROOT / "configs/classification.toml", "--set", "training.epochs=2", "--out", out],
                   check=True, stdout=subprocess.DEVNULL)
    return out


class Server:
    """A program that prints "... on http://127.0.0.1:PORT" when it is ready."""

    def __init__(self, *command):
        self.process = subprocess.Popen(list(map(str, command)), stdout=subprocess.PIPE, text=True,
                                        env={**os.environ, "HF_HUB_OFFLINE": "1"})
        for line in self.process.stdout:
            if found := re.search(r"on http://127\.0\.0\.1:(\d+)", line):
                self.port = int(found[1])
                return
        sys.exit(f"{command[:2]} did not start")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.terminate()
        self.process.wait(60)


def get(port, path):
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    connection.request("GET", path)
    text = connection.getresponse().read().decode()
    connection.close()
    return text


class Load:
    """`clients` connections, each asking one text after the other for `seconds`."""

    def __init__(self, port, path, texts, clients, seconds):
        self.port, self.path, self.texts = port, path, texts
        self.latencies, self.statuses, self.lock = [], {}, threading.Lock()
        self.end = time.perf_counter() + seconds
        start = time.perf_counter()
        threads = [threading.Thread(target=self.client, args=(i,)) for i in range(clients)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        self.seconds = time.perf_counter() - start
        self.latencies.sort()

    def client(self, number):
        latencies, statuses, i = [], {}, number * 37
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=120)
        while time.perf_counter() < self.end:
            body = json.dumps({"text": self.texts[i % len(self.texts)]})
            i += 1
            start = time.perf_counter()
            try:
                connection.request("POST", self.path, body, {"Content-Type": "application/json"})
                reply = connection.getresponse()
                reply.read()
                status = reply.status
            except (OSError, http.client.HTTPException) as error:
                status = type(error).__name__
                connection.close()
            latencies.append(time.perf_counter() - start)
            statuses[status] = statuses.get(status, 0) + 1
        connection.close()
        with self.lock:
            self.latencies += latencies
            for status, count in statuses.items():
                self.statuses[status] = self.statuses.get(status, 0) + count

    def good(self):
        return self.statuses.get(200, 0)

    def errors(self):
        return sum(self.statuses.values()) - self.good()

    def percentile(self, share):
        return 1000 * self.latencies[min(len(self.latencies) - 1, int(share * len(self.latencies)))]

    def row(self):
        return {"texts_per_s": self.good() / self.seconds, "p50": self.percentile(0.5), "p95": self.percentile(0.95),
                "p99": self.percentile(0.99), "errors": self.errors()}


def predict_one_by_one(run, task, texts, seconds):
    """`berth predict` fed with one line at a time, each sent when the last is answered: no start-up in the figures."""
    with subprocess.Popen([BERTH, "predict", run, "--task", task], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                          text=True, bufsize=1) as process:
        latencies = []

        def ask(i):
            start = time.perf_counter()
            process.stdin.write(json.dumps({"text": texts[i % len(texts)]}) + "\n")
            process.stdout.readline()
            return time.perf_counter() - start

        for i in range(3):
            ask(i)
        start = time.perf_counter()
        while time.perf_counter() - start < seconds:
            latencies.append(ask(len(latencies)))
        elapsed = time.perf_counter() - start
        process.stdin.close()
    latencies.sort()
    at = [1000 * latencies[min(len(latencies) - 1, int(share * len(latencies)))] for share in (0.5, 0.95, 0.99)]
    return {"texts_per_s": len(latencies) / elapsed, "p50": at[0], "p95": at[1], "p99": at[2], "errors": 0}


def served_task(run, wanted):
    """The task to ask, and its path, as the server itself names them."""
    with Server(BERTH, "serve", run, "--port", 0) as server:
        tasks = json.loads(get(server.port, "/v1/tasks"))["tasks"]
    for task in tasks:
        if task["name"] == wanted or (not wanted and task["fields"] == ["text"] and task["plugin"] == "classification"):
            return task["name"]
    sys.exit(f"{run} has no such classification task; it has: {', '.join(t['name'] for t in tasks)}")


def compare(options, run, task, texts, peer_folder):
    """Figures by program and number of clients, a list of one entry a round."""
    found = {}
    for _ in range(options.rounds):
        found.setdefault(("berth predict", 1), []).append(predict_one_by_one(run, task, texts, options.seconds))
        programs = {"berth serve": (f"/v1/tasks/{task}", [BERTH, "serve", run, "--port", 0])}
        if not options.no_peer:
            programs["transformers"] = ("/", [sys.executable, HERE / "peer/hf_serve.py", peer_folder])
        for name, (path, command) in programs.items():
            with Server(*command) as server:
                Load(server.port, path, texts, 4, 2)
                for clients in CLIENTS:
                    row = Load(server.port, path, texts, clients, options.seconds).row()
                    if row["texts_per_s"] == 0:
                        sys.exit(f"{name} answered nothing: {row}")
                    found.setdefault((name, clients), []).append(row)
                    print(f"{name}, {clients} clients: {row}", file=sys.stderr, flush=True)
    return found


def spread(values, digits=1):
    return f"{statistics.median(values):.{digits}f} ({min(values):.{digits}f} to {max(values):.{digits}f})"


def print_comparison(found):
    print("| program | clients | texts/s | p50 ms | p95 ms | p99 ms | errors |\n|---|---|---|---|---|---|---|")
    for (name, clients), rounds in found.items():
        columns = [spread([r[key] for r in rounds]) for key in ("texts_per_s", "p50", "p95", "p99")]
        print(f"| {name} | {clients} | {' | '.join(columns)} | {sum(r['errors'] for r in rounds)} |")
    print("\n| berth serve's texts/s against | clients | times |\n|---|---|---|")
    for clients in CLIENTS:
        ours = [r["texts_per_s"] for r in found[("berth serve", clients)]]
        peers = {"berth predict, one by one": ("berth predict", 1), "transformers": ("transformers", clients)}
        for name, key in peers.items():
            if key in found:
                ratios = [a / b["texts_per_s"] for a, b in zip(ours, found[key])]
                print(f"| {name} | {clients} | {spread(ratios, 2)} |")


def resident_megabytes(process):
    status = pathlib.Path(f"/proc/{process.pid}/status").read_text()
    return int(re.search(r"VmRSS:\s+(\d+)", status)[1]) / 1024


def soak(run, task, texts, minutes):
    """As many clients as the queue holds, so that it is never refused and never idle."""
    path = f"/v1/tasks/{task}"
    limit = 64
    with Server(BERTH, "serve", run, "--port", 0, "--queue", limit) as server:
        Load(server.port, path, texts, limit, 5)
        before = resident_megabytes(server.process)
        load = Load(server.port, path, texts, limit, minutes * 60)
        after = resident_megabytes(server.process)
        past = Load(server.port, path, texts, 3 * limit, 10)
    row = load.row()
    print(f"\nAt the limit (queue {limit}, {limit} clients), {minutes:g} minutes: {load.good()} answers, "
          f"{load.errors()} errors, {row['texts_per_s']:.1f} texts/s, p99 {row['p99']:.0f} ms, "
          f"memory {before:.0f} to {after:.0f} MB.")
    others = {status: count for status, count in past.statuses.items() if status not in (200, 503)}
    print(f"Past it ({3 * limit} clients, 10 seconds): {past.good()} answers, {past.statuses.get(503, 0)} refused with "
          f"503, {sum(others.values())} others {others or ''}".rstrip() + ".")
    return load.errors() == 0 and past.statuses.get(503, 0) > 0 and not others


def main():
    options = arguments()
    with tempfile.TemporaryDirectory() as temporary:
        folder = pathlib.Path(temporary)
        if not BERTH.exists():
            sys.exit(f"{BERTH} is not there: build first, or set BERTH")
        run = options.run or train(folder)
        task = served_task(run, options.task)
        lines = (options.texts or run / f"predictions/{task}.dev.jsonl").read_text(encoding="utf-8").splitlines()
        texts = [json.loads(line)["text"] for line in lines]
        peer = folder / "peer"
        if not options.no_peer:
            subprocess.run([BERTH, "export", run, "--task", task, "--to", peer], check=True, stdout=subprocess.DEVNULL)
        print(f"{len(texts)} texts of {task}, {options.seconds:g} s each, {options.rounds} rounds in turn, "
              f"{len(os.sched_getaffinity(0))} cores\n")
        print_comparison(compare(options, run, task, texts, peer))
        if options.soak > 0 and not soak(run, task, texts, options.soak):
            sys.exit("the soak failed: see above")


main()
