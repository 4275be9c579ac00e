/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "daemon/probe_confine.h"

#include <errno.h>
#include <linux/capability.h>
#include <signal.h>
#include <stdint.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "daemon/probe_syscalls.h"

#ifndef SYS_landlock_create_ruleset /* the same everywhere; headers of Debian 11 lack them */
#define SYS_landlock_create_ruleset 444
#define SYS_landlock_restrict_self  446
#endif
#define LANDLOCK_VERSION 1 /* LANDLOCK_CREATE_RULESET_VERSION */

/* linux/landlock.h as of ABI 6; the one that is installed may be older. */
struct landlock_ruleset {
	uint64_t files, network, scope;
};

static int drop_capabilities(void)
{
	struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
	struct __user_cap_data_struct none[2] = {{0}, {0}};

	prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0);
	return syscall(SYS_capset, &header, none) ? -errno : 0;
}

static int limit(__rlimit_resource_t resource, rlim_t value)
{
	const struct rlimit limits = {.rlim_cur = value, .rlim_max = value};

	return setrlimit(resource, &limits) ? -errno : 0;
}

static int limit_resources(unsigned int descriptors)
{
	int r = limit(RLIMIT_CORE, 0);

	if (!r)
		r = limit(RLIMIT_NPROC, 0);
	if (!r)
		r = limit(RLIMIT_MEMLOCK, 0);
	if (!r)
		r = limit(RLIMIT_MSGQUEUE, 0);
	if (!r)
		r = limit(RLIMIT_NOFILE, descriptors);
#ifndef __SANITIZE_ADDRESS__ /* it reserves terabytes */
	if (!r)
		r = limit(RLIMIT_DATA, PROBE_MEMORY_MAX);
#endif
	return r;
}

static int ignore_and_die(void)
{
	struct sigaction ignore = {.sa_handler = SIG_IGN};

	if (prctl(PR_SET_PDEATHSIG, SIGKILL) || prctl(PR_SET_DUMPABLE, 0) ||
	    prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) || sigaction(SIGPIPE, &ignore, NULL))
		return -errno;
	return 0;
}

/* All rights over files that this version knows, by its number of bits. */
static uint64_t file_rights(long version)
{
	unsigned int bits = version >= 5 ? 16 : version >= 3 ? 15 : version == 2 ? 14 : 13;

	return ((uint64_t)1 << bits) - 1;
}

/* No rule: nothing of what is handled is allowed. A kernel without Landlock has the filter. */
static int forbid_files(void)
{
	long version = syscall(SYS_landlock_create_ruleset, NULL, 0, LANDLOCK_VERSION);
	struct landlock_ruleset rules = {.files = file_rights(version)};
	size_t size = version >= 6 ? 24 : version >= 4 ? 16 : 8;
	int fd, r;

	if (version < 1)
		return 0;
	rules.network = 1; /* LANDLOCK_ACCESS_NET_BIND_TCP: no listening */
	rules.scope = 3;   /* abstract sockets and signals of others */
	fd = (int)syscall(SYS_landlock_create_ruleset, &rules, size, 0);
	if (fd < 0)
		return -errno;
	r = syscall(SYS_landlock_restrict_self, fd, 0) ? -errno : 0;
	close(fd);
	return r;
}

int probe_confine(unsigned int descriptors, const char **text)
{
	int r;

	*text = "dropping capabilities";
	r = drop_capabilities();
	if (r < 0)
		return r;
	*text = "limiting resources";
	r = limit_resources(descriptors);
	if (r < 0)
		return r;
	*text = "giving up privileges";
	r = ignore_and_die();
	if (r < 0)
		return r;
	*text = "Landlock";
	r = forbid_files();
	if (r < 0)
		return r;
	*text = "the filter of system calls";
	return probe_syscalls_filter();
}
