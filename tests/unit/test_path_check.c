/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A path under watch, over a made sysfs tree, a real board and a disk played by this
 * program: what is sent to the LUN, when, and what is made of the answers.
 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <sys/resource.h>

#include "checker/mates.h"
#include "checker/path_check.h"
#include "checker/test_job.h"
#include "common/clock.h"
#include "common/parse.h"
#include "policies/policy.h"
#include "tests/hosts/fake_disk.h"
#include "tests/unit/descriptors.h"
#include "tests/unit/sysfs/tree.h"

#define LEG(name, number, address_text, vendor_text)                                         \
	{                                                                                    \
		.device = name, .major = 8, .minor = 16 * (number), .host = 2 + (number),    \
		.lun = 1, .parent = "platform", .transport = "iscsi_tcp",                    \
		.vendor = vendor_text, .model = "disk            ", .wwid = "naa.1",         \
		.state = "running", .session = 10 + (number), .tpgt = "1",                   \
		.iface = "default", .netdev = "(null)", .port = "3260",                      \
		.target = "iqn.2026-01.example:array", .address = address_text,              \
		.local_port = "40122", .persistent_address = address_text,                   \
		.persistent_port = "3260", .initiator = "iqn.2026-01.example:me",            \
		.source = "10.0.1.100", .session_state = "LOGGED_IN",                        \
		.connection_state = "up", .recovery_tmo = "120", .header_digest = "0",       \
		.data_digest = "0",                                                          \
	}

/* The path that is watched (8:16, as the played disk), and another one of its map. */
static const struct tree_disk leg = LEG("sdb", 1, "10.0.1.2", "IET     ");
static const struct tree_disk lio_leg = LEG("sdb", 1, "10.0.1.2", "LIO-ORG ");
static const struct tree_disk other_leg = LEG("sdc", 2, "10.0.2.2", "IET     ");

struct scene {
	struct tree tree;
	char directory[128], board[160], block[TREE_PATH / 2], other_block[TREE_PATH / 2];
	struct board *writer;
	struct board_session records[2];
	uint32_t doubted; /* of the path that is watched, see board.h */
	struct check_roots roots;
	struct path_check *path;
	int fd;
};

/* ---- the world ---- */

static void attribute(struct scene *s, const char *name, const char *text)
{
	tree_attribute(&s->tree, s->block, name, text);
}

static void block_directory(const struct tree_disk *d, char *buffer)
{
	char scsi[TREE_PATH / 2];

	tree_scsi_directory(d, scsi);
	snprintf(buffer, TREE_PATH / 2, "%.400s/block/%s", scsi, d->device);
}

static void lay_out_leg(struct scene *s, const struct tree_disk *d, char *block)
{
	char path[TREE_PATH];

	tree_add_disk(&s->tree, d);
	block_directory(d, block);
	tree_attribute(&s->tree, block, "queue/iostats", "1");
	tree_attribute(&s->tree, block, "queue/logical_block_size", "4096");
	tree_attribute(&s->tree, block, "stat", "10 0 80 1 20 0 160 1 0 2 2");
	tree_attribute(&s->tree, block, "inflight", "       0        0");
	tree_attribute(&s->tree, block, "device/ioerr_cnt", "0x2");
	snprintf(path, sizeof(path), "%s/holders", block);
	tree_dir(&s->tree, path);
}

/* Both legs below a map, as the kernel links them. */
static void lay_out_map(struct scene *s)
{
	char path[TREE_PATH];

	tree_add_plain(&s->tree, "devices/virtual/block/dm-0", "dm-0", 253, 0);
	snprintf(path, sizeof(path), "%s/holders/dm-0", s->block);
	tree_link(&s->tree, "devices/virtual/block/dm-0", path);
	tree_link(&s->tree, s->block, "devices/virtual/block/dm-0/slaves/sdb");
	tree_link(&s->tree, s->other_block, "devices/virtual/block/dm-0/slaves/sdc");
}

static int setup_with(void **state, const struct tree_disk *d)
{
	struct scene *s = calloc(1, sizeof(*s));
	const char *tmp = getenv("TMPDIR");

	assert_non_null(s);
	tree_new(&s->tree);
	lay_out_leg(s, d, s->block);
	lay_out_leg(s, &other_leg, s->other_block);
	snprintf(s->directory, sizeof(s->directory), "%s/board.XXXXXX", tmp ? tmp : "/tmp");
	assert_non_null(mkdtemp(s->directory));
	snprintf(s->board, sizeof(s->board), "%s/board", s->directory);
	s->roots = (struct check_roots){ .sysfs = s->tree.root, .board = s->board };
	hang(false);
	script(&(struct played)GOOD_ANSWER, 1);
	s->fd = make_disk();
	assert_true(s->fd >= 0);
	assert_int_equal(path_check_new(s->fd, &s->roots, &s->path), 0);
	*state = s;
	return 0;
}

static int setup(void **state)
{
	return setup_with(state, &leg);
}

static int setup_lio(void **state)
{
	return setup_with(state, &lio_leg);
}

