/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The participants' side of the driven clock: the C library's calls that read the time or wait.
 * Preloaded into programs (it then joins by itself), linked into the stand-ins, which call
 * day_join(). In a process that does not take part they are what they always are.
 */
#undef _FORTIFY_SOURCE /* its inline versions of what is defined here */
#include "tests/bench/day/clock.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/futex.h>
#include <linux/netlink.h>
#include <malloc.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/timerfd.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

#define EXPORT	 __attribute__((visibility("default")))
#define NS_PER_S 1000000000ULL
#define TIMERS	 8

int __poll_chk(struct pollfd *fds, nfds_t n, int timeout, size_t size);
int __ppoll_chk(struct pollfd *fds, nfds_t n, const struct timespec *timeout, const sigset_t *mask,
		size_t size);

/* A timer: armed for the driven clock here, for the kernel's only in the moment it expires. */
struct timer {
	int fd;
	uint64_t at_ns;
};

static struct day_clock *driven;
static struct day_slot *self, *child;
static struct timer timers[TIMERS];
static bool touched;	    /* something that another participant may wait for, since it slept */
static bool always_touches; /* a command: it also writes files that the daemon follows */

long day_futex_wait(_Atomic uint32_t *word, uint32_t value, int timeout_ms)
{
	struct timespec timeout = {timeout_ms / 1000, timeout_ms % 1000 * 1000000L};

	return syscall(SYS_futex, word, FUTEX_WAIT, value, timeout_ms < 0 ? NULL : &timeout, NULL,
		       0);
}

void day_futex_wake(_Atomic uint32_t *word)
{
	syscall(SYS_futex, word, FUTEX_WAKE, 1, NULL, NULL, 0);
}

struct day_clock *day_clock_open(int create)
{
	int fd = open(DAY_CLOCK, O_RDWR | O_CLOEXEC | (create ? O_CREAT | O_TRUNC : 0), 0666);
	struct day_clock *clock = MAP_FAILED;

	if (fd < 0)
		return NULL;
	if (!create || (fchmod(fd, 0666) == 0 && ftruncate(fd, sizeof(*clock)) == 0))
		clock = mmap(NULL, sizeof(*clock), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	close(fd);
	if (clock == MAP_FAILED)
		return NULL;
	if (create)
		clock->now_ns = DAY_BEGIN_NS;
	return clock;
}

struct day_slot *day_slot_take(struct day_clock *clock)
{
	for (size_t i = 0; i < DAY_SLOTS; i++) {
		uint32_t expected = DAY_FREE;

		if (atomic_compare_exchange_strong(&clock->slots[i].state, &expected,
						   DAY_STARTING))
			return &clock->slots[i];
	}
	static const char text[] = "the clock has no slot left\n";
	if (write(STDERR_FILENO, text, sizeof(text) - 1) < 0)
		_exit(125);
	_exit(125);
}

static uint64_t now_ns(void)
{
	return atomic_fetch_add(&driven->now_ns, DAY_TRICKLE) + DAY_TRICKLE;
}

static void tell_driver(void)
{
	atomic_fetch_add(&driven->news, 1);
	day_futex_wake(&driven->news);
}

/*
 * When all others sleep, and have seen the world as it is, who falls asleep need not wake the
 * driver: it sets the clock on itself. The one whose moment is next; NULL: the driver must see to
 * it.
 */
static struct day_slot *next_in_turn(uint64_t wake_ns, uint64_t looked, uint64_t *ret_ns)
{
	uint64_t next_ns = wake_ns, generation = driven->generation;
	struct day_slot *next = self;

