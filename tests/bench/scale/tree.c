/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The sysfs tree: as the kernel lays it out, as far as anybody here reads it. */
#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/bench/scale/scale.h"

#define PATH 512

static const char *top;

/* Into room for PATH bytes; a text that does not fit ends the bench. */
__attribute__((format(printf, 2, 3))) static void put(char *buffer, const char *format,
						      ...)
{
	va_list args;
	int n;

	va_start(args, format);
	n = vsnprintf(buffer, PATH, format, args);
	va_end(args);
	if (n >= PATH)
		scale_die("too long: %s", buffer);
}

/* Below the top. */
__attribute__((format(printf, 2, 3))) static void place(char *buffer, const char *format,
							...)
{
	va_list args;
	int n = snprintf(buffer, PATH, "%s/", top);

	va_start(args, format);
	vsnprintf(buffer + n, (size_t)(PATH - n), format, args);
	va_end(args);
}

static void make_directories(const char *path)
{
	char part[PATH];

	put(part, "%s", path);
	for (char *slash = strchr(part + strlen(top) + 1, '/'); slash;
	     slash = strchr(slash + 1, '/')) {
		*slash = '\0';
		if (mkdir(part, 0755) < 0 && errno != EEXIST)
			scale_die("%s: %s", part, strerror(errno));
		*slash = '/';
	}
}

static void attribute(const char *directory, const char *name, const char *text)
{
	char path[PATH];

	put(path, "%s/%s", directory, name);
	make_directories(path);
	scale_write(path, text);
}

/* 'path' and 'to' are relative to the top; the link is relative to its place. */
static void link_to(const char *path, const char *to)
{
	char text[PATH] = "", full[PATH];
	size_t n = 0;

	for (const char *p = strchr(path, '/'); p; p = strchr(p + 1, '/'))
		n += (size_t)snprintf(text + n, sizeof(text) - n, "../");
	put(full, "%s%s", text, to);
	put(text, "%s", full);
	place(full, "%s", path);
	make_directories(full);
	if (symlink(text, full) < 0 && errno != EEXIST)
		scale_die("%s: %s", full, strerror(errno));
}

/* What many disks say alike is one file with many names. */
static void same_attribute(const char *directory, const char *name, const char *model)
{
	char path[PATH], from[PATH];

	put(path, "%s/%s", directory, name);
	place(from, "models/%s", model);
	if (link(from, path) < 0 && errno != EEXIST)
		scale_die("%s: %s", path, strerror(errno));
}

/* A class device: its directory and the link in class/; put(dir) is where its attributes
 * go. */
static void make_class(char *dir, const char *class, const char *name, const char *device)
{
	char link[PATH], to[PATH];

	put(link, "class/%s/%s", class, name);
	put(to, "%s/%s/%s", device, class, name);
	link_to(link, to);
	place(dir, "%s", to);
}

static void make_host(unsigned int n)
{
	char base[PATH], name[PATH], dir[PATH], text[PATH];

	put(base, "devices/platform/host%u", n);
	put(name, "host%u", n);
	make_class(dir, "scsi_host", name, base);
	attribute(dir, "proc_name", "iscsi_tcp");
	make_class(dir, "iscsi_host", name, base);
	attribute(dir, "netdev", "default");
	put(text, "10.0.%u.1", n);
	attribute(dir, "ipaddress", text);
}

static void make_connection(unsigned int n, uint16_t port)
{
	char base[PATH], name[PATH], dir[PATH], text[PATH];

	put(base, "devices/platform/host%u/session%u/connection%u:0", n, n, n);
	put(name, "connection%u:0", n);
	make_class(dir, "iscsi_connection", name, base);
	put(text, "10.0.%u.2", n);
	attribute(dir, "persistent_address", text);
	attribute(dir, "persistent_port", "3260");
	attribute(dir, "header_digest", "0");
	attribute(dir, "data_digest", "0");
	attribute(dir, "recv_tmo", "5");
	attribute(dir, "ping_tmo", "5");
	attribute(dir, "address", text);
	attribute(dir, "port", "3260");
	put(text, "%u", port);
	attribute(dir, "local_port", text);
}

