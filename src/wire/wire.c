#include "config.h"

#include "weir/wire/wire.h"

#include <stdlib.h>

#include "bytes.h"
#include "crc.h"
#include "encoding.h"
#include "weir/base/util.h"

/*
 * The header as it lies behind the topic's NUL, in bytes. The manual's table and the
 * example in the tests are the same numbers; a later version may make the header
 * longer, so what stands behind HEADER_SIZE bytes is passed over by its own length.
 */
enum {
	AT_VERSION = 0,
	AT_SIZE = 1,
	AT_TYPE = 2,
	AT_ENCODING = 3,
	AT_FLAGS = 4,
	AT_ZERO = 6,
	AT_AGENT = 8,
	AT_INSTANCE = 24,
	AT_START_COUNT = 32,
	AT_EVENTS = 36,
	AT_FIRST_EVENT = 40,
	AT_MONO = 48,
	AT_WALL = 56,
	AT_PAYLOAD = 64,
	AT_CRC = 68,
	HEADER_SIZE = 72
};

/* Over every byte of the frame but the four of the CRC itself, topic included. */
static uint32_t
frame_crc(const unsigned char *frame, size_t n, size_t crc_at)
{
	return crc_add(crc_add(0, frame, crc_at), frame + crc_at + 4, n - crc_at - 4);
}

void
wire_put_frame(struct buf *out, struct str group, const struct wire_header *h,
	struct str payload)
{
	size_t start = out->n, at;
	unsigned char *p;

	buf_adds(out, WIRE_TOPIC_PREFIX);
	buf_add(out, group.p, MIN(group.n, (size_t)WIRE_GROUP_MAX));
	buf_addc(out, '\0');
	at = out->n;
	p = (unsigned char *)buf_reserve(out, HEADER_SIZE);
	memset(p, 0, HEADER_SIZE);
	p[AT_VERSION] = WIRE_VERSION;
	p[AT_SIZE] = HEADER_SIZE;
	p[AT_TYPE] = h->type;
	p[AT_ENCODING] = h->encoding;
	put_le(p + AT_FLAGS, h->flags, 2);
	memcpy(p + AT_AGENT, h->agent, sizeof(h->agent));
	memcpy(p + AT_INSTANCE, h->instance, sizeof(h->instance));
	put_le(p + AT_START_COUNT, h->start_count, 4);
	put_le(p + AT_EVENTS, h->events, 4);
	put_le(p + AT_FIRST_EVENT, h->first_event, 8);
	put_le(p + AT_MONO, (uint64_t)h->mono_us, 8);
	put_le(p + AT_WALL, (uint64_t)h->wall_us, 8);
	put_le(p + AT_PAYLOAD, payload.n, 4);
	out->n += HEADER_SIZE;
	buf_add_str(out, payload);
	p = (unsigned char *)out->p + start;
	put_le(p + (at - start) + AT_CRC,
		frame_crc(p, out->n - start, at - start + AT_CRC), 4);
}

/* Take the topic off the front; the group is visible ASCII. */
static enum status
get_topic(struct str *rest, struct str *ret_group)
{
	static const struct str prefix = { WIRE_TOPIC_PREFIX,
		sizeof(WIRE_TOPIC_PREFIX) - 1 };
	size_t n;

	if (memcmp(rest->p, prefix.p, MIN(rest->n, prefix.n)) != 0)
		return STATUS_ERR_SYNTAX;
	if (rest->n <= prefix.n)
		return STATUS_ERR_TRUNCATED;
	for (n = prefix.n; n < rest->n && rest->p[n] != '\0'; n++)
		if (rest->p[n] <= ' ' || rest->p[n] > '~' ||
			n >= prefix.n + WIRE_GROUP_MAX)
			return STATUS_ERR_SYNTAX;
	if (n == rest->n)
		return STATUS_ERR_TRUNCATED;
	*ret_group = (struct str){ .p = rest->p + prefix.n, .n = n - prefix.n };
	rest->p += n + 1;
	rest->n -= n + 1;
	return STATUS_OK;
}

