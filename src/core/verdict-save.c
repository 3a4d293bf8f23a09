/*
 * What has been learnt, in bytes: a header with magic, version, length and CRC-32 of
 * the rest, then one record an edge with its names, so that another run with other
 * numbers for them finds it again. Little-endian.
 *
 *   header  "weirbase" u32 version  u32 length  u32 crc
 *   edge    u32 size  u64 seen_us  u8 kind  u8 async_told  u8 aspects  u16 ops
 *           text src  text dst  f32 quiet_most
 *           f32 mean, var, seen of the calls, and of their ratio to the caller's
 *           baseline  { u8 which, baseline } aspects times  { text, baseline } ops times
 *   text    u16 length, bytes
 *
 * A state file is as trustworthy as whoever can write it, and may be cut short: every
 * length is checked before it is believed, every number for being finite and in range,
 * and nothing is taken over unless all of it is sound.
 */
#include "config.h"

#include "verdict-impl.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "weir/base/util.h"

#define MAGIC "weirbase"
#define MAGIC_BYTES 8u
#define STATE_VERSION 1u
#define HEADER_BYTES 20u
#define MAX_BYTES ((size_t)256 << 20)
#define MAX_NAME 4096u
#define TRUSTED_SPANS 24.0f /* what was learnt earlier may be out of date: learn on */
#define VOLUME_US (3600 * SEC_US)         /* after which traffic levels are */
#define KEEP_US (14 * 24 * 3600 * SEC_US) /* an edge not seen for so long is dropped */

struct entry {
	struct str record; /* behind its size */
	uint32_t next;     /* with the same hash */
	bool taken;
};

struct kept {
	char *bytes;
	struct entry *entry;
	uint32_t entries;
	uint32_t *slot;
	uint32_t slots; /* a power of two */
	int64_t now_us;
};

/* ---------------------------------------------------------------- numbers */

static uint32_t
crc32_of(const void *p, size_t n)
{
	const unsigned char *byte = p;
	uint32_t crc = ~UINT32_C(0), of[256];

	for (uint32_t i = 0; i < ARRAY_LEN(of); i++) {
		of[i] = i;
		for (unsigned bit = 0; bit < 8; bit++)
			of[i] = of[i] >> 1 ^ (UINT32_C(0xedb88320) & (0u - (of[i] & 1u)));
	}
	for (size_t i = 0; i < n; i++)
		crc = crc >> 8 ^ of[(crc ^ byte[i]) & 0xff];
	return ~crc;
}

static void
put(struct buf *out, uint64_t x, unsigned bytes)
{
	for (unsigned i = 0; i < bytes; i++)
		buf_addc(out, (char)(x >> (8 * i)));
}

static void
put_text(struct buf *out, const char *s)
{
	size_t n = MIN(strlen(s), (size_t)MAX_NAME);

	put(out, n, 2);
	buf_add(out, s, n);
}

static void
put_float(struct buf *out, float x)
{
	uint32_t u;

	memcpy(&u, &x, sizeof(u));
	put(out, u, 4);
}

static void
put_level(struct buf *out, const struct level *l)
{
	put_float(out, l->mean);
	put_float(out, l->var);
	put_float(out, l->seen);
}

/* Reading: the first thing that is not there makes it unsound, and all after it 0. */
struct reader {
	struct str in;
	bool sound;
};

static uint64_t
take(struct reader *r, unsigned bytes)
{
	uint64_t x = 0;

	if (!r->sound || r->in.n < bytes) {
		r->sound = false;
		return 0;
	}
	for (unsigned i = 0; i < bytes; i++)
		x |= (uint64_t)(unsigned char)r->in.p[i] << (8 * i);
	r->in.p += bytes;
	r->in.n -= bytes;
	return x;
}

static struct str
take_bytes(struct reader *r, size_t n)
{
	struct str s = { r->in.p, n };

	if (!r->sound || r->in.n < n) {
		r->sound = false;
		return (struct str){ NULL, 0 };
	}
	r->in.p += n;
	r->in.n -= n;
	return s;
}

