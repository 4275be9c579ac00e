/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <arpa/inet.h>
#include <errno.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "daemon/control.h"

static char folder[] = "/tmp/control.XXXXXX", path[64];

/* The server's whole program: answers {"request": X} with {"ok": true, "echo": X}. */
static struct json_object *echo(struct json_object *request, bool is_root, void *arg)
{
	struct json_object *value = json_object_object_get(request, "request"), *reply;

	(void)arg;
	if (!json_object_is_type(value, json_type_string))
		return NULL;
	reply = json_object_new_object();
	json_object_object_add(reply, "ok", json_object_new_boolean(true));
	json_object_object_add(reply, "root", json_object_new_boolean(is_root));
	json_object_object_add(reply, "echo", json_object_get(value));
	return reply;
}

static int serve(void)
{
	struct control *control;
	sd_event *event;

	if (sd_event_new(&event) < 0 || control_new(event, path, echo, NULL, &control) < 0)
		return 1;
	return sd_event_loop(event);
}

static pid_t server;

static int start(void **state)
{
	struct json_object *request = json_object_new_object(), *reply = NULL;
	int i;

	(void)state;
	if (!mkdtemp(folder))
		return -1;
	snprintf(path, sizeof(path), "%s/control", folder);
	server = fork();
	if (server == 0)
		_exit(serve());
	/* up when it answers; each try waits for the kernel, not for a clock */
	for (i = 0; i < 5000; i++) {
		if (control_request(path, request, 1000, &reply) == 0)
			break;
		usleep(1000);
	}
	json_object_put(request);
	json_object_put(reply);
	return i < 5000 ? 0 : -1;
}

static int stop(void **state)
{
	(void)state;
	kill(server, SIGKILL);
	waitpid(server, NULL, 0);
	unlink(path);
	return rmdir(folder);
}

static void ask(const char *text)
{
	struct json_object *request = json_object_new_object(), *reply = NULL;

	json_object_object_add(request, "request", json_object_new_string(text));
	assert_int_equal(control_request(path, request, 5000, &reply), 0);
	assert_true(json_object_get_boolean(json_object_object_get(reply, "ok")));
	assert_string_equal(json_object_get_string(json_object_object_get(reply, "echo")), text);
	assert_int_equal(json_object_get_boolean(json_object_object_get(reply, "root")),
			 geteuid() == 0);
	json_object_put(request);
	json_object_put(reply);
}

static void answers(void **state)
{
	char *big = malloc(CONTROL_REQUEST_MAX);

	(void)state;
	ask("status");
	ask("");
	assert_non_null(big);
	memset(big, 'x', CONTROL_REQUEST_MAX);
	big[CONTROL_REQUEST_MAX - 20] = '\0';
	ask(big);
	free(big);
}

static int raw(const void *data, size_t size, char *reply, size_t room)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);
	size_t got = 0;
	ssize_t n;

	strcpy(address.sun_path, path);
	assert_int_equal(connect(fd, (struct sockaddr *)&address, sizeof(address)), 0);
	assert_int_equal(send(fd, data, size, MSG_NOSIGNAL), size);
	shutdown(fd, SHUT_WR);
	while (got < room - 1 && (n = recv(fd, reply + got, room - 1 - got, 0)) > 0)
		got += (size_t)n;
	close(fd);
	reply[got > 4 ? got : 0] = '\0';
	return (int)got;
}

/* Wrong lengths, no JSON, not an object, cut short: an error reply or a closed door. */
static void nonsense(void **state)
{
	static const char *const bodies[] = {"[]", "{", "{}x", "null", "\"request\"", "{\"request\": 1}",
					     "{\"a\":{\"a\":{\"a\":{\"a\":{\"a\":{\"a\":{\"a\":{\"a\":1}}}}}}}}"};
	char reply[512], frame[256];
	uint32_t length;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(bodies) / sizeof(bodies[0]); i++) {
		length = htonl((uint32_t)strlen(bodies[i]));
		memcpy(frame, &length, 4);
		memcpy(frame + 4, bodies[i], strlen(bodies[i]));
		assert_true(raw(frame, 4 + strlen(bodies[i]), reply, sizeof(reply)) > 4);
		assert_non_null(strstr(reply + 4, "BAD_REQUEST"));
		/* cut by one byte: nothing to answer */
		assert_int_equal(raw(frame, 3 + strlen(bodies[i]), reply, sizeof(reply)), 0);
	}
	length = htonl(CONTROL_REQUEST_MAX + 1);
	assert_true(raw(&length, 4, reply, sizeof(reply)) > 4);
	assert_non_null(strstr(reply + 4, "BAD_REQUEST"));
	length = 0;
	assert_true(raw(&length, 4, reply, sizeof(reply)) > 4);
	ask("still there");
}