static void make_session(unsigned int n, uint16_t port)
{
	char base[PATH], name[PATH], dir[PATH], text[PATH];

	make_host(n);
	put(base, "devices/platform/host%u/session%u", n, n);
	put(name, "session%u", n);
	make_class(dir, "iscsi_session", name, base);
	attribute(dir, "targetname", SCALE_TARGET);
	attribute(dir, "initiatorname", SCALE_HOST);
	attribute(dir, "tpgt", "1");
	put(text, "p%u", n);
	attribute(dir, "ifacename", text);
	attribute(dir, "recovery_tmo", "5");
	put(text, "%s/iscsi_session/%s/device", base, name);
	link_to(text, base);
	make_connection(n, port);
}

static void make_disk(unsigned int lun, unsigned int n)
{
	char scsi[PATH], name[PATH], path[PATH], full[PATH], text[PATH];
	uint32_t minor = scale_minor(lun, n);

	put(name, "sd%u", minor);
	put(scsi, "devices/platform/host%u/session%u/target%u:0:0/%u:0:0:%u", n, n, n, n,
	    lun);
	put(path, "%s/block/%s", scsi, name);
	place(full, "%s/", path);
	make_directories(full);
	place(full, "%s", path);
	put(text, "%u:%u", SCALE_MAJOR, minor);
	attribute(full, "dev", text);
	same_attribute(full, "inflight", "inflight");
	place(full, "%s", scsi);
	same_attribute(full, "vendor", "vendor");
	same_attribute(full, "model", "model");
	same_attribute(full, "access_state", "access_state");
	same_attribute(full, "preferred_path", "preferred_path");
	put(text, "wwid.%u", lun);
	same_attribute(full, "wwid", text);
	put(text, "state.%u", n);
	same_attribute(full, "state", text);
	put(text, "%s/block/%s/device", scsi, name);
	put(path, "%s/scsi_disk/%u:0:0:%u/", scsi, n, lun);
	place(full, "%s", path);
	make_directories(full);
	attribute(full, "max_retries", "-1");
	put(path, "%s/scsi_disk/%u:0:0:%u", scsi, n, lun);
	put(full, "class/scsi_disk/%u:0:0:%u", n, lun);
	link_to(full, path);
	link_to(text, scsi);
	put(path, "%s/block/%s", scsi, name);
	put(text, "block/%s", name);
	link_to(text, path);
	put(text, "class/block/%s", name);
	link_to(text, path);
	put(text, "dev/block/%u:%u", SCALE_MAJOR, minor);
	link_to(text, path);
}

void scale_tree_add_lun(const char *root, unsigned int lun)
{
	char models[PATH], name[PATH], text[PATH];

	top = root;
	place(models, "models");
	put(name, "wwid.%u", lun);
	put(text, "naa.60014050000000000000000000%06u", lun);
	attribute(models, name, text);
	for (unsigned int n = 1; n <= SCALE_PORTALS; n++)
		make_disk(lun, n);
}

/* In place: the file of a session's disks has many names. */
static void rewrite(const char *path, const char *text)
{
	FILE *file = fopen(path, "we");

	if (!file || fprintf(file, "%s\n", text) < 0 || fclose(file))
		scale_die("%s: %s", path, strerror(errno));
}

void scale_tree_session(const char *root, unsigned int n, bool up)
{
	char path[PATH];

	top = root;
	place(path, "models/state.%u", n);
	make_directories(path);
	rewrite(path, up ? "running" : "blocked");
	place(path, "class/iscsi_session/session%u/state", n);
	rewrite(path, up ? "LOGGED_IN" : "FAILED");
	place(path, "class/iscsi_connection/connection%u:0/state", n);
	rewrite(path, up ? "up" : "failed");
}

void scale_tree_make(const char *root, unsigned int luns, const uint16_t *ports)
{
	char models[PATH];

	top = root;
	place(models, "models");
	attribute(models, "vendor", "LIO-ORG ");
	attribute(models, "model", "disk            ");
	attribute(models, "access_state", "active/optimized");
	attribute(models, "preferred_path", "0");
	attribute(models, "inflight", "       0        0");
	for (unsigned int n = 1; n <= SCALE_PORTALS; n++) {
		make_session(n, ports[n]);
		scale_tree_session(root, n, true);
	}
	for (unsigned int lun = 0; lun < luns; lun++)
		scale_tree_add_lun(root, lun);
}
