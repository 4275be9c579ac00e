/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The target behind its portals: grants logins, answers NOPs, and holds connections on
 * which nothing is ever said: those of the sessions.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "tests/bench/scale/scale.h"

#define CONNECTIONS 256
#define PDU	    48

struct talk {
	int fd;
	unsigned int portal;
	uint32_t stat_sn;
	size_t have;
	uint8_t in[PDU + 8192];
};

struct target {
	int command;
	int listeners[SCALE_PORTALS + 1]; /* -1: that portal is cut */
	bool silent[SCALE_PORTALS + 1];	  /* takes, and answers nothing */
	struct talk *talks[CONNECTIONS];
	size_t n;
};

void scale_network(void)
{
	char command[192];

	if (system("ip link set lo up"))
		scale_die("ip link set lo up failed");
	for (int n = 1; n <= SCALE_PORTALS; n++) {
		snprintf(command, sizeof(command),
			 "ip addr add 10.0.%d.1/32 dev lo && ip addr add 10.0.%d.2/32 "
			 "dev lo && "
			 "ip route replace local 10.0.%d.2 dev lo table local src "
			 "10.0.%d.1",
			 n, n, n, n);
		if (system(command))
			scale_die("%s failed", command);
	}
}

static struct sockaddr_in address(unsigned int n, unsigned int last, uint16_t port)
{
	struct sockaddr_in a = {.sin_family = AF_INET, .sin_port = htons(port)};

	a.sin_addr.s_addr = htonl(10U << 24 | n << 8 | last);
	return a;
}

static int listen_at(unsigned int n)
{
	struct sockaddr_in a = address(n, 2, SCALE_PORT);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), on = 1;

	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	if (bind(fd, (const struct sockaddr *)&a, sizeof(a)) < 0 || listen(fd, 16) < 0)
		scale_die("portal %u: %s", n, strerror(errno));
	return fd;
}

