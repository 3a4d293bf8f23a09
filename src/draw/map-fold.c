/*
 * Which cards there are at a level, and what is written in them.
 *
 * Three simplifications, each exact and reversible, each O(nodes + edges):
 * - chips: calm flows into a service with many callers are written at both ends
 *   instead of drawn. They keep shaping the layers, else every hub would stand left.
 * - leaves: a service with one caller and no callee becomes a row of its caller.
 * - racks: a caller whose only callee has no other caller is stacked upon it.
 * What was in trouble when the map was laid out afresh is never hidden by the first
 * two; what gets into trouble later shows it where it is written, and nothing moves.
 */
#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "map.h"
#include "weir/base/text.h"
#include "weir/base/util.h"

#define FOLD_ROWS 3 /* at most so many rows of folded leaves and chips */
#define RACK_ROWS 24

enum place {
	PLACE_DRAWN,
	PLACE_CHIP,
	PLACE_FOLDED,
	PLACE_INNER
};

struct fold {
	struct map_plan *p;
	const struct map_topo *t;
	uint8_t *place;         /* of each edge */
	int *callers, *callees; /* drawn forward edges */
	int *backs_out;
	int *chips_in, *chips_out;
	int *caller, *callee; /* the edge, where there is but one */
	bool *folded;
	int *next, *prev; /* in the rack, -1 */
	int *out_at;      /* edges of node v: out_at[v] .. out_at[v + 1] - 1 */
};

/* ---- the decisions */

static void
list_edges(struct fold *f)
{
	struct arena *a = &f->p->arena;
	int n = f->t->nodes, m = f->t->edges;

	/* Edges are sorted by (src, dst): those of a node are neighbours. */
	f->out_at = ARENA_NEW(a, int, n + 1);
	for (int e = 0; e < m; e++)
		f->out_at[f->t->edge[e].src + 1]++;
	for (int v = 0; v < n; v++)
		f->out_at[v + 1] += f->out_at[v];
}

/* Count again what is still drawn. */
static void
count_drawn(struct fold *f)
{
	size_t n = (size_t)f->t->nodes * sizeof(int);

	memset(f->callers, 0, n);
	memset(f->callees, 0, n);
	memset(f->backs_out, 0, n);
	memset(f->chips_in, 0, n);
	memset(f->chips_out, 0, n);
	for (int e = 0; e < f->t->edges; e++) {
		const struct map_edge *x = &f->t->edge[e];

		if (x->back) {
			f->backs_out[x->src]++;
		} else if (f->place[e] == PLACE_CHIP) {
			f->chips_in[x->dst]++;
			f->chips_out[x->src]++;
		} else if (f->place[e] == PLACE_DRAWN) {
			f->callers[x->dst]++;
			f->caller[x->dst] = e;
			f->callees[x->src]++;
			f->callee[x->src] = e;
		}
	}
}

static void
choose_chips(struct fold *f, int least)
{
	int *calm = f->chips_in;

	if (!least)
		return;
	memset(calm, 0, (size_t)f->t->nodes * sizeof(*calm));
	for (int e = 0; e < f->t->edges; e++)
		calm[f->t->edge[e].dst] += !f->t->edge[e].back && !f->t->edge[e].hot;
	for (int e = 0; e < f->t->edges; e++) {
		const struct map_edge *x = &f->t->edge[e];

		if (!x->back && !x->hot && calm[x->dst] >= least)
			f->place[e] = PLACE_CHIP;
	}
}

/* A caller without callers keeps its leaves: the way in is worth drawing. */
static void
choose_leaves(struct fold *f)
{
	for (int v = 0; v < f->t->nodes; v++) {
		const struct map_node *x = &f->t->node[v];
		int u;

		if (f->callers[v] != 1 || f->callees[v] || f->backs_out[v] ||
			f->chips_in[v] || f->chips_out[v] || x->loop || x->hot)
			continue;
		u = f->t->edge[f->caller[v]].src;
		if (f->callers[u] == 0 && f->chips_in[u] == 0)
			continue;
		f->folded[v] = true;
	}
	for (int v = 0; v < f->t->nodes; v++)
		if (f->folded[v])
			f->place[f->caller[v]] = PLACE_FOLDED;
}

static bool
may_stack(const struct fold *f, int u, int v)
{
	return f->callees[u] == 1 && f->callers[v] == 1 && !f->backs_out[u] &&
	       !f->chips_out[u] && !f->chips_in[v] && !f->t->node[u].loop &&
	       !f->t->node[v].loop;
}

static int
written_rows(const struct fold *f, int v)
{
	int rows = 0;

	for (int e = f->out_at[v]; e < f->out_at[v + 1]; e++)
		rows += f->place[e] == PLACE_FOLDED || f->place[e] == PLACE_CHIP;
	return MIN(rows, FOLD_ROWS);
}

