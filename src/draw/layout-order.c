/*
 * The order of the elements in each layer, for few crossings.
 *
 * Barycentre sweeps in both directions, and sifting: each element goes to its best
 * place among the others of its layer. Both find a minimum near their start only, so
 * small graphs get several starts: depth first, the same backwards, and shuffles with
 * a fixed seed. The best few by crossings, then by how little their lines run up and
 * down, are kept: which of them crosses least when it is drawn, with bundled trunks
 * in whole cells, only drawing them tells.
 *
 * Crossings are counted with a Fenwick tree in O(links log elements).
 */
#include "config.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "layout-priv.h"
#include "weir/base/util.h"

/* How much is tried for a drawing of so many elements: cold in a few milliseconds. */
static const struct effort {
	int most;       /* elements */
	int candidates; /* orders that are drawn to see which is best */
	int starts, sweeps;
	int sifts;      /* rounds after each sweep */
	int last_sifts; /* rounds for the best order */
} efforts[] = {
	{ 100, 12, 10, 6, 2, 8 },
	{ 250, 8, 6, 8, 2, 8 },
	{ 600, 1, 2, 6, 1, 4 },
	{ INT_MAX, 1, 1, 6, 0, 1 },
};

static const struct effort quick = { INT_MAX, 1, 2, 4, 1, 2 };

struct work {
	struct lay *lay;
	int *fenwick;
	int *best; /* the best order so far */
	int64_t best_crossings, best_ink;
	uint64_t *keys;        /* sort keys of one layer */
	int *moving;           /* elements of one layer that have neighbours */
	int *near_at, *near;   /* positions of the neighbours in sorted order */
	int *near2_at, *near2; /* the same for the other side */
	int *stack;
	bool *seen;
	int *first, *seq, *matrix; /* for sifting the largest layer */
};

static void
renumber(struct lay *lay, int l)
{
	for (int i = lay->layer_at[l]; i < lay->layer_at[l + 1]; i++)
		lay->pos[lay->order[i]] = i - lay->layer_at[l];
}

static void
renumber_all(struct lay *lay)
{
	for (int l = 0; l < lay->layers; l++)
		renumber(lay, l);
}

static int
count_between(const struct lay *lay, int l, int *tree)
{
	int n = lay->layer_at[l + 2] - lay->layer_at[l + 1], crossings = 0, seen = 0;

	memset(tree, 0, (size_t)(n + 1) * sizeof(*tree));
	for (int i = lay->layer_at[l]; i < lay->layer_at[l + 1]; i++) {
		int el = lay->order[i], first = lay->right.at[el];
		int last = lay->right.at[el + 1];

		for (int k = first; k < last; k++) {
			int below = 0;

			for (int x = lay->pos[lay->link_to[lay->right.item[k]]] + 1;
				x > 0; x &= x - 1)
				below += tree[x];
			crossings += seen - below;
		}
		for (int k = first; k < last; k++)
			for (int x = lay->pos[lay->link_to[lay->right.item[k]]] + 1;
				x <= n; x += x & -x)
				tree[x]++;
		seen += last - first;
	}
	return crossings;
}

static int
count_all(const struct lay *lay, int *tree)
{
	int crossings = 0;

	for (int l = 0; l + 1 < lay->layers; l++)
		crossings += count_between(lay, l, tree);
	return crossings;
}

int
layout_count_crossings(const struct lay *lay)
{
	return count_all(lay, ARENA_NEW(lay->arena, int, lay->els + 2));
}

/* How far lines run up and down when each layer is centred, in half elements. */
static int64_t
count_ink(const struct lay *lay)
{
	int64_t ink = 0;

	for (int k = 0; k < lay->links; k++) {
		int a = lay->link_from[k], b = lay->link_to[k];
		int la = lay->el_layer[a], lb = la + 1;
		int na = lay->layer_at[la + 1] - lay->layer_at[la];
		int nb = lay->layer_at[lb + 1] - lay->layer_at[lb];

		ink += abs(2 * lay->pos[a] - na - 2 * lay->pos[b] + nb);
	}
	return ink;
}

