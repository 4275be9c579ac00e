/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef MPATHISCSI_ARRAY_CONF_H
#define MPATHISCSI_ARRAY_CONF_H

/*
 * Which settings multipathd needs so that our checker and prioritizer serve the LUNs on
 * software iSCSI, and nothing else changes. Pure: facts in, fragment and notes out.
 *
 * The rules, with their reasons (multipath-tools' propsel.c and config.c, 0.8.5 … 0.15):
 * - The checker can be set per array (vendor and product) but neither per transport nor
 * per LUN. overrides{} and defaults{} would reach every other disk, so an array's stanza
 * it is.
 * - detect_checker is looked at before any section: it must be off for our checker to
 * count. detect_prio likewise beats a LUN's own stanza where the target does ALUA; off as
 * well.
 * - With detect_prio off, a LUN of the array without a stanza of ours (new since, or on
 *   Fibre Channel) would lose what detection gives it. Therefore, where paths of the
 * array do ALUA, its stanza names what detection would have taken: "sysfs" if the kernel
 * knows the access state of all of them, else "alua" (for which multipathd itself falls
 * back to "const" on a LUN without ALUA). Without ALUA detection finds nothing: no prio
 * line.
 * - An array whose stock checker is array-specific (rdac, emc_clariion, …) is left alone:
 * our TUR does not know its ways. The same on another transport, where also paths with
 *   another checker than tur or directio would change.
 * - no_path_retry × polling_interval ≥ 60 s per LUN: quick failover gives up on a path
 * where stock would have ridden out up to a minute of silence; a map that fails I/O at
 * once when all paths are gone would turn that into I/O errors. What queues as long
 * already stays.
 */

#include <stdbool.h>
#include <stddef.h>

#include "daemon/fragment.h"
#include "daemon/multipathd_config.h"
#include "daemon/multipathd_parse.h"
#include "daemon/notes.h"

#define QUEUE_SECONDS_MIN	 60
#define POLLING_INTERVAL_DEFAULT 5

/* One SCSI disk of this host. */
struct conf_path {
	char dev[DEVICE_NAME_MAX];
	char wwid[MP_NAME_MAX]; /* multipathd's; "" not known */
	char vendor[INQUIRY_VENDOR_MAX], product[INQUIRY_PRODUCT_MAX];
	char target[ISCSI_NAME_MAX]; /* of its session; "" not iSCSI */
	char transport[32]; /* for people: "scsi:fcp", "iscsi_tcp" */
	bool software_iscsi;
	char checker[32];  /* in force now; "" not known */
	bool alua;	   /* INQUIRY says that the target does ALUA (TPGS ≠ 0) */
	bool access_state; /* the kernel knows the ALUA state (scsi_dh_alua attached) */
	bool own_handler;  /* another device handler: rdac, emc, hp_sw */
};

struct conf_policy {
	const char *wwid;
	const char *text; /* as in prio_args */
	const char *selector; /* path_selector of the policy; NULL none */
};

struct conf_input {
	const struct conf_path *paths;
	size_t n_paths;
	const struct mp_map *maps;
	size_t n_maps;
	const struct mp_config *config; /* NULL: not known */
	const struct fragment *old;	/* NULL: none */
	bool daemon_runs; /* paths' checkers and maps are told by multipathd */
};

/*
 * Decide. *ret: sorted, fragment_free() it; with neither arrays nor LUNs there is nothing
 * to enable, and the notes say why. Without policies: array_conf_policies(). 'notes' gets
 * what people should know. -ENOMEM.
 */
int array_conf_build(const struct conf_input *input, struct fragment *ret,
		     struct notes *notes);

/*
 * The policies into the LUNs' prio_args: those of other LUNs of 'f' are emptied. A text
 * that is too long or cannot be written there is left out, with a warning in 'notes' (may
 * be NULL). Returns whether anything changed.
 */
bool array_conf_policies(struct fragment *f, const struct conf_policy *policies, size_t n,
			 struct notes *notes);

#endif
