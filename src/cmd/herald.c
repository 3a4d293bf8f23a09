#include "config.h"

#include "weir/cmd/herald.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "weir/base/util.h"
#include "weir/cmd/sink.h"
#include "weir/draw/grid.h"

#define COLUMNS 120
#define REFRESH_US (5 * SEC_US)
#define ALIVE_US (60 * SEC_US)
#define FORGET_US (600 * SEC_US) /* a cause that comes back later is a new one */

enum mark {
	MARK_NONE,
	MARK_OK,
	MARK_WARN,
	MARK_CRIT
};

/*
 * How each bar colours the mark, and what of a peer's text would mean something to it and
 * is replaced: the name of an operation must not become a button.
 */
static const struct bar_style {
	const char *before[MARK_CRIT + 1], *after;
	struct {
		const char *from, *to;
	} escape[4];
} styles[] = {
	{ { "", "", "", "" }, "", { { NULL, NULL } } },
	{ { "\033[2m", "\033[32m", "\033[33m", "\033[31m" }, "\033[0m",
		{ { NULL, NULL } } },
	{ { "#[dim]", "#[fg=green]", "#[fg=yellow]", "#[fg=red]" }, "#[default]",
		{ { "#", "##" } } },
	{ { "%{F#888}", "%{F#5f5}", "%{F#fd5}", "%{F#f55}" }, "%{F-}",
		{ { "%{", "% {" } } },
	{ { "<span foreground=\"#888888\">", "<span foreground=\"#55ff55\">",
		  "<span foreground=\"#ffdd55\">", "<span foreground=\"#ff5555\">" },
		"</span>", { { "&", "&amp;" }, { "<", "&lt;" }, { ">", "&gt;" } } },
};

const char *const herald_styles[] = { "plain", "ansi", "tmux", "polybar", "pango", NULL };

_Static_assert(ARRAY_LEN(styles) + 1 == ARRAY_LEN(herald_styles), "a style each");

bool
herald_is_pipe(const struct herald *h)
{
	return h->path && strcmp(h->path, "-") == 0;
}

void
herald_init(struct herald *h, const struct options *o, bool ascii)
{
	*h = (struct herald){
		.path = o->status_line, .style = o->status_style, .ascii = ascii
	};
}

void
herald_done(struct herald *h)
{
	if (h->path && !herald_is_pipe(h) && h->told && !h->failing)
		unlink(h->path);
	buf_done(&h->line);
	buf_done(&h->last);
	*h = (struct herald){ .path = NULL };
}

/* ------------------------------------------------------------ what there is to tell */

static enum mark
mark_of(const struct snap *s)
{
	if (!s->quality.received || s->watch.feed == FEED_GAP)
		return MARK_NONE;
	if (s->causes)
		return MARK_CRIT;
	if (!s->headline.n)
		return MARK_OK;
	return s->sev_count[SEV_CRIT] ? MARK_CRIT : MARK_WARN;
}

/* What is told when there is no sentence. */
static const char *
calm_words(const struct snap *s)
{
	if (!s->quality.received)
		return "nothing has arrived yet";
	if (s->watch.feed == FEED_GAP)
		return "the feed stopped; nothing is judged";
	if (s->watch.feed == FEED_LEARNING)
		return "still learning what is usual";
	return "all as usual";
}

static uint64_t
mix_text(uint64_t h, const char *text)
{
	return h * UINT64_C(0x9e3779b97f4a7c15) ^
	       hash_bytes(text ? text : "", text ? strlen(text) : 0);
}

static uint64_t
cause_id(const struct snap_cause *c)
{
	return mix_text(1, c->node);
}

/* The same for pictures that say the same but for their numbers; never 0. */
static uint64_t
verdict_id(const struct snap *s)
{
	uint64_t h = mix_text(mark_of(s), calm_words(s));

	if (s->causes) {
		const struct snap_cause *c = &s->cause[0];

		h = mix_text(h ^ cause_id(c), anomaly_word(c->kind));
		h = mix_text(mix_text(mix_text(h, c->src), c->dst), c->op);
	} else if (s->headline.n) {
		/* Of what thresholds say the names are the first clause. */
		h ^= hash_bytes(s->headline.text, s->headline.clause[0].end);
	}
	return h | 1;
}

/* ------------------------------------------------------------ the line */

