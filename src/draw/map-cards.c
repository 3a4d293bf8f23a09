/*
 * The cards: their parts, the rows below their inlets, and the edges between them.
 */
#include "config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "map-fold.h"
#include "weir/base/text.h"
#include "weir/base/util.h"

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

/* The edges behind link @l, which are in the list already, once more at its end. */
static void
add_edges_of(struct fold *f, struct layout_slice *s, int l)
{
	const struct layout_slice *from = &f->link[l].edge;

	for (int i = 0; i < from->count; i++)
		add_to_list(f->p, s, f->p->list[from->first + i]);
}

static struct map_row *
add_row(struct map_plan *p, enum map_row_kind kind, int part)
{
	struct map_row *r = &p->row[p->rows++];

	*r = (struct map_row){ kind, part, begin_list(p) };
	return r;
}

static int
compare_names(struct str x, struct str y)
{
	int order = memcmp(x.p, y.p, MIN(x.n, y.n));

	return order ? order : (x.n > y.n) - (x.n < y.n);
}

/* Chips before leaves, then by name. */
static int
compare_written(const struct fold *f, int a, int b)
{
	if (f->link[a].place != f->link[b].place)
		return f->link[a].place == PLACE_CHIP ? -1 : 1;
	return compare_names(f->p->names[f->link[a].dst], f->p->names[f->link[b].dst]);
}

/* Rows of what @v calls without a line; what is over is taken together in the last. */
static void
write_calls(struct fold *f, int v, int part)
{
	struct map_plan *p = f->p;
	int *found = f->caller, n = 0, shown;

	for (int l = f->out_at[v]; l < f->out_at[v + 1]; l++) {
		int k = n;

		if (f->link[l].back || (f->link[l].place != PLACE_FOLDED &&
					       f->link[l].place != PLACE_CHIP))
			continue;
		for (; k > 0 && compare_written(f, found[k - 1], l) > 0; k--)
			found[k] = found[k - 1];
		found[k] = l;
		n++;
	}
	shown = n > MAP_WRITTEN_ROWS ? MAP_WRITTEN_ROWS - 1 : n;
	for (int i = 0; i < shown; i++) {
		bool chip = f->link[found[i]].place == PLACE_CHIP;
		struct map_row *r = add_row(p, chip ? ROW_CHIP : ROW_FOLD, part);

		add_edges_of(f, &r->edge, found[i]);
	}
	if (shown < n) {
		struct map_row *r = add_row(p, ROW_MORE, part);

		for (int i = shown; i < n; i++)
			add_edges_of(f, &r->edge, found[i]);
	}
}

/* What @v calls outside the focus. */
static void
write_outside(struct fold *f, int v, int part)
{
	const struct map_topo *t = f->t;
	struct map_row *r = NULL;

	for (int e = 0; f->p->outside && e < t->edges; e++) {
		if (t->edge[e].back || f->rep[t->edge[e].src] != v ||
			f->rep[t->edge[e].dst] >= 0)
			continue;
		if (!r)
			r = add_row(f->p, ROW_OUTSIDE, part);
		add_to_list(f->p, &r->edge, e);
	}
}

/* "snuba-*-consumer" for names that begin and end alike. */
static struct str
twin_name(struct fold *f, const struct layout_slice *nodes)
{
	const struct str *names = f->p->names;
	const int *node = f->p->list + nodes->first;
	size_t head = names[node[0]].n, tail = head, shortest = head;
	struct str first = names[node[0]];
	char *s;

	for (int i = 1; i < nodes->count; i++) {
		struct str x = names[node[i]];
		size_t k = 0;

		shortest = MIN(shortest, x.n);
		while (k < MIN(head, x.n) && x.p[k] == first.p[k])
			k++;
		head = k;
		for (k = 0; k < MIN(tail, x.n) &&
			    x.p[x.n - 1 - k] == first.p[first.n - 1 - k];)
			k++;
		tail = k;
	}
	if (head + tail > shortest)
		tail = 0;
	/* Whole words only: what is left of a word would mislead. */
	while (head > 0 && head < first.n && !map_is_separator(first.p[head - 1]))
		head--;
	while (tail > 0 && tail < first.n && !map_is_separator(first.p[first.n - tail]))
		tail--;
	if (head + tail < 2)
		return first;
	s = arena_alloc(&f->p->arena, head + 1 + tail);
	memcpy(s, first.p, head);
	s[head] = '*';
	memcpy(s + head + 1, first.p + first.n - tail, tail);
	return (struct str){ s, head + 1 + tail };
}

