/* SPDX-License-Identifier: GPL-2.0-or-later */
/* enable and disable against a made-up sysfs and a multipathd of our own. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <json-c/json.h>

#include "daemon/array_conf.h"
#include "daemon/cli.h"
#include "daemon/control.h"
#include "daemon/enable.h"
#include "daemon/multipathd_wire.h"
#include "tests/unit/sysfs/tree.h"

#define S    MP_SEPARATOR
#define WWID "360000000000000000e00000000010001"

enum manner {
	LOADS,	   /* takes over what the file says */
	NO_PLUGIN, /* cannot load our checker */
	BEATEN,	   /* has another setting that is stronger */
	NEVER_IDLE,
	SLOW, /* says "timeout" and "configure" a few times first */
};

struct world {
	struct tree tree; /* sysfs, conf.d, plugins, policies file in one folder */
	char conf_dir[256], plugin_dir[256], store[256], fragment[256], name[64], control[64];
	char *out_text, *err_text;
	struct enable_options options;
	/* multipathd */
	pthread_t thread;
	bool runs;
	int listener, stop[2];
	enum manner manner;
	_Atomic unsigned int reconfigured;
	unsigned int busy; /* answers "configure" so often */
	bool ours;	   /* what the last reconfigure found in the file */
	bool has_disk;
};

static const struct tree_disk disk = {
	.device = "sda",
	.major = 8,
	.minor = 0,
	.host = 2,
	.lun = 1,
	.parent = "platform",
	.transport = "iscsi_tcp",
	.vendor = "IET     ",
	.model = "VIRTUAL-DISK    ",
	.wwid = "naa.60000000000000000e00000000010001",
	.state = "running",
	.session = 1,
	.target = "iqn.2026-01.example:array",
	.tpgt = "1",
	.iface = "default",
	.netdev = "(null)",
	.initiator = "iqn.1993-08.org.debian:01:abc",
	.source = "10.0.1.100",
	.address = "10.0.1.2",
	.port = "3260",
	.local_port = "40122",
	.persistent_address = "10.0.1.2",
	.persistent_port = "3260",
	.session_state = "LOGGED_IN",
	.connection_state = "up",
	.recovery_tmo = "120",
	.header_digest = "0",
	.data_digest = "0",
};

static const struct tree_disk other_disk = {
	.device = "sdz",
	.major = 65,
	.minor = 144,
	.host = 6,
	.id = 3,
	.lun = 1,
	.parent = "pci0000:00/0000:00:03.0",
	.middle = "rport-6:0-3",
	.transport = "qla2xxx",
	.vendor = "HP      ",
	.model = "MSA 2050 SAN    ",
	.wwid = "naa.600c0ff0",
	.state = "running",
};

static void answer_paths(struct world *w, char *reply, size_t size)
{
	const char *checker = !w->ours || w->manner == BEATEN ? "tur"
			      : w->manner == NO_PLUGIN	      ? "(null)"
							      : "iscsi";
	int n = 0;

	if (w->has_disk)
		n = snprintf(reply, size,
			     "sda" S "8:0" S WWID S "active" S "running" S "ready" S
			     "%s" S "1" S "mpatha" S "2:0:0:1" S "scsi:iscsi" S
			     "IET,VIRTUAL-DISK\n",
			     checker);
	snprintf(reply + n, size - (size_t)n,
		 "sdz" S "65:144" S "3600c0ff0" S "active" S "running" S "ready" S "tur" S
		 "50" S "fc" S "6:0:3:1" S "scsi:fcp" S "HP,MSA 2050 SAN\n");
}

static void answer(struct world *w, const char *request, char *reply, size_t size)
{
	snprintf(reply, size, "ok\n");
	if (!strcmp(request, "show config local"))
		snprintf(reply, size,
			 "defaults {\n\tpolling_interval 5\n}\noverrides {\n}\n");
	else if (!strcmp(request, MP_SHOW_MAPS))
		snprintf(reply, size,
			 "mpatha" S WWID S "dm-0" S "%s" S "1" S "-" S "active" S "--\n",
			 w->ours ? "12 chk" : "-");
	else if (!strcmp(request, MP_SHOW_PATHS))
		answer_paths(w, reply, size);
	else if (!strcmp(request, "reconfigure")) {
		w->ours = !access(w->fragment, R_OK);
		w->busy = w->manner == SLOW ? 4 : 0;
		w->reconfigured++;
	} else if (!strcmp(request, "show daemon")) {
		bool busy = w->manner == NEVER_IDLE || w->busy;

		if (w->busy && w->busy-- == 4)
			snprintf(reply, size, "timeout\n");
		else
			snprintf(reply, size, "pid 7 %s\n", busy ? "configure" : "idle");
	} else {
		snprintf(reply, size, "fail\n");
	}
}

