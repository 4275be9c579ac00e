/* SPDX-License-Identifier: GPL-2.0-or-later */
/* From a disk to its session: every field, from trees of every kind. */
#include <errno.h>
#include <limits.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/sysmacros.h>
#include <cmocka.h>

#include "tests/unit/identity_fixture.h"

static void test_v4(void **state)
{
	struct iscsi_identity id = identify(*state, "sda");

	assert_true(id.is_iscsi);
	assert_true(id.devt == makedev(8, 0));
	assert_string_equal(id.device, "sda");
	assert_string_equal(id.transport, "iscsi_tcp");
	assert_int_equal(id.host, 2);
	assert_int_equal(id.channel, 0);
	assert_int_equal(id.id, 0);
	assert_int_equal(id.lun, 1);
	assert_string_equal(id.vendor, "LIO-ORG");
	assert_string_equal(id.product, "disk0");
	assert_string_equal(id.wwid, WWID_A);
	assert_int_equal(id.device_state, DEVICE_RUNNING);
	assert_int_equal(id.sid, 1);
	assert_int_equal(id.cid, 0);
	assert_string_equal(id.name.target, "iqn.2026-01.example:array");
	assert_int_equal(id.name.tpgt, 1);
	assert_portal(&id.name.portal, "10.0.1.2:3260");
	assert_portal(&id.current, "10.0.1.2:3260");
	assert_string_equal(id.name.iface, "default");
	assert_string_equal(id.name.netdev, "");
	assert_address(&id.name.source, "10.0.1.100");
	assert_int_equal(id.local_port, 40122);
	assert_string_equal(id.initiator, "iqn.1993-08.org.debian:01:abc");
	assert_int_equal(id.session_state, SESSION_LOGGED_IN);
	assert_int_equal(id.connection_state, CONNECTION_UP);
	assert_int_equal(id.recovery_tmo, 120);
	assert_false(id.header_digest);
	assert_false(id.data_digest);
}

static void test_v6(void **state)
{
	struct iscsi_identity id = identify(*state, "sdb");

	assert_true(id.is_iscsi);
	assert_string_equal(id.name.target, "iqn.2026-01.example:array");
	assert_portal(&id.name.portal, "[fd00::2]:3260");
	assert_portal(&id.current, "[fd00::2]:3260");
	assert_address(&id.name.source, "fd00::64");
	assert_int_equal(id.name.portal.address.scope, 0);
	assert_string_equal(id.name.iface, "port1");
	assert_string_equal(id.name.netdev, "eth1");
	assert_true(id.header_digest);
	assert_false(id.data_digest);
}

static void test_link_local(void **state)
{
	struct iscsi_identity id = identify(*state, "sdaa");

	assert_true(id.sid == 4294967295U);
	assert_int_equal(id.name.portal.port, 3261);
	assert_int_equal(id.name.portal.address.scope, 3);
	assert_int_equal(id.current.address.scope, 3);
	assert_int_equal(id.name.source.scope, 3);

	tree_remove(*state, "class/net/eth1");
	id = identify(*state, "sdaa");
	assert_int_equal(id.name.portal.address.scope, 0);
}

static void test_recovery(void **state)
{
	struct iscsi_identity id = identify(*state, "sde");

	assert_true(id.is_iscsi);
	assert_int_equal(id.device_state, DEVICE_BLOCKED);
	assert_int_equal(id.session_state, SESSION_FAILED);
	assert_int_equal(id.connection_state, CONNECTION_FAILED);
	assert_portal(&id.name.portal, "10.0.2.2:3260");
	assert_false(portal_known(&id.current));
	assert_int_equal(id.local_port, 0);
	assert_address(&id.name.source, "-");
	assert_int_equal(id.recovery_tmo, -1);
}

