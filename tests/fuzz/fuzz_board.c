/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The board. First byte, lowest bit: 0: the rest is a file, whose header (and with other bits:
 * heartbeat, slots) is made to fit, so that what stands in it is looked at; it is adopted by a
 * writer and read by readers. 1: the rest are records that a writer puts into a board, and a
 * byte of the file that is turned over.
 */
#include "common/board_image.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/board_reader.h"
#include "common/clock.h"
#include "tests/fuzz/fuzz.h"

#define FIX_HEADER 2
#define FIX_BEAT   4
#define FIX_SLOTS  8
#define RECORDS	   24
#define NOW	   (1000 * NS_PER_S)

static char path[64], boot_id[BOARD_BOOT_ID_MAX];

static void tidy(void)
{
	unlink(path);
}

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	(void)argc;
	(void)argv;
	snprintf(path, sizeof(path), "/dev/shm/fuzz-board.%d", (int)getpid());
	atexit(tidy);
	must(board_boot_id(boot_id) == 0);
	return 0;
}

static void write_file(const void *bytes, size_t size)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

	must(fd >= 0 && write(fd, bytes, size) == (ssize_t)size);
	close(fd);
}

static void fix_slots(uint8_t *bytes, const struct board_header *header, size_t size)
{
	for (int kind = 0; kind < BOARD_KINDS; kind++) {
		struct board_table table = board_table_of(header, (enum board_kind)kind);

		for (uint32_t i = 0; i < table.capacity; i++) {
			uint8_t *slot = bytes + table.offset + i * table.slot_size;
			struct board_slot head;

			must(table.offset + (i + 1) * table.slot_size <= size);
			memcpy(&head, slot, sizeof(head));
			if (!head.checksum)
				continue;
			head.checksum = board_slot_checksum(&table, i, slot);
			memcpy(slot, &head, sizeof(head));
		}
	}
}

/* Capacities from the header's own, small; the file gets the size they want. */
static uint8_t *fix(struct fuzz_bytes *bytes, uint8_t how, size_t *ret_size)
{
	struct board_header wanted = {.session_capacity = 0}, header;
	size_t size = bytes->size;
	uint8_t *file;

	if (!(how & FIX_HEADER) || size < sizeof(wanted)) {
		*ret_size = size;
		return fuzz_copy(bytes->data, size);
	}
	memcpy(&wanted, bytes->data, sizeof(wanted));
	header = board_header_make(1U << (wanted.session_capacity % 8),
				   1U << (wanted.path_capacity % 8));
	memcpy(header.boot_id, boot_id, sizeof(boot_id));
	header.checksum = board_header_checksum(&header);
	*ret_size = board_file_size(&header);
	file = calloc(1, *ret_size);
	must(file);
	memcpy(file, bytes->data, size < *ret_size ? size : *ret_size);
	memcpy(file, &header, sizeof(header));
	if (how & FIX_BEAT) {
		struct board_beat beat;

		memcpy(&beat, file + BOARD_BEAT_OFFSET, sizeof(beat));
		beat.checksum = board_beat_checksum(&beat);
		memcpy(file + BOARD_BEAT_OFFSET, &beat, sizeof(beat));
	}
	if (how & FIX_SLOTS)
		fix_slots(file, &header, *ret_size);
	return file;
}

/* One that keeps the file open sees the same, at its first look and at its second. */
static void read_kept(void)
{
	struct board_reader reader = BOARD_READER_INIT;
	struct board_view plain, kept;

	reader.path = path;
	for (uint32_t i = 0; i < 4; i++) {
		board_read_both(path, i / 2, i / 2, 1, NOW, &plain);
		board_reader_look(&reader, i / 2, i / 2, 1, NOW, &kept);
		must(!memcmp(&kept, &plain, sizeof(kept)));
	}
	board_reader_close(&reader);
}

static void read_all(void)
{
	struct board_session session = {.sid = 77};
	struct board_path record = {.sid = 77};
	uint64_t beat = 77;

	for (uint32_t sid = 0; sid < 4; sid++) {
		enum board_trust trust = board_read_session(path, sid, 1, NOW, &session);

		must(trust < BOARD_TRUST_MAX && *board_trust_text(trust));
		if (trust == BOARD_FRESH || trust == BOARD_STALE)
			must(session.sid == sid && session.name_hash == 1);
		trust = board_read_path(path, sid, sid, 1, NOW, &record);
		must(trust < BOARD_TRUST_MAX);
		if (trust == BOARD_FRESH || trust == BOARD_STALE)
			must(record.sid == sid && record.lun == sid && record.name_hash == 1);
	}
	if (board_read_beat(path, &beat) != BOARD_FRESH)
		must(beat == 77);
	read_kept();
}

