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
