/* Publish ten flows: cc publish.c $(pkg-config --cflags --libs libweir); publish [URL] */
#include <stdio.h>
#include <weir/weir.h>

int
main(int argc, char **argv)
{
	struct weir_options o = WEIR_OPTIONS_INIT;
	struct weir_flow f = WEIR_FLOW_INIT;
	struct weir_error error;
	struct weir *w;

	o.to = argc > 1 ? argv[1] : NULL; /* NULL: a weir of the same user */
	w = weir_open(&o, &error);
	if (!w) {
		fprintf(stderr, "publish: %s\n", error.text);
		return 1;
	}
	f.src = "c";
	f.dst = "s3";
	f.op = "PUT";
	f.kind = WEIR_KIND_HTTP;
	for (int i = 1; i <= 10; i++) {
		f.us = i * 1000;
		f.failed = i == 10;
		weir_put_flow(w, &f);
	}
	if (weir_close(w, 10000) != WEIR_OK) {
		fprintf(stderr, "publish: nobody listened\n");
		return 1;
	}
	return 0;
}
