/* SPDX-License-Identifier: GPL-2.0-or-later */
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
#include "common/identity.h"
#include "tests/unit/sysfs/tree.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

#define WWID_A "naa.60014051111111111111111111111111"
#define WWID_B "t10.IET     00010001"

#define ANY_SESSION                                                                         \
	.vendor = "LIO-ORG ", .model = "disk0           ", .tpgt = "1", .data_digest = "0", \
	.initiator = "iqn.1993-08.org.debian:01:abc"
#define SOFTWARE .parent = "platform", .transport = "iscsi_tcp"
#define UP                                                                       \
	.state = "running", .session_state = "LOGGED_IN", .connection_state = "up", \
	.recovery_tmo = "120", .local_port = "40122"
#define UNBOUND .iface = "default", .netdev = "(null)"

static const struct tree_disk disk_v4 = {
	ANY_SESSION, SOFTWARE, UP, UNBOUND, .header_digest = "0", .device = "sda", .major = 8, .minor = 0, .host = 2, .lun = 1, .session = 1,
	.wwid = WWID_A, .target = "iqn.2026-01.example:array", .address = "10.0.1.2",
	.port = "3260", .persistent_address = "10.0.1.2", .persistent_port = "3260",
	.source = "10.0.1.100",
};

/* The same LUN: IPv6, a bound interface, capitals in the target name, a digest. */
static const struct tree_disk disk_v6 = {
	ANY_SESSION, SOFTWARE, UP, .device = "sdb", .major = 8, .minor = 16, .host = 3, .lun = 1,
	.session = 2, .wwid = WWID_A, .target = "IQN.2026-01.Example:Array",
	.address = "fd00:0000:0000:0000:0000:0000:0000:0002", .port = "3260",
	.persistent_address = "fd00:0000:0000:0000:0000:0000:0000:0002",
	.persistent_port = "3260", .source = "fd00:0000:0000:0000:0000:0000:0000:0064",
	.iface = "port1", .netdev = "eth1", .header_digest = "1",
};

/* A second session to the portal of disk_v4, from another interface. */
static const struct tree_disk disk_same_portal = {
	ANY_SESSION, SOFTWARE, UP, .netdev = "(null)", .header_digest = "0", .device = "sdc", .major = 8, .minor = 32, .host = 4, .lun = 1,
	.session = 12, .wwid = WWID_A, .target = "iqn.2026-01.example:array",
	.address = "10.0.1.2", .port = "3260", .persistent_address = "10.0.1.2",
	.persistent_port = "3260", .source = "10.0.1.101", .iface = "port0",
};

/* Another LUN on session 1, and the same number with another WWID on session 2. */
static const struct tree_disk disk_other_lun = {
	ANY_SESSION, SOFTWARE, UP, UNBOUND, .header_digest = "0", .device = "sdd", .major = 8, .minor = 48, .host = 2, .lun = 2, .session = 1,
	.wwid = WWID_B, .target = "iqn.2026-01.example:array", .address = "10.0.1.2",
	.port = "3260", .persistent_address = "10.0.1.2", .persistent_port = "3260",
	.source = "10.0.1.100",
};

static const struct tree_disk disk_link_local = {
	ANY_SESSION, SOFTWARE, UP, .header_digest = "0", .device = "sdaa", .major = 65, .minor = 160, .host = 15, .lun = 2,
	.session = 4294967295U, .wwid = WWID_A, .target = "iqn.2026-01.example:second",
	.address = "fe80:0000:0000:0000:0000:0000:0000:0002", .port = "3261",
	.persistent_address = "fe80:0000:0000:0000:0000:0000:0000:0002",
	.persistent_port = "3261", .source = "fe80:0000:0000:0000:0000:0000:0000:0064",
	.iface = "port1", .netdev = "eth1",
};

/* In recovery: no socket, so no address, port, source; digests read 0. */
static const struct tree_disk disk_recovery = {
	ANY_SESSION, SOFTWARE, UNBOUND, .header_digest = "0", .device = "sde", .major = 8, .minor = 64, .host = 5, .lun = 1, .session = 7,
	.wwid = WWID_A, .target = "iqn.2026-01.example:array", .persistent_address = "10.0.2.2",
	.persistent_port = "3260", .state = "blocked", .session_state = "FAILED",
	.connection_state = "failed", .recovery_tmo = "off",
};

