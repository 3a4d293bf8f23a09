#include "config.h"

#include "bench-kit.h"

#include <cjson/cJSON.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "weir/base/util.h"

static const char event_json[] =
	"{\"src\":\"checkout-service\",\"dst\":\"payment-service\",\"op\":\"POST "
	"/charge\","
	"\"kind\":\"http\",\"ts\":1767225600123456,\"us\":18342,\"srv_us\":17920,"
	"\"in\":612,\"out\":248,\"err\":false,\"trace\":"
	"\"4bf92f3577b34da6a3ce929d0e0e4736\","
	"\"span\":\"00f067aa0ba902b7\"}";

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

double
cjson_parse_ns(void)
{
	double round[9];

	for (unsigned r = 0; r < ARRAY_LEN(round); r++) {
		double start = cpu_ns();

		for (int i = 0; i < 20000; i++)
			cJSON_Delete(cJSON_ParseWithLength(
				event_json, sizeof(event_json) - 1));
		round[r] = (cpu_ns() - start) / 20000;
	}
	return median(round, ARRAY_LEN(round));
}

uint32_t
pick(uint32_t n)
{
	seed = seed * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
	return (uint32_t)((seed >> 32) * n >> 32);
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
