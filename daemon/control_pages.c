/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A reply of many LUNs comes in several answers: asked for one after the other, and
 * joined. */
#include <errno.h>
#include <stdbool.h>
#include <string.h>

#include "common/clock.h"
#include "daemon/control.h"

#define NEXT "next"

static void join(struct json_object *whole, struct json_object *page)
{
	struct json_object *luns = json_object_object_get(whole, "luns");
	struct json_object *more = json_object_object_get(page, "luns"), *next = NULL;
	size_t n = json_object_is_type(more, json_type_array)
			   ? json_object_array_length(more)
			   : 0;

	for (size_t i = 0; i < n; i++)
		json_object_array_add(
			luns, json_object_get(json_object_array_get_idx(more, i)));
	json_object_object_del(whole, NEXT);
	if (n && json_object_object_get_ex(page, NEXT, &next))
		json_object_object_add(whole, NEXT, json_object_get(next));
}

/* Does an answer end the whole, or go on behind what was asked for? Else it would never
 * end. */
static bool goes_on(struct json_object *page, struct json_object *asked)
{
	struct json_object *next;

	return !json_object_object_get_ex(page, NEXT, &next) ||
	       (json_object_is_type(next, json_type_string) &&
		strcmp(json_object_get_string(next), json_object_get_string(asked)) > 0);
}

/* One more answer. 0; what the daemon refuses is the whole's end. */
static int ask_on(const char *path, struct json_object *request, struct json_object *next,
		  uint64_t deadline_ns, struct json_object *whole)
{
	uint64_t now_ns = clock_now_ns();
	unsigned int left_ms =
		now_ns < deadline_ns ? (unsigned int)((deadline_ns - now_ns) / NS_PER_MS)
				     : 0;
	struct json_object *page = NULL;
	int r;

	json_object_object_add(request, "after", json_object_get(next));
	r = control_request(path, request, left_ms, &page);
	if (r == 0 && !goes_on(page, next))
		r = -EPROTO;
	if (r == 0)
		join(whole, page);
	json_object_put(page);
	return r;
}

int control_request_all(const char *path, struct json_object *request,
			unsigned int timeout_ms, struct json_object **ret_reply)
{
	uint64_t deadline_ns = clock_now_ns() + timeout_ms * NS_PER_MS;
	struct json_object *whole = NULL, *next;
	int r = control_request(path, request, timeout_ms, &whole);

	while (r == 0 && json_object_object_get_ex(whole, NEXT, &next) &&
	       json_object_is_type(next, json_type_string) &&
	       json_object_is_type(json_object_object_get(whole, "luns"),
				   json_type_array))
		r = ask_on(path, request, next, deadline_ns, whole);
	if (r == 0)
		*ret_reply = whole;
	else
		json_object_put(whole);
	return r;
}
