#include "config.h"

#include "weir/core/span.h"

#include <ctype.h>
#include <stdlib.h>

#include "weir/base/json.h"
#include "weir/base/util.h"

static const struct spelling {
	struct str name;
	enum span_attr attr;
	uint8_t rank;
} spellings[] = {
#define ATTR(name, field, rank) { STR(name), ATTR_##field, rank },
#include "span-attrs.def"
#undef ATTR
};

static int
by_name(const void *key, const void *row)
{
	const struct str *k = key;
	const struct str *r = &((const struct spelling *)row)->name;
	int c = memcmp(k->p, r->p, MIN(k->n, r->n));

	return c ? c : (k->n > r->n) - (k->n < r->n);
}

static const struct spelling *
find_spelling(const struct span_attrs *a, struct str key)
{
	static const struct spelling chosen = { .attr = ATTR_GROUP, .rank = 0 };

	if (key.n == 0)
		return NULL;
	if (str_eq(key, a->group_by))
		return &chosen;
	return bsearch(
		&key, spellings, ARRAY_LEN(spellings), sizeof(spellings[0]), by_name);
}

bool
span_attrs_wants(const struct span_attrs *a, struct str key)
{
	return find_spelling(a, key) != NULL;
}

void
span_attrs_set(struct span_attrs *a, struct str key, struct str value)
{
	const struct spelling *s = find_spelling(a, key);

	if (!s || value.n == 0)
		return;
	if (a->v[s->attr].n > 0 && a->rank[s->attr] < s->rank)
		return;
	a->v[s->attr] = value;
	a->rank[s->attr] = s->rank;
}

struct str
span_attr(const struct span *s, enum span_attr attr)
{
	if (s->attrs.v[attr].n > 0 || !s->resource)
		return s->attrs.v[attr];
	return s->resource->v[attr];
}

bool
span_is_db(const struct span *s)
{
	return s->kind == SPAN_CLIENT &&
	       (span_attr(s, ATTR_DB_NAMESPACE).n > 0 ||
		       span_attr(s, ATTR_DB_SYSTEM).n > 0 ||
		       (s->remote.n > 0 && s->attrs.v[ATTR_DB_QUERY].n > 0));
}

void
span_db_node(const struct span *s, struct buf *out)
{
	const struct str whole[] = { span_attr(s, ATTR_PEER_SERVICE), s->remote,
		span_attr(s, ATTR_SERVER_ADDRESS) };
	struct str v, port = span_attr(s, ATTR_NETWORK_PORT);

	for (size_t i = 0; i < ARRAY_LEN(whole); i++) {
		if (whole[i].n > 0) {
			buf_add_str(out, whole[i]);
			return;
		}
	}
	v = span_attr(s, ATTR_NETWORK_ADDRESS);
	if (v.n > 0) {
		buf_add_str(out, v);
		if (port.n == 0)
			port = span_attr(s, ATTR_SERVER_PORT);
		if (port.n > 0) {
			buf_addc(out, ':');
			buf_add_str(out, port);
		}
		return;
	}
	v = span_attr(s, ATTR_DB_NAMESPACE);
	buf_add_str(out, v.n > 0 ? v : span_attr(s, ATTR_DB_SYSTEM));
}

enum flow_kind
span_flow_kind(const struct span *s)
{
	const struct str *v = s->attrs.v;

	if (s->kind == SPAN_PRODUCER || s->kind == SPAN_CONSUMER)
		return KIND_MSG;
	if (span_is_db(s))
		return KIND_DB;
	if (v[ATTR_RPC_SYSTEM].n > 0)
		return str_eq(v[ATTR_RPC_SYSTEM], STR("grpc")) ? KIND_GRPC : KIND_RPC;
	if (v[ATTR_MSG_SYSTEM].n > 0)
		return KIND_MSG;
	if (v[ATTR_HTTP_METHOD].n > 0 || v[ATTR_HTTP_STATUS].n > 0 ||
		v[ATTR_HTTP_ROUTE].n > 0 || v[ATTR_URL].n > 0)
		return KIND_HTTP;
	return KIND_UNKNOWN;
}

/* ------------------------------------------------------------ operations */

/* "sku-014": a word with a number behind it that counts things, not versions. */
static bool
is_numbered(struct str seg)
{
	size_t at = seg.n;

	while (at > 0 && seg.p[at - 1] >= '0' && seg.p[at - 1] <= '9')
		at--;
	return at > 1 && seg.n - at >= 3 &&
	       (seg.p[at - 1] == '-' || seg.p[at - 1] == '_');
}

