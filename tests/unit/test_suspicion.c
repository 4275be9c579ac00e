/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "checker/suspicion.h"
#include "common/clock.h"

#define MS     NS_PER_MS
#define LOOK   100 /* ms between looks */
#define T0     (1000 * NS_PER_S)
#define ACKED  2000 /* what a busy connection gets done in a look */

static const struct suspicion_limits usual = { .connection_dead_ms = 600,
					       .target_dead_ms = 2000 };

static const char *const verdict_words[] = {
	[SUSPICION_NONE] = "-",
	[SUSPICION_IDLE] = "idle",
	[SUSPICION_GROWING] = "growing",
	[SUSPICION_PROBE_ONLY] = "probe only",
	[SUSPICION_CONNECTION] = "CONNECTION",
	[SUSPICION_TARGET] = "TARGET",
};

/* A session under watch: what happens to it is set by the test, time by look(). */
struct scene {
	struct suspicion s;
	struct suspicion_limits limits;
	struct suspicion_facts f;
	bool completes, acks, receives; /* what moves from look to look */
};

static void set_up(struct scene *scene)
{
	memset(scene, 0, sizeof(*scene));
	scene->limits = usual;
	scene->completes = scene->acks = scene->receives = true;
	scene->f = (struct suspicion_facts){
		.now_ns = T0,
		.logged_in = true,
		.probe = PROBE_UP,
		.tcp_known = true,
		.tcp = { .inode = 77, .state = 1, .rto_us = 204000, .unacked = 2,
			 .snd_wnd = 400000, .snd_mss = 1448, .bytes_acked = 50000,
			 .bytes_received = 90000 },
		.in_flight = 8,
		.completed = 5000,
	};
}

static enum suspicion_verdict look(struct scene *scene, unsigned int after_ms)
{
	struct suspicion_facts *f = &scene->f;

	f->now_ns += after_ms * MS;
	f->tcp.now_ns = f->now_ns;
	if (scene->completes)
		f->completed += 3;
	if (scene->acks)
		f->tcp.bytes_acked += ACKED;
	if (scene->receives)
		f->tcp.bytes_received += 48;
	return suspicion_step(&scene->s, &scene->limits, f);
}

/* The session and its probe have been well for a second. */
static void begin(struct scene *scene)
{
	set_up(scene);
	for (int i = 0; i < 10; i++)
		assert_int_equal(look(scene, LOOK), SUSPICION_NONE);
}

static void all_still(struct scene *scene)
{
	scene->completes = scene->acks = scene->receives = false;
}

static void probe_silent(struct scene *scene, unsigned int misses)
{
	scene->f.probe = misses < 2 ? PROBE_LATE : PROBE_SILENT;
	scene->f.misses = misses;
	if (!scene->f.silent_since_ns)
		scene->f.silent_since_ns = scene->f.now_ns;
}

static void unacked(struct scene *scene, uint8_t backoff)
{
	scene->f.tcp.unacked = 4;
	scene->f.tcp.backoff = scene->f.tcp.retransmits = backoff;
}

/* Look until the verdict gives up; ms since 'from_ns', or 0 if it does not within 'max_ms'. */
static uint64_t until_given_up(struct scene *scene, uint64_t from_ns, unsigned int max_ms,
			       enum suspicion_verdict *ret)
{
	for (unsigned int ms = 0; ms < max_ms; ms += LOOK) {
		*ret = look(scene, LOOK);
		if (suspicion_gives_up(*ret))
			return (scene->f.now_ns - from_ns) / MS;
	}
	return 0;
}

/* ---- the table ---- */

static const char *const io_words[] = { "moving", "none", "still" };
static const char *const tcp_words[] = { "unknown", "alive", "closed", "stuck" };

static int index_of(const char *const *words, int n, const char *word)
{
	for (int i = 0; i < n; i++)
		if (!strcmp(words[i], word))
			return i;
	return -1;
}

