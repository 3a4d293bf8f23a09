#include "config.h"

#include "plain-way.h"

#include <cjson/cJSON.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct str
text_of(const cJSON *tree, const char *key)
{
	return str_of(cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(tree, key)));
}

static int64_t
number_of(const cJSON *tree, const char *key)
{
	double v = cJSON_GetNumberValue(cJSON_GetObjectItemCaseSensitive(tree, key));

	return isnan(v) ? FLOW_UNKNOWN : (int64_t)v;
}

static void
hex_of(struct str s, uint8_t *to)
{
	for (size_t i = 0; i + 1 < s.n; i += 2) {
		unsigned byte = 0;

		for (size_t k = i; k < i + 2; k++)
			byte = byte << 4 | ((unsigned)s.p[k] <= '9' ? s.p[k] & 15u
								    : (s.p[k] & 7u) + 9);
		to[i / 2] = (uint8_t)byte;
	}
}

static void
plain_line(const char *line, size_t n, plain_fn fn, void *ctx)
{
	cJSON *tree = cJSON_ParseWithLength(line, n);
	struct event e = { .type = EVENT_FLOW };
	struct flow *f = &e.u.flow;

	if (!tree) {
		fputs("bench: cJSON does not like it\n", stderr);
		exit(1);
	}
	flow_init(f);
	f->src = text_of(tree, "src");
	f->dst = text_of(tree, "dst");
	f->op = text_of(tree, "op");
	f->end_us = (int64_t)(cJSON_GetNumberValue(
				      cJSON_GetObjectItemCaseSensitive(tree, "ts")) *
			      1e6);
	f->client_us = number_of(tree, "us");
	f->server_us = number_of(tree, "srv_us");
	f->bytes_in = number_of(tree, "in");
	f->bytes_out = number_of(tree, "out");
	f->failed = cJSON_IsTrue(cJSON_GetObjectItemCaseSensitive(tree, "err"));
	flow_kind_from(text_of(tree, "kind"), &f->kind);
	flow_origin_from(text_of(tree, "origin"), &f->origin);
	hex_of(text_of(tree, "trace"), f->ids.trace);
	hex_of(text_of(tree, "span"), f->ids.span);
	fn(ctx, &e);
	cJSON_Delete(tree);
}

void
plain_lines(struct str payload, plain_fn fn, void *ctx)
{
	while (payload.n > 0) {
		const char *end = memchr(payload.p, '\n', payload.n);
		size_t n = end ? (size_t)(end - payload.p) : payload.n;

		plain_line(payload.p, n, fn, ctx);
		n += end != NULL;
		payload.p += n;
		payload.n -= n;
	}
}