	if (looked != generation)
		return NULL;
	for (size_t i = 0; i < DAY_SLOTS; i++) {
		struct day_slot *slot = &driven->slots[i];
		uint32_t state = slot->state;

		if (slot == self || state == DAY_FREE)
			continue;
		if (state != DAY_ASLEEP || slot->looked != generation)
			return NULL;
		if (slot->wake_ns < next_ns) {
			next_ns = slot->wake_ns;
			next = slot;
		}
	}
	*ret_ns = next_ns;
	return next_ns < driven->until_ns ? next : NULL;
}

static void fall_asleep(uint64_t wake_ns, uint64_t looked)
{
	uint32_t kick = self->kick;
	struct day_slot *next;
	uint64_t next_ns;

	if (atomic_exchange(&self->weigh, 0)) {
		struct mallinfo2 info = mallinfo2();

		self->heap = info.uordblks + info.hblkhd;
	}
	next = next_in_turn(wake_ns, looked, &next_ns);
	if (next && next_ns > driven->now_ns)
		driven->now_ns = next_ns;
	if (next == self)
		return;
	self->wake_ns = wake_ns;
	self->looked = looked;
	if (next) {
		next->state = DAY_RUNNING;
		driven->turns++;
	}
	self->state = DAY_ASLEEP;
	if (next) {
		next->kick++;
		day_futex_wake(&next->kick);
	} else {
		tell_driver();
	}
	while (self->kick == kick)
		day_futex_wait(&self->kick, kick, -1);
}

/* Those whose time has come are made to expire; returns when the next one does. */
static uint64_t expire_timers(uint64_t now)
{
	const struct itimerspec at_once = {.it_value = {.tv_nsec = 1}};
	uint64_t next = DAY_NEVER;

	for (size_t i = 0; i < TIMERS; i++) {
		struct pollfd pollfd = {.fd = timers[i].fd, .events = POLLIN};

		if (!timers[i].at_ns)
			continue;
		if (timers[i].at_ns > now) {
			next = timers[i].at_ns < next ? timers[i].at_ns : next;
			continue;
		}
		timers[i].at_ns = 0;
		if (syscall(SYS_timerfd_settime, timers[i].fd, 0, &at_once, NULL) == 0)
			syscall(SYS_ppoll, &pollfd, 1, NULL, NULL, 0);
	}
	return next;
}

/* Until look() finds something (or fails) or the deadline: what it returned last. */
static int await(int (*look)(const void *what), const void *what, uint64_t deadline_ns)
{
	/* What was done since the last time may concern others. */
	if (touched || always_touches)
		atomic_fetch_add(&driven->generation, 1);
	touched = false;
	for (;;) {
		uint64_t seen = driven->generation, now = now_ns(), next = expire_timers(now);
		int n = look(what);

		if (n || now >= deadline_ns)
			return n;
		fall_asleep(next < deadline_ns ? next : deadline_ns, seen);
	}
}

/* 'timeout' of poll() and the like, in ms; below 0: none. */
static uint64_t deadline(int timeout_ms)
{
	return timeout_ms < 0 ? DAY_NEVER : now_ns() + (uint64_t)timeout_ms * 1000000;
}

static uint64_t ns_of(const struct timespec *t)
{
	return (uint64_t)t->tv_sec * NS_PER_S + (uint64_t)t->tv_nsec;
}

struct polled {
	struct pollfd *fds;
	nfds_t n;
};

static int look_poll(const void *what)
{
	static const struct timespec none;
	const struct polled *polled = what;
	struct timespec copy = none;

	return (int)syscall(SYS_ppoll, polled->fds, polled->n, &copy, NULL, 0);
}

EXPORT int ppoll(struct pollfd *fds, nfds_t n, const struct timespec *timeout,
		 const sigset_t *mask)
{
	const struct polled polled = {fds, n};
	struct timespec copy;

	if (self)
		return await(look_poll, &polled, timeout ? now_ns() + ns_of(timeout) : DAY_NEVER);
	if (timeout)
		copy = *timeout;
	return (int)syscall(SYS_ppoll, fds, n, timeout ? &copy : NULL, mask, NSIG / 8);
}

EXPORT int poll(struct pollfd *fds, nfds_t n, int timeout)
{
	const struct polled polled = {fds, n};
	struct timespec real = {timeout / 1000, timeout % 1000 * 1000000L};

	if (self)
		return await(look_poll, &polled, deadline(timeout));
	return (int)syscall(SYS_ppoll, fds, n, timeout < 0 ? NULL : &real, NULL, 0);
}

EXPORT int __poll_chk(struct pollfd *fds, nfds_t n, int timeout, size_t size)
{
	(void)size;
	return poll(fds, n, timeout);
}

EXPORT int __ppoll_chk(struct pollfd *fds, nfds_t n, const struct timespec *timeout,
		       const sigset_t *mask, size_t size)
{
	(void)size;
	return ppoll(fds, n, timeout, mask);
}

struct epolled {
	int fd, max;
	struct epoll_event *events;
};

static int look_epoll(const void *what)
{
	const struct epolled *e = what;

	return (int)syscall(SYS_epoll_pwait, e->fd, e->events, e->max, 0, NULL, 0);
}

EXPORT int epoll_wait(int fd, struct epoll_event *events, int max, int timeout)
{
	const struct epolled epolled = {fd, max, events};

	if (self)
		return await(look_epoll, &epolled, deadline(timeout));
	return (int)syscall(SYS_epoll_pwait, fd, events, max, timeout, NULL, 0);
}

EXPORT int epoll_pwait2(int fd, struct epoll_event *events, int max,
			const struct timespec *timeout, const sigset_t *mask)
{
	const struct epolled epolled = {fd, max, events};

	(void)mask;
	if (self)
		return await(look_epoll, &epolled,
			     timeout ? now_ns() + ns_of(timeout) : DAY_NEVER);
	errno = ENOSYS; /* callers then take epoll_wait() */
	return -1;
}

static int look_nowhere(const void *what)
{
	(void)what;
	return 0;
}

EXPORT int nanosleep(const struct timespec *time, struct timespec *rest)
{
	if (self)
		return await(look_nowhere, NULL, now_ns() + ns_of(time));
	return (int)syscall(SYS_nanosleep, time, rest);
}

EXPORT int timerfd_settime(int fd, int flags, const struct itimerspec *new,
			   struct itimerspec *old)
{
	uint64_t value_ns = ns_of(&new->it_value);
	struct timer *timer = NULL;

