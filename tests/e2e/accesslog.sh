#!/bin/bash
# Real nginx, HAProxy and Caddy write their logs, with retries, dead servers and both
# kinds of rotation, and weir-agent accesslog follows them: every request is counted.
. "${top_srcdir:=.}/tests/e2e/lib.sh"
PATH=$PATH:/usr/sbin:/sbin
command -v curl >/dev/null || skip_all "curl is missing"
python=$("$top_srcdir/tools/python" http.server) || skip_all "python3 is missing"

# Ports that nobody has: asked for all at once, so that they differ.
ports() {
	"$python" -c 'import socket, sys
s = [socket.socket() for _ in range(int(sys.argv[1]))]
[x.bind(("127.0.0.1", 0)) for x in s]
print(*[x.getsockname()[1] for x in s])' "$1"
}
read -r live dead front caddy_port <<<"$(ports 4)"
answers() { curl -s -o "$tmp/answer" "http://127.0.0.1:$1/$2"; }
# Requests one after another; PATH may have curl's [1-9].
ask() { curl -s -o "$tmp/answer" "http://127.0.0.1:$front/$1"; }

background "$python" "$top_srcdir/tests/e2e/tiny-http.py" "$live"
until_true answers "$live" || skip_all "the upstream did not start"

# follow FORMAT FILE OPTION...: an agent that reads FILE into a recording.
follow() {
	rm -f "$tmp/rec" "$tmp/agent.err" "$tmp/agent.err" # of the agent before
	weir record --listen "$bus" "$tmp/rec" 2>"$tmp/record.err" &
	recorder=$!
	until_true test -S "$tmp/bus"
	weir-agent accesslog --to "$bus" --format "$@" 2>"$tmp/agent.err" &
	agent=$!
	pids="$pids $recorder $agent"
	until_true grep -qs "accesslog from" "$tmp/agent.err"
}
# The agent's counter NAME, as of now.
counter() {
	kill -USR1 "$agent"
	sleep 0.05
	grep -oE "$1 [0-9]+" "$tmp/agent.err" | tail -n 1 | grep -oE '[0-9]+$'
}
has_read() { [ "$(counter requests)" -ge "$1" ] 2>/dev/null; }
# The recorder may be behind: the agent's last words have to be in it.
has_bye() {
	weir snapshot --replay "$tmp/rec" --speed max --window 15m --format json 2>"$tmp/err" |
		grep -q '"state":.*"ended"'
}
# told: what the recording says; ends the agent and the recorder.
told() {
	kill -TERM "$agent"
	wait "$agent"
	until_true has_bye
	kill -INT "$recorder"
	wait "$recorder"
	rm -f "$tmp/bus"
	weir snapshot --replay "$tmp/rec" --speed max --window 15m --format json 2>"$tmp/err" |
		"$python" "$top_srcdir/tests/e2e/edges.py"
}
keep() { # LOG NAME: for whoever wants to look at them
	[ -z "$KEEP_LOGS" ] || cat "$1" >"$KEEP_LOGS/$2"
}

