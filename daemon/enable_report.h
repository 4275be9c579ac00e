/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef MPATHISCSI_ENABLE_REPORT_H
#define MPATHISCSI_ENABLE_REPORT_H

/* What `mpathiscsi enable` and `disable` say. */

#include <stdio.h>

#include "daemon/array_conf.h"

struct enable_report {
	const char *path; /* of the fragment */
	const char *text; /* the fragment; NULL: none wanted */
	const struct fragment *fragment;
	const struct notes *notes;
	bool dry_run, json;
	bool changed, reconfigured, daemon_runs;
};

/* JSON with 'code', or: the fragment (dry run), the notes, 'sentence' (may be NULL). */
void enable_report(FILE *out, const struct enable_report *report, int code,
		   const char *sentence);

#endif
