/*
 * A line is parsed by cJSON, which is lax in just the ways that proxies need (`000`
 * for a status, `071` for milliseconds, both of nginx's and HAProxy's making); the
 * line's length bounds the tree. Fields are fetched as text or numbers wherever the
 * format's table says they stand.
 */
#include "config.h"

#include "weir/input/accesslog.h"

#include <cjson/cJSON.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "accesslog-formats.h"
#include "weir/base/buf.h"
#include "weir/base/text.h"
#include "weir/base/util.h"
#include "weir/base/when.h"
#include "weir/core/span.h"

#define MAX_ATTEMPTS 16

struct alias {
	char *from, *to;
};

struct accesslog {
	const struct log_format *format;
	char *service;
	struct log_place place[LOG_FIELDS]; /* paths owned */
	struct alias *alias;
	unsigned aliases;
	struct buf op; /* scratch for one line */
};

/* One line being read. */
struct line {
	const struct accesslog *a;
	const cJSON *value[LOG_FIELDS];
	struct flow flow; /* what front and upstream have in common */
	int64_t latency_us;
};

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

static enum status
add_alias(struct accesslog *a, const char *text, struct diag *d)
{
	const char *eq = strchr(text, '=');

	if (!eq || eq == text || eq[1] == '\0')
		return diag_set(d, STATUS_ERR_USAGE, "'%s' is not FROM=TO", text);
	a->alias = xreallocarray(a->alias, a->aliases + 1, sizeof(*a->alias));
	a->alias[a->aliases++] =
		(struct alias){ xstrndup(text, (size_t)(eq - text)), xstrdup(eq + 1) };
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
		s = add_alias(a, *f, d);
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
	for (unsigned i = 0; i < a->aliases; i++) {
		free(a->alias[i].from);
		free(a->alias[i].to);
	}
	free(a->alias);
	free(a->service);
	buf_done(&a->op);
	free(a);
}

/* ------------------------------------------------------------ fields */

/* The member at a path such as `request.headers.Traceparent`; of an array its first. */
static const cJSON *
walk(const cJSON *object, const char *path)
{
	char part[64];

	while (object && *path) {
		size_t n = strcspn(path, ".");

		if (n >= sizeof(part))
			return NULL;
		memcpy(part, path, n);
		part[n] = '\0';
		object = cJSON_GetObjectItemCaseSensitive(object, part);
		if (cJSON_IsArray(object))
			object = object->child;
		path += n + (path[n] == '.');
	}
	return object;
}

/* Text of a field; "" also for null, "-" and what is no text. */
static struct str
text_of(const struct line *l, enum log_field f)
{
	const cJSON *v = l->value[f];

	if (!cJSON_IsString(v) || strcmp(v->valuestring, "-") == 0)
		return STR("");
	return str_of(v->valuestring);
}

/* A number, also one in a string. False when there is none. */
static bool
number_of(const struct line *l, enum log_field f, double *ret_number)
{
	const cJSON *v = l->value[f];
	struct str text;
	char *end;
	double x;

	if (cJSON_IsNumber(v)) {
		x = v->valuedouble;
	} else {
		text = text_of(l, f);
		if (text.n == 0 || !strchr("-0123456789", text.p[0]))
			return false;
		x = strtod(text.p, &end);
		if (*end != '\0')
			return false;
	}
	if (!isfinite(x))
		return false;
	*ret_number = x;
	return true;
}

/* A duration in µs, or FLOW_UNKNOWN (also for HAProxy's -1: not reached). */
static int64_t
duration_of(const struct line *l, enum log_field f)
{
	double x;

	if (!number_of(l, f, &x) || x < 0 || x * l->a->place[f].unit_us > 1e15)
		return FLOW_UNKNOWN;
	return llround(x * l->a->place[f].unit_us);
}

static int64_t
size_of(const struct line *l, enum log_field f)
{
	double x;

	return number_of(l, f, &x) && x >= 0 && x < 9e15 ? (int64_t)x : FLOW_UNKNOWN;
}

/* µs since 1970 of a number in s, ms, µs or ns, told apart by its size. */
static int64_t
time_from_number(double x)
{
	double us = x < 1e11 ? x * 1e6 : x < 1e14 ? x * 1e3 : x < 1e17 ? x : x / 1e3;

	return x > 0 && us < 9e18 ? llround(us) : FLOW_UNKNOWN;
}

/* When the request was over. */
static int64_t
end_of(const struct line *l, int64_t now_us)
{
	int64_t at;
	double x;

	if (number_of(l, LOG_TIME, &x))
		at = time_from_number(x);
	else if (!when_rfc3339(text_of(l, LOG_TIME), &at) &&
		 !when_clf(text_of(l, LOG_TIME), &at))
		return now_us;
	if (at < 0)
		return now_us;
	if (number_of(l, LOG_MILLIS, &x) && x >= 0 && x < 1000)
		at += llround(x * 1000);
	if (l->a->format->time_is_start && l->latency_us > 0)
		at += l->latency_us;
	return at;
}

