/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Who may do what on the control socket of the real daemon, asked by processes that really are
 * those users; and what a crowd of silent, slow and greedy clients does to root's next request.
 * Needs root, and namespaces of its own (tests/integration/run).
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/clock.h"
#include "daemon/control.h"
#include "daemon/requests.h"

#define GROUP	   "mpathiscsi-look"
#define GROUP_ID   61234
#define MEMBER_ID  61235
#define OTHER_ID   61236
#define DAEMON	   TEST_BUILD_DIR "/mpathiscsid"
#define CROWD	   200
#define ANSWER_MAX_MS 1000
#define GREEDY	   8
#define GREED_S	   3

static const char folder[] = "/run/access";
static const char socket_path[] = "/run/access/d/control", board_path[] = "/run/access/d/board";
static const char conf_path[] = "/run/access/mpathiscsid.conf";
static pid_t daemon_pid;
static unsigned int passed, failed;

static void verdict(bool good, const char *format, ...) __attribute__((format(printf, 2, 3)));

static void verdict(bool good, const char *format, ...)
{
	va_list args;

	fputs(good ? "ok     " : "FAILED ", stdout);
	va_start(args, format);
	vprintf(format, args);
	va_end(args);
	putchar('\n');
	fflush(stdout);
	good ? passed++ : failed++;
}

/* Who asks. */
struct role {
	const char *name;
	uid_t uid;
	gid_t gid;
	gid_t extra; /* supplementary group; 0 none */
	bool looks, changes; /* when the group is configured */
};

static const struct role roles[] = {
	{"root", 0, 0, 0, true, true},
	{"member", MEMBER_ID, MEMBER_ID, GROUP_ID, true, false},
	{"primary", MEMBER_ID, GROUP_ID, 0, true, false}, /* the group is its own one */
	{"other", OTHER_ID, OTHER_ID, 0, false, false},
	{"root's-group", OTHER_ID, 0, 0, false, false},
};
#define ROLES (sizeof(roles) / sizeof(roles[0]))

/* What each request may be asked by, kept apart from the daemon's own table: a request that is new
 * there and not here fails. */
static const struct {
	const char *name;
	bool changes;
} expected[] = {
	{"status", false},   {"policy-check", false},	{"policy-section", false},
	{"explain", false},  {"whatif", false},		{"reload", true},
	{"fail", true},	     {"reload-settings", true}, {"reinstate", true},
	{"forgive", true},   {"switch", true},
};
#define REQUESTS (sizeof(expected) / sizeof(expected[0]))

static bool become(const struct role *role)
{
	if (setgroups(role->extra ? 1 : 0, &role->extra) ||
	    setresgid(role->gid, role->gid, role->gid))
		return false;
	return !setresuid(role->uid, role->uid, role->uid);
}

enum outcome { ALLOWED, REFUSED, NO_CONNECTION, BROKEN };

static enum outcome ask(const char *name)
{
	struct json_object *request = json_object_new_object(), *reply = NULL, *error;
	int r;

	json_object_object_add(request, "request", json_object_new_string(name));
	json_object_object_add(request, "lun", json_object_new_string("nosuchlun"));
	r = control_request(socket_path, request, 5000, &reply);
	if (r == -EACCES)
		return NO_CONNECTION;
	if (r < 0)
		return BROKEN;
	error = json_object_object_get(reply, "error");
	return error && !strcmp(json_object_get_string(error), "NOT_PERMITTED") ? REFUSED : ALLOWED;
}

/* In a process that is that user. */
static enum outcome ask_as(const struct role *role, const char *name)
{
	pid_t pid = fork();
	int status = 0;

	if (pid == 0)
		_exit(become(role) ? (int)ask(name) : (int)BROKEN);
	if (waitpid(pid, &status, 0) != pid || !WIFEXITED(status))
		return BROKEN;
	return (enum outcome)WEXITSTATUS(status);
}

static bool daemon_answers(void)
{
	return ask("status") == ALLOWED;
}

static void write_file(const char *path, const char *text)
{
	FILE *file = fopen(path, "we");

	if (!file || fputs(text, file) < 0 || fclose(file)) {
		perror(path);
		exit(1);
	}
}

