#include "config.h"

#include "weir/base/when.h"

#include <stdio.h>
#include <time.h>

static bool
take_digits(struct str *s, unsigned n, int *ret_number)
{
	int v = 0;

	if (s->n < n)
		return false;
	for (unsigned i = 0; i < n; i++) {
		if (s->p[i] < '0' || s->p[i] > '9')
			return false;
		v = v * 10 + (s->p[i] - '0');
	}
	s->p += n;
	s->n -= n;
	*ret_number = v;
	return true;
}

static bool
take_one_of(struct str *s, const char *set)
{
	if (s->n == 0 || s->p[0] == '\0' || !strchr(set, s->p[0]))
		return false;
	s->p++;
	s->n--;
	return true;
}

/* ".123456789", or nothing; finer digits are cut off. */
static bool
take_fraction(struct str *s, int64_t *ret_us)
{
	int64_t unit = 100000, us = 0;
	int digit;

	*ret_us = 0;
	if (!take_one_of(s, "."))
		return true;
	if (!take_digits(s, 1, &digit))
		return false;
	do {
		us += digit * unit;
		unit /= 10;
	} while (take_digits(s, 1, &digit));
	*ret_us = us;
	return true;
}

/* "Z", "+hh:mm" or without @colon "+hhmm", as seconds east of Greenwich. */
static bool
take_zone(struct str *s, bool colon, int *ret_seconds)
{
	int sign, hours, minutes;

	*ret_seconds = 0;
	if (take_one_of(s, "Zz"))
		return true;
	sign = s->n > 0 && s->p[0] == '-' ? -1 : 1;
	if (!take_one_of(s, "+-") || !take_digits(s, 2, &hours) ||
		(colon && !take_one_of(s, ":")) || !take_digits(s, 2, &minutes) ||
		hours > 23 || minutes > 59)
		return false;
	*ret_seconds = sign * (hours * 3600 + minutes * 60);
	return true;
}

struct date {
	int year, month, day, hour, minute, second, zone;
	int64_t fraction_us;
};

static bool
to_us(const struct date *d, int64_t *ret_us)
{
	struct tm tm = {
		.tm_year = d->year - 1900, .tm_mon = d->month - 1, .tm_mday = d->day
	};
	int64_t seconds;

	if (d->month < 1 || d->month > 12 || d->hour > 23 || d->minute > 59 ||
		d->second > 60)
		return false;
	seconds = (int64_t)timegm(&tm) + d->hour * 3600 + d->minute * 60 + d->second -
		  d->zone;
	/* timegm() takes 30 February for 1 or 2 March. */
	if (tm.tm_mday != d->day || seconds < 0)
		return false;
	*ret_us = seconds * 1000000 + d->fraction_us;
	return true;
}

static bool
take_clock(struct str *s, struct date *d)
{
	return take_digits(s, 2, &d->hour) && take_one_of(s, ":") &&
	       take_digits(s, 2, &d->minute) && take_one_of(s, ":") &&
	       take_digits(s, 2, &d->second) && take_fraction(s, &d->fraction_us);
}

bool
when_rfc3339(struct str s, int64_t *ret_us)
{
	struct date d;

	return take_digits(&s, 4, &d.year) && take_one_of(&s, "-") &&
	       take_digits(&s, 2, &d.month) && take_one_of(&s, "-") &&
	       take_digits(&s, 2, &d.day) && take_one_of(&s, "Tt ") &&
	       take_clock(&s, &d) && take_zone(&s, true, &d.zone) && s.n == 0 &&
	       to_us(&d, ret_us);
}

static bool
take_month(struct str *s, int *ret_month)
{
	static const char names[] = "JanFebMarAprMayJunJulAugSepOctNovDec";

	if (s->n < 3)
		return false;
	for (int m = 0; m < 12; m++) {
		if (memcmp(names + 3 * m, s->p, 3) == 0) {
			s->p += 3;
			s->n -= 3;
			*ret_month = m + 1;
			return true;
		}
	}
	return false;
}

bool
when_clf(struct str s, int64_t *ret_us)
{
	struct date d;

	return take_digits(&s, 2, &d.day) && take_one_of(&s, "/") &&
	       take_month(&s, &d.month) && take_one_of(&s, "/") &&
	       take_digits(&s, 4, &d.year) && take_one_of(&s, ":") &&
	       take_clock(&s, &d) && take_one_of(&s, " ") &&
	       take_zone(&s, false, &d.zone) && s.n == 0 && to_us(&d, ret_us);
}

bool
when_put_rfc3339(struct buf *out, int64_t us, unsigned digits)
{
	time_t seconds = (time_t)(us / 1000000);
	char day[40], fraction[8];
	struct tm tm;

	if (us < 0 || !gmtime_r(&seconds, &tm) ||
		!strftime(day, sizeof(day), "%Y-%m-%dT%H:%M:%S", &tm))
		return false;
	snprintf(fraction, sizeof(fraction), ".%06d", (int)(us % 1000000));
	buf_adds(out, day);
	if (digits > 0)
		buf_add(out, fraction, 1 + digits);
	buf_addc(out, 'Z');
	return true;
}
