#include "config.h"

#include "ledger.h"

#include <string.h>

#include "weir/base/util.h"

uint64_t
add_saturating(uint64_t a, uint64_t b)
{
	return a > UINT64_MAX - b ? UINT64_MAX : a + b;
}

static uint64_t
length(struct range r)
{
	return r.to - r.from;
}

static void
remove_gap(struct ledger *l, unsigned i)
{
	l->gaps--;
	memmove(&l->gap[i], &l->gap[i + 1], (l->gaps - i) * sizeof(l->gap[0]));
}

/* @r of gap @g will not come any more. */
static void
settle(struct ledger *l, const struct gap *g, struct range r)
{
	if (!g->before)
		l->settled = add_saturating(l->settled, length(r));
}

static void
settle_first(struct ledger *l)
{
	settle(l, &l->gap[0], l->gap[0].range);
	remove_gap(l, 0);
}

void
ledger_begin(struct ledger *l, uint64_t next)
{
	while (l->gaps > 0)
		settle_first(l);
	l->next = next;
	l->begun = true;
}

static void
append_gap(struct ledger *l, struct range r, int64_t now_us)
{
	if (l->gaps == LEDGER_GAPS)
		settle_first(l);
	l->gap[l->gaps++] = (struct gap){ .range = r, .since_us = now_us };
}

void
ledger_meet(struct ledger *l, uint64_t next, int64_t now_us)
{
	ledger_begin(l, next);
	if (next > 0)
		l->gap[l->gaps++] = (struct gap){ { 0, next }, now_us, .before = true };
}

static void
add_fresh(struct fresh *f, uint64_t from, uint64_t to)
{
	f->range[f->ranges++] = (struct range){ from, to };
	f->count += to - from;
}

/*
 * Cut [from, to), which lies within it, out of gap @i. Returns the index of the next
 * gap to look at.
 */
static unsigned
fill_gap(struct ledger *l, unsigned i, uint64_t from, uint64_t to)
{
	struct gap *g = &l->gap[i];
	struct range head = { g->range.from, from }, tail = { to, g->range.to };

	if (length(head) == 0 && length(tail) == 0) {
		remove_gap(l, i);
		return i;
	}
	if (length(head) == 0 || length(tail) == 0) {
		g->range = length(head) ? head : tail;
		return i + 1;
	}
	if (l->gaps == LEDGER_GAPS && i == 0) {
		/* No room for two: the older part is given up. */
		settle(l, g, head);
		g->range = tail;
		return 1;
	}
	if (l->gaps == LEDGER_GAPS) {
		settle_first(l);
		g = &l->gap[--i];
	}
	memmove(g + 1, g, (l->gaps - i) * sizeof(*g));
	l->gaps++;
	g[0].range = head;
	g[1].range = tail;
	return i + 2;
}

void
ledger_take(struct ledger *l, uint64_t first, uint64_t n, int64_t now_us,
	struct fresh *ret_fresh)
{
	uint64_t to = first + n;

	*ret_fresh = (struct fresh){ .ranges = 0 };
	for (unsigned i = 0; i < l->gaps && l->gap[i].range.from < to;) {
		struct range r = l->gap[i].range;

		if (r.to <= first) {
			i++;
			continue;
		}
		add_fresh(ret_fresh, MAX(r.from, first), MIN(r.to, to));
		i = fill_gap(l, i, MAX(r.from, first), MIN(r.to, to));
	}
	if (to > l->next) {
		ledger_next(l, first, now_us);
		add_fresh(ret_fresh, l->next, to);
		l->next = to;
	}
	l->received += ret_fresh->count;
	l->duplicate += n - ret_fresh->count;
}

void
ledger_next(struct ledger *l, uint64_t next, int64_t now_us)
{
	if (next <= l->next)
		return;
	append_gap(l, (struct range){ l->next, next }, now_us);
	l->next = next;
}

void
ledger_age(struct ledger *l, int64_t now_us)
{
	while (l->gaps > 0 && now_us - l->gap[0].since_us > LEDGER_GAP_US)
		settle_first(l);
}

uint64_t
ledger_lost(const struct ledger *l, int64_t now_us)
{
	uint64_t lost = l->settled;

	for (unsigned i = 0; i < l->gaps; i++)
		if (!l->gap[i].before && now_us - l->gap[i].since_us >= LEDGER_LOST_US)
			lost = add_saturating(lost, length(l->gap[i].range));
	return lost;
}
