/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Requests on the control socket, from their bytes to the reply's: on a host with two LUNs of
 * three and two paths, one with a policy. The first byte: is the caller root? Requests that
 * leave the process (files, multipathd) are left out.
 */
#include <sys/sysmacros.h>

#include "common/clock.h"
#include "daemon/control.h"
#include "daemon/requests.h"
#include "daemon/watch.h"
#include "tests/fuzz/fuzz.h"

#define LUN_A "60000000000000000e00000000010001"
#define LUN_B "60000000000000000e00000000010002"

static struct host {
	struct watch watch;
	struct iscsi_identity disks[5];
	struct dm_map map;
} host;

static const char policies[] = "[lun 3" LUN_A "]\npolicy = failover-only\n"
			       "active = portal=10.0.1.2\n"
			       "[target iqn.a:b]\npolicy = round-robin\n";

static void make_disk(unsigned int i)
{
	struct iscsi_identity *id = &host.disks[i];
	char portal[32];

	*id = (struct iscsi_identity){.devt = makedev(8, 16 * (i + 1)),
				      .is_iscsi = true,
				      .sid = i + 1,
				      .lun = 1 + i / 3,
				      .vendor = "ACME",
				      .product = "Disk",
				      .device_state = DEVICE_RUNNING,
				      .session_state = SESSION_LOGGED_IN};
	snprintf(id->device, sizeof(id->device), "sd%c", (char)('a' + i));
	snprintf(id->wwid, sizeof(id->wwid), "naa.%s", i < 3 ? LUN_A : LUN_B);
	snprintf(id->name.target, sizeof(id->name.target), "iqn.a:b");
	snprintf(portal, sizeof(portal), "10.0.%u.2", i % 3 + 1);
	must(portal_parse(portal, 3260, &id->name.portal) == 0);
}

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	char message[STORE_MESSAGE_MAX];
	struct watch *watch = &host.watch;

	(void)argc;
	(void)argv;
	for (unsigned int i = 0; i < 5; i++)
		make_disk(i);
	host.map = (struct dm_map){.name = "mpatha", .uuid = "mpath-3" LUN_A};
	must(!dm_map_parse_status("2 0 0 0 3 1 A 0 1 0 8:16 A 0 E 0 1 0 8:32 A 0 E 0 1 0 8:48 F 1",
				  &host.map));
	watch->inventory.disks = host.disks;
	watch->inventory.n_disks = 5;
	watch->inventory.maps = &host.map;
	watch->inventory.n_maps = 1;
	watch->options.sysfs = watch->options.board_path = watch->options.store_path = "/nowhere";
	watch->options.switch_path = watch->options.failed_path = "/nowhere/file";
	watch->published.known = watch->store_loaded = watch->planned = true;
	must(sd_event_default(&watch->event) >= 0);
	probe_config_default(&watch->options.probe);
	watch->options.probe.user = NULL;
	must(probe_engine_new(watch->event, &watch->options.probe, NULL, NULL, &watch->probes) == 0);
	must(store_parse(policies, "policies", &watch->store, message) == 0);
	must(lun_table_make(&watch->inventory, &watch->store, &watch->luns) == 0);
	must(watch->luns.n == 2);
	return 0;
}

static const char *text_of(struct json_object *object, const char *key)
{
	const char *text = json_object_get_string(json_object_object_get(object, key));

	return text ? text : "";
}

/* By another's rules: the library's own. */
static void check_utf8(const char *text, size_t length)
{
	struct json_tokener *tokener = json_tokener_new();
	struct json_object *object;

	must(tokener);
	json_tokener_set_flags(tokener, JSON_TOKENER_STRICT | JSON_TOKENER_VALIDATE_UTF8);
	object = json_tokener_parse_ex(tokener, text, (int)length);
	must(json_tokener_get_error(tokener) == json_tokener_success);
	json_object_put(object);
	json_tokener_free(tokener);
}

/* What the daemon sends is what the client takes. */
static void check_reply(struct json_object *reply)
{
	struct json_object *ok = json_object_object_get(reply, "ok"), *again;
	size_t length;
	const char *text;
	char *sent;

	must(json_object_is_type(reply, json_type_object));
	must(json_object_is_type(ok, json_type_boolean));
	if (!json_object_get_boolean(ok))
		must(*text_of(reply, "error") && *text_of(reply, "message"));
	text = json_object_to_json_string_length(reply, JSON_C_TO_STRING_PLAIN, &length);
	must(text && length <= CONTROL_REPLY_MAX);
	sent = fuzz_copy(text, length);
	control_make_utf8(sent, length);
	check_utf8(sent, length);
	again = control_parse_reply(sent, length);
	must(again && (json_object_equal(again, reply) || memcmp(sent, text, length)));
	json_object_put(again);
	free(sent);
}

/* Those that change something leave the process: files, multipathd. */
static bool stays_here(struct json_object *request)
{
	const char *name = text_of(request, "request");
	const struct request_kind *kind;

	for (size_t i = 0; (kind = requests_kind(i)); i++)
		if (!strcmp(kind->name, name))
			return kind->right == REQUEST_LOOKS;
	return true;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct fuzz_bytes bytes = {data, size};
	bool is_root = fuzz_byte(&bytes) & 1;
	char *text = fuzz_copy(bytes.data, bytes.size);
	struct json_object *request = control_parse_request(text, bytes.size), *reply;

	if (request && (!is_root || stays_here(request))) {
		reply = requests_handle(request, is_root, &host.watch);
		if (reply) {
			must(is_root || stays_here(request) ||
			     !strcmp(text_of(reply, "error"), "NOT_PERMITTED"));
			check_reply(reply);
		}
		json_object_put(reply);
	}
	must(host.watch.luns.n == 2 && host.watch.store.n == 2 && !host.watch.failed.n);
	json_object_put(request);
	free(text);
	return 0;
}
