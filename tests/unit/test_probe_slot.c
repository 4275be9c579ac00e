/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The engine's table: what is wanted against what the child has; never two of one key. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <errno.h>
#include <string.h>
#include <cmocka.h>

#include "common/parse.h"
#include "daemon/probe_slot.h"

static struct probe_slots slots;
static uint32_t last_id;

static int clean(void **state)
{
	(void)state;
	probe_slots_free(&slots);
	last_id = 0;
	return 0;
}

static struct probe_target make(const char *name, const char *portal)
{
	struct probe_target target;

	memset(&target, 0, sizeof(target));
	assert_int_equal(copy_text(target.name.target, sizeof(target.name.target), name),
			 0);
	assert_int_equal(
		copy_text(target.name.iface, sizeof(target.name.iface), "default"), 0);
	assert_int_equal(copy_text(target.initiator, sizeof(target.initiator), "iqn.i"),
			 0);
	assert_int_equal(portal_parse(portal, 3260, &target.name.portal), 0);
	return target;
}

/* As the engine's push: tell the child all. */
static void push(void)
{
	for (size_t i = 0; i < slots.n; i++) {
		struct probe_slot *slot = slots.slots[i];

		if (slot->stage == SLOT_NEW) {
			slot->id = ++last_id;
			slot->stage = SLOT_LIVE;
		} else if (slot->stage == SLOT_LEAVE) {
			slot->stage = SLOT_LEAVING;
		}
	}
}

static void add_and_drop(void **state)
{
	struct probe_target both[] = {make("a", "10.0.0.1"), make("a", "10.0.0.2")};

	(void)state;
	assert_int_equal(probe_slots_set(&slots, both, 2), 0);
	assert_int_equal(slots.n, 2);
	push();
	assert_int_equal(probe_slots_set(&slots, both, 1), 0);
	assert_int_equal(probe_slots_by_name(&slots, &both[0].name)->stage, SLOT_LIVE);
	assert_int_equal(probe_slots_by_name(&slots, &both[1].name)->stage, SLOT_LEAVE);
	push();
	probe_slots_left(&slots, probe_slots_by_name(&slots, &both[1].name));
	assert_int_equal(slots.n, 1);
	assert_null(probe_slots_by_name(&slots, &both[1].name));
}

static void unknown_to_the_child_goes_at_once(void **state)
{
	struct probe_target target = make("a", "10.0.0.1");

	(void)state;
	assert_int_equal(probe_slots_set(&slots, &target, 1), 0);
	assert_int_equal(probe_slots_set(&slots, NULL, 0), 0);
	assert_int_equal(slots.n, 0);
}

/* Dropped and wanted again: not before the child has ended the old one. */
static void wanted_again(void **state)
{
	struct probe_target target = make("a", "10.0.0.1");
	struct probe_slot *slot;

	(void)state;
	assert_int_equal(probe_slots_set(&slots, &target, 1), 0);
	push();
	assert_int_equal(probe_slots_set(&slots, NULL, 0), 0);
	push();
	assert_int_equal(probe_slots_set(&slots, &target, 1), 0);
	slot = probe_slots_by_name(&slots, &target.name);
	assert_int_equal(slots.n, 1);
	assert_int_equal(slot->stage, SLOT_LEAVING);
	push();
	assert_int_equal(slot->id, 1);
	probe_slots_left(&slots, slot);
	assert_int_equal(slot->stage, SLOT_NEW);
	push();
	assert_int_equal(slot->id, 2);
}

static void one_slot_a_key(void **state)
{
	struct probe_target twins[] = {make("a", "10.0.0.1"), make("a", "10.0.0.1")};

	(void)state;
	twins[1].kernel_logged_in = true;
	assert_int_equal(probe_slots_set(&slots, twins, 2), 0);
	assert_int_equal(slots.n, 1);
	assert_true(slots.slots[0]->target.kernel_logged_in);
	push();
	/* other interface, other device, other portal, other target: other keys */
	assert_int_equal(
		copy_text(twins[1].name.iface, sizeof(twins[1].name.iface), "i1"), 0);
	assert_int_equal(probe_slots_set(&slots, twins, 2), 0);
	assert_int_equal(slots.n, 2);
	assert_int_equal(
		copy_text(twins[1].name.netdev, sizeof(twins[1].name.netdev), "eth1"), 0);
	assert_null(probe_slots_by_name(&slots, &twins[1].name));
}