static struct str
take_text(struct reader *r)
{
	size_t n = (size_t)take(r, 2);

	r->sound &= n <= MAX_NAME;
	return take_bytes(r, n);
}

static float
take_float(struct reader *r)
{
	uint32_t u = (uint32_t)take(r, 4);
	float x;

	memcpy(&x, &u, sizeof(x));
	r->sound &= isfinite(x) && x >= 0 && x < 1e12f;
	return r->sound ? x : 0;
}

static struct level
take_level(struct reader *r)
{
	struct level l;

	l.mean = take_float(r);
	l.var = take_float(r);
	l.seen = take_float(r);
	return l;
}

static void
take_baseline(struct reader *r, struct baseline *b)
{
	if (r->sound && baseline_read(b, &r->in) != STATUS_OK)
		r->sound = false;
}

/* ---------------------------------------------------------------- records */

struct header {
	int64_t seen_us;
	uint8_t kind, async_told, aspects;
	uint16_t ops;
	struct str src, dst;
	float quiet_most;
	struct level own_rate, ratio;
};

static struct header
take_header(struct reader *r)
{
	struct header h;

	h.seen_us = (int64_t)take(r, 8);
	h.kind = (uint8_t)take(r, 1);
	h.async_told = (uint8_t)take(r, 1);
	h.aspects = (uint8_t)take(r, 1);
	h.ops = (uint16_t)take(r, 2);
	h.src = take_text(r);
	h.dst = take_text(r);
	h.quiet_most = take_float(r);
	h.own_rate = take_level(r);
	h.ratio = take_level(r);
	r->sound &= h.kind < KIND_COUNT && h.aspects <= ASPECT_COUNT;
	return h;
}

/* Is all of a record sound? */
static bool
check_record(struct str record)
{
	struct reader r = { record, true };
	struct header h = take_header(&r);
	struct baseline b = { 0 };

	take_baseline(&r, &b);
	for (unsigned i = 0; i < h.aspects && r.sound; i++) {
		r.sound &= take(&r, 1) < ASPECT_COUNT;
		take_baseline(&r, &b);
	}
	for (unsigned i = 0; i < h.ops && r.sound; i++) {
		take_text(&r);
		take_baseline(&r, &b);
	}
	baseline_done(&b);
	return r.sound && r.in.n == 0;
}

static void
put_edge(const struct verdict *v, const struct edge *e, struct buf *out)
{
	size_t at = out->n, size;
	unsigned aspects = 0, ops = 0;

	for (unsigned a = 0; a < ASPECT_COUNT; a++)
		aspects += e->aspect[a] && baseline_warm(&e->aspect[a]->base);
	for (uint32_t i = 1; i < e->streams; i++)
		ops += baseline_warm(&e->stream[i].base);
	put(out, 0, 4);
	put(out, (uint64_t)edge_newest(v, e) * SEC_US, 8);
	put(out, e->kind, 1);
	put(out, e->async_told, 1);
	put(out, aspects, 1);
	put(out, ops, 2);
	put_text(out, v->o.node_name(v->o.ctx, v->node[e->src].id));
	put_text(out, v->o.node_name(v->o.ctx, v->node[e->dst].id));
	put_float(out, (float)e->quiet_most);
	put_level(out, &e->own_rate);
	put_level(out, &e->ratio);
	baseline_write(&e->base, out);
	for (unsigned a = 0; a < ASPECT_COUNT; a++)
		if (e->aspect[a] && baseline_warm(&e->aspect[a]->base)) {
			put(out, a, 1);
			baseline_write(&e->aspect[a]->base, out);
		}
	for (uint32_t i = 1; i < e->streams; i++)
		if (baseline_warm(&e->stream[i].base)) {
			put_text(out, v->o.op_name(v->o.ctx, e->stream[i].op));
			baseline_write(&e->stream[i].base, out);
		}
	size = out->n - at - 4;
	for (unsigned i = 0; i < 4; i++)
		out->p[at + i] = (char)(size >> (8 * i));
}

