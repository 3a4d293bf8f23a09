#include "config.h"

#include "weir/core/tolerance.h"

#include <fnmatch.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "weir/base/buf.h"
#include "weir/base/util.h"

#define CODE_BYTES 40

struct code {
	char text[CODE_BYTES]; /* "404", "4xx", "NOT_FOUND" */
	int grpc;              /* the number that gRPC has for it, or -1 */
	bool failed;
};

struct tolerance_rule {
	char *src, *dst;
	struct tolerance limits;
	struct code code[2 * TOLERANCE_CODES];
	unsigned codes;
};

struct tolerances {
	struct tolerance_rule *rule[TOLERANCES_MAX];
	uint32_t n;
};

/* By number; of google.rpc.Code. */
static const char *const grpc_codes[] = { "OK", "CANCELLED", "UNKNOWN",
	"INVALID_ARGUMENT", "DEADLINE_EXCEEDED", "NOT_FOUND", "ALREADY_EXISTS",
	"PERMISSION_DENIED", "RESOURCE_EXHAUSTED", "FAILED_PRECONDITION", "ABORTED",
	"OUT_OF_RANGE", "UNIMPLEMENTED", "INTERNAL", "UNAVAILABLE", "DATA_LOSS",
	"UNAUTHENTICATED", NULL };

struct tolerances *
tolerances_new(void)
{
	return xcalloc(1, sizeof(struct tolerances));
}

void
tolerances_free(struct tolerances *t)
{
	if (!t)
		return;
	for (uint32_t i = 0; i < t->n; i++) {
		free(t->rule[i]->src);
		free(t->rule[i]->dst);
		free(t->rule[i]);
	}
	free(t);
}

/* Without the blanks around it. */
static char *
trimmed(const char *p, size_t n)
{
	while (n && (*p == ' ' || *p == '\t')) {
		p++;
		n--;
	}
	while (n && (p[n - 1] == ' ' || p[n - 1] == '\t'))
		n--;
	return xstrndup(p, n);
}

struct tolerance_rule *
tolerances_rule(struct tolerances *t, const char *edge, struct diag *d)
{
	const char *arrow = strstr(edge, "->");
	struct tolerance_rule *r;
	char *src, *dst;

	if (!arrow) {
		diag_set(d, STATUS_ERR_SYNTAX,
			"'%s' is no edge: write it as \"caller->callee\", * is any",
			edge);
		return NULL;
	}
	src = trimmed(edge, (size_t)(arrow - edge));
	dst = trimmed(arrow + 2, strlen(arrow + 2));
	for (uint32_t i = 0; i < t->n; i++)
		if (strcmp(t->rule[i]->src, src) == 0 &&
			strcmp(t->rule[i]->dst, dst) == 0) {
			free(src);
			free(dst);
			return t->rule[i];
		}
	if (t->n == TOLERANCES_MAX || !*src || !*dst) {
		diag_set(d, STATUS_ERR_SYNTAX, "%s",
			*src && *dst ? "there are too many tolerances"
				     : "an end of the edge has no name");
		free(src);
		free(dst);
		return NULL;
	}
	r = t->rule[t->n++] = xcalloc(1, sizeof(*r));
	r->src = src;
	r->dst = dst;
	return r;
}

void
tolerance_set_limits(struct tolerance_rule *r, const struct tolerance *limits)
{
	r->limits = *limits;
}

const struct tolerance *
tolerance_limits(const struct tolerance_rule *r)
{
	return &r->limits;
}

/* ------------------------------------------------------------ codes */

static int
grpc_number(const char *word)
{
	for (int i = 0; grpc_codes[i]; i++)
		if (strcasecmp(grpc_codes[i], word) == 0)
			return i;
	return -1;
}

static bool
is_code(const char *word)
{
	size_t digits = strspn(word, "0123456789");

	if (!word[digits] && digits >= 1 && digits <= 5)
		return true;
	return (digits == 1 && strcasecmp(word + 1, "xx") == 0) || grpc_number(word) >= 0;
}

enum status
tolerance_set_codes(
	struct tolerance_rule *r, const char *codes, bool failed, struct diag *d)
{
	unsigned kept = 0;

