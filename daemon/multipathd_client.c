/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The waiting client of multipathd's socket. */
#include "daemon/multipathd_client.h"

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include "common/clock.h"

/* Milliseconds left, rounded up; 0 when the deadline has passed. */
static unsigned int left_ms(uint64_t deadline_ns)
{
	uint64_t now = clock_now_ns(), left;

	if (now >= deadline_ns)
		return 0;
	left = (deadline_ns - now + NS_PER_MS - 1) / NS_PER_MS;
	return left > 3600000 ? 3600000 : (unsigned int)left;
}

/* Run the exchange to its end. 0, or -errno. */
static int exchange_run(struct exchange *x, uint64_t deadline_ns)
{
	for (;;) {
		struct pollfd poll_fd = {.fd = x->fd};
		unsigned int left = left_ms(deadline_ns);
		int r = exchange_step(x);

		if (r)
			return r < 0 ? r : 0;
		if (!left)
			return -ETIMEDOUT;
		poll_fd.events = exchange_events(x);
		if (poll(&poll_fd, 1, (int)left) < 0 && errno != EINTR)
			return -errno;
	}
}

int multipathd_call(const char *name, const char *request, uint64_t deadline_ns,
		    char **ret_reply)
{
	unsigned int left = left_ms(deadline_ns);
	struct exchange x;
	int fd, r;

	if (!left)
		return -ETIMEDOUT;
	fd = multipathd_connect(name, left);
	if (fd < 0)
		return fd;
	r = exchange_begin(&x, fd, request);
	if (r) {
		close(fd);
		return r;
	}
	r = exchange_run(&x, deadline_ns);
	if (!r)
		r = mp_reply_check(x.reply);
	if (!r) {
		*ret_reply = x.reply;
		x.reply = NULL;
	}
	exchange_end(&x);
	return r;
}

int multipathd_command(const char *name, const char *request, uint64_t deadline_ns)
{
	char *reply = NULL;
	int r = multipathd_call(name, request, deadline_ns, &reply);

	free(reply);
	return r;
}

int multipathd_paths(const char *name, uint64_t deadline_ns, struct mp_path **ret_list,
		     size_t *ret_n)
{
	char *reply = NULL;
	int r = multipathd_call(name, MP_SHOW_PATHS, deadline_ns, &reply);

	if (!r)
		r = mp_paths_parse(reply, ret_list, ret_n);
	free(reply);
	return r;
}

int multipathd_maps(const char *name, uint64_t deadline_ns, struct mp_map **ret_list,
		    size_t *ret_n)
{
	char *reply = NULL;
	int r = multipathd_call(name, MP_SHOW_MAPS, deadline_ns, &reply);

	if (!r)
		r = mp_maps_parse(reply, ret_list, ret_n);
	free(reply);
	return r;
}

int multipathd_daemon(const char *name, uint64_t deadline_ns, struct mp_daemon *ret)
{
	char *reply = NULL;
	int r = multipathd_call(name, MP_SHOW_DAEMON, deadline_ns, &reply);

	if (!r)
		r = mp_daemon_parse(reply, ret);
	free(reply);
	return r;
}

bool multipathd_not_running(int error)
{
	return error == -ECONNREFUSED || error == -ENOENT;
}
