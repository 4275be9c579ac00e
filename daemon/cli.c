/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "daemon/cli.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "daemon/control.h"

#define REQUEST_TIMEOUT_MS 10000

void cli_error(const char *format, ...)
{
	va_list args;

	fflush(stdout);
	fputs("mpathiscsi: ", stderr);
	va_start(args, format);
	vfprintf(stderr, format, args);
	va_end(args);
	fputc('\n', stderr);
}

static int no_daemon(const struct cli *cli, int error)
{
	switch (error) {
	case -ENOENT:
	case -ECONNREFUSED:
		cli_error("mpathiscsid is not running (no daemon at %s)\n"
			  "start it: systemctl start mpathiscsid",
			  cli->control_path);
		return EXIT_NO_DAEMON;
	case -EACCES:
		cli_error("NOT_PERMITTED: mpathiscsid may not be asked: run as root, or as a "
			  "member of the group in mpathiscsid.conf");
		return EXIT_NOT_PERMITTED;
	case -ETIMEDOUT:
		cli_error("mpathiscsid did not answer within %d s", REQUEST_TIMEOUT_MS / 1000);
		return EXIT_NO_DAEMON;
	default:
		cli_error("asking mpathiscsid failed: %s", strerror(-error));
		return EXIT_NO_DAEMON;
	}
}

static int refused(struct json_object *reply)
{
	const char *error = cli_text(reply, "error");

	cli_error("%s: %s", error, cli_text(reply, "message"));
	return !strcmp(error, "NOT_PERMITTED") ? EXIT_NOT_PERMITTED : EXIT_REFUSED;
}

int cli_request(const struct cli *cli, const char *request, struct json_object *fields,
		struct json_object **ret_reply)
{
	struct json_object *object = fields ? fields : json_object_new_object(), *reply = NULL;
	int r;

	json_object_object_add(object, "request", json_object_new_string(request));
	r = control_request_all(cli->control_path, object, REQUEST_TIMEOUT_MS, &reply);
	json_object_put(object);
	if (r < 0)
		return no_daemon(cli, r);
	if (!cli_flag(reply, "ok")) {
		if (cli->json)
			cli_print_json(reply);
		r = refused(reply);
		json_object_put(reply);
		return r;
	}
	*ret_reply = reply;
	return EXIT_OK;
}

void cli_print_json(struct json_object *object)
{
	puts(json_object_to_json_string_ext(object, JSON_C_TO_STRING_PRETTY |
							    JSON_C_TO_STRING_SPACED |
							    JSON_C_TO_STRING_NOSLASHESCAPE));
}

const char *cli_text(struct json_object *object, const char *key)
{
	struct json_object *value = json_object_object_get(object, key);
	const char *text = value ? json_object_get_string(value) : NULL;

	return text ? text : "";
}

int64_t cli_number(struct json_object *object, const char *key)
{
	return json_object_get_int64(json_object_object_get(object, key));
}

bool cli_flag(struct json_object *object, const char *key)
{
	return json_object_get_boolean(json_object_object_get(object, key));
}

size_t cli_length(struct json_object *array)
{
	return json_object_is_type(array, json_type_array) ? json_object_array_length(array) : 0;
}
