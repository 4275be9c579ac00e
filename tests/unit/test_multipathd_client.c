/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Both clients against a server that misbehaves in every way we could think of. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <errno.h>
#include <linux/sockios.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/clock.h"
#include "daemon/multipathd_async.h"
#include "daemon/multipathd_client.h"
#include "daemon/multipathd_wire.h"

#define LIMIT_NS (20 * NS_PER_S) /* nothing here takes so long unless it is broken */

enum manner {
	ANSWER, /* whole, at once */
	PIECES, /* byte by byte, each only when the one before has been read */
	BIG,	/* 3 MiB */
	HANG,	/* read the request, say nothing */
	DEAF,	/* accept, read nothing */
	CLOSE_AT_ONCE,
	CLOSE_IN_LENGTH,
	CLOSE_IN_REPLY,
	LENGTH_ZERO,
	LENGTH_HUGE, /* 32 MiB */
	LENGTH_GARBAGE,
	NO_NUL, /* a reply without its NUL */
	MORE,	/* bytes behind the reply */
	FAIL,
};

#define BIG_SIZE (3U << 20)

struct server {
	char name[64];
	int listener, stop[2];
	pthread_t thread;
	enum manner manner;
	char request[MULTIPATHD_REQUEST_MAX]; /* the last one */
	_Atomic unsigned int served;
};

static void write_all(int fd, const void *data, size_t size)
{
	const char *at = data;

	while (size) {
		ssize_t n = send(fd, at, size, MSG_NOSIGNAL);

		if (n <= 0)
			return; /* the client has gone: that is some tests' point */
		at += n;
		size -= (size_t)n;
	}
}

static void write_frame(int fd, const char *text, size_t size)
{
	write_all(fd, &size, sizeof(size));
	write_all(fd, text, size);
}

static void write_in_pieces(int fd, const char *text)
{
	size_t size = strlen(text) + 1;
	uint64_t limit = clock_now_ns() + LIMIT_NS;
	char frame[128];

	memcpy(frame, &size, sizeof(size));
	memcpy(frame + sizeof(size), text, size);
	for (size_t i = 0; i < sizeof(size) + size; i++) {
		int unread = 1;

		write_all(fd, frame + i, 1);
		while (!ioctl(fd, SIOCOUTQ, &unread) && unread && clock_now_ns() < limit)
			sched_yield();
	}
}

static bool read_request(struct server *s, int fd)
{
	size_t size, done = 0;

	if (recv(fd, &size, sizeof(size), MSG_WAITALL) != sizeof(size) || !size ||
	    size > sizeof(s->request))
		return false;
	while (done < size) {
		ssize_t n = recv(fd, s->request + done, size - done, 0);

		if (n <= 0)
			return false;
		done += (size_t)n;
	}
	return s->request[size - 1] == '\0';
}

/* Wait until the client closes, or the test is over. */
static void wait_for_end(struct server *s, int fd)
{
	struct pollfd fds[2] = {{.fd = fd, .events = POLLRDHUP},
				{.fd = s->stop[0], .events = POLLIN}};

	poll(fds, 2, (int)(LIMIT_NS / NS_PER_MS));
}

static void serve(struct server *s, int fd)
{
	static const size_t lengths[] = {0, MULTIPATHD_REPLY_MAX, SIZE_MAX / 3};
	size_t size = 100;
	char *big;

	if (s->manner == CLOSE_AT_ONCE)
		return;
	if (s->manner == DEAF) {
		wait_for_end(s, fd);
		return;
	}
	if (!read_request(s, fd))
		return;
	s->served++;
	switch (s->manner) {
	case ANSWER:
		write_frame(fd, "ok\n", 4);
		break;
	case PIECES:
		write_in_pieces(fd, "pid 7 idle\n");
		break;
	case BIG:
		big = malloc(BIG_SIZE);
		memset(big, 'x', BIG_SIZE - 1);
		big[BIG_SIZE - 1] = '\0';
		write_frame(fd, big, BIG_SIZE);
		free(big);
		break;
	case HANG:
		break;
	case CLOSE_IN_LENGTH:
		write_all(fd, &size, 3);
		return;
	case CLOSE_IN_REPLY:
		write_all(fd, &size, sizeof(size));
		write_all(fd, "half", 4);
		return;
	case LENGTH_ZERO:
	case LENGTH_HUGE:
	case LENGTH_GARBAGE:
		size = lengths[s->manner - LENGTH_ZERO];
		write_all(fd, &size, sizeof(size));
		break;
	case NO_NUL:
		write_frame(fd, "ok", 2);
		break;
	case MORE:
		write_frame(fd, "ok\n\0trailing", 4);
		write_all(fd, "trailing", 8);
		break;
	case FAIL:
		write_frame(fd, "fail\n", 6);
		break;
	default:
		break;
	}
	wait_for_end(s, fd);
}

