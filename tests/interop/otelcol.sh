# otelcol.sh - the OpenTelemetry Collector with nothing but what is needed here, for the
# scripts beside it. Source it after lib.sh.
otelcol_version=0.155.0

# Where the program is: $OTELCOL, or built by Go's module proxy; nothing when neither is.
otelcol() {
	[ -z "${OTELCOL:-}" ] || { echo "$OTELCOL"; return; }
	local dir=$cache/otelcol-$otelcol_version
	if [ ! -x "$dir/dist/otelcol" ] && command -v go >/dev/null; then
		mkdir -p "$dir"
		sed "s/VERSION/$otelcol_version/" tests/interop/otelcol-build.yaml >"$dir/build.yaml"
		(cd "$dir" && export GOBIN=$dir GOFLAGS=-buildvcs=false &&
			go install "go.opentelemetry.io/collector/cmd/builder@v$otelcol_version" &&
			./builder --config build.yaml) >"$dir/log" 2>&1
	fi
	[ ! -x "$dir/dist/otelcol" ] || echo "$dir/dist/otelcol"
}

# collect PROGRAM EXPORTER [SED]: starts one that hands on what it gets at $receive to the
# port of $grpc, $http or $kafka; its pid is $collector.
collect() {
	sed "s/RECEIVE/$receive/; s/GRPC/${grpc:-1}/; s/HTTP/${http:-1}/; s/KAFKA/${kafka:-1}/; s#EXPORTER#$2#; ${3:-}" \
		tests/interop/otelcol.yaml >"$tmp/otelcol.yaml"
	background "$tmp/otelcol.log" "$1" --config "$tmp/otelcol.yaml"
	collector=$!
	until_true listens "$receive" || tail -n 5 "$tmp/otelcol.log"
}
