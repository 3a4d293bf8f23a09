#!/bin/bash
# A real Prometheus scrapes a tiny exporter, and weir-agent prometheus asks it: exact
# counts over a reset, a first failure and a server that is gone for a while; then
# behind TLS, a password and a path prefix.
. "${top_srcdir:=.}/tests/e2e/lib.sh"
command -v prometheus >/dev/null || skip_all "prometheus is missing"
command -v curl >/dev/null || skip_all "curl is missing"
python=$("$top_srcdir/tools/python" http.server) || skip_all "python3 is missing"

ports() {
	"$python" -c 'import socket, sys
s = [socket.socket() for _ in range(int(sys.argv[1]))]
[x.bind(("127.0.0.1", 0)) for x in s]
print(*[x.getsockname()[1] for x in s])' "$1"
}
read -r exporter port <<<"$(ports 2)"

# metrics TOTAL FAILED FAST SLOW: the counters of one edge, failures only when there are any
metrics() {
	{
		labels='client="checkout",server="payment",connection_type=""'
		echo "traces_service_graph_request_total{$labels} $1"
		[ "$2" = 0 ] || echo "traces_service_graph_request_failed_total{$labels} $2"
		bucket=traces_service_graph_request_client_seconds_bucket
		echo "$bucket{$labels,le=\"0.1\"} $3"
		echo "$bucket{$labels,le=\"1.0\"} $(($3 + $4))"
		echo "$bucket{$labels,le=\"+Inf\"} $1"
		echo 'traces_service_graph_request_total{client="user",server="checkout",connection_type="virtual_node"}' "$1"
		echo 'traces_service_graph_request_total{client="checkout",server="orders",connection_type="database"}' "$1"
	} >"$tmp/metrics.new"
	mv "$tmp/metrics.new" "$tmp/metrics"
}
metrics 1000 0 900 100
background "$python" "$top_srcdir/tests/e2e/file-http.py" "$exporter" "$tmp/metrics"

cat >"$tmp/prometheus.yml" <<END
global: { scrape_interval: 1s }
scrape_configs:
  - job_name: graph
    static_configs: [{ targets: ["127.0.0.1:$exporter"] }]
END
url=http://127.0.0.1:$port
server() { # OPTION...
	prometheus --config.file="$tmp/prometheus.yml" --storage.tsdb.path="$tmp/tsdb" \
		--web.listen-address="127.0.0.1:$port" --log.level=warn "$@" >"$tmp/prometheus.log" 2>&1 &
	server=$!
	pids="$pids $server"
	until_true curl -sf -o "$tmp/answer" "${curl_options[@]}" "$url/-/ready"
}
curl_options=()
scraped() { # VALUE: of the first counter
	curl -s "${curl_options[@]}" "$url/api/v1/query" --data-urlencode \
		'query=traces_service_graph_request_total{server="payment"}' | grep -q "\"$1\"\]"
}
follow() { # OPTION...
	rm -f "$tmp/rec" "$tmp/agent.err" "$tmp/bus"
	weir record --listen "$bus" "$tmp/rec" 2>"$tmp/record.err" &
	recorder=$!
	until_true test -S "$tmp/bus"
	weir-agent prometheus --to "$bus" --url "$url" --preset servicegraph --every 1s --lag 1s "$@" \
		2>"$tmp/agent.err" &
	agent=$!
	pids="$pids $recorder $agent"
	until_true grep -q "prometheus from" "$tmp/agent.err"
}
counter() {
	kill -USR1 "$agent" 2>/dev/null || return
	sleep 0.05
	grep -oE ", $1 [0-9]+" "$tmp/agent.err" | tail -n 1 | grep -oE '[0-9]+$'
}
counts() { [ "$(counter "$1")" -ge "$2" ] 2>/dev/null; }
# The recorder may be behind: the agent's last words have to be in it.
has_bye() {
	weir snapshot --replay "$tmp/rec" --speed max --window 15m --format json 2>"$tmp/err" |
		grep -q '"state":.*"ended"'
}
told() {
	kill -TERM "$agent"
	wait "$agent"
	until_true has_bye
	kill -INT "$recorder"
	wait "$recorder"
	weir snapshot --replay "$tmp/rec" --speed max --window 15m --format json 2>"$tmp/err" >"$tmp/json"
	"$python" "$top_srcdir/tests/e2e/edges.py" <"$tmp/json"
}

