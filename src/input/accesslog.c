#include "config.h"

#include "weir/input/accesslog.h"

#include <stdio.h>
#include <stdlib.h>

#include "accesslog-priv.h"
#include "weir/base/text.h"
#include "weir/base/util.h"
#include "weir/core/span.h"

#define MAX_ATTEMPTS 16

/* ------------------------------------------------------------ set-up */

static void
set_place(struct log_place *place, const char *path, size_t n, double unit_us)
{
	free((char *)place->path);
	*place = (struct log_place){ xstrndup(path, n), unit_us };
}

static bool
unit_from(const char *word, double *ret_us)
{
	static const struct {
		const char *word;
		double us;
	} units[] = { { "s", 1e6 }, { "ms", 1e3 }, { "us", 1 }, { "ns", 1e-3 } };

	for (unsigned i = 0; i < ARRAY_LEN(units); i++) {
		if (strcmp(units[i].word, word) == 0) {
			*ret_us = units[i].us;
			return true;
		}
	}
	return false;
}

/* "key=path[:unit]" */
static enum status
override(struct accesslog *a, const char *text, struct diag *d)
{
	const char *eq = strchr(text, '='), *colon = strrchr(text, ':');
	char key[32];
	double unit;
	unsigned i = 0;

	if (!eq || eq[1] == '\0' || (size_t)(eq - text) >= sizeof(key))
		return diag_set(d, STATUS_ERR_USAGE, "'%s' is not KEY=PATH[:UNIT]", text);
	snprintf(key, sizeof(key), "%.*s", (int)(eq - text), text);
	while (i < LOG_FIELDS && strcmp(log_field_keys[i], key) != 0)
		i++;
	if (i == LOG_FIELDS) {
		const char *near = nearest_name(key, log_field_keys);

		return diag_set(d, STATUS_ERR_UNKNOWN, "no log field '%s'%s%s%s", key,
			near ? " (" : "", near ? near : "", near ? "?)" : "");
	}
	unit = a->place[i].unit_us ? a->place[i].unit_us : 1e6;
	if (!colon || colon < eq)
		colon = text + strlen(text);
	else if (!unit_from(colon + 1, &unit))
		return diag_set(d, STATUS_ERR_USAGE,
			"'%s': unit '%s' is none of s ms us ns", text, colon + 1);
	set_place(&a->place[i], eq + 1, (size_t)(colon - eq - 1), unit);
	return STATUS_OK;
}

static const struct log_format *
find_format(const char *id, struct diag *d)
{
	const char *near;

	for (unsigned i = 0; i < log_format_count; i++)
		if (strcmp(log_formats[i].id, id) == 0)
			return &log_formats[i];
	near = nearest_name(id, accesslog_format_names);
	diag_set(d, STATUS_ERR_UNKNOWN, "no log format '%s'%s%s%s", id, near ? " (" : "",
		near ? near : "", near ? "?)" : "");
	return NULL;
}

struct accesslog *
accesslog_new(const struct accesslog_options *o, struct diag *d)
{
	const struct log_format *format = find_format(o->format ? o->format : "nginx", d);
	struct accesslog *a;
	enum status s = STATUS_OK;

	if (!format)
		return NULL;
	a = xcalloc(1, sizeof(*a));
	a->format = format;
	a->service = xstrdup(o->service ? o->service : format->id);
	for (unsigned i = 0; i < LOG_FIELDS; i++)
		if (format->place[i].path)
			set_place(&a->place[i], format->place[i].path,
				strlen(format->place[i].path), format->place[i].unit_us);
	for (const char *const *f = o->fields; f && *f && s == STATUS_OK; f++)
		s = override(a, *f, d);
	for (const char *const *f = o->aliases; f && *f && s == STATUS_OK; f++)
		s = rename_add(&a->alias, *f, d);
	if (s == STATUS_OK && !a->place[LOG_LATENCY].path && !a->place[LOG_STATUS].path)
		s = diag_set(d, STATUS_ERR_USAGE,
			"format 'custom' needs --field latency=PATH or --field "
			"status=PATH at least");
	if (s != STATUS_OK) {
		accesslog_free(a);
		return NULL;
	}
	return a;
}

