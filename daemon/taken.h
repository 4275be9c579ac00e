/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef MPATHISCSI_TAKEN_H
#define MPATHISCSI_TAKEN_H

/* Has the daemon taken over what `mpathiscsi policy set` wrote? Pure. */

#include <json-c/json.h>

enum taken {
	TAKEN_YES,
	TAKEN_NO, /* the LUN has another policy, or none, though the section governs it */
	TAKEN_ELSEWHERE, /* a section that is more specific, or of the same kind, governs
			    it */
};

/*
 * 'lun': as status reports it, with "policy" and "scope" (the section that governs it).
 * 'scope' and 'setting': the section and its canonical text, as policy-check replied. A
 * LUN's own section counts under whichever of the LUN's names it stands.
 */
enum taken taken_of(struct json_object *lun, const char *scope, const char *setting);

#endif
