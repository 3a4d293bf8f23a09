#include "config.h"

#include "weir/draw/fmt.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>

#include "weir/base/util.h"

/* A unit is used for values below @limit, after rounding; @per is its size. */
struct unit {
	double limit, per;
	int decimals;
	const char *text;
};

static struct fmt
unknown(void)
{
	return (struct fmt){ "-" };
}

/* The first unit that is large enough; the last one takes the rest. */
static struct fmt
scaled(double v, const struct unit *units, size_t count)
{
	const struct unit *u = units;
	struct fmt f;

	while (u < units + count - 1 && v >= u->limit)
		u++;
	if (v >= u->limit)
		return (struct fmt){ ">999T" };
	snprintf(f.s, sizeof(f.s), "%.*f%s", u->decimals, v / u->per, u->text);
	return f;
}

/*
 * Limits are where rounding would need one more digit: 9.95 would be written 9.9
 * or 10.0, so that from there on there are no decimals.
 */
#define THOUSANDS(per, text)                \
	{ 9.95 * (per), per, 1, text },     \
	{                                   \
		999.5 * (per), per, 0, text \
	}

struct fmt
fmt_rate(double per_s)
{
	static const struct unit units[] = {
		THOUSANDS(1.0, "/s"),
		THOUSANDS(1e3, "k/s"),
		THOUSANDS(1e6, "M/s"),
		THOUSANDS(1e9, "G/s"),
		THOUSANDS(1e12, "T/s"),
	};

	if (!isfinite(per_s) || per_s < 0)
		return unknown();
	if (per_s == 0)
		return (struct fmt){ "0/s" };
	if (per_s < 0.05)
		return (struct fmt){ "<0.1/s" };
	return scaled(per_s, units, ARRAY_LEN(units));
}

struct fmt
fmt_percent(double ratio)
{
	struct fmt f;

	if (!isfinite(ratio) || ratio < 0)
		return unknown();
	if (ratio == 0)
		return (struct fmt){ "0%" };
	if (ratio < 0.0005)
		return (struct fmt){ "<0.1%" };
	if (ratio < 1 && ratio >= 0.995)
		return (struct fmt){ ">99%" };
	snprintf(f.s, sizeof(f.s), "%.*f%%", ratio < 0.0995, MIN(ratio, 99.99) * 100);
	return f;
}

struct fmt
fmt_count(uint64_t n)
{
	static const struct unit units[] = {
		{ 9999.5, 1, 0, "" },
		{ 999.5e3, 1e3, 0, "k" },
		THOUSANDS(1e6, "M"),
		THOUSANDS(1e9, "G"),
		THOUSANDS(1e12, "T"),
	};

	return scaled((double)n, units, ARRAY_LEN(units));
}

struct fmt
fmt_bytes(int64_t n)
{
	static const struct unit units[] = {
		{ 999.5, 1, 0, "B" },
		THOUSANDS(1e3, "kB"),
		THOUSANDS(1e6, "MB"),
		THOUSANDS(1e9, "GB"),
		THOUSANDS(1e12, "TB"),
	};

	if (n < 0)
		return unknown();
	return scaled((double)n, units, ARRAY_LEN(units));
}

struct fmt
fmt_duration(int64_t us)
{
	static const struct unit units[] = {
		{ 999.5, 1, 0, "\xc2\xb5s" },
		THOUSANDS(1e3, "ms"),
		{ 9.95e6, 1e6, 1, "s" },
		{ 119.5e6, 1e6, 0, "s" },
		{ 3570e6, 60e6, 0, "m" },
		{ 35820e6, 3600e6, 1, "h" },
		{ 171000e6, 3600e6, 0, "h" },
		{ 9999.5 * 86400e6, 86400e6, 0, "d" },
	};

	if (us < 0)
		return unknown();
	return scaled((double)us, units, ARRAY_LEN(units));
}

struct fmt
fmt_upper(int64_t us)
{
	struct fmt d = fmt_duration(us), f;

	if (us < 0)
		return d;
	snprintf(f.s, sizeof(f.s), "\xe2\x89\xa4%.12s", d.s);
	return f;
}

struct fmt
fmt_latency(int64_t us, bool bound)
{
	return bound ? fmt_upper(us) : fmt_duration(us);
}

struct fmt
fmt_age(int64_t us)
{
	struct fmt f;

	if (us >= 0 && us < SEC_US)
		return (struct fmt){ "<1s" };
	if (us < 0 || us >= 100 * SEC_US)
		return fmt_duration(us);
	snprintf(f.s, sizeof(f.s), "%ds", (int)(us / SEC_US));
	return f;
}
