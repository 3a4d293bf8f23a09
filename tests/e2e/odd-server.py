"""A query API on 127.0.0.1:PORT that answers as the first word of FILE says.

usage: odd-server.py PORT FILE TOKEN-FILE
It wants the token of TOKEN-FILE as long as that is there.
"""

import gzip
import json
import sys
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

BOMB = gzip.compress(bytes(200 << 20), 1)
port, mode_file, token_file = int(sys.argv[1]), sys.argv[2], sys.argv[3]


def read(path):
    try:
        with open(path) as f:
            return f.read().strip()
    except OSError:
        return ""


def series(now):
    """Three scrapes of one counter that goes up by five each second."""
    at = int(now)
    return {"metric": {"__name__": "calls_total", "src": "a", "dst": "b"},
            "values": [[t, str(5 * t)] for t in range(at - 20, at)]}


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def answer(self, code, body, *headers):
        self.send_response(code)
        self.send_header("Content-Length", str(len(body)))
        for name, value in headers:
            self.send_header(name, value)
        self.end_headers()
        try:
            self.wfile.write(body)
        except OSError:
            pass  # it has heard enough

    def do_POST(self):
        self.rfile.read(int(self.headers.get("Content-Length", 0)))
        self.do_GET()

    def do_GET(self):
        token, mode = read(token_file), read(mode_file)
        data = {"resultType": "matrix", "result": [series(time.time())]}
        if self.path.startswith("/api/services"):
            data = ["a"]
        elif self.path.startswith("/api/traces"):
            data = []
        good = json.dumps({"status": "success", "data": data}).encode()
        if token and self.headers.get("Authorization") != f"Bearer {token}":
            self.answer(401, b"no")
        elif mode == "hang":
            time.sleep(6)
            self.close_connection = True
        elif mode == "html":
            self.answer(200, b"<html><body>Sign in</body></html>")
        elif mode == "redirect":
            self.answer(302, b"", ("Location", "/elsewhere"))
        elif mode == "error":
            self.answer(422, json.dumps({"status": "error", "errorType": "execution",
                                         "error": "expanding series: \x1b[31mtoo many"}).encode())
        elif mode == "half":
            self.answer(200, good[: len(good) // 2])
        elif mode == "deep":
            self.answer(200, b'{"status":"success","data":' + b"[" * 100000)
        elif mode == "bomb":
            self.answer(200, BOMB, ("Content-Encoding", "gzip"))
        elif mode == "cut":
            self.send_response(200)
            self.send_header("Content-Length", str(len(good)))
            self.end_headers()
            self.wfile.write(good[:50])
            self.close_connection = True
        else:
            self.answer(200, good)

    def log_message(self, *args):
        pass


ThreadingHTTPServer(("127.0.0.1", port), Handler).serve_forever()