	for (unsigned i = 0; i < r->codes; i++)
		if (r->code[i].failed != failed)
			r->code[kept++] = r->code[i];
	r->codes = kept;
	while (*(codes += strspn(codes, " \t,"))) {
		struct code c = { .failed = failed };
		size_t n = strcspn(codes, " \t,");
		const char *near;

		snprintf(c.text, sizeof(c.text), "%.*s", (int)n, codes);
		codes += n;
		if (!is_code(c.text) || n >= sizeof(c.text)) {
			near = nearest_name(c.text, grpc_codes);
			return diag_set(d, STATUS_ERR_SYNTAX,
				"'%s' is no code: 404, 4xx, NOT_FOUND%s%s%s", c.text,
				near ? " (" : "", near ? near : "", near ? "?)" : "");
		}
		if (r->codes - kept == TOLERANCE_CODES)
			return diag_set(d, STATUS_ERR_TOO_BIG, "more than %d codes",
				TOLERANCE_CODES);
		c.grpc = grpc_number(c.text);
		r->code[r->codes++] = c;
	}
	return STATUS_OK;
}

static bool
code_is(const struct code *c, const struct flow *f)
{
	struct str code = f->code;
	size_t n = strlen(c->text);

	if (code.n == 3 && n == 3 && strcasecmp(c->text + 1, "xx") == 0)
		return code.p[0] == c->text[0];
	if (code.n == n && strncasecmp(code.p, c->text, n) == 0)
		return true;
	/* gRPC's codes come as numbers, too. */
	if (c->grpc >= 0 && (f->kind == KIND_GRPC || f->kind == KIND_RPC)) {
		char number[16];

		snprintf(number, sizeof(number), "%d", c->grpc);
		return str_eq(code, str_of(number));
	}
	return false;
}

bool
tolerance_fails(const struct tolerance_rule *r, const struct flow *f)
{
	const struct code *best = NULL;

	/* A code says more than a class of codes. */
	for (unsigned i = 0; r && f->code.n && i < r->codes; i++) {
		bool class = r->code[i].text[1] == 'x' || r->code[i].text[1] == 'X';

		if (code_is(&r->code[i], f) && (!best || !class))
			best = &r->code[i];
	}
	return best ? best->failed : f->failed;
}

/* ------------------------------------------------------------ finding */

/* How much a rule says of a name: all, some of it, nothing. */
static int
precision(const char *pattern)
{
	return strcmp(pattern, "*") == 0 ? 0 : strpbrk(pattern, "*?[") ? 1 : 2;
}

static bool
fits(const char *pattern, const char *name)
{
	return strcmp(pattern, name) == 0 || fnmatch(pattern, name, 0) == 0;
}

const struct tolerance_rule *
tolerances_find(const struct tolerances *t, const char *src, const char *dst)
{
	const struct tolerance_rule *best = NULL;
	int most = -1;

	for (uint32_t i = 0; t && i < t->n; i++) {
		const struct tolerance_rule *r = t->rule[i];
		/* Who is called matters more than who calls. */
		int says = 3 * precision(r->dst) + precision(r->src);

		if (says < most || !fits(r->src, src) || !fits(r->dst, dst))
			continue;
		most = says;
		best = r;
	}
	return best;
}

/* ------------------------------------------------------------ listing */

uint32_t
tolerances_count(const struct tolerances *t)
{
	return t ? t->n : 0;
}

static void
show_codes(const struct tolerance_rule *r, bool failed, const char *key, struct buf *out)
{
	bool any = false;

	for (unsigned i = 0; i < r->codes; i++)
		if (r->code[i].failed == failed) {
			buf_addf(out, "%s%s", any ? " " : key, r->code[i].text);
			any = true;
		}
	if (any)
		buf_addc(out, '\n');
}

void
tolerances_show(const struct tolerances *t, uint32_t i, struct buf *out)
{
	const struct tolerance_rule *r = t->rule[i];

	buf_addf(out, "[tolerance \"%s->%s\"]\n", r->src, r->dst);
	if (r->limits.p99_us > 0)
		buf_addf(out, "p99 = %gs\n", (double)r->limits.p99_us / 1e6);
	if (r->limits.error_ratio > 0)
		buf_addf(out, "err = %g%%\n", 100 * r->limits.error_ratio);
	show_codes(r, false, "ok = ", out);
	show_codes(r, true, "failed = ", out);
}
