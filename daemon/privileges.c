/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "daemon/privileges.h"

#include <errno.h>
#include <stdbool.h>
#include <sys/prctl.h>
#include <sys/resource.h>

#include <cap-ng.h>

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static const unsigned int of_daemon[] = {CAP_SYS_ADMIN, CAP_SYS_PTRACE, CAP_NET_ADMIN,
					 CAP_SETUID,	CAP_SETGID,	CAP_KILL};
static const unsigned int of_disarm[] = {CAP_SYS_PTRACE, CAP_NET_ADMIN};

const struct privileges privileges_daemon = {of_daemon, COUNT(of_daemon)};
const struct privileges privileges_disarm = {of_disarm, COUNT(of_disarm)};

/* The bounding set can be made smaller by a holder of CAP_SETPCAP only; where that is missing,
 * somebody (systemd, a container) has made it small already. */
static int drop(const struct privileges *privileges)
{
	const capng_type_t kept = (capng_type_t)(CAPNG_EFFECTIVE | CAPNG_PERMITTED |
						 CAPNG_BOUNDING_SET);
	bool have[CAP_LAST_CAP + 1] = {false};
	capng_select_t sets = CAPNG_SELECT_CAPS;
	size_t i;

	if (capng_get_caps_process() < 0)
		return -EPERM;
	if (capng_have_capability(CAPNG_EFFECTIVE, CAP_SETPCAP))
		sets = CAPNG_SELECT_BOTH;
	for (i = 0; i < privileges->n; i++)
		have[privileges->capabilities[i]] =
			capng_have_capability(CAPNG_PERMITTED, privileges->capabilities[i]);
	capng_clear(CAPNG_SELECT_BOTH);
	for (i = 0; i <= CAP_LAST_CAP; i++)
		if (have[i] && capng_update(CAPNG_ADD, kept, (unsigned int)i) < 0)
			return -EPERM;
	return capng_apply(sets) < 0 ? -EPERM : 0;
}

int privileges_keep(const struct privileges *privileges)
{
	const struct rlimit none = {.rlim_cur = 0, .rlim_max = 0};
	int r;

	/* The first alone prevents a dump, whatever core_pattern says. */
	if (prctl(PR_SET_DUMPABLE, 0) || setrlimit(RLIMIT_CORE, &none) ||
	    prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0))
		return -errno;
	r = drop(privileges);
	if (r < 0)
		return r;
	return prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0) ? -errno : 0;
}