static void wait_all_ended(void)
{
	uint64_t deadline = now_ms() + DEADLINE_MS;

	while (test_job_outstanding() && now_ms() < deadline)
		nap();
	assert_int_equal(test_job_outstanding(), 0);
}

/* Another thread sends it. */
static void wait_sent(unsigned int n)
{
	uint64_t deadline = now_ms() + DEADLINE_MS;

	while (sent() < n && now_ms() < deadline)
		nap();
	assert_int_equal(sent(), n);
}

static int teardown(void **state)
{
	struct scene *s = *state;

	hang(false);
	path_check_free(s->path);
	wait_all_ended();
	close(s->fd);
	board_free(s->writer);
	unlink(s->board);
	rmdir(s->directory);
	tree_free(&s->tree);
	free(s);
	return 0;
}

static void set_probe(struct scene *s, int index, const char *device, enum probe_state state)
{
	struct board_content content = { .sessions = s->records, .n_sessions = 2 };
	struct iscsi_identity id;

	if (!s->writer)
		assert_int_equal(board_new(s->board, (unsigned int)-1, &s->writer), 0);
	assert_int_equal(identity_by_name(s->tree.root, device, &id), 0);
	s->records[index] = (struct board_session){
		.sid = id.sid,
		.state = (uint32_t)state,
		.name_hash = path_name_hash(&id.name),
		.doubted = index ? 0 : s->doubted,
	};
	if (!s->records[1].sid) {
		assert_int_equal(identity_by_name(s->tree.root, "sdc", &id), 0);
		s->records[1].sid = id.sid;
		s->records[1].name_hash = path_name_hash(&id.name);
	}
	for (int i = 0; i < 2; i++) {
		s->records[i].updated_ns = clock_now_ns();
		s->records[i].last_good_ns = clock_now_ns() - NS_PER_S;
	}
	assert_int_equal(board_publish(s->writer, &content, clock_now_ns(), NULL), 0);
}

static void own_probe(struct scene *s, enum probe_state state)
{
	set_probe(s, 0, "sdb", state);
}

static struct verdict look(struct scene *s, enum check_mode mode)
{
	return path_check_look(s->path, s->fd, 30, mode);
}

static void assert_reason(struct scene *s, struct verdict v, enum reason reason)
{
	char text[VERDICT_TEXT_MAX];

	if (v.reason != reason)
		fail_msg("%s instead of %s: %s", reason_row(v.reason)->code,
			 reason_row(reason)->code,
			 verdict_text(path_check_evidence(s->path), &v, text, sizeof(text)));
}

/* Look again and again, the portal's record kept fresh, until the reason is this one. */
static void look_until(struct scene *s, enum reason reason)
{
	enum probe_state state = (enum probe_state)s->records[0].state;
	uint64_t deadline = now_ms() + DEADLINE_MS;
	struct verdict v;

	do {
		if (s->writer)
			own_probe(s, state);
		v = look(s, CHECK_ASYNC);
		nap();
	} while (v.reason != reason && now_ms() < deadline);
	assert_reason(s, v, reason);
}

/* ---- what is sent ---- */

static void test_plain_tur(void **state)
{
	struct scene *s = *state;

	assert_reason(s, look(s, CHECK_INLINE), REASON_GOOD);
	assert_int_equal(sent(), 1);
	assert_int_equal(played_disk.cdb[0], 0x00);
	assert_int_equal(played_disk.size, 0);
	assert_string_equal(path_check_device(s->path), "sdb");
}

static void test_lio_is_read(void **state)
{
	static const uint8_t read10[10] = { 0x28, 0, 0, 0, 0, 0, 0, 0, 1, 0 };
	struct scene *s = *state;

	assert_reason(s, look(s, CHECK_INLINE), REASON_GOOD);
	assert_int_equal(sent(), 2);
	assert_memory_equal(played_disk.cdb, read10, sizeof(read10));
	assert_int_equal(played_disk.size, 4096);
	assert_true(played_disk.aligned);
	assert_true(path_check_evidence(s->path)->test.read);
	attribute(s, "queue/logical_block_size", "512");
	look_until(s, REASON_GOOD);
	assert_int_equal(played_disk.size, 512);
	assert_true(played_disk.aligned && played_disk.elsewhere);
}

/* A dead backstore: GOOD to TEST UNIT READY, trouble with READ. */
static void test_lio_dead_backstore(void **state)
{
	struct played answers[] = { GOOD_ANSWER, SENSE(0x0b, 8, 0) };
	struct scene *s = *state;

	script(answers, 2);
	assert_reason(s, look(s, CHECK_INLINE), REASON_ABORTED);
	assert_int_equal(sent(), 1 + LUN_TEST_TRIES);
	answers[1] = (struct played)SENSE(3, 0x11, 0);
	script(answers, 2);
	assert_reason(s, look(s, CHECK_INLINE), REASON_READ_MEDIUM);
	answers[0] = (struct played)SENSE(2, 4, 0x0b); /* no READ behind a refusal */
	script(answers, 1);
	assert_reason(s, look(s, CHECK_INLINE), REASON_STANDBY);
	assert_int_equal(sent(), 1);
}