static const char *row_columns(char *line, int *io, int *tcp)
{
	char first[16], second[16];
	int end = 0, n = 0;

	if (sscanf(line, " * %15s%n %15s%n", first, &n, second, &end) < 1)
		return NULL;
	if (index_of(io_words, 3, first) >= 0 && end) {
		*io = index_of(io_words, 3, first);
		*tcp = index_of(tcp_words, 4, second);
		return *tcp >= 0 ? line + end : NULL;
	}
	*tcp = index_of(tcp_words, 4, first);
	return *tcp >= 0 && *io >= 0 ? line + n : NULL;
}

/* The comment in the header is the specification: the code does what it says. */
static void test_table_is_as_documented(void **state)
{
	FILE *file = fopen(TEST_SOURCE_DIR "/checker/suspicion.h", "re");
	char line[200];
	int io = -1, tcp = -1, rows = 0;

	(void)state;
	assert_non_null(file);
	while (rows < 12 && fgets(line, sizeof(line), file)) {
		const char *p = row_columns(line, &io, &tcp);

		if (!p)
			continue;
		assert_int_equal(io * 4 + tcp, rows); /* each row once, in order */
		for (int probe = PROBE_SAYS_NOTHING; probe <= PROBE_SAYS_DEAD; probe++) {
			const char *word = verdict_words[suspicion_meaning(
				(enum suspicion_io)io, (enum suspicion_tcp)tcp,
				(enum suspicion_probe)probe)];

			p += strspn(p, " \t");
			if (strncmp(p, word, strlen(word)))
				fail_msg("%s %s, probe %d: %s", io_words[io], tcp_words[tcp], probe,
					 word);
			p += strlen(word);
		}
		assert_int_equal(strspn(p, " \t\n"), strlen(p));
		rows++;
	}
	fclose(file);
	assert_int_equal(rows, 12);
}

static const struct {
	enum probe_state state;
	uint32_t misses;
	enum suspicion_probe says;
} probes[] = {
	{ PROBE_NONE, 0, PROBE_SAYS_NOTHING },
	{ PROBE_CONNECTING, 0, PROBE_SAYS_NOTHING },
	{ PROBE_UP, 0, PROBE_SAYS_UP },
	{ PROBE_LATE, 1, PROBE_SAYS_LATE },
	{ PROBE_SILENT, 1, PROBE_SAYS_LATE }, /* never from one miss */
	{ PROBE_SILENT, 2, PROBE_SAYS_DEAD },
	{ PROBE_SILENT, 9, PROBE_SAYS_DEAD },
	{ PROBE_LOST, 0, PROBE_SAYS_DEAD },
	{ PROBE_REFUSED, 0, PROBE_SAYS_DEAD },
	{ PROBE_UNREACHABLE, 0, PROBE_SAYS_DEAD },
	{ PROBE_LOGIN_FAILED, 0, PROBE_SAYS_NOTHING },
	{ PROBE_REDIRECTED, 0, PROBE_SAYS_NOTHING },
	{ PROBE_TCP_ONLY, 0, PROBE_SAYS_NOTHING },
	{ PROBE_LOCAL, 0, PROBE_SAYS_NOTHING },
	{ PROBE_STATE_MAX, 9, PROBE_SAYS_NOTHING },
};

static void tcp_not_found(struct scene *s) { s->f.tcp_known = false; }
static void tcp_closing(struct scene *s) { s->f.tcp.state = 8; }
static void tcp_stopped(struct scene *s) { s->f.tcp.state = 8, unacked(s, 5); }
static void tcp_all_acked(struct scene *s) { s->f.tcp.unacked = 0; }
static void tcp_busy(struct scene *s) { s->acks = true; }
static void tcp_expired_but_acked(struct scene *s) { unacked(s, 2), s->acks = true; }
static void tcp_one_expiry(struct scene *s) { unacked(s, 1); }
static void tcp_old_backoff(struct scene *s) { unacked(s, 3), s->f.tcp.unacked = 0; }
static void tcp_probing(struct scene *s)
{
	s->f.tcp.unacked = 0;
	s->f.tcp.snd_wnd = UINT32_MAX;
	s->f.tcp.notsent_bytes = 100000;
	s->f.tcp.backoff = 4;
	s->f.tcp.probes = 1;
}
static void tcp_no_window(struct scene *s) { tcp_probing(s), s->f.tcp.snd_wnd = 0; }
static void tcp_shrunk(struct scene *s) { unacked(s, 4), s->f.tcp.snd_wnd = 0; }
static void tcp_two_expiries(struct scene *s) { unacked(s, 2); }
static void tcp_many_expiries(struct scene *s) { unacked(s, 6), s->f.tcp.notsent_bytes = 9000; }
static void tcp_probes_lost(struct scene *s) { tcp_probing(s), s->f.tcp.probes = 2; }

