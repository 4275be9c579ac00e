/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Facts for `mpathiscsi enable`. */
#include "daemon/enable_gather.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/identity.h"
#include "common/parse.h"
#include "daemon/cli.h"
#include "daemon/control.h"
#include "daemon/lun.h"
#include "daemon/multipathd_client.h"
#include "daemon/selector_module.h"
#include "daemon/store.h"

void gathered_free(struct gathered *g)
{
	free(g->paths);
	free(g->maps);
	*g = (struct gathered){0};
}

/* TPGS, bits 4 and 5 of byte 5 of the standard INQUIRY data that the kernel keeps. */
static bool does_alua(const char *sysfs, const char *dev)
{
	unsigned char inquiry[6];
	char path[512];
	ssize_t n;
	int fd;

	if (snprintf(path, sizeof(path), "%s/block/%s/device/inquiry", sysfs, dev) >=
	    (int)sizeof(path))
		return false;
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return false;
	n = read(fd, inquiry, sizeof(inquiry));
	close(fd);
	return n == sizeof(inquiry) && (inquiry[5] & 0x30);
}

static bool has_own_handler(const char *sysfs, const char *dev)
{
	static const char *const handlers[] = {"rdac", "emc", "hp_sw"};
	char handler[32];

	if (identity_attribute(sysfs, dev, "device/dh_state", handler, sizeof(handler)))
		return false;
	for (size_t i = 0; i < sizeof(handlers) / sizeof(handlers[0]); i++)
		if (!strcmp(handler, handlers[i]))
			return true;
	return false;
}

static int fill_from_sysfs(const char *sysfs, const struct iscsi_identity *id,
			   struct conf_path *p)
{
	char state[64];

	p->software_iscsi = id->is_iscsi && !strcmp(id->transport, "iscsi_tcp");
	if (copy_text(p->dev, sizeof(p->dev), id->device) ||
	    copy_text(p->vendor, sizeof(p->vendor), id->vendor) ||
	    copy_text(p->product, sizeof(p->product), id->product) ||
	    copy_text(p->target, sizeof(p->target), id->is_iscsi ? id->name.target : ""))
		return -EOVERFLOW;
	if (!p->transport[0] || p->software_iscsi)
		(void)copy_text(p->transport, sizeof(p->transport), id->transport);
	p->alua = does_alua(sysfs, id->device);
	p->access_state = !identity_attribute(sysfs, id->device, "device/access_state",
					      state, sizeof(state));
	p->own_handler = has_own_handler(sysfs, id->device);
	return 0;
}

static struct conf_path *add_path(struct gathered *g)
{
	struct conf_path *grown = reallocarray(g->paths, g->n_paths + 1, sizeof(*grown));

	if (!grown)
		return NULL;
	g->paths = grown;
	grown += g->n_paths++;
	*grown = (struct conf_path){0};
	return grown;
}

/* A path as multipathd tells it. What is no SCSI disk, or has just gone, is no matter. */
static int take_path(struct gathered *g, const char *sysfs, const struct mp_path *mp)
{
	struct iscsi_identity id;
	struct conf_path *p;

	if (!mp->devt || !mp->protocol[0] || identity_by_devt(sysfs, mp->devt, &id))
		return 0;
	p = add_path(g);
	if (!p)
		return -ENOMEM;
	(void)copy_text(p->wwid, sizeof(p->wwid), mp->wwid);
	(void)copy_text(p->checker, sizeof(p->checker), mp->checker);
	(void)copy_text(p->transport, sizeof(p->transport), mp->protocol);
	return fill_from_sysfs(sysfs, &id, p);
}

static int ask_paths(const char *socket, const char *sysfs, uint64_t deadline_ns,
		     struct gathered *g)
{
	struct mp_path *paths;
	size_t n;
	int r = multipathd_paths(socket, deadline_ns, &paths, &n);

	if (r)
		return r;
	for (size_t i = 0; i < n && !r; i++)
		r = take_path(g, sysfs, &paths[i]);
	free(paths);
	return r;
}

static int ask_config(const char *socket, uint64_t deadline_ns, struct mp_config *ret)
{
	char *reply = NULL;
	int r = multipathd_call(socket, MP_SHOW_CONFIG, deadline_ns, &reply);

	if (!r)
		r = mp_config_parse(reply, ret);
	free(reply);
	return r;
}

static int ask_daemon(const char *socket, const char *sysfs, uint64_t deadline_ns,
		      struct gathered *g, const char **what)
{
	int r;

	*what = "show config";
	r = ask_config(socket, deadline_ns, &g->config);
	if (r)
		return r;
	*what = "show maps";
	r = multipathd_maps(socket, deadline_ns, &g->maps, &g->n_maps);
	if (r)
		return r;
	*what = "show paths";
	return ask_paths(socket, sysfs, deadline_ns, g);
}

/* Every SCSI disk of the host, with the WWID that multipath will give it. */
static int scan_disks(const char *sysfs, struct gathered *g)
{
	char folder[512];
	struct dirent *entry;
	DIR *dir;
	int r = 0;

	snprintf(folder, sizeof(folder), "%s/block", sysfs);
	dir = opendir(folder);
	if (!dir)
		return -errno;
	while (!r && (entry = readdir(dir))) {
		struct iscsi_identity id;
		struct conf_path *p;

		if (strncmp(entry->d_name, "sd", 2) ||
		    identity_by_name(sysfs, entry->d_name, &id))
			continue;
		p = add_path(g);
		r = p ? fill_from_sysfs(sysfs, &id, p) : -ENOMEM;
		if (!r && id.wwid[0])
			lun_wwid_from_sysfs(id.wwid, p->wwid, sizeof(p->wwid));
	}
	closedir(dir);
	return r;
}