static void test_lio_odd_block_size(void **state)
{
	static const char *const odd[] = { "256", "520", "8192", "0", "-512", "x", "" };
	struct scene *s = *state;

	for (size_t i = 0; i < sizeof(odd) / sizeof(odd[0]); i++) {
		attribute(s, "queue/logical_block_size", odd[i]);
		script(&(struct played)GOOD_ANSWER, 1);
		assert_reason(s, look(s, CHECK_INLINE), REASON_GOOD);
		assert_int_equal(sent(), 1);
	}
}

/* ---- I/O instead of a test ---- */

static void test_progress(void **state)
{
	struct scene *s = *state;

	own_probe(s, PROBE_UP);
	assert_reason(s, look(s, CHECK_INLINE), REASON_GOOD);
	attribute(s, "stat", "11 0 80 1 20 0 160 1 0 2 2");
	assert_reason(s, look(s, CHECK_INLINE), REASON_PROGRESS);
	assert_int_equal(sent(), 1);
	/* nothing since */
	assert_reason(s, look(s, CHECK_INLINE), REASON_GOOD);
	assert_int_equal(sent(), 2);
	/* writes count, and I/O in flight does not matter when the looks are close */
	attribute(s, "stat", "11 0 80 1 21 0 160 1 0 2 2");
	attribute(s, "inflight", "       3        4");
	assert_reason(s, look(s, CHECK_INLINE), REASON_PROGRESS);
	assert_int_equal(path_check_evidence(s->path)->io.in_flight, 7);
	/* an error among them */
	attribute(s, "stat", "12 0 80 1 21 0 160 1 0 2 2");
	attribute(s, "device/ioerr_cnt", "0x3");
	assert_reason(s, look(s, CHECK_INLINE), REASON_GOOD);
	assert_int_equal(sent(), 3);
}

static void test_counters_off(void **state)
{
	static const char *const broken[][2] = {
		{ "queue/iostats", "0" },     { "queue/iostats_passthrough", "1" },
		{ "stat", "10 0 80" },	      { "stat", "a b c d e f g h i j k" },
		{ "inflight", "" },	      { "device/ioerr_cnt", "none" },
	};

	for (size_t i = 0; i < sizeof(broken) / sizeof(broken[0]); i++) {
		void *own;
		struct scene *s;

		setup(&own);
		s = own;
		own_probe(s, PROBE_UP);
		assert_reason(s, look(s, CHECK_INLINE), REASON_GOOD);
		attribute(s, "stat", "11 0 80 1 20 0 160 1 0 2 2");
		attribute(s, broken[i][0], broken[i][1]);
		assert_reason(s, look(s, CHECK_INLINE), REASON_GOOD);
		assert_int_equal(sent(), 2);
		assert_false(path_check_evidence(s->path)->io.count_known);
		teardown(&own);
	}
	(void)state;
}

static void test_progress_needs_board(void **state)
{
	struct scene *s = *state;

	assert_reason(s, look(s, CHECK_INLINE), REASON_GOOD);
	attribute(s, "stat", "11 0 80 1 20 0 160 1 0 2 2");
	assert_reason(s, look(s, CHECK_INLINE), REASON_GOOD);
	assert_int_equal(sent(), 2);
}

/* ---- quiet looks ---- */

/* A LUN found to be well behind a portal that answers: for a while the board is all that is
 * looked at. */
static void test_quiet(void **state)
{
	struct scene *s = *state;

	s->roots.quiet_looks = true;
	own_probe(s, PROBE_UP);
	assert_reason(s, look(s, CHECK_INLINE), REASON_GOOD);
	for (int i = 0; i < 10; i++)
		assert_reason(s, look(s, CHECK_INLINE), REASON_NOP);
	assert_int_equal(sent(), 1);
	/* a command that fails ends it, once it was looked into */
	attribute(s, "device/ioerr_cnt", "0x3");
	assert_reason(s, look(s, CHECK_INLINE), REASON_GOOD);
	assert_int_equal(sent(), 2);
	assert_reason(s, look(s, CHECK_INLINE), REASON_NOP);
	/* so does a portal that does not answer */
	own_probe(s, PROBE_SILENT);
	assert_reason(s, look(s, CHECK_INLINE), REASON_CONFLICT);
	assert_int_equal(sent(), 3);
	own_probe(s, PROBE_UP);
	assert_reason(s, look(s, CHECK_INLINE), REASON_GOOD);
	assert_reason(s, look(s, CHECK_INLINE), REASON_NOP);
	/* and a daemon that is gone */
	board_free(s->writer);
	s->writer = NULL;
	assert_int_equal(unlink(s->board), 0);
	assert_reason(s, look(s, CHECK_INLINE), REASON_GOOD);
	assert_reason(s, look(s, CHECK_INLINE), REASON_GOOD);
	assert_int_equal(sent(), 6);
}