static void run_daemon(void)
{
	int log = open("/run/access/log", O_WRONLY | O_CREAT | O_APPEND, 0600);

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	dup2(log, 1);
	dup2(log, 2);
	execl(DAEMON, "mpathiscsid", "-f", "/run/access/policies.conf", "-c", conf_path, "-o",
	      "/run/access/off", "-b", board_path, "-S", socket_path, "-P",
	      "/run/mpathiscsi-probe", (char *)NULL);
	_exit(127);
}

static bool start_daemon(void)
{
	daemon_pid = fork();
	if (daemon_pid == 0)
		run_daemon();
	for (int i = 0; i < 500; i++) {
		if (daemon_answers())
			return true;
		poll(NULL, 0, 20);
	}
	return false;
}

/* An /etc/group of our own: nothing of the host is touched. */
static bool prepare(void)
{
	FILE *from = fopen("/etc/group", "re"), *to;
	char line[1024];

	if (mkdir(folder, 0755) && errno != EEXIST)
		return false;
	to = fopen("/run/access/group", "we");
	while (from && to && fgets(line, sizeof(line), from))
		fputs(line, to);
	if (!from || !to)
		return false;
	fprintf(to, GROUP ":x:%d:\n", GROUP_ID);
	fclose(from);
	fclose(to);
	return mount("/run/access/group", "/etc/group", NULL, MS_BIND, NULL) == 0;
}

static const char *const words[] = {"yes", "refused", "no door", "BROKEN"};

/* One table; 'grouped': the group is configured. Counts cells and those as they should be. */
static void table(bool grouped, unsigned int *cells, unsigned int *good)
{
	printf("       %-16s", grouped ? "group = " GROUP : "no group");
	for (size_t j = 0; j < ROLES; j++)
		printf(" %-12s", roles[j].name);
	putchar('\n');
	for (size_t i = 0; i < REQUESTS; i++) {
		printf("       %-16s", expected[i].name);
		for (size_t j = 0; j < ROLES; j++) {
			const struct role *role = &roles[j];
			bool looks = role->uid == 0 || (grouped && role->looks);
			bool may = expected[i].changes ? role->changes : looks;
			enum outcome outcome = ask_as(role, expected[i].name);
			bool right = may   ? outcome == ALLOWED :
				     looks ? outcome == REFUSED :
					     outcome == NO_CONNECTION;

			printf(" %-12s", words[outcome]);
			(*cells)++;
			*good += right;
		}
		putchar('\n');
	}
}

static bool all_known(void)
{
	const struct request_kind *kind;
	size_t n = 0;

	for (; (kind = requests_kind(n)); n++) {
		size_t i = 0;

		while (i < REQUESTS && strcmp(expected[i].name, kind->name) != 0)
			i++;
		if (i == REQUESTS || expected[i].changes != (kind->right == REQUEST_CHANGES))
			return false;
	}
	return n == REQUESTS;
}

static bool has(const char *path, mode_t mode, gid_t group)
{
	struct stat st;

	return lstat(path, &st) == 0 && (st.st_mode & 07777) == mode && st.st_uid == 0 &&
	       st.st_gid == group;
}

static void access_tables(void)
{
	unsigned int cells = 0, good = 0;

	verdict(all_known(), "every request of the daemon is in the table");
	verdict(has(socket_path, 0600, 0) && has(board_path, 0640, 0),
		"without a group socket and board are root's");
	table(false, &cells, &good);
	write_file(conf_path, "[control]\ngroup = " GROUP "\n");
	verdict(ask("reload-settings") == ALLOWED && has(socket_path, 0660, GROUP_ID) &&
			has(board_path, 0640, GROUP_ID),
		"socket and board are given to the group by a reload");
	table(true, &cells, &good);
	verdict(cells == good, "%u of %u cells as they should be", good, cells);
	printf("RESULT control_access requests=%zu roles=%zu cells=%u ok=%u\n", REQUESTS, ROLES,
	       cells, good);
	write_file(conf_path, "[control]\ngroup = nosuchgroup\n");
	verdict(ask("reload-settings") == ALLOWED && has(socket_path, 0600, 0) &&
			has(board_path, 0640, 0) && ask_as(&roles[1], "status") == NO_CONNECTION,
		"a group that does not exist is nobody's");
	write_file(conf_path, "[control]\ngroup = " GROUP "\n");
	(void)ask("reload-settings");
}