server
until_true scraped 1000
follow
until_true counts waiting 6
metrics 1010 2 906 104 # the first failures ever
until_true scraped 1010
metrics 3 0 3 0 # began again
until_true scraped 3
until_true counts events 6
kill "$server"
wait "$server"
if until_true grep -q "prometheus: .*onnect" "$tmp/agent.err"; then
	ok "that the server is gone is said"
else
	not_ok "that the server is gone is said" "$(cat "$tmp/agent.err")"
fi
metrics 7 0 6 1
server
until_true scraped 7
until_true counts events 9
told >"$tmp/edges"
same "counts are exact over a reset, first failures and a server that was gone" \
	"checkout>orders db 17 0 0
checkout>payment unknown 17 2 17
user>checkout unknown 17 0 0" "$(cat "$tmp/edges")"
same "and that it is back" "weir-agent: prometheus: all is well again" \
	"$(grep 'well again' "$tmp/agent.err" | tail -n 1)"
same "percentiles are the bounds of its buckets" '"bounds_only": true 1' \
	"$("$python" -c 'import json, sys
e = [e for e in json.load(sys.stdin)["edges"] if e["dst"] == "payment"][0]
print("\"bounds_only\":", str(e["bounds_only"]).lower(), int(990000 < e["p99_us"] < 1010000))' <"$tmp/json")"
weir-agent --check prometheus --url "$url" --preset custom --calls traces_service_graph_request_total \
	--buckets no_such --src client --dst server >"$tmp/lines" 2>"$tmp/err"
same "that latencies are missing is said, and does not stop it" "0 1" \
	"$? $(grep -c 'no series of no_such: latencies stay unknown' "$tmp/err")"
kill "$server"
wait "$server"

# ------------------------------------------------------------------ TLS, password, prefix
if command -v openssl >/dev/null; then
	openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 \
		-subj /CN=localhost -addext subjectAltName=IP:127.0.0.1 \
		-keyout "$tmp/key.pem" -out "$tmp/cert.pem" >"$tmp/openssl.log" 2>&1
	# The password is "weir-test".
	cat >"$tmp/web.yml" <<'END'
tls_server_config: { cert_file: cert.pem, key_file: key.pem }
basic_auth_users: { weir: "$2b$04$E7w/SnEz6Ux7EzqG61Om1OJlWg91bTAIEFi6FRFzHnS8eUp3m1AI." }
END
	echo weir-test >"$tmp/password"
	url=https://127.0.0.1:$port/prom
	curl_options=(--cacert "$tmp/cert.pem" -u weir:weir-test)
	server --web.config.file="$tmp/web.yml" --web.external-url=/prom
	until_true scraped 7
	echo wrong >"$tmp/wrong"
	follow --ca-file "$tmp/cert.pem" --user weir --password-file "$tmp/wrong"
	until_true grep -q "answers 401" "$tmp/agent.err" && ok "a wrong password is said so"
	told >"$tmp/edges"
	follow --user weir --password-file "$tmp/password"
	until_true grep -qi "certificate" "$tmp/agent.err" && ok "an unknown authority is refused"
	told >"$tmp/edges"
	follow --ca-file "$tmp/cert.pem" --user weir --password-file "$tmp/password" \
		--match 'server!="orders"' --alias payment=pay
	until_true counts waiting 4
	before=$(counter events)
	metrics 12 0 11 1
	until_true scraped 12
	until_true counts events "$((before + 2))"
	told >"$tmp/edges"
	if grep -qE '^checkout>pay unknown ' "$tmp/edges" && ! grep -q orders "$tmp/edges"; then
		ok "behind TLS, a password and a prefix, with matchers and aliases"
	else
		not_ok "behind TLS, a password and a prefix, with matchers and aliases" "$(cat "$tmp/edges" "$tmp/agent.err")"
	fi
	kill "$server"
	wait "$server"
else
	skip "TLS and a password" "openssl is missing"
fi
done_testing
