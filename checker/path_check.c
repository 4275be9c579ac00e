/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "checker/counters.h"
#include "checker/legs.h"
#include "checker/mates.h"
#include "checker/path_check.h"
#include "checker/sg_node.h"
#include "checker/test_job.h"
#include "common/board_reader.h"
#include "common/clock.h"
#include "common/parse.h"

#define TIMEOUT_DEFAULT_S 30 /* as multipathd's own */
#define TIMEOUT_MAX_S	  3600
#define BRIEF_NS	  NS_PER_MS
/* An answer that came while nobody was going to ask for it is old after this. */
#define ANSWER_MAX_NS (2 * NS_PER_S)
/*
 * multipathd orders the groups of a map when it first sees its paths, and counts one whose
 * answer is still due as not usable: the plan's order would then be in force only after
 * the next reload. So the first look at a path waits for a prompt answer, as long as all
 * first looks together do not hold multipathd up for more than a moment.
 */
#define FIRST_NS	  (20 * NS_PER_MS)
#define FIRST_BUDGET_NS	  (300 * NS_PER_MS)
#define FIRST_WINDOW_NS	  (10 * NS_PER_S)
#define VENDOR_LIO    "LIO-ORG"
/* Failed commands are counted anew after this, events or not. */
#define FAILURES_MAX_NS (4 * NS_PER_S)

/*
 * How many commands had failed on the device at a moment, what its access state was (I/O that the
 * kernel refuses for that counts as no failure), and what the daemon's doubt was. Count and state
 * are read again after an event of dm, and now and then: a command that is not of a map may fail, too.
 */
struct failures {
	bool known;
	uint64_t at_ns;
	uint64_t read_ns; /* count and access */
	uint64_t events;  /* the number before that, dm_events.h; 0 not known */
	uint64_t count;
	uint64_t access; /* a hash of the kernel's word; 0 it has none */
	uint32_t doubted; /* board.h */
};

struct path_check {
	const struct check_roots *roots;
	dev_t devt;
	struct iscsi_identity id;
	char number[24]; /* "8:16" */
	uint64_t block;	 /* logical block size as of the last look at the device; 0 not read */
	bool known;	 /* 'id' is filled */

	bool well_moved;      /* what showed the LUN to be well was I/O, no test */
	int errors_fd;	      /* counters_errors_open(); -1 not open */
	int access_fd;	      /* access_open(); -1 not open */
	uint32_t counters_doubted; /* the daemon's doubt when 'counters' were read */
	struct counters counters;
	uint64_t counted_ns;  /* when those before them were read */
	struct failures now;  /* as of the look that is going on */
	struct failures sent; /* as of the test that was started last */
	struct failures well; /* as of what last showed the LUN to be well */
	struct mates *mates;  /* NULL: not over iSCSI, or no memory */
	uint64_t mates_hash;  /* of their session's name */

	struct test_job *job;
	bool joined;	     /* somebody else's test: its answer does not count */
	bool looked;	     /* not the first look any more */
	bool waited;	     /* its end was looked for since it was started */
	bool reads;	     /* it ends with a READ */
	bool prompt;	     /* the last verdict was "ask again soon" */
	uint64_t started_ns; /* when we started or joined it */
	unsigned int timeout_ms;
	unsigned int disrupted;
	enum scsi_result answered; /* to the last test */
	struct verdict last;
	struct evidence e;
};

/* The session's name may be known only later, or become another. */
static void find_mates(struct path_check *path)
{
	uint64_t hash = path_name_hash(&path->id.name);

	if (!path->id.is_iscsi || (path->mates && path->mates_hash == hash))
		return;
	mates_leave(path->mates);
	path->mates = mates_join(path->id.sid, hash);
	path->mates_hash = hash;
}

static void learn_identity(struct path_check *path, int fd)
{
	path->known = identity_by_fd(path->roots->sysfs, fd, &path->id) == 0;
	if (path->known)
		find_mates(path);
}

