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

/* A session of the kernel. */
struct scale_login {
	uint32_t sid; /* 0: none */
	uint32_t portal;
	uint16_t port; /* local */
};

struct scale_shared {
	pthread_mutex_t lock;
	struct scale_login logins[SCALE_PORTALS]; /* by place */
	uint64_t names[SCALE_PORTALS + 1];	  /* hash of a path's name, by portal */
	uint32_t n_maps;
	uint64_t n_ioctls, n_messages;
	uint64_t n_failed, last_failed_ns; /* paths failed by message */
	uint64_t n_diskstats;		   /* times that the daemon opened it */
	uint64_t diskstats_ns;		   /* that the kernel's own would have cost each time */
	struct scale_map maps[SCALE_LUNS_MAX];
};

/* base.c: Everything that exits on failure says why. */
__attribute__((noreturn, format(printf, 1, 2))) void scale_die(const char *format, ...);
void scale_write(const char *path, const char *text); /* a whole file, made or replaced */
void scale_end(pid_t pid);			      /* one of the stand-ins */

/* A stand-in: a process that ends with this one. Each program has its own (main.c). */
pid_t scale_fork(const char *name);
void scale_become(const char *name); /* base.c, in that process: its end, and its name for ps */

/* Device number and name. LUNs and places count from 0, portals from 1. Here a session's place is
 * its portal's, and its number the portal's. */
static inline uint32_t scale_minor(unsigned int lun, unsigned int place)
{
	return lun * SCALE_PORTALS + place;
}

/* tree.c: the sysfs tree at 'root': what all disks share, sessions, and disks of a session. */
void scale_tree_make(const char *root);
void scale_tree_add_lun(const char *root, unsigned int lun); /* before its disks */
void scale_tree_login(const char *root, const struct scale_login *login);
void scale_tree_logout(const char *root, const struct scale_login *login); /* after its disks */
void scale_tree_add_disk(const char *root, const struct scale_login *login, unsigned int place,
			 unsigned int lun);
void scale_tree_remove_disk(const char *root, const struct scale_login *login, unsigned int place,
			    unsigned int lun);
/* A session's connection is lost: what the kernel then says of it and its disks; or back, with
 * the login's local port. */
void scale_tree_session(const char *root, const struct scale_login *login, bool up);
/* What the product calls a path over this portal; any disk of the session is there. */
uint64_t scale_path_name(unsigned int place);

/* uevent.c: told as the kernel does, in this network namespace. 'type': DEVTYPE; NULL: none. */
void scale_uevent(const char *action, const char *path, const char *subsystem, const char *type);

/* maps.c */
struct scale_shared *scale_shared_open(bool create);
void scale_map_add(struct scale_shared *shared, unsigned int lun, unsigned int paths);
struct scale_map *scale_map_find(struct scale_shared *shared, const char *name);
/* Kernel's texts. Return their length. */
size_t scale_map_status(const struct scale_map *map, char *buffer, size_t size);
size_t scale_map_table(const struct scale_map *map, char *buffer, size_t size);
/* "fail_path 8:3" and the like. False: not understood. */
bool scale_map_message(struct scale_shared *shared, struct scale_map *map,
		       const char *text);

/* portals.c: the target behind 10.0.N.2. To 'ret_command' go two bytes, what and portal: 'c' cut,
 * 'o' open, 's' silent, 'a' answers again. */
void scale_network(void);
pid_t scale_portals_start(int *ret_command);

/* iscsid.c: keeps a connection for each place. */
struct scale_iscsid {
	pid_t pid;
	int commands;
};
void scale_iscsid_start(struct scale_iscsid *iscsid);
uint16_t scale_iscsid_login(const struct scale_iscsid *iscsid, unsigned int place,
			    unsigned int portal); /* its local port */
void scale_iscsid_logout(const struct scale_iscsid *iscsid, unsigned int place);
bool scale_iscsid_lives(const struct scale_iscsid *iscsid, unsigned int place); /* connection */

/* multipathd.c: looks at the board so often. */
pid_t scale_multipathd_start(struct scale_shared *shared, int look_ms);

/* daemon.c: the daemon under test. */
struct scale_daemon {
	pid_t pid;
	int log;	  /* its stderr */
	char text[65536]; /* of the log, the newest part */
	size_t length;
};
void scale_daemon_start(struct scale_daemon *daemon, const char *build);
void scale_daemon_stop(struct scale_daemon *daemon);
void scale_daemon_kill(struct scale_daemon *daemon); /* where it would not come to an end */
void scale_daemon_listen(struct scale_daemon *daemon,
			 int timeout_ms);			/* take in what it logs */
double scale_daemon_rss_mib(const struct scale_daemon *daemon); /* with its children */
double scale_daemon_peak_mib(
	const struct scale_daemon *daemon); /* without its children */
double scale_daemon_cpu_s(
	const struct scale_daemon *daemon); /* so far, with its children */
#define SCALE_COMMAND_ERRORS "/run/scale/err" /* of the last one */
/* ms from start to end; -1: exit status not 0. Output is thrown away; what the daemon logs
 * meanwhile is taken in, for it must not wait for us. *ret_cpu_s: the command's own. */
double scale_command(struct scale_daemon *daemon, const char *build, const char *const *argv,
		     double *ret_cpu_s);

/* diskstats.c: /proc/diskstats, a line for each disk and map. */
void scale_diskstats_make(unsigned int luns);
/* I/O is in flight on all disks of the places in 'mask', a bit each; what was on others has
 * ended. The lines keep their length, so that a reader sees each as it was or as it is. */
void scale_diskstats_in_flight(unsigned int luns, unsigned int mask);
/* What the kernel's own costs here: for each line, and for each disk that a read passes over. */
struct scale_diskstats_cost {
	double line_ns, skip_ns;
};
struct scale_diskstats_cost scale_diskstats_measure(void);
/* Of one reading of a file as long as ours. */
double scale_diskstats_ns(const struct scale_diskstats_cost *cost, unsigned int luns);

#endif
