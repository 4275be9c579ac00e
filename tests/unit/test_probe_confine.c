/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Each try is made by a process of its own that has confined itself for good. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdbool.h>
#include <stdint.h>
#include <cmocka.h>

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <net/if.h>
#include <netdb.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "daemon/probe_confine.h"
#include "daemon/probe_wire.h"

#define DESCRIPTORS 64
#define WORKED	    0
#define REFUSED	    1 /* an error, and it goes on */
#define KILLED	    SIGSYS
#define NOT_CONFINED 99

static int outcome(bool worked)
{
	return worked ? WORKED : REFUSED;
}

static int open_file(void)
{
	return outcome(open("/etc/passwd", O_RDONLY) >= 0 || errno != EACCES);
}

static int open_random(void)
{
	return outcome(fopen("/dev/urandom", "r") != NULL);
}

static int look_at_file(void)
{
	struct stat st;

	return outcome(stat("/etc/passwd", &st) == 0);
}

static int make_file(void)
{
	return outcome(open("/tmp/mpathiscsi-confined", O_WRONLY | O_CREAT | O_EXCL, 0600) >= 0);
}

static int remove_file(void)
{
	return outcome(unlink("/nonexistent/file") == 0);
}

static int list_folder(void)
{
	return outcome(syscall(SYS_getdents64, 0, NULL, 0) == 0);
}

static int run_program(void)
{
	char name[] = "/bin/true";
	char *const arguments[] = {name, NULL};

	execv(name, arguments);
	return REFUSED;
}

static int make_process(void)
{
	return outcome(fork() >= 0);
}

static void *nothing(void *arg)
{
	return arg;
}

static int make_thread(void)
{
	pthread_t thread;

	return outcome(pthread_create(&thread, NULL, nothing, NULL) == 0);
}

static int signal_parent(void)
{
	return outcome(kill(getppid(), 0) == 0);
}

static int trace_parent(void)
{
	return outcome(ptrace(PTRACE_ATTACH, getppid(), NULL, NULL) == 0);
}

static int take_descriptor(void)
{
	return outcome(syscall(438 /* pidfd_getfd */, 0, 0, 0) == 0);
}

static int become_root(void)
{
	return outcome(setuid(0) == 0);
}

static int runnable_memory(void)
{
	void *at = mmap(NULL, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	return outcome(at != MAP_FAILED);
}

static int much_memory(void)
{
	void *at = mmap(NULL, PROBE_MEMORY_MAX + 1, PROT_READ | PROT_WRITE,
			MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	return outcome(at != MAP_FAILED);
}

static int some_memory(void)
{
	char *at = malloc(32 << 20);

	if (at)
		memset(at, 1, 32 << 20);
	return outcome(at && at[12345] == 1);
}

static int unix_socket(void)
{
	return outcome(socket(AF_UNIX, SOCK_STREAM, 0) >= 0);
}

static int netlink_socket(void)
{
	return outcome(socket(AF_NETLINK, SOCK_RAW, 0) >= 0);
}

static int packet_socket(void)
{
	return outcome(socket(AF_PACKET, SOCK_RAW, 0) >= 0);
}

static int raw_socket(void)
{
	return outcome(socket(AF_INET, SOCK_RAW, IPPROTO_TCP) >= 0);
}

static int listening(void)
{
	int fd = socket(AF_INET, SOCK_STREAM, 0);
	struct sockaddr_in any = {.sin_family = AF_INET};

	return outcome(bind(fd, (struct sockaddr *)&any, sizeof(any)) == 0);
}

static int many_descriptors(void)
{
	int n = 0;

	while (n < 2 * DESCRIPTORS && socket(AF_INET, SOCK_STREAM, 0) >= 0)
		n++;
	return outcome(n >= DESCRIPTORS);
}

/* It could send to anybody, and be heard by what guards no session. */
static int udp_socket(void)
{
	return outcome(socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0) >= 0 ||
		       socket(AF_INET6, SOCK_DGRAM | SOCK_NONBLOCK, IPPROTO_UDP) >= 0);
}

static int sctp_socket(void)
{
	return outcome(socket(AF_INET, SOCK_STREAM, IPPROTO_SCTP) >= 0);
}

/* What a probe does. */
static int probe_socket(void)
{
	struct sockaddr_in peer = {.sin_family = AF_INET, .sin_port = htons(3260)};
	socklen_t length = sizeof(peer);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), error = 0;
	socklen_t size = sizeof(error);
	int flags = fcntl(fd, F_GETFL);

	peer.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	if (fd < 0 || fcntl(fd, F_SETFL, flags | O_NONBLOCK) || fcntl(fd, F_SETFD, FD_CLOEXEC))
		return REFUSED;
	if (connect(fd, (struct sockaddr *)&peer, sizeof(peer)) && errno != EINPROGRESS &&
	    errno != ECONNREFUSED)
		return REFUSED;
	return outcome(getsockname(fd, (struct sockaddr *)&peer, &length) == 0 &&
		       getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &size) == 0 && close(fd) == 0);
}

