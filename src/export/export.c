#include "config.h"

#include "weir/export/export.h"

#include "weir/base/util.h"

#define EXPORT(id) extern const struct export_ops export_##id;
#include "exports.def"
#undef EXPORT

const struct export_ops *const exports[] = {
#define EXPORT(id) &export_##id,
#include "exports.def"
#undef EXPORT
};

const unsigned export_count = ARRAY_LEN(exports);

const struct export_ops *
export_find(const char *id)
{
	for (unsigned i = 0; i < export_count; i++)
		if (strcmp(exports[i]->id, id) == 0)
			return exports[i];
	return NULL;
}
