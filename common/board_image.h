/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef MPATHISCSI_BOARD_IMAGE_H
#define MPATHISCSI_BOARD_IMAGE_H

/*
 * The writer's copy of the board file, byte for byte: what the file must look like. No I/O
 * here. Records are put in place one by one between image_begin() and image_sweep(); the
 * slots that differ from before are then marked dirty.
 */

#include "common/board_format.h"

struct board_image {
	uint8_t *bytes; /* board_file_size() of them; NULL: none */
	size_t size;
	uint8_t *marks[BOARD_KINDS]; /* a byte a slot */
};

/* An empty board for at least this many records. -ENOMEM; -E2BIG: beyond BOARD_CAPACITY_MAX. */
int image_new(size_t n_sessions, size_t n_paths, const char *boot_id, struct board_image *ret);

/* A board that holds exactly 'content', in tables as large as it needs. Errors as
 * image_new() and image_put(). */
int image_build(const struct board_content *content, const char *boot_id,
		struct board_image *ret);

/* Adopt 'bytes' (from malloc(), owned by the image on success) if they are a whole board of
 * this boot. -EBADMSG: they are not; -ENOMEM. */
int image_adopt(uint8_t *bytes, size_t size, const char *boot_id, struct board_image *ret);

void image_free(struct board_image *image);

const struct board_header *image_header(const struct board_image *image);
struct board_beat *image_beat(struct board_image *image);

void image_begin(struct board_image *image);

/*
 * Put all of 'content' in place. -EINVAL: two records with one key; -EAGAIN: no room
 * within reach, a new image is needed. The image is then half done: drop it.
 */
int image_put_all(struct board_image *image, const struct board_content *content);

/* Turn the records that were not put into tombstones. -EAGAIN: tables too full to search
 * quickly, a new image is needed. */
int image_sweep(struct board_image *image);

/* Exactly these sessions; paths stay. Begins by itself. Errors of both of the above. */
int image_put_sessions(struct board_image *image, const struct board_session *sessions, size_t n);

/* Call fn for each dirty slot; stops when fn returns non-zero and returns that. */
int image_each_dirty(const struct board_image *image,
		     int (*fn)(const uint8_t *bytes, size_t size, size_t offset, void *arg),
		     void *arg);

#endif
