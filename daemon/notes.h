/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef MPATHISCSI_NOTES_H
#define MPATHISCSI_NOTES_H

/* What pure code wants people to know, collected for the one who prints. */

#include <stdbool.h>
#include <stddef.h>

enum note_level { NOTE_INFO, NOTE_WARNING, NOTE_REFUSED };
const char *note_level_name(enum note_level level); /* "info", "warning", "refused" */

#define NOTE_MAX 400

struct note {
	enum note_level level;
	char text[NOTE_MAX];
};

struct notes {
	struct note *list;
	size_t n;
	bool lost; /* no memory for one */
};

void notes_add(struct notes *notes, enum note_level level, const char *format, ...)
	__attribute__((format(printf, 3, 4)));
void notes_free(struct notes *notes);

#endif