int enable_gather(const char *socket, const char *sysfs, uint64_t deadline_ns,
		  struct gathered *ret, char *what, size_t size)
{
	struct gathered g = {0};
	const char *asked = "";
	int r;

	if (!sysfs)
		sysfs = "/sys";
	r = ask_daemon(socket, sysfs, deadline_ns, &g, &asked);
	g.daemon_runs = !multipathd_not_running(r);
	if (r && g.daemon_runs)
		snprintf(what, size, "multipathd, \"%s\"", asked);
	if (!g.daemon_runs) {
		r = scan_disks(sysfs, &g);
		if (r)
			snprintf(what, size, "%s/block", sysfs);
	}
	if (r) {
		gathered_free(&g);
		return r;
	}
	*ret = g;
	return 0;
}

static const char *alias_of(const struct mp_map *maps, size_t n, const char *wwid)
{
	for (size_t i = 0; i < n; i++)
		if (!strcmp(maps[i].wwid, wwid))
			return maps[i].alias;
	return "";
}

/* One allocation: the list, then the texts. Longest policy text: see
 * FRAGMENT_PRIO_ARGS_MAX; what is longer is only measured, by a text of that length plus
 * one. */
#define TEXT_ROOM (FRAGMENT_PRIO_ARGS_MAX + 2)

/* Into a list in the order of paths, which is by the targets' names; each once. */
static size_t add_target(const char **targets, size_t n, const char *target)
{
	size_t at = n;

	while (at > 0 && strcmp(target, targets[at - 1]) < 0)
		at--;
	if (n == POLICY_PATHS_MAX || (at > 0 && !strcmp(target, targets[at - 1])))
		return n;
	memmove(&targets[at + 1], &targets[at], (n - at) * sizeof(*targets));
	targets[at] = target;
	return n + 1;
}

/* The entry that has effect for a LUN, as mpathiscsid would find it. */
static const struct store_entry *find_entry(const struct store *store,
					    const struct gathered *g, const char *wwid)
{
	const char *targets[POLICY_PATHS_MAX];
	struct store_lun lun = {.wwid = wwid,
				.alias = alias_of(g->maps, g->n_maps, wwid),
				.targets = targets,
				.vendor = "",
				.product = ""};

	for (size_t i = 0; i < g->n_paths; i++) {
		const struct conf_path *p = &g->paths[i];

		if (!p->target[0] || strcmp(p->wwid, wwid))
			continue;
		lun.vendor = p->vendor;
		lun.product = p->product;
		lun.n_targets = add_target(targets, lun.n_targets, p->target);
	}
	return store_find(store, &lun);
}

/* multipathd would make no map with a path selector that the kernel lacks. */
static const char *supported_selector(const struct policy *policy, const char *wwid)
{
	if (selector_presence_now(policy->selector) != SELECTOR_MISSING)
		return policy->selector;
	cli_error("warning: %s: the kernel lacks the path selector \"%s\" of its policy %s; "
		  "multipathd is not told of it",
		  wwid, policy->selector, policy->name);
	return "";
}

static int collect(const struct store *store, const struct fragment *f,
		   const struct gathered *g, struct conf_policy **ret, size_t *ret_n)
{
	struct conf_policy *list = calloc(f->n_luns + 1, sizeof(*list) + TEXT_ROOM);
	char *room;
	size_t n = 0;

	if (!list)
		return -ENOMEM;
	room = (char *)(list + f->n_luns + 1);
	for (size_t i = 0; i < f->n_luns; i++) {
		const char *wwid = f->luns[i].wwid;
		const struct store_entry *entry = find_entry(store, g, wwid);

		if (!entry)
			continue;
		policy_setting_format(entry->setting, room, TEXT_ROOM);
		list[n++] = (struct conf_policy){.wwid = wwid,
						 .text = room,
						 .selector = supported_selector(
							 entry->setting->policy, wwid)};
		room += TEXT_ROOM;
	}
	*ret = list;
	*ret_n = n;
	return 0;
}

#define ASK_MS 10000

/* What mpathiscsid answers to whoever is about to change the file: it refuses while the file is
 * missing. NULL: it cannot be asked. */
static struct json_object *ask_section(const char *control_path)
{
	struct json_object *request = json_object_new_object(), *reply = NULL;

	json_object_object_add(request, "request", json_object_new_string("policy-section"));
	json_object_object_add(request, "scope", json_object_new_string("default"));
	if (control_request(control_path, request, ASK_MS, &reply) < 0)
		reply = NULL;
	json_object_put(request);
	return reply;
}

int enable_store_missing(const char *store_path, const char *control_path, char *message)
{
	struct json_object *reply;
	int r = 0;

	if (!store_is_missing(store_path))
		return 0;
	reply = ask_section(control_path);
	if (reply && !json_object_get_boolean(json_object_object_get(reply, "ok"))) {
		snprintf(message, STORE_MESSAGE_MAX, "%.40s: %.700s", cli_text(reply, "error"),
			 cli_text(reply, "message"));
		r = -ENOENT;
	}
	json_object_put(reply);
	return r;
}

int enable_policies(const char *store_path, const struct fragment *f,
		    const struct gathered *g, struct conf_policy **ret, size_t *ret_n,
		    char *message)
{
	struct store store;
	char *text = NULL;
	int r;

	message[0] = '\0';
	r = store_read_file(store_path, &text);
	if (r) {
		snprintf(message, STORE_MESSAGE_MAX, "%.600s: %s", store_path,
			 store_read_error(r));
		return r;
	}
	r = store_parse(text, store_path, &store, message) == POLICY_OK ? 0 : -EINVAL;
	free(text);
	if (r)
		return r;
	r = collect(&store, f, g, ret, ret_n);
	store_free(&store);
	return r;
}
