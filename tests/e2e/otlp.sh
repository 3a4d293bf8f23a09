#!/bin/bash
# What a real SDK sent, posted to weir-agent otlp, is on the map.
. "${top_srcdir:=.}/tests/e2e/lib.sh"
command -v curl >/dev/null || skip_all "curl is missing"
python=$("$top_srcdir/tools/python" gzip) || skip_all "python3 is missing"

http=127.0.0.1:$(free_port)
post() { # BODY: prints the HTTP status
	curl -s -o "$tmp/answer" -w '%{http_code}' --retry 20 --retry-connrefused --retry-delay 1 \
		-H 'Content-Type: application/x-protobuf' -H 'Content-Encoding: gzip' \
		--data-binary "@$1" "http://$http/v1/traces"
}

terminal 120x40 "weir --with 'otlp --http $http'"
shows "weir --with otlp starts" "otlp"
mkdir "$tmp/bodies"
"$python" "$top_srcdir/tests/e2e/otlp-now.py" "$tmp/bodies" "$top_srcdir"/tests/data/otlp-shop/*.pb.gz
statuses=$(for body in "$tmp"/bodies/*; do post "$body"; echo; done | sort -u)
same "every body is accepted" 200 "$statuses"
for service in gateway checkout payment inventory postgres; do
	shows "$service is on the map" "$service"
done
keys q
ends_with "q ends it" 0
until_true sh -c "! curl -s http://$http/ >/dev/null"
same "and the agent with it" 7 "$(curl -s "http://$http/" >/dev/null; echo $?)"
done_testing