static void *server_main(void *arg)
{
	struct server *s = arg;

	for (;;) {
		struct pollfd fds[2] = {{.fd = s->listener, .events = POLLIN},
					{.fd = s->stop[0], .events = POLLIN}};
		int fd;

		if (poll(fds, 2, -1) < 0 || fds[1].revents)
			return NULL;
		fd = accept4(s->listener, NULL, NULL, SOCK_CLOEXEC);
		if (fd < 0)
			return NULL;
		serve(s, fd);
		close(fd);
	}
}

static void server_listen(struct server *s, int backlog)
{
	static unsigned int serial;
	struct sockaddr_un address;
	socklen_t size;

	memset(s, 0, sizeof(*s));
	snprintf(s->name, sizeof(s->name), "@mpathiscsi-test-%d-%u", (int)getpid(),
		 serial++);
	assert_int_equal(multipathd_address(s->name, &address, &size), 0);
	s->listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	assert_true(s->listener >= 0);
	assert_int_equal(bind(s->listener, (struct sockaddr *)&address, size), 0);
	assert_int_equal(listen(s->listener, backlog), 0);
	assert_int_equal(pipe(s->stop), 0);
}

static void server_go(struct server *s)
{
	assert_int_equal(pthread_create(&s->thread, NULL, server_main, s), 0);
}

static void server_start(struct server *s, enum manner manner)
{
	server_listen(s, 8);
	s->manner = manner;
	server_go(s);
}

static void server_stop(struct server *s)
{
	close(s->stop[1]); /* its other end becomes readable, and stays so */
	pthread_join(s->thread, NULL);
	close(s->stop[0]);
	close(s->listener);
}

static uint64_t in_ms(uint64_t ms)
{
	return clock_now_ns() + ms * NS_PER_MS;
}

/* What a call gives with each manner. */
static const struct {
	enum manner manner;
	int error;
	unsigned int timeout_ms;
} manners[] = {
	{ANSWER, 0, 20000},
	{PIECES, 0, 20000},
	{BIG, 0, 20000},
	{NO_NUL, 0, 20000},
	{MORE, 0, 20000},
	{HANG, -ETIMEDOUT, 30},
	{DEAF, -ETIMEDOUT, 30},
	{CLOSE_AT_ONCE, -ECONNRESET, 20000},
	{CLOSE_IN_LENGTH, -ECONNRESET, 20000},
	{CLOSE_IN_REPLY, -ECONNRESET, 20000},
	{LENGTH_ZERO, -EPROTO, 20000},
	{LENGTH_HUGE, -EMSGSIZE, 20000},
	{LENGTH_GARBAGE, -EMSGSIZE, 20000},
	{FAIL, -EREMOTEIO, 20000},
};

#define N_MANNERS (sizeof(manners) / sizeof(manners[0]))

static void check_text(enum manner manner, const char *reply)
{
	switch (manner) {
	case PIECES:
		assert_string_equal(reply, "pid 7 idle\n");
		break;
	case BIG:
		assert_int_equal(strlen(reply), BIG_SIZE - 1);
		break;
	case NO_NUL:
		assert_string_equal(reply, "ok");
		break;
	default:
		assert_string_equal(reply, "ok\n");
	}
}