static void serve(struct world *w, int fd)
{
	char request[MULTIPATHD_REQUEST_MAX], reply[1024];
	size_t size;

	if (recv(fd, &size, sizeof(size), MSG_WAITALL) != sizeof(size) ||
	    size > sizeof(request) ||
	    recv(fd, request, size, MSG_WAITALL) != (ssize_t)size)
		return;
	answer(w, request, reply, sizeof(reply));
	size = strlen(reply) + 1;
	if (send(fd, &size, sizeof(size), MSG_NOSIGNAL) == sizeof(size))
		(void)!send(fd, reply, size, MSG_NOSIGNAL);
}

static void *multipathd(void *arg)
{
	struct world *w = arg;

	for (;;) {
		struct pollfd fds[2] = {{.fd = w->listener, .events = POLLIN},
					{.fd = w->stop[0], .events = POLLIN}};
		int fd;

		if (poll(fds, 2, -1) < 0 || fds[1].revents)
			return NULL;
		fd = accept(w->listener, NULL, NULL);
		if (fd < 0)
			return NULL;
		serve(w, fd);
		close(fd);
	}
}

static void start(struct world *w, enum manner manner)
{
	struct sockaddr_un address;
	socklen_t size;

	w->manner = manner;
	assert_int_equal(multipathd_address(w->name, &address, &size), 0);
	w->listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	assert_true(w->listener >= 0);
	assert_int_equal(bind(w->listener, (struct sockaddr *)&address, size), 0);
	assert_int_equal(listen(w->listener, 8), 0);
	assert_int_equal(pipe(w->stop), 0);
	assert_int_equal(pthread_create(&w->thread, NULL, multipathd, w), 0);
	w->runs = true;
}

static void stop(struct world *w)
{
	if (!w->runs)
		return;
	close(w->stop[1]);
	pthread_join(w->thread, NULL);
	close(w->stop[0]);
	close(w->listener);
	w->runs = false;
}

static int setup(void **state)
{
	static const unsigned char inquiry[36] = {0, 0, 6, 2, 31, 0};
	static unsigned int serial;
	struct world *w = calloc(1, sizeof(*w));

	assert_non_null(w);
	tree_new(&w->tree);
	tree_add_disk(&w->tree, &disk);
	tree_add_disk(&w->tree, &other_disk);
	tree_bytes(&w->tree, "block/sda/device/inquiry", inquiry, sizeof(inquiry));
	tree_file(&w->tree, "plugins/libcheckiscsi.so", "");
	tree_file(&w->tree, "plugins/libprioiscsi.so", "");
	w->has_disk = true;
	snprintf(w->conf_dir, sizeof(w->conf_dir), "%s/etc/multipath/conf.d",
		 w->tree.root);
	snprintf(w->plugin_dir, sizeof(w->plugin_dir), "%s/plugins", w->tree.root);
	snprintf(w->store, sizeof(w->store), "%s/policies.conf", w->tree.root);
	snprintf(w->control, sizeof(w->control), "/tmp/enable-control-%d-%u", (int)getpid(),
		 serial);
	snprintf(w->fragment, sizeof(w->fragment),
		 "%s/etc/multipath/conf.d/mpathiscsi.conf", w->tree.root);
	snprintf(w->name, sizeof(w->name), "@mpathiscsi-enable-%d-%u", (int)getpid(),
		 serial++);
	tree_dir(&w->tree, "etc");
	w->options = (struct enable_options){.conf_dir = w->conf_dir,
					     .plugin_dir = w->plugin_dir,
					     .store_path = w->store,
					     .control_path = w->control,
					     .sysfs = w->tree.root,
					     .socket = w->name,
					     .timeout_s = 20};
	*state = w;
	return 0;
}

static int teardown(void **state)
{
	struct world *w = *state;

	stop(w);
	tree_free(&w->tree);
	free(w->out_text);
	free(w->err_text);
	free(w);
	return 0;
}

static int run(struct world *w, int (*command)(const struct enable_options *options))
{
	size_t out_size, err_size;
	int code;

	free(w->out_text);
	free(w->err_text);
	w->options.out = open_memstream(&w->out_text, &out_size);
	w->options.err = open_memstream(&w->err_text, &err_size);
	assert_non_null(w->options.out);
	assert_non_null(w->options.err);
	code = command(&w->options);
	fclose(w->options.out);
	fclose(w->options.err);
	return code;
}

