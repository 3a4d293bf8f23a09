#include "config.h"

#include "topology.h"

#include <cjson/cJSON.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "weir/base/text.h"
#include "weir/base/util.h"

const char *const topology_names[] = { "bipartite-6x6", "bookinfo", "chain-30",
	"dsb-hotel", "dsb-social", "islands-cjk", "loops-multi", "online-boutique",
	"otel-demo", "otel-demo-full", "petclinic", "sentry-selfhosted", "sock-shop",
	"star-40", "synth-100", "synth-300", "train-ticket", "train-ticket-ui", NULL };

static char *
read_file(const char *path)
{
	struct buf b = BUF_INIT;
	FILE *f = fopen(path, "rb");
	size_t n;

	if (!f)
		return NULL;
	while ((n = fread(buf_reserve(&b, 65536), 1, 65536, f)) > 0)
		b.n += n;
	fclose(f);
	buf_addc(&b, '\0');
	return b.p;
}

static int
compare_names(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

static int
compare_edges(const void *a, const void *b)
{
	const struct topology_edge *x = a, *y = b;

	return x->src != y->src ? x->src - y->src : x->dst - y->dst;
}

static void
normalise_edges(struct topology *t)
{
	int kept = 0;

	qsort(t->edge, (size_t)t->edges, sizeof(*t->edge), compare_edges);
	for (int i = 0; i < t->edges; i++) {
		if (kept > 0 && compare_edges(&t->edge[kept - 1], &t->edge[i]) == 0)
			t->edge[kept - 1].count += t->edge[i].count;
		else
			t->edge[kept++] = t->edge[i];
	}
	t->edges = kept;
}

static int
find_node(const struct topology *t, const char *name)
{
	for (int i = 0; i < t->nodes; i++)
		if (strcmp(t->node[i], name) == 0)
			return i;
	return -1;
}

static struct topology *
from_json(const cJSON *json)
{
	struct topology *t = xcalloc(1, sizeof(*t));
	const cJSON *nodes = cJSON_GetObjectItem(json, "nodes");
	const cJSON *edges = cJSON_GetObjectItem(json, "edges"), *item;

	t->name = xstrdup(cJSON_GetStringValue(cJSON_GetObjectItem(json, "name")));
	t->node = xcalloc((size_t)cJSON_GetArraySize(nodes) + 8, sizeof(*t->node));
	t->edge = xcalloc((size_t)cJSON_GetArraySize(edges) + 8, sizeof(*t->edge));
	cJSON_ArrayForEach(item, nodes)
	{
		struct buf b = BUF_INIT;

		text_clean(&b, str_of(cJSON_GetStringValue(item)), 255);
		t->node[t->nodes++] = xstrdup(buf_cstr(&b));
		buf_done(&b);
	}
	qsort(t->node, (size_t)t->nodes, sizeof(*t->node), compare_names);
	cJSON_ArrayForEach(item, edges)
	{
		int src = find_node(t, cJSON_GetStringValue(cJSON_GetArrayItem(item, 0)));
		int dst = find_node(t, cJSON_GetStringValue(cJSON_GetArrayItem(item, 1)));

		if (src >= 0 && dst >= 0)
			t->edge[t->edges++] = (struct topology_edge){ src, dst, 1 };
	}
	normalise_edges(t);
	return t;
}

struct topology *
topology_load(const char *name)
{
	const char *top = getenv("top_srcdir");
	struct topology *t;
	char path[1024], *text;
	cJSON *json;

	if (strchr(name, '/'))
		snprintf(path, sizeof(path), "%s", name);
	else
		snprintf(path, sizeof(path), "%s/tests/data/topologies/%s.json",
			top ? top : ".", name);
	text = read_file(path);
	if (!text)
		return NULL;
	json = cJSON_Parse(text);
	free(text);
	if (!json)
		return NULL;
	t = from_json(json);
	cJSON_Delete(json);
	return t;
}

uint64_t
topology_random_next(uint64_t *state)
{
	*state = *state * UINT64_C(6364136223846793005) + 1442695040888963407;
	return *state >> 33;
}

/* An edge between any two nodes, or one to the right over mostly one tier. */
static struct topology_edge
random_edge(int nodes, int tiers, uint64_t *seed)
{
	int a = (int)(topology_random_next(seed) % (uint64_t)nodes);
	int b = (int)(topology_random_next(seed) % (uint64_t)nodes);
	bool back = topology_random_next(seed) % 100 == 0;
	int want = 1 + (topology_random_next(seed) % 4 == 0);

	if (tiers > 1) {
		a -= a % tiers == tiers - 1;
		want = MIN(want, tiers - 1 - a % tiers);
	}
	for (int i = 0; tiers && i < 50 && b % tiers - a % tiers != want; i++)
		b = (b + 1) % nodes;
	if (!tiers && a > b) {
		int swap = a;

		a = b;
		b = swap;
	}
	return back ? (struct topology_edge){ b, a, 1 }
		    : (struct topology_edge){ a, b, 1 };
}

struct topology *
topology_random(int nodes, int edges, int tiers, uint64_t seed)
{
	struct topology *t = xcalloc(1, sizeof(*t));
	char name[32];

	t->name = xstrdup("random");
	t->node = xcalloc((size_t)nodes + 8, sizeof(*t->node));
	t->edge = xcalloc((size_t)edges + 8, sizeof(*t->edge));
	for (int i = 0; i < nodes; i++) {
		snprintf(name, sizeof(name), "svc-%03d", i);
		t->node[t->nodes++] = xstrdup(name);
	}
	for (int i = 0; i < edges && nodes > 0; i++)
		t->edge[t->edges++] = random_edge(nodes, tiers, &seed);
	normalise_edges(t);
	return t;
}

struct topology *
topology_copy(const struct topology *t)
{
	struct topology *c = xcalloc(1, sizeof(*c));

	*c = *t;
	c->name = xstrdup(t->name);
	c->gone = NULL;
	c->gones = 0;
	c->node = xcalloc((size_t)t->nodes + 8, sizeof(*c->node));
	for (int i = 0; i < t->nodes; i++)
		c->node[i] = xstrdup(t->node[i]);
	c->edge = xcalloc((size_t)t->edges + 8, sizeof(*c->edge));
	memcpy(c->edge, t->edge, (size_t)t->edges * sizeof(*c->edge));
	return c;
}

void
topology_free(struct topology *t)
{
	if (!t)
		return;
	for (int i = 0; i < t->nodes; i++)
		free(t->node[i]);
	for (int i = 0; i < t->gones; i++)
		free(t->gone[i]);
	free(t->node);
	free(t->gone);
	free(t->edge);
	free(t->name);
	free(t);
}

/* Room for a few more was left by the constructors. */
void
topology_add_edge(struct topology *t, int src, int dst)
{
	t->edge[t->edges++] = (struct topology_edge){ src, dst, 1 };
	normalise_edges(t);
}

void
topology_remove_edge(struct topology *t, int edge)
{
	t->edges--;
	memmove(t->edge + edge, t->edge + edge + 1,
		(size_t)(t->edges - edge) * sizeof(*t->edge));
}

int
topology_add_node(struct topology *t, const char *name)
{
	int at = 0;

	while (at < t->nodes && strcmp(t->node[at], name) < 0)
		at++;
	memmove(t->node + at + 1, t->node + at,
		(size_t)(t->nodes - at) * sizeof(*t->node));
	t->node[at] = xstrdup(name);
	t->nodes++;
	for (int i = 0; i < t->edges; i++) {
		t->edge[i].src += t->edge[i].src >= at;
		t->edge[i].dst += t->edge[i].dst >= at;
	}
	return at;
}

void
topology_remove_node(struct topology *t, int node)
{
	int kept = 0;

	t->gone = xreallocarray(t->gone, (size_t)t->gones + 1, sizeof(*t->gone));
	t->gone[t->gones++] = t->node[node];
	t->nodes--;
	memmove(t->node + node, t->node + node + 1,
		(size_t)(t->nodes - node) * sizeof(*t->node));
	for (int i = 0; i < t->edges; i++) {
		struct topology_edge e = t->edge[i];

		if (e.src == node || e.dst == node)
			continue;
		e.src -= e.src > node;
		e.dst -= e.dst > node;
		t->edge[kept++] = e;
	}
	t->edges = kept;
}

uint32_t
topology_key(const char *name)
{
	return (uint32_t)hash_bytes(name, strlen(name)) & 0x7fffffff;
}

/* A number in [0, 1) from up to two names and a salt. */
static double
hashed(const char *a, const char *b, uint64_t salt)
{
	uint64_t h =
		hash_bytes(a, strlen(a)) * 31 + hash_bytes(b, strlen(b)) + salt * 977;

	h = (h ^ h >> 31) * UINT64_C(0xbf58476d1ce4e5b9);
	h ^= h >> 29;
	return (double)(h & 0xffffff) / (double)0x1000000;
}

struct model {
	bool *back;
	double *rate_in;
	double *edge_rate;
	int64_t *node_us;
	bool *victim;
	int *order, ordered;
};

static void
order_nodes(const struct topology *t, struct model *m)
{
	int *waiting = xcalloc((size_t)t->nodes, sizeof(*waiting));

	for (int i = 0; i < t->edges; i++)
		waiting[t->edge[i].dst] += !m->back[i];
	for (int v = 0; v < t->nodes; v++)
		if (waiting[v] == 0)
			m->order[m->ordered++] = v;
	for (int head = 0; head < m->ordered; head++)
		for (int i = 0; i < t->edges; i++)
			if (t->edge[i].src == m->order[head] && !m->back[i] &&
				--waiting[t->edge[i].dst] == 0)
				m->order[m->ordered++] = t->edge[i].dst;
	free(waiting);
}

static void
find_backs(const struct topology *t, struct model *m)
{
	struct layout_edge *e = xcalloc((size_t)t->edges, sizeof(*e));

	for (int i = 0; i < t->edges; i++) {
		e[i] = (struct layout_edge){ .src = t->edge[i].src,
			.dst = t->edge[i].dst };
		m->back[i] = e[i].src == e[i].dst;
	}
	layout_feedback(t->nodes, e, t->edges, m->back);
	free(e);
}

static int
choose_slow(
	const struct topology *t, const struct model *m, const char *slow, uint64_t seed)
{
	int best = -1;
	double score = -1;

	if (slow)
		return find_node(t, slow);
	for (int v = 0; v < t->nodes; v++) {
		int in = 0;

		for (int i = 0; i < t->edges; i++)
			in += t->edge[i].dst == v && !m->back[i];
		if (in >= 1 && in <= 2 && hashed(t->node[v], "slow", seed) > score) {
			score = hashed(t->node[v], "slow", seed);
			best = v;
		}
	}
	return best;
}

/* Rates run down from the entries, latencies up from the ends. */
static void
run_model(const struct topology *t, struct model *m, int slow, uint64_t seed)
{
	for (int k = 0; k < m->ordered; k++) {
		int v = m->order[k];
		bool entry = true;

		for (int i = 0; i < t->edges; i++)
			entry &= t->edge[i].dst != v || m->back[i];
		if (entry)
			m->rate_in[v] = 150 * pow(10, hashed(t->node[v], "rate", seed));
		for (int i = 0; i < t->edges; i++) {
			const char *w = t->node[t->edge[i].dst];

			if (t->edge[i].src != v || m->back[i])
				continue;
			m->edge_rate[i] =
				m->rate_in[v] *
				(0.03 + 0.9 * pow(hashed(t->node[v], w, seed), 1.6));
			m->rate_in[t->edge[i].dst] += m->edge_rate[i];
		}
	}
	for (int k = m->ordered - 1; k >= 0; k--) {
		int v = m->order[k];
		int64_t worst = 0;

		for (int i = 0; i < t->edges; i++) {
			if (t->edge[i].src != v || m->back[i])
				continue;
			worst = MAX(worst, m->node_us[t->edge[i].dst]);
			m->victim[v] |=
				t->edge[i].dst == slow || m->victim[t->edge[i].dst];
		}
		m->node_us[v] =
			worst * 26 / 25 +
			(v == slow ? 1640000
				   : 2000 + (int64_t)(40000 *
						      pow(hashed(t->node[v], "us", seed),
							      2)));
	}
}

static void
fill_edge(
	const struct topology *t, const struct model *m, int i, int slow, struct snap *s)
{
	const struct topology_edge *te = &t->edge[i];
	struct snap_edge *e = snap_edge_add(s, (uint32_t)te->src, (uint32_t)te->dst);
	bool back = m->back[i];
	double rate = back ? 1 + m->rate_in[te->src] * 0.1 : m->edge_rate[i];
	int64_t p99 = back ? 3000 + (int64_t)te->src * 100 : m->node_us[te->dst];

	e->kind = KIND_HTTP;
	e->key = topology_key(t->node[te->src]) * 31 + topology_key(t->node[te->dst]);
	e->severity = te->dst == slow && !back      ? SEV_CRIT
		      : m->victim[te->dst] && !back ? SEV_WARN
						    : SEV_OK;
	e->stat.rate = rate;
	e->stat.calls = e->stat.samples = (uint64_t)(rate * 60) + 1;
	e->stat.p50_us = p99 / 3;
	e->stat.p95_us = p99 * 3 / 4;
	e->stat.p99_us = p99;
	e->stat.max_us = p99 * 2;
	e->origins = 1u << ORIGIN_OTLP;
}

static void
fill_nodes(const struct topology *t, const struct model *m, int slow, struct snap *s)
{
	for (int v = 0; v < t->nodes; v++) {
		struct snap_node *n = snap_node_add(s, t->node[v]);

		n->key = topology_key(t->node[v]);
		n->severity = v == slow ? SEV_CRIT : m->victim[v] ? SEV_WARN : SEV_OK;
		s->sev_count[n->severity]++;
	}
	for (int i = 0; i < t->edges; i++) {
		struct snap_node *src, *dst;

		fill_edge(t, m, i, slow, s);
		src = &s->node[t->edge[i].src];
		dst = &s->node[t->edge[i].dst];
		src->rate_out =
			(isnan(src->rate_out) ? 0 : src->rate_out) + s->edge[i].stat.rate;
		dst->rate_in =
			(isnan(dst->rate_in) ? 0 : dst->rate_in) + s->edge[i].stat.rate;
		dst->p99_in_us = MAX(dst->p99_in_us, s->edge[i].stat.p99_us);
		dst->calls_in += s->edge[i].stat.calls;
	}
}

void
topology_snap(const struct topology *t, struct snap *s, const char *slow, uint64_t seed)
{
	size_t n = (size_t)t->nodes + 1, e = (size_t)t->edges + 1;
	struct model m = { .back = xcalloc(e, sizeof(bool)),
		.rate_in = xcalloc(n, sizeof(double)),
		.edge_rate = xcalloc(e, sizeof(double)),
		.node_us = xcalloc(n, sizeof(int64_t)),
		.victim = xcalloc(n, sizeof(bool)),
		.order = xcalloc(n, sizeof(int)) };
	int chosen;

	snap_clear(s);
	find_backs(t, &m);
	order_nodes(t, &m);
	chosen = choose_slow(t, &m, slow, seed);
	run_model(t, &m, chosen, seed);
	fill_nodes(t, &m, chosen, s);
	s->window_us = s->covered_us = 60 * SEC_US;
	s->now_us = INT64_C(1767621751) * SEC_US;
	free(m.back);
	free(m.rate_in);
	free(m.edge_rate);
	free(m.node_us);
	free(m.victim);
	free(m.order);
	snap_sort(s);
}

struct layout_graph
topology_graph(const struct topology *t, int head, int tail)
{
	struct layout_card *card = xcalloc((size_t)t->nodes, sizeof(*card));
	struct layout_edge *edge = xcalloc((size_t)t->edges, sizeof(*edge));
	int edges = 0;

	for (int v = 0; v < t->nodes; v++)
		card[v] = (struct layout_card){
			.key = topology_key(t->node[v]),
			.width = MAX(18, text_width(str_of(t->node[v])) + 6),
			.head = head,
			.tail = tail,
		};
	for (int i = 0; i < t->edges; i++)
		if (t->edge[i].src != t->edge[i].dst)
			edge[edges++] = (struct layout_edge){ .src = t->edge[i].src,
				.dst = t->edge[i].dst };
	return (struct layout_graph){ card, t->nodes, edge, edges };
}

void
topology_graph_done(struct layout_graph *g)
{
	free((void *)g->card);
	free((void *)g->edge);
	*g = (struct layout_graph){ 0 };
}
