#include "config.h"

#include "weir/draw/theme.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "weir/base/text.h"
#include "weir/base/util.h"

#include "theme-impl.h"

#define SUFFIX ".theme"
#define READ_MAX (1 << 20)
#define NAMES_MAX 256 /* themes offered; more files than this are not looked at */

/*
 * Without colours a role is told by its attributes. These go for every theme that
 * does not say otherwise: which hue a theme chose cannot matter any more.
 */
static const unsigned mono_attr[ROLE_COUNT] = {
	[ROLE_DIM] = STYLE_DIM,
	[ROLE_TITLE] = STYLE_BOLD,
	[ROLE_BAR] = STYLE_REVERSE,
	[ROLE_BAR_TITLE] = STYLE_REVERSE | STYLE_BOLD,
	[ROLE_KEY] = STYLE_BOLD,
	[ROLE_PROMPT] = STYLE_BOLD,
	[ROLE_SELECT] = STYLE_REVERSE,
	[ROLE_MATCH] = STYLE_UNDERLINE | STYLE_BOLD,
	[ROLE_IDLE] = STYLE_DIM,
	[ROLE_WARN] = STYLE_BOLD,
	[ROLE_CRIT] = STYLE_BOLD | STYLE_UNDERLINE,
	[ROLE_CRIT_TITLE] = STYLE_BOLD | STYLE_REVERSE,
	[ROLE_EDGE_IDLE] = STYLE_DIM,
	[ROLE_EDGE_WARN] = STYLE_BOLD,
	[ROLE_EDGE_CRIT] = STYLE_BOLD,
	[ROLE_ALERT] = STYLE_BOLD | STYLE_REVERSE,
};

static struct style
style_at_mono(const struct theme *t, int role)
{
	const struct theme_spec *written = &t->spec[role][SPEC_DEPTH + DEPTH_MONO];

	return (struct style){ COLOR_DEFAULT, COLOR_DEFAULT,
		written->set ? written->attr : mono_attr[role] };
}

/* Eight colours have no bright half: a bright one is the plain one in bold. */
static struct style
style_at_8(struct style s16)
{
	if (s16.fg >= 8) {
		s16.fg -= 8;
		s16.attr |= STYLE_BOLD;
	}
	if (s16.bg >= 8)
		s16.bg -= 8;
	/* Dark grey on an eight-colour screen is black on black. */
	if (s16.fg == 0 && s16.bg == COLOR_DEFAULT) {
		s16.fg = COLOR_DEFAULT;
		s16.attr = (s16.attr & ~(unsigned)STYLE_BOLD) | STYLE_DIM;
	}
	return s16;
}

static struct style
style_at(const struct theme *t, int role, enum depth depth)
{
	static const unsigned palette[DEPTH_COUNT] = {
		[DEPTH_8] = 8, [DEPTH_16] = 16, [DEPTH_256] = 256
	};
	const struct theme_spec *spec = &t->spec[role][SPEC_DEPTH + depth];

	if (depth == DEPTH_MONO)
		return style_at_mono(t, role);
	if (depth == DEPTH_8 && !spec->set)
		return style_at_8(style_at(t, role, DEPTH_16));
	if (!spec->set)
		spec = &t->spec[role][SPEC_ANY];
	if (depth == DEPTH_TRUE)
		return (struct style){ spec->fg, spec->bg, spec->attr };
	return (struct style){ theme_nearest(spec->fg, palette[depth]),
		theme_nearest(spec->bg, palette[depth]), spec->attr };
}

struct theme *
theme_parse(struct str text, const char *file, struct diag *d)
{
	struct theme *t = xcalloc(1, sizeof(*t));

	if (theme_parse_into(t, text, file, d) != STATUS_OK) {
		free(t);
		return NULL;
	}
	for (int depth = 0; depth < DEPTH_COUNT; depth++)
		for (int role = 0; role < ROLE_COUNT; role++)
			t->style[depth][role] = style_at(t, role, depth);
	return t;
}

void
theme_free(struct theme *t)
{
	free(t);
}

const char *
theme_name(const struct theme *t)
{
	return t->name;
}

const char *
theme_description(const struct theme *t)
{
	return t->description;
}

int
theme_ground(const struct theme *t)
{
	return t->ground;
}

struct style
theme_style(const struct theme *t, enum depth depth, enum role role, unsigned attr)
{
	struct style s = t->style[depth][role];
	const struct style *ground = attr & ATTR_ON_SELECT ? &t->style[depth][ROLE_SELECT]
				     : attr & ATTR_ON_BAR  ? &t->style[depth][ROLE_BAR]
							   : NULL;

	if (ground) {
		s.bg = ground->bg;
		s.attr &= ~(unsigned)STYLE_REVERSE;
		s.attr |= ground->attr & STYLE_REVERSE;
	}
	if (attr & ATTR_BOLD)
		s.attr = (s.attr & ~(unsigned)STYLE_DIM) | STYLE_BOLD;
	if (attr & ATTR_DIM)
		s.attr = (s.attr & ~(unsigned)STYLE_BOLD) | STYLE_DIM;
	if (attr & ATTR_BLINK)
		s.attr |= STYLE_BLINK;
	/* What is reversed already stands out by not being so. */
	if (attr & ATTR_REVERSE)
		s.attr ^= STYLE_REVERSE;
	return s;
}

