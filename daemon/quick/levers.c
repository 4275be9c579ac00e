/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "daemon/quick/levers.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/sysfs.h"
#include "daemon/log.h"
#include "daemon/quick/levers_state.h"
#include "daemon/quick/levers_sysfs.h"

static int commit(struct levers *levers)
{
	char *text;
	int r;

	if (!levers->dirty)
		return 0;
	r = lever_records_format(&levers->records, &text);
	if (r < 0)
		return r;
	r = levers_file_write(&levers->file, text);
	free(text);
	if (r == 0)
		levers->dirty = false;
	return r;
}

static struct lever_live *live_find(const struct levers *levers, unsigned int sid)
{
	size_t i;

	for (i = 0; i < levers->n_live; i++)
		if (levers->live[i].sid == sid)
			return &levers->live[i];
	return NULL;
}

static struct lever_live *live_add(struct levers *levers, unsigned int sid)
{
	struct lever_live *live = live_find(levers, sid), *grown;

	if (live)
		return live;
	grown = reallocarray(levers->live, levers->n_live + 1, sizeof(*grown));
	if (!grown)
		return NULL;
	levers->live = grown;
	grown[levers->n_live] = (struct lever_live){.sid = sid};
	return &grown[levers->n_live++];
}

static void live_remove(struct levers *levers, unsigned int sid)
{
	struct lever_live *live = live_find(levers, sid);

	if (live)
		*live = levers->live[--levers->n_live];
}

/* Somebody else has put everything back (mpathiscsi-disarm): nothing is known to be in force. */
static void notice_others(struct levers *levers)
{
	size_t i;

	if (!levers_file_changed(&levers->file))
		return;
	for (i = 0; i < levers->n_live; i++) {
		levers->live[i].in_force_ms = 0;
		levers->live[i].retry_ns = 0;
	}
	levers->dirty = true;
}

static void read_record(struct levers *levers, int *ret)
{
	size_t damaged = 0;
	char *text = NULL;

	*ret = levers_file_read(&levers->file, &text);
	if (*ret == -EPERM || *ret == -EFBIG) {
		log_line(LOG_WARNING, "%s: not a record of ours; it will be replaced",
			 levers->file.path);
		*ret = 0;
		return;
	}
	if (*ret == 0)
		*ret = lever_records_parse(text, &levers->records, &damaged);
	if (damaged)
		log_line(LOG_WARNING, "%s: %zu line%s not understood; not put back",
			 levers->file.path, damaged, damaged == 1 ? "" : "s");
	free(text);
}

int levers_new(const char *sysfs, const char *record, struct levers **ret)
{
	struct levers *levers = calloc(1, sizeof(*levers));
	int r;

	if (!levers)
		return -ENOMEM;
	levers->root = sysfs_open_root(sysfs);
	r = levers->root < 0 ? levers->root :
			       levers_file_new(record ? record : LEVERS_RECORD_PATH, &levers->file);
	if (r == 0)
		read_record(levers, &r);
	if (r < 0) {
		levers_free(levers);
		return r;
	}
	*ret = levers;
	return 0;
}

void levers_free(struct levers *levers)
{
	if (!levers)
		return;
	if (levers->root >= 0)
		close(levers->root);
	levers_file_free(&levers->file);
	lever_records_free(&levers->records);
	free(levers->live);
	free(levers);
}

/* The record is written. */
static void carry_out(struct levers *levers, struct lever_record *record,
		      struct lever_live *live, const struct lever_wish *wish,
		      struct lever_deeds *deeds)
{
	int r;

	if (deeds->recovery) {
		r = lever_recovery_write(levers->root, wish->sid, wish->recovery_tmo_s);
		if (r < 0)
			levers_note_error(deeds, r);
	} else if (wish->recovery_tmo_s < 0) {
		levers_restore_recovery(levers, record);
	}
	levers_pull_disks(levers, deeds);
	if (!wish->keep_disks && record->n_disks > deeds->n_recorded)
		levers_restore_disks(levers, record, deeds);
	if (wish->user_timeout_ms)
		levers_socket_pull(live, wish, deeds->socket);
	else
		levers_socket_restore(levers, record, live);
	commit(levers); /* of what was put back; it is tried again when this fails */
}

