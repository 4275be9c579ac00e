/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "common/board_format.h"

#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <string.h>
#include <unistd.h>

#include "common/parse.h"

struct board_table board_table_of(const struct board_header *header, enum board_kind kind)
{
	struct board_table table = {
		.kind = kind,
		.slot_size = header->session_size,
		.capacity = header->session_capacity,
		.offset = BOARD_TABLE_OFFSET,
	};

	if (kind == BOARD_PATHS) {
		table.offset += table.slot_size * table.capacity;
		table.slot_size = header->path_size;
		table.capacity = header->path_capacity;
	}
	return table;
}

size_t board_file_size(const struct board_header *header)
{
	struct board_table paths = board_table_of(header, BOARD_PATHS);

	return paths.offset + paths.slot_size * paths.capacity;
}

struct board_header board_header_make(uint32_t session_capacity, uint32_t path_capacity)
{
	struct board_header header = {
		.version = BOARD_VERSION,
		.byte_order = BOARD_BYTE_ORDER,
		.header_size = BOARD_TABLE_OFFSET,
		.session_size = sizeof(struct board_session_slot),
		.path_size = sizeof(struct board_path_slot),
		.session_capacity = session_capacity,
		.path_capacity = path_capacity,
	};

	memcpy(header.magic, BOARD_MAGIC, sizeof(header.magic));
	return header;
}

uint64_t board_header_checksum(const struct board_header *header)
{
	return fnv1a(FNV1A_START, header, offsetof(struct board_header, checksum));
}

uint64_t board_beat_checksum(const struct board_beat *beat)
{
	return fnv1a(FNV1A_START, beat, offsetof(struct board_beat, checksum));
}

uint64_t board_slot_checksum(const struct board_table *table, uint32_t index, const void *slot)
{
	const size_t start = offsetof(struct board_slot, sequence);
	uint32_t place[2] = { (uint32_t)table->kind, index };
	uint64_t hash;

	hash = fnv1a(FNV1A_START, place, sizeof(place));
	hash = fnv1a(hash, (const uint8_t *)slot + start, table->slot_size - start);
	return hash ? hash : 1;
}

static bool all_zero(const uint8_t *bytes, size_t size)
{
	while (size > 0 && *bytes == 0) {
		bytes++;
		size--;
	}
	return size == 0;
}

int board_slot_use(const struct board_table *table, uint32_t index, const void *slot)
{
	struct board_slot head;

	memcpy(&head, slot, sizeof(head));
	if (head.checksum == 0)
		return all_zero(slot, table->slot_size) ? BOARD_SLOT_EMPTY : -EBADMSG;
	if (head.checksum != board_slot_checksum(table, index, slot))
		return -EBADMSG;
	if (head.use != BOARD_SLOT_USED && head.use != BOARD_SLOT_TOMBSTONE)
		return -EBADMSG;
	return (int)head.use;
}

/* Keys are small and consecutive; FNV alone would leave them in clusters. */
static uint32_t start_of(uint64_t hash, uint32_t capacity)
{
	hash ^= hash >> 32;
	hash *= 0x9e3779b97f4a7c15ULL;
	hash ^= hash >> 29;
	return (uint32_t)hash & (capacity - 1);
}

uint32_t board_session_start(uint32_t sid, uint32_t capacity)
{
	return start_of(fnv1a(FNV1A_START, &sid, sizeof(sid)), capacity);
}

uint32_t board_path_start(uint32_t sid, uint64_t lun, uint32_t capacity)
{
	uint64_t key[2] = { sid, lun };

	return start_of(fnv1a(FNV1A_START, key, sizeof(key)), capacity);
}

static int read_boot_id(char *buffer)
{
	int fd = open("/proc/sys/kernel/random/boot_id", O_RDONLY | O_CLOEXEC);
	ssize_t n;

	if (fd < 0)
		return -errno;
	memset(buffer, 0, BOARD_BOOT_ID_MAX);
	n = read(fd, buffer, BOARD_BOOT_ID_MAX - 1);
	if (n < 0)
		n = -errno;
	close(fd);
	if (n < 0)
		return (int)n;
	buffer[strcspn(buffer, "\n")] = '\0';
	return buffer[0] ? 0 : -ENODATA;
}

/* It never changes, so it is read once. No lock: readers are in others' processes. */
static struct {
	atomic_int state;
	char id[BOARD_BOOT_ID_MAX];
} boot;
enum { BOOT_UNKNOWN, BOOT_BEING_KEPT, BOOT_KNOWN };

static void keep_boot_id(const char *id)
{
	int state = BOOT_UNKNOWN;

	if (!atomic_compare_exchange_strong(&boot.state, &state, BOOT_BEING_KEPT))
		return;
	memcpy(boot.id, id, sizeof(boot.id));
	atomic_store_explicit(&boot.state, BOOT_KNOWN, memory_order_release);
}

int board_boot_id(char *buffer)
{
	int r;

	if (atomic_load_explicit(&boot.state, memory_order_acquire) == BOOT_KNOWN) {
		memcpy(buffer, boot.id, sizeof(boot.id));
		return 0;
	}
	r = read_boot_id(buffer);
	if (r == 0)
		keep_boot_id(buffer);
	return r;
}

static bool capacity_ok(uint32_t capacity)
{
	return capacity > 0 && capacity <= BOARD_CAPACITY_MAX && (capacity & (capacity - 1)) == 0;
}

enum board_trust board_header_judge(const struct board_header *header, const char *boot_id,
				    uint64_t file_size)
{
	if (memcmp(header->magic, BOARD_MAGIC, sizeof(header->magic)) != 0 ||
	    header->byte_order != BOARD_BYTE_ORDER)
		return BOARD_FOREIGN;
	/* Magic, version and byte order keep their places in every version; nothing else. */
	if (header->version != BOARD_VERSION)
		return BOARD_VERSION_MISMATCH;
	if (header->checksum != board_header_checksum(header))
		return BOARD_DAMAGED;
	if (memcmp(header->boot_id, boot_id, BOARD_BOOT_ID_MAX) != 0)
		return BOARD_FOREIGN;
	if (header->header_size != BOARD_TABLE_OFFSET ||
	    header->session_size != sizeof(struct board_session_slot) ||
	    header->path_size != sizeof(struct board_path_slot) ||
	    !capacity_ok(header->session_capacity) || !capacity_ok(header->path_capacity) ||
	    board_file_size(header) != file_size)
		return BOARD_DAMAGED;
	return BOARD_FRESH;
}