static void test_quiet_ends_by_itself(void **state)
{
	struct scene *s = *state;
	uint64_t begin = now_ms();

	s->roots.quiet_looks = true;
	own_probe(s, PROBE_UP);
	assert_reason(s, look(s, CHECK_INLINE), REASON_GOOD);
	while (sent() < 2 && now_ms() - begin < DEADLINE_MS) {
		own_probe(s, PROBE_UP);
		look(s, CHECK_INLINE);
		nap();
	}
	assert_int_equal(sent(), 2);
	assert_true(now_ms() - begin >= VERDICT_QUIET_MS);
}

/* What fails while the test is under way is not covered by its good answer. */
static void test_quiet_since_sent(void **state)
{
	struct scene *s = *state;

	s->roots.quiet_looks = true;
	own_probe(s, PROBE_UP);
	hang(true);
	assert_reason(s, look(s, CHECK_ASYNC), REASON_TESTING);
	attribute(s, "device/ioerr_cnt", "0x3");
	hang(false);
	wait_all_ended();
	assert_reason(s, look(s, CHECK_INLINE), REASON_GOOD);
	assert_int_equal(sent(), 1);
	assert_reason(s, look(s, CHECK_INLINE), REASON_GOOD);
	assert_int_equal(sent(), 2);
	assert_reason(s, look(s, CHECK_INLINE), REASON_NOP);
}

/* ---- what the daemon has come to doubt: its probe says "up" for a second yet ---- */

static void doubt(struct scene *s)
{
	s->doubted++;
	own_probe(s, PROBE_UP);
}

/* A link is lost with nothing in flight: no command fails, no NOP is missed yet, and the path that
 * the daemon has failed in dm must not come back but by the LUN's answer. */
static void test_doubt_ends_quiet(void **state)
{
	struct scene *s = *state;

	s->roots.quiet_looks = true;
	own_probe(s, PROBE_UP);
	assert_reason(s, look(s, CHECK_INLINE), REASON_GOOD);
	assert_reason(s, look(s, CHECK_INLINE), REASON_NOP);
	doubt(s);
	hang(true);
	for (int i = 0; i < 3; i++)
		assert_int_equal(look(s, CHECK_BRIEF).state, VERDICT_PENDING);
	wait_sent(2);
	hang(false);
	wait_all_ended();
	assert_reason(s, look(s, CHECK_ASYNC), REASON_GOOD);
	assert_reason(s, look(s, CHECK_ASYNC), REASON_NOP);
	assert_int_equal(sent(), 2);
}

/* Any other number will do: a daemon that has just been started knows of no doubt. */
static void test_doubt_of_a_daemon_before(void **state)
{
	struct scene *s = *state;

	s->roots.quiet_looks = true;
	s->doubted = 5;
	own_probe(s, PROBE_UP);
	assert_reason(s, look(s, CHECK_INLINE), REASON_GOOD);
	assert_reason(s, look(s, CHECK_INLINE), REASON_NOP);
	s->doubted = 0;
	own_probe(s, PROBE_UP);
	assert_reason(s, look(s, CHECK_INLINE), REASON_GOOD);
	assert_int_equal(sent(), 2);
	assert_reason(s, look(s, CHECK_INLINE), REASON_NOP);
}

/* I/O that was completed between two looks may have been so before the link was lost. */
static void test_doubt_of_progress(void **state)
{
	struct scene *s = *state;

	own_probe(s, PROBE_UP);
	assert_reason(s, look(s, CHECK_INLINE), REASON_GOOD);
	attribute(s, "stat", "11 0 80 1 20 0 160 1 0 2 2");
	doubt(s);
	hang(true);
	assert_reason(s, look(s, CHECK_BRIEF), REASON_TESTING);
	hang(false);
	wait_all_ended();
	/* what is completed later counts */
	assert_reason(s, look(s, CHECK_INLINE), REASON_GOOD);
	attribute(s, "stat", "12 0 80 1 20 0 160 1 0 2 2");
	assert_reason(s, look(s, CHECK_INLINE), REASON_PROGRESS);
	assert_int_equal(sent(), 2);
}

/* So may an answer have come that nobody has fetched yet. */
static void test_doubt_of_answer(void **state)
{
	struct scene *s = *state;

	own_probe(s, PROBE_UP);
	hang(true);
	assert_reason(s, look(s, CHECK_ASYNC), REASON_TESTING);
	hang(false);
	wait_all_ended();
	doubt(s);
	hang(true);
	assert_reason(s, look(s, CHECK_ASYNC), REASON_TESTING);
	hang(false);
	wait_all_ended();
	assert_reason(s, look(s, CHECK_ASYNC), REASON_GOOD);
	assert_int_equal(sent(), 2);
}

/* No answer but a good one makes it quiet. */
static void test_not_quiet(void **state)
{
	struct scene *s = *state;

	s->roots.quiet_looks = true;
	own_probe(s, PROBE_UP);
	script(&(struct played)SENSE(0x02, 0x04, 0x0b), 1);
	for (unsigned int i = 1; i < 4; i++) {
		assert_reason(s, look(s, CHECK_INLINE), REASON_STANDBY);
		assert_int_equal(sent(), i);
	}
	script(&(struct played)GOOD_ANSWER, 1);
	attribute(s, "device/ioerr_cnt", "");
	for (unsigned int i = 1; i < 4; i++)
		assert_reason(s, look(s, CHECK_INLINE), REASON_GOOD);
}

