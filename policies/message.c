/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "policies/message.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "policies/policy.h"

void policy_say(char *message, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vsnprintf(message, POLICY_MESSAGE_MAX, format, args);
	va_end(args);
}

const char *policy_quote(const char *word, size_t length, char *buffer)
{
	size_t room = QUOTED_MAX - sizeof("...");
	size_t n = length <= room ? length : room;

	for (size_t i = 0; i < n; i++)
		buffer[i] = word[i] >= ' ' && word[i] <= '~' ? word[i] : '?';
	memcpy(buffer + n, length <= room ? "" : "...", length <= room ? 1 : sizeof("..."));
	return buffer;
}

void policy_add(struct policy_text *text, const char *format, ...)
{
	size_t room = text->length < text->size ? text->size - text->length : 0;
	va_list args;
	int n;

	va_start(args, format);
	n = vsnprintf(room ? text->buffer + text->length : NULL, room, format, args);
	va_end(args);
	if (n > 0)
		text->length += (size_t)n;
}