static void
choose_racks(struct fold *f, int max_rows)
{
	for (int u = 0; u < f->t->nodes; u++) {
		int v;

		if (f->callees[u] != 1 || f->folded[u])
			continue;
		v = f->t->edge[f->callee[u]].dst;
		if (!may_stack(f, u, v))
			continue;
		f->next[u] = v;
		f->prev[v] = u;
	}
	/* Chains begin at nodes that nothing is stacked upon; cut them at the height. */
	for (int u = 0; u < f->t->nodes; u++) {
		int rows = 2 + written_rows(f, u);

		if (f->prev[u] >= 0)
			continue;
		for (int v = u; f->next[v] >= 0;) {
			int w = f->next[v];

			rows += 2 + written_rows(f, w);
			if (rows > max_rows) {
				f->next[v] = f->prev[w] = -1;
				rows = 2 + written_rows(f, w);
			} else {
				f->place[f->callee[v]] = PLACE_INNER;
			}
			v = w;
		}
	}
}

/* ---- the cards */

static struct layout_slice
begin_list(const struct map_plan *p)
{
	return (struct layout_slice){ p->list_used, 0 };
}

static void
add_to_list(struct map_plan *p, struct layout_slice *s, int item)
{
	p->list[p->list_used++] = item;
	s->count++;
}

static struct map_row *
add_row(struct map_plan *p, enum map_row_kind kind, int part)
{
	struct map_row *r = &p->row[p->rows++];

	*r = (struct map_row){ kind, part, begin_list(p) };
	return r;
}

static struct str
part_name(const struct map_plan *p, int e, const struct map_topo *t)
{
	return p->names[t->edge[e].dst];
}

static int
compare_written(const struct fold *f, int a, int b)
{
	struct str x, y;
	int order;

	if (f->place[a] != f->place[b])
		return f->place[a] == PLACE_CHIP ? -1 : 1;
	x = part_name(f->p, a, f->t);
	y = part_name(f->p, b, f->t);
	order = memcmp(x.p, y.p, MIN(x.n, y.n));
	return order ? order : (x.n > y.n) - (x.n < y.n);
}

/* Rows of what @v calls without a line: chips first, by name; what is over in one. */
static void
write_calls(struct fold *f, int v, int part)
{
	struct map_plan *p = f->p;
	int *found = p->list + p->list_used, n = 0, shown;

	for (int e = f->out_at[v]; e < f->out_at[v + 1]; e++) {
		int k = n;

		if (f->t->edge[e].back ||
			(f->place[e] != PLACE_FOLDED && f->place[e] != PLACE_CHIP))
			continue;
		for (; k > 0 && compare_written(f, found[k - 1], e) > 0; k--)
			found[k] = found[k - 1];
		found[k] = e;
		n++;
	}
	shown = n > FOLD_ROWS ? FOLD_ROWS - 1 : n;
	for (int i = 0; i < n; i++) {
		int e = found[i];
		enum map_row_kind kind = f->place[e] == PLACE_CHIP ? ROW_CHIP : ROW_FOLD;

		/* The list is where they are already: rows become slices of it. */
		if (i <= shown && (i < shown || shown < n)) {
			p->row[p->rows++] = (struct map_row){ i < shown ? kind : ROW_MORE,
				part, { p->list_used, 0 } };
		}
		p->list_used++;
		p->row[p->rows - 1].edge.count++;
	}
}

static void
add_part(struct fold *f, int v, int card)
{
	struct map_plan *p = f->p;
	struct map_part *part = &p->part[p->parts];

	*part = (struct map_part){ begin_list(p), p->names[v], card };
	add_to_list(p, &part->node, v);
	p->part_of_node[v] = p->parts++;
	p->card_of_node[v] = card;
}

/* Edges from the last part back into a part of the same card. */
static void
write_returns(struct fold *f, int v, int part)
{
	for (int e = f->out_at[v]; e < f->out_at[v + 1]; e++) {
		struct map_row *r;

		if (!f->t->edge[e].back ||
			f->p->card_of_node[f->t->edge[e].dst] != f->p->part[part].card)
			continue;
		r = add_row(f->p, ROW_BACK, part);
		add_to_list(f->p, &r->edge, e);
	}
}

static void
add_card(struct fold *f, int head)
{
	struct map_plan *p = f->p;
	struct map_card *c = &p->card[p->cards];
	struct layout_card *box = &p->box[p->cards];
	int last = head;

	*c = (struct map_card){ .part = { p->parts, 0 }, .row = { p->rows, 0 } };
	*box = (struct layout_card){ .key = f->t->node[head].key };
	for (int v = head; v >= 0; v = f->next[v]) {
		int part = p->parts;

		add_part(f, v, p->cards);
		c->part.count++;
		if (v != head) {
			struct map_row *r;

			add_row(p, ROW_TITLE, part);
			r = add_row(p, ROW_FLOW, part);
			add_to_list(p, &r->edge, f->callee[f->prev[v]]);
			box->port = p->rows - c->row.first;
		}
		write_calls(f, v, part);
		last = v;
	}
	write_returns(f, last, p->parts - 1);
	c->row.count = p->rows - c->row.first;
	p->cards++;
}

