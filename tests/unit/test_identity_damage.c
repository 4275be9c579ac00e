/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Broken trees: damaged attributes, odd links, disks that vanish while they are read. */
#include <errno.h>
#include <limits.h>
#include <pthread.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/sysmacros.h>
#include <cmocka.h>

#include "common/clock.h"
#include "tests/unit/identity_fixture.h"

/* The longest values and one byte more. */
static void test_limits(void **state)
{
	struct tree *tree = *state;
	char text[600];
	struct iscsi_identity id;

	memset(text, 'x', sizeof(text));
	text[ISCSI_NAME_MAX - 1] = '\0';
	tree_file(tree, "class/iscsi_session/session1/targetname", text);
	id = identify(tree, "sda");
	assert_string_equal(id.name.target, text);
	text[ISCSI_NAME_MAX - 1] = 'x';
	text[ISCSI_NAME_MAX] = '\0';
	tree_file(tree, "class/iscsi_session/session1/targetname", text);
	id = identify(tree, "sda");
	assert_string_equal(id.name.target, "");
	assert_portal(&id.name.portal, "10.0.1.2:3260");

	/* No newline at the end is fine, also at the limit. */
	memset(text, 'w', sizeof(text));
	tree_bytes(tree, "block/sda/device/wwid", text, DEVICE_WWID_MAX - 1);
	id = identify(tree, "sda");
	assert_int_equal(strlen(id.wwid), DEVICE_WWID_MAX - 1);
	tree_bytes(tree, "block/sda/device/wwid", text, DEVICE_WWID_MAX);
	id = identify(tree, "sda");
	assert_string_equal(id.wwid, "");
}

/* Every attribute that is read of sda, and how to forget its field before comparing. */
enum field {
	F_TRANSPORT,
	F_VENDOR,
	F_MODEL,
	F_WWID,
	F_STATE,
	F_DEV,
	F_TARGET,
	F_TPGT,
	F_IFACE,
	F_INITIATOR,
	F_SESSION_STATE,
	F_TMO,
	F_PADDRESS,
	F_PPORT,
	F_ADDRESS,
	F_PORT,
	F_LPORT,
	F_CSTATE,
	F_HDIGEST,
	F_DDIGEST,
	F_NETDEV,
	F_SOURCE,
	F_COUNT
};

static const char *const attributes[] = {
	[F_TRANSPORT] = "class/scsi_host/host2/proc_name",
	[F_VENDOR] = "block/sda/device/vendor",
	[F_MODEL] = "block/sda/device/model",
	[F_WWID] = "block/sda/device/wwid",
	[F_STATE] = "block/sda/device/state",
	[F_DEV] = "block/sda/dev",
	[F_TARGET] = "class/iscsi_session/session1/targetname",
	[F_TPGT] = "class/iscsi_session/session1/tpgt",
	[F_IFACE] = "class/iscsi_session/session1/ifacename",
	[F_INITIATOR] = "class/iscsi_session/session1/initiatorname",
	[F_SESSION_STATE] = "class/iscsi_session/session1/state",
	[F_TMO] = "class/iscsi_session/session1/recovery_tmo",
	[F_PADDRESS] = "class/iscsi_connection/connection1:0/persistent_address",
	[F_PPORT] = "class/iscsi_connection/connection1:0/persistent_port",
	[F_ADDRESS] = "class/iscsi_connection/connection1:0/address",
	[F_PORT] = "class/iscsi_connection/connection1:0/port",
	[F_LPORT] = "class/iscsi_connection/connection1:0/local_port",
	[F_CSTATE] = "class/iscsi_connection/connection1:0/state",
	[F_HDIGEST] = "class/iscsi_connection/connection1:0/header_digest",
	[F_DDIGEST] = "class/iscsi_connection/connection1:0/data_digest",
	[F_NETDEV] = "class/iscsi_host/host2/netdev",
	[F_SOURCE] = "class/iscsi_host/host2/ipaddress",
};

