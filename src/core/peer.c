#include "config.h"

#include "weir/core/peer.h"

#include <string.h>

#include "weir/base/util.h"

/* The usual order for a caller. */
static const uint8_t usual[] = { ATTR_PEER_SERVICE, PEER_REMOTE, ATTR_DB_NAMESPACE,
	ATTR_DB_SYSTEM, ATTR_SERVER_ADDRESS, ATTR_NETWORK_ADDRESS, ATTR_RPC_SERVICE,
	ATTR_HTTP_HOST, ATTR_MSG_DESTINATION, ATTR_MSG_SYSTEM };

/* Which attribute an option's word means; 0xff for none that could be a name. */
static uint8_t
attr_of(struct str word)
{
	struct span_attrs attrs = { 0 };

	if (str_eq(word, STR("remote")))
		return PEER_REMOTE;
	span_attrs_set(&attrs, word, STR("x"));
	for (size_t i = 0; i < ARRAY_LEN(usual); i++)
		if (usual[i] != PEER_REMOTE && attrs.v[usual[i]].n > 0)
			return usual[i];
	return 0xff;
}

enum status
peer_order_from(const char *list, struct peer_order *ret_order, struct diag *d)
{
	struct peer_order o = { 0 };

	for (const char *at = list; *at;) {
		struct str word = { at, strcspn(at, ",") };
		uint8_t attr = attr_of(word);

		if (attr == 0xff)
			return diag_set(d, STATUS_ERR_USAGE,
				"'%.*s' is nothing to name the other end from (try "
				"peer.service, remote, server.address, db.namespace)",
				(int)MIN(word.n, 64), word.p);
		if (o.n == PEER_MAX)
			return diag_set(d, STATUS_ERR_USAGE,
				"more than %d ways to name the other end", PEER_MAX);
		o.by[o.n++] = attr;
		at += word.n + (at[word.n] == ',');
	}
	*ret_order = o;
	return STATUS_OK;
}

/* One way of naming it. */
static struct str
word_of(const struct span *s, uint8_t by, struct str *ret_port)
{
	const struct str *v = s->attrs.v;

	*ret_port = STR("");
	if (by == PEER_REMOTE)
		return s->remote;
	if (by == ATTR_SERVER_ADDRESS)
		*ret_port = v[ATTR_SERVER_PORT];
	else if (by == ATTR_NETWORK_ADDRESS)
		*ret_port = v[ATTR_NETWORK_PORT].n ? v[ATTR_NETWORK_PORT]
						   : v[ATTR_SERVER_PORT];
	return v[by];
}

void
peer_name(const struct span *s, const struct peer_order *o, struct buf *out,
	struct str *ret_port)
{
	bool calls = s->kind == SPAN_CLIENT || s->kind == SPAN_PRODUCER;
	struct str word = STR("");

	*ret_port = STR("");
	for (unsigned i = 0; calls && word.n == 0 && i < o->n; i++)
		word = word_of(s, o->by[i], ret_port);
	if (word.n == 0 && span_is_db(s)) {
		span_db_node(s, out);
		return;
	}
	/* A callee's other attributes are about itself. */
	for (size_t i = 0; word.n == 0 && i < (calls ? ARRAY_LEN(usual) : 1); i++)
		word = word_of(s, usual[i], ret_port);
	buf_add_str(out, word);
}