/* As a path, so that it is not taken for a service of that name. */
static struct str
group_name(struct fold *f, const char *group)
{
	size_t n = strlen(group);
	char *s = arena_alloc(&f->p->arena, n + 1);

	memcpy(s, group, n);
	s[n] = '/';
	return (struct str){ s, n + 1 };
}

/* By its group's name a card is known again, whoever its members are. */
static uint32_t
group_key(const char *group)
{
	return (uint32_t)hash_bytes(group, strlen(group)) | UINT32_C(1) << 31;
}

static struct str
rest_name(struct fold *f, int count)
{
	char *s = arena_alloc(&f->p->arena, 24);

	return (struct str){ s, (size_t)snprintf(s, 24, "%d more", count) };
}

static void
add_part(struct fold *f, int v, int card)
{
	struct map_plan *p = f->p;
	struct map_part *part = &p->part[p->parts];

	*part = (struct map_part){ begin_list(p), p->names[v], card, f->kind[v] };
	for (int n = v; n < f->t->nodes; n++) {
		if (f->rep[n] != v)
			continue;
		add_to_list(p, &part->node, n);
		p->part_of_node[n] = p->parts;
		p->card_of_node[n] = card;
	}
	if (part->kind == PART_TWINS)
		part->name = twin_name(f, &part->node);
	else if (part->kind == PART_GROUP)
		part->name = group_name(f, f->t->node[v].group);
	else if (part->kind == PART_REST)
		part->name = rest_name(f, part->node.count);
	p->parts++;
}

/*
 * What the services of a group say to each other. What a budget leaves over is not
 * worth a row of its own inside.
 */
static void
write_inside(struct fold *f, int v, int part)
{
	const struct map_topo *t = f->t;
	struct map_row *r = NULL;

	for (int e = 0; f->kind[v] == PART_GROUP && e < t->edges; e++) {
		if (f->rep[t->edge[e].src] != v || f->rep[t->edge[e].dst] != v)
			continue;
		if (!r)
			r = add_row(f->p, ROW_INSIDE, part);
		add_to_list(f->p, &r->edge, e);
	}
}

