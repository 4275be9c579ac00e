/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * ioload: verified writers and readers on a block device, which remember every stall.
 *
 *   gcc -std=gnu11 -O2 -g -D_GNU_SOURCE -Wall -Wextra -o ioload ioload.c -lpthread
 *
 *   ioload --device DEV [--threads 4] [--blocks 256] [--first 0] [--rate 200] [--reads 30]
 *          [--threshold 100] [--seconds 0] [--drain 60] [--scouts 0] [--output FILE]
 *          [--status FILE] [--series FILE] [--live]
 *
 * Every thread owns --blocks blocks of 4 KiB and has one direct I/O in flight: writes of new content,
 * and --reads percent of reads, which must find exactly what was acknowledged last. It ends after
 * --seconds, or on SIGTERM or SIGINT, then reads and verifies every block once more.
 *
 * Of the corrupt blocks the result counts those apart ("late") that hold what only a late write can have
 * brought: whole and with its sum, content that this run wrote to this very block, older than what was
 * acknowledged last, by a write that had itself taken --threshold or more (given up on and done again,
 * and so sent twice). An acknowledged write that was lost shows older content, too, but not of such a write.
 *
 * A stall is an I/O of --threshold ms or more. While the threads are stalled they issue nothing, so
 * "when is new I/O good again" (diversion) is asked by --scouts: spare threads, one more of which reads
 * a block at growing intervals for as long as the stall lasts. All times are CLOCK_MONOTONIC.
 *
 * --status: a one-line file renewed each 20 ms (see write_status). --series: a line each 50 ms, for plots
 * (see write_series). --live: stalls on stdout as they come.
 * Exit status 0 when all I/O was good, 1 otherwise, 2 for wrong usage.
 */
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <inttypes.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum {
	BLOCK_SIZE = 4096,
	BODY_WORDS = (BLOCK_SIZE - 48) / 8,
	MAX_THREADS = 64,
	MAX_BLOCKS = 1 << 20,
	MAX_STALLS = 16384, /* remembered; all are counted */
	SLOW_KEPT = 4,	    /* of a block's slow writes */
	TICK_MS = 20,
	SERIES_MS = 50,
};

#define MAGIC UINT64_C(0x6d70696f6c6f6164)
#define NS_PER_MS INT64_C(1000000)
#define NS_PER_S INT64_C(1000000000)

/* What a block on the device looks like. */
struct block {
	uint64_t magic;
	uint64_t run;    /* tells this run's blocks from an earlier one's */
	uint64_t number; /* on the device, in blocks */
	uint64_t seq;    /* of its writer, from 1 */
	uint64_t writer;
	uint64_t sum; /* of all the above and the body */
	uint64_t body[BODY_WORDS];
};
_Static_assert(sizeof(struct block) == BLOCK_SIZE, "a block fills a block");

/* What a thread knows of one of its blocks. seq 0: not written yet. */
struct known {
	uint64_t seq;     /* acknowledged */
	uint64_t unclear; /* highest seq written since with an error: may be there or not; 0 none */
	uint64_t slow[SLOW_KEPT]; /* its last writes that took the threshold or more; 0 none */
	unsigned next_slow;
	uint64_t late; /* the seq that came late and was counted; 0 none */
};

enum io_kind { IO_WRITE, IO_READ, IO_VERIFY, IO_SCOUT };
static const char *const kind_name[] = { "write", "read", "verify", "scout" };

struct stall {
	int64_t begin, end; /* ns */
	int64_t diverted;   /* ns: the first later I/O of anyone that was good; 0 none */
	unsigned thread;
	enum io_kind kind;
};

struct worker {
	pthread_t thread;
	unsigned id;
	uint64_t first; /* block on the device */
	uint64_t seq;
	uint64_t random;
	struct known *known;
	struct block *buf;
	_Atomic int64_t issued; /* ns of the I/O in flight, 0 none */
	_Atomic int done;
};

