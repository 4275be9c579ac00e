/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "daemon/uevents.h"

#include <errno.h>
#include <libudev.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>

#define RECEIVE_BUFFER (8 << 20)

struct uevents {
	struct udev *udev;
	struct udev_monitor *monitor;
	sd_event_source *source;
	uevent_handler fn;
	void *arg;
};

static void tell(const struct uevents *uevents, struct udev_device *device)
{
	const char *subsystem = udev_device_get_subsystem(device);
	const char *type = udev_device_get_devtype(device), *name = udev_device_get_sysname(device);
	enum uevent_kind kind = UEVENT_SESSION;

	if (!subsystem || !name)
		kind = UEVENT_LOST;
	else if (!strcmp(subsystem, "block"))
		kind = strncmp(name, "dm-", 3) ? UEVENT_DISK : UEVENT_MAP;
	else if (!strcmp(subsystem, "scsi"))
		kind = UEVENT_DISK;
	/* A disk is told of before its partitions. */
	if (!type || strcmp(type, "partition") != 0)
		uevents->fn(kind, name ? name : "", uevents->arg);
}

static int on_event(sd_event_source *source, int fd, uint32_t revents, void *arg)
{
	struct uevents *uevents = arg;
	struct udev_device *device;

	(void)source;
	(void)fd;
	(void)revents;
	for (;;) {
		errno = 0;
		device = udev_monitor_receive_device(uevents->monitor);
		if (!device)
			break;
		tell(uevents, device);
		udev_device_unref(device);
	}
	if (errno && errno != EAGAIN && errno != EINTR)
		uevents->fn(UEVENT_LOST, "", uevents->arg);
	return 0;
}

static int listen_to(struct uevents *uevents)
{
	static const char *const subsystems[] = {"block", "scsi", "iscsi_session",
						 "iscsi_connection"};
	size_t i;

	uevents->udev = udev_new();
	if (!uevents->udev)
		return -ENOMEM;
	/* From the kernel: it does not wait for udevd's rules, which may hang on a dead disk. */
	uevents->monitor = udev_monitor_new_from_netlink(uevents->udev, "kernel");
	if (!uevents->monitor)
		return -errno;
	for (i = 0; i < sizeof(subsystems) / sizeof(subsystems[0]); i++)
		if (udev_monitor_filter_add_match_subsystem_devtype(uevents->monitor,
								    subsystems[i], NULL) < 0)
			return -EINVAL;
	/* A thousand LUNs that come at once. More is told as lost. */
	udev_monitor_set_receive_buffer_size(uevents->monitor, RECEIVE_BUFFER);
	return udev_monitor_enable_receiving(uevents->monitor);
}

int uevents_new(sd_event *event, uevent_handler fn, void *arg, struct uevents **ret)
{
	struct uevents *uevents = calloc(1, sizeof(*uevents));
	int r;

	if (!uevents)
		return -ENOMEM;
	uevents->fn = fn;
	uevents->arg = arg;
	r = listen_to(uevents);
	if (r >= 0)
		r = sd_event_add_io(event, &uevents->source, udev_monitor_get_fd(uevents->monitor),
				    EPOLLIN, on_event, uevents);
	if (r < 0) {
		uevents_free(uevents);
		return r;
	}
	*ret = uevents;
	return 0;
}

void uevents_free(struct uevents *uevents)
{
	if (!uevents)
		return;
	sd_event_source_disable_unref(uevents->source);
	udev_monitor_unref(uevents->monitor);
	udev_unref(uevents->udev);
	free(uevents);
}
