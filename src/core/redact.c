#include "config.h"

#include "weir/core/redact.h"

#include <ctype.h>
#include <regex.h>
#include <stdlib.h>
#include <strings.h>

#include "weir/base/util.h"

#define MAX_OWN 32
#define LOOK 4096 /* bytes of a line that are looked at; the rest is dropped */

struct redact {
	bool defaults;
	regex_t own[MAX_OWN];
	unsigned n;
	struct buf a, b;
};

struct redact *
redact_new(bool defaults)
{
	struct redact *r = xcalloc(1, sizeof(*r));

	r->defaults = defaults;
	return r;
}

void
redact_free(struct redact *r)
{
	if (!r)
		return;
	for (unsigned i = 0; i < r->n; i++)
		regfree(&r->own[i]);
	buf_done(&r->a);
	buf_done(&r->b);
	free(r);
}

enum status
redact_add(struct redact *r, const char *expression, struct diag *d)
{
	char why[128];
	int rc;

	if (r->n == MAX_OWN)
		return diag_set(
			d, STATUS_ERR_FULL, "more than %d patterns to redact", MAX_OWN);
	rc = regcomp(&r->own[r->n], expression, REG_EXTENDED);
	if (rc != 0) {
		regerror(rc, &r->own[r->n], why, sizeof(why));
		return diag_set(d, STATUS_ERR_SYNTAX, "'%s' is no expression: %s",
			expression, why);
	}
	r->n++;
	return STATUS_OK;
}

/* ------------------------------------------------------------ what is secret */

static bool
begins(struct str s, const char *word)
{
	size_t n = strlen(word);

	return s.n >= n && strncasecmp(s.p, word, n) == 0;
}

/* Characters of a value that ends at a blank, a quote or a separator. */
static size_t
value_n(struct str s)
{
	size_t n = 0;

	while (n < s.n && !isspace((unsigned char)s.p[n]) &&
		!strchr("\"'`,;&<>)}]", s.p[n]))
		n++;
	return n;
}

/* "Bearer x" and "Basic x": how many bytes come before the secret, and how many it has. */
static size_t
scheme_secret(struct str s, size_t *ret_n)
{
	static const char *const schemes[] = { "bearer ", "basic ", "token " };

	for (size_t i = 0; i < ARRAY_LEN(schemes); i++) {
		size_t n = strlen(schemes[i]);

		if (!begins(s, schemes[i]))
			continue;
		*ret_n = value_n((struct str){ s.p + n, s.n - n });
		/* "basic things" are no secret. */
		return *ret_n >= 8 ? n : 0;
	}
	return 0;
}

/* password=x, "token": "x", secret: x. */
static size_t
key_secret(struct str s, size_t *ret_n)
{
	static const char *const keys[] = { "password", "passwd", "pwd", "passphrase",
		"secret", "client_secret", "token", "access_token", "refresh_token",
		"id_token", "api_key", "apikey", "api-key", "x-api-key", "access_key",
		"private_key", "authorization", "session_id", "sessionid", "signature",
		"sig", "credential", "cookie", "set-cookie" };
	size_t at = 0, scheme, n;
	struct str rest;

	for (size_t i = 0; i < ARRAY_LEN(keys); i++)
		if (begins(s, keys[i]))
			at = MAX(at, strlen(keys[i]));
	if (at == 0)
		return 0;
	while (at < s.n && strchr("\"'", s.p[at]))
		at++;
	while (at < s.n && s.p[at] == ' ')
		at++;
	if (at == s.n || (s.p[at] != '=' && s.p[at] != ':'))
		return 0;
	at++;
	while (at < s.n && strchr(" \"'", s.p[at]))
		at++;
	rest = (struct str){ s.p + at, s.n - at };
	*ret_n = value_n(rest);
	/* The word that tells a scheme is none, what follows it is. */
	scheme = scheme_secret(rest, &n);
	if (scheme > 0)
		*ret_n = n;
	return *ret_n > 0 ? at + scheme : 0;
}

/* scheme://user:x@host */
static size_t
url_secret(struct str s, size_t *ret_n)
{
	size_t colon = 0, i;

	if (!begins(s, "://"))
		return 0;
	for (i = 3; i < s.n && !isspace((unsigned char)s.p[i]) && s.p[i] != '/'; i++) {
		if (s.p[i] == ':' && colon == 0)
			colon = i;
		if (s.p[i] == '@') {
			*ret_n = colon ? i - colon - 1 : 0;
			return *ret_n > 0 ? colon + 1 : 0;
		}
	}
	return 0;
}

