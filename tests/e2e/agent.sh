#!/bin/bash
# weir-agent from outside: mistakes, signals, what is flushed, what is kept.
. "${top_srcdir:=.}/tests/e2e/lib.sh"
export XDG_STATE_HOME=$tmp/state
unset WEIR_CONFIG

says() { # NAME STATUS REGEX ARGUMENTS...: exit status and something on stderr
	local name=$1 status=$2 regex=$3 got
	shift 3
	weir-agent "$@" >"$tmp/out" 2>"$tmp/err" </dev/null
	got=$?
	if [ $got = "$status" ] && grep -qE -e "$regex" "$tmp/err"; then
		ok "$name"
	else
		not_ok "$name" "weir-agent $* ended with $got and said:
$(cat "$tmp/out" "$tmp/err")"
	fi
}
has() { # NAME REGEX FILE
	if tr -d '\n\t' <"$3" | grep -qE -e "$2"; then ok "$1"; else not_ok "$1" "$(head -n 40 "$3")"; fi
}
ended() { # NAME STATUS: how $agent ends
	wait "$agent"
	same "$1" "$2" $?
}
said() { grep -qsE -e "$1" "$tmp/agent.log"; }
agent() { # ARGUMENTS...: in the background, until it has said where it is
	rm -f "$tmp/agent.log" # of the one before
	weir-agent "$@" >"$tmp/agent.log" 2>&1 &
	agent=$!
	pids="$pids $agent"
	until_true said ' from '
}

http=127.0.0.1:$(free_port)
url=ipc://$tmp/bus

says "no input is wrong use" 2 "no input given"
says "an unknown input is named, and the one meant" 2 "'otpl'.*'otlp'" otpl
says "an API that Jaeger has not is refused" 2 "neither v1 nor v3" jaeger --url http://127.0.0.1:1 --api v2
says "an unknown option is named, and the one meant" 2 "'--gruop'.*'--group'" --gruop x otlp
says "an option of an input too" 2 "'--htpp'.*'--http'" otlp --htpp x
says "two ends exclude each other" 2 "exclude" otlp --to a --bind b
says "an unknown encoding is named" 2 "'xml'" otlp --encoding xml
says "an unknown log format is named, and the one meant" 2 "'ngnix'.*nginx" accesslog --format ngnix x --to "$url"
says "no address to listen on" 2 "'nowhere'" otlp --http nowhere --to "$url"
says "a file that is not there" 1 "nothing-here" ndjson "$tmp/nothing-here" --to "$url"

# ------------------------------------------------------------ the configuration
mkdir -p "$XDG_CONFIG_HOME/weir"
conf=$XDG_CONFIG_HOME/weir/agent.conf
printf '%s\n' '{"up":"stock:80","t":0.25,"st":200}' '{"up":"cart:80","t":0.5,"st":500}' >"$tmp/own.log"
cat >"$conf" <<END
[agent]
group = web
to = ipc://$tmp/of-the-file
[accesslog]
format = custom
service = edge
field = upstream=up
field = latency=t:s
field = status=st
once = yes
from-start = yes
file = $tmp/own.log
END
says "a custom log's fields stand in the configuration" 0 "1 calls +1 failed +edge.*cart" \
	--check accesslog
says "what is on the command line wins" 0 "1 calls +1 failed +front.*cart" \
	--check accesslog --service front
says "an end on the command line replaces the file's" 2 "'nowhere'" otlp --http nowhere --bind "$url"
says "--config reads that file alone" 2 "format" --config /dev/null --check accesslog "$tmp/own.log"
says "a --config that is not there" 1 "nothing-here" --config "$tmp/nothing-here" otlp
echo 'fromstart = yes' >>"$conf"
says "a mistake has its place" 2 "agent.conf:13: .*'--fromstart'.*'--from-start'" --check accesslog
sed -i 's/^once = yes/once = perhaps/' "$conf"
says "yes or no" 2 "agent.conf:10: .*'--once' is yes or no" --check accesslog
echo 'stats = 7' | sed '1i [agent]' >"$conf"
says "of the agent's own too" 2 "agent.conf:2: stats is yes or no" otlp
printf '[otpl]\nhttp = x\n' >"$conf"
says "a section that is none" 2 "agent.conf:2: .otpl. is neither" otlp
echo 'http' >"$conf"
says "a line that is no setting" 2 "agent.conf:1: .*key = value" otlp
rm "$conf"

