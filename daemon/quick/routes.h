/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef MPATHISCSI_QUICK_ROUTES_H
#define MPATHISCSI_QUICK_ROUTES_H

/*
 * Opt-in: host routes to portals, each as the route in use but with a lower rto_min, so that
 * TCP notices a loss earlier than its usual 200 ms (RFC 6298 asks for 1 s, Linux takes less).
 * They bear a protocol number of their own (`ip route show proto 213`) and are found again
 * by it: no other route is ever changed or taken away. A file in /run tells that there are
 * some, for the helper that takes them back when the daemon is gone.
 */

#include "common/address.h"

#define ROUTES_RECORD_PATH "/run/mpathiscsi/routes"
#define ROUTES_PROTOCOL	   213
/* A peer may delay its acknowledgement for so long (TCP_DELACK_MIN of Linux): less would
 * send everything twice. */
#define ROUTES_RTO_MIN_MS  40
#define ROUTES_MAX	   4096

/*
 * Exactly these portals have such a route, and each as the route in use is now: what is there
 * is taken away for a moment, looked past, and made again (connections live on, by the other
 * route). Level-triggered; call it when portals or routes have changed, and now and then.
 * ret_errors (n of them; may be NULL): 0: rto_min is in force for this portal; -EEXIST:
 * somebody has a host route to it; -EOPNOTSUPP: several next hops, or no unicast route;
 * -ENETUNREACH …: no route. A route that has as low an rto_min already is left as it is (0).
 * 'record' NULL: ROUTES_RECORD_PATH. -EINVAL: rto_min_ms below ROUTES_RTO_MIN_MS; other
 * -errno: nothing more than before is in force. Does not wait.
 */
int routes_set(const char *record, const struct ip_address *portals, size_t n,
	       uint32_t rto_min_ms, int *ret_errors);

/* Take all of ours away. 0 also when there are none; -errno: some are left. */
int routes_clear(const char *record);

#endif
