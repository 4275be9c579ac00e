/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * mpathiscsi-probe: the probe engine's child. It is started by mpathiscsid with a socket
 * on descriptor 3, keeps the probe sessions it is told to keep, reports what they see,
 * and ends when the socket closes. One thread, no privileges, no files, no children.
 *
 * Exit status: 0 the engine went away, 100 started by hand, 101 nonsense from the engine,
 * 111 the system failed us.
 */
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common/clock.h"
#include "daemon/probe_confine.h"
#include "daemon/probe_fence.h"
#include "daemon/probe_link.h"
#include "daemon/probe_session.h"

enum { EXIT_DONE = 0, EXIT_USAGE = 100, EXIT_NONSENSE = 101, EXIT_SYSTEM = 111 };

/* How late our own loop may be before answers of that time are not judged. */
#define LATE_NS	      (50 * NS_PER_MS)
#define GOODBYE_NS    (400 * NS_PER_MS)
#define MESSAGES_TURN 64

/*
 * libiscsi reads by this one: the linker puts what a shared library wants and the program
 * has before the C library's. It must be in the program itself, never in a library of
 * ours, where it would be drawn into the daemon.
 */
ssize_t guarded_recv(int fd, void *buffer, size_t size, int flags) __asm__("recv")
	__attribute__((visibility("default"), used));
ssize_t guarded_recv(int fd, void *buffer, size_t size, int flags)
{
	return probe_link_recv(fd, buffer, size, flags);
}

/*
 * libiscsi takes CHAP's challenge to the target from rand(), with a seed that it would read from a
 * file, or else make of time and process id.
 */
int random_rand(void) __asm__("rand") __attribute__((visibility("default"), used));
int random_rand(void)
{
	unsigned int number;

	while (getrandom(&number, sizeof(number), 0) != (ssize_t)sizeof(number))
		;
	return (int)(number & RAND_MAX);
}

#ifdef __SANITIZE_ADDRESS__
/* The leak check traces its own process, which a confined one does not allow. */
__attribute__((visibility("default"))) const char *__asan_default_options(void);
const char *__asan_default_options(void)
{
	return "detect_leaks=0";
}
#endif

struct entry {
	struct probe_session *session;
	uint64_t due_ns; /* of its next tick; 0: now */
	bool changed;	 /* perhaps: something happened since the engine was told */
};

struct fence_entry {
	struct probe_fence *fence;
	uint64_t due_ns;
};

struct child {
	struct probe_config config;
	bool configured;
	bool leaving; /* the engine has gone: log out and end */
	uint64_t leave_ns;
	uint64_t beat_ns; /* when the next is due */
	bool said;	  /* something, in this turn */
	bool blocked;	  /* the engine's socket is full */
	size_t n;
	struct entry entries[PROBE_MAX_TARGETS];
	size_t n_fences;
	struct fence_entry fences[PROBE_MAX_FENCES];
	/* the engine, the sessions, the fences */
	struct pollfd polls[PROBE_MAX_TARGETS + PROBE_MAX_FENCES + 1];
};

/* The engine has changed the user already; what does not last over exec is done here. */
static void confine(void)
{
	const char *what;
	int r = probe_confine(PROBE_MAX_TARGETS * 2 + 64, &what);

	if (r < 0) {
		fprintf(stderr, "cannot confine itself: %s: %s\n", what, strerror(-r));
		exit(EXIT_SYSTEM);
	}
}

static bool send_message(struct child *child, const union probe_wire_message *message)
{
	ssize_t n = send(PROBE_WIRE_FD, message, message->header.size,
			 MSG_DONTWAIT | MSG_NOSIGNAL);

	if (n == (ssize_t)message->header.size) {
		child->said = true;
		return true;
	}
	child->blocked = true; /* or gone: poll will tell */
	return false;
}

static struct entry *find(struct child *child, uint32_t id)
{
	for (size_t i = 0; i < child->n; i++)
		if (probe_session_id(child->entries[i].session) == id)
			return &child->entries[i];
	return NULL;
}

static void nonsense(const char *what)
{
	fprintf(stderr, "%s from the engine\n", what);
	exit(EXIT_NONSENSE);
}

static void add(struct child *child, const struct probe_wire_add *message,
		uint64_t now_ns)
{
	struct probe_session *session;

	if (find(child, message->header.id) || child->n == PROBE_MAX_TARGETS)
		nonsense("one target too many");
	session = probe_session_new(message, &child->config, now_ns);
	if (!session) {
		fprintf(stderr, "out of memory\n");
		exit(EXIT_SYSTEM);
	}
	child->entries[child->n++] = (struct entry){.session = session};
}

