#include "config.h"

#include "agent-config.h"

#include <stdlib.h>
#include <string.h>

#include "ini-file.h"
#include "weir/base/buf.h"
#include "weir/base/util.h"

#define MAX_SETTINGS 1000

struct reading {
	struct agent_config *c;
	const char *path;
	struct diag *d;
};

static void
wrong(void *ctx, int line, const char *what)
{
	struct reading *r = ctx;

	if (r->d->status == STATUS_OK)
		diag_at(r->d, STATUS_ERR_SYNTAX, r->path, line, "%s", what);
}

/* As it would stand on the command line. */
static char *
word_of(const char *name, const char *value)
{
	struct buf word = BUF_INIT;
	char *copy;

	if (strcmp(name, "file") == 0)
		buf_adds(&word, value);
	else
		buf_addf(&word, "--%s=%s", name, value);
	copy = xstrdup(buf_cstr(&word));
	buf_done(&word);
	return copy;
}

static void
setting(void *ctx, const char *section, const char *name, const char *value, int line)
{
	struct reading *r = ctx;
	struct agent_config *c = r->c;

	if (c->n == MAX_SETTINGS) {
		wrong(ctx, line, "too many settings");
		return;
	}
	c->v = xreallocarray(c->v, c->n + 1, sizeof(c->v[0]));
	c->v[c->n++] = (struct agent_setting){
		.section = xstrdup(section),
		.name = xstrdup(name),
		.value = xstrdup(value),
		.word = word_of(name, value),
		.file = xstrdup(r->path),
		.line = line,
	};
}

static enum status
read_file(struct agent_config *c, const char *path, bool required, struct diag *d)
{
	struct diag own = { 0 };
	struct reading r = { .c = c, .path = path, .d = &own };
	struct ini_reader to = { .setting = setting, .wrong = wrong, .ctx = &r };
	enum status s = ini_file_read(path, &to, &own);

	if (s == STATUS_ERR_SYSTEM && !required)
		return STATUS_OK; /* there is none */
	if (own.status != STATUS_OK)
		*d = own;
	return own.status;
}

enum status
agent_config_load(struct agent_config *c, const char *path, struct diag *d)
{
	const char *base = getenv("XDG_CONFIG_HOME"), *home = getenv("HOME");
	struct buf own = BUF_INIT;
	enum status s;

	*c = (struct agent_config){ 0 };
	if (path)
		return read_file(c, path, true, d);
	s = read_file(c, "/etc/weir/agent.conf", false, d);
	/* The specification says that relative paths are to be ignored. */
	if (base && base[0] == '/')
		buf_addf(&own, "%s/weir/agent.conf", base);
	else if (home && home[0] == '/')
		buf_addf(&own, "%s/.config/weir/agent.conf", home);
	if (s == STATUS_OK && own.n)
		s = read_file(c, buf_cstr(&own), false, d);
	buf_done(&own);
	return s;
}

void
agent_config_done(struct agent_config *c)
{
	for (unsigned i = 0; i < c->n; i++) {
		free(c->v[i].section);
		free(c->v[i].name);
		free(c->v[i].value);
		free(c->v[i].word);
		free(c->v[i].file);
	}
	free(c->v);
	*c = (struct agent_config){ 0 };
}
