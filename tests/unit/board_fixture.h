/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef TESTS_BOARD_FIXTURE_H
#define TESTS_BOARD_FIXTURE_H

/*
 * A board in a new directory (below $TMPDIR, or on a tmpfs like the product's), and
 * records whose every field follows from their key and one number, so that a mixture of
 * two records is recognised. Include after <cmocka.h>.
 */

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/board_format.h"
#include "common/clock.h"

#define LUNS_A_SESSION 500

struct place {
	char directory[128], path[160], temporary[168];
};

static inline int place_new(void **state)
{
	const char *tmp = getenv("TMPDIR");
	const char *other = access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp";
	struct place *place = calloc(1, sizeof(*place));

	assert_non_null(place);
	snprintf(place->directory, sizeof(place->directory), "%s/board.XXXXXX",
		 tmp ? tmp : other);
	assert_non_null(mkdtemp(place->directory));
	snprintf(place->path, sizeof(place->path), "%s/board", place->directory);
	snprintf(place->temporary, sizeof(place->temporary), "%s.new", place->path);
	*state = place;
	return 0;
}

static inline int place_free(void **state)
{
	struct place *place = *state;

	unlink(place->path);
	rmdir(place->path);
	unlink(place->temporary);
	rmdir(place->directory);
	free(place);
	return 0;
}

/* Session 'sid' as it is in round 'round'. */
static inline struct board_session session_of(uint32_t sid, uint64_t round)
{
	uint64_t mix = (sid * 1000003ULL) ^ (round * 0x9e3779b97f4a7c15ULL);

	return (struct board_session){
		.sid = sid,
		.state = (uint32_t)(round % PROBE_STATE_MAX),
		.name_hash = sid * 77ULL + 1,
		.updated_ns = round,
		.last_good_ns = mix,
		.silent_since_ns = ~mix,
		.rtt_us = (uint32_t)mix,
		.rtt_var_us = (uint32_t)(mix >> 32),
		.misses = (uint32_t)(mix >> 16),
		.login_status = (uint32_t)(mix >> 8),
		.error = (int32_t)(mix >> 33),
	};
}

/* Path number 'number': LUN number % LUNS_A_SESSION of session number / LUNS_A_SESSION
 * + 1. */
static inline struct board_path path_of(uint32_t number, uint64_t round)
{
	uint64_t mix = (number * 1000033ULL) ^ (round * 0x9e3779b97f4a7c15ULL);

	return (struct board_path){
		.sid = number / LUNS_A_SESSION + 1,
		.role = (uint32_t)(round % 4),
		.lun = number % LUNS_A_SESSION,
		.name_hash = number * 79ULL + 1,
		.wwid_hash = mix,
		.priority = (int32_t)(mix >> 34),
		.policy = (uint16_t)(mix >> 3),
		.plan_ns = round,
	};
}

struct records {
	struct board_session *sessions;
	struct board_path *paths;
	struct board_content content;
};

/* Sessions first_sid … and paths 0 …, all of round 'round'. */
static inline struct records records_make(uint32_t first_sid, uint32_t n_sessions,
					  uint32_t n_paths, uint64_t round)
{
	struct records records = {
		.sessions = calloc(n_sessions + 1U, sizeof(struct board_session)),
		.paths = calloc(n_paths + 1U, sizeof(struct board_path)),
	};
	uint32_t i;

	if (!records.sessions || !records.paths)
		abort();
	for (i = 0; i < n_sessions; i++)
		records.sessions[i] = session_of(first_sid + i, round);
	for (i = 0; i < n_paths; i++)
		records.paths[i] = path_of(i, round);
	records.content = (struct board_content){
		.sessions = records.sessions,
		.n_sessions = n_sessions,
		.paths = records.paths,
		.n_paths = n_paths,
	};
	return records;
}

static inline void records_free(struct records *records)
{
	free(records->sessions);
	free(records->paths);
}

static inline enum board_trust read_session(const struct place *place, uint32_t sid,
					    uint64_t now, struct board_session *ret)
{
	return board_read_session(place->path, sid, sid * 77ULL + 1, now, ret);
}

static inline enum board_trust read_path(const struct place *place, uint32_t number,
					 uint64_t now, struct board_path *ret)
{
	return board_read_path(place->path, number / LUNS_A_SESSION + 1,
			       number % LUNS_A_SESSION, number * 79ULL + 1, now, ret);
}

/* All of 'records' and nothing else can be read, with this trust. */
static inline void assert_board(const struct place *place, const struct records *records,
				uint64_t now, enum board_trust trust)
{
	struct board_session session;
	struct board_path path;
	size_t i;

	for (i = 0; i < records->content.n_sessions; i++) {
		assert_int_equal(
			read_session(place, records->sessions[i].sid, now, &session),
			trust);
		assert_memory_equal(&session, &records->sessions[i], sizeof(session));
	}
	for (i = 0; i < records->content.n_paths; i++) {
		assert_int_equal(read_path(place, (uint32_t)i, now, &path), trust);
		assert_memory_equal(&path, &records->paths[i], sizeof(path));
	}
	assert_int_equal(read_session(place, 4000000000U, now, &session),
			 BOARD_NO_RECORD);
	assert_int_equal(read_path(place, (uint32_t)records->content.n_paths, now, &path),
			 BOARD_NO_RECORD);
}

static inline ino_t inode_of(const char *path)
{
	struct stat st;

	assert_int_equal(stat(path, &st), 0);
	return st.st_ino;
}

static inline size_t size_of(const char *path)
{
	struct stat st;

	assert_int_equal(stat(path, &st), 0);
	return (size_t)st.st_size;
}

/* The whole file, to be freed. */
static inline uint8_t *slurp(const char *path, size_t *ret_size)
{
	size_t size = size_of(path);
	uint8_t *bytes = malloc(size + 1);
	int fd = open(path, O_RDONLY | O_CLOEXEC);

	assert_non_null(bytes);
	assert_true(fd >= 0);
	assert_int_equal(pread(fd, bytes, size, 0), (ssize_t)size);
	close(fd);
	*ret_size = size;
	return bytes;
}

static inline void scribble(const char *path, size_t offset, const void *bytes,
			    size_t size)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC);

	assert_true(fd >= 0);
	assert_int_equal(pwrite(fd, bytes, size, (off_t)offset), (ssize_t)size);
	close(fd);
}

#endif
