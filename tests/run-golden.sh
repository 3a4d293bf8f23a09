#!/bin/sh
# What the user sees, exactly. Each directory of tests/golden is a case; each line of its
# file `commands` is NAME and arguments of weir, run there; all it prints (and how it
# ended, when not well) must be the file NAME.out. GENERATE=1 rewrites the .out files.
. "${top_srcdir:=.}/tests/tap.sh"
: "${top_builddir:=$top_srcdir/build}"
weir=$(cd "$top_builddir" && pwd)/weir
golden=$top_srcdir/tests/golden
[ -x "$weir" ] || skip_all "weir is not built"
unset NO_COLOR COLORTERM
TERM=xterm-256color LC_ALL=C.UTF-8 TZ=UTC
export TERM LC_ALL TZ
tmp=$(mktemp -d) || exit 1
trap 'rm -rf "$tmp"' EXIT
# Nobody's configuration may change a golden screen.
HOME=$tmp XDG_CONFIG_HOME=$tmp XDG_RUNTIME_DIR=$tmp
export HOME XDG_CONFIG_HOME XDG_RUNTIME_DIR

run() { # DIR ARGUMENTS
	(
		cd "$1" || exit 1
		shift
		eval "\"\$weir\" $*" </dev/null 2>&1
		status=$?
		[ $status = 0 ] || echo "[exit $status]"
	)
}

for commands in "$golden"/*/commands; do
	dir=${commands%/commands}
	case=${dir##*/}
	names=
	while read -r name arguments; do
		case $name in '' | '#'*) continue ;; esac
		names="$names $name.out"
		run "$dir" "$arguments" >"$tmp/out"
		if [ "${GENERATE:-0}" = 1 ]; then
			cmp -s "$tmp/out" "$dir/$name.out" || {
				cp "$tmp/out" "$dir/$name.out"
				echo "rewrote $case/$name.out"
			}
		fi
		if found=$(diff -u "$dir/$name.out" "$tmp/out" 2>&1); then
			ok "$case: $name"
		else
			not_ok "$case: $name (weir $arguments)" "$found"
		fi
	done <"$commands"
	for f in "$dir"/*.out; do
		[ -e "$f" ] || continue
		case "$names " in
		*" ${f##*/} "*) ;;
		*) not_ok "$case: ${f##*/} belongs to a command" "$f" ;;
		esac
	done
done
done_testing
