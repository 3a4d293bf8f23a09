#!/bin/sh
# The tables and the files they name agree, both ways, and Makefile.am lists them all.
. "${top_srcdir:=.}/tests/tap.sh"
cd "$top_srcdir" || exit 1

# TABLE PREFIX: a row of src/TABLE for each src/.../PREFIX-NAME.c, and the other way round.
table() {
	dir=src/$(dirname "$1")
	if [ ! -e "src/$1" ]; then
		skip "$1 and $dir/$2-*.c agree" "no such table yet"
		return
	fi
	rows=$(sed -nE 's/^[A-Z_]+\(([a-z0-9_]+).*/\1/p' "src/$1" | tr _ - | sort)
	files=$(grep -lE "^const struct $2_ops $2_" "$dir/$2"-*.c | sed "s,^$dir/$2-\(.*\)\.c\$,\1," | sort)
	if [ "$rows" = "$files" ]; then
		ok "$1 and $dir/$2-*.c agree"
	else
		not_ok "$1 and $dir/$2-*.c agree" "rows: $(echo $rows)
files: $(echo $files)"
	fi
}
table draw/views.def view
table export/exports.def export
table input/inputs.def input

listed=$(grep -v '^#' Makefile.am | sort -u |
	grep -oE '\<(src|include|tests|themes|tools|man)/[A-Za-z0-9_./-]+\.(c|h|def|proto|sh|theme|[1-8])\>')
present=$(find src include themes man tests/unit tests/fuzz tests/bench -type f ! -path "*/corpus/*" \
	\( -name '*.[ch]' -o -name '*.def' -o -name '*.proto' -o -name '*.theme' -o -path 'man/*.[1-8]' \) 2>/dev/null)
present="$present
$(find tests/lint tests/e2e -name '*.sh')"
empty "every file is in Makefile.am" "$(printf '%s\n' "$present" | sort -u | grep . | while read -r f; do
	printf '%s\n' "$listed" | grep -qxF "$f" || echo "$f"
done)"
empty "every file of Makefile.am exists" "$(printf '%s\n' "$listed" | sort -u | while read -r f; do
	[ -e "$f" ] || echo "$f"
done | grep -vE '\.pb-c\.[ch]$')"
done_testing
