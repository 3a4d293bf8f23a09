/*
 * Recursive descent:
 *
 *	or    = and { "|" and }
 *	and   = not { not }
 *	not   = "!" not | "(" or ")" | term
 *	term  = word, quoted or with a /regex/, see take_term()
 *
 * Tests are appended as they are complete, so the root is the last one.
 */
#include "config.h"

#include <ctype.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "filter-priv.h"
#include "weir/base/buf.h"
#include "weir/base/util.h"

#define TEXT_MAX 4096
#define REGEX_MAX 256
#define DEPTH_MAX 64

/*
 * The C library copies what a `+` or `{n}` repeats, so nested ones multiply. This
 * bounds the product, and with it the memory of a pattern, to some 30 MB.
 */
#define COPIES_MAX 1024

/* An index that no test has: something was wrong. */
#define WRONG UINT32_MAX

struct parser {
	const char *start, *p;
	struct filter *f;
	struct diag *d;
	unsigned depth;
};

/* How to write the value of a field. */
enum unit {
	UNIT_TIME,
	UNIT_SHARE,
	UNIT_RATE,
	UNIT_COUNT,
	UNIT_SEV
};

static const struct {
	const char *word;
	enum test_field field;
	enum unit unit;
} fields[] = {
	{ "p50", FIELD_P50, UNIT_TIME },
	{ "p95", FIELD_P95, UNIT_TIME },
	{ "p99", FIELD_P99, UNIT_TIME },
	{ "max", FIELD_MAX, UNIT_TIME },
	{ "server", FIELD_SERVER, UNIT_TIME },
	{ "queue", FIELD_QUEUE, UNIT_TIME },
	{ "err", FIELD_ERR, UNIT_SHARE },
	{ "rate", FIELD_RATE, UNIT_RATE },
	{ "n", FIELD_N, UNIT_COUNT },
	{ "in", FIELD_IN, UNIT_COUNT },
	{ "out", FIELD_OUT, UNIT_COUNT },
	{ "sev", FIELD_SEV, UNIT_SEV },
};

static const char *const field_words[] = { "p50", "p95", "p99", "max", "server", "queue",
	"err", "rate", "n", "in", "out", "sev", NULL };

static const char *const prefixes[] = { "src", "dst", "op", "group", "kind", "sev",
	"verdict", "anomaly", NULL };

/* Words that say how an edge is. */
static const struct {
	const char *word;
	enum test_type type;
} states[] = {
	{ "errors", TEST_ERRORS },
	{ "verdict", TEST_VERDICT },
	{ "anomaly", TEST_ANOMALY },
};

static const struct {
	const char *text;
	enum test_order order;
} orders[] = {
	{ ">=", ORDER_GE },
	{ "<=", ORDER_LE },
	{ "!=", ORDER_NE },
	{ "==", ORDER_EQ },
	{ ">", ORDER_GT },
	{ "<", ORDER_LT },
	{ "=", ORDER_EQ },
};

static unsigned take_or(struct parser *ps);

/* Say what is wrong at @at. */
static unsigned __attribute__((format(printf, 3, 4)))
wrong(struct parser *ps, const char *at, const char *fmt, ...)
{
	struct buf b = BUF_INIT;
	va_list ap;

	va_start(ap, fmt);
	buf_vaddf(&b, fmt, ap);
	va_end(ap);
	diag_set(ps->d, STATUS_ERR_SYNTAX, "filter, column %d: %s",
		(int)(at - ps->start) + 1, buf_cstr(&b));
	buf_done(&b);
	return WRONG;
}

static unsigned
wrong_word(struct parser *ps, const char *at, const char *what, const char *word,
	const char *const *words)
{
	const char *near = nearest_name(word, words);

	return near ? wrong(ps, at, "no %s '%s' (%s?)", what, word, near)
		    : wrong(ps, at, "no %s '%s'", what, word);
}

static unsigned
add_test(struct parser *ps, const struct test *t)
{
	struct filter *f = ps->f;

	if (f->n == f->room) {
		f->room = f->room ? f->room * 2 : 8;
		f->test = xreallocarray(f->test, f->room, sizeof(*f->test));
	}
	f->test[f->n] = *t;
	return f->n++;
}

static unsigned
join(struct parser *ps, enum test_type type, unsigned a, unsigned b)
{
	struct test t = { .type = type, .a = a, .b = b };

	return a == WRONG || b == WRONG ? WRONG : add_test(ps, &t);
}

static void
skip_space(struct parser *ps)
{
	while (isspace((unsigned char)*ps->p))
		ps->p++;
}

static bool
ends_word(char c)
{
	return c == '\0' || c == '(' || c == ')' || c == '|' || isspace((unsigned char)c);
}

