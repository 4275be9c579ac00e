/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef MPATHISCSI_TEST_CLI_FIXTURE_H
#define MPATHISCSI_TEST_CLI_FIXTURE_H

/*
 * The command itself, as its users run it, in a folder of the test's own: "FILE" stands for a
 * policies file there, and the daemon's socket is there, too. By default nobody listens at it.
 * cli_daemon_start() has a process listen with the daemon's own code, which answers a request
 * NAME with the text of the file NAME.json, and notes what it was asked in "asked".
 * Include behind <cmocka.h>.
 */

#include <ftw.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <json-c/json.h>

#include "daemon/cli.h"
#include "daemon/control.h"

#define CLI_WORDS_MAX 12
#define CLI_PATH_MAX  64

static char cli_folder[] = "/tmp/cli.XXXXXX";
static char cli_file[CLI_PATH_MAX], cli_socket[CLI_PATH_MAX];
static pid_t cli_daemon;

struct cli_answer {
	int status;
	char out[8192], err[8192];
};

static inline void cli_read_back(FILE *from, char *buffer, size_t size)
{
	rewind(from);
	buffer[fread(buffer, 1, size - 1, from)] = '\0';
	fclose(from);
}

/* Blanks part the words. */
static inline struct cli_answer cli_run(const char *line)
{
	FILE *out = tmpfile(), *err = tmpfile();
	char copy[512], *words[CLI_WORDS_MAX] = { 0 }, *next = copy;
	struct cli_answer answer = { .status = -1 };
	size_t n = 0;
	int status;
	pid_t pid;

	assert_true(out && err);
	snprintf(copy, sizeof(copy), "mpathiscsi --socket=%s %s", cli_socket, line);
	while ((words[n] = strsep(&next, " "))) {
		if (!strcmp(words[n], "FILE"))
			words[n] = cli_file;
		assert_true(++n < CLI_WORDS_MAX);
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
	cli_read_back(out, answer.out, sizeof(answer.out));
	cli_read_back(err, answer.err, sizeof(answer.err));
	return answer;
}

/* "" for 'err': nothing at all is said there. */
static inline void cli_expect(const char *line, int status, const char *out, const char *err)
{
	struct cli_answer answer = cli_run(line);

	if (answer.status != status || !strstr(answer.out, out) || !strstr(answer.err, err) ||
	    (!*err && *answer.err))
		fail_msg("%s: exit %d\n%s\n%s", line, answer.status, answer.out, answer.err);
}

/* Text on stderr and nothing else; with --json the same in an object. */
static inline void cli_refuses(const char *line, int status, const char *error,
			       const char *says)
{
	struct cli_answer answer = cli_run(line);
	struct json_object *object;
	char json[600];

	if (answer.status != status || *answer.out || !strstr(answer.err, says))
		fail_msg("%s: exit %d\n%s\n%s", line, answer.status, answer.out, answer.err);
	snprintf(json, sizeof(json), "--json %s", line);
	answer = cli_run(json);
	object = json_tokener_parse(strchr(answer.out, '{') ? strchr(answer.out, '{') : "");
	if (answer.status != status || !object || cli_flag(object, "ok") ||
	    strcmp(cli_text(object, "error"), error) || !strstr(cli_text(object, "message"), says))
		fail_msg("%s: exit %d\n%s\n%s", json, answer.status, answer.out, answer.err);
	json_object_put(object);
}

static inline void cli_write(const char *path, const void *bytes, size_t size)
{
	FILE *out = fopen(path, "we");

	assert_non_null(out);
	assert_int_equal(fwrite(bytes, 1, size, out), size);
	assert_int_equal(fclose(out), 0);
}

static inline void cli_write_file(const char *text)
{
	cli_write(cli_file, text, strlen(text));
}

/* --- the daemon's side --- */

static inline void cli_place(const char *name, const char *suffix, char *path)
{
	snprintf(path, CLI_PATH_MAX, "%s/%.30s%s", cli_folder, name, suffix);
}

/* What a request of this name gets from now on. Quotes may be single ones. */
static inline void cli_answers(const char *request, const char *json)
{
	struct json_object *object = json_tokener_parse(json);
	char path[CLI_PATH_MAX];

	if (!object)
		fail_msg("no JSON: %s", json);
	cli_place(request, ".json", path);
	assert_int_equal(json_object_to_file(path, object), 0);
	json_object_put(object);
}

static inline struct json_object *cli_answer_of(struct json_object *request, bool is_root,
						void *arg)
{
	const char *name = cli_text(request, "request");
	char path[CLI_PATH_MAX];
	FILE *asked;

	(void)is_root;
	(void)arg;
	cli_place("asked", "", path);
	asked = fopen(path, "ae");
	if (asked) {
		fprintf(asked, "%s\n", name);
		fclose(asked);
	}
	cli_place(name, ".json", path);
	return json_object_from_file(path);
}

/* The requests since the last call, a line each. */
static inline const char *cli_asked(void)
{
	static char text[1024];
	char path[CLI_PATH_MAX];
	FILE *asked;

	cli_place("asked", "", path);
	*text = '\0';
	asked = fopen(path, "re");
	if (asked)
		cli_read_back(asked, text, sizeof(text));
	unlink(path);
	return text;
}

static inline int cli_serve(void)
{
	struct control *control;
	sd_event *event;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (sd_event_new(&event) < 0 ||
	    control_new(event, cli_socket, cli_answer_of, NULL, &control) < 0)
		return 1;
	return sd_event_loop(event);
}

static inline void cli_daemon_start(void)
{
	struct json_object *request = json_object_new_object(), *reply = NULL;
	int r = -1;

	cli_daemon = fork();
	assert_true(cli_daemon >= 0);
	if (cli_daemon == 0)
		_exit(cli_serve());
	/* up when it answers; each try waits for the kernel, not for a clock */
	for (int i = 0; i < 20000 && r < 0; i++) {
		r = control_request(cli_socket, request, 1000, &reply);
		if (r < 0)
			usleep(1000);
	}
	assert_int_equal(r, 0);
	json_object_put(request);
	json_object_put(reply);
	cli_asked();
}

static inline void cli_daemon_stop(void)
{
	if (cli_daemon <= 0)
		return;
	kill(cli_daemon, SIGKILL);
	waitpid(cli_daemon, NULL, 0);
	cli_daemon = 0;
	unlink(cli_socket);
}

/* --- the folder --- */

static inline int cli_make_folder(void **state)
{
	(void)state;
	if (!mkdtemp(cli_folder))
		return -1;
	cli_place("policies.conf", "", cli_file);
	cli_place("control", "", cli_socket);
	return 0;
}

static inline int cli_remove_one(const char *path, const struct stat *st, int flag, struct FTW *ftw)
{
	(void)st;
	(void)flag;
	(void)ftw;
	return remove(path);
}

static inline int cli_remove_folder(void **state)
{
	(void)state;
	cli_daemon_stop();
	return nftw(cli_folder, cli_remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

#endif
