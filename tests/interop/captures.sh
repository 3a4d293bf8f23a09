#!/bin/bash
# Captured traffic of OpenTelemetry SDKs of two generations and of zipkin-js, access logs and
# a Prometheus, where $CAPTURES and the $RIG that replays them are.
. "$(dirname "$0")/lib.sh"
[ -d "${CAPTURES:-}" ] && [ -d "${RIG:-}" ] || skip "captured traffic" "no CAPTURES and RIG were given"
command -v node >/dev/null || skip "captured traffic" "node is missing"

# totals FILE REGEX: "M of N edges" of the rows that match, as captures.js printed them
totals() {
	"$python" - "$@" <<'END'
import re, sys
rows = [[c.strip().strip("'") for c in line.split("│")[2:-1]] for line in open(sys.argv[1], encoding="utf-8") if line.startswith("│")]
rows = [r for r in rows if re.search(sys.argv[2], r[0])]
print(sum(int(r[-2]) for r in rows), "of", sum(int(r[-3]) for r in rows), "edges")
END
}
node tests/interop/captures.js build/weir build/weir-agent "$CAPTURES" "$RIG" | tee "$tmp/captures"
node tests/interop/captured-logs.js build/weir-agent "$CAPTURES" | tee "$tmp/logs"
row "captured traffic" "SDKs of 2024 and 2026" "every request, against a reference pairing" "$(totals "$tmp/captures" 'every request')"
row "captured traffic" "SDKs of 2024 and 2026" "each period and fault, against truth.json" "$(totals "$tmp/captures" 'truth')"
row "captured traffic" "SDKs of 2024 and 2026" "snapshots: counts, p50, p95, p99" "$(totals "$tmp/captures" 'snapshot')"
row "captured logs" "nginx 1.22, HAProxy 2.6, Caddy 2.6" "against a plain reading of each line" "$(totals "$tmp/logs" 'nginx|haproxy|caddy')"
row "recorded Prometheus" "2.42" "five presets, against differences of raw samples" "$(totals "$tmp/logs" 'prometheus')"
finish
