/* SPDX-License-Identifier: GPL-2.0-or-later */
/* `mpathiscsi reload` between a daemon, a multipathd of our own and the fragment of its
 * configuration, in an /etc of the test's own. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/utsname.h>

#include "daemon/enable.h"
#include "daemon/fragment.h"
#include "daemon/multipathd_wire.h"
#include "daemon/selector_module.h"
#include "policies/policy.h"
#include "tests/unit/cli_fixture.h"

#define A "36000a"
#define B "36000b"
#define FRAGMENT ENABLE_CONF_DIR "/" FRAGMENT_NAME
#define IN_FORCE "{'ok': true, 'luns': [" LUN_A("'selector_in_force': true") "]}"
#define OTHER	 "{'ok': true, 'luns': [" LUN_A("'selector_in_force': false") "]}"
#define LUN_A(more) \
	"{'wwid': '" A "', 'policy': 'round-robin', 'policy_name': 'round-robin', " more "}"

/* --- multipathd --- */

static struct {
	pthread_t thread;
	int listener, stop[2];
	_Atomic unsigned int reconfigured;
	const char *then; /* what the daemon sees of the LUNs once it has; NULL: what it saw */
} multipathd;

static void serve(int fd)
{
	char request[MULTIPATHD_REQUEST_MAX];
	const char *reply = "fail\n";
	size_t size;

	if (recv(fd, &size, sizeof(size), MSG_WAITALL) != sizeof(size) || size > sizeof(request) ||
	    recv(fd, request, size, MSG_WAITALL) != (ssize_t)size)
		return;
	if (!strcmp(request, "show daemon")) {
		reply = "pid 7 idle\n";
	} else if (!strcmp(request, "reconfigure")) {
		reply = "ok\n";
		multipathd.reconfigured++;
		if (multipathd.then)
			cli_answers("status", multipathd.then);
	}
	size = strlen(reply) + 1;
	if (send(fd, &size, sizeof(size), MSG_NOSIGNAL) == sizeof(size))
		(void)!send(fd, reply, size, MSG_NOSIGNAL);
}

static void *listen_on(void *arg)
{
	(void)arg;
	for (;;) {
		struct pollfd fds[2] = { { .fd = multipathd.listener, .events = POLLIN },
					 { .fd = multipathd.stop[0], .events = POLLIN } };
		int fd;

		if (poll(fds, 2, -1) < 0 || fds[1].revents)
			return NULL;
		fd = accept(multipathd.listener, NULL, NULL);
		if (fd < 0)
			return NULL;
		serve(fd);
		close(fd);
	}
}

static void multipathd_start(void)
{
	struct sockaddr_un address;
	socklen_t size;

	assert_int_equal(multipathd_address(getenv(MULTIPATHD_ENVIRONMENT), &address, &size), 0);
	multipathd.listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	assert_true(multipathd.listener >= 0);
	assert_int_equal(bind(multipathd.listener, (struct sockaddr *)&address, size), 0);
	assert_int_equal(listen(multipathd.listener, 8), 0);
	assert_int_equal(pipe2(multipathd.stop, O_CLOEXEC), 0);
	assert_int_equal(pthread_create(&multipathd.thread, NULL, listen_on, NULL), 0);
}

static void multipathd_stop(void)
{
	if (multipathd.listener < 0)
		return;
	close(multipathd.stop[1]);
	pthread_join(multipathd.thread, NULL);
	close(multipathd.stop[0]);
	close(multipathd.listener);
	multipathd.listener = -1;
}

/* --- a host --- */

static bool own_etc;

static int set_up_all(void **state)
{
	static char name[64];

	if (cli_make_folder(state))
		return -1;
	snprintf(name, sizeof(name), "@mpathiscsi-reload-%d", (int)getpid());
	setenv(MULTIPATHD_ENVIRONMENT, name, 1);
	own_etc = unshare(CLONE_NEWNS) == 0 &&
		  mount("none", "/", "none", MS_REC | MS_PRIVATE, "") == 0 &&
		  mount("none", SYSCONFDIR, "tmpfs", 0, "mode=755") == 0;
	if (!own_etc)
		print_message("no " SYSCONFDIR " of our own: %s\n", strerror(errno));
	return 0;
}

/* A daemon that is content, a multipathd that reconfigures, and no fragment. */
static int set_up(void **state)
{
	(void)state;
	cli_daemon_start();
	cli_answers("reload", "{'ok': true, 'unfit': ''}");
	cli_answers("reload-settings", "{'ok': true}");
	cli_answers("status", IN_FORCE);
	multipathd.reconfigured = 0;
	multipathd.then = NULL;
	multipathd_start();
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	multipathd_stop();
	cli_daemon_stop();
	if (own_etc)
		unlink(FRAGMENT);
	return 0;
}

