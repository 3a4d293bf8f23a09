/*
 * redact - take out of a log line what nobody should read on a wall screen.
 *
 * By default: what follows "Bearer", "Basic", "password=", "token:" and their like;
 * passwords in URLs; JSON web tokens and AWS keys; numbers that are payment cards (13 to
 * 19 digits that fulfil Luhn's formula); e-mail addresses. What was there is
 * replaced by a word that says what it was. A pattern of the user's own is an extended
 * regular expression.
 *
 * It errs on the side of taking out too much, and still is no guarantee.
 */
#ifndef WEIR_CORE_REDACT_H
#define WEIR_CORE_REDACT_H

#include "weir/base/buf.h"
#include "weir/base/status.h"

struct redact;

/* With the default rules or without. */
struct redact *redact_new(bool defaults);
void redact_free(struct redact *r);

/* ERR_SYNTAX with @d when it is no expression, ERR_FULL when there are too many. */
enum status redact_add(struct redact *r, const char *expression, struct diag *d);

/*
 * @text without what is secret: itself, or a copy in @r that is valid until the next
 * call.
 */
struct str redact_text(struct redact *r, struct str text);

#endif