/* A path segment that names one thing among many: a number, a UUID, a long token. */
static bool
is_id(struct str seg)
{
	size_t digits = 0, hex = 0, other = 0;

	for (size_t i = 0; i < seg.n; i++) {
		unsigned char c = (unsigned char)seg.p[i];

		if (c >= '0' && c <= '9')
			digits++;
		else if (((c | 32) >= 'a' && (c | 32) <= 'f') || c == '-')
			hex++;
		else
			other++;
	}
	if (digits == 0)
		return seg.n > 40 || (other > 0 && memchr(seg.p, '@', seg.n));
	if (is_numbered(seg))
		return true;
	return other == 0 ? (hex == 0 || seg.n >= 8)
			  : seg.n > 20 || (seg.n > 3 && digits * 2 > seg.n);
}

void
op_template(struct str name, struct buf *out)
{
	const char *query = name.n ? memchr(name.p, '?', name.n) : NULL;
	size_t from, to;

	if (!name.n || !memchr(name.p, '/', name.n)) {
		buf_add_str(out, name);
		return;
	}
	if (query)
		name.n = (size_t)(query - name.p);
	for (from = 0; from < name.n; from = to) {
		struct str seg;

		for (to = from; to < name.n && !strchr("/ ", name.p[to]); to++)
			;
		seg = (struct str){ name.p + from, to - from };
		if (seg.n > 0 && from > 0 && name.p[from - 1] == '/' && is_id(seg))
			buf_adds(out, "{id}");
		else
			buf_add_str(out, seg);
		if (to < name.n)
			buf_addc(out, name.p[to++]);
	}
}

static int
http_op(const struct span *s, struct buf *out)
{
	const struct str *v = s->attrs.v;
	struct str path =
		v[ATTR_HTTP_ROUTE].n > 0 ? v[ATTR_HTTP_ROUTE] : v[ATTR_URL_TEMPLATE];

	if (path.n == 0)
		return 0;
	if (v[ATTR_HTTP_METHOD].n > 0) {
		buf_add_str(out, v[ATTR_HTTP_METHOD]);
		buf_addc(out, ' ');
	}
	op_template(path, out);
	return 2;
}

static int
db_op(const struct span *s, struct buf *out)
{
	const struct str *v = s->attrs.v;
	size_t before = out->n;

	if (v[ATTR_DB_OPERATION].n > 0 && v[ATTR_DB_COLLECTION].n > 0) {
		buf_add_str(out, v[ATTR_DB_OPERATION]);
		buf_addc(out, ' ');
		buf_add_str(out, v[ATTR_DB_COLLECTION]);
		return 2;
	}
	/* The text knows the table that the operation alone does not. */
	sql_summary(v[ATTR_DB_QUERY], out);
	if (out->n > before && memchr(out->p + before, ' ', out->n - before))
		return 2;
	if (v[ATTR_DB_OPERATION].n > 0) {
		out->n = before;
		buf_add_str(out, v[ATTR_DB_OPERATION]);
	}
	if (out->n > before && v[ATTR_DB_COLLECTION].n > 0) {
		buf_addc(out, ' ');
		buf_add_str(out, v[ATTR_DB_COLLECTION]);
	}
	return out->n > before ? 2 : 0;
}

static int
rpc_op(const struct span *s, struct buf *out)
{
	struct str service = s->attrs.v[ATTR_RPC_SERVICE];
	struct str method = s->attrs.v[ATTR_RPC_METHOD];

	if (method.n == 0)
		return 0;
	if (service.n > 0 && !memchr(method.p, '/', method.n)) {
		buf_add_str(out, service);
		buf_addc(out, '/');
	}
	buf_add_str(out, method);
	return 2;
}

static int
msg_op(const struct span *s, struct buf *out)
{
	struct str to = s->attrs.v[ATTR_MSG_DESTINATION];

	if (to.n == 0)
		to = s->attrs.v[ATTR_MSG_ROUTING_KEY];
	buf_add_str(out, to);
	return to.n > 0 ? 2 : 0;
}

int
span_op(const struct span *s, struct buf *out)
{
	int quality = 0;

	switch (span_flow_kind(s)) {
	case KIND_HTTP:
		quality = http_op(s, out);
		break;
	case KIND_DB:
		quality = db_op(s, out);
		break;
	case KIND_GRPC:
	case KIND_RPC:
		quality = rpc_op(s, out);
		break;
	case KIND_MSG:
		quality = msg_op(s, out);
		break;
	default:
		break;
	}
	if (quality > 0 || s->name.n == 0)
		return quality;
	op_template(s->name, out);
	return 1;
}

struct str
span_code(const struct span *s)
{
	static const enum span_attr status[] = { ATTR_HTTP_STATUS, ATTR_RPC_STATUS,
		ATTR_DB_STATUS };
	struct str v = { 0 };

	for (size_t i = 0; i < ARRAY_LEN(status); i++) {
		v = s->attrs.v[status[i]];
		if (v.n > 0)
			break;
	}
	/* A failure under a code that says success has its reason elsewhere. */
	if (v.n == 0 || (s->failed && (str_eq(v, STR("0")) || str_eq(v, STR("200"))) &&
				s->attrs.v[ATTR_ERROR_TYPE].n > 0))
		return s->attrs.v[ATTR_ERROR_TYPE];
	return v;
}

