/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "daemon/taken.h"

#include <string.h>

#include "daemon/store_name.h"

static const char *text(struct json_object *object, const char *key)
{
	const char *value = json_object_get_string(json_object_object_get(object, key));

	return value ? value : "";
}

enum taken taken_of(struct json_object *lun, const char *scope, const char *setting)
{
	char message[POLICY_MESSAGE_MAX];
	struct store_name governs, wanted;

	if (store_name_parse(text(lun, "scope"), &governs, message) < 0 ||
	    store_name_parse(scope, &wanted, message) < 0)
		return TAKEN_NO; /* no section governs it */
	if (governs.scope > wanted.scope)
		return TAKEN_NO;
	if (governs.scope < wanted.scope ||
	    (wanted.scope != STORE_LUN && !store_name_equal(&governs, &wanted)))
		return TAKEN_ELSEWHERE;
	return strcmp(text(lun, "policy"), setting) == 0 ? TAKEN_YES : TAKEN_NO;
}