	if (!self)
		return (int)syscall(SYS_timerfd_settime, fd, flags, new, old);
	for (size_t i = 0; i < TIMERS; i++)
		if (timers[i].fd == fd || (!timer && !timers[i].fd))
			timer = &timers[i];
	if (!timer) {
		errno = ENOMEM;
		return -1;
	}
	timer->fd = fd;
	timer->at_ns = !value_ns	       ? 0
		       : flags & TFD_TIMER_ABSTIME ? value_ns
						   : now_ns() + value_ns;
	return 0;
}

EXPORT int clock_gettime(clockid_t id, struct timespec *ret)
{
	bool calendar = id == CLOCK_REALTIME || id == CLOCK_REALTIME_COARSE || id == CLOCK_TAI;
	uint64_t now;

	if (!self || id == CLOCK_PROCESS_CPUTIME_ID || id == CLOCK_THREAD_CPUTIME_ID || id < 0)
		return (int)syscall(SYS_clock_gettime, id, ret);
	now = now_ns() + (calendar ? DAY_REALTIME_S * NS_PER_S : 0);
	*ret = (struct timespec){(time_t)(now / NS_PER_S), (long)(now % NS_PER_S)};
	return 0;
}

EXPORT time_t time(time_t *ret)
{
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	if (ret)
		*ret = now.tv_sec;
	return now.tv_sec;
}

EXPORT int gettimeofday(struct timeval *restrict ret, void *restrict zone)
{
	struct timespec now;

	(void)zone;
	clock_gettime(CLOCK_REALTIME, &now);
	*ret = (struct timeval){now.tv_sec, now.tv_nsec / 1000};
	return 0;
}

/* --- what others may wait for: bytes, ends of connections and of processes --- */

EXPORT ssize_t send(int fd, const void *data, size_t size, int flags)
{
	touched = true;
	return syscall(SYS_sendto, fd, data, size, flags, NULL, 0);
}

/* What the daemon asks of the kernel's sockets, ten times a second, concerns nobody else. */
static bool asks_kernel(int fd, const struct sockaddr *address)
{
	int protocol = 0;
	socklen_t size = sizeof(protocol);

	return address && address->sa_family == AF_NETLINK &&
	       getsockopt(fd, SOL_SOCKET, SO_PROTOCOL, &protocol, &size) == 0 &&
	       protocol == NETLINK_SOCK_DIAG;
}

EXPORT ssize_t sendto(int fd, const void *data, size_t size, int flags,
		      __CONST_SOCKADDR_ARG address, socklen_t length)
{
	touched |= !asks_kernel(fd, address.__sockaddr__);
	return syscall(SYS_sendto, fd, data, size, flags, address.__sockaddr__, length);
}

EXPORT ssize_t sendmsg(int fd, const struct msghdr *message, int flags)
{
	touched = true;
	return syscall(SYS_sendmsg, fd, message, flags);
}

EXPORT ssize_t write(int fd, const void *data, size_t size)
{
	touched |= fd > STDERR_FILENO;
	return syscall(SYS_write, fd, data, size);
}

EXPORT ssize_t writev(int fd, const struct iovec *parts, int n)
{
	touched = true;
	return syscall(SYS_writev, fd, parts, n);
}

EXPORT int connect(int fd, __CONST_SOCKADDR_ARG address, socklen_t length)
{
	touched = true;
	return (int)syscall(SYS_connect, fd, address.__sockaddr__, length);
}

EXPORT int shutdown(int fd, int how)
{
	touched = true;
	return (int)syscall(SYS_shutdown, fd, how);
}

EXPORT int close(int fd)
{
	struct stat info;

	touched |= !self || (fstat(fd, &info) == 0 && S_ISSOCK(info.st_mode));
	return (int)syscall(SYS_close, fd);
}

EXPORT int kill(pid_t pid, int number)
{
	touched = true;
	return (int)syscall(SYS_kill, pid, number);
}

/* A child has its slot before it exists: else time could run away while it starts. */
static void before_fork(void)
{
	child = self ? day_slot_take(driven) : NULL;
}

static void in_child(void)
{
	if (self)
		child->pid = getpid();
	self = NULL;
}

void day_join(struct day_clock *clock, struct day_slot *slot)
{
	driven = clock;
	slot->pid = getpid();
	slot->state = DAY_RUNNING;
	self = slot;
}

/* Preloaded: whoever forked us has written our number into a slot. */
__attribute__((constructor)) static void begin(void)
{
	struct day_clock *clock = day_clock_open(0);

	for (size_t i = 0; clock && i < DAY_SLOTS; i++)
		if (clock->slots[i].state == DAY_STARTING && clock->slots[i].pid == getpid()) {
			strncpy(clock->slots[i].name, program_invocation_short_name,
				sizeof(clock->slots[i].name) - 1);
			always_touches = !strcmp(clock->slots[i].name, "mpathiscsi");
			day_join(clock, &clock->slots[i]);
			pthread_atfork(before_fork, NULL, in_child);
			return;
		}
}

__attribute__((destructor)) static void end(void)
{
	if (!self)
		return;
	self->state = DAY_GONE;
	tell_driver();
	self = NULL;
}
