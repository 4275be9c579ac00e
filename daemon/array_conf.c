/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Facts about arrays and LUNs to multipathd's settings for them. */
#include "daemon/array_conf.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/parse.h"

#define UNKNOWN "unknown"
#define OURS	"iscsi"

const char *note_level_name(enum note_level level)
{
	static const char *const names[] = {"info", "warning", "refused"};

	return names[level];
}

void notes_add(struct notes *notes, enum note_level level, const char *format, ...)
{
	struct note *grown = reallocarray(notes->list, notes->n + 1, sizeof(*grown));
	va_list args;

	if (!grown) {
		notes->lost = true;
		return;
	}
	notes->list = grown;
	grown += notes->n++;
	grown->level = level;
	va_start(args, format);
	vsnprintf(grown->text, sizeof(grown->text), format, args);
	va_end(args);
}

void notes_free(struct notes *notes)
{
	free(notes->list);
	*notes = (struct notes){0};
}

struct builder {
	const struct conf_input *in;
	struct fragment out;
	struct notes *notes;
};

static bool same_array(const struct conf_path *p, const char *vendor, const char *product)
{
	return !strcmp(p->vendor, vendor) && !strcmp(p->product, product);
}

/* Checkers that ask no more than "are you there?", as ours does on any transport. */
static bool plain_checker(const char *checker)
{
	static const char *const plain[] = {"tur", "directio", "readsector0", OURS};

	for (size_t i = 0; i < sizeof(plain) / sizeof(plain[0]); i++)
		if (!strcmp(plain[i], checker))
			return true;
	return false;
}

/* What this path has, or had before us; "" if nobody knows. */
static const char *stock_checker(const struct builder *b, const struct conf_path *p)
{
	const struct fragment_array *old;

	if (p->checker[0] && strcmp(p->checker, OURS))
		return p->checker;
	old = b->in->old ? fragment_array_find(b->in->old, p->vendor, p->product) : NULL;
	if (old)
		return strcmp(old->stock_checker, UNKNOWN) ? old->stock_checker : "";
	return p->checker; /* ours by the administrator's own hand, or not known */
}

/* What an array's paths have in common. */
struct survey {
	const char *checker; /* a plain stock checker; "" none known */
	const char *special; /* an array-specific one; NULL none */
	const struct conf_path *special_path;
	const struct conf_path *other; /* a path on another transport; NULL none */
	bool alua, access_state, own_handler;
};

static struct survey survey_array(const struct builder *b, const char *vendor,
				  const char *product)
{
	struct survey s = {.checker = "", .access_state = true};

	for (size_t i = 0; i < b->in->n_paths; i++) {
		const struct conf_path *p = &b->in->paths[i];
		const char *checker = stock_checker(b, p);

		if (!same_array(p, vendor, product))
			continue;
		s.alua |= p->alua;
		s.access_state &= p->alua && p->access_state;
		s.own_handler |= p->own_handler;
		if (!p->software_iscsi)
			s.other = p;
		if (checker[0] &&
		    !(plain_checker(checker) &&
		      (p->software_iscsi || strcmp(checker, "readsector0")))) {
			s.special = checker;
			s.special_path = p;
		} else if (checker[0]) {
			s.checker = checker;
		}
	}
	return s;
}

/* Why this array must be left alone: a note, and false. */
static bool array_allowed(struct builder *b, const struct survey *s, const char *vendor,
			  const char *product)
{
	if (s->special) {
		notes_add(b->notes, NOTE_REFUSED,
			  "%s %s: %s (%s) is checked by \"%s\", which knows this array; "
			  "left as it is",
			  vendor, product, s->special_path->dev,
			  s->special_path->transport, s->special);
		return false;
	}
	if (s->own_handler && !s->checker[0]) {
		notes_add(b->notes, NOTE_REFUSED,
			  "%s %s: has a device handler of its own kind; left as it is",
			  vendor, product);
		return false;
	}
	if (b->in->daemon_runs && !s->checker[0]) {
		notes_add(b->notes, NOTE_REFUSED,
			  "%s %s: multipathd has no checker for any of its paths "
			  "(blacklisted, or "
			  "not yet checked); left as it is",
			  vendor, product);
		return false;
	}
	if (!fragment_text_fits(vendor) || !fragment_text_fits(product)) {
		notes_add(b->notes, NOTE_REFUSED,
			  "an array's vendor or product has characters that cannot be "
			  "configured");
		return false;
	}
	return true;
}

static int add_array(struct builder *b, const char *vendor, const char *product)
{
	struct survey s = survey_array(b, vendor, product);
	struct fragment_array *a;

	if (fragment_array_find(&b->out, vendor, product) ||
	    !array_allowed(b, &s, vendor, product))
		return 0;
	if (s.other)
		notes_add(
			b->notes, NOTE_INFO,
			"%s %s: also seen over %s (%s); there our checker is a plain TUR",
			vendor, product, s.other->transport, s.other->dev);
	a = fragment_add_array(&b->out);
	if (!a)
		return -ENOMEM;
	copy_text(a->vendor, sizeof(a->vendor), vendor);
	copy_text(a->product, sizeof(a->product), product);
	copy_text(a->prio, sizeof(a->prio),
		  !s.alua	   ? ""
		  : s.access_state ? "sysfs"
				   : "alua");
	copy_text(a->stock_checker, sizeof(a->stock_checker),
		  s.checker[0] ? s.checker : UNKNOWN);
	return 0;
}

