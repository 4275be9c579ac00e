/* SPDX-License-Identifier: GPL-2.0-or-later */
/* New settings against the sessions, the maps and the connections that there are. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "daemon/quick/settings_fit.h"
#include "tests/unit/memory_fixture.h"
#include "tests/unit/quick_fixture.h"

static char message[SETTINGS_MESSAGE_MAX];

static enum settings_fit fit(const struct scene *s)
{
	strcpy(message, "of before");
	return quick_settings_fit(&s->quick, &s->quick.settings, message);
}

static void assert_fits(const struct scene *s)
{
	if (fit(s) != SETTINGS_FIT || *message)
		fail_msg("\"%s\"", message);
}

static void assert_refused(const struct scene *s, const char *says)
{
	assert_int_equal(fit(s), SETTINGS_REFUSED);
	if (!strstr(message, says))
		fail_msg("\"%s\" does not say \"%s\"", message, says);
}

/* Only of sessions that are there and logged in is anything known. */
static void of_each_session(void **state)
{
	struct scene *s = *state;
	struct quick_session good = s->sessions[1], *session = &s->sessions[1];

	assert_fits(s);
	session->tcp.rto_us = 1000 * s->quick.settings.timing.connection_dead_ms;
	assert_refused(s, "in which 10.0.2.2:3260 answers");
	session->tcp_known = false;
	assert_fits(s);
	session->tcp_known = true;
	session->present = false;
	assert_fits(s);
	session->present = true;
	session->logged_in_ns = 0;
	assert_fits(s);
	session->logged_in_ns = good.logged_in_ns;
	session->sid = 77; /* in no list of the daemon's */
	assert_fits(s);
	*session = good;
	assert_fits(s);
	s->quick.n_sessions = 0;
	assert_fits(s);
}

/* An RTO below the kernel's least is seen on a tuned route only; without that it will be longer. */
static void tuned_routes(void **state)
{
	struct scene *s = *state;
	struct quick_settings *settings = &s->quick.settings;

	settings->timing.arm = false;
	settings->timing.connection_dead_ms = 150;
	s->sessions[0].tcp.rto_us = 54000;
	settings->tune_routes = true;
	assert_int_equal(fit(s), SETTINGS_FIT);
	settings->tune_routes = false;
	assert_refused(s, "to 10.0.1.2:3260, 2");
}

/* A map that queues, but not for as long as a path may be silent. */
static void queueing(void **state)
{
	struct scene *s = *state;

	s->quick.settings.timing.target_dead_ms = 30000;
	assert_fits(s); /* it queues without end */
	s->maps[0].queueing = MP_QUEUEING_CHECKS;
	s->maps[0].retries = 4;
	assert_refused(s, "the 20000 ms for which a map of it queues");
	s->maps[0].retries = 2; /* so short that no session over it is quick */
	assert_fits(s);
	s->maps[0].retries = 12;
	assert_fits(s);
	s->maps[0].queueing = MP_QUEUEING_SECONDS;
	s->maps[0].seconds = 16;
	assert_refused(s, "the 16000 ms for which");
	s->maps[0].queueing = MP_QUEUEING_OFF;
	assert_fits(s);
	s->quick.n_maps = 0; /* not known */
	assert_fits(s);
}

/* Of all maps over a session the shortest counts, and of no others. */
static void shortest_map(void **state)
{
	struct scene *s = *state;
	struct lun luns[2] = { s->lun, s->lun };
	struct mp_map maps[2] = { s->maps[0], s->maps[0] };

	s->quick.settings.timing.target_dead_ms = 30000;
	strcpy(luns[1].wwid, "36001");
	strcpy(maps[1].wwid, "36001");
	maps[0].queueing = maps[1].queueing = MP_QUEUEING_SECONDS;
	maps[0].seconds = 60;
	maps[1].seconds = 25;
	s->watch.luns = (struct lun_table){ .luns = luns, .n = 2, .paths = s->paths };
	s->quick.maps = maps;
	s->quick.n_maps = 2;
	assert_refused(s, "the 25000 ms for which");
	luns[1].n_paths = 0; /* over none of the sessions */
	assert_fits(s);
	luns[1].n_paths = PATHS;
	luns[1].map = NULL;
	assert_fits(s);
	luns[1].map = &s->map;
	maps[0].seconds = 20;
	assert_refused(s, "the 20000 ms for which");
}

/* Without memory nothing is refused. */
static void no_memory(void **state)
{
	struct scene *s = *state;
	struct memory memory;
	enum settings_fit found;

	if (!memory_can_be_taken())
		skip();
	s->sessions[1].tcp.rto_us = 1000 * s->quick.settings.timing.connection_dead_ms;
	memory_take(&memory);
	found = fit(s);
	memory_give_back(&memory);
	assert_int_equal(found, SETTINGS_FIT);
	assert_string_equal(message, "");
	assert_refused(s, "in which 10.0.2.2:3260 answers");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		WITH_SCENE(of_each_session), WITH_SCENE(tuned_routes), WITH_SCENE(queueing),
		WITH_SCENE(shortest_map),    WITH_SCENE(no_memory),
	};

	return cmocka_run_group_tests_name("settings_fit", tests, NULL, NULL);
}
