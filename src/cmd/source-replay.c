/*
 * A recording as a source, or a file of JSON lines: each line is then one bare
 * message, received at the newest time that any line so far has named.
 */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "weir/base/util.h"
#include "weir/cmd/source.h"
#include "weir/wire/record.h"
#include "weir/wire/wire.h"

struct replay {
	char path[200];
	struct record_reader *record; /* or */
	FILE *lines;
	char *line; /* getline()'s */
	size_t line_room;
	uint64_t line_number;

	struct source_frame ahead; /* read and not yet handed out */
	bool have_ahead, handed_out, ended;
	int64_t now_us; /* never goes back, whatever the file says */
};

static enum source_state
read_line(struct replay *r, struct source_frame *frame, struct diag *d)
{
	ssize_t n;
	int64_t at_us;

	do {
		n = getline(&r->line, &r->line_room, r->lines);
		r->line_number++;
		while (n > 0 && (r->line[n - 1] == '\n' || r->line[n - 1] == '\r'))
			n--;
	} while (n == 0);
	if (n < 0)
		return SOURCE_END;
	frame->bytes = (struct str){ .p = r->line, .n = (size_t)n };
	at_us = wire_line_time(frame->bytes);
	if (at_us == 0 && r->now_us == 0) {
		diag_at(d, STATUS_ERR_SYNTAX, r->path, (int)r->line_number,
			"no time: the first line to be replayed needs a \"ts\"");
		return SOURCE_FAILED;
	}
	frame->wall_us = at_us;
	return SOURCE_FRAME;
}

static enum source_state
read_record(struct replay *r, struct source_frame *frame, struct diag *d)
{
	enum status s = record_next(r->record, &frame->bytes, &frame->wall_us);

	if (s == STATUS_OK)
		return SOURCE_FRAME;
	if (s == STATUS_ERR_TRUNCATED)
		return SOURCE_END;
	diag_set(d, s, "'%s': %s at byte %llu; what comes before it has been read",
		r->path, status_text(s), (unsigned long long)record_offset(r->record));
	return SOURCE_FAILED;
}

/* Have the next frame in r->ahead. */
static enum source_state
look_ahead(struct replay *r, struct diag *d)
{
	enum source_state state;

	if (r->have_ahead && !r->handed_out)
		return SOURCE_FRAME;
	r->have_ahead = r->handed_out = false;
	if (r->ended)
		return SOURCE_END;
	state = r->lines ? read_line(r, &r->ahead, d) : read_record(r, &r->ahead, d);
	if (state != SOURCE_FRAME) {
		r->ended = true;
		return state;
	}
	r->now_us = MAX(r->now_us, r->ahead.wall_us);
	r->ahead.wall_us = r->ahead.mono_us = r->now_us;
	r->have_ahead = true;
	return SOURCE_FRAME;
}

static enum source_state
replay_next(void *s, int64_t until_us, struct source_frame *ret_frame, struct diag *d)
{
	struct replay *r = s;
	enum source_state state = look_ahead(r, d);

	if (state != SOURCE_FRAME)
		return state;
	if (r->ahead.wall_us > until_us)
		return SOURCE_NONE;
	*ret_frame = r->ahead;
	r->handed_out = true;
	return SOURCE_FRAME;
}

static void
replay_note(void *s, struct source_note *ret_note)
{
	struct replay *r = s;

	*ret_note = (struct source_note){ .played_us = r->ended ? r->now_us : INT64_MAX };
}

static void
replay_close(void *s)
{
	struct replay *r = s;

	record_reader_free(r->record);
	if (r->lines)
		fclose(r->lines);
	free(r->line);
	free(r);
}

static const struct source_ops replay_ops = {
	.played = true,
	.next = replay_next,
	.note = replay_note,
	.close = replay_close,
};

/* JSON lines begin as JSON does, a recording with its magic. */
static enum status
open_either(struct replay *r, const char *path, struct diag *d)
{
	int fd = strcmp(path, "-") == 0 ? dup(STDIN_FILENO)
					: open(path, O_RDONLY | O_CLOEXEC);
	char first;
	ssize_t n = fd < 0 ? -1 : read(fd, &first, 1);

	if (n < 0) {
		diag_set(d, STATUS_ERR_SYSTEM, "cannot read '%s': %s", path,
			strerror(errno));
		if (fd >= 0)
			close(fd);
		return STATUS_ERR_SYSTEM;
	}
	if (n == 1 && (first == '{' || first == '[')) {
		r->lines = fdopen(fd, "r");
		if (r->lines == NULL)
			die("fdopen: %s", strerror(errno));
		ungetc(first, r->lines);
		return STATUS_OK;
	}
	r->record =
		record_open_fd(fd, (struct str){ .p = &first, .n = (size_t)n }, path, d);
	return r->record ? STATUS_OK : STATUS_ERR_SYSTEM;
}

enum status
source_open_replay(struct source *src, const char *path, struct diag *d)
{
	struct replay *r = xcalloc(1, sizeof(*r));
	const char *base = strrchr(path, '/');
	enum status s;

	src->ops = &replay_ops;
	src->s = r;
	snprintf(r->path, sizeof(r->path), "%s", path);
	snprintf(src->where, sizeof(src->where), "%s",
		strcmp(path, "-") == 0 ? "standard input"
		: base && base[1]      ? base + 1
				       : path);
	buf_adds(&src->empty_text, "nothing in this recording so far\n");
	s = open_either(r, path, d);
	if (s != STATUS_OK)
		return s;
	switch (look_ahead(r, d)) {
	case SOURCE_FRAME:
		src->start_us = r->now_us;
		return STATUS_OK;
	case SOURCE_FAILED:
		return STATUS_ERR_SYSTEM;
	default:
		return STATUS_OK;
	}
}