static void test_not_iscsi(void **state)
{
	struct iscsi_identity id = identify(*state, "sdf");

	assert_false(id.is_iscsi);
	assert_string_equal(id.transport, "qla2xxx");
	assert_int_equal(id.host, 6);
	assert_int_equal(id.id, 3);
	assert_string_equal(id.product, "MSA 2050 SAN");
	assert_int_equal(id.device_state, DEVICE_RUNNING);
	assert_int_equal(identity_refresh(((struct tree *)*state)->root, &id), 0);

	id = identify(*state, "vda");
	assert_false(id.is_iscsi);
	assert_string_equal(id.transport, "");
	assert_true(id.devt == makedev(254, 0));
	assert_int_equal(identity_refresh(((struct tree *)*state)->root, &id), 0);
	id = identify(*state, "nvme0n1");
	assert_false(id.is_iscsi);
	id = identify(*state, "dm-0");
	assert_false(id.is_iscsi);
}

/* iSCSI all the same; what must not be probed by host TCP is told by 'transport'. */
static void test_offload(void **state)
{
	struct iscsi_identity id = identify(*state, "sdg");

	assert_true(id.is_iscsi);
	assert_string_equal(id.transport, "qla4xxx");
	assert_int_equal(id.id, 5);
	assert_int_equal(id.lun, 9);
	assert_portal(&id.name.portal, "10.0.9.2:3260");
}

/* A directory called sessionN above a disk is no iSCSI session without its class device.
 */
static void test_session_needs_class(void **state)
{
	struct iscsi_identity id;

	tree_remove(*state, "class/iscsi_session/session1");
	id = identify(*state, "sda");
	assert_false(id.is_iscsi);
	assert_string_equal(id.transport, "iscsi_tcp");
}

static void test_by_devt_and_fd(void **state)
{
	struct tree *tree = *state;
	struct iscsi_identity id;
	int fd;

	assert_int_equal(identity_by_devt(tree->root, makedev(8, 32), &id), 0);
	assert_string_equal(id.device, "sdc");
	assert_int_equal(id.sid, 12);
	/* A partition stands for its disk. */
	assert_int_equal(identity_by_devt(tree->root, makedev(254, 1), &id), 0);
	assert_string_equal(id.device, "vda");
	assert_true(id.devt == makedev(254, 0));
	id.sid = 77;
	assert_int_equal(identity_by_devt(tree->root, makedev(8, 240), &id), -ENODEV);
	assert_int_equal(id.sid, 77);

	fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
	assert_true(fd >= 0);
	assert_int_equal(identity_by_fd(tree->root, fd, &id), -ENOTBLK);
	close(fd);
	assert_int_equal(identity_by_fd(tree->root, fd, &id), -EBADF);
}

static void test_bad_names(void **state)
{
	static const char *const bad[] = {"", ".", "..", "../sda", "/dev/sda", "a/b"};
	char long_name[DEVICE_NAME_MAX + 1];
	struct tree *tree = *state;
	struct iscsi_identity id;
	size_t i;

	for (i = 0; i < COUNT(bad); i++)
		assert_int_equal(identity_by_name(tree->root, bad[i], &id), -EINVAL);
	memset(long_name, 'a', sizeof(long_name) - 1);
	long_name[sizeof(long_name) - 1] = '\0';
	assert_int_equal(identity_by_name(tree->root, long_name, &id), -EINVAL);
	assert_int_equal(identity_by_name(tree->root, "sdzz", &id), -ENODEV);
	assert_int_equal(identity_by_name("/nonexistent", "sda", &id), -ENOENT);
}