/* ------------------------------------------------------------- finding files */

/* The directory @i of those searched, "" when there is none; false behind the last. */
static bool
theme_dir(int i, char *dir, size_t size)
{
	const char *xdg = getenv("XDG_CONFIG_HOME"), *home = getenv("HOME");

	dir[0] = '\0';
	switch (i) {
	case 0:
		if (xdg && xdg[0] == '/')
			snprintf(dir, size, "%s/weir/themes", xdg);
		else if (home && home[0] == '/')
			snprintf(dir, size, "%s/.config/weir/themes", home);
		return true;
	case 1:
		snprintf(dir, size, "%s", WEIR_THEMEDIR);
		return true;
	default:
		return false;
	}
}

/* False when there is no such file; other trouble is told by the parser's diag. */
static bool
read_file(const char *path, struct buf *out)
{
	FILE *f = fopen(path, "re");
	size_t n;

	if (!f)
		return false;
	do {
		n = fread(buf_reserve(out, 4096), 1, 4096, f);
		out->n += n;
	} while (n > 0 && out->n < READ_MAX);
	fclose(f);
	return true;
}

static struct theme *
parse_named(struct str text, const char *file, const char *name, struct diag *d)
{
	struct theme *t = theme_parse(text, file, d);

	if (t && !t->name[0])
		snprintf(t->name, sizeof(t->name), "%s", name);
	return t;
}

static struct theme *
open_path(const char *path, const char *name, struct diag *d, bool *ret_found)
{
	struct buf text = BUF_INIT;
	struct theme *t = NULL;

	*ret_found = read_file(path, &text);
	if (*ret_found)
		t = parse_named(buf_str(&text), path, name, d);
	buf_done(&text);
	return t;
}

static struct theme *
unknown_theme(const char *name, struct diag *d)
{
	char **names = theme_names();
	const char *near = nearest_name(name, (const char *const *)names);

	if (near)
		diag_set(d, STATUS_ERR_UNKNOWN, "no theme '%s' (%s?)", name, near);
	else
		diag_set(d, STATUS_ERR_UNKNOWN, "no theme '%s', there is '%s' for one",
			name, names[0]);
	theme_names_free(names);
	return NULL;
}

struct theme *
theme_open(const char *name, struct diag *d)
{
	char dir[3072], path[4096];
	struct theme *t;
	bool found;

	if (strchr(name, '/')) {
		t = open_path(name, name, d, &found);
		if (!found)
			diag_set(d, STATUS_ERR_SYSTEM, "cannot read theme '%s': %s", name,
				strerror(errno));
		return t;
	}
	for (int i = 0; theme_dir(i, dir, sizeof(dir)); i++) {
		if (!dir[0])
			continue;
		snprintf(path, sizeof(path), "%s/%s" SUFFIX, dir, name);
		t = open_path(path, name, d, &found);
		if (found)
			return t;
	}
	for (const struct theme_builtin *b = theme_builtins; b->name; b++)
		if (strcmp(b->name, name) == 0)
			return parse_named(str_of(b->text), b->name, b->name, d);
	return unknown_theme(name, d);
}

static int
by_name(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

static void
add_name(char **names, size_t *n, const char *name, size_t len)
{
	if (*n >= NAMES_MAX || !text_is_clean((struct str){ name, len }))
		return;
	for (size_t i = 0; i < *n; i++)
		if (strncmp(names[i], name, len) == 0 && !names[i][len])
			return;
	names[(*n)++] = xstrndup(name, len);
}

char **
theme_names(void)
{
	char **names = xcalloc(NAMES_MAX + 1, sizeof(*names));
	char dir[3072];
	size_t n = 0;

	for (const struct theme_builtin *b = theme_builtins; b->name; b++)
		add_name(names, &n, b->name, strlen(b->name));
	for (int i = 0; theme_dir(i, dir, sizeof(dir)); i++) {
		DIR *d = dir[0] ? opendir(dir) : NULL;
		struct dirent *e;

		while (d && (e = readdir(d))) {
			size_t len = strlen(e->d_name), cut = strlen(SUFFIX);

			if (len > cut && strcmp(e->d_name + len - cut, SUFFIX) == 0)
				add_name(names, &n, e->d_name, len - cut);
		}
		if (d)
			closedir(d);
	}
	qsort(names, n, sizeof(*names), by_name);
	return names;
}

void
theme_names_free(char **names)
{
	if (!names)
		return;
	for (char **n = names; *n; n++)
		free(*n);
	free(names);
}
