# lib.sh - what the scripts beside it share: real peers, and one row for each of them.
# For bash; source it first. Everything happens in $tmp; what took long to get is kept
# in $cache.
set -u
cd "$(dirname "${BASH_SOURCE[0]}")/../.." || exit 1
top=$PWD
PATH=$top/build:$PATH:/usr/sbin
cache=${XDG_CACHE_HOME:-$HOME/.cache}/weir
tmp=$(mktemp -d /tmp/weir-interop.XXXXXX) || exit 1
mkdir -m 700 "$tmp/run" "$tmp/state"
export PATH XDG_RUNTIME_DIR=$tmp/run XDG_STATE_HOME=$tmp/state XDG_CONFIG_HOME=$tmp/home
python=$("$top/tools/python" http.server) || { echo "interop: python3 is missing"; exit 1; }
bodies=("$top"/tests/data/otlp/d1-db-lock/*-traces.pb.gz)
truth=$top/tests/data/otlp/d1-db-lock/edges.tsv
failures=0

pids=
at_end() {
	# shellcheck disable=SC2086 # a list of words
	[ -z "$pids" ] || kill $pids 2>/dev/null
	wait 2>/dev/null
	[ -n "${KEEP:-}" ] || rm -rf "$tmp"
}
trap at_end EXIT
trap 'exit 1' INT TERM HUP

# row PEER VERSION WHAT EDGES: EDGES begins with what edges.py says; "18 of 18" is exact,
# anything else is not, but for what begins with "skipped".
row() {
	local n=${4%% *} exact=no
	case $4 in
	"$n of $n"*) exact=yes ;;
	skipped*) exact=- ;;
	esac
	[ "$exact" != no ] || failures=$((failures + 1))
	printf '%s\t%s\t%s\t%s\t%s\n' "$1" "$2" "$3" "$(head -n 1 <<<"$4")" "$exact" | tee -a "${ROWS:-/dev/null}"
	[ "$exact" != no ] || tail -n +2 <<<"$4" | sed 's/^/    /'
}
# holds PEER VERSION WHAT COMMAND...: a row for what is true or not
holds() {
	local peer=$1 version=$2 what=$3
	shift 3
	if "$@"; then row "$peer" "$version" "$what" "1 of 1"; else row "$peer" "$version" "$what" "0 of 1"; fi
}
skip() { # PEER WHY
	row "$1" - - "skipped: $2"
	exit 0
}
finish() { exit $((failures != 0)); }

# Poll until COMMAND succeeds, at most for $seconds (60).
until_true() {
	local tries=$((${seconds:-60} * 10))
	until "$@"; do
		tries=$((tries - 1))
		[ $tries -gt 0 ] || { echo "interop: gave up waiting for: $*"; return 1; }
		sleep 0.1
	done
}
listens() { (exec 3<>"/dev/tcp/127.0.0.1/$1") 2>/dev/null; } # PORT
ports() { # N: that many free ones
	"$python" -c 'import socket, sys
s = [socket.socket() for _ in range(int(sys.argv[1]))]
[x.bind(("127.0.0.1", 0)) for x in s]
print(*[x.getsockname()[1] for x in s])' "$1"
}
# background LOG COMMAND...: its pid is $!
background() {
	local log=$1
	shift
	rm -f "$log" # of the one before
	"$@" >"$log" 2>&1 &
	pids="$pids $!"
}
stop() { # PID
	kill -TERM "$1" 2>/dev/null
	wait "$1" 2>/dev/null
}

post() { # URL BODY...: prints each status that came, once
	local url=$1
	shift
	for body in "$@"; do
		curl -s -o /dev/null -w '%{http_code}\n' -H 'Content-Type: application/x-protobuf' \
			-H 'Content-Encoding: gzip' --data-binary "@$body" "$url"
	done | sort -u
}
# The bodies with their times moved to now, in $tmp/now; of another round they are other traces.
bodies_now() { # [ROUND]
	rm -rf "$tmp/now"
	mkdir "$tmp/now"
	"$python" tests/e2e/otlp-now.py --round "${1:-0}" "$tmp/now" "${bodies[@]}"
}
# edges LINES [OPTION...]: what weir-agent --check printed, against the independent reading
edges() {
	"$python" tests/interop/edges.py "$truth" "$@"
}

# An agent that publishes to a recorder: follow INPUT OPTION... ; its pid is $agent.
follow() {
	rm -f "$tmp/rec" "$tmp/bus"
	weir record --listen "ipc://$tmp/bus" "$tmp/rec" 2>"$tmp/record.err" &
	recorder=$!
	pids="$pids $recorder"
	until_true test -S "$tmp/bus"
	agent_to_bus "$@"
	agent=$!
}
agent_to_bus() { # INPUT OPTION...: one more agent to the same recorder; what it says is in $agent_log
	agents=$((${agents:-0} + 1))
	agent_log=$tmp/agent.$agents
	weir-agent "$1" --to "ipc://$tmp/bus" --stats "${@:2}" 2>"$agent_log" &
	pids="$pids $!"
	until_true grep -qs "$1 from" "$agent_log"
}
# recorded: the edges of the recording, as edges.py has them; ends the recorder
recorded() {
	sleep 1
	kill -INT "$recorder"
	wait "$recorder"
	weir snapshot --replay "$tmp/rec" --speed max --window 15m --format json >"$tmp/rec.json" 2>"$tmp/err"
	edges "$tmp/rec.json" --snapshot "$@"
}
