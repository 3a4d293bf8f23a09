#!/bin/bash
# The command line from outside: help, mistakes, configuration, recordings, checks.
. "${top_srcdir:=.}/tests/e2e/lib.sh"

says() { # NAME STATUS REGEX ARGUMENTS...: exit status and something on stderr
	local name=$1 status=$2 regex=$3 got
	shift 3
	weir "$@" >"$tmp/out" 2>"$tmp/err" </dev/null
	got=$?
	if [ $got = "$status" ] && { [ -z "$regex" ] || grep -qE -e "$regex" "$tmp/err"; }; then
		ok "$name"
	else
		not_ok "$name" "weir $* ended with $got and said:
$(cat "$tmp/out" "$tmp/err")"
	fi
}
has() { # NAME REGEX FILE
	if grep -qE -e "$2" "$3"; then ok "$1"; else not_ok "$1" "$(cat "$3")"; fi
}

same "--version" "weir" "$(weir --version | cut -d' ' -f1)"
weir --help >"$tmp/help"
same "--help ends well" 0 $?
has "and lists the subcommands" '^  snapshot' "$tmp/help"
for command in snapshot check diff record replay demo; do
	weir $command --help >"$tmp/help" && has "weir $command --help" "^usage: weir $command" "$tmp/help"
done
for topic in sources filter keys views formats themes config script scenarios exit; do
	weir help $topic >"$tmp/help" && has "weir help $topic" . "$tmp/help"
done

says "an unknown option names the nearest" 2 "no option '--conect' \(--connect\?\)" --conect x
says "an unknown subcommand too" 2 "snapshot\?" snapshto
says "an unknown topic too" 2 "filter\?" help filtr
says "a filter that is none" 2 "filter" snapshot --filter 'p99>'
says "no terminal" 2 "weir snapshot"
says "a damaged configuration is refused" 2 "$tmp/bad.conf: No such|cannot read" --config "$tmp/bad.conf"
printf '[display]\nthem = x\nwindow = 3m\n' >"$tmp/bad.conf"
says "with file and line" 2 "bad.conf:2: no 'them' in \[display\] \(theme\?\)" --config "$tmp/bad.conf" snapshot
has "every mistake of it" "bad.conf:3: window" "$tmp/err"
printf '[display]\nwindow = 5m\n' >"$tmp/good.conf"
WEIR_WARN_P99=100ms weir --config "$tmp/good.conf" --check-config >"$tmp/out" 2>/dev/null
same "--check-config of a good one" 0 $?
has "says what is set" "^window = 300s .*your file" "$tmp/out"
has "and by whom" "^warn_p99 = 0.1s .*environment" "$tmp/out"

cat >"$tmp/good.conf" <<END
[tolerance "a service with a rather long name->another one with a name as long"]
p99 = 3s
[tolerance "web->*"]
err = 2%
ok = 404, NOT_FOUND
END
weir --config "$tmp/good.conf" --check-config >"$tmp/out" 2>/dev/null
same "tolerances are listed" "[tolerance \"web->*\"] err = 2% ok = 404 NOT_FOUND" "$(tail -n 3 "$tmp/out" | xargs -0 | tr '\n' ' ' | sed 's/ *$//')"
has "with their whole names" 'long name->another one with a name as long"\]' "$tmp/out"
printf '[tolerance "web->cart"]\np99 = 3s\nerrr = 1%%\nok = 404 NOTFOUND\n[tolerance "web"]\np99 = 1s\n' >"$tmp/bad.conf"
says "a tolerance with a mistake is refused" 2 "bad.conf:3: no setting of a tolerance 'errr' \(err\?\)" --config "$tmp/bad.conf" snapshot
has "codes are checked" "bad.conf:4: 'NOTFOUND' is no code.*NOT_FOUND\?" "$tmp/err"
has "and edges" "bad.conf:6: 'web' is no edge" "$tmp/err"

