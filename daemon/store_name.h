/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef MPATHISCSI_STORE_NAME_H
#define MPATHISCSI_STORE_NAME_H

/*
 * What a section of the policies file is about, from the most specific to the least:
 *
 *	[lun WWID|ALIAS]
 *	[target NAME]			all LUNs of that target
 *	[product "VENDOR" "PRODUCT"]	as in INQUIRY, exact but for blanks at the end
 *	[default]			all LUNs over iSCSI
 */

#include <stdbool.h>
#include <stddef.h>

#include "common/identity.h"
#include "policies/policy.h"

#define STORE_NAME_MAX 256
/* Room for any section's name as text. */
#define STORE_NAME_TEXT_MAX (STORE_NAME_MAX + INQUIRY_PRODUCT_MAX + 16)

enum store_scope {
	STORE_LUN,
	STORE_TARGET,
	STORE_PRODUCT,
	STORE_DEFAULT,
	STORE_SCOPE_MAX
};
const char *store_scope_name(enum store_scope scope); /* "lun", "target", … */

struct store_name {
	enum store_scope scope;
	char name[STORE_NAME_MAX]; /* WWID or alias as written; target in lower case; vendor */
	char product[INQUIRY_PRODUCT_MAX];
};

/* A LUN as sections are found for it. Texts are the caller's. */
struct store_lun {
	const char *wwid, *alias; /* alias "": none */
	const char *const *targets; /* its targets in the order of its paths */
	size_t n_targets;
	const char *vendor, *product; /* blanks at the end removed; "" unknown */
};

/* Parse what stands between the brackets. -EINVAL with 'message' (POLICY_MESSAGE_MAX bytes)
 * that says what is allowed; *ret is written on success only. */
int store_name_parse(const char *text, struct store_name *ret, char *message);

/* The same text again, canonical. Returns 'buffer' (STORE_NAME_TEXT_MAX bytes). */
const char *store_name_format(const struct store_name *name, char *buffer);

bool store_name_equal(const struct store_name *a, const struct store_name *b);

/*
 * How closely the section is about the LUN; the smallest wins; STORE_NO_MATCH: not at all.
 * WWID before alias before targets (the first in the order of paths) before vendor and
 * product before the default.
 */
#define STORE_NO_MATCH SIZE_MAX
size_t store_name_match(const struct store_name *name, const struct store_lun *lun);

#endif
