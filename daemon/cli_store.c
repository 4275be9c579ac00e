/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Which section of the policies file a command means, and what follows from changing it. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#include "common/clock.h"
#include "daemon/cli_policy.h"

/* Longer than any command holds it: multipathd's reconfigure, and what follows it. */
#define LOCK_MS	      120000
#define LOCK_SAY_MS   1000
#define LOCK_AGAIN_MS 50

/* VENDOR/PRODUCT as a section writes it. */
static int product_section(const char *argument, char *buffer, size_t size)
{
	const char *slash = strchr(argument, '/');
	int n;

	if (!slash || strchr(argument, '"')) {
		cli_error("ISDSC_INVALID_PARAMETER: --product=%s: write VENDOR/PRODUCT, as in "
			  "--product=LIO-ORG/disk1",
			  argument);
		return EXIT_REFUSED;
	}
	n = snprintf(buffer, size, "product \"%.*s\" \"%s\"", (int)(slash - argument), argument,
		     slash + 1);
	if (n > 0 && (size_t)n < size)
		return EXIT_OK;
	cli_error("ISDSC_INVALID_PARAMETER: --product: a name of %zu characters", strlen(argument));
	return EXIT_REFUSED;
}

int cli_scope_option(struct cli_scope *scope, int option, const char *argument)
{
	char section[2 * STORE_NAME_TEXT_MAX] = "default", message[POLICY_MESSAGE_MAX];
	int r = EXIT_OK;

	if (scope->has_name) {
		cli_error("only one of --target, --product and --default can be given, once");
		return EXIT_USAGE;
	}
	if (option == CLI_OPTION_TARGET)
		snprintf(section, sizeof(section), "target %s", argument);
	else if (option == CLI_OPTION_PRODUCT)
		r = product_section(argument, section, sizeof(section));
	if (r != EXIT_OK)
		return r;
	if (store_name_parse(section, &scope->name, message) < 0) {
		cli_error("%s: %s",
			  option == CLI_OPTION_TARGET ? "ISDSC_INVALID_ISCSI_NAME" :
							"ISDSC_INVALID_PARAMETER",
			  message);
		return EXIT_REFUSED;
	}
	scope->has_name = true;
	return EXIT_OK;
}

void cli_scope_field(const struct cli_scope *scope, struct json_object *fields)
{
	char section[STORE_NAME_TEXT_MAX];

	if (scope->has_name)
		json_object_object_add(
			fields, "scope",
			json_object_new_string(store_name_format(&scope->name, section)));
	else if (scope->lun)
		json_object_object_add(fields, "lun", json_object_new_string(scope->lun));
}

static int open_lock(const struct cli *cli)
{
	char path[4096];
	int fd;

	if (snprintf(path, sizeof(path), "%s.lock", cli->store_path) >= (int)sizeof(path))
		return -ENAMETOOLONG;
	fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	return fd < 0 ? -errno : fd;
}

/* flock() without end would wait for one that was stopped. -ETIMEDOUT. */
static int wait_for_lock(int fd)
{
	uint64_t begin_ns = clock_now_ns();
	bool said = false;

	while (flock(fd, LOCK_EX | LOCK_NB) < 0) {
		uint64_t waited_ms = (clock_now_ns() - begin_ns) / NS_PER_MS;

		if (errno != EWOULDBLOCK && errno != EINTR)
			return -errno;
		if (waited_ms >= LOCK_MS)
			return -ETIMEDOUT;
		if (waited_ms >= LOCK_SAY_MS && !said)
			fputs("mpathiscsi: waiting for another mpathiscsi that changes policies\n",
			      stderr);
		said = waited_ms >= LOCK_SAY_MS;
		poll(NULL, 0, LOCK_AGAIN_MS);
	}
	return 0;
}

/* One editor at a time. */
static int lock_store(const struct cli *cli)
{
	int fd = open_lock(cli), r;

	if (fd < 0)
		return fd;
	r = wait_for_lock(fd);
	if (r == 0)
		return fd;
	close(fd);
	return r;
}

/* The text of the file, if it is in order: an edit must not hide an old mistake. */
static int read_good(const struct cli *cli, char **ret_text)
{
	char message[STORE_MESSAGE_MAX];
	struct store store;
	enum policy_error error;
	int r = store_read_file(cli->store_path, ret_text);

	if (r < 0) {
		cli_error("%s: %s", cli->store_path, store_read_error(r));
		return EXIT_FAILED;
	}
	error = store_parse(*ret_text, cli->store_path, &store, message);
	if (error != POLICY_OK) {
		cli_error("%s: %s\nmend the file first; nothing was changed",
			  policy_error_name(error), message);
		free(*ret_text);
		return EXIT_REFUSED;
	}
	store_free(&store);
	return EXIT_OK;
}

