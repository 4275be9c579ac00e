/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef MPATHISCSI_FAKE_HOST_H
#define MPATHISCSI_FAKE_HOST_H

/*
 * A program that loads libcheckiscsi.so and treats it as one generation of multipathd
 * does. Before including this file a host defines LAYOUT as 'A', 'B' or 'C'. It exports
 * (-rdynamic) what that generation exports; the disk is played by fake_disk.h.
 *
 * Usage: host PLUGIN SCENARIO; exit status 0 if all went as it must, else 1 and a line on
 * stderr.
 */

#include <dirent.h>
#include <pthread.h>
#include <stdarg.h>
#include <stddef.h>

#include "tests/hosts/fake_disk.h"
#include "tests/hosts/host_abi.h"

#define CANARY	    0xa5
#define LIVES	    200 /* of the plugin in one process, of which there are three */
#define MSGID_FIRST 100

/* Its neighbours in memory: in multipathd the rest of struct path. */
struct guarded {
	uint8_t before[64];
	struct checker c;
	uint8_t after[64];
};

/* ---- what this generation exports ---- */

int checker_is_sync(const struct checker *c);
void dlog(int prio, const char *format, ...) __attribute__((format(printf, 2, 3)));
extern int libmp_verbosity;

static int host_sync;
static char host_log[1024];
int libmp_verbosity = 4;

int checker_is_sync(const struct checker *c)
{
	(void)c;
	return host_sync;
}

void dlog(int prio, const char *format, ...)
{
	va_list args;

	(void)prio;
	va_start(args, format);
	vsnprintf(host_log, sizeof(host_log), format, args);
	va_end(args);
}

#if LAYOUT != 'A'
bool checker_need_wait(struct checker *c);
bool checker_need_wait(struct checker *c)
{
	(void)c;
	return false;
}
#endif
#if LAYOUT != 'C'
int start_checker_thread(pthread_t *thread, const pthread_attr_t *attr, void *ctx);
int start_checker_thread(pthread_t *thread, const pthread_attr_t *attr, void *ctx)
{
	(void)thread, (void)attr, (void)ctx;
	fprintf(stderr, "the plugin must not need start_checker_thread()\n");
	abort();
}
#else
void *get_runner(void);
void *get_runner(void)
{
	fprintf(stderr, "the plugin must not need get_runner()\n");
	abort();
}
#endif

static const char *message(short msgid)
{
	int n = 0;

	while (n < 100 && plugin.msgtable[n])
		n++;
	MUST(!plugin.msgtable[n], "more than 100 messages or no end");
	MUST(msgid >= MSGID_FIRST && msgid < MSGID_FIRST + n, "msgid %d", msgid);
	return plugin.msgtable[msgid - MSGID_FIRST];
}

static void fresh(struct guarded *g, int fd)
{
	memset(g->before, CANARY, sizeof(g->before));
	memset(g->after, CANARY, sizeof(g->after));
	memset(&g->c, 0, sizeof(g->c));
	g->c.cls = g; /* any value: must never be followed */
	g->c.fd = fd;
	g->c.timeout = 30;
#if LAYOUT != 'A'
	g->c.path_state = UNCHECKED;
#endif
#if LAYOUT != 'C'
	g->c.mpcontext = (void **)g;
#endif
}

static void must_be_intact(const struct guarded *g, const struct guarded *before)
{
	for (size_t i = 0; i < sizeof(g->before); i++)
		MUST(g->before[i] == CANARY && g->after[i] == CANARY,
		     "the plugin wrote beside the struct");
	MUST(g->c.cls == before->c.cls, "cls changed");
	MUST(g->c.fd == before->c.fd, "fd changed");
	MUST(g->c.timeout == before->c.timeout, "timeout changed");
	MUST(g->c.disable == before->c.disable, "disable changed");
#if LAYOUT != 'C'
	MUST(g->c.mpcontext == before->c.mpcontext, "mpcontext changed");
#endif
}

static int set_state(struct checker *c, int state)
{
#if LAYOUT != 'A'
	c->path_state = state;
#else
	(void)c;
#endif
	return state;
}