static int
hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c = (char)(c | 32);
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static bool
hex_bytes(const char *p, uint8_t *out, unsigned bytes)
{
	for (unsigned i = 0; i < bytes; i++) {
		int hi = hex_digit(p[2 * i]), lo = hi < 0 ? -1 : hex_digit(p[2 * i + 1]);

		if (lo < 0)
			return false;
		out[i] = (uint8_t)(hi << 4 | lo);
	}
	return true;
}

/* W3C Trace Context `00-TRACE-SPAN-FLAGS`, or a bare 32-digit id. */
static void
read_trace(const struct line *l, struct flow_ids *ids)
{
	struct str t = text_of(l, LOG_TRACE);
	struct flow_ids found = { 0 };

	if (t.n == 32 && hex_bytes(t.p, found.trace, 16))
		*ids = found;
	else if (t.n >= 55 && t.p[2] == '-' && t.p[35] == '-' && t.p[52] == '-' &&
		 hex_bytes(t.p + 3, found.trace, 16) &&
		 hex_bytes(t.p + 36, found.parent, 8))
		*ids = found;
}

/* ------------------------------------------------------------ names */

static struct str
alias_of(const struct accesslog *a, struct str name)
{
	for (unsigned i = 0; i < a->aliases; i++)
		if (str_eq(str_of(a->alias[i].from), name))
			return str_of(a->alias[i].to);
	return name;
}

/* `reviews.default.svc.cluster.local` is the service `reviews`. */
static struct str
kube_name(struct str host)
{
	const char *svc = host.n ? memmem(host.p, host.n, ".svc", 4) : NULL;
	const char *dot = svc ? memchr(host.p, '.', host.n) : NULL;

	if (dot)
		host.n = (size_t)(dot - host.p);
	return host;
}

/*
 * The upstream of an Envoy cluster: `outbound|9080|v1|HOST` is HOST; the catch-all
 * clusters have none, there the authority or the address says who it was.
 */
static struct str
envoy_upstream(const struct line *l, struct str cluster)
{
	const char *bar = cluster.n ? strrchr(cluster.p, '|') : NULL;
	struct str other = text_of(l, LOG_HOST);

	if (bar)
		return kube_name(str_of(bar + 1));
	if (cluster.n > 0 && !str_eq(cluster, STR("PassthroughCluster")) &&
		!str_eq(cluster, STR("BlackHoleCluster")))
		return kube_name(cluster);
	return other.n > 0 ? kube_name(other) : text_of(l, LOG_UPSTREAM_ADDRESS);
}

static struct str
upstream_of(const struct line *l)
{
	struct str name = text_of(l, LOG_UPSTREAM);
	const char *at;

	if (l->a->format->dialect == DIALECT_ENVOY)
		return envoy_upstream(l, name);
	if (l->a->format->dialect == DIALECT_HAPROXY &&
		(name.n == 0 || duration_of(l, LOG_CONNECT) < 0))
		return STR(""); /* no server was reached */
	if (name.n == 0)
		return text_of(l, LOG_UPSTREAM_ADDRESS);
	at = memchr(name.p, '@', name.n); /* Traefik: service@provider */
	if (at && at > name.p && !memchr(name.p, ':', name.n))
		name.n = (size_t)(at - name.p);
	return name;
}

/* ------------------------------------------------------------ outcomes */

static bool
grpc_failed(const struct line *l)
{
	double x;

	return number_of(l, LOG_GRPC_STATUS, &x) && x > 0;
}

