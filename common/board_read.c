/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/board_reader.h"
#include "common/clock.h"

/* A record torn by the writer is whole a moment later; garbage stays garbage. */
#define TRIES 3
/* Slots fetched with one pread(). */
#define BATCH 4
/* A reader that keeps the file open looks at owner, mode and path anew after this. */
#define KEPT_MAX_NS (60 * NS_PER_S)
/* The largest file it copies: that of about a thousand paths. */
#define COPY_MAX (256 * 1024)

/* What is looked for, and where the copy of it goes. */
struct lookup {
	enum board_kind kind;
	uint32_t sid;
	uint64_t lun;
	uint64_t name_hash;
	enum board_trust trust;
	union {
		struct board_session session;
		struct board_path path;
	} found;
};

/* Exactly 'size' bytes, or -EBADMSG: the file is shorter. */
static int read_exactly(int fd, void *buffer, size_t size, size_t offset)
{
	uint8_t *p = buffer;
	ssize_t n;

	while (size > 0) {
		n = pread(fd, p, size, (off_t)offset);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		if (n == 0)
			return -EBADMSG;
		p += n;
		offset += (size_t)n;
		size -= (size_t)n;
	}
	return 0;
}

enum match { MATCH_NOT, MATCH_KEY, MATCH_ALL };

/* Compare a whole, used slot with what is looked for and keep it when it is that. */
static enum match match_slot(struct lookup *lookup, const void *slot)
{
	struct board_session_slot session;
	struct board_path_slot path;

	if (lookup->kind == BOARD_SESSIONS) {
		memcpy(&session, slot, sizeof(session));
		if (session.record.sid != lookup->sid)
			return MATCH_NOT;
		lookup->found.session = session.record;
		return session.record.name_hash == lookup->name_hash ? MATCH_ALL : MATCH_KEY;
	}
	memcpy(&path, slot, sizeof(path));
	if (path.record.sid != lookup->sid || path.record.lun != lookup->lun)
		return MATCH_NOT;
	lookup->found.path = path.record;
	return path.record.name_hash == lookup->name_hash ? MATCH_ALL : MATCH_KEY;
}

/* One slot of the search: BOARD_TRUST_MAX means go on. */
static enum board_trust look_at(const struct board_table *table, uint32_t index,
				const void *slot, struct lookup *lookup)
{
	int use = board_slot_use(table, index, slot);
	enum match match;

	if (use < 0)
		return BOARD_DAMAGED;
	if (use == BOARD_SLOT_EMPTY)
		return BOARD_NO_RECORD;
	if (use == BOARD_SLOT_TOMBSTONE)
		return BOARD_TRUST_MAX;
	match = match_slot(lookup, slot);
	if (match == MATCH_ALL)
		return BOARD_FRESH;
	return match == MATCH_KEY ? BOARD_NO_RECORD : BOARD_TRUST_MAX;
}

/* Where slots are read from: a file, or a copy of it. */
struct source {
	int fd;
	const uint8_t *copy; /* NULL: the file */
	size_t size;
};

static int source_read(const struct source *source, void *buffer, size_t size, size_t offset)
{
	if (!source->copy)
		return read_exactly(source->fd, buffer, size, offset);
	if (offset > source->size || size > source->size - offset)
		return -EBADMSG;
	memcpy(buffer, source->copy + offset, size);
	return 0;
}

static enum board_trust search(const struct source *source, const struct board_table *table,
			       struct lookup *lookup)
{
	uint8_t slots[BATCH * BOARD_SLOT_MAX];
	uint32_t index, i, n, seen = 0, limit;
	enum board_trust trust;

	index = lookup->kind == BOARD_SESSIONS ?
			board_session_start(lookup->sid, table->capacity) :
			board_path_start(lookup->sid, lookup->lun, table->capacity);
	limit = table->capacity < BOARD_PROBE_MAX ? table->capacity : BOARD_PROBE_MAX;
	while (seen < limit) {
		n = table->capacity - index < BATCH ? table->capacity - index : BATCH;
		if (source_read(source, slots, n * table->slot_size,
				table->offset + index * table->slot_size) < 0)
			return BOARD_DAMAGED;
		for (i = 0; i < n && seen < limit; i++, seen++) {
			trust = look_at(table, index + i, slots + i * table->slot_size, lookup);
			if (trust != BOARD_TRUST_MAX)
				return trust;
		}
		index = (index + n) & (table->capacity - 1);
	}
	/* The writer keeps an empty slot within reach of every key. */
	return BOARD_DAMAGED;
}

/* The clocks of a reader and of a beat taken a moment later may be in either order. */
static bool beat_is_stale(const struct board_beat *beat, uint64_t now_ns)
{
	uint64_t age = now_ns > beat->beat_ns ? now_ns - beat->beat_ns : beat->beat_ns - now_ns;

	return beat->beat_ns == 0 || age > BOARD_STALE_MS * NS_PER_MS;
}

