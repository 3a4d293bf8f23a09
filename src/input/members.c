#include "config.h"

#include "members.h"

#include <stdlib.h>

#include "weir/base/util.h"

#define SETS 1024 /* a power of two */
#define WAYS 4

struct told {
	uint64_t hash; /* 0: free */
	int64_t at_us;
};

struct members {
	struct told told[SETS][WAYS];
};

struct members *
members_new(void)
{
	return xcalloc(1, sizeof(struct members));
}

void
members_free(struct members *m)
{
	free(m);
}

bool
members_due(struct members *m, struct str service, struct str group, int64_t now_us)
{
	struct told *set, *oldest;
	uint64_t hash;

	if (service.n == 0 || group.n == 0)
		return false;
	hash = (hash_bytes(service.p, service.n) * 31 + hash_bytes(group.p, group.n)) | 1;
	set = oldest = m->told[hash >> 32 & (SETS - 1)];
	for (unsigned i = 0; i < WAYS; i++) {
		if (set[i].hash == hash) {
			oldest = &set[i];
			if (now_us - oldest->at_us < MEMBERS_AGAIN_US)
				return false;
			break;
		}
		if (set[i].hash == 0 || set[i].at_us < oldest->at_us)
			oldest = &set[i];
	}
	*oldest = (struct told){ hash, now_us };
	return true;
}