/* A writer that takes over what is there ends with a board that says what it wants said. */
static void take_over(uint8_t *file, size_t size)
{
	const struct board_session session = {.sid = 2, .name_hash = 1};
	const struct board_path record = {.sid = 2, .lun = 2, .name_hash = 1};
	const struct board_content content = {&session, 1, &record, 1};
	struct board_image image;
	int r = image_adopt(file, size, boot_id, &image);

	if (r < 0) {
		must(r == -EBADMSG);
		free(file);
		return;
	}
	image_begin(&image);
	r = image_put_all(&image, &content);
	must(r == 0 || r == -EAGAIN);
	if (r == 0)
		r = image_sweep(&image);
	if (r == 0) {
		struct board_session found;

		image_beat(&image)->beat_ns = NOW;
		image_beat(&image)->checksum = board_beat_checksum(image_beat(&image));
		write_file(image.bytes, image.size);
		must(board_read_session(path, 2, 1, NOW, &found) == BOARD_FRESH);
		must(!memcmp(&found, &session, sizeof(found)));
		must(board_read_session(path, 3, 1, NOW, &found) == BOARD_NO_RECORD);
	}
	image_free(&image);
}

static void a_file(struct fuzz_bytes *bytes, uint8_t how)
{
	size_t size;
	uint8_t *file = fix(bytes, how, &size);

	write_file(file, size);
	read_all();
	take_over(file, size);
}

static struct board_session sessions[RECORDS];
static struct board_path paths[RECORDS];

static struct board_content take_records(struct fuzz_bytes *bytes)
{
	struct board_content content = {sessions, 0, paths, 0};

	while (bytes->size && content.n_sessions < RECORDS && content.n_paths < RECORDS) {
		if (fuzz_byte(bytes) & 1) {
			struct board_session *s = &sessions[content.n_sessions++];

			fuzz_fill(bytes, s, sizeof(*s));
		} else {
			struct board_path *p = &paths[content.n_paths++];

			fuzz_fill(bytes, p, sizeof(*p));
		}
	}
	return content;
}

/* Nothing a reader takes for a record is another than was written. */
static void check_found(const struct board_content *content, bool damaged)
{
	for (size_t i = 0; i < content->n_sessions; i++) {
		struct board_session found;
		enum board_trust trust = board_read_session(
			path, sessions[i].sid, sessions[i].name_hash, NOW, &found);

		must(damaged || trust == BOARD_FRESH);
		if (trust == BOARD_FRESH || trust == BOARD_STALE)
			must(!memcmp(&found, &sessions[i], sizeof(found)));
	}
	for (size_t i = 0; i < content->n_paths; i++) {
		struct board_path found;
		enum board_trust trust = board_read_path(path, paths[i].sid, paths[i].lun,
							 paths[i].name_hash, NOW, &found);

		must(damaged || trust == BOARD_FRESH);
		if (trust == BOARD_FRESH || trust == BOARD_STALE)
			must(!memcmp(&found, &paths[i], sizeof(found)));
	}
}

static void records(struct fuzz_bytes *bytes)
{
	uint32_t where;
	uint8_t turned = fuzz_byte(bytes);
	struct board_content content;
	struct board_image image;
	uint8_t *copy;
	int r;

	fuzz_fill(bytes, &where, sizeof(where));
	content = take_records(bytes);
	r = image_build(&content, boot_id, &image);
	if (r < 0) {
		must(r == -EINVAL); /* two of one key */
		return;
	}
	image_beat(&image)->beat_ns = NOW;
	image_beat(&image)->checksum = board_beat_checksum(image_beat(&image));
	write_file(image.bytes, image.size);
	check_found(&content, false);
	copy = fuzz_copy(image.bytes, image.size);
	copy[where % image.size] ^= turned;
	write_file(copy, image.size);
	check_found(&content, true);
	free(copy);
	image_free(&image);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct fuzz_bytes bytes = {data, size};
	uint8_t how = fuzz_byte(&bytes);

	if (how & 1)
		records(&bytes);
	else
		a_file(&bytes, how);
	return 0;
}
