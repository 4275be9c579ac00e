/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The stanza of each LUN: no_path_retry and the policy. */
#include "daemon/lun_conf.h"

#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "common/parse.h"

static const struct mp_map *find_map(const struct conf_input *in, const char *wwid)
{
	for (size_t i = 0; i < in->n_maps; i++)
		if (!in->maps[i].foreign && !strcmp(in->maps[i].wwid, wwid))
			return &in->maps[i];
	return NULL;
}

static unsigned int polling_interval(const struct conf_input *in)
{
	return in->config && in->config->polling_interval ? in->config->polling_interval
							  : POLLING_INTERVAL_DEFAULT;
}

static void set_retry(struct conf_builder *b, struct fragment_lun *lun, const char *label,
		      const char *stock)
{
	unsigned int interval = polling_interval(b->in);

	lun->no_path_retry = (QUEUE_SECONDS_MIN + interval - 1) / interval;
	copy_text(lun->stock_retry, sizeof(lun->stock_retry), stock);
	notes_add(b->notes, NOTE_INFO,
		  "%s: when all paths are gone I/O will wait %u s (no_path_retry %u, "
		  "checks %u s "
		  "apart; was: %s) before it fails: failing over quickly needs a map "
		  "that queues",
		  label, lun->no_path_retry * interval, lun->no_path_retry, interval,
		  stock);
}

/* Whether the map queues long enough without us, and if not, our no_path_retry. */
static void decide_retry(struct conf_builder *b, struct fragment_lun *lun,
			 const struct mp_map *map, const struct fragment_lun *old)
{
	unsigned int interval = polling_interval(b->in);
	char stock[FRAGMENT_STOCK_MAX];

	if (old && old->no_path_retry) {
		set_retry(b, lun, map ? map->alias : lun->wwid, old->stock_retry);
		return;
	}
	if (!map) {
		notes_add(b->notes, NOTE_WARNING,
			  "%s: how long it queues without paths is not known, so "
			  "no_path_retry is "
			  "left alone; run `mpathiscsi enable` again when multipathd has "
			  "its map",
			  lun->wwid);
		return;
	}
	switch (map->queueing) {
	case MP_QUEUEING_ON:
		return;
	case MP_QUEUEING_CHECKS:
		snprintf(stock, sizeof(stock), "%u", map->retries);
		if ((uint64_t)map->retries * interval < QUEUE_SECONDS_MIN)
			set_retry(b, lun, map->alias, stock);
		return;
	case MP_QUEUEING_OFF:
		if (map->n_active) {
			set_retry(b, lun, map->alias, "fail");
			return;
		}
		break; /* set to fail, or retries used up: cannot be told apart */
	case MP_QUEUEING_UNSET:
		set_retry(b, lun, map->alias, "not set");
		return;
	case MP_QUEUEING_SECONDS:
		break;
	}
	notes_add(b->notes, NOTE_WARNING,
		  "%s: has no usable path now, so its no_path_retry cannot be told and "
		  "is left "
		  "alone; run `mpathiscsi enable` again when it has one",
		  map->alias);
}

/* Are all paths of the LUN on software iSCSI and of arrays that got a stanza? */
static bool lun_allowed(struct conf_builder *b, const char *wwid, const char *label)
{
	for (size_t i = 0; i < b->in->n_paths; i++) {
		const struct conf_path *p = &b->in->paths[i];

		if (strcmp(p->wwid, wwid))
			continue;
		if (!p->software_iscsi) {
			notes_add(
				b->notes, NOTE_REFUSED,
				"%s: has a path over %s (%s) beside iSCSI; left as it is",
				label, p->transport, p->dev);
			return false;
		}
		if (!fragment_array_find(&b->out, p->vendor, p->product))
			return false; /* its array's note says why */
	}
	if (!fragment_text_fits(wwid)) {
		notes_add(b->notes, NOTE_REFUSED,
			  "a LUN's WWID has characters that cannot be configured");
		return false;
	}
	return true;
}

static int add_lun(struct conf_builder *b, const char *wwid)
{
	const struct fragment_lun *old =
		b->in->old ? fragment_lun_find(b->in->old, wwid) : NULL;
	const struct mp_map *map = find_map(b->in, wwid);
	const char *label = map ? map->alias : wwid;
	struct fragment_lun *lun;

	if (fragment_lun_find(&b->out, wwid) || !lun_allowed(b, wwid, label))
		return 0;
	if (b->in->daemon_runs && !map && !old) {
		notes_add(b->notes, NOTE_INFO,
			  "%s: multipathd has no map of it; left as it is", wwid);
		return 0;
	}
	lun = fragment_add_lun(&b->out);
	if (!lun)
		return -ENOMEM;
	copy_text(lun->wwid, sizeof(lun->wwid), wwid);
	decide_retry(b, lun, map, old);
	return 0;
}

int lun_conf_add(struct conf_builder *b)
{
	for (size_t i = 0; i < b->in->n_paths; i++) {
		const struct conf_path *p = &b->in->paths[i];
		bool seen = !p->software_iscsi || !p->wwid[0];

		for (size_t j = 0; j < i && !seen; j++)
			seen = b->in->paths[j].software_iscsi &&
			       !strcmp(b->in->paths[j].wwid, p->wwid);
		if (!seen && add_lun(b, p->wwid))
			return -ENOMEM;
	}
	return 0;
}

static const struct conf_policy *policy_of(const struct conf_policy *policies, size_t n,
					   const char *wwid)
{
	for (size_t i = 0; i < n; i++)
		if (!strcmp(policies[i].wwid, wwid))
			return &policies[i];
	return NULL;
}

/* Copy where it differs; returns whether it did. */
static bool take(char *to, size_t size, const char *from)
{
	if (!strcmp(to, from))
		return false;
	copy_text(to, size, from);
	return true;
}

bool array_conf_policies(struct fragment *f, const struct conf_policy *policies, size_t n,
			 struct notes *notes)
{
	bool changed = false;

	for (size_t i = 0; i < f->n_luns; i++) {
		struct fragment_lun *lun = &f->luns[i];
		const struct conf_policy *policy = policy_of(policies, n, lun->wwid);
		const char *text = policy ? policy->text : "";
		const char *selector = policy && policy->selector ? policy->selector : "";

		if (strlen(text) > FRAGMENT_PRIO_ARGS_MAX || !fragment_text_fits(text)) {
			if (notes)
				notes_add(notes, NOTE_WARNING,
					  "%s: its policy does not fit in prio_args (at "
					  "most %d "
					  "characters, printable): it is in force only "
					  "while "
					  "mpathiscsid runs",
					  lun->wwid, FRAGMENT_PRIO_ARGS_MAX);
			text = "";
		}
		changed |= take(lun->prio_args, sizeof(lun->prio_args), text);
		changed |= take(lun->selector, sizeof(lun->selector), selector);
	}
	return changed;
}
