/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Clients of the control socket that go away in the middle, say nothing, or nonsense. */
#include <arpa/inet.h>
#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "common/clock.h"
#include "daemon/control.h"
#include "tests/bench/day/day.h"

#define LENGTH_SIZE 4

static int connect_here(void)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX, .sun_path = CONTROL_DEFAULT_PATH};
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (fd < 0 || connect(fd, (const struct sockaddr *)&address, sizeof(address)) < 0)
		scale_die("%s: %s", address.sun_path, strerror(errno));
	day_touched();
	return fd;
}

/* A length, and so much of the text. */
static void say(int fd, const char *text, size_t length, size_t n)
{
	uint32_t prefix = htonl((uint32_t)length);

	if (send(fd, &prefix, sizeof(prefix), MSG_NOSIGNAL) < 0 ||
	    send(fd, text, n, MSG_NOSIGNAL) < 0)
		scale_die("control socket: %s", strerror(errno));
	day_touched();
}

static void go_on(uint64_t ms)
{
	day_run_until(day_now_ns() + ms * NS_PER_MS);
}

void clients_disturb(struct day_world *world)
{
	static const char request[] = "{\"command\":\"status\"}", nonsense[] = "{\"]]]][[[[";
	int half = connect_here(), deaf = connect_here(), mute = connect_here(),
	    mad = connect_here(), gone = connect_here();

	say(half, request, sizeof(request) - 1, 5);
	say(deaf, request, sizeof(request) - 1, sizeof(request) - 1);
	say(mad, nonsense, sizeof(nonsense) - 1, sizeof(nonsense) - 1);
	say(gone, request, sizeof(request) - 1, sizeof(request) - 1);
	close(gone); /* before it is answered */
	go_on(500);
	close(half);
	close(mad);
	go_on(30000); /* the daemon has long ended the one that says nothing */
	close(deaf);
	close(mute);
	day_touched();
	world->events += 5;
}