void
verdict_save(const struct verdict *v, int64_t now_us, struct buf *out)
{
	struct buf body = BUF_INIT;

	for (uint32_t i = 0; i < v->edges; i++)
		if (baseline_warm(&v->edge[i]->base))
			put_edge(v, v->edge[i], &body);
	/* What was known before and has not been met again is not forgotten either. */
	for (uint32_t i = 0; v->kept && i < v->kept->entries; i++) {
		const struct entry *k = &v->kept->entry[i];
		struct reader r = { k->record, true };

		if (k->taken || take_header(&r).seen_us < now_us - KEEP_US)
			continue;
		put(&body, k->record.n, 4);
		buf_add_str(&body, k->record);
	}
	buf_add(out, MAGIC, MAGIC_BYTES);
	put(out, STATE_VERSION, 4);
	put(out, body.n, 4);
	put(out, crc32_of(body.p, body.n), 4);
	buf_add_str(out, buf_str(&body));
	buf_done(&body);
}

/* ---------------------------------------------------------------- finding again */

static uint32_t
hash_of(struct str src, struct str dst, uint8_t kind)
{
	uint64_t h = hash_bytes(src.p, src.n);

	h = h * UINT64_C(0x9e3779b97f4a7c15) ^ hash_bytes(dst.p, dst.n);
	return (uint32_t)((h ^ kind) * UINT64_C(0xbf58476d1ce4e5b9) >> 32);
}

void
verdict_forget_kept(struct verdict *v)
{
	if (!v->kept)
		return;
	free(v->kept->bytes);
	free(v->kept->entry);
	free(v->kept->slot);
	free(v->kept);
	v->kept = NULL;
}

static void
keep(struct verdict *v, struct str body, uint32_t entries, int64_t now_us)
{
	struct kept *k = xcalloc(1, sizeof(*k));
	struct reader r;

	verdict_forget_kept(v);
	v->kept = k;
	k->now_us = now_us;
	k->bytes = xmalloc(body.n);
	memcpy(k->bytes, body.p, body.n);
	k->entry = xcalloc(entries, sizeof(*k->entry));
	for (k->slots = 64; k->slots < entries;)
		k->slots *= 2;
	k->slot = xmalloc(k->slots * sizeof(*k->slot));
	memset(k->slot, 0xff, k->slots * sizeof(*k->slot));
	r = (struct reader){ { k->bytes, body.n }, true };
	while (k->entries < entries) {
		struct entry *e = &k->entry[k->entries];
		size_t size = (size_t)take(&r, 4);
		struct header h;
		struct reader one;
		uint32_t *slot;

		e->record = take_bytes(&r, size);
		one = (struct reader){ e->record, true };
		h = take_header(&one);
		slot = &k->slot[hash_of(h.src, h.dst, h.kind) & (k->slots - 1)];
		e->next = *slot;
		*slot = k->entries++;
	}
}

