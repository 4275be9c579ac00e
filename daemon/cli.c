/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "daemon/cli.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "daemon/control.h"

#define REQUEST_TIMEOUT_MS 10000

/* For the end of the command: what was said last, and whether JSON was printed. */
static char last_error[2048];
static bool answered;

void cli_error(const char *format, ...)
{
	va_list args;

	fflush(stdout);
	va_start(args, format);
	vsnprintf(last_error, sizeof(last_error), format, args);
	va_end(args);
	fprintf(stderr, "mpathiscsi: %s\n", last_error);
}

/* Length of the name that leads a message: "ISDSC_INVALID_PATH_ID: …"; 0: none does. */
static size_t name_length(const char *said)
{
	size_t n = strspn(said, "ABCDEFGHIJKLMNOPQRSTUVWXYZ_");

	return n > 1 && !strncmp(said + n, ": ", 2) ? n : 0;
}

static const char *name_of_exit(int exit_code)
{
	switch (exit_code) {
	case EXIT_USAGE:
		return "USAGE";
	case EXIT_NO_DAEMON:
		return "NO_DAEMON";
	case EXIT_PENDING:
		return "PENDING";
	case EXIT_NOT_PERMITTED:
		return "NOT_PERMITTED";
	default:
		return "FAILED";
	}
}

struct json_object *cli_error_object(int exit_code, const char *said)
{
	struct json_object *object = json_object_new_object();
	size_t n = name_length(said);

	if (!*said) /* getopt has spoken itself */
		said = "wrong arguments; see --help";
	json_object_object_add(object, "ok", json_object_new_boolean(false));
	json_object_object_add(object, "error",
			       n ? json_object_new_string_len(said, (int)n)
				 : json_object_new_string(name_of_exit(exit_code)));
	json_object_object_add(object, "message", json_object_new_string(n ? said + n + 2 : said));
	return object;
}

int cli_end(const struct cli *cli, int exit_code)
{
	struct json_object *object;

	if (!cli->json || exit_code == EXIT_OK || answered)
		return exit_code;
	control_make_utf8(last_error, strlen(last_error)); /* words of the command line */
	object = cli_error_object(exit_code, last_error);
	cli_print_json(object);
	json_object_put(object);
	return exit_code;
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
	case -ECONNRESET:
		cli_error("mpathiscsid closed the connection before it had answered: it was too "
			  "busy to do so within 5 s, or it was ended\n"
			  "ask again; if it stays so: systemctl status mpathiscsid, "
			  "journalctl -u mpathiscsid");
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
		if (cli->json && !answered)
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
	answered = true;
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