static const struct {
	void (*set)(struct scene *scene);
	enum suspicion_tcp says;
} tcps[] = {
	{ tcp_not_found, TCP_SAYS_NOTHING },   { tcp_closing, TCP_SAYS_NOTHING },
	{ tcp_stopped, TCP_SAYS_NOTHING },     { tcp_all_acked, TCP_SAYS_ALIVE },
	{ tcp_busy, TCP_SAYS_ALIVE },	       { tcp_expired_but_acked, TCP_SAYS_ALIVE },
	{ tcp_one_expiry, TCP_SAYS_ALIVE },
	{ tcp_old_backoff, TCP_SAYS_ALIVE },   { tcp_probing, TCP_SAYS_CLOSED },
	{ tcp_no_window, TCP_SAYS_CLOSED },    { tcp_shrunk, TCP_SAYS_CLOSED },
	{ tcp_two_expiries, TCP_SAYS_STUCK },  { tcp_many_expiries, TCP_SAYS_STUCK },
	{ tcp_probes_lost, TCP_SAYS_STUCK },
};

/* What stays for ten seconds is called what the table says, whatever shape it has. */
static void one_combination(enum suspicion_io io, size_t tcp, size_t probe)
{
	enum suspicion_verdict expected, verdict = SUSPICION_NONE;
	struct scene scene;

	begin(&scene);
	all_still(&scene);
	scene.f.in_flight = io == IO_STILL ? 5 : 0;
	scene.f.probe = probes[probe].state;
	scene.f.misses = probes[probe].misses;
	scene.f.silent_since_ns = probes[probe].misses ? scene.f.now_ns : 0;
	tcps[tcp].set(&scene);
	if (io == IO_MOVING && tcps[tcp].says == TCP_SAYS_STUCK)
		return; /* now and then only: see below */
	scene.completes = io == IO_MOVING;
	for (int i = 0; i < 100; i++)
		verdict = look(&scene, LOOK);
	expected = suspicion_meaning(io, tcps[tcp].says, probes[probe].says);
	if (verdict != expected)
		fail_msg("%s, tcp %zu, probe %s with %u misses: %s instead of %s", io_words[io],
			 tcp, probe_state_name(probes[probe].state), probes[probe].misses,
			 verdict_words[verdict], verdict_words[expected]);
}

static void test_combinations(void **state)
{
	(void)state;
	for (int io = IO_MOVING; io <= IO_STILL; io++)
		for (size_t t = 0; t < sizeof(tcps) / sizeof(tcps[0]); t++)
			for (size_t p = 0; p < sizeof(probes) / sizeof(probes[0]); p++)
				one_combination((enum suspicion_io)io, t, p);
}

/* Answers that still come while ours are not acknowledged any more: wait. */
static void test_moving_while_stuck(void **state)
{
	for (size_t p = 0; p < sizeof(probes) / sizeof(probes[0]); p++) {
		struct scene scene;

		(void)state;
		begin(&scene);
		all_still(&scene);
		unacked(&scene, 3);
		scene.f.probe = probes[p].state;
		scene.f.misses = probes[p].misses;
		for (int i = 0; i < 100; i++) {
			enum suspicion_verdict v;

			scene.receives = i % 3 == 0;
			v = look(&scene, 50);
			assert_false(suspicion_gives_up(v));
			if (!scene.receives)
				assert_int_equal(v, SUSPICION_GROWING);
		}
	}
}

static void test_texts(void **state)
{
	(void)state;
	for (int v = 0; v < SUSPICION_MAX; v++)
		for (int w = 0; w < v; w++)
			assert_string_not_equal(suspicion_text((enum suspicion_verdict)v),
						suspicion_text((enum suspicion_verdict)w));
	assert_string_equal(suspicion_text(SUSPICION_MAX), "unknown");
}

