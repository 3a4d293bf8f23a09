#include "config.h"

#include "weir/input/rename.h"

#include <stdlib.h>

#include "weir/base/util.h"

enum status
rename_add(struct rename *r, const char *text, struct diag *d)
{
	const char *eq = strchr(text, '=');

	if (!eq || eq == text || eq[1] == '\0')
		return diag_set(d, STATUS_ERR_USAGE, "'%s' is not FROM=TO", text);
	r->row = xreallocarray(r->row, r->rows + 1, sizeof(*r->row));
	r->row[r->rows++] = (struct rename_row){ xstrndup(text, (size_t)(eq - text)),
		xstrdup(eq + 1) };
	return STATUS_OK;
}

void
rename_done(struct rename *r)
{
	for (unsigned i = 0; i < r->rows; i++) {
		free(r->row[i].from);
		free(r->row[i].to);
	}
	free(r->row);
	*r = (struct rename){ NULL, 0 };
}

static const char *
find(const struct rename *r, struct str name)
{
	for (unsigned i = 0; i < r->rows; i++)
		if (str_eq(str_of(r->row[i].from), name))
			return r->row[i].to;
	return NULL;
}

struct str
rename_host(struct str host)
{
	const char *colon = host.n ? memrchr(host.p, ':', host.n) : NULL;
	size_t digits = colon ? host.n - (size_t)(colon - host.p) - 1 : 0;

	if (!colon || digits == 0 || digits > 5)
		return host;
	for (size_t i = 1; i <= digits; i++)
		if (colon[i] < '0' || colon[i] > '9')
			return host;
	if (memchr(host.p, ':', (size_t)(colon - host.p)) && colon[-1] != ']')
		return host; /* an IPv6 address without brackets has no port */
	return (struct str){ host.p, (size_t)(colon - host.p) };
}

struct str
rename_apply(const struct rename *r, struct str name)
{
	const char *to = find(r, name);

	if (!to && r->rows > 0)
		to = find(r, rename_host(name));
	return to ? str_of(to) : name;
}

struct str
rename_kube(struct str host)
{
	const char *svc = host.n ? memmem(host.p, host.n, ".svc", 4) : NULL;
	const char *dot = svc ? memchr(host.p, '.', host.n) : NULL;
	char behind = svc && svc + 4 < host.p + host.n ? svc[4] : '.';

	if (dot && dot > host.p && (behind == '.' || behind == ':'))
		host.n = (size_t)(dot - host.p);
	return host;
}
