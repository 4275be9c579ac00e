/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The policies file and its edit. Lines 1 to 3: the section to change, the LUN's map name, the
 * new setting ("" takes the section away); then the file.
 */
#include "daemon/store.h"

#include <errno.h>

#include "daemon/policy_check.h"
#include "tests/fuzz/fuzz.h"

static const char *setting_text(const struct policy_setting *setting)
{
	static char texts[2][POLICY_SETTING_TEXT_MAX * 16];
	static int turn;

	turn = !turn;
	must((size_t)policy_setting_format(setting, texts[turn], sizeof(texts[turn])) <
	     sizeof(texts[turn]));
	return texts[turn];
}

static void check_entry(const struct store *store, size_t i, const char *text)
{
	const struct store_entry *entry = &store->entries[i];
	char name[STORE_NAME_TEXT_MAX], message[POLICY_MESSAGE_MAX];
	static struct policy_setting again;
	struct store_name parsed;

	must(entry->line >= 1 && entry->line <= fuzz_count_lines(text));
	must(entry->setting && entry->setting->policy);
	must(entry->setting->n_rules <= POLICY_RULES_MAX);
	must(store_entry_named(store, &entry->name) == entry);
	must(store_name_parse(store_name_format(&entry->name, name), &parsed, message) == 0);
	must(store_name_equal(&parsed, &entry->name));
	must(policy_setting_parse(setting_text(entry->setting), &again, message) == POLICY_OK);
	must(!strcmp(setting_text(&again), setting_text(entry->setting)));
}

/* False: it is broken, and says where. */
static bool parse(const char *text, struct store *ret)
{
	char message[STORE_MESSAGE_MAX] = "";

	*ret = (struct store){.n = 12345};
	if (store_parse(text, "f", ret, message) != POLICY_OK) {
		must(fuzz_names_line(message, "f", text));
		must(ret->n == 12345 && !ret->entries);
		return false;
	}
	for (size_t i = 0; i < ret->n; i++)
		check_entry(ret, i, text);
	return true;
}

static bool is_about(const struct store_name *found, const struct store_name *name,
		     const char *alias)
{
	return store_name_equal(found, name) ||
	       (name->scope == STORE_LUN && found->scope == STORE_LUN && *alias &&
		!strcmp(found->name, alias));
}

/* All other sections say what they said, in their order; this one what it is to. */
static void check_stores(const struct store *old, const struct store *new,
			 const struct store_name *name, const char *alias,
			 const struct policy_setting *setting)
{
	size_t n_about = 0, i = 0, k;

	for (k = 0; k < new->n; k++) {
		const struct store_entry *entry = &new->entries[k];

		if (is_about(&entry->name, name, alias)) {
			n_about++;
			must(setting && !strcmp(setting_text(setting),
						setting_text(entry->setting)));
			continue;
		}
		while (i < old->n && is_about(&old->entries[i].name, name, alias))
			i++;
		must(i < old->n && store_name_equal(&old->entries[i].name, &entry->name));
		must(!strcmp(setting_text(old->entries[i++].setting),
			     setting_text(entry->setting)));
	}
	while (i < old->n && is_about(&old->entries[i].name, name, alias))
		i++;
	must(i == old->n);
	must(n_about == (setting ? 1 : 0));
}

/* The section that a line opens: 1 that one, 0 another, -1 it opens none. */
static int opens(const char *line, const struct store_name *name, const char *alias)
{
	const char *begin = line + strspn(line, STORE_BLANKS), *end = strpbrk(begin, "]\n");
	char message[POLICY_MESSAGE_MAX], *header;
	struct store_name found;
	int r;

	if (*begin != '[' || !end || *end != ']')
		return -1;
	header = fuzz_text(begin + 1, (size_t)(end - begin) - 1);
	r = store_name_parse(header, &found, message) == 0 && is_about(&found, name, alias);
	free(header);
	return r;
}

/* Is the line, its end aside, the next or a later one at *at? */
static bool take_line(const char **at, const char *line)
{
	size_t length = strcspn(line, "\n");

	while (**at) {
		size_t found = strcspn(*at, "\n");
		const char *here = *at;

		*at += found + (here[found] == '\n');
		if ((found == length || (found == length + 1 && here[length] == '\r')) &&
		    !memcmp(here, line, length))
			return true;
	}
	return false;
}

/* Whatever is not a setting of that section, or its header, is there still, in its order. */
static void check_lines(const char *old, const char *new, const struct store_name *name,
			const char *alias)
{
	bool inside = false;

	while (*old) {
		const char *first = old + strspn(old, STORE_BLANKS);
		int opened = opens(old, name, alias);

		inside = opened < 0 ? inside : opened;
		if (!inside || *first == '#' || *first == ';' || *first == '\n')
			must(take_line(&new, old));
		old += strcspn(old, "\n");
		old += *old == '\n';
	}
}

/* No `policy set` lets it through: several active paths of one LUN, where there is but one. */
static bool is_unfit(const struct store_name *name, const struct policy_setting *setting)
{
	size_t active = 0;

	for (size_t i = 0; i < setting->n_rules; i++)
		active += setting->rules[i].role == ROLE_ACTIVE;
	return name->scope == STORE_LUN && setting->policy->one_active && active > 1;
}

static void edit(const char *text, const struct store *old, const struct store_name *name,
		 const char *alias, const struct policy_setting *setting)
{
	char *new = NULL, *again = NULL;
	struct store store;
	int r = store_edit(text, name, alias, setting, &new);

	if (r < 0) {
		must(r == -ENOENT && !setting);
		for (size_t i = 0; i < old->n; i++)
			must(!is_about(&old->entries[i].name, name, alias));
		return;
	}
	must(parse(new, &store));
	check_stores(old, &store, name, alias, setting);
	check_lines(store_skip_mark(text), store_skip_mark(new), name, alias);
	store_free(&store);
	r = store_edit(new, name, alias, setting, &again);
	must(setting ? r == 0 && !strcmp(new, again) : r == -ENOENT);
	free(again);
	free(new);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct fuzz_bytes bytes = {data, size};
	char *section = fuzz_line(&bytes), *alias = fuzz_line(&bytes), *words = fuzz_line(&bytes),
	     *text = fuzz_rest(&bytes), message[POLICY_MESSAGE_MAX];
	static struct policy_setting setting;
	struct store_name name;
	struct store store;

	if (parse(text, &store)) {
		/* A map's name has no blanks; of others store_name_parse() knows nothing. */
		if (store_name_parse(section, &name, message) == 0 &&
		    (!*words || (policy_setting_parse(words, &setting, message) == POLICY_OK &&
				 !is_unfit(&name, &setting))))
			edit(text, &store, &name, alias, *words ? &setting : NULL);
		store_free(&store);
	}
	free(section);
	free(alias);
	free(words);
	free(text);
	return 0;
}