static struct {
	const char *device, *output, *status, *series;
	unsigned threads, scouts, reads;
	uint64_t blocks, first;
	double rate, seconds, drain;
	int64_t threshold; /* ns */
	bool live;
} opt = { .threads = 4, .blocks = 256, .rate = 200, .reads = 30, .drain = 60,
	  .threshold = 100 * NS_PER_MS };

static int device_fd = -1;
static uint64_t run_id;
static struct worker workers[MAX_THREADS], scouts[MAX_THREADS];
static _Atomic bool stopping;
static _Atomic int stop_signal;
static _Atomic uint64_t ios, writes, reads, errors, corrupt, late, verified;
static _Atomic int64_t verify_from; /* ns, 0 while loading */

/* Guarded by lock: what completions leave behind. */
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct stall stalls[MAX_STALLS], gaps[MAX_STALLS];
static size_t stall_count, gap_count;
static int64_t longest_stall, longest_gap, last_good, latency_sum;
static int64_t series_longest; /* since the last line of the series */
static int first_errno;
/* The outage going on: since when, when later I/O was first good, and how many scouts are out. */
static int64_t outage_begin, outage_diverted, next_scout;
static unsigned scouts_out;
static pthread_cond_t scout_wanted = PTHREAD_COND_INITIALIZER;
static unsigned scouts_to_go;

static int64_t now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * NS_PER_S + ts.tv_nsec;
}

static void sleep_until(int64_t ns)
{
	struct timespec ts = { .tv_sec = ns / NS_PER_S, .tv_nsec = ns % NS_PER_S };

	while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &ts, NULL) == EINTR)
		;
}

static double ms(int64_t ns)
{
	return (double)ns / (double)NS_PER_MS;
}

static double seconds(int64_t ns)
{
	return (double)ns / (double)NS_PER_S;
}

/* xorshift64*: quick and good enough to make every block different. */
static uint64_t next_random(uint64_t *state)
{
	uint64_t x = *state;

	x ^= x >> 12;
	x ^= x << 25;
	x ^= x >> 27;
	*state = x;
	return x * UINT64_C(0x2545f4914f6cdd1d);
}

static uint64_t block_sum(const struct block *b)
{
	uint64_t sum = b->magic, i;

	sum = sum * 31 + b->run;
	sum = sum * 31 + b->number;
	sum = sum * 31 + b->seq;
	sum = sum * 31 + b->writer;
	for (i = 0; i < BODY_WORDS; i++)
		sum = (sum << 7 | sum >> 57) + b->body[i] * UINT64_C(0x9e3779b97f4a7c15);
	return sum;
}

static void fill_block(struct worker *w, uint64_t number)
{
	uint64_t i;

	*w->buf = (struct block){ .magic = MAGIC, .run = run_id, .number = number,
				  .seq = ++w->seq, .writer = w->id };
	for (i = 0; i < BODY_WORDS; i++)
		w->buf->body[i] = next_random(&w->random);
	w->buf->sum = block_sum(w->buf);
}

/* Whether the block read is whole, and was written there by this run. */
static bool block_ours(const struct block *b, uint64_t number, unsigned writer)
{
	return b->magic == MAGIC && b->run == run_id && b->number == number &&
	       b->writer == writer && b->sum == block_sum(b);
}

/* Whether a block of ours is the one last acknowledged (or, after an error, one that may be there). */
static bool block_good(const struct block *b, const struct known *k)
{
	return b->seq == k->seq || (k->unclear && b->seq > k->seq && b->seq <= k->unclear);
}

/* Whether a block of ours is what a late write has brought. */
static bool block_late(const struct block *b, const struct known *k)
{
	for (unsigned i = 0; i < SLOW_KEPT; i++)
		if (k->slow[i] && k->slow[i] == b->seq && b->seq < k->seq)
			return true;
	return false;
}

