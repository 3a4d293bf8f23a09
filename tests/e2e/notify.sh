#!/bin/bash
# What systemd hears of weir-agent, and that its units are sound.
. "${top_srcdir:=.}/tests/e2e/lib.sh"
python=$("$top_srcdir/tools/python" socket) || skip_all "python3 is missing"

cat >"$tmp/listen.py" <<'END'
import socket, sys
s = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
s.bind(sys.argv[1])
s.settimeout(30)
with open(sys.argv[2], "a") as log:
    while True:
        what = s.recv(4096).decode()
        log.write(what + "\n")
        log.flush()
        if what == "STOPPING=1":
            break
END
"$python" "$tmp/listen.py" "$tmp/notify" "$tmp/heard" &
listener=$!
pids="$pids $listener"
until_true test -S "$tmp/notify"
NOTIFY_SOCKET=$tmp/notify WATCHDOG_USEC=200000 weir-agent zipkin --http "127.0.0.1:$(free_port)" --state none 2>"$tmp/err" &
agent=$!
pids="$pids $agent"
until_true grep -qs READY=1 "$tmp/heard"
same "it says when it is ready" READY=1 "$(head -n 1 "$tmp/heard")"
until_true grep -qs WATCHDOG=1 "$tmp/heard"
same "and that it is alive" WATCHDOG=1 "$(grep -m 1 WATCHDOG "$tmp/heard")"
kill -TERM $agent
wait $agent
same "SIGTERM ends it as the unit expects" 143 $?
wait $listener
same "and that it stops" STOPPING=1 "$(tail -n 1 "$tmp/heard")"

for unit in "$top_srcdir"/contrib/systemd/*/*.service; do
	kind=$(basename "$(dirname "$unit")")
	name="contrib/systemd/$kind is sound"
	if ! command -v systemd-analyze >/dev/null; then
		skip "$name" "systemd-analyze is missing"
		continue
	fi
	mkdir -p "$tmp/$kind"
	sed "s,/usr/bin/weir-agent,$(command -v weir-agent)," "$unit" >"$tmp/$kind/weir-agent@otlp.service"
	empty "$name" "$(SYSTEMD_LOG_LEVEL=warning systemd-analyze verify --man=no "--$kind" "$tmp/$kind/weir-agent@otlp.service" 2>&1 |
		grep -F weir-agent)"
done
done_testing
