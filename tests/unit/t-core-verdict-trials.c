/*
 * A few of the trials of tools/verdict-trials: random systems with random faults. The
 * large run is for looking at; this one is for noticing when the engine gets worse.
 *
 * WEIR_TRIALS=N runs N of them, WEIR_TRIALS_FIRST=N begins with seed N.
 */
#include "config.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>

#include "trial.h"
#include "weir/base/util.h"

#ifdef __SANITIZE_ADDRESS__
#define TRIALS 8
#else
#define TRIALS 48
#endif

static unsigned
from_environment(const char *name, unsigned otherwise)
{
	const char *s = getenv(name);

	return s && *s ? (unsigned)strtoul(s, NULL, 10) : otherwise;
}

Test(trials, faults_that_show_are_named_and_cleared_and_quiet_stays_quiet, .timeout = 600)
{
	unsigned n = from_environment("WEIR_TRIALS", TRIALS);
	unsigned first = from_environment("WEIR_TRIALS_FIRST", 1001);
	unsigned visible = 0, right = 0, cleared = 0, unfounded = 0;

	for (unsigned seed = first; seed < first + n; seed++) {
		struct trial_result r;

		trial_run(seed, TRIAL_FAULT_COUNT, false, &r);
		unfounded += r.false_verdicts;
		if (!r.visible)
			continue;
		visible++;
		right += trial_passed(&r);
		cleared += r.cleared_s >= 0 && r.cleared_s <= 60;
		if (!trial_passed(&r))
			fprintf(stderr, "  %u %s: %s, said %s\n", seed,
				trial_fault_word(r.fault), r.truth,
				*r.wrongly ? r.wrongly : "nothing");
	}
	fprintf(stderr,
		"%u trials, %u visible: %u right, %u cleared; %u false verdicts\n", n,
		visible, right, cleared, unfounded);
	cr_assert(visible);
	cr_expect_geq(right * 100, visible * 80);
	cr_expect_geq(cleared * 100, visible * 85);
	cr_expect_leq(unfounded * 10, n);
}

/* The same trial twice, or a difference found on one machine means nothing on another. */
Test(trials, a_trial_is_the_same_every_time, .timeout = 60)
{
	struct trial_result a, b;

	trial_run(3, TRIAL_SLOW, false, &a);
	trial_run(3, TRIAL_SLOW, false, &b);
	cr_expect_eq(a.events, b.events);
	cr_expect_eq(a.named_s, b.named_s);
	cr_expect_eq(a.right, b.right);
	cr_expect_str_eq(a.first, b.first);
}
