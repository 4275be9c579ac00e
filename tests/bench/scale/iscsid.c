/* SPDX-License-Identifier: GPL-2.0-or-later */
/* iscsid: keeps the initiator's end of the sessions' connections. */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "tests/bench/scale/scale.h"

#define CONNECT_TRIES 1000 /* 10 s */

enum what { LOGIN, LOGOUT, LIVES };

struct order {
	enum what what;
	unsigned int place, portal;
};

static struct sockaddr_in address(unsigned int n, unsigned int last, uint16_t port)
{
	struct sockaddr_in a = {.sin_family = AF_INET, .sin_port = htons(port)};

	a.sin_addr.s_addr = htonl(10U << 24 | n << 8 | last);
	return a;
}

/* A portal that was cut may be about to open again: wait for it. */
static int connect_to(unsigned int n, uint16_t *ret_port)
{
	struct sockaddr_in peer = address(n, 2, SCALE_PORT), own;
	socklen_t size = sizeof(own);

	for (int tries = 0; tries < CONNECT_TRIES; tries++) {
		int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

		own = address(n, 1, 0);
		if (bind(fd, (const struct sockaddr *)&own, sizeof(own)) == 0 &&
		    connect(fd, (const struct sockaddr *)&peer, sizeof(peer)) == 0 &&
		    getsockname(fd, (struct sockaddr *)&own, &size) == 0) {
			*ret_port = ntohs(own.sin_port);
			return fd;
		}
		close(fd);
		poll(NULL, 0, 10);
	}
	scale_die("connection to portal %u: %s", n, strerror(errno));
}

/* Nothing is ever said on it: anything but silence is its end. */
static bool lives(int fd)
{
	char byte;

	return fd >= 0 && recv(fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT) < 0 && errno == EAGAIN;
}

static uint16_t obey(int *fd, const struct order *order)
{
	uint16_t port = 0;

	if (order->what == LIVES)
		return lives(*fd);
	if (*fd >= 0)
		close(*fd);
	*fd = order->what == LOGIN ? connect_to(order->portal, &port) : -1;
	return port;
}

/* The answer is the local port, or whether it lives. */
__attribute__((noreturn)) static void serve(int commands)
{
	int connections[SCALE_PORTALS];
	struct order order;
	uint16_t port;

	memset(connections, -1, sizeof(connections));
	while (read(commands, &order, sizeof(order)) == sizeof(order)) {
		port = obey(&connections[order.place], &order);
		if (write(commands, &port, sizeof(port)) < 0)
			break;
	}
	_exit(0);
}

void scale_iscsid_start(struct scale_iscsid *iscsid)
{
	int sockets[2];

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, sockets) < 0)
		scale_die("socketpair: %s", strerror(errno));
	iscsid->pid = fork();
	if (iscsid->pid == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		prctl(PR_SET_NAME, "iscsid"); /* the daemon looks for it */
		close(sockets[0]);
		serve(sockets[1]);
	}
	close(sockets[1]);
	iscsid->commands = sockets[0];
}

static uint16_t ask(const struct scale_iscsid *iscsid, struct order order)
{
	uint16_t port = 0;

	if (write(iscsid->commands, &order, sizeof(order)) != sizeof(order) ||
	    read(iscsid->commands, &port, sizeof(port)) != sizeof(port))
		scale_die("iscsid is gone");
	return port;
}

uint16_t scale_iscsid_login(const struct scale_iscsid *iscsid, unsigned int place,
			    unsigned int portal)
{
	return ask(iscsid, (struct order){.what = LOGIN, .place = place, .portal = portal});
}

void scale_iscsid_logout(const struct scale_iscsid *iscsid, unsigned int place)
{
	ask(iscsid, (struct order){.what = LOGOUT, .place = place});
}

bool scale_iscsid_lives(const struct scale_iscsid *iscsid, unsigned int place)
{
	return ask(iscsid, (struct order){.what = LIVES, .place = place});
}