# Two edges over ten seconds, one of them slow.
for i in 0 1 2 3 4 5 6 7 8 9; do
	for n in 1 2 3 4 5; do
		echo '{"ts":'$((1767621751 + i))',"src":"web","dst":"cart","us":'$((1000 + 100 * n))'}'
		echo '{"ts":'$((1767621751 + i))',"src":"cart","dst":"db","us":1500000,"kind":"db","err":'"$([ $n = 1 ] && echo true || echo false)"'}'
	done
done >"$tmp/flows.ndjson"
weir snapshot --replay "$tmp/flows.ndjson" --format json >"$tmp/json" 2>"$tmp/err"
same "JSON lines are replayed" 0 $?
has "what cannot be known is said" "unknown=100" "$tmp/err"
if python=$("$top_srcdir/tools/python" json); then
	same "the JSON snapshot has the right numbers" "web cart 50 0 False;cart db 50 10 True" "$("$python" -c '
import json, sys
s = json.load(open(sys.argv[1]))
print(";".join("%s %s %d %d %s" % (e["src"], e["dst"], e["calls"], e["errors"], abs(e["p99_us"] - 1500000) < 15001)
               for e in sorted(s["edges"], key=lambda e: e["errors"])))' "$tmp/json")"
	same "bytes are unknown, not 0" "null" "$("$python" -c '
import json, sys
print(json.dumps(json.load(open(sys.argv[1]))["edges"][0]["bytes_in"]))' "$tmp/json")"
else
	skip "the JSON snapshot has the right numbers" "no python3"
fi
weir snapshot --replay - --format json <"$tmp/flows.ndjson" 2>/dev/null | cmp -s - "$tmp/json"
same "twice the same, also from standard input" 0 $?
weir record --replay "$tmp/flows.ndjson" "$tmp/flows.rec" 2>"$tmp/err"
same "they can be made a recording" 0 $?
weir snapshot --replay "$tmp/flows.rec" --format json 2>/dev/null | cmp -s - "$tmp/json"
same "which shows the same" 0 $?
rm -f "$tmp/small.rec"
weir record --replay "$tmp/flows.ndjson" --max-size 4K "$tmp/small.rec" 2>/dev/null
same "--max-size is kept" "0 yes" "$? $([ "$(wc -c <"$tmp/small.rec")" -le 4096 ] && echo yes)"
weir snapshot --replay "$tmp/flows.ndjson" --at 4.5s --format json 2>/dev/null >"$tmp/json"
has "--at shows that moment" '"taken":	"2026-01-05T14:02:35.500Z"' "$tmp/json"
weir snapshot --replay "$tmp/flows.ndjson" --filter dst:db --format json 2>/dev/null >"$tmp/json"
same "--filter leaves out what does not match" 0 "$(grep -c '"name":	"web"' "$tmp/json")"

weir snapshot --replay "$tmp/flows.ndjson" -o "$tmp/picture" 2>/dev/null
has "-o writes a file" "cart" "$tmp/picture"
same "and only that" "$tmp/picture" "$(ls "$tmp"/picture*)"
says "a closed output is a failure" 1 . snapshot --replay "$tmp/flows.ndjson" -o /dev/full
weir snapshot --replay "$tmp/flows.ndjson" >&- 2>"$tmp/err"
same "and so is none at all" 1 $?
has "which is said" "cannot write" "$tmp/err"
(weir snapshot --replay "$tmp/flows.ndjson" --format json 2>"$tmp/err" || echo $? >"$tmp/status.pipe") | head -1 >/dev/null
same "a reader that goes away is no fault" "" "$(grep -v unknown= "$tmp/err")"

