/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Facts about arrays and LUNs to multipathd's settings for them. */
#include "daemon/lun_conf.h"

#include <errno.h>
#include <string.h>

#include "common/parse.h"

#define UNKNOWN "unknown"
#define OURS	"iscsi"

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
static const char *stock_checker(const struct conf_builder *b, const struct conf_path *p)
{
	const struct fragment_array *old;

	if (p->checker[0] && strcmp(p->checker, OURS))
		return p->checker;
	old = b->in->old ? fragment_array_find(b->in->old, p->vendor, p->product) : NULL;
	if (old && strcmp(old->stock_checker, UNKNOWN))
		return old->stock_checker;
	/* Not known; or ours, by the administrator's own hand or enabled without multipathd. */
	return p->checker;
}

/* What an array's paths have in common. */
struct survey {
	const char *checker; /* a plain stock checker; "" none known */
	const char *special; /* an array-specific one; NULL none */
	const struct conf_path *special_path;
	const struct conf_path *other; /* a path on another transport; NULL none */
	bool alua, access_state, own_handler;
};

static struct survey survey_array(const struct conf_builder *b, const char *vendor,
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
static bool array_allowed(struct conf_builder *b, const struct survey *s,
			  const char *vendor, const char *product)
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

static int add_array(struct conf_builder *b, const char *vendor, const char *product)
{
	struct survey s = survey_array(b, vendor, product);
	const struct fragment *old = b->in->old;
	struct fragment_array *a;
	bool told;

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
	/* Ours, where we have a stanza already, tells nothing of what stock would take. */
	told = s.checker[0] && !(old && fragment_array_find(old, vendor, product) &&
				 !strcmp(s.checker, OURS));
	copy_text(a->stock_checker, sizeof(a->stock_checker), told ? s.checker : UNKNOWN);
	return 0;
}

static int add_arrays(struct conf_builder *b)
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
static int keep_absent(struct conf_builder *b)
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
static void warn_of_overrides(struct conf_builder *b)
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

int array_conf_build(const struct conf_input *input, struct fragment *ret,
		     struct notes *notes)
{
	struct conf_builder b = {.in = input, .notes = notes};

	if (add_arrays(&b) || lun_conf_add(&b) || keep_absent(&b)) {
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
