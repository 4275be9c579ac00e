/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "daemon/quick/levers_record.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/disk_link.h"
#include "common/parse.h"
#include "daemon/quick/levers.h"

#define WORDS_MAX 7

/* Where the session is, or would have to be put. */
static size_t place_of(const struct lever_records *records, unsigned int sid)
{
	size_t i = 0;

	while (i < records->n && records->sessions[i].sid < sid)
		i++;
	return i;
}

struct lever_record *lever_records_find(const struct lever_records *records, unsigned int sid)
{
	size_t i = place_of(records, sid);

	return i < records->n && records->sessions[i].sid == sid ? &records->sessions[i] : NULL;
}

struct lever_record *lever_records_add(struct lever_records *records, unsigned int sid)
{
	struct lever_record *found = lever_records_find(records, sid), *grown;
	size_t i = place_of(records, sid);

	if (found)
		return found;
	grown = reallocarray(records->sessions, records->n + 1, sizeof(*grown));
	if (!grown)
		return NULL;
	records->sessions = grown;
	memmove(&grown[i + 1], &grown[i], (records->n - i) * sizeof(*grown));
	records->n++;
	grown[i] = (struct lever_record){.sid = sid};
	return &grown[i];
}

void lever_records_remove(struct lever_records *records, unsigned int sid)
{
	struct lever_record *found = lever_records_find(records, sid);
	size_t i;

	if (!found)
		return;
	free(found->disks);
	i = (size_t)(found - records->sessions);
	memmove(found, found + 1, (records->n - i - 1) * sizeof(*found));
	records->n--;
}

void lever_records_free(struct lever_records *records)
{
	size_t i;

	for (i = 0; i < records->n; i++)
		free(records->sessions[i].disks);
	free(records->sessions);
	*records = (struct lever_records){.n = 0};
}

struct lever_disk *lever_record_find_disk(const struct lever_record *record, const char *address)
{
	for (size_t i = 0; i < record->n_disks; i++) {
		size_t at = (record->next + i) % record->n_disks;

		if (strcmp(record->disks[at].address, address) == 0)
			return &record->disks[at];
	}
	return NULL;
}

struct lever_disk *lever_record_add_disk(struct lever_record *record, const char *address)
{
	struct lever_disk *disk = lever_record_find_disk(record, address);

	if (disk)
		return disk;
	if (record->n_disks >= LEVERS_DISKS_MAX)
		return NULL;
	disk = reallocarray(record->disks, record->n_disks + 1, sizeof(*disk));
	if (!disk)
		return NULL;
	record->disks = disk;
	disk += record->n_disks;
	*disk = (struct lever_disk){.before = 0};
	if (copy_text(disk->address, sizeof(disk->address), address) < 0)
		return NULL;
	record->n_disks++;
	return disk;
}

void lever_record_remove_disk(struct lever_record *record, struct lever_disk *disk)
{
	*disk = record->disks[--record->n_disks];
}

bool lever_record_empty(const struct lever_record *record)
{
	return !record->socket && !record->recovery && record->n_disks == 0;
}

static void format_one(FILE *out, const struct lever_record *record)
{
	char local[PORTAL_TEXT_MAX], peer[PORTAL_TEXT_MAX];
	const struct portal own = {record->connection.local, record->connection.local_port};
	size_t i;

	if (record->socket)
		fprintf(out, "socket %u %u %s %s %u\n", record->sid, record->inode,
			portal_format(&own, local, sizeof(local)),
			portal_format(&record->connection.peer, peer, sizeof(peer)),
			record->timeout_before_ms);
	if (record->recovery)
		fprintf(out, "recovery %u %d %d\n", record->sid, record->recovery_before,
			record->recovery_set);
	for (i = 0; i < record->n_disks; i++)
		fprintf(out, "disk %u %s %d\n", record->sid, record->disks[i].address,
			record->disks[i].before);
}

int lever_records_format(const struct lever_records *records, char **ret)
{
	char *text = NULL;
	size_t size, i;
	FILE *out = open_memstream(&text, &size);

	if (!out)
		return -ENOMEM;
	for (i = 0; i < records->n; i++)
		format_one(out, &records->sessions[i]);
	if (fclose(out) != 0) {
		free(text);
		return -ENOMEM;
	}
	*ret = text;
	return 0;
}