int64_t
span_size(const struct span *s, enum span_attr attr)
{
	int64_t n;

	if (!json_int64(s->attrs.v[attr], &n) || n < 0)
		return FLOW_UNKNOWN;
	return n;
}

/* ------------------------------------------------------------ statements */

#define SQL_LOOK 2048 /* bytes of a statement that are looked at */

/* Take a word, a quoted name or one other character off @rest. False at the end. */
static bool
sql_token(struct str *rest, struct str *ret_token)
{
	const char *p = rest->p, *end = rest->p + rest->n;
	const char *from;

	while (p < end && isspace((unsigned char)*p))
		p++;
	if (p == end)
		return false;
	from = p;
	if (*p == '\'') {
		for (p++; p < end && *p != '\''; p++)
			;
		p += p < end;
	} else {
		while (p < end && (isalnum((unsigned char)*p) || *p & 0x80 ||
					  strchr("_.$\"`[]", *p)))
			p++;
		p += p == from;
	}
	*ret_token = (struct str){ from, (size_t)(p - from) };
	*rest = (struct str){ p, (size_t)(end - p) };
	return true;
}

/* Go behind comments and opening parentheses at the front. */
static void
sql_trim(struct str *s)
{
	size_t i = 0;

	for (;;) {
		while (i < s->n && (isspace((unsigned char)s->p[i]) || s->p[i] == '('))
			i++;
		if (i + 1 < s->n && s->p[i] == '/' && s->p[i + 1] == '*') {
			for (i += 2;
				i + 1 < s->n && !(s->p[i] == '*' && s->p[i + 1] == '/');
				i++)
				;
			i = MIN(i + 2, s->n);
		} else if (i + 1 < s->n && s->p[i] == '-' && s->p[i + 1] == '-') {
			while (i < s->n && s->p[i] != '\n')
				i++;
		} else {
			break;
		}
	}
	s->p += i;
	s->n -= i;
}

static bool
is_word(struct str t, const char *word)
{
	size_t n = strlen(word);

	if (t.n != n)
		return false;
	for (size_t i = 0; i < n; i++)
		if (toupper((unsigned char)t.p[i]) != word[i])
			return false;
	return true;
}

/* The word behind which a statement's table stands; "" directly behind the verb. */
static const struct {
	const char *verb, *before_table;
} sql_verbs[] = {
	{ "SELECT", "FROM" },
	{ "DELETE", "FROM" },
	{ "INSERT", "INTO" },
	{ "REPLACE", "INTO" },
	{ "MERGE", "INTO" },
	{ "UPDATE", "" },
	{ "TRUNCATE", "" },
	{ "COPY", "" },
	{ "CALL", "" },
	{ "CREATE", "TABLE" },
	{ "ALTER", "TABLE" },
	{ "DROP", "TABLE" },
	{ "LOCK", "TABLE" },
};

static void
add_table(struct buf *out, struct str name)
{
	if (name.n == 0 || name.n > 64 ||
		!(isalpha((unsigned char)name.p[0]) || strchr("_\"`[", name.p[0])))
		return;
	buf_addc(out, ' ');
	for (size_t i = 0; i < name.n; i++)
		if (!strchr("\"`[]", name.p[i]))
			buf_addc(out, name.p[i]);
}

void
sql_summary(struct str query, struct buf *out)
{
	static const char *const fillers[] = { "ONLY", "TABLE", "IF", "NOT", "EXISTS",
		"IGNORE", "LOW_PRIORITY" };
	const char *before = NULL;
	struct str t;
	bool filler;

	if (query.n == 0)
		return;
	query.n = MIN(query.n, SQL_LOOK);
	sql_trim(&query);
	if (!sql_token(&query, &t) || !isalpha((unsigned char)t.p[0]) || t.n > 32)
		return;
	for (size_t i = 0; i < ARRAY_LEN(sql_verbs); i++)
		if (is_word(t, sql_verbs[i].verb))
			before = sql_verbs[i].before_table;
	for (size_t i = 0; i < t.n; i++)
		buf_addc(out, before ? (char)toupper((unsigned char)t.p[i]) : t.p[i]);
	if (!before)
		return;
	while (*before && sql_token(&query, &t))
		if (is_word(t, before))
			break;
	do {
		if (!sql_token(&query, &t))
			return;
		filler = false;
		for (size_t i = 0; i < ARRAY_LEN(fillers); i++)
			filler |= is_word(t, fillers[i]);
	} while (filler);
	add_table(out, t);
}
