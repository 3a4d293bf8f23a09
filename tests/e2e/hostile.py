"""What a hostile or broken client can send to weir-agent's doors, over real sockets.

usage: hostile.py HTTP-PORT ZIPKIN-PORT GRPC-PORT AGENT-PID ZSTD-BOMB
Prints a line for each: what was tried, a tab, what came of it.
"""

import gzip
import random
import resource
import socket
import sys

http, zipkin, grpc, pid = map(int, sys.argv[1:5])
HOST = "127.0.0.1"
JSON, PROTOBUF = "application/json", "application/x-protobuf"
SPANS = b'{"resourceSpans":[]}'


def tell(what, got):
    print(f"{what}\t{got}", flush=True)


def send(port, data):
    """The status that DATA is answered with; "closed" when there is none."""
    with socket.create_connection((HOST, port), timeout=20) as s:
        answer = b""
        try:
            for at in range(0, len(data), 65536):
                s.sendall(data[at : at + 65536])
        except OSError:
            pass  # it has heard enough; what it said is there to be read
        try:
            while b"\r\n" not in answer:
                some = s.recv(4096)
                if not some:
                    break
                answer += some
        except OSError:
            pass
    parts = answer.split(b" ", 2)
    return parts[1].decode() if len(parts) > 1 else "closed"


def post(body, kind=JSON, encoding=None, path="/v1/traces", port=http, length=None):
    head = f"POST {path} HTTP/1.1\r\nHost: x\r\nContent-Type: {kind}\r\n"
    if encoding:
        head += f"Content-Encoding: {encoding}\r\n"
    head += f"Content-Length: {len(body) if length is None else length}\r\n\r\n"
    return send(port, head.encode() + body)


def resident_mb():
    with open(f"/proc/{pid}/status") as f:
        return next(int(line.split()[1]) // 1024 for line in f if line.startswith("VmRSS"))


def idle(port, count, start):
    """COUNT connections that send START and nothing more."""
    made = []
    for _ in range(count):
        s = socket.socket()
        s.settimeout(20)
        s.connect((HOST, port))
        try:
            s.send(start)
        except OSError:
            pass  # made room for the next one already
        made.append(s)
    return made


before = resident_mb()
tell("a request", post(SPANS))

# ------------------------------------------------------------ bodies
tell("half a JSON", post(b'{"resourceSpans":[{"resource":'))
tell("a JSON of another kind", post(b'{"resourceSpans":{"a":7}}'))
tell("a deep JSON", post(b'{"x":' * 300000))
tell("a list a million long", post(b"[" + b"{}," * 1000000 + b"{}]", port=zipkin, path="/api/v2/spans"))
tell("Zipkin's door, an object", post(b"{}", port=zipkin, path="/api/v2/spans"))
tell("a body cut before its end", post(b"\x0a\xff\xff\xff\x7f", PROTOBUF))
dice = random.Random(7)
worst = {post(dice.randbytes(dice.randrange(1, 3000)), PROTOBUF) for _ in range(200)}
tell("200 bodies of random bytes", " ".join(sorted(worst - {"200"})))
tell("a body of 200 MB", post(b"x" * (200 << 20)))
tell("a negative length", post(b"x", length=-1))
tell("two lengths", send(http, b"POST /v1/traces HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n"
                         b"Content-Length: 4\r\nContent-Type: application/json\r\n\r\n{}  "))
tell("headers of 4 MB", send(http, b"POST /v1/traces HTTP/1.1\r\nHost: x\r\nX: " + b"y" * (4 << 20)))
tell("no HTTP at all", send(http, b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n"))

# ------------------------------------------------------------ bombs
tell("a gzip bomb of 200 MB", post(gzip.compress(bytes(200 << 20), 6), JSON, "gzip"))
with open(sys.argv[5], "rb") as f:
    tell("a zstd bomb", post(f.read(), JSON, "zstd"))
tell("gzip in gzip", post(gzip.compress(gzip.compress(SPANS)), JSON, "gzip"))
tell("half a gzip", post(gzip.compress(SPANS)[:-9], JSON, "gzip"))
tell("not gzip", post(SPANS, JSON, "gzip"))
tell("another compression", post(SPANS, JSON, "br"))

# ------------------------------------------------------------ the gRPC door
tell("HTTP/1 at the gRPC door", send(grpc, b"GET / HTTP/1.1\r\n\r\n") != "200")
with socket.create_connection((HOST, grpc), timeout=20) as s:
    s.sendall(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + b"\x00\xff\xff\x04\x00\x00\x00\x00\x00" * 1000)
    said = b""
    try:
        while some := s.recv(65536):
            said += some
    except OSError:
        pass
    tell("a broken HTTP/2 frame", "GOAWAY" if b"\x07\x00\x00\x00\x00\x00" in said else "closed")

# ------------------------------------------------------------ ten thousand who wait
soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
most = 10000 if hard == resource.RLIM_INFINITY else min(10000, hard - 100)
resource.setrlimit(resource.RLIMIT_NOFILE, (most + 100, hard))
waiting = idle(http, most // 2, b"") + idle(http, most // 4, b"POST /v1/tr")
waiting += idle(grpc, most - len(waiting), b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n")
tell("a request beside those who wait", post(SPANS))
tell("how many those were", len(waiting))
for s in waiting:
    s.close()

tell("a request after all that", post(SPANS))
tell("MB that it took", resident_mb() - before)