static void say(int64_t when, const char *text, double duration_ms)
{
	printf("%.6f %s %.1f ms\n", seconds(when), text, duration_ms);
	fflush(stdout);
}

/* Notes one completion; called with the lock held. Stalls of the scouts are no news. */
static void note_good(int64_t begin, int64_t end)
{
	if (last_good && end - last_good > longest_gap)
		longest_gap = end - last_good;
	if (last_good && end - last_good >= opt.threshold && gap_count < MAX_STALLS)
		gaps[gap_count++] = (struct stall){ .begin = last_good, .end = end };
	last_good = end;
	if (outage_begin && begin > outage_begin && !outage_diverted)
		outage_diverted = end;
}

static void note_stall(const struct worker *w, enum io_kind kind, int64_t begin, int64_t end)
{
	if (end - begin > longest_stall)
		longest_stall = end - begin;
	if (end - begin > series_longest)
		series_longest = end - begin;
	if (end - begin < opt.threshold)
		return;
	if (stall_count < MAX_STALLS)
		stalls[stall_count] = (struct stall){ begin, end, outage_diverted, w->id, kind };
	stall_count++;
}

/*
 * One I/O of a block, with its time and outcome recorded. Returns 0 or a negative errno; a short
 * transfer counts as -EIO.
 */
static int do_io(struct worker *w, enum io_kind kind, uint64_t number)
{
	off_t at = (off_t)(number * BLOCK_SIZE);
	int64_t begin = now_ns(), end;
	ssize_t n;
	int err = 0;

	atomic_store(&w->issued, begin);
	n = kind == IO_WRITE ? pwrite(device_fd, w->buf, BLOCK_SIZE, at) :
			       pread(device_fd, w->buf, BLOCK_SIZE, at);
	if (n != BLOCK_SIZE)
		err = n < 0 ? -errno : -EIO;
	end = now_ns();
	atomic_store(&w->issued, 0);
	pthread_mutex_lock(&lock);
	if (!err)
		note_good(begin, end);
	else if (!first_errno)
		first_errno = -err;
	if (kind != IO_SCOUT) {
		note_stall(w, kind, begin, end);
		latency_sum += end - begin;
	}
	pthread_mutex_unlock(&lock);
	atomic_fetch_add(&ios, 1);
	if (err)
		atomic_fetch_add(&errors, 1);
	return err;
}

static int write_block(struct worker *w, uint64_t index)
{
	struct known *k = &w->known[index];
	int64_t begin = now_ns();
	int err;

	fill_block(w, w->first + index);
	err = do_io(w, IO_WRITE, w->first + index);
	if (now_ns() - begin >= opt.threshold)
		k->slow[k->next_slow++ % SLOW_KEPT] = w->seq;
	if (err) {
		k->unclear = w->seq;
	} else {
		k->seq = w->seq;
		k->unclear = 0;
	}
	atomic_fetch_add(&writes, 1);
	return err;
}

/* All that helps to tell a late write (an older seq, of this block), a write sent from a page that was used
 * again (another block's number) and a torn one (a wrong sum) from each other. */
static void say_corrupt(const struct worker *w, enum io_kind kind, uint64_t index)
{
	const struct block *b = w->buf;
	const struct known *k = &w->known[index];

	fprintf(stderr, "%.6f corrupt (%s): block %" PRIu64 " of thread %u has: number %" PRIu64
		", thread %" PRIu64 ", seq %" PRIu64 ", sum %s, %s run; acknowledged %" PRIu64
		", unclear %" PRIu64 ", newest %" PRIu64 "\n",
		seconds(now_ns()), kind_name[kind], w->first + index, w->id, b->number, b->writer,
		b->seq, b->sum == block_sum(b) ? "right" : "wrong",
		b->run == run_id ? "this" : "another", k->seq, k->unclear, w->seq);
}

