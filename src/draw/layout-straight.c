/*
 * Which links shall be straight.
 *
 * Of the links of one caller between two layers only one can be, and straight ones
 * cannot cross each other. So in each channel the most valuable sequence of links is
 * chosen whose ends follow each other on both sides: a longest increasing subsequence,
 * after Brandes and Koepf's alignment of long lines. Rows then give those links many
 * times their weight, instead of a little to each, which would bend them all.
 * O(links squared) a channel; a large tangle is left alone.
 */
#include "config.h"

#include <string.h>

#include "layout-priv.h"
#include "weir/base/util.h"

/* Elements: a drawing of more is a tangle with straight links or without. */
#define LARGE 500

/* A link and where its ends would be, were each layer packed. */
struct rung {
	int link, left, right; /* positions; rows of a card follow each other */
	int left_row, right_row;
	int value, sum, before; /* of the best sequence that ends here */
};

/* A bend shows more the longer the line is. */
static int
value_of(const struct lay *lay, int link)
{
	return 4 + (lay->link_from[link] >= lay->n) + (lay->link_to[link] >= lay->n);
}

static void
list_rungs(const struct lay *lay, int l, const int *packed, struct rung *rung, int *ret_n)
{
	int n = 0;

	for (int i = lay->layer_at[l]; i < lay->layer_at[l + 1]; i++) {
		int el = lay->order[i];

		for (int k = lay->right.at[el]; k < lay->right.at[el + 1]; k++) {
			int link = lay->right.item[k], to = lay->link_to[link];

			rung[n++] = (struct rung){ .link = link,
				.left = lay->pos[el],
				.right = lay->pos[to],
				.left_row = packed[el] + lay->port[el],
				.right_row = packed[to] + lay->link_row[link],
				.value = value_of(lay, link) };
		}
	}
	*ret_n = n;
}

/* Can both be straight? Rows of one card are as far apart as they are. */
static bool
go_together(const struct rung *a, const struct rung *b)
{
	if (a->left >= b->left || a->right_row >= b->right_row)
		return false;
	return a->right != b->right ||
	       b->left_row - a->left_row <= b->right_row - a->right_row;
}

static void
choose(struct lay *lay, struct rung *rung, int n)
{
	int best = -1;

	for (int i = 0; i < n; i++) {
		rung[i].before = -1;
		for (int k = 0; k < i; k++)
			if (rung[k].sum > rung[i].sum &&
				go_together(&rung[k], &rung[i])) {
				rung[i].sum = rung[k].sum;
				rung[i].before = k;
			}
		rung[i].sum += rung[i].value;
		if (best < 0 || rung[i].sum > rung[best].sum)
			best = i;
	}
	for (int i = best; i >= 0; i = rung[i].before)
		lay->straight[rung[i].link] = true;
}

void
layout_straight(struct lay *lay, const int *packed)
{
	struct rung *rung = ARENA_NEW(lay->arena, struct rung, lay->links);
	int n;

	if (lay->els > LARGE)
		return;
	lay->straight = ARENA_NEW(lay->arena, bool, lay->links);
	for (int l = 0; l + 1 < lay->layers; l++) {
		list_rungs(lay, l, packed, rung, &n);
		choose(lay, rung, n);
	}
}

/* ------------------------------------------------------------------------- rows */

/* A bend is as bad as a line that runs so many rows further. */
#define BEND 6

#define ROUNDS 3
#define STEPS 20000 /* elements looked at in all */

/*
 * Elements hang together that straight links join: they move as one, and push away
 * what they meet, which moves as one as well. So no straight link is ever bent.
 */
struct push {
	struct lay *lay;
	int *cluster;       /* of each element */
	struct csr members; /* elements by cluster */
	int *shift;         /* rows that a cluster moves */
	int *queue, queued; /* clusters that move */
	bool changed;
	int *touched, touches; /* elements with a line to what moves */
	bool *is_touched;
	int limit, steps;
};

static int
find(int *up, int el)
{
	while (up[el] != el)
		el = up[el] = up[up[el]];
	return el;
}

static bool
is_straight(const struct lay *lay, int link)
{
	return link_from_row(lay, link) == link_to_row(lay, link);
}

static void
find_clusters(struct push *p)
{
	struct lay *lay = p->lay;
	int *fill = p->shift;

	for (int el = 0; el < lay->els; el++)
		p->cluster[el] = el;
	for (int k = 0; k < lay->links; k++)
		if (is_straight(lay, k))
			p->cluster[find(p->cluster, lay->link_from[k])] =
				find(p->cluster, lay->link_to[k]);
	memset(p->members.at, 0, (size_t)(lay->els + 1) * sizeof(int));
	for (int el = 0; el < lay->els; el++) {
		p->cluster[el] = find(p->cluster, el);
		p->members.at[p->cluster[el] + 1]++;
	}
	for (int el = 0; el < lay->els; el++) {
		p->members.at[el + 1] += p->members.at[el];
		fill[el] = 0;
	}
	for (int el = 0; el < lay->els; el++) {
		int c = p->cluster[el];

		p->members.item[p->members.at[c] + fill[c]++] = el;
	}
	memset(p->shift, 0, (size_t)lay->els * sizeof(int));
}

/* How the lines out of @el look: their bends, and how far their trunk runs. */
static int
cost_of(const struct lay *lay, int el)
{
	int row = lay->y[el] + lay->port[el], top = row, bottom = row, cost = 0;

	for (int i = lay->right.at[el]; i < lay->right.at[el + 1]; i++) {
		int to = link_to_row(lay, lay->right.item[i]);

		cost += to == row ? 0 : BEND;
		top = MIN(top, to);
		bottom = MAX(bottom, to);
	}
	return cost + bottom - top;
}

