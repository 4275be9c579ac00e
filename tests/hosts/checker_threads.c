/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A host that checks paths from many threads at once, as programs do that reach libmultipath
 * from threads of their own (qemu-pr-helper). Each thread has paths of its own to the same few
 * disks, makes them, checks them and lets them go, while another resets the plugin and lets the
 * disks hang and answer. What the sysfs tree and the board say meanwhile is the parent's.
 *
 * usage: checker_threads PLUGIN inline|async ROUNDS
 */
#include <fcntl.h>
#include <pthread.h>
#include <scsi/sg.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <time.h>
#include <unistd.h>

#define LAYOUT 'B'
#include "tests/hosts/host_abi.h"

#define THREADS	    8
#define DISKS	    4 /* 8:16, 8:32, … */
#define CHECKS	    6 /* of a path, before it is made anew */
#define DEADLINE_MS 20000

#define HOLDS(condition) MUST(condition, "with %d threads", THREADS)

/* ---- what the host exports ---- */

int checker_is_sync(const struct checker *c);
bool checker_need_wait(struct checker *c);
void dlog(int level, const char *format, ...) __attribute__((format(printf, 2, 3)));
extern int libmp_verbosity;

int libmp_verbosity = 3;
static bool host_sync;
static atomic_uint lines, looks, results[TIMEOUT + 1];

int checker_is_sync(const struct checker *c)
{
	(void)c;
	return host_sync;
}

bool checker_need_wait(struct checker *c)
{
	(void)c;
	return false;
}

void dlog(int level, const char *format, ...)
{
	char text[1024];
	va_list args;

	(void)level;
	va_start(args, format);
	HOLDS(vsnprintf(text, sizeof(text), format, args) > 0);
	va_end(args);
	HOLDS(strstr(text, "iscsi checker: "));
	lines++;
}

/* ---- the disks ---- */

static struct {
	int fd;
	ino_t inode;
	dev_t dev;
} disks[DISKS];

static struct {
	pthread_mutex_t lock;
	pthread_cond_t changed;
	bool hang;
	unsigned int sent, ended;
} played = { .lock = PTHREAD_MUTEX_INITIALIZER, .changed = PTHREAD_COND_INITIALIZER };

static void make_disks(void)
{
	struct stat st;

	for (size_t i = 0; i < DISKS; i++) {
		disks[i].fd = memfd_create("disk", MFD_CLOEXEC);
		HOLDS(disks[i].fd >= 0 && fstatat(disks[i].fd, "", &st, AT_EMPTY_PATH) == 0);
		disks[i].inode = st.st_ino;
		disks[i].dev = st.st_dev;
	}
}

static int disk_of(const struct stat *st)
{
	for (int i = 0; i < DISKS; i++)
		if (disks[i].inode == st->st_ino && disks[i].dev == st->st_dev)
			return i;
	return -1;
}

int fstat(int fd, struct stat *st)
{
	int disk;

	if (fstatat(fd, "", st, AT_EMPTY_PATH))
		return -1;
	disk = disk_of(st);
	if (disk >= 0) {
		st->st_mode = S_IFBLK | 0660;
		st->st_rdev = makedev(8, 16u * (1 + (unsigned int)disk));
	}
	return 0;
}

static int play(struct sg_io_hdr *io)
{
	pthread_mutex_lock(&played.lock);
	played.sent++;
	while (played.hang)
		pthread_cond_wait(&played.changed, &played.lock);
	played.ended++;
	pthread_mutex_unlock(&played.lock);
	io->status = 0;
	io->host_status = io->driver_status = 0;
	io->sb_len_wr = 0;
	return 0;
}

int ioctl(int fd, unsigned long request, ...)
{
	struct stat st;
	va_list args;
	void *data;

	va_start(args, request);
	data = va_arg(args, void *);
	va_end(args);
	if (request == SG_IO && fstatat(fd, "", &st, AT_EMPTY_PATH) == 0 && disk_of(&st) >= 0)
		return play(data);
	return (int)syscall(SYS_ioctl, fd, request, data);
}

static void hang(bool on)
{
	pthread_mutex_lock(&played.lock);
	played.hang = on;
	pthread_cond_broadcast(&played.changed);
	pthread_mutex_unlock(&played.lock);
}

static bool all_ended(void)
{
	bool ended;

	pthread_mutex_lock(&played.lock);
	ended = played.sent == played.ended;
	pthread_mutex_unlock(&played.lock);
	return ended;
}

/* ---- the plugin, and those who use it ---- */

static void nap(void)
{
	nanosleep(&(struct timespec){ .tv_nsec = 1000000 }, NULL);
}

static void take(struct checker *c, int state)
{
	HOLDS(state == DOWN || state == UP || state == GHOST || state == PENDING ||
	     state == TIMEOUT);
	c->path_state = state;
	results[state]++;
}

static void look(struct checker *c)
{
	c->msgid = 0;
	take(c, plugin.check(c, NULL));
	HOLDS(c->msgid >= 100);
	if (plugin.need_wait(c))
		take(c, plugin.pending(c, NULL));
	looks++;
}

static void *use(void *arg)
{
	struct checker paths[DISKS];

	for (unsigned int round = *(const unsigned int *)arg; round--;) {
		for (size_t i = 0; i < DISKS; i++) {
			paths[i] = (struct checker){
				.fd = disks[i].fd, .timeout = 1, .path_state = UNCHECKED
			};
			HOLDS(plugin.init(&paths[i]) == 0);
		}
		for (size_t i = 0; i < CHECKS * DISKS; i++)
			look(&paths[i % DISKS]);
		for (size_t i = 0; i < DISKS; i++)
			plugin.free(&paths[i]);
	}
	return NULL;
}

static atomic_bool stopped;

static void *disturb(void *arg)
{
	for (unsigned int i = 0; !stopped; i++) {
		hang(i % 4 == 0);
		plugin.reset();
		nap();
	}
	hang(false);
	return arg;
}

static void run(unsigned int rounds)
{
	pthread_t users[THREADS], other;

	HOLDS(pthread_create(&other, NULL, disturb, NULL) == 0);
	for (size_t i = 0; i < THREADS; i++)
		HOLDS(pthread_create(&users[i], NULL, use, &rounds) == 0);
	for (size_t i = 0; i < THREADS; i++)
		pthread_join(users[i], NULL);
	stopped = true;
	pthread_join(other, NULL);
	for (int i = 0; i < DEADLINE_MS && !all_ended(); i++)
		nap();
	HOLDS(all_ended());
}

int main(int argc, char **argv)
{
	if (argc != 4) {
		fprintf(stderr, "usage: %s PLUGIN inline|async ROUNDS\n", argv[0]);
		return 2;
	}
	host_sync = !strcmp(argv[2], "inline");
	make_disks();
	load(argv[1]);
	run((unsigned int)strtoul(argv[3], NULL, 10));
	HOLDS(dlclose(plugin.handle) == 0);
	for (int i = 0; i < 50; i++)
		nap(); /* threads of the plugin return into code that must still be there */
	printf("%u looks, %u lines, %u commands; up %u, down %u, pending %u, timeout %u\n", looks,
	       lines, played.sent, results[UP], results[DOWN], results[PENDING],
	       results[TIMEOUT]);
	HOLDS(results[UP] && results[PENDING]);
	return 0;
}
