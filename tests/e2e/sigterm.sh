#!/bin/bash
# What an agent had taken when it was told to end has all arrived; what it says of itself.
. "${top_srcdir:=.}/tests/e2e/lib.sh"
python=$("$top_srcdir/tools/python" http.client) || skip_all "python3 is missing"

has_bye() {
	weir snapshot --replay "$tmp/rec" --speed max --window 15m --format json 2>"$tmp/err" >"$tmp/json"
	grep -q '"state":.*"ended"' "$tmp/json"
}
of() { # EXPRESSION: of the snapshot s
	"$python" -c "import json, sys; s = json.load(sys.stdin); print($1)" <"$tmp/json"
}

for encoding in batch delta json; do
	rm -f "$tmp/rec" "$tmp/agent.err" "$tmp/bus"
	weir record --listen "$bus" "$tmp/rec" 2>"$tmp/record.err" &
	recorder=$!
	pids="$pids $recorder"
	until_true test -S "$tmp/bus"
	weir-agent otlp --to "$bus" --http 127.0.0.1:0 --state none --stats --encoding "$encoding" 2>"$tmp/agent.err" &
	agent=$!
	pids="$pids $agent"
	until_true grep -q ' from ' "$tmp/agent.err"
	"$python" "$top_srcdir/tests/e2e/load.py" "$(grep -oE '127\.0\.0\.1:[0-9]+' "$tmp/agent.err" | cut -d : -f 2)" \
		>"$tmp/sent" 2>"$tmp/load.err" &
	load=$!
	pids="$pids $load"
	sleep 1.5
	kill -TERM "$agent"
	wait "$agent"
	same "$encoding: SIGTERM in the middle of work ends it" 143 $?
	wait "$load"
	read -r taken unknown <"$tmp/sent"
	until_true has_bye
	kill -INT "$recorder"
	wait "$recorder"
	calls=$(of 'sum(e["calls"] for e in s["edges"])')
	if [ "${taken:-0}" -gt 100 ] && [ "$calls" -ge "$taken" ] && [ "$calls" -le $((taken + unknown)) ]; then
		ok "$encoding: all that it had taken has arrived"
	else
		not_ok "$encoding: all that it had taken has arrived" \
			"taken $taken, without an answer $unknown, arrived $calls
$(cat "$tmp/agent.err" "$tmp/load.err" "$tmp/record.err")"
	fi
	same "$encoding: and nothing counts as lost" 0 "$(of 's["quality"]["lost"]')"
done

line=$(grep 'requests ' "$tmp/agent.err" | tail -n 1)
for word in bytes records events rejected unreadable duplicate unpaired waiting "put off" "over quota" clients published; do
	case $line in
	*"$word "[0-9]*) ;;
	*) missing="$missing $word" ;;
	esac
done
empty "--stats tells what came in, what became of it and what went out" "$missing"

# ------------------------------------------------------------------ --check
printf '%s\n' '{"src":"a","dst":"b","us":2000}' '{"src":"a","dst":"b","us":4000,"err":true}' 'rubbish' \
	'{"note":"on fire","service":"b","sev":"error"}' '{"gauge":"depth","service":"b","value":7,"unit":"{msg}"}' |
	weir-agent --check ndjson >"$tmp/lines" 2>"$tmp/sums"
same "--check prints each event as a line of JSON" 4 "$(wc -l <"$tmp/lines")"
same "and what they add up to, with what was not taken" \
	"       2 calls      1 failed  a → b unknown, p50 2.0ms, p99 4.0ms
       1 log lines of b, error
       1 values of b depth, the last 7 {msg}
       1 not taken: could not be read" "$(sed '1d;$d' "$tmp/sums")"
terminal 100x10 "PATH=$PATH sh -c \"echo '{\\\"src\\\":\\\"a\\\",\\\"dst\\\":\\\"b\\\",\\\"us\\\":2000}' | weir-agent --check ndjson\""
shows "on a terminal only the sums" '1 calls +0 failed'
hides "and no JSON" '"src":"a"'
done_testing