/* One check as the host's checker loop makes it, without its patience between. */
static int check_once(struct guarded *g)
{
	struct guarded before = *g;
	int state;

	g->c.msgid = 0;
	state = set_state(&g->c, plugin.check(&g->c, NULL));
	MUST(state == UP || state == DOWN || state == GHOST || state == PENDING ||
	     state == TIMEOUT, "state %d", state);
	must_be_intact(g, &before);
	MUST(message(g->c.msgid)[0] == ':', "message '%s'", message(g->c.msgid));
	return state;
}

static int pending_once(struct guarded *g)
{
#if LAYOUT == 'A'
	return check_once(g);
#else
	struct guarded before = *g;
	int state = set_state(&g->c, plugin.pending(&g->c, NULL));

	must_be_intact(g, &before);
	return state;
#endif
}

/* Until the check has a result: what multipathd makes of PENDING, only faster: one more
 * look where the generation has it, then the next check. */
static int check_to_end(struct guarded *g)
{
	uint64_t deadline = now_ms() + DEADLINE_MS;
	int state = check_once(g);

	while (state == PENDING && now_ms() < deadline) {
		nap();
		state = pending_once(g);
		if (state == PENDING)
			state = check_once(g);
	}
	return state;
}

/* ---- scenarios ---- */

static void scenario_life(void)
{
	struct guarded g, before;
	int fd = make_disk();

	script(&(struct played)GOOD_ANSWER, 1);
	fresh(&g, fd);
	before = g;
	MUST(plugin.init(&g.c) == 0, "init refused: %s", host_log);
	must_be_intact(&g, &before);
	MUST(g.c.context, "no context");
	MUST(g.c.msgid == 0, "init touched msgid");
#if LAYOUT != 'A'
	MUST(g.c.path_state == UNCHECKED, "init touched path_state");
#endif
	host_sync = 1;
	MUST(check_once(&g) == UP, "%s", host_log);
	MUST(!played_disk.elsewhere, "a thread although the host wants none");
	MUST(strstr(host_log, "8:16: iscsi checker: up: TUR answered"), "%s", host_log);
	host_log[0] = '\0';
	MUST(check_once(&g) == UP, "%s", host_log);
	MUST(!host_log[0], "said twice: %s", host_log);
	plugin.free(&g.c);
	MUST(!g.c.context, "context left behind");
	must_be_intact(&g, &before);
	plugin.free(&g.c); /* again: nothing */
	plugin.reset();
}

static void scenario_async(void)
{
	struct guarded g;
	struct sched_param rr = { .sched_priority = 1 };

	script(&(struct played)GOOD_ANSWER, 1);
	fresh(&g, make_disk());
	MUST(plugin.init(&g.c) == 0, "init");
	/* as multipathd; may be forbidden to us, then the inheritance goes unproved */
	pthread_setschedparam(pthread_self(), SCHED_RR, &rr);
#if LAYOUT == 'A'
	MUST(check_to_end(&g) == UP, "%s", host_log);
#else
	MUST(!plugin.need_wait(&g.c), "wants waiting before it has begun");
	hang(true);
	MUST(check_once(&g) == PENDING, "%s", host_log);
	MUST(plugin.need_wait(&g.c), "does not ask for the second look");
	hang(false);
	MUST(pending_once(&g) == PENDING || g.c.path_state == UP, "%s", host_log);
	MUST(!plugin.need_wait(&g.c), "asks for a third look");
	while (g.c.path_state == PENDING) {
		nap();
		pending_once(&g);
	}
	MUST(g.c.path_state == UP, "%s", host_log);
	MUST(pending_once(&g) == UP, "a look too many changes the state");
#endif
	MUST(sent() == 1, "%u commands", sent());
	MUST(played_disk.elsewhere, "not in a thread");
	MUST(played_disk.policy == SCHED_OTHER, "scheduling policy %d", played_disk.policy);
	MUST(played_disk.stack <= 128 * 1024, "stack of %zu", played_disk.stack);
	MUST(played_disk.signals_blocked, "takes signals");
	plugin.free(&g.c);
}