/* More connections than it takes, all silent: the next one is served when one goes. */
static void crowd(void **state)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	int fds[40], n;

	(void)state;
	strcpy(address.sun_path, path);
	for (n = 0; n < 40; n++) {
		fds[n] = socket(AF_UNIX, SOCK_STREAM, 0);
		assert_int_equal(connect(fds[n], (struct sockaddr *)&address, sizeof(address)), 0);
	}
	while (n-- > 0)
		close(fds[n]);
	ask("after the crowd");
}

static void nobody(void **state)
{
	struct json_object *request = json_object_new_object(), *reply;

	(void)state;
	assert_int_equal(control_request("/nonexistent/control", request, 100, &reply), -ENOENT);
	json_object_put(request);
}

/* Answers one connection with so many bytes, having read the request or not, and closes. */
static void answer_badly(int listener, bool reads, const char *reply, size_t size)
{
	char request[256];
	int fd = accept(listener, NULL, NULL);

	if (reads) { /* header and body may come apart */
		recv(fd, request, 4, MSG_WAITALL);
		recv(fd, request, sizeof(request), 0);
	}
	send(fd, reply, size, MSG_NOSIGNAL);
	close(fd);
	_exit(0);
}

static int ask_one_that(bool reads, const char *answer, size_t size)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	struct json_object *request = json_object_new_object(), *reply = NULL;
	int fd = socket(AF_UNIX, SOCK_STREAM, 0), r;
	pid_t pid;

	snprintf(address.sun_path, sizeof(address.sun_path), "%s/bad", folder);
	assert_int_equal(bind(fd, (struct sockaddr *)&address, sizeof(address)), 0);
	assert_int_equal(listen(fd, 1), 0);
	pid = fork();
	if (pid == 0)
		answer_badly(fd, reads, answer, size);
	close(fd);
	r = control_request(address.sun_path, request, 5000, &reply);
	waitpid(pid, NULL, 0);
	unlink(address.sun_path);
	json_object_put(request);
	json_object_put(reply);
	return r;
}

/* No answer is another thing than one that makes no sense: the first may come on asking again. */
static void closes_early(void **state)
{
	(void)state;
	assert_int_equal(ask_one_that(true, "", 0), -ECONNRESET);
	assert_int_equal(ask_one_that(false, "", 0), -ECONNRESET);
	assert_int_equal(ask_one_that(true, "\0\0", 2), -ECONNRESET);
	assert_int_equal(ask_one_that(true, "\0\0\0\2{", 5), -ECONNRESET);
	assert_int_equal(ask_one_that(true, "\0\0\0\2[]", 6), -EPROTO);
	assert_int_equal(ask_one_that(true, "\0\0\0\0", 4), -EPROTO);
	assert_int_equal(ask_one_that(true, "\0\0\0\2{}", 6), 0);
}

static void in_use(void **state)
{
	struct control *control = NULL;
	sd_event *event;

	(void)state;
	assert_int_equal(sd_event_new(&event), 0);
	assert_int_equal(control_new(event, path, echo, NULL, &control), -EADDRINUSE);
	sd_event_unref(event);
	ask("still the first one's");
}

/* A socket whose daemon was killed is replaced. */
static void left_behind(void **state)
{
	struct control *control = NULL;
	sd_event *event;

	(void)state;
	kill(server, SIGKILL);
	waitpid(server, NULL, 0);
	assert_int_equal(sd_event_new(&event), 0);
	assert_int_equal(control_new(event, path, echo, NULL, &control), 0);
	control_free(control);
	sd_event_unref(event);
	assert_int_equal(access(path, F_OK), -1);
	server = fork();
	if (server == 0)
		_exit(serve());
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(answers), cmocka_unit_test(nonsense),
		cmocka_unit_test(crowd),   cmocka_unit_test(nobody),
		cmocka_unit_test(in_use),  cmocka_unit_test(left_behind),
		cmocka_unit_test(closes_early),
	};

	return cmocka_run_group_tests_name("control", tests, start, stop);
}