static bool owner_and_mode_ok(const struct stat *st)
{
	return S_ISREG(st->st_mode) && (st->st_uid == 0 || st->st_uid == geteuid()) &&
	       (st->st_mode & (S_IWGRP | S_IWOTH)) == 0;
}

/* The file's first bytes, judged but for the age of the beat. */
static enum board_trust read_front(int fd, struct board_front *ret)
{
	char boot_id[BOARD_BOOT_ID_MAX];
	enum board_trust trust;
	struct stat st;

	if (fstat(fd, &st) < 0 || !owner_and_mode_ok(&st) || board_boot_id(boot_id) < 0)
		return BOARD_FOREIGN;
	if (read_exactly(fd, ret, sizeof(*ret), 0) < 0)
		return BOARD_DAMAGED;
	trust = board_header_judge(&ret->header, boot_id, (uint64_t)st.st_size);
	if (trust == BOARD_FRESH && (ret->beat.checksum != board_beat_checksum(&ret->beat) ||
				     ret->beat.beat_ns == BOARD_RETIRED))
		return BOARD_DAMAGED; /* the next try opens what is there now */
	return trust;
}

/* The front is in order: search for one record. */
static enum board_trust look_up_in(const struct source *source, const struct board_front *front,
				   struct lookup *lookup, uint64_t now_ns)
{
	struct board_table table = board_table_of(&front->header, lookup->kind);
	enum board_trust trust = search(source, &table, lookup);

	if (trust == BOARD_FRESH && beat_is_stale(&front->beat, now_ns))
		return BOARD_STALE;
	return trust;
}

/* Descriptor, or -1 with *ret telling why not. */
static int open_board(const char *path, enum board_trust *ret)
{
	int fd = open(path ? path : BOARD_DEFAULT_PATH,
		      O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY);

	if (fd < 0)
		*ret = errno == ENOENT || errno == ENOTDIR ? BOARD_ABSENT :
		       errno == ELOOP || errno == EACCES || errno == ENXIO ? BOARD_FOREIGN :
									     BOARD_DAMAGED;
	return fd;
}

/* All 'n' records with one look at the file. False: some are damaged, perhaps only torn. */
static bool look_up_once(const char *path, struct lookup *lookups, unsigned int n, uint64_t now_ns)
{
	enum board_trust trust = BOARD_DAMAGED;
	struct board_front front;
	bool whole = true;
	unsigned int i;
	struct source source = { .fd = open_board(path, &trust) };

	if (source.fd >= 0)
		trust = read_front(source.fd, &front);
	for (i = 0; i < n; i++) {
		lookups[i].trust = source.fd >= 0 && trust == BOARD_FRESH ?
					   look_up_in(&source, &front, &lookups[i], now_ns) : trust;
		whole = whole && lookups[i].trust != BOARD_DAMAGED;
	}
	if (source.fd >= 0)
		close(source.fd);
	return whole;
}

static void look_up(const char *path, struct lookup *lookups, unsigned int n, uint64_t now_ns)
{
	int i;

	for (i = 0; i < TRIES && !look_up_once(path, lookups, n, now_ns); i++)
		;
}

static bool was_found(const struct lookup *lookup)
{
	return lookup->trust == BOARD_FRESH || lookup->trust == BOARD_STALE;
}

enum board_trust board_read_session(const char *path, uint32_t sid, uint64_t name_hash,
				    uint64_t now_ns, struct board_session *ret)
{
	struct lookup lookup = { .kind = BOARD_SESSIONS, .sid = sid, .name_hash = name_hash };

	look_up(path, &lookup, 1, now_ns);
	if (was_found(&lookup))
		*ret = lookup.found.session;
	return lookup.trust;
}

enum board_trust board_read_path(const char *path, uint32_t sid, uint64_t lun,
				 uint64_t name_hash, uint64_t now_ns, struct board_path *ret)
{
	struct lookup lookup = {
		.kind = BOARD_PATHS, .sid = sid, .lun = lun, .name_hash = name_hash
	};

	look_up(path, &lookup, 1, now_ns);
	if (was_found(&lookup))
		*ret = lookup.found.path;
	return lookup.trust;
}

static void set_view(const struct lookup *lookups, struct board_view *ret)
{
	memset(ret, 0, sizeof(*ret));
	ret->session_trust = lookups[0].trust;
	if (was_found(&lookups[0]))
		ret->session = lookups[0].found.session;
	ret->path_trust = lookups[1].trust;
	if (was_found(&lookups[1]))
		ret->path = lookups[1].found.path;
}

/* The two records of one path. */
#define LOOKUPS(SID, LUN, HASH)                                                                  \
	{                                                                                        \
		{ .kind = BOARD_SESSIONS, .sid = (SID), .name_hash = (HASH) },                   \
		{ .kind = BOARD_PATHS, .sid = (SID), .lun = (LUN), .name_hash = (HASH) },        \
	}

