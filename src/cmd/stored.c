#include "config.h"

#include "weir/cmd/stored.h"

#include <cjson/cJSON.h>
#include <math.h>
#include <stdlib.h>

#include "weir/base/util.h"
#include "weir/base/when.h"

#define FORMAT_VERSION 1
#define LARGEST 9e15 /* doubles are whole numbers up to there */

/* NAN when it is absent, null, or no number. */
static double
get_number(const cJSON *o, const char *name)
{
	const cJSON *v = cJSON_GetObjectItemCaseSensitive(o, name);

	return cJSON_IsNumber(v) && isfinite(v->valuedouble) ? v->valuedouble : NAN;
}

/* SNAP_UNKNOWN when it is none. */
static int64_t
get_whole(const cJSON *o, const char *name)
{
	double v = get_number(o, name);

	return v >= 0 && v <= LARGEST ? (int64_t)v : SNAP_UNKNOWN;
}

static uint64_t
get_count(const cJSON *o, const char *name)
{
	return (uint64_t)MAX(get_whole(o, name), 0);
}

static struct str
get_text(const cJSON *o, const char *name)
{
	return str_of(cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(o, name)));
}

static void
get_stat(const cJSON *o, struct snap_stat *stat)
{
	*stat = (struct snap_stat){
		.calls = get_count(o, "calls"),
		.errors = get_count(o, "errors"),
		.samples = get_count(o, "samples"),
		.rate = get_number(o, "rate"),
		.p50_us = get_whole(o, "p50_us"),
		.p95_us = get_whole(o, "p95_us"),
		.p99_us = get_whole(o, "p99_us"),
		.max_us = get_whole(o, "max_us"),
		.bytes_in = get_whole(o, "bytes_in"),
		.bytes_out = get_whole(o, "bytes_out"),
		.bounds_only =
			cJSON_IsTrue(cJSON_GetObjectItemCaseSensitive(o, "bounds_only")),
	};
	stat->errors = MIN(stat->errors, stat->calls);
}

static enum severity
get_severity(const cJSON *o)
{
	struct str word = get_text(o, "severity");

	for (int i = 0; i < SEV_COUNT; i++)
		if (str_eq(word, str_of(severity_word((enum severity)i))))
			return (enum severity)i;
	return SEV_OK;
}

/* Indices of nodes by the id of their names, plus one; 0 is none yet. */
struct places {
	struct names *names;
	struct snap *snap;
	uint32_t *place;
	uint32_t room;
};

static uint32_t
node_of(struct places *p, struct str name)
{
	uint32_t id = names_id(p->names, name);

	if (id >= p->room) {
		uint32_t room = MAX(2 * p->room, id + 64);

		p->place = xreallocarray(p->place, room, sizeof(*p->place));
		for (uint32_t i = p->room; i < room; i++)
			p->place[i] = 0;
		p->room = room;
	}
	if (p->place[id] == 0) {
		snap_node_add(p->snap, names_text(p->names, id));
		p->place[id] = p->snap->nodes;
	}
	return p->place[id] - 1;
}

static enum status
read_node(struct places *p, const cJSON *o, struct diag *d)
{
	struct str name = get_text(o, "name");
	struct snap_node *node;
	uint32_t at;

	if (name.n == 0)
		return diag_set(d, STATUS_ERR_SYNTAX, "a node without a name");
	at = node_of(p, name);
	node = &p->snap->node[at];
	node->severity = get_severity(o);
	node_kind_from(get_text(o, "kind"), &node->kind);
	return STATUS_OK;
}

static enum status
read_edge(struct places *p, const cJSON *o, struct diag *d)
{
	struct str src = get_text(o, "src"), dst = get_text(o, "dst");
	struct snap_edge *e;
	uint32_t from, to;

	if (src.n == 0 || dst.n == 0)
		return diag_set(d, STATUS_ERR_SYNTAX, "an edge without \"%s\"",
			src.n ? "dst" : "src");
	from = node_of(p, src);
	to = node_of(p, dst);
	e = snap_edge_add(p->snap, from, to);
	flow_kind_from(get_text(o, "kind"), &e->kind);
	e->severity = get_severity(o);
	get_stat(o, &e->stat);
	e->server_p99_us = get_whole(o, "server_p99_us");
	e->queue_p99_us = get_whole(o, "queue_p99_us");
	return STATUS_OK;
}

static enum status
read_list(struct places *p, const cJSON *root, const char *name,
	enum status (*read)(struct places *p, const cJSON *o, struct diag *d),
	struct diag *d)
{
	const cJSON *list = cJSON_GetObjectItemCaseSensitive(root, name), *o;
	enum status s = STATUS_OK;

	if (!cJSON_IsArray(list))
		return diag_set(d, STATUS_ERR_SYNTAX, "no list \"%s\"", name);
	cJSON_ArrayForEach(o, list)
	{
		s = s ? s : read(p, o, d);
	}
	return s;
}

static enum status
read_root(struct places *p, const cJSON *root, struct diag *d)
{
	struct str taken = get_text(root, "taken");
	double window_s = get_number(root, "window_s");
	double covered_s = get_number(root, "covered_s");
	enum status s;

	if (get_number(root, "weir") != FORMAT_VERSION)
		return diag_set(d, STATUS_ERR_VERSION,
			"a snapshot of another version than %d", FORMAT_VERSION);
	if (!when_rfc3339(taken, &p->snap->now_us))
		p->snap->now_us = SNAP_UNKNOWN;
	p->snap->window_us =
		window_s > 0 && window_s < 1e6 ? (int64_t)(window_s * 1e6) : 0;
	p->snap->covered_us =
		covered_s > 0 && covered_s < 1e6 ? (int64_t)(covered_s * 1e6) : 0;
	s = read_list(p, root, "nodes", read_node, d);
	if (s == STATUS_OK)
		s = read_list(p, root, "edges", read_edge, d);
	if (s == STATUS_OK && names_overflow(p->names))
		s = diag_set(d, STATUS_ERR_TOO_BIG, "too many names");
	return s;
}

enum status
stored_read(struct str text, struct names *names, struct snap *ret_snap, struct diag *d)
{
	struct places p = { .names = names, .snap = ret_snap };
	const char *end = NULL;
	cJSON *root = cJSON_ParseWithLengthOpts(text.p, text.n, &end, 0);
	enum status s = STATUS_ERR_UNKNOWN;

	/* Lines of JSON are objects too, but there is more behind the first. */
	while (end && end < text.p + text.n && strchr(" \t\r\n", *end))
		end++;
	if (cJSON_HasObjectItem(root, "weir") && end == text.p + text.n) {
		s = read_root(&p, root, d);
		if (s == STATUS_OK)
			snap_sort(ret_snap);
	}
	cJSON_Delete(root);
	free(p.place);
	return s;
}