/* Quiet looks behind a portal that answers; returns the mates of the path, to be left. */
static struct mates *with_mates(struct scene *s)
{
	struct iscsi_identity id;

	s->roots.quiet_looks = true;
	own_probe(s, PROBE_UP);
	assert_int_equal(identity_by_name(s->tree.root, "sdb", &id), 0);
	return mates_join(id.sid, path_name_hash(&id.name));
}

/* What another LUN over the session has met with, this one is asked about at once, and again until
 * it answers without a remark. */
static void test_mates_end_quiet(void **state)
{
	struct scene *s = *state;
	struct mates *mates = with_mates(s);

	assert_reason(s, look(s, CHECK_INLINE), REASON_GOOD);
	assert_reason(s, look(s, CHECK_INLINE), REASON_NOP);
	mates_odd(mates, clock_now_ns());
	script((struct played[]){ SENSE(0x06, 0x2a, 0x06), GOOD_ANSWER }, 2);
	assert_reason(s, look(s, CHECK_INLINE), REASON_GOOD);
	assert_int_equal(sent(), 2);
	assert_reason(s, look(s, CHECK_INLINE), REASON_GOOD);
	assert_int_equal(sent(), 3);
	assert_reason(s, look(s, CHECK_INLINE), REASON_NOP);
	mates_leave(mates);
}

/* A state that the kernel has learnt over another path: I/O that it refuses for that counts as no
 * failed command. */
static void test_access_ends_quiet(void **state)
{
	struct scene *s = *state;

	attribute(s, "device/access_state", "active/optimized");
	path_check_free(s->path);
	s->roots.quiet_looks = true;
	assert_int_equal(path_check_new(s->fd, &s->roots, &s->path), 0);
	own_probe(s, PROBE_UP);
	assert_reason(s, look(s, CHECK_INLINE), REASON_GOOD);
	assert_reason(s, look(s, CHECK_INLINE), REASON_NOP);
	attribute(s, "device/access_state", "unavailable");
	assert_reason(s, look(s, CHECK_INLINE), REASON_GOOD);
	assert_int_equal(sent(), 2);
	assert_reason(s, look(s, CHECK_INLINE), REASON_NOP);
}

static uint64_t events; /* of dm, see dm_events.h; 0 not known */
static uint64_t events_now(uint64_t now_ns)
{
	(void)now_ns;
	return events;
}

/* As long as dm has no event, nobody reads how many commands have failed. */
static void test_counted_after_events(void **state)
{
	struct scene *s = *state;

	s->roots.quiet_looks = true;
	s->roots.dm_events = events_now;
	events = 1;
	own_probe(s, PROBE_UP);
	assert_reason(s, look(s, CHECK_INLINE), REASON_GOOD);
	attribute(s, "device/ioerr_cnt", "0x3");
	assert_reason(s, look(s, CHECK_INLINE), REASON_NOP);
	events++;
	assert_reason(s, look(s, CHECK_INLINE), REASON_GOOD);
	assert_int_equal(sent(), 2);
	/* not for long: counted when it is not known whether there was one */
	events = 0;
	assert_reason(s, look(s, CHECK_INLINE), REASON_NOP);
	attribute(s, "device/ioerr_cnt", "0x4");
	assert_reason(s, look(s, CHECK_INLINE), REASON_GOOD);
	assert_int_equal(sent(), 3);
	/* an event that has nothing to do with it */
	events = 7;
	assert_reason(s, look(s, CHECK_INLINE), REASON_NOP);
	events = 8;
	assert_reason(s, look(s, CHECK_INLINE), REASON_NOP);
	assert_int_equal(sent(), 3);
}

/* A command that fails without one, of somebody who uses the disk itself, is noticed a little later. */
static void test_counted_by_and_by(void **state)
{
	struct scene *s = *state;
	struct mates *mates = with_mates(s);
	uint64_t begin = now_ms();

	s->roots.dm_events = events_now;
	events = 1;
	assert_reason(s, look(s, CHECK_INLINE), REASON_GOOD);
	attribute(s, "device/ioerr_cnt", "0x3");
	while (sent() < 2 && now_ms() - begin < DEADLINE_MS) {
		own_probe(s, PROBE_UP);
		mates_well(mates, clock_now_ns()); /* or it would be tested anyway */
		look(s, CHECK_INLINE);
		nap();
	}
	assert_int_equal(sent(), 2);
	assert_true(now_ms() - begin < VERDICT_QUIET_FAR_MS - VERDICT_SPREAD_MS);
	mates_leave(mates);
}