static void unchanged_is_left_alone(void **state)
{
	struct probe_target target = make("a", "10.0.0.1");

	(void)state;
	assert_int_equal(ip_address_parse("10.0.0.9", &target.name.source), 0);
	assert_int_equal(portal_parse("10.0.0.5:3260", 3260, &target.current), 0);
	assert_int_equal(probe_slots_set(&slots, &target, 1), 0);
	push();
	assert_int_equal(probe_slots_set(&slots, &target, 1), 0);
	assert_int_equal(slots.slots[0]->stage, SLOT_LIVE);
	/* the kernel's connection goes down: what is not known any more stays as it was
	 */
	target.current = (struct portal){0};
	target.name.source = (struct ip_address){0};
	target.kernel_logged_in = false;
	assert_int_equal(probe_slots_set(&slots, &target, 1), 0);
	assert_int_equal(slots.slots[0]->stage, SLOT_LIVE);
	assert_int_equal(slots.slots[0]->peer.address.bytes[3], 5);
	assert_int_equal(slots.slots[0]->target.name.source.bytes[3], 9);
	assert_int_equal(probe_slot_flags(slots.slots[0]), 0);
}

static void changed(struct probe_target *target, size_t i)
{
	switch (i) {
	case 0:
		assert_int_equal(portal_parse("10.0.0.7:3260", 3260, &target->current),
				 0);
		break;
	case 1:
		assert_int_equal(ip_address_parse("10.0.0.9", &target->name.source), 0);
		break;
	case 2:
		target->initiator[0] = 'x';
		break;
	case 3:
		target->header_digest = true;
		break;
	case 4:
		target->chap.user[0] = 'x';
		break;
	case 5:
		target->chap.password[0] = 'x';
		break;
	case 6:
		target->chap.user_in[0] = 'x';
		break;
	default:
		target->chap.password_in[0] = 'x';
	}
}

static void changes_need_a_new_session(void **state)
{
	for (size_t i = 0; i < 8; i++) {
		struct probe_target target = make("a", "10.0.0.1");

		clean(state);
		assert_int_equal(probe_slots_set(&slots, &target, 1), 0);
		push();
		slots.slots[0]->report.state = PROBE_UP;
		changed(&target, i);
		assert_int_equal(probe_slots_set(&slots, &target, 1), 0);
		assert_int_equal(slots.n, 1);
		assert_int_equal(slots.slots[0]->stage, SLOT_LEAVE);
		assert_int_equal(slots.slots[0]->report.state, PROBE_NONE);
	}
}

static void bad_targets_change_nothing(void **state)
{
	static struct probe_target many[PROBE_MAX_TARGETS + 1];
	struct probe_target set[] = {make("a", "10.0.0.1"), make("b", "10.0.0.1")};

	(void)state;
	assert_int_equal(probe_slots_set(&slots, set, 1), 0);
	push();
	set[1].initiator[0] = 0;
	assert_int_equal(probe_slots_set(&slots, set, 2), -EINVAL);
	set[1] = make("b", "10.0.0.1");
	memset(set[1].name.target, 'x', sizeof(set[1].name.target));
	assert_int_equal(probe_slots_set(&slots, set, 2), -EINVAL);
	set[1] = make("b", "10.0.0.1");
	set[1].name.portal = (struct portal){0};
	assert_int_equal(probe_slots_set(&slots, set, 2), -EINVAL);
	assert_int_equal(probe_slots_set(&slots, many, PROBE_MAX_TARGETS + 1), -E2BIG);
	assert_int_equal(slots.n, 1);
	assert_int_equal(slots.slots[0]->stage, SLOT_LIVE);
}

