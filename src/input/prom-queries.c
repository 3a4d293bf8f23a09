/*
 * Sources of names and labels: Istio "Standard Metrics"; the service graph connector of
 * the OpenTelemetry Collector and Tempo's metrics generator; Linkerd "Proxy Metrics";
 * Cilium's Hubble metrics (httpV2); Beyla's exported metrics.
 *
 * Two proxies count the same request in a mesh, so each row takes one reporter: the
 * caller's, and the callee's only where the caller has no proxy.
 */
#include "config.h"

#include "prom-queries.h"

#include <stdlib.h>

#include "weir/base/util.h"
#include "weir/input/rename.h"

#define S 1e6
#define MS 1e3

/* ------------------------------------------------------------ Istio */

#define ISTIO_SRC "source_canonical_service|source_app|source_workload|=user"
#define ISTIO_DST                                                             \
	"destination_canonical_service|destination_app|destination_workload|" \
	"destination_service_name|destination_service|=unknown"
#define ISTIO_GROUPS                              \
	.src_group = "source_workload_namespace", \
	.dst_group = "destination_workload_namespace|destination_service_namespace"
#define ISTIO_FAILED "response_code~5 grpc_response_status>0"
#define ISTIO(r, m, match)                                                        \
	{                                                                         \
		.preset = "istio", .role = r, .metric = m, .matchers = match,     \
		ISTIO_GROUPS, .src = ISTIO_SRC, .dst = ISTIO_DST,                 \
		.failed = ISTIO_FAILED, .kind = "request_protocol", .unit_us = MS \
	}
#define ISTIO_BOTH(r, m)                              \
	ISTIO(r, m, "reporter=~\"source|waypoint\""), \
		ISTIO(r, m, "reporter=\"destination\",source_workload=\"unknown\"")
#define ISTIO_TCP(r, m)                                                   \
	{                                                                 \
		.preset = "istio", .role = r, .metric = m,                \
		.matchers = "reporter=~\"source|ztunnel\"", ISTIO_GROUPS, \
		.src = ISTIO_SRC, .dst = ISTIO_DST, .kind = "=tcp"        \
	}

/* ------------------------------------------------------------ service graphs */

#define GRAPH(r, m, match)                                                           \
	{                                                                            \
		.preset = "servicegraph", .role = r, .metric = m, .matchers = match, \
		.src = "client", .dst = "server",                                    \
		.src_group = "client_service_namespace|client_k8s_namespace_name",   \
		.dst_group = "server_service_namespace|server_k8s_namespace_name",   \
		.kind = "connection_type", .unit_us = S                              \
	}

/* ------------------------------------------------------------ Linkerd */

#define LINKERD_SELF "deployment|statefulset|daemonset|k8s_job|workload|pod"
#define LINKERD_DST                                                           \
	"dst_deployment|dst_statefulset|dst_daemonset|dst_service|authority|" \
	"target_addr"
#define LINKERD(r, m, match, from, to, own, other)                                   \
	{                                                                            \
		.preset = "linkerd", .role = r, .metric = m, .matchers = match,      \
		.src = from, .dst = to, .failed = "classification=failure",          \
		.src_group = own, .dst_group = other, .kind = "=http", .unit_us = MS \
	}
#define LINKERD_OUT "direction=\"outbound\""
/* From outside the mesh: whoever has an identity is counted where it goes out. */
#define LINKERD_IN "direction=\"inbound\",tls!=\"true\""

/* ------------------------------------------------------------ Hubble, Beyla */

#define HUBBLE(r, m)                                                                   \
	{                                                                              \
		.preset = "hubble", .role = r, .metric = m,                            \
		.matchers = "reporter!=\"client\"",                                    \
		.src = "source_workload|source_app|source|=user",                      \
		.dst = "destination_workload|destination_app|destination",             \
		.src_group = "source_namespace", .dst_group = "destination_namespace", \
		.op = "method", .failed = "status~5", .kind = "=http", .unit_us = S    \
	}
