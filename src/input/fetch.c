#include "config.h"

#include "weir/input/fetch.h"

#include <curl/curl.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "weir/base/util.h"

#define TIMEOUT_US (10 * SEC_US)
#define MAX_BODY ((size_t)64 << 20)
#define MAX_SOCKETS 16
#define SECRET_MAX 8192

struct fetch {
	struct fetch_options o;
	CURLM *multi;
	CURL *easy;
	struct curl_slist *headers;
	struct pollfd socket[MAX_SOCKETS];
	unsigned sockets;
	long wait_ms; /* as curl wants; -1: no timer */
	bool busy;
	bool too_big;
	struct buf body;
	struct buf form; /* curl does not copy it */
	char error[CURL_ERROR_SIZE];
};

/* ------------------------------------------------------------ what curl calls */

static int
on_socket(CURL *easy, curl_socket_t fd, int what, void *ctx, void *unused)
{
	struct fetch *f = ctx;
	unsigned i = 0;

	(void)easy;
	(void)unused;
	while (i < f->sockets && f->socket[i].fd != fd)
		i++;
	if (what == CURL_POLL_REMOVE) {
		if (i < f->sockets)
			f->socket[i] = f->socket[--f->sockets];
		return 0;
	}
	if (i == MAX_SOCKETS)
		return -1;
	f->sockets = MAX(f->sockets, i + 1);
	f->socket[i] = (struct pollfd){ .fd = fd,
		.events = (short)((what & CURL_POLL_IN ? POLLIN : 0) |
				  (what & CURL_POLL_OUT ? POLLOUT : 0)) };
	return 0;
}

static int
on_timer(CURLM *multi, long wait_ms, void *ctx)
{
	(void)multi;
	((struct fetch *)ctx)->wait_ms = wait_ms;
	return 0;
}

static size_t
on_bytes(char *p, size_t size, size_t n, void *ctx)
{
	struct fetch *f = ctx;

	if (f->body.n + size * n > f->o.max_body) {
		f->too_big = true;
		return 0;
	}
	buf_add(&f->body, p, size * n);
	return size * n;
}

/* ------------------------------------------------------------ life */

struct fetch *
fetch_open(const struct fetch_options *o, struct diag *d)
{
	struct fetch *f;

	if ((o->user != NULL) != (o->password_file != NULL) ||
		(o->user && o->bearer_file)) {
		diag_set(d, STATUS_ERR_USAGE,
			"'--user' and '--password-file' go together, and not with "
			"'--bearer-file'");
		return NULL;
	}
	if ((o->cert_file != NULL) != (o->key_file != NULL)) {
		diag_set(d, STATUS_ERR_USAGE,
			"'--cert-file' and '--key-file' go together");
		return NULL;
	}
	if (o->tenant && strpbrk(o->tenant, "\r\n")) {
		diag_set(d, STATUS_ERR_USAGE, "'--tenant' is one line");
		return NULL;
	}
	if (curl_global_init(CURL_GLOBAL_DEFAULT)) {
		diag_set(d, STATUS_ERR_SYSTEM, "libcurl cannot start");
		return NULL;
	}
	f = xcalloc(1, sizeof(*f));
	f->o = *o;
	if (!f->o.timeout_us)
		f->o.timeout_us = TIMEOUT_US;
	if (!f->o.max_body)
		f->o.max_body = MAX_BODY;
	f->wait_ms = -1;
	f->multi = curl_multi_init();
	f->easy = curl_easy_init();
	if (!f->multi || !f->easy)
		die("out of memory");
	curl_multi_setopt(f->multi, CURLMOPT_SOCKETFUNCTION, on_socket);
	curl_multi_setopt(f->multi, CURLMOPT_SOCKETDATA, f);
	curl_multi_setopt(f->multi, CURLMOPT_TIMERFUNCTION, on_timer);
	curl_multi_setopt(f->multi, CURLMOPT_TIMERDATA, f);
	return f;
}

void
fetch_close(struct fetch *f)
{
	if (!f)
		return;
	if (f->busy)
		curl_multi_remove_handle(f->multi, f->easy);
	curl_easy_cleanup(f->easy);
	curl_multi_cleanup(f->multi);
	curl_slist_free_all(f->headers);
	curl_global_cleanup();
	buf_done(&f->body);
	buf_done(&f->form);
	free(f);
}

/* ------------------------------------------------------------ a request */

