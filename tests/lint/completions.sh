#!/bin/sh
# The shell completions are what tools/completions makes of the tables now.
. "${top_srcdir:=.}/tests/tap.sh"
cd "$top_srcdir" || exit 1

tmp=$(mktemp -d) || exit 1
trap 'rm -rf "$tmp"' EXIT
sh tools/completions "$tmp"
for f in weir.bash _weir weir.fish; do
	empty "contrib/completions/$f is up to date (tools/completions contrib/completions)" \
		"$(diff "contrib/completions/$f" "$tmp/$f" | head -n 20)"
done
for shell in bash:weir.bash zsh:_weir fish:weir.fish; do
	if command -v "${shell%:*}" >/dev/null; then
		empty "${shell%:*} can read it" "$("${shell%:*}" -n "contrib/completions/${shell#*:}" 2>&1)"
	else
		skip "${shell%:*} can read it" "no ${shell%:*} here"
	fi
done
done_testing
