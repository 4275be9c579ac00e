/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "common/board_image.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define SESSIONS_MIN 64
#define PATHS_MIN    256

#define MARK_SEEN  1
#define MARK_DIRTY 2

const struct board_header *image_header(const struct board_image *image)
{
	return (const struct board_header *)(const void *)image->bytes;
}

struct board_beat *image_beat(struct board_image *image)
{
	return (struct board_beat *)(void *)(image->bytes + BOARD_BEAT_OFFSET);
}

static uint8_t *slot_at(const struct board_image *image, const struct board_table *table,
			uint32_t index)
{
	return image->bytes + table->offset + index * table->slot_size;
}

static struct board_slot *head_at(const struct board_image *image,
				  const struct board_table *table, uint32_t index)
{
	return (struct board_slot *)(void *)slot_at(image, table, index);
}

void image_free(struct board_image *image)
{
	free(image->bytes);
	free(image->marks[BOARD_SESSIONS]);
	free(image->marks[BOARD_PATHS]);
	*image = (struct board_image){ .bytes = NULL };
}

/* The marks for an image whose bytes are there. */
static int add_marks(struct board_image *image)
{
	const struct board_header *header = image_header(image);

	image->marks[BOARD_SESSIONS] = calloc(header->session_capacity, 1);
	image->marks[BOARD_PATHS] = calloc(header->path_capacity, 1);
	return image->marks[BOARD_SESSIONS] && image->marks[BOARD_PATHS] ? 0 : -ENOMEM;
}

/* Slots for n records: at most half full. 0: more than a board can hold. */
static uint32_t capacity_for(size_t n, uint32_t min)
{
	uint32_t capacity = min;

	while (capacity <= BOARD_CAPACITY_MAX && capacity / 2 < n)
		capacity *= 2;
	return capacity <= BOARD_CAPACITY_MAX ? capacity : 0;
}

int image_new(size_t n_sessions, size_t n_paths, const char *boot_id, struct board_image *ret)
{
	struct board_image image = { .bytes = NULL };
	struct board_header header;
	uint32_t sessions, paths;

	sessions = capacity_for(n_sessions, SESSIONS_MIN);
	paths = capacity_for(n_paths, PATHS_MIN);
	if (sessions == 0 || paths == 0)
		return -E2BIG;
	header = board_header_make(sessions, paths);
	memcpy(header.boot_id, boot_id, sizeof(header.boot_id));
	header.checksum = board_header_checksum(&header);

	image.size = board_file_size(&header);
	image.bytes = calloc(1, image.size);
	if (!image.bytes)
		return -ENOMEM;
	memcpy(image.bytes, &header, sizeof(header));
	image_beat(&image)->checksum = board_beat_checksum(image_beat(&image));
	if (add_marks(&image) < 0) {
		image_free(&image);
		return -ENOMEM;
	}
	*ret = image;
	return 0;
}

/*
 * Are all slots whole, few enough in use, and an empty one within reach of every key?
 * -EBADMSG: a slot is garbage; -EAGAIN: too full.
 */
static int check_table(const struct board_image *image, enum board_kind kind)
{
	struct board_table table = board_table_of(image_header(image), kind);
	uint32_t i, run = 0, first_run = UINT32_MAX, longest = 0, taken = 0;

	for (i = 0; i < table.capacity; i++) {
		if (head_at(image, &table, i)->checksum != 0) {
			taken++;
			run++;
			continue;
		}
		if (first_run == UINT32_MAX)
			first_run = run;
		longest = run > longest ? run : longest;
		run = 0;
	}
	/* The last run goes on at the start of the table. */
	run += first_run == UINT32_MAX ? 0 : first_run;
	longest = run > longest ? run : longest;
	return longest >= BOARD_PROBE_MAX || taken > table.capacity / 8 * 5 ? -EAGAIN : 0;
}

static int check_slots(const struct board_image *image, enum board_kind kind)
{
	struct board_table table = board_table_of(image_header(image), kind);
	uint32_t i;

	for (i = 0; i < table.capacity; i++)
		if (board_slot_use(&table, i, slot_at(image, &table, i)) < 0)
			return -EBADMSG;
	return 0;
}

/* Is this a whole board of this boot? */
static bool image_is_whole(struct board_image *image, const char *boot_id)
{
	int kind;

	if (image->size < BOARD_TABLE_OFFSET ||
	    board_header_judge(image_header(image), boot_id, image->size) != BOARD_FRESH ||
	    image_beat(image)->checksum != board_beat_checksum(image_beat(image)))
		return false;
	for (kind = 0; kind < BOARD_KINDS; kind++)
		if (check_slots(image, (enum board_kind)kind) < 0 ||
		    check_table(image, (enum board_kind)kind) < 0)
			return false;
	return true;
}

int image_adopt(uint8_t *bytes, size_t size, const char *boot_id, struct board_image *ret)
{
	struct board_image image = { .bytes = bytes, .size = size };

	if (!image_is_whole(&image, boot_id))
		return -EBADMSG;
	if (add_marks(&image) < 0) {
		image.bytes = NULL; /* still the caller's */
		image_free(&image);
		return -ENOMEM;
	}
	*ret = image;
	return 0;
}

void image_begin(struct board_image *image)
{
	memset(image->marks[BOARD_SESSIONS], 0, image_header(image)->session_capacity);
	memset(image->marks[BOARD_PATHS], 0, image_header(image)->path_capacity);
}

static bool same_key(enum board_kind kind, const void *a, const void *b)
{
	const struct board_session *session_a = a, *session_b = b;
	const struct board_path *path_a = a, *path_b = b;

	if (kind == BOARD_SESSIONS)
		return session_a->sid == session_b->sid;
	return path_a->sid == path_b->sid && path_a->lun == path_b->lun;
}