enum status
fetch_check_url(const char *url, struct buf *out, struct diag *d)
{
	CURLU *u = curl_url();
	char *part = NULL;
	enum status s = STATUS_OK;

	if (curl_url_set(u, CURLUPART_URL, url, 0) ||
		curl_url_get(u, CURLUPART_SCHEME, &part, 0) ||
		(strcmp(part, "http") != 0 && strcmp(part, "https") != 0))
		s = diag_set(d, STATUS_ERR_USAGE,
			"'%s' is no URL like http://prometheus:9090", url);
	curl_free(part);
	part = NULL;
	if (!s && (!curl_url_get(u, CURLUPART_USER, &part, 0) ||
			  !curl_url_get(u, CURLUPART_PASSWORD, &part, 0)))
		s = diag_set(d, STATUS_ERR_USAGE,
			"credentials in a URL can be seen by others: use '--user' and "
			"'--password-file'");
	curl_free(part);
	part = NULL;
	if (!s && (!curl_url_get(u, CURLUPART_QUERY, &part, 0) ||
			  !curl_url_get(u, CURLUPART_FRAGMENT, &part, 0)))
		s = diag_set(d, STATUS_ERR_USAGE,
			"the URL '%s' ends with a path, not '?'", url);
	curl_free(part);
	curl_url_cleanup(u);
	if (s)
		return s;
	buf_adds(out, url);
	while (out->n > 0 && out->p[out->n - 1] == '/')
		out->p[--out->n] = '\0';
	return STATUS_OK;
}

void
fetch_escape(struct buf *out, const char *text)
{
	char *escaped = curl_easy_escape(NULL, text, 0);

	if (!escaped)
		die("out of memory");
	buf_adds(out, escaped);
	curl_free(escaped);
}

/* The first line of @path into @text, which has room for SECRET_MAX bytes. */
static enum status
read_secret(const char *path, char *text, struct diag *d)
{
	FILE *file = fopen(path, "re");

	if (!file)
		return diag_set(d, STATUS_ERR_SYSTEM, "cannot read '%s': %s", path,
			strerror(errno));
	if (!fgets(text, SECRET_MAX, file))
		text[0] = '\0';
	fclose(file);
	text[strcspn(text, "\r\n")] = '\0';
	if (text[0] == '\0')
		return diag_set(d, STATUS_ERR_SYSTEM, "'%s' is empty", path);
	return STATUS_OK;
}

static enum status
set_credentials(struct fetch *f, struct diag *d)
{
	char secret[SECRET_MAX] = "";
	struct buf tenant = BUF_INIT;

	curl_slist_free_all(f->headers);
	f->headers = curl_slist_append(NULL, "Accept: application/json");
	if (f->o.tenant) {
		buf_addf(&tenant, "X-Scope-OrgID: %s", f->o.tenant);
		f->headers = curl_slist_append(f->headers, buf_cstr(&tenant));
		buf_done(&tenant);
	}
	curl_easy_setopt(f->easy, CURLOPT_HTTPHEADER, f->headers);
	if (f->o.password_file) {
		if (read_secret(f->o.password_file, secret, d))
			return STATUS_ERR_SYSTEM;
		curl_easy_setopt(f->easy, CURLOPT_HTTPAUTH, (long)CURLAUTH_BASIC);
		curl_easy_setopt(f->easy, CURLOPT_USERNAME, f->o.user);
		curl_easy_setopt(f->easy, CURLOPT_PASSWORD, secret);
	}
	if (f->o.bearer_file) {
		if (read_secret(f->o.bearer_file, secret, d))
			return STATUS_ERR_SYSTEM;
		curl_easy_setopt(f->easy, CURLOPT_HTTPAUTH, (long)CURLAUTH_BEARER);
		curl_easy_setopt(f->easy, CURLOPT_XOAUTH2_BEARER, secret);
	}
	return STATUS_OK;
}

