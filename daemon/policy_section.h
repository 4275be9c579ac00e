/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef MPATHISCSI_POLICY_SECTION_H
#define MPATHISCSI_POLICY_SECTION_H

/*
 * The request policy-section: what does this section say in the store as it is read, and
 * what would come of taking it away? Changes nothing.
 *
 * Fields: either "lun" (WWID or map name) or "scope", as for policy-check.
 *
 * Reply: "scope" (the section; "lun WWID" for a LUN, under whichever of its names it
 * stands), "alias", "setting" in its canonical form ("": there is no such section);
 * "luns": each LUN whose policy would be another without the section, with "wwid",
 * "policy" (now), "setting" and "selector" (then; "" none), "reconfigures": multipathd
 * must be told, for it would go on with a policy that is gone or with its path selector;
 * "reconfigures" of any of them, and the "selector" of the first that gets another one
 * ("": none does, policies only go).
 */

#include <json-c/json.h>

#include "daemon/lun.h"

/* A new reply, or an error reply with the policy error's name; NULL: fields missing. */
struct json_object *policy_section(const struct lun_table *luns,
				   const struct store *store,
				   struct json_object *request);

#endif