static const struct tree_disk disk_fc = {
	.device = "sdf", .major = 8, .minor = 80, .host = 6, .channel = 0, .id = 3, .lun = 1,
	.parent = "pci0000:00/0000:00:03.0", .middle = "rport-6:0-3", .transport = "qla2xxx",
	.vendor = "HP      ", .model = "MSA 2050 SAN    ", .wwid = WWID_A, .state = "running",
};

static const struct tree_disk disk_offload = {
	ANY_SESSION, UP, UNBOUND, .header_digest = "0", .device = "sdg", .major = 8, .minor = 96, .host = 8, .channel = 0, .id = 5,
	.lun = 9, .session = 9, .wwid = "naa.6000", .target = "iqn.2026-01.example:hba",
	.address = "10.0.9.2", .port = "3260", .persistent_address = "10.0.9.2",
	.persistent_port = "3260", .source = "10.0.9.1", .parent = "pci0000:00/0000:00:05.0",
	.transport = "qla4xxx",
};

static const struct tree_disk *const all_disks[] = {
	&disk_v4,	  &disk_v6, &disk_same_portal, &disk_other_lun, &disk_link_local,
	&disk_recovery, &disk_fc, &disk_offload,
};

static void add_all(struct tree *tree)
{
	size_t i;

	for (i = 0; i < COUNT(all_disks); i++)
		tree_add_disk(tree, all_disks[i]);
	tree_add_plain(tree, "devices/pci0000:00/0000:00:04.0/virtio1/block/vda", "vda", 254, 0);
	tree_add_plain(tree, "devices/pci0000:00/0000:00:04.0/virtio1/block/vda/vda1", "vda1",
		       254, 1);
	tree_add_plain(tree, "devices/pci0000:00/0000:00:06.0/nvme/nvme0/nvme0n1", "nvme0n1",
		       259, 0);
	tree_add_plain(tree, "devices/virtual/block/dm-0", "dm-0", 253, 0);
	tree_file(tree, "class/net/eth1/ifindex", "3");
}

static int setup(void **state)
{
	struct tree *tree = calloc(1, sizeof(*tree));

	assert_non_null(tree);
	tree_new(tree);
	add_all(tree);
	*state = tree;
	return 0;
}

static int teardown(void **state)
{
	tree_free(*state);
	free(*state);
	return 0;
}

static struct iscsi_identity identify(const struct tree *tree, const char *device)
{
	struct iscsi_identity id;
	int r = identity_by_name(tree->root, device, &id);

	if (r != 0)
		fail_msg("%s: %s", device, strerror(-r));
	return id;
}

static void assert_portal(const struct portal *portal, const char *text)
{
	char buffer[PORTAL_TEXT_MAX];

	assert_string_equal(portal_format(portal, buffer, sizeof(buffer)), text);
}

static void assert_address(const struct ip_address *address, const char *text)
{
	char buffer[PORTAL_TEXT_MAX];

	assert_string_equal(ip_address_format(address, buffer, sizeof(buffer)), text);
}

/* Every field; memcmp() would see padding. */
static bool same_identity(const struct iscsi_identity *a, const struct iscsi_identity *b)
{
	return a->devt == b->devt && a->is_iscsi == b->is_iscsi && a->host == b->host &&
	       a->channel == b->channel && a->id == b->id && a->lun == b->lun &&
	       a->device_state == b->device_state && a->sid == b->sid && a->cid == b->cid &&
	       path_name_compare(&a->name, &b->name) == 0 &&
	       portal_compare(&a->current, &b->current) == 0 && a->local_port == b->local_port &&
	       a->session_state == b->session_state &&
	       a->connection_state == b->connection_state && a->recovery_tmo == b->recovery_tmo &&
	       a->header_digest == b->header_digest && a->data_digest == b->data_digest &&
	       strcmp(a->device, b->device) == 0 && strcmp(a->transport, b->transport) == 0 &&
	       strcmp(a->vendor, b->vendor) == 0 && strcmp(a->product, b->product) == 0 &&
	       strcmp(a->wwid, b->wwid) == 0 && strcmp(a->initiator, b->initiator) == 0;
}

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

