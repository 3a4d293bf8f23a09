#!/bin/bash
# What the programs can do and what the manuals say agree, both ways.
. "${top_srcdir:=.}/tests/tap.sh"
: "${top_builddir:=$top_srcdir/build}"
build=$(cd "$top_builddir" && pwd)
cd "$top_srcdir" || exit 1
command -v mandoc >/dev/null || skip_all "mandoc is missing"

# The options that have a line of their own, in --help or in a manual as it is printed.
options() { grep -oE '^ +(-[a-zA-Z]( [a-zA-Z]+)?, *)?--[a-z][a-z-]*' | grep -oE -e '--[a-z][a-z-]*' | sort -u; }
printed() { mandoc -T ascii "man/$1" | sed 's/.\x08//g'; } # without overstriking

# PROGRAM: --help's options are man/PROGRAM.1's.
program() {
	name="$1 --help and man/$1.1 have the same options"
	if [ ! -x "$build/$1" ] || [ ! -e "man/$1.1" ]; then
		skip "$name" "$1 or its manual does not exist yet"
		return
	fi
	"$build/$1" --help 2>&1 | options >"$tmp/help"
	printed "$1.1" | options >"$tmp/man"
	if [ ! -s "$tmp/help" ]; then
		not_ok "$name" "no options in $1 --help"
	else
		empty "$name" "$(diff "$tmp/help" "$tmp/man" | sed -n 's/^</only in --help:/p; s/^>/only in the manual:/p')"
	fi
}

# TABLE MANUAL: each row's name has an item in the manual.
rows() {
	name="each row of $1 is in man/$2"
	if [ ! -e "$1" ] || [ ! -e "man/$2" ]; then
		skip "$name" "no such table or manual yet"
		return
	fi
	printed "$2" >"$tmp/man"
	empty "$name" "$(sed -nE 's/^[A-Z_]+\(([a-z0-9_]+).*/\1/p' "$1" | tr _ - | while read -r row; do
		grep -qE "^ +$row( |\$)" "$tmp/man" || echo "$row"
	done)"
}

tmp=$(mktemp -d) || exit 1
trap 'rm -rf "$tmp"' EXIT

program weir
program weir-agent
rows src/draw/views.def weir.1

# The keys, as keys.def shows them to people, are the items of the section KEYS.
name="man/weir.1 has the keys of keys.def"
if [ -e src/draw/keys.def ]; then
	sed -nE "s/^KEY\\((.*), [A-Z_0-9]+, \"([^\"]+)\", \"[^\"].*/\\2/p" src/draw/keys.def |
		while read -r keys; do printf '%b\n' "$keys"; done | sort >"$tmp/table"
	mandoc -T utf8 man/weir.1 | sed 's/.\x08//g' |
		sed -nE '/^KEYS/,/^[A-Z]+$/s/^ {5}([^ ]+( [^ ]+)*) +[A-Z].*/\1/p' | sort >"$tmp/man"
	empty "$name" "$(diff "$tmp/table" "$tmp/man")"
else
	skip "$name" "no such table yet"
fi
rows src/export/exports.def weir.1
rows src/input/inputs.def weir-agent.1

# What is claimed and asked for elsewhere.
empty "README.md has each input" "$(sed -nE 's/^[A-Z_]+\(([a-z0-9_]+).*/\1/p' src/input/inputs.def |
	while read -r input; do grep -q "^| \`$input\`" README.md || echo "$input"; done)"
empty "README.md has each export format" "$(sed -nE 's/^[A-Z_]+\(([a-z0-9_]+).*/\1/p' src/export/exports.def |
	while read -r format; do grep -qE "^\| .*\`$format\`" README.md || echo "$format"; done)"
empty "./dev installs every library that configure.ac asks for" \
	"$(sed -nE 's/^[ \t]*PKG_CHECK_MODULES\(\[[A-Z0-9_]+\], \[([a-z0-9+-]+).*/\1/p' configure.ac |
	while read -r module; do grep -q "^lib $module " dev || echo "$module"; done)"

for page in man/*.[1-8]; do
	[ -e "$page" ] || continue
	empty "$page is sound" "$(mandoc -T lint -W warning "$page" 2>&1)"
done

empty "links between the documents work" "$(grep -oE '\]\([^)#:]+\)' ./*.md docs/*.md 2>/dev/null |
	sed -E 's/^(.*):\]\((.*)\)$/\1 \2/' | while read -r from to; do
	[ -e "$(dirname "$from")/$to" ] || echo "$from: $to"
done)"
done_testing
