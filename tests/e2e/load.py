"""Posts spans to 127.0.0.1:PORT until nobody answers any more.

Prints how many were taken, and how many were sent without hearing what became of them.
"""

import http.client
import json
import os
import sys
import threading
import time

THREADS, SPANS = 4, 10
taken, unknown = [0] * THREADS, [0] * THREADS


def body():
    at = time.time_ns()
    spans = [
        {"traceId": os.urandom(16).hex(), "spanId": os.urandom(8).hex(), "name": "GET /", "kind": 2,
         "startTimeUnixNano": str(at - 5000000), "endTimeUnixNano": str(at)}
        for _ in range(SPANS)
    ]
    name = {"key": "service.name", "value": {"stringValue": "shop"}}
    return json.dumps({"resourceSpans": [{"resource": {"attributes": [name]}, "scopeSpans": [{"spans": spans}]}]})


def client(i):
    conn = http.client.HTTPConnection("127.0.0.1", int(sys.argv[1]), timeout=20)
    try:
        while True:
            text = body()
            conn.connect() if conn.sock is None else None
            unknown[i] += SPANS
            conn.request("POST", "/v1/traces", text, {"Content-Type": "application/json"})
            status = conn.getresponse()
            status.read()
            unknown[i] -= SPANS
            if status.status == 200:
                taken[i] += SPANS
    except (OSError, http.client.HTTPException):
        pass


threads = [threading.Thread(target=client, args=(i,)) for i in range(THREADS)]
for t in threads:
    t.start()
for t in threads:
    t.join()
print(sum(taken), sum(unknown))