static const struct {
	const char *what;
	struct played played[4];
	unsigned int n;
	int state;
	unsigned int commands;
} answers[] = {
	{ "good", { GOOD_ANSWER }, 1, UP, 1 },
	{ "standby", { SENSE(2, 4, 0x0b) }, 1, GHOST, 1 },
	{ "reservation conflict", { { .status = 0x18 } }, 1, UP, 1 },
	{ "not ready", { SENSE(2, 4, 3) }, 1, DOWN, 1 },
	{ "LUN gone", { SENSE(5, 0x25, 0) }, 1, DOWN, 1 },
	{ "two unit attentions", { SENSE(6, 0x29, 0), SENSE(6, 0x3f, 0xe), GOOD_ANSWER }, 3, UP, 3 },
	{ "unit attention for ever", { SENSE(6, 0x29, 0) }, 1, DOWN, 5 },
	{ "soft errors, then good", { { .host = 0x0b }, GOOD_ANSWER }, 2, UP, 2 },
	{ "no connect", { { .host = 0x01 } }, 1, DOWN, 1 },
	{ "failfast", { { .host = 0x0f } }, 1, DOWN, 1 },
	{ "device offline", { { .error = ENODEV } }, 1, DOWN, 1 },
};

static void scenario_answers(void)
{
	struct guarded g;
	int fd = make_disk();

	for (int sync = 0; sync < 2; sync++) {
		host_sync = sync;
		for (size_t i = 0; i < sizeof(answers) / sizeof(answers[0]); i++) {
			int state;

			fresh(&g, fd);
			MUST(plugin.init(&g.c) == 0, "init");
			script(answers[i].played, answers[i].n);
			state = check_to_end(&g);
			MUST(state == answers[i].state, "%s: state %d: %s", answers[i].what, state,
			     host_log);
			MUST(sent() == answers[i].commands, "%s: %u commands", answers[i].what,
			     sent());
			plugin.free(&g.c);
		}
	}
	/* these keep the state: asked for once, not to their end */
	host_sync = 1;
	fresh(&g, fd);
	MUST(plugin.init(&g.c) == 0, "init");
	script(&(struct played)SENSE(2, 4, 0x0a), 1);
	MUST(check_once(&g) == PENDING, "transition: %s", host_log);
	script(&(struct played){ .error = ENOTTY }, 1);
	MUST(check_once(&g) == PENDING, "unsupported: %s", host_log);
	script(&(struct played){ .host = 0x0e }, 1);
	for (int i = 0; i < 4; i++)
		MUST(check_once(&g) == PENDING, "disrupted %d: %s", i, host_log);
	MUST(check_once(&g) == DOWN, "disrupted: %s", host_log);
	plugin.free(&g.c);
}

static void wait_sent(unsigned int n)
{
	uint64_t deadline = now_ms() + DEADLINE_MS;

	while (sent() < n && now_ms() < deadline)
		nap();
	MUST(sent() == n, "%u commands instead of %u", sent(), n);
}

static int quick_check(struct guarded *g)
{
	uint64_t begin = now_ms();
	int state = check_once(g);

	/* a millisecond by design; a busy machine gets its time slices */
	MUST(now_ms() - begin < 500, "the host was held for %d ms", (int)(now_ms() - begin));
	return state;
}