static void waiting_client(void **state)
{
	(void)state;
	for (size_t i = 0; i < N_MANNERS; i++) {
		uint64_t start = clock_now_ns();
		char *reply = NULL;
		struct server s;
		int r;

		server_start(&s, manners[i].manner);
		r = multipathd_call(s.name, "show daemon", in_ms(manners[i].timeout_ms),
				    &reply);
		if (r != manners[i].error)
			fail_msg("manner %d: %d instead of %d", manners[i].manner, r,
				 manners[i].error);
		if (r)
			assert_null(reply);
		else
			check_text(manners[i].manner, reply);
		free(reply);
		server_stop(&s);
		if (manners[i].manner != CLOSE_AT_ONCE && manners[i].manner != DEAF)
			assert_string_equal(s.request, "show daemon");
		assert_true(clock_now_ns() - start < LIMIT_NS);
	}
}

static void waiting_client_parses(void **state)
{
	struct mp_daemon daemon;
	struct mp_path *paths;
	struct server s;
	size_t n;

	(void)state;
	server_start(&s, PIECES);
	assert_int_equal(multipathd_daemon(s.name, in_ms(20000), &daemon), 0);
	assert_int_equal(daemon.pid, 7);
	assert_int_equal(multipathd_paths(s.name, in_ms(20000), &paths, &n), -EPROTO);
	server_stop(&s);
	assert_string_equal(s.request, MP_SHOW_PATHS);
}

/* A full backlog: connect() itself must not wait for ever. */
static void waiting_client_full_backlog(void **state)
{
	struct server s;
	int filler[16];
	size_t n = 0;

	(void)state;
	server_listen(&s, 0);
	while (n < 16 && (filler[n] = multipathd_connect(s.name, 0)) >= 0)
		n++;
	assert_true(n < 16);
	assert_int_equal(filler[n], -EAGAIN);
	assert_int_equal(multipathd_command(s.name, "reconfigure", in_ms(30)),
			 -ETIMEDOUT);
	while (n)
		close(filler[--n]);
	server_go(&s);
	server_stop(&s);
}

static void nobody_there(void **state)
{
	int r = multipathd_command("@mpathiscsi-test-nobody", "show daemon", in_ms(1000));

	(void)state;
	assert_int_equal(r, -ECONNREFUSED);
	assert_true(multipathd_not_running(r));
	r = multipathd_command("/nonexistent/socket", "show daemon", in_ms(1000));
	assert_int_equal(r, -ENOENT);
	assert_true(multipathd_not_running(r));
	assert_false(multipathd_not_running(-ETIMEDOUT));
	assert_int_equal(multipathd_command("@x", "show daemon", 0), -ETIMEDOUT);
}

static void environment_names_the_socket(void **state)
{
	struct server s;

	(void)state;
	server_start(&s, ANSWER);
	setenv(MULTIPATHD_ENVIRONMENT, s.name, 1);
	assert_int_equal(multipathd_command(NULL, "show daemon", in_ms(20000)), 0);
	unsetenv(MULTIPATHD_ENVIRONMENT);
	server_stop(&s);
	assert_int_equal(s.served, 1);
}

static void addresses(void **state)
{
	struct sockaddr_un address;
	char longest[120];
	socklen_t size;

	(void)state;
	assert_int_equal(multipathd_address("@/a/b", &address, &size), 0);
	assert_int_equal(size, offsetof(struct sockaddr_un, sun_path) + 5);
	assert_memory_equal(address.sun_path, "\0/a/b", 5);
	assert_int_equal(multipathd_address("/a/b", &address, &size), 0);
	assert_int_equal(size, offsetof(struct sockaddr_un, sun_path) + 5);
	assert_string_equal(address.sun_path, "/a/b");
	assert_int_equal(multipathd_address("", &address, &size), -EINVAL);
	assert_int_equal(multipathd_address("@", &address, &size), -EINVAL);
	memset(longest, 'x', sizeof(longest));
	longest[0] = '@';
	longest[sizeof(address.sun_path)] = '\0';
	assert_int_equal(multipathd_address(longest, &address, &size), 0);
	longest[0] = '/';
	assert_int_equal(multipathd_address(longest, &address, &size), -ENAMETOOLONG);
	longest[sizeof(address.sun_path) - 1] = '\0';
	assert_int_equal(multipathd_address(longest, &address, &size), 0);
	longest[0] = '@';
	longest[sizeof(address.sun_path) - 1] = 'x';
	longest[sizeof(address.sun_path)] = 'x';
	longest[sizeof(address.sun_path) + 1] = '\0';
	assert_int_equal(multipathd_address(longest, &address, &size), -ENAMETOOLONG);
}