static int read_block(struct worker *w, enum io_kind kind, uint64_t index)
{
	int err = do_io(w, kind, w->first + index);
	struct known *k = &w->known[index];
	bool ours;

	atomic_fetch_add(&reads, 1);
	if (err)
		return err;
	ours = block_ours(w->buf, w->first + index, w->id);
	if (ours && block_good(w->buf, k))
		return 0;
	if (ours && block_late(w->buf, k)) {
		/* It stays until it is written anew; counted once. */
		if (k->late == w->buf->seq)
			return 0;
		k->late = w->buf->seq;
		atomic_fetch_add(&late, 1);
	}
	atomic_fetch_add(&corrupt, 1);
	say_corrupt(w, kind, index);
	return 0;
}

/* Reads back every block this thread has ever had acknowledged. */
static void verify_all(struct worker *w)
{
	uint64_t i;

	for (i = 0; i < opt.blocks; i++) {
		if (!w->known[i].seq)
			continue;
		if (read_block(w, IO_VERIFY, i) == 0)
			atomic_fetch_add(&verified, 1);
	}
}

static void *worker_main(void *arg)
{
	struct worker *w = arg;
	int64_t period = opt.rate > 0 ? (int64_t)((double)NS_PER_S / opt.rate) : 0;
	int64_t next = now_ns() + period * w->id / (int64_t)opt.threads;
	uint64_t index;
	int err;

	while (!atomic_load(&stopping)) {
		index = next_random(&w->random) % opt.blocks;
		if (w->known[index].seq && next_random(&w->random) % 100 < opt.reads)
			err = read_block(w, IO_READ, index);
		else
			err = write_block(w, index);
		/* No catching up after a stall; no spinning on errors. */
		next += period;
		if (next < now_ns())
			next = now_ns() + (err ? 10 * NS_PER_MS : 0);
		sleep_until(next);
	}
	verify_all(w);
	atomic_store(&w->done, 1);
	return NULL;
}

/* A scout reads one block when the monitor asks for one, whatever is in it. */
static void *scout_main(void *arg)
{
	struct worker *s = arg;

	for (;;) {
		pthread_mutex_lock(&lock);
		while (!scouts_to_go)
			pthread_cond_wait(&scout_wanted, &lock);
		scouts_to_go--;
		scouts_out++;
		pthread_mutex_unlock(&lock);
		do_io(s, IO_SCOUT, s->first);
		pthread_mutex_lock(&lock);
		scouts_out--;
		pthread_mutex_unlock(&lock);
	}
	return NULL;
}

/* The oldest I/O in flight of the workers: when it was issued, or 0; counts those over the threshold. */
static int64_t oldest_issued(int64_t now, unsigned *ret_stuck)
{
	int64_t oldest = 0, issued;
	unsigned i, stuck = 0;

	for (i = 0; i < opt.threads; i++) {
		issued = atomic_load(&workers[i].issued);
		if (!issued)
			continue;
		if (!oldest || issued < oldest)
			oldest = issued;
		if (now - issued >= opt.threshold)
			stuck++;
	}
	*ret_stuck = stuck;
	return oldest;
}

/* Follows the beginning and end of an outage (any worker stuck), and sends scouts meanwhile. */
static void follow_outage(int64_t now, int64_t oldest, unsigned stuck)
{
	pthread_mutex_lock(&lock);
	if (stuck && !outage_begin) {
		outage_begin = oldest;
		outage_diverted = 0;
		next_scout = now;
		if (opt.live)
			say(oldest, "stall begins, noticed after", ms(now - oldest));
	} else if (!stuck && outage_begin) {
		if (opt.live)
			say(now, "stall over after", ms(now - outage_begin));
		outage_begin = 0;
	}
	if (outage_begin && !outage_diverted && now >= next_scout &&
	    scouts_out + scouts_to_go < opt.scouts) {
		scouts_to_go++;
		next_scout = now + 50 * NS_PER_MS + (now - outage_begin) / 7;
		pthread_cond_signal(&scout_wanted);
	}
	pthread_mutex_unlock(&lock);
}

