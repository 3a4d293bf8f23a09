#!/bin/sh
# What the programs can do and what the manuals say agree, both ways.
. "${top_srcdir:=.}/tests/tap.sh"
: "${top_builddir:=$top_srcdir/build}"
build=$(cd "$top_builddir" && pwd)
cd "$top_srcdir" || exit 1

options_of_help() { grep -oE '^ +(-[a-zA-Z], )?--[a-z][a-z-]*' | grep -oE -e '--[a-z][a-z-]*' | sort -u; }
options_of_man() { # FILE: the options it has an item for
	grep -E '^\.It Fl ' "$1" | grep -oE 'Fl (Fl |-)[a-z][a-z-]*' | sed -E 's/Fl (Fl |-)/--/' | sort -u
}

# PROGRAM: --help's options are man/PROGRAM.1's.
program() {
	name="$1 --help and man/$1.1 have the same options"
	if [ ! -x "$build/$1" ] || [ ! -e "man/$1.1" ]; then
		skip "$name" "$1 or its manual does not exist yet"
		return
	fi
	"$build/$1" --help 2>&1 | options_of_help >"$tmp/help"
	options_of_man "man/$1.1" >"$tmp/man"
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
	empty "$name" "$(sed -nE 's/^[A-Z_]+\(([a-z0-9_]+).*/\1/p' "$1" | tr _ - | while read -r row; do
		grep -qE "^\.It (Cm|Li|Ar) $row( |\$)" "man/$2" || echo "$row"
	done)"
}

tmp=$(mktemp -d) || exit 1
trap 'rm -rf "$tmp"' EXIT

program weir
program weir-agent
rows src/draw/views.def weir.1
rows src/export/exports.def weir.1
rows src/input/inputs.def weir-agent.1

for page in man/*.[1-8]; do
	[ -e "$page" ] || continue
	if command -v mandoc >/dev/null; then
		empty "$page is sound mdoc" "$(mandoc -T lint -W warning "$page" 2>&1)"
	else
		skip "$page is sound mdoc" "no mandoc here"
	fi
done

# One sentence a line keeps diffs readable.
empty "links between the documents work" "$(grep -oE '\]\([^)#:]+\)' ./*.md docs/*.md 2>/dev/null |
	sed -E 's/^(.*):\]\((.*)\)$/\1 \2/' | while read -r from to; do
	[ -e "$(dirname "$from")/$to" ] || echo "$from: $to"
done)"
done_testing
