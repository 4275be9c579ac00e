/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "daemon/lun_ask.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "checker/lun_test.h"
#include "common/identity.h"

#define TIMEOUT_MS 5000
#define STACK_SIZE (64 * 1024)

struct lun_ask {
	char path[DEVICE_NAME_MAX + 8];
	atomic_int state; /* enum lun_ask_state */
	atomic_int owners;
};

static void put(struct lun_ask *ask)
{
	if (atomic_fetch_sub(&ask->owners, 1) == 1)
		free(ask);
}

static enum lun_ask_state state_of(enum scsi_result result)
{
	switch (result) {
	case SCSI_GOOD:
	case SCSI_RECOVERED:
	case SCSI_RESERVATION_CONFLICT:
	case SCSI_BUSY:
	case SCSI_STANDBY:
		return LUN_ASK_GOOD;
	default:
		return LUN_ASK_BAD;
	}
}

static void *run(void *arg)
{
	struct lun_ask *ask = arg;
	const struct lun_read none = {.size = 0};
	struct lun_answer answer = {.result = SCSI_NO_DEVICE};
	int fd = open(ask->path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);

	if (fd >= 0) {
		lun_test(fd, TIMEOUT_MS, &none, &answer);
		close(fd);
	}
	atomic_store(&ask->state, (int)state_of(answer.result));
	put(ask);
	return NULL;
}

/* Signals are the event loop's. */
static int start_thread(struct lun_ask *ask)
{
	sigset_t all, before;
	pthread_attr_t attr;
	pthread_t thread;
	int r = pthread_attr_init(&attr);

	if (r)
		return -r;
	sigfillset(&all);
	r = pthread_attr_setstacksize(&attr, STACK_SIZE);
	if (!r)
		r = pthread_attr_setdetachstate(&attr, PTHREAD_CREATE_DETACHED);
	if (!r) {
		pthread_sigmask(SIG_SETMASK, &all, &before);
		r = pthread_create(&thread, &attr, run, ask);
		pthread_sigmask(SIG_SETMASK, &before, NULL);
	}
	pthread_attr_destroy(&attr);
	return -r;
}

int lun_ask_start(const char *device, struct lun_ask **ret)
{
	struct lun_ask *ask = calloc(1, sizeof(*ask));
	int r;

	if (!ask)
		return -ENOMEM;
	snprintf(ask->path, sizeof(ask->path), "/dev/%s", device);
	atomic_init(&ask->state, LUN_ASK_RUNNING);
	atomic_init(&ask->owners, 2);
	r = start_thread(ask);
	if (r < 0) {
		free(ask);
		return r;
	}
	*ret = ask;
	return 0;
}

enum lun_ask_state lun_ask_state(struct lun_ask *ask)
{
	return (enum lun_ask_state)atomic_load(&ask->state);
}

void lun_ask_put(struct lun_ask *ask)
{
	if (ask)
		put(ask);
}
