/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The command itself, without a daemon: what it prints, as text and as JSON, and its exit code. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <json-c/json.h>

#include "daemon/cli.h"

#define WORDS_MAX 12

static char folder[] = "/tmp/cli.XXXXXX";
static char file[64];

struct answer {
	int status;
	char out[8192], err[8192];
};

static void read_back(FILE *from, char *buffer, size_t size)
{
	rewind(from);
	buffer[fread(buffer, 1, size - 1, from)] = '\0';
	fclose(from);
}

/* Blanks part the words; "FILE" is the test's file. */
static struct answer run(const char *line)
{
	FILE *out = tmpfile(), *err = tmpfile();
	char copy[512], *words[WORDS_MAX] = {0}, *next = copy;
	struct answer answer = {.status = -1};
	size_t n = 0;
	int status;
	pid_t pid;

	assert_true(out && err);
	snprintf(copy, sizeof(copy), "mpathiscsi --socket=%s/none %s", folder, line);
	while ((words[n] = strsep(&next, " "))) {
		if (!strcmp(words[n], "FILE"))
			words[n] = file;
		assert_true(++n < WORDS_MAX);
	}
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0) {
		dup2(fileno(out), STDOUT_FILENO);
		dup2(fileno(err), STDERR_FILENO);
		execv(TEST_BUILD_DIR "/mpathiscsi", words);
		_exit(127);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	if (WIFEXITED(status))
		answer.status = WEXITSTATUS(status);
	read_back(out, answer.out, sizeof(answer.out));
	read_back(err, answer.err, sizeof(answer.err));
	return answer;
}

static void write_file(const char *text, size_t size)
{
	FILE *out = fopen(file, "w");

	assert_non_null(out);
	assert_int_equal(fwrite(text, 1, size, out), size);
	assert_int_equal(fclose(out), 0);
}

static void expect(const char *line, int status, const char *out, const char *err)
{
	struct answer answer = run(line);

	if (answer.status != status || !strstr(answer.out, out) || !strstr(answer.err, err) ||
	    (!*err && *answer.err))
		fail_msg("%s: exit %d\n%s\n%s", line, answer.status, answer.out, answer.err);
}

/* Text on stderr and nothing else; with --json the same in an object. */
static void expect_refusal(const char *line, int status, const char *error, const char *says)
{
	struct json_object *object;
	struct answer answer = run(line);
	char json[600];

	if (answer.status != status || *answer.out || !strstr(answer.err, says))
		fail_msg("%s: exit %d\n%s\n%s", line, answer.status, answer.out, answer.err);
	snprintf(json, sizeof(json), "--json %s", line);
	answer = run(json);
	object = json_tokener_parse(strchr(answer.out, '{') ? strchr(answer.out, '{') : "");
	if (answer.status != status || !object || cli_flag(object, "ok") ||
	    strcmp(cli_text(object, "error"), error) || !strstr(cli_text(object, "message"), says))
		fail_msg("%s: exit %d\n%s\n%s", json, answer.status, answer.out, answer.err);
	json_object_put(object);
}

static void helps(void **state)
{
	static const char *const verbs[] = {"list", "show", "set", "clear", "check"};
	char line[64];

	(void)state;
	for (size_t i = 0; i < sizeof(verbs) / sizeof(verbs[0]); i++) {
		snprintf(line, sizeof(line), "policy %s --help", verbs[i]);
		expect(line, EXIT_OK, "Usage: mpathiscsi policy", "");
	}
	expect("policy list", EXIT_OK, "weighted-path ", "");
	expect("policy list -h", EXIT_OK, "Usage: mpathiscsi policy list", "");
}

static void usage_errors(void **state)
{
	(void)state;
	expect_refusal("policy list all", EXIT_USAGE, "USAGE", "takes no argument \"all\"");
	expect_refusal("policy check", EXIT_USAGE, "USAGE", "needs FILE");
	expect_refusal("policy clear", EXIT_USAGE, "USAGE", "needs LUN");
	expect_refusal("policy make", EXIT_USAGE, "USAGE", "unknown verb");
	expect_refusal("policy show --primary", EXIT_USAGE, "USAGE", "--primary: no such option");
	expect_refusal("policy show --target", EXIT_USAGE, "USAGE", "--target needs a value");
	expect_refusal("explain --help=me", EXIT_USAGE, "USAGE", "--help takes no value");
	expect_refusal("--verbose status", EXIT_USAGE, "USAGE", "--verbose: no such option");
	expect_refusal("prefer", EXIT_USAGE, "USAGE", "unknown command");
	expect_refusal("policy clear mpatha", EXIT_NO_DAEMON, "NO_DAEMON", "not running");
	expect_refusal("policy set mpatha fastest", EXIT_REFUSED,
		       "ISDSC_INVALID_LOAD_BALANCE_POLICY", "\"fastest\" is no policy");
}