says "check: critical" 2 "" check --replay "$tmp/flows.ndjson" --fail-on 'p99>1s'
has "says which edge" "^CRITICAL .*cart -> db p99 .*\|.* edges=2 " "$tmp/out"
says "check: warning" 1 "" check --replay "$tmp/flows.ndjson" --fail-on 'p99>9s' --warn-on 'err>1%'
says "check: ok" 0 "" check --replay "$tmp/flows.ndjson" --fail-on 'p99>9s'
says "check: a verdict is critical" 2 "" check --replay "$tmp/flows.ndjson" --fail-on verdict
has "and told" "^CRITICAL - 1 of 2 edges: .*cart → db: .*no baseline yet.* \| edges=2 critical=1 warning=0 verdicts=1 " "$tmp/out"
says "check: of that kind" 2 "" check --replay "$tmp/flows.ndjson" --fail-on verdict:latency
says "check: of no other" 0 "" check --replay "$tmp/flows.ndjson" --fail-on verdict:errors
printf '[tolerance "*->db"]\np99 = 2s\nerr = 50%%\n' >"$tmp/good.conf"
says "check: what is tolerated is none" 0 "" check --config "$tmp/good.conf" --replay "$tmp/flows.ndjson" --fail-on 'verdict | sev>=warn'
sed 's/"dst":"db"/"dst":"d|b"/' "$tmp/flows.ndjson" >"$tmp/bar.ndjson"
weir check --replay "$tmp/bar.ndjson" --fail-on verdict >"$tmp/out" 2>/dev/null
same "check: one bar, before the performance data" 1 "$(tr -cd '|' <"$tmp/out" | wc -c)"
says "check: a kind that is none" 3 "latency\?" check --replay "$tmp/flows.ndjson" --fail-on verdict:latenzy
says "check: wrong use is unknown" 3 "no option" check --fail-onn x
says "check: no source is unknown" 3 "nothing-here" check --replay "$tmp/nothing-here" --fail-on errors
says "check: no data is unknown" 3 "" check --listen "$bus" --for 100ms --fail-on errors
has "and says so" "^UNKNOWN" "$tmp/out"

weir snapshot --replay "$tmp/flows.ndjson" --format json >"$tmp/before.json" 2>/dev/null
says "diff: a snapshot and the recording it is of are the same" 0 "" diff "$tmp/before.json" "$tmp/flows.ndjson"
has "and that is said" "^no difference in 2 edges" "$tmp/out"
sed 's/"src":"cart"/"src":"basket"/' "$tmp/flows.ndjson" >"$tmp/after.ndjson"
says "diff: different" 1 "" diff "$tmp/before.json" "$tmp/after.ndjson"
same "which edges is said" "vanished cart new basket" "$(awk '{ print $1, $2 }' "$tmp/out" | xargs)"
weir diff --format json - "$tmp/after.ndjson" <"$tmp/before.json" 2>/dev/null | tr -d '\t\n' >"$tmp/json"
has "diff: as JSON, from standard input" '"changes":\[\{"change":"vanished","src":"cart"' "$tmp/json"
says "diff: what cannot be read is trouble" 2 "nothing-here" diff "$tmp/before.json" "$tmp/nothing-here"
echo '{"weir":9}' >"$tmp/json"
says "diff: so is another version" 2 "json: a snapshot of another version" diff "$tmp/before.json" "$tmp/json"
says "diff: so is no data" 2 "nothing to compare" diff --filter nobody "$tmp/before.json" "$tmp/before.json"
says "diff: so is a format it has not" 2 "text or json" diff --format ansi "$tmp/before.json" "$tmp/before.json"

cat >"$tmp/keys" <<'END'
size 80x24
at 5s
shot early
keys /cart Enter
at 60s
shot late
key q
shot never
END
weir replay "$tmp/flows.ndjson" --script "$tmp/keys" >"$tmp/one" 2>"$tmp/err"
same "a script runs without a terminal" 0 $?
same "and makes its shots until it quits" "early early late late" \
	"$(sed -n 's/^=== \([a-z]*\):.*/\1/p' "$tmp/one" | xargs)"
