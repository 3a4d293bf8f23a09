/*
 * filter-priv - a compiled filter: a tree of tests, children by index.
 */
#ifndef WEIR_CORE_FILTER_PRIV_H
#define WEIR_CORE_FILTER_PRIV_H

#include <regex.h>

#include "weir/core/filter.h"

enum test_type {
	TEST_ALL,
	TEST_AND,
	TEST_OR,
	TEST_NOT,
	TEST_TEXT,
	TEST_NUMBER,
	TEST_EDGE_KIND,
	TEST_NODE_KIND,
	TEST_ERRORS,
	TEST_VERDICT, /* a cause is named on the edge */
	TEST_ANOMALY  /* it is not as usual */
};

/* What the text of a TEST_TEXT is looked for in. */
enum test_place {
	PLACE_ENDS,
	PLACE_SRC,
	PLACE_DST,
	PLACE_OP,
	PLACE_GROUP
};

enum test_field {
	FIELD_P50,
	FIELD_P95,
	FIELD_P99,
	FIELD_MAX,
	FIELD_SERVER,
	FIELD_QUEUE,
	FIELD_ERR,
	FIELD_RATE,
	FIELD_N,
	FIELD_IN,
	FIELD_OUT,
	FIELD_SEV
};

enum test_order {
	ORDER_LT,
	ORDER_LE,
	ORDER_EQ,
	ORDER_NE,
	ORDER_GE,
	ORDER_GT
};

struct test {
	enum test_type type;
	unsigned a, b; /* children */
	enum test_place place;
	char *text; /* to look for; NULL when it is a regex */
	regex_t regex;
	enum test_field field;
	enum test_order order;
	double value;  /* microseconds, ratio, per second, or plain */
	unsigned kind; /* of edge, node or anomaly; ANOMALY_COUNT: any */
};

struct filter {
	struct test *test; /* the root is the last one */
	unsigned n, room;
};

#endif
