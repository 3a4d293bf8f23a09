#!/bin/sh
# What the sources must not contain.
. "${top_srcdir:=.}/tests/tap.sh"
cd "$top_srcdir" || exit 1

sources=$(find src include tests tools examples -name '*.[ch]' | sort)
below_cmd=$(find src -name '*.c' | grep -v '^src/cmd/' | sort)

# Sources without comments and string literals, so that prose may name a function.
code() { # PATTERN FILE...
	pattern=$1
	shift
	awk -v pattern="$pattern" '
		FNR == 1 { comment = 0 }
		{
			line = $0
			gsub(/"([^"\\]|\\.)*"/, "\"\"", line)
			gsub(/\/\*([^*]|\*[^\/])*\*\//, "", line)
			if (comment && sub(/^.*\*\//, "", line))
				comment = 0
			if (!comment && line ~ /\/\*/) {
				sub(/\/\*.*/, "", line)
				comment = 1
			} else if (comment)
				next
			if (line ~ pattern)
				print FILENAME ":" FNR ": " $0
		}' "$@" </dev/null
}
fn() { # NAME...: a pattern for calls of them
	printf '(^|[^A-Za-z0-9_])(%s)[ \t]*\\(' "$(echo "$*" | tr ' ' '|')"
}

empty "no unbounded or static-buffer functions" "$(code "$(fn strcpy strcat stpcpy strncpy strncat \
	sprintf vsprintf gets strtok localtime gmtime ctime asctime atoi atol atof \
	alloca system popen tmpnam mktemp signal)" $sources)"
empty "memory comes from base/util.h" "$(code "$(fn malloc calloc realloc strdup strndup asprintf)" \
	$(find src -name '*.c' | grep -v '^src/base/util.c$'))"
empty "only cmd and bus read a clock" "$(code "$(fn time gettimeofday clock_gettime clock times)" \
	$(printf '%s\n' $below_cmd | grep -v '^src/bus/'))"
empty "only cmd prints or exits" "$(code "$(fn printf puts putchar perror exit _exit err errx warn warnx)" \
	$(printf '%s\n' $below_cmd | grep -vE '^src/(base/util|term/.*)\.c$'))"
empty "comments are /* */" "$(code '//' $sources)"
empty "no TODO, FIXME or XXX" "$(grep -nE '\<(TODO|FIXME|XXX)\>' $sources)"
done_testing