static uint32_t get32(const uint8_t *p)
{
	return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

static void put32(uint8_t *p, uint32_t value)
{
	for (int i = 0; i < 4; i++)
		p[i] = (uint8_t)(value >> (24 - 8 * i));
}

/* RFC 7143, 11.13 and 11.18: the least that an initiator needs. False: close. */
static bool answer(struct talk *talk)
{
	uint8_t pdu[PDU + 20] = {0};
	bool immediate = talk->in[0] & 0x40;
	uint32_t cmd_sn = get32(talk->in + 24);
	const char *text = talk->in[1] & 0x0c ? "HeaderDigest=None" : "AuthMethod=None";
	size_t size = PDU;

	memcpy(pdu + 16, talk->in + 16, 4);
	put32(pdu + 24, talk->stat_sn++);
	put32(pdu + 28, immediate ? cmd_sn : cmd_sn + 1);
	put32(pdu + 32, cmd_sn + 32);
	pdu[1] = 0x80;
	switch (talk->in[0] & 0x3f) {
	case 0x03: /* login */
		pdu[0] = 0x23;
		pdu[1] = talk->in[1];
		memcpy(pdu + 8, talk->in + 8, 6);
		put32(pdu + 4, (uint32_t)strlen(text) + 1);
		memcpy(pdu + PDU, text, strlen(text) + 1);
		size += (strlen(text) + 4) & ~(size_t)3;
		break;
	case 0x00: /* NOP */
		if (get32(talk->in + 16) == 0xffffffff)
			return true;
		pdu[0] = 0x20;
		put32(pdu + 20, 0xffffffff);
		break;
	case 0x06: /* logout */
		pdu[0] = 0x26;
		break;
	default:
		return false;
	}
	return send(talk->fd, pdu, size, MSG_NOSIGNAL) == (ssize_t)size;
}

/* Bytes have come. False: close. */
static bool take(struct talk *talk, bool silent)
{
	ssize_t n =
		recv(talk->fd, talk->in + talk->have, sizeof(talk->in) - talk->have, 0);

	if (n <= 0)
		return false;
	talk->have += (size_t)n;
	while (talk->have >= PDU) {
		size_t size = PDU + (((get32(talk->in + 4) & 0xffffff) + 3) & ~3UL);

		if (size > sizeof(talk->in))
			return false;
		if (talk->have < size)
			return true;
		if (!silent && !answer(talk))
			return false;
		talk->have -= size;
		memmove(talk->in, talk->in + size, talk->have);
	}
	return true;
}

static void drop(struct target *target, size_t i)
{
	close(target->talks[i]->fd);
	free(target->talks[i]);
	target->talks[i] = target->talks[--target->n];
}

static void welcome(struct target *target, unsigned int portal)
{
	int fd = accept4(target->listeners[portal], NULL, NULL, SOCK_CLOEXEC);
	struct talk *talk =
		fd >= 0 && target->n < CONNECTIONS ? calloc(1, sizeof(*talk)) : NULL;

	if (!talk) {
		if (fd >= 0)
			close(fd);
		return;
	}
	talk->fd = fd;
	talk->portal = portal;
	talk->stat_sn = 1;
	target->talks[target->n++] = talk;
}

/* The end of all connections to a portal, which then refuses new ones. */
static void cut(struct target *target, unsigned int portal)
{
	struct linger reset = {.l_onoff = 1};

	close(target->listeners[portal]);
	target->listeners[portal] = -1;
	for (size_t i = target->n; i-- > 0;)
		if (target->talks[i]->portal == portal) {
			setsockopt(target->talks[i]->fd, SOL_SOCKET, SO_LINGER, &reset,
				   sizeof(reset));
			drop(target, i);
		}
}

static void obey(struct target *target)
{
	uint8_t command[2];

	if (read(target->command, command, 2) != 2)
		_exit(0);
	if (command[0] == 'c' && target->listeners[command[1]] >= 0)
		cut(target, command[1]);
	else if (command[0] == 'o' && target->listeners[command[1]] < 0)
		target->listeners[command[1]] = listen_at(command[1]);
	else if (command[0] == 's' || command[0] == 'a')
		target->silent[command[1]] = command[0] == 's';
}

static void serve_once(struct target *target)
{
	struct pollfd fds[1 + SCALE_PORTALS + CONNECTIONS];
	size_t n = target->n;

	fds[0] = (struct pollfd){.fd = target->command, .events = POLLIN};
	for (int i = 1; i <= SCALE_PORTALS; i++)
		fds[i] = (struct pollfd){.fd = target->listeners[i], .events = POLLIN};
	for (size_t i = 0; i < n; i++)
		fds[1 + SCALE_PORTALS + i] =
			(struct pollfd){.fd = target->talks[i]->fd, .events = POLLIN};
	if (poll(fds, (nfds_t)(1 + SCALE_PORTALS + n), -1) < 0)
		return;
	for (size_t i = n; i-- > 0;)
		if (fds[1 + SCALE_PORTALS + i].revents &&
		    !take(target->talks[i], target->silent[target->talks[i]->portal]))
			drop(target, i);
	for (unsigned int i = 1; i <= SCALE_PORTALS; i++)
		if (fds[i].revents)
			welcome(target, i);
	if (fds[0].revents)
		obey(target);
}

pid_t scale_portals_start(int *ret_command)
{
	static struct target target;
	int pipes[2];
	pid_t pid;

	if (pipe(pipes) < 0)
		scale_die("pipe: %s", strerror(errno));
	for (unsigned int n = 1; n <= SCALE_PORTALS; n++)
		target.listeners[n] = listen_at(n);
	pid = scale_fork("scale-target");
	if (pid == 0) {
		close(pipes[1]);
		target.command = pipes[0];
		for (;;)
			serve_once(&target);
	}
	close(pipes[0]);
	for (unsigned int n = 1; n <= SCALE_PORTALS; n++)
		close(target.listeners[n]);
	*ret_command = pipes[1];
	return pid;
}
