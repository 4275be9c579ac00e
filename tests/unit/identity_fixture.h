/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef TESTS_IDENTITY_FIXTURE_H
#define TESTS_IDENTITY_FIXTURE_H

/* A sysfs tree with disks of every kind, made anew for each test. Include after
 * <cmocka.h>. */

#include <stdbool.h>

#include "common/identity.h"
#include "tests/unit/sysfs/tree.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

#define WWID_A "naa.60014051111111111111111111111111"
#define WWID_B "t10.IET     00010001"

#define ANY_SESSION                                                                      \
	.vendor = "LIO-ORG ", .model = "disk0           ", .tpgt = "1",                  \
	.data_digest = "0", .initiator = "iqn.1993-08.org.debian:01:abc"
#define SOFTWARE .parent = "platform", .transport = "iscsi_tcp"
#define UP                                                                               \
	.state = "running", .session_state = "LOGGED_IN", .connection_state = "up",      \
	.recovery_tmo = "120", .local_port = "40122"
#define UNBOUND .iface = "default", .netdev = "(null)"

static const struct tree_disk disk_v4 = {
	ANY_SESSION,
	SOFTWARE,
	UP,
	UNBOUND,
	.header_digest = "0",
	.device = "sda",
	.major = 8,
	.minor = 0,
	.host = 2,
	.lun = 1,
	.session = 1,
	.wwid = WWID_A,
	.target = "iqn.2026-01.example:array",
	.address = "10.0.1.2",
	.port = "3260",
	.persistent_address = "10.0.1.2",
	.persistent_port = "3260",
	.source = "10.0.1.100",
};

/* The same LUN: IPv6, a bound interface, capitals in the target name, a digest. */
static const struct tree_disk disk_v6 = {
	ANY_SESSION,
	SOFTWARE,
	UP,
	.device = "sdb",
	.major = 8,
	.minor = 16,
	.host = 3,
	.lun = 1,
	.session = 2,
	.wwid = WWID_A,
	.target = "IQN.2026-01.Example:Array",
	.address = "fd00:0000:0000:0000:0000:0000:0000:0002",
	.port = "3260",
	.persistent_address = "fd00:0000:0000:0000:0000:0000:0000:0002",
	.persistent_port = "3260",
	.source = "fd00:0000:0000:0000:0000:0000:0000:0064",
	.iface = "port1",
	.netdev = "eth1",
	.header_digest = "1",
};

/* A second session to the portal of disk_v4, from another interface. */
static const struct tree_disk disk_same_portal = {
	ANY_SESSION,
	SOFTWARE,
	UP,
	.netdev = "(null)",
	.header_digest = "0",
	.device = "sdc",
	.major = 8,
	.minor = 32,
	.host = 4,
	.lun = 1,
	.session = 12,
	.wwid = WWID_A,
	.target = "iqn.2026-01.example:array",
	.address = "10.0.1.2",
	.port = "3260",
	.persistent_address = "10.0.1.2",
	.persistent_port = "3260",
	.source = "10.0.1.101",
	.iface = "port0",
};

/* Another LUN on session 1, and the same number with another WWID on session 2. */
static const struct tree_disk disk_other_lun = {
	ANY_SESSION,
	SOFTWARE,
	UP,
	UNBOUND,
	.header_digest = "0",
	.device = "sdd",
	.major = 8,
	.minor = 48,
	.host = 2,
	.lun = 2,
	.session = 1,
	.wwid = WWID_B,
	.target = "iqn.2026-01.example:array",
	.address = "10.0.1.2",
	.port = "3260",
	.persistent_address = "10.0.1.2",
	.persistent_port = "3260",
	.source = "10.0.1.100",
};

static const struct tree_disk disk_link_local = {
	ANY_SESSION,
	SOFTWARE,
	UP,
	.header_digest = "0",
	.device = "sdaa",
	.major = 65,
	.minor = 160,
	.host = 15,
	.lun = 2,
	.session = 4294967295U,
	.wwid = WWID_A,
	.target = "iqn.2026-01.example:second",
	.address = "fe80:0000:0000:0000:0000:0000:0000:0002",
	.port = "3261",
	.persistent_address = "fe80:0000:0000:0000:0000:0000:0000:0002",
	.persistent_port = "3261",
	.source = "fe80:0000:0000:0000:0000:0000:0000:0064",
	.iface = "port1",
	.netdev = "eth1",
};