/* Positions of the neighbours on one side, for each element of layer @l, sorted. */
static void
collect_near(const struct lay *lay, int l, bool rightwards, int *at, int *near)
{
	const struct csr *back = rightwards ? &lay->left : &lay->right;
	const int *end = rightwards ? lay->link_from : lay->link_to;
	const struct csr *mine = rightwards ? &lay->right : &lay->left;
	int other = rightwards ? l + 1 : l - 1, sum = 0;

	for (int i = lay->layer_at[l]; i < lay->layer_at[l + 1]; i++) {
		int el = lay->order[i];

		at[el] = sum;
		sum += mine->at[el + 1] - mine->at[el];
	}
	if (other < 0 || other >= lay->layers)
		return;
	for (int i = lay->layer_at[other]; i < lay->layer_at[other + 1]; i++) {
		int el = lay->order[i];

		for (int k = back->at[el]; k < back->at[el + 1]; k++)
			near[at[end[back->item[k]]]++] = lay->pos[el];
	}
	for (int i = lay->layer_at[l]; i < lay->layer_at[l + 1]; i++) {
		int el = lay->order[i];

		at[el] -= mine->at[el + 1] - mine->at[el];
	}
}

/* Crossings saved by exchanging neighbours with sorted positions a and b. */
static int
gain(const int *a, int na, const int *b, int nb)
{
	int saved = 0, less = 0, more = 0;

	for (int i = 0; i < na; i++) {
		while (less < nb && b[less] < a[i])
			less++;
		while (more < nb && b[more] <= a[i])
			more++;
		saved += less - (nb - more);
	}
	return saved;
}

/* What is saved by having the second of two elements of a layer first. */
static int
saved(const struct work *w, int a, int b)
{
	const struct csr *left = &w->lay->left, *right = &w->lay->right;

	return gain(w->near + w->near_at[a], left->at[a + 1] - left->at[a],
		       w->near + w->near_at[b], left->at[b + 1] - left->at[b]) +
	       gain(w->near2 + w->near2_at[a], right->at[a + 1] - right->at[a],
		       w->near2 + w->near2_at[b], right->at[b + 1] - right->at[b]);
}

static void
compare_pairs(struct work *w, const int *order, int n)
{
	for (int i = 0; i < n; i++)
		for (int k = 0; k < i; k++) {
			int d = saved(w, order[k], order[i]);

			w->matrix[k * n + i] = d;
			w->matrix[i * n + k] = -d;
		}
}

/* The best of the @n + 1 places of element @i in seq; @at, if nothing is better. */
static int
best_place(const struct work *w, int i, int n, int at)
{
	const int *row = w->matrix + i * (n + 1);
	int sum = 0, least = 0, place = 0, here = 0;

	for (int k = 0; k < n; k++) {
		sum -= row[w->seq[k]];
		if (k + 1 == at)
			here = sum;
		if (sum < least) {
			least = sum;
			place = k + 1;
		}
	}
	return here > least ? place : at;
}

/*
 * Move each element of layer @l to its best place among the others. That finds more
 * than exchanging neighbours, for the price of a matrix of what each pair costs.
 */
static bool
sift(struct work *w, int l)
{
	struct lay *lay = w->lay;
	int *order = lay->order + lay->layer_at[l], *seq = w->seq;
	int n = lay->layer_at[l + 1] - lay->layer_at[l];
	bool moved = false;

	collect_near(lay, l, false, w->near_at, w->near);
	collect_near(lay, l, true, w->near2_at, w->near2);
	compare_pairs(w, order, n);
	for (int i = 0; i < n; i++) {
		w->first[i] = order[i];
		seq[i] = i;
	}
	for (int i = 0; i < n; i++) {
		int at = 0, place;

		while (seq[at] != i)
			at++;
		memmove(seq + at, seq + at + 1, (size_t)(n - at - 1) * sizeof(*seq));
		place = best_place(w, i, n - 1, at);
		memmove(seq + place + 1, seq + place,
			(size_t)(n - 1 - place) * sizeof(*seq));
		seq[place] = i;
		moved |= place != at;
	}
	for (int i = 0; moved && i < n; i++)
		order[i] = w->first[seq[i]];
	if (moved)
		renumber(lay, l);
	return moved;
}

/* Rounds over all layers until nothing moves; true when something did. */
static bool
sift_all(struct work *w, int rounds)
{
	bool moved = rounds > 0, any = false;

	for (int r = 0; moved && r < rounds; r++) {
		moved = false;
		for (int l = 0; l < w->lay->layers; l++)
			moved |= sift(w, r % 2 ? w->lay->layers - 1 - l : l);
		any |= moved;
	}
	return any;
}