/* Capabilities and the like as the kernel shows them. */
static bool daemon_confined(void)
{
	char path[64], line[256];
	int found = 0;
	FILE *status;

	snprintf(path, sizeof(path), "/proc/%d/status", (int)daemon_pid);
	status = fopen(path, "re");
	while (status && fgets(line, sizeof(line), status)) {
		found += !strcmp(line, "CapEff:\t00000000002810e0\n");
		found += !strcmp(line, "CapPrm:\t00000000002810e0\n");
		found += !strcmp(line, "CapBnd:\t00000000002810e0\n");
		found += !strcmp(line, "NoNewPrivs:\t1\n");
	}
	if (status)
		fclose(status);
	return found == 4;
}

static int connect_socket(void)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	strcpy(address.sun_path, socket_path);
	if (fd >= 0 && connect(fd, (struct sockaddr *)&address, sizeof(address)) == 0)
		return fd;
	if (fd >= 0)
		close(fd);
	return -1;
}

/* What one of the crowd does once it is connected. */
enum manner { SILENT, SLOW, DEAF, OVERSIZED, MANNERS };
static const char *const manners[] = {"silent", "slow", "deaf", "oversized"};

static void misbehave(int fd, enum manner manner)
{
	static const char status[] = "{\"request\":\"status\"}";
	uint32_t length = htonl(manner == OVERSIZED ? 0x7fffffff : (uint32_t)strlen(status));

	if (manner == SILENT)
		return;
	if (send(fd, &length, manner == SLOW ? 2 : 4, MSG_NOSIGNAL) < 0)
		return;
	if (manner == DEAF) /* its answer is never read */
		(void)!send(fd, status, strlen(status), MSG_NOSIGNAL);
	for (int i = 0; manner == OVERSIZED && i < 64; i++) {
		char rubbish[4096] = {'x'};

		if (send(fd, rubbish, sizeof(rubbish), MSG_NOSIGNAL | MSG_DONTWAIT) < 0)
			break;
	}
}

static _Noreturn void crowd(const struct role *role, enum manner manner, int ready)
{
	int connected = 0;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (!become(role))
		_exit(1);
	for (int i = 0; i < CROWD; i++) {
		int fd = connect_socket();

		connected += fd >= 0;
		if (fd >= 0)
			misbehave(fd, manner);
	}
	if (connected < CROWD || write(ready, "x", 1) != 1)
		_exit(1);
	for (;;)
		pause();
}

static bool root_is_served(uint64_t *ret_ms)
{
	uint64_t begin_ns = clock_now_ns();
	bool served = ask("status") == ALLOWED;

	*ret_ms = (clock_now_ns() - begin_ns) / NS_PER_MS;
	return served && *ret_ms <= ANSWER_MAX_MS;
}

static void crowd_of(const struct role *role, enum manner manner, uint64_t *worst_ms)
{
	int ready[2];
	uint64_t took_ms = 0;
	char byte;
	pid_t pid;
	bool there, served;

	if (pipe(ready))
		exit(1);
	pid = fork();
	if (pid == 0)
		crowd(role, manner, ready[1]);
	close(ready[1]);
	there = read(ready[0], &byte, 1) == 1;
	close(ready[0]);
	served = root_is_served(&took_ms);
	if (took_ms > *worst_ms)
		*worst_ms = took_ms;
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
	verdict(there && served, "%d %s connections of %s: root is answered in %llu ms", CROWD,
		manners[manner], role->name, (unsigned long long)took_ms);
}

/* User and system time that the daemon has taken, in clock ticks. */
static unsigned long daemon_ticks(void)
{
	unsigned long user = 0, system = 0;
	char path[64];
	FILE *stat;

	snprintf(path, sizeof(path), "/proc/%d/stat", (int)daemon_pid);
	stat = fopen(path, "re");
	if (!stat || fscanf(stat,
			    "%*d (%*[^)]) %*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %lu %lu",
			    &user, &system) != 2)
		verdict(false, "the daemon's processor time cannot be read");
	if (stat)
		fclose(stat);
	return user + system;
}

/* A request as large as they come, and dear to read. */
static struct json_object *large_request(void)
{
	struct json_object *request = json_object_new_object(), *list = json_object_new_array();

