/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Values in sysfs: a tree with two disks of one LUN, as the kernel makes it, in which the input
 * changes attributes and links: a byte for which one, a byte for how long, the new contents; and
 * so on.
 */
#include <errno.h>
#include <limits.h>

#include "tests/fuzz/fuzz.h"

/* What the tree's makers use of cmocka. */
#define assert_true(condition)	   must(condition)
#define assert_int_equal(a, b)	   must((a) == (b))
#define assert_non_null(pointer)   must(pointer)
#include "tests/unit/sysfs/tree.h"

#include "checker/counters.h"
#include "common/disk_link.h"
#include "common/identity.h"
#include "common/sysfs.h"
#include "daemon/credentials.h"
#include "daemon/quick/levers_sysfs.h"
#include "daemon/quick/used_alone.h"

#define ENDS(field)	 fuzz_ends(field, sizeof(field))
#define PRINTABLE(field) fuzz_printable(field, sizeof(field))

static struct tree tree;

#define DISK(name, minor_, host_, session_, address_, source_)                            \
	{                                                                                \
		.device = name, .major = 8, .minor = minor_, .host = host_, .lun = 3,    \
		.parent = "platform", .transport = "iscsi_tcp", .vendor = "LIO-ORG ",     \
		.model = "disk1           ", .wwid = "naa.60000000000000000e00000000010001", \
		.state = "running", .session = session_, .target = "iqn.a:b", .tpgt = "1", \
		.iface = "default", .netdev = "(null)", .initiator = "iqn.host",          \
		.source = source_, .address = address_, .port = "3260",                  \
		.local_port = "40000", .persistent_address = address_,                   \
		.persistent_port = "3260", .session_state = "LOGGED_IN",                 \
		.connection_state = "up", .recovery_tmo = "120", .header_digest = "0",   \
		.data_digest = "0",                                                      \
	}

static const struct tree_disk disks[] = {
	DISK("sda", 0, 2, 1, "10.0.1.2", "10.0.1.100"),
	DISK("sdb", 16, 3, 2, "fe80:0000:0000:0000:0000:0000:0000:0002",
	     "fe80:0000:0000:0000:0000:0000:0000:0064"),
};

#define SCSI	   "devices/platform/host2/session1/target2:0:0/2:0:0:3/"
#define BLOCK	   SCSI "block/sda/"
#define SESSION	   "devices/platform/host2/session1/iscsi_session/session1/"
#define CONNECTION "devices/platform/host2/session1/connection1:0/iscsi_connection/connection1:0/"
#define HOST	   "devices/platform/host2/"

/* NULL: not there at first. */
static const struct {
	const char *path, *text;
} attributes[] = {
	{BLOCK "dev", "8:0"},
	{BLOCK "stat", "1 0 8 0 2 0 16 0 0 1 1"},
	{BLOCK "inflight", "0 0"},
	{BLOCK "queue/iostats", "1"},
	{SCSI "vendor", "LIO-ORG "},
	{SCSI "model", "disk1           "},
	{SCSI "wwid", "naa.60000000000000000e00000000010001"},
	{SCSI "state", "running"},
	{SCSI "access_state", "active/optimized"},
	{SCSI "preferred_path", "1"},
	{SCSI "ioerr_cnt", "0x0"},
	{HOST "scsi_host/host2/proc_name", "iscsi_tcp"},
	{HOST "iscsi_host/host2/netdev", "(null)"},
	{HOST "iscsi_host/host2/ipaddress", "10.0.1.100"},
	{SESSION "targetname", "iqn.a:b"},
	{SESSION "tpgt", "1"},
	{SESSION "ifacename", "default"},
	{SESSION "initiatorname", "iqn.host"},
	{SESSION "state", "LOGGED_IN"},
	{SESSION "recovery_tmo", "120"},
	{SESSION "username", NULL},
	{SESSION "password", NULL},
	{CONNECTION "persistent_address", "10.0.1.2"},
	{CONNECTION "persistent_port", "3260"},
	{CONNECTION "address", "10.0.1.2"},
	{CONNECTION "port", "3260"},
	{CONNECTION "local_port", "40000"},
	{CONNECTION "state", "up"},
	{CONNECTION "header_digest", "0"},
	{CONNECTION "data_digest", "0"},
	{"class/scsi_disk/2:0:0:3/max_retries", "5"},
	{"class/net/eth1/ifindex", "3"},
	{"mountinfo", "22 1 8:0 / / rw shared:1 - ext4 /dev/sda rw"},
	{"swaps", "Filename Type\n/dev/sda1 partition"},
};
#define N_ATTRIBUTES (sizeof(attributes) / sizeof(attributes[0]))
#define LINK	     N_ATTRIBUTES /* block/sda itself */

static void reset(size_t i)
{
	char path[TREE_PATH];

	if (i == LINK) {
		tree_path(&tree, "block/sda", path);
		unlink(path);
		tree_link(&tree, SCSI "block/sda", "block/sda");
	} else if (attributes[i].text) {
		tree_file(&tree, attributes[i].path, attributes[i].text);
	} else {
		tree_path(&tree, attributes[i].path, path);
		unlink(path);
	}
}