static void
add_hubs(struct fold *f)
{
	struct map_plan *p = f->p;
	int *count = ARENA_NEW(&p->arena, int, p->cards);

	for (int e = 0; e < f->t->edges; e++)
		if (f->place[e] == PLACE_CHIP)
			count[p->card_of_node[f->t->edge[e].dst]]++;
	for (int c = 0; c < p->cards; c++) {
		p->card[c].hub.first = p->list_used;
		p->list_used += count[c];
	}
	for (int e = 0; e < f->t->edges; e++)
		if (f->place[e] == PLACE_CHIP) {
			struct layout_slice *hub =
				&p->card[p->card_of_node[f->t->edge[e].dst]].hub;

			p->list[hub->first + hub->count++] = e;
		}
}

static int
compare_u64(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return (x > y) - (x < y);
}

/* Edges between cards; several between the same two become one. */
static void
add_edges(struct fold *f)
{
	struct map_plan *p = f->p;
	const struct map_topo *t = f->t;
	uint64_t *key = ARENA_NEW(&p->arena, uint64_t, t->edges);
	int n = 0;

	for (int e = 0; e < t->edges; e++) {
		int a = p->card_of_node[t->edge[e].src];
		int b = p->card_of_node[t->edge[e].dst];

		if (a != b && f->place[e] != PLACE_FOLDED)
			key[n++] = (uint64_t)a << 42 | (uint64_t)b << 21 | (uint64_t)e;
	}
	qsort(key, (size_t)n, sizeof(*key), compare_u64);
	for (int i = 0; i < n; i++) {
		int e = (int)(key[i] & 0x1fffff);
		struct layout_edge *to;

		if (i == 0 || key[i] >> 21 != key[i - 1] >> 21) {
			p->edge[p->edges] = (struct layout_edge){ (int)(key[i] >> 42),
				(int)(key[i] >> 21 & 0x1fffff), true, true };
			p->edge_flows[p->edges++] = begin_list(p);
		}
		/* One that is drawn forward draws them all. */
		to = &p->edge[p->edges - 1];
		to->ghost &= f->place[e] == PLACE_CHIP;
		to->back &= t->edge[e].back;
		add_to_list(p, &p->edge_flows[p->edges - 1], e);
	}
}

static void
make_room(struct map_plan *p, const struct map_topo *t)
{
	struct arena *a = &p->arena;
	int n = t->nodes, m = t->edges;

	p->parts = p->cards = p->rows = p->edges = p->list_used = 0;
	p->part = ARENA_NEW(a, struct map_part, n);
	p->card = ARENA_NEW(a, struct map_card, n);
	p->box = ARENA_NEW(a, struct layout_card, n);
	p->row = ARENA_NEW(a, struct map_row, 2 * n + m);
	p->edge = ARENA_NEW(a, struct layout_edge, m);
	p->edge_flows = ARENA_NEW(a, struct layout_slice, m);
	p->list_room = 2 * n + 4 * m;
	p->list = ARENA_NEW(a, int, p->list_room);
	p->part_of_node = ARENA_NEW(a, int, n);
	p->card_of_node = ARENA_NEW(a, int, n);
}

void
map_fold(struct map_plan *p, const struct map_topo *t, int max_rows)
{
	struct arena *a = &p->arena;
	int n = t->nodes;
	struct fold f = { .p = p,
		.t = t,
		.place = ARENA_NEW(a, uint8_t, t->edges),
		.callers = ARENA_NEW(a, int, n),
		.callees = ARENA_NEW(a, int, n),
		.backs_out = ARENA_NEW(a, int, n),
		.chips_in = ARENA_NEW(a, int, n),
		.chips_out = ARENA_NEW(a, int, n),
		.caller = ARENA_NEW(a, int, n),
		.callee = ARENA_NEW(a, int, n),
		.folded = ARENA_NEW(a, bool, n),
		.next = ARENA_NEW(a, int, n),
		.prev = ARENA_NEW(a, int, n) };

	make_room(p, t);
	list_edges(&f);
	choose_chips(&f, p->level.chips);
	count_drawn(&f);
	if (p->level.fold) {
		choose_leaves(&f);
		count_drawn(&f);
	}
	for (int v = 0; v < n; v++)
		f.next[v] = f.prev[v] = -1;
	if (p->level.rack)
		choose_racks(&f, MIN(max_rows, RACK_ROWS));
	for (int v = 0; v < n; v++)
		p->part_of_node[v] = p->card_of_node[v] = -1;
	for (int v = 0; v < n; v++)
		if (!f.folded[v] && f.prev[v] < 0)
			add_card(&f, v);
	for (int v = 0; v < n; v++)
		if (f.folded[v])
			p->card_of_node[v] = p->card_of_node[t->edge[f.caller[v]].src];
	add_hubs(&f);
	add_edges(&f);
}