static void test_attribute(void **state)
{
	struct tree *tree = *state;
	char text[64], tiny[4];

	tree_file(tree, "block/sda/inflight", "       3        4");
	tree_file(tree, "block/sda/device/access_state", "standby");
	assert_int_equal(
		identity_attribute(tree->root, "sda", "inflight", text, sizeof(text)), 0);
	assert_string_equal(text, "       3        4");
	assert_int_equal(identity_attribute(tree->root, "sda", "device/access_state",
					    text, sizeof(text)),
			 0);
	assert_string_equal(text, "standby");
	assert_int_equal(
		identity_attribute(tree->root, "sda", "inflight", tiny, sizeof(tiny)),
		-ENOBUFS);
	assert_int_equal(
		identity_attribute(tree->root, "sda", "nothing", text, sizeof(text)),
		-ENOENT);
	assert_int_equal(
		identity_attribute(tree->root, "sdzz", "inflight", text, sizeof(text)),
		-ENODEV);
	assert_int_equal(
		identity_attribute(tree->root, "sda", "../sdb/dev", text, sizeof(text)),
		-EINVAL);
	assert_int_equal(identity_attribute(tree->root, "sda", "/etc/hostname", text,
					    sizeof(text)),
			 -EINVAL);
	assert_int_equal(
		identity_attribute(tree->root, "../block/sda", "dev", text, sizeof(text)),
		-EINVAL);
	assert_int_equal(identity_attribute(tree->root, "..", "dev", text, sizeof(text)),
			 -EINVAL);
}

/* A portal configured as a host name: the peer names it. */
static void test_host_name_portal(void **state)
{
	struct tree *tree = *state;
	struct iscsi_identity id;

	tree_file(tree, "class/iscsi_connection/connection1:0/persistent_address",
		  "array.example");
	id = identify(tree, "sda");
	assert_portal(&id.name.portal, "10.0.1.2:3260");

	tree_file(tree, "class/iscsi_connection/connection7:0/persistent_address",
		  "array.example");
	id = identify(tree, "sde");
	assert_false(portal_known(&id.name.portal));
	tree_file(tree, "class/iscsi_connection/connection7:0/address", "10.0.2.9");
	tree_file(tree, "class/iscsi_connection/connection7:0/port", "3260");
	assert_int_equal(identity_refresh(tree->root, &id), 0);
	assert_portal(&id.name.portal, "10.0.2.9:3260");
}

static void test_refresh(void **state)
{
	struct tree *tree = *state;
	struct iscsi_identity id = identify(tree, "sdb");

	tree_file(tree, "block/sdb/device/state", "transport-offline");
	tree_file(tree, "class/iscsi_session/session2/state", "FREE");
	tree_file(tree, "class/iscsi_connection/connection2:0/state", "down");
	tree_file(tree, "class/iscsi_connection/connection2:0/header_digest", "0");
	tree_remove(tree, "class/iscsi_connection/connection2:0/address");
	tree_dir(tree, "class/iscsi_connection/connection2:0/address");
	tree_remove(tree, "class/iscsi_connection/connection2:0/local_port");
	tree_file(tree, "class/iscsi_host/host3/ipaddress", "(null)");
	assert_int_equal(identity_refresh(tree->root, &id), 0);
	assert_int_equal(id.device_state, DEVICE_TRANSPORT_OFFLINE);
	assert_int_equal(id.session_state, SESSION_FREE);
	assert_int_equal(id.connection_state, CONNECTION_DOWN);
	/* Kept: it has no socket now. */
	assert_portal(&id.current, "[fd00::2]:3260");
	assert_int_equal(id.local_port, 40122);
	assert_address(&id.name.source, "fd00::64");
	assert_true(id.header_digest);

	tree_file(tree, "block/sdb/device/state", "running");
	tree_file(tree, "class/iscsi_session/session2/state", "LOGGED_IN");
	tree_remove(tree, "class/iscsi_connection/connection2:0/address");
	tree_file(tree, "class/iscsi_connection/connection2:0/address", "fd00::9");
	tree_file(tree, "class/iscsi_connection/connection2:0/local_port", "50000");
	assert_int_equal(identity_refresh(tree->root, &id), 0);
	assert_int_equal(id.device_state, DEVICE_RUNNING);
	assert_portal(&id.current, "[fd00::9]:3260");
	assert_portal(&id.name.portal, "[fd00::2]:3260");
	assert_int_equal(id.local_port, 50000);
	assert_false(id.header_digest);
}