static char *read_fragment(const struct world *w)
{
	static char text[8192];
	FILE *file = fopen(w->fragment, "re");
	size_t n;

	if (!file)
		return NULL;
	n = fread(text, 1, sizeof(text) - 1, file);
	fclose(file);
	text[n] = '\0';
	return text;
}

static void assert_says(const char *text, const char *words)
{
	if (!strstr(text, words))
		fail_msg("\"%s\" is not in: %s", words, text);
}

static void on_and_off(void **state)
{
	struct world *w = *state;
	struct stat first, second;

	start(w, SLOW);
	tree_file(&w->tree, "policies.conf",
		  "[lun mpatha]\npolicy = failover-only\nactive = portal=10.0.1.2");
	assert_int_equal(run(w, cmd_enable), EXIT_OK);
	assert_int_equal(w->reconfigured, 1);
	assert_string_equal(w->err_text, "");
	assert_says(w->out_text, "mpatha: when all paths are gone");
	assert_says(w->out_text, "Enabled");
	assert_says(read_fragment(w), "\t\tvendor \"^IET$\"\n");
	assert_says(read_fragment(w), "\t\twwid \"" WWID "\"\n");
	assert_says(read_fragment(w),
		    "\t\tprio_args \"failover-only active portal=10.0.1.2");
	assert_says(read_fragment(w), "\t\tpath_selector \"");
	assert_says(read_fragment(w), "\t\tno_path_retry 12\n");
	assert_null(strstr(read_fragment(w), "MSA"));
	assert_int_equal(stat(w->fragment, &first), 0);
	assert_int_equal(first.st_mode & 07777, 0644);

	assert_int_equal(run(w, cmd_enable), EXIT_OK);
	assert_int_equal(w->reconfigured, 1);
	assert_says(w->out_text, "nothing changed");
	assert_int_equal(stat(w->fragment, &second), 0);
	assert_int_equal(first.st_ino, second.st_ino);

	assert_int_equal(run(w, cmd_disable), EXIT_OK);
	assert_int_equal(w->reconfigured, 2);
	assert_null(read_fragment(w));
	assert_says(w->out_text, "Disabled");
	assert_int_equal(run(w, cmd_disable), EXIT_OK);
	assert_int_equal(w->reconfigured, 2);
	assert_says(w->out_text, "Not enabled");
}

static void dry_run(void **state)
{
	struct world *w = *state;

	start(w, LOADS);
	w->options.dry_run = true;
	assert_int_equal(run(w, cmd_enable), EXIT_OK);
	assert_null(read_fragment(w));
	assert_int_equal(w->reconfigured, 0);
	assert_says(w->out_text, "vendor \"^IET$\"");
	assert_says(w->out_text, "Nothing was changed");
	w->options.dry_run = false;
	assert_int_equal(run(w, cmd_enable), EXIT_OK);
	w->options.dry_run = true;
	assert_int_equal(run(w, cmd_disable), EXIT_OK);
	assert_non_null(read_fragment(w));
	assert_int_equal(w->reconfigured, 1);
	assert_says(w->out_text, "Would remove");
}

static void json(void **state)
{
	struct world *w = *state;
	struct json_object *o, *value, *luns;

	start(w, LOADS);
	w->options.json = true;
	assert_int_equal(run(w, cmd_enable), EXIT_OK);
	o = json_tokener_parse(w->out_text);
	assert_non_null(o);
	assert_true(json_object_object_get_ex(o, "changed", &value));
	assert_true(json_object_get_boolean(value));
	assert_true(json_object_object_get_ex(o, "reconfigured", &value));
	assert_true(json_object_get_boolean(value));
	assert_true(json_object_object_get_ex(o, "luns", &luns));
	assert_int_equal(json_object_array_length(luns), 1);
	assert_true(json_object_object_get_ex(json_object_array_get_idx(luns, 0),
					      "no_path_retry", &value));
	assert_int_equal(json_object_get_int(value), 12);
	json_object_put(o);
}

static void plugin_missing(void **state)
{
	struct world *w = *state;

	start(w, LOADS);
	tree_remove(&w->tree, "plugins/libprioiscsi.so");
	assert_int_equal(run(w, cmd_enable), EXIT_REFUSED);
	assert_says(w->err_text, "libprioiscsi.so");
	assert_null(read_fragment(w));
	assert_int_equal(w->reconfigured, 0);
	w->options.dry_run = true;
	assert_int_equal(run(w, cmd_enable), EXIT_OK);
	assert_says(w->out_text, "warning: ");
}