weir-agent --help >"$tmp/help"
has "--help names the inputs" 'otlp - ' "$tmp/help"
same "--version" weir-agent "$(weir-agent --version | cut -d' ' -f1)"

agent otlp --http "$http" --to "$url"
says "an address that is taken" 1 "$http is in use" otlp --http "$http" --to "$url"
# Not SIGINT: a shell starts what is in the background with that ignored, and it stays so.
for signal in TERM HUP; do
	kill -s $signal "$agent"
	ended "SIG$signal ends it" $((128 + $(kill -l $signal)))
	agent otlp --http "$http" --to "$url"
done
kill -KILL "$agent"
wait "$agent" 2>/dev/null
same "one state file, nobody else's to read" "-rw-------" \
	"$(stat -c %A "$tmp/state/weir/otlp-$http.state")"

# What a script says before anybody listens is not lost.
for i in $(seq 500); do echo '{"src":"early","dst":"bird","us":1000}'; done >"$tmp/flows.ndjson"
weir-agent ndjson "$tmp/flows.ndjson" --to "$url" >"$tmp/agent.log" 2>&1 &
agent=$!
pids="$pids $agent"
sleep 1
weir snapshot --listen "$url" --for 2s --format json >"$tmp/snap.json" 2>"$tmp/err"
has "nothing that a file says is lost" '"calls": ?500' "$tmp/snap.json"
ended "and it ends with the file" 0

# A caller whose other half cannot come any more is told when the agent ends.
command -v curl >/dev/null || { skip "halves are flushed at the end" "no curl here"; done_testing; }
weir snapshot --listen "$url" --for 5s --format json >"$tmp/snap.json" 2>"$tmp/err" &
snapshot=$!
agent otlp --http "$http" --to "$url"
until_true test -S "$tmp/bus"
sleep 1
now=$(date +%s)
cat >"$tmp/body.json" <<END
{"resourceSpans":[{"resource":{"attributes":[{"key":"service.name","value":{"stringValue":"checkout"}}]},
"scopeSpans":[{"spans":[{"traceId":"0102030405060708090a0b0c0d0e0f10","spanId":"a1a2a3a4a5a6a7a8",
"parentSpanId":"b1a2a3a4a5a6a7a8","kind":3,"name":"POST","startTimeUnixNano":"${now}000000000",
"endTimeUnixNano":"${now}025000000","status":{"code":2},
"attributes":[{"key":"server.address","value":{"stringValue":"bank.test"}}]}]}]}]}
END
same "a body is taken" 200 "$(curl -s -o /dev/null -w '%{http_code}' -H 'Content-Type: application/json' \
	--data-binary "@$tmp/body.json" "http://$http/v1/traces")"
kill -TERM "$agent"
ended "SIGTERM ends it" 143
wait $snapshot
has "halves are flushed at the end" '"dst": ?"bank.test"' "$tmp/snap.json"

# ------------------------------------------------------------------ secrets in log lines
log='{"resourceLogs":[{"resource":{"attributes":[{"key":"service.name","value":{"stringValue":"pay"}}]},
"scopeLogs":[{"logRecords":[{"timeUnixNano":"1795388090960000000","severityNumber":17,"body":{"stringValue":
"TICKET-77: card 4111 1111 1111 1111 of jo@shop.test, Bearer abcdef0123456789"}}]}]}]}'
logged() { # OPTION...: the note that it becomes
	agent --check otlp --http "$http" "$@"
	curl -s -o "$tmp/answer" -H 'Content-Type: application/json' --data-binary "$log" "http://$http/v1/logs"
	kill -TERM "$agent"
	wait "$agent"
	grep -o '"note":"[^"]*"' "$tmp/agent.log"
}
kept() { # TEXT: which of the four are in it
	for what in TICKET-77 4111 jo@shop.test abcdef; do
		case $1 in *"$what"*) echo "$what" ;; esac
	done | paste -s -d ' '
}
same "cards, addresses and tokens are taken out" "TICKET-77" "$(kept "$(logged)")"
same "and what one's own expression matches" "" "$(kept "$(logged --redact-also 'TICKET-[0-9]+')")"
same "--redact off leaves them in" "TICKET-77 4111 jo@shop.test abcdef" "$(kept "$(logged --redact off)")"
says "what is neither on nor off" 2 "'maybe'" otlp --redact maybe --to "$url"
says "an expression that is none" 2 "." otlp --redact-also '(' --to "$url"
says "Kafka's log lines too" 2 "'maybe'" kafka --brokers x --topic t --group-id g --redact maybe --to "$url"
done_testing