void
accesslog_free(struct accesslog *a)
{
	if (!a)
		return;
	for (unsigned i = 0; i < LOG_FIELDS; i++)
		free((char *)a->place[i].path);
	rename_done(&a->alias);
	free(a->service);
	buf_done(&a->op);
	free(a);
}

/* ------------------------------------------------------------ names */

/* The address in `http://10.0.0.5:80`. */
static struct str
without_scheme(struct str url)
{
	const char *at = url.n ? strstr(url.p, "://") : NULL;

	return at ? str_of(at + 3) : url;
}

/*
 * The upstream of an Envoy cluster: `outbound|9080|v1|HOST` is HOST; the catch-all
 * clusters and lines of words have none, there the authority or the address says who.
 */
static struct str
envoy_upstream(const struct log_line *l, struct str cluster)
{
	const char *bar = cluster.n ? strrchr(cluster.p, '|') : NULL;
	struct str other = log_text(l, LOG_HOST);

	if (bar)
		return rename_kube(str_of(bar + 1));
	if (cluster.n > 0 && !str_eq(cluster, STR("PassthroughCluster")) &&
		!str_eq(cluster, STR("BlackHoleCluster")))
		return rename_kube(cluster);
	/* At an edge the authority is our own; no address: nobody was asked. */
	if (l->a->format->no_front && other.n > 0)
		return rename_kube(other);
	return without_scheme(log_text(l, LOG_UPSTREAM_ADDRESS));
}

/* HAProxy's first flag: who ended the session. */
static bool
has_flag(const struct log_line *l, char flag)
{
	struct str flags = log_text(l, LOG_FLAGS);

	return flags.n > 0 && flags.p[0] == flag;
}

static struct str
upstream_of(const struct log_line *l)
{
	struct str name = log_text(l, LOG_UPSTREAM);
	const char *at;

	if (l->a->format->dialect == DIALECT_ENVOY)
		return envoy_upstream(l, name);
	if (l->a->format->dialect == DIALECT_HAPROXY &&
		log_duration(l, LOG_CONNECT) < 0 && !has_flag(l, 'S'))
		return STR(""); /* no server was asked: refused, or the client left */
	if (name.n == 0)
		return without_scheme(log_text(l, LOG_UPSTREAM_ADDRESS));
	at = memchr(name.p, '@', name.n); /* Traefik: service@provider */
	if (at && at > name.p && !memchr(name.p, ':', name.n))
		name.n = (size_t)(at - name.p);
	return name;
}

/* ------------------------------------------------------------ outcomes */

static bool
grpc_failed(const struct log_line *l)
{
	double x;

	return log_number(l, LOG_GRPC_STATUS, &x) && x > 0;
}

/* Did the request fail? @code is its status in digits, "" when it never got one. */
static bool
failed(const struct log_line *l, struct str code)
{
	struct str flags = log_text(l, LOG_FLAGS);
	long status = code.n ? strtol(code.p, NULL, 10) : 0;

	if (grpc_failed(l) || status >= 500)
		return true;
	if (status > 0)
		return false;
	switch (l->a->format->dialect) {
	case DIALECT_ENVOY: /* 0 with DC: the client went away */
		return flags.n > 0 && !str_eq(flags, STR("DC"));
	case DIALECT_HAPROXY: /* C…: the client aborted */
		return flags.n > 0 && flags.p[0] != 'C' && flags.p[0] != '-';
	default:
		return false;
	}
}

/* The status as text; numbers are printed into @buf. */
static struct str
code_of(const struct log_line *l, enum log_field f, char *buf, size_t size)
{
	double x;

	if (!log_number(l, f, &x) || x <= 0 || x > 999)
		return STR("");
	snprintf(buf, size, "%d", (int)x);
	return str_of(buf);
}

