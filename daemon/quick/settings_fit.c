/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "daemon/quick/settings_fit.h"

#include <stdlib.h>

#include "common/clock.h"
#include "daemon/quick/state.h"

#define RTO_MIN_UNTUNED_US 200000U /* TCP_RTO_MIN: less is seen on a tuned route only */

static bool has_path(const struct lun *lun, unsigned int sid)
{
	for (size_t i = 0; i < lun->n_paths; i++)
		if (lun->paths[i].id->sid == sid)
			return true;
	return false;
}

/* The shortest of the maps over a session, as struct settings_fact wants it. */
static uint64_t queueing_of(const struct quick *quick, const struct quick_session *session)
{
	const struct lun_table *luns = &quick->watch->luns;
	uint64_t shortest = 0;

	for (size_t i = 0; i < luns->n; i++) {
		uint64_t ms = UINT64_MAX;
		uint32_t count_ms = 0;
		enum map_queueing queueing;

		if (!luns->luns[i].map || !has_path(&luns->luns[i], session->sid))
			continue;
		queueing = quick_queueing(quick, &luns->luns[i], &count_ms);
		if (queueing == QUEUEING_COUNT)
			ms = count_ms;
		else if (queueing != QUEUEING_ALWAYS)
			continue;
		if (ms >= session->stock_ms && (!shortest || ms < shortest))
			shortest = ms;
	}
	return shortest;
}

/* 'portal' holds PORTAL_TEXT_MAX bytes. False: nothing is known of it. */
static bool fact_of(const struct quick *quick, const struct quick_session *session, char *portal,
		    struct settings_fact *ret)
{
	const struct watched_session *watched = watch_session(quick->watch, session->sid);
	struct board_session probe = {.rtt_us = 0};

	if (!session->present || !session->logged_in_ns || !watched)
		return false;
	watch_session_record(quick->watch, watched, clock_now_ns(), &probe);
	*ret = (struct settings_fact){
		.target = watched->id->name.target,
		.portal = portal_format(&watched->id->name.portal, portal, PORTAL_TEXT_MAX),
		.rtt_us = probe.state == PROBE_UP ? probe.rtt_us : 0,
		.rto_us = session->tcp_known ? session->tcp.rto_us : 0,
		.routes_tuned = session->tcp_known && session->tcp.rto_us < RTO_MIN_UNTUNED_US,
		.queueing_ms = queueing_of(quick, session),
	};
	return true;
}

enum settings_fit quick_settings_fit(const struct quick *quick,
				     const struct quick_settings *settings, char *message)
{
	struct settings_fact *facts = calloc(quick->n_sessions + 1, sizeof(*facts));
	char(*portals)[PORTAL_TEXT_MAX] = calloc(quick->n_sessions + 1, sizeof(*portals));
	enum settings_fit fit = SETTINGS_FIT;
	size_t n = 0;

	message[0] = '\0';
	if (facts && portals) {
		for (size_t i = 0; i < quick->n_sessions; i++)
			n += fact_of(quick, &quick->sessions[i], portals[n], &facts[n]);
		fit = settings_check_live(settings, facts, n, message);
	}
	free(facts);
	free(portals);
	return fit;
}
