/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "daemon/policy_section.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/control.h"
#include "daemon/policy_check.h"

static void add_text(struct json_object *object, const char *key, const char *text)
{
	json_object_object_add(object, key, json_object_new_string(text));
}

static bool has_text(struct json_object *request, const char *key)
{
	return json_object_is_type(json_object_object_get(request, key),
				   json_type_string);
}

/* A LUN's map name as a section's name. False: it has none. */
static bool alias_name(const struct lun *only, struct store_name *ret)
{
	if (!only || !*only->alias)
		return false;
	*ret = (struct store_name){.scope = STORE_LUN};
	snprintf(ret->name, sizeof(ret->name), "%s", only->alias);
	return true;
}

/* The section's entry; a LUN's may stand under its WWID or its map's name. */
static const struct store_entry *find_entry(const struct store *store,
					    const struct lun *only,
					    const struct store_name *name)
{
	const struct store_entry *entry = store_entry_named(store, name);
	struct store_name alias;

	return entry || !alias_name(only, &alias) ? entry
						  : store_entry_named(store, &alias);
}

/* The store as store_edit() leaves it when it takes the section away: under both names.
 */
static int store_less(const struct store *store, const struct lun *only,
		      const struct store_name *name, struct store *ret)
{
	struct store_name alias;
	struct store once;
	int r = store_with(store, name, NULL, ret);

	if (r < 0 || !alias_name(only, &alias))
		return r;
	once = *ret;
	r = store_with(&once, &alias, NULL, ret);
	free(once.entries);
	return r;
}

static const char *selector_of(const struct store_entry *entry)
{
	return entry ? entry->setting->policy->selector : "";
}

static void format_entry(const struct store_entry *entry, char *text, size_t size)
{
	text[0] = '\0';
	if (entry)
		policy_setting_format(entry->setting, text, size);
}

/* The LUN, if its policy would be another. */
static void add_lun(const struct lun *lun, const struct store_entry *then,
		    struct json_object *reply)
{
	char now_text[POLICY_SETTING_TEXT_MAX], then_text[POLICY_SETTING_TEXT_MAX];
	bool selector_changes = strcmp(selector_of(lun->entry), selector_of(then)) != 0;
	struct json_object *object;

	format_entry(lun->entry, now_text, sizeof(now_text));
	format_entry(then, then_text, sizeof(then_text));
	if (!strcmp(now_text, then_text))
		return;
	object = json_object_new_object();
	add_text(object, "wwid", lun->wwid);
	add_text(object, "policy", now_text);
	add_text(object, "setting", then_text);
	add_text(object, "selector", selector_of(then));
	json_object_object_add(object, "reconfigures",
			       json_object_new_boolean(!then || selector_changes));
	json_object_array_add(json_object_object_get(reply, "luns"), object);
	if (!then || selector_changes)
		json_object_object_add(reply, "reconfigures",
				       json_object_new_boolean(true));
	if (then && selector_changes &&
	    !json_object_get_string_len(json_object_object_get(reply, "selector")))
		add_text(reply, "selector", selector_of(then));
}

static struct json_object *report(const struct lun_table *luns, const struct store *less,
				  const struct store_entry *entry, const struct lun *only,
				  const struct store_name *name)
{
	char text[POLICY_SETTING_TEXT_MAX], section[STORE_NAME_TEXT_MAX];
	struct json_object *reply = json_object_new_object();
	size_t i;

	format_entry(entry, text, sizeof(text));
	json_object_object_add(reply, "ok", json_object_new_boolean(true));
	add_text(reply, "scope", store_name_format(name, section));
	add_text(reply, "alias", only ? only->alias : "");
	add_text(reply, "setting", text);
	add_text(reply, "selector", "");
	json_object_object_add(reply, "reconfigures", json_object_new_boolean(false));
	json_object_object_add(reply, "luns", json_object_new_array());
	for (i = 0; i < luns->n; i++)
		add_lun(&luns->luns[i], lun_find_entry(&luns->luns[i], less), reply);
	return reply;
}

struct json_object *policy_section(const struct lun_table *luns,
				   const struct store *store, struct json_object *request)
{
	const struct lun *only = NULL;
	struct json_object *reply;
	struct store_name name;
	struct store less;

	if (has_text(request, "lun") == has_text(request, "scope"))
		return NULL;
	reply = policy_read_scope(luns, request, &only, &name);
	if (reply)
		return reply;
	if (store_less(store, only, &name, &less) < 0)
		return control_error("OUT_OF_MEMORY", "out of memory");
	reply = report(luns, &less, find_entry(store, only, &name), only, &name);
	free(less.entries);
	return reply;
}