/*
 * The status line, words of "name value": ios done, threads stuck now, age of the oldest I/O (ms),
 * longest stall so far (ms), errors, corrupt, phase (0 load, 1 verifying).
 */
static void write_status(int fd, int64_t now, int64_t oldest, unsigned stuck)
{
	char line[256];
	int n;

	n = snprintf(line, sizeof(line),
		     "ios %" PRIu64 " stuck %u oldest_ms %" PRId64 " longest_ms %" PRId64
		     " errors %" PRIu64 " corrupt %" PRIu64 " phase %d",
		     atomic_load(&ios), stuck, oldest ? (now - oldest) / NS_PER_MS : 0,
		     longest_stall / NS_PER_MS, atomic_load(&errors), atomic_load(&corrupt),
		     atomic_load(&verify_from) ? 1 : 0);
	/* Padded to one length, so that a reader never sees the tail of an older line. */
	for (; n < (int)sizeof(line) - 1; n++)
		line[n] = ' ';
	line[sizeof(line) - 1] = '\n';
	if (pwrite(fd, line, sizeof(line), 0) != (ssize_t)sizeof(line))
		perror("ioload: status file");
}

/*
 * A line of the series, of what has happened since the line before: time (s, CLOCK_MONOTONIC), I/Os done,
 * the longest of them (ms), age of the oldest one in flight now (ms).
 */
static void write_series(FILE *f, int64_t now, int64_t oldest)
{
	static uint64_t ios_before;
	static int64_t due;
	uint64_t n = atomic_load(&ios);
	int64_t longest;

	if (now < due)
		return;
	due = now + (SERIES_MS - TICK_MS / 2) * NS_PER_MS;
	pthread_mutex_lock(&lock);
	longest = series_longest;
	series_longest = 0;
	pthread_mutex_unlock(&lock);
	fprintf(f, "%.3f %" PRIu64 " %.1f %.1f\n", seconds(now), n - ios_before, ms(longest),
		oldest ? ms(now - oldest) : 0);
	ios_before = n;
}

static unsigned still_running(void)
{
	unsigned i, n = 0;

	for (i = 0; i < opt.threads; i++)
		n += !atomic_load(&workers[i].done);
	return n;
}

/* Runs until all workers are done, or do not come back within the drain time. Returns how many did not. */
static unsigned monitor(int status_fd, FILE *series, int64_t begin)
{
	int64_t now, oldest, give_up = 0;
	unsigned stuck;

	for (now = begin; still_running(); now = now_ns()) {
		oldest = oldest_issued(now, &stuck);
		follow_outage(now, oldest, stuck);
		if (status_fd >= 0)
			write_status(status_fd, now, oldest, stuck);
		if (series)
			write_series(series, now, oldest);
		if (!give_up && (atomic_load(&stop_signal) ||
				 (opt.seconds > 0 && seconds(now - begin) >= opt.seconds))) {
			atomic_store(&stopping, true);
			atomic_store(&verify_from, now);
			give_up = now + (int64_t)(opt.drain * (double)NS_PER_S);
		}
		if (give_up && now > give_up)
			break;
		sleep_until(now + TICK_MS * NS_PER_MS);
	}
	return still_running();
}

static void print_spans(FILE *f, const char *name, const struct stall *s, size_t count, bool full)
{
	size_t i;

	fprintf(f, " \"%s\": [", name);
	for (i = 0; i < count; i++) {
		fprintf(f, "%s\n  {\"begin\": %.6f, \"end\": %.6f, \"ms\": %.1f", i ? "," : "",
			seconds(s[i].begin), seconds(s[i].end), ms(s[i].end - s[i].begin));
		if (full)
			fprintf(f, ", \"thread\": %u, \"op\": \"%s\"", s[i].thread,
				kind_name[s[i].kind]);
		if (full && s[i].diverted)
			fprintf(f, ", \"diverted_ms\": %.1f", ms(s[i].diverted - s[i].begin));
		fprintf(f, "}");
	}
	fprintf(f, "]");
}

