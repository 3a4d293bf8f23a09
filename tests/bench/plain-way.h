/*
 * The plain way of reading flows, which others are measured by: cJSON makes a tree of each
 * line, and its members are looked up by name.
 */
#ifndef WEIR_TESTS_PLAIN_WAY_H
#define WEIR_TESTS_PLAIN_WAY_H

#include "weir/base/str.h"
#include "weir/core/flow.h"

typedef void (*plain_fn)(void *ctx, const struct event *e);

/* Hands out the flow of each line; what @fn gets is valid until it returns. */
void plain_lines(struct str payload, plain_fn fn, void *ctx);

#endif