static void begin_fence(struct child *child, const struct probe_wire_fence *message,
			uint64_t now_ns)
{
	struct probe_fence *fence;

	if (child->n_fences == PROBE_MAX_FENCES)
		nonsense("one fence too many");
	fence = probe_fence_new(message, now_ns);
	if (!fence) {
		fprintf(stderr, "out of memory\n");
		exit(EXIT_SYSTEM);
	}
	child->fences[child->n_fences++] = (struct fence_entry){.fence = fence};
}

static void obey(struct child *child, const union probe_wire_message *message,
		 uint64_t now_ns)
{
	struct entry *entry = find(child, message->header.id);

	if ((message->header.type == PROBE_WIRE_CONFIG) == child->configured)
		nonsense("message out of turn");
	switch (message->header.type) {
	case PROBE_WIRE_CONFIG:
		probe_wire_get_config(&child->config, &message->config);
		child->configured = true;
		break;
	case PROBE_WIRE_ADD:
		add(child, &message->add, now_ns);
		break;
	case PROBE_WIRE_UPDATE:
		if (entry) {
			probe_session_update(entry->session, message->update.flags);
			entry->due_ns = 0;
		}
		break;
	case PROBE_WIRE_REMOVE:
		if (entry) {
			probe_session_leave(entry->session, now_ns);
			entry->due_ns = 0;
		}
		break;
	case PROBE_WIRE_FENCE:
		begin_fence(child, &message->fence, now_ns);
		break;
	default:
		nonsense("unknown message");
	}
}

static void leave_all(struct child *child, uint64_t now_ns)
{
	child->leaving = true;
	child->leave_ns = now_ns + GOODBYE_NS;
	for (size_t i = 0; i < child->n; i++) {
		probe_session_leave(child->entries[i].session, now_ns);
		child->entries[i].due_ns = 0;
	}
}

static void listen_to_engine(struct child *child, uint64_t now_ns)
{
	union probe_wire_message message;

	for (int i = 0; i < MESSAGES_TURN && !child->leaving; i++) {
		ssize_t n = recv(PROBE_WIRE_FD, &message, sizeof(message),
				 MSG_DONTWAIT | MSG_TRUNC);

		if (n < 0 && (errno == EAGAIN || errno == EINTR))
			break;
		if (n <= 0) {
			leave_all(child, now_ns);
			break;
		}
		if (!probe_wire_valid(&message, (size_t)n, PROBE_WIRE_TO_CHILD, now_ns))
			nonsense("message that cannot be");
		obey(child, &message, now_ns);
	}
	explicit_bzero(&message, sizeof(message));
}

/* Tell the engine what has changed, at a beat every new time too; what finds no room is told when
 * there is some. */
static void tell(struct child *child, uint64_t now_ns)
{
	bool also_times = now_ns >= child->beat_ns;
	union probe_wire_message message;

	for (size_t i = 0; i < child->n && !child->leaving && !child->blocked; i++) {
		struct entry *entry = &child->entries[i];

		if (!entry->changed || probe_session_gone(entry->session))
			continue;
		probe_session_report(entry->session, &message);
		if (!probe_session_changed(entry->session, &message, also_times)) {
			entry->changed = !also_times;
			continue;
		}
		entry->changed = !send_message(child, &message);
		if (!entry->changed)
			probe_session_told(entry->session, &message);
	}
}

/* Forget the sessions that have gone, once the engine has been told. */
static void bury(struct child *child)
{
	union probe_wire_message message;
	size_t kept = 0;

	for (size_t i = 0; i < child->n; i++) {
		struct probe_session *session = child->entries[i].session;
		bool told = false;

		if (probe_session_gone(session) && !child->blocked) {
			probe_wire_begin(&message, PROBE_WIRE_GONE,
					 probe_session_id(session));
			told = child->leaving || send_message(child, &message);
		}
		if (told)
			probe_session_free(session);
		else
			child->entries[kept++] = child->entries[i];
	}
	child->n = kept;
}

/* In step with the moments at which idle targets are asked (probe_ping.c): one waking for both. */
static void beat(struct child *child, uint64_t now_ns)
{
	const uint64_t every_ns = PROBE_BEAT_MS * NS_PER_MS;
	union probe_wire_message message;

	if (!child->configured || child->leaving || now_ns < child->beat_ns)
		return;
	probe_wire_begin(&message, PROBE_WIRE_BEAT, 0);
	if (child->said || send_message(child, &message))
		child->beat_ns = (now_ns / every_ns + 1) * every_ns;
}

/* Fences: what is due, what is known, and what is over. Returns when to wake up next. */
static uint64_t tick_fences(struct child *child, uint64_t now_ns)
{
	union probe_wire_message message;
	uint64_t wake = UINT64_MAX;
	size_t kept = 0;

	for (size_t i = 0; i < child->n_fences; i++) {
		struct fence_entry *entry = &child->fences[i];

		if (now_ns >= entry->due_ns)
			entry->due_ns = probe_fence_tick(entry->fence, now_ns);
		if (!child->blocked && probe_fence_answer(entry->fence, &message) &&
		    send_message(child, &message))
			probe_fence_told(entry->fence);
		if (probe_fence_gone(entry->fence)) {
			probe_fence_free(entry->fence);
			continue;
		}
		if (entry->due_ns < wake)
			wake = entry->due_ns;
		child->fences[kept++] = *entry;
	}
	child->n_fences = kept;
	return wake;
}

