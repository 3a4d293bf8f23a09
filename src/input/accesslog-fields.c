/*
 * A line is parsed by cJSON, which is lax in just the ways that proxies need (`000`
 * for a status, `071` for milliseconds, both of nginx's and HAProxy's making); the
 * line's length bounds the tree. A line of words and quotes becomes the same kind of
 * object. Fields are fetched as text or numbers wherever the format's table says they
 * stand.
 */
#include "config.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "accesslog-priv.h"
#include "weir/base/util.h"
#include "weir/base/when.h"

#define MAX_WORDS 32 /* behind the size */

/* ------------------------------------------------------------ lines of words */

/* The next word of @rest, or what stands between its quotes; false at the end. */
static bool
next_word(struct str *rest, struct str *ret_word)
{
	const char *p = rest->p, *end = rest->p + rest->n, *start;
	bool quoted;

	while (p < end && (*p == ' ' || *p == '\t'))
		p++;
	if (p == end)
		return false;
	quoted = *p == '"';
	start = p += quoted;
	while (p < end && (quoted ? *p != '"' : *p != ' ' && *p != '\t'))
		p += quoted && *p == '\\' && p + 1 < end ? 2 : 1;
	*ret_word = (struct str){ start, (size_t)(p - start) };
	p += quoted && p < end;
	*rest = (struct str){ p, (size_t)(end - p) };
	return true;
}

static void
add_word(cJSON *o, const char *name, struct str word)
{
	char *text = xstrndup(word.p, word.n);

	cJSON_AddStringToObject(o, name, text);
	free(text);
}

/* `GET /path HTTP/1.1`; whatever else a client sent has neither method nor path. */
static void
add_request(cJSON *o, const struct log_format *f, struct str request)
{
	struct str method, path, protocol;

	if (next_word(&request, &method) && next_word(&request, &path) &&
		next_word(&request, &protocol) && protocol.n >= 4 &&
		memcmp(protocol.p, "HTTP", 4) == 0) {
		add_word(o, f->place[LOG_METHOD].path, method);
		add_word(o, f->place[LOG_PATH].path, path);
	}
}

/*
 * Take the first time in brackets out of @rest. What stands before it is nobody's
 * business; what else is in brackets is no time.
 */
static bool
next_time(struct str *line, struct str *ret_time)
{
	struct str word, rest = *line;
	int64_t at;

	for (;;) {
		const char *open = rest.n ? memchr(rest.p, '[', rest.n) : NULL, *close;

		if (!open)
			return false;
		rest.n -= (size_t)(open + 1 - rest.p);
		rest.p = open + 1;
		close = rest.n ? memchr(rest.p, ']', rest.n) : NULL;
		if (!close)
			return false;
		word = (struct str){ rest.p, (size_t)(close - rest.p) };
		if (when_clf(word, &at) || when_rfc3339(word, &at))
			break;
	}
	*ret_time = word;
	*line = (struct str){ rest.p + word.n + 1, rest.n - word.n - 1 };
	return true;
}

/*
 * `… [22/Nov/2026:23:24:40 +0000] "GET /path HTTP/1.1" 200 2326 "referer" "agent"`: the
 * format names the words behind the request; the names of more are their numbers.
 */
static cJSON *
parse_words(const struct log_format *f, struct str line)
{
	const char *const *name = f->words;
	struct str at, request, word, rest = line;
	char number[8];
	cJSON *o;

	/* Without the first of the words it is the beginning of a line at most. */
	if (!next_time(&rest, &at) || !next_word(&rest, &request) ||
		!next_word(&rest, &word))
		return NULL;
	o = cJSON_CreateObject();
	add_word(o, f->place[LOG_TIME].path, at);
	add_request(o, f, request);
	add_word(o, *name++, word);
	while (*name && next_word(&rest, &word))
		add_word(o, *name++, word);
	for (unsigned i = 1; i <= MAX_WORDS && next_word(&rest, &word); i++) {
		snprintf(number, sizeof(number), "%u", i);
		add_word(o, number, word);
	}
	return o;
}

cJSON *
log_parse(const struct log_format *format, struct str line)
{
	const char *brace; /* behind a syslog head */
	cJSON *root;

	brace = line.n && !format->only_words ? memchr(line.p, '{', line.n) : NULL;
	root = brace ? cJSON_ParseWithLength(brace, line.n - (size_t)(brace - line.p))
		     : NULL;
	if (cJSON_IsObject(root))
		return root;
	cJSON_Delete(root);
	return format->words ? parse_words(format, line) : NULL;
}

