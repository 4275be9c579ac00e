/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A link that is down for 50 ms must not cost an armed connection: a real one, to another
 * network namespace whose end of the cable is pulled. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <net/if.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/clock.h"
#include "daemon/quick/state.h"

#define FLAPS	   3
#define DOWN_US	   50000
#define ARMED_MS   500
#define REST_MS	   1200
#define REPLY_SIZE 48
#define FLAP	   'f'

static void run(const char *command)
{
	if (system(command) != 0) { /* NOLINT(cert-env33-c): a test's own words */
		fprintf(stderr, "failed: %s\n", command);
		_exit(1);
	}
}

static void pull(int fd, bool out)
{
	struct ifreq request = { .ifr_name = "f1" };

	if (ioctl(fd, SIOCGIFFLAGS, &request) < 0)
		_exit(2);
	request.ifr_flags = (short)(out ? request.ifr_flags & ~IFF_UP : request.ifr_flags | IFF_UP);
	if (ioctl(fd, SIOCSIFFLAGS, &request) < 0)
		_exit(3);
}

static void serve(int fd)
{
	char request[4096], reply[REPLY_SIZE] = { 0 };
	ssize_t n;

	while ((n = recv(fd, request, sizeof(request), 0)) > 0) {
		if (memchr(request, FLAP, (size_t)n)) {
			pull(fd, true);
			usleep(DOWN_US);
			pull(fd, false);
		}
		if (send(fd, reply, sizeof(reply), MSG_NOSIGNAL) < 0)
			break;
	}
	_exit(0);
}

/* The portal: tells through 'ready' that it has a namespace, and then that it listens. */
static void portal(int ready, int go)
{
	struct sockaddr_in at = { .sin_family = AF_INET, .sin_port = htons(3260) };
	char byte = 0;
	int fd;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (unshare(CLONE_NEWNET) < 0 || write(ready, &byte, 1) != 1 || read(go, &byte, 1) != 1)
		_exit(4);
	run("ip link set lo up && ip addr add 10.1.0.2/24 dev f1 && ip link set f1 up");
	fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd < 0 || bind(fd, (const struct sockaddr *)&at, sizeof(at)) < 0 || listen(fd, 1) < 0 ||
	    write(ready, &byte, 1) != 1)
		_exit(5);
	serve(accept(fd, NULL, NULL));
}

/* Its process, when it listens; -1: no namespaces here. */
static pid_t portal_start(void)
{
	char command[64], byte = 0;
	int ready[2], go[2];
	pid_t pid;

	if (unshare(CLONE_NEWNET) < 0)
		return -1;
	run("ip link set lo up && ip link add f0 type veth peer name f1 && "
	    "ip addr add 10.1.0.1/24 dev f0 && ip link set f0 up");
	assert_int_equal(pipe(ready) | pipe(go), 0);
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0)
		portal(ready[1], go[0]);
	assert_int_equal(read(ready[0], &byte, 1), 1);
	snprintf(command, sizeof(command), "ip link set f1 netns %d", (int)pid);
	run(command);
	assert_int_equal(write(go[1], &byte, 1), 1);
	assert_int_equal(read(ready[0], &byte, 1), 1);
	return pid;
}

static int connect_armed(void)
{
	struct sockaddr_in to = { .sin_family = AF_INET, .sin_port = htons(3260) };
	unsigned int armed = ARMED_MS;
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), one = 1;

	assert_true(fd >= 0);
	to.sin_addr.s_addr = htonl(0x0a010002);
	assert_int_equal(connect(fd, (const struct sockaddr *)&to, sizeof(to)), 0);
	assert_int_equal(setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one)), 0);
	assert_int_equal(setsockopt(fd, IPPROTO_TCP, TCP_USER_TIMEOUT, &armed, sizeof(armed)), 0);
	return fd;
}

struct scene {
	struct watch watch;
	struct quick quick;
	struct quick_session session;
	struct links *links;
	unsigned int news;
	bool lost;
};

static void on_news(struct quick *quick)
{
	struct scene *scene = (struct scene *)((char *)quick - offsetof(struct scene, quick));

	scene->news++;
	links_look(scene->links, quick, clock_now_ns());
	scene->lost |= link_is_lost(&scene->session);
}

static void open_scene(struct scene *scene, sd_event *event, int fd)
{
	memset(scene, 0, sizeof(*scene));
	scene->session = (struct quick_session){ .sid = 1, .present = true, .logged_in_ns = 1 };
	assert_int_equal(connection_of_socket(fd, &scene->session.connection), 0);
	scene->quick.watch = &scene->watch;
	scene->quick.sessions = &scene->session;
	scene->quick.n_sessions = 1;
	scene->quick.settings_known = true;
	assert_int_equal(links_new(event, &scene->quick, on_news, &scene->links), 0);
	links_look(scene->links, &scene->quick, clock_now_ns());
	assert_string_equal(scene->session.link.interface, "f0");
}

/* One request; how long its answer took. What the daemon does goes on meanwhile. */
static uint64_t ask(sd_event *event, int fd, char word)
{
	char request[64] = { word }, reply[REPLY_SIZE];
	uint64_t began_ns = clock_now_ns();
	ssize_t n;

	assert_int_equal(send(fd, request, sizeof(request), MSG_NOSIGNAL), sizeof(request));
	for (;;) {
		assert_true(sd_event_run(event, 2000) >= 0);
		n = recv(fd, reply, sizeof(reply), MSG_DONTWAIT | MSG_WAITALL);
		if (n < 0 && errno != EAGAIN)
			fail_msg("the connection ended: %s", strerror(errno));
		if (n > 0)
			return (clock_now_ns() - began_ns) / NS_PER_MS;
		assert_true(n < 0);
	}
}

static void test_flaps(void **state)
{
	sd_event *event;
	struct scene scene;
	pid_t pid = portal_start();
	uint64_t ms, longest = 0, until_ns;
	int fd;

	(void)state;
	if (pid < 0)
		skip();
	assert_true(sd_event_new(&event) >= 0);
	fd = connect_armed();
	open_scene(&scene, event, fd);
	for (int i = 0; i < FLAPS; i++) {
		ask(event, fd, 'x');
		assert_int_equal(send(fd, (char[]){ FLAP }, 1, MSG_NOSIGNAL), 1);
		/* the next goes out while the cable is out; two answers come */
		usleep(DOWN_US / 3);
		ms = ask(event, fd, 'x');
		longest = ms > longest ? ms : longest;
		for (until_ns = clock_now_ns() + REST_MS * NS_PER_MS; clock_now_ns() < until_ns;)
			assert_true(sd_event_run(event, 10000) >= 0);
		recv(fd, (char[REPLY_SIZE]){ 0 }, REPLY_SIZE, MSG_DONTWAIT);
	}
	assert_true(scene.news >= FLAPS);
	assert_false(scene.lost);
	print_message("longest request %llu ms\n", (unsigned long long)longest);
	close(fd);
	links_free(scene.links);
	sd_event_unref(event);
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_flaps) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