/* Read up to @quote. False when it does not come. */
static bool
take_quoted(struct parser *ps, char quote, struct buf *out)
{
	const char *end = strchr(++ps->p, quote);

	if (!end)
		return false;
	buf_add(out, ps->p, (size_t)(end - ps->p));
	ps->p = end + 1;
	return true;
}

/* Why @re is not given to regcomp(), or NULL. */
static const char *
regex_fault(const char *re)
{
	unsigned long copies = 1;

	for (; *re; re++) {
		/* Means nothing, and rows of stars take the C library seconds. */
		if (strchr("*+?{", re[0]) && re[1] && strchr("*+?{", re[1]))
			return "the regex repeats a repetition";
		if (*re == '\\' && re[1]) {
			if (isdigit((unsigned char)*++re))
				return "back references are not supported";
		} else if (*re == '+') {
			copies *= 2;
		} else if (*re == '{') {
			char *end;
			unsigned long n = strtoul(re + 1, &end, 10), m = 0;

			if (*end == ',')
				m = strtoul(end + 1, NULL, 10);
			copies *= MIN(MAX(n, m), COPIES_MAX) + 1;
		}
		if (copies > COPIES_MAX)
			return "the regex repeats too much";
	}
	return NULL;
}

static unsigned
take_regex(struct parser *ps, enum test_place place)
{
	struct test t = { .type = TEST_TEXT, .place = place };
	const char *at = ps->p;
	struct buf b = BUF_INIT;
	const char *fault;
	char why[120];
	int status;

	for (ps->p++; *ps->p && *ps->p != '/'; ps->p++) {
		if (ps->p[0] == '\\' && ps->p[1] == '/')
			ps->p++;
		else if (ps->p[0] == '\\' && ps->p[1])
			buf_addc(&b, *ps->p++);
		buf_addc(&b, *ps->p);
	}
	fault = !*ps->p           ? "the regex has no closing '/'"
		: b.n == 0        ? "the regex is empty"
		: b.n > REGEX_MAX ? "the regex is too long"
				  : regex_fault(buf_cstr(&b));
	if (fault) {
		buf_done(&b);
		return wrong(ps, at, "%s", fault);
	}
	ps->p++;
	status = regcomp(&t.regex, buf_cstr(&b), REG_EXTENDED | REG_NOSUB | REG_ICASE);
	buf_done(&b);
	if (status == 0)
		return add_test(ps, &t);
	regerror(status, &t.regex, why, sizeof(why));
	return wrong(ps, at, "bad regex: %s", why);
}

/* The text to look for: a regex, a quoted name, or all up to the end of the word. */
static unsigned
take_text(struct parser *ps, enum test_place place)
{
	struct test t = { .type = TEST_TEXT, .place = place };
	struct buf b = BUF_INIT;
	const char *at = ps->p;

	if (*ps->p == '/')
		return take_regex(ps, place);
	if (*ps->p == '"') {
		if (!take_quoted(ps, '"', &b)) {
			buf_done(&b);
			return wrong(ps, at, "the quote is not closed");
		}
	} else {
		while (!ends_word(*ps->p) && strncmp(ps->p, "->", 2) != 0)
			buf_addc(&b, *ps->p++);
	}
	if (b.n == 0) {
		buf_done(&b);
		return wrong(ps, at, "a name is missing");
	}
	t.text = xstrdup(buf_cstr(&b));
	buf_done(&b);
	return add_test(ps, &t);
}

/* A name at either end, or `a->b`. */
static unsigned
take_name(struct parser *ps)
{
	const char *at = ps->p;
	unsigned a = take_text(ps, PLACE_ENDS);

	if (a != WRONG && *at != '/' && *at != '"' && strpbrk(ps->f->test[a].text, "<=>"))
		return wrong(ps, at, "'%s' is no comparison; quote it if it is a name",
			ps->f->test[a].text);
	if (a == WRONG || strncmp(ps->p, "->", 2) != 0)
		return a;
	ps->p += 2;
	ps->f->test[a].place = PLACE_SRC;
	return join(ps, TEST_AND, a, take_text(ps, PLACE_DST));
}

/* The rest of the word as a string. */
static void
take_word(struct parser *ps, char *word, size_t size)
{
	size_t n = 0;

	for (; !ends_word(*ps->p); ps->p++)
		if (n + 1 < size)
			word[n++] = *ps->p;
	word[n] = '\0';
}