weir replay "$tmp/flows.ndjson" --script "$tmp/keys" >"$tmp/two"
same "twice the same" 0 "$(cmp -s "$tmp/one" "$tmp/two"; echo $?)"
mkdir "$tmp/shots"
weir replay "$tmp/flows.ndjson" --script "$tmp/keys" -o "$tmp/shots"
same "or as files" "early.roles early.txt late.roles late.txt" "$(ls "$tmp/shots" | xargs)"
echo 'shoot x' >"$tmp/keys"
says "a mistake in it has its line" 2 "keys:1: no command 'shoot' \(shot\?\)" replay "$tmp/flows.ndjson" --script "$tmp/keys"

if command -v weir-agent >/dev/null; then
tcp=tcp://127.0.0.1:$(free_port)
weir snapshot --listen "$tcp" --for 3s --size 80x24 >"$tmp/out" 2>"$tmp/err" &
snapshot=$!
shop_agent --to "$tcp"
wait $snapshot
same "a snapshot of an agent over tcp" 0 $?
has "shows it" checkout "$tmp/out"

weir snapshot --with "ndjson $tmp/flows.ndjson" --for 20s --format json >"$tmp/json" 2>"$tmp/err"
same "--with runs an agent and ends with it" 0 $?
else
	skip "a snapshot of an agent over tcp" "no weir-agent here"
fi

if python=$("$top_srcdir/tools/python" zmq); then
	"$python" -c '
import sys, time, zmq
s = zmq.Context().socket(zmq.PUB)
s.connect(sys.argv[1])
while True:
    s.send(b"{\"src\":\"cron\",\"dst\":\"backup\",\"us\":1830}")
    s.send(b"[1, {\"src\":")
    time.sleep(0.02)' "$bus" &
	pids="$pids $!"
	weir snapshot --listen "$bus" --for 1s --format json >"$tmp/json" 2>"$tmp/err"
	has "bare JSON from any ZeroMQ publisher is shown" '"cron"' "$tmp/json"
	has "that its loss is unknown is said" 'loss unknown|incomplete' "$tmp/err"
	kill $!
else
	skip "bare JSON from any ZeroMQ publisher is shown" "no pyzmq here"
fi

weir snapshot --listen "$bus" --for 60s >"$tmp/out" 2>&1 &
snapshot=$!
until_true test -S "$tmp/bus"
kill -TERM $snapshot
wait $snapshot
same "SIGTERM ends a snapshot with 143" 143 $?
if command -v weir-agent >/dev/null; then
	port=$(free_port)
	weir record --with "otlp --http 127.0.0.1:$port" "$tmp/with.rec" 2>"$tmp/err" &
	record=$!
	listens() { (exec 3<>"/dev/tcp/127.0.0.1/$port") 2>/dev/null; }
	until_true listens && ok "--with starts an agent that listens"
	kill -KILL $record
	until_true eval '! listens' && ok "which ends even when weir is killed"
	rm -rf "$tmp"/run/weir-*
fi

weir demo --for 40s --size 100x30 >"$tmp/one" 2>"$tmp/err"
same "the demo without a terminal is a snapshot" 0 $?
has "with something wrong in it" "▲|◆" "$tmp/one"
weir demo --for 40s --size 100x30 >"$tmp/two" 2>/dev/null
same "the same for the same seed" 0 "$(cmp "$tmp/one" "$tmp/two" >&2; echo $?)"
for scenario in $(weir help scenarios | awk '{print $1}'); do
	weir demo --scenario "$scenario" --for 25s --format json >"$tmp/json" 2>"$tmp/err"
	same "scenario $scenario is complete" "0 " "$? $(cat "$tmp/err")"
done
says "an unknown scenario names the nearest" 2 "errors\?" demo --scenario error
same "and leaves nothing behind" "" "$(ls -d "$tmp"/run/weir-* 2>/dev/null)"
done_testing