/* Of the longest stall: ms from its begin to the first good completion of an I/O issued later; -1 none. */
static double diversion_ms(void)
{
	size_t i, n = stall_count < MAX_STALLS ? stall_count : MAX_STALLS;

	for (i = 0; i < n; i++) {
		if (stalls[i].end - stalls[i].begin == longest_stall && stalls[i].diverted)
			return ms(stalls[i].diverted - stalls[i].begin);
	}
	return -1;
}

static int write_result(int64_t begin, int64_t end, unsigned lost)
{
	FILE *f = opt.output ? fopen(opt.output, "we") : stdout;
	uint64_t n = atomic_load(&ios);

	if (!f) {
		fprintf(stderr, "ioload: %s: %s\n", opt.output, strerror(errno));
		return -1;
	}
	fprintf(f, "{\"begin\": %.6f, \"end\": %.6f, \"threads\": %u,\n", seconds(begin), seconds(end),
		opt.threads);
	fprintf(f, " \"ios\": %" PRIu64 ", \"writes\": %" PRIu64 ", \"reads\": %" PRIu64 ",\n", n,
		atomic_load(&writes), atomic_load(&reads));
	fprintf(f, " \"errors\": %" PRIu64 ", \"first_errno\": %d, \"corrupt\": %" PRIu64
		", \"late\": %" PRIu64 ", \"stuck\": %u, \"verified\": %" PRIu64 ",\n",
		atomic_load(&errors), first_errno, atomic_load(&corrupt), atomic_load(&late), lost,
		atomic_load(&verified));
	fprintf(f, " \"mean_ms\": %.3f, \"longest_stall_ms\": %.1f, \"longest_gap_ms\": %.1f, "
		"\"diversion_ms\": %.1f, \"stall_count\": %zu,\n",
		n ? ms(latency_sum) / (double)n : 0, ms(longest_stall), ms(longest_gap),
		diversion_ms(), stall_count);
	print_spans(f, "stalls", stalls, stall_count < MAX_STALLS ? stall_count : MAX_STALLS, true);
	fprintf(f, ",\n");
	print_spans(f, "gaps", gaps, gap_count, false);
	fprintf(f, "}\n");
	return f == stdout ? fflush(f) : fclose(f);
}

static void on_signal(int sig)
{
	atomic_store(&stop_signal, sig);
}

static void die(const char *what, const char *why)
{
	fprintf(stderr, "ioload: %s: %s\n", what, why);
	exit(2);
}

/* A number of the command line within [min, max]. */
static double number(const char *name, const char *text, double min, double max)
{
	char *end, why[128];
	double v = strtod(text, &end);

	if (end == text || *end || !(v >= min && v <= max)) {
		snprintf(why, sizeof(why), "\"%s\" is not a number from %g to %g", text, min, max);
		die(name, why);
	}
	return v;
}

static void parse_number(const char *name, const char *text)
{
	if (!strcmp(name, "threads"))
		opt.threads = (unsigned)number(name, text, 1, MAX_THREADS);
	else if (!strcmp(name, "scouts"))
		opt.scouts = (unsigned)number(name, text, 0, MAX_THREADS);
	else if (!strcmp(name, "blocks"))
		opt.blocks = (uint64_t)number(name, text, 1, MAX_BLOCKS);
	else if (!strcmp(name, "first"))
		opt.first = (uint64_t)number(name, text, 0, 1e12);
	else if (!strcmp(name, "reads"))
		opt.reads = (unsigned)number(name, text, 0, 100);
	else if (!strcmp(name, "rate"))
		opt.rate = number(name, text, 0, 1e6);
	else if (!strcmp(name, "threshold"))
		opt.threshold = (int64_t)(number(name, text, 1, 1e6) * (double)NS_PER_MS);
	else if (!strcmp(name, "seconds"))
		opt.seconds = number(name, text, 0, 1e6);
	else
		opt.drain = number(name, text, 0, 1e6);
}