/* ---- stories ---- */

/* The cut as recorded: timers expire at 0.2, 0.6 and 1.45 s. */
static enum suspicion_verdict cut(struct scene *scene, uint64_t from_ns, uint64_t *ret_ms)
{
	enum suspicion_verdict v = SUSPICION_NONE;

	for (*ret_ms = 0; *ret_ms < 5000; *ret_ms = (scene->f.now_ns - from_ns) / MS) {
		uint64_t ms = (scene->f.now_ns + LOOK * MS - from_ns) / MS;

		unacked(scene, ms < 204 ? 0 : ms < 612 ? 1 : ms < 1450 ? 2 : 3);
		v = look(scene, LOOK);
		if (suspicion_gives_up(v))
			break;
	}
	return v;
}

static void test_connection_dead(void **state)
{
	struct scene scene;
	uint64_t ms, from_ns;

	(void)state;
	begin(&scene);
	from_ns = scene.f.now_ns;
	all_still(&scene);
	assert_int_equal(cut(&scene, from_ns, &ms), SUSPICION_CONNECTION);
	assert_in_range(ms, 700, 900);
	/* the trouble was there at the first look after the cut, and who answers later lives */
	assert_int_equal(scene.s.since_ns, from_ns + LOOK * MS);
	/* the same with a probe that has noticed, and with none: TCP tells */
	for (int probe = 0; probe < 2; probe++) {
		begin(&scene);
		from_ns = scene.f.now_ns;
		all_still(&scene);
		scene.f.probe = probe ? PROBE_NONE : PROBE_UNREACHABLE;
		assert_int_equal(cut(&scene, from_ns, &ms), SUSPICION_CONNECTION);
		assert_in_range(ms, 700, 900);
	}
}

/* Nothing in flight when it was cut; the kernel's own ping finds out. No hurry until there is
 * I/O, and none is lost when there is. */
static void test_idle_then_io(void **state)
{
	struct scene scene;

	(void)state;
	begin(&scene);
	all_still(&scene);
	scene.f.in_flight = 0;
	unacked(&scene, 2);
	for (int i = 0; i < 50; i++)
		look(&scene, LOOK);
	assert_int_equal(scene.s.verdict, SUSPICION_IDLE);
	assert_int_equal(scene.s.since_ns > T0, 1);
	scene.f.in_flight = 1;
	assert_int_equal(look(&scene, LOOK), SUSPICION_GROWING);
	assert_int_equal(look(&scene, LOOK), SUSPICION_CONNECTION);
}

/* Ours do not arrive, theirs do: "last ACK" and "last received" are renewed by the target's
 * own retransmissions, but nothing comes in order. */
static void test_one_way_loss(void **state)
{
	struct scene scene;
	uint64_t ms, from_ns;

	(void)state;
	begin(&scene);
	from_ns = scene.f.now_ns;
	all_still(&scene);
	scene.f.tcp.last_received_ms = 28;
	assert_int_equal(cut(&scene, from_ns, &ms), SUSPICION_CONNECTION);
	assert_in_range(ms, 700, 900);
}

/* The process is stopped, its kernel acknowledges all it has room for. */
static void test_target_stopped(void **state)
{
	enum suspicion_verdict v = SUSPICION_NONE;
	struct scene scene;
	uint64_t from_ns;

	(void)state;
	begin(&scene);
	from_ns = scene.f.now_ns;
	all_still(&scene);
	scene.acks = true; /* new commands are still acknowledged */
	for (int i = 1; i < 30 && !suspicion_gives_up(v); i++) {
		if (i > 3)
			probe_silent(&scene, (uint32_t)i / 4);
		if (i == 10) { /* and then there is no room */
			scene.acks = false;
			tcp_no_window(&scene);
		}
		v = look(&scene, LOOK);
	}
	assert_int_equal(v, SUSPICION_TARGET);
	/* 2 s of both: silence counts from the NOP that was not answered, at 0.3 s */
	assert_in_range((scene.f.now_ns - from_ns) / MS, 2300, 2400);
	assert_true(scene.s.since_ns >= scene.f.silent_since_ns);
}

