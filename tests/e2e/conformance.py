#!/usr/bin/env python3
"""Send the conformance cases through the real sockets of weir-agent, say what differs.

usage: conformance.py AGENT CASES json|protobuf|grpc

Each case has an agent of its own, for names are learned. Nothing is shared with weir's own
reading of these formats: bodies are written here by hand. gRPC is curl's HTTP/2.
Prints how many cases gave their edges, and the others with what was found instead.
"""
import gzip
import http.client
import json
import re
import struct
import subprocess
import sys
import time

import flows

KINDS = ["UNSPECIFIED", "INTERNAL", "SERVER", "CLIENT", "PRODUCER", "CONSUMER"]
SHORTER = 20  # waiting is for less long here, by this factor


def varint(n):
    out = b""
    while n > 127:
        out += bytes([n & 127 | 128])
        n >>= 7
    return out + bytes([n])


def field(number, value):
    """One field of a protobuf message: bytes, text, or a whole number."""
    if isinstance(value, int):
        return varint(number << 3) + varint(value)
    value = value.encode() if isinstance(value, str) else value
    return varint(number << 3 | 2) + varint(len(value)) + value


def fixed64(number, value):
    return varint(number << 3 | 1) + struct.pack("<Q", value)


def attributes_pb(number, attributes):
    out = b""
    for key, value in attributes.items():
        if isinstance(value, bool):
            value = field(2, int(value))
        elif isinstance(value, int):
            value = field(3, value)
        else:
            value = field(1, str(value))
        out += field(number, field(1, key) + field(2, value))
    return out


def attributes_json(attributes):
    def any_value(value):
        if isinstance(value, bool):
            return {"boolValue": value}
        return {"intValue": str(value)} if isinstance(value, int) else {"stringValue": str(value)}

    return [{"key": k, "value": any_value(v)} for k, v in attributes.items()]


def resource(span):
    named = {"service.name": span["service"]} if span["service"] else {}
    return {**named, **span.get("resource", {})}


def times(span, base_us):
    start = base_us + span["start_us"]
    return start, base_us + span["end_us"] if "end_us" in span else start + span["dur_us"]


def otlp_protobuf(spans, base_us):
    out = b""
    for s in spans:
        start, end = times(s, base_us)
        span = field(1, bytes.fromhex(s["trace"])) + field(2, bytes.fromhex(s["span"]))
        if s["parent"]:
            span += field(4, bytes.fromhex(s["parent"]))
        span += field(5, s["name"]) + field(6, KINDS.index(s["kind"]))
        span += fixed64(7, start * 1000) + fixed64(8, end * 1000) + attributes_pb(9, s["attrs"])
        for link in s.get("links", []):
            span += field(13, field(1, bytes.fromhex(link["trace"])) + field(2, bytes.fromhex(link["span"])))
        if s["status"]:
            span += field(15, field(3, s["status"]))
        out += field(1, field(1, attributes_pb(1, resource(s))) + field(2, field(2, span)))
    return out


def otlp_json(spans, base_us):
    out = []
    for s in spans:
        start, end = times(s, base_us)
        span = {"traceId": s["trace"], "spanId": s["span"], "parentSpanId": s["parent"], "name": s["name"],
                "kind": KINDS.index(s["kind"]), "startTimeUnixNano": str(start * 1000),
                "endTimeUnixNano": str(end * 1000), "attributes": attributes_json(s["attrs"]),
                "links": [{"traceId": x["trace"], "spanId": x["span"]} for x in s.get("links", [])],
                "status": {"code": s["status"]} if s["status"] else {}}
        out.append({"resource": {"attributes": attributes_json(resource(s))}, "scopeSpans": [{"spans": [span]}]})
    return json.dumps({"resourceSpans": out}).encode()


def zipkin_json(spans, base_us):
    out = []
    for s in spans:
        start, end = times(s, base_us)
        z = {"traceId": s["trace"], "id": s["span"], "kind": s["kind"], "name": s["name"], "timestamp": start,
             "duration": end - start, "localEndpoint": {"serviceName": s["service"]},
             "tags": {k: str(v) for k, v in s["attrs"].items()}}
        z.update({k: v for k, v in (("parentId", s["parent"]), ("remoteEndpoint", s.get("remote")),
                                    ("shared", s.get("shared"))) if v})
        out.append(z)
    return json.dumps(out).encode()