/* In recovery: no socket, so no address, port, source; digests read 0. */
static const struct tree_disk disk_recovery = {
	ANY_SESSION,
	SOFTWARE,
	UNBOUND,
	.header_digest = "0",
	.device = "sde",
	.major = 8,
	.minor = 64,
	.host = 5,
	.lun = 1,
	.session = 7,
	.wwid = WWID_A,
	.target = "iqn.2026-01.example:array",
	.persistent_address = "10.0.2.2",
	.persistent_port = "3260",
	.state = "blocked",
	.session_state = "FAILED",
	.connection_state = "failed",
	.recovery_tmo = "off",
};

static const struct tree_disk disk_fc = {
	.device = "sdf",
	.major = 8,
	.minor = 80,
	.host = 6,
	.channel = 0,
	.id = 3,
	.lun = 1,
	.parent = "pci0000:00/0000:00:03.0",
	.middle = "rport-6:0-3",
	.transport = "qla2xxx",
	.vendor = "HP      ",
	.model = "MSA 2050 SAN    ",
	.wwid = WWID_A,
	.state = "running",
};

static const struct tree_disk disk_offload = {
	ANY_SESSION,
	UP,
	UNBOUND,
	.header_digest = "0",
	.device = "sdg",
	.major = 8,
	.minor = 96,
	.host = 8,
	.channel = 0,
	.id = 5,
	.lun = 9,
	.session = 9,
	.wwid = "naa.6000",
	.target = "iqn.2026-01.example:hba",
	.address = "10.0.9.2",
	.port = "3260",
	.persistent_address = "10.0.9.2",
	.persistent_port = "3260",
	.source = "10.0.9.1",
	.parent = "pci0000:00/0000:00:05.0",
	.transport = "qla4xxx",
};

static const struct tree_disk *const all_disks[] = {
	&disk_v4,	  &disk_v6,	  &disk_same_portal, &disk_other_lun,
	&disk_link_local, &disk_recovery, &disk_fc,	     &disk_offload,
};

static inline void add_all(struct tree *tree)
{
	size_t i;

	for (i = 0; i < COUNT(all_disks); i++)
		tree_add_disk(tree, all_disks[i]);
	tree_add_plain(tree, "devices/pci0000:00/0000:00:04.0/virtio1/block/vda", "vda",
		       254, 0);
	tree_add_plain(tree, "devices/pci0000:00/0000:00:04.0/virtio1/block/vda/vda1",
		       "vda1", 254, 1);
	tree_add_plain(tree, "devices/pci0000:00/0000:00:06.0/nvme/nvme0/nvme0n1",
		       "nvme0n1", 259, 0);
	tree_add_plain(tree, "devices/virtual/block/dm-0", "dm-0", 253, 0);
	tree_file(tree, "class/net/eth1/ifindex", "3");
}

static inline int setup(void **state)
{
	struct tree *tree = calloc(1, sizeof(*tree));

	assert_non_null(tree);
	tree_new(tree);
	add_all(tree);
	*state = tree;
	return 0;
}

static inline int teardown(void **state)
{
	tree_free(*state);
	free(*state);
	return 0;
}

static inline struct iscsi_identity identify(const struct tree *tree, const char *device)
{
	struct iscsi_identity id;
	int r = identity_by_name(tree->root, device, &id);

	if (r != 0)
		fail_msg("%s: %s", device, strerror(-r));
	return id;
}

static inline void assert_portal(const struct portal *portal, const char *text)
{
	char buffer[PORTAL_TEXT_MAX];

	assert_string_equal(portal_format(portal, buffer, sizeof(buffer)), text);
}

static inline void assert_address(const struct ip_address *address, const char *text)
{
	char buffer[PORTAL_TEXT_MAX];

	assert_string_equal(ip_address_format(address, buffer, sizeof(buffer)), text);
}

/* Every field; memcmp() would see padding. */
static inline bool same_identity(const struct iscsi_identity *a,
				 const struct iscsi_identity *b)
{
	return a->devt == b->devt && a->is_iscsi == b->is_iscsi && a->host == b->host &&
	       a->channel == b->channel && a->id == b->id && a->lun == b->lun &&
	       a->device_state == b->device_state && a->sid == b->sid &&
	       a->cid == b->cid && path_name_compare(&a->name, &b->name) == 0 &&
	       portal_compare(&a->current, &b->current) == 0 &&
	       a->local_port == b->local_port && a->session_state == b->session_state &&
	       a->connection_state == b->connection_state &&
	       a->recovery_tmo == b->recovery_tmo &&
	       a->header_digest == b->header_digest && a->data_digest == b->data_digest &&
	       strcmp(a->device, b->device) == 0 &&
	       strcmp(a->transport, b->transport) == 0 &&
	       strcmp(a->vendor, b->vendor) == 0 && strcmp(a->product, b->product) == 0 &&
	       strcmp(a->wwid, b->wwid) == 0 && strcmp(a->initiator, b->initiator) == 0;
}

#endif
