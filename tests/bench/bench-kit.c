#include "config.h"

#include "bench-kit.h"

#include <cjson/cJSON.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "weir/base/util.h"

static uint64_t seed = 1;
static unsigned rows, missed;

static double
clock_ns(clockid_t clock)
{
	struct timespec t;

	clock_gettime(clock, &t);
	return (double)t.tv_sec * 1e9 + (double)t.tv_nsec;
}

double
cpu_ns(void)
{
	return clock_ns(CLOCK_THREAD_CPUTIME_ID);
}

double
wall_ns(void)
{
	return clock_ns(CLOCK_MONOTONIC);
}

static int
by_value(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

double
median(double *v, unsigned n)
{
	qsort(v, n, sizeof(*v), by_value);
	return v[n / 2];
}

uint32_t
pick(uint32_t n)
{
	seed = seed * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
	return (uint32_t)((seed >> 32) * n >> 32);
}

/*
 * Events as they are: no two alike. The same one again and again would have the parser's
 * branches learnt by heart and be parsed a third faster.
 */
#define YARD_EVENTS 20000
#define YARD_EDGES 1000

static const char *const yard_event =
	"{\"src\":\"service-%02u-frontend\",\"dst\":\"backend-%03u-store\",\"op\":\"POST "
	"/v1/item/%u\",\"ts\":%llu.%06u,\"us\":%u,\"in\":%u,\"out\":%u,\"err\":%s,"
	"\"trace\":\"%08x%08x%08x%08x\",\"span\":\"%08x%08x\"}";

struct yard {
	char *text;
	size_t end[YARD_EVENTS]; /* of each event in it */
};

static void
yard_make(struct yard *y)
{
	enum {
		ROOM = 400
	};
	size_t n = 0;

	y->text = xmalloc((size_t)YARD_EVENTS * ROOM);
	for (unsigned i = 0; i < YARD_EVENTS; i++) {
		unsigned edge = pick(YARD_EDGES);

/* The format is a constant that stands apart for being long. */
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
		n += (size_t)snprintf(y->text + n, ROOM, yard_event, edge / 32, edge,
			edge % 5, 1767225600ull + i / 1000, pick(1000000),
			1000 + pick(50000), pick(2000), pick(20000),
			pick(100) ? "false" : "true", pick(~0u), pick(~0u), pick(~0u),
			pick(~0u), pick(~0u), pick(~0u));
#pragma GCC diagnostic pop
		y->end[i] = n;
	}
}

struct yardstick
cjson_parse(void)
{
	static struct yard y;
	double round[9];

	if (!y.text)
		yard_make(&y);
	for (unsigned r = 0; r < ARRAY_LEN(round); r++) {
		double start = cpu_ns();

		for (size_t i = 0, from = 0; i < YARD_EVENTS; from = y.end[i++])
			cJSON_Delete(
				cJSON_ParseWithLength(y.text + from, y.end[i] - from));
		round[r] = (cpu_ns() - start) / YARD_EVENTS;
	}
	return (struct yardstick){
		.ns = median(round, ARRAY_LEN(round)),
		.bytes = (double)y.end[YARD_EVENTS - 1] / YARD_EVENTS,
	};
}

static void
print_figure(const char *fmt, double figure)
{
	char text[64];

/* The formats are the rows' own, one %f each. */
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
	snprintf(text, sizeof(text), fmt, figure);
#pragma GCC diagnostic pop
	printf("%14s", text);
}

void
row(const char *what, const char *fmt, double figure, enum bound b, double target)
{
	bool met = b == AT_LEAST ? figure >= target : figure <= target;

	rows++;
	missed += !met;
	printf("  %-58s", what);
	print_figure(fmt, figure);
	printf("   target %s", b == AT_LEAST ? ">=" : "<=");
	print_figure(fmt, target);
	printf("   %s\n", met ? "met" : "MISSED");
	fflush(stdout);
}

void
row_plain(const char *what, const char *fmt, double figure)
{
	printf("  %-58s", what);
	print_figure(fmt, figure);
	putchar('\n');
	fflush(stdout);
}

int
rows_end(void)
{
	printf("  %u of %u targets met\n", rows - missed, rows);
	return 0;
}
