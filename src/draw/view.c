#include "config.h"

#include "weir/draw/view.h"

#include <string.h>

#include "weir/base/util.h"

#define VIEW(id) extern const struct view_ops view_##id;
#include "views.def"
#undef VIEW

const struct view_ops *const views[] = {
#define VIEW(id) &view_##id,
#include "views.def"
#undef VIEW
};

const unsigned view_count = ARRAY_LEN(views);

const struct view_ops *
view_find(const char *id)
{
	for (unsigned i = 0; i < view_count; i++)
		if (strcmp(views[i]->id, id) == 0)
			return views[i];
	return NULL;
}

bool
list_move(enum action action, int page, int last, int *at)
{
	int to = *at;

	switch (action) {
	case ACTION_UP:
		to--;
		break;
	case ACTION_DOWN:
		to++;
		break;
	case ACTION_PAGE_UP:
		to -= MAX(page - 1, 1); /* a row of the last page stays in sight */
		break;
	case ACTION_PAGE_DOWN:
		to += MAX(page - 1, 1);
		break;
	case ACTION_TOP:
		to = 0;
		break;
	case ACTION_BOTTOM:
		to = last;
		break;
	default:
		return false;
	}
	*at = CLAMP(to, 0, MAX(last, 0));
	return true;
}
