#include "config.h"

#include "guard.h"

#include <pthread.h>
#include <setjmp.h>
#include <stddef.h>

#include "weir/base/util.h"

static _Thread_local jmp_buf *way_out;

/* die() calls its hook before it says or ends anything. */
static void
escape(void)
{
	if (way_out)
		longjmp(*way_out, 1);
}

static void
set_hook(void)
{
	die_set_hook(escape);
}

bool
guard_run(void (*fn)(void *), void *ctx)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;
	jmp_buf here;

	pthread_once(&once, set_hook);
	if (setjmp(here) != 0) {
		way_out = NULL;
		return false;
	}
	way_out = &here;
	fn(ctx);
	way_out = NULL;
	return true;
}
