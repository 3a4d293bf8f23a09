/*
 * status - how a function that can fail says so.
 *
 * A status is a reason the caller can act on or count. A diag carries what a
 * person needs to mend it: where (file and line, when there is one) and a full
 * sentence. Only cmd prints either.
 */
#ifndef WEIR_BASE_STATUS_H
#define WEIR_BASE_STATUS_H

#define STATUS_LIST(X)                             \
	X(OK, "ok")                                \
	X(ERR_SYNTAX, "malformed input")           \
	X(ERR_TOO_BIG, "over a size limit")        \
	X(ERR_TOO_DEEP, "nested too deeply")       \
	X(ERR_TRUNCATED, "cut short")              \
	X(ERR_VERSION, "unknown version")          \
	X(ERR_UNKNOWN, "unknown name")             \
	X(ERR_RANGE, "value out of range")         \
	X(ERR_CHECKSUM, "checksum does not match") \
	X(ERR_FULL, "no room left")                \
	X(ERR_EXISTS, "already in use")            \
	X(ERR_SYSTEM, "the system refused")        \
	X(ERR_USAGE, "wrong use")

enum status {
#define X(id, text) STATUS_##id,
	STATUS_LIST(X)
#undef X
	STATUS_COUNT
};

/* A short phrase, lower case, static. */
const char *status_text(enum status s);

struct diag {
	char file[160];     /* "" when the fault is in no file */
	int line;           /* 0 when in no line */
	char text[320];     /* one sentence, lower-case start, no full stop */
	enum status status; /* what diag_set() was given */
};

/* Fill @d (NULL is allowed) and return @s, so that a failing function ends in one line. */
enum status diag_set(struct diag *d, enum status s, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));
enum status diag_at(struct diag *d, enum status s, const char *file, int line,
	const char *fmt, ...) __attribute__((format(printf, 5, 6)));

/*
 * The entry of @names (NULL-terminated) nearest to @word by edit distance, or
 * NULL when none is near enough to be what was meant.
 */
const char *nearest_name(const char *word, const char *const *names);

#endif
