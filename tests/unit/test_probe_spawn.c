/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The child's process from fork to its end, with programs that do not start and processes that do
 * not die: the daemon waits for neither. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdbool.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pwd.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>
#include <systemd/sd-event.h>

#include "common/clock.h"
#include "daemon/probe.h"
#include "daemon/probe_spawn.h"
#include "daemon/probe_stderr.h"
#include "tests/unit/descriptors.h"

#define HANGS	 "/a/program/on/a/dead/disk"
#define SHORTAGE "/a/program/without/memory"
#define SOON_NS	 (NS_PER_S / 2)

static const struct probe_user ourselves = {.change = false};
static unsigned int closed_twice;
static bool deathless; /* nobody dies of a kill, as when the kernel waits in a process */

/* Before the C library's. */
int close(int fd)
{
	int r = (int)syscall(SYS_close, fd);

	closed_twice += r && errno == EBADF;
	return r;
}

int kill(pid_t pid, int number)
{
	return deathless ? 0 : (int)syscall(SYS_kill, pid, number);
}

int execve(const char *path, char *const *arguments, char *const *environment)
{
	while (!strcmp(path, HANGS))
		pause();
	if (strcmp(path, SHORTAGE))
		return (int)syscall(SYS_execve, path, arguments, environment);
	errno = ENOMEM;
	return -1;
}

static const char *users; /* there are these; NULL: we are not root, and remain who we are */

struct passwd *getpwnam(const char *name)
{
	static char text[] = "";
	static struct passwd entry = {.pw_name = text, .pw_uid = 4711, .pw_gid = 4712};

	return strstr(users, name) ? &entry : NULL;
}

uid_t geteuid(void)
{
	return users ? 0 : 4713;
}

/* Until it has ended; how, in 'text'. */
static void reap(struct probe_process *process, char *text, size_t size)
{
	uint64_t end_ns = clock_now_ns() + 10 * NS_PER_S;

	while (!probe_process_ended(process) && clock_now_ns() < end_ns)
		usleep(1000);
	assert_true(probe_process_ended(process));
	probe_process_reap(process, text, size);
	assert_int_equal(process->pid, 0);
}

static void cannot(const char *path, const char *why)
{
	unsigned int before = open_descriptors();
	struct probe_process process;
	char text[PROBE_TEXT_MAX];

	closed_twice = 0;
	assert_int_equal(probe_spawn(path, &ourselves, &process), 0);
	reap(&process, text, sizeof(text));
	assert_string_equal(text, why);
	assert_int_equal(closed_twice, 0);
	assert_int_equal(open_descriptors(), before);
}

/* Of each reason that fork has too: nothing is closed twice, where a thread may have it by then. */
static void not_started(void **state)
{
	(void)state;
	cannot("/nonexistent", "cannot start it: No such file or directory");
	cannot(SHORTAGE, "cannot start it: Cannot allocate memory");
}

static void runs_and_ends(void **state)
{
	unsigned int before = open_descriptors();
	struct probe_process process;
	char text[PROBE_TEXT_MAX];

	(void)state;
	assert_int_equal(probe_spawn("/bin/false", &ourselves, &process), 0);
	reap(&process, text, sizeof(text));
	assert_string_equal(text, "exited with status 1");
	assert_int_equal(open_descriptors(), before);
}

static void hangs_in_exec(void **state)
{
	uint64_t begin_ns = clock_now_ns();
	unsigned int before = open_descriptors();
	struct probe_process process;
	char text[PROBE_TEXT_MAX];

	(void)state;
	assert_int_equal(probe_spawn(HANGS, &ourselves, &process), 0);
	usleep(50000);
	assert_false(probe_process_started(&process));
	assert_false(probe_process_ended(&process));
	deathless = true;
	probe_process_kill(&process);
	assert_false(probe_process_ended(&process));
	assert_true(clock_now_ns() - begin_ns < SOON_NS);
	deathless = false;
	probe_process_kill(&process);
	reap(&process, text, sizeof(text));
	assert_string_equal(text, "killed by signal 9");
	assert_int_equal(open_descriptors(), before);
}

static void finish_gives_up(void **state)
{
	uint64_t begin_ns = clock_now_ns();
	unsigned int before = open_descriptors();
	struct probe_process process;
	char text[PROBE_TEXT_MAX];
	pid_t pid;

	(void)state;
	assert_int_equal(probe_spawn(HANGS, &ourselves, &process), 0);
	pid = process.pid;
	deathless = true;
	probe_process_finish(&process, 100);
	assert_false(probe_process_ended(&process));
	probe_process_reap(&process, text, sizeof(text));
	deathless = false;
	assert_true(clock_now_ns() - begin_ns < PROBE_KILL_MS * NS_PER_MS + SOON_NS);
	assert_int_equal(process.pid, 0);
	assert_int_equal(open_descriptors(), before);
	assert_int_equal(kill(pid, SIGKILL), 0);
}

