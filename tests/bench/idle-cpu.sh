#!/bin/bash
# CPU of weir with its map standing, redrawn for new numbers twice a second, beside htop
# as it comes out of the box, both at 200x50 in tmux and at the same time.
#
# usage: top_builddir=build tests/bench/idle-cpu.sh [SECONDS]
# Ends with 1 when weir takes more than htop, and with 77 when something is missing.
set -u
seconds=${1:-20}
: "${top_builddir:=build}"
for need in tmux htop; do
	command -v "$need" >/dev/null || { echo "idle-cpu: $need is missing"; exit 77; }
done
[ -r /proc/self/schedstat ] || { echo "idle-cpu: no /proc/PID/schedstat here"; exit 77; }

tmp=$(mktemp -d "${TMPDIR:-/tmp}/weir-idle.XXXXXX") || exit 1
tm() { tmux -u -S "$tmp/tmux" -f /dev/null "$@"; }
at_end() {
	tm kill-server 2>/dev/null
	[ -z "${feeder:-}" ] || kill "$feeder" 2>/dev/null
	wait 2>/dev/null
	rm -rf "$tmp"
}
trap at_end EXIT
trap 'exit 1' INT TERM HUP

# A shop of a dozen services; each of its flows twice a second.
flows() {
	while read -r src dst us; do
		printf '{"src":"%s","dst":"%s","us":%d,"op":"op"}\n' "$src" "$dst" \
			$((us * (80 + RANDOM % 40) / 100))
	done <<-'END'
		web frontend 90000
		frontend cart 9000
		frontend checkout 60000
		frontend catalog 7000
		frontend ads 4000
		frontend search 12000
		checkout cart 8000
		checkout payment 30000
		checkout shipping 3000
		checkout currency 800
		payment postgres 9000
		payment bank 21000
		cart redis 700
		catalog postgres-catalog 3000
		search elastic 11000
	END
}
feed() {
	while flows; do sleep 0.5; done
}

weir=$(cd "$top_builddir" && pwd)/weir
agent=$(cd "$top_builddir" && pwd)/weir-agent
export HOME=$tmp XDG_CONFIG_HOME=$tmp XDG_RUNTIME_DIR=$tmp
tm new-session -d -s weir -x 200 -y 50 "exec '$weir' --listen ipc://$tmp/bus"
tm new-session -d -s htop -x 200 -y 50 "exec htop"
tm set -g status off
feed 2>/dev/null | "$agent" ndjson --to "ipc://$tmp/bus" --state none 2>"$tmp/agent" &
feeder=$!

pid_of() { tm display-message -p -t "$1" '#{pane_pid}'; }
cpu_ns() { cut -d' ' -f1 "/proc/$1/task/"*/schedstat | awk '{ sum += $1 } END { printf "%d", sum }'; }

sleep 5 # started, and the map is there
w=$(pid_of weir) h=$(pid_of htop)
tm capture-pane -p -t weir | grep -q postgres || {
	echo "idle-cpu: no map:"
	tm capture-pane -p -t weir
	exit 1
}
w0=$(cpu_ns "$w") h0=$(cpu_ns "$h")
sleep "$seconds"
w1=$(cpu_ns "$w") h1=$(cpu_ns "$h")
awk -v weir=$((w1 - w0)) -v htop=$((h1 - h0)) -v s="$seconds" 'BEGIN {
	printf "weir %.2f %%, htop %.2f %% of one CPU over %d s: %.2f of htop\n",
		weir / s / 1e7, htop / s / 1e7, s, weir / htop
	exit weir > htop
}'