/* A directory called sessionN above a disk is no iSCSI session without its class device. */
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
	static const char *const bad[] = { "", ".", "..", "../sda", "/dev/sda", "a/b" };
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
	assert_int_equal(identity_attribute(tree->root, "sda", "inflight", text, sizeof(text)), 0);
	assert_string_equal(text, "       3        4");
	assert_int_equal(
		identity_attribute(tree->root, "sda", "device/access_state", text, sizeof(text)),
		0);
	assert_string_equal(text, "standby");
	assert_int_equal(identity_attribute(tree->root, "sda", "inflight", tiny, sizeof(tiny)),
			 -ENOBUFS);
	assert_int_equal(identity_attribute(tree->root, "sda", "nothing", text, sizeof(text)),
			 -ENOENT);
	assert_int_equal(identity_attribute(tree->root, "sdzz", "inflight", text, sizeof(text)),
			 -ENODEV);
	assert_int_equal(identity_attribute(tree->root, "sda", "../sdb/dev", text, sizeof(text)),
			 -EINVAL);
	assert_int_equal(identity_attribute(tree->root, "sda", "/etc/hostname", text, sizeof(text)),
			 -EINVAL);
	assert_int_equal(identity_attribute(tree->root, "../block/sda", "dev", text, sizeof(text)),
			 -EINVAL);
	assert_int_equal(identity_attribute(tree->root, "..", "dev", text, sizeof(text)), -EINVAL);
}

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

/* A portal configured as a host name: the peer names it. */
static void test_host_name_portal(void **state)
{
	struct tree *tree = *state;
	struct iscsi_identity id;

	tree_file(tree, "class/iscsi_connection/connection1:0/persistent_address", "array.example");
	id = identify(tree, "sda");
	assert_portal(&id.name.portal, "10.0.1.2:3260");

	tree_file(tree, "class/iscsi_connection/connection7:0/persistent_address", "array.example");
	id = identify(tree, "sde");
	assert_false(portal_known(&id.name.portal));
	tree_file(tree, "class/iscsi_connection/connection7:0/address", "10.0.2.9");
	tree_file(tree, "class/iscsi_connection/connection7:0/port", "3260");
	assert_int_equal(identity_refresh(tree->root, &id), 0);
	assert_portal(&id.name.portal, "10.0.2.9:3260");
}

/* Every attribute that is read of sda, and how to forget its field before comparing. */
enum field {
	F_TRANSPORT, F_VENDOR, F_MODEL, F_WWID, F_STATE, F_DEV, F_TARGET, F_TPGT, F_IFACE,
	F_INITIATOR, F_SESSION_STATE, F_TMO, F_PADDRESS, F_PPORT, F_ADDRESS, F_PORT, F_LPORT,
	F_CSTATE, F_HDIGEST, F_DDIGEST, F_NETDEV, F_SOURCE, F_COUNT
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
	case F_TRANSPORT: memset(id->transport, 0, sizeof(id->transport)); break;
	case F_VENDOR: memset(id->vendor, 0, sizeof(id->vendor)); break;
	case F_MODEL: memset(id->product, 0, sizeof(id->product)); break;
	case F_WWID: memset(id->wwid, 0, sizeof(id->wwid)); break;
	case F_STATE: id->device_state = DEVICE_UNKNOWN; break;
	case F_TARGET: memset(id->name.target, 0, sizeof(id->name.target)); break;
	case F_TPGT: id->name.tpgt = -1; break;
	case F_IFACE: memset(id->name.iface, 0, sizeof(id->name.iface)); break;
	case F_INITIATOR: memset(id->initiator, 0, sizeof(id->initiator)); break;
	case F_SESSION_STATE: id->session_state = SESSION_UNKNOWN; break;
	case F_TMO: id->recovery_tmo = INT_MIN; break;
	case F_ADDRESS: case F_PORT: id->current = no_portal; break;
	case F_LPORT: id->local_port = 0; break;
	case F_CSTATE: id->connection_state = CONNECTION_UNKNOWN; break;
	case F_HDIGEST: id->header_digest = false; break;
	case F_DDIGEST: id->data_digest = false; break;
	case F_NETDEV: memset(id->name.netdev, 0, sizeof(id->name.netdev)); break;
	case F_SOURCE: memset(&id->name.source, 0, sizeof(id->name.source)); break;
	case F_PADDRESS: case F_PPORT: /* falls back to the current portal, here the same */
	case F_DEV: case F_COUNT: break;
	}
}

