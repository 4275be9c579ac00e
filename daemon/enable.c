/* SPDX-License-Identifier: GPL-2.0-or-later */
/* `mpathiscsi enable` and `mpathiscsi disable`. */
#include "daemon/enable.h"

#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/clock.h"
#include "common/parse.h"
#include "daemon/cli.h"
#include "daemon/control.h"
#include "daemon/enable_apply.h"
#include "daemon/enable_report.h"
#include "daemon/multipathd_client.h"
#include "daemon/store.h"

#define TIMEOUT_S 60

/* One run: what is known, and what came of it. */
struct run {
	const struct enable_options *options;
	const char *conf_dir, *plugin_dir;
	FILE *out, *err;
	uint64_t deadline_ns;
	char path[FRAGMENT_PATH_MAX];
	char *old_text;	     /* NULL: no fragment yet */
	struct fragment old; /* parsed */
	struct gathered facts;
	struct fragment wanted;
	char *text; /* printed 'wanted'; NULL: none (disable) */
	struct notes notes;
	bool changed, reconfigured;
};

static int run_begin(struct run *run, const struct enable_options *options)
{
	*run = (struct run){
		.options = options,
		.conf_dir = options->conf_dir ? options->conf_dir : ENABLE_CONF_DIR,
		.plugin_dir = options->plugin_dir ? options->plugin_dir : PLUGINDIR,
		.out = options->out ? options->out : stdout,
		.err = options->err ? options->err : stderr,
		.deadline_ns =
			clock_now_ns() +
			(options->timeout_s ? options->timeout_s : TIMEOUT_S) * NS_PER_S,
	};
	return fragment_path(run->conf_dir, run->path, sizeof(run->path));
}

static void run_end(struct run *run)
{
	free(run->old_text);
	free(run->text);
	fragment_free(&run->old);
	fragment_free(&run->wanted);
	gathered_free(&run->facts);
	notes_free(&run->notes);
}

