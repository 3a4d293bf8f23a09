/*
 * verdict-trials - try the verdict engine on random systems with random faults, and say
 * how often it was right.
 *
 *   verdict-trials [-n TRIALS] [-s FIRST-SEED] [-f FAULT] [-a] [-v]
 *
 * Each seed is one trial (tests/unit/trial.h). -f takes a fault by its number instead of
 * one by the seed; -a prints a line for every trial that was not passed, -v all that is
 * said. Run it from the top of the source tree.
 */
#include "config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "trial.h"
#include "weir/base/util.h"

struct line {
	unsigned trials, named, right, top, in_time, cleared, clears, changes;
	double wait;
};

struct table {
	struct line fault[2][TRIAL_FAULT_COUNT], condition[TRIAL_CONDITION_COUNT];
	struct line all[2];
	unsigned checked[TRIAL_FACT_COUNT], wrong[TRIAL_FACT_COUNT];
	double quiet_s;
	unsigned false_verdicts;
};

static void
count(struct line *l, const struct trial_result *r)
{
	l->trials++;
	l->changes += r->changes;
	if (r->named_s >= 0) {
		l->named++;
		l->wait += r->named_s;
		l->in_time += r->named_s <= 10;
		l->clears++;
		l->cleared += r->cleared_s >= 0 && r->cleared_s <= 60;
	}
	l->right += trial_passed(r);
	l->top += r->named_s >= 0 && r->top >= .8 * r->said;
}

static void
add(struct table *t, const struct trial_result *r)
{
	t->quiet_s += r->quiet_s;
	t->false_verdicts += r->false_verdicts;
	if (r->fault == TRIAL_QUIET)
		return;
	count(&t->fault[r->visible][r->fault], r);
	count(&t->all[r->visible], r);
	for (unsigned c = 0; r->visible && c < TRIAL_CONDITION_COUNT; c++)
		if (r->conditions >> c & 1u)
			count(&t->condition[c], r);
	for (unsigned f = 0; f < TRIAL_FACT_COUNT; f++) {
		t->checked[f] += r->checked >> f & 1u;
		t->wrong[f] += r->wrong >> f & 1u;
	}
}

static void
print_line(const char *word, const struct line *l)
{
	double n = l->trials, named = MAX(l->named, 1u);

	if (!l->trials)
		return;
	printf("%-24s %6u %6.1f %6.1f %6.1f %6.1f %6.1f %6.1f %6.2f\n", word, l->trials,
		100 * l->named / n, 100 * l->right / n, 100 * l->top / n, l->wait / named,
		100 * l->in_time / n, l->clears ? 100.0 * l->cleared / l->clears : 100,
		l->changes / n);
}

static void
print_head(const char *word)
{
	printf("\n%-24s %6s %6s %6s %6s %6s %6s %6s %6s\n", word, "trials", "named",
		"first", "top 3", "after", "<=10 s", "clear", "change");
}

static void
print_table(const struct table *t)
{
	for (int visible = 1; visible >= 0; visible--) {
		print_head(visible ? "visible" : "small, rare or short");
		for (unsigned f = 0; f < TRIAL_FAULT_COUNT; f++)
			print_line(trial_fault_word(f), &t->fault[visible][f]);
		print_line("all", &t->all[visible]);
	}
	print_head("visible, by condition");
	for (unsigned c = 0; c < TRIAL_CONDITION_COUNT; c++)
		print_line(trial_condition_word(c), &t->condition[c]);
	printf("\nfacts told that were wrong\n");
	for (unsigned f = 0; f < TRIAL_FACT_COUNT; f++)
		printf("%-24s %4u of %u\n", trial_fact_word(f), t->wrong[f],
			t->checked[f]);
	printf("\nnothing wrong: %u false verdicts in %.1f days, %.2f a day\n",
		t->false_verdicts, t->quiet_s / 86400,
		t->false_verdicts / MAX(t->quiet_s / 86400, 1e-9));
}

static void
print_trial(uint64_t seed, const struct trial_result *r)
{
	printf("%llu %s%s:", (unsigned long long)seed, trial_fault_word(r->fault),
		r->visible ? "" : " (not visible)");
	for (unsigned c = 0; c < TRIAL_CONDITION_COUNT; c++)
		if (r->conditions >> c & 1u)
			printf(" %s,", trial_condition_word(c));
	printf(" %u services, %u edges, %u requests; %s\n", r->services, r->edges,
		r->events, r->truth);
	printf("    visible %d, named %d, cleared %d; right %u, top %u of %u s, %u "
	       "changes\n",
		r->visible_s, r->named_s, r->cleared_s, r->right, r->top, r->said,
		r->changes);
	if (*r->first)
		printf("    + %s\n", r->first);
	if (*r->wrongly)
		printf("    - %s\n", r->wrongly);
	for (unsigned f = 0; f < TRIAL_FACT_COUNT; f++)
		if (r->wrong >> f & 1u)
			printf("    wrong %s\n", trial_fact_word(f));
	if (*r->unfounded)
		printf("    ! %u false: %s\n", r->false_verdicts, r->unfounded);
}

int
main(int argc, char **argv)
{
	uint64_t first = 1, trials = 300;
	unsigned fault = TRIAL_FAULT_COUNT;
	bool all = false, verbose = false;
	static struct table t;
	int opt;

	while ((opt = getopt(argc, argv, "n:s:f:av")) != -1) {
		if (opt == 'n')
			trials = strtoull(optarg, NULL, 10);
		else if (opt == 's')
			first = strtoull(optarg, NULL, 10);
		else if (opt == 'f')
			fault = (unsigned)strtoul(optarg, NULL, 10);
		else if (opt == 'a')
			all = true;
		else if (opt == 'v')
			verbose = true;
		else
			return 2;
	}
	for (uint64_t seed = first; seed < first + trials; seed++) {
		struct trial_result r;
		bool good;

		trial_run(seed, fault, verbose, &r);
		good = r.fault == TRIAL_QUIET ||
		       (trial_passed(&r) && r.named_s <= 10 && r.cleared_s >= 0 &&
			       r.cleared_s <= 60);
		add(&t, &r);
		if (verbose || (all && (!good || r.false_verdicts || r.wrong)))
			print_trial(seed, &r);
	}
	print_table(&t);
	return 0;
}
