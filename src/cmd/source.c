#include "config.h"

#include "weir/cmd/source.h"

#include <stdlib.h>

enum status
source_open(struct source *src, const struct options *o, bool on_screen, struct diag *d)
{
	enum status s;

	*src = (struct source){ 0 };
	if (o->replay)
		s = source_open_replay(src, o->replay, d);
	else
		s = source_open_live(src, o, on_screen, d);
	if (s != STATUS_OK)
		source_close(src);
	return s;
}

void
source_close(struct source *src)
{
	if (src->s)
		src->ops->close(src->s);
	buf_done(&src->empty_text);
	*src = (struct source){ 0 };
}
