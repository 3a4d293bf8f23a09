#!/bin/bash
# Bodies that real senders sent, through the sockets they were sent to: each edge has the
# calls, failures and latencies that an independent reading has.
. "${top_srcdir:=.}/tests/e2e/lib.sh"
command -v curl >/dev/null || skip_all "curl is missing"
python=$("$top_srcdir/tools/python" gzip) || skip_all "python3 is missing"
curl --version | grep -q HTTP2 || skip_all "there is no curl that speaks HTTP/2"

# One body, as its name says: .pb or .json by HTTP, grpc.pb, or zipkin.json; prints the answer.
send() { # BODY.gz
	local http=(-o "$tmp/answer" -w '%{http_code}\n' -H 'Content-Encoding: gzip')
	case $1 in
	*grpc.pb.gz)
		"$python" -c 'import gzip, struct, sys
b = gzip.open(sys.argv[1]).read()
sys.stdout.buffer.write(struct.pack(">BI", 0, len(b)) + b)' "$1" |
			curl -s -o "$tmp/answer" -D "$tmp/heads" -w '%{http_code} ' --http2-prior-knowledge -H 'TE: trailers' \
				-H 'Content-Type: application/grpc' --data-binary @- \
				"http://$grpc/opentelemetry.proto.collector.trace.v1.TraceService/Export"
		tr -d '\r' <"$tmp/heads" | grep -i '^grpc-status' ;;
	*zipkin.json.gz) curl -s "${http[@]}" -H 'Content-Type: application/json' --data-binary "@$1" "http://$zipkin/api/v2/spans" ;;
	*.json.gz) curl -s "${http[@]}" -H 'Content-Type: application/json' --data-binary "@$1" "http://$http_at/v1/traces" ;;
	*) curl -s "${http[@]}" -H 'Content-Type: application/x-protobuf' --data-binary "@$1" "http://$http_at/v1/traces" ;;
	esac
}
compare() { # NAME DIR ANSWERS
	local dir=$top_srcdir/tests/data/otlp/$2
	rm -f "$tmp/err"
	weir-agent --check otlp --http 127.0.0.1:0 --grpc 127.0.0.1:0 --zipkin 127.0.0.1:0 \
		--wait 60s >"$tmp/lines" 2>"$tmp/err" & # on a loaded machine sending takes its time
	agent=$!
	pids="$pids $agent"
	until_true grep -qs ' from ' "$tmp/err"
	read -r http_at grpc zipkin <<<"$(sed -n 's/.* from \([^ ]*\) and gRPC \([^ ]*\) and Zipkin \([^ ,]*\).*/\1 \2 \3/p' "$tmp/err")"
	same "$1: every body is taken" "$3" "$(for body in "$dir"/*.gz; do
		case $body in
		*-logs.* | *-metrics.*) ;;
		*) send "$body" ;;
		esac
	done | sort -u | paste -sd,)"
	kill -TERM "$agent"
	wait "$agent"
	same "$1: every edge is as it should be" "$4" "$("$python" "$top_srcdir/tests/interop/edges.py" "$dir/edges.tsv" "$tmp/lines")"
}

compare "a data base's lock, protobuf" d1-db-lock 200 "18 of 18 edges"
compare "the SDK of 2024, JSON" d4-legacy-json 200 "19 of 19 edges"
compare "a killed service keeps its name; protobuf, JSON, gRPC and Zipkin" d2-payment-killed \
	"200,200 grpc-status: 0,202" "18 of 18 edges"
done_testing
