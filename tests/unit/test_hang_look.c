/* SPDX-License-Identifier: GPL-2.0-or-later */
/* LUNs that hang on some paths, from the disks' counters to what the checker is told: look after
 * look, with a board, and with a connection that is really ended. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <arpa/inet.h>
#include <errno.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include "common/board.h"
#include "tests/unit/memory_fixture.h"
#include "tests/unit/quick_fixture.h"

#define LIMIT_MS 6000 /* lun_dead_ms of the default profile */
#define STEP_MS	 200

/* The scene, and what the kernel counts on the disk of each path. */
struct looks {
	struct scene *s;
	struct disk_load loads[PATHS];
	bool stuck[PATHS]; /* with I/O in flight; else one ends at each step */
	bool quiet;	   /* the portals have nothing to say */
	uint64_t now_ns;
};

static struct looks begin(struct scene *s)
{
	struct looks looks = { .s = s, .now_ns = NOW };

	scene_open_board(s);
	for (unsigned int i = 0; i < PATHS; i++)
		looks.loads[i] = (struct disk_load){ .devt = s->ids[i].devt, .in_flight = 2 };
	assert_int_equal(s->quick.settings.timing.lun_dead_ms, LIMIT_MS);
	return looks;
}

static void step(struct looks *looks, uint64_t ms)
{
	struct scene *s = looks->s;

	looks->now_ns += ms * NS_PER_MS;
	for (unsigned int i = 0; i < PATHS; i++) {
		looks->loads[i].completed += !looks->stuck[i] && looks->loads[i].in_flight;
		if (!looks->quiet)
			s->sessions[i].answered_ns = looks->now_ns;
	}
	s->quick.loads = (struct disk_loads){ .disks = looks->loads, .n = PATHS };
	quick_hang(&s->quick, looks->now_ns);
	s->quick.loads = (struct disk_loads){ .n = 0 };
}

static void steps(struct looks *looks, uint64_t ms)
{
	for (uint64_t done = 0; done < ms; done += STEP_MS)
		step(looks, STEP_MS);
}

static bool is_hung(const struct scene *s, size_t i)
{
	const struct hang *hang = hang_find(s->quick.hangs, &s->lun, &s->paths[i]);

	return hang && hang->is;
}

static unsigned int n_hung(const struct scene *s)
{
	unsigned int n = 0;

	for (size_t i = 0; i < PATHS; i++)
		n += is_hung(s, i);
	return n;
}

/* Nothing is done, and this is why. */
static void assert_refused(const struct looks *looks, const char *why)
{
	const struct scene *s = looks->s;
	char text[HANG_TEXT_MAX];

	assert_int_equal(n_hung(s), 0);
	assert_int_equal(s->quick.hangs->n_refusals, 1);
	assert_int_equal(s->quick.hangs->n_refused, 1);
	quick_hang_text(&s->quick, &s->lun, &s->paths[0], looks->now_ns, text, sizeof(text));
	if (!strstr(text, why))
		fail_msg("\"%s\" does not say \"%s\"", text, why);
}

/* One path is silent for its limit: not before; it alone; and the checker hears of it. When it is
 * in use again, the checker hears of that. */
static void one_path(void **state)
{
	struct scene *s = *state;
	struct looks looks = begin(s);

	steps(&looks, 3000);
	looks.stuck[0] = true;
	steps(&looks, LIMIT_MS - STEP_MS);
	assert_int_equal(n_hung(s), 0);
	assert_int_equal(s->quick.hangs->n_refusals, 0);
	steps(&looks, 1000 + STEP_MS); /* a look is once a second until one is silent */
	assert_true(is_hung(s, 0));
	assert_int_equal(n_hung(s), 1);
	assert_int_equal(s->quick.hangs->n_hangs, 1);
	assert_int_equal(scene_told(s, 0), BOARD_PATH_HUNG);
	assert_int_equal(scene_told(s, 1), 0);
	s->map.paths[0].active = false;
	looks.loads[0].in_flight = 0;
	looks.stuck[0] = false;
	steps(&looks, 2000);
	assert_true(is_hung(s, 0)); /* no READ was answered yet */
	s->map.paths[0].active = true;
	looks.loads[0].in_flight = 1;
	steps(&looks, 2000);
	assert_int_equal(n_hung(s), 0);
	assert_int_equal(scene_told(s, 0), 0);
	assert_int_equal(s->quick.hangs->n_hangs, 1);
}