/* A port is not taken for a weight, nor a weight for a port. */
static void weights(void **state)
{
	(void)state;
	expect_refusal("policy set mpatha weighted-path --active portal=10.0.1.2:3260", EXIT_REFUSED,
		       "ISDSC_INVALID_PARAMETER",
		       "policy weighted-path has no active paths; give each path its weight: "
		       "--weight=portal=10.0.1.2:3260:WEIGHT");
	expect_refusal("policy set mpatha weighted-path -w portal=10.0.1.2:1 -a portal=10.0.2.2",
		       EXIT_REFUSED, "ISDSC_INVALID_PARAMETER", "--active=portal=10.0.2.2");
	expect_refusal("policy set mpatha failover-only --weight portal=10.0.1.2:1", EXIT_REFUSED,
		       "ISDSC_INVALID_PARAMETER", "takes no weights");
	/* as far as asking the daemon */
	expect_refusal("policy set mpatha weighted-path --weight portal=10.0.1.2:3260:1",
		       EXIT_NO_DAEMON, "NO_DAEMON", "not running");
}

static void files(void **state)
{
	static const char wide[] = "\xff\xfe[\0d\0e\0f\0a\0u\0l\0t\0]\0";
	static const char two[] = "[lun x]\npolicy = failover-only\nactive = iface=a\n"
				  "active = iface=b\n";
	static const char mark[] = "\xef\xbb\xbf[default]\npolicy = failover-only\n";

	(void)state;
	write_file("", 0);
	expect("policy check FILE", EXIT_OK, "0 sections, in order", "");
	write_file(mark, strlen(mark));
	expect("policy check FILE", EXIT_OK, "1 section, in order", "");
	expect("--json policy check FILE", EXIT_OK, "\"warnings\":", "");
	write_file(two, strlen(two));
	expect_refusal("policy check FILE", EXIT_REFUSED, "ISDSC_MULTIPLE_PRIMARY_PATHS_SPECIFIED",
		       "policies.conf:4: active = iface=b");
	expect_refusal("policy show --default -f x", EXIT_USAGE, "USAGE", "-f: no such option");
	expect_refusal("-f FILE policy show --default", EXIT_REFUSED, "ISDSC_MULTIPLE_PRIMARY_PATHS_SPECIFIED",
		       "policies.conf:4:");
	write_file(wide, sizeof(wide) - 1);
	expect_refusal("policy check FILE", EXIT_FAILED, "FAILED", "NUL bytes (is it in UTF-16?)");
	assert_int_equal(unlink(file), 0);
	expect_refusal("policy check FILE", EXIT_FAILED, "FAILED", "No such file");
	expect_refusal("-f FILE policy show --default", EXIT_REFUSED, "ISDSC_INVALID_PARAMETER",
		       "policies.conf: the file is missing");
}

static void error_objects(void **state)
{
	static const struct {
		int exit_code;
		const char *said, *error, *message;
	} cases[] = {
		{EXIT_REFUSED, "ISDSC_INVALID_PATH_ID: no such path", "ISDSC_INVALID_PATH_ID",
		 "no such path"},
		{EXIT_FAILED, "/etc/x: gone", "FAILED", "/etc/x: gone"},
		{EXIT_FAILED, "A: b", "FAILED", "A: b"},
		{EXIT_USAGE, "", "USAGE", "wrong arguments; see --help"},
		{EXIT_PENDING, "saved, but pending", "PENDING", "saved, but pending"},
		{EXIT_NOT_PERMITTED, "NOT_PERMITTED: run as root", "NOT_PERMITTED", "run as root"},
		{EXIT_FAILED, "FAILED", "FAILED", "FAILED"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct json_object *object = cli_error_object(cases[i].exit_code, cases[i].said);

		assert_false(cli_flag(object, "ok"));
		assert_string_equal(cli_text(object, "error"), cases[i].error);
		assert_string_equal(cli_text(object, "message"), cases[i].message);
		json_object_put(object);
	}
}

static int make_folder(void **state)
{
	(void)state;
	if (!mkdtemp(folder))
		return -1;
	snprintf(file, sizeof(file), "%s/policies.conf", folder);
	return 0;
}

static int remove_folder(void **state)
{
	(void)state;
	return rmdir(folder);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(helps),   cmocka_unit_test(usage_errors),
		cmocka_unit_test(weights), cmocka_unit_test(files),
		cmocka_unit_test(error_objects),
	};

	return cmocka_run_group_tests_name("cli_policy", tests, make_folder, remove_folder);
}
