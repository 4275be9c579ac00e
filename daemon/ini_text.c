/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "daemon/ini_text.h"

#include <errno.h>
#include <ini.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#define BYTE_ORDER_MARK "\xEF\xBB\xBF"
#define BLANKS		" \t\r\v\f" /* within a line: isspace(), as inih has it, but '\n' */

void ini_text_fail(struct ini_text *text, unsigned int line, const char *format, ...)
{
	va_list args;
	int n;

	if (text->failed)
		return;
	text->failed = true;
	n = snprintf(text->message, text->message_size, "%.100s:%u: ", text->file, line);
	if (n < 0 || (size_t)n >= text->message_size)
		return;
	va_start(args, format);
	vsnprintf(text->message + n, text->message_size - (size_t)n, format, args);
	va_end(args);
}

/* A section's header; inih itself would cut it and never mention an empty section. */
static void look_for_header(struct ini_text *text, const char *line)
{
	const char *begin = line + strspn(line, BLANKS), *end = strchr(begin, ']'), *rest;
	char header[INI_TEXT_LINE_MAX + 1];

	if (*begin != '[')
		return;
	if (!end) {
		ini_text_fail(text, text->line, "section without \"]\"");
		return;
	}
	rest = end + 1 + strspn(end + 1, " \t\r\n");
	if (*rest && *rest != ';' && *rest != '#') {
		ini_text_fail(text, text->line,
			      "\"%.40s\" behind \"]\": a setting needs a line of its own", rest);
		return;
	}
	snprintf(header, sizeof(header), "%.*s", (int)(end - begin) - 1, begin + 1);
	text->opened = true;
	text->reader->section(text, header, text->arg);
}

/* inih's fgets(): hands out one line and counts. */
static char *next_line(char *buffer, int size, void *stream)
{
	struct ini_text *text = stream;
	size_t length = strcspn(text->at, "\n"), whole = length + (text->at[length] == '\n');

	if (!*text->at || text->failed)
		return NULL;
	text->line++;
	if (length > INI_TEXT_LINE_MAX || whole >= (size_t)size) {
		ini_text_fail(text, text->line, "line of %zu characters: at most %d are allowed",
			      length, INI_TEXT_LINE_MAX);
		return NULL;
	}
	memcpy(buffer, text->at, whole);
	buffer[whole] = '\0';
	text->at += whole;
	look_for_header(text, buffer);
	return text->failed ? NULL : buffer;
}

static int handle(void *user, const char *section, const char *name, const char *value)
{
	struct ini_text *text = user;

	(void)section; /* cut at 49 bytes */
	if (text->failed)
		return 0;
	if (!text->opened)
		ini_text_fail(text, text->line, "\"%.40s\" stands before the first section", name);
	else
		text->reader->setting(text, name, value, text->arg);
	return !text->failed;
}

int ini_text_read(struct ini_text *text)
{
	int r;

	if (!strncmp(text->at, BYTE_ORDER_MARK, strlen(BYTE_ORDER_MARK)))
		text->at += strlen(BYTE_ORDER_MARK);
	/* Of the library, for the whole process: every reader sets what it needs. */
	ini_max_line = INI_TEXT_LINE_MAX + 3;
	ini_allow_multiline = false;
	r = ini_parse_stream(next_line, text, handle, text);
	if (r > 0) /* only when nothing was said of it: fail() keeps the first complaint */
		ini_text_fail(text, (unsigned int)r, "neither [section] nor key = value");
	if (r >= 0)
		return text->failed ? -EINVAL : 0;
	ini_text_fail(text, text->line, "out of memory");
	return -ENOMEM;
}
