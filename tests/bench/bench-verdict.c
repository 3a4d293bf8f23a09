/*
 * What the verdict engine costs: nanoseconds a request, and milliseconds for each second
 * of stream, on a graph of 10000 edges (1250 services, two operations an edge) with two
 * requests a second on each; calm, with one service slow, and with a tenth of them at once.
 *
 *   bench-verdict [EDGES [SECONDS]]
 */
#include "config.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "weir/base/util.h"
#include "weir/core/verdict.h"

#define FANOUT 8
#define RATE 2

static const char *
name_of(void *ctx, uint32_t id)
{
	(void)ctx, (void)id;
	return "name";
}

static double
cpu_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
	return (double)t.tv_sec * 1e3 + (double)t.tv_nsec / 1e6;
}

static uint32_t
next(void)
{
	static uint64_t x = 88172645463325252u;

	x ^= x << 13;
	x ^= x >> 7;
	x ^= x << 17;
	return (uint32_t)(x >> 32);
}

struct cost {
	double observe_ms, tick_ms, worst_ms;
	uint64_t requests;
	uint32_t seconds;
};

static void
run(struct verdict *v, uint32_t edges, int64_t *sec, uint32_t seconds, uint32_t slow,
	struct cost *c)
{
	uint32_t nodes = edges / FANOUT;

	*c = (struct cost){ .seconds = seconds };
	for (uint32_t s = 0; s < seconds; s++, ++*sec) {
		double t0 = cpu_ms(), t1, t2;

		for (uint32_t i = 0; i < edges * RATE; i++) {
			uint32_t e = next() % edges, src = e / FANOUT;
			/* A tree: nobody calls the first node. */
			uint32_t dst = (src * FANOUT + e % FANOUT + 1) % nodes;
			uint32_t r = next();
			int64_t us = 2000 + (r & 4095) + (r >> 28 == 0 ? 20000 : 0);
			struct verdict_obs o = { .src = src,
				.dst = dst ? dst : 1,
				.kind = KIND_GRPC,
				.op = r >> 20 & 1,
				.end_us = *sec * SEC_US + r % 1000000,
				.latency_us = slow && dst % slow == 1 ? us * 20 : us,
				.server_us = FLOW_UNKNOWN,
				.queue_us = FLOW_UNKNOWN,
				.self_us = FLOW_UNKNOWN,
				.blocked_us = FLOW_UNKNOWN,
				.calls = 1 };

			verdict_observe(v, &o, (*sec + 1) * SEC_US);
		}
		t1 = cpu_ms();
		verdict_tick(v, (*sec + 1) * SEC_US);
		t2 = cpu_ms();
		c->requests += edges * RATE;
		c->observe_ms += t1 - t0;
		c->tick_ms += t2 - t1;
		c->worst_ms = MAX(c->worst_ms, t2 - t1);
	}
}

static void
print(const char *what, const struct cost *c)
{
	printf("  %-22s %6.0f ns a request, %6.2f ms a second of stream, worst %.2f ms\n",
		what, c->observe_ms * 1e6 / (double)c->requests, c->tick_ms / c->seconds,
		c->worst_ms);
}

int
main(int argc, char **argv)
{
	uint32_t edges = argc > 1 ? (uint32_t)strtoul(argv[1], NULL, 10) : 10000;
	uint32_t seconds = argc > 2 ? (uint32_t)strtoul(argv[2], NULL, 10) : 60;
	struct verdict_options o = { .node_name = name_of, .op_name = name_of };
	struct verdict *v = verdict_new(&o);
	struct verdict_status status;
	int64_t sec = 1700000000;
	uint32_t causes;
	struct cost c;

	run(v, edges, &sec, 300, 0, &c);
	print("learning", &c);
	run(v, edges, &sec, seconds, 0, &c);
	print("calm", &c);
	verdict_causes(v, &causes);
	verdict_status(v, &status);
	printf("  %u edges watched, %.0f bytes an edge, %u causes\n", status.edges,
		(double)status.bytes / status.edges, causes);
	run(v, edges, &sec, seconds / 3, UINT32_MAX, &c);
	print("a service is slow", &c);
	verdict_causes(v, &causes);
	printf("  %u causes\n", causes);
	run(v, edges, &sec, seconds, 0, &c);
	print("calm again", &c);
	run(v, edges, &sec, seconds / 3, 10, &c);
	print("a tenth is slow", &c);
	verdict_causes(v, &causes);
	printf("  %u causes\n", causes);
	verdict_free(v);
	return 0;
}
