#!/bin/bash
# Three services that zipkin-js traces, with ids shared by both sides and not, of 64 bits and
# of 128; the packages are in build-node.
. "$(dirname "$0")/lib.sh"
export NODE_PATH=$top/build-node/node_modules
command -v node >/dev/null && node -e 'require("zipkin"); require("zipkin-transport-http")' 2>/dev/null ||
	skip "zipkin-js" "node or the packages of zipkin-js are missing (npm)"
version=$(node -p 'require("zipkin/package.json").version')
read -r zipkin web quotes rates <<<"$(ports 4)"
export ZIPKIN=http://127.0.0.1:$zipkin/api/v2/spans

service() { # NAME PORT [UPSTREAM-PORT UPSTREAM]
	background "$tmp/$1.log" node tests/interop/zipkin-service.js "$@"
	services="$services $!"
	until_true grep -qs ready "$tmp/$1.log" || cat "$tmp/$1.log"
}
try() { # WHAT
	background "$tmp/err" bash -c 'exec weir-agent --check zipkin --http "$1" >"$2"' - "127.0.0.1:$zipkin" "$tmp/lines"
	agent=$!
	until_true listens "$zipkin"
	services=
	service rates "$rates"
	service quotes "$quotes" "$rates" rates
	service web "$web" "$quotes" quotes
	for i in $(seq 20); do curl -s -o /dev/null "http://127.0.0.1:$web/work"; done
	sleep 2
	stop "$agent"
	# shellcheck disable=SC2086 # a list of words
	kill $services; wait $services 2>/dev/null
	row "zipkin-js" "$version" "$1" "$(grep -cE '^ +20 calls +4 failed +(user → web|web → quotes|quotes → rates) ' "$tmp/err") of 3 edges
$(cat "$tmp/err")"
}
JOIN=1 try "64-bit ids, shared by both sides"
LONG=1 try "128-bit ids, each side its own"
JOIN=1 LONG=1 try "128-bit ids, shared by both sides"
finish