/* 400 ms or 1 s without a word is not a dead target. */
static void test_target_paused(void **state)
{
	(void)state;
	for (int pause = 1; pause <= 18; pause++) {
		struct scene scene;

		begin(&scene);
		all_still(&scene);
		tcp_no_window(&scene);
		for (int i = 0; i < pause; i++) {
			probe_silent(&scene, (uint32_t)i / 3);
			assert_false(suspicion_gives_up(look(&scene, LOOK)));
		}
		scene.completes = scene.acks = scene.receives = true;
		scene.f.probe = PROBE_UP;
		scene.f.misses = 0;
		scene.f.silent_since_ns = 0;
		scene.f.tcp.snd_wnd = 400000;
		scene.f.tcp.backoff = scene.f.tcp.probes = 0;
		assert_int_equal(look(&scene, LOOK), SUSPICION_NONE);
		assert_int_equal(scene.s.since_ns, 0);
	}
}

static void test_data_connection_only(void **state)
{
	struct scene scene;
	uint64_t ms;

	(void)state;
	begin(&scene);
	all_still(&scene);
	scene.f.probe = PROBE_UP;
	assert_int_equal(cut(&scene, scene.f.now_ns, &ms), SUSPICION_CONNECTION);
	assert_in_range(ms, 700, 900);
}

static void test_probe_only(void **state)
{
	struct scene scene;

	(void)state;
	begin(&scene);
	probe_silent(&scene, 40);
	for (int i = 0; i < 1000; i++)
		assert_int_equal(look(&scene, LOOK), SUSPICION_PROBE_ONLY);
	assert_true(scene.s.since_ns < scene.f.now_ns - 90 * NS_PER_S);
	/* a queue depth of one that is empty at most looks is progress all the same */
	scene.f.in_flight = 0;
	assert_int_equal(look(&scene, LOOK), SUSPICION_PROBE_ONLY);
}

/* Each I/O takes longer than a look, none longer than the limit. */
static void test_slow_target(void **state)
{
	struct scene scene;

	(void)state;
	begin(&scene);
	all_still(&scene);
	probe_silent(&scene, 9);
	for (int i = 0; i < 2000; i++) {
		scene.completes = i % 19 == 0;
		assert_false(suspicion_gives_up(look(&scene, LOOK)));
	}
	/* or its data trickles in, and no I/O ends for minutes */
	scene.completes = false;
	for (int i = 0; i < 2000; i++) {
		scene.receives = i % 19 == 0;
		assert_false(suspicion_gives_up(look(&scene, LOOK)));
	}
}

/* A peer without room whose probes are answered is alive, however long. */
static void test_closed_window(void **state)
{
	struct scene scene;

	(void)state;
	begin(&scene);
	all_still(&scene);
	for (int i = 0; i < 3000; i++) {
		enum suspicion_verdict v;

		tcp_no_window(&scene);
		scene.f.tcp.backoff = (uint8_t)(i < 100 ? i / 10 : 10);
		scene.f.tcp.probes = i % 40 == 0;
		v = look(&scene, LOOK);
		assert_int_equal(v, SUSPICION_NONE); /* its NOPs are answered */
	}
	/* until the answers to its probes stay away */
	scene.f.tcp.probes = 1;
	look(&scene, LOOK);
	for (int i = 0; i < 6; i++) {
		scene.f.tcp.probes = 2;
		look(&scene, LOOK);
	}
	assert_int_equal(scene.s.verdict, SUSPICION_CONNECTION);
}

/* What was received lies unread on our own side: we are late, not the target. */
static void test_unread(void **state)
{
	struct scene scene;

	(void)state;
	begin(&scene);
	all_still(&scene);
	tcp_all_acked(&scene);
	probe_silent(&scene, 5);
	scene.f.tcp.unread = 8192;
	for (int i = 0; i < 100; i++)
		assert_false(suspicion_gives_up(look(&scene, LOOK)));
	scene.f.tcp.unread = 0;
	assert_int_equal(look(&scene, LOOK), SUSPICION_TARGET);
}