static void requests_out_of_bounds(void **state)
{
	char request[MULTIPATHD_REQUEST_MAX + 1];
	struct server s;

	(void)state;
	server_start(&s, ANSWER);
	memset(request, 'x', sizeof(request));
	request[MULTIPATHD_REQUEST_MAX - 1] = '\0';
	assert_int_equal(multipathd_command(s.name, request, in_ms(20000)), 0);
	request[MULTIPATHD_REQUEST_MAX - 1] = 'x';
	request[MULTIPATHD_REQUEST_MAX] = '\0';
	assert_int_equal(multipathd_command(s.name, request, in_ms(20000)), -EMSGSIZE);
	assert_int_equal(multipathd_command(s.name, "", in_ms(20000)), -EINVAL);
	server_stop(&s);
	assert_int_equal(s.served, 1);
}

/* The event-driven client. */

struct answer {
	unsigned int calls;
	int error;
	char *reply;
	unsigned int order;
	struct multipathd *again; /* submit another from the callback */
	struct answer *next;
};

static unsigned int answers;

static void on_answer(void *arg, int error, const char *reply)
{
	struct answer *a = arg;

	a->calls++;
	a->error = error;
	a->order = ++answers;
	free(a->reply);
	a->reply = reply ? strdup(reply) : NULL;
	if (a->again)
		assert_int_equal(
			multipathd_submit(a->again, "again", 20000, on_answer, a->next),
			0);
}

static void loop_until_idle(sd_event *event, struct multipathd *m)
{
	uint64_t limit = clock_now_ns() + LIMIT_NS;

	while (multipathd_pending(m)) {
		assert_true(sd_event_run(event, 100000) >= 0);
		assert_true(clock_now_ns() < limit);
	}
}

static int on_tick(sd_event_source *source, uint64_t usec, void *arg)
{
	(void)usec;
	++*(unsigned int *)arg;
	assert_true(sd_event_source_set_time_relative(source, 1000) >= 0);
	assert_true(sd_event_source_set_enabled(source, SD_EVENT_ONESHOT) >= 0);
	return 0;
}

static void event_client(void **state)
{
	(void)state;
	for (size_t i = 0; i < N_MANNERS; i++) {
		struct answer a = {0};
		struct multipathd *m;
		sd_event_source *tick;
		unsigned int ticks = 0;
		struct server s;
		sd_event *event;

		server_start(&s, manners[i].manner);
		assert_true(sd_event_new(&event) >= 0);
		assert_int_equal(multipathd_new(event, s.name, &m), 0);
		assert_true(sd_event_add_time_relative(event, &tick, CLOCK_MONOTONIC,
						       1000, 1, on_tick, &ticks) >= 0);
		assert_int_equal(multipathd_submit(m, "show daemon",
						   manners[i].timeout_ms, on_answer, &a),
				 0);
		assert_int_equal(a.calls, 0);
		loop_until_idle(event, m);
		assert_int_equal(a.calls, 1);
		if (a.error != manners[i].error)
			fail_msg("manner %d: %d instead of %d", manners[i].manner,
				 a.error, manners[i].error);
		if (!a.error)
			check_text(manners[i].manner, a.reply);
		if (manners[i].manner == FAIL)
			assert_string_equal(a.reply, "fail\n");
		if (a.error == -ETIMEDOUT) /* the loop went on meanwhile */
			assert_true(ticks >= 1); /* a busy machine may grant no more */
		free(a.reply);
		sd_event_source_unref(tick);
		multipathd_free(m);
		sd_event_unref(event);
		server_stop(&s);
	}
}

