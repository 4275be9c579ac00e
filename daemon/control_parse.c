/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Bodies of messages on the control socket: as objects, and fit to be sent. */
#include "daemon/control.h"

#include <limits.h>
#include <string.h>

#define REQUEST_DEPTH 8
#define REPLY_DEPTH   32

/* Blanks may follow, nothing else: a NUL would hide the rest from the library. */
static bool only_blanks(const char *text, size_t length)
{
	for (size_t i = 0; i < length; i++)
		if (!text[i] || !strchr(" \t\r\n", text[i]))
			return false;
	return true;
}

static struct json_object *parse(const char *text, size_t length, int depth, int flags)
{
	struct json_tokener *tokener = length <= INT_MAX ? json_tokener_new_ex(depth) : NULL;
	struct json_object *object;
	size_t end;

	if (!tokener)
		return NULL;
	json_tokener_set_flags(tokener, flags);
	object = json_tokener_parse_ex(tokener, text, (int)length);
	end = json_tokener_get_parse_end(tokener);
	if (json_tokener_get_error(tokener) != json_tokener_success ||
	    !json_object_is_type(object, json_type_object) ||
	    !only_blanks(text + end, length - end)) {
		json_object_put(object);
		object = NULL;
	}
	json_tokener_free(tokener);
	return object;
}

/* Bytes of the UTF-8 character (RFC 3629) at 'at', of which 'left' are there; 0: it is none. */
static size_t character(const unsigned char *at, size_t left)
{
	size_t n = *at < 0x80 ? 1 : *at < 0xc2 ? 0 : *at < 0xe0 ? 2 : *at < 0xf0 ? 3 : *at < 0xf5 ? 4 : 0;

	if (n > left)
		return 0;
	for (size_t i = 1; i < n; i++)
		if ((at[i] & 0xc0) != 0x80)
			return 0;
	/* Written longer than need be, a surrogate, or beyond the last one. */
	if ((*at == 0xe0 && at[1] < 0xa0) || (*at == 0xed && at[1] >= 0xa0) ||
	    (*at == 0xf0 && at[1] < 0x90) || (*at == 0xf4 && at[1] >= 0x90))
		return 0;
	return n;
}

void control_make_utf8(void *text, size_t length)
{
	unsigned char *at = text;

	while (length > 0) {
		size_t n = character(at, length);

		if (n == 0) {
			*at = '?';
			n = 1;
		}
		at += n;
		length -= n;
	}
}

struct json_object *control_parse_request(const char *text, size_t length)
{
	return parse(text, length, REQUEST_DEPTH,
		     JSON_TOKENER_STRICT | JSON_TOKENER_VALIDATE_UTF8);
}

struct json_object *control_parse_reply(const char *text, size_t length)
{
	return parse(text, length, REPLY_DEPTH, JSON_TOKENER_STRICT);
}
