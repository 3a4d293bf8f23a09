#include "config.h"

#include "ini-file.h"

#include <errno.h>
#include <ini.h>
#include <stdio.h>
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
	const struct ini_reader *to;
	FILE *file;
	int line;
	char section[512]; /* inih cuts long ones */
};

static void
complain(struct reading *r, const char *what)
{
	r->to->wrong(r->to->ctx, r->line, what);
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
	r->to->setting(r->to->ctx, r->section, name, value ? value : "", r->line);
	return 1;
}

enum status
ini_file_read(const char *path, const struct ini_reader *to, struct diag *d)
{
	struct reading r = { .to = to };
	struct stat st;

	r.file = fopen(path, "re");
	if (r.file == NULL)
		return diag_set(d, STATUS_ERR_SYSTEM, "cannot read '%s': %s", path,
			strerror(errno));
	if (fstat(fileno(r.file), &st) == 0 && S_ISDIR(st.st_mode)) {
		fclose(r.file);
		return diag_set(d, STATUS_ERR_USAGE, "'%s' is a directory", path);
	}
	ini_parse_stream(next_line, &r, handle, &r);
	fclose(r.file);
	return STATUS_OK;
}