/* A session that stands is not read any further; one that does not is. */
static void test_refresh_stands(void **state)
{
	struct tree *tree = *state;
	struct iscsi_identity id = identify(tree, "sdb");

	assert_true(identity_session_stands(tree->root, &id));
	tree_file(tree, "block/sdb/device/state", "blocked");
	tree_remove(tree, "class/iscsi_connection/connection2:0/address");
	tree_file(tree, "class/iscsi_connection/connection2:0/address", "fd00::9");
	assert_int_equal(identity_refresh(tree->root, &id), 0);
	assert_int_equal(id.device_state, DEVICE_BLOCKED);
	assert_portal(&id.current, "[fd00::2]:3260");

	tree_file(tree, "class/iscsi_connection/connection2:0/local_port", "50000");
	assert_false(identity_session_stands(tree->root, &id));
	assert_int_equal(identity_refresh(tree->root, &id), 0);
	assert_portal(&id.current, "[fd00::9]:3260");
	assert_int_equal(id.local_port, 50000);
	assert_true(identity_session_stands(tree->root, &id));

	tree_file(tree, "class/iscsi_session/session2/state", "FAILED");
	assert_false(identity_session_stands(tree->root, &id));
	assert_int_equal(identity_refresh(tree->root, &id), 0);
	assert_int_equal(id.session_state, SESSION_FAILED);
	/* logged in again: not as it was known, so all is read */
	tree_file(tree, "class/iscsi_session/session2/state", "LOGGED_IN");
	assert_false(identity_session_stands(tree->root, &id));
	assert_int_equal(identity_refresh(tree->root, &id), 0);
	assert_int_equal(id.session_state, SESSION_LOGGED_IN);
}

/* The device number now belongs to another session, another LUN, another disk, or none.
 */
static void test_refresh_reused(void **state)
{
	struct tree *tree = *state;
	struct iscsi_identity id = identify(tree, "sda"), before = id;
	struct tree_disk changed = disk_v4;

	tree_remove(tree, "block/sda");
	tree_remove(tree, "dev/block/8:0");
	assert_int_equal(identity_refresh(tree->root, &id), -ENODEV);

	changed.session = 40; /* nothing but the session is another one */
	tree_add_disk(tree, &changed);
	assert_int_equal(identity_refresh(tree->root, &id), -ENODEV);
	tree_remove(tree, "block/sda");
	changed = disk_v4;
	changed.lun = 5;
	tree_add_disk(tree, &changed);
	assert_int_equal(identity_refresh(tree->root, &id), -ENODEV);
	assert_true(same_identity(&id, &before));
	tree_remove(tree, "block/sda");
	tree_link(tree, "devices/platform/host2/session1/target2:0:0/2:0:0:1/block/sda",
		  "block/sda");
	assert_int_equal(identity_refresh(tree->root, &id), 0);
	tree_file(tree, "block/sda/dev", "8:16");
	assert_int_equal(identity_refresh(tree->root, &id), -ENODEV);
}

static void test_device_states(void **state)
{
	static const struct {
		const char *text;
		enum device_state state;
	} cases[] = {
		{"running", DEVICE_RUNNING},
		{"blocked", DEVICE_BLOCKED},
		{"quiesce", DEVICE_BLOCKED},
		{"created-blocked", DEVICE_BLOCKED},
		{"offline", DEVICE_OFFLINE},
		{"transport-offline", DEVICE_TRANSPORT_OFFLINE},
		{"cancel", DEVICE_GONE},
		{"deleted", DEVICE_GONE},
		{"created", DEVICE_UNKNOWN},
		{"Running", DEVICE_UNKNOWN},
		{"runnin", DEVICE_UNKNOWN},
	};
	size_t i;

	for (i = 0; i < COUNT(cases); i++) {
		tree_file(*state, "block/sda/device/state", cases[i].text);
		assert_int_equal(identify(*state, "sda").device_state, cases[i].state);
	}
	assert_string_equal(device_state_name(DEVICE_TRANSPORT_OFFLINE),
			    "transport-offline");
	assert_string_equal(device_state_name((enum device_state)99), "unknown");
	assert_string_equal(session_state_name(SESSION_LOGGED_IN), "LOGGED_IN");
	assert_string_equal(session_state_name((enum session_state)99), "unknown");
	assert_string_equal(connection_state_name(CONNECTION_UP), "up");
	assert_string_equal(connection_state_name((enum connection_state)99), "unknown");
}

