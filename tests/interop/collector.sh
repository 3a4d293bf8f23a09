#!/bin/bash
# The real OpenTelemetry Collector as a sender: over gRPC and HTTP, packed by gzip as is
# its default.
. "$(dirname "$0")/lib.sh"
. tests/interop/otelcol.sh
program=$(otelcol)
[ -n "$program" ] || skip "OpenTelemetry Collector" "neither \$OTELCOL nor Go is here, or it could not be built"
version=$("$program" --version | grep -oE '[0-9][0-9.]+' | head -n 1)
read -r receive http grpc <<<"$(ports 3)"

through() { # EXPORTER WHAT
	background "$tmp/err" bash -c 'exec weir-agent --check otlp --http "$1" --grpc "$2" >"$3"' - \
		"127.0.0.1:$http" "127.0.0.1:$grpc" "$tmp/lines"
	agent=$!
	until_true listens "$grpc"
	collect "$program" "$1"
	post "http://127.0.0.1:$receive/v1/traces" "${bodies[@]}" | grep -v 200
	sleep 1
	stop "$collector" # sends what it has
	stop "$agent"
	row "OpenTelemetry Collector" "$version" "$2" "$(edges "$tmp/lines")"
}
through otlp/grpc "OTLP/gRPC, gzip"
through otlphttp/protobuf "OTLP/HTTP protobuf, gzip"
through otlphttp/json "OTLP/HTTP JSON, gzip"
finish
