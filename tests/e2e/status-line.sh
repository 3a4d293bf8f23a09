#!/bin/bash
# The verdict outside the screen: a line on a pipe, in a file that tmux shows, the bell.
. "${top_srcdir:=.}/tests/e2e/lib.sh"

flows() {
	awk '
	$1 == "name" { n = $2; $1 = $2 = ""; sub(/^ +/, ""); name[n] = $0 }
	/^[0-9]/ {
		printf "{\"ts\":%.3f,\"src\":\"%s\",\"dst\":\"%s\",\"op\":\"%s\",\"us\":%d,\"kind\":\"%s\",\"err\":%s}\n",
			1767621750 + $1 / 1000, name[$2], name[$3], name[$4], $5,
			name[$3] ~ /postgres|redis/ ? "db" : "http", $6 ? "true" : "false"
	}' "$top_srcdir/tests/data/verdict/row-lock.flows"
}
has() { # NAME REGEX TEXT
	if printf '%s\n' "$3" | grep -qE -e "$2"; then ok "$1"; else not_ok "$1" "$3"; fi
}
flows >"$tmp/shop.ndjson"
cause='payment (→|>) postgres UPDATE accounts: '

weir --replay "$tmp/shop.ndjson" --speed max --status-line - >"$tmp/lines" 2>"$tmp/err"
same "on a pipe each change is a line" "0 3" "$? $(wc -l <"$tmp/lines")"
has "first it learns" "^● still learning" "$(sed -n 1p "$tmp/lines")"
has "then all is well" "^● all as usual" "$(sed -n 2p "$tmp/lines")"
has "then it is not" "^◆ $cause.*its baseline" "$(sed -n 3p "$tmp/lines")"
weir --replay "$tmp/shop.ndjson" --speed max --status-line - --status-style tmux --ascii >"$tmp/lines" 2>/dev/null
has "marks are coloured only when asked for, in ASCII too" "^#\[fg=red\]###\[default\] $cause" "$(tail -n 1 "$tmp/lines")"
echo '{"ts":1767621750,"src":"a","dst":"b","op":"%{A1:reboot:}#[fg=red]<b>","us":9000000}' >"$tmp/evil.ndjson"
for i in 1 2 3 4 5 6 7 8 9; do sed "s/50,/5$i,/" "$tmp/evil.ndjson"; done >>"$tmp/evil.ndjson.more"
cat "$tmp/evil.ndjson.more" >>"$tmp/evil.ndjson"
say() { weir --replay "$tmp/evil.ndjson" --speed max --status-line - --status-style "$1" 2>/dev/null | grep 'a → b' | tail -n 1; }
same "a peer's text makes no button" 0 "$(say polybar | grep -c '%{A1')"
same "nor a style" 0 "$(say tmux | grep -cE '[^#]#\[fg=red\]<b')"
same "nor a tag" 0 "$(say pango | grep -c '<b>')"
weir --replay "$tmp/shop.ndjson" --speed 20 --status-line - 2>/dev/null | head -n 1 >"$tmp/lines"
has "a reader that goes away ends it" "●" "$(cat "$tmp/lines")"

# The whole as a user has it: weir in a pane, and its verdict in the status of a tmux.
line=$tmp/state/line
mkdir "$tmp/state"
printf 'set -g status on\nset -g status-interval 1\nset -g status-right-length 90\nset -g status-right "#(cat %s)"\n' "$line" >"$tmp/tmux.conf"
terminal 110x31 "tmux -u -S $tmp/inner -f $tmp/tmux.conf new-session 'weir --replay $tmp/shop.ndjson --speed 4 --status-line $line --status-style tmux'"
until_true test -s "$line"
has "in a file, from the beginning" "●.* (still learning|all as usual|nothing has)" "$(cat "$line")"
told() { grep -qE "$cause" "$line" 2>/dev/null; }
until_true told
has "and when it changes" "◆.* $cause" "$(cat "$line")"
in_bar() { screen | tail -n 1 | grep -qE "◆ $cause"; }
until_true in_bar
same "tmux shows it" 0 $?
same "nothing is left beside it" "line" "$(ls "$tmp/state")"
keys q
ends_with "it ends" 0
same "and the file with it" "" "$(ls "$tmp/state")"

if command -v script >/dev/null; then
	# A terminal of its own, so that every byte can be counted.
	ring() {
		terminal 100x30 "script -qfec 'weir --replay $tmp/shop.ndjson --speed 12 $1' $tmp/typed.$servers"
		shows "an incident is seen ($1)" "$cause"
		keys q
		until_true has_ended
		rung=$(tr -cd '\007' <"$tmp/typed.$((servers - 1))" | wc -c)
	}
	ring ""
	same "the bell rings once for a cause" 1 "$rung"
	ring --bell=no
	same "and not when it should not" 0 "$rung"
else
	skip "the bell rings once for a cause" "script is missing"
fi
done_testing
