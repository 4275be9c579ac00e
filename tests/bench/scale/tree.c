/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The sysfs tree: as the kernel lays it out, as far as anybody here reads it. */
#include <errno.h>
#include <ftw.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/identity.h"
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
__attribute__((format(printf, 2, 3))) static void below(char *buffer, const char *format,
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
	below(full, "%s", path);
	make_directories(full);
	if (symlink(text, full) < 0 && errno != EEXIST)
		scale_die("%s: %s", full, strerror(errno));
}

/* What many disks say alike is one file with many names. */
static void same_attribute(const char *directory, const char *name, const char *model)
{
	char path[PATH], from[PATH];

	put(path, "%s/%s", directory, name);
	below(from, "models/%s", model);
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
	below(dir, "%s", to);
}

static void make_host(unsigned int n, unsigned int portal)
{
	char base[PATH], name[PATH], dir[PATH], text[PATH];

	put(base, "devices/platform/host%u", n);
	put(name, "host%u", n);
	make_class(dir, "scsi_host", name, base);
	attribute(dir, "proc_name", "iscsi_tcp");
	make_class(dir, "iscsi_host", name, base);
	attribute(dir, "netdev", "default");
	put(text, "10.0.%u.1", portal);
	attribute(dir, "ipaddress", text);
}

static void make_connection(unsigned int n, unsigned int portal)
{
	char base[PATH], name[PATH], dir[PATH], text[PATH];

	put(base, "devices/platform/host%u/session%u/connection%u:0", n, n, n);
	put(name, "connection%u:0", n);
	make_class(dir, "iscsi_connection", name, base);
	put(text, "10.0.%u.2", portal);
	attribute(dir, "persistent_address", text);
	attribute(dir, "persistent_port", "3260");
	attribute(dir, "header_digest", "0");
	attribute(dir, "data_digest", "0");
	attribute(dir, "recv_tmo", "5");
	attribute(dir, "ping_tmo", "5");
	attribute(dir, "address", text);
	attribute(dir, "port", "3260");
}

void scale_tree_login(const char *root, const struct scale_login *login)
{
	char base[PATH], name[PATH], dir[PATH], text[PATH];
	unsigned int n = login->sid;

	top = root;
	make_host(n, login->portal);
	put(base, "devices/platform/host%u/session%u", n, n);
	put(name, "session%u", n);
	make_class(dir, "iscsi_session", name, base);
	attribute(dir, "targetname", SCALE_TARGET);
	attribute(dir, "initiatorname", SCALE_HOST);
	attribute(dir, "tpgt", "1");
	put(text, "p%u", login->portal);
	attribute(dir, "ifacename", text);
	attribute(dir, "recovery_tmo", "5");
	put(text, "%s/iscsi_session/%s/device", base, name);
	link_to(text, base);
	make_connection(n, login->portal);
	scale_tree_session(root, login, true);
}

void scale_tree_add_disk(const char *root, const struct scale_login *login, unsigned int place,
			 unsigned int lun)
{
	char scsi[PATH], name[PATH], path[PATH], full[PATH], text[PATH];
	unsigned int n = login->sid, minor = scale_minor(lun, place);

	top = root;
	put(name, "sd%u", minor);
	put(scsi, "devices/platform/host%u/session%u/target%u:0:0/%u:0:0:%u", n, n, n, n,
	    lun);
	put(path, "%s/block/%s", scsi, name);
	below(full, "%s/", path);
	make_directories(full);
	below(full, "%s", path);
	put(text, "%u:%u", SCALE_MAJOR, minor);
	attribute(full, "dev", text);
	same_attribute(full, "inflight", "inflight");
	below(full, "%s", scsi);
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
	below(full, "%s", path);
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
	below(models, "models");
	put(name, "wwid.%u", lun);
	put(text, "naa.60014050000000000000000000%06u", lun);
	attribute(models, name, text);
}

/* In place: the file of a session's disks has many names. */
static void rewrite(const char *path, const char *text)
{
	FILE *file = fopen(path, "we");

	if (!file || fprintf(file, "%s\n", text) < 0 || fclose(file))
		scale_die("%s: %s", path, strerror(errno));
}

void scale_tree_session(const char *root, const struct scale_login *login, bool up)
{
	unsigned int n = login->sid;
	char path[PATH], port[PATH];

	top = root;
	below(path, "models/state.%u", n);
	make_directories(path);
	rewrite(path, up ? "running" : "blocked");
	below(path, "class/iscsi_session/session%u/state", n);
	rewrite(path, up ? "LOGGED_IN" : "FAILED");
	below(path, "class/iscsi_connection/connection%u:0/state", n);
	rewrite(path, up ? "up" : "failed");
	below(path, "class/iscsi_connection/connection%u:0/local_port", n);
	put(port, "%u", login->port);
	rewrite(path, port);
}

static int remove_one(const char *path, const struct stat *info, int type, struct FTW *ftw)
{
	(void)info;
	(void)type;
	(void)ftw;
	return remove(path);
}

__attribute__((format(printf, 1, 2))) static void forget(const char *format, ...)
{
	char full[PATH];
	va_list args;
	int n = snprintf(full, sizeof(full), "%s/", top);

	va_start(args, format);
	vsnprintf(full + n, sizeof(full) - (size_t)n, format, args);
	va_end(args);
	if (nftw(full, remove_one, 16, FTW_DEPTH | FTW_PHYS) < 0)
		scale_die("removing %s: %s", full, strerror(errno));
}

/* As in the kernel, names go before what they name. */
void scale_tree_remove_disk(const char *root, const struct scale_login *login, unsigned int place,
			    unsigned int lun)
{
	unsigned int n = login->sid, minor = scale_minor(lun, place);

	top = root;
	forget("dev/block/%u:%u", SCALE_MAJOR, minor);
	forget("class/block/sd%u", minor);
	forget("block/sd%u", minor);
	forget("class/scsi_disk/%u:0:0:%u", n, lun);
	forget("devices/platform/host%u/session%u/target%u:0:0/%u:0:0:%u", n, n, n, n, lun);
}

void scale_tree_logout(const char *root, const struct scale_login *login)
{
	unsigned int n = login->sid;

	top = root;
	forget("class/iscsi_connection/connection%u:0", n);
	forget("class/iscsi_session/session%u", n);
	forget("class/iscsi_host/host%u", n);
	forget("class/scsi_host/host%u", n);
	forget("devices/platform/host%u", n);
	forget("models/state.%u", n);
}

uint64_t scale_path_name(unsigned int place)
{
	struct iscsi_identity id;
	char name[32];

	snprintf(name, sizeof(name), "sd%u", scale_minor(0, place));
	if (identity_by_name(NULL, name, &id) < 0 || !id.is_iscsi)
		scale_die("%s is not seen as a disk over iSCSI", name);
	return path_name_hash(&id.name);
}

void scale_tree_make(const char *root)
{
	char models[PATH];

	top = root;
	below(models, "models");
	attribute(models, "vendor", "LIO-ORG ");
	attribute(models, "model", "disk            ");
	attribute(models, "access_state", "active/optimized");
	attribute(models, "preferred_path", "0");
	attribute(models, "inflight", "       0        0");
}