static int
compare_keys(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return (x > y) - (x < y);
}

/* Short layers are the rule, and nearly sorted ones too. */
static void
sort_keys(uint64_t *keys, int n)
{
	if (n > 48) {
		qsort(keys, (size_t)n, sizeof(*keys), compare_keys);
		return;
	}
	for (int i = 1; i < n; i++) {
		uint64_t key = keys[i];
		int k = i;

		for (; k > 0 && keys[k - 1] > key; k--)
			keys[k] = keys[k - 1];
		keys[k] = key;
	}
}

/*
 * Sort layer @l by the mean place of the neighbours on one side; elements without any
 * stay where they are. Equal means keep their order, or, @flip, turn it around.
 */
static void
sort_layer(struct work *w, int l, bool rightwards, bool flip)
{
	struct lay *lay = w->lay;
	const struct csr *adj = rightwards ? &lay->right : &lay->left;
	const int *end = rightwards ? lay->link_to : lay->link_from;
	int first = lay->layer_at[l], n = lay->layer_at[l + 1] - first, moving = 0,
	    next = 0;

	for (int i = 0; i < n; i++) {
		int el = lay->order[first + i], degree = adj->at[el + 1] - adj->at[el];
		int64_t sum = 0;

		if (degree == 0)
			continue;
		for (int k = adj->at[el]; k < adj->at[el + 1]; k++)
			sum += lay->pos[end[adj->item[k]]];
		w->moving[i] = el;
		w->keys[moving++] = (uint64_t)(sum * 1024 / degree) << 32 |
				    (uint64_t)(flip ? n - 1 - i : i);
	}
	sort_keys(w->keys, moving);
	for (int i = 0; i < n; i++) {
		int from, el = lay->order[first + i];

		if (adj->at[el + 1] == adj->at[el])
			continue;
		from = (int)(w->keys[next++] & 0xffffffff);
		lay->order[first + i] = -1 - w->moving[flip ? n - 1 - from : from];
	}
	for (int i = first; i < first + n; i++)
		if (lay->order[i] < 0)
			lay->order[i] = -1 - lay->order[i];
	renumber(lay, l);
}

/* Keep the present order when it is among the best; one of each score is enough. */
static void
keep_if_good(struct work *w)
{
	struct lay *lay = w->lay;
	struct candidate c = { .crossings = count_all(lay, w->fenwick) }, last;
	int at = lay->candidates;

	c.ink = count_ink(lay);
	for (int i = lay->candidates - 1; i >= 0; i--) {
		const struct candidate *old = &lay->candidate[i];

		if (old->crossings == c.crossings && old->ink == c.ink)
			return;
		if (old->crossings > c.crossings ||
			(old->crossings == c.crossings && old->ink > c.ink))
			at = i;
	}
	if (at == lay->candidate_room)
		return;
	if (lay->candidates < lay->candidate_room)
		lay->candidates++;
	last = lay->candidate[lay->candidates - 1];
	memmove(lay->candidate + at + 1, lay->candidate + at,
		(size_t)(lay->candidates - at - 1) * sizeof(c));
	c.order = last.order ? last.order : ARENA_NEW(lay->arena, int, lay->els);
	memcpy(c.order, lay->order, (size_t)lay->els * sizeof(*c.order));
	lay->candidate[at] = c;
}

static void
sweep(struct work *w, int sweeps, int rounds)
{
	struct lay *lay = w->lay;

	keep_if_good(w);
	for (int i = 0; i < sweeps; i++) {
		bool flip = i % 4 >= 2;

		if (i % 2 == 0) {
			for (int l = 1; l < lay->layers; l++)
				sort_layer(w, l, false, flip);
		} else {
			for (int l = lay->layers - 2; l >= 0; l--)
				sort_layer(w, l, true, flip);
		}
		sift_all(w, rounds);
		keep_if_good(w);
	}
}

