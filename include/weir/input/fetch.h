/*
 * fetch - one HTTP request after another to a server that is asked again and again.
 *
 * libcurl, driven by the agent's poll loop without threads of ours. One request at a
 * time over a kept connection: a poller must be light on what it watches. Bodies are
 * bounded, redirects are not followed (they would carry credentials elsewhere), only
 * http and https are spoken, and credentials come from files, which are read again for
 * each request, as tokens are renewed there.
 */
#ifndef WEIR_INPUT_FETCH_H
#define WEIR_INPUT_FETCH_H

#include <poll.h>
#include <stdbool.h>
#include <stdint.h>

#include "weir/base/buf.h"
#include "weir/base/status.h"

struct fetch_options {
	const char *user;          /* basic authentication, with password_file */
	const char *password_file; /* the first line of it */
	const char *bearer_file;
	const char *tenant;  /* X-Scope-OrgID */
	const char *ca_file; /* instead of the system's authorities */
	const char *cert_file, *key_file;
	int64_t timeout_us; /* of a request; 0: 10 s */
	size_t max_body;    /* unpacked; 0: 64 MiB */
};

/* Rows for args_take() and lines for --help. */
#define FETCH_ARGS(o)                                                                 \
	{ "--user", &(o)->user }, { "--password-file", &(o)->password_file },         \
		{ "--bearer-file", &(o)->bearer_file }, { "--tenant", &(o)->tenant }, \
		{ "--ca-file", &(o)->ca_file }, { "--cert-file", &(o)->cert_file },   \
	{                                                                             \
		"--key-file", &(o)->key_file                                          \
	}
#define FETCH_HELP                                                               \
	"  --user NAME        basic authentication, with --password-file\n"      \
	"  --password-file FILE\n"                                               \
	"  --bearer-file FILE a token, read again for each request\n"            \
	"  --tenant ID        sent as X-Scope-OrgID\n"                           \
	"  --ca-file FILE     certificate authorities instead of the system's\n" \
	"  --cert-file FILE   of the client, with --key-file\n"                  \
	"  --key-file FILE\n"

struct fetch;

/* The text of @o must outlive it. ERR_USAGE with @d on what cannot go together. */
struct fetch *fetch_open(const struct fetch_options *o, struct diag *d);
void fetch_close(struct fetch *f);

/*
 * A URL as a user gives it, checked: http or https, no credentials in it (others would
 * see them), no query. Appends it without a slash at the end to @out.
 */
enum status fetch_check_url(const char *url, struct buf *out, struct diag *d);

/* Begin to POST @form (application/x-www-form-urlencoded), or to GET when it is NULL. */
enum status fetch_start(
	struct fetch *f, const char *url, const char *form, struct diag *d);

/* Append @text as a form or query value. */
void fetch_escape(struct buf *out, const char *text);

/* Descriptors to wait for, and µs after which fetch_step() must be called anyway. */
unsigned fetch_fds(
	struct fetch *f, struct pollfd *fds, unsigned max, int64_t *ret_wait_us);

/*
 * Go on without waiting. False while the request is under way or none is. True once when
 * it is over: *ret_code is the HTTP status, or 0 with @d saying why there is none.
 */
bool fetch_step(struct fetch *f, long *ret_code, struct diag *d);

/* The body of the last answer; may be written to. Valid until the next fetch_start(). */
struct buf *fetch_body(struct fetch *f);

#endif
