/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The commands of mpathiscsi against a daemon that answers anything. The daemon is a thread
 * here, on a real socket. First byte: which command; second: 1 for a frame whose length is
 * right, 0 to send the bytes as they are; the rest is the answer, to each request the same.
 */
#include <arpa/inet.h>
#include <pthread.h>
#include <stdatomic.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "daemon/cli.h"
#include "daemon/control.h"
#include "tests/fuzz/fuzz.h"

static struct daemon {
	int fd;
	char path[64];
	pthread_mutex_t busy; /* while a connection is served */
	const uint8_t *answer;
	size_t size;
} server = {.busy = PTHREAD_MUTEX_INITIALIZER};

/* Take the whole request first: closing with unread bytes would be a reset. */
static void take_request(int fd)
{
	uint32_t length;
	char bytes[4096];

	if (recv(fd, &length, sizeof(length), MSG_WAITALL) != (ssize_t)sizeof(length))
		return;
	for (length = ntohl(length); length;) {
		ssize_t n = recv(fd, bytes, length < sizeof(bytes) ? length : sizeof(bytes), 0);

		if (n <= 0)
			return;
		length -= (uint32_t)n;
	}
}

static void answer(int fd)
{
	size_t sent = 0;

	take_request(fd);
	while (sent < server.size) {
		ssize_t n = send(fd, server.answer + sent, server.size - sent, MSG_NOSIGNAL);

		if (n <= 0)
			break;
		sent += (size_t)n;
	}
	close(fd);
}

static void *serve(void *arg)
{
	for (;;) {
		int fd = accept(server.fd, NULL, NULL);

		if (fd < 0)
			continue;
		pthread_mutex_lock(&server.busy);
		answer(fd);
		pthread_mutex_unlock(&server.busy);
	}
	return arg;
}

static void tidy(void)
{
	unlink(server.path);
}

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	pthread_t thread;

	(void)argc;
	(void)argv;
	snprintf(server.path, sizeof(server.path), "/tmp/fuzz-reply.%d", (int)getpid());
	strcpy(address.sun_path, server.path);
	unlink(server.path);
	server.fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	must(server.fd >= 0);
	must(bind(server.fd, (struct sockaddr *)&address, sizeof(address)) == 0);
	must(listen(server.fd, 8) == 0);
	must(pthread_create(&thread, NULL, serve, NULL) == 0);
	atexit(tidy);
	/* What the commands say is not looked at. */
	must((stdout = fopen("/dev/null", "w")));
	must((stderr = fopen("/dev/null", "w")));
	return 0;
}

static const struct {
	int (*run)(struct cli *cli, int argc, char **argv);
	const char *argv[6];
} commands[] = {
	{cli_status, {"status"}},
	{cli_status, {"status", "--timing"}},
	{cli_explain, {"explain", "mpatha"}},
	{cli_whatif, {"whatif", "mpatha", "--down", "portal=10.0.1.2"}},
	{cli_policy, {"policy", "show"}},
	{cli_policy, {"policy", "show", "mpatha"}},
	{cli_policy, {"policy", "show", "--default"}},
	{cli_policy, {"policy", "set", "--dry-run", "mpatha", "round-robin"}},
	{cli_policy, {"policy", "clear", "--dry-run", "mpatha"}},
	{cli_complete, {"complete", "luns"}},
	{cli_complete, {"complete", "expressions", "mpatha"}},
	{cli_complete, {"complete", "products"}},
	{cli_complete, {"complete", "targets"}},
	{cli_forgive, {"forgive", "mpatha"}},
};

static void run(unsigned int which, bool json)
{
	struct cli cli = {.control_path = server.path, .store_path = "/nowhere/policies", .json = json};
	char *argv[6] = {NULL};
	int argc = 0, r;

	which %= sizeof(commands) / sizeof(commands[0]);
	for (; commands[which].argv[argc]; argc++)
		must((argv[argc] = strdup(commands[which].argv[argc])));
	optind = 0;
	r = commands[which].run(&cli, argc, argv);
	must(r >= EXIT_OK && r <= EXIT_NOT_PERMITTED);
	while (argc--)
		free(argv[argc]);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct fuzz_bytes bytes = {data, size};
	uint8_t which = fuzz_byte(&bytes), how = fuzz_byte(&bytes);
	uint32_t length = htonl((uint32_t)bytes.size);
	size_t header = how & 1 ? sizeof(length) : 0;
	uint8_t *frame = malloc(bytes.size + header + 1);

	must(frame);
	if (header)
		memcpy(frame, &length, header);
	if (bytes.size)
		memcpy(frame + header, bytes.data, bytes.size);
	server.answer = frame;
	server.size = bytes.size + header;
	run(which, how & 2);
	/* A command that has had enough leaves while the rest is still sent. */
	pthread_mutex_lock(&server.busy);
	server.size = 0;
	pthread_mutex_unlock(&server.busy);
	free(frame);
	return 0;
}
