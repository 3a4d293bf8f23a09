#!/bin/bash
# Clients that are broken or mean no good, and the agent after them.
. "${top_srcdir:=.}/tests/e2e/lib.sh"
python=$("$top_srcdir/tools/python" gzip resource) || skip_all "python3 is missing"

weir record --listen "$bus" "$tmp/rec" 2>"$tmp/record.err" &
pids="$pids $!"
until_true test -S "$tmp/bus"
weir-agent otlp --to "$bus" --http 127.0.0.1:0 --grpc 127.0.0.1:0 --zipkin 127.0.0.1:0 --stats \
	2>"$tmp/agent.err" &
agent=$!
pids="$pids $agent"
until_true grep -q 'from' "$tmp/agent.err"
# shellcheck disable=SC2046 # one word a port
set -- $(grep -oE '127\.0\.0\.1:[0-9]+' "$tmp/agent.err" | cut -d : -f 2) # HTTP, gRPC, Zipkin
"$python" "$top_srcdir/tests/e2e/hostile.py" "$1" "$3" "$2" "$agent" \
	"$top_srcdir/tests/fuzz/corpus/unpack/zstd-bomb" >"$tmp/said" 2>"$tmp/broke" ||
	not_ok "the hostile client runs" "$(cat "$tmp/broke")"

answered() { # WHAT EXPECTED
	same "$1: $2" "$2" "$(grep "^$1	" "$tmp/said" | cut -f 2)"
}
at_most() { # WHAT LIMIT
	got=$(grep "^$1	" "$tmp/said" | cut -f 2)
	if [ "${got:-999999}" -le "$2" ]; then
		ok "$1: at most $2"
	else
		not_ok "$1: at most $2" "got: $got"
	fi
}
answered "a request" 200
answered "half a JSON" 400
answered "a JSON of another kind" 400
answered "a deep JSON" 400
answered "a list a million long" 202
answered "Zipkin's door, an object" 400
answered "a body cut before its end" 400
answered "200 bodies of random bytes" 400
answered "a body of 200 MB" 413
answered "a negative length" 400
answered "two lengths" 400
answered "headers of 4 MB" 431
answered "no HTTP at all" closed
answered "a gzip bomb of 200 MB" 413
answered "a zstd bomb" 413
answered "gzip in gzip" 400
answered "half a gzip" 400
answered "not gzip" 400
answered "another compression" 415
answered "HTTP/1 at the gRPC door" True
answered "a broken HTTP/2 frame" GOAWAY
answered "a request beside those who wait" 200
answered "a request after all that" 200
if ldd "$top_builddir/weir-agent" | grep -q asan; then
	skip "MB that it took" "the sanitizer takes its own"
else
	at_most "MB that it took" 64
fi

kill -TERM $agent
wait $agent
same "it ends as asked" 143 $?
same "and has counted what it refused" "rejected, unreadable" \
	"$(tail -n 1 "$tmp/agent.err" | grep -oE '(rejected|unreadable) [1-9]' | cut -d ' ' -f 1 | paste -s -d , | sed 's/,/, /')"
if tail -n 1 "$tmp/agent.err" | grep -qE 'cut off [1-9][0-9]{3}'; then
	ok "and whom it cut off"
else
	not_ok "and whom it cut off" "$(tail -n 1 "$tmp/agent.err")"
fi
done_testing
