/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "common/disk_link.h"

#include <errno.h>
#include <limits.h>
#include <string.h>

#include "common/parse.h"

#define COMPONENT_MAX 256

int numbered_name_parse(const char *text, const char *prefix, unsigned int *ret)
{
	size_t length = strlen(prefix);
	uint64_t number;

	if (strncmp(text, prefix, length) != 0 ||
	    parse_uint(text + length, 0, UINT_MAX, &number) < 0)
		return -EINVAL;
	*ret = (unsigned int)number;
	return 0;
}

int scsi_address_parse(const char *text, unsigned int *ret_host, unsigned int *ret_channel,
		       unsigned int *ret_id, uint64_t *ret_lun)
{
	char part[24];
	uint64_t number[4];
	size_t i, length;

	for (i = 0; i < 4; i++) {
		length = strcspn(text, ":");
		if (length >= sizeof(part) || (text[length] == ':') != (i < 3))
			return -EINVAL;
		memcpy(part, text, length);
		part[length] = '\0';
		if (parse_uint(part, 0, i < 3 ? UINT_MAX : UINT64_MAX, &number[i]) < 0)
			return -EINVAL;
		text += length + 1;
	}
	*ret_host = (unsigned int)number[0];
	*ret_channel = (unsigned int)number[1];
	*ret_id = (unsigned int)number[2];
	*ret_lun = number[3];
	return 0;
}

/* One component of the path; 'previous' stands before it. */
static int take_component(const char *name, const char *previous, struct disk_link *link)
{
	unsigned int host;

	if (strcmp(previous, "block") == 0)
		return copy_text(link->device, sizeof(link->device), name);
	if (numbered_name_parse(name, "host", &link->host) == 0) {
		link->has_host = true;
		link->has_session = false;
	} else if (link->has_host && numbered_name_parse(name, "session", &link->session) == 0) {
		link->has_session = true;
	} else if (link->has_host && scsi_address_parse(name, &host, &link->channel, &link->id,
							&link->lun) == 0) {
		link->has_address = host == link->host;
	}
	return 0;
}

int disk_link_parse(const char *text, struct disk_link *ret)
{
	char name[COMPONENT_MAX] = "", previous[COMPONENT_MAX];
	struct disk_link link = { .device = "" };
	size_t length;
	int r;

	while (*text && link.device[0] == '\0') {
		text += strspn(text, "/");
		length = strcspn(text, "/");
		if (length == 0)
			break;
		if (length >= sizeof(name))
			return -ENOBUFS;
		memcpy(previous, name, sizeof(previous));
		memcpy(name, text, length);
		name[length] = '\0';
		text += length;
		r = take_component(name, previous, &link);
		if (r < 0)
			return r;
	}
	/* A disk without a "block" directory above it (nvme0n1) is the last component. */
	if (link.device[0] == '\0' && copy_text(link.device, sizeof(link.device), name) < 0)
		return -ENOBUFS;
	if (link.device[0] == '\0' || link.device[0] == '.')
		return -EINVAL;
	*ret = link;
	return 0;
}