def post(address, path, kind, body):
    connection = http.client.HTTPConnection(address, timeout=20)
    connection.request("POST", path, body, {"Content-Type": kind})
    answer = connection.getresponse()
    answer.read()
    return answer.status


def call(address, body, packed):
    """A unary call of OTLP's trace service; the status is in the trailers."""
    body = gzip.compress(body) if packed else body
    said = subprocess.run(
        ["curl", "-s", "-i", "--max-time", "20", "--http2-prior-knowledge", "-H", "Content-Type: application/grpc",
         "-H", "TE: trailers", *(["-H", "grpc-encoding: gzip"] if packed else []), "--data-binary", "@-",
         f"http://{address}/opentelemetry.proto.collector.trace.v1.TraceService/Export"],
        input=struct.pack(">BI", packed, len(body)) + body, stdout=subprocess.PIPE, check=True).stdout
    status = re.search(rb"grpc-status: *(\d+)", said)
    return 200 if status and status.group(1) == b"0" else f"gRPC {status and status.group(1)}"


def send(transport, doors, spans, base_us, turn):
    if spans[0].get("format") == "zipkin":
        status = post(doors["zipkin"], "/api/v2/spans", "application/json", zipkin_json(spans, base_us))
    elif transport == "json":
        status = post(doors["http"], "/v1/traces", "application/json", otlp_json(spans, base_us))
    elif transport == "protobuf":
        status = post(doors["http"], "/v1/traces", "application/x-protobuf", otlp_protobuf(spans, base_us))
    else:
        status = call(doors["grpc"], otlp_protobuf(spans, base_us), turn % 2)
    if status not in (200, 202):
        raise SystemExit(f"answered with {status}")


def edges_of(lines):
    """What the agent told: (src, dst, type) to counts and sums of microseconds."""
    out = {}
    for line in lines:
        e = json.loads(line)
        if "src" not in e:
            continue
        kind = flows.edge_type(e)
        total = out.setdefault((e["src"], e["dst"], kind), dict.fromkeys(
            ("count", "failed", "lat_us", "client_us", "server_us", "queue_us"), 0))
        total["count"] += 1
        total["failed"] += 1 if e.get("err") else 0
        total["lat_us"] += e.get("us", e.get("srv_us", 0))
        total["client_us"] += e.get("us", 0)
        total["server_us"] += e.get("srv_us", e.get("us", 0) if kind == "database" else 0)
        total["queue_us"] += e.get("queue_us", 0)
    return out


def run(agent, case, transport, turn):
    wait = (case.get("options") or {}).get("wait_ms", 10000) // SHORTER
    p = subprocess.Popen([agent, "--check", "otlp", "--http", "127.0.0.1:0", "--grpc", "127.0.0.1:0", "--zipkin",
                          "127.0.0.1:0", "--wait", f"{wait}ms"], stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                         text=True)
    said = p.stderr.readline()
    found = re.search(r"from (\S+) and gRPC (\S+) and Zipkin (\S+),", said)
    if not found:
        raise SystemExit(said)
    doors = dict(zip(("http", "grpc", "zipkin"), found.groups()))
    base_us = int(time.time() * 1e6)
    begin = time.monotonic()
    groups = {}
    for s in case["spans"]:
        groups.setdefault((s.get("at_ms", 0), s.get("format", "otlp")), []).append(s)
    for (at_ms, _), spans in sorted(groups.items()):
        time.sleep(max(0, begin + at_ms / 1000 / SHORTER - time.monotonic()))
        send(transport, doors, spans, base_us, turn)
    p.terminate()
    out, _ = p.communicate(timeout=20)
    return edges_of(out.splitlines())


def differences(want, got):
    want = {(e["src"], e["dst"], e["type"]): e for e in want}
    for key in sorted(set(want) | set(got)):
        if key not in got:
            yield f"{key} is missing"
        elif key not in want:
            yield f"{key} is not expected"
        else:
            for name, value in got[key].items():
                if want[key].get(name, value) != value:
                    yield f"{key} {name} {value}, not {want[key][name]}"


def main():
    agent, path, transport = sys.argv[1:]
    with open(path, encoding="utf-8") as f:
        cases = json.load(f)
    good, bad = 0, []
    for turn, case in enumerate(cases):
        wrong = list(differences(case["expected_edges"], run(agent, case, transport, turn)))
        bad += [f"{case['name']}: {w}" for w in wrong]
        good += not wrong
    print("\n".join([f"{good} of {len(cases)}", *bad]))


main()