enum damage {
	D_MISSING, D_EMPTY, D_NEWLINE, D_DIRECTORY, D_BINARY, D_NUL, D_NEGATIVE, D_HUGE, D_LONG,
	D_NULL_TEXT, D_TWO_LINES, D_LATIN, D_FIFO, D_LOOP, D_COUNT
};

/* Make the attribute bad in one way. */
static void break_attribute(const struct tree *tree, const char *path, enum damage damage)
{
	static const char bytes[] = { 1, 2, 27, 127, (char)0xff, (char)0xfe, '\n' };
	static char blocks[8192];
	char full[TREE_PATH];

	tree_remove(tree, path);
	tree_path(tree, path, full);
	memset(blocks, '9', sizeof(blocks));
	switch (damage) {
	case D_EMPTY: tree_bytes(tree, path, "", 0); break;
	case D_NEWLINE: tree_bytes(tree, path, "\n", 1); break;
	case D_DIRECTORY: tree_dir(tree, path); break;
	case D_BINARY: tree_bytes(tree, path, bytes, sizeof(bytes)); break;
	case D_NUL: tree_bytes(tree, path, "run\0ning\n", 9); break;
	case D_NEGATIVE: tree_file(tree, path, "-2147483649"); break;
	case D_HUGE: tree_file(tree, path, "99999999999999999999999999999999"); break;
	case D_LONG: tree_bytes(tree, path, blocks, sizeof(blocks)); break;
	case D_NULL_TEXT: tree_file(tree, path, "(null)"); break;
	case D_TWO_LINES: tree_file(tree, path, "1\n2"); break;
	case D_LATIN: tree_file(tree, path, "caf\xe9"); break;
	case D_FIFO: assert_int_equal(mkfifo(full, 0644), 0); break;
	case D_LOOP: assert_int_equal(symlink(full, full), 0); break;
	case D_MISSING: case D_COUNT: break;
	}
}

/* Values that are legal text, if odd: kept as they are by fields without a grammar. */
static bool damage_is_text(enum damage damage)
{
	return damage == D_NEGATIVE || damage == D_HUGE;
}

static bool field_is_text(enum field field)
{
	return field == F_TRANSPORT || field == F_VENDOR || field == F_MODEL || field == F_WWID ||
	       field == F_TARGET || field == F_IFACE || field == F_INITIATOR || field == F_NETDEV;
}

static void check_damaged(const struct tree *tree, const struct iscsi_identity *good,
			  enum field field, enum damage damage)
{
	struct iscsi_identity id, expected = *good, cached = *good;
	int r = identity_by_name(tree->root, "sda", &id), r_refresh;

	r_refresh = identity_refresh(tree->root, &cached);
	if (field == F_DEV || (field == F_STATE && damage == D_MISSING)) {
		assert_int_equal(r, -ENODEV);
		assert_int_equal(r_refresh, -ENODEV);
		return;
	}
	if (r != 0 || r_refresh != 0)
		fail_msg("%s, damage %d: %d, %d", attributes[field], (int)damage, r, r_refresh);
	if (field_is_text(field) && damage_is_text(damage)) {
		/* Whatever it now says, nothing else may have changed. */
		forget(&id, field);
	}
	forget(&expected, field);
	if (!same_identity(&id, &expected))
		fail_msg("%s, damage %d: other fields changed", attributes[field], (int)damage);
	/* A refresh keeps what it cannot read, but for the states. */
	expected = *good;
	if (field == F_STATE || field == F_SESSION_STATE || field == F_CSTATE)
		forget(&expected, field);
	if (!same_identity(&cached, &expected))
		fail_msg("%s, damage %d: refresh", attributes[field], (int)damage);
}

static void restore(const struct tree *tree, const char *path, const char *bytes, size_t size)
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
			check_damaged(tree, &good, (enum field)field, (enum damage)damage);
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

