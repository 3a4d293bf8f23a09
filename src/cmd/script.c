#include "config.h"

#include "weir/cmd/script.h"

#include <stdlib.h>
#include <string.h>

#include "weir/base/text.h"
#include "weir/base/util.h"
#include "weir/cmd/values.h"
#include "weir/draw/keys.h"

/* One line of at most this is far more than any script needs. */
enum {
	MAX_LINE = 1000,
	MAX_STEPS = 10000
};

static void
add_key(struct step *step, uint32_t key)
{
	step->keys = xreallocarray(step->keys, step->key_count + 1, sizeof(*step->keys));
	step->keys[step->key_count++] = key;
}

static void
add_typed(struct step *step, struct str text)
{
	struct cluster c;

	while (text_next(&text, &c))
		add_key(step, c.base);
}

/* "Enter", or else the characters of the word. */
static void
add_words(struct step *step, const char *words)
{
	while (*words) {
		struct str word = { .p = words, .n = strcspn(words, " \t") };
		uint32_t key = key_from_name(word);

		if (key != WK_NONE)
			add_key(step, key);
		else
			add_typed(step, word);
		words += word.n;
		words += strspn(words, " \t");
	}
}

static enum status
parse_name(struct step *step, const char *rest, struct diag *d)
{
	size_t n = strspn(rest, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
				"0123456789-_.");

	/* It becomes a file's name, so it must not lead anywhere else. */
	if (n == 0 || rest[n] || rest[0] == '.' || n >= sizeof(step->name))
		return diag_set(d, STATUS_ERR_SYNTAX,
			"'%s' is no name for a shot: letters, digits, - and _", rest);
	memcpy(step->name, rest, n + 1);
	return STATUS_OK;
}

static enum status
parse_step(struct step *step, const char *word, const char *rest, struct diag *d)
{
	static const char *const words[] = { "size", "ascii", "at", "key", "keys", "text",
		"shot", NULL };
	unsigned i;
	enum status s = value_word(word, words, "command", &i, d);
	uint32_t key;

	if (s != STATUS_OK)
		return s;
	if (rest[0] == '\0')
		return diag_set(
			d, STATUS_ERR_SYNTAX, "'%s' needs something after it", word);
	switch (i) {
	case 0:
		step->kind = STEP_SIZE;
		return value_size(rest, &step->size.w, &step->size.h, d);
	case 1:
		step->kind = STEP_ASCII;
		return value_bool(rest, &step->on, d);
	case 2:
		step->kind = STEP_AT;
		return value_duration(rest, &step->at_us, d);
	case 3:
		step->kind = STEP_KEYS;
		key = key_from_name(str_of(rest));
		if (key == WK_NONE)
			return diag_set(d, STATUS_ERR_UNKNOWN,
				"no key '%s'; for several there is `keys`", rest);
		add_key(step, key);
		return STATUS_OK;
	case 4:
		step->kind = STEP_KEYS;
		add_words(step, rest);
		return STATUS_OK;
	case 5:
		step->kind = STEP_KEYS;
		add_typed(step, str_of(rest));
		return STATUS_OK;
	default:
		step->kind = STEP_SHOT;
		return parse_name(step, rest, d);
	}
}

static enum status
parse_line(struct script *s, char *line, int number, struct diag *d)
{
	struct step step = { .line = number };
	char *word = line + strspn(line, " \t"), *rest;
	size_t n = strlen(word);
	enum status status;

	while (n > 0 && strchr(" \t\r", word[n - 1]))
		word[--n] = '\0';
	if (n == 0 || word[0] == '#')
		return STATUS_OK;
	rest = word + strcspn(word, " \t");
	if (*rest) {
		*rest++ = '\0';
		rest += strspn(rest, " \t");
	}
	status = parse_step(&step, word, rest, d);
	if (status != STATUS_OK) {
		free(step.keys);
		return status;
	}
	s->step = xreallocarray(s->step, s->n + 1, sizeof(*s->step));
	s->step[s->n++] = step;
	return STATUS_OK;
}

enum status
script_parse(struct script *s, struct str text, const char *file, struct diag *d)
{
	enum status status = STATUS_OK;
	struct diag fault = { 0 };
	int number = 0;

	*s = (struct script){ 0 };
	while (text.n > 0 && status == STATUS_OK) {
		const char *end = memchr(text.p, '\n', text.n);
		size_t n = end ? (size_t)(end - text.p) : text.n;
		char line[MAX_LINE + 1];

		number++;
		if (n > MAX_LINE || s->n == MAX_STEPS || memchr(text.p, '\0', n)) {
			status = diag_set(&fault, STATUS_ERR_TOO_BIG,
				"this is no script: a line too long, or too many");
			break;
		}
		memcpy(line, text.p, n);
		line[n] = '\0';
		status = parse_line(s, line, number, &fault);
		n += end != NULL;
		text.p += n;
		text.n -= n;
	}
	if (status == STATUS_OK)
		return STATUS_OK;
	script_done(s);
	return diag_at(d, status, file, number, "%s", fault.text);
}

void
script_done(struct script *s)
{
	for (unsigned i = 0; i < s->n; i++)
		free(s->step[i].keys);
	free(s->step);
	*s = (struct script){ 0 };
}