/* Everything that is due; returns when to wake up next. */
static uint64_t tick_all(struct child *child, uint64_t now_ns)
{
	uint64_t wake =
		child->leaving ? child->leave_ns : now_ns + PROBE_BEAT_MS * NS_PER_MS;
	uint64_t fences;

	child->said = false;
	fences = tick_fences(child, now_ns);
	if (fences < wake)
		wake = fences;
	for (size_t i = 0; i < child->n; i++) {
		struct entry *entry = &child->entries[i];

		if (now_ns >= entry->due_ns) {
			entry->due_ns = probe_session_tick(entry->session, now_ns);
			entry->changed = true;
		}
		if (entry->due_ns < wake)
			wake = entry->due_ns;
	}
	tell(child, now_ns);
	bury(child);
	beat(child, now_ns);
	if (!child->leaving && child->beat_ns < wake && !child->blocked)
		wake = child->beat_ns;
	return wake;
}

static nfds_t prepare(struct child *child)
{
	child->polls[0] = (struct pollfd){
		.fd = child->leaving ? -1 : PROBE_WIRE_FD,
		.events = child->blocked ? POLLIN | POLLOUT : POLLIN,
	};
	for (size_t i = 0; i < child->n; i++) {
		child->polls[i + 1] = (struct pollfd){
			.fd = probe_session_fd(child->entries[i].session),
			.events = probe_session_events(child->entries[i].session),
		};
	}
	for (size_t i = 0; i < child->n_fences; i++) {
		child->polls[child->n + i + 1] = (struct pollfd){
			.fd = probe_fence_fd(child->fences[i].fence),
			.events = probe_fence_events(child->fences[i].fence),
		};
	}
	return child->n + child->n_fences + 1;
}

static uint64_t wait_until(struct child *child, uint64_t wake_ns)
{
	uint64_t now_ns = clock_now_ns();
	uint64_t wait_ns = wake_ns > now_ns ? wake_ns - now_ns : 0;
	struct timespec timeout = {
		.tv_sec = (time_t)(wait_ns / NS_PER_S),
		.tv_nsec = (long)(wait_ns % NS_PER_S),
	};

	if (ppoll(child->polls, prepare(child), &timeout, NULL) < 0 && errno != EINTR) {
		fprintf(stderr, "poll: %m\n");
		exit(EXIT_SYSTEM);
	}
	return clock_now_ns();
}

/* One turn. Sockets are read before any deadline is looked at, so that an answer that has
 * arrived is never held to be missing because we were slow. */
static uint64_t turn(struct child *child, uint64_t wake_ns)
{
	uint64_t now_ns = wait_until(child, wake_ns);
	size_t n = child->n;

	for (size_t i = 0; i < child->n_fences; i++) {
		short revents = child->polls[n + i + 1].revents;

		probe_fence_service(child->fences[i].fence, revents, now_ns);
		if (revents)
			child->fences[i].due_ns = 0;
	}
	for (size_t i = 0; i < n; i++) {
		struct entry *entry = &child->entries[i];

		if (now_ns > wake_ns + LATE_NS)
			probe_session_excuse(entry->session, now_ns - wake_ns);
		probe_session_service(entry->session, child->polls[i + 1].revents,
				      now_ns);
		if (child->polls[i + 1].revents || now_ns > wake_ns + LATE_NS)
			entry->due_ns = 0;
	}
	if (child->polls[0].revents & POLLOUT)
		child->blocked = false;
	if (child->polls[0].revents & ~POLLOUT)
		listen_to_engine(child, now_ns);
	return tick_all(child, clock_now_ns());
}

int main(int argc, char **argv)
{
	static struct child child;
	int type = 0;
	socklen_t length = sizeof(type);
	uint64_t wake_ns;

	(void)argv;
	if (argc != 1 || getsockopt(PROBE_WIRE_FD, SOL_SOCKET, SO_TYPE, &type, &length) ||
	    type != SOCK_SEQPACKET) {
		fprintf(stderr,
			"mpathiscsi-probe is started by mpathiscsid, not by hand\n");
		return EXIT_USAGE;
	}
	confine();
	wake_ns = clock_now_ns() + NS_PER_S;
	while (!child.leaving || (child.n && clock_now_ns() < child.leave_ns))
		wake_ns = turn(&child, wake_ns);
	for (size_t i = 0; i < child.n; i++)
		probe_session_free(child.entries[i].session);
	for (size_t i = 0; i < child.n_fences; i++)
		probe_fence_free(child.fences[i].fence);
	return EXIT_DONE;
}