static void scenario_hang(void)
{
	struct guarded g;
	uint64_t begin;
	int fd = make_disk(), state;

	script(&(struct played)GOOD_ANSWER, 1);
	hang(true);
	fresh(&g, fd);
	g.c.timeout = 1;
	MUST(plugin.init(&g.c) == 0, "init");
	begin = now_ms();
	MUST(quick_check(&g) == PENDING, "%s", host_log);
	wait_sent(1);
	while ((state = quick_check(&g)) == PENDING && now_ms() < begin + DEADLINE_MS)
		nap();
	MUST(state == TIMEOUT, "state %d: %s", state, host_log);
	MUST(now_ms() - begin >= 1000, "gave up after %d ms", (int)(now_ms() - begin));
	MUST(strstr(host_log, "not answered within 1 s"), "%s", host_log);
	MUST(quick_check(&g) == TIMEOUT, "%s", host_log);
	/* the path is taken away and comes back: still one command */
	plugin.free(&g.c);
	plugin.reset();
	fresh(&g, fd);
	MUST(plugin.init(&g.c) == 0, "init");
	MUST(quick_check(&g) == PENDING, "%s", host_log);
	MUST(quick_check(&g) == PENDING, "%s", host_log);
	MUST(sent() == 1, "%u commands", sent());
	/* the old answer does not count, the next one does */
	hang(false);
	state = check_to_end(&g);
	MUST(state == UP, "state %d: %s", state, host_log);
	MUST(sent() == 2, "%u commands", sent());
	plugin.free(&g.c);
}

/* The host goes away, plugin, descriptor and all, while a command hangs. */
static void scenario_unload(void)
{
	struct guarded g;
	int fd = make_disk(), copy = dup(fd);
	uint64_t deadline;

	script(&(struct played)GOOD_ANSWER, 1);
	hang(true);
	fresh(&g, fd);
	MUST(plugin.init(&g.c) == 0, "init");
	MUST(check_once(&g) == PENDING, "%s", host_log);
	wait_sent(1);
	plugin.free(&g.c);
	fake_fd = copy;
	close(fd);
	plugin.reset();
	MUST(dlclose(plugin.handle) == 0, "%s", dlerror());
	hang(false);
	deadline = now_ms() + DEADLINE_MS;
	while (played_disk.ended < 1 && now_ms() < deadline)
		nap();
	/* the thread returns into code that must still be there: give it the processor */
	for (int i = 0; i < 50; i++)
		nap();
	plugin.reset();
}

/* How many threads or descriptors this process has (the one for looking included). */
static unsigned int entries(const char *directory)
{
	DIR *dir = opendir(directory);
	unsigned int n = 0;

	MUST(dir, "%s: %m", directory);
	while (readdir(dir))
		n++;
	closedir(dir);
	return n;
}

static void wait_entries(const char *directory, unsigned int n, const char *what)
{
	uint64_t deadline = now_ms() + DEADLINE_MS;

	while (entries(directory) != n && now_ms() < deadline)
		nap();
	MUST(entries(directory) == n, "%u %s, %u before", entries(directory), what, n);
}

static void wait_ended(void)
{
	uint64_t deadline = now_ms() + DEADLINE_MS;
	bool ended = false;

	while (!ended && now_ms() < deadline) {
		nap();
		pthread_mutex_lock(&played_disk.lock);
		ended = played_disk.ended == played_disk.sent;
		pthread_mutex_unlock(&played_disk.lock);
	}
	MUST(ended, "a command is still out");
}

/* One life of the plugin, which ends while a command hangs, or without. */
static void live(int fd, bool hangs)
{
	struct guarded g;

	script(&(struct played)GOOD_ANSWER, 1);
	hang(hangs);
	fresh(&g, fd);
	MUST(plugin.init(&g.c) == 0, "init");
	if (hangs) {
		MUST(check_once(&g) == PENDING, "%s", host_log);
		wait_sent(1);
	} else {
		MUST(check_to_end(&g) == UP, "%s", host_log);
	}
	plugin.free(&g.c);
	plugin.reset();
	MUST(dlclose(plugin.handle) == 0, "%s", dlerror());
	hang(false);
	wait_ended();
}

/* Loaded and closed again and again: what was there before is there afterwards, and no more. */
static void scenario_lives(const char *path)
{
	int fd = make_disk();
	unsigned int threads = entries("/proc/self/task"), fds = entries("/proc/self/fd");

	for (unsigned int i = 1; i <= LIVES; i++) {
		live(fd, i % 10 == 0);
		load(path);
	}
	wait_entries("/proc/self/task", threads, "threads");
	wait_entries("/proc/self/fd", fds, "descriptors");
}