/* I/O that went to the others after the silence began does not end there either. */
static void nowhere_to_go(void **state)
{
	struct scene *s = *state;
	struct looks looks = begin(s);

	looks.loads[1].in_flight = looks.loads[2].in_flight = 0;
	looks.stuck[0] = looks.stuck[1] = looks.stuck[2] = true;
	steps(&looks, LIMIT_MS - 600);
	looks.loads[1].in_flight = looks.loads[2].in_flight = 2;
	steps(&looks, 2400);
	assert_refused(&looks, silence_text(SILENCE_EVERYWHERE));
	looks.stuck[1] = false; /* one does: off they go */
	steps(&looks, 1000);
	assert_int_equal(s->quick.hangs->n_refusals, 0);
	assert_true(is_hung(s, 0));
	assert_false(is_hung(s, 1));
}

static void last_portal(void **state)
{
	struct scene *s = *state;
	struct looks looks = begin(s);

	/* a second path over the same portal is no other way, one out of use is none */
	s->ids[1].name.portal = s->ids[0].name.portal;
	strcpy(s->ids[1].name.iface, "second");
	s->paths[1].name_hash = path_name_hash(&s->ids[1].name);
	s->paths[2].plan.role = ROLE_EXCLUDED;
	looks.stuck[0] = true;
	steps(&looks, LIMIT_MS + 3000);
	assert_refused(&looks, silence_text(SILENCE_LAST));
	s->paths[2].plan.role = ROLE_ACTIVE;
	steps(&looks, 1000);
	assert_true(is_hung(s, 0));
	assert_int_equal(n_hung(s), 1);
}

/* What may not be freed is not failed either: a reload would wait for it. */
static void not_quick(void **state)
{
	struct scene *s = *state;
	struct looks looks = begin(s);

	s->sessions[0].levers.quick = false;
	looks.stuck[0] = true;
	steps(&looks, LIMIT_MS + 3000);
	assert_refused(&looks, "its session is not quick");
	looks.stuck[0] = false;
	steps(&looks, 1000);
	assert_int_equal(s->quick.hangs->n_refusals, 0);
}

/* The rest of the port group goes along, unless its I/O flows. */
static void port_group(void **state)
{
	struct scene *s = *state;
	struct looks looks = begin(s);

	s->ids[2].name.tpgt = 2;
	s->paths[2].name_hash = path_name_hash(&s->ids[2].name);
	looks.stuck[0] = true;
	looks.loads[1].in_flight = 0;
	steps(&looks, LIMIT_MS + 2000);
	assert_true(is_hung(s, 0) && is_hung(s, 1));
	assert_false(is_hung(s, 2));
	assert_int_equal(scene_told(s, 1), BOARD_PATH_HUNG);
	assert_int_equal(scene_told(s, 2), 0);
}

/* Groups of two targets may have one number. */
static void other_target(void **state)
{
	struct scene *s = *state;
	struct looks looks = begin(s);

	strcpy(s->ids[1].name.target, "iqn.2026-01.example:other");
	s->paths[1].name_hash = path_name_hash(&s->ids[1].name);
	looks.stuck[0] = true;
	looks.loads[1].in_flight = looks.loads[2].in_flight = 0;
	steps(&looks, LIMIT_MS + 2000);
	assert_false(is_hung(s, 1));
	/* with nothing but idle paths to go to, those of its own group are doubted */
	assert_true(is_hung(s, 0) && is_hung(s, 2));
}

/* Only while all but the I/O is in order is it the LUN that hangs. */
static void who_is_to_blame(void **state)
{
	struct scene *s = *state;
	struct quick_session good = s->sessions[0];
	struct looks looks = begin(s);

	looks.stuck[0] = true;
	for (unsigned int fault = 0; fault < 7; fault++) {
		struct quick_session *session = &s->sessions[0];

		*session = good;
		session->logged_in_ns = fault == 0 ? 0 : good.logged_in_ns;
		session->healthy = fault != 1;
		session->verdict = fault == 2 ? SUSPICION_GROWING : SUSPICION_NONE;
		session->given_up = fault == 3;
		session->tcp_gone = fault == 4;
		session->sid = fault == 5 ? 99 : 1;
		s->ids[0].device_state = fault == 6 ? DEVICE_BLOCKED : DEVICE_RUNNING;
		steps(&looks, LIMIT_MS + 3000);
		if (n_hung(s) || s->quick.hangs->n_refusals)
			fail_msg("fault %u: taken for a LUN that hangs", fault);
	}
	s->sessions[0] = good;
	s->ids[0].device_state = DEVICE_RUNNING;
	steps(&looks, 1000); /* silent for long by now */
	assert_true(is_hung(s, 0));
}

