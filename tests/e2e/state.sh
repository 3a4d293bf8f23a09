#!/bin/bash
# What is usual, kept between runs: a recorded row lock, with weir opened in its midst.
. "${top_srcdir:=.}/tests/e2e/lib.sh"

state=$tmp/shop.baselines
# The recording as JSON lines; its milliseconds begin at this second.
flows() { # FROM UPTO, seconds of the recording
	awk -v from="$1" -v upto="$2" '
	$1 == "name" { n = $2; $1 = $2 = ""; sub(/^ +/, ""); name[n] = $0 }
	/^[0-9]/ && $1 >= from * 1000 && $1 < upto * 1000 {
		printf "{\"ts\":%.3f,\"src\":\"%s\",\"dst\":\"%s\",\"op\":\"%s\",\"us\":%d,\"kind\":\"%s\",\"err\":%s}\n",
			1767621750 + $1 / 1000, name[$2], name[$3], name[$4], $5,
			name[$3] ~ /postgres|redis/ ? "db" : "http", $6 ? "true" : "false"
	}' "$top_srcdir/tests/data/verdict/row-lock.flows"
}
said() { # FILE: what the JSON snapshot says of the verdict
	grep -m 1 '"headline"' "$1" | sed 's/^[^:]*:[[:space:]]*//; s/,$//'
}
has() { # NAME REGEX TEXT
	if printf '%s\n' "$3" | grep -qE -e "$2"; then ok "$1"; else not_ok "$1" "$3"; fi
}

flows 0 32 >"$tmp/healthy.ndjson"
flows 40 55 >"$tmp/incident.ndjson"

weir snapshot --replay "$tmp/healthy.ndjson" --state "$state" --format json >"$tmp/json" 2>"$tmp/err"
same "a healthy time is watched" "0 null" "$? $(said "$tmp/json")"
same "and what is usual is kept, for its user alone" 600 "$(stat -c %a "$state")"
same "whole or not at all" "$state" "$(ls "$state"*)"

weir snapshot --replay "$tmp/incident.ndjson" --format json >"$tmp/json" 2>/dev/null
has "without it, nothing is known of normal" '^(null|"[^×]*)$' "$(said "$tmp/json")"
cp "$state" "$tmp/copy"
weir snapshot --replay "$tmp/incident.ndjson" --state "$tmp/copy" --format json >"$tmp/json" 2>"$tmp/err"
has "with it, weir opened amid the incident names the cause" \
	'^"payment → postgres UPDATE accounts: .*× its baseline' "$(said "$tmp/json")"

terminal 120x40 "weir --state $tmp/copy --replay $tmp/incident.ndjson"
shows "and so does the dashboard within seconds" 'payment → postgres UPDATE accounts: .*its baseline'
keys q
ends_with "it ends well" 0
same "a state of version 1 is still one" "weirbase" "$(head -c 8 "$tmp/copy")"

# What the services said meanwhile is evidence.
{
	flows 0 55
	for s in $(seq 0 54); do
		echo '{"ts":'$((1767621750 + s)).5',"gauge":"pool.waiting","service":"payment","value":'$((s < 37 ? 0 : 12))'}'
		[ "$s" -lt 38 ] || echo '{"ts":'$((1767621750 + s)).6',"note":"process '"$s"' still waiting for ShareLock","service":"postgres","sev":"warn"}'
	done
} | sort -t: -k2,2 >"$tmp/evidence.ndjson"
weir snapshot --replay "$tmp/evidence.ndjson" --format json >"$tmp/json" 2>/dev/null
has "new log lines and values are told with the verdict" \
	'since [0-9:]+; [0-9]+ log lines \\"process <\*> still waiting for ShareLock\\"; pool.waiting of payment 12, at most 0 before' "$(said "$tmp/json")"

refused() { # NAME MESSAGE: of $tmp/bad, which must not change
	cp "$tmp/bad" "$tmp/before"
	weir snapshot --replay "$tmp/healthy.ndjson" --state "$tmp/bad" >"$tmp/out" 2>"$tmp/err"
	if [ $? = 0 ] && grep -qE -e "$2" "$tmp/err" && [ -s "$tmp/out" ] && cmp -s "$tmp/bad" "$tmp/before"; then
		ok "$1"
	else
		not_ok "$1" "$(cat "$tmp/err")"
	fi
}
echo "my notes" >"$tmp/bad"
refused "another file is refused, said, and left alone" "cut short|no state"
printf 'a letter to somebody, longer than a header' >"$tmp/bad"
refused "a longer one too" "this is no state of weir's; going on without it and leaving it as it is"
head -c 3000 "$state" >"$tmp/bad"
refused "so is one that was cut short" "cut short: 2980 bytes of"
{ head -c 8 "$state"; printf '\011'; tail -c +10 "$state"; } >"$tmp/bad"
refused "and one of a newer weir" "version 9, this weir reads 1"
{ head -c 500 "$state"; printf 'XXXX'; tail -c +505 "$state"; } >"$tmp/bad"
refused "and one that is damaged" "damaged"
weir snapshot --replay "$tmp/healthy.ndjson" --state "$tmp/no/such/place" 2>"$tmp/err" >/dev/null
has "a place that is not there is said" "cannot make the state" "$(cat "$tmp/err")"
printf '[source]\nstate = %s\n' "$tmp/conf.state" >"$tmp/conf"
weir snapshot --config "$tmp/conf" --replay "$tmp/healthy.ndjson" >/dev/null 2>&1
same "what a configuration names is not for recordings" "no" "$([ -e "$tmp/conf.state" ] && echo yes || echo no)"
done_testing
