/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The event-driven client of multipathd's socket. */
#include "daemon/multipathd_async.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "common/clock.h"
#include "daemon/multipathd_parse.h"
#include "daemon/multipathd_wire.h"

/* multipathd's backlog is full, which tells nothing when it has room: ask again. */
#define RETRY_CONNECT_NS (100 * NS_PER_MS)

struct request {
	struct request *next;
	uint64_t deadline_ns;
	multipathd_done done;
	void *arg;
	char text[];
};

struct multipathd {
	sd_event *event;
	char *name;
	struct request *first; /* the one under way, or the next */
	size_t n_requests;
	struct exchange exchange; /* .fd -1: nothing under way */
	sd_event_source *io;
	sd_event_source *timer; /* whatever is due first */
	bool closing;
};

static void exchange_stop(struct multipathd *m)
{
	m->io = sd_event_source_disable_unref(m->io);
	exchange_end(&m->exchange);
}

static struct request *unlink_request(struct multipathd *m, struct request *request)
{
	struct request **link = &m->first;

	while (*link != request)
		link = &(*link)->next;
	*link = request->next;
	m->n_requests--;
	return request;
}

/* End one request. The callback comes last: it may submit, and so change the queue. */
static void finish(struct multipathd *m, struct request *request, int error)
{
	char *reply = NULL;

	if (request == m->first) {
		if (m->exchange.fd >= 0 && m->exchange.reply &&
		    m->exchange.reply_done == m->exchange.length.value) {
			reply = m->exchange.reply;
			m->exchange.reply = NULL;
		}
		exchange_stop(m);
	}
	unlink_request(m, request);
	if (request->done)
		request->done(request->arg, error, reply);
	free(request);
	free(reply);
}

static int on_io(sd_event_source *source, int fd, uint32_t revents, void *arg);

/* Connect and send the first request. 0: under way, or the backlog is full: the timer. */
static int start_first(struct multipathd *m)
{
	int fd = multipathd_connect(m->name, 0);
	int r;

	if (fd < 0)
		return fd == -EAGAIN ? 0 : fd;
	r = exchange_begin(&m->exchange, fd, m->first->text);
	if (r) /* cannot be: its length was checked; then nothing owns the fd but us */
		m->exchange.fd = fd;
	else
		r = sd_event_add_io(m->event, &m->io, fd,
				    (uint32_t)exchange_events(&m->exchange), on_io, m);
	if (r < 0)
		exchange_stop(m);
	return r;
}

/* The first deadline, or the next attempt to connect. */
static void arm_timer(struct multipathd *m)
{
	uint64_t due = UINT64_MAX;

	for (const struct request *q = m->first; q; q = q->next)
		if (q->deadline_ns < due)
			due = q->deadline_ns;
	if (m->first && m->exchange.fd < 0) {
		uint64_t again = clock_now_ns() + RETRY_CONNECT_NS;

		if (again < due)
			due = again;
	}
	sd_event_source_set_time(m->timer, due == UINT64_MAX ? due : due / NS_PER_US + 1);
	sd_event_source_set_enabled(m->timer, m->first ? SD_EVENT_ONESHOT : SD_EVENT_OFF);
}

static struct request *find_expired(struct multipathd *m, uint64_t now)
{
	for (struct request *q = m->first; q; q = q->next)
		if (q->deadline_ns <= now)
			return q;
	return NULL;
}

/*
 * Bring the queue forward: end what is overdue, start what can start. A callback may
 * submit for ever while multipathd does not run: each request is tried once a call at
 * most, the rest waits for the timer.
 */
static void advance(struct multipathd *m)
{
	size_t budget = m->n_requests;
	struct request *expired;
	uint64_t now = clock_now_ns();

	while ((expired = find_expired(m, now)))
		finish(m, expired, -ETIMEDOUT);
	while (m->first && m->exchange.fd < 0 && budget--) {
		int r = start_first(m);

		if (!r)
			break;
		finish(m, m->first, r);
	}
	arm_timer(m);
}

static int on_timer(sd_event_source *source, uint64_t usec, void *arg)
{
	(void)source;
	(void)usec;
	advance(arg);
	return 0;
}

static int on_io(sd_event_source *source, int fd, uint32_t revents, void *arg)
{
	struct multipathd *m = arg;
	int r = exchange_step(&m->exchange);

	(void)fd;
	(void)revents;
	if (!r)
		r = sd_event_source_set_io_events(
			source, (uint32_t)exchange_events(&m->exchange));
	else if (r > 0)
		finish(m, m->first, mp_reply_check(m->exchange.reply));
	if (r < 0)
		finish(m, m->first, r);
	advance(m);
	return 0;
}

int multipathd_new(sd_event *event, const char *name, struct multipathd **ret)
{
	struct multipathd *m = calloc(1, sizeof(*m));
	int r = -ENOMEM;

	if (!m)
		return r;
	m->exchange.fd = -1;
	m->event = sd_event_ref(event);
	if (name)
		m->name = strdup(name);
	if (!name || m->name)
		r = sd_event_add_time(event, &m->timer, CLOCK_MONOTONIC, 0, 1000,
				      on_timer, m);
	if (r >= 0)
		r = sd_event_source_set_enabled(m->timer, SD_EVENT_OFF);
	if (r < 0) {
		multipathd_free(m);
		return r;
	}
	*ret = m;
	return 0;
}

int multipathd_submit(struct multipathd *m, const char *request, uint64_t timeout_ms,
		      multipathd_done done, void *arg)
{
	size_t n = strlen(request) + 1;
	struct request **link = &m->first, *q;

	if (n == 1)
		return -EINVAL;
	if (n > MULTIPATHD_REQUEST_MAX)
		return -EMSGSIZE;
	if (m->n_requests >= MULTIPATHD_QUEUE_MAX || m->closing)
		return -ENOBUFS;
	q = malloc(sizeof(*q) + n);
	if (!q)
		return -ENOMEM;
	*q = (struct request){
		.deadline_ns = clock_now_ns() + timeout_ms * NS_PER_MS,
		.done = done,
		.arg = arg,
	};
	memcpy(q->text, request, n);
	while (*link)
		link = &(*link)->next;
	*link = q;
	m->n_requests++;
	/* Started by the loop, so that 'done' is never called from here. */
	if (m->exchange.fd < 0) {
		sd_event_source_set_time(m->timer, 0);
		sd_event_source_set_enabled(m->timer, SD_EVENT_ONESHOT);
	} else {
		arm_timer(m);
	}
	return 0;
}

size_t multipathd_pending(const struct multipathd *m)
{
	return m->n_requests;
}

void multipathd_free(struct multipathd *m)
{
	if (!m)
		return;
	m->closing = true;
	while (m->first)
		finish(m, m->first, -ECANCELED);
	exchange_stop(m);
	sd_event_source_disable_unref(m->timer);
	sd_event_unref(m->event);
	free(m->name);
	free(m);
}