/* Lines that are whole and yet no request. */
static bool
is_other(const struct log_line *l)
{
	if (!l->value[LOG_STATUS] && !l->value[LOG_LATENCY])
		return true;
	switch (l->a->format->dialect) {
	case DIALECT_CADDY:
		return strncmp(log_text(l, LOG_LOGGER).n ? log_text(l, LOG_LOGGER).p : "",
			       "http.log.access", 15) != 0;
	case DIALECT_HAPROXY: /* port probes and what was no HTTP */
		return str_eq(log_text(l, LOG_METHOD), STR("<BADREQ>"));
	case DIALECT_ENVOY: /* the other sidecar tells of it */
		return strncmp(log_text(l, LOG_UPSTREAM).n ? log_text(l, LOG_UPSTREAM).p
							   : "",
			       "inbound|", 8) == 0;
	default:
		return false;
	}
}

/* ------------------------------------------------------------ flows */

/* The next piece of nginx's "a, b : c"; "" and false at the end. */
static bool
next_attempt(struct str *rest, struct str *ret_piece)
{
	size_t n = 0;

	while (rest->n > 0 && (rest->p[0] == ' ' || rest->p[0] == ',')) {
		rest->p++;
		rest->n--;
	}
	if (rest->n >= 2 && rest->p[0] == ':' && rest->p[1] == ' ') {
		rest->p += 2;
		rest->n -= 2;
	}
	while (n < rest->n && rest->p[n] != ',' && rest->p[n] != ' ')
		n++;
	*ret_piece = (struct str){ rest->p, n };
	rest->p += n;
	rest->n -= n;
	return n > 0;
}

/* nginx lists every server it tried; each try is a flow, the last one ends last. */
static unsigned
emit_attempts(struct log_line *l, struct str name,
	void (*emit)(void *, const struct event *), void *ctx)
{
	struct str addresses = log_text(l, LOG_UPSTREAM_ADDRESS), piece;
	struct str times = log_text(l, LOG_UPSTREAM_LATENCY);
	struct str codes = log_text(l, LOG_UPSTREAM_STATUS);
	struct event e[MAX_ATTEMPTS];
	int64_t end_us = l->flow.end_us;
	unsigned n = 0;

	while (n < MAX_ATTEMPTS && next_attempt(&addresses, &piece)) {
		struct flow *f = &e[n].u.flow;
		struct str value;

		e[n++].type = EVENT_FLOW;
		*f = l->flow;
		f->dst = rename_apply(&l->a->alias, name.n > 0 ? name : piece);
		next_attempt(&times, &value);
		f->client_us = log_seconds(value);
		next_attempt(&codes, &value);
		f->code = value.n == 3 ? value : STR("");
		f->failed = value.n == 3 ? value.p[0] == '5' : l->flow.failed;
	}
	for (unsigned i = n; i-- > 0;) {
		e[i].u.flow.end_us = end_us;
		if (i + 1 < n) { /* given up for the next one */
			e[i].u.flow.failed |= e[i].u.flow.code.n == 0;
			e[i].u.flow.bytes_out = FLOW_UNKNOWN;
		}
		end_us -= MAX(e[i].u.flow.client_us, 0);
	}
	for (unsigned i = 0; i < n; i++)
		emit(ctx, &e[i]);
	return n;
}

/* Attempts of which the proxy tells no more than how many there were. */
static unsigned
emit_retries(struct log_line *l, const struct event *last,
	void (*emit)(void *, const struct event *), void *ctx)
{
	struct event e = *last;
	unsigned n = 0;
	double x;

	if (!log_number(l, LOG_RETRIES, &x) || x < 1)
		return 0;
	e.u.flow.failed = true;
	e.u.flow.code = STR("");
	e.u.flow.client_us = e.u.flow.queue_us = FLOW_UNKNOWN;
	e.u.flow.bytes_in = e.u.flow.bytes_out = FLOW_UNKNOWN;
	while (n < MAX_ATTEMPTS && n < (unsigned)MIN(x, MAX_ATTEMPTS)) {
		emit(ctx, &e);
		n++;
	}
	return n;
}