static void test_observer_late(void **state)
{
	enum suspicion_verdict v;
	struct scene scene;
	uint64_t from_ns;

	(void)state;
	/* stopped for 3 s in the midst of a suspicion: all of it is discarded */
	begin(&scene);
	all_still(&scene);
	unacked(&scene, 2);
	probe_silent(&scene, 4);
	for (int i = 0; i < 5; i++)
		look(&scene, LOOK);
	assert_int_equal(scene.s.verdict, SUSPICION_GROWING);
	scene.f.observer_late = true;
	assert_int_equal(look(&scene, 3000), SUSPICION_NONE);
	assert_int_equal(scene.s.since_ns, 0);
	scene.f.observer_late = false;
	from_ns = scene.f.now_ns;
	assert_in_range(until_given_up(&scene, from_ns, 3000, &v), 600, 700);
	assert_int_equal(v, SUSPICION_CONNECTION);
	assert_true(scene.s.since_ns > from_ns);
	/* the same for a target: the unanswered NOP of before does not count */
	begin(&scene);
	all_still(&scene);
	tcp_all_acked(&scene);
	probe_silent(&scene, 9);
	scene.f.observer_late = true;
	look(&scene, 3000);
	scene.f.observer_late = false;
	from_ns = scene.f.now_ns;
	assert_in_range(until_given_up(&scene, from_ns, 3000, &v), 2000, 2100);
	assert_int_equal(v, SUSPICION_TARGET);
	assert_true(scene.s.since_ns > from_ns);
}

/* Nobody had to tell: looks too far apart are a gap in the watch. */
static void test_gap(void **state)
{
	struct scene scene;

	(void)state;
	for (unsigned int more = 0; more < 2; more++) {
		begin(&scene);
		all_still(&scene);
		unacked(&scene, 2);
		look(&scene, LOOK);
		look(&scene, LOOK);
		look(&scene, SUSPICION_GAP_MS + more);
		assert_int_equal(scene.s.verdict, more ? SUSPICION_NONE : SUSPICION_CONNECTION);
	}
}

static void test_floor(void **state)
{
	enum suspicion_verdict v;
	struct scene scene;
	uint64_t ms;

	(void)state;
	begin(&scene);
	scene.limits.floor_ms = 9000;
	all_still(&scene);
	unacked(&scene, 3);
	assert_in_range(until_given_up(&scene, scene.f.now_ns, 20000, &v), 9000, 9200);
	begin(&scene);
	scene.limits.floor_ms = 9000;
	all_still(&scene);
	tcp_all_acked(&scene);
	probe_silent(&scene, 3);
	ms = until_given_up(&scene, scene.f.now_ns, 20000, &v);
	assert_in_range(ms, 9000, 9200);
	assert_int_equal(v, SUSPICION_TARGET);
}

static void test_other_connection(void **state)
{
	struct scene scene;

	(void)state;
	begin(&scene);
	all_still(&scene);
	unacked(&scene, 4);
	for (int i = 0; i < 4; i++)
		look(&scene, LOOK);
	scene.f.tcp.inode++;
	assert_int_equal(look(&scene, LOOK), SUSPICION_NONE);
	for (int i = 0; i < 5; i++)
		assert_int_equal(look(&scene, LOOK), SUSPICION_GROWING);
	assert_int_equal(look(&scene, LOOK), SUSPICION_CONNECTION);
	/* logged out: the kernel knows */
	scene.f.logged_in = false;
	assert_int_equal(look(&scene, LOOK), SUSPICION_NONE);
	scene.f.logged_in = true;
	for (int i = 0; i < 5; i++)
		assert_false(suspicion_gives_up(look(&scene, LOOK)));
}

/* A socket that is not found at one look neither helps nor harms. */
static void test_socket_not_found_once(void **state)
{
	enum suspicion_verdict v;
	struct scene scene;
	uint64_t from_ns;

	(void)state;
	begin(&scene);
	all_still(&scene);
	unacked(&scene, 2);
	from_ns = scene.f.now_ns;
	for (int i = 0; i < 4; i++)
		look(&scene, LOOK);
	scene.f.tcp_known = false;
	assert_false(suspicion_gives_up(look(&scene, LOOK)));
	scene.f.tcp_known = true;
	assert_in_range(until_given_up(&scene, from_ns, 3000, &v), 600, 800);
}

