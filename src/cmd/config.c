#include "config.h"

#include "weir/cmd/config.h"

#include <stdlib.h>

#include "weir/base/util.h"

#include "ini-file.h"

struct reading {
	struct options *o;
	enum layer layer;
	const char *path;
	struct mistakes *mistakes;
};

static void
wrong(void *ctx, int line, const char *what)
{
	struct reading *r = ctx;

	diag_at(mistakes_add(r->mistakes), STATUS_ERR_SYNTAX, r->path, line, "%s", what);
}

static void
setting(void *ctx, const char *section, const char *name, const char *value, int line)
{
	struct reading *r = ctx;

	options_setting(r->o, r->layer, section, name, value, r->path, line, r->mistakes);
}

bool
config_read(struct options *o, const char *path, enum layer layer, bool required,
	struct mistakes *m)
{
	struct reading r = { .o = o, .layer = layer, .path = path, .mistakes = m };
	struct ini_reader to = { .setting = setting, .wrong = wrong, .ctx = &r };
	struct diag d = { 0 };
	struct diag *kept;

	if (ini_file_read(path, &to, &d) == STATUS_OK)
		return true;
	/* A home directory one may not look into is no reason not to start. */
	if ((required || d.status != STATUS_ERR_SYSTEM) && (kept = mistakes_add(m)))
		*kept = d;
	return false;
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
