"""berth serve: the program on a tiny model of four tasks, asked by many clients; and `berth run --watch`."""
import http.client
import json
import os
import pathlib
import re
import signal
import socket
import subprocess
import tempfile
import threading
import time
import unittest
from concurrent.futures import ThreadPoolExecutor

from program import BAD, BERTH, GOOD, PLACES, ProgramTest, rows, tiny_model

QUESTIONS = ["where", "what"]
SUITE = """
[model]
path = "model"
max_length = 40

[training]
epochs = 4
batch_size = 16

[optimizer]
rate = 3e-3

[tasks.mood]
plugin = "classification"
train = "mood.tsv"
dev = "mood.tsv"

[tasks.places]
plugin = "ner"
train = "places.jsonl"
dev = "places.jsonl"

[tasks.faq]
plugin = "qa"
train = "faq.jsonl"
dev = "faq.jsonl"

[tasks.echo]
plugin = "seq2seq"
train = "echo.tsv"
dev = "echo.tsv"

[tasks.echo.options]
kind = "pointer"
max_length = 6
"""


def write_json_lines(path, lines):
    path.write_text("".join(json.dumps(line) + "\n" for line in lines))


def write_data(folder):
    texts = list(rows(60, 1))
    (folder / "mood.tsv").write_text("text\tlabel\n" + "".join(f"{t}\t{l}\n" for t, l in texts))
    beginnings = [(t, " ".join(t.split()[:2])) for t, _ in texts[:32]]
    (folder / "echo.tsv").write_text("source\ttarget\n" + "".join(f"{t}\t{b}\n" for t, b in beginnings))
    places = []
    questions = []
    for text, _ in texts[:32]:
        place = next(p for p in PLACES if text.endswith(" " + p))
        start = len(text) - len(place)
        places.append({"text": text, "entities": [{"start": start, "end": len(text), "label": "place"}]})
        questions.append({"question": "where", "context": text, "answers": [{"text": place, "answer_start": start}]})
    write_json_lines(folder / "places.jsonl", places)
    write_json_lines(folder / "faq.jsonl", questions)


def row_for(task, text):
    return {"mood": {"text": text}, "places": {"text": text}, "faq": {"question": "where", "context": text},
            "echo": {"source": text}}[task]


class Server:
    """`berth serve`, on a port of its own choice."""

    def __init__(self, test, run, *options, environment=None):
        self.test = test
        self.process = subprocess.Popen([BERTH, "serve", run, "--port", "0", *map(str, options)], text=True,
                                        stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                                        env={**os.environ, "OMP_NUM_THREADS": "1", **(environment or {})})
        test.addCleanup(self.kill)
        self.line = self.process.stdout.readline()
        found = re.search(r"^serving .* on http://127\.0\.0\.1:(\d+)$", self.line)
        test.assertTrue(found, self.line + (self.process.stderr.read() if self.process.poll() is not None else ""))
        self.port = int(found[1])

    def kill(self):
        self.process.kill()
        self.process.wait()
        self.process.stdout.close()
        self.process.stderr.close()

    def connect(self):
        return http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)

    def ask(self, method, path, body=None, headers=None, connection=None):
        """Status, headers and body; JSON is read."""
        own = connection or self.connect()
        headers = {**({"Content-Type": "application/json"} if body is not None else {}), **(headers or {})}
        own.request(method, path, body if body is None or isinstance(body, (bytes, str)) else json.dumps(body), headers)
        reply = own.getresponse()
        data = reply.read()
        if not connection:
            own.close()
        is_json = reply.headers.get("Content-Type") == "application/json" and method != "HEAD"
        return reply.status, reply.headers, json.loads(data) if is_json else data.decode()

    def post(self, path, body, **keywords):
        return self.ask("POST", path, body, **keywords)

    def answer(self, path, body, connection=None):
        status, _, answer = self.post(path, body, connection=connection)
        self.test.assertEqual(status, 200, answer)
        return answer

    def metric(self, name):
        return float(re.search(rf"(?m)^{re.escape(name)} (\S+)$", self.ask("GET", "/metrics")[2])[1])

    def raw(self, data):
        """What comes back for these bytes until the server closes."""
        with socket.create_connection(("127.0.0.1", self.port), timeout=60) as connection:
            connection.sendall(data)
            received = b""
            while part := connection.recv(65536):
                received += part
            return received.decode()

    def stop(self, signal_number=signal.SIGTERM):
        self.process.send_signal(signal_number)
        self.test.assertEqual(self.process.wait(timeout=60), 0, self.process.stderr.read())


