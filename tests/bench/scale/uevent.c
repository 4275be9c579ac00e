/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Uevents: the kernel passes on what root sends it, in the sender's network namespace only
 * (lib/kobject_uevent.c). */
#include <errno.h>
#include <linux/netlink.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "tests/bench/scale/scale.h"

struct message {
	struct nlmsghdr header;
	char text[1024];
};

static size_t words(struct message *message, const char *action, const char *path,
		    const char *subsystem, const char *type)
{
	const char *slash = strrchr(path, '/');
	int n = snprintf(message->text, sizeof(message->text),
			 "%s@%s%cACTION=%s%cDEVPATH=%s%cSUBSYSTEM=%s%cDEVNAME=%s%c", action, path,
			 0, action, 0, path, 0, subsystem, 0, slash ? slash + 1 : path, 0);

	if (type)
		n += snprintf(message->text + n, sizeof(message->text) - (size_t)n, "DEVTYPE=%s%c",
			      type, 0);
	return (size_t)n;
}

void scale_uevent(const char *action, const char *path, const char *subsystem, const char *type)
{
	static int fd = -1;
	struct sockaddr_nl kernel = {.nl_family = AF_NETLINK};
	struct message message = {
		.header = {.nlmsg_type = NLMSG_MIN_TYPE, .nlmsg_flags = NLM_F_REQUEST}};

	if (fd < 0)
		fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_KOBJECT_UEVENT);
	message.header.nlmsg_len =
		(uint32_t)(sizeof(message.header) + words(&message, action, path, subsystem, type));
	if (sendto(fd, &message, message.header.nlmsg_len, 0, (const struct sockaddr *)&kernel,
		   sizeof(kernel)) < 0)
		scale_die("uevent: %s", strerror(errno));
}
