#!/bin/bash
# Servers that are asked and answer badly, late or not at all: said once, survived, over.
. "${top_srcdir:=.}/tests/e2e/lib.sh"
python=$("$top_srcdir/tools/python" http.server) || skip_all "python3 is missing"

port=$(free_port)
echo good >"$tmp/mode"
background "$python" "$top_srcdir/tests/e2e/odd-server.py" "$port" "$tmp/mode" "$tmp/wanted"
is_there() { (exec 3<>"/dev/tcp/127.0.0.1/$port") 2>/dev/null; }
until_true is_there

said() { tail -n +"$1" "$tmp/agent.err" | grep -qiE -e "$2"; }
turn() { # MODE REGEX: what is said once the server does so, and that it is over afterwards
	local from
	from=$(($(wc -l <"$tmp/agent.err") + 1))
	echo "$1" >"$tmp/mode.new"
	mv "$tmp/mode.new" "$tmp/mode"
	if until_true said "$from" "$2"; then
		ok "$agent_of: $1 is said"
	else
		not_ok "$agent_of: $1 is said" "no \"$2\" in: $(cat "$tmp/agent.err")"
	fi
	echo good >"$tmp/mode.new"
	mv "$tmp/mode.new" "$tmp/mode"
	until_true said "$from" "well again" ||
		not_ok "$agent_of: and that it is over" "$(cat "$tmp/agent.err")"
}
hears() { # NAME REGEX WORD FILE: what is said once WORD is written to FILE
	local from
	from=$(($(wc -l <"$tmp/agent.err") + 1))
	echo "$3" >"$tmp/$4"
	if until_true said "$from" "$2"; then ok "$1"; else not_ok "$1" "$(cat "$tmp/agent.err")"; fi
}
follow() { # INPUT OPTION...
	agent_of=$1
	rm -f "$tmp/agent.err"
	weir-agent "$@" --to "$bus" --url "http://127.0.0.1:$port" --every 1s --timeout 1s --bearer-file "$tmp/token" \
		--state none --stats 2>"$tmp/agent.err" &
	agent=$!
	pids="$pids $agent"
	until_true grep -qs ' from ' "$tmp/agent.err"
}
ends() { # that it is alive, small, and has said nothing raw
	resident=$(awk '/VmRSS/ { print int($2 / 1024) }' "/proc/$agent/status")
	if ldd "$top_builddir/weir-agent" | grep -q asan; then
		skip "$agent_of: its memory is bounded" "the sanitizer takes its own"
	elif [ "$resident" -le 120 ]; then
		ok "$agent_of: its memory is bounded"
	else
		not_ok "$agent_of: its memory is bounded" "$resident MB"
	fi
	kill -TERM "$agent"
	wait "$agent"
	same "$agent_of: it ends as asked" 143 $?
	empty "$agent_of: nothing of the server reaches the terminal raw" "$(tr -d '\n\t -~\200-\377' <"$tmp/agent.err")"
}

weir record --listen "$bus" "$tmp/rec" 2>"$tmp/record.err" &
recorder=$!
pids="$pids $recorder"
until_true test -S "$tmp/bus"

echo anything >"$tmp/token"
follow prometheus --preset custom --calls calls_total --src src --dst dst --lag 1s
until_true said 1 from
turn html "malformed"
turn redirect "answers 302: redirects are not followed"
turn error "expanding series"
turn half "cut short"
turn deep "malformed|deep"
turn bomb "over 64 MiB"
turn cut "closed"
turn hang "no answer within 1000 ms"
hears "prometheus: a token that is not enough is said" "answers 401" one wanted
hears "prometheus: the token is read again when it has changed" "well again" one token
hears "prometheus: one that has run out is said too" "answers 401" two wanted
rm "$tmp/wanted"
ends

follow jaeger
turn html "malformed"
turn half "cut short"
turn bomb "MiB"
turn hang "no answer within 1000 ms"
for what in malformed "cut short" MiB "no answer"; do
	same "jaeger: $what is said once, however often it asks" 1 "$(grep -c "$what" "$tmp/agent.err")"
done
ends

kill -INT "$recorder"
wait "$recorder"
weir snapshot --replay "$tmp/rec" --speed max --window 15m --format json 2>"$tmp/err" >"$tmp/json"
if "$python" -c 'import json, sys
s = json.load(sys.stdin)
e = [e for e in s["edges"] if (e["src"], e["dst"]) == ("a", "b")][0]
sys.exit(not (e["calls"] > 0 and e["calls"] % 5 == 0 and s["quality"]["lost"] == 0))' <"$tmp/json"; then
	ok "what was counted in between is exact"
else
	not_ok "what was counted in between is exact" "$(head -c 600 "$tmp/json")"
fi
done_testing
