/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef MPATHISCSI_QUICK_LEVERS_FILE_H
#define MPATHISCSI_QUICK_LEVERS_FILE_H

/* A small text file in /run: read whole, replaced whole, gone when it is empty. */

#include <stdbool.h>
#include <sys/types.h>

struct levers_file {
	char *path, *temporary; /* the latter in the same folder, for the rename */
	dev_t dev;		/* the file as read or written last; */
	ino_t ino;		/* 0: there was none */
};

/* 0, -ENOMEM. Free with levers_file_free(), also after a failure. */
int levers_file_new(const char *path, struct levers_file *ret);
void levers_file_free(struct levers_file *file);

/* The text, "" when there is no such file; to be free()d. -EPERM: not a regular file of ours
 * that nobody else may write; -EFBIG; other -errno. */
int levers_file_read(struct levers_file *file, char **ret);

/* Replace it (its folder is made if missing, one level); "" removes it. -errno with the old
 * one in place. */
int levers_file_write(struct levers_file *file, const char *text);

/* Is it another one than was read or written last, or gone? */
bool levers_file_changed(const struct levers_file *file);

#endif