int path_check_new(int fd, const struct check_roots *roots, struct path_check **ret)
{
	struct path_check *path = calloc(1, sizeof(*path));
	struct stat st;

	if (!path)
		return -ENOMEM;
	path->roots = roots;
	path->errors_fd = path->access_fd = -1;
	if (fstat(fd, &st) == 0)
		path->devt = st.st_rdev;
	snprintf(path->number, sizeof(path->number), "%u:%u", major(path->devt),
		 minor(path->devt));
	learn_identity(path, fd);
	*ret = path;
	return 0;
}

void path_check_free(struct path_check *path)
{
	if (!path)
		return;
	test_job_put(path->job);
	mates_leave(path->mates);
	if (path->errors_fd >= 0)
		close(path->errors_fd);
	if (path->access_fd >= 0)
		close(path->access_fd);
	free(path);
}

const struct evidence *path_check_evidence(const struct path_check *path)
{
	return &path->e;
}

const char *path_check_device(const struct path_check *path)
{
	return path->known && path->id.device[0] ? path->id.device : path->number;
}

/* What cannot be read leaves the kernel's word unknown, and the test decides. */
static void look_at_device(struct path_check *path, int fd)
{
	struct evidence *e = &path->e;
	int r = 0;

	if (!path->known)
		learn_identity(path, fd);
	else
		r = identity_refresh(path->roots->sysfs, &path->id);
	if (!path->known)
		return;
	find_mates(path);
	e->is_iscsi = path->id.is_iscsi;
	e->portal = path->id.name.portal;
	if (r == -ENODEV)
		e->device = DEVICE_GONE;
	if (r)
		return;
	e->device = path->id.device_state;
	e->session = path->id.session_state;
}

static void look_at_board(struct path_check *path, uint64_t now_ns)
{
	struct board_view view;

	if (path->roots->reader)
		board_reader_look(path->roots->reader, path->id.sid, path->id.lun,
				  path_name_hash(&path->id.name), now_ns, &view);
	else
		board_read_both(path->roots->board, path->id.sid, path->id.lun,
				path_name_hash(&path->id.name), now_ns, &view);
	if (view.session_trust == BOARD_FRESH)
		path->now.doubted = view.session.doubted;
	evidence_set_board(&path->e, view.session_trust, &view.session, now_ns);
	evidence_set_plan(&path->e, view.path_trust, &view.path, path->id.wwid);
}

static void look_at_io(struct path_check *path, uint64_t now_ns)
{
	struct counters now;

	counters_read(path->roots->sysfs, path->id.device, now_ns, &now);
	evidence_set_io(&path->e, &path->counters, &now);
	path->e.io.doubted = path->counters_doubted != path->now.doubted;
	path->counted_ns = path->counters.at_ns;
	path->counters = now;
	path->counters_doubted = path->now.doubted;
}