int cli_store_edit(const struct cli *cli, const struct store_name *name, const char *alias,
		   const struct policy_setting *setting)
{
	char message[STORE_MESSAGE_MAX];
	char *old = NULL, *new = NULL;
	enum policy_error error;
	struct store store;
	int r = read_good(cli, &old);

	if (r != EXIT_OK)
		return r;
	r = store_edit(old, name, alias, setting, &new);
	error = r == 0 ? store_parse(new, cli->store_path, &store, message) : POLICY_OK;
	if (error != POLICY_OK) {
		cli_error("%s: it would be a broken file: %s; nothing was changed",
			  policy_error_name(error), message);
		free(old);
		free(new);
		return EXIT_REFUSED;
	}
	if (r == 0) {
		store_free(&store);
		r = store_write_file(cli->store_path, new);
	}
	free(old);
	free(new);
	if (r == -ENOENT && !setting) {
		cli_say_no_section(cli, name);
		return EXIT_REFUSED;
	}
	if (r < 0) {
		cli_error("ISDSC_FAILURE_TO_PERSIST_LB_POLICY: %s: %s; nothing was changed",
			  cli->store_path, strerror(-r));
		return EXIT_FAILED;
	}
	return EXIT_OK;
}

int cli_store_lock(const struct cli *cli, int *ret_lock)
{
	int lock = lock_store(cli);

	*ret_lock = lock;
	if (lock == -ENOENT) /* no folder, no file: what is wrong is said when it is written */
		return EXIT_OK;
	if (lock == -EACCES || lock == -EPERM) {
		cli_error("NOT_PERMITTED: %s.lock: %s; run as root", cli->store_path,
			  strerror(-lock));
		return EXIT_NOT_PERMITTED;
	}
	if (lock == -ETIMEDOUT) {
		cli_error("another mpathiscsi has been changing policies for %d s (%s.lock); nothing "
			  "was changed",
			  LOCK_MS / 1000, cli->store_path);
		return EXIT_FAILED;
	}
	if (lock < 0) {
		cli_error("ISDSC_FAILURE_TO_PERSIST_LB_POLICY: %s.lock: %s; nothing was changed",
			  cli->store_path, strerror(-lock));
		return EXIT_FAILED;
	}
	return EXIT_OK;
}

int cli_store_lock_if_possible(const struct cli *cli)
{
	return lock_store(cli);
}

void cli_store_unlock(int lock)
{
	if (lock >= 0)
		close(lock);
}

int cli_policy_reload(struct cli *cli)
{
	struct json_object *reply;
	int r = cli_request(cli, "reload", NULL, &reply);

	if (r == EXIT_OK)
		json_object_put(reply);
	return r;
}

struct json_object *cli_find_lun(struct json_object *luns, const char *wwid)
{
	size_t i;

	for (i = 0; i < cli_length(luns); i++)
		if (!strcmp(cli_text(json_object_array_get_idx(luns, i), "wwid"), wwid))
			return json_object_array_get_idx(luns, i);
	return NULL;
}

static void update_fragments(struct cli *cli, const struct fragment_change *changes, size_t n)
{
	size_t last = n, i;

	for (i = 0; i < n; i++)
		if (changes[i].reconfigure)
			last = i;
	for (i = 0; i < n; i++)
		if (i != last)
			cli_policy_update_fragment(cli, changes[i].wwid, changes[i].setting,
						   changes[i].selector, false);
	if (last < n)
		cli_policy_update_fragment(cli, changes[last].wwid, changes[last].setting,
					   changes[last].selector, true);
}

/* The policies that have effect now, of one LUN or of all. */
static struct json_object *ask_policies(struct cli *cli, struct json_object *luns)
{
	struct json_object *fields = json_object_new_object(), *reply;

	if (cli_length(luns) == 1)
		json_object_object_add(fields, "lun",
				       json_object_new_string(cli_text(
					       json_object_array_get_idx(luns, 0), "wwid")));
	json_object_object_add(fields, "detail", json_object_new_string("luns"));
	return cli_request(cli, "status", fields, &reply) == EXIT_OK ? reply : NULL;
}

const char *cli_selector_of(struct json_object *lun)
{
	const struct policy *policy = policy_by_name(cli_text(lun, "policy_name"));

	return policy ? policy->selector : "";
}

bool cli_lun_is_supported(struct json_object *lun, const char *policy_name)
{
	const struct policy *policy = policy_by_name(policy_name);
	char message[POLICY_MESSAGE_MAX];

	if (!policy || cli_policy_is_supported(policy, message))
		return true;
	cli_error("%s: %s: %s", policy_error_name(POLICY_LB_POLICY_NOT_SUPPORTED),
		  cli_text(lun, "wwid"), message);
	return false;
}

void cli_policy_follow(struct cli *cli, struct json_object *luns, const char *reconfigure)
{
	struct json_object *reply = ask_policies(cli, luns), *asked, *lun;
	struct fragment_change *changes = calloc(cli_length(luns) + 1, sizeof(*changes));
	size_t n = 0;

	for (size_t i = 0; reply && changes && i < cli_length(luns); i++) {
		asked = json_object_array_get_idx(luns, i);
		lun = cli_find_lun(json_object_object_get(reply, "luns"), cli_text(asked, "wwid"));
		if (lun)
			changes[n++] = (struct fragment_change){
				.wwid = cli_text(lun, "wwid"),
				.setting = cli_text(lun, "policy"),
				.selector = cli_lun_is_supported(lun, cli_text(lun, "policy_name")) ?
						    cli_selector_of(lun) : "",
				.reconfigure = cli_flag(asked, reconfigure)};
	}
	if (changes)
		update_fragments(cli, changes, n);
	else
		cli_error("out of memory");
	free(changes);
	json_object_put(reply);
}