/* I/O that was completed some time before is no answer to what another LUN has met with since. */
static void test_old_progress(void **state)
{
	struct scene *s = *state;
	struct mates *mates = with_mates(s);

	assert_reason(s, look(s, CHECK_INLINE), REASON_GOOD);
	attribute(s, "stat", "11 0 80 1 20 0 160 1 0 2 2");
	assert_reason(s, look(s, CHECK_INLINE), REASON_NOP);
	mates_odd(mates, clock_now_ns());
	script(&(struct played)SENSE(0x02, 0x04, 0x0b), 1);
	assert_reason(s, look(s, CHECK_INLINE), REASON_PROGRESS);
	assert_int_equal(sent(), 0);
	assert_reason(s, look(s, CHECK_INLINE), REASON_STANDBY);
	mates_leave(mates);
}

/* A LUN that is tested speaks for the others; one that is always bad in the same way does not
 * speak at all. */
static void test_speaks_for_mates(void **state)
{
	struct scene *s = *state;
	struct mates *mates = with_mates(s);
	uint64_t well_ns, odd_ns, before_ns = clock_now_ns();

	assert_reason(s, look(s, CHECK_INLINE), REASON_GOOD);
	mates_look(mates, &well_ns, &odd_ns);
	assert_true(well_ns >= before_ns);
	assert_int_equal(odd_ns, 0);
	attribute(s, "device/ioerr_cnt", "0x3");
	script(&(struct played)SENSE(0x02, 0x04, 0x0b), 1);
	assert_reason(s, look(s, CHECK_INLINE), REASON_STANDBY);
	mates_look(mates, &before_ns, &odd_ns);
	assert_int_equal(before_ns, well_ns);
	assert_true(odd_ns > well_ns);
	assert_reason(s, look(s, CHECK_INLINE), REASON_STANDBY);
	mates_look(mates, &well_ns, &before_ns);
	assert_int_equal(before_ns, odd_ns);
	mates_leave(mates);
}

/* ---- silence ---- */

static void test_silent(void **state)
{
	struct scene *s = *state;
	struct verdict v;

	own_probe(s, PROBE_SILENT);
	hang(true);
	v = look(s, CHECK_BRIEF);
	assert_reason(s, v, REASON_SUSPECT);
	look_until(s, REASON_SILENT);
	assert_true(path_check_evidence(s->path)->test.age_ms >= VERDICT_TEST_LATE_MS);
	attribute(s, "inflight", "       0        2");
	look_until(s, REASON_SUSPECT_IN_FLIGHT);
	attribute(s, "inflight", "       0        0");
	look_until(s, REASON_SILENT);
	own_probe(s, PROBE_UP);
	assert_reason(s, look(s, CHECK_ASYNC), REASON_TESTING);
	assert_int_equal(sent(), 1); /* it was one command all the time */
}

static void test_silent_without_counters(void **state)
{
	struct scene *s = *state;

	attribute(s, "queue/iostats", "0");
	own_probe(s, PROBE_REFUSED);
	hang(true);
	look_until(s, REASON_SUSPECT_UNKNOWN);
}

static void test_legs(void **state)
{
	struct scene *s = *state;

	lay_out_map(s);
	own_probe(s, PROBE_SILENT);
	hang(true);
	look_until(s, REASON_SILENT); /* the other one is idle */
	tree_attribute(&s->tree, s->other_block, "inflight", "       1        0");
	look_until(s, REASON_SUSPECT_LEGS);
	set_probe(s, 1, "sdc", PROBE_SILENT);
	look_until(s, REASON_SUSPECT_LEGS);
	set_probe(s, 1, "sdc", PROBE_UP); /* busy and well */
	look_until(s, REASON_SILENT);
	/* blocked: its I/O has been requeued, stuck but no longer counted */
	tree_attribute(&s->tree, s->other_block, "inflight", "       0        0");
	tree_attribute(&s->tree, s->other_block, "device/state", "blocked");
	look_until(s, REASON_SUSPECT_LEGS);
	tree_attribute(&s->tree, s->other_block, "device/state", "running");
	tree_file(&s->tree, "class/iscsi_session/session12/state", "FAILED");
	look_until(s, REASON_SUSPECT_LEGS);
	tree_file(&s->tree, "class/iscsi_session/session12/state", "LOGGED_IN");
	look_until(s, REASON_SILENT);
	tree_remove(&s->tree, "devices/virtual/block/dm-0/slaves/sdc");
	look_until(s, REASON_SILENT);
	tree_remove(&s->tree, "devices/virtual/block/dm-0/slaves");
	look_until(s, REASON_SUSPECT_UNKNOWN);
}

static void test_no_board_is_stock(void **state)
{
	struct scene *s = *state;
	uint64_t until = now_ms() + 2 * VERDICT_TEST_LATE_MS;

	hang(true);
	do {
		assert_reason(s, look(s, CHECK_ASYNC), REASON_TESTING);
		nap();
	} while (now_ms() < until);
	assert_int_equal(path_check_look(s->path, s->fd, 30, CHECK_BRIEF).state,
			 VERDICT_PENDING);
}

/* ---- the kernel's word: nothing is sent that could sleep ---- */