static void event_client_keeps_order(void **state)
{
	struct answer a[20] = {0}, extra = {0};
	struct multipathd *m;
	struct server s;
	sd_event *event;

	(void)state;
	answers = 0;
	server_start(&s, ANSWER);
	assert_true(sd_event_new(&event) >= 0);
	assert_int_equal(multipathd_new(event, s.name, &m), 0);
	a[3].again = m;
	a[3].next = &extra;
	for (size_t i = 0; i < 20; i++)
		assert_int_equal(
			multipathd_submit(m, "show daemon", 20000, on_answer, &a[i]), 0);
	assert_int_equal(multipathd_pending(m), 20);
	loop_until_idle(event, m);
	for (size_t i = 0; i < 20; i++) {
		assert_int_equal(a[i].error, 0);
		assert_int_equal(a[i].calls, 1);
		assert_int_equal(a[i].order, i + 1);
		free(a[i].reply);
	}
	assert_int_equal(extra.order, 21);
	free(extra.reply);
	multipathd_free(m);
	sd_event_unref(event);
	server_stop(&s);
	assert_int_equal(s.served, 21);
}

/* One that hangs costs the others nothing but its own deadline; theirs run meanwhile. */
static void event_client_deadlines_in_queue(void **state)
{
	struct answer slow = {0}, waiting = {0}, after = {0};
	struct multipathd *m;
	uint64_t limit = clock_now_ns() + LIMIT_NS;
	struct server s;
	sd_event *event;

	(void)state;
	answers = 0;
	server_start(&s, HANG);
	assert_true(sd_event_new(&event) >= 0);
	assert_int_equal(multipathd_new(event, s.name, &m), 0);
	assert_int_equal(multipathd_submit(m, "first", 150, on_answer, &slow), 0);
	assert_int_equal(multipathd_submit(m, "second", 20, on_answer, &waiting), 0);
	assert_int_equal(multipathd_submit(m, "third", 20000, on_answer, &after), 0);
	while ((!slow.calls || s.served < 2) && clock_now_ns() < limit)
		assert_true(sd_event_run(event, 10000) >= 0);
	assert_int_equal(waiting.error, -ETIMEDOUT);
	assert_int_equal(waiting.order, 1);
	assert_int_equal(slow.order, 2);
	assert_int_equal(multipathd_pending(m), 1);
	multipathd_free(m);
	assert_int_equal(after.error, -ECANCELED);
	sd_event_unref(event);
	server_stop(&s);
	assert_int_equal(s.served, 2); /* the second was never sent */
	assert_string_equal(s.request, "third");
}

static void event_client_bounds(void **state)
{
	static struct answer a[MULTIPATHD_QUEUE_MAX];
	char request[MULTIPATHD_REQUEST_MAX + 1];
	struct multipathd *m;
	sd_event *event;

	(void)state;
	memset(request, 'x', sizeof(request));
	request[MULTIPATHD_REQUEST_MAX] = '\0';
	assert_true(sd_event_new(&event) >= 0);
	assert_int_equal(multipathd_new(event, "@mpathiscsi-test-nobody", &m), 0);
	assert_int_equal(multipathd_submit(m, request, 1000, on_answer, &a[0]),
			 -EMSGSIZE);
	assert_int_equal(multipathd_submit(m, "", 1000, on_answer, &a[0]), -EINVAL);
	for (size_t i = 0; i < MULTIPATHD_QUEUE_MAX; i++)
		assert_int_equal(multipathd_submit(m, "x", 60000, on_answer, &a[i]), 0);
	assert_int_equal(multipathd_submit(m, "x", 60000, on_answer, &a[0]), -ENOBUFS);
	multipathd_free(m);
	for (size_t i = 0; i < MULTIPATHD_QUEUE_MAX; i++) {
		assert_int_equal(a[i].calls, 1);
		assert_int_equal(a[i].error, -ECANCELED);
	}
	sd_event_unref(event);
}