static void files_of_others(void **state)
{
	struct world *w = *state;

	start(w, LOADS);
	tree_file(&w->tree, "etc/multipath/conf.d/mpathiscsi.conf", "# mine");
	assert_int_equal(run(w, cmd_enable), EXIT_REFUSED);
	assert_int_equal(run(w, cmd_disable), EXIT_REFUSED);
	assert_says(w->err_text, "not written by mpathiscsi");
	assert_string_equal(read_fragment(w), "# mine\n");
	assert_int_equal(w->reconfigured, 0);
}

static void edited_by_hand(void **state)
{
	struct world *w = *state;
	FILE *file;

	start(w, LOADS);
	assert_int_equal(run(w, cmd_enable), EXIT_OK);
	file = fopen(w->fragment, "ae");
	assert_non_null(file);
	fputs("defaults {\n}\n", file);
	fclose(file);
	assert_int_equal(run(w, cmd_enable), EXIT_REFUSED);
	assert_says(w->err_text, "line 26");
	assert_int_equal(run(w, cmd_disable), EXIT_OK);
	assert_null(read_fragment(w));
	assert_int_equal(run(w, cmd_enable), EXIT_OK);
}

/* Without multipathd the file is written all the same; later it is loaded, once. */
static void multipathd_not_there(void **state)
{
	struct world *w = *state;

	assert_int_equal(run(w, cmd_enable), EXIT_OK);
	assert_says(w->out_text, "multipathd does not run");
	assert_says(read_fragment(w), "\t\twwid \"" WWID "\"\n");
	assert_null(strstr(read_fragment(w), "\t\tno_path_retry"));
	start(w, LOADS);
	assert_int_equal(run(w, cmd_enable), EXIT_OK);
	assert_int_equal(w->reconfigured, 1);
	assert_says(read_fragment(w), "\t\tno_path_retry 12");
	stop(w);
	assert_int_equal(run(w, cmd_disable), EXIT_OK);
	assert_null(read_fragment(w));
}

static void unchanged_but_not_loaded(void **state)
{
	struct world *w = *state;

	start(w, LOADS);
	assert_int_equal(run(w, cmd_enable), EXIT_OK);
	w->ours = false; /* as if somebody had restored a snapshot */
	assert_int_equal(run(w, cmd_enable), EXIT_OK);
	assert_int_equal(w->reconfigured, 2);
}

static void plugin_does_not_load(void **state)
{
	struct world *w = *state;

	start(w, NO_PLUGIN);
	assert_int_equal(run(w, cmd_enable), EXIT_FAILED);
	assert_says(w->err_text, "taken back");
	assert_says(w->err_text, "sda");
	assert_null(read_fragment(w));
	assert_int_equal(w->reconfigured, 2);
	assert_false(w->ours);
}

static void beaten_by_another_setting(void **state)
{
	struct world *w = *state;

	start(w, BEATEN);
	w->options.timeout_s = 1;
	assert_int_equal(run(w, cmd_enable), EXIT_FAILED);
	assert_says(w->err_text, "sda by \"tur\"");
	assert_non_null(read_fragment(w));
}

static void never_idle(void **state)
{
	struct world *w = *state;

	start(w, NEVER_IDLE);
	w->options.timeout_s = 1;
	assert_int_equal(run(w, cmd_enable), EXIT_PENDING);
	assert_int_equal(run(w, cmd_disable), EXIT_PENDING);
	assert_null(read_fragment(w));
}

static void nothing_to_enable(void **state)
{
	struct world *w = *state;

	start(w, LOADS);
	w->has_disk = false;
	assert_int_equal(run(w, cmd_enable), EXIT_FAILED);
	assert_says(w->err_text, "nothing to enable");
	assert_null(read_fragment(w));
	assert_int_equal(w->reconfigured, 0);
}

static void broken_policies(void **state)
{
	struct world *w = *state;

	start(w, LOADS);
	tree_file(&w->tree, "policies.conf", "[lun mpatha]\npolicy = nonsense");
	assert_int_equal(run(w, cmd_enable), EXIT_REFUSED);
	assert_says(w->err_text, "policies.conf:2");
	assert_null(read_fragment(w));
}

/* mpathiscsid, as far as it is asked: are there policies in force of a file that is missing? */
static struct json_object *answer_section(struct json_object *request, bool is_root, void *arg)
{
	const bool *in_force = arg;
	struct json_object *reply;

	(void)is_root;
	if (strcmp(cli_text(request, "request"), "policy-section") != 0)
		return NULL;
	if (*in_force)
		return control_error("ISDSC_INVALID_PARAMETER", "x: the file is missing");
	reply = json_object_new_object();
	json_object_object_add(reply, "ok", json_object_new_boolean(true));
	return reply;
}