/* Turns of the engine's loop for 'ms'; how long the longest took. */
static uint64_t turn(sd_event *event, uint64_t ms)
{
	uint64_t end_ns = clock_now_ns() + ms * NS_PER_MS, longest_ns = 0;

	while (clock_now_ns() < end_ns) {
		uint64_t begin_ns = clock_now_ns(), took_ns;

		assert_true(sd_event_run(event, 10000) >= 0);
		took_ns = clock_now_ns() - begin_ns;
		longest_ns = took_ns > longest_ns ? took_ns : longest_ns;
	}
	return longest_ns;
}

static struct probe_engine_status status_of(const struct probe_engine *engine)
{
	struct probe_engine_status status;

	probe_engine_status(engine, &status);
	return status;
}

/* An engine with a target, of which 'path' is the child. */
static struct probe_engine *engine_of(const char *path, sd_event *event)
{
	struct probe_target target = {
		.name = {.target = "iqn.2026-01.example:a", .iface = "default"},
		.initiator = "iqn.2026-01.example:b"};
	struct probe_engine *engine;
	struct probe_config config;

	portal_parse("192.0.2.1", ISCSI_DEFAULT_PORT, &target.name.portal);
	probe_config_default(&config);
	config.child_path = path;
	assert_int_equal(probe_engine_new(event, &config, NULL, NULL, &engine), 0);
	assert_int_equal(probe_engine_set(engine, &target, 1), 0);
	return engine;
}

/* The engine goes on while its child can neither start nor die, and starts no second one. */
static void engine_waits_for_none(void **state)
{
	struct probe_engine *engine;
	sd_event *event;
	pid_t pid;

	(void)state;
	assert_true(sd_event_new(&event) >= 0);
	deathless = true;
	engine = engine_of(HANGS, event);
	assert_true(turn(event, 4000) < SOON_NS);
	pid = status_of(engine).pid;
	assert_int_not_equal(pid, 0);
	assert_true(turn(event, 3000) < SOON_NS);
	assert_int_equal(status_of(engine).pid, 0);
	assert_string_equal(status_of(engine).last_failure, "killed: it did not start");
	assert_int_equal(status_of(engine).starts, 1);
	/* the disk is back, and the kill that was sent takes effect */
	deathless = false;
	assert_int_equal(kill(pid, SIGKILL), 0);
	assert_true(turn(event, 1500) < SOON_NS);
	assert_int_equal(status_of(engine).starts, 2);
	probe_engine_free(engine);
	sd_event_unref(event);
}

/* As a child whom its target has taken over. */
static _Noreturn void evil_child(void)
{
	fcntl(2, F_SETFL, O_NONBLOCK | O_APPEND);
	dprintf(2, "<0>the machine is on fire\n\x1b[2Jyes\n");
	for (int i = 0; i < 100000; i++)
		dprintf(2, "<0>and more, line %d\n", i);
	shutdown(2, SHUT_RDWR);
	_exit(3);
}

/* What was logged to 'fd' by now. */
static void logged(int fd, char *text, size_t size)
{
	ssize_t n = recv(fd, text, size - 1, MSG_DONTWAIT);

	text[n > 0 ? n : 0] = 0;
}

/* Ours, in the shape of the journal's: a socket, which whoever has it can shut down. */
static void stderr_is_ours(void **state)
{
	int stderr_fd = dup(2), sockets[2], flags;
	struct pollfd words = {.events = POLLIN};
	struct probe_process process;
	char bytes[256], text[PROBE_TEXT_MAX];

	(void)state;
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, sockets), 0);
	assert_int_equal(dup2(sockets[0], 2), 2);
	flags = fcntl(2, F_GETFL);
	assert_int_equal(probe_spawn("/proc/self/exe", &ourselves, &process), 0);
	words.fd = process.words;
	assert_int_equal(poll(&words, 1, 10000), 1);
	memset(bytes, 0, sizeof(bytes));
	assert_true(read(process.words, bytes, sizeof(bytes) - 1) > 0);
	reap(&process, text, sizeof(text));
	assert_string_equal(text, "exited with status 3"); /* and it was not kept by a full pipe */
	assert_int_equal(fcntl(2, F_GETFL), flags);
	assert_int_equal(write(2, "ours\n", 5), 5);
	dup2(stderr_fd, 2);
	close(stderr_fd);
	close(sockets[0]);
	assert_memory_equal(bytes, "<0>the machine is on fire\n", 26);
	logged(sockets[1], bytes, sizeof(bytes));
	assert_string_equal(bytes, "ours\n");
	close(sockets[1]);
}

