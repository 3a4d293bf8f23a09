#!/bin/bash
# The real Prometheus scrapes what the meshes' proxies would expose; then it stands behind a
# real nginx with TLS, credentials, a tenant and a path prefix, as Mimir and Thanos do.
. "$(dirname "$0")/lib.sh"
for program in prometheus curl; do
	command -v $program >/dev/null || skip "Prometheus" "$program is missing"
done
version=$(prometheus --version 2>&1 | sed -n 's/.*version \([0-9.]*\).*/\1/p' | head -n 1)
read -r exporter port front <<<"$(ports 3)"
url=http://127.0.0.1:$port

step() { # N
	"$python" tests/interop/mesh-metrics.py "$1" >"$tmp/metrics.new" && mv "$tmp/metrics.new" "$tmp/metrics"
	until_true scraped "$1"
	sleep 3 # that is --lag, and one scrape more
}
scraped() { # STEP
	curl -s "$url/api/v1/query" --data-urlencode 'query=traces_service_graph_request_total{server="redis"}' |
		grep -q "\"$(($1 * 4))\"\]"
}
cat >"$tmp/prometheus.yml" <<END
global: { scrape_interval: 1s }
scrape_configs:
  - job_name: mesh
    honor_labels: true
    static_configs: [{ targets: ["127.0.0.1:$exporter"] }]
END
"$python" tests/interop/mesh-metrics.py 100 >"$tmp/metrics"
background "$tmp/exporter.log" "$python" tests/e2e/file-http.py "$exporter" "$tmp/metrics"
background "$tmp/prometheus.log" prometheus --config.file="$tmp/prometheus.yml" --storage.tsdb.path="$tmp/tsdb" \
	--web.listen-address="127.0.0.1:$port" --log.level=warn
until_true scraped 100
sleep 3

# poll OPTION...: "CALLS FAILED SRC DST" of each edge, sorted
poll() {
	weir-agent --check prometheus "$@" --window 1m --lag 1s 2>&1 >"$tmp/lines" |
		sed -n 's/^ *\([0-9]*\) calls *\([0-9]*\) failed  \(.*\) → \([^ ]*\) .*/\1 \2 \3 \4/p' | sort
}
# matches WANT GOT: for a row
matches() {
	local n
	n=$(comm -12 <(echo "$1") <(echo "$2") | wc -l)
	[ "$1" = "$2" ] || [ "$n" != "$(wc -l <<<"$1")" ] || n=0
	echo "$n of $(wc -l <<<"$1") edges"
	diff <(echo "$1") <(echo "$2")
}
outside="10 1 user gateway" inside="6 2 gateway cart" db="4 0 cart redis"
edges_of() { printf '%s\n' "$@" | sort; }

step 101
while read -r preset edges; do
	eval "want=\$(edges_of $edges)"
	row "Prometheus" "$version" "scraped metrics of $preset" "$(matches "$want" "$(poll --url "$url" --preset "$preset")")"
done <<'END'
istio "$outside" "$inside"
linkerd "$outside" "$inside"
hubble "$outside" "$inside"
servicegraph "$outside" "$inside" "$db"
beyla "$inside" "$db"
END
want=$(edges_of "$outside" "$inside" "$db")
row "Prometheus" "$version" "a query of one's own" "$(matches "$want" "$(poll --url "$url" --preset custom \
	--calls traces_service_graph_request_total --failed traces_service_graph_request_failed_total \
	--buckets traces_service_graph_request_client_seconds_bucket --src client --dst server --unit s)")"

# ------------------------------------------------------------ behind a gate
if ! command -v nginx >/dev/null || ! command -v openssl >/dev/null; then
	row "Prometheus behind nginx" - - "skipped: nginx or openssl is missing"
	finish
fi
openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 -subj /CN=localhost \
	-addext subjectAltName=IP:127.0.0.1 -keyout "$tmp/key.pem" -out "$tmp/cert.pem" >"$tmp/openssl.log" 2>&1
printf 'weir:%s\n' "$(openssl passwd -apr1 weir-test)" >"$tmp/htpasswd"
[ "$(id -u)" != 0 ] || user="user root;"
cat >"$tmp/nginx.conf" <<END
${user:-}
worker_processes 1; daemon off; pid $tmp/nginx.pid; error_log $tmp/nginx.err;
events { worker_connections 64; }
http {
  access_log off;
  client_body_temp_path $tmp; proxy_temp_path $tmp; fastcgi_temp_path $tmp;
  uwsgi_temp_path $tmp; scgi_temp_path $tmp;
  server {
    listen 127.0.0.1:$front ssl;
    ssl_certificate $tmp/cert.pem;
    ssl_certificate_key $tmp/key.pem;
    location /mimir/prometheus/ {
      if (\$http_authorization != "Bearer weir-token") { return 401; }
      if (\$http_x_scope_orgid != "shop") { return 403; }
      proxy_pass http://127.0.0.1:$port/;
    }
    location /basic/ {
      auth_basic weir;
      auth_basic_user_file $tmp/htpasswd;
      proxy_pass http://127.0.0.1:$port/;
    }
  }
}
END
background "$tmp/nginx.log" nginx -c "$tmp/nginx.conf" -p "$tmp"
until_true listens "$front"
peer="$version, nginx $(nginx -v 2>&1 | sed -n 's#.*nginx/##p')"
echo weir-token >"$tmp/token"
echo weir-test >"$tmp/password"
echo wrong >"$tmp/wrong"
gate=https://127.0.0.1:$front
options=(--preset servicegraph --ca-file "$tmp/cert.pem")
row "Prometheus behind nginx" "$peer" "TLS, bearer token, tenant, prefix" "$(matches "$want" \
	"$(poll --url "$gate/mimir/prometheus" "${options[@]}" --bearer-file "$tmp/token" --tenant shop)")"
row "Prometheus behind nginx" "$peer" "TLS, basic authentication, prefix" "$(matches "$want" \
	"$(poll --url "$gate/basic" "${options[@]}" --user weir --password-file "$tmp/password")")"
refused() { # WORD OPTION...
	local word=$1
	shift
	! weir-agent --check prometheus "$@" >"$tmp/lines" 2>"$tmp/err" && grep -qi "$word" "$tmp/err"
}
holds "Prometheus behind nginx" "$peer" "a wrong token is said so" \
	refused 401 --url "$gate/mimir/prometheus" "${options[@]}" --bearer-file "$tmp/wrong" --tenant shop
holds "Prometheus behind nginx" "$peer" "another tenant is said so" \
	refused 403 --url "$gate/mimir/prometheus" "${options[@]}" --bearer-file "$tmp/token" --tenant other
holds "Prometheus behind nginx" "$peer" "an unknown authority is refused" \
	refused certificate --url "$gate/basic" --preset servicegraph --user weir --password-file "$tmp/password"
finish