/* Each number that a socket of it may have, but not those it was given. */
static int flags_of_all(void)
{
	int n = 0, fd;

	for (fd = socket(AF_INET, SOCK_STREAM, 0); fd >= 0; fd = socket(AF_INET, SOCK_STREAM, 0))
		n += fcntl(fd, F_GETFL) < 0 || fcntl(fd, F_SETFL, O_NONBLOCK) < 0;
	return outcome(n == 0);
}

static int flags_of_stderr(void)
{
	return outcome(fcntl(2, F_SETFL, O_NONBLOCK) == 0);
}

static int flags_by_another_name(void)
{
	return outcome(syscall(SYS_fcntl, 1L << 32 | 2, F_SETFL, O_NONBLOCK) == 0);
}

static int flags_of_copy(void)
{
	return outcome(dup2(2, 20) == 20);
}

static int copy_stderr(void)
{
	return outcome(fcntl(2, F_DUPFD, 20) >= 0);
}

static int larger_pipe(void)
{
	return outcome(fcntl(2, F_SETPIPE_SZ, 1 << 20) >= 0);
}

static int own_signals(void)
{
	return outcome(fcntl(2, F_SETOWN, 1) == 0);
}

static int shut_stderr(void)
{
	return outcome(shutdown(2, SHUT_RDWR) == 0);
}

static int numeric_address(const char *text)
{
	struct addrinfo *found = NULL;
	int r = getaddrinfo(text, NULL, NULL, &found);

	if (found)
		freeaddrinfo(found);
	return outcome(r == 0);
}

/* As libiscsi does it, of a numeric address. */
static int address_v4(void)
{
	return numeric_address("127.0.0.1");
}

static int address_v6(void)
{
	return numeric_address("fd00::1");
}

/* Its interface by number, as by name it is not to be had. */
static int address_link_local(void)
{
	return numeric_address("fe80::1%1");
}

static int interface_number(void)
{
	return outcome(if_nametoindex("lo") > 0);
}

static int complain(void)
{
	return outcome(fprintf(stderr, "%s", "") == 0 && write(2, "", 0) == 0);
}

static int abort_itself(void)
{
	abort();
}

static const struct {
	const char *name;
	int (*run)(void);
	int expected;
} tries[] = {
	{"open a file", open_file, REFUSED},
	{"open /dev/urandom", open_random, REFUSED},
	{"look at a file", look_at_file, REFUSED},
	{"make a file", make_file, REFUSED},
	{"remove a file", remove_file, KILLED},
	{"list a folder", list_folder, KILLED},
	{"run a program", run_program, KILLED},
	{"make a process", make_process, KILLED},
	{"make a thread", make_thread, KILLED},
	{"signal another process", signal_parent, KILLED},
	{"trace another process", trace_parent, KILLED},
	{"take another's descriptor", take_descriptor, KILLED},
	{"become root", become_root, KILLED},
	{"memory that can be run", runnable_memory, KILLED},
	{"more memory than a probe needs", much_memory, REFUSED},
	{"some memory", some_memory, WORKED},
	{"a local socket", unix_socket, REFUSED},
	{"a netlink socket", netlink_socket, REFUSED},
	{"a packet socket", packet_socket, REFUSED},
	{"a raw socket", raw_socket, KILLED},
	{"bind a socket", listening, KILLED},
	{"more descriptors than it may", many_descriptors, REFUSED},
	{"a UDP socket", udp_socket, REFUSED},
	{"an SCTP socket", sctp_socket, KILLED},
	{"a socket that connects", probe_socket, WORKED},
	{"flags of any socket", flags_of_all, WORKED},
	{"flags of stderr", flags_of_stderr, KILLED},
	{"flags of stderr, by a number that is larger", flags_by_another_name, KILLED},
	{"flags of a copy of stderr", flags_of_copy, REFUSED},
	{"a copy of stderr", copy_stderr, KILLED},
	{"a larger pipe", larger_pipe, KILLED},
	{"another to be signalled", own_signals, KILLED},
	{"shut stderr down", shut_stderr, KILLED},
	{"a numeric IPv4 address", address_v4, WORKED},
	{"a numeric IPv6 address", address_v6, WORKED},
	{"a link-local address", address_link_local, WORKED},
	{"the number of an interface", interface_number, REFUSED},
	{"write to stderr", complain, WORKED},
	{"abort", abort_itself, SIGABRT},
};

