"""The dashboard from outside, on a terminal of 200x50: how soon it is there, what it
costs when nothing happens, and whether keys are answered, memory stays flat and the
books balance while far more is sent than it can take.

usage: dashboard.py BUILD_DIR [FLOOD_SECONDS]"""

import fcntl
import json
import os
import pty
import resource
import select
import signal
import statistics
import struct
import subprocess
import sys
import tempfile
import termios
import time

build = os.path.abspath(sys.argv[1])
flood_seconds = float(sys.argv[2]) if len(sys.argv) > 2 else 10
missed = 0


def row(what, figure, unit, target, least=False):
    global missed
    met = figure >= target if least else figure <= target
    missed += not met
    print(f"  {what:<58}{figure:>11.2f} {unit:<3} target {'>=' if least else '<='} {target:g} {unit}"
          f"   {'met' if met else 'MISSED'}", flush=True)


class Dashboard:
    def __init__(self, *args):
        self.started = time.monotonic()
        self.pid, self.fd = pty.fork()
        if self.pid == 0:
            os.environ.update(TERM="xterm-256color", COLORTERM="truecolor", LC_ALL="C.UTF-8")
            os.environ.pop("NO_COLOR", None)
            fcntl.ioctl(0, termios.TIOCSWINSZ, struct.pack("HHHH", 50, 200, 0, 0))
            os.execv(f"{build}/weir", ["weir", *args])
        self.text = b""

    def read(self, seconds):
        """What comes within that time, at once when something has."""
        if not select.select([self.fd], [], [], seconds)[0]:
            return b""
        try:
            got = os.read(self.fd, 1 << 16)
        except OSError:
            return b""
        self.text += got
        # A terminal says at once how wide the symbols were that weir asks about.
        if got.count(b"\x1b[6n") == 2:
            os.write(self.fd, b"\x1b[2;5R\x1b[2;3R")
        return got

    def first_frame(self):
        """ms until the first screen stands: its first large output and 30 ms of silence."""
        last = self.started
        while time.monotonic() - self.started < 5:
            if self.read(0.03):
                last = time.monotonic()
            elif len(self.text) > 800:
                break
        return (last - self.started) * 1000

    def settle(self, seconds):
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            self.read(0.05)

    def answer(self, key, mark):
        """ms from a key to what it must show."""
        self.text = b""
        start = time.monotonic()
        os.write(self.fd, key)
        while time.monotonic() - start < 5:
            self.read(0.005)
            if mark in self.text:
                return (time.monotonic() - start) * 1000
        return 5000.0

    def schedule(self):
        """Seconds that its first thread ran, and that it was kept from a core."""
        with open(f"/proc/{self.pid}/schedstat") as f:
            return [int(ns) / 1e9 for ns in f.read().split()[:2]]

    def process_cpu(self):
        """Seconds of all its threads."""
        with open(f"/proc/{self.pid}/stat") as f:
            fields = f.read().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def rss(self):
        with open(f"/proc/{self.pid}/statm") as f:
            return int(f.read().split()[1]) * resource.getpagesize()

    def close(self):
        os.kill(self.pid, signal.SIGTERM)
        self.settle(0.3)
        os.close(self.fd)
        os.waitpid(self.pid, 0)


def start_flood(url, edges=1000, rate=0):
    return subprocess.Popen([f"{build}/tests/bench/bench-wire", "flood", url, str(flood_seconds),
                             str(edges), str(rate)], stdout=subprocess.PIPE, text=True)


def first_frame(tmp):
    took = []
    for i in range(5):
        d = Dashboard("--listen", f"ipc://{tmp}/first{i}")
        took.append(d.first_frame())
        d.close()
    row("first frame after exec", statistics.median(took), "ms", 50)


def idle(tmp):
    d = Dashboard("--listen", f"ipc://{tmp}/idle")
    d.first_frame()
    d.settle(2)
    d.text = b""
    cpu = d.schedule()[0]
    d.settle(4)
    # The header's "live 12s" goes on: that is all.
    row("bytes a second when nothing happens but the clock", len(d.text) / 4, "B", 100)
    row("CPU meanwhile", (d.schedule()[0] - cpu) / 4 * 100, "%", 1)
    d.close()


def flooded(tmp):
    url = f"ipc://{tmp}/flood"
    d = Dashboard("--listen", url)
    d.first_frame()
    flood = [start_flood(url) for _ in range(2)]
    d.settle(1)
    took, rss, end = [], [], time.monotonic() + flood_seconds - 1.5
    while time.monotonic() < end:
        kept = d.schedule()[1]
        ms = d.answer(b"?", b"this help")
        took.append((ms, (d.schedule()[1] - kept) * 1000))
        d.settle(0.2)
        # Closed before it is asked for again: Esc and ? in one go would change nothing.
        d.answer(b"\x1b", b"service-0")
        d.settle(0.3)
        rss.append(d.rss())
    took.sort()
    row("a key in a flood is answered, median", took[len(took) // 2][0], "ms", 100)
    row("a key in a flood is answered, slowest", took[-1][0], "ms", 100)
    print(f"  for {took[-1][1]:.0f} ms of that another process had the core")
    half = len(rss) // 2
    row("memory, second half of the flood by the first", max(rss[half:]) / max(rss[:half]), "x", 1.25)
    row("memory at its most", max(rss) / (1 << 20), "MB", 200)
    for f in flood:
        f.wait()
    d.close()


def busy(tmp):
    """10000 edges at 100000 events a second."""
    url = f"ipc://{tmp}/busy"
    d = Dashboard("--listen", url)
    d.first_frame()
    flood = start_flood(url, edges=10000, rate=100000)
    d.settle(flood_seconds / 2)
    start, cpu = time.monotonic(), d.process_cpu()
    d.settle(flood_seconds / 2 - 1)
    row("10000 edges, 100000 events/s, screen live: of a core",
        (d.process_cpu() - cpu) / (time.monotonic() - start) * 100, "%", 100)
    row("memory by then", d.rss() / (1 << 20), "MB", 200)
    flood.wait()
    d.close()


def books(tmp):
    """The same flood against a snapshot, which tells its numbers in the end."""
    url = f"ipc://{tmp}/books"
    snapshot = subprocess.Popen([f"{build}/weir", "snapshot", "--listen", url, "--for",
                                 f"{flood_seconds + 8}s", "--format", "json"],
                                stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    time.sleep(0.5)
    flood = [start_flood(url) for _ in range(2)]
    sent = sum(int(f.communicate()[0]) for f in flood)
    q = json.loads(snapshot.communicate()[0])["quality"]
    known = q["received"] + q["late"] + q["lost"]
    print(f"  sent {sent}, received {q['received']}, late {q['late']}, declared lost {q['lost']}")
    row("events sent that are in no book", abs(sent - known), "", 0)
    row("how much more was sent than taken", sent / q["received"], "x", 1, least=True)


with tempfile.TemporaryDirectory(prefix="weir-bench.") as tmp:
    first_frame(tmp)
    idle(tmp)
    flooded(tmp)
    busy(tmp)
    books(tmp)
print(f"  {missed} targets missed")