static void test_blocked_sends_nothing(void **state)
{
	struct scene *s = *state;

	attribute(s, "device/state", "blocked");
	assert_reason(s, look(s, CHECK_INLINE), REASON_BLOCKED);
	attribute(s, "device/state", "transport-offline");
	assert_reason(s, look(s, CHECK_INLINE), REASON_TRANSPORT_OFFLINE);
	attribute(s, "device/state", "running");
	tree_file(&s->tree, "class/iscsi_session/session11/state", "FAILED");
	assert_reason(s, look(s, CHECK_INLINE), REASON_SESSION_FAILED);
	tree_file(&s->tree, "class/iscsi_session/session11/state", "FREE");
	assert_reason(s, look(s, CHECK_INLINE), REASON_SESSION_FREE);
	assert_int_equal(sent(), 0);
	tree_file(&s->tree, "class/iscsi_session/session11/state", "LOGGED_IN");
	assert_reason(s, look(s, CHECK_INLINE), REASON_GOOD);
}

/* ---- excluded by the policy: nothing is sent, whatever the health ---- */

static void publish_flags(struct scene *s, enum role role, uint16_t flags, const char *wwid)
{
	struct board_content content = { .sessions = s->records, .n_sessions = 2 };
	struct board_path plan;
	struct iscsi_identity id;

	own_probe(s, PROBE_UP);
	assert_int_equal(identity_by_name(s->tree.root, "sdb", &id), 0);
	plan = (struct board_path){
		.sid = id.sid,
		.lun = id.lun,
		.role = role,
		.name_hash = path_name_hash(&id.name),
		.wwid_hash = fnv1a(FNV1A_START, wwid, strlen(wwid)),
		.priority = 1,
		.flags = flags,
	};
	content.paths = &plan;
	content.n_paths = 1;
	assert_int_equal(board_publish(s->writer, &content, clock_now_ns(), NULL), 0);
}

static void publish_role(struct scene *s, enum role role, const char *wwid)
{
	publish_flags(s, role, 0, wwid);
}

static void test_excluded(void **state)
{
	struct scene *s = *state;
	struct iscsi_identity id;

	assert_int_equal(identity_by_name(s->tree.root, "sdb", &id), 0);
	publish_role(s, ROLE_EXCLUDED, id.wwid);
	assert_reason(s, look(s, CHECK_INLINE), REASON_EXCLUDED);
	assert_int_equal(look(s, CHECK_ASYNC).state, VERDICT_DOWN);
	attribute(s, "device/state", "transport-offline");
	assert_reason(s, look(s, CHECK_INLINE), REASON_TRANSPORT_OFFLINE);
	attribute(s, "device/state", "running");
	assert_int_equal(sent(), 0);
	publish_role(s, ROLE_STANDBY, id.wwid);
	assert_reason(s, look(s, CHECK_INLINE), REASON_GOOD);
	/* the plan of another LUN that had this place before */
	if (*id.wwid) {
		publish_role(s, ROLE_EXCLUDED, "naa.6999");
		assert_reason(s, look(s, CHECK_INLINE), REASON_GOOD);
	}
	publish_role(s, ROLE_EXCLUDED, id.wwid);
	assert_reason(s, look(s, CHECK_INLINE), REASON_EXCLUDED);
	/* no board, no opinion */
	board_free(s->writer);
	s->writer = NULL;
	assert_int_equal(unlink(s->board), 0);
	assert_reason(s, look(s, CHECK_INLINE), REASON_GOOD);
}

/* Where I/O hung, on any vendor's disk: nothing but a READ, as late as it may be, brings it back. */
static void test_hung(void **state)
{
	struct scene *s = *state;
	struct iscsi_identity id;

	assert_int_equal(identity_by_name(s->tree.root, "sdb", &id), 0);
	publish_flags(s, ROLE_ACTIVE, BOARD_PATH_HUNG, id.wwid);
	/* nobody may wait here for a LUN that hangs */
	assert_reason(s, look(s, CHECK_INLINE), REASON_HUNG);
	assert_int_equal(sent(), 0);
	hang(true);
	assert_reason(s, look(s, CHECK_ASYNC), REASON_HUNG);
	assert_reason(s, look(s, CHECK_BRIEF), REASON_HUNG);
	/* without a generic node the READ must not keep multipathd from ending for long */
	assert_int_equal(path_check_evidence(s->path)->test.timeout_ms, 30 * 1000);
	attribute(s, "inflight", "       1        0");
	assert_reason(s, look(s, CHECK_ASYNC), REASON_HUNG_IN_FLIGHT);
	attribute(s, "inflight", "       0        0");
	assert_reason(s, look(s, CHECK_ASYNC), REASON_HUNG);
	hang(false);
	wait_all_ended();
	assert_int_equal(sent(), 2);
	assert_int_equal(played_disk.cdb[0], 0x28);
	/* the answer counts although nobody was to look for it soon */
	assert_reason(s, look(s, CHECK_ASYNC), REASON_GOOD);
	assert_true(path_check_evidence(s->path)->test.read);
	publish_flags(s, ROLE_ACTIVE, 0, id.wwid);
	assert_reason(s, look(s, CHECK_INLINE), REASON_GOOD);
	assert_int_equal(played_disk.cdb[0], 0x00);
}

