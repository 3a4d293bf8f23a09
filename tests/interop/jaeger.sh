#!/bin/bash
# The real Jaeger, built by Go's module proxy, is given captured bodies and polled: by the
# API its UI uses and by the newer one.
. "$(dirname "$0")/lib.sh"
version=1.76.0 # has Jaeger 2's program as well

jaeger() { # PACKAGE: where it is built
	local dir=$cache/jaeger-$version source
	[ -x "$dir/$1" ] || {
		command -v go >/dev/null || return
		mkdir -p "$dir"
		# The checksums are those of Jaeger's own go.sum, so it is built where that is.
		{
			source=$(cd "$dir" && go mod download -json "github.com/jaegertracing/jaeger@v$version" |
				sed -n 's/.*"Dir": "\(.*\)".*/\1/p')
			cp -r "$source" "$dir/src"
			chmod -R u+w "$dir/src"
			(cd "$dir/src" && GOFLAGS='-mod=mod -buildvcs=false' go build -o "../$1" "./cmd/$1")
		} >"$dir/log.$1" 2>&1
	}
	[ ! -x "$dir/$1" ] || echo "$dir/$1"
}

# poll WHAT OPTION...: all that is there, looked at once
poll() {
	weir-agent --check jaeger --url "http://127.0.0.1:$query" --lookback 1h "${@:2}" \
		>"$tmp/lines" 2>"$tmp/err" || cat "$tmp/err"
	row "Jaeger" "$peer" "$1" "$(edges "$tmp/lines")"
}
services() { curl -s "http://127.0.0.1:$query/api/services"; }
is_stored() { services | grep -q shipping; }

try() { # NAME COMMAND...
	peer=$1
	background "$tmp/jaeger.log" "${@:2}"
	server=$!
	until_true listens "$query" && until_true listens "$otlp" || { tail -n 5 "$tmp/jaeger.log"; return; }
	# Polled while it is being filled: what was seen in an earlier round counts once.
	follow jaeger --url "http://127.0.0.1:$query" --every 1s
	bodies_now
	for body in "$tmp"/now/*; do
		post "http://127.0.0.1:$otlp/v1/traces" "$body"
		sleep 0.3
	done | sort | uniq -c | grep -v ' 200$'
	until_true is_stored
	sleep 14 # two rounds more, and halves are waited for
	stop "$agent"
	row "Jaeger" "$peer" "polled each second while it fills, 24 bodies" "$(recorded)"
	poll "/api/traces, all at once"
	poll "/api/v3/traces, all at once" --api v3
	mkdir "$tmp/saved"
	for service in gateway cart catalog checkout payment; do
		curl -s "http://127.0.0.1:$query/api/traces?service=$service&limit=1500&lookback=1h" >"$tmp/saved/$service.json"
	done
	weir-agent --check jaeger "$tmp"/saved/* >"$tmp/lines" 2>"$tmp/err" || cat "$tmp/err"
	rm -r "$tmp/saved"
	row "Jaeger" "$peer" "the JSON its UI saves" "$(edges "$tmp/lines")"
	stop "$server"
}

read -r query otlp grpc a b c d <<<"$(ports 7)"
one=$(jaeger all-in-one)
[ -n "$one" ] || skip "Jaeger" "no Go, or it could not be built (see $cache/jaeger-$version)"
try "$version (all-in-one)" "$one" --query.http-server.host-port="127.0.0.1:$query" \
	--collector.otlp.http.host-port="127.0.0.1:$otlp" --collector.otlp.grpc.host-port="127.0.0.1:$grpc" \
	--query.grpc-server.host-port="127.0.0.1:$a" --collector.http-server.host-port="127.0.0.1:$b" \
	--collector.grpc-server.host-port="127.0.0.1:$c" --admin.http.host-port="127.0.0.1:$d" --log-level=warn
two=$(jaeger jaeger)
if [ -n "$two" ]; then
	sed "s/QUERY_GRPC/$a/; s/QUERY/$query/; s/OTLP/$otlp/" tests/interop/jaeger.yaml >"$tmp/jaeger.yaml"
	try "2 (of $version)" "$two" --config "$tmp/jaeger.yaml"
fi
finish