static void parse_options(int argc, char **argv)
{
	static const struct option table[] = {
		{ "device", 1, NULL, 'd' },  { "output", 1, NULL, 'o' },
		{ "status", 1, NULL, 's' },  { "live", 0, NULL, 'l' },
		{ "series", 1, NULL, 't' },
		{ "threads", 1, NULL, 'n' }, { "scouts", 1, NULL, 'n' },
		{ "blocks", 1, NULL, 'n' },  { "first", 1, NULL, 'n' },
		{ "reads", 1, NULL, 'n' },   { "rate", 1, NULL, 'n' },
		{ "threshold", 1, NULL, 'n' }, { "seconds", 1, NULL, 'n' },
		{ "drain", 1, NULL, 'n' },   { NULL, 0, NULL, 0 },
	};
	int c, index = 0;

	while ((c = getopt_long(argc, argv, "", table, &index)) != -1) {
		if (c == 'd')
			opt.device = optarg;
		else if (c == 'o')
			opt.output = optarg;
		else if (c == 's')
			opt.status = optarg;
		else if (c == 't')
			opt.series = optarg;
		else if (c == 'l')
			opt.live = true;
		else if (c == 'n')
			parse_number(table[index].name, optarg);
		else
			exit(2);
	}
	if (!opt.device || optind < argc)
		die("usage", "ioload --device DEV [options]; the source's first comment lists them");
}

static void open_device(void)
{
	uint64_t need = (opt.first + opt.blocks * opt.threads) * BLOCK_SIZE;
	off_t size;

	device_fd = open(opt.device, O_RDWR | O_DIRECT | O_CLOEXEC);
	if (device_fd < 0)
		die(opt.device, strerror(errno));
	size = lseek(device_fd, 0, SEEK_END);
	if (size < 0 || (uint64_t)size < need)
		die(opt.device, "smaller than --first and --threads times --blocks need");
}

static void start_worker(struct worker *w, unsigned id, void *(*run)(void *), uint64_t first)
{
	void *buf;

	if (posix_memalign(&buf, BLOCK_SIZE, BLOCK_SIZE))
		die("memory", strerror(ENOMEM));
	w->id = id;
	w->first = first;
	w->buf = buf;
	w->random = run_id ^ ((uint64_t)id + 1) * UINT64_C(0x9e3779b97f4a7c15);
	w->known = calloc(opt.blocks, sizeof(*w->known));
	if (!w->known || pthread_create(&w->thread, NULL, run, w))
		die("thread", strerror(ENOMEM));
}

int main(int argc, char **argv)
{
	struct sigaction sa = { .sa_handler = on_signal };
	int64_t begin = now_ns();
	FILE *series = NULL;
	int status_fd = -1;
	unsigned i, lost;

	parse_options(argc, argv);
	open_device();
	if (opt.status) {
		status_fd = open(opt.status, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
		if (status_fd < 0)
			die(opt.status, strerror(errno));
	}
	if (opt.series) {
		series = fopen(opt.series, "we");
		if (!series)
			die(opt.series, strerror(errno));
	}
	sigaction(SIGTERM, &sa, NULL);
	sigaction(SIGINT, &sa, NULL);
	run_id = (uint64_t)begin | 1;
	for (i = 0; i < opt.threads; i++)
		start_worker(&workers[i], i, worker_main, opt.first + i * opt.blocks);
	for (i = 0; i < opt.scouts; i++)
		start_worker(&scouts[i], opt.threads + i, scout_main, opt.first + i % opt.blocks);
	lost = monitor(status_fd, series, begin);
	if (write_result(begin, now_ns(), lost))
		return 1;
	/* Threads that hang in an I/O cannot be joined: leave without them. */
	fflush(NULL);
	_exit(lost || atomic_load(&errors) || atomic_load(&corrupt));
}