# ------------------------------------------------------------------ nginx
nginx_part() {
	[ "$(id -u)" != 0 ] || user="user root;"
	cat >"$tmp/nginx.conf" <<END
$user
worker_processes 1; daemon off; pid $tmp/nginx.pid; error_log $tmp/nginx.err;
events { worker_connections 64; }
http {
  log_format weir escape=json '{"msec":"\$msec","request_method":"\$request_method",'
    '"uri":"\$uri","status":\$status,"request_time":\$request_time,'
    '"request_length":\$request_length,"bytes_sent":\$bytes_sent,'
    '"upstream_addr":"\$upstream_addr","upstream_status":"\$upstream_status",'
    '"upstream_response_time":"\$upstream_response_time","http_traceparent":"\$http_traceparent"}';
  access_log $tmp/nginx.log weir;
  access_log $tmp/combined.log combined;
  client_body_temp_path $tmp; proxy_temp_path $tmp; fastcgi_temp_path $tmp;
  uwsgi_temp_path $tmp; scgi_temp_path $tmp;
  upstream app { server 127.0.0.1:$dead max_fails=0; server 127.0.0.1:$live backup; }
  server {
    listen 127.0.0.1:$front;
    location / { proxy_pass http://app; }
    location /dead { proxy_pass http://127.0.0.1:$dead; }
  }
}
END
	background nginx -c "$tmp/nginx.conf" -p "$tmp"
	server=$!
	until_true test -s "$tmp/nginx.pid"
	until_true answers "$front"
	follow nginx --alias 127.0.0.1:$live=app --alias 127.0.0.1:$dead=app-old "$tmp/nginx.log"
	ask 'ok/[1-20]'
	ask 'fail/[1-5]'
	ask 'slow/[1-3]'
	ask 'dead/[1-4]'
	# a client that leaves, and one that is no HTTP
	curl -s -m 0.05 -o "$tmp/answer" "http://127.0.0.1:$front/slow/left"
	printf '\026\003\001\n\n' | timeout 2 bash -c "cat >/dev/tcp/127.0.0.1/$front"
	until_true has_read 34
	mv "$tmp/nginx.log" "$tmp/nginx.log.1"
	ask 'ok/[21-30]' # still to the renamed file
	kill -USR1 "$(cat "$tmp/nginx.pid")"
	until_true test -e "$tmp/nginx.log"
	ask 'ok/[31-40]'
	until_true has_read 54
	keep "$tmp/nginx.log.1" nginx-0.log
	cp "$tmp/nginx.log" "$tmp/nginx.log.1"
	: >"$tmp/nginx.log"
	sleep 0.3 # so that the agent sees it empty, as it would in a day's log
	ask 'ok/[41-50]'
	until_true has_read 64
	requests=$(counter requests)
	told >"$tmp/edges"
	keep "$tmp/nginx.log" nginx.log
	keep "$tmp/nginx.log.1" nginx-1.log
	keep "$tmp/combined.log" combined.log
	same "nginx: every line once, over both kinds of rotation" 64 "$requests"
	# 50 ok + 5 + 3 + 1 left, each of which was tried at the dead server first.
	same "nginx: its requests and each attempt are edges" \
		"nginx>app http 59 5 59
nginx>app-old http 63 63 63
user>nginx http 64 9 64" "$(cat "$tmp/edges")"
	follow combined --from-start --service nginx "$tmp/combined.log"
	until_true has_read 64
	told >"$tmp/edges"
	# and the request that saw whether nginx was there
	same "its combined log has the calls and failures, and no latency" \
		"user>nginx http 65 9 0" "$(cat "$tmp/edges")"
	kill "$server"
	wait "$server"
}
if command -v nginx >/dev/null; then
	nginx_part
else
	skip "nginx" "nginx is missing"
fi

# ------------------------------------------------------------------ HAProxy
haproxy_part() {
	cat >"$tmp/haproxy.cfg" <<END
global
    log stdout format raw local0
    nbthread 1
defaults
    mode http
    log global
    retries 2
    option redispatch 1
    timeout connect 2s
    timeout client 5s
    timeout server 5s
frontend web
    bind 127.0.0.1:$front
    log-format '{"ts":"%trl","ms":%ms,"backend":"%b","server":"%s","server_ip":"%si","Tw":%Tw,"Tc":%Tc,"Tr":%Tr,"Ta":%Ta,"status":%ST,"bytes_read":%B,"bytes_uploaded":%U,"termination_state":"%ts","retries":"%rc","method":"%HM","uri":"%HP"}'
    use_backend down if { path_beg /dead }
    use_backend flaky if { path_beg /flaky }
    default_backend app
backend app
    server a 127.0.0.1:$live
backend flaky
    balance first
    server a 127.0.0.1:$dead
    server b 127.0.0.1:$live
backend down
    server a 127.0.0.1:$dead
END
	haproxy -f "$tmp/haproxy.cfg" >>"$tmp/haproxy.log" 2>"$tmp/haproxy.err" &
	server=$!
	pids="$pids $server"
	until_true answers "$front"
	follow haproxy --service edge --alias app=shop "$tmp/haproxy.log"
	ask 'ok/[1-20]'
	ask 'fail/[1-5]'
	ask 'flaky/[1-3]'
	ask 'dead/1'
	bash -c "exec 3<>/dev/tcp/127.0.0.1/$front" # a port probe
	until_true has_read 30
	same "haproxy: a port probe is passed over" 1 "$(counter "passed over")"
	told >"$tmp/edges"
	keep "$tmp/haproxy.log" haproxy.log
	same "haproxy: its requests, and what failed before a retry" \
		"edge>down http 3 3 0
edge>flaky http 6 3 3
edge>shop http 25 5 25
user>edge http 29 6 29" "$(cat "$tmp/edges")"
	kill "$server"
	wait "$server" 2>/dev/null
}
if command -v haproxy >/dev/null; then
	haproxy_part
else
	skip "haproxy" "haproxy is missing"
fi

# ------------------------------------------------------------------ Caddy
caddy_part() {
	cat >"$tmp/Caddyfile" <<END
{
	admin off
	auto_https off
	log {
		output file $tmp/caddy.log
		format json
	}
}
http://127.0.0.1:$caddy_port {
	bind 127.0.0.1
	log
	reverse_proxy 127.0.0.1:$live
}
END
	background caddy run --adapter caddyfile --config "$tmp/Caddyfile"
	server=$!
	front=$caddy_port
	until_true answers "$front"
	follow caddy "$tmp/caddy.log"
	ask 'ok/[1-20]'
	ask 'fail/[1-5]'
	until_true has_read 25
	told >"$tmp/edges"
	keep "$tmp/caddy.log" caddy.log
	same "caddy: its requests" "user>caddy http 25 5 25" "$(cat "$tmp/edges")"
	kill "$server"
	wait "$server" 2>/dev/null
}
if command -v caddy >/dev/null; then
	caddy_part
else
	skip "caddy" "caddy is missing"
fi
done_testing