#define BEYLA(m, to, o, fail, k, node)                                          \
	{                                                                       \
		.preset = "beyla", .role = PROM_BUCKETS_AND_CALLS, .metric = m, \
		.src = "service_name", .dst = to,                               \
		.src_group = "k8s_namespace_name|service_namespace", .op = o,   \
		.failed = fail, .kind = k, .dst_kind = node, .unit_us = S       \
	}

const struct prom_query prom_queries[] = {
	ISTIO_BOTH(PROM_CALLS, "istio_requests_total"),
	ISTIO_BOTH(PROM_BUCKETS, "istio_request_duration_milliseconds_bucket"),
	ISTIO_BOTH(PROM_BYTES_IN, "istio_request_bytes_sum"),
	ISTIO_BOTH(PROM_BYTES_OUT, "istio_response_bytes_sum"),
	ISTIO_TCP(PROM_CALLS, "istio_tcp_connections_opened_total"),
	/* the mesh counts what the proxy sent and received, seen from the client */
	ISTIO_TCP(PROM_BYTES_OUT, "istio_tcp_sent_bytes_total"),
	ISTIO_TCP(PROM_BYTES_IN, "istio_tcp_received_bytes_total"),

	GRAPH(PROM_CALLS, "traces_service_graph_request_total", ""),
	GRAPH(PROM_FAILED, "traces_service_graph_request_failed_total", ""),
	/* A virtual caller has no latency of its own, a virtual callee neither. */
	GRAPH(PROM_BUCKETS, "traces_service_graph_request_client_seconds_bucket",
		"client!=\"user\""),
	GRAPH(PROM_BUCKETS, "traces_service_graph_request_server_seconds_bucket",
		"client=\"user\""),

	LINKERD(PROM_CALLS, "response_total", LINKERD_OUT, LINKERD_SELF, LINKERD_DST,
		"namespace", "dst_namespace"),
	LINKERD(PROM_BUCKETS, "response_latency_ms_bucket", LINKERD_OUT, LINKERD_SELF,
		LINKERD_DST, "namespace", "dst_namespace"),
	LINKERD(PROM_CALLS, "response_total", LINKERD_IN, "=user", LINKERD_SELF, NULL,
		"namespace"),
	LINKERD(PROM_BUCKETS, "response_latency_ms_bucket", LINKERD_IN, "=user",
		LINKERD_SELF, NULL, "namespace"),

	HUBBLE(PROM_CALLS, "hubble_http_requests_total"),
	HUBBLE(PROM_BUCKETS, "hubble_http_request_duration_seconds_bucket"),

	BEYLA("http_client_request_duration_seconds_bucket",
		"server_address|server_service_name|peer_service",
		"http_request_method http_route", "http_response_status_code~5", "=http",
		NODE_SERVICE),
	BEYLA("rpc_client_duration_seconds_bucket", "server_address|peer_service",
		"rpc_method", "rpc_grpc_status_code>0", "=grpc", NODE_SERVICE),
	BEYLA("db_client_operation_duration_seconds_bucket",
		"server_address|db_system_name|db_system",
		"db_operation_name db_collection_name", "error_type!", "=db", NODE_DB),
};

const unsigned prom_query_count = ARRAY_LEN(prom_queries);

const char *const prom_preset_names[] = { "istio", "linkerd", "servicegraph", "hubble",
	"beyla", "custom", NULL };

/* ------------------------------------------------------------ reading labels */

/* What sources say when they do not know. */
static bool
is_name(struct str s)
{
	static const char *const none[] = { "unknown", "PassthroughCluster",
		"BlackHoleCluster", "reserved:unknown" };

	for (unsigned i = 0; i < ARRAY_LEN(none); i++)
		if (str_eq(s, str_of(none[i])))
			return false;
	return s.n > 0;
}

/* `shop/checkout` and `reserved:world`, as Hubble has them. */
static struct str
plain(struct str s)
{
	const char *slash = s.n ? memrchr(s.p, '/', s.n) : NULL;

	if (str_eq(s, STR("reserved:world")))
		return STR("user");
	if (slash && slash + 1 < s.p + s.n)
		s = (struct str){ slash + 1, (size_t)(s.p + s.n - slash - 1) };
	return rename_kube(s);
}