/* -1 or a number up to LEVER_VALUE_MAX. */
static bool value_parse(const char *text, int *ret)
{
	uint64_t value;

	if (strcmp(text, "-1") == 0) {
		*ret = -1;
		return true;
	}
	if (parse_uint(text, 0, LEVER_VALUE_MAX, &value) < 0)
		return false;
	*ret = (int)value;
	return true;
}

static bool u32_parse(const char *text, uint32_t min, uint32_t *ret)
{
	uint64_t value;

	if (parse_uint(text, min, UINT32_MAX, &value) < 0)
		return false;
	*ret = (uint32_t)value;
	return true;
}

/* Each takes the words behind the sid. -EINVAL: not right; -ENOMEM. */
static int take_socket(struct lever_record *record, char *const *words)
{
	struct lever_record read = *record;
	struct portal own;

	if (record->socket || !u32_parse(words[0], 1, &read.inode) ||
	    portal_parse(words[1], 0, &own) < 0 || own.port == 0 ||
	    portal_parse(words[2], 0, &read.connection.peer) < 0 ||
	    read.connection.peer.port == 0 ||
	    !u32_parse(words[3], 0, &read.timeout_before_ms))
		return -EINVAL;
	read.connection.local = own.address;
	read.connection.local_port = own.port;
	read.socket = true;
	*record = read;
	return 0;
}

static int take_recovery(struct lever_record *record, char *const *words)
{
	int before, set;

	if (record->recovery || !value_parse(words[0], &before) || !value_parse(words[1], &set))
		return -EINVAL;
	record->recovery = true;
	record->recovery_before = before;
	record->recovery_set = set;
	return 0;
}

static int take_disk(struct lever_record *record, char *const *words)
{
	unsigned int host, channel, id;
	struct lever_disk *disk;
	uint64_t lun;
	int before;

	if (strlen(words[0]) >= LEVER_ADDRESS_MAX ||
	    scsi_address_parse(words[0], &host, &channel, &id, &lun) < 0 ||
	    !value_parse(words[1], &before) || lever_record_find_disk(record, words[0]) ||
	    record->n_disks >= LEVERS_DISKS_MAX)
		return -EINVAL;
	disk = lever_record_add_disk(record, words[0]);
	if (!disk)
		return -ENOMEM;
	disk->before = before;
	return 0;
}

static const struct {
	const char *name;
	size_t words; /* with name and sid */
	int (*take)(struct lever_record *record, char *const *words);
} kinds[] = {
	{"socket", 6, take_socket},
	{"recovery", 4, take_recovery},
	{"disk", 4, take_disk},
};

static int take_words(struct lever_records *records, char *const *words, size_t n)
{
	struct lever_record *record;
	uint32_t sid = 0;
	size_t i;
	int r;

	for (i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		if (n != kinds[i].words || strcmp(words[0], kinds[i].name) != 0)
			continue;
		if (!u32_parse(words[1], 0, &sid))
			return -EINVAL;
		record = lever_records_add(records, sid);
		if (!record)
			return -ENOMEM;
		r = kinds[i].take(record, words + 2);
		if (lever_record_empty(record))
			lever_records_remove(records, sid);
		return r;
	}
	return -EINVAL;
}

/* Words parted by one blank each. */
static int take_line(struct lever_records *records, char *line)
{
	char *words[WORDS_MAX] = {NULL};
	size_t n = 0;

	while (line && n < WORDS_MAX) {
		words[n++] = line;
		line = strchr(line, ' ');
		if (line)
			*line++ = '\0';
	}
	return line ? -EINVAL : take_words(records, words, n);
}

int lever_records_parse(const char *text, struct lever_records *ret, size_t *ret_damaged)
{
	struct lever_records records = {.n = 0};
	char *copy = strdup(text), *line = copy, *end;
	size_t damaged = 0;
	int r = copy ? 0 : -ENOMEM;

	while (r == 0 && *line) {
		end = strchr(line, '\n');
		if (end)
			*end = '\0';
		/* A last line without its end was not written whole. */
		r = end ? take_line(&records, line) : -EINVAL;
		if (r == -EINVAL) {
			damaged++;
			r = 0;
		}
		line = end ? end + 1 : line + strlen(line);
	}
	free(copy);
	if (r < 0) {
		lever_records_free(&records);
		return r;
	}
	*ret = records;
	*ret_damaged = damaged;
	return 0;
}