static uint32_t start_of_record(const struct board_table *table, const void *record)
{
	const struct board_session *session = record;
	const struct board_path *path = record;

	if (table->kind == BOARD_SESSIONS)
		return board_session_start(session->sid, table->capacity);
	return board_path_start(path->sid, path->lun, table->capacity);
}

/* The slot that holds the record's key, else the first free one in reach. -EAGAIN: none. */
static int64_t find_slot(const struct board_image *image, const struct board_table *table,
			 const void *record)
{
	uint32_t index = start_of_record(table, record), i;
	int64_t free_slot = -EAGAIN;
	struct board_slot *head;

	for (i = 0; i < BOARD_PROBE_MAX; i++, index = (index + 1) & (table->capacity - 1)) {
		head = head_at(image, table, index);
		if (head->use == BOARD_SLOT_USED && same_key(table->kind, head + 1, record))
			return index;
		if (head->use != BOARD_SLOT_USED && free_slot < 0)
			free_slot = index;
		if (head->use == BOARD_SLOT_EMPTY)
			break;
	}
	return free_slot;
}

static void write_slot(struct board_image *image, const struct board_table *table,
		       uint32_t index, uint32_t use)
{
	struct board_slot *head = head_at(image, table, index);

	head->sequence++;
	head->use = use;
	head->checksum = board_slot_checksum(table, index, head);
	image->marks[table->kind][index] |= MARK_DIRTY;
}

static int put(struct board_image *image, const struct board_table *table, const void *record)
{
	size_t size = table->slot_size - sizeof(struct board_slot);
	int64_t found = find_slot(image, table, record);
	struct board_slot *head;
	uint32_t index;

	if (found < 0)
		return (int)found;
	index = (uint32_t)found;
	head = head_at(image, table, index);
	if (image->marks[table->kind][index] & MARK_SEEN)
		return -EINVAL;
	image->marks[table->kind][index] |= MARK_SEEN;
	if (head->use == BOARD_SLOT_USED && memcmp(head + 1, record, size) == 0)
		return 0;
	memcpy(head + 1, record, size);
	write_slot(image, table, index, BOARD_SLOT_USED);
	return 0;
}

int image_put_all(struct board_image *image, const struct board_content *content)
{
	struct board_table sessions = board_table_of(image_header(image), BOARD_SESSIONS);
	struct board_table paths = board_table_of(image_header(image), BOARD_PATHS);
	size_t i;
	int r = 0;

	for (i = 0; i < content->n_sessions && r == 0; i++)
		r = put(image, &sessions, &content->sessions[i]);
	for (i = 0; i < content->n_paths && r == 0; i++)
		r = put(image, &paths, &content->paths[i]);
	return r;
}

static void sweep_table(struct board_image *image, enum board_kind kind)
{
	struct board_table table = board_table_of(image_header(image), kind);
	struct board_slot *head;
	uint32_t i;

	for (i = 0; i < table.capacity; i++) {
		head = head_at(image, &table, i);
		if (head->use != BOARD_SLOT_USED || (image->marks[kind][i] & MARK_SEEN))
			continue;
		memset(head + 1, 0, table.slot_size - sizeof(*head));
		write_slot(image, &table, i, BOARD_SLOT_TOMBSTONE);
	}
}

int image_sweep(struct board_image *image)
{
	sweep_table(image, BOARD_SESSIONS);
	sweep_table(image, BOARD_PATHS);
	if (check_table(image, BOARD_SESSIONS) < 0 || check_table(image, BOARD_PATHS) < 0)
		return -EAGAIN;
	return 0;
}

int image_put_sessions(struct board_image *image, const struct board_session *sessions, size_t n)
{
	struct board_table table = board_table_of(image_header(image), BOARD_SESSIONS);
	int r = 0;

	image_begin(image);
	for (size_t i = 0; i < n && r == 0; i++)
		r = put(image, &table, &sessions[i]);
	if (r < 0)
		return r;
	sweep_table(image, BOARD_SESSIONS);
	return check_table(image, BOARD_SESSIONS);
}

int image_build(const struct board_content *content, const char *boot_id,
		struct board_image *ret)
{
	size_t n_sessions = content->n_sessions, n_paths = content->n_paths;
	struct board_image image;
	int r;

	for (;;) {
		r = image_new(n_sessions, n_paths, boot_id, &image);
		if (r < 0)
			return r;
		r = image_put_all(&image, content);
		if (r == 0)
			r = image_sweep(&image);
		if (r == 0)
			break;
		image_free(&image);
		if (r != -EAGAIN)
			return r;
		/* An unlucky cluster: larger tables part it. */
		n_sessions = n_sessions * 2 + SESSIONS_MIN;
		n_paths = n_paths * 2 + PATHS_MIN;
	}
	*ret = image;
	return 0;
}

int image_each_dirty(const struct board_image *image,
		     int (*fn)(const uint8_t *bytes, size_t size, size_t offset, void *arg),
		     void *arg)
{
	struct board_table table;
	uint32_t i;
	int kind, r = 0;

	for (kind = 0; kind < BOARD_KINDS; kind++) {
		table = board_table_of(image_header(image), (enum board_kind)kind);
		for (i = 0; i < table.capacity && r == 0; i++)
			if (image->marks[kind][i] & MARK_DIRTY)
				r = fn(slot_at(image, &table, i), table.slot_size,
				       table.offset + i * table.slot_size, arg);
	}
	return r;
}
