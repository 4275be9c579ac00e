/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef MPATHISCSI_INI_TEXT_H
#define MPATHISCSI_INI_TEXT_H

/*
 * Strict reading of an INI text by inih, with complaints that name file and line. What inih
 * lets pass in silence is refused: long lines, sections cut at 49 bytes, text behind a
 * section's "]", settings before the first section.
 */

#include <stdbool.h>
#include <stddef.h>

#define INI_TEXT_LINE_MAX 1000

struct ini_text;

struct ini_text_reader {
	/* A header as written, without brackets. Complain by ini_text_fail(). */
	void (*section)(struct ini_text *text, const char *header, void *arg);
	/* One setting of the section that was opened last. */
	void (*setting)(struct ini_text *text, const char *name, const char *value, void *arg);
};

struct ini_text {
	const char *file;    /* its name in messages; at most 100 bytes of it are shown */
	const char *at;	     /* what is not read yet; set it to the text */
	char *message;	     /* the first complaint */
	size_t message_size;
	unsigned int line;   /* of what was read last, from 1 */
	bool failed;
	bool opened; /* a section */
	const struct ini_text_reader *reader;
	void *arg;
};

/* Read all of it. 0, -EINVAL with a message, -ENOMEM with a message. */
int ini_text_read(struct ini_text *text);

/* "FILE:LINE: …"; the first complaint is kept, and nothing is read after it. */
void ini_text_fail(struct ini_text *text, unsigned int line, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

#endif