/* ------------------------------------------------------------ fields */

const cJSON *
log_walk(const cJSON *object, const char *path)
{
	const cJSON *whole = cJSON_GetObjectItemCaseSensitive(object, path);
	char part[64];

	if (whole)
		return cJSON_IsArray(whole) ? whole->child : whole;
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

struct str
log_text(const struct log_line *l, enum log_field f)
{
	const cJSON *v = l->value[f];

	if (!cJSON_IsString(v) || strcmp(v->valuestring, "-") == 0)
		return STR("");
	return str_of(v->valuestring);
}

bool
log_number(const struct log_line *l, enum log_field f, double *ret_number)
{
	const cJSON *v = l->value[f];
	struct str text;
	char *end;
	double x;

	if (cJSON_IsNumber(v)) {
		x = v->valuedouble;
	} else {
		text = log_text(l, f);
		if (text.n == 0 || !strchr("+-0123456789", text.p[0]))
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

/* A duration as Go prints it: `1m2.5s`, `7.5ms`, `12\xc2\xb5s`. */
static bool
duration_in_words(const char *p, double *ret_us)
{
	static const struct {
		const char *unit;
		double us;
	} units[] = { { "ms", 1e3 }, { "us", 1 }, { "\xc2\xb5s", 1 }, { "ns", 1e-3 },
		{ "h", 3600e6 }, { "m", 60e6 }, { "s", 1e6 } };
	double sum = 0;

	if (*p == '\0')
		return false;
	while (*p) {
		char *end;
		double x = *p >= '0' && *p <= '9' ? strtod(p, &end) : -1;
		unsigned i = 0;

		if (!(x >= 0))
			return false;
		while (i < ARRAY_LEN(units) &&
			strncmp(end, units[i].unit, strlen(units[i].unit)) != 0)
			i++;
		if (i == ARRAY_LEN(units))
			return false;
		sum += x * units[i].us;
		p = end + strlen(units[i].unit);
	}
	*ret_us = sum;
	return true;
}

int64_t
log_duration(const struct log_line *l, enum log_field f)
{
	double us;

	if (log_number(l, f, &us))
		us *= l->a->place[f].unit_us;
	else if (log_text(l, f).n == 0 || !duration_in_words(log_text(l, f).p, &us))
		return FLOW_UNKNOWN;
	return us >= 0 && us <= 1e15 ? llround(us) : FLOW_UNKNOWN;
}

int64_t
log_size(const struct log_line *l, enum log_field f)
{
	double x;

	return log_number(l, f, &x) && x >= 0 && x < 9e15 ? (int64_t)x : FLOW_UNKNOWN;
}

/* µs since 1970 of a number in s, ms, µs or ns, told apart by its size. */
static int64_t
time_from_number(double x)
{
	double us = x < 1e11 ? x * 1e6 : x < 1e14 ? x * 1e3 : x < 1e17 ? x : x / 1e3;

	return x > 0 && us < 9e18 ? llround(us) : FLOW_UNKNOWN;
}

int64_t
log_end(const struct log_line *l, int64_t now_us)
{
	int64_t at;
	double x;

	if (log_number(l, LOG_TIME, &x))
		at = time_from_number(x);
	else if (!when_rfc3339(log_text(l, LOG_TIME), &at) &&
		 !when_clf(log_text(l, LOG_TIME), &at))
		return now_us;
	if (at < 0)
		return now_us;
	if (log_number(l, LOG_MILLIS, &x) && x >= 0 && x < 1000)
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

void
log_trace(const struct log_line *l, struct flow_ids *ids)
{
	struct str t = log_text(l, LOG_TRACE);
	struct flow_ids found = { 0 };

	if (t.n == 32 && hex_bytes(t.p, found.trace, 16))
		*ids = found;
	else if (t.n >= 55 && t.p[2] == '-' && t.p[35] == '-' && t.p[52] == '-' &&
		 hex_bytes(t.p + 3, found.trace, 16) &&
		 hex_bytes(t.p + 36, found.parent, 8))
		*ids = found;
}

int64_t
log_seconds(struct str s)
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
