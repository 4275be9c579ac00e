/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef MPATHISCSI_BOARD_FILE_H
#define MPATHISCSI_BOARD_FILE_H

/* The writer's file work: whole reads and writes, a new file renamed into place. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/stat.h>
#include <sys/types.h>

/* Where the board is, and how it is made. */
struct board_place {
	char *path, *temporary; /* the latter in the same directory, for the rename */
	gid_t gid;		/* (gid_t)-1: leave */
};

/* 0, -ENOMEM. Free with board_place_free(), also after a failure. */
int board_place_new(const char *path, gid_t gid, struct board_place *ret);
void board_place_free(struct board_place *place);

/* All 'size' bytes, or -errno. */
int board_file_write(int fd, const void *buffer, size_t size, size_t offset);

/* As many bytes as there are up to 'size', or -errno. */
ssize_t board_file_read(int fd, void *buffer, size_t size, size_t offset);

/* A regular file of ours that no reader refuses for its owner or mode. */
bool board_file_is_ours(const struct stat *st);

/*
 * Make the board anew with these contents, mode 0640: a reader finds the old file or the
 * new one, whole. The directory is made if missing (one level). Returns the new file's
 * descriptor, or -errno with the old file in place.
 */
int board_file_replace(const struct board_place *place, const void *bytes, size_t size);

/* Open what a previous writer left. Its contents go to *ret, to be free()d; mode and group
 * are set as in a new file. Descriptor; -ENOENT, -EBADMSG: no file we would trust; -errno. */
int board_file_open(const struct board_place *place, uint8_t **ret, size_t *ret_size);

#endif