static int add_arrays(struct builder *b)
{
	for (size_t i = 0; i < b->in->n_paths; i++) {
		const struct conf_path *p = &b->in->paths[i];
		bool seen = !p->software_iscsi;

		for (size_t j = 0; j < i && !seen; j++)
			seen = b->in->paths[j].software_iscsi &&
			       same_array(&b->in->paths[j], p->vendor, p->product);
		if (!seen && add_array(b, p->vendor, p->product))
			return -ENOMEM;
	}
	return 0;
}

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

static void set_retry(struct builder *b, struct fragment_lun *lun, const char *label,
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
static void decide_retry(struct builder *b, struct fragment_lun *lun,
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
static bool lun_allowed(struct builder *b, const char *wwid, const char *label)
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

static int add_lun(struct builder *b, const char *wwid)
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

static int add_luns(struct builder *b)
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

static bool sees_array(const struct conf_input *in, const struct fragment_array *a)
{
	for (size_t i = 0; i < in->n_paths; i++)
		if (same_array(&in->paths[i], a->vendor, a->product))
			return true;
	return false;
}

static bool sees_lun(const struct conf_input *in, const char *wwid)
{
	for (size_t i = 0; i < in->n_paths; i++)
		if (!strcmp(in->paths[i].wwid, wwid))
			return true;
	return false;
}

/* What is only logged out now keeps its stanza: it may come back before the next enable.
 */
static int keep_absent(struct builder *b)
{
	const struct fragment *old = b->in->old;

	for (size_t i = 0; old && i < old->n_arrays; i++) {
		struct fragment_array *a;

		if (sees_array(b->in, &old->arrays[i]))
			continue;
		a = fragment_add_array(&b->out);
		if (!a)
			return -ENOMEM;
		*a = old->arrays[i];
	}
	for (size_t i = 0; old && i < old->n_luns; i++) {
		struct fragment_lun *lun;

		if (sees_lun(b->in, old->luns[i].wwid))
			continue;
		lun = fragment_add_lun(&b->out);
		if (!lun)
			return -ENOMEM;
		*lun = old->luns[i];
		notes_add(b->notes, NOTE_INFO, "%s: not seen now; its settings are kept",
			  lun->wwid);
	}
	return 0;
}

/* overrides{} of the administrator's beats devices{}: say so before it disappoints. */
static void warn_of_overrides(struct builder *b)
{
	const struct mp_config *c = b->in->config;

	if (!c)
		return;
	if (c->overrides_checker[0] && strcmp(c->overrides_checker, OURS))
		notes_add(b->notes, NOTE_WARNING,
			  "multipath.conf has path_checker \"%s\" in overrides{}, which "
			  "beats ours; "
			  "remove it there",
			  c->overrides_checker);
	if (c->overrides_detect_checker == MP_YES)
		notes_add(b->notes, NOTE_WARNING,
			  "multipath.conf has detect_checker yes in overrides{}: targets "
			  "with ALUA "
			  "would keep checker \"tur\"; remove it there");
	if (c->overrides_detect_prio == MP_YES)
		notes_add(b->notes, NOTE_WARNING,
			  "multipath.conf has detect_prio yes in overrides{}: on targets "
			  "with ALUA "
			  "policies would have no effect; remove it there");
}

static const char *policy_of(const struct conf_policy *policies, size_t n,
			     const char *wwid)
{
	for (size_t i = 0; i < n; i++)
		if (!strcmp(policies[i].wwid, wwid))
			return policies[i].text;
	return "";
}

bool array_conf_policies(struct fragment *f, const struct conf_policy *policies, size_t n,
			 struct notes *notes)
{
	bool changed = false;

	for (size_t i = 0; i < f->n_luns; i++) {
		struct fragment_lun *lun = &f->luns[i];
		const char *text = policy_of(policies, n, lun->wwid);

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
		if (strcmp(lun->prio_args, text)) {
			copy_text(lun->prio_args, sizeof(lun->prio_args), text);
			changed = true;
		}
	}
	return changed;
}

int array_conf_build(const struct conf_input *input, struct fragment *ret,
		     struct notes *notes)
{
	struct builder b = {.in = input, .notes = notes};

	if (add_arrays(&b) || add_luns(&b) || keep_absent(&b)) {
		fragment_free(&b.out);
		return -ENOMEM;
	}
	if (b.out.n_arrays)
		warn_of_overrides(&b);
	fragment_sort(&b.out);
	if (notes->lost) {
		fragment_free(&b.out);
		return -ENOMEM;
	}
	*ret = b.out;
	return 0;
}
