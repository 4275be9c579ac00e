/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Notes for people. */
#include "daemon/notes.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

const char *note_level_name(enum note_level level)
{
	static const char *const names[] = {"info", "warning", "refused"};

	return names[level];
}

void notes_add(struct notes *notes, enum note_level level, const char *format, ...)
{
	struct note *grown = reallocarray(notes->list, notes->n + 1, sizeof(*grown));
	va_list args;

	if (!grown) {
		notes->lost = true;
		return;
	}
	notes->list = grown;
	grown += notes->n++;
	grown->level = level;
	va_start(args, format);
	vsnprintf(grown->text, sizeof(grown->text), format, args);
	va_end(args);
}

void notes_free(struct notes *notes)
{
	free(notes->list);
	*notes = (struct notes){0};
}