static void scenario_file(void)
{
	struct guarded g;
	int fd = memfd_create("plain", MFD_CLOEXEC);

	MUST(fd >= 0, "memfd_create: %m");
	for (host_sync = 0; host_sync < 2; host_sync++) {
		uint64_t deadline = now_ms() + DEADLINE_MS;

		host_log[0] = '\0';
		fresh(&g, fd);
		MUST(plugin.init(&g.c) == 0, "init");
		do {
			MUST(check_once(&g) == PENDING, "%s", host_log);
			nap();
		} while (!host_log[0] && now_ms() < deadline);
		MUST(strstr(host_log, "not a SCSI device"), "%s", host_log);
		plugin.free(&g.c);
	}
}

/* A struct that does not look like the layout: refused, and nothing written anywhere. */
static void scenario_mismatch(void)
{
	struct guarded g, before;
	int fd = make_disk();

	for (int value = 0; value < 3; value++) {
		fresh(&g, fd);
#if LAYOUT == 'A'
		/* an A host's functions, but 'path_state' stands where 'msgid' should */
		memcpy((char *)&g.c + offsetof(struct checker, msgid), &(int){ value + 1 }, 4);
#else
		g.c.path_state = value == 1 ? UP : value; /* 0: as layout A */
		if (value == 2)
			g.c.path_state = -1;
#endif
		before = g;
		MUST(plugin.init(&g.c) != 0, "took over a struct it cannot know");
		MUST(memcmp(&g, &before, sizeof(g)) == 0, "wrote into it");
		plugin.free(&g.c);
		MUST(memcmp(&g, &before, sizeof(g)) == 0, "free() wrote into it");
		MUST(strstr(host_log, "refused"), "no message: '%s'", host_log);
	}
	/* garbage in place of the context must not be followed */
	fresh(&g, fd);
	g.c.context = (void *)(uintptr_t)0x1234567;
	plugin.free(&g.c);
	MUST(g.c.context == (void *)(uintptr_t)0x1234567, "took garbage for its own");
}

/* The parent has laid out a sysfs tree and a board where portal and session are as it
 * likes; only what the parent expects is known here. */
static void scenario_expect(int state, const char *text)
{
	struct guarded g;
	uint64_t deadline = now_ms() + 3000;
	int found;

	script(&(struct played)GOOD_ANSWER, 1);
	hang(getenv("FAKE_HANG") != NULL);
	fresh(&g, make_disk());
	MUST(plugin.init(&g.c) == 0, "init");
	do {
		found = check_once(&g);
		nap();
	} while ((found != state || !strstr(host_log, text)) && now_ms() < deadline);
	MUST(found == state, "state %d instead of %d: %s", found, state, host_log);
	MUST(strstr(host_log, text), "'%s' instead of '%s'", host_log, text);
	plugin.free(&g.c);
}

static const struct {
	const char *name;
	void (*run)(void);
} scenarios[] = {
	{ "life", scenario_life },	 { "async", scenario_async },
	{ "answers", scenario_answers }, { "hang", scenario_hang },
	{ "unload", scenario_unload },	 { "file", scenario_file },
	{ "mismatch", scenario_mismatch },
};

int main(int argc, char **argv)
{
	if (argc < 3) {
		fprintf(stderr, "usage: %s PLUGIN SCENARIO | PLUGIN expect STATE TEXT\n", argv[0]);
		return 2;
	}
	main_thread = pthread_self();
	load(argv[1]);
	if (!strcmp(argv[2], "expect") && argc == 5) {
		scenario_expect(atoi(argv[3]), argv[4]);
		return 0;
	}
	if (!strcmp(argv[2], "lives")) {
		scenario_lives(argv[1]);
		return 0;
	}
	for (size_t i = 0; i < sizeof(scenarios) / sizeof(scenarios[0]); i++) {
		if (!strcmp(argv[2], scenarios[i].name)) {
			scenarios[i].run();
			return 0;
		}
	}
	fprintf(stderr, "no scenario '%s'\n", argv[2]);
	return 2;
}

#endif
