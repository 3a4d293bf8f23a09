#!/bin/bash
# Two services instrumented by the real OpenTelemetry SDK, in both encodings of
# OTLP/HTTP and over gRPC: who calls whom, how often, and what failed. The packages are looked for in
# node/node_modules of the build: npm install --prefix node @opentelemetry/sdk-node
# @opentelemetry/auto-instrumentations-node
. "${top_srcdir:=.}/tests/e2e/lib.sh"
export NODE_PATH=${NODE_PATH:-$(cd "$top_builddir" && pwd)/node/node_modules}
for program in node curl; do
	command -v $program >/dev/null || skip_all "$program is missing"
done
node -e 'require("@opentelemetry/sdk-node"); require("@opentelemetry/auto-instrumentations-node")' \
	2>/dev/null || skip_all "no OpenTelemetry SDK for Node here (npm)"

export XDG_STATE_HOME=$tmp/state
is() { # NAME EXPECTED EXPRESSION: of the snapshot s, with e(SRC, DST) an edge of it
	same "$1" "$2" "$(node -p '
		const s = JSON.parse(require("fs").readFileSync(process.argv[1]));
		const e = (src, dst) => s.edges.find((x) => x.src === src && x.dst === dst) || {};
		eval(process.argv[2])' "$tmp/snap.json" "$3")"
}
service() { # NAME PORT [TARGET]
	rm -f "$tmp/$1.log" # of the round before
	node "$top_srcdir/tests/e2e/otlp-sdk.js" "$@" >"$tmp/$1.log" 2>&1 &
	pids="$pids $!"
	until_true grep -qs ready "$tmp/$1.log"
}

listening() { (exec 3<>"/dev/tcp/${http%:*}/${http##*:}") 2>/dev/null; }

http=127.0.0.1:$(free_port)
api=$((${http##*:} + 1)) web=$((${http##*:} + 2))
grpc=127.0.0.1:$((${http##*:} + 3))
export OTEL_BSP_SCHEDULE_DELAY=300
export OTEL_TRACES_EXPORTER=otlp OTEL_METRICS_EXPORTER=otlp OTEL_LOGS_EXPORTER=otlp
for protocol in http/protobuf http/json grpc; do
	case $protocol in
	grpc) endpoint=$grpc ;;
	*) endpoint=$http ;;
	esac
	export OTEL_EXPORTER_OTLP_PROTOCOL=$protocol OTEL_EXPORTER_OTLP_ENDPOINT=http://$endpoint
	# The SDK takes its time to load; weir's begins when both are there.
	service api $api
	api_pid=$!
	service web $web "http://127.0.0.1:$api/inner"
	web_pid=$!
	weir snapshot --with "otlp --http $http --grpc $grpc" --for 8s --format json >"$tmp/snap.json" 2>"$tmp/err" &
	snapshot=$!
	until_true listening
	for i in 1 2 3 4 5 6 7 8 9; do curl -s -o /dev/null "http://127.0.0.1:$web/"; done
	curl -s -o /dev/null "http://127.0.0.1:$web/bad"
	kill $api_pid $web_pid
	wait $api_pid $web_pid
	wait $snapshot
	is "$protocol: requests from outside, one failed" "http 10 1" \
		'const a = e("user", "web"); `${a.kind} ${a.calls} ${a.errors}`'
	is "$protocol: both halves of the call inside are one" "http 10 0" \
		'const b = e("web", "api"); `${b.kind} ${b.calls} ${b.errors}`'
	is "$protocol: and nothing else" 2 's.edges.length'
	is "$protocol: nothing was refused or lost" "0 0" \
		'`${s.quality.agents[0].rejected} ${s.quality.lost}`'
done
done_testing
