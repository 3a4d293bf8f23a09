/*
 * notes - what services say of themselves: their last log lines and values, and to
 * which group they belong.
 *
 * Log lines of a service are kept as patterns with counts, values as rings of the
 * newest. Bounded in services, in patterns and values of each, and in text; where
 * there is no room the least interesting goes. Services are numbers here (name ids).
 */
#ifndef WEIR_SRC_CORE_NOTES_H
#define WEIR_SRC_CORE_NOTES_H

#include "weir/core/snap.h"

struct notes;

struct notes *notes_new(void);
void notes_free(struct notes *n);

/* @at_us is the model's time of the record; times never go back by much. */
void notes_add(struct notes *n, uint32_t service, const struct note *note, int64_t at_us);
void notes_gauge(struct notes *n, uint32_t service, const struct gauge *g, int64_t at_us);

/*
 * A service told to be of two groups stays with the first, until that has not been told
 * for a while: a picture must not flicker between them.
 */
void notes_member(struct notes *n, uint32_t service, struct str group, int64_t at_us);

/* Add what @service said since @from_us to the newest node of @s; times less @shift_us. */
void notes_fill(const struct notes *n, uint32_t service, int64_t from_us,
	int64_t shift_us, struct snap *s);

/* Log lines that begin, or become many, with a trouble. */
struct notes_line {
	const char *pattern;
	enum note_severity severity;
	uint64_t count; /* since then */
};

/*
 * The worst lines of @service that came at least thrice as often since @since_us as in
 * the five minutes before; false when there are none. Mere information counts only when
 * there was none of it before.
 */
bool notes_line_since(const struct notes *n, uint32_t service, int64_t since_us,
	int64_t now_us, struct notes_line *ret);

/* A value that left what it was. */
struct notes_value {
	const char *name, *unit;
	double value, before; /* @before: the highest of the time before, or the lowest */
	bool rose;
};

/* That of @service which left its range of the quarter of an hour before farthest. */
bool notes_value_since(const struct notes *n, uint32_t service, int64_t since_us,
	int64_t now_us, struct notes_value *ret);

size_t notes_bytes(const struct notes *n);

#endif
