/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "daemon/failed.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/parse.h"
#include "daemon/store.h"

#define EXPRESSION_MAX 1024

void failed_free(struct failed *failed)
{
	free(failed->entries);
	*failed = (struct failed){.n = 0};
}

/* The first entry of the LUN, or where it would stand: every path of a host is looked for here,
 * at each look. */
static size_t place_of(const struct failed *failed, const char *wwid)
{
	size_t low = 0, high = failed->n;

	while (low < high) {
		size_t middle = (low + high) / 2;

		if (strcmp(failed->entries[middle].wwid, wwid) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

bool failed_has(const struct failed *failed, const char *wwid, const struct path_name *name)
{
	for (size_t i = place_of(failed, wwid);
	     i < failed->n && !strcmp(failed->entries[i].wwid, wwid); i++)
		if (path_expression_matches(&failed->entries[i].path, name))
			return true;
	return false;
}

static int add_entry(struct failed *failed, size_t place, const struct failed_entry *entry)
{
	struct failed_entry *grown;

	if (failed->n >= FAILED_MAX)
		return -ENOSPC;
	grown = reallocarray(failed->entries, failed->n + 1, sizeof(*grown));
	if (!grown)
		return -ENOMEM;
	failed->entries = grown;
	memmove(&grown[place + 1], &grown[place], (failed->n - place) * sizeof(*grown));
	grown[place] = *entry;
	failed->n++;
	return 0;
}

/* Everything that lasts. The source address does not: with DHCP it may be another tomorrow. */
static struct path_expression expression_of(const struct path_name *name)
{
	struct path_expression e = {.has_target = true};

	copy_text(e.target, sizeof(e.target), name->target);
	if (portal_known(&name->portal)) {
		e.has_portal = e.has_port = true;
		e.portal = name->portal.address;
		e.portal_bits = name->portal.address.family == AF_INET ? 32 : 128;
		e.port = name->portal.port;
	}
	if (*name->iface) {
		e.has_iface = true;
		copy_text(e.iface, sizeof(e.iface), name->iface);
	}
	return e;
}

int failed_add(struct failed *failed, const char *wwid, const struct path_name *name)
{
	struct failed_entry entry = {.path = expression_of(name)};

	if (failed_has(failed, wwid, name))
		return 0;
	if (copy_text(entry.wwid, sizeof(entry.wwid), wwid))
		return -EINVAL;
	return add_entry(failed, place_of(failed, wwid), &entry);
}

static bool is_about(const struct failed_entry *entry, const char *wwid,
		     const struct path_name *name)
{
	return !strcmp(entry->wwid, wwid) && path_expression_matches(&entry->path, name);
}

size_t failed_remove(struct failed *failed, const char *wwid, const struct path_name *name)
{
	size_t kept = 0, n = failed->n;

	for (size_t i = 0; i < n; i++)
		if (!is_about(&failed->entries[i], wwid, name))
			failed->entries[kept++] = failed->entries[i];
	failed->n = kept;
	return n - kept;
}

int failed_format(const struct failed *failed, char **ret_text)
{
	char expression[EXPRESSION_MAX];
	char *text = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);

	if (!out)
		return -ENOMEM;
	for (size_t i = 0; i < failed->n; i++) {
		path_expression_format(&failed->entries[i].path, expression, sizeof(expression));
		fprintf(out, "%s %s\n", expression, failed->entries[i].wwid);
	}
	if (ferror(out) | fclose(out)) {
		free(text);
		return -ENOMEM;
	}
	*ret_text = text;
	return 0;
}

static int parse_line(char *line, struct failed *failed)
{
	char message[POLICY_MESSAGE_MAX];
	char *wwid = strchr(line, ' ');
	struct failed_entry entry;

	if (!wwid)
		return -EINVAL;
	*wwid++ = '\0';
	if (!*wwid || copy_text(entry.wwid, sizeof(entry.wwid), wwid))
		return -EINVAL;
	if (path_expression_parse(line, &entry.path, message))
		return -EINVAL;
	return add_entry(failed, failed->n, &entry);
}

static int compare_entries(const void *left, const void *right)
{
	const struct failed_entry *a = left, *b = right;

	return strcmp(a->wwid, b->wwid);
}

int failed_parse(const char *text, struct failed *ret)
{
	struct failed failed = {.n = 0};
	char *copy = strdup(text), *save = NULL;
	int result = 0;

	if (!copy)
		return -ENOMEM;
	for (char *line = strtok_r(copy, "\n", &save); line; line = strtok_r(NULL, "\n", &save)) {
		int r = parse_line(line, &failed);

		if (r < 0)
			result = r;
	}
	free(copy);
	if (failed.n)
		qsort(failed.entries, failed.n, sizeof(*failed.entries), compare_entries);
	*ret = failed;
	return result;
}

int failed_load(const char *path, struct failed *ret)
{
	char *text;
	int r = store_read_file(path, &text);

	if (r < 0)
		return r;
	r = failed_parse(text, ret);
	free(text);
	return r;
}

int failed_save(const char *path, const struct failed *failed)
{
	char *text;
	int r = failed_format(failed, &text);

	if (r < 0)
		return r;
	r = store_write_file(path, text);
	free(text);
	return r;
}
