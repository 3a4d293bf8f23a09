"""Move the times in OTLP bodies (gzipped protobuf) so that the newest is now.

Only fixed64 values near the recording's own time are touched, so no schema is needed.
usage: otlp-now.py OUT-DIR BODY...
"""
import gzip
import os
import re
import sys
import time

RECORDED = 1795389881 * 10**9
TOP = re.escape(RECORDED.to_bytes(8, "little")[6:])  # the same for three days
TIMES = re.compile(rb"([\x09\x39\x41])(.{6}" + TOP + rb")", re.DOTALL)  # fields 1, 7, 8

bodies = {path: gzip.open(path).read() for path in sys.argv[2:]}
newest = max(int.from_bytes(m.group(2), "little") for b in bodies.values() for m in TIMES.finditer(b))
shift = time.time_ns() - newest


def moved(match):
    return match.group(1) + (int.from_bytes(match.group(2), "little") + shift).to_bytes(8, "little")


for path, body in bodies.items():
    with gzip.open(os.path.join(sys.argv[1], os.path.basename(path)), "wb") as out:
        out.write(TIMES.sub(moved, body))