static _Noreturn void child(int (*run)(void))
{
	const char *text;

	dup2(2, PROBE_WIRE_FD); /* any: it is taken */
	if (probe_confine(DESCRIPTORS, &text) < 0) {
		fprintf(stderr, "%s\n", text);
		_exit(NOT_CONFINED);
	}
	_exit(run());
}

static int ended(pid_t pid)
{
	int status;

	assert_int_equal(waitpid(pid, &status, 0), pid);
	return WIFEXITED(status) ? WEXITSTATUS(status) : WTERMSIG(status);
}

static void one_by_one(void **state)
{
	bool wrong = false;

	(void)state;
	for (size_t i = 0; i < sizeof(tries) / sizeof(tries[0]); i++) {
		pid_t pid = fork();
		int got;

		if (pid == 0)
			child(tries[i].run);
		got = ended(pid);
		if (got == tries[i].expected)
			continue;
		print_error("%s: %d instead of %d\n", tries[i].name, got, tries[i].expected);
		wrong = true;
	}
	assert_false(wrong);
}

static int look_at_self(void)
{
	struct rlimit core, processes;

	if (getrlimit(RLIMIT_CORE, &core) || getrlimit(RLIMIT_NPROC, &processes))
		return 10;
	if (prctl(PR_GET_DUMPABLE) != 0 || prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) != 1)
		return 11;
	return core.rlim_max || processes.rlim_max ? 12 : WORKED;
}

/* getrlimit() and prctl() are not on the list: looked at by the filter's absence only. */
static void killed_for_looking(void **state)
{
	pid_t pid = fork();

	(void)state;
	if (pid == 0)
		child(look_at_self);
	assert_int_equal(ended(pid), KILLED);
}

/* What the parent sees of a confined process in /proc. */
static void as_seen_from_outside(void **state)
{
	char path[64], line[128];
	int ready[2], found = 0;
	const char *text;
	FILE *status;
	pid_t pid;

	(void)state;
	assert_int_equal(pipe(ready), 0);
	pid = fork();
	if (pid == 0) {
		if (probe_confine(DESCRIPTORS, &text) < 0 || write(ready[1], "x", 1) != 1)
			_exit(NOT_CONFINED);
		for (;;)
			poll(NULL, 0, 1000);
	}
	assert_int_equal(read(ready[0], line, 1), 1);
	snprintf(path, sizeof(path), "/proc/%d/status", (int)pid);
	status = fopen(path, "re");
	assert_non_null(status);
	while (fgets(line, sizeof(line), status)) {
		found += !strcmp(line, "CapPrm:\t0000000000000000\n");
		found += !strcmp(line, "CapEff:\t0000000000000000\n");
		found += !strcmp(line, "CapAmb:\t0000000000000000\n");
		found += !strcmp(line, "NoNewPrivs:\t1\n");
		found += !strcmp(line, "Seccomp:\t2\n");
	}
	fclose(status);
	kill(pid, SIGKILL);
	assert_int_equal(ended(pid), SIGKILL);
	assert_int_equal(found, 5);
}

#ifdef __SANITIZE_ADDRESS__
static void not_under_sanitizer(void **state)
{
	(void)state;
	skip();
}
#endif

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(one_by_one),
		cmocka_unit_test(killed_for_looking),
		cmocka_unit_test(as_seen_from_outside),
	};

#ifdef __SANITIZE_ADDRESS__ /* it needs calls that the filter forbids, so that there is none */
	const struct CMUnitTest none[] = {
		cmocka_unit_test(not_under_sanitizer),
	};

	(void)tests;
	return cmocka_run_group_tests_name("probe_confine", none, NULL, NULL);
#else
	return cmocka_run_group_tests_name("probe_confine", tests, NULL, NULL);
#endif
}
