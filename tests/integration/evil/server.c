/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tests/integration/evil/evil.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>

#define BEHAVIOURS_MAX 250
/* Nothing of ours lives longer, whatever happens. */
#define LIFE_S	       900
#define CONNECTION_S   60

void evil_address(size_t behaviour, char *text, size_t size)
{
	snprintf(text, size, "127.66.0.%zu:%d", behaviour + 1, EVIL_PORT);
}

static int listen_for(size_t behaviour)
{
	struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(EVIL_PORT)};
	int one = 1, fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	address.sin_addr.s_addr = htonl(0x7f420001 + (uint32_t)behaviour);
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
	/* the window of who never reads is to close: small before it is announced */
	if (evil_table[behaviour].act == evil_closed_window)
		setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &one, sizeof(one));
	if (bind(fd, (struct sockaddr *)&address, sizeof(address)) || listen(fd, 64))
		return -1;
	return fd;
}

static void die_with(pid_t parent)
{
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() != parent)
		_exit(1);
}

static void serve(size_t behaviour, struct evil_seen *seen, int fd)
{
	static struct evil_peer peer;
	struct linger linger = {0};
	int one = 1;

	alarm(CONNECTION_S);
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
	peer = (struct evil_peer){.evil = &evil_table[behaviour],
				  .seen = &seen[behaviour],
				  .fd = fd,
				  .place = {.stat_sn = 1, .window = 32},
				  .random = seen[behaviour].connects};
	evil_serve(&peer);
	if (peer.fd < 0)
		return;
	shutdown(peer.fd, SHUT_WR);
	setsockopt(peer.fd, SOL_SOCKET, SO_LINGER, &linger, sizeof(linger));
}

static void take_one(size_t behaviour, struct evil_seen *seen, int listener)
{
	pid_t parent = getpid(), pid;
	int fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC);

	if (fd < 0)
		return;
	__atomic_add_fetch(&seen[behaviour].connects, 1, __ATOMIC_RELAXED);
	pid = fork();
	if (!pid) {
		die_with(parent);
		serve(behaviour, seen, fd);
		_exit(0);
	}
	close(fd);
}

static _Noreturn void run(struct evil_seen *seen, struct pollfd *polls)
{
	alarm(LIFE_S);
	signal(SIGCHLD, SIG_IGN); /* nobody waits for those that serve */
	while (poll(polls, evil_count, -1) > 0)
		for (size_t i = 0; i < evil_count; i++)
			if (polls[i].revents)
				take_one(i, seen, polls[i].fd);
	_exit(1);
}

pid_t evil_start(struct evil_seen *seen)
{
	static struct pollfd polls[BEHAVIOURS_MAX];
	pid_t parent = getpid(), pid;

	if (evil_count > BEHAVIOURS_MAX)
		return -1;
	for (size_t i = 0; i < evil_count; i++) {
		polls[i] = (struct pollfd){.fd = listen_for(i), .events = POLLIN};
		if (polls[i].fd < 0)
			return -1;
	}
	pid = fork();
	if (!pid) {
		die_with(parent);
		run(seen, polls);
	}
	for (size_t i = 0; i < evil_count; i++)
		close(polls[i].fd);
	return pid;
}
