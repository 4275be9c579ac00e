/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * levers: the daemon's I/O layer by hand, on the session below a disk, for scenarios.
 *	levers look DISK			the connection, as sock_diag shows it
 *	levers set DISK TIMEOUT-MS RECOVERY	arm (0: no socket; recovery -1: leave) and end
 *	levers clear DISK			put back
 *	levers destroy DISK			end the connection
 *	levers fail MAP DISK | reinstate MAP DISK
 *	levers routes MS ADDRESS…		(0: take them back)
 * Prints KEY=VALUE lines. Exit status 1 with the error's name when a call fails.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/identity.h"
#include "daemon/quick/levers.h"
#include "daemon/quick/map_message.h"
#include "daemon/quick/routes.h"

struct target {
	struct iscsi_identity id;
	struct connection_name name;
};

static int failed(const char *what, int r)
{
	printf("failed=%s error=%s\n", what, strerrorname_np(-r));
	return EXIT_FAILURE;
}

static int find(const char *disk, struct target *ret)
{
	int r = identity_by_name(NULL, disk, &ret->id);

	if (r < 0)
		return r;
	ret->name = (struct connection_name){.local = ret->id.name.source,
					     .local_port = ret->id.local_port,
					     .peer = ret->id.current};
	return connection_known(&ret->name) ? 0 : -ENOTCONN;
}

static int look(const struct target *target, struct connections **ret, struct tcp_sample *sample)
{
	int r = connections_new(ret);

	return r < 0 ? r : connections_look(*ret, &target->name, sample);
}

static int do_look(const struct target *target)
{
	struct connections *connections = NULL;
	struct tcp_sample s;
	int r = look(target, &connections, &s);

	connections_free(connections);
	if (r < 0)
		return failed("look", r);
	printf("inode=%u state=%u backoff=%u retransmits=%u probes=%u rto_us=%u rtt_us=%u\n",
	       s.inode, s.state, s.backoff, s.retransmits, s.probes, s.rto_us, s.rtt_us);
	printf("unacked=%u acked=%llu received=%llu window=%u mss=%u unread=%u\n", s.unacked,
	       (unsigned long long)s.bytes_acked, (unsigned long long)s.bytes_received, s.snd_wnd,
	       s.snd_mss, s.unread);
	return EXIT_SUCCESS;
}

static int do_destroy(const struct target *target)
{
	struct connections *connections = NULL;
	struct tcp_sample sample;
	int r = look(target, &connections, &sample);

	if (r == 0)
		r = connections_destroy(connections, &target->name, sample.inode);
	connections_free(connections);
	return r < 0 ? failed("destroy", r) : EXIT_SUCCESS;
}

/* All disks of the session, as the daemon has them from its inventory. */
struct disks {
	unsigned int sid;
	char names[64][DEVICE_NAME_MAX];
	const char *list[64];
	size_t n;
};

static int take_disk(const char *device, void *arg)
{
	struct disks *disks = arg;
	struct iscsi_identity id;

	if (identity_by_name(NULL, device, &id) < 0 || id.sid != disks->sid || disks->n == 64)
		return 0;
	snprintf(disks->names[disks->n], DEVICE_NAME_MAX, "%s", device);
	disks->list[disks->n] = disks->names[disks->n];
	disks->n++;
	return 0;
}

static int do_set(const struct target *target, const char *timeout, const char *recovery)
{
	struct disks disks = {.sid = target->id.sid};
	struct connections *connections = NULL;
	struct levers *levers = NULL;
	struct lever_state state;
	struct tcp_sample sample;
	struct lever_wish wish = {.sid = target->id.sid,
				  .connection = target->name,
				  .user_timeout_ms = (uint32_t)atoi(timeout),
				  .recovery_tmo_s = atoi(recovery),
				  .devices = disks.list};
	int r = look(target, &connections, &sample);

	connections_free(connections);
	if (r == 0)
		r = identity_each_disk(NULL, take_disk, &disks);
	if (r == 0)
		r = levers_new(NULL, NULL, &levers);
	wish.inode = sample.inode;
	wish.n_devices = disks.n;
	if (r == 0)
		r = levers_set(levers, &wish, &state);
	levers_free(levers);
	if (r < 0)
		return failed("set", r);
	printf("quick=%d timeout=%u error=%s socket=%s\n", state.quick, state.user_timeout_ms,
	       state.error ? strerrorname_np(-state.error) : "0", lever_socket_text(state.socket));
	return EXIT_SUCCESS;
}

static int do_clear(const struct target *target)
{
	struct levers *levers;
	struct lever_state state;
	int r = levers_new(NULL, NULL, &levers);

	if (r < 0)
		return failed("clear", r);
	r = levers_clear(levers, target->id.sid);
	if (levers_state(levers, target->id.sid, &state) == 0)
		printf("left=%s\n", lever_socket_text(state.socket));
	levers_free(levers);
	return r < 0 ? failed("clear", r) : EXIT_SUCCESS;
}

static int do_message(const char *map, const char *disk, int (*fn)(const char *map, dev_t path))
{
	struct iscsi_identity id;
	int r = identity_by_name(NULL, disk, &id);

	if (r == 0)
		r = fn(map, id.devt);
	return r < 0 ? failed("message", r) : EXIT_SUCCESS;
}

static int do_routes(const char *ms, char **texts, size_t n)
{
	struct ip_address portals[16];
	int errors[16], r = 0;
	size_t i;

	for (i = 0; i < n && i < 16; i++)
		if (ip_address_parse(texts[i], &portals[i]) < 0)
			return 2;
	r = atoi(ms) ? routes_set(NULL, portals, i, (uint32_t)atoi(ms), errors) :
		       routes_clear(NULL);
	if (r < 0)
		return failed("routes", r);
	for (i = 0; atoi(ms) && i < n && i < 16; i++)
		printf("%s=%s\n", texts[i], errors[i] ? strerrorname_np(-errors[i]) : "tuned");
	return EXIT_SUCCESS;
}

int main(int argc, char **argv)
{
	struct target target;
	int r;

	if (argc == 4 && !strcmp(argv[1], "fail"))
		return do_message(argv[2], argv[3], map_fail_path);
	if (argc == 4 && !strcmp(argv[1], "reinstate"))
		return do_message(argv[2], argv[3], map_reinstate_path);
	if (argc >= 3 && !strcmp(argv[1], "routes"))
		return do_routes(argv[2], argv + 3, (size_t)argc - 3);
	if (argc < 3)
		return 2;
	r = find(argv[2], &target);
	if (!strcmp(argv[1], "clear") && (r == 0 || r == -ENOTCONN))
		return do_clear(&target);
	if (r < 0)
		return failed("find", r);
	if (argc == 3 && !strcmp(argv[1], "look"))
		return do_look(&target);
	if (argc == 3 && !strcmp(argv[1], "destroy"))
		return do_destroy(&target);
	if (argc == 5 && !strcmp(argv[1], "set"))
		return do_set(&target, argv[3], argv[4]);
	return 2;
}
