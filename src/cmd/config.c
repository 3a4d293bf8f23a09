#include "config.h"

#include "weir/cmd/config.h"

#include <errno.h>
#include <ini.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "weir/base/util.h"

/*
 * inih tells neither the line of a setting nor of any fault but the first, so the
 * lines are handed to it one by one and counted here: its handler is called before
 * it asks for the next one. What it would take for no setting is found before it
 * sees it. A line is handed on without its indentation, which inih would take for
 * the continuation of the value above.
 */
struct reading {
	struct options *o;
	enum layer layer;
	const char *path;
	FILE *file;
	int line;
	char section[512]; /* inih cuts long ones */
	struct mistakes *mistakes;
};

static void
complain(struct reading *r, const char *what)
{
	diag_at(mistakes_add(r->mistakes), STATUS_ERR_SYNTAX, r->path, r->line, "%s",
		what);
}

/* Cut the line in @text to what inih should see; "" when that is nothing. */
static char *
check_line(struct reading *r, char *text)
{
	char *end;

	if (r->line == 1 && strncmp(text, "\xef\xbb\xbf", 3) == 0)
		text += 3;
	text += strspn(text, " \t");
	text[strcspn(text, "\r\n")] = '\0';
	if (text[0] == '\0' || text[0] == '#' || text[0] == ';')
		return NULL;
	if (text[0] == '[') {
		end = strchr(text, ']');
		if (end) {
			snprintf(r->section, sizeof(r->section), "%.*s",
				(int)(end - text - 1), text + 1);
			return text;
		}
		complain(r, "this [ has no ]");
		return NULL;
	}
	if (strpbrk(text, "=:") && text[0] != '=' && text[0] != ':')
		return text;
	complain(r, "this is neither `key = value` nor [section]");
	return NULL;
}

/* An ini_reader: one line of at most @size - 1 bytes. */
static char *
next_line(char *out, int size, void *ctx)
{
	struct reading *r = ctx;
	char text[1024];
	size_t n;

	if (fgets(text, sizeof(text), r->file) == NULL)
		return NULL;
	r->line++;
	n = strlen(text);
	if (n > 0 && text[n - 1] != '\n' && !feof(r->file)) {
		int c;

		complain(r, "this line is too long");
		while ((c = getc(r->file)) != EOF && c != '\n')
			;
		text[0] = '\0';
	}
	char *rest = check_line(r, text);
	if (rest && strlen(rest) >= (size_t)size - 1) {
		complain(r, "this line is too long");
		rest = NULL;
	}
	snprintf(out, (size_t)size, "%s\n", rest ? rest : "");
	return out;
}

static int
handle(void *ctx, const char *section, const char *name, const char *value)
{
	struct reading *r = ctx;

	(void)section;
	options_setting(r->o, r->layer, r->section, name, value ? value : "", r->path,
		r->line, r->mistakes);
	return 1;
}

bool
config_read(struct options *o, const char *path, enum layer layer, bool required,
	struct mistakes *m)
{
	struct reading r = { .o = o, .layer = layer, .path = path, .mistakes = m };
	struct stat st;

	r.file = fopen(path, "re");
	if (r.file == NULL) {
		/* A home directory one may not look into is no reason not to start. */
		if (required)
			diag_set(mistakes_add(m), STATUS_ERR_SYSTEM,
				"cannot read '%s': %s", path, strerror(errno));
		return false;
	}
	if (fstat(fileno(r.file), &st) == 0 && S_ISDIR(st.st_mode)) {
		diag_set(mistakes_add(m), STATUS_ERR_USAGE, "'%s' is a directory", path);
		fclose(r.file);
		return false;
	}
	ini_parse_stream(next_line, &r, handle, &r);
	fclose(r.file);
	return true;
}

void
config_load(struct options *o, struct text_list *ret_files, struct mistakes *m)
{
	const char *base = getenv("XDG_CONFIG_HOME"), *home = getenv("HOME");
	struct buf path = BUF_INIT;

	if (o->config) {
		if (config_read(o, o->config, LAYER_USER, true, m))
			text_list_add(ret_files, o->config);
	} else {
		if (config_read(o, "/etc/weir/weir.conf", LAYER_SYSTEM, false, m))
			text_list_add(ret_files, "/etc/weir/weir.conf");
		/* The specification says that relative paths are to be ignored. */
		if (base && base[0] == '/')
			buf_addf(&path, "%s/weir/weir.conf", base);
		else if (home && home[0] == '/')
			buf_addf(&path, "%s/.config/weir/weir.conf", home);
		if (path.n && config_read(o, buf_cstr(&path), LAYER_USER, false, m))
			text_list_add(ret_files, buf_cstr(&path));
	}
	buf_done(&path);
	options_environment(o, m);
}