/* Into 'log': what the engine makes of such children, one after the other. */
static void log_of_evil(int log)
{
	struct probe_engine *engine;
	int stderr_fd = dup(2);
	sd_event *event;

	assert_true(sd_event_new(&event) >= 0);
	assert_int_equal(dup2(log, 2), 2);
	setenv("JOURNAL_STREAM", "1:1", true);
	engine = engine_of("/proc/self/exe", event);
	for (int i = 0; i < 20 && !lseek(log, 0, SEEK_END); i++)
		turn(event, 500);
	turn(event, 500);
	probe_engine_free(engine);
	unsetenv("JOURNAL_STREAM");
	dup2(stderr_fd, 2);
	close(stderr_fd);
	sd_event_unref(event);
}

/* The journal takes "<0>" at the beginning of a line for a priority. */
static void engine_neutralises(void **state)
{
	int log = memfd_create("log", 0);
	unsigned int lines = 0;
	char text[65536];
	ssize_t n;

	(void)state;
	assert_true(log >= 0);
	log_of_evil(log);
	n = pread(log, text, sizeof(text) - 1, 0);
	close(log);
	assert_true(n > 0);
	text[n] = 0;
	assert_non_null(strstr(text, "<4>probe: <0>the machine is on fire\n"));
	assert_non_null(strstr(text, "<4>probe: ?[2Jyes\n"));
	for (char *line = text, *end; (end = strchr(line, '\n')); line = end + 1, lines++)
		assert_memory_equal(line, "<4>probe: ", 10);
	assert_in_range(lines, 2, PROBE_STDERR_BURST);
}

/* The lines that an engine logs when it is made where there are these users. */
static unsigned int warnings(const char *there_are, const char *wanted)
{
	int log = memfd_create("log", 0), stderr_fd = dup(2);
	struct probe_engine *engine = NULL;
	struct probe_config config;
	unsigned int lines = 0;
	char text[1024] = "";
	sd_event *event;

	users = there_are;
	probe_config_default(&config);
	assert_true(sd_event_new(&event) >= 0);
	assert_int_equal(dup2(log, 2), 2);
	assert_int_equal(probe_engine_new(event, &config, NULL, NULL, &engine), 0);
	dup2(stderr_fd, 2);
	close(stderr_fd);
	assert_true(pread(log, text, sizeof(text) - 1, 0) >= 0);
	close(log);
	probe_engine_free(engine);
	sd_event_unref(event);
	for (const char *p = text; (p = strchr(p, '\n')); p++)
		lines++;
	assert_non_null(strstr(text, wanted));
	return lines;
}

static void user_is_its_own(void **state)
{
	struct probe_user user;

	(void)state;
	users = "_mpathiscsi nobody";
	assert_int_equal(probe_user_find(NULL, &user), 0);
	assert_true(user.change && !user.shared && user.uid == 4711 && user.gid == 4712);
	users = "nobody";
	assert_int_equal(probe_user_find(NULL, &user), 0);
	assert_true(user.change && user.shared);
	assert_int_equal(probe_user_find("somebody", &user), -ENOENT);
	users = "";
	assert_int_equal(probe_user_find(NULL, &user), -ENOENT);
	assert_int_equal(warnings("_mpathiscsi nobody", ""), 0);
	assert_int_equal(warnings("nobody", "run systemd-sysusers"), 1);
	users = NULL;
	assert_int_equal(probe_user_find(NULL, &user), 0);
	assert_false(user.change);
}

static int tests_run(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(not_started),	   cmocka_unit_test(runs_and_ends),
		cmocka_unit_test(hangs_in_exec),   cmocka_unit_test(finish_gives_up),
		cmocka_unit_test(engine_waits_for_none), cmocka_unit_test(stderr_is_ours),
		cmocka_unit_test(engine_neutralises),	 cmocka_unit_test(user_is_its_own),
	};

	return cmocka_run_group_tests_name("probe_spawn", tests, NULL, NULL);
}

int main(int argc, char **argv)
{
	(void)argc;
	if (!strcmp(argv[0], "mpathiscsi-probe"))
		evil_child();
	return tests_run();
}