	json_object_object_add(request, "request", json_object_new_string("status"));
	for (int i = 0; i < 20000; i++)
		json_object_array_add(list, json_object_new_int(i % 10));
	json_object_object_add(request, "ballast", list);
	return request;
}

/* Ask until 'end_ns'; tell how many were answered and how many refused. */
static void ask_greedily(const struct role *role, uint64_t end_ns, int out)
{
	struct json_object *request = large_request(), *reply;
	int ends[2] = {0, 0};

	if (!become(role))
		_exit(1);
	while (clock_now_ns() < end_ns) {
		if (control_request(socket_path, request, 5000, &reply) < 0)
			continue;
		ends[strstr(json_object_to_json_string(reply), "BUSY") != NULL]++;
		json_object_put(reply);
	}
	_exit(write(out, ends, sizeof(ends)) == (ssize_t)sizeof(ends) ? 0 : 1);
}

/* Members that ask as fast as they can are held back, while root is not. */
static void greed(void)
{
	unsigned int answered = 0, refused = 0, percent;
	uint64_t took_ms = 0, begin_ns = clock_now_ns();
	unsigned long ticks = daemon_ticks();
	int counts[2], ends[2];

	if (pipe(counts))
		exit(1);
	for (int i = 0; i < GREEDY; i++)
		if (fork() == 0)
			ask_greedily(&roles[1], begin_ns + GREED_S * NS_PER_S, counts[1]);
	close(counts[1]);
	poll(NULL, 0, 1000 * GREED_S / 2);
	verdict(root_is_served(&took_ms),
		"members that ask all the time: root is answered in %llu ms",
		(unsigned long long)took_ms);
	while (read(counts[0], ends, sizeof(ends)) == (ssize_t)sizeof(ends)) {
		answered += (unsigned int)ends[0];
		refused += (unsigned int)ends[1];
	}
	percent = (unsigned int)((daemon_ticks() - ticks) * 100 * NS_PER_S /
				 (unsigned long)sysconf(_SC_CLK_TCK) /
				 (clock_now_ns() - begin_ns));
	close(counts[0]);
	while (waitpid(-1, NULL, WNOHANG) > 0)
		;
	verdict(answered > 0 && answered <= (GREED_S + 1) * 100 && refused > 0,
		"they got %u answers in %d s, and were refused %u times", answered, GREED_S, refused);
	verdict(percent < 25, "requests of 40 KiB cost the daemon %u %% of a processor", percent);
}

static size_t memory_kib(void)
{
	char path[64], line[256];
	unsigned long kib = 0;
	FILE *status;

	snprintf(path, sizeof(path), "/proc/%d/status", (int)daemon_pid);
	status = fopen(path, "re");
	while (status && fgets(line, sizeof(line), status))
		sscanf(line, "VmRSS: %lu", &kib);
	if (status)
		fclose(status);
	if (!kib)
		verdict(false, "the daemon's memory cannot be read");
	return kib;
}

static void crowds(void)
{
	struct rlimit files = {1024, 1024};
	size_t before_kib = memory_kib();
	uint64_t worst_ms = 0;

	setrlimit(RLIMIT_NOFILE, &files);
	for (size_t i = 0; i < 2; i++) /* root itself, and a member */
		for (enum manner manner = SILENT; manner < MANNERS; manner++)
			crowd_of(&roles[i], manner, &worst_ms);
	greed();
	verdict(memory_kib() < before_kib + 8192, "the daemon's memory: %zu KiB before, %zu after",
		before_kib, memory_kib());
	printf("RESULT control_crowd connections=%d root_worst_ms=%llu\n", CROWD,
	       (unsigned long long)worst_ms);
}

int main(void)
{
	if (geteuid() != 0 || !prepare() || !start_daemon()) {
		fprintf(stderr, "control_access: cannot start the daemon (root? namespaces?)\n");
		return 1;
	}
	verdict(daemon_confined(), "the daemon has six capabilities, and no new ones by exec");
	access_tables();
	crowds();
	kill(daemon_pid, SIGTERM);
	waitpid(daemon_pid, NULL, 0);
	printf("%u passed, %u failed\n", passed, failed);
	return failed ? 1 : 0;
}
