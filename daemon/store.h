/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef MPATHISCSI_STORE_H
#define MPATHISCSI_STORE_H

/*
 * The policies file: which LUNs have which policy. People may edit it; the command edits it
 * without losing their comments. Parsing and editing work on text and know no file.
 *
 *	[lun WWID|ALIAS]
 *	policy  = failover-only
 *	active  = portal=10.0.1.2
 *	standby = portal=10.0.2.2
 *
 * Sections: see daemon/store_name.h. Of all that fit a LUN the most specific has effect,
 * alone; expressions in it that match no path of the LUN do not matter to it.
 *
 * Keys: policy (once, first), then in the order that counts: active, standby, exclude =
 * EXPRESSION, weight = EXPRESSION:NUMBER.
 */

#include <stddef.h>

#include "daemon/store_name.h"
#include "policies/policy.h"

#define STORE_DEFAULT_PATH SYSCONFDIR "/mpathiscsi/policies.conf"
#define STORE_ENTRIES_MAX  16384
#define STORE_FILE_MAX	   (4U << 20)
#define STORE_LINE_MAX	   1000
#define STORE_MESSAGE_MAX  768
#define STORE_BLANKS	   " \t\r\v\f" /* within a line: isspace(), as inih has it, but '\n' */

struct store_entry {
	struct store_name name;
	unsigned int line;		/* of its section, from 1 */
	struct policy_setting *setting; /* holds n_rules rules only, not the whole array */
};

struct store {
	struct store_entry *entries;
	size_t n;
};

/*
 * Parse the whole text (UTF-8, with or without a byte order mark); 'name' stands in messages
 * ("policies.conf:7: …"). POLICY_OK, or the error that the same mistake in a `policy set` has,
 * with 'message' (STORE_MESSAGE_MAX bytes) naming file, line, value and what is allowed; *ret
 * is written on success only: a broken file is refused whole. Free with store_free().
 *
 * What only paths can tell is not looked at: they may come later. See policy_warning().
 */
enum policy_error store_parse(const char *text, const char *name, struct store *ret, char *message);
void store_free(struct store *store);

/* The entry that has effect for a LUN: the most specific one (store_name_match()); its scope
 * is entry->name.scope. NULL: none. */
const struct store_entry *store_find(const struct store *store, const struct store_lun *lun);

/* The same for many LUNs, without looking at each entry for each of them. The entries are the
 * store's, which must outlive it. -ENOMEM. Free with store_index_free(). */
struct store_index {
	const struct store_entry **entries; /* sorted by scope and name */
	size_t n;
};
int store_index_make(const struct store *store, struct store_index *ret);
const struct store_entry *store_index_find(const struct store_index *index,
					   const struct store_lun *lun);
void store_index_free(struct store_index *index);

/* The entry of exactly this name. NULL: none. */
const struct store_entry *store_entry_named(const struct store *store,
					    const struct store_name *name);

/*
 * A store as it would be with 'setting' under 'name' (NULL: without the entry). It borrows
 * everything from 'store' and 'setting', which must outlive it: free only ret->entries.
 * -ENOMEM.
 */
int store_with(const struct store *store, const struct store_name *name,
	       struct policy_setting *setting, struct store *ret);

/*
 * The text with the section set to 'setting' (NULL: section removed; -ENOENT if there was
 * none). Every other line stays as it is, and so do comments within the section; one behind
 * a setting that goes becomes a line of its own. New lines end as the section's (or file's)
 * first one does: "\n" or "\r\n". A LUN's
 * section is found under 'name' or 'alias' ("" for none) and keeps its own name; a new one is
 * appended under 'name'. *ret_text: free() it.
 */
int store_edit(const char *text, const struct store_name *name, const char *alias,
	       const struct policy_setting *setting, char **ret_text);

/* Behind a byte order mark at the text's beginning. */
const char *store_skip_mark(const char *text);

/* Read a file as text; a missing one is "". -EFBIG above STORE_FILE_MAX; -EISDIR, -EINVAL: not
 * a regular file; -EILSEQ: it has a NUL byte; -ENOENT: a link to nothing. free() it. */
int store_read_file(const char *path, char **ret_text);

/* Such an error in words for people. */
const char *store_read_error(int error);

/* Is there nothing at all by that name? (A link to nothing is something.) */
bool store_is_missing(const char *path);

/* Replace a file, or the one that a link leads to: "NAME.new" in the same folder, fsync, rename, fsync of the folder. */
int store_write_file(const char *path, const char *text);

#endif
