/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef MPATHISCSI_LUN_CONF_H
#define MPATHISCSI_LUN_CONF_H

/* Inside array_conf.c and lun_conf.c: a fragment that is being made. */

#include "daemon/array_conf.h"

struct conf_builder {
	const struct conf_input *in;
	struct fragment out;
	struct notes *notes;
};

/* The LUNs' stanzas; after those of the arrays, which decide which LUNs may have one.
 * -ENOMEM. */
int lun_conf_add(struct conf_builder *b);

#endif