/* `mpathiscsi enable` has been there, when the LUN had this policy. */
static void enabled(const char *policy, const char *selector)
{
	struct fragment f = { .n_luns = 0 };
	struct fragment_lun *lun;
	char *text;

	if (!own_etc)
		skip();
	lun = fragment_add_lun(&f);
	assert_non_null(lun);
	snprintf(lun->wwid, sizeof(lun->wwid), A);
	snprintf(lun->prio_args, sizeof(lun->prio_args), "%s", policy);
	snprintf(lun->selector, sizeof(lun->selector), "%s", selector);
	assert_int_equal(fragment_print(&f, &text), 0);
	mkdir(SYSCONFDIR "/multipath", 0755);
	mkdir(ENABLE_CONF_DIR, 0755);
	cli_write(FRAGMENT, text, strlen(text));
	free(text);
	fragment_free(&f);
}

static bool fragment_has(const char *words)
{
	char text[4096];
	FILE *file = fopen(FRAGMENT, "re");

	assert_non_null(file);
	cli_read_back(file, text, sizeof(text));
	return strstr(text, words) != NULL;
}

/* --- tests --- */

static void words(void **state)
{
	(void)state;
	cli_expect("reload --help", EXIT_OK, "Usage: mpathiscsi reload", "");
	cli_refuses("reload all", EXIT_USAGE, "USAGE", "takes no argument \"all\"");
	cli_refuses("reload --fast", EXIT_USAGE, "USAGE", "--fast: no such option");
	assert_string_equal(cli_asked(), "");
	cli_daemon_stop();
	cli_refuses("reload", EXIT_NO_DAEMON, "NO_DAEMON", "not running");
}

/* Both files are read, and nothing else is to be done. */
static void nothing_to_follow(void **state)
{
	(void)state;
	cli_expect("-f FILE reload", EXIT_OK, "", "");
	assert_string_equal(cli_asked(), "reload\nstatus\nreload-settings\n");
	cli_expect("-f FILE reload --json", EXIT_OK, "\"ok\": true", "");
	/* not enabled: what multipathd has is not ours to change */
	cli_answers("status", OTHER);
	cli_expect("-f FILE reload", EXIT_OK, "", "");
	assert_int_equal(multipathd.reconfigured, 0);
}

/* One file is broken: the other one is read all the same. */
static void refused(void **state)
{
	(void)state;
	cli_answers("reload", "{'ok': false, 'error': 'ISDSC_INVALID_PARAMETER', 'message': 'x:1'}");
	cli_refuses("-f FILE reload", EXIT_REFUSED, "ISDSC_INVALID_PARAMETER", "x:1");
	cli_asked();
	cli_run("-f FILE reload");
	assert_string_equal(cli_asked(), "reload\nreload-settings\n");
	cli_answers("reload", "{'ok': true}");
	cli_answers("reload-settings", "{'ok': false, 'error': 'FAILED', 'message': 'y:2'}");
	cli_refuses("-f FILE reload", EXIT_REFUSED, "FAILED", "y:2");
	cli_answers("reload-settings", "{'ok': true}");
	cli_answers("status", "{'ok': false, 'error': 'BUSY', 'message': 'later'}");
	cli_refuses("-f FILE reload", EXIT_REFUSED, "BUSY", "later");
	/* who may not, is not told twice */
	cli_answers("reload", "{'ok': false, 'error': 'NOT_PERMITTED', 'message': 'no'}");
	cli_asked();
	cli_refuses("-f FILE reload", EXIT_NOT_PERMITTED, "NOT_PERMITTED", "no");
	assert_string_equal(cli_asked(), "reload\nreload\n");
}

/* Another selector: the fragment has it, and multipathd is told, once. */
static void selector_follows(void **state)
{
	(void)state;
	enabled("least-queue-depth", policy_by_name("least-queue-depth")->selector);
	cli_answers("status", OTHER);
	multipathd.then = IN_FORCE;
	cli_expect("-f FILE reload", EXIT_OK, "", "");
	assert_int_equal(multipathd.reconfigured, 1);
	assert_true(fragment_has("prio_args \"round-robin\""));
	assert_true(fragment_has(policy_by_name("round-robin")->selector));
	cli_expect("-f FILE reload", EXIT_OK, "", "");
	assert_int_equal(multipathd.reconfigured, 1);
}

/* A policy taken away: multipathd would go on with it until it reads its files again. */
static void taken_away(void **state)
{
	(void)state;
	enabled("round-robin", policy_by_name("round-robin")->selector);
	cli_answers("status", "{'ok': true, 'luns': [{'wwid': '" A "', 'policy': '', "
			      "'policy_name': '', 'selector_in_force': true}]}");
	cli_expect("-f FILE reload", EXIT_OK, "", "");
	assert_int_equal(multipathd.reconfigured, 1);
	assert_false(fragment_has("round-robin"));
	cli_expect("-f FILE reload", EXIT_OK, "", "");
	assert_int_equal(multipathd.reconfigured, 1);
}

