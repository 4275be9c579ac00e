/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef MPATHISCSI_BOARD_READER_H
#define MPATHISCSI_BOARD_READER_H

/*
 * A look at the board for those who look often: the file stays open from look to look, and of one
 * that is not large there is a copy, which is good for as long as the writer's beat is the same. That
 * saves most of the cost. Owner, mode, boot and the path itself are looked at again when the file is not
 * up to date (a writer that replaces it says so in the old one), and each minute.
 */

#include <pthread.h>

#include "common/board_format.h"

struct board_reader {
	pthread_mutex_t lock; /* held for a few short reads */
	const char *path;     /* NULL: BOARD_DEFAULT_PATH */
	int fd;		      /* -1: not open */
	bool closed;	      /* for good */
	uint64_t opened_ns;
	struct board_front front; /* its header as of then, its beat as of 'beat_read_ns' */
	uint64_t beat_read_ns;
	uint64_t share_ns; /* looks this close together share one reading of the beat; 0 none */
	uint8_t *copy;		  /* the whole file at some beat, unless it is large; of 'size' bytes */
	size_t size;
};

#define BOARD_READER_INIT                                                                        \
	{                                                                                        \
		.lock = PTHREAD_MUTEX_INITIALIZER, .fd = -1                                      \
	}

/* As board_read_both(), of any thread. */
void board_reader_look(struct board_reader *reader, uint32_t sid, uint64_t lun, uint64_t name_hash,
		       uint64_t now_ns, struct board_view *ret);

/* Keep no file open any more. Who looks nevertheless, as threads may while a process ends, is
 * served as by board_read_both(). Does not wait: somebody who is looking just now keeps it. */
void board_reader_close(struct board_reader *reader);

#endif
