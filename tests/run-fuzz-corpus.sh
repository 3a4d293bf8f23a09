#!/bin/sh
# Every fuzz target over its corpus: tests/fuzz/fuzz-NAME over tests/fuzz/corpus/NAME.
# FUZZ_TARGETS is set by the makefile.
. "${top_srcdir:=.}/tests/tap.sh"

for target in $FUZZ_TARGETS; do
	name=${target##*/fuzz-}
	corpus=$top_srcdir/tests/fuzz/corpus/$name
	if [ ! -d "$corpus" ]; then
		not_ok "fuzz-$name has a corpus" "$corpus: no such directory"
	elif said=$("$top_builddir/$target" "$corpus" 2>&1); then
		ok "fuzz-$name: $(echo "$said" | tail -n 1)"
	else
		not_ok "fuzz-$name" "$(echo "$said" | tail -n 40)"
	fi
done
done_testing