static unsigned
emit_upstream(struct log_line *l, void (*emit)(void *, const struct event *), void *ctx)
{
	struct event e = { .type = EVENT_FLOW };
	struct flow *f = &e.u.flow;
	struct str name = upstream_of(l);
	int64_t connect_us = log_duration(l, LOG_CONNECT);
	char code[16];

	if (l->a->format->dialect == DIALECT_NGINX)
		return emit_attempts(l, log_text(l, LOG_UPSTREAM), emit, ctx);
	if (name.n == 0)
		return 0;
	*f = l->flow;
	f->dst = rename_apply(&l->a->alias, name);
	f->client_us = log_duration(l, LOG_UPSTREAM_LATENCY);
	if (f->client_us >= 0 && connect_us > 0)
		f->client_us += connect_us;
	f->queue_us = log_duration(l, LOG_QUEUE);
	if (l->value[LOG_UPSTREAM_STATUS]) {
		f->code = code_of(l, LOG_UPSTREAM_STATUS, code, sizeof(code));
		f->failed = failed(l, f->code);
	}
	emit(ctx, &e);
	return 1 + emit_retries(l, &e, emit, ctx);
}

static unsigned
emit_front(struct log_line *l, void (*emit)(void *, const struct event *), void *ctx)
{
	struct event e = { .type = EVENT_FLOW, .u.flow = l->flow };

	if (l->a->format->no_front)
		return 0;
	e.u.flow.src = STR("user");
	e.u.flow.src_kind = NODE_EXTERNAL;
	e.u.flow.dst = l->flow.src;
	e.u.flow.server_us = l->latency_us;
	emit(ctx, &e);
	return 1;
}

static enum flow_kind
kind_of(const struct log_line *l)
{
	double x;

	if (log_number(l, LOG_GRPC_STATUS, &x))
		return KIND_GRPC;
	if (l->a->format->dialect == DIALECT_ENVOY && log_text(l, LOG_METHOD).n == 0)
		return KIND_TCP;
	return KIND_HTTP;
}

static void
read_op(struct accesslog *a, const struct log_line *l)
{
	struct str method = log_text(l, LOG_METHOD), path = log_text(l, LOG_PATH);

	buf_clear(&a->op);
	if (method.n > 0 && method.n <= 16 && method.p[0] != '<') {
		buf_add_str(&a->op, method);
		if (path.n > 0)
			buf_addc(&a->op, ' ');
	}
	op_template(path, &a->op);
}

enum accesslog_result
accesslog_line(struct accesslog *a, struct str line, int64_t now_us,
	void (*emit)(void *ctx, const struct event *e), void *ctx)
{
	struct log_line l = { .a = a };
	struct str service;
	unsigned flows;
	char code[16];
	cJSON *root = log_parse(a->format, line);

	if (!root)
		return ACCESSLOG_BAD;
	for (unsigned i = 0; i < LOG_FIELDS; i++)
		l.value[i] = a->place[i].path ? log_walk(root, a->place[i].path) : NULL;
	if (is_other(&l)) {
		cJSON_Delete(root);
		return ACCESSLOG_OTHER;
	}
	l.latency_us = log_duration(&l, LOG_LATENCY);
	flow_init(&l.flow);
	service = log_text(&l, LOG_SERVICE);
	l.flow.src = service.n > 0 ? service : str_of(a->service);
	l.flow.kind = kind_of(&l);
	l.flow.origin = ORIGIN_ACCESSLOG;
	l.flow.end_us = log_end(&l, now_us);
	l.flow.bytes_in = log_size(&l, LOG_BYTES_IN);
	l.flow.bytes_out = log_size(&l, LOG_BYTES_OUT);
	l.flow.code = code_of(&l, LOG_STATUS, code, sizeof(code));
	l.flow.failed = failed(&l, l.flow.code);
	log_trace(&l, &l.flow.ids);
	read_op(a, &l);
	l.flow.op = buf_str(&a->op);
	flows = emit_upstream(&l, emit, ctx);
	flows += emit_front(&l, emit, ctx);
	cJSON_Delete(root);
	return flows > 0 ? ACCESSLOG_FLOWS : ACCESSLOG_OTHER;
}