static void forget(struct iscsi_identity *id, enum field field)
{
	static const struct portal no_portal;

	switch (field) {
	case F_TRANSPORT:
		memset(id->transport, 0, sizeof(id->transport));
		break;
	case F_VENDOR:
		memset(id->vendor, 0, sizeof(id->vendor));
		break;
	case F_MODEL:
		memset(id->product, 0, sizeof(id->product));
		break;
	case F_WWID:
		memset(id->wwid, 0, sizeof(id->wwid));
		break;
	case F_STATE:
		id->device_state = DEVICE_UNKNOWN;
		break;
	case F_TARGET:
		memset(id->name.target, 0, sizeof(id->name.target));
		break;
	case F_TPGT:
		id->name.tpgt = -1;
		break;
	case F_IFACE:
		memset(id->name.iface, 0, sizeof(id->name.iface));
		break;
	case F_INITIATOR:
		memset(id->initiator, 0, sizeof(id->initiator));
		break;
	case F_SESSION_STATE:
		id->session_state = SESSION_UNKNOWN;
		break;
	case F_TMO:
		id->recovery_tmo = INT_MIN;
		break;
	case F_ADDRESS:
	case F_PORT:
		id->current = no_portal;
		break;
	case F_LPORT:
		id->local_port = 0;
		break;
	case F_CSTATE:
		id->connection_state = CONNECTION_UNKNOWN;
		break;
	case F_HDIGEST:
		id->header_digest = false;
		break;
	case F_DDIGEST:
		id->data_digest = false;
		break;
	case F_NETDEV:
		memset(id->name.netdev, 0, sizeof(id->name.netdev));
		break;
	case F_SOURCE:
		memset(&id->name.source, 0, sizeof(id->name.source));
		break;
	case F_PADDRESS:
	case F_PPORT: /* falls back to the current portal, here the same */
	case F_DEV:
	case F_COUNT:
		break;
	}
}

enum damage {
	D_MISSING,
	D_EMPTY,
	D_NEWLINE,
	D_DIRECTORY,
	D_BINARY,
	D_NUL,
	D_NEGATIVE,
	D_HUGE,
	D_LONG,
	D_NULL_TEXT,
	D_TWO_LINES,
	D_LATIN,
	D_FIFO,
	D_LOOP,
	D_COUNT
};

/* Make the attribute bad in one way. */
static void break_attribute(const struct tree *tree, const char *path, enum damage damage)
{
	static const char bytes[] = {1, 2, 27, 127, (char)0xff, (char)0xfe, '\n'};
	static char blocks[8192];
	char full[TREE_PATH];

	tree_remove(tree, path);
	tree_path(tree, path, full);
	memset(blocks, '9', sizeof(blocks));
	switch (damage) {
	case D_EMPTY:
		tree_bytes(tree, path, "", 0);
		break;
	case D_NEWLINE:
		tree_bytes(tree, path, "\n", 1);
		break;
	case D_DIRECTORY:
		tree_dir(tree, path);
		break;
	case D_BINARY:
		tree_bytes(tree, path, bytes, sizeof(bytes));
		break;
	case D_NUL:
		tree_bytes(tree, path, "run\0ning\n", 9);
		break;
	case D_NEGATIVE:
		tree_file(tree, path, "-2147483649");
		break;
	case D_HUGE:
		tree_file(tree, path, "99999999999999999999999999999999");
		break;
	case D_LONG:
		tree_bytes(tree, path, blocks, sizeof(blocks));
		break;
	case D_NULL_TEXT:
		tree_file(tree, path, "(null)");
		break;
	case D_TWO_LINES:
		tree_file(tree, path, "1\n2");
		break;
	case D_LATIN:
		tree_file(tree, path, "caf\xe9");
		break;
	case D_FIFO:
		assert_int_equal(mkfifo(full, 0644), 0);
		break;
	case D_LOOP:
		assert_int_equal(symlink(full, full), 0);
		break;
	case D_MISSING:
	case D_COUNT:
		break;
	}
}

/* Values that are legal text, if odd: kept as they are by fields without a grammar. */
static bool damage_is_text(enum damage damage)
{
	return damage == D_NEGATIVE || damage == D_HUGE;
}

static bool field_is_text(enum field field)
{
	return field == F_TRANSPORT || field == F_VENDOR || field == F_MODEL ||
	       field == F_WWID || field == F_TARGET || field == F_IFACE ||
	       field == F_INITIATOR || field == F_NETDEV;
}

static void check_damaged(const struct tree *tree, const struct iscsi_identity *good,
			  enum field field, enum damage damage)
{
	struct iscsi_identity id, expected = *good, cached = *good, whole = *good;
	int r = identity_by_name(tree->root, "sda", &id), r_refresh;