static void tidy(void)
{
	tree_free(&tree);
}

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	(void)argc;
	(void)argv;
	setenv("TMPDIR", "/dev/shm", 1);
	tree_new(&tree);
	atexit(tidy);
	for (size_t i = 0; i < 2; i++)
		tree_add_disk(&tree, &disks[i]);
	for (size_t i = 0; i < N_ATTRIBUTES; i++)
		reset(i);
	tree_dir(&tree, BLOCK "holders");
	return 0;
}

static void change(struct fuzz_bytes *bytes, bool *changed)
{
	size_t i = fuzz_byte(bytes) % (N_ATTRIBUTES + 1), size = fuzz_byte(bytes);
	char path[TREE_PATH], *text;

	size = size < bytes->size ? size : bytes->size;
	changed[i] = true;
	if (i == LINK) {
		text = fuzz_text(bytes->data, size);
		tree_path(&tree, "block/sda", path);
		unlink(path);
		if (*text)
			must(symlink(text, path) == 0);
		free(text);
	} else {
		tree_bytes(&tree, attributes[i].path, bytes->data, size);
	}
	bytes->data += size;
	bytes->size -= size;
}

static void check_name(const struct path_name *name)
{
	must(PRINTABLE(name->target) && PRINTABLE(name->iface) && PRINTABLE(name->netdev));
	for (const char *c = name->target; *c; c++)
		must(*c < 'A' || *c > 'Z');
	must(!strchr(name->netdev, '/') && *name->netdev != '.');
	must(name->tpgt >= -1 && name->tpgt <= UINT16_MAX);
	must(path_name_hash(name) && path_name_compare(name, name) == 0);
}

static void check_identity(const struct iscsi_identity *id)
{
	must(PRINTABLE(id->device) && PRINTABLE(id->transport) && PRINTABLE(id->wwid));
	must(PRINTABLE(id->vendor) && PRINTABLE(id->product) && PRINTABLE(id->initiator));
	must(id->device_state <= DEVICE_GONE && id->access < ACCESS_MAX);
	must(id->session_state <= SESSION_FREE && id->connection_state <= CONNECTION_BOUND);
	must(id->recovery_tmo >= -1 || id->recovery_tmo == INT_MIN);
	must(id->access != ACCESS_UNKNOWN || !id->preferred);
	must(!portal_known(&id->current) || id->current.port);
	check_name(&id->name);
}

/* Reading again without a change changes nothing. */
static void identify(void)
{
	struct iscsi_identity id, paths[2], by_number;
	char mountinfo[TREE_PATH], swaps[TREE_PATH];
	const struct used_alone_roots roots = {
		.sysfs = tree.root, .mountinfo = mountinfo, .swaps = swaps
	};
	size_t n = 0;

	memset(&id, 0, sizeof(id));
	if (identity_by_name(tree.root, "sda", &id) < 0)
		return;
	check_identity(&id);
	if (identity_by_devt(tree.root, id.devt, &by_number) == 0)
		check_identity(&by_number);
	if (identity_refresh(tree.root, &id) == 0)
		check_identity(&id);
	if (identity_siblings(tree.root, &id, paths, 2, &n) == 0) {
		must(n >= 1 && n <= 2);
		check_identity(&paths[0]);
		must(n == 1 || path_name_compare(&paths[0].name, &paths[1].name) <= 0);
	}
	tree_path(&tree, "mountinfo", mountinfo);
	tree_path(&tree, "swaps", swaps);
	used_alone(&roots, &id);
}

static int count(const char *device, void *arg)
{
	must(*device && !strchr(device, '/'));
	++*(size_t *)arg;
	return 0;
}

static int count_link(const char *device, const struct disk_link *link, void *arg)
{
	must(link->has_session && fuzz_ends(link->device, sizeof(link->device)));
	return count(device, arg);
}

static void read_rest(void)
{
	struct probe_chap chap = {{0}, {0}, {0}, {0}};
	struct counters look;
	char address[64], text[32];
	size_t n = 0;
	int root = sysfs_open_root(tree.root), value = 77;

	must(root >= 0);
	must(identity_each_disk(tree.root, count, &n) == 0 && n == 2);
	must(identity_each_link(tree.root, count_link, &n) == 0 && n <= 4);
	counters_read(tree.root, "sda", 5, &look);
	must(look.at_ns == 5);
	if (credentials_read(tree.root, 1, &chap) == 0)
		must(PRINTABLE(chap.user) && PRINTABLE(chap.password));
	if (lever_disk_address(root, "sda", 1, address, sizeof(address)) == 0) {
		unsigned int host, channel, id;
		uint64_t lun;

		must(scsi_address_parse(address, &host, &channel, &id, &lun) == 0);
	}
	must(lever_recovery_read(root, 1, &value) < 0 ? value == 77 : value >= -1);
	value = 77;
	must(lever_retries_read(root, "2:0:0:3", &value) < 0 ? value == 77 : value >= -1);
	if (identity_attribute(tree.root, "sda", "device/access_state", text, sizeof(text)) == 0)
		must(ENDS(text));
	close(root);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct fuzz_bytes bytes = {data, size};
	bool changed[N_ATTRIBUTES + 1] = {false};

	while (bytes.size)
		change(&bytes, changed);
	identify();
	read_rest();
	for (size_t i = 0; i <= N_ATTRIBUTES; i++)
		if (changed[i])
			reset(i);
	return 0;
}