class Serve(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        temporary = tempfile.TemporaryDirectory()
        cls.addClassCleanup(temporary.cleanup)
        cls.dir = pathlib.Path(temporary.name)
        tiny_model.write(cls.dir / "model", GOOD + BAD + PLACES + QUESTIONS)
        write_data(cls.dir)
        (cls.dir / "suite.toml").write_text(SUITE)
        cls.berth("run", "suite.toml", "--out", "run")
        cls.run_dir = cls.dir / "run"
        cls.texts = [text for text, _ in rows(12, 9)] + ["", "a word: ünknown 世界", "the best of all " * 30]

    @classmethod
    def berth(cls, *arguments, stdin=None):
        result = subprocess.run([BERTH, *map(str, arguments)], input=stdin, capture_output=True, text=True, cwd=cls.dir,
                                env={**os.environ, "OMP_NUM_THREADS": "1"})
        assert result.returncode == 0, result.stderr
        return result.stdout

    def predicted(self, task, texts):
        """What `berth predict` says, one at a time in its batches."""
        lines = "".join(json.dumps(row_for(task, text)) + "\n" for text in texts)
        return [json.loads(line) for line in self.berth("predict", "run", "--task", task, stdin=lines).splitlines()]

    def assert_alike(self, a, b, where=""):
        """Equal, but for rounding."""
        if isinstance(a, float) or isinstance(b, float):
            self.assertAlmostEqual(a, b, delta=1e-4 * max(1, abs(b)), msg=where)
        elif isinstance(a, dict):
            self.assertEqual(list(a), list(b), where)
            for key in a:
                self.assert_alike(a[key], b[key], f"{where}.{key}")
        elif isinstance(a, list):
            self.assertEqual(len(a), len(b), where)
            for i, (one, other) in enumerate(zip(a, b)):
                self.assert_alike(one, other, f"{where}[{i}]")
        else:
            self.assertEqual(a, b, where)

    def test_answers_are_those_of_predict(self):
        server = Server(self, self.run_dir)
        for task in ("mood", "places", "faq", "echo"):
            texts = [text for text in self.texts if text] if task in ("faq", "echo", "places") else self.texts
            expected = self.predicted(task, texts)
            rows_of_task = [row_for(task, text) for text in texts]
            self.assert_alike(server.answer(f"/v1/tasks/{task}", rows_of_task), expected, task)
            self.assert_alike(server.answer(f"/v1/tasks/{task}", rows_of_task[0]), expected[0], task)
            shown = server.answer(f"/v1/show/{task}", rows_of_task[0])
            self.assert_alike(shown["answer"], expected[0], task)
            self.assertIn('class="shown"', shown["html"])
            self.assertTrue(shown["shown"]["texts"])
        row = {**row_for("faq", "great food at home"), "text": "great food at home", "source": "great food at home"}
        answers = server.answer("/v1/predict", {"input": row})["answers"]
        self.assertEqual(sorted(answers), ["echo", "faq", "mood", "places"])
        for task, answer in answers.items():
            line = self.berth("predict", "run", "--task", task, stdin=json.dumps(row) + "\n")
            self.assert_alike(answer, json.loads(line), task)

    def test_tasks_share_one_pass_and_texts_are_encoded_once(self):
        server = Server(self, self.run_dir)
        before = {name: server.metric(name) for name in ("berth_sequences_total", "berth_sequences_encoded_total",
                                                         "berth_batches_total", "berth_texts_total")}
        answers = server.answer("/v1/predict", {"input": {"text": "a fine day here"}})["answers"]
        self.assertEqual(sorted(answers), ["mood", "places"])
        gained = {name: server.metric(name) - value for name, value in before.items()}
        self.assertEqual(gained["berth_batches_total"], 1)
        self.assertEqual(gained["berth_texts_total"], 4, "each task was asked")
        self.assertEqual(gained["berth_sequences_total"], 2)
        self.assertEqual(gained["berth_sequences_encoded_total"], 1)
        self.assertGreater(server.metric("berth_encoder_seconds_total"), 0)

    def test_many_clients_each_get_their_own_answers(self):
        server = Server(self, self.run_dir, "--window-ms", 20)
        texts = [text for text in self.texts if text]
        expected = {task: self.predicted(task, texts) for task in ("mood", "places")}

        def client(number):
            connection = server.connect()
            for i in range(12):
                task = ("mood", "places")[(number + i) % 2]
                which = (number * 5 + i) % len(texts)
                answer = server.answer(f"/v1/tasks/{task}", row_for(task, texts[which]), connection)
                self.assert_alike(answer, expected[task][which], task)
            connection.close()
            return number

        with ThreadPoolExecutor(24) as pool:
            self.assertEqual(sorted(pool.map(client, range(24))), list(range(24)))
        self.assertGreater(server.metric("berth_batch_texts_mean"), 2)
        self.assertEqual(server.metric('berth_http_requests_total{path="/v1/tasks/NAME",code="200"}'), 24 * 12)
        self.assertEqual(server.metric("berth_request_seconds_count"), 24 * 12)

    def test_a_bad_row_harms_no_other(self):
        server = Server(self, self.run_dir)
        good = {"text": "a fine day here"}
        answers = server.answer("/v1/tasks/mood", [good, {"txet": "x"}, {"text": 3}, good])
        self.assert_alike(answers[0], answers[3])
        self.assertEqual(answers[0]["task"], "mood")
        self.assertEqual(answers[1]["error"]["code"], "bad_input")
        self.assertEqual(answers[1]["error"]["where"], {"row": 2})
        self.assertIn("text", answers[1]["error"]["message"])
        status, _, answer = server.post("/v1/tasks/mood", {"txet": "x"})
        self.assertEqual((status, answer["error"]["code"]), (400, "bad_input"))

    def test_routes_and_what_is_refused(self):
        server = Server(self, self.run_dir)
        self.assertIn("mood, places, faq, echo", server.line)
        self.assertEqual(server.ask("GET", "/health")[2], {"status": "ok"})
        self.assertEqual(server.ask("GET", "/ready")[2], {"status": "ready"})
        tasks = server.ask("GET", "/v1/tasks")[2]
        self.assertRegex(tasks["checkpoint"], r"^step-\d+$")
        self.assertEqual({t["name"]: (t["plugin"], t["fields"]) for t in tasks["tasks"]},
                         {"mood": ("classification", ["text"]), "places": ("ner", ["text"]),
                          "faq": ("qa", ["question", "context"]), "echo": ("seq2seq", ["source"])})
        for task in tasks["tasks"]:
            self.assertEqual(list(task["example"]), task["fields"])
        good = {"text": "a fine day"}
        cases = [("GET", "/nothing", None, {}, 404), ("GET", "/v1/tasks/mood", None, {}, 405),
                 ("DELETE", "/v1/tasks", None, {}, 405), ("POST", "/v1/tasks/mod", good, {}, 404),
                 ("POST", "/v1/tasks/mood", "{", {}, 400), ("POST", "/v1/tasks/mood", b'{"text": "\xff"}', {}, 400),
                 ("POST", "/v1/tasks/mood", "[" * 5000, {}, 400), ("POST", "/v1/predict", good, {}, 400),
                 ("POST", "/v1/tasks/mood", good, {"Content-Type": "text/plain"}, 415),
                 ("GET", "/health", None, {"Host": "evil.example"}, 403)]
        for method, path, body, headers, status in cases:
            found, _, answer = server.ask(method, path, body, headers)
            self.assertEqual(found, status, (method, path, answer))
            self.assertTrue(answer["error"]["code"] and answer["error"]["message"], answer)
        status, headers, body = server.ask("HEAD", "/")
        self.assertEqual((status, body), (200, ""))
        self.assertGreater(int(headers["Content-Length"]), 1000)
        status, headers, _ = server.ask("OPTIONS", "/v1/predict")
        self.assertEqual((status, headers["Allow"]), (204, "POST, OPTIONS"))
        self.assertNotIn("Access-Control-Allow-Origin", headers)
        self.assertIn("400", server.raw(b"nonsense\r\n\r\n").splitlines()[0])
        self.assertEqual(server.metric('berth_http_requests_total{path="other",code="404"}'), 1)
        server.stop()

    def test_the_page_is_served_with_its_files(self):
        server = Server(self, self.run_dir)
        status, headers, page = server.ask("GET", "/")
        self.assertEqual(status, 200)
        self.assertIn("default-src 'none'", headers["Content-Security-Policy"])
        self.assertNotIn("unsafe", headers["Content-Security-Policy"])
        self.assertEqual(headers["X-Content-Type-Options"], "nosniff")
        for task in ("mood", "places", "faq", "echo"):
            self.assertIn(f'data-task="{task}"', page)
        self.assertNotRegex(page, r"(?i)<script>|\son\w+=|\sstyle=|https?://")
        for file, kind in re.findall(r'(?:href|src)="(page\.(css|js))"', page):
            status, headers, text = server.ask("GET", "/" + file)
            self.assertEqual(status, 200)
            self.assertIn({"css": "text/css", "js": "text/javascript"}[kind], headers["Content-Type"])
            self.assertGreater(len(text), 500)

    def test_a_connection_is_kept(self):
        server = Server(self, self.run_dir)
        connection = server.connect()
        server.ask("GET", "/health", connection=connection)
        before = connection.sock
        for _ in range(3):
            server.answer("/v1/tasks/mood", {"text": "we loved it here"}, connection)
        self.assertIs(connection.sock, before)
        connection.close()

    def test_limits_of_size_and_time(self):
        server = Server(self, self.run_dir, "--max-body", 1000, "--queue", 3, "--timeout", 0.5, "--window-ms", 5000)
        status, _, answer = server.post("/v1/tasks/mood", {"text": "a" * 1000})
        self.assertEqual((status, answer["error"]["code"]), (413, "too_large"))
        status, _, answer = server.post("/v1/tasks/mood", [{"text": "a"}] * 4)
        self.assertEqual((status, answer["error"]["code"]), (413, "too_large"))
        self.assertIn(" 431 ", server.raw(b"GET / HTTP/1.1\r\nX: " + b"x" * 20000 + b"\r\n\r\n").splitlines()[0])
        status, _, answer = server.post("/v1/tasks/mood", {"text": "a"})  # which waits for others for 5 seconds
        self.assertEqual((status, answer["error"]["code"]), (504, "timeout"))

    def test_a_full_queue_refuses_and_says_when_to_come_back(self):
        server = Server(self, self.run_dir, "--queue", 2, "--window-ms", 3000)
        with ThreadPoolExecutor(2) as pool:
            waiting = [pool.submit(server.post, "/v1/tasks/mood", {"text": "a fine day"}) for _ in range(2)]
            while server.metric("berth_queue_texts") < 2:
                time.sleep(0.02)
            started = time.monotonic()
            status, headers, answer = server.post("/v1/tasks/mood", {"text": "a fine day"})
            self.assertLess(time.monotonic() - started, 1)
            self.assertEqual((status, headers["Retry-After"], answer["error"]["code"]), (503, "1", "overloaded"))
            self.assertEqual(server.ask("GET", "/ready")[0], 503)
            self.assertEqual(server.ask("GET", "/health")[0], 200)
            self.assertEqual([future.result()[0] for future in waiting], [200, 200])
        self.assertEqual(server.ask("GET", "/ready")[0], 200)

    def test_too_many_connections_are_told_so(self):
        server = Server(self, self.run_dir, "--connections", 3)
        held = [server.connect() for _ in range(3)]
        for connection in held:
            server.ask("GET", "/health", connection=connection)
        self.assertIn(" 503 ", server.raw(b"").splitlines()[0])
        held[0].close()
        deadline = time.monotonic() + 20
        request = b"GET /health HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"
        while " 503 " in server.raw(request).splitlines()[0]:
            self.assertLess(time.monotonic(), deadline)
        for connection in held[1:]:
            connection.close()

    def test_slow_clients_hold_nobody_up(self):
        server = Server(self, self.run_dir)
        slow = [socket.create_connection(("127.0.0.1", server.port), timeout=60) for _ in range(50)]
        for connection in slow:
            connection.sendall(b"POST /v1/tasks/mood HTTP/1.1\r\nHost: localhost\r\nContent-Le")
        started = time.monotonic()
        for _ in range(5):
            server.answer("/v1/tasks/mood", {"text": "a sad day in town"})
        self.assertLess(time.monotonic() - started, 5)
        self.assertIn(b" 408 ", slow[0].recv(65536))
        for connection in slow:
            connection.close()

    def test_sigterm_lets_what_is_under_way_finish(self):
        for number in (signal.SIGTERM, signal.SIGINT):
            server = Server(self, self.run_dir, "--window-ms", 1500)
            idle = server.connect()
            server.ask("GET", "/health", connection=idle)
            with ThreadPoolExecutor(3) as pool:
                answers = [pool.submit(server.post, "/v1/tasks/mood", {"text": "we loved it"}) for _ in range(3)]
                while server.metric("berth_queue_texts") < 3:
                    time.sleep(0.02)
                server.stop(number)
                for answer in answers:
                    status, headers, body = answer.result()
                    self.assertEqual((status, body["task"], headers["Connection"]), (200, "mood", "close"))
            with self.assertRaises(OSError):
                socket.create_connection(("127.0.0.1", server.port), timeout=5)
            idle.close()

    def test_what_can_not_be_served(self):
        def fails(code, says, *arguments):
            result = subprocess.run([BERTH, "serve", *map(str, arguments)], capture_output=True, text=True, timeout=120)
            self.assertEqual(result.returncode, code, result.stderr)
            self.assertIn(says, result.stderr)

        server = Server(self, self.run_dir)
        fails(6, f"port {server.port}", self.run_dir, "--port", server.port)
        fails(2, "--port is 70000", self.run_dir, "--port", 70000)
        fails(2, "--window-ms", self.run_dir, "--window-ms", -1)
        fails(2, "--timeout", self.run_dir, "--timeout", 0)
        fails(2, "is no address", self.run_dir, "--host", "no.such.host")
        fails(6, "nowhere", self.dir / "nowhere")
        fails(2, "usage: berth serve")


class Watch(ProgramTest):
    def test_the_report_is_served_while_a_run_goes_on(self):
        command = [BERTH, "run", "suite.toml", "--out", "run", "--watch", "--set", "training.epochs=5000"]
        with subprocess.Popen(command, cwd=self.dir, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True,
                              env={**os.environ, "OMP_NUM_THREADS": "1"}) as process:
            try:
                found = None
                while not found:
                    line = process.stdout.readline()
                    self.assertTrue(line, "the run ended without telling an address")
                    found = re.search(r"http://127\.0\.0\.1:(\d+)", line)
                port = int(found[1])
                threading.Thread(target=process.stdout.read, daemon=True).start()
                deadline = time.monotonic() + 60
                while "mood" not in (page := self.page(port)):
                    self.assertLess(time.monotonic(), deadline, page)
                    time.sleep(0.2)
                self.assertIn("data-live", page)
                process.send_signal(signal.SIGINT)
                code = process.wait(timeout=120)
            finally:
                process.kill()
        self.assertEqual(code, 130)
        with self.assertRaises(OSError):
            socket.create_connection(("127.0.0.1", port), timeout=5)

    def test_a_port_that_is_taken_costs_no_run(self):
        with socket.create_server(("127.0.0.1", 0)) as taken:
            port = taken.getsockname()[1]
            command = ("run", "suite.toml", "--out", "run", "--set", "training.steps=1")
            self.fails(6, *command, f"--watch={port}", says=["--watch=PORT", str(port)])
            self.assertFalse((self.dir / "run").exists())
        self.assertIn("watch it at", self.berth(*command, "--watch=0").stdout)
        self.assertEqual(self.json("run/summary.json")["ending"], "completed")

    @staticmethod
    def page(port):
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
        connection.request("GET", "/")
        reply = connection.getresponse()
        text = reply.read().decode()
        connection.close()
        return text if reply.status == 200 else ""


if __name__ == "__main__":
    unittest.main()