static void test_gone(void **state)
{
	struct scene *s = *state;

	tree_remove(&s->tree, "block/sdb");
	assert_reason(s, look(s, CHECK_INLINE), REASON_GONE);
	assert_int_equal(sent(), 0);
}

/* ---- answers and their age ---- */

static void test_again(void **state)
{
	struct scene *s = *state;
	uint64_t deadline = now_ms() + DEADLINE_MS;
	struct verdict v;

	assert_false(path_check_waits(s->path));
	hang(true);
	v = look(s, CHECK_ASYNC);
	assert_reason(s, v, REASON_TESTING);
	assert_true(path_check_waits(s->path));
	hang(false);
	do {
		v = path_check_again(s->path);
		assert_false(path_check_waits(s->path));
		nap();
	} while (v.reason == REASON_TESTING && now_ms() < deadline);
	assert_reason(s, v, REASON_GOOD);
	assert_reason(s, path_check_again(s->path), REASON_GOOD);
	assert_int_equal(sent(), 1);
}

/* An answer that was awaited counts however late the host comes for it. */
static void test_awaited_answer_counts(void **state)
{
	struct scene *s = *state;

	script(&(struct played)SENSE(2, 4, 3), 1);
	hang(true);
	assert_reason(s, look(s, CHECK_ASYNC), REASON_TESTING);
	hang(false);
	wait_all_ended();
	assert_reason(s, look(s, CHECK_ASYNC), REASON_NOT_READY);
	assert_int_equal(sent(), 1);
}

static void test_timeout(void **state)
{
	struct scene *s = *state;
	uint64_t begin = now_ms();
	struct verdict v;

	hang(true);
	do {
		v = path_check_look(s->path, s->fd, 1, CHECK_ASYNC);
		nap();
	} while (v.reason == REASON_TESTING && now_ms() < begin + DEADLINE_MS);
	assert_reason(s, v, REASON_TIMEOUT);
	assert_true(now_ms() - begin >= 1000);
	assert_int_equal(sent(), 1);
}

/* ---- shortages ---- */

static void test_nothing_leaks(void **state)
{
	struct scene *s = *state;
	unsigned int before;

	own_probe(s, PROBE_UP);
	before = open_descriptors();
	for (int i = 0; i < 200; i++) {
		look(s, i % 2 ? CHECK_ASYNC : CHECK_BRIEF);
		path_check_again(s->path);
	}
	wait_all_ended();
	assert_int_equal(open_descriptors(), before);
}

static void test_no_descriptors(void **state)
{
	struct scene *s = *state;
	struct rlimit old, none;
	struct verdict v;

	assert_int_equal(getrlimit(RLIMIT_NOFILE, &old), 0);
	none = old;
	none.rlim_cur = 0;
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &none), 0);
	v = look(s, CHECK_ASYNC);
	setrlimit(RLIMIT_NOFILE, &old);
	assert_reason(s, v, REASON_UNABLE);
	assert_int_equal(v.state, VERDICT_PENDING);
	look_until(s, REASON_GOOD);
}

#define WITH_SCENE(test) cmocka_unit_test_setup_teardown(test, setup, teardown)
#define WITH_LIO(test)	 cmocka_unit_test_setup_teardown(test, setup_lio, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		WITH_SCENE(test_plain_tur),
		WITH_LIO(test_lio_is_read),
		WITH_LIO(test_lio_dead_backstore),
		WITH_LIO(test_lio_odd_block_size),
		WITH_SCENE(test_progress),
		cmocka_unit_test(test_counters_off),
		WITH_SCENE(test_progress_needs_board),
		WITH_SCENE(test_quiet),
		WITH_SCENE(test_quiet_ends_by_itself),
		WITH_SCENE(test_quiet_since_sent),
		WITH_SCENE(test_doubt_ends_quiet),
		WITH_SCENE(test_doubt_of_a_daemon_before),
		WITH_SCENE(test_doubt_of_progress),
		WITH_SCENE(test_doubt_of_answer),
		WITH_SCENE(test_not_quiet),
		WITH_SCENE(test_mates_end_quiet),
		WITH_SCENE(test_access_ends_quiet),
		WITH_SCENE(test_counted_after_events),
		WITH_SCENE(test_counted_by_and_by),
		WITH_SCENE(test_old_progress),
		WITH_SCENE(test_speaks_for_mates),
		WITH_SCENE(test_silent),
		WITH_SCENE(test_silent_without_counters),
		WITH_SCENE(test_legs),
		WITH_SCENE(test_no_board_is_stock),
		WITH_SCENE(test_blocked_sends_nothing),
		WITH_SCENE(test_hung),
		WITH_SCENE(test_gone),
		WITH_SCENE(test_excluded),
		WITH_SCENE(test_again),
		WITH_SCENE(test_awaited_answer_counts),
		WITH_SCENE(test_timeout),
		WITH_SCENE(test_nothing_leaks),
		WITH_SCENE(test_no_descriptors),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