/* Counters that are read only when something is odd: what moved before says nothing of now. */
static void test_counters_not_read(void **state)
{
	enum suspicion_verdict v;
	struct scene scene;
	uint64_t from_ns;

	(void)state;
	begin(&scene);
	scene.f.io_unknown = true;
	look(&scene, LOOK);
	from_ns = scene.f.now_ns;
	all_still(&scene);
	unacked(&scene, 1);
	look(&scene, LOOK);
	look(&scene, LOOK);
	scene.f.io_unknown = false;
	scene.f.completed += 1000;
	unacked(&scene, 2);
	assert_in_range(until_given_up(&scene, from_ns, 3000, &v), 600, 800);
	assert_int_equal(v, SUSPICION_CONNECTION);
	/* and while they are not read nothing is given up */
	scene.f.io_unknown = true;
	for (int i = 0; i < 50; i++)
		assert_false(suspicion_gives_up(look(&scene, LOOK)));
}

static void test_set_probe(void **state)
{
	static const struct {
		struct board_session record;
		enum probe_state probe;
		uint32_t misses;
	} rows[] = {
		{ { .state = PROBE_UP }, PROBE_UP, 0 },
		{ { .state = PROBE_LATE, .misses = 1 }, PROBE_LATE, 1 },
		{ { .state = PROBE_SILENT, .misses = 7 }, PROBE_SILENT, 7 },
		{ { .state = PROBE_LOGIN_FAILED, .error = -ETIMEDOUT }, PROBE_SILENT, 2 },
		{ { .state = PROBE_LOGIN_FAILED, .error = -ETIMEDOUT, .misses = 9 }, PROBE_SILENT,
		  9 },
		{ { .state = PROBE_LOGIN_FAILED, .error = -EACCES }, PROBE_LOGIN_FAILED, 0 },
		{ { .state = PROBE_LOGIN_FAILED, .error = -ETIMEDOUT, .login_status = 0x201 },
		  PROBE_LOGIN_FAILED, 0 },
		{ { .state = PROBE_UNREACHABLE, .error = -ETIMEDOUT }, PROBE_UNREACHABLE, 0 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct suspicion_facts facts = { .in_flight = 3 };
		struct board_session record = rows[i].record;

		record.silent_since_ns = 4711;
		suspicion_set_probe(&facts, &record);
		assert_int_equal(facts.probe, rows[i].probe);
		assert_int_equal(facts.misses, rows[i].misses);
		assert_int_equal(facts.silent_since_ns, 4711);
		assert_int_equal(facts.in_flight, 3);
	}
}

/* ---- properties over seeded random lives ---- */

static unsigned int seed;

static uint64_t any(uint64_t n)
{
	return (uint64_t)rand_r(&seed) % n;
}

static void any_change(struct scene *scene)
{
	struct suspicion_facts *f = &scene->f;
	size_t p = any(sizeof(probes) / sizeof(probes[0]));

	switch (any(9)) {
	case 0:
		f->probe = probes[p].state;
		f->misses = probes[p].misses;
		f->silent_since_ns = probes[p].misses ? f->now_ns - any(5000) * MS : 0;
		break;
	case 1:
		unacked(scene, (uint8_t)any(5));
		f->tcp.unacked = (uint32_t)any(3);
		break;
	case 2:
		f->tcp.probes = (uint8_t)any(4);
		f->tcp.snd_wnd = any(3) ? 400000 : (uint32_t)any(2000);
		f->tcp.notsent_bytes = any(2) * 5000;
		break;
	case 3:
		f->in_flight = any(3);
		break;
	case 4:
		f->tcp_known = any(4) != 0;
		f->tcp.state = any(6) ? 1 : (uint8_t)any(12);
		break;
	case 5:
		f->tcp.inode += any(8) == 0;
		f->logged_in = any(8) != 0;
		f->tcp.unread = any(8) ? 0 : 100;
		break;
	default: /* what hangs, hangs for a while */
		scene->completes = any(6) == 0;
		scene->receives = any(6) == 0;
		scene->acks = any(4) == 0;
	}
}

/* Nothing is given up without I/O in flight, nor earlier than the limit and the floor after
 * the last progress, nor at a look that saw progress, nor right after we were late. */
static void test_any_life(void **state)
{
	unsigned int connections = 0, targets = 0;

	(void)state;
	seed = 17;
	for (int life = 0; life < 6000; life++) {
		struct suspicion_facts before;
		uint64_t moved_ns = 0, answered_ns = 0, watched_ns = 0, last_ns = 0;
		struct scene scene;
		bool read = false;

		set_up(&scene);
		scene.limits.connection_dead_ms = (uint32_t)(100 + any(2000));
		scene.limits.target_dead_ms = (uint32_t)(100 + any(4000));
		scene.limits.floor_ms = any(2) ? 0 : (uint32_t)any(4000);
		before = scene.f;
		for (int i = 0; i < 150; i++) {
			const struct suspicion_facts *f = &scene.f;
			enum suspicion_verdict v;
			bool answered, acked, fresh;
			uint32_t limit;

			if (any(6) == 0)
				any_change(&scene);
			scene.f.observer_late = any(60) == 0;
			scene.f.io_unknown = any(10) == 0;
			v = look(&scene, (unsigned int)(1 + any(any(10) ? 150 : 1500)));
			answered = (read && !f->io_unknown &&
				    f->completed != before.completed) ||
				   (f->tcp_known &&
				    f->tcp.bytes_received != before.tcp.bytes_received);
			acked = f->tcp_known && f->tcp.bytes_acked != before.tcp.bytes_acked;
			fresh = i == 0 || f->observer_late || !f->logged_in ||
				f->now_ns - last_ns > SUSPICION_GAP_MS * MS;
			last_ns = f->now_ns;
			if (answered)
				answered_ns = f->now_ns;
			if (answered || acked)
				moved_ns = f->now_ns;
			if (fresh)
				watched_ns = f->now_ns;
			before.completed = f->completed;
			read = !f->io_unknown;
			if (f->tcp_known)
				before.tcp = f->tcp;
			assert_true((v == SUSPICION_NONE) == (scene.s.since_ns == 0));
			assert_true(scene.s.since_ns <= f->now_ns);
			if (!suspicion_gives_up(v))
				continue;
			assert_true(!f->io_unknown && f->in_flight > 0 && f->logged_in);
			assert_true(!fresh && !answered);
			limit = v == SUSPICION_TARGET ? scene.limits.target_dead_ms :
							scene.limits.connection_dead_ms;
			if (limit < scene.limits.floor_ms)
				limit = scene.limits.floor_ms;
			assert_true(f->now_ns - answered_ns >= limit * MS);
			assert_true(f->now_ns - watched_ns >= limit * MS);
			assert_true(scene.s.since_ns > watched_ns);
			if (v == SUSPICION_TARGET) {
				assert_true(!f->tcp.unread && f->probe != PROBE_UP);
				assert_true(scene.s.since_ns > answered_ns);
				targets++;
				continue;
			}
			assert_true(!acked && f->now_ns - moved_ns >= limit * MS);
			assert_true(scene.s.since_ns > moved_ns);
			connections++;
		}
	}
	assert_true(connections > 500 && targets > 500);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_table_is_as_documented),
		cmocka_unit_test(test_combinations),
		cmocka_unit_test(test_moving_while_stuck),
		cmocka_unit_test(test_texts),
		cmocka_unit_test(test_connection_dead),
		cmocka_unit_test(test_idle_then_io),
		cmocka_unit_test(test_one_way_loss),
		cmocka_unit_test(test_target_stopped),
		cmocka_unit_test(test_target_paused),
		cmocka_unit_test(test_data_connection_only),
		cmocka_unit_test(test_probe_only),
		cmocka_unit_test(test_slow_target),
		cmocka_unit_test(test_closed_window),
		cmocka_unit_test(test_unread),
		cmocka_unit_test(test_observer_late),
		cmocka_unit_test(test_gap),
		cmocka_unit_test(test_floor),
		cmocka_unit_test(test_other_connection),
		cmocka_unit_test(test_socket_not_found_once),
		cmocka_unit_test(test_counters_not_read),
		cmocka_unit_test(test_set_probe),
		cmocka_unit_test(test_any_life),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
