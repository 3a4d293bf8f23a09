#!/usr/bin/env python3
"""Compare what weir makes of the captured bodies with an independent reading of them.

usage: edges.py EDGES.tsv TOLD [--snapshot] [--rounds N]

TOLD are the lines of weir-agent --check, or with --snapshot a JSON snapshot, in which the
two kinds of the edges between the same services are one. N: how often the bodies were sent,
each time as traces of their own. Prints "M of N", then a line for each edge that differs.
"""
import argparse
import json
import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "e2e"))
import flows  # noqa: E402


def expected(path, by_type):
    out = {}
    for line in open(path, encoding="utf-8"):
        if line.startswith("#"):
            continue
        src, dst, kind, count, failed, p50, most, queue = line.rstrip("\n").split("\t")
        key = (src, dst, kind) if by_type else (src, dst)
        if key in out:  # two kinds of one edge: their percentiles are not known
            out[key] = (out[key][0] + int(count), out[key][1] + int(failed), None, None, None)
        else:
            out[key] = (int(count), int(failed), int(p50), int(most), None if queue == "-" else int(queue))
    return out


def from_lines(path):
    """Of each edge the count, failures, the element n/2, the greatest and the longest queue."""
    lists = {}
    for line in open(path, encoding="utf-8"):
        e = json.loads(line)
        if "src" in e:
            lists.setdefault((e["src"], e["dst"], flows.edge_type(e)), []).append(e)
    out = {}
    for key, calls in lists.items():
        us = sorted(e.get("us", e.get("srv_us")) for e in calls)
        queue = max(e.get("queue_us", 0) for e in calls)
        out[key] = (len(calls), sum(1 for e in calls if e.get("err")), us[len(us) // 2], us[-1], queue)
    return out


def from_snapshot(path):
    return {(e["src"], e["dst"]): (e["calls"], e["errors"], e["p50_us"], e["max_us"], None)
            for e in json.load(open(path, encoding="utf-8"))["edges"]}


def near(got, want, part):
    return want is None or got is None or abs(got - want) <= max(want * part, 1)


def main():
    args = argparse.ArgumentParser()
    args.add_argument("truth")
    args.add_argument("told")
    args.add_argument("--snapshot", action="store_true")
    args.add_argument("--rounds", type=int, default=1)
    o = args.parse_args()
    want = expected(o.truth, not o.snapshot)
    got = from_snapshot(o.told) if o.snapshot else from_lines(o.told)
    wrong = []
    for key in sorted(set(want) | set(got)):
        w, g = want.get(key), got.get(key)
        name = " > ".join(key[:2]) + (" " + key[2] if len(key) > 2 else "")
        if not w or not g:
            wrong.append(f"{name}: {'not expected' if g else 'missing'}")
        elif (g[0], g[1]) != (w[0] * o.rounds, w[1] * o.rounds):
            wrong.append(f"{name}: {g[0]} calls, {g[1]} failed; should be {w[0] * o.rounds}, {w[1] * o.rounds}")
        # A snapshot's median is by nearest rank, so only the greatest can be compared.
        elif not all(near(a, b, 0.01) for a, b in list(zip(g, w))[3 if o.snapshot else 2:]):
            wrong.append(f"{name}: p50, max, queue {g[2:]}; should be {w[2:]}")
    print(f"{len(want) - len(wrong)} of {len(want)} edges")
    print("\n".join(wrong))


main()
