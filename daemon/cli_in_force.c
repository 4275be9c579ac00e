/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What follows from a saved policy: may multipathd reconfigure for it, is it in force? */
#include <poll.h>
#include <stdio.h>
#include <string.h>

#include "common/clock.h"
#include "daemon/cli_policy.h"
#include "daemon/taken.h"

#define LOOK_AGAIN_MS 200
#define WAITS_MAX     512
#define FILE_MAX      512

/* How far the daemon and the kernel are. */
struct progress {
	bool taken;	   /* the daemon has the setting for every LUN it governs */
	size_t n_in_force; /* LUNs that it governs, with the kernel saying the same */
	char waits_for[WAITS_MAX]; /* what the first that is not in force waits for; ""
				      unknown */
	char file[FILE_MAX];	   /* the policies file that the daemon reads */
};

int cli_may_reconfigure(struct json_object *checked, const char *what, bool force)
{
	const char *unfit = cli_text(checked, "unfit");

	if (!*unfit || force)
		return EXIT_OK;
	cli_error("REFUSED: %s needs a reconfigure of multipathd, which would stop its "
		  "checks "
		  "while %s is in trouble; nothing was changed (--force: do it all the "
		  "same)",
		  what, unfit);
	return EXIT_REFUSED;
}

int cli_ask_section(struct cli *cli, const struct cli_scope *scope,
		    struct json_object **ret)
{
	struct json_object *fields = json_object_new_object();

	cli_scope_field(scope, fields);
	return cli_request(cli, "policy-section", fields, ret);
}

/* One LUN that the setting was for. False: it is not in force and should be. A LUN of
 * several that is in no map never can be: it is no matter. */
static bool look_at_lun(struct json_object *lun, struct json_object *checked, bool one,
			struct progress *progress)
{
	if (!lun)
		return true; /* it has gone */
	switch (taken_of(lun, cli_text(checked, "scope"), cli_text(checked, "setting"))) {
	case TAKEN_ELSEWHERE:
		return true;
	case TAKEN_NO:
		progress->taken = false;
		return false;
	case TAKEN_YES:
		break;
	}
	if (cli_flag(lun, "in_force")) {
		progress->n_in_force++;
		return true;
	}
	if (!one && cli_length(json_object_object_get(lun, "groups")) == 0)
		return true;
	if (!*progress->waits_for)
		snprintf(progress->waits_for, WAITS_MAX, "%s",
			 cli_text(lun, "waits_for"));
	return false;
}

/* Both lists are in the same order: the search goes on where the last one ended. */
static struct json_object *find_from(struct json_object *luns, const char *wwid, size_t *at)
{
	size_t n = cli_length(luns);

	for (size_t i = 0; i < n; i++) {
		struct json_object *lun = json_object_array_get_idx(luns, (*at + i) % n);

		if (!strcmp(cli_text(lun, "wwid"), wwid)) {
			*at = (*at + i + 1) % n;
			return lun;
		}
	}
	return NULL;
}

/* EXIT_OK, EXIT_PENDING, or an error's exit code. */
static int look(struct cli *cli, struct json_object *checked, struct progress *progress)
{
	struct json_object *luns = json_object_object_get(checked, "luns"), *reply, *lun;
	size_t n = cli_length(luns), i;
	struct json_object *fields = json_object_new_object();
	size_t at = 0;
	int r;

	json_object_object_add(fields, "detail", json_object_new_string("luns"));
	r = cli_request(cli, "status", fields, &reply);

	if (r != EXIT_OK)
		return r;
	*progress = (struct progress){.taken = true};
	snprintf(progress->file, FILE_MAX, "%s", cli_text(reply, "policies_file"));
	for (i = 0; i < n; i++) {
		lun = find_from(json_object_object_get(reply, "luns"),
				cli_text(json_object_array_get_idx(luns, i), "wwid"), &at);
		if (!look_at_lun(lun, checked, n == 1, progress))
			r = EXIT_PENDING;
	}
	json_object_put(reply);
	return r;
}

/* Does the daemon have the section as it was written? Of a scope this does not show in
 * the LUNs: there may be none. */
static int look_at_section(struct cli *cli, const struct cli_scope *scope,
			   struct json_object *checked, bool *ret_same)
{
	struct json_object *reply;
	int r;

	*ret_same = true;
	if (!scope->has_name)
		return EXIT_OK;
	r = cli_ask_section(cli, scope, &reply);
	if (r != EXIT_OK)
		return r;
	*ret_same = !strcmp(cli_text(reply, "setting"), cli_text(checked, "setting"));
	json_object_put(reply);
	return EXIT_OK;
}

static void say_pending(const struct cli *cli, const struct progress *progress)
{
	if (!progress->taken && *progress->file &&
	    strcmp(progress->file, cli->store_path) != 0)
		cli_error("saved in %s, but pending: mpathiscsid reads another file, %s",
			  cli->store_path, progress->file);
	else if (!progress->taken)
		cli_error("saved in %s, but pending: mpathiscsid has not taken it over; "
			  "see: "
			  "mpathiscsi policy show",
			  cli->store_path);
	else if (*progress->waits_for)
		cli_error("saved, but pending: waits for %s", progress->waits_for);
	else
		cli_error("saved, but the kernel's path groups do not say so yet\n"
			  "multipathd takes priorities at its next check of a path (up "
			  "to 20 s);\n"
			  "is it running, and has `mpathiscsi enable` been done? see: "
			  "mpathiscsi status");
}

int cli_wait_in_force(struct cli *cli, const struct cli_scope *scope,
		      struct json_object *checked, uint64_t timeout_ms, size_t *ret_n)
{
	uint64_t deadline_ns = clock_now_ns() + timeout_ms * NS_PER_MS;
	struct progress progress = {.taken = false};
	bool same;
	int r = look_at_section(cli, scope, checked, &same);

	*ret_n = 0;
	if (r != EXIT_OK)
		return r;
	while ((r = look(cli, checked, &progress)) == EXIT_PENDING) {
		/* The daemon has read its file before: what it did not take it will not
		 * take. */
		if (!same || !progress.taken || clock_now_ns() >= deadline_ns)
			break;
		poll(NULL, 0, LOOK_AGAIN_MS);
	}
	progress.taken &= same;
	if (r == EXIT_OK && !same)
		r = EXIT_PENDING;
	if (r == EXIT_PENDING)
		say_pending(cli, &progress);
	else if (r == EXIT_OK)
		*ret_n = progress.n_in_force;
	return r;
}
