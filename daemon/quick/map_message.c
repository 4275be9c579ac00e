/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "daemon/quick/map_message.h"

#include <errno.h>
#include <libdevmapper.h>
#include <stdio.h>
#include <sys/sysmacros.h>
#include <unistd.h>

/* libdevmapper prints to stderr by default; our callers word their own errors. */
static void quiet(int level, const char *file, int line, int dm_errno, const char *format, ...)
{
	(void)level;
	(void)file;
	(void)line;
	(void)dm_errno;
	(void)format;
}

static int send_message(struct dm_task *task, const char *map, const char *text)
{
	int error;

	if (!dm_task_set_name(task, map) || !dm_task_set_sector(task, 0) ||
	    !dm_task_set_message(task, text))
		return -ENOMEM;
	if (dm_task_run(task))
		return 0;
	error = dm_task_get_errno(task);
	return error ? -error : -EIO;
}

static int tell(const char *map, const char *text)
{
	struct dm_task *task;
	int r;

	/* Without the control node libdevmapper would try to load the module. */
	if (access("/dev/mapper/control", F_OK) != 0)
		return -ENXIO;
	dm_log_with_errno_init(quiet);
	task = dm_task_create(DM_DEVICE_TARGET_MSG);
	if (!task)
		return -ENOMEM;
	r = send_message(task, map, text);
	dm_task_destroy(task);
	return r;
}

static int message_about(const char *map, const char *verb, dev_t path)
{
	char text[64];

	snprintf(text, sizeof(text), "%s %u:%u", verb, major(path), minor(path));
	return tell(map, text);
}

int map_fail_path(const char *map, dev_t path)
{
	return message_about(map, "fail_path", path);
}

int map_reinstate_path(const char *map, dev_t path)
{
	return message_about(map, "reinstate_path", path);
}

int map_queue(const char *map, bool on)
{
	return tell(map, on ? "queue_if_no_path" : "fail_if_no_path");
}