void board_read_both(const char *path, uint32_t sid, uint64_t lun, uint64_t name_hash,
		     uint64_t now_ns, struct board_view *ret)
{
	struct lookup lookups[2] = LOOKUPS(sid, lun, name_hash);

	look_up(path, lookups, 2, now_ns);
	set_view(lookups, ret);
}

static void drop_copy(struct board_reader *reader)
{
	free(reader->copy);
	reader->copy = NULL;
}

static void drop_file(struct board_reader *reader)
{
	drop_copy(reader);
	if (reader->fd >= 0)
		close(reader->fd);
	reader->fd = -1;
}

/* The writer is alive and still writes into this file. */
static bool kept_is_current(struct board_reader *reader, uint64_t now_ns)
{
	struct board_beat beat;

	if (reader->copy && now_ns - reader->beat_read_ns < reader->share_ns)
		return true;
	if (reader->fd < 0 || now_ns - reader->opened_ns >= KEPT_MAX_NS ||
	    read_exactly(reader->fd, &beat, sizeof(beat), BOARD_BEAT_OFFSET) < 0 ||
	    beat.checksum != board_beat_checksum(&beat) || beat_is_stale(&beat, now_ns))
		return false;
	reader->front.beat = beat;
	reader->beat_read_ns = now_ns;
	return true;
}

/*
 * Copy the file, unless the copy is as good as the file: the writer ends whatever it changes with a
 * beat, and here the beat is copied before what it ended. A file too large is looked up slot by slot.
 */
static void keep_copy(struct board_reader *reader)
{
	const struct board_beat *beat = &reader->front.beat;

	if (reader->copy &&
	    !memcmp(reader->copy + BOARD_BEAT_OFFSET, beat, sizeof(*beat)))
		return;
	reader->size = board_file_size(&reader->front.header);
	if (!reader->copy && reader->size <= COPY_MAX)
		reader->copy = malloc(reader->size);
	if (!reader->copy)
		return;
	if (read_exactly(reader->fd, reader->copy, BOARD_TABLE_OFFSET, 0) < 0 ||
	    read_exactly(reader->fd, reader->copy + BOARD_TABLE_OFFSET,
			 reader->size - BOARD_TABLE_OFFSET, BOARD_TABLE_OFFSET) < 0)
		drop_copy(reader);
}

/* False: something is damaged, or the front was not up to date. */
static bool look_up_kept(struct board_reader *reader, struct lookup *lookups, unsigned int n,
			 uint64_t now_ns)
{
	bool whole = kept_is_current(reader, now_ns);
	struct source source = { .fd = reader->fd };

	if (whole)
		keep_copy(reader);
	source.copy = reader->copy;
	source.size = reader->size;
	for (unsigned int i = 0; whole && i < n; i++) {
		lookups[i].trust = look_up_in(&source, &reader->front, &lookups[i], now_ns);
		whole = lookups[i].trust != BOARD_DAMAGED;
	}
	return whole;
}

static void open_anew(struct board_reader *reader, uint64_t now_ns)
{
	enum board_trust trust;

	drop_file(reader);
	if (reader->closed)
		return;
	reader->fd = open_board(reader->path, &trust);
	reader->opened_ns = now_ns;
	if (reader->fd >= 0 && read_front(reader->fd, &reader->front) != BOARD_FRESH)
		drop_file(reader);
}

void board_reader_look(struct board_reader *reader, uint32_t sid, uint64_t lun, uint64_t name_hash,
		       uint64_t now_ns, struct board_view *ret)
{
	struct lookup lookups[2] = LOOKUPS(sid, lun, name_hash);
	bool whole;

	pthread_mutex_lock(&reader->lock);
	whole = look_up_kept(reader, lookups, 2, now_ns);
	if (!whole) {
		open_anew(reader, now_ns);
		whole = look_up_kept(reader, lookups, 2, now_ns);
	}
	pthread_mutex_unlock(&reader->lock);
	if (whole)
		set_view(lookups, ret);
	else
		board_read_both(reader->path, sid, lun, name_hash, now_ns, ret);
}

void board_reader_close(struct board_reader *reader)
{
	if (pthread_mutex_trylock(&reader->lock))
		return;
	reader->closed = true;
	drop_file(reader);
	pthread_mutex_unlock(&reader->lock);
}

static enum board_trust read_beat_once(const char *path, uint64_t *ret_beat_ns)
{
	struct board_front front;
	enum board_trust trust;
	int fd = open_board(path, &trust);

	if (fd < 0)
		return trust;
	trust = read_front(fd, &front);
	close(fd);
	if (trust == BOARD_FRESH)
		*ret_beat_ns = front.beat.beat_ns;
	return trust;
}

enum board_trust board_read_beat(const char *path, uint64_t *ret_beat_ns)
{
	enum board_trust trust = BOARD_DAMAGED;
	int i;

	for (i = 0; i < TRIES && trust == BOARD_DAMAGED; i++)
		trust = read_beat_once(path, ret_beat_ns);
	return trust;
}
