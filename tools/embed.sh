#!/bin/sh
# Write the theme files as C. Usage: embed.sh SRCDIR FILE.theme...
srcdir=$1
shift
cat <<'END'
/* Made by tools/embed.sh from the files in themes/. */
#include "config.h"

#include <stddef.h>

#include "theme-impl.h"

const struct theme_builtin theme_builtins[] = {
END
for file; do
	name=${file##*/}
	printf '\t{ "%s",\n' "${name%.theme}"
	sed 's/[\\"]/\\&/g; s/^/\t\t"/; s/$/\\n"/' "$srcdir/$file" || exit 1
	printf '\t},\n'
done
printf '\t{ NULL, NULL },\n};\n'
