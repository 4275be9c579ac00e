/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef MPATHISCSI_QUICK_HANG_H
#define MPATHISCSI_QUICK_HANG_H

/*
 * Acts on LUNs that hang on some of their paths (lun_silence.h): new I/O is turned away from
 * these paths (dm fail_path), the checker is told not to bring them back before a READ has
 * been answered (BOARD_PATH_HUNG), and what is stuck on them is freed by ending the
 * connection it is in flight on, for nothing gentler frees it (see the manual, "A LUN that
 * hangs"): only where every LUN of that session has another healthy path.
 * Nothing at all is done to a LUN whose I/O may not be freed: failing paths alone can make
 * multipathd reload the map, and the reload would wait for what is stuck.
 */

#include <json-c/json.h>

#include "daemon/lun.h"

struct quick;
struct hangs;

/* To be called at each beat: looks at all disks once a second, five times as often while one
 * is silent. Time in which we did not run is not counted. Makes and frees quick->hangs. */
void quick_hang(struct quick *quick, uint64_t now_ns);
void hangs_free(struct hangs *hangs); /* NULL is fine */

/* BOARD_PATH_HUNG (with BOARD_PATH_HELD and a penalty for one that hung again and again), or 0. */
unsigned int quick_hang_flags(const struct quick *quick, const struct lun *lun,
			      const struct lun_path *path, uint64_t now_ns);

/* What there is to say about the path, "" nothing: "I/O of this LUN hangs here since 12 s; …". */
#define HANG_TEXT_MAX 256
const char *quick_hang_text(const struct quick *quick, const struct lun *lun,
			    const struct lun_path *path, uint64_t now_ns, char *buffer, size_t size);

/* `mpathiscsi forgive`: no penalty for this path any more. */
void quick_hang_forgive(struct quick *quick, const struct lun *lun, const struct lun_path *path);

/* "hangs", "hang_releases", "hang_refused". */
void quick_hang_report(const struct quick *quick, struct json_object *counters);

#endif
