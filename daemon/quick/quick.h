/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef MPATHISCSI_QUICK_H
#define MPATHISCSI_QUICK_H

/*
 * What acts: makes sessions quick and takes it back (levers.h), gives up connections that are
 * dead (suspicion.h), keeps I/O alive through a total outage, holds out paths that come and
 * go. Looks at every session's connection ten times a second, less often where there is no hurry
 * (pace.h), decides (decide.h) when something has changed and once a second or two.
 */

#include <stdbool.h>
#include <json-c/json.h>

#include "daemon/lun.h"

struct watch;
struct quick;

/* Begin; 'watch' has its inventory already. What is missing in the kernel or for want of a
 * capability is logged and done without. -ENOMEM, -errno of the event loop. */
int quick_new(struct watch *watch, struct quick **ret);

/* Everything is given back, then freed. NULL is fine. */
void quick_free(struct quick *quick);

/* The inventory or the states in it are new: decide. */
void quick_look(struct quick *quick);

/* Read mpathiscsid.conf and the switch again. -EINVAL: the file is broken, quick_complaint()
 * says how, and what was in force stays. */
int quick_reload(struct quick *quick);
const char *quick_complaint(const struct quick *quick); /* "" none */

/* Whose members may look, by the settings in force; "": nobody's. */
const char *quick_group(const struct quick *quick);

/* BOARD_PATH_HELD, BOARD_PATH_HUNG or 0: what the checker is to be told of a path. */
unsigned int quick_path_flags(const struct quick *quick, const struct lun *lun,
			      const struct lun_path *path);

/* May the above be, or become, or have just ceased to be anything but 0 for any path? */
bool quick_flags_paths(struct quick *quick);

/* Is a connection silent or just lost, so that what dm makes of it matters at once? */
bool quick_in_trouble(const struct quick *quick);

/* Is there I/O, or anything that is not as every day (pace.h)? Unknown is haste. */
bool quick_in_haste(const struct quick *quick);

/* Of the session's record on the board, see board.h. */
uint32_t quick_doubted(const struct quick *quick, unsigned int sid);

/* "quick", "quick_reason", "armed", "suspicion", "flaps", "held_out_ms" of a path of 'lun'.
 * 'brief': without what says nothing. */
void quick_report_path(const struct quick *quick, const struct lun *lun,
		       const struct lun_path *path, bool brief, struct json_object *object);

/* "quick": counters and the switch; "timing": settings and what comes of them per session. */
void quick_report(const struct quick *quick, struct json_object *reply);

/* Configuration file or switch may have changed: quick_reload(), if there is anything to. */
void quick_settings_changed(struct watch *watch);

/* `mpathiscsi forgive`: fields "lun" (absent or "all": every LUN) and "expression". */
struct json_object *quick_forgive(struct watch *watch, struct json_object *request);

#endif
