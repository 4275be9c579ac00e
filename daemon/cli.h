/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef MPATHISCSI_CLI_H
#define MPATHISCSI_CLI_H

/* What the commands of mpathiscsi share. */

#include <stdbool.h>
#include <stddef.h>

#include <json-c/json.h>

/* Exit codes; mpathiscsi(8) lists them. */
enum cli_exit {
	EXIT_OK = 0,
	EXIT_FAILED = 1,      /* could not be done; stderr says why */
	EXIT_USAGE = 2,	      /* wrong arguments */
	EXIT_NO_DAEMON = 3,   /* mpathiscsid does not answer */
	EXIT_REFUSED = 4,     /* bad setting or file; nothing was changed */
	EXIT_PENDING = 5,     /* saved, but not yet in force when the time was up */
	EXIT_NOT_PERMITTED = 6,
};

struct cli {
	const char *control_path;
	const char *store_path;
	bool json;
};

struct cli_command {
	const char *name;
	int (*run)(struct cli *cli, int argc, char **argv); /* argv[0] is the command's name */
	const char *arguments;
	const char *summary; /* NULL: not in the help */
};

/* Send a request named 'request' (more fields in 'fields', consumed; may be NULL). 0 and
 * *ret_reply with "ok": true, else an exit code and everything said on stderr. */
int cli_request(const struct cli *cli, const char *request, struct json_object *fields,
		struct json_object **ret_reply);

/* Print an object for --json. */
void cli_print_json(struct json_object *object);

/*
 * The end of a command. With --json there is an answer in any case: where it failed and none was
 * printed yet, one as the daemon's refusals are, of what cli_error() said last. Returns 'exit_code'.
 */
int cli_end(const struct cli *cli, int exit_code);

/* That answer: {"ok": false, "error": NAME, "message": …}. NAME leads the message ("NAME: …"), or
 * goes by the exit code. New object. */
struct json_object *cli_error_object(int exit_code, const char *said);

/* Strings of an object without fear: "" or 0 when absent. */
const char *cli_text(struct json_object *object, const char *key);

/* What to say of the policy of a LUN (of a daemon's reply) for which none is set. */
const char *cli_no_policy(struct json_object *lun);
int64_t cli_number(struct json_object *object, const char *key);
bool cli_flag(struct json_object *object, const char *key);

/* Elements of an array; 0 for anything else. */
size_t cli_length(struct json_object *array);

/* "mpathiscsi: …" on stderr. */
void cli_error(const char *format, ...) __attribute__((format(printf, 1, 2)));

int cli_status(struct cli *cli, int argc, char **argv);
int cli_policy(struct cli *cli, int argc, char **argv);
int cli_explain(struct cli *cli, int argc, char **argv);
int cli_whatif(struct cli *cli, int argc, char **argv);
int cli_complete(struct cli *cli, int argc, char **argv);
int cli_reload(struct cli *cli, int argc, char **argv);
int cli_enable(struct cli *cli, int argc, char **argv);
int cli_disable(struct cli *cli, int argc, char **argv);
int cli_fail(struct cli *cli, int argc, char **argv);
int cli_reinstate(struct cli *cli, int argc, char **argv);
int cli_forgive(struct cli *cli, int argc, char **argv);
int cli_off(struct cli *cli, int argc, char **argv);
int cli_on(struct cli *cli, int argc, char **argv);

#endif