/* Per target, and not below its floor. */
static void limits(void **state)
{
	struct scene *s = *state;
	struct quick_settings *settings = &s->quick.settings;
	struct looks looks = begin(s);

	settings->n_targets = 1;
	strcpy(settings->targets[0].name, s->ids[0].name.target);
	settings->targets[0].timing = settings->timing;
	settings->targets[0].timing.lun_dead_ms = 0; /* never */
	looks.stuck[0] = true;
	steps(&looks, 4 * LIMIT_MS);
	assert_int_equal(n_hung(s), 0);
	settings->targets[0].timing.lun_dead_ms = 2000;
	settings->targets[0].timing.floor_ms = 30000;
	steps(&looks, STEP_MS);
	assert_int_equal(n_hung(s), 0);
	steps(&looks, 30000 - 4 * LIMIT_MS);
	assert_true(is_hung(s, 0));
}

/* Time in which the daemon did not run says nothing of a LUN. */
static void asleep(void **state)
{
	struct scene *s = *state;
	struct looks looks = begin(s);

	looks.stuck[0] = true;
	steps(&looks, 3000);
	step(&looks, 60000);
	assert_int_equal(n_hung(s), 0);
	steps(&looks, LIMIT_MS - 4000);
	assert_int_equal(n_hung(s), 0);
	steps(&looks, 3000);
	assert_true(is_hung(s, 0));
}

/* LUNs that nobody can act on are not looked at. */
static void out_of_reach(void **state)
{
	struct scene *s = *state;
	struct looks looks = begin(s);

	looks.stuck[0] = true;
	s->lun.map = NULL;
	steps(&looks, LIMIT_MS + 3000);
	s->lun.map = &s->map;
	s->lun.n_paths = POLICY_PATHS_MAX + 1;
	steps(&looks, 1000);
	s->lun.n_paths = PATHS;
	assert_int_equal(s->quick.hangs->n, 0);
	assert_int_equal(s->quick.hangs->n_refusals, 0);
	steps(&looks, 1000);
	assert_true(is_hung(s, 0));
}

/* What a former daemon found stands until a READ is answered; switched off, nothing does. */
static void taken_over(void **state)
{
	struct scene *s = *state;
	struct looks looks = begin(s);

	looks.stuck[1] = true;
	steps(&looks, LIMIT_MS + 2000);
	assert_int_equal(scene_told(s, 1), BOARD_PATH_HUNG);
	hangs_free(s->quick.hangs);
	s->quick.hangs = NULL;
	step(&looks, STEP_MS);
	assert_non_null(s->quick.hangs);
	assert_true(is_hung(s, 1));
	assert_int_equal(n_hung(s), 1);
	s->quick.switched.by = SWITCH_OFF_FILE;
	step(&looks, STEP_MS);
	assert_null(s->quick.hangs);
	assert_int_equal(scene_told(s, 1), 0);
}

/* Without memory nothing is judged, and nothing is forgotten. */
static void no_memory(void **state)
{
	struct scene *s = *state;
	struct looks looks = begin(s);
	struct hangs *hangs = s->quick.hangs;
	struct memory memory;
	uint64_t generation;
	bool started;

	if (!memory_can_be_taken())
		skip();
	looks.stuck[0] = true;
	steps(&looks, LIMIT_MS + 2000);
	assert_true(is_hung(s, 0));
	generation = hangs->generation;
	s->watch.inventory.generation++;
	memory_take(&memory);
	quick_hang(&s->quick, looks.now_ns + 60 * NS_PER_S); /* no place for disks anew */
	s->watch.inventory.generation--;
	quick_hang(&s->quick, looks.now_ns + 120 * NS_PER_S); /* none for what is counted */
	s->quick.hangs = NULL;
	quick_hang(&s->quick, looks.now_ns); /* not even to begin */
	started = s->quick.hangs != NULL;
	memory_give_back(&memory);
	assert_false(started);
	s->quick.hangs = hangs;
	assert_true(is_hung(s, 0));
	assert_int_equal(hangs->generation, generation);
	assert_int_equal(scene_told(s, 0), BOARD_PATH_HUNG);
}

/* A connection to ourselves. */
struct pair {
	int listener, client, server;
};

static struct pair pair_open(void)
{
	struct sockaddr_in at = { .sin_family = AF_INET };
	socklen_t size = sizeof(at);
	struct pair pair;