/* Replaced in @text from @from on. */
static void
add_escaped(struct buf *out, const char *text, const struct bar_style *style)
{
	while (*text) {
		size_t n = 1;
		const char *to = NULL;

		for (size_t i = 0; i < ARRAY_LEN(style->escape) && !to; i++) {
			const char *from = style->escape[i].from;

			if (from && strncmp(text, from, strlen(from)) == 0) {
				n = strlen(from);
				to = style->escape[i].to;
			}
		}
		if (to)
			buf_adds(out, to);
		else
			buf_addc(out, *text);
		text += n;
	}
}

void
herald_line(const struct herald *h, const struct snap *s, struct buf *out)
{
	static const enum glyph glyphs[] = { GLYPH_IDLE, GLYPH_OK, GLYPH_WARN,
		GLYPH_CRIT };
	const struct bar_style *style = &styles[h->style];
	enum mark mark = mark_of(s);
	struct grid *g = grid_new(COLUMNS, 1);
	struct buf text = BUF_INIT, plane = BUF_INIT;
	char *rest;

	/* Through a grid, which knows what there is instead of what a reader cannot show. */
	grid_glyph(g, 0, 0, glyphs[mark], ROLE_TEXT, 0);
	if (mark >= MARK_WARN)
		sentence_fit(&s->headline, COLUMNS - 2, &text);
	else
		buf_adds(&text, calm_words(s));
	grid_text(g, 2, 0, buf_str(&text), ROLE_TEXT, 0);
	grid_glyph_plane(g, h->ascii, &plane);
	rest = strchr(plane.p, ' ');
	buf_adds(out, style->before[mark]);
	plane.p[strcspn(plane.p, "\n")] = '\0';
	*rest++ = '\0';
	add_escaped(out, plane.p, style);
	buf_addf(out, "%s ", style->after);
	add_escaped(out, rest, style);
	buf_done(&text);
	buf_done(&plane);
	grid_free(g);
}

static enum status
write_line(const struct herald *h)
{
	mode_t mask = umask(0);
	struct stat st;
	ssize_t n;

	umask(mask);
	if (herald_is_pipe(h)) {
		n = write(STDOUT_FILENO, h->line.p, h->line.n);
		return n == (ssize_t)h->line.n ? STATUS_OK : STATUS_ERR_SYSTEM;
	}
	/* What is no file must not become one. */
	if (stat(h->path, &st) == 0 && !S_ISREG(st.st_mode)) {
		errno = EEXIST;
		return STATUS_ERR_SYSTEM;
	}
	return file_replace(h->path, buf_str(&h->line), 0666 & ~mask);
}

/* Is the line in h->line to be written, and not the same again? */
static bool
is_due(const struct herald *h, bool changed, int64_t mono_us)
{
	int64_t age_us = mono_us - h->written_us;

	if (changed)
		return true;
	if (herald_is_pipe(h) || age_us < REFRESH_US)
		return false;
	return age_us >= ALIVE_US || !str_eq(buf_str(&h->line), buf_str(&h->last));
}

enum status
herald_tell(struct herald *h, const struct snap *s, int64_t mono_us, struct diag *d)
{
	uint64_t id;
	bool changed, told = h->failing;
	enum status status;

	if (!h->path)
		return STATUS_OK;
	id = verdict_id(s);
	changed = id != h->told;
	if (!changed && mono_us - h->written_us < REFRESH_US)
		return STATUS_OK;
	buf_clear(&h->line);
	herald_line(h, s, &h->line);
	buf_addc(&h->line, '\n');
	if (!is_due(h, changed, mono_us))
		return STATUS_OK;
	h->told = id;
	h->written_us = mono_us;
	buf_clear(&h->last);
	buf_add_str(&h->last, buf_str(&h->line));
	status = write_line(h);
	h->failing = status != STATUS_OK;
	if (status != STATUS_OK && !told && errno != EPIPE)
		diag_set(d, status, "cannot write the status line to '%s': %s", h->path,
			strerror(errno));
	return status;
}

bool
herald_rings(struct herald *h, const struct snap *s)
{
	uint64_t cause;
	unsigned at = 0;
	bool is_new;

	if (!s->causes)
		return false;
	cause = cause_id(&s->cause[0]);
	for (unsigned i = 0; i < HERALD_CAUSES; i++) {
		if (h->rung[i].cause == cause) {
			at = i;
			break;
		}
		if (h->rung[i].seen_us < h->rung[at].seen_us)
			at = i;
	}
	is_new = h->rung[at].cause != cause ||
		 s->now_us - h->rung[at].seen_us >= FORGET_US;
	h->rung[at].cause = cause;
	h->rung[at].seen_us = s->now_us;
	return is_new;
}
