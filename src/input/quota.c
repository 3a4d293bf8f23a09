#include "config.h"

#include "weir/input/quota.h"

#include <math.h>
#include <netinet/in.h>
#include <stdlib.h>

#include "weir/base/util.h"

#define CLIENTS 512  /* as many as two doors have connections */
#define LEAST 1024.0 /* bytes: who has sent less is none of those that share */
#define SLACK 1.25   /* equals are never quite equal */

struct account {
	uint64_t client;
	double bytes; /* as of @at_us */
	int64_t at_us;
};

struct quota {
	bool (*pressed)(void *ctx);
	void *ctx;
	struct account account[CLIENTS];
	unsigned n; /* of them that were ever used */
};

struct quota *
quota_new(bool (*pressed)(void *ctx), void *ctx)
{
	struct quota *q = xcalloc(1, sizeof(*q));

	q->pressed = pressed;
	q->ctx = ctx;
	return q;
}

void
quota_free(struct quota *q)
{
	free(q);
}

uint64_t
quota_client(const struct sockaddr_storage *from, bool loopback)
{
	const struct sockaddr_in *v4 = (const struct sockaddr_in *)from;
	const struct sockaddr_in6 *v6 = (const struct sockaddr_in6 *)from;
	uint64_t address, port;

	if (from->ss_family == AF_INET) {
		address = hash_bytes((const char *)&v4->sin_addr, sizeof(v4->sin_addr));
		port = v4->sin_port;
	} else {
		address = hash_bytes((const char *)&v6->sin6_addr, sizeof(v6->sin6_addr));
		port = v6->sin6_port;
	}
	return loopback ? address ^ (port + 1) * UINT64_C(0x9e3779b97f4a7c15) : address;
}

/* What is left of it now. */
static double
left(const struct account *a, int64_t now_us)
{
	return a->bytes * exp2((double)(a->at_us - now_us) / (double)SEC_US);
}

bool
quota_allows(struct quota *q, uint64_t client, int64_t now_us)
{
	double own = 0, all = 0;
	unsigned clients = 0;

	if (!q || !q->pressed(q->ctx))
		return true;
	for (unsigned i = 0; i < q->n; i++) {
		const struct account *a = &q->account[i];
		double bytes = left(a, now_us);

		if (bytes < LEAST)
			continue;
		if (a->client == client)
			own = bytes;
		all += bytes;
		clients++;
	}
	return clients < 2 || own <= all / clients * SLACK;
}

void
quota_charge(struct quota *q, uint64_t client, size_t bytes, int64_t now_us)
{
	double least_bytes = LEAST;
	struct account *free = NULL;

	if (!q)
		return;
	for (unsigned i = 0; i < q->n; i++) {
		struct account *a = &q->account[i];
		double has = left(a, now_us);

		if (a->client == client) {
			*a = (struct account){ client, has + (double)bytes, now_us };
			return;
		}
		if (has < least_bytes || (!free && i + 1 == CLIENTS)) {
			least_bytes = has;
			free = a;
		}
	}
	if (!free)
		free = &q->account[q->n++];
	*free = (struct account){ client, (double)bytes, now_us };
}
