#!/usr/bin/env python3
"""Print a JSON snapshot's edges: SRC>DST KIND CALLS ERRORS SAMPLES, sorted."""
import json
import sys

for e in sorted(json.load(sys.stdin)["edges"], key=lambda e: (e["src"], e["dst"], e["kind"])):
    print(f"{e['src']}>{e['dst']} {e['kind']} {e['calls']} {e['errors']} {e['samples']}")