static unsigned
take_kind(struct parser *ps)
{
	static const char *const words[] = {
#define X(id, word) word,
		FLOW_KIND_LIST(X) NODE_KIND_LIST(X)
#undef X
			NULL
	};
	const char *at = ps->p;
	struct test edge = { .type = TEST_EDGE_KIND }, node = { .type = TEST_NODE_KIND };
	enum flow_kind fk;
	enum node_kind nk;
	bool is_edge, is_node;
	char word[32];

	take_word(ps, word, sizeof(word));
	is_edge = flow_kind_from(str_of(word), &fk);
	is_node = node_kind_from(str_of(word), &nk);
	if (!is_edge && !is_node)
		return wrong_word(ps, at, "kind", word, words);
	edge.kind = is_edge ? (unsigned)fk : 0;
	node.kind = is_node ? (unsigned)nk : 0;
	if (!is_edge)
		return add_test(ps, &node);
	if (!is_node)
		return add_test(ps, &edge);
	return join(ps, TEST_OR, add_test(ps, &edge), add_test(ps, &node));
}

/* A kind of anomaly, of the edge's own or of a cause named on it. */
static unsigned
take_anomaly(struct parser *ps, enum test_type type)
{
	static const char *const words[] = {
#define X(id, word) word,
		ANOMALY_LIST(X)
#undef X
			NULL
	};
	struct test t = { .type = type };
	const char *at = ps->p;
	char word[32];

	take_word(ps, word, sizeof(word));
	while (words[t.kind] && strcmp(words[t.kind], word) != 0)
		t.kind++;
	if (!words[t.kind])
		return wrong_word(ps, at, "kind of anomaly", word, words);
	return add_test(ps, &t);
}

/* How much the unit @suffix is of @unit's own, or NAN when it is not one. */
static double
unit_factor(enum unit unit, const char *suffix, double v)
{
	static const struct {
		enum unit unit;
		const char *suffix;
		double factor;
	} units[] = {
		{ UNIT_TIME, "us", 1 },
		{ UNIT_TIME, "\xc2\xb5s", 1 },
		{ UNIT_TIME, "ms", 1e3 },
		{ UNIT_TIME, "s", 1e6 },
		{ UNIT_TIME, "m", 60e6 },
		{ UNIT_TIME, "h", 3600e6 },
		{ UNIT_SHARE, "%", 0.01 },
		{ UNIT_RATE, "", 1 },
		{ UNIT_RATE, "/s", 1 },
		{ UNIT_RATE, "/m", 1 / 60.0 },
		{ UNIT_RATE, "/min", 1 / 60.0 },
		{ UNIT_RATE, "/h", 1 / 3600.0 },
		{ UNIT_RATE, "k", 1e3 },
		{ UNIT_RATE, "k/s", 1e3 },
		{ UNIT_COUNT, "", 1 },
		{ UNIT_COUNT, "k", 1e3 },
		{ UNIT_COUNT, "M", 1e6 },
		{ UNIT_COUNT, "G", 1e9 },
	};

	/* Zero is zero in any unit, and a share may be written as a fraction. */
	if (!*suffix && (v == 0 || (unit == UNIT_SHARE && v <= 1)))
		return 1;
	for (unsigned i = 0; i < ARRAY_LEN(units); i++)
		if (units[i].unit == unit && strcmp(units[i].suffix, suffix) == 0)
			return units[i].factor;
	return (double)NAN;
}

static unsigned
take_value(struct parser *ps, enum unit unit, double *ret_value)
{
	static const char *const examples[] = { "500ms", "1%", "10/s", "100", "warn" };
	static const char *const grades[] = { "idle", "ok", "warn", "crit", NULL };
	const char *at = ps->p;
	char word[64], *end;
	double v, factor;

	take_word(ps, word, sizeof(word));
	if (unit == UNIT_SEV) {
		for (unsigned i = 0; i < SEV_COUNT; i++)
			if (strcmp(grades[i], word) == 0) {
				*ret_value = i;
				return 0;
			}
		return wrong_word(ps, at, "severity", word, grades);
	}
	v = strtod(word, &end);
	factor = end == word ? (double)NAN : unit_factor(unit, end, v);
	if (!isdigit((unsigned char)word[0]) || !isfinite(v) || isnan(factor))
		return wrong(ps, at, "'%s' is no value here; write it like %s", word,
			examples[unit]);
	*ret_value = v * factor;
	return 0;
}

/* A field, an order and a value. */
static unsigned
take_number(struct parser *ps, const char *field, const char *at, bool colon)
{
	struct test t = { .type = TEST_NUMBER, .order = ORDER_EQ };
	unsigned i = 0, k = 0;

	while (i < ARRAY_LEN(fields) && strcmp(fields[i].word, field) != 0)
		i++;
	if (i == ARRAY_LEN(fields))
		return wrong_word(ps, at, "number", field, field_words);
	t.field = fields[i].field;
	if (!colon) {
		while (strncmp(ps->p, orders[k].text, strlen(orders[k].text)) != 0)
			k++;
		t.order = orders[k].order;
		ps->p += strlen(orders[k].text);
	}
	if (take_value(ps, fields[i].unit, &t.value) == WRONG)
		return WRONG;
	return add_test(ps, &t);
}

