#include "config.h"

#include <cjson/cJSON.h>
#include <criterion/criterion.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "weir/base/json-out.h"

/* Is @text as cJSON would write what it reads from it? */
static void
expect_form_of_cjson(const char *text)
{
	cJSON *tree = cJSON_Parse(text);
	char *again;

	cr_assert(tree, "%s", text);
	again = cJSON_Print(tree);
	cr_expect_str_eq(text, again);
	free(again);
	cJSON_Delete(tree);
}

Test(json_out, has_the_form_of_cjson)
{
	struct buf text = BUF_INIT;
	struct json_out out = { .out = &text }, *o = &out;

	json_out_object(o, NULL);
	json_out_array(o, "empty");
	json_out_close(o);
	json_out_object(o, "nothing");
	json_out_close(o);
	json_out_array(o, "list");
	for (int i = 0; i < 2; i++) {
		json_out_object(o, NULL);
		json_out_whole(o, "n", i);
		json_out_array(o, "words");
		json_out_text(o, NULL, "a");
		json_out_text(o, NULL, "b");
		json_out_close(o);
		json_out_close(o);
	}
	json_out_array(o, NULL);
	json_out_real(o, NULL, 0.25, 3);
	json_out_bool(o, NULL, true);
	json_out_close(o);
	json_out_close(o);
	json_out_text(o, "text", "\" \\ / \b\f\n\r\t \x1f \x7f \xe2\x86\x92");
	json_out_bool(o, "no", false);
	json_out_null(o, "null");
	json_out_close(o);
	expect_form_of_cjson(buf_cstr(&text));
	buf_done(&text);
}

Test(json_out, what_is_not_known_is_null)
{
	struct buf text = BUF_INIT;
	struct json_out out = { .out = &text }, *o = &out;

	json_out_array(o, NULL);
	json_out_text(o, NULL, NULL);
	json_out_known(o, NULL, -1);
	json_out_known(o, NULL, 0);
	json_out_real(o, NULL, NAN, 3);
	json_out_real(o, NULL, -INFINITY, 3);
	json_out_real(o, NULL, 1e16, 3);
	json_out_close(o);
	cr_expect_str_eq(buf_cstr(&text), "[null, null, 0, null, null, null]");
	buf_done(&text);
}

Test(json_out, numbers_are_exact_and_short)
{
	struct buf text = BUF_INIT;
	struct json_out out = { .out = &text }, *o = &out;

	json_out_array(o, NULL);
	json_out_whole(o, NULL, INT64_MIN);
	json_out_whole(o, NULL, INT64_MAX);
	json_out_real(o, NULL, 15.25, 3);
	json_out_real(o, NULL, 100, 3);
	json_out_real(o, NULL, 100, 0);
	json_out_real(o, NULL, -0.0001, 3);
	json_out_real(o, NULL, 2.0 / 3, 6);
	json_out_close(o);
	cr_expect_str_eq(buf_cstr(&text), "[-9223372036854775808, 9223372036854775807, "
					  "15.25, 100, 100, 0, 0.666667]");
	buf_done(&text);
}