/* Not while a path is in trouble, but by force. */
static void in_trouble(void **state)
{
	(void)state;
	enabled("round-robin", "");
	cli_answers("status", OTHER);
	cli_answers("reload", "{'ok': true, 'unfit': 'portal 10.0.1.2:3260'}");
	multipathd.then = IN_FORCE;
	cli_refuses("-f FILE reload", EXIT_PENDING, "PENDING",
		    "for 1 LUN multipathd has to reconfigure, which would stop its checks while "
		    "portal 10.0.1.2:3260 is in trouble");
	assert_int_equal(multipathd.reconfigured, 0);
	cli_expect("-f FILE reload --force", EXIT_OK, "", "");
	assert_int_equal(multipathd.reconfigured, 1);
}

static void no_multipathd(void **state)
{
	(void)state;
	enabled("round-robin", "");
	cli_answers("status", OTHER);
	multipathd_stop();
	cli_refuses("-f FILE reload", EXIT_PENDING, "PENDING",
		    "pending: multipathd did not reconfigure (Connection refused) and goes on");
	multipathd_start();
}

/* Somebody else's part of the configuration is stronger: waited for, and said. Of one that our
 * part is not about (B) nothing is expected. */
static void stronger(void **state)
{
	(void)state;
	enabled("round-robin", "");
	cli_answers("status",
		    "{'ok': true, 'luns': [" LUN_A("'selector_in_force': false") ", "
		    "{'wwid': '" B "', 'policy': 'round-robin', 'policy_name': 'round-robin', "
		    "'selector_in_force': false}]}");
	cli_expect("-f FILE reload", EXIT_PENDING, "",
		   "1 LUN has another path selector all the same");
	assert_int_equal(multipathd.reconfigured, 1);
}

/* A fragment that we cannot change is said, and is no failure. */
static void fragment_of_others(void **state)
{
	(void)state;
	enabled("round-robin", "");
	cli_write(FRAGMENT, "# mine\n", 7);
	cli_expect("-f FILE reload", EXIT_OK, "", FRAGMENT " was not updated");
	assert_true(fragment_has("# mine"));
	assert_int_equal(multipathd.reconfigured, 0);
}

/* Too long for multipathd to be told of: it follows the daemon, which is enough. */
static void too_long(void **state)
{
	char status[1024], policy[FRAGMENT_PRIO_ARGS_MAX + 2];

	(void)state;
	enabled("round-robin", policy_by_name("round-robin")->selector);
	memset(policy, 'x', sizeof(policy) - 1);
	policy[sizeof(policy) - 1] = '\0';
	snprintf(status, sizeof(status),
		 "{'ok': true, 'luns': [{'wwid': '" A "', 'policy': '%s', "
		 "'policy_name': 'round-robin', 'selector_in_force': true}]}", policy);
	cli_answers("status", status);
	cli_expect("-f FILE reload", EXIT_OK, "", "");
	assert_false(fragment_has("prio_args \"round-robin"));
	assert_false(fragment_has("xxx"));
	assert_int_equal(multipathd.reconfigured, 0);
}

/* A kernel without the selector: multipathd would make no map with it, and is not told. */
static void unsupported(void **state)
{
	struct utsname kernel;
	char list[256];

	(void)state;
	enabled("failover-only", "");
	assert_int_equal(uname(&kernel), 0);
	if (selector_presence("", "none", "round-robin 0") == SELECTOR_THERE || /* loaded */
	    mount("none", "/lib/modules", "tmpfs", 0, "mode=755") < 0)
		skip();
	snprintf(list, sizeof(list), "/lib/modules/%s", kernel.release);
	assert_int_equal(mkdir(list, 0755), 0);
	strcat(list, "/modules.dep");
	cli_write(list, "", 0);
	strcpy(strrchr(list, '/'), "/modules.builtin");
	cli_write(list, "", 0);
	cli_answers("status", OTHER);
	cli_expect("-f FILE reload", EXIT_REFUSED, "", "needs the path selector \"round-robin 0\"");
	assert_int_equal(multipathd.reconfigured, 0);
	assert_true(fragment_has("prio_args \"round-robin\""));
	assert_false(fragment_has("path_selector"));
	assert_int_equal(umount("/lib/modules"), 0);
}

#define ON_HOST(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		ON_HOST(words),	      ON_HOST(nothing_to_follow), ON_HOST(refused),
		ON_HOST(selector_follows), ON_HOST(taken_away),	  ON_HOST(in_trouble),
		ON_HOST(no_multipathd), ON_HOST(stronger),	  ON_HOST(fragment_of_others),
		ON_HOST(too_long),    ON_HOST(unsupported),
	};

	return cmocka_run_group_tests_name("cli_reload", tests, set_up_all, cli_remove_folder);
}
