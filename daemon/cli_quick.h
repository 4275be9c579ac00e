/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef MPATHISCSI_CLI_QUICK_H
#define MPATHISCSI_CLI_QUICK_H

/* How `status` and `explain` word what the daemon says of quick paths. All of it fits into 80
 * columns; none of it prints anything for a daemon that says nothing. */

#include <stdbool.h>
#include <stdio.h>

#include <json-c/json.h>

/* "quick", or "" for a path that is not. */
const char *cli_quick_mark(struct json_object *path);

/* Why none of the paths is quick, if it is the same reason for all of them; else "". */
const char *cli_quick_reason_of_all(struct json_object *paths);

/*
 * What is to be said below a path, behind 'indent' blanks: that it is held out, a suspicion,
 * that it cannot be armed, and why it is not quick unless that is 'said' (""; or what
 * cli_quick_reason_of_all() gave) already.
 */
void cli_print_quick(FILE *out, struct json_object *path, int indent, const char *said);

/* "switched off …" if everything is off. 'reply' of "status". Returns whether it is. */
bool cli_print_switch(FILE *out, struct json_object *reply);

/* The whole of `status --timing`. */
void cli_print_timing(FILE *out, struct json_object *reply);

#endif
