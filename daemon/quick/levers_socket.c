/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <unistd.h>

#include "common/clock.h"
#include "daemon/quick/levers_state.h"
#include "daemon/quick/levers_sysfs.h"

/* All processes are looked through for the socket's holder: not at every beat in vain. */
#define RETRY_NS (10 * NS_PER_S)

const char *lever_socket_text(enum lever_socket socket)
{
	static const char *const texts[] = {
		[SOCKET_OFF] = "not wanted",
		[SOCKET_ARMED] = "armed",
		[SOCKET_NOT_HELD] = "iscsid does not hold the socket (was it restarted?)",
		[SOCKET_DENIED] = "not permitted (ptrace_scope, or a security module)",
		[SOCKET_FAILED] = "the socket option could not be set",
	};

	return texts[socket];
}

static enum lever_socket socket_of_error(int error)
{
	return error == -ESRCH ? SOCKET_NOT_HELD :
	       error == -EPERM ? SOCKET_DENIED :
				 SOCKET_FAILED;
}

static void failed(struct lever_live *live, int error)
{
	live->socket = socket_of_error(error);
	live->error = error;
	live->in_force_ms = 0;
	live->retry_ns = clock_now_ns() + RETRY_NS;
}

static void forget_record(struct levers *levers, struct lever_record *record)
{
	record->socket = false;
	levers->dirty = true;
}

static int take_down(struct levers *levers, struct lever_record *record,
		     const struct lever_wish *wish, int fd)
{
	uint32_t before;
	int r;

	if (record->socket)
		return 0;
	r = user_timeout_get(fd, &before);
	if (r < 0)
		return r;
	record->socket = true;
	record->inode = wish->inode;
	record->connection = connection_plain(&wish->connection);
	record->timeout_before_ms = before;
	levers->dirty = true;
	return 0;
}

int levers_socket_plan(struct levers *levers, struct lever_record *record,
		       struct lever_live *live, const struct lever_wish *wish)
{
	int fd, r;

	/* A new connection comes without the option. */
	if (record->socket && wish->inode != 0 && record->inode != wish->inode)
		forget_record(levers, record);
	if (live->inode != wish->inode)
		*live = (struct lever_live){.sid = live->sid, .inode = wish->inode};
	if (wish->user_timeout_ms == 0 || live->in_force_ms == wish->user_timeout_ms ||
	    clock_now_ns() < live->retry_ns)
		return -1;
	fd = iscsid_socket_dup(&live->holder, wish->inode, &wish->connection);
	if (fd < 0) {
		failed(live, fd);
		return -1;
	}
	r = take_down(levers, record, wish, fd);
	if (r < 0) {
		failed(live, r);
		close(fd);
		return -1;
	}
	return fd;
}

void levers_socket_pull(struct lever_live *live, const struct lever_wish *wish, int fd)
{
	int r;

	if (fd < 0)
		return;
	r = user_timeout_set(fd, wish->user_timeout_ms);
	close(fd);
	if (r < 0) {
		failed(live, r);
		return;
	}
	live->socket = SOCKET_ARMED;
	live->in_force_ms = wish->user_timeout_ms;
	live->error = 0;
	live->retry_ns = 0;
}

static int put_back(struct lever_record *record, struct lever_live *live)
{
	int fd = iscsid_socket_dup(&live->holder, record->inode, &record->connection), r;

	if (fd < 0)
		return fd;
	r = user_timeout_set(fd, record->timeout_before_ms);
	close(fd);
	return r;
}

void levers_socket_restore(struct levers *levers, struct lever_record *record,
			   struct lever_live *live)
{
	int r = 0;

	if (record->socket &&
	    !lever_socket_replaced(levers->root, record->sid, &record->connection)) {
		/* What failed a moment ago is not tried again yet; arming that failed is
		 * another matter. */
		if (live->in_force_ms == 0 && clock_now_ns() < live->retry_ns)
			return;
		r = put_back(record, live);
	}
	if (r < 0) {
		failed(live, r);
		return;
	}
	if (record->socket)
		forget_record(levers, record);
	live->socket = SOCKET_OFF;
	live->in_force_ms = 0;
	live->error = 0;
	live->retry_ns = 0;
}
