/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "daemon/dm_status.h"

#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/sysmacros.h>

/* A cursor over blank-separated words; a failed read makes every later one fail too. */
struct words {
	const char *at;
	int error;
};

static size_t next_word(struct words *words, const char **ret_word)
{
	size_t length;

	words->at += strspn(words->at, " ");
	length = strcspn(words->at, " ");
	if (length == 0)
		words->error = -EINVAL;
	*ret_word = words->at;
	words->at += length;
	return length;
}

static unsigned int next_number(struct words *words, unsigned int max)
{
	const char *word;
	size_t length = next_word(words, &word);
	unsigned long value;
	char *end;

	if (words->error)
		return 0;
	if (*word < '0' || *word > '9') {
		words->error = -EINVAL;
		return 0;
	}
	errno = 0;
	value = strtoul(word, &end, 10);
	if (end != word + length || errno)
		words->error = -EINVAL;
	else if (value > max)
		words->error = -E2BIG;
	return words->error ? 0 : (unsigned int)value;
}

static void skip_words(struct words *words, unsigned int count)
{
	const char *word;

	while (count-- > 0 && !words->error)
		next_word(words, &word);
}

static char next_letter(struct words *words, const char *allowed)
{
	const char *word;

	if (next_word(words, &word) != 1 || !strchr(allowed, *word))
		words->error = -EINVAL;
	return words->error ? '\0' : *word;
}

static dev_t next_devt(struct words *words)
{
	const char *word;
	size_t length = next_word(words, &word);
	unsigned int major_nr, minor_nr;
	int used = 0;

	/* sscanf's %u takes blanks and signs: digits and a colon only. */
	if (words->error || strspn(word, "0123456789:") != length ||
	    /* NOLINTNEXTLINE(cert-err34-c): nine digits always fit */
	    sscanf(word, "%9u:%9u%n", &major_nr, &minor_nr, &used) != 2 || (size_t)used != length) {
		words->error = -EINVAL;
		return 0;
	}
	return makedev(major_nr, minor_nr);
}

/* "STATE SELECTOR_STATUS… NR_PATHS NR_ARGS" and then the paths */
static void parse_group(struct words *words, struct dm_map *map, unsigned int group)
{
	unsigned int n_paths, n_args, i;

	map->group_state[group] = next_letter(words, "ADE");
	skip_words(words, next_number(words, 16));
	n_paths = next_number(words, DM_MAP_PATHS_MAX);
	n_args = next_number(words, 16);
	for (i = 0; i < n_paths && !words->error; i++) {
		struct dm_path *path;

		if (map->n_paths == DM_MAP_PATHS_MAX) {
			words->error = -E2BIG;
			return;
		}
		path = &map->paths[map->n_paths++];
		path->group = group;
		path->devt = next_devt(words);
		path->active = next_letter(words, "AF") == 'A';
		path->fail_count = next_number(words, UINT32_MAX);
		skip_words(words, n_args);
	}
}

int dm_map_parse_status(const char *params, struct dm_map *map)
{
	struct words words = {.at = params};
	struct dm_map found = *map;
	unsigned int group;

	found.n_paths = 0;
	memset(found.group_state, 0, sizeof(found.group_state));
	skip_words(&words, next_number(&words, 16)); /* queue_io, pg_init_count */
	skip_words(&words, next_number(&words, 16)); /* hardware handler */
	found.n_groups = next_number(&words, DM_MAP_GROUPS_MAX);
	skip_words(&words, 1); /* number of the group that is next or current */
	for (group = 0; group < found.n_groups && !words.error; group++)
		parse_group(&words, &found, group);
	if (words.error)
		return words.error;
	*map = found;
	return 0;
}

int dm_map_parse_table(const char *params, struct dm_map *map)
{
	struct words words = {.at = params};
	char selector[sizeof(map->selector)] = "";
	unsigned int n_features, n_groups;
	bool queues = false;
	const char *word;
	size_t length;

	n_features = next_number(&words, 32);
	while (n_features-- > 0 && !words.error) {
		length = next_word(&words, &word);
		if (length == strlen("queue_if_no_path") &&
		    !strncmp(word, "queue_if_no_path", length))
			queues = true;
	}
	skip_words(&words, next_number(&words, 16));
	n_groups = next_number(&words, DM_MAP_GROUPS_MAX);
	skip_words(&words, 1);
	if (n_groups > 0) {
		length = next_word(&words, &word);
		if (!words.error && length < sizeof(selector))
			memcpy(selector, word, length);
	}
	if (words.error)
		return words.error;
	map->queues = queues;
	memcpy(map->selector, selector, sizeof(selector));
	return 0;
}

const char *dm_map_wwid(const struct dm_map *map)
{
	return strncmp(map->uuid, "mpath-", 6) ? "" : map->uuid + 6;
}

const struct dm_path *dm_map_path(const struct dm_map *map, dev_t devt)
{
	size_t i;

	for (i = 0; i < map->n_paths; i++)
		if (map->paths[i].devt == devt)
			return &map->paths[i];
	return NULL;
}
