/*
 * span - one finished operation as tracing formats report it, ready for pairing.
 *
 * A plain value whose text is borrowed from the message it was read from; nobody
 * keeps it longer than the call it is handed to. Of a span's attributes only those
 * that weir understands are kept, under one name each: the conventions have renamed
 * most of them at least once and real traces mix the generations (SPAN_ATTR_LIST, the
 * newest name first).
 *
 * Also here: what a span is called on a map. Operation names are templates (route,
 * statement verb and table, method, destination), never raw URLs or statements, so
 * that neither their number nor anybody's private data grows with traffic.
 */
#ifndef WEIR_CORE_SPAN_H
#define WEIR_CORE_SPAN_H

#include "weir/base/buf.h"
#include "weir/core/flow.h"

enum span_kind {
	SPAN_UNSPECIFIED,
	SPAN_INTERNAL,
	SPAN_SERVER,
	SPAN_CLIENT,
	SPAN_PRODUCER,
	SPAN_CONSUMER
};

/* The attributes understood. Their spellings: src/core/span-attrs.def. */
enum span_attr {
	ATTR_SERVICE_NAME,
	ATTR_GROUP, /* what the service belongs to */
	ATTR_HTTP_METHOD,
	ATTR_HTTP_STATUS,
	ATTR_HTTP_ROUTE,
	ATTR_HTTP_HOST,
	ATTR_URL, /* only whether there is one matters; never shown */
	ATTR_URL_TEMPLATE,
	ATTR_REQUEST_SIZE,
	ATTR_RESPONSE_SIZE,
	ATTR_PEER_SERVICE,
	ATTR_SERVER_ADDRESS,
	ATTR_SERVER_PORT,
	ATTR_NETWORK_ADDRESS,
	ATTR_NETWORK_PORT,
	ATTR_DB_SYSTEM,
	ATTR_DB_NAMESPACE,
	ATTR_DB_OPERATION,
	ATTR_DB_COLLECTION,
	ATTR_DB_QUERY, /* never shown: its verb and table are */
	ATTR_DB_STATUS,
	ATTR_RPC_SYSTEM,
	ATTR_RPC_SERVICE,
	ATTR_RPC_METHOD,
	ATTR_RPC_STATUS,
	ATTR_MSG_SYSTEM,
	ATTR_MSG_DESTINATION,
	ATTR_MSG_ROUTING_KEY,
	ATTR_ERROR_TYPE,
	ATTR_COUNT
};

struct span_attrs {
	struct str group_by;      /* this key comes first for ATTR_GROUP, unless "" */
	struct str v[ATTR_COUNT]; /* "" where absent; numbers as decimal text */
	uint8_t rank[ATTR_COUNT]; /* private: how old the spelling was */
};

/* Take one attribute; newer spellings win over older ones. Unknown keys are ignored. */
void span_attrs_set(struct span_attrs *a, struct str key, struct str value);

/* True when span_attrs_set() would make something of @key. */
bool span_attrs_wants(const struct span_attrs *a, struct str key);

struct span_link {
	uint8_t trace[16], span[8];
};

struct span {
	enum flow_origin origin;
	enum span_kind kind;
	bool failed;     /* status is error */
	bool shared;     /* Zipkin: the server side carries its client's id */
	bool may_share;  /* it may do so without saying it */
	uint32_t weight; /* requests this one stands for; 0 is 1 */
	uint32_t flags;  /* OTLP: 0x100 is-remote known, 0x200 parent is remote */
	struct flow_ids ids;
	struct str service, name;
	struct str remote; /* what the sender calls the other end, or "" */
	int64_t start_us, end_us, duration_us; /* duration never negative */
	struct span_attrs attrs;
	const struct span_attrs *resource; /* may be NULL */
	const struct span_link *links;
	uint32_t link_count;
};

/* @attr of the span itself, else of its resource, else "". */
struct str span_attr(const struct span *s, enum span_attr attr);

/* True for a client's call to a data base, which is a whole request by itself. */
bool span_is_db(const struct span *s);

/* The data base's node: who it is, else where it is, else what it is. Appends to @out. */
void span_db_node(const struct span *s, struct buf *out);

enum flow_kind span_flow_kind(const struct span *s);

/*
 * Append the operation. Returns how good a name it is: 2 a template, 1 the span's own
 * name, 0 nothing.
 */
int span_op(const struct span *s, struct buf *out);

/* Status or error type in the protocol's words, or "". Borrowed from the span. */
struct str span_code(const struct span *s);

/* A size attribute, or FLOW_UNKNOWN. */
int64_t span_size(const struct span *s, enum span_attr attr);

/*
 * Append the verb of @query in upper case and the table it is about, as far as they
 * can be told without a grammar. Nothing else of it is ever used.
 */
void sql_summary(struct str query, struct buf *out);

/*
 * Append @name with whatever could be a raw path in it made a template: the query is
 * dropped and segments that look like ids become {id}.
 */
void op_template(struct str name, struct buf *out);

#endif
