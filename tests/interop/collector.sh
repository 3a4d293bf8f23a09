#!/bin/bash
# The real OpenTelemetry Collector as a sender: over gRPC and HTTP, packed by gzip, which is
# its default, and by zstd.
. "$(dirname "$0")/lib.sh"
. tests/interop/otelcol.sh
program=$(otelcol)
[ -n "$program" ] || skip "OpenTelemetry Collector" "neither \$OTELCOL nor Go is here, or it could not be built"
version=$("$program" --version | grep -oE '[0-9][0-9.]+' | head -n 1)
read -r receive http grpc <<<"$(ports 3)"

receiver() {
	background "$tmp/err" bash -c 'exec weir-agent --check otlp --http "$1" --grpc "$2" >"$3"' - \
		"127.0.0.1:$http" "127.0.0.1:$grpc" "$tmp/lines"
	agent=$!
	until_true listens "$grpc"
}
told() { # WHAT
	stop "$collector" # sends what it has
	stop "$agent"
	row "OpenTelemetry Collector" "$version" "$1" "$(edges "$tmp/lines")"
}
through() { # EXPORTER WHAT
	receiver
	collect "$program" "$1"
	post "http://127.0.0.1:$receive/v1/traces" "${bodies[@]}" | grep -v 200
	sleep 1
	told "$2"
}
# The Collector tries again after 5 seconds, and then ever more seldom.
while_away() { # EXPORTER WHAT
	collect "$program" "$1"
	post "http://127.0.0.1:$receive/v1/traces" "${bodies[@]}" | grep -v 200
	sleep 3
	receiver
	sleep 15
	told "$2"
}
# It has given up what it sent by then, and sends it again: weir gets both.
while_asleep() { # EXPORTER WHAT
	receiver
	kill -STOP "$agent"
	collect "$program" "$1" 's/^    compression: gzip/&\n    timeout: 2s/'
	post "http://127.0.0.1:$receive/v1/traces" "${bodies[@]}" | grep -v 200
	sleep 5
	kill -CONT "$agent"
	sleep 18
	told "$2"
}
through otlp/grpc "OTLP/gRPC, gzip"
through otlp/zstd "OTLP/gRPC, zstd"
through otlphttp/protobuf "OTLP/HTTP protobuf, gzip"
through otlphttp/zstd "OTLP/HTTP protobuf, zstd"
through otlphttp/json "OTLP/HTTP JSON, gzip"
while_away otlp/grpc "OTLP/gRPC, weir-agent starts late"
while_away otlphttp/protobuf "OTLP/HTTP protobuf, weir-agent starts late"
while_asleep otlp/grpc "OTLP/gRPC, weir-agent stands still for a while"
while_asleep otlphttp/protobuf "OTLP/HTTP protobuf, weir-agent stands still for a while"
finish
