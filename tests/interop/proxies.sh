#!/bin/bash
# nginx, HAProxy and Caddy; what they are asked is in tests/e2e/accesslog.sh.
. "$(dirname "$0")/lib.sh"
export top_srcdir=$top top_builddir=$top/build
tests/e2e/accesslog.sh >"$tmp/tap"
proxy() { # NAME REGEX VERSION
	[ -n "$3" ] || { row "$1" - - "skipped: $1 is missing"; return; }
	row "$1" "$3" "its access log" "$(grep -cE "^ok .*- $2" "$tmp/tap") of $(grep -cE "ok .*- $2" "$tmp/tap")
$(cat "$tmp/tap")"
}
proxy nginx "(nginx|its combined log)" "$(nginx -v 2>&1 | sed -n 's#.*nginx/##p')"
proxy HAProxy "haproxy" "$(haproxy -v 2>/dev/null | sed -n 's/.*version \([0-9.]*\).*/\1/p' | head -n 1)"
proxy Caddy "caddy" "$(caddy version 2>/dev/null | cut -d' ' -f1)"
finish