	r_refresh = identity_refresh(tree->root, &cached);
	if (field == F_DEV || (field == F_STATE && damage == D_MISSING)) {
		assert_int_equal(r, -ENODEV);
		assert_int_equal(r_refresh, -ENODEV);
		return;
	}
	if (r != 0 || r_refresh != 0)
		fail_msg("%s, damage %d: %d, %d", attributes[field], (int)damage, r,
			 r_refresh);
	if (field_is_text(field) && damage_is_text(damage)) {
		/* Whatever it now says, nothing else may have changed. */
		forget(&id, field);
	}
	forget(&expected, field);
	if (!same_identity(&id, &expected))
		fail_msg("%s, damage %d: other fields changed", attributes[field],
			 (int)damage);
	/* A refresh keeps what it cannot read, but for the states. */
	expected = *good;
	if (field == F_STATE || field == F_SESSION_STATE)
		forget(&expected, field);
	if (!same_identity(&cached, &expected))
		fail_msg("%s, damage %d: refresh", attributes[field], (int)damage);
	/* That of the connection is not looked at while the session stands. */
	if (field == F_CSTATE)
		forget(&expected, field);
	assert_int_equal(identity_refresh_disk(tree->root, &whole), 0);
	assert_int_equal(identity_refresh_session(tree->root, &whole), 0);
	if (!same_identity(&whole, &expected))
		fail_msg("%s, damage %d: refresh of both parts", attributes[field], (int)damage);
}

static void restore(const struct tree *tree, const char *path, const char *bytes,
		    size_t size)
{
	char full[TREE_PATH];
	struct stat st;

	tree_path(tree, path, full);
	if (lstat(full, &st) == 0)
		tree_remove(tree, path);
	tree_bytes(tree, path, bytes, size);
}

/* Each attribute × each kind of damage: an error or all other fields right. */
static void test_damage(void **state)
{
	struct tree *tree = *state;
	struct iscsi_identity good;
	char saved[256], full[TREE_PATH];
	ssize_t size;
	int field, damage, fd;

	tree_file(tree, attributes[F_NETDEV], "eth1");
	tree_file(tree, attributes[F_HDIGEST], "1");
	tree_file(tree, attributes[F_DDIGEST], "1");
	good = identify(tree, "sda");
	for (field = 0; field < F_COUNT; field++) {
		tree_path(tree, attributes[field], full);
		fd = open(full, O_RDONLY | O_CLOEXEC);
		assert_true(fd >= 0);
		size = read(fd, saved, sizeof(saved));
		close(fd);
		assert_true(size > 0);
		for (damage = 0; damage < D_COUNT; damage++) {
			break_attribute(tree, attributes[field], (enum damage)damage);
			check_damaged(tree, &good, (enum field)field,
				      (enum damage)damage);
			restore(tree, attributes[field], saved, (size_t)size);
		}
		check_damaged(tree, &good, F_COUNT, D_COUNT);
	}
}

/* Class directories that are missing altogether. */
static void test_missing_classes(void **state)
{
	struct tree *tree = *state;
	struct iscsi_identity id;

	tree_remove(tree, "class/iscsi_connection");
	id = identify(tree, "sda");
	assert_true(id.is_iscsi);
	assert_string_equal(id.name.target, "iqn.2026-01.example:array");
	assert_false(portal_known(&id.name.portal));
	assert_int_equal(id.connection_state, CONNECTION_UNKNOWN);
	tree_remove(tree, "class/iscsi_host");
	tree_remove(tree, "class/scsi_host");
	id = identify(tree, "sda");
	assert_address(&id.name.source, "-");
	assert_string_equal(id.transport, "");
	assert_int_equal(identity_refresh(tree->root, &id), 0);
	tree_remove(tree, "class/iscsi_session");
	assert_int_equal(identity_refresh(tree->root, &id), -ENODEV);
	id = identify(tree, "sda");
	assert_false(id.is_iscsi);
}

/* What goes when a disk goes, in the kernel's order: the disk, then the session's files.
 */
static const char *const vanishing[] = {
	"block/sda",
	"class/iscsi_connection/connection1:0/persistent_address",
	"class/iscsi_connection/connection1:0/address",
	"class/iscsi_session/session1/targetname",
	"class/iscsi_session/session1/state",
};

struct remover {
	const struct tree *tree;
	unsigned int delay;
	atomic_bool go;
};

static void *remove_all(void *arg)
{
	struct remover *remover = arg;
	char full[TREE_PATH];
	volatile unsigned int spin;
	size_t i;

	while (!atomic_load(&remover->go))
		;
	for (spin = 0; spin < remover->delay; spin++)
		;
	for (i = 0; i < COUNT(vanishing); i++) {
		tree_path(remover->tree, vanishing[i], full);
		unlink(full);
	}
	return NULL;
}

static void put_back(const struct tree *tree)
{
	tree_link(tree, "devices/platform/host2/session1/target2:0:0/2:0:0:1/block/sda",
		  vanishing[0]);
	tree_file(tree, vanishing[1], disk_v4.persistent_address);
	tree_file(tree, vanishing[2], disk_v4.address);
	tree_file(tree, vanishing[3], disk_v4.target);
	tree_file(tree, vanishing[4], disk_v4.session_state);
}

