/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef TESTS_BENCH_SCALE_H
#define TESTS_BENCH_SCALE_H

/*
 * A host of up to 1,024 LUNs over 16 portals that the real daemon takes for a real one.
 * It lives in namespaces of its own (tests/bench/run-scale), so that the product needs no
 * switch for it: a generated tree lies over /sys, and multipathd's socket, iscsid, its
 * connections and the portals are stand-ins, real processes with real sockets on
 * loopback. The kernel's device-mapper is played below libdevmapper, in its ioctls
 * (dm_kernel.c, preloaded into the daemon); what it knows lies in memory that all share.
 */

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/types.h>

#define SCALE_PORTALS  16 /* and as many paths has each LUN */
#define SCALE_LUNS_MAX 1024
#define SCALE_PORT     3260
#define SCALE_MAJOR    8
#define SCALE_DM_MAJOR 253
#define SCALE_SHARED   "/run/scale/shared"
#define SCALE_TARGET   "iqn.2026-01.org.example:array"
#define SCALE_HOST     "iqn.2026-01.org.example:host"

struct scale_path {
	uint32_t minor; /* of SCALE_MAJOR */
	uint32_t group;
	uint32_t fail_count;
	bool active;
};

struct scale_map {
	char name[32], wwid[64];
	uint32_t minor, event_nr;
	bool queues;
	uint32_t n_groups, current; /* group that carries I/O */
	uint32_t n_paths;
	struct scale_path paths[SCALE_PORTALS]; /* in table order */
};

struct scale_shared {
	pthread_mutex_t lock;
	uint32_t n_maps;
	uint64_t n_ioctls, n_messages;
	uint64_t n_failed, last_failed_ns; /* paths failed by message */
	struct scale_map maps[SCALE_LUNS_MAX];
};

/* Everything that exits on failure says why. */
__attribute__((noreturn, format(printf, 1, 2))) void scale_die(const char *format, ...);
void scale_write(const char *path, const char *text); /* a whole file, made or replaced */

/* Device number, name and LUN: LUN numbers count from 0, portals (and sessions) from 1.
 */
static inline uint32_t scale_minor(unsigned int lun, unsigned int portal)
{
	return lun * SCALE_PORTALS + portal - 1;
}

/* tree.c: the sysfs tree at 'root' for so many LUNs; 'ports': the sessions' local ports.
 */
void scale_tree_make(const char *root, unsigned int luns, const uint16_t *ports);
void scale_tree_add_lun(const char *root, unsigned int lun);
/* A session's connection is lost: what the kernel then says of it and its disks; or back.
 */
void scale_tree_session(const char *root, unsigned int portal, bool up);

/* maps.c */
struct scale_shared *scale_shared_open(bool create);
void scale_map_add(struct scale_shared *shared, unsigned int lun);
struct scale_map *scale_map_find(struct scale_shared *shared, const char *name);
/* Kernel's texts. Return their length. */
size_t scale_map_status(const struct scale_map *map, char *buffer, size_t size);
size_t scale_map_table(const struct scale_map *map, char *buffer, size_t size);
/* "fail_path 8:3" and the like. False: not understood. */
bool scale_map_message(struct scale_shared *shared, struct scale_map *map,
		       const char *text);

/* portals.c: the target behind 10.0.N.2, and iscsid with a connection to each. */
void scale_network(void);
pid_t scale_portals_start(
	int *ret_command); /* write 'c' and 'o' with a portal's number */
pid_t scale_iscsid_start(uint16_t *ret_ports);

/* multipathd.c */
pid_t scale_multipathd_start(struct scale_shared *shared);

/* daemon.c: the daemon under test. */
struct scale_daemon {
	pid_t pid;
	int log;	  /* its stderr */
	char text[65536]; /* of the log, the newest part */
	size_t length;
};
void scale_daemon_start(struct scale_daemon *daemon, const char *build);
void scale_daemon_stop(struct scale_daemon *daemon);
void scale_daemon_listen(struct scale_daemon *daemon,
			 int timeout_ms);			/* take in what it logs */
double scale_daemon_rss_mib(const struct scale_daemon *daemon); /* with its children */
double scale_daemon_peak_mib(
	const struct scale_daemon *daemon); /* without its children */
double scale_daemon_cpu_s(
	const struct scale_daemon *daemon); /* so far, with its children */
void scale_end(pid_t pid);		    /* one of the stand-ins */
/* ms from start to end; -1: exit status not 0. Output is thrown away. *ret_cpu_s: its
 * own. */
double scale_command(const char *build, const char *const *argv, double *ret_cpu_s);

#endif