static void
get_header(const unsigned char *p, struct wire_header *h)
{
	*h = (struct wire_header){
		.type = p[AT_TYPE],
		.encoding = p[AT_ENCODING],
		.flags = (uint16_t)get_le(p + AT_FLAGS, 2),
		.start_count = (uint32_t)get_le(p + AT_START_COUNT, 4),
		.events = (uint32_t)get_le(p + AT_EVENTS, 4),
		.first_event = get_le(p + AT_FIRST_EVENT, 8),
		.mono_us = (int64_t)get_le(p + AT_MONO, 8),
		.wall_us = (int64_t)get_le(p + AT_WALL, 8),
	};
	memcpy(h->agent, p + AT_AGENT, sizeof(h->agent));
	memcpy(h->instance, p + AT_INSTANCE, sizeof(h->instance));
}

enum status
wire_get_frame(struct str bytes, struct wire_frame *ret_frame)
{
	struct wire_frame f = { 0 };
	struct str rest = bytes;
	const unsigned char *p;
	enum status status;
	size_t size;

	if (bytes.n == 0)
		return STATUS_ERR_TRUNCATED;
	if (bytes.n > WIRE_MAX_FRAME)
		return STATUS_ERR_TOO_BIG;
	if (bytes.p[0] == '{' || bytes.p[0] == '[') {
		*ret_frame = (struct wire_frame){ .payload = bytes, .bare = true };
		return STATUS_OK;
	}
	status = get_topic(&rest, &f.group);
	if (status != STATUS_OK)
		return status;
	p = (const unsigned char *)rest.p;
	if (rest.n >= 1 && p[AT_VERSION] != WIRE_VERSION)
		return STATUS_ERR_VERSION;
	if (rest.n < HEADER_SIZE)
		return STATUS_ERR_TRUNCATED;
	size = p[AT_SIZE];
	if (size < HEADER_SIZE)
		return STATUS_ERR_SYNTAX;
	if (rest.n < size || rest.n - size < get_le(p + AT_PAYLOAD, 4))
		return STATUS_ERR_TRUNCATED;
	if (rest.n - size > get_le(p + AT_PAYLOAD, 4))
		return STATUS_ERR_SYNTAX;
	if (get_le(p + AT_CRC, 4) != frame_crc((const unsigned char *)bytes.p, bytes.n,
					     bytes.n - rest.n + AT_CRC))
		return STATUS_ERR_CHECKSUM;
	get_header(p, &f.header);
	if (f.header.type < WIRE_DATA || f.header.type > WIRE_BYE)
		return STATUS_ERR_UNKNOWN;
	f.payload = (struct str){ .p = rest.p + size, .n = rest.n - size };
	*ret_frame = f;
	return STATUS_OK;
}

#define ENCODING(id, name) extern const struct encoding_ops encoding_##name;
#include "encodings.def"
#undef ENCODING

static const struct encoding_row {
	unsigned id;
	const char *word;
	const struct encoding_ops *ops;
} encodings[] = {
#define ENCODING(id, name) { id, #name, &encoding_##name },
#include "encodings.def"
#undef ENCODING
};

const struct encoding_ops *
encoding_find(unsigned encoding)
{
	for (unsigned i = 0; i < ARRAY_LEN(encodings); i++)
		if (encodings[i].id == encoding)
			return encodings[i].ops;
	return NULL;
}

bool
wire_encoding_from(struct str word, enum wire_encoding *ret_encoding)
{
	for (unsigned i = 0; i < ARRAY_LEN(encodings); i++)
		if (str_eq(str_of(encodings[i].word), word)) {
			*ret_encoding = (enum wire_encoding)encodings[i].id;
			return true;
		}
	return false;
}

struct wire_decoder {
	void *reader[ARRAY_LEN(encodings)]; /* NULL: not needed so far */
};

struct wire_decoder *
wire_decoder_new(void)
{
	return xcalloc(1, sizeof(struct wire_decoder));
}

void
wire_decoder_free(struct wire_decoder *d)
{
	if (!d)
		return;
	for (unsigned i = 0; i < ARRAY_LEN(encodings); i++)
		if (d->reader[i])
			encodings[i].ops->reader_free(d->reader[i]);
	free(d);
}

enum status
wire_decode(struct wire_decoder *d, uint8_t encoding, struct str payload, int64_t now_us,
	wire_event_fn fn, void *ctx, struct wire_counts *counts)
{
	for (unsigned i = 0; i < ARRAY_LEN(encodings); i++) {
		const struct encoding_ops *ops = encodings[i].ops;

		if (encodings[i].id != encoding)
			continue;
		if (!d->reader[i])
			d->reader[i] = ops->reader_new();
		return ops->decode(d->reader[i], payload, now_us, fn, ctx, counts);
	}
	return STATUS_ERR_UNKNOWN;
}
