/*
 * Names without what they all share: "ts-order-service" among its like is "order".
 *
 * A suffix that only says "this is a service" goes when many have it, and a first
 * word when nearly all have it; never so that two names become one or one empty.
 */
#include "config.h"

#include <string.h>

#include "map.h"
#include "weir/base/text.h"
#include "weir/base/util.h"

#define SUFFIX_SHARE 40 /* per cent of names */
#define PREFIX_SHARE 80
#define LEAST_NAMES 3
#define MAX_PREFIX 12

static const char *const suffixes[] = { "-service", "_service", ".service", "-svc",
	"_svc", "-server", "service", "Service" };

static bool
ends_with(struct str s, const char *suffix)
{
	size_t n = strlen(suffix);

	return s.n > n + 1 && memcmp(s.p + s.n - n, suffix, n) == 0;
}

/* No two alike: compared through a table of hashes, exact on a hit. */
static bool
distinct(const struct str *names, int n, struct arena *scratch)
{
	size_t slots = 16, at;
	int *table;

	while (slots < 2 * (size_t)n)
		slots *= 2;
	table = ARENA_NEW(scratch, int, slots);
	for (int i = 0; i < n; i++) {
		at = hash_bytes(names[i].p, names[i].n) & (slots - 1);
		while (table[at]) {
			if (str_eq(names[table[at] - 1], names[i]))
				return false;
			at = (at + 1) & (slots - 1);
		}
		table[at] = i + 1;
	}
	return true;
}

static void
drop_suffixes(struct str *names, int n, struct arena *scratch)
{
	struct str *cut = ARENA_NEW(scratch, struct str, n);

	for (size_t k = 0; k < ARRAY_LEN(suffixes); k++) {
		int have = 0;

		for (int i = 0; i < n; i++) {
			cut[i] = names[i];
			if (!ends_with(names[i], suffixes[k]))
				continue;
			cut[i].n -= strlen(suffixes[k]);
			have++;
		}
		if (have >= LEAST_NAMES && have * 100 >= SUFFIX_SHARE * n &&
			distinct(cut, n, scratch))
			memcpy(names, cut, (size_t)n * sizeof(*names));
	}
}

/* Length of the first word with its separator, 0 when there is none or it is long. */
static size_t
first_word(struct str s)
{
	for (size_t i = 1; i < s.n && i < MAX_PREFIX; i++)
		if (s.p[i] == '-' || s.p[i] == '_' || s.p[i] == '.')
			return i + 1 < s.n ? i + 1 : 0;
	return 0;
}

static void
drop_prefix(struct str *names, int n, struct arena *scratch)
{
	struct str *cut = ARENA_NEW(scratch, struct str, n);
	struct str best = { 0 };
	int most = 0;

	/* Names are sorted, so a shared first word is a run: look at where runs begin. */
	for (int i = 0, run = 0; i < n; i++) {
		size_t w = first_word(names[i]);
		struct str word = { names[i].p, w };

		run = w && i > 0 && first_word(names[i - 1]) == w &&
				      memcmp(names[i - 1].p, word.p, w) == 0
			      ? run + 1
			      : 1;
		if (w && run > most) {
			most = run;
			best = word;
		}
	}
	if (most < LEAST_NAMES || most * 100 < PREFIX_SHARE * n)
		return;
	for (int i = 0; i < n; i++) {
		cut[i] = names[i];
		if (names[i].n > best.n && memcmp(names[i].p, best.p, best.n) == 0) {
			cut[i].p += best.n;
			cut[i].n -= best.n;
		}
	}
	if (distinct(cut, n, scratch))
		memcpy(names, cut, (size_t)n * sizeof(*names));
}

void
map_names(struct str *names, const struct map_topo *t, struct arena *scratch)
{
	for (int i = 0; i < t->nodes; i++)
		names[i] = str_of(t->node[i].name);
	drop_suffixes(names, t->nodes, scratch);
	drop_prefix(names, t->nodes, scratch);
}

bool
map_is_separator(char c)
{
	return c == '-' || c == '_' || c == '.';
}

struct str
map_shown_name(const struct map_plan *p, int node)
{
	int part = p->part_of_node[node];

	return part >= 0 && p->part[part].kind != PART_NODE ? p->part[part].name
							    : p->names[node];
}

struct str
map_written_name(
	const struct map_plan *p, const struct map_topo *t, const struct map_row *r)
{
	const struct map_edge *e = &t->edge[p->list[r->edge.first]];
	struct str name = map_shown_name(p, e->dst), caller = p->names[e->src];
	size_t n = caller.n;

	if (r->kind != ROW_FOLD || name.n < n + 2)
		return name;
	if (memcmp(name.p, caller.p, n) == 0 && map_is_separator(name.p[n]))
		return (struct str){ name.p + n + 1, name.n - n - 1 };
	if (memcmp(name.p + name.n - n, caller.p, n) == 0 &&
		map_is_separator(name.p[name.n - n - 1]))
		return (struct str){ name.p, name.n - n - 1 };
	return name;
}
