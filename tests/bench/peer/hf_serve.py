"""transformers' text-classification pipeline behind an HTTP server, one thread a connection, as its users put it there.
usage: hf_serve.py MODEL_DIR     needs: torch transformers
Takes POST {"text": ...}; prints "serving on http://127.0.0.1:PORT". A text is one call of the pipeline; calls come one
at a time, since they share the processor's cores."""
import json
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from transformers import pipeline

classify = pipeline("text-classification", model=sys.argv[1], device="cpu", top_k=None)
classify("a text to warm up")
turn = threading.Lock()


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def do_POST(self):
        row = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        with turn:
            scores = classify([row["text"]], truncation=True)[0]
        probabilities = {s["label"]: s["score"] for s in scores}
        body = json.dumps({"prediction": scores[0]["label"], "probabilities": probabilities}).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *arguments):
        pass


class Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 256


server = Server(("127.0.0.1", 0), Handler)
print(f"serving on http://127.0.0.1:{server.server_port}", flush=True)
server.serve_forever()
