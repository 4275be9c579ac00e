/* SPDX-License-Identifier: GPL-2.0-or-later */
/* tune_routes: the portals of quick sessions have a route with a lower rto_min, no others. */
#include <stdlib.h>
#include <string.h>

#include "common/clock.h"
#include "common/parse.h"
#include "daemon/log.h"
#include "daemon/quick/routes.h"
#include "daemon/quick/state.h"

/* Routes change without a word to us; each look costs a moment without our own. */
#define AGAIN_NS (60 * NS_PER_S)

static size_t quick_portals(const struct quick *quick, struct ip_address *ret)
{
	size_t n = 0;

	for (size_t i = 0; i < quick->n_sessions && n < ROUTES_MAX; i++) {
		const struct quick_session *session = &quick->sessions[i];

		if (session->present && session->levers_on && session->levers.quick)
			ret[n++] = session->connection.peer.address;
	}
	return n;
}

static void say(const struct ip_address *portals, const int *errors, size_t n)
{
	char text[PORTAL_TEXT_MAX];

	for (size_t i = 0; i < n; i++)
		if (errors[i] < 0)
			log_line(LOG_WARNING, "route to %s: its rto_min stays: %s",
				 ip_address_format(&portals[i], text, sizeof(text)),
				 strerror(-errors[i]));
}

void quick_untune(struct quick *quick)
{
	int r;

	if (!quick->tuned)
		return;
	r = routes_clear(quick->watch->options.routes_path);
	if (r < 0)
		log_line(LOG_WARNING, "routes with our rto_min: %s", strerror(-r));
	quick->tuned = r < 0;
}

void quick_tune(struct quick *quick, uint64_t now_ns)
{
	struct ip_address *portals;
	uint64_t hash;
	size_t n = 0;
	int *errors, r;

	if (!quick->settings.tune_routes || !quick_acts(quick)) {
		quick_untune(quick);
		return;
	}
	portals = calloc(quick->n_sessions + 1, sizeof(*portals));
	errors = calloc(quick->n_sessions + 1, sizeof(*errors));
	if (portals && errors)
		n = quick_portals(quick, portals);
	hash = fnv1a(FNV1A_START, portals, n * sizeof(*portals));
	if (n && (!quick->tuned || hash != quick->tuned_hash ||
		  now_ns - quick->tuned_ns > AGAIN_NS)) {
		r = routes_set(quick->watch->options.routes_path, portals, n,
			       quick->settings.rto_min_ms, errors);
		if (r < 0)
			log_line(LOG_WARNING, "routes with a lower rto_min: %s", strerror(-r));
		else if (!quick->tuned || hash != quick->tuned_hash)
			say(portals, errors, n);
		quick->tuned = true;
		quick->tuned_hash = hash;
		quick->tuned_ns = now_ns;
	} else if (!n) {
		quick_untune(quick);
	}
	free(portals);
	free(errors);
}
