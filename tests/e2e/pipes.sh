#!/bin/bash
# weir without a terminal: snapshot and record in pipes, from a live agent.
. "${top_srcdir:=.}/tests/e2e/lib.sh"

is_there() { # NAME PATTERN FILE
	if grep -q -e "$2" "$3"; then ok "$1"; else not_ok "$1" "$(cat "$3")"; fi
}

shop_agent --bind "$bus"
weir snapshot --connect "$bus" --for 2s --size 100x30 2>"$tmp/err" | cat >"$tmp/out"
is_there "a snapshot in a pipe shows the map" checkout "$tmp/out"
same "nothing is said on stderr" "" "$(cat "$tmp/err")"
empty "plain text has no escapes" "$(grep -n $'\e' "$tmp/out")"

weir record --connect "$bus" --for 2s "$tmp/shop.weir"
same "record ends well" 0 $?
again() { weir snapshot --replay "$1" --speed max --size 100x30 2>&1; }
again "$tmp/shop.weir" >"$tmp/one"
is_there "its replay shows what was recorded" postgres "$tmp/one"
again "$tmp/shop.weir" >"$tmp/two"
same "twice the same, byte for byte" "$(cksum <"$tmp/one")" "$(cksum <"$tmp/two")"
again - <"$tmp/shop.weir" >"$tmp/two"
# The header names the source, which is another one.
same "from stdin too" "$(sed 1d "$tmp/one" | cksum)" "$(sed 1d "$tmp/two" | cksum)"
weir record --connect "$bus" --for 2s "$tmp/shop.weir" 2>"$tmp/err"
same "an existing file is not overwritten" 1 $?
is_there "and named" shop.weir "$tmp/err"

weir snapshot --replay "$tmp/shop.weir" >/dev/full 2>"$tmp/err"
same "a full disk is a failure" 1 $?
weir snapshot --replay "$tmp/nothing-here" 2>"$tmp/err"
same "a missing file is a failure" 1 $?
is_there "and named" nothing-here "$tmp/err"
weir snapshot --formt json 2>"$tmp/err"
same "a wrong option is wrong use" 2 $?
is_there "and the right one named" "--format" "$tmp/err"

weir record --connect "$bus" "$tmp/killed.weir" &
recorder=$!
until_true test -s "$tmp/killed.weir"
sleep 1
kill -KILL $recorder
again "$tmp/killed.weir" >"$tmp/out"
is_there "a recording cut short by kill -9 is read to its last whole record" checkout "$tmp/out"
done_testing