static int set_recorded(struct levers *levers, const struct lever_wish *wish,
			struct lever_deeds *deeds, struct lever_state *ret)
{
	struct lever_record *record = lever_records_add(&levers->records, wish->sid);
	struct lever_live *live = live_add(levers, wish->sid);
	int r;

	if (!record || !live)
		return -ENOMEM;
	notice_others(levers);
	if (wish->keep_disks)
		deeds->quick = ret->quick;
	else
		levers_plan_disks(levers, record, wish, deeds);
	levers_plan_recovery(levers, record, wish, deeds);
	deeds->socket = levers_socket_plan(levers, record, live, wish);
	r = commit(levers);
	if (r < 0) {
		if (deeds->socket >= 0)
			close(deeds->socket);
		return r;
	}
	carry_out(levers, record, live, wish, deeds);
	*ret = (struct lever_state){.quick = deeds->quick,
				    .socket = live->socket,
				    .user_timeout_ms = live->in_force_ms,
				    .error = live->error ? live->error : deeds->error};
	return 0;
}

int levers_set(struct levers *levers, const struct lever_wish *wish, struct lever_state *ret)
{
	struct lever_deeds deeds = {.socket = -1};
	int r = -ENOMEM;

	if (wish->n_devices > LEVERS_DISKS_MAX)
		return -E2BIG;
	if (!lever_session_exists(levers->root, wish->sid))
		return -ENODEV;
	deeds.addresses = calloc(wish->n_devices + 1, sizeof(*deeds.addresses));
	deeds.pull = calloc(wish->n_devices + 1, sizeof(*deeds.pull));
	if (deeds.addresses && deeds.pull)
		r = set_recorded(levers, wish, &deeds, ret);
	free(deeds.addresses);
	free(deeds.pull);
	return r;
}

static void forget(struct levers *levers, unsigned int sid)
{
	const struct lever_record *record = lever_records_find(&levers->records, sid);

	if (record && !lever_record_empty(record))
		levers->dirty = true;
	lever_records_remove(&levers->records, sid);
	live_remove(levers, sid);
}

int levers_clear(struct levers *levers, unsigned int sid)
{
	struct lever_record *record = lever_records_find(&levers->records, sid);
	struct lever_live *live;

	if (!record)
		return 0;
	notice_others(levers);
	if (!lever_session_exists(levers->root, sid)) {
		forget(levers, sid);
		return commit(levers) < 0 ? -EAGAIN : 0;
	}
	live = live_add(levers, sid);
	if (!live)
		return -ENOMEM;
	levers_restore_disks(levers, record, NULL);
	levers_socket_restore(levers, record, live);
	levers_restore_recovery(levers, record);
	if (!lever_record_empty(record))
		return commit(levers), -EAGAIN;
	forget(levers, sid);
	return commit(levers) < 0 ? -EAGAIN : 0;
}

int levers_state(const struct levers *levers, unsigned int sid, struct lever_state *ret)
{
	const struct lever_record *record = lever_records_find(&levers->records, sid);
	const struct lever_live *live = live_find(levers, sid);

	if (!record || lever_record_empty(record))
		return -ENOENT;
	*ret = (struct lever_state){.quick = record->n_disks > 0};
	if (live) {
		ret->socket = live->socket;
		ret->user_timeout_ms = live->in_force_ms;
		ret->error = live->error;
	}
	return 0;
}

size_t levers_list(const struct levers *levers, unsigned int *sids, size_t max)
{
	size_t n = 0, i;

	for (i = 0; i < levers->records.n; i++) {
		const struct lever_record *record = &levers->records.sessions[i];

		if (lever_record_empty(record))
			continue;
		if (n < max)
			sids[n] = record->sid;
		n++;
	}
	return n;
}

int levers_recovery_before(const struct levers *levers, unsigned int sid)
{
	const struct lever_record *record = lever_records_find(&levers->records, sid);

	return record && record->recovery ? record->recovery_before : INT_MIN;
}

void levers_forget_gone(struct levers *levers)
{
	size_t i = levers->records.n;

	while (i-- > 0)
		if (!lever_session_exists(levers->root, levers->records.sessions[i].sid))
			forget(levers, levers->records.sessions[i].sid);
	commit(levers);
}
