#include "config.h"

#include <criterion/criterion.h>
#include <stdio.h>

#include "src/input/members.h"
#include "weir/base/util.h"

Test(members, a_member_is_told_at_once_and_again_after_a_while)
{
	struct members *m = members_new();

	cr_expect(members_due(m, STR("cart"), STR("shop"), SEC_US));
	cr_expect_not(members_due(m, STR("cart"), STR("shop"), 2 * SEC_US));
	cr_expect_not(
		members_due(m, STR("cart"), STR("shop"), SEC_US + MEMBERS_AGAIN_US - 1));
	cr_expect(members_due(m, STR("cart"), STR("shop"), SEC_US + MEMBERS_AGAIN_US));
	members_free(m);
}

Test(members, another_group_or_service_is_told_at_once)
{
	struct members *m = members_new();

	cr_expect(members_due(m, STR("cart"), STR("shop"), SEC_US));
	cr_expect(members_due(m, STR("cart"), STR("store"), SEC_US));
	cr_expect(members_due(m, STR("bank"), STR("shop"), SEC_US));
	cr_expect_not(members_due(m, STR("cart"), STR("shop"), SEC_US));
	members_free(m);
}

Test(members, without_a_group_there_is_nothing_to_tell)
{
	struct members *m = members_new();

	cr_expect_not(members_due(m, STR("cart"), STR(""), SEC_US));
	cr_expect_not(members_due(m, STR(""), STR("shop"), SEC_US));
	members_free(m);
}

Test(members, a_thousand_services_are_told_once_each)
{
	struct members *m = members_new();
	unsigned again = 0;
	char name[16];

	for (unsigned round = 0; round < 2; round++)
		for (unsigned i = 0; i < 1000; i++) {
			snprintf(name, sizeof(name), "s%u", i);
			again += members_due(m, str_of(name), STR("g"), SEC_US) && round;
		}
	cr_expect_leq(again, 20);
	members_free(m);
}