/* Does @p begin a comparison? Not so an arrow. */
static bool
at_order(const char *p)
{
	return *p == '<' || *p == '=' || *p == '>' || (p[0] == '!' && p[1] == '=');
}

static unsigned
take_term(struct parser *ps)
{
	const char *at = ps->p;
	char word[32];
	size_t n = strspn(at, "abcdefghijklmnopqrstuvwxyz0123456789");

	if (n >= sizeof(word))
		return take_name(ps);
	memcpy(word, at, n);
	word[n] = '\0';
	if (n && at_order(at + n)) {
		ps->p += n;
		return take_number(ps, word, at, false);
	}
	for (unsigned i = 0; i < ARRAY_LEN(states) && ends_word(at[n]); i++) {
		struct test t = { .type = states[i].type, .kind = ANOMALY_COUNT };

		if (strcmp(word, states[i].word) != 0)
			continue;
		ps->p += n;
		return add_test(ps, &t);
	}
	if (at[n] != ':')
		return take_name(ps);
	ps->p += n + 1;
	if (strcmp(word, "src") == 0)
		return take_text(ps, PLACE_SRC);
	if (strcmp(word, "dst") == 0)
		return take_text(ps, PLACE_DST);
	if (strcmp(word, "op") == 0)
		return take_text(ps, PLACE_OP);
	if (strcmp(word, "group") == 0)
		return take_text(ps, PLACE_GROUP);
	if (strcmp(word, "kind") == 0)
		return take_kind(ps);
	if (strcmp(word, "sev") == 0)
		return take_number(ps, word, at, true);
	if (strcmp(word, "verdict") == 0)
		return take_anomaly(ps, TEST_VERDICT);
	if (strcmp(word, "anomaly") == 0)
		return take_anomaly(ps, TEST_ANOMALY);
	/* `redis:6379` is a name, `scr:web` a slip. */
	if (nearest_name(word, prefixes))
		return wrong_word(ps, at, "prefix", word, prefixes);
	ps->p = at;
	return take_name(ps);
}

static unsigned
take_not(struct parser *ps)
{
	const char *at = ps->p;
	unsigned t;

	if (++ps->depth > DEPTH_MAX)
		return wrong(ps, at, "nested too deeply");
	if (*at == '!') {
		ps->p++;
		skip_space(ps);
		t = take_not(ps);
		t = join(ps, TEST_NOT, t, t == WRONG ? WRONG : 0);
	} else if (*at == '(') {
		ps->p++;
		t = take_or(ps);
		if (t != WRONG && *ps->p != ')')
			t = wrong(ps, at, "the parenthesis is not closed");
		else if (t != WRONG)
			ps->p++;
	} else if (ends_word(*at)) {
		t = *at ? wrong(ps, at, "a term is missing before '%c'", *at)
			: wrong(ps, at, "a term is missing at the end");
	} else {
		t = take_term(ps);
	}
	ps->depth--;
	return t;
}

static unsigned
take_and(struct parser *ps)
{
	unsigned t = take_not(ps);

	for (skip_space(ps); t != WRONG && *ps->p && *ps->p != '|' && *ps->p != ')';
		skip_space(ps))
		t = join(ps, TEST_AND, t, take_not(ps));
	return t;
}

static unsigned
take_or(struct parser *ps)
{
	unsigned t;

	skip_space(ps);
	t = take_and(ps);
	while (t != WRONG && *ps->p == '|') {
		ps->p++;
		skip_space(ps);
		t = join(ps, TEST_OR, t, take_and(ps));
	}
	return t;
}

struct filter *
filter_new(const char *text, struct diag *d)
{
	struct parser ps = { .start = text, .p = text, .d = d };
	struct test all = { .type = TEST_ALL };
	unsigned root;

	ps.f = xcalloc(1, sizeof(*ps.f));
	skip_space(&ps);
	if (strlen(text) > TEXT_MAX)
		root = wrong(&ps, text + TEXT_MAX, "too long");
	else
		root = *ps.p ? take_or(&ps) : add_test(&ps, &all);
	if (root != WRONG && *ps.p)
		root = wrong(&ps, ps.p, "a parenthesis is closed that was never opened");
	if (root != WRONG)
		return ps.f;
	filter_free(ps.f);
	return NULL;
}