/* Links from the last part back into a part of the same card. */
static void
write_returns(struct fold *f, int v, int part)
{
	for (int l = f->out_at[v]; l < f->out_at[v + 1]; l++) {
		struct map_row *r;

		if (!f->link[l].back ||
			f->p->card_of_node[f->link[l].dst] != f->p->part[part].card)
			continue;
		r = add_row(f->p, ROW_BACK, part);
		add_edges_of(f, &r->edge, l);
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
	*box = (struct layout_card){ .key = f->kind[head] == PART_GROUP
						    ? group_key(f->t->node[head].group)
						    : f->t->node[head].key };
	for (int v = head; v >= 0; v = f->next[v]) {
		int part = p->parts;

		add_part(f, v, p->cards);
		c->part.count++;
		if (v != head) {
			struct map_row *r;

			add_row(p, ROW_TITLE, part);
			r = add_row(p, ROW_FLOW, part);
			add_edges_of(f, &r->edge, f->callee[f->prev[v]]);
			box->port = p->rows - c->row.first;
		}
		write_inside(f, v, part);
		write_calls(f, v, part);
		write_outside(f, v, part);
		last = v;
	}
	write_returns(f, last, p->parts - 1);
	c->row.count = p->rows - c->row.first;
	p->cards++;
}

/* What is written at its callers, at the shared service itself. */
static void
add_hubs(struct fold *f)
{
	struct map_plan *p = f->p;
	int *count = ARENA_NEW(&p->arena, int, p->cards);

	for (int l = 0; l < f->links; l++)
		if (f->link[l].place == PLACE_CHIP)
			count[p->card_of_node[f->link[l].dst]] += f->link[l].edge.count;
	for (int c = 0; c < p->cards; c++) {
		p->card[c].hub.first = p->list_used;
		p->list_used += count[c];
	}
	for (int l = 0; l < f->links; l++) {
		struct layout_slice *hub;

		if (f->link[l].place != PLACE_CHIP)
			continue;
		hub = &p->card[p->card_of_node[f->link[l].dst]].hub;
		for (int i = 0; i < f->link[l].edge.count; i++)
			p->list[hub->first + hub->count++] =
				p->list[f->link[l].edge.first + i];
	}
}

static int
compare_u64(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return (x > y) - (x < y);
}

/* Edges between cards; links between the same two become one. */
static void
add_edges(struct fold *f)
{
	struct map_plan *p = f->p;
	uint64_t *key = ARENA_NEW(&p->arena, uint64_t, f->links);
	int n = 0;

	for (int l = 0; l < f->links; l++) {
		int a = p->card_of_node[f->link[l].src];
		int b = p->card_of_node[f->link[l].dst];

		if (a != b && f->link[l].place != PLACE_FOLDED)
			key[n++] = (uint64_t)a << 42 | (uint64_t)b << 21 | (uint64_t)l;
	}
	qsort(key, (size_t)n, sizeof(*key), compare_u64);
	for (int i = 0; i < n; i++) {
		int l = (int)(key[i] & 0x1fffff);
		struct layout_edge *to;

		if (i == 0 || key[i] >> 21 != key[i - 1] >> 21) {
			p->edge[p->edges] = (struct layout_edge){ (int)(key[i] >> 42),
				(int)(key[i] >> 21 & 0x1fffff), true, true };
			p->edge_flows[p->edges++] = begin_list(p);
		}
		/* One that is drawn forward draws them all. */
		to = &p->edge[p->edges - 1];
		to->ghost &= f->link[l].place == PLACE_CHIP;
		to->back &= f->link[l].back;
		add_edges_of(f, &p->edge_flows[p->edges - 1], l);
	}
}

static void
make_room(struct map_plan *p, const struct map_topo *t)
{
	struct arena *a = &p->arena;
	int n = t->nodes, m = t->edges;

	p->parts = p->cards = p->rows = p->edges = 0;
	p->part = ARENA_NEW(a, struct map_part, n);
	p->card = ARENA_NEW(a, struct map_card, n);
	p->box = ARENA_NEW(a, struct layout_card, n);
	p->row = ARENA_NEW(a, struct map_row, 3 * n + 2 * m);
	p->edge = ARENA_NEW(a, struct layout_edge, m);
	p->edge_flows = ARENA_NEW(a, struct layout_slice, m);
	p->part_of_node = ARENA_NEW(a, int, n);
	p->card_of_node = ARENA_NEW(a, int, n);
	memset(p->part_of_node, -1, (size_t)n * sizeof(*p->part_of_node));
	memset(p->card_of_node, -1, (size_t)n * sizeof(*p->card_of_node));
}

void
map_make_cards(struct fold *f)
{
	struct map_plan *p = f->p;
	int *leaf_caller = ARENA_NEW(&p->arena, int, f->t->nodes);

	make_room(p, f->t);
	for (int v = 0; v < f->t->nodes; v++)
		if (f->folded[v])
			leaf_caller[v] = f->link[f->caller[v]].src;
	f->caller = ARENA_NEW(&p->arena, int, f->links + 1);
	for (int v = 0; v < f->t->nodes; v++)
		if (is_vertex(f, v) && !f->folded[v] && f->prev[v] < 0)
			add_card(f, v);
	for (int v = 0; v < f->t->nodes; v++)
		if (f->folded[v])
			p->card_of_node[v] = p->card_of_node[leaf_caller[v]];
	add_hubs(f);
	add_edges(f);
}
