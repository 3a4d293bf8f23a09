#!/bin/sh
# base < core < wire|draw < export|input|bus|term < cmd: nothing includes upwards, and
# each outside library is known to the layers that need it.
. "${top_srcdir:=.}/tests/tap.sh"
cd "$top_srcdir" || exit 1

# LAYER ALLOWED...: the weir headers its files may include.
layer() {
	layer=$1
	allowed=$(echo "$*" | tr ' ' '|')
	empty "$layer includes nothing from above" "$(grep -rnE '#include "weir/' "src/$layer" \
		"include/weir/$layer" 2>/dev/null | grep -vE "#include \"weir/($allowed)/")"
}
layer base
layer core base
layer wire base core
layer draw base core
layer export base core draw
layer input base core wire
layer bus base
layer term base draw
# The library is a program's part too: it may read the clock.
empty "lib includes nothing but what is to be published" "$(grep -rnE '#include "weir/' src/lib |
	grep -vE '"weir/(base|core|wire|bus)/|"weir/cmd/clock\.h"')"

empty "draw and export see snaps, never the model" "$(grep -rn 'weir/core/model\.h' \
	src/draw src/export include/weir/draw include/weir/export 2>/dev/null)"

# HEADER-PATTERN LAYER...: only these layers include it.
only() {
	header=$1
	shift
	pattern=$(for l in "$@"; do printf '%s' "^(src|include/weir)/$l/|"; done)
	empty "<$header> stays in $*" "$(grep -rnE "#include <($header)" src include |
		grep -vE "${pattern%|}")"
}
only '(n?curses|term)\.h|ncursesw/' term
only 'zmq' bus
only 'cjson/|cJSON' wire input export cmd
only 'microhttpd|nghttp2' input
only 'protobuf-c' input
only 'curl/|librdkafka/' input
only 'ini\.h' cmd
only 'utf8proc' base
done_testing