/* The device number now belongs to another session, another LUN, another disk, or none. */
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
		{ "running", DEVICE_RUNNING },
		{ "blocked", DEVICE_BLOCKED },
		{ "quiesce", DEVICE_BLOCKED },
		{ "created-blocked", DEVICE_BLOCKED },
		{ "offline", DEVICE_OFFLINE },
		{ "transport-offline", DEVICE_TRANSPORT_OFFLINE },
		{ "cancel", DEVICE_GONE },
		{ "deleted", DEVICE_GONE },
		{ "created", DEVICE_UNKNOWN },
		{ "Running", DEVICE_UNKNOWN },
		{ "runnin", DEVICE_UNKNOWN },
	};
	size_t i;

	for (i = 0; i < COUNT(cases); i++) {
		tree_file(*state, "block/sda/device/state", cases[i].text);
		assert_int_equal(identify(*state, "sda").device_state, cases[i].state);
	}
	assert_string_equal(device_state_name(DEVICE_TRANSPORT_OFFLINE), "transport-offline");
	assert_string_equal(device_state_name((enum device_state)99), "unknown");
	assert_string_equal(session_state_name(SESSION_LOGGED_IN), "LOGGED_IN");
	assert_string_equal(session_state_name((enum session_state)99), "unknown");
	assert_string_equal(connection_state_name(CONNECTION_UP), "up");
	assert_string_equal(connection_state_name((enum connection_state)99), "unknown");
}

static void test_siblings(void **state)
{
	/* sdaa has another LUN number, sdf is no iSCSI disk. */
	static const char *const wanted[] = { "sda", "sdc", "sde", "sdb" };
	struct iscsi_identity paths[8], id;
	struct tree *tree = *state;
	size_t n, i, max;

	id = identify(tree, "sdb");
	for (max = 0; max <= COUNT(paths); max++) {
		memset(paths, 0x5a, sizeof(paths));
		assert_int_equal(identity_siblings(tree->root, &id, paths, max, &n), 0);
		assert_int_equal(n, COUNT(wanted));
		for (i = 0; i < max && i < n; i++)
			assert_string_equal(paths[i].device, wanted[i]);
		if (max < COUNT(paths))
			assert_int_equal(paths[i].cid, 0x5a5a5a5a);
	}
}

static void test_siblings_alone(void **state)
{
	struct iscsi_identity paths[4], id;
	struct tree *tree = *state;
	size_t n;

	id = identify(tree, "sdd");
	assert_int_equal(identity_siblings(tree->root, &id, paths, 4, &n), 0);
	assert_int_equal(n, 1);
	assert_string_equal(paths[0].device, "sdd");

	/* Without a WWID nobody is known to be the same LUN. */
	tree_file(tree, "block/sda/device/wwid", "");
	tree_file(tree, "block/sdc/device/wwid", "");
	id = identify(tree, "sda");
	assert_int_equal(identity_siblings(tree->root, &id, paths, 4, &n), 0);
	assert_int_equal(n, 1);
	assert_string_equal(paths[0].device, "sda");

	/* Another WWID behind the same number is another LUN. */
	id = identify(tree, "sdb");
	assert_int_equal(identity_siblings(tree->root, &id, paths, 4, &n), 0);
	assert_int_equal(n, 2);

	id = identify(tree, "sdf");
	assert_int_equal(identity_siblings(tree->root, &id, paths, 4, &n), 0);
	assert_int_equal(n, 1);

	tree_remove(tree, "class/iscsi_session");
	id.is_iscsi = true;
	assert_int_equal(identity_siblings(tree->root, &id, paths, 4, &n), 0);
	assert_int_equal(n, 1);
}

struct names {
	char all[256];
	int stop_after;
};

static int collect(const char *device, void *arg)
{
	struct names *names = arg;

	strcat(names->all, device);
	strcat(names->all, " ");
	return --names->stop_after == 0 ? -ENOENT : 0;
}

static void test_each_disk(void **state)
{
	static const char *const wanted[] = { "sda ", "sdb ", "sdc ", "sdd ", "sde ", "sdaa ", "sdg " };
	struct names names = { .stop_after = 0 };
	struct tree *tree = *state;
	size_t i, length = 0;

	assert_int_equal(identity_each_disk(tree->root, collect, &names), 0);
	for (i = 0; i < COUNT(wanted); i++) {
		assert_non_null(strstr(names.all, wanted[i]));
		length += strlen(wanted[i]);
	}
	assert_int_equal(strlen(names.all), length);

	/* What the caller returns is told, also when it looks like an error of ours. */
	names = (struct names){ .stop_after = 3 };
	assert_int_equal(identity_each_disk(tree->root, collect, &names), -ENOENT);
	tree_remove(tree, "class/iscsi_session");
	names = (struct names){ .stop_after = 0 };
	assert_int_equal(identity_each_disk(tree->root, collect, &names), 0);
	assert_string_equal(names.all, "");
}