enum status
verdict_load(struct verdict *v, struct str bytes, int64_t now_us, struct diag *d)
{
	struct reader r = { bytes, true };
	struct str magic = take_bytes(&r, MAGIC_BYTES), body;
	uint32_t version = (uint32_t)take(&r, 4), crc, entries = 0;
	size_t length = (size_t)take(&r, 4);

	crc = (uint32_t)take(&r, 4);
	if (!r.sound)
		return diag_set(d, STATUS_ERR_TRUNCATED,
			"the state is cut short: %zu bytes are no header", bytes.n);
	if (!str_eq(magic, str_of(MAGIC)))
		return diag_set(d, STATUS_ERR_SYNTAX, "this is no state of weir's");
	if (version != STATE_VERSION)
		return diag_set(d, STATUS_ERR_VERSION,
			"the state has version %u, this weir reads %u", version,
			STATE_VERSION);
	if (length > MAX_BYTES)
		return diag_set(d, STATUS_ERR_TOO_BIG,
			"the state claims %zu bytes, over the limit of %zu", length,
			(size_t)MAX_BYTES);
	if (length != r.in.n)
		return diag_set(d, STATUS_ERR_TRUNCATED,
			"the state is cut short: %zu bytes of %zu", r.in.n, length);
	body = r.in;
	if (crc32_of(body.p, body.n) != crc)
		return diag_set(d, STATUS_ERR_CHECKSUM, "the state is damaged");
	while (r.in.n) {
		struct str record = take_bytes(&r, (size_t)take(&r, 4));

		if (!r.sound || !check_record(record))
			return diag_set(d, STATUS_ERR_RANGE,
				"record %u of the state is damaged", entries + 1);
		if (++entries > v->o.limits.edges)
			return diag_set(d, STATUS_ERR_TOO_BIG,
				"the state has more than %u edges", v->o.limits.edges);
	}
	if (entries)
		keep(v, body, entries, now_us);
	return STATUS_OK;
}

/* The record of an edge behind its header, or an unsound reader. */
static struct reader
find_record(struct verdict *v, const struct edge *e, struct header *ret_header,
	struct entry **ret_entry)
{
	struct str src = str_of(v->o.node_name(v->o.ctx, v->node[e->src].id));
	struct str dst = str_of(v->o.node_name(v->o.ctx, v->node[e->dst].id));
	struct kept *k = v->kept;

	for (uint32_t i = k->slot[hash_of(src, dst, e->kind) & (k->slots - 1)]; i != NONE;
		i = k->entry[i].next) {
		struct reader r = { k->entry[i].record, true };
		struct header h = take_header(&r);

		if (h.kind != e->kind || !str_eq(h.src, src) || !str_eq(h.dst, dst))
			continue;
		*ret_header = h;
		*ret_entry = &k->entry[i];
		return r;
	}
	return (struct reader){ .sound = false };
}

/* It was so then; trust it as much as a few minutes of learning. */
static void
recall_baseline(struct reader *r, struct baseline *b)
{
	take_baseline(r, b);
	baseline_age(b, TRUSTED_SPANS);
}

void
verdict_recall(struct verdict *v, struct edge *e)
{
	struct header h;
	struct entry *entry;
	struct reader r;

	if (!v->kept)
		return;
	r = find_record(v, e, &h, &entry);
	if (!r.sound)
		return;
	entry->taken = true;
	recall_baseline(&r, &e->base);
	for (unsigned i = 0; i < h.aspects && r.sound; i++) {
		unsigned a = (unsigned)take(&r, 1);

		if (!e->aspect[a])
			e->aspect[a] = xcalloc(1, sizeof(*e->aspect[a]));
		recall_baseline(&r, &e->aspect[a]->base);
	}
	e->restored = true;
	e->async_told |= h.async_told;
	e->quiet_most = (uint32_t)MIN(h.quiet_most, 86400);
	e->ratio = h.ratio;
	if (llabs(v->kept->now_us - h.seen_us) < VOLUME_US)
		e->own_rate = h.own_rate;
	edge_tune(v, e);
}

/* An operation of an edge that was recalled is met again. */
void
verdict_recall_op(struct verdict *v, const struct edge *e, struct stream *s)
{
	struct str name = str_of(v->o.op_name(v->o.ctx, s->op));
	struct baseline skip = { 0 };
	struct header h;
	struct entry *entry;
	struct reader r;

	if (!v->kept || !e->restored)
		return;
	r = find_record(v, e, &h, &entry);
	take_baseline(&r, &skip);
	for (unsigned i = 0; i < h.aspects && r.sound; i++) {
		take(&r, 1);
		take_baseline(&r, &skip);
	}
	for (unsigned i = 0; r.sound && i < h.ops; i++) {
		if (str_eq(take_text(&r), name)) {
			recall_baseline(&r, &s->base);
			break;
		}
		take_baseline(&r, &skip);
	}
	baseline_done(&skip);
}