static void
set_transport(struct fetch *f)
{
	CURL *e = f->easy;

	curl_easy_setopt(e, CURLOPT_NOSIGNAL, 1L);
	curl_easy_setopt(e, CURLOPT_PROTOCOLS_STR, "http,https");
	curl_easy_setopt(e, CURLOPT_FOLLOWLOCATION, 0L);
	curl_easy_setopt(e, CURLOPT_ACCEPT_ENCODING, "gzip");
	curl_easy_setopt(e, CURLOPT_USERAGENT, PACKAGE_NAME "-agent/" PACKAGE_VERSION);
	curl_easy_setopt(e, CURLOPT_TIMEOUT_MS, (long)(f->o.timeout_us / MSEC_US));
	curl_easy_setopt(e, CURLOPT_ERRORBUFFER, f->error);
	curl_easy_setopt(e, CURLOPT_WRITEFUNCTION, on_bytes);
	curl_easy_setopt(e, CURLOPT_WRITEDATA, f);
	if (f->o.ca_file)
		curl_easy_setopt(e, CURLOPT_CAINFO, f->o.ca_file);
	if (f->o.cert_file) {
		curl_easy_setopt(e, CURLOPT_SSLCERT, f->o.cert_file);
		curl_easy_setopt(e, CURLOPT_SSLKEY, f->o.key_file);
	}
}

enum status
fetch_start(struct fetch *f, const char *url, const char *form, struct diag *d)
{
	if (f->busy) {
		curl_multi_remove_handle(f->multi, f->easy);
		f->busy = false;
	}
	curl_easy_reset(f->easy); /* keeps connections */
	buf_clear(&f->body);
	f->too_big = false;
	f->error[0] = '\0';
	set_transport(f);
	if (set_credentials(f, d))
		return STATUS_ERR_SYSTEM;
	curl_easy_setopt(f->easy, CURLOPT_URL, url);
	if (form) {
		buf_clear(&f->form);
		buf_adds(&f->form, form);
		curl_easy_setopt(f->easy, CURLOPT_POSTFIELDS, buf_cstr(&f->form));
		curl_easy_setopt(f->easy, CURLOPT_POSTFIELDSIZE, (long)f->form.n);
	}
	if (curl_multi_add_handle(f->multi, f->easy))
		return diag_set(d, STATUS_ERR_SYSTEM, "libcurl takes no request");
	f->busy = true;
	return STATUS_OK;
}

unsigned
fetch_fds(struct fetch *f, struct pollfd *fds, unsigned max, int64_t *ret_wait_us)
{
	unsigned n = MIN(f->sockets, max);

	*ret_wait_us = f->busy && f->wait_ms >= 0 ? f->wait_ms * MSEC_US : SEC_US;
	for (unsigned i = 0; i < n; i++)
		fds[i] = f->socket[i];
	return n;
}

static void
say_why(const struct fetch *f, CURLcode result, struct diag *d)
{
	const char *error = f->error[0] ? f->error : curl_easy_strerror(result);

	if (f->too_big)
		diag_set(d, STATUS_ERR_TOO_BIG,
			"the answer is over %zu MiB: narrow it down",
			f->o.max_body >> 20);
	else if (result == CURLE_OPERATION_TIMEDOUT)
		/* In words that are the same each time: libcurl's have the time in them. */
		diag_set(d, STATUS_ERR_SYSTEM, "no answer within %" PRId64 " ms",
			f->o.timeout_us / MSEC_US);
	else
		diag_set(d, STATUS_ERR_SYSTEM, "%s", error);
}

bool
fetch_step(struct fetch *f, long *ret_code, struct diag *d)
{
	int running = 0, left;
	CURLMsg *m;

	if (!f->busy)
		return false;
	/* Does what is ready, timers too; there is never more than one transfer. */
	curl_multi_socket_action(f->multi, CURL_SOCKET_TIMEOUT, 0, &running);
	for (unsigned i = f->sockets; i-- > 0;) {
		struct pollfd p = f->socket[i];
		int bits;

		if (poll(&p, 1, 0) <= 0)
			continue;
		bits = (p.revents & POLLIN ? CURL_CSELECT_IN : 0) |
		       (p.revents & POLLOUT ? CURL_CSELECT_OUT : 0) |
		       (p.revents & (POLLERR | POLLHUP | POLLNVAL) ? CURL_CSELECT_ERR
								   : 0);
		curl_multi_socket_action(f->multi, p.fd, bits, &running);
		i = MIN(i, f->sockets);
	}
	m = curl_multi_info_read(f->multi, &left);
	if (!m || m->msg != CURLMSG_DONE)
		return false;
	*ret_code = 0;
	if (m->data.result == CURLE_OK)
		curl_easy_getinfo(f->easy, CURLINFO_RESPONSE_CODE, ret_code);
	else
		say_why(f, m->data.result, d);
	curl_multi_remove_handle(f->multi, f->easy);
	f->busy = false;
	return true;
}

struct buf *
fetch_body(struct fetch *f)
{
	return &f->body;
}
