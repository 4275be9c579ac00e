/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "daemon/kept.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/clock.h"
#include "common/parse.h"
#include "daemon/control.h"
#include "daemon/enable_apply.h"
#include "daemon/lingering.h"
#include "daemon/multipathd_client.h"
#include "daemon/multipathd_config.h"

#define LOOK_AGAIN_MS 500
#define STATUS_MS     10000
/* A LUN that has not answered for so long is the reason for its path's failure. */
#define ANSWER_MS     8000
#define FAIL_AGAIN_MS 20000

void kept_free(struct kept *kept)
{
	free(kept->devices);
	*kept = (struct kept){.n = 0};
}

static int add_device(struct kept *kept, const char *device)
{
	char(*grown)[DEVICE_NAME_MAX] = reallocarray(kept->devices, kept->n + 1, sizeof(*grown));

	if (!grown)
		return -ENOMEM;
	kept->devices = grown;
	return copy_text(grown[kept->n++], DEVICE_NAME_MAX, device);
}

/* How long an enabled checker may take to reinstate a path that works. */
static int64_t settled_ms(uint64_t deadline_ns)
{
	struct mp_config config = {.polling_interval = 0};
	char *reply = NULL;
	int64_t ms = LINGERING_OPERATOR_MS;

	if (multipathd_call(NULL, MP_SHOW_CONFIG, deadline_ns, &reply) == 0 &&
	    mp_config_parse(reply, &config) == 0 &&
	    (int64_t)config.polling_interval * 2000 + 2000 > ms)
		ms = (int64_t)config.polling_interval * 2000 + 2000;
	free(reply);
	return ms;
}

/* One path of the daemon's report. 1: not clear yet. */
static int look_at_path(struct json_object *path, int64_t waited_ms, int64_t settled,
			struct kept *kept)
{
	const char *by = cli_text(path, "barred_by");
	int64_t good_ms = cli_number(path, "lingers_good_ms");

	if (!strcmp(by, "mpathiscsi"))
		return add_device(kept, cli_text(path, "device"));
	if (!cli_flag(path, "lingers"))
		return 0;
	if (good_ms >= settled)
		return add_device(kept, cli_text(path, "device"));
	return good_ms > 0 || waited_ms < ANSWER_MS;
}

static int look_at_all(struct json_object *reply, int64_t waited_ms, int64_t settled,
		       struct kept *kept)
{
	struct json_object *luns = json_object_object_get(reply, "luns"), *paths;
	size_t i, j;
	int unclear = 0, r;

	for (i = 0; i < cli_length(luns); i++) {
		paths = json_object_object_get(json_object_array_get_idx(luns, i), "paths");
		for (j = 0; j < cli_length(paths); j++) {
			r = look_at_path(json_object_array_get_idx(paths, j), waited_ms, settled,
					 kept);
			if (r < 0)
				return r;
			unclear |= r;
		}
	}
	return unclear;
}

/* One look. 1: some path is not clear yet. */
static int collect_once(const struct cli *cli, int64_t waited_ms, int64_t settled,
			struct kept *kept)
{
	struct json_object *request = json_object_new_object(), *reply = NULL;
	int r;

	json_object_object_add(request, "request", json_object_new_string("status"));
	r = control_request_all(cli->control_path, request, STATUS_MS, &reply);
	json_object_put(request);
	if (r < 0)
		return r;
	r = look_at_all(reply, waited_ms, settled, kept);
	json_object_put(reply);
	return r;
}

int kept_collect(const struct cli *cli, uint64_t deadline_ns, struct kept *ret)
{
	int64_t settled = settled_ms(deadline_ns);
	uint64_t begin_ns = clock_now_ns();
	struct kept kept = {.n = 0};
	int r;

	for (;;) {
		uint64_t now_ns = clock_now_ns();

		r = collect_once(cli, (int64_t)((now_ns - begin_ns) / NS_PER_MS), settled, &kept);
		if (r <= 0 || now_ns >= deadline_ns)
			break;
		kept_free(&kept);
		poll(NULL, 0, LOOK_AGAIN_MS);
	}
	if (r < 0) {
		kept_free(&kept);
		return r;
	}
	*ret = kept;
	return 0;
}

static int fail_one(const char *device, uint64_t deadline_ns)
{
	char request[DEVICE_NAME_MAX + 16];
	int r;

	snprintf(request, sizeof(request), "fail path %s", device);
	do {
		r = multipathd_command(NULL, request, deadline_ns);
		if (r == 0)
			return 0;
		poll(NULL, 0, LOOK_AGAIN_MS); /* still being discovered */
	} while (clock_now_ns() < deadline_ns);
	return r;
}

int kept_fail_again(const struct kept *kept, uint64_t deadline_ns)
{
	int result = EXIT_OK;

	for (size_t i = 0; i < kept->n; i++) {
		int r = fail_one(kept->devices[i], deadline_ns);

		if (r == 0)
			continue;
		cli_error("%s was failed by an operator, and is in use again after the "
			  "reconfigure: `multipathd fail path %s` did not work (%s)",
			  kept->devices[i], kept->devices[i], strerror(-r));
		result = EXIT_FAILED;
	}
	return result;
}

int kept_reconfigure(const struct cli *cli, uint64_t timeout_ms)
{
	uint64_t deadline_ns = clock_now_ns() + timeout_ms * NS_PER_MS;
	struct kept kept = {.n = 0};
	int r = kept_collect(cli, deadline_ns, &kept);

	if (r < 0)
		cli_error("note: what operators have failed is not known (%s) and may be in use "
			  "again after the reconfigure",
			  strerror(-r));
	r = takeover_reconfigure(NULL, NULL, NULL, deadline_ns, NULL);
	kept_fail_again(&kept, clock_now_ns() + FAIL_AGAIN_MS * NS_PER_MS);
	kept_free(&kept);
	return r;
}