static void
push_cluster(struct push *p, int c, int by)
{
	if (p->shift[c] == 0)
		p->queue[p->queued++] = c;
	p->shift[c] = by;
	p->changed = true;
}

/* Move what @el would lie upon, at its new row, away in the same direction. */
static bool
push_neighbour(struct push *p, int el, int by)
{
	struct lay *lay = p->lay;
	int i = lay->pos[el], l = lay->el_layer[el];
	int n = lay->layer_at[l + 1] - lay->layer_at[l], y = lay->y[el] + by, need, next;

	p->steps++;
	if (y < 0 || y + lay->h[el] > p->limit || (el < lay->n && lay->g->card[el].pin))
		return false;
	if (by > 0 ? i + 1 == n : i == 0)
		return true;
	next = lay->order[lay->layer_at[l] + i + (by > 0 ? 1 : -1)];
	if (by > 0)
		need = y + lay->h[el] + layout_gap(lay, el, next) - lay->y[next];
	else
		need = y - layout_gap(lay, next, el) - lay->h[next] - lay->y[next];
	if (by > 0 ? need > p->shift[p->cluster[next]]
		   : need < p->shift[p->cluster[next]])
		push_cluster(p, p->cluster[next], need);
	return true;
}

static bool
push_members(struct push *p, int c)
{
	for (int k = p->members.at[c]; k < p->members.at[c + 1]; k++)
		if (!push_neighbour(p, p->members.item[k], p->shift[c]))
			return false;
	return true;
}

/* Find what moves along with cluster @c; false when it cannot, or @fixed would move. */
static bool
spread_shift(struct push *p, int c, int by, int fixed)
{
	push_cluster(p, c, by);
	/* Shifts only grow, and none beyond the first. */
	while (p->changed) {
		p->changed = false;
		for (int i = 0; i < p->queued; i++)
			if (!push_members(p, p->queue[i]))
				return false;
		if (p->shift[fixed] || p->steps > STEPS)
			return false;
	}
	return true;
}

static void
touch(struct push *p, int el)
{
	if (p->is_touched[el])
		return;
	p->is_touched[el] = true;
	p->touched[p->touches++] = el;
}

/* The elements whose lines look otherwise when what is queued moves. */
static void
list_touched(struct push *p)
{
	const struct lay *lay = p->lay;

	p->touches = 0;
	for (int i = 0; i < p->queued; i++) {
		int c = p->queue[i];

		for (int m = p->members.at[c]; m < p->members.at[c + 1]; m++) {
			int el = p->members.item[m];

			touch(p, el);
			for (int k = lay->left.at[el]; k < lay->left.at[el + 1]; k++)
				touch(p, lay->link_from[lay->left.item[k]]);
		}
	}
	for (int i = 0; i < p->touches; i++)
		p->is_touched[p->touched[i]] = false;
}

static int
cost_touched(const struct push *p)
{
	int cost = 0;

	for (int i = 0; i < p->touches; i++)
		cost += cost_of(p->lay, p->touched[i]);
	return cost;
}

static void
move_queued(struct push *p, int sign)
{
	for (int i = 0; i < p->queued; i++) {
		int c = p->queue[i];

		for (int k = p->members.at[c]; k < p->members.at[c + 1]; k++)
			p->lay->y[p->members.item[k]] += sign * p->shift[c];
	}
}

/* Move cluster @c and what is in its way, if it looks better then. */
static bool
try_move(struct push *p, int c, int by, int fixed)
{
	bool better = false;

	p->queued = 0;
	if (spread_shift(p, c, by, fixed)) {
		int before;

		list_touched(p);
		before = cost_touched(p);
		move_queued(p, 1);
		better = cost_touched(p) < before;
		if (!better)
			move_queued(p, -1);
	}
	for (int i = 0; i < p->queued; i++)
		p->shift[p->queue[i]] = 0;
	p->changed = false;
	return better;
}

static bool
try_link(struct push *p, int link)
{
	const struct lay *lay = p->lay;
	int by = link_from_row(lay, link) - link_to_row(lay, link);
	int from = p->cluster[lay->link_from[link]], to = p->cluster[lay->link_to[link]];

	if (by == 0 || from == to)
		return false;
	return try_move(p, to, by, from) || try_move(p, from, -by, to);
}

void
layout_straighten(struct lay *lay, int limit)
{
	struct arena *a = lay->arena;
	struct push p = { .lay = lay, .limit = limit };
	bool moved = lay->els <= LARGE;

	p.cluster = ARENA_NEW(a, int, lay->els);
	p.members.at = ARENA_NEW(a, int, lay->els + 1);
	p.members.item = ARENA_NEW(a, int, lay->els);
	p.shift = ARENA_NEW(a, int, lay->els);
	p.queue = ARENA_NEW(a, int, lay->els);
	p.touched = ARENA_NEW(a, int, lay->els);
	p.is_touched = ARENA_NEW(a, bool, lay->els);
	find_clusters(&p);
	for (int r = 0; moved && r < ROUNDS; r++) {
		moved = false;
		for (int k = 0; k < lay->links && p.steps < STEPS; k++)
			if (try_link(&p, k)) {
				find_clusters(&p);
				moved = true;
			}
	}
}
