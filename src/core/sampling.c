#include "config.h"

#include "weir/core/sampling.h"

#include "weir/base/util.h"

#define TH_DIGITS 14 /* of the rejection threshold; what is missing are zeros */

/* The value of @key in a list of "key@is value" that @sep separates; false without. */
static bool
find(struct str list, struct str key, char is, char sep, struct str *ret_value)
{
	while (list.n > 0) {
		const char *end = memchr(list.p, sep, list.n);
		struct str item = { list.p, end ? (size_t)(end - list.p) : list.n };

		list.p += item.n + (end != NULL);
		list.n -= item.n + (end != NULL);
		while (item.n > 0 && (item.p[0] == ' ' || item.p[0] == '\t')) {
			item.p++;
			item.n--;
		}
		if (item.n <= key.n || memcmp(item.p, key.p, key.n) != 0 ||
			item.p[key.n] != is)
			continue;
		*ret_value = (struct str){ item.p + key.n + 1, item.n - key.n - 1 };
		return true;
	}
	return false;
}

double
sampling_from_tracestate(struct str tracestate)
{
	uint64_t threshold = 0;
	struct str ot, th;

	if (!find(tracestate, STR("ot"), '=', ',', &ot) ||
		!find(ot, STR("th"), ':', ';', &th) || th.n == 0 || th.n > TH_DIGITS)
		return 0;
	for (size_t i = 0; i < TH_DIGITS; i++) {
		char c = i < th.n ? th.p[i] : '0';
		int v = c >= '0' && c <= '9'   ? c - '0'
			: c >= 'a' && c <= 'f' ? c - 'a' + 10
					       : -1;

		if (v < 0)
			return 0;
		threshold = threshold << 4 | (unsigned)v;
	}
	return 1 - (double)threshold / (double)(UINT64_C(1) << 4 * TH_DIGITS);
}

uint32_t
sampling_weight(double probability, const uint8_t trace[16])
{
	double weight, whole;
	uint32_t n, random;

	if (!(probability > 0) || probability >= 1)
		return 1;
	weight = 1 / probability;
	if (weight >= SAMPLING_MAX_WEIGHT)
		return SAMPLING_MAX_WEIGHT;
	n = (uint32_t)weight;
	whole = (double)n;
	/* The right half is what 64-bit ids have as well. */
	random = (uint32_t)hash_bytes(trace + 8, 8);
	return n + ((double)random < (weight - whole) * 4294967296.0);
}
