/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "checker/dm_events.h"

#include <fcntl.h>
#include <linux/dm-ioctl.h>
#include <poll.h>
#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "common/clock.h"

#define CONTROL "/dev/mapper/" DM_CONTROL_NODE
/* Where it cannot be told, it is tried again after this. */
#define RETRY_NS (60 * NS_PER_S)

static struct {
	pthread_mutex_t lock; /* held for two system calls that do not wait */
	int fd;		      /* -1: not open */
	bool closed;	      /* for good */
	bool asked;
	uint64_t asked_ns;
	uint64_t number;
} source = { .lock = PTHREAD_MUTEX_INITIALIZER, .fd = -1 };

/* From now on an event is news again. False: the kernel does not know of it. */
static bool arm(void)
{
	/* Of the interface's versions any of 4 will do. */
	struct dm_ioctl request = {
		.version = { DM_VERSION_MAJOR, 0, 0 },
		.data_size = sizeof(request),
		.data_start = offsetof(struct dm_ioctl, data),
	};

	return ioctl(source.fd, DM_DEV_ARM_POLL, &request) == 0;
}

static void give_up(void)
{
	if (source.fd >= 0)
		close(source.fd);
	source.fd = -1;
}

/* What happened while it was not open is an event, too. */
static void open_control(void)
{
	source.fd = open(CONTROL, O_RDWR | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	source.number++;
	if (source.fd >= 0 && !arm())
		give_up();
}

static void ask(void)
{
	struct pollfd wait = { .fd = source.fd, .events = POLLIN };
	int n = poll(&wait, 1, 0);

	if (n == 0)
		return;
	source.number++;
	if (n < 0 || !(wait.revents & POLLIN) || !arm())
		give_up();
}

static bool is_due(uint64_t now_ns, uint64_t share_ns)
{
	uint64_t age = source.fd >= 0 ? share_ns : RETRY_NS;

	/* Threads may look in another order than they asked for the time. */
	return !source.asked || now_ns >= source.asked_ns + age ||
	       now_ns + age < source.asked_ns;
}

uint64_t dm_events_number(uint64_t now_ns, uint64_t share_ns)
{
	uint64_t number;

	pthread_mutex_lock(&source.lock);
	if (!source.closed && is_due(now_ns, share_ns)) {
		source.asked = true;
		source.asked_ns = now_ns;
		if (source.fd >= 0)
			ask();
		else
			open_control();
	}
	number = source.fd >= 0 ? source.number : 0;
	pthread_mutex_unlock(&source.lock);
	return number;
}

void dm_events_close(void)
{
	if (pthread_mutex_trylock(&source.lock))
		return;
	source.closed = true;
	give_up();
	pthread_mutex_unlock(&source.lock);
}