static void serve_section(const char *path, bool in_force, int ready)
{
	struct control *control;
	sd_event *event;

	if (sd_event_new(&event) < 0 ||
	    control_new(event, path, answer_section, &in_force, &control) < 0 ||
	    write(ready, "", 1) != 1)
		_exit(1);
	sd_event_loop(event);
	_exit(1);
}

static int enable_beside(struct world *w, bool in_force)
{
	int ready[2], code, status;
	char byte;
	pid_t pid;

	assert_int_equal(pipe(ready), 0);
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0)
		serve_section(w->control, in_force, ready[1]);
	close(ready[1]);
	assert_int_equal(read(ready[0], &byte, 1), 1);
	close(ready[0]);
	code = run(w, cmd_enable);
	assert_int_equal(kill(pid, SIGKILL), 0);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	unlink(w->control);
	return code;
}

/* The file has vanished under policies in force: none of them is to be lost by it. */
static void missing_policies(void **state)
{
	struct world *w = *state;

	start(w, LOADS);
	assert_int_equal(enable_beside(w, true), EXIT_REFUSED);
	assert_says(w->err_text, "ISDSC_INVALID_PARAMETER: x: the file is missing");
	assert_null(read_fragment(w));
	assert_int_equal(w->reconfigured, 0);
	tree_file(&w->tree, "policies.conf", "[lun mpatha]\npolicy = round-robin");
	assert_int_equal(enable_beside(w, true), EXIT_OK); /* it is not asked */
	assert_says(read_fragment(w), "\"round-robin\"");
	assert_int_equal(unlink(w->store), 0);
	assert_int_equal(enable_beside(w, false), EXIT_OK);
	assert_null(strstr(read_fragment(w), "\"round-robin\""));
}

/* A policy too long for prio_args is left out, and said so. */
static void long_policy(void **state)
{
	struct world *w = *state;
	char text[2000] =
		"[lun mpatha]\npolicy = failover-only\nactive = portal=10.0.1.2";

	start(w, LOADS);
	for (unsigned int i = 0; i < 20; i++)
		snprintf(text + strlen(text), sizeof(text) - strlen(text),
			 "\nstandby = portal=10.0.2.%u", i);
	tree_bytes(&w->tree, "policies.conf", text, strlen(text));
	assert_int_equal(run(w, cmd_enable), EXIT_OK);
	assert_says(w->out_text, "warning: " WWID);
	assert_says(read_fragment(w), "\t\tprio_args \"\"\n");
}

static void update(void **state)
{
	struct world *w = *state;
	char longest[FRAGMENT_PRIO_ARGS_MAX + 2];
	bool changed = true;

	assert_int_equal(fragment_update(w->conf_dir, WWID, "x", "", &changed), -ENODATA);
	start(w, LOADS);
	assert_int_equal(run(w, cmd_enable), EXIT_OK);
	assert_int_equal(fragment_update(w->conf_dir, WWID,
					 "failover-only active iface=a",
					 "round-robin 0", &changed),
			 0);
	assert_true(changed);
	assert_says(read_fragment(w), "\t\tprio_args \"failover-only active iface=a\"\n");
	assert_says(read_fragment(w), "\t\tpath_selector \"round-robin 0\"\n");
	assert_int_equal(fragment_update(w->conf_dir, WWID,
					 "failover-only active iface=a",
					 "round-robin 0", &changed),
			 0);
	assert_false(changed);
	assert_int_equal(fragment_update(w->conf_dir, "3600", "x", "", &changed), -ENXIO);
	memset(longest, 'x', sizeof(longest));
	longest[sizeof(longest) - 1] = '\0';
	assert_int_equal(fragment_update(w->conf_dir, WWID, longest, "", &changed), -E2BIG);
	assert_true(changed);
	assert_says(read_fragment(w), "\t\tprio_args \"\"\n");
	assert_int_equal(w->reconfigured, 1);
	tree_file(&w->tree, "etc/multipath/conf.d/mpathiscsi.conf", "# mine");
	assert_int_equal(fragment_update(w->conf_dir, WWID, "x", "", &changed), -EPERM);
	assert_string_equal(read_fragment(w), "# mine\n");
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(on_and_off),
		CASE(dry_run),
		CASE(json),
		CASE(plugin_missing),
		CASE(files_of_others),
		CASE(edited_by_hand),
		CASE(multipathd_not_there),
		CASE(unchanged_but_not_loaded),
		CASE(plugin_does_not_load),
		CASE(beaten_by_another_setting),
		CASE(never_idle),
		CASE(nothing_to_enable),
		CASE(broken_policies),	   CASE(missing_policies),
		CASE(long_policy),
		CASE(update),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