/* This machine's own sysfs: whatever disks it has, they are told apart without an error.
 */
static void test_live_sysfs(void **state)
{
	struct iscsi_identity id;

	(void)state;
	if (access("/sys/block/vda", F_OK) == 0) {
		assert_int_equal(identity_by_name(NULL, "vda", &id), 0);
		assert_false(id.is_iscsi);
	}
	if (access("/sys/class/block", F_OK) == 0)
		assert_int_equal(identity_by_name(NULL, "no-such-disk", &id), -ENODEV);
}

#define T(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

/* What the target says of the path; it may change, and then a refresh sees it. */
static void test_access_state(void **state)
{
	static const struct {
		const char *word;
		enum access_state state;
	} words[] = {
		{ "active/optimized", ACCESS_OPTIMIZED },
		{ "active/non-optimized", ACCESS_NON_OPTIMIZED },
		{ "lba-dependent", ACCESS_LBA_DEPENDENT },
		{ "standby", ACCESS_STANDBY },
		{ "transitioning", ACCESS_TRANSITIONING },
		{ "unavailable", ACCESS_UNAVAILABLE },
		{ "offline", ACCESS_OFFLINE },
		{ "something new", ACCESS_UNKNOWN },
		{ "", ACCESS_UNKNOWN },
	};
	struct tree *tree = *state;
	struct iscsi_identity id = identify(tree, "sda"), again;

	assert_int_equal(id.access, ACCESS_UNKNOWN);
	assert_false(id.preferred);
	for (size_t i = 0; i < COUNT(words); i++) {
		tree_file(tree, "block/sda/device/access_state", words[i].word);
		tree_file(tree, "block/sda/device/preferred_path", i % 2 ? "1" : "0");
		assert_int_equal(identity_refresh(tree->root, &id), 0);
		assert_int_equal(id.access, words[i].state);
		assert_int_equal(id.preferred, words[i].state != ACCESS_UNKNOWN && i % 2);
		again = identify(tree, "sda");
		assert_int_equal(again.access, id.access);
		assert_int_equal(again.preferred, id.preferred);
		if (words[i].state != ACCESS_UNKNOWN)
			assert_string_equal(access_state_name(id.access), words[i].word);
	}
	assert_string_equal(access_state_name(ACCESS_UNKNOWN), "unknown");
	assert_string_equal(access_state_name(ACCESS_MAX), "unknown");
	/* without a device handler the kernel has no such attribute to read */
	tree_file(tree, "block/sda/device/access_state", "active/optimized");
	assert_int_equal(identity_refresh(tree->root, &id), 0);
	tree_remove(tree, "block/sda/device/access_state");
	assert_int_equal(identity_refresh(tree->root, &id), 0);
	assert_int_equal(id.access, ACCESS_UNKNOWN);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(test_v4),
		T(test_v6),
		T(test_link_local),
		T(test_recovery),
		T(test_not_iscsi),
		T(test_offload),
		T(test_session_needs_class),
		T(test_by_devt_and_fd),
		T(test_bad_names),
		T(test_attribute),
		T(test_host_name_portal),
		T(test_refresh),
		T(test_refresh_stands),
		T(test_refresh_reused),
		T(test_device_states),
		T(test_access_state),
		T(test_live_sysfs),
	};

	return cmocka_run_group_tests_name("identity", tests, NULL, NULL);
}