static int access_open(const struct path_check *path)
{
	int disk = identity_open_disk(path->roots->sysfs, path->id.device), fd;

	if (disk < 0)
		return -1;
	fd = openat(disk, "device/access_state", O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	close(disk);
	return fd;
}

/* Where ports have access states (ALUA). False: there is one and it cannot be read. */
static bool look_at_access(struct path_check *path)
{
	char text[32];
	ssize_t n;

	path->now.access = 0;
	if (path->id.access == ACCESS_UNKNOWN)
		return true;
	if (path->access_fd < 0)
		path->access_fd = access_open(path);
	n = path->access_fd < 0 ? -1 : pread(path->access_fd, text, sizeof(text), 0);
	if (n < 0)
		return false;
	path->now.access = fnv1a(FNV1A_START, text, (size_t)n);
	return true;
}

static void count_failures(struct path_check *path)
{
	if (path->errors_fd < 0)
		path->errors_fd = counters_errors_open(path->roots->sysfs, path->id.device);
	path->now.known = path->errors_fd >= 0 &&
			  counters_errors(path->errors_fd, &path->now.count) == 0 &&
			  look_at_access(path);
}

static void look_at_failures(struct path_check *path, uint64_t now_ns)
{
	uint64_t events = path->roots->dm_events ? path->roots->dm_events(now_ns) : 0;

	path->now.at_ns = now_ns;
	if (path->now.known && events && events == path->now.events &&
	    now_ns - path->now.read_ns < FAILURES_MAX_NS)
		return;
	path->now.events = events;
	path->now.read_ns = now_ns;
	count_failures(path);
}

static uint64_t ms_between(uint64_t then_ns, uint64_t now_ns)
{
	return now_ns > then_ns ? (now_ns - then_ns) / NS_PER_MS : 0;
}

static void look_at_mates(struct path_check *path, uint64_t now_ns)
{
	uint64_t well_ns, odd_ns;

	mates_look(path->mates, &well_ns, &odd_ns);
	path->e.mates.known = well_ns != 0;
	path->e.mates.ago_ms = ms_between(well_ns, now_ns);
	path->e.mates.odd = odd_ns >= path->well.at_ns;
}

/* Has nothing happened since the LUN was well, as far as the board (with the daemon's doubts), the
 * count of failures and what is found of other LUNs can tell? */
static bool is_calm(struct path_check *path, uint64_t now_ns)
{
	struct evidence *e = &path->e;

	if (!path->well.known)
		return false;
	e->is_iscsi = true;
	e->portal = path->id.name.portal;
	e->device = path->id.device_state;
	e->session = path->id.session_state;
	e->well.known = true;
	e->well.moved = path->well_moved;
	e->well.ago_ms = ms_between(path->well.at_ns, now_ns);
	e->well.spread_ms = fnv1a(FNV1A_START, path->number, strlen(path->number)) %
			    VERDICT_SPREAD_MS;
	e->well.failed = !path->now.known || path->now.count != path->well.count ||
			 path->now.access != path->well.access;
	look_at_mates(path, now_ns);
	look_at_board(path, now_ns);
	e->well.doubted = path->now.doubted != path->well.doubted;
	return verdict_is_calm(e);
}

/* What has shown the LUN to be well is the ground for quiet looks: what has failed since the test
 * was sent, or since this look at the counters, is not covered by it. */
static void keep_proof(struct path_check *path)
{
	bool tested = path->e.test.state == TEST_ENDED;

	if (path->last.reason == REASON_TESTING)
		return; /* what is known of the LUN is as old as it was */
	path->well = tested ? path->sent : path->now;
	path->well_moved = !tested;
	if (!tested) /* some time since the look before, nobody knows when */
		path->well.at_ns = path->counted_ns;
	if (!path->e.is_iscsi || !verdict_is_proof(&path->last))
		path->well.known = false;
	else if (tested)
		mates_well(path->mates, path->well.at_ns);
}

static void set_answer(struct path_check *path, const struct lun_answer *answer)
{
	/* A LUN that is bad in the same way each time is no news for the others. */
	if (answer->again || answer->result != path->answered)
		mates_odd(path->mates, clock_now_ns());
	path->answered = answer->result;
	path->disrupted = answer->result == SCSI_DISRUPTED ? path->disrupted + 1 : 0;
	path->e.test.state = TEST_ENDED;
	path->e.test.read = answer->read;
	path->e.test.result = answer->result;
	path->e.test.error = answer->error;
	path->e.test.disrupted = path->disrupted;
}

static void set_unable(struct path_check *path, int error)
{
	path->e.test.state = TEST_UNABLE;
	path->e.test.error = error;
}

static void set_running(struct path_check *path)
{
	path->e.test.state = TEST_RUNNING;
	path->e.test.read = path->reads;
	path->e.test.age_ms = (clock_now_ns() - path->started_ns) / NS_PER_MS;
	path->e.test.timeout_ms = path->timeout_ms;
}

/* The test we started: still running, or its answer. */
static void look_at_own_job(struct path_check *path, uint64_t wait_ns)
{
	struct lun_answer answer;
	uint64_t ended_ns;

	if (path->joined || !test_job_ended(path->job, wait_ns, &answer, &ended_ns)) {
		set_running(path);
		return;
	}
	test_job_put(path->job);
	path->job = NULL;
	set_answer(path, &answer);
}

/* Not that of a test joined, nor one that came while nobody was to ask for it soon, nor one that
 * may have come before the daemon began to doubt the connection. */
static bool is_about_now(const struct path_check *path, uint64_t ended_ns)
{
	return !path->joined && path->sent.doubted == path->now.doubted &&
	       (path->prompt || clock_now_ns() - ended_ns <= ANSWER_MAX_NS);
}

/* At the beginning of a look: throw away an answer that is not about now. */
static void drop_old_job(struct path_check *path)
{
	struct lun_answer answer;
	uint64_t ended_ns;

	if (!path->job || !test_job_ended(path->job, 0, &answer, &ended_ns))
		return;
	if (is_about_now(path, ended_ns))
		return;
	if (answer.again) /* that remark comes once only */
		mates_odd(path->mates, clock_now_ns());
	test_job_put(path->job);
	path->job = NULL;
}

/* Did the LUN hang here, so that nothing but a READ shows that it does not any more? */
static bool is_hung(const struct path_check *path)
{
	return path->e.is_iscsi && path->e.barred == BARRED_BY_HANG;
}

/* Bytes to READ behind the TEST UNIT READY; 0: none. */
static size_t read_size(struct path_check *path)
{
	char text[24];
	uint64_t size;

	if (!path->known || !path->id.is_iscsi ||
	    (strcmp(path->id.vendor, VENDOR_LIO) && !is_hung(path)))
		return 0;
	if (path->block)
		return (size_t)path->block;
	if (identity_attribute(path->roots->sysfs, path->id.device,
			       "queue/logical_block_size", text, sizeof(text)) ||
	    counters_sum(text, 0, 0, &size))
		return 0;
	if (size < 512 || size > LUN_TEST_BLOCK_MAX || (size & (size - 1)))
		return 0;
	path->block = size;
	return (size_t)size;
}

static void test_inline(struct path_check *path, const struct test_order *order)
{
	struct lun_read wanted = { .size = order->block_size, .alone = order->read_alone };
	struct lun_answer answer;

	if (wanted.size && posix_memalign(&wanted.block, LUN_TEST_BLOCK_MAX, wanted.size)) {
		set_unable(path, -ENOMEM);
		return;
	}
	lun_test(order->fd, order->timeout_ms, &wanted, &answer);
	free(wanted.block);
	set_answer(path, &answer);
}

static void test_elsewhere(struct path_check *path, const struct test_order *order,
			   uint64_t wait_ns)
{
	int r = test_job_start(order, &path->job, &path->joined);

	if (r) {
		set_unable(path, r);
		return;
	}
	path->started_ns = clock_now_ns();
	path->timeout_ms = order->timeout_ms;
	path->reads = order->block_size != 0;
	path->waited = wait_ns != 0;
	look_at_own_job(path, wait_ns);
}

/* Of all paths: some hosts look at several at once. Held for a few instructions. */
static struct {
	pthread_mutex_t lock;
	uint64_t begin_ns, spent_ns;
} first_looks = { .lock = PTHREAD_MUTEX_INITIALIZER };

/* Is there patience left for one more of them? */
static bool first_begin(uint64_t now_ns)
{
	bool patient;

	pthread_mutex_lock(&first_looks.lock);
	if (now_ns > first_looks.begin_ns + FIRST_WINDOW_NS) {
		first_looks.begin_ns = now_ns;
		first_looks.spent_ns = 0;
	}
	patient = first_looks.spent_ns < FIRST_BUDGET_NS;
	pthread_mutex_unlock(&first_looks.lock);
	return patient;
}

static void first_end(uint64_t spent_ns)
{
	pthread_mutex_lock(&first_looks.lock);
	first_looks.spent_ns += spent_ns;
	pthread_mutex_unlock(&first_looks.lock);
}

/* As test_elsewhere(), with patience as far as the budget goes. */
static void test_first(struct path_check *path, const struct test_order *order, uint64_t wait_ns)
{
	uint64_t begin_ns = clock_now_ns();

	test_elsewhere(path, order, first_begin(begin_ns) ? FIRST_NS : wait_ns);
	path->waited = wait_ns != 0; /* a host that looks again is still to do so */
	first_end(clock_now_ns() - begin_ns);
}

/*
 * The READ that a hung LUN owes. One that times out starts the kernel's error handling, which
 * stops the whole session: so it may take its time, where it keeps nobody from ending.
 */
static int order_hung(const struct path_check *path, struct test_order *order)
{
	int node = path->known ? sg_node_open(path->roots->sysfs, path->id.device) : -ENOENT;

	if (node >= 0) {
		order->fd = node;
		order->timeout_ms = 1000 * TIMEOUT_MAX_S;
	}
	return node;
}

static void start_test(struct path_check *path, int fd, unsigned int timeout_s,
		       enum check_mode mode)
{
	struct test_order order = {
		.fd = fd,
		.devt = path->devt,
		.timeout_ms = 1000,
		.block_size = read_size(path),
		.read_alone = verdict_is_calm(&path->e),
	};
	int node = -1;

	path->sent = path->now;
	if (timeout_s == 0)
		timeout_s = TIMEOUT_DEFAULT_S;
	order.timeout_ms *= timeout_s < TIMEOUT_MAX_S ? timeout_s : TIMEOUT_MAX_S;
	if (is_hung(path)) {
		if (mode == CHECK_INLINE)
			return; /* nobody may wait for that */
		node = order_hung(path, &order);
	}
	if (mode == CHECK_INLINE)
		test_inline(path, &order);
	else if (!path->looked)
		test_first(path, &order, mode == CHECK_BRIEF ? BRIEF_NS : 0);
	else
		test_elsewhere(path, &order, mode == CHECK_BRIEF ? BRIEF_NS : 0);
	if (node >= 0)
		close(node);
}

static struct verdict judge(struct path_check *path)
{
	if (verdict_wants_legs(&path->e))
		path->e.legs = legs_look(path->roots->sysfs, path->roots->board,
					 path->id.device, clock_now_ns());
	path->last = verdict_judge(&path->e);
	keep_proof(path);
	/* The READ that a hung path waits for counts whenever it is looked for. */
	path->prompt = path->last.state == VERDICT_PENDING ||
		       (is_hung(path) && path->e.test.state == TEST_RUNNING);
	return path->last;
}

static void look_at_all(struct path_check *path, int fd, uint64_t now_ns)
{
	memset(&path->e, 0, sizeof(path->e));
	path->block = 0;
	look_at_device(path, fd);
	if (path->e.is_iscsi) {
		look_at_board(path, now_ns);
		look_at_io(path, now_ns);
	}
}

/* The answer of a test that was started, or one that is started now if the evidence wants it. */
static void ask_lun(struct path_check *path, int fd, unsigned int timeout_s,
		    enum check_mode mode)
{
	path->waited = true;
	drop_old_job(path);
	if (path->job)
		look_at_own_job(path, 0);
	if (verdict_wants_test(&path->e))
		start_test(path, fd, timeout_s, mode);
	path->looked = true;
}

/* A test that was started at an earlier look and is still running. */
static bool owes_answer(const struct path_check *path)
{
	struct lun_answer answer;
	uint64_t ended_ns;

	return path->job && !test_job_ended(path->job, 0, &answer, &ended_ns);
}

struct verdict path_check_look(struct path_check *path, int fd, unsigned int timeout_s,
			       enum check_mode mode)
{
	uint64_t now_ns = clock_now_ns();
	bool calm;

	memset(&path->e, 0, sizeof(path->e));
	if (path->roots->quiet_looks && path->known && path->id.is_iscsi)
		look_at_failures(path, now_ns);
	calm = is_calm(path, now_ns);
	if (calm && !path->job && verdict_is_quiet(&path->e)) {
		path->last = verdict_judge(&path->e);
		return path->last;
	}
	/* What was doing I/O is looked at for more of it, which spares the test, and what owes an
	 * answer for everything that may explain it. */
	if (!calm || path->well_moved || owes_answer(path))
		look_at_all(path, fd, now_ns);
	ask_lun(path, fd, timeout_s, mode);
	return judge(path);
}

struct verdict path_check_again(struct path_check *path)
{
	path->waited = true;
	if (!path->job || path->e.test.state != TEST_RUNNING)
		return path->last;
	look_at_own_job(path, 0);
	return judge(path);
}

bool path_check_waits(const struct path_check *path)
{
	return path->job && !path->waited && path->e.test.state == TEST_RUNNING;
}