/* The disk vanishes at any moment of the reading: all of it or -ENODEV. */
static void test_vanishing(void **state)
{
	struct remover remover = {.tree = *state};
	struct tree *tree = *state;
	struct iscsi_identity good = identify(tree, "sda"), id;
	unsigned int i, gone = 0;
	pthread_t thread;
	int r;

	for (i = 0; i < 300; i++) {
		atomic_store(&remover.go, false);
		remover.delay = i * 60;
		assert_int_equal(pthread_create(&thread, NULL, remove_all, &remover), 0);
		atomic_store(&remover.go, true);
		r = identity_by_name(tree->root, "sda", &id);
		pthread_join(thread, NULL);
		if (r == 0)
			assert_true(same_identity(&id, &good));
		else
			assert_int_equal(r, -ENODEV);
		gone += r != 0;
		assert_int_equal(identity_by_name(tree->root, "sda", &id), -ENODEV);
		put_back(tree);
	}
	print_message("vanished while reading: %u of 300 times\n", gone);
}

#define PLACE_A "devices/platform/host2/session1/target2:0:0/2:0:0:1/block/sda"
#define PLACE_D "devices/platform/host2/session1/target2:0:0/2:0:0:2/block/sdd"

/* Let block/sda mean one disk and the other in turn, until told to stop. */
static void *swap_link(void *arg)
{
	struct remover *remover = arg;
	char full[TREE_PATH], temporary[TREE_PATH];
	unsigned int i;

	tree_path(remover->tree, "block/sda", full);
	tree_path(remover->tree, "block/.sda", temporary);
	for (i = 1; atomic_load(&remover->go); i++) {
		if (symlink(i % 2 ? "../" PLACE_D : "../" PLACE_A, temporary) < 0 ||
		    rename(temporary, full) < 0)
			return arg;
		sched_yield();
	}
	return NULL;
}

/* The name goes to another disk at any moment: never a mixture of the two. */
static void test_swapped(void **state)
{
	struct remover remover = {.tree = *state};
	struct tree *tree = *state;
	struct iscsi_identity a = identify(tree, "sda"), d = identify(tree, "sdd"), id;
	uint64_t end = clock_now_ns() + NS_PER_S / 2;
	unsigned int seen_a = 0, seen_d = 0, gone = 0;
	pthread_t thread;
	void *failed;
	int r;

	/* What differs is the LUN number and its attributes. */
	memcpy(d.device, "sda", 4);
	atomic_store(&remover.go, true);
	assert_int_equal(pthread_create(&thread, NULL, swap_link, &remover), 0);
	while (clock_now_ns() < end) {
		r = identity_by_name(tree->root, "sda", &id);
		if (r < 0)
			assert_int_equal(r, -ENODEV);
		else if (id.lun == a.lun)
			assert_true(same_identity(&id, &a));
		else
			assert_true(same_identity(&id, &d));
		gone += r != 0;
		seen_a += r == 0 && id.lun == a.lun;
		seen_d += r == 0 && id.lun != a.lun;
	}
	atomic_store(&remover.go, false);
	assert_int_equal(pthread_join(thread, &failed), 0);
	assert_null(failed);
	print_message("one %u, the other %u, caught changing %u\n", seen_a, seen_d, gone);
}

/* Links into the device tree that no kernel makes. */
static void test_odd_links(void **state)
{
	static const char *const links[] = {
		"",
		"/",
		"..",
		"../..",
		"block",
		"../devices/block/",
		"a//b",
		"../devices/platform/host2/session1/target2:0:0/2:0:0:1/block/",
		"../devices/platform/host99999999999/session1/block/x",
		"../devices/platform/session1/2:0:0:1/block/x",
	};
	struct tree *tree = *state;
	struct iscsi_identity id;
	char full[TREE_PATH], long_link[4000];
	size_t i;

	tree_path(tree, "block/odd", full);
	for (i = 1; i < COUNT(links); i++) {
		assert_int_equal(symlink(links[i], full), 0);
		assert_int_equal(identity_by_name(tree->root, "odd", &id), -ENODEV);
		unlink(full);
	}
	memset(long_link, 'a', sizeof(long_link) - 1);
	long_link[sizeof(long_link) - 1] = '\0';
	assert_int_equal(symlink(long_link, full), 0);
	assert_true(identity_by_name(tree->root, "odd", &id) < 0);
	unlink(full);
	tree_dir(tree, "block/odd");
	assert_int_equal(identity_by_name(tree->root, "odd", &id), -ENODEV);
}

#define T(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(test_limits),	   T(test_damage),  T(test_missing_classes),
		T(test_vanishing), T(test_swapped), T(test_odd_links),
	};

	return cmocka_run_group_tests_name("identity damage", tests, NULL, NULL);
}
