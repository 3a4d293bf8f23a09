#!/bin/sh
# The shape of files: length, formatting, headers that stand alone, and no trace of the
# machine they were written on.
. "${top_srcdir:=.}/tests/tap.sh"
cd "$top_srcdir" || exit 1

sources=$(find src include tests examples -name '*.[ch]' | sort)

empty "no source file is longer than 800 lines" "$(for f in $sources; do
	n=$(wc -l <"$f")
	[ "$n" -le 800 ] || echo "$f: $n lines"
done)"

# Each on its own, so that the order of includes never matters.
empty "every header compiles alone" "$(find include -name '*.h' | sed 's,^include/,,' |
	xargs -P 2 -I{} sh -c 'echo "#include \"{}\"" |
		${CC:-cc} -std=c11 -D_GNU_SOURCE -Iinclude -fsyntax-only -x c - 2>&1')"

empty "every header says what it is" "$(find include -name '*.h' | while read -r f; do
	name=$(basename "$f" .h)
	sed -n 2p "$f" | grep -q "^ \* $name - .*" || echo "$f: line 2 is not \` * $name - ...'"
done)"

# Formatting differs between versions of clang-format; the project uses 14.
name="the sources are formatted (./dev format)"
format=$(command -v clang-format-14 || command -v clang-format)
case $("${format:-false}" --version 2>/dev/null) in
*version\ 14.*)
	empty "$name" "$(printf '%s\n' $sources | xargs -P 2 -n 8 "$format" --dry-run -Werror 2>&1 |
		grep -E 'error:' | sort -u | head -n 40)"
	;;
*) skip "$name" "no clang-format 14 here" ;;
esac

files=$(find .ci ./*.md Makefile.am configure.ac autogen.sh dev docs examples include man src tests themes tools \
	-type f 2>/dev/null | grep -vE '\.(png|log|trs|o)$|/node_modules/|__pycache__')
empty "no path of the author's machine" "$(grep -nIE '(^|[^a-z.])/(wor[k]|roo[t]|hom[e])/|/tmp/brie[f]' $files)"
empty "no space at the end of a line" "$(printf '%s\n' $files | grep -v 'tests/golden/' |
	grep -v 'tests/data/' | grep -v '/corpus/' | xargs grep -nIE '[ 	]+$' | head -n 20)"
done_testing
