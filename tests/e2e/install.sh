#!/bin/bash
# `make install` somewhere, and programs of others built against what is there.
. "${top_srcdir:=.}/tests/e2e/lib.sh"
src=$(cd "$top_srcdir" && pwd)
command -v pkg-config >/dev/null || skip_all "pkg-config is missing"

dest=$tmp/dest
make -s -C "$top_builddir" install DESTDIR="$dest" >"$tmp/log" 2>&1
same "make install" 0 $? || cat "$tmp/log"
pc=$(find "$dest" -name libweir.pc)
libdir=$(dirname "$(dirname "$pc")")
export PKG_CONFIG_PATH=${pc%/*} PKG_CONFIG_SYSROOT_DIR=$dest LD_LIBRARY_PATH=$libdir
same "libweir.pc has weir's version" "$(weir --version | sed 's/.* //')" "$(pkg-config --modversion libweir)"

# What was built with sanitizers has to be linked with them.
sanitize=
! nm "$libdir/libweir.a" | grep -q __asan_init || sanitize=-fsanitize=address,undefined
build() { # NAME OUTPUT COMPILER...
	if "${@:3}" $sanitize -Wall -Wextra -pedantic -Werror -o "$tmp/$2" >"$tmp/log" 2>&1; then
		ok "$1"
	else
		not_ok "$1" "$(cat "$tmp/log")"
	fi
}
flags() { pkg-config "$@" libweir; }
if [ -e "$libdir/libweir.so" ]; then
	# shellcheck disable=SC2046 # lists of words
	build "a program of C99 is built and linked" shared ${CC:-cc} -std=c99 \
		"$src/examples/publish.c" $(flags --cflags --libs)
	empty "the library exports weir_* and nothing else" "$(nm -D --defined-only "$libdir/libweir.so" |
		awk '{ print $NF }' | grep -v '^weir_')"
else
	skip "a program of C99 is built and linked" "no shared library on this system"
	skip "the library exports weir_* and nothing else" "no shared library on this system"
fi
mkdir "$tmp/archive"
cp "$libdir/libweir.a" "$tmp/archive/"
# shellcheck disable=SC2046
build "a program is linked with the archive" static ${CC:-cc} -std=c99 "$src/examples/publish.c" \
	$(flags --cflags) -L"$tmp/archive" $(flags --static --libs)
if command -v objcopy >/dev/null; then
	empty "the archive's names are weir_* and nothing else" "$(nm -g --defined-only "$libdir/libweir.a" |
		awk 'NF == 3 { print $3 }' | grep -vE '^weir_|^\.|asan|ubsan|odr')"
else
	skip "the archive's names are weir_* and nothing else" "no objcopy here"
fi
if command -v c++ >/dev/null; then
	sed 's/.*/&/' "$src/examples/publish.c" >"$tmp/publish.cc"
	# shellcheck disable=SC2046
	build "C++ takes the header" cxx c++ -std=c++11 "$tmp/publish.cc" $(flags --cflags) \
		-L"$tmp/archive" $(flags --static --libs)
else
	skip "C++ takes the header" "no C++ compiler here"
fi

background weir record "$tmp/recording" --listen "$bus"
recorder=$!
until_true test -S "$tmp/bus"
for program in shared static; do
	[ -x "$tmp/$program" ] || { skip "$program: it publishes" "not built"; continue; }
	"$tmp/$program" "$bus" >"$tmp/log" 2>&1
	same "$program: it publishes" "0 " "$? $(cat "$tmp/log")"
done
expected=$(($(find "$tmp" -maxdepth 1 -name shared -o -maxdepth 1 -name static | wc -l) * 10))
arrived() {
	weir snapshot --replay "$tmp/recording" --speed max --format json 2>/dev/null |
		sed -nE 's/^\t\t\t"calls":\t([0-9]+),/\1/p'
}
all_arrived() { [ "$(arrived)" = "$expected" ]; }
until_true all_arrived # a program may end before the recorder has written
kill "$recorder"
wait "$recorder"
same "each flow arrives" "$expected" "$(arrived)"
make -s -C "$top_builddir" uninstall DESTDIR="$dest" >"$tmp/log" 2>&1
empty "make uninstall leaves nothing" "$(find "$dest" ! -type d)"
done_testing