/* Hundreds of LUNs on a session: more entries than one portion of a directory holds. */
static void test_many(void **state)
{
	struct tree_disk disk = disk_v4;
	struct tree *tree = *state;
	struct iscsi_identity paths[4], id;
	char device[16];
	size_t n;
	unsigned int i;

	disk.wwid = "naa.7777";
	for (i = 0; i < 300; i++) {
		snprintf(device, sizeof(device), "sx%u", i);
		disk.device = device;
		disk.major = 66;
		disk.minor = i;
		disk.lun = 100 + i;
		tree_add_disk(tree, &disk);
	}
	disk = disk_v6;
	disk.wwid = "naa.7777";
	disk.device = "sy";
	disk.major = 67;
	disk.lun = 350;
	tree_add_disk(tree, &disk);
	id = identify(tree, "sx250");
	assert_int_equal(identity_siblings(tree->root, &id, paths, 4, &n), 0);
	assert_int_equal(n, 2);
	assert_string_equal(paths[0].device, "sx250");
	assert_string_equal(paths[1].device, "sy");
}

struct remover {
	const struct tree *tree;
	const char *path;
	unsigned int delay;
	atomic_bool go;
};

static void *remove_link(void *arg)
{
	struct remover *remover = arg;
	char full[TREE_PATH];
	volatile unsigned int spin;

	tree_path(remover->tree, remover->path, full);
	while (!atomic_load(&remover->go))
		;
	for (spin = 0; spin < remover->delay; spin++)
		;
	unlink(full);
	return NULL;
}

/* The disk vanishes at any moment of the reading: all of it or -ENODEV. */
static void test_vanishing(void **state)
{
	struct remover remover = { .tree = *state, .path = "block/sda" };
	struct tree *tree = *state;
	struct iscsi_identity good = identify(tree, "sda"), id;
	unsigned int i, gone = 0;
	pthread_t thread;
	int r;

	for (i = 0; i < 300; i++) {
		atomic_store(&remover.go, false);
		remover.delay = i * 60;
		assert_int_equal(pthread_create(&thread, NULL, remove_link, &remover), 0);
		atomic_store(&remover.go, true);
		r = identity_by_name(tree->root, "sda", &id);
		pthread_join(thread, NULL);
		if (r == 0)
			assert_true(same_identity(&id, &good));
		else
			assert_int_equal(r, -ENODEV);
		gone += r != 0;
		assert_int_equal(identity_by_name(tree->root, "sda", &id), -ENODEV);
		tree_link(tree, "devices/platform/host2/session1/target2:0:0/2:0:0:1/block/sda",
			  "block/sda");
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
	struct remover remover = { .tree = *state };
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
		"",  "/", "..", "../..", "block", "../devices/block/", "a//b",
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

/* This machine's own sysfs: whatever disks it has, they are told apart without an error. */
static void test_live_sysfs(void **state)
{
	struct iscsi_identity id;
	struct names names = { .stop_after = 0 };

	(void)state;
	if (access("/sys/block/vda", F_OK) == 0) {
		assert_int_equal(identity_by_name(NULL, "vda", &id), 0);
		assert_false(id.is_iscsi);
	}
	if (access("/sys/class/block", F_OK) == 0)
		assert_int_equal(identity_by_name(NULL, "no-such-disk", &id), -ENODEV);
	if (access("/sys/class/iscsi_session", F_OK) != 0)
		assert_int_equal(identity_each_disk(NULL, collect, &names), 0);
}

#define T(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(test_v4), T(test_v6), T(test_link_local), T(test_recovery), T(test_not_iscsi),
		T(test_offload), T(test_session_needs_class), T(test_by_devt_and_fd),
		T(test_bad_names), T(test_attribute), T(test_limits), T(test_host_name_portal),
		T(test_damage), T(test_missing_classes), T(test_refresh), T(test_refresh_reused),
		T(test_device_states), T(test_siblings), T(test_siblings_alone), T(test_each_disk),
		T(test_many), T(test_vanishing), T(test_swapped), T(test_odd_links), T(test_live_sysfs),
	};

	return cmocka_run_group_tests_name("identity", tests, NULL, NULL);
}