static void
start_depth_first(struct work *w, bool backwards)
{
	struct lay *lay = w->lay;
	int *fill = w->moving, top;

	memset(w->seen, 0, (size_t)lay->els * sizeof(*w->seen));
	for (int l = 0; l < lay->layers; l++)
		fill[l] = lay->layer_at[l];
	for (int i = 0; i < lay->els; i++) {
		int root = backwards ? lay->els - 1 - i : i;

		if (lay->left.at[root + 1] > lay->left.at[root])
			continue;
		top = 0;
		w->stack[top++] = root;
		while (top > 0) {
			int el = w->stack[--top];
			int first = lay->right.at[el], n = lay->right.at[el + 1] - first;

			if (w->seen[el])
				continue;
			w->seen[el] = true;
			lay->order[fill[lay->el_layer[el]]++] = el;
			for (int k = 0; k < n; k++)
				w->stack[top++] =
					lay->link_to
						[lay->right.item[first +
								 (backwards ? k
									    : n - 1 - k)]];
		}
	}
	renumber_all(lay);
}

static void
start_shuffled(struct lay *lay, uint64_t *random)
{
	for (int l = 0; l < lay->layers; l++) {
		int first = lay->layer_at[l], n = lay->layer_at[l + 1] - first;

		for (int i = n - 1; i > 0; i--) {
			int k, swap;

			*random = *random * UINT64_C(6364136223846793005) +
				  1442695040888963407;
			k = (int)((*random >> 33) % (uint64_t)(i + 1));
			swap = lay->order[first + i];
			lay->order[first + i] = lay->order[first + k];
			lay->order[first + k] = swap;
		}
	}
	renumber_all(lay);
}

/* layer_at by counting; the order starts as element numbers. */
static void
group_by_layer(struct lay *lay)
{
	struct csr c = csr_build(lay->arena, lay->layers, lay->els, lay->el_layer);

	lay->layer_at = c.at;
	lay->order = c.item;
	lay->pos = ARENA_NEW(lay->arena, int, lay->els);
	renumber_all(lay);
}

static void
make_room(struct work *w)
{
	struct lay *lay = w->lay;
	struct arena *a = lay->arena;
	int size = MAX(lay->els, lay->layers) + 2;
	size_t widest = 1;

	for (int l = 0; l < lay->layers; l++)
		widest = MAX(widest, (size_t)(lay->layer_at[l + 1] - lay->layer_at[l]));
	w->fenwick = ARENA_NEW(a, int, size);
	w->keys = ARENA_NEW(a, uint64_t, size);
	w->moving = ARENA_NEW(a, int, size);
	w->near_at = ARENA_NEW(a, int, size);
	w->near2_at = ARENA_NEW(a, int, size);
	w->near = ARENA_NEW(a, int, lay->links);
	w->near2 = ARENA_NEW(a, int, lay->links);
	w->stack = ARENA_NEW(a, int, lay->links + size);
	w->seen = ARENA_NEW(a, bool, size);
	w->first = ARENA_NEW(a, int, widest);
	w->seq = ARENA_NEW(a, int, widest);
	w->matrix = arena_scratch(a, widest * widest * sizeof(*w->matrix));
}

static void
order_cold(struct lay *lay)
{
	const struct effort *e = efforts;
	uint64_t random = 7;
	struct work w = { .lay = lay };

	while (lay->els > e->most)
		e++;
	if (lay->o->quick && e->starts > quick.starts)
		e = &quick;
	make_room(&w);
	lay->candidate_room = e->candidates;
	lay->candidate = ARENA_NEW(lay->arena, struct candidate, e->candidates);
	for (int i = 0; i < e->starts; i++) {
		if (i > 0 && lay->candidate[0].crossings == 0)
			break;
		if (i < 2)
			start_depth_first(&w, i == 1);
		else
			start_shuffled(lay, &random);
		sweep(&w, e->sweeps, e->sifts);
	}
	layout_take_candidate(lay, 0);
	if (sift_all(&w, e->last_sifts))
		keep_if_good(&w);
}

void
layout_take_candidate(struct lay *lay, int i)
{
	memcpy(lay->order, lay->candidate[i].order,
		(size_t)lay->els * sizeof(*lay->order));
	renumber_all(lay);
	lay->bundled_crossings = (int)lay->candidate[i].crossings;
}

void
layout_order(struct lay *lay)
{
	group_by_layer(lay);
	if (lay->old)
		layout_order_warm(lay);
	else
		order_cold(lay);
}
