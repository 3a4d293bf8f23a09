#include "config.h"

#include "weir/base/util.h"
#include "weir/cmd/script.h"
#include "weir/cmd/sink.h"
#include "weir/cmd/stage.h"

struct run {
	struct stage st;
	bool ascii;
	int64_t at_us; /* since the start of the recording */
	const char *dir;
	FILE *out;
};

static enum status
write_plane(const struct run *r, const char *name, const char *suffix,
	const struct buf *plane, struct diag *d)
{
	struct buf path = BUF_INIT;
	struct sink sink;
	enum status s;

	buf_addf(&path, "%s/%s.%s", r->dir, name, suffix);
	sink_open(&sink);
	fwrite(plane->p, 1, plane->n, sink.f);
	s = sink_close(&sink, buf_cstr(&path), d);
	buf_done(&path);
	return s;
}

static void
picture(struct run *r)
{
	stage_look(&r->st);
	stage_paint(&r->st);
}

static enum status
shoot(struct run *r, const char *name, struct diag *d)
{
	struct buf glyphs = BUF_INIT, roles = BUF_INIT;
	enum status s = STATUS_OK;

	stage_listen(&r->st);
	picture(r);
	grid_glyph_plane(r->st.grid, r->ascii, &glyphs);
	grid_role_plane(r->st.grid, &roles);
	if (r->dir) {
		s = write_plane(r, name, "txt", &glyphs, d);
		if (s == STATUS_OK)
			s = write_plane(r, name, "roles", &roles, d);
	} else {
		fprintf(r->out, "=== %s: %dx%d at %gs\n%s=== %s: roles\n%s", name,
			grid_width(r->st.grid), grid_height(r->st.grid),
			(double)r->at_us / 1e6, buf_cstr(&glyphs), name,
			buf_cstr(&roles));
	}
	buf_done(&glyphs);
	buf_done(&roles);
	return s;
}

static enum status
do_step(struct run *r, const struct step *step, bool *ret_quit, struct diag *d)
{
	switch (step->kind) {
	case STEP_SIZE:
		grid_resize(r->st.grid, step->size.w, step->size.h);
		return STATUS_OK;
	case STEP_ASCII:
		r->ascii = step->on;
		return STATUS_OK;
	case STEP_AT:
		if (step->at_us < r->at_us)
			return diag_set(d, STATUS_ERR_USAGE,
				"time does not go back: it is %gs already",
				(double)r->at_us / 1e6);
		r->at_us = step->at_us;
		feed_run(r->st.feed, feed_source(r->st.feed)->start_us + step->at_us,
			NULL);
		/* Views remember what they have shown: show them each state. */
		picture(r);
		return STATUS_OK;
	case STEP_KEYS:
		for (unsigned i = 0; i < step->key_count && !*ret_quit; i++) {
			if (stage_key(&r->st, step->keys[i]) & UI_QUIT)
				*ret_quit = true;
			picture(r);
		}
		return STATUS_OK;
	case STEP_SHOT:
		return shoot(r, step->name, d);
	}
	return STATUS_OK;
}

enum status
script_run(const struct script *s, struct feed *feed, const struct options *o,
	const char *dir, FILE *out, struct diag *d)
{
	struct run r = { .ascii = o->ascii, .dir = dir, .out = out };
	enum status status = STATUS_OK;
	bool quit = false;

	stage_init(&r.st, feed, o, o->size.w, o->size.h, o->ascii);
	feed_run(feed, feed_source(feed)->start_us, NULL);
	for (unsigned i = 0; i < s->n && status == STATUS_OK && !quit; i++) {
		struct diag fault = { 0 };

		status = do_step(&r, &s->step[i], &quit, &fault);
		if (status != STATUS_OK)
			diag_at(d, status, o->script, s->step[i].line, "%s", fault.text);
	}
	stage_done(&r.st);
	return status;
}