/* The first label of the list that has a name; "" when none has. */
static struct str
first_of(const char *list, const struct prom_series *s)
{
	while (list && *list) {
		size_t n = strcspn(list, "|");
		struct str value;

		if (*list == '=')
			return (struct str){ list + 1, n - 1 };
		value = prom_label(s, (struct str){ list, n });
		if (is_name(value))
			return plain(value);
		list += n + (list[n] == '|');
	}
	return STR("");
}

static bool
holds(struct str condition, const struct prom_series *s)
{
	size_t n = 0;
	struct str want, got;
	char number[24];

	while (n < condition.n && !strchr("=!>~", condition.p[n]))
		n++;
	got = prom_label(s, (struct str){ condition.p, n });
	want = (struct str){ condition.p + n + 1, condition.n - n - 1 };
	switch (condition.p[n]) {
	case '=':
		return str_eq(got, want);
	case '!':
		return got.n > 0 && !str_eq(got, want);
	case '~':
		return got.n >= want.n && memcmp(got.p, want.p, want.n) == 0;
	default:
		if (got.n == 0 || got.n >= sizeof(number))
			return false;
		memcpy(number, got.p, got.n);
		number[got.n] = '\0';
		return strtod(number, NULL) > strtod(want.p, NULL);
	}
}

static bool
any_holds(const char *rule, const struct prom_series *s)
{
	while (rule && *rule) {
		size_t n = strcspn(rule, " ");

		if (n > 0 && holds((struct str){ rule, n }, s))
			return true;
		rule += n + (rule[n] == ' ');
	}
	return false;
}

bool
prom_rule_is_sound(const char *rule)
{
	while (*rule) {
		size_t n = strcspn(rule, " "), mark = strcspn(rule, "=!>~");

		if (n > 0 && (mark == 0 || mark >= n))
			return false;
		rule += n + (rule[n] == ' ');
	}
	return true;
}

static enum flow_kind
kind_of(const char *list, const struct prom_series *s, enum node_kind *node)
{
	static const struct {
		const char *word;
		enum flow_kind kind;
		enum node_kind node;
	} words[] = {
		{ "messaging_system", KIND_MSG, NODE_SERVICE },
		{ "database", KIND_DB, NODE_DB },
		{ "virtual_node", KIND_UNKNOWN, NODE_EXTERNAL },
	};
	struct str word = first_of(list, s);
	enum flow_kind kind = KIND_UNKNOWN;

	for (unsigned i = 0; i < ARRAY_LEN(words); i++) {
		if (str_eq(word, str_of(words[i].word))) {
			*node = words[i].node;
			return words[i].kind;
		}
	}
	flow_kind_from(word, &kind);
	return kind;
}

bool
prom_edge_of(const struct prom_query *q, const struct prom_series *s,
	struct prom_edge *ret_edge)
{
	struct prom_edge e = { .src_kind = NODE_SERVICE, .dst_kind = q->dst_kind };

	e.src = first_of(q->src, s);
	e.dst = first_of(q->dst, s);
	if (e.src.n == 0 || e.dst.n == 0)
		return false;
	e.src_group = first_of(q->src_group, s);
	e.dst_group = first_of(q->dst_group, s);
	e.kind = kind_of(q->kind, s, &e.dst_kind);
	if (str_eq(e.src, STR("user"))) {
		e.src_kind = NODE_EXTERNAL;
		/* a service graph's virtual node is the caller then */
		if (e.dst_kind == NODE_EXTERNAL)
			e.dst_kind = NODE_SERVICE;
	}
	if (str_eq(prom_label(s, STR("destination_workload")), STR("unknown")))
		e.dst_kind = NODE_EXTERNAL;
	e.failed = any_holds(q->failed, s);
	*ret_edge = e;
	return true;
}