static void child_died(void **state)
{
	struct probe_target set[] = {make("a", "10.0.0.1"), make("b", "10.0.0.1")};

	(void)state;
	assert_int_equal(probe_slots_set(&slots, set, 2), 0);
	push();
	assert_int_equal(probe_slots_set(&slots, set, 1), 0);
	probe_slots_forget_child(&slots);
	assert_int_equal(slots.n, 1);
	assert_int_equal(slots.slots[0]->stage, SLOT_NEW);
	assert_int_equal(slots.slots[0]->id, 0);
	assert_null(probe_slots_by_id(&slots, 0));
}

static void tcp_only_is_remembered(void **state)
{
	struct probe_target target = make("a", "10.0.0.1");
	struct probe_wire_report report = {.state = PROBE_TCP_ONLY};

	(void)state;
	assert_int_equal(probe_slots_set(&slots, &target, 1), 0);
	push();
	assert_true(probe_slot_take(slots.slots[0], &report, 5));
	assert_false(probe_slot_take(slots.slots[0], &report, 6)); /* nothing new */
	report.state = PROBE_REFUSED;
	assert_true(probe_slot_take(slots.slots[0], &report, 7));
	probe_slots_forget_child(&slots);
	assert_int_equal(probe_slot_flags(slots.slots[0]), PROBE_FLAG_TCP_ONLY);
	report.state = PROBE_UP;
	probe_slot_take(slots.slots[0], &report, 8);
	assert_int_equal(probe_slot_flags(slots.slots[0]), 0);
}

/* Any order of wishes, pushes, endings and deaths: the child is never told to begin what
 * it has not ended, and in the end all is as wished. */
static void any_order(void **state)
{
	struct probe_target all[6];
	bool running[6] = {false};
	uint64_t random = 3;

	(void)state;
	for (size_t i = 0; i < 6; i++)
		all[i] =
			make((const char *[]){"a", "b"}[i % 2],
			     (const char *[]){"10.0.0.1", "10.0.0.2", "10.0.0.3"}[i / 2]);
	for (int round = 0; round < 20000; round++) {
		struct probe_target wish[6];
		size_t n = 0;

		random = random * 6364136223846793005ULL + 1442695040888963407ULL;
		for (size_t i = 0; i < 6; i++) {
			if (!(random >> (20 + i) & 1))
				continue;
			wish[n] = all[i];
			wish[n++].header_digest = random >> (30 + i) & 1;
		}
		assert_int_equal(probe_slots_set(&slots, wish, n), 0);
		for (size_t i = 0; i < slots.n; i++) {
			struct probe_slot *slot = slots.slots[i];
			size_t key = 0;

			while (strcmp(all[key].name.target, slot->target.name.target) ||
			       portal_compare(&all[key].name.portal,
					      &slot->target.name.portal))
				key++;
			if (slot->stage == SLOT_NEW) {
				assert_false(running[key]);
				running[key] = true;
				slot->id = ++last_id;
				slot->stage = SLOT_LIVE;
			} else if (slot->stage == SLOT_LEAVE) {
				slot->stage = SLOT_LEAVING;
			} else if (slot->stage == SLOT_LEAVING && random >> 40 & 1) {
				running[key] = false;
				probe_slots_left(&slots, slot);
				break;
			}
		}
		if (random >> 50 == 0) {
			memset(running, 0, sizeof(running));
			probe_slots_forget_child(&slots);
		}
		for (size_t i = 0; i < n; i++)
			assert_non_null(probe_slots_by_name(&slots, &wish[i].name));
		assert_in_range(slots.n, n, 6);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(add_and_drop, clean),
		cmocka_unit_test_setup(unknown_to_the_child_goes_at_once, clean),
		cmocka_unit_test_setup(wanted_again, clean),
		cmocka_unit_test_setup(one_slot_a_key, clean),
		cmocka_unit_test_setup(unchanged_is_left_alone, clean),
		cmocka_unit_test_setup(changes_need_a_new_session, clean),
		cmocka_unit_test_setup(bad_targets_change_nothing, clean),
		cmocka_unit_test_setup(child_died, clean),
		cmocka_unit_test_setup(tcp_only_is_remembered, clean),
		cmocka_unit_test_setup_teardown(any_order, clean, clean),
	};

	return cmocka_run_group_tests(tests, NULL, clean);
}