/* Did the request fail? @code is its status in digits, "" when it never got one. */
static bool
failed(const struct line *l, struct str code)
{
	struct str flags = text_of(l, LOG_FLAGS);
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
code_of(const struct line *l, enum log_field f, char *buf, size_t size)
{
	double x;

	if (!number_of(l, f, &x) || x <= 0 || x > 999)
		return STR("");
	snprintf(buf, size, "%d", (int)x);
	return str_of(buf);
}

/* Lines that are whole and yet no request. */
static bool
is_other(const struct line *l)
{
	switch (l->a->format->dialect) {
	case DIALECT_CADDY:
		return strncmp(text_of(l, LOG_LOGGER).n ? text_of(l, LOG_LOGGER).p : "",
			       "http.log.access", 15) != 0;
	case DIALECT_HAPROXY: /* port probes and what was no HTTP */
		return str_eq(text_of(l, LOG_METHOD), STR("<BADREQ>"));
	case DIALECT_ENVOY: /* the other sidecar tells of it */
		return strncmp(text_of(l, LOG_UPSTREAM).n ? text_of(l, LOG_UPSTREAM).p
							  : "",
			       "inbound|", 8) == 0;
	default:
		return !l->value[LOG_STATUS] && !l->value[LOG_LATENCY];
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

/* Seconds in text as µs, or FLOW_UNKNOWN. */
static int64_t
seconds_in(struct str s)
{
	char text[32];
	double x;
	char *end;

	if (s.n == 0 || s.n >= sizeof(text) || s.p[0] < '0' || s.p[0] > '9')
		return FLOW_UNKNOWN;
	memcpy(text, s.p, s.n);
	text[s.n] = '\0';
	x = strtod(text, &end);
	return *end == '\0' && x < 1e9 ? llround(x * 1e6) : FLOW_UNKNOWN;
}

/* nginx lists every server it tried; each try is a flow, the last one ends last. */
static unsigned
emit_attempts(struct line *l, struct str name, void (*emit)(void *, const struct event *),
	void *ctx)
{
	struct str addresses = text_of(l, LOG_UPSTREAM_ADDRESS), piece;
	struct str times = text_of(l, LOG_UPSTREAM_LATENCY);
	struct str codes = text_of(l, LOG_UPSTREAM_STATUS);
	struct event e[MAX_ATTEMPTS];
	int64_t end_us = l->flow.end_us;
	unsigned n = 0;

	while (n < MAX_ATTEMPTS && next_attempt(&addresses, &piece)) {
		struct flow *f = &e[n].u.flow;
		struct str value;

		e[n++].type = EVENT_FLOW;
		*f = l->flow;
		f->dst = alias_of(l->a, name.n > 0 ? name : piece);
		next_attempt(&times, &value);
		f->client_us = seconds_in(value);
		next_attempt(&codes, &value);
		f->code = value.n == 3 ? value : STR("");
		f->failed = value.n == 3 ? value.p[0] == '5' : l->flow.failed;
	}
	for (unsigned i = n; i-- > 0;) {
		e[i].u.flow.end_us = end_us;
		end_us -= MAX(e[i].u.flow.client_us, 0);
	}
	for (unsigned i = 0; i < n; i++)
		emit(ctx, &e[i]);
	return n;
}

static unsigned
emit_upstream(struct line *l, void (*emit)(void *, const struct event *), void *ctx)
{
	struct event e = { .type = EVENT_FLOW };
	struct flow *f = &e.u.flow;
	struct str name = upstream_of(l);
	int64_t connect_us = duration_of(l, LOG_CONNECT);
	char code[16];

	if (l->a->format->dialect == DIALECT_NGINX)
		return emit_attempts(l, text_of(l, LOG_UPSTREAM), emit, ctx);
	if (name.n == 0)
		return 0;
	*f = l->flow;
	f->dst = alias_of(l->a, name);
	f->client_us = duration_of(l, LOG_UPSTREAM_LATENCY);
	if (f->client_us >= 0 && connect_us > 0)
		f->client_us += connect_us;
	f->queue_us = duration_of(l, LOG_QUEUE);
	if (l->value[LOG_UPSTREAM_STATUS]) {
		f->code = code_of(l, LOG_UPSTREAM_STATUS, code, sizeof(code));
		f->failed = failed(l, f->code);
	}
	emit(ctx, &e);
	return 1;
}

static unsigned
emit_front(struct line *l, void (*emit)(void *, const struct event *), void *ctx)
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

static void
read_op(struct accesslog *a, const struct line *l)
{
	struct str method = text_of(l, LOG_METHOD), path = text_of(l, LOG_PATH);

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
	const char *brace =
		line.n ? memchr(line.p, '{', line.n) : NULL; /* behind a syslog head */
	struct line l = { .a = a };
	struct str service;
	unsigned flows;
	char code[16];
	cJSON *root;

	root = brace ? cJSON_ParseWithLength(brace, line.n - (size_t)(brace - line.p))
		     : NULL;
	if (!cJSON_IsObject(root)) {
		cJSON_Delete(root);
		return ACCESSLOG_BAD;
	}
	for (unsigned i = 0; i < LOG_FIELDS; i++)
		l.value[i] = a->place[i].path ? walk(root, a->place[i].path) : NULL;
	if (is_other(&l)) {
		cJSON_Delete(root);
		return ACCESSLOG_OTHER;
	}
	l.latency_us = duration_of(&l, LOG_LATENCY);
	flow_init(&l.flow);
	service = text_of(&l, LOG_SERVICE);
	l.flow.src = service.n > 0 ? service : str_of(a->service);
	l.flow.kind = KIND_HTTP;
	l.flow.origin = ORIGIN_ACCESSLOG;
	l.flow.end_us = end_of(&l, now_us);
	l.flow.bytes_in = size_of(&l, LOG_BYTES_IN);
	l.flow.bytes_out = size_of(&l, LOG_BYTES_OUT);
	l.flow.code = code_of(&l, LOG_STATUS, code, sizeof(code));
	l.flow.failed = failed(&l, l.flow.code);
	read_trace(&l, &l.flow.ids);
	read_op(a, &l);
	l.flow.op = buf_str(&a->op);
	flows = emit_upstream(&l, emit, ctx);
	flows += emit_front(&l, emit, ctx);
	cJSON_Delete(root);
	return flows > 0 ? ACCESSLOG_FLOWS : ACCESSLOG_OTHER;
}
