#!/bin/bash
# The programs of examples/, and the publishers that the README shows: each sends what
# it says, to one recorder, all at the same time; then the recording is looked at.
. "${top_srcdir:=.}/tests/e2e/lib.sh"
build=$(cd "$top_builddir" && pwd)
examples=$(cd "$top_srcdir" && pwd)/examples

# Everything arrives within what a loaded machine may need to start it.
wants= # the sources of ten flows
continuous= # of flows without end
publisher() { # SRC COMMAND...: a publisher of ten flows
	wants="$wants $1"
	("${@:2}" >"$tmp/$1.log" 2>&1; echo $? >"$tmp/$1.status") &
	pids="$pids $!"
}
readme() { # SRC LANGUAGE COMMAND...: the README's first block in it, but for address and source
	sed -n "/^\`\`\`$2\$/,/^\`\`\`\$/p" "$top_srcdir/README.md" | sed '/^```/d' |
		sed "s,tcp://127.0.0.1:5570,$bus,; s,\"src\":\"backup\",\"src\":\"$1\"," >"$tmp/$1.$2"
	continuous="$continuous $1"
	"${@:3}" "$tmp/$1.$2" >"$tmp/$1.log" 2>&1 &
	pids="$pids $!"
}

# Each edge as "SRC DST CALLS ERRORS".
edges() {
	weir snapshot --replay "$tmp/recording" --speed max --format json 2>/dev/null | tr -d '\n\t ' |
		grep -oE '"src":"[^"]*","dst":"[^"]*","kind":"[^"]*","calls":[0-9]+,"rate":[^,]*,"errors":[0-9]+' |
		sed -E 's/"src":"([^"]*)","dst":"([^"]*)".*"calls":([0-9]+).*"errors":([0-9]+)/\1 \2 \3 \4/'
}
all_have_come() {
	local src
	edges >"$tmp/edges"
	for src in $wants; do [ -e "$tmp/$src.status" ] || return 1; done
	for src in $wants $continuous; do grep -q "^$src " "$tmp/edges" || return 1; done
}

background weir record "$tmp/recording" --listen "$bus"
recorder=$!
until_true test -S "$tmp/bus"

publisher c "$build/examples/publish" "$bus"
publisher shell sh "$examples/publish.sh" "$bus"
no_python="no pyzmq here (python3-zmq)" no_node="no zeromq for Node here (npm)"
if python=$("$top_srcdir/tools/python" zmq); then
	no_python=
	publisher python "$python" "$examples/publish.py" "$bus"
	readme readme-python python "$python"
fi
export NODE_PATH=${NODE_PATH:-$build/node/node_modules}
if command -v node >/dev/null && node -e 'require("zeromq")' 2>/dev/null; then
	no_node=
	publisher node node "$examples/publish.js" "$bus"
	readme readme-js js node
fi
until_true all_have_come || until_true all_have_come
kill "$recorder"
wait "$recorder"
edges >"$tmp/edges"

sent() { # NAME SRC WHY-NOT
	if [ "$3" ]; then
		skip "$1" "$3"
	else
		same "$1" "$2 s3 10 1, ended with 0" \
			"$(grep "^$2 " "$tmp/edges"), ended with $(cat "$tmp/$2.status")"
		[ "$(cat "$tmp/$2.status")" = 0 ] || sed 's/^/# /' "$tmp/$2.log"
	fi
}
flows() { # NAME SRC WHY-NOT
	if [ "$3" ]; then
		skip "$1" "$3"
	elif grep -q "^$2 s3 [0-9]* 0\$" "$tmp/edges"; then
		ok "$1"
	else
		not_ok "$1" "$(cat "$tmp/edges" "$tmp/$2.log")"
	fi
}
sent "ten flows from C" c ""
sent "ten flows from a shell" shell ""
sent "ten flows from Python" python "$no_python"
sent "ten flows from Node" node "$no_node"
flows "the README's Python" readme-python "$no_python"
flows "the README's Node" readme-js "$no_node"
# shellcheck disable=SC2086 # a list of words
same "and from nobody else" "$(printf '%s\n' $wants $continuous | sort)" "$(cut -d' ' -f1 "$tmp/edges" | sort)"
done_testing