	at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	pair.listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	assert_int_equal(bind(pair.listener, (void *)&at, size), 0);
	assert_int_equal(listen(pair.listener, 1), 0);
	assert_int_equal(getsockname(pair.listener, (void *)&at, &size), 0);
	pair.client = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	assert_int_equal(connect(pair.client, (void *)&at, size), 0);
	pair.server = accept(pair.listener, NULL, NULL);
	assert_true(pair.server >= 0);
	return pair;
}

static void pair_close(const struct pair *pair)
{
	close(pair->client);
	close(pair->server);
	close(pair->listener);
}

static int error_of(int fd)
{
	socklen_t size = sizeof(int);
	int error = -1;

	assert_int_equal(getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &size), 0);
	return error;
}

/* What is stuck is freed, not before new I/O has been turned away, by ending the connection. */
static void freed(void **state)
{
	struct scene *s = *state;
	struct looks looks = begin(s);
	struct pair pair = pair_open();
	char text[HANG_TEXT_MAX];
	struct stat st;

	if (connections_new(&s->quick.connections) < 0) {
		pair_close(&pair);
		skip();
	}
	assert_int_equal(connection_of_socket(pair.client, &s->sessions[0].connection), 0);
	assert_int_equal(fstat(pair.client, &st), 0);
	s->sessions[0].tcp.inode = (uint32_t)st.st_ino;
	looks.stuck[0] = true;
	looks.loads[1].in_flight = looks.loads[2].in_flight = 0;
	while (!is_hung(s, 0) && looks.now_ns < NOW + 20 * NS_PER_S)
		step(&looks, STEP_MS);
	assert_true(is_hung(s, 0));
	assert_int_equal(error_of(pair.client), 0);
	assert_false(s->sessions[0].given_up);
	steps(&looks, SILENCE_SETTLE_MS);
	assert_true(s->sessions[0].given_up);
	if (s->quick.n_released) { /* else this kernel, or this user, ends no connections */
		assert_int_equal(error_of(pair.client), ECONNABORTED);
		assert_int_equal(s->quick.hangs->n_freed, 1);
		quick_hang_text(&s->quick, &s->lun, &s->paths[0], looks.now_ns, text,
				sizeof(text));
		assert_non_null(strstr(text, "its session was given up"));
	}
	steps(&looks, 10000); /* once */
	assert_in_range(s->quick.n_released, 0, 1);
	connections_free(s->quick.connections);
	pair_close(&pair);
}

/* dm and the checker at their work: what hangs is failed, and is back some time after it moves. */
static void answer_for_dm(struct looks *looks, unsigned int *seed)
{
	struct scene *s = looks->s;

	for (size_t i = 0; i < PATHS; i++) {
		if (is_hung(s, i) && rand_r(seed) % 4 == 0)
			s->map.paths[i].active = false;
		else if (!looks->stuck[i] && rand_r(seed) % 8 == 0)
			s->map.paths[i].active = true;
		looks->loads[i].in_flight = s->map.paths[i].active || looks->stuck[i];
	}
}

/* Whatever happens: a path on which I/O ended just now is not taken for hung, and never are all. */
static void never_all(void **state)
{
	struct scene *s = *state;
	struct looks looks = begin(s);
	unsigned int seed = 20261122, begun = 0;
	bool before[PATHS];

	for (unsigned int round = 0; round < 6000; round++) {
		if (rand_r(&seed) % 40 == 0)
			looks.stuck[rand_r(&seed) % PATHS] ^= true;
		for (size_t i = 0; i < PATHS; i++)
			before[i] = is_hung(s, i);
		step(&looks, STEP_MS);
		for (size_t i = 0; i < PATHS; i++) {
			if (before[i] || !is_hung(s, i))
				continue;
			begun++;
			if (!looks.stuck[i])
				fail_msg("round %u: path %zu moves", round, i);
		}
		if (n_hung(s) == PATHS)
			fail_msg("round %u: all paths are turned away", round);
		answer_for_dm(&looks, &seed);
	}
	assert_true(begun > 10); /* it was a test of something */
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		WITH_SCENE(one_path),	     WITH_SCENE(nowhere_to_go), WITH_SCENE(last_portal),
		WITH_SCENE(not_quick),	     WITH_SCENE(port_group),	WITH_SCENE(other_target),
		WITH_SCENE(who_is_to_blame), WITH_SCENE(limits),	WITH_SCENE(asleep),
		WITH_SCENE(out_of_reach),    WITH_SCENE(taken_over),	WITH_SCENE(no_memory),
		WITH_SCENE(freed),	     WITH_SCENE(never_all),
	};

	return cmocka_run_group_tests_name("hang_look", tests, NULL, NULL);
}