static void event_client_nobody_there(void **state)
{
	struct answer a = {0}, b = {0};
	struct multipathd *m;
	sd_event *event;

	(void)state;
	assert_true(sd_event_new(&event) >= 0);
	assert_int_equal(multipathd_new(event, "@mpathiscsi-test-nobody", &m), 0);
	assert_int_equal(multipathd_submit(m, "x", 60000, on_answer, &a), 0);
	assert_int_equal(multipathd_submit(m, "x", 60000, on_answer, &b), 0);
	loop_until_idle(event, m);
	assert_int_equal(a.error, -ECONNREFUSED);
	assert_int_equal(b.error, -ECONNREFUSED);
	multipathd_free(m);
	sd_event_unref(event);
}

/* A full backlog is tried again until there is room, or the deadline. */
static void event_client_full_backlog(void **state)
{
	struct answer early = {0}, late = {0};
	struct multipathd *m;
	struct server s;
	sd_event *event;
	int filler[16];
	size_t n = 0;

	(void)state;
	server_listen(&s, 0);
	while (n < 16 && (filler[n] = multipathd_connect(s.name, 0)) >= 0)
		n++;
	assert_true(n < 16);
	assert_true(sd_event_new(&event) >= 0);
	assert_int_equal(multipathd_new(event, s.name, &m), 0);
	assert_int_equal(multipathd_submit(m, "early", 30, on_answer, &early), 0);
	loop_until_idle(event, m);
	assert_int_equal(early.error, -ETIMEDOUT);
	assert_int_equal(multipathd_submit(m, "late", 20000, on_answer, &late), 0);
	assert_true(sd_event_run(event, 0) >= 0);
	while (n)
		close(filler[--n]);
	server_go(&s);
	loop_until_idle(event, m);
	assert_int_equal(late.error, 0);
	free(late.reply);
	multipathd_free(m);
	sd_event_unref(event);
	server_stop(&s);
	assert_string_equal(s.request, "late");
}

/* Listens as nobody, until it is killed. */
static void impostor(const char *name, int ready)
{
	struct sockaddr_un address;
	socklen_t size;
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);

	if (setresuid(65534, 65534, 65534) || multipathd_address(name, &address, &size) ||
	    bind(fd, (const struct sockaddr *)&address, size) || listen(fd, 5) ||
	    write(ready, "x", 1) != 1)
		_exit(1);
	for (;;)
		pause();
}

/* An abstract name that multipathd does not have just now is anybody's. */
static void nobody_poses_as_multipathd(void **state)
{
	char name[64], byte;
	int ready[2];
	pid_t child;

	(void)state;
	if (geteuid() != 0)
		skip();
	snprintf(name, sizeof(name), "@mpathiscsi-impostor-%d", (int)getpid());
	assert_int_equal(pipe(ready), 0);
	child = fork();
	assert_true(child >= 0);
	if (child == 0)
		impostor(name, ready[1]);
	close(ready[1]);
	assert_int_equal(read(ready[0], &byte, 1), 1);
	close(ready[0]);
	assert_int_equal(multipathd_connect(name, 1000), -EACCES);
	assert_int_equal(multipathd_connect(name, 0), -EACCES);
	kill(child, SIGKILL);
	assert_int_equal(waitpid(child, NULL, 0), child);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(addresses),
		cmocka_unit_test(nobody_poses_as_multipathd),
		cmocka_unit_test(waiting_client),
		cmocka_unit_test(waiting_client_parses),
		cmocka_unit_test(waiting_client_full_backlog),
		cmocka_unit_test(nobody_there),
		cmocka_unit_test(environment_names_the_socket),
		cmocka_unit_test(requests_out_of_bounds),
		cmocka_unit_test(event_client),
		cmocka_unit_test(event_client_keeps_order),
		cmocka_unit_test(event_client_deadlines_in_queue),
		cmocka_unit_test(event_client_bounds),
		cmocka_unit_test(event_client_nobody_there),
		cmocka_unit_test(event_client_full_backlog),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
