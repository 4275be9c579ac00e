/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the kernel hands over of disks and maps: sense data, dm's status and table, counters.
 * The first byte chooses.
 */
#include <errno.h>

#include "checker/counters.h"
#include "checker/sense.h"
#include "common/access_state.h"
#include "daemon/dm_status.h"
#include "daemon/quick/disk_load.h"
#include "daemon/quick/switch.h"
#include "tests/fuzz/fuzz.h"

/* Bytes behind what the data itself states are not looked at, nor those behind its end. */
static void sense(struct fuzz_bytes *bytes)
{
	struct scsi_end end = {.status = fuzz_byte(bytes)};
	struct scsi_sense found, again;
	uint8_t *data;
	enum scsi_result result;

	end.host = fuzz_byte(bytes);
	end.driver = fuzz_byte(bytes);
	data = fuzz_copy(bytes->data, bytes->size);
	end.sense = data;
	end.sense_size = bytes->size;
	result = scsi_classify(&end);
	must(result < SCSI_RESULT_MAX && *scsi_result_text(result));
	scsi_result_retry(result);
	if (sense_decode(data, bytes->size, &found) == 0) {
		must(found.key <= 0xf && bytes->size >= 2);
		if (bytes->size > 18) {
			must(sense_decode(data, 18, &again) == 0);
			must(again.key == found.key && again.asc == found.asc &&
			     again.ascq == found.ascq && again.has_asc == found.has_asc);
		}
	}
	free(data);
}

static void map_status(const char *text)
{
	static struct dm_map map;
	int r;

	memset(&map, 0, sizeof(map));
	map.n_paths = 777;
	r = dm_map_parse_status(text, &map);
	if (r < 0) {
		must((r == -EINVAL || r == -E2BIG) && map.n_paths == 777);
		return;
	}
	must(map.n_paths <= DM_MAP_PATHS_MAX && map.n_groups <= DM_MAP_GROUPS_MAX);
	for (size_t i = 0; i < map.n_paths; i++) {
		must(map.paths[i].group < map.n_groups);
		must(dm_map_path(&map, map.paths[i].devt));
	}
	for (size_t i = 0; i < map.n_groups; i++)
		must(map.group_state[i] && strchr("ADE", map.group_state[i]));
}

static void map_table(const char *text)
{
	static struct dm_map map;

	memset(&map, 0, sizeof(map));
	if (dm_map_parse_table(text, &map) == 0)
		must(fuzz_ends(map.selector, sizeof(map.selector)) && !strchr(map.selector, ' '));
}

/* How many lines could be a disk: eleven numbers and a name want as many blanks. */
static size_t long_lines(const char *text)
{
	size_t n = 0, blanks = 0;

	for (;; text++) {
		blanks += *text == ' ';
		if (*text && *text != '\n')
			continue;
		n += blanks >= 11;
		blanks = 0;
		if (!*text)
			return n;
	}
}

static void loads(const char *text)
{
	struct disk_loads found;

	must(disk_loads_parse(text, &found) == 0);
	must(found.n <= long_lines(text));
	for (size_t i = 0; i < found.n; i++) {
		must(i == 0 || found.disks[i - 1].devt <= found.disks[i].devt);
		must(disk_loads_find(&found, found.disks[i].devt));
	}
	disk_loads_free(&found);
}

static void counters(const char *text)
{
	uint64_t a = 77, both = 77;

	if (counters_sum(text, 0, 4, &both) < 0)
		must(both == 77);
	else
		must(counters_sum(text, 0, 0, &a) == 0);
	must(access_state_parse(text) < ACCESS_MAX);
	switch_cmdline_off(text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static void (*const texts[])(const char *) = {map_status, map_table, loads, counters};
	struct fuzz_bytes bytes = {data, size};
	uint8_t which = fuzz_byte(&bytes) % 5;
	char *text;

	if (which == 4) {
		sense(&bytes);
		return 0;
	}
	text = fuzz_rest(&bytes);
	texts[which](text);
	free(text);
	return 0;
}
