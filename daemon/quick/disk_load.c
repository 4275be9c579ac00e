/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "daemon/quick/disk_load.h"

#include <errno.h>
#include <stdbool.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/sysmacros.h>

#define CALM_MIN_MS   1000
#define CALM_MAX_MS   15000
#define WANTED_MAX_MS 2000

static int compare(const void *left, const void *right)
{
	const struct disk_load *a = left, *b = right;

	return (a->devt > b->devt) - (a->devt < b->devt);
}

/* The next blank-separated number at *text, which moves behind it. By hand: there are a dozen in
 * each of thousands of lines every second. */
static int next_number(const char **text, uint64_t max, uint64_t *ret)
{
	const char *p = *text + strspn(*text, " ");
	uint64_t value = 0;

	if (*p < '0' || *p > '9')
		return -EINVAL;
	for (; *p >= '0' && *p <= '9'; p++)
		if (__builtin_mul_overflow(value, 10, &value) ||
		    __builtin_add_overflow(value, (uint64_t)(*p - '0'), &value))
			return -EINVAL;
	if (value > max || (*p && *p != ' ' && *p != '\n'))
		return -EINVAL;
	*text = p;
	*ret = value;
	return 0;
}

static void skip_word(const char **text)
{
	*text += strspn(*text, " ");
	*text += strcspn(*text, " \n");
}

/* Fields: major minor name, then eleven and more numbers; 1 reads, 5 writes, 9 in flight. */
static int parse_line(const char *line, struct disk_load *ret)
{
	uint64_t major, minor, field[9] = {0};

	if (next_number(&line, UINT_MAX, &major) < 0 || next_number(&line, UINT_MAX, &minor) < 0)
		return -EINVAL;
	skip_word(&line);
	for (size_t i = 0; i < sizeof(field) / sizeof(field[0]); i++)
		if (next_number(&line, UINT64_MAX, &field[i]) < 0)
			return -EINVAL;
	*ret = (struct disk_load){.devt = makedev((unsigned int)major, (unsigned int)minor),
				  .completed = field[0] + field[4],
				  .in_flight = field[8]};
	return 0;
}

static size_t count_lines(const char *text)
{
	size_t n = 1;

	for (; *text; text++)
		n += *text == '\n';
	return n;
}

/* The kernel lists them by number, but for disks of further majors. */
static bool is_sorted(const struct disk_load *disks, size_t n)
{
	for (size_t i = 1; i < n; i++)
		if (disks[i - 1].devt > disks[i].devt)
			return false;
	return true;
}

int disk_loads_parse(const char *text, struct disk_loads *ret)
{
	struct disk_load *disks = calloc(count_lines(text), sizeof(*disks));
	size_t n = 0;

	if (!disks)
		return -ENOMEM;
	while (text && *text) {
		if (parse_line(text, &disks[n]) == 0)
			n++;
		text = strchr(text, '\n');
		if (text)
			text++;
	}
	if (!is_sorted(disks, n))
		qsort(disks, n, sizeof(*disks), compare);
	*ret = (struct disk_loads){.disks = disks, .n = n};
	return 0;
}

/* A file of /proc has no size to be asked for. */
static int read_whole(FILE *file, char **ret)
{
	size_t size = 1 << 14, used = 0, n;
	char *text = malloc(size), *grown;

	while (text && (n = fread(text + used, 1, size - used - 1, file)) > 0) {
		used += n;
		if (used + 1 < size)
			continue;
		size *= 2;
		grown = realloc(text, size);
		if (!grown)
			free(text);
		text = grown;
	}
	if (!text)
		return -ENOMEM;
	text[used] = '\0';
	*ret = text;
	return 0;
}

int disk_loads_read(const char *path, struct disk_loads *ret)
{
	FILE *file = fopen(path ? path : "/proc/diskstats", "re");
	char *text;
	int r;

	if (!file)
		return -errno;
	r = read_whole(file, &text);
	fclose(file);
	if (r < 0)
		return r;
	r = disk_loads_parse(text, ret);
	free(text);
	return r;
}

const struct disk_load *disk_loads_find(const struct disk_loads *loads, dev_t devt)
{
	const struct disk_load key = {.devt = devt};

	return loads->n ? bsearch(&key, loads->disks, loads->n, sizeof(key), compare) : NULL;
}

uint32_t disk_loads_pause_ms(uint32_t cost_us, bool wanted)
{
	uint32_t pause_ms = wanted ? cost_us / 250 : cost_us / 10;
	uint32_t least_ms = wanted ? 0 : CALM_MIN_MS, most_ms = wanted ? WANTED_MAX_MS : CALM_MAX_MS;

	return pause_ms < least_ms ? least_ms : pause_ms > most_ms ? most_ms : pause_ms;
}

void disk_loads_free(struct disk_loads *loads)
{
	free(loads->disks);
	*loads = (struct disk_loads){.n = 0};
}