/* Say why on stderr and give the exit code. */
static int fail(struct run *run, int code, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

static int fail(struct run *run, int code, const char *format, ...)
{
	va_list args;

	fputs("mpathiscsi: ", run->err);
	va_start(args, format);
	vfprintf(run->err, format, args);
	va_end(args);
	fputc('\n', run->err);
	return code;
}

static int fail_errno(struct run *run, const char *what, int error)
{
	const char *why = error == -EPROTO	? "its answer makes no sense to us"
			  : error == -EREMOTEIO ? "it says \"fail\""
						: strerror(-error);

	return fail(run,
		    error == -EACCES || error == -EPERM ? EXIT_NOT_PERMITTED
							: EXIT_FAILED,
		    "%s: %s", what, why);
}

/* Both plugins, where multipathd will look for them. */
static int check_plugins(struct run *run)
{
	static const char *const plugins[] = {"libcheckiscsi.so", "libprioiscsi.so"};
	char path[FRAGMENT_PATH_MAX];

	for (size_t i = 0; i < sizeof(plugins) / sizeof(plugins[0]); i++) {
		if (snprintf(path, sizeof(path), "%s/%s", run->plugin_dir, plugins[i]) >=
		    (int)sizeof(path))
			return fail_errno(run, run->plugin_dir, -ENAMETOOLONG);
		if (!access(path, R_OK))
			continue;
		if (!run->options->dry_run)
			return fail(
				run, EXIT_REFUSED,
				"%s: %s; install it first: without it multipathd would "
				"have no checker for these paths",
				path, strerror(errno));
		notes_add(&run->notes, NOTE_WARNING, "%s: %s; install it before enabling",
			  path, strerror(errno));
	}
	return EXIT_OK;
}

/* The fragment that is there. 'must_parse': what stands in it matters. */
static int load_old(struct run *run, bool must_parse)
{
	unsigned int line;
	int r = fragment_load(run->path, &run->old_text);

	if (r)
		return fail_errno(run, run->path, r);
	if (!run->old_text)
		return EXIT_OK;
	if (!fragment_is_ours(run->old_text))
		return fail(run, EXIT_REFUSED,
			    "%s exists, but was not written by mpathiscsi; move it away "
			    "first",
			    run->path);
	if (!must_parse)
		return EXIT_OK;
	r = fragment_parse(run->old_text, &run->old, &line);
	if (r == -EBADMSG)
		return fail(
			run, EXIT_REFUSED,
			"%s, line %u: not as mpathiscsi writes it; put what you changed "
			"into "
			"/etc/multipath.conf, then `mpathiscsi disable` and enable again",
			run->path, line);
	return r ? fail_errno(run, run->path, r) : EXIT_OK;
}

static int gather(struct run *run)
{
	char what[96];
	int r = enable_gather(run->options->socket, run->options->sysfs, run->deadline_ns,
			      &run->facts, what, sizeof(what));

	if (r)
		return fail_errno(run, what, r);
	if (run->facts.config.config_dir[0] &&
	    strcmp(run->facts.config.config_dir, run->conf_dir))
		notes_add(&run->notes, NOTE_WARNING,
			  "multipathd reads fragments from %s (config_dir), not from %s",
			  run->facts.config.config_dir, run->conf_dir);
	return EXIT_OK;
}

static int add_policies(struct run *run)
{
	char message[STORE_MESSAGE_MAX];
	struct conf_policy *policies = NULL;
	size_t n = 0;
	int r;

	if (!run->options->store_path)
		return EXIT_OK;
	r = enable_store_missing(run->options->store_path,
				 run->options->control_path ? run->options->control_path
							    : CONTROL_DEFAULT_PATH,
				 message);
	if (!r)
		r = enable_policies(run->options->store_path, &run->wanted, &run->facts,
				    &policies, &n, message);
	if (r)
		return message[0] ? fail(run, EXIT_REFUSED, "%s", message)
				  : fail_errno(run, run->options->store_path, r);
	array_conf_policies(&run->wanted, policies, n, &run->notes);
	free(policies);
	return EXIT_OK;
}

/* From the facts to the text that should stand in the file. */
static int decide(struct run *run)
{
	struct conf_input input = {
		.paths = run->facts.paths,
		.n_paths = run->facts.n_paths,
		.maps = run->facts.maps,
		.n_maps = run->facts.n_maps,
		.config = run->facts.daemon_runs ? &run->facts.config : NULL,
		.old = run->old_text ? &run->old : NULL,
		.daemon_runs = run->facts.daemon_runs,
	};
	int r = array_conf_build(&input, &run->wanted, &run->notes);

	if (r)
		return fail_errno(run, "deciding", r);
	r = add_policies(run);
	if (r)
		return r;
	r = fragment_print(&run->wanted, &run->text);
	if (r)
		return fail_errno(run, "printing", r);
	run->changed = !run->old_text || strcmp(run->old_text, run->text);
	return EXIT_OK;
}

/* The end of both commands: notes and one sentence, or JSON. Gives 'code' back. */
static int report(struct run *run, int code, const char *sentence)
{
	struct enable_report said = {
		.path = run->path,
		.text = run->text,
		.fragment = &run->wanted,
		.notes = &run->notes,
		.dry_run = run->options->dry_run,
		.json = run->options->json,
		.changed = run->changed,
		.reconfigured = run->reconfigured,
		.daemon_runs = run->facts.daemon_runs,
	};

	enable_report(run->out, &said, code, sentence);
	return code;
}

/* multipathd could not load the checker: no path may stay without one. */
static int take_back(struct run *run, const struct takeover_report *last)
{
	uint64_t deadline = clock_now_ns() + TIMEOUT_S * NS_PER_S;
	int r = fragment_store(run->path, run->old_text);

	if (!r)
		r = takeover_reconfigure(run->options->socket, &run->facts, NULL,
					 deadline, NULL);
	if (r)
		return fail(run, EXIT_FAILED,
			    "multipathd has no checker for %s, and taking %s back failed "
			    "too: %s; "
			    "remove the file and run `multipathd reconfigure`",
			    last->dev, run->path, strerror(-r));
	return fail(run, EXIT_FAILED,
		    "multipathd could not load our checker for %s (see its journal); all "
		    "was taken "
		    "back",
		    last->dev);
}

/* Let multipathd read what is in the file now. */
static int take_over(struct run *run)
{
	struct takeover_report last = {.state = TAKEOVER_OTHER};
	int r = takeover_reconfigure(run->options->socket, &run->facts, &run->wanted,
				     run->deadline_ns, &last);

	run->reconfigured = true;
	if (!r)
		return EXIT_OK;
	if (r == -ELIBACC)
		return take_back(run, &last);
	if (r != -ETIMEDOUT)
		return fail_errno(run, "multipathd, \"reconfigure\"", r);
	if (last.state == TAKEOVER_OTHER && last.dev[0])
		return fail(run, EXIT_FAILED,
			    "%s is written, but multipathd still checks %s by \"%s\": "
			    "another "
			    "setting beats it (overrides{}, or a file in %s that comes "
			    "later)",
			    run->path, last.dev, last.checker, run->conf_dir);
	return fail(run, EXIT_PENDING,
		    "%s is written, but multipathd has not finished reading it; see "
		    "`multipathd show daemon`",
		    run->path);
}

/* Is the file as wanted, and in force? Then there is nothing to do. */
static bool in_force(struct run *run)
{
	struct takeover_report report;

	return !run->changed && run->facts.daemon_runs &&
	       !takeover_ask(run->options->socket, &run->facts, &run->wanted,
			     run->deadline_ns, &report) &&
	       report.state == TAKEOVER_DONE;
}

static int enable_write(struct run *run)
{
	int r;

	if (in_force(run))
		return report(run, EXIT_OK, "Already enabled; nothing changed.");
	if (run->changed) {
		r = fragment_store(run->path, run->text);
		if (r)
			return fail_errno(run, run->path, r);
	}
	if (!run->facts.daemon_runs)
		return report(run, EXIT_OK,
			      "Written. multipathd does not run; it will read it when it "
			      "starts.");
	r = take_over(run);
	return report(run, r,
		      r ? NULL : "Enabled: multipathd checks these paths by \"iscsi\".");
}

static int enable_run(struct run *run)
{
	int r = check_plugins(run);

	if (!r)
		r = load_old(run, true);
	if (!r)
		r = gather(run);
	if (!r)
		r = decide(run);
	if (r)
		return r;
	if (!run->wanted.n_arrays) {
		free(run->text);
		run->text = NULL;
		run->changed = false;
		report(run, EXIT_FAILED, NULL);
		return fail(run, EXIT_FAILED, "nothing to enable: %s",
			    run->notes.n ? "see above"
					 : "no disk on software iSCSI (iscsi_tcp)");
	}
	if (run->options->dry_run)
		return report(run, EXIT_OK,
			      run->changed ? "Nothing was changed (--dry-run)."
					   : "The file is there already, as above.");
	return enable_write(run);
}

int cmd_enable(const struct enable_options *options)
{
	struct run run;
	int r = run_begin(&run, options);

	r = r ? fail_errno(&run, run.conf_dir, r) : enable_run(&run);
	run_end(&run);
	return r;
}

static int disable_run(struct run *run)
{
	struct mp_daemon daemon;
	int r = load_old(run, false);

	if (r)
		return r;
	run->facts.daemon_runs = !multipathd_not_running(
		multipathd_daemon(run->options->socket, run->deadline_ns, &daemon));
	if (!run->old_text)
		return report(run, EXIT_OK, "Not enabled; nothing changed.");
	run->changed = true;
	if (run->options->dry_run) {
		notes_add(&run->notes, NOTE_INFO, "Would remove %s%s.", run->path,
			  run->facts.daemon_runs ? " and let multipathd reconfigure"
						 : "");
		return report(run, EXIT_OK, "Nothing was changed (--dry-run).");
	}
	r = fragment_store(run->path, NULL);
	if (r)
		return fail_errno(run, run->path, r);
	if (!run->facts.daemon_runs)
		return report(run, EXIT_OK, "Disabled. multipathd does not run.");
	r = takeover_reconfigure(run->options->socket, &run->facts, NULL,
				 run->deadline_ns, NULL);
	run->reconfigured = true;
	if (r == -ETIMEDOUT)
		return report(
			run,
			fail(run, EXIT_PENDING,
			     "%s is removed, but multipathd has not finished reading its "
			     "configuration; see `multipathd show daemon`",
			     run->path),
			NULL);
	if (r)
		return fail_errno(run, "multipathd, \"reconfigure\"", r);
	return report(run, EXIT_OK, "Disabled: multipathd has its former settings.");
}

int cmd_disable(const struct enable_options *options)
{
	struct run run;
	int r = run_begin(&run, options);

	r = r ? fail_errno(&run, run.conf_dir, r) : disable_run(&run);
	run_end(&run);
	return r;
}
