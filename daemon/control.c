/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The daemon's side of the control socket: listening. */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/parse.h"
#include "daemon/control_state.h"

#define BACKLOG 128

struct json_object *control_error(const char *name, const char *format, ...)
{
	struct json_object *reply = json_object_new_object();
	char text[1024];
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	json_object_object_add(reply, "ok", json_object_new_boolean(false));
	json_object_object_add(reply, "error", json_object_new_string(name));
	json_object_object_add(reply, "message", json_object_new_string(text));
	return reply;
}

static int on_resume(sd_event_source *source, uint64_t usec, void *arg)
{
	struct control *control = arg;

	(void)source;
	(void)usec;
	control->pause = sd_event_source_unref(control->pause);
	return sd_event_source_set_enabled(control->listener, SD_EVENT_ON);
}

static int on_connect(sd_event_source *source, int fd, uint32_t revents, void *arg)
{
	struct control *control = arg;
	int peer = accept4(fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
	uint64_t now;

	(void)revents;
	if (peer >= 0) {
		control_connection_new(control, peer);
		return 0;
	}
	if (errno != EMFILE && errno != ENFILE && errno != ENOMEM)
		return 0;
	/* Out of descriptors: without a pause this would spin. */
	sd_event_now(control->event, CLOCK_MONOTONIC, &now);
	if (sd_event_add_time(control->event, &control->pause, CLOCK_MONOTONIC, now + 1000000, 0,
			      on_resume, control) >= 0)
		sd_event_source_set_enabled(source, SD_EVENT_OFF);
	return 0;
}

/* A socket nobody listens on any more is in the way; a living daemon's is not ours. */
static int clear_way(const struct sockaddr_un *address)
{
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	int r;

	if (fd < 0)
		return -errno;
	r = connect(fd, (const struct sockaddr *)address, sizeof(*address));
	r = r == 0 || errno == EAGAIN ? -EADDRINUSE : errno == ECONNREFUSED ? 1 : 0;
	close(fd);
	if (r == 1 && unlink(address->sun_path) < 0)
		return -errno;
	return r < 0 ? r : 0;
}

static int listen_at(struct control *control, const char *path)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	mode_t mask;
	int r;

	if (copy_text(address.sun_path, sizeof(address.sun_path), path) < 0)
		return -ENAMETOOLONG;
	r = clear_way(&address);
	if (r < 0)
		return r;
	control->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (control->fd < 0)
		return -errno;
	mask = umask(0177);
	r = bind(control->fd, (const struct sockaddr *)&address, sizeof(address));
	umask(mask);
	if (r < 0)
		return -errno;
	copy_text(control->path, sizeof(control->path), path);
	return listen(control->fd, BACKLOG) < 0 ? -errno : 0;
}

int control_new(sd_event *event, const char *path, control_handler handler, void *arg,
		struct control **ret)
{
	struct control *control = calloc(1, sizeof(*control));
	int r;

	if (!control)
		return -ENOMEM;
	control->fd = -1;
	control->group = (gid_t)-1;
	control->event = event;
	control->handler = handler;
	control->arg = arg;
	r = listen_at(control, path);
	if (r >= 0)
		r = sd_event_add_io(event, &control->listener, control->fd, EPOLLIN, on_connect,
				    control);
	if (r >= 0)
		r = sd_event_source_set_priority(control->listener, CONTROL_PRIORITY);
	if (r < 0) {
		control_free(control);
		return r;
	}
	*ret = control;
	return 0;
}

int control_set_group(struct control *control, gid_t group)
{
	bool some = group != (gid_t)-1;

	/* Who has no right cannot even connect. */
	control->group = group;
	if (chmod(control->path, 0600) < 0 ||
	    chown(control->path, (uid_t)-1, some ? group : getegid()) < 0)
		return -errno;
	return some && chmod(control->path, 0660) < 0 ? -errno : 0;
}

void control_free(struct control *control)
{
	if (!control)
		return;
	control_connections_free(control);
	sd_event_source_disable_unref(control->listener);
	sd_event_source_disable_unref(control->pause);
	if (control->fd >= 0)
		close(control->fd);
	if (*control->path)
		unlink(control->path);
	free(control);
}
