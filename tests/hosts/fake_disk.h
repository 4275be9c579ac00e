/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef MPATHISCSI_FAKE_DISK_H
#define MPATHISCSI_FAKE_DISK_H

/*
 * A disk, block device 8:16, played by the program that includes this file: it takes the
 * place of ioctl() and fstat(), so that SG_IO on the descriptor of make_disk() and its
 * duplicates is answered from a script, or not at all. Everything else goes through.
 */

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <scsi/sg.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <time.h>
#include <unistd.h>

#define DEADLINE_MS    20000
#define GOOD_ANSWER    { .status = 0 }
#define SENSE(k, a, q) { .status = 2, .sense = { k, a, q, 1 } }

struct played {
	uint8_t status;
	uint16_t host;
	uint8_t sense[4]; /* key, asc, ascq, and whether there is any */
	int error;
};

static struct {
	pthread_mutex_t lock;
	pthread_cond_t changed;
	struct played script[8]; /* answers in turn, the last one for ever */
	unsigned int n, next;
	bool hang;
	unsigned int sent, ended;
	/* about the thread that sent the last one */
	int policy;
	size_t stack;
	bool elsewhere; /* not the main thread */
	bool signals_blocked;
	/* the last one itself */
	uint8_t cdb[16];
	unsigned int size;
	bool aligned;
} played_disk = { .lock = PTHREAD_MUTEX_INITIALIZER, .changed = PTHREAD_COND_INITIALIZER };

static int fake_fd = -1;
static pthread_t main_thread;

static void look_at_sender(void)
{
	struct sched_param param;
	pthread_attr_t attr;
	sigset_t mask;

	played_disk.elsewhere = !pthread_equal(pthread_self(), main_thread);
	pthread_getschedparam(pthread_self(), &played_disk.policy, &param);
	if (pthread_getattr_np(pthread_self(), &attr) == 0) {
		pthread_attr_getstacksize(&attr, &played_disk.stack);
		pthread_attr_destroy(&attr);
	}
	pthread_sigmask(SIG_SETMASK, NULL, &mask);
	played_disk.signals_blocked = sigismember(&mask, SIGTERM) && sigismember(&mask, SIGCHLD);
}

static void answer(struct sg_io_hdr *io, const struct played *played)
{
	io->status = played->status;
	io->host_status = played->host;
	if (played->sense[3] && io->mx_sb_len >= 18) {
		memset(io->sbp, 0, 18);
		io->sbp[0] = 0x70;
		io->sbp[2] = played->sense[0];
		io->sbp[7] = 10;
		io->sbp[12] = played->sense[1];
		io->sbp[13] = played->sense[2];
		io->sb_len_wr = 18;
	}
}

static int play(struct sg_io_hdr *io)
{
	struct played played;

	pthread_mutex_lock(&played_disk.lock);
	look_at_sender();
	memcpy(played_disk.cdb, io->cmdp, io->cmd_len);
	played_disk.size = io->dxfer_len;
	played_disk.aligned = io->dxfer_len && (uintptr_t)io->dxferp % io->dxfer_len == 0;
	played_disk.sent++;
	pthread_cond_broadcast(&played_disk.changed);
	while (played_disk.hang)
		pthread_cond_wait(&played_disk.changed, &played_disk.lock);
	played = played_disk.script[played_disk.next];
	if (played_disk.next + 1 < played_disk.n)
		played_disk.next++;
	played_disk.ended++;
	pthread_cond_broadcast(&played_disk.changed);
	pthread_mutex_unlock(&played_disk.lock);
	if (played.error) {
		errno = played.error;
		return -1;
	}
	answer(io, &played);
	return 0;
}

static bool is_fake(int fd)
{
	struct stat a, b;

	return fake_fd >= 0 && fstatat(fd, "", &a, AT_EMPTY_PATH) == 0 &&
	       fstatat(fake_fd, "", &b, AT_EMPTY_PATH) == 0 && a.st_ino == b.st_ino &&
	       a.st_dev == b.st_dev;
}

int ioctl(int fd, unsigned long request, ...)
{
	va_list args;
	void *data;

	va_start(args, request);
	data = va_arg(args, void *);
	va_end(args);
	if (request == SG_IO && is_fake(fd))
		return play(data);
	return (int)syscall(SYS_ioctl, fd, request, data);
}

int fstat(int fd, struct stat *st)
{
	if (fstatat(fd, "", st, AT_EMPTY_PATH))
		return -1;
	if (is_fake(fd)) {
		st->st_mode = S_IFBLK | 0660;
		st->st_rdev = makedev(8, 16);
	}
	return 0;
}

static inline void script(const struct played *played, unsigned int n)
{
	pthread_mutex_lock(&played_disk.lock);
	memcpy(played_disk.script, played, n * sizeof(*played));
	played_disk.n = n;
	played_disk.next = 0;
	played_disk.sent = played_disk.ended = 0;
	pthread_mutex_unlock(&played_disk.lock);
}

static inline void hang(bool on)
{
	pthread_mutex_lock(&played_disk.lock);
	played_disk.hang = on;
	pthread_cond_broadcast(&played_disk.changed);
	pthread_mutex_unlock(&played_disk.lock);
}

static inline unsigned int sent(void)
{
	unsigned int n;

	pthread_mutex_lock(&played_disk.lock);
	n = played_disk.sent;
	pthread_mutex_unlock(&played_disk.lock);
	return n;
}

/* The descriptor of the disk; -1 with errno. */
static inline int make_disk(void)
{
	main_thread = pthread_self();
	fake_fd = memfd_create("disk", MFD_CLOEXEC);
	return fake_fd;
}

static inline uint64_t now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

static inline void nap(void)
{
	nanosleep(&(struct timespec){ .tv_nsec = 1000000 }, NULL);
}

#endif
