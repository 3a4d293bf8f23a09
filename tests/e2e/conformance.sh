#!/bin/bash
# Every case of the conformance list through the sockets that real senders use: OTLP
# over HTTP in both encodings and over gRPC, and Zipkin's where a case is in its format.
. "${top_srcdir:=.}/tests/e2e/lib.sh"
python=$("$top_srcdir/tools/python" http.client) || skip_all "python3 is missing"
send() {
	"$python" "$top_srcdir/tests/e2e/conformance.py" "$(command -v weir-agent)" \
		"$top_srcdir/tests/data/conformance/cases.json" "$1" 2>&1
}

for transport in json protobuf; do
	same "over HTTP as $transport every case gives its edges" "27 of 27" "$(send $transport)"
done
if curl --version 2>/dev/null | grep -q HTTP2; then
	same "over gRPC, every other body packed, as well" "27 of 27" "$(send grpc)"
else
	skip "gRPC" "there is no curl that speaks HTTP/2"
fi
done_testing
