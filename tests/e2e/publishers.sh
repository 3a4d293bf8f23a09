#!/bin/bash
# The publishers that the README shows, as it shows them: but for the address.
. "${top_srcdir:=.}/tests/e2e/lib.sh"

block() { # LANGUAGE: the README's first block in it
	sed -n "/^\`\`\`$1\$/,/^\`\`\`\$/p" "$top_srcdir/README.md" | sed '/^```/d' |
		sed "s,tcp://127.0.0.1:5570,$url,"
}
arrives() { # NAME SRC: what the background command publishes is on the map
	if weir snapshot --listen "$url" --for 3s --size 100x30 >"$tmp/out" 2>&1 && grep -q "$2" "$tmp/out"; then
		ok "$1"
	else
		not_ok "$1" "$(cat "$tmp/out" "$tmp/background.log")"
	fi
}

url=tcp://127.0.0.1:$(free_port)
if python=$("$top_srcdir/tools/python" zmq); then
	block python >"$tmp/publisher.py"
	background "$python" "$tmp/publisher.py"
	arrives "the Python publisher's flow arrives" backup
	kill $!
else
	skip "the Python publisher's flow arrives" "no pyzmq here (python3-zmq)"
fi

export NODE_PATH=${NODE_PATH:-$top_builddir/node/node_modules}
if command -v node >/dev/null && node -e 'require("zeromq")' 2>/dev/null; then
	block js >"$tmp/publisher.js"
	background node "$tmp/publisher.js"
	arrives "the Node publisher's flow arrives" backup
	kill $!
else
	skip "the Node publisher's flow arrives" "no zeromq for Node here (npm)"
fi
done_testing
