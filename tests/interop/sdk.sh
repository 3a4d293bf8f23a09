#!/bin/bash
# The OpenTelemetry SDK for Node over HTTP in both encodings and over gRPC; what it is asked is
# in tests/e2e/otlp-sdk.sh. The packages are in build-node.
. "$(dirname "$0")/lib.sh"
export NODE_PATH=$top/build-node/node_modules top_srcdir=$top top_builddir=$top/build
version=$(node -p '`${require("@opentelemetry/sdk-node/package.json").version}, grpc-js ${require("@grpc/grpc-js/package.json").version}`' 2>/dev/null) ||
	skip "OpenTelemetry SDK for Node" "node or its packages are missing (npm)"
tests/e2e/otlp-sdk.sh >"$tmp/tap"
for protocol in http/protobuf http/json grpc; do
	row "OpenTelemetry SDK for Node" "$version" "OTLP $protocol" \
		"$(grep -c "^ok .*- $protocol:" "$tmp/tap") of $(grep -c "ok .*- $protocol:" "$tmp/tap")
$(cat "$tmp/tap")"
done
finish
