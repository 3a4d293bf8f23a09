# tap.sh - the test results of shell tests, in TAP. Source it, state results, end with
# `done_testing`. A test that cannot run here says `skip_all WHY` first.

tap_n=0 tap_failed=0

ok() { # NAME
	tap_n=$((tap_n + 1))
	echo "ok $tap_n - $*"
}

not_ok() { # NAME DETAIL
	tap_n=$((tap_n + 1)) tap_failed=$((tap_failed + 1))
	echo "not ok $tap_n - $1"
	printf '%s\n' "$2" | sed 's/^/#   /'
}

skip() { # NAME WHY
	tap_n=$((tap_n + 1))
	echo "ok $tap_n - $1 # SKIP $2"
}

# For lints: nothing found is good.
empty() { # NAME FOUND
	if [ -z "$2" ]; then
		ok "$1"
	else
		not_ok "$1" "$2"
	fi
}

same() { # NAME EXPECTED ACTUAL
	if [ "$2" = "$3" ]; then
		ok "$1"
	else
		not_ok "$1" "expected: $2
     got: $3"
	fi
}

skip_all() { # WHY
	echo "1..0 # SKIP $*"
	exit 77
}

done_testing() {
	echo "1..$tap_n"
	[ "$tap_n" != 0 ] && [ "$tap_failed" = 0 ]
	exit $?
}