/* Tokens that are known by their look. */
static size_t
known_token(struct str s)
{
	size_t n = value_n(s);

	if (n >= 30 && memcmp(s.p, "eyJ", 3) == 0 && memchr(s.p, '.', n))
		return n;
	if (n >= 20 && (memcmp(s.p, "AKIA", 4) == 0 || memcmp(s.p, "ASIA", 4) == 0))
		return n;
	if (n >= 20 && (memcmp(s.p, "ghp_", 4) == 0 || memcmp(s.p, "xox", 3) == 0 ||
			       memcmp(s.p, "sk_live_", 8) == 0))
		return n;
	return 0;
}

/* A card: 13 to 19 digits, with blanks or dashes between groups. Bytes, or 0. */
static size_t
card(struct str s)
{
	unsigned digits = 0, sum = 0;
	char d[20];
	size_t i = 0, end = 0;

	for (; i < s.n && digits < 20; i++) {
		if (isdigit((unsigned char)s.p[i])) {
			if (digits < 20)
				d[digits++] = s.p[i];
			end = i + 1;
		} else if (!((s.p[i] == ' ' || s.p[i] == '-') && i + 1 < s.n &&
				   isdigit((unsigned char)s.p[i + 1]))) {
			break;
		}
	}
	if (digits < 13 || digits > 19 || d[0] == '0')
		return 0;
	for (unsigned k = 0; k < digits; k++) {
		unsigned v = (unsigned)(d[digits - 1 - k] - '0') << (k & 1);

		sum += v > 9 ? v - 9 : v;
	}
	return sum % 10 == 0 ? end : 0;
}

static bool
is_local(char c)
{
	return isalnum((unsigned char)c) || strchr("._%+-", c);
}

/* An e-mail address whose name begins here. Bytes, or 0. */
static size_t
email(struct str s)
{
	size_t at = 0, end, dot = 0;

	while (at < s.n && at < 65 && s.p[at] && is_local(s.p[at]))
		at++;
	if (at == 0 || at >= s.n || s.p[at] != '@')
		return 0;
	for (end = at + 1; end < s.n && (isalnum((unsigned char)s.p[end]) ||
						s.p[end] == '-' || s.p[end] == '.');
		end++)
		if (s.p[end] == '.' && end + 2 < s.n)
			dot = end;
	while (end > at && s.p[end - 1] == '.')
		end--;
	return dot > at + 1 && dot + 2 < end + 1 ? end : 0;
}

/* ------------------------------------------------------------ a line */

static void
by_default(struct str s, struct buf *out)
{
	size_t i = 0;

	while (i < s.n) {
		struct str rest = { s.p + i, s.n - i };
		bool inside = i > 0 && isalnum((unsigned char)s.p[i - 1]);
		size_t n = 0, before = url_secret(rest, &n);
		const char *word = "[secret]";

		if (before == 0 && !inside)
			before = key_secret(rest, &n);
		if (before == 0 && !inside)
			before = scheme_secret(rest, &n);
		if (before == 0 && !inside && rest.n >= 8 && (n = known_token(rest)) > 0)
			word = "[token]";
		else if (before == 0 && !inside && (n = card(rest)) > 0)
			word = "[card]";
		else if (before == 0 && !inside && (n = email(rest)) > 0)
			word = "[email]";
		if (before == 0 && n == 0) {
			buf_addc(out, s.p[i++]);
			continue;
		}
		buf_add(out, rest.p, before);
		buf_adds(out, word);
		i += before + n;
	}
}

static void
by_expression(const regex_t *x, const char *text, struct buf *out)
{
	int flags = 0;
	regmatch_t m;

	while (*text && regexec(x, text, 1, &m, flags) == 0) {
		if (m.rm_eo == m.rm_so) {
			/* Nothing was matched: go on behind the next character. */
			if (text[m.rm_so] == '\0')
				break;
			buf_add(out, text, (size_t)m.rm_so + 1);
			text += m.rm_so + 1;
		} else {
			buf_add(out, text, (size_t)m.rm_so);
			buf_adds(out, "[redacted]");
			text += m.rm_eo;
		}
		flags = REG_NOTBOL;
	}
	buf_adds(out, text);
}

struct str
redact_text(struct redact *r, struct str text)
{
	struct buf swap;

	if ((!r->defaults && r->n == 0) || text.n == 0)
		return text;
	text.n = MIN(text.n, LOOK);
	buf_clear(&r->a);
	if (r->defaults)
		by_default(text, &r->a);
	else
		buf_add_str(&r->a, text);
	for (unsigned i = 0; i < r->n; i++) {
		/* Expressions end at a NUL; no secret may hide behind one. */
		for (size_t k = 0; k < r->a.n; k++)
			if (r->a.p[k] == '\0')
				r->a.p[k] = ' ';
		buf_clear(&r->b);
		by_expression(&r->own[i], buf_cstr(&r->a), &r->b);
		swap = r->a;
		r->a = r->b;
		r->b = swap;
	}
	return buf_str(&r->a);
}
