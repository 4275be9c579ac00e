/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "daemon/quick/connection.h"

#include <errno.h>
#include <stddef.h>
#include <stdlib.h>

#include "common/clock.h"
#include "daemon/quick/connection_device.h"
#include "daemon/quick/connection_diag.h"

#define DEVICES_KNOWN 64 /* initiator ports whose device is remembered */
#define DEVICES_TRIED 16 /* network devices with one and the same address */
#define TIMER_PROBE   4	 /* idiag_timer: zero-window probes; they leave the RTO alone */

/* The device that the sockets of a local address were found bound to; 0 none. */
struct known_device {
	struct ip_address local;
	uint32_t device;
};

struct connections {
	struct diag_socket *socket;
	struct known_device devices[DEVICES_KNOWN];
	size_t next_device;
};

static bool nameable(const struct connection_name *name)
{
	return connection_known(name) && name->local.family == name->peer.address.family;
}

int connections_new(struct connections **ret)
{
	struct connections *connections = calloc(1, sizeof(*connections));
	int r;

	if (!connections)
		return -ENOMEM;
	r = diag_socket_new(&connections->socket);
	if (r < 0) {
		free(connections);
		return r;
	}
	*ret = connections;
	return 0;
}

void connections_free(struct connections *connections)
{
	if (!connections)
		return;
	diag_socket_free(connections->socket);
	free(connections);
}

static struct known_device *known_device(struct connections *connections,
					 const struct ip_address *local)
{
	size_t i;

	for (i = 0; i < DEVICES_KNOWN; i++)
		if (ip_address_compare(&connections->devices[i].local, local) == 0)
			return &connections->devices[i];
	return NULL;
}

static void remember_device(struct connections *connections, const struct ip_address *local,
			    uint32_t device)
{
	struct known_device *known = known_device(connections, local);

	if (!known)
		known = &connections->devices[connections->next_device++ % DEVICES_KNOWN];
	*known = (struct known_device){.local = *local, .device = device};
}

/* Bound to one of the devices that have its address? */
static int look_on_devices(struct connections *connections,
			   const struct connection_name *name, struct diag_answer *ret)
{
	uint32_t devices[DEVICES_TRIED];
	int n, i, r = -ENOENT;

	n = devices_with_address(&name->local, devices, DEVICES_TRIED);
	for (i = 0; i < n && r == -ENOENT; i++)
		r = diag_look(connections->socket, name, devices[i], ret);
	return n < 0 ? n : r;
}

static int find(struct connections *connections, const struct connection_name *name,
		struct diag_answer *ret)
{
	struct diag_socket *socket = connections->socket;
	const struct known_device *known = known_device(connections, &name->local);
	uint32_t usual = known ? known->device : name->local.scope;
	int r = diag_look(socket, name, usual, ret);

	if (r == -ENOENT && usual != 0)
		r = diag_look(socket, name, 0, ret);
	if (r == -ENOENT)
		r = look_on_devices(connections, name, ret);
	if (r == 0 && (!known || known->device != ret->message.id.idiag_if))
		remember_device(connections, &name->local, ret->message.id.idiag_if);
	return r;
}

/* Each expiry of the retransmission timer doubles the RTO itself; probes of a closed window
 * do not. */
static uint32_t rto_without_backoff(const struct diag_answer *answer)
{
	const struct tcp_info *info = &answer->info;

	if (answer->message.idiag_timer == TIMER_PROBE || info->tcpi_backoff > 31)
		return info->tcpi_rto;
	return info->tcpi_rto >> info->tcpi_backoff;
}

static void fill(const struct diag_answer *answer, struct tcp_sample *ret)
{
	const struct tcp_info *info = &answer->info;
	const size_t with_window = offsetof(struct tcp_info, tcpi_snd_wnd) + sizeof(uint32_t);

	*ret = (struct tcp_sample){
		.now_ns = clock_now_ns(),
		.inode = answer->message.idiag_inode,
		.state = answer->message.idiag_state,
		.retransmits = info->tcpi_retransmits,
		.backoff = info->tcpi_backoff,
		.probes = info->tcpi_probes,
		.rto_us = rto_without_backoff(answer),
		.rtt_us = info->tcpi_rtt,
		.rtt_var_us = info->tcpi_rttvar,
		.unacked = info->tcpi_unacked,
		.total_retrans = info->tcpi_total_retrans,
		.data_segs_out = info->tcpi_data_segs_out,
		.bytes_acked = info->tcpi_bytes_acked,
		.bytes_received = info->tcpi_bytes_received,
		.notsent_bytes = info->tcpi_notsent_bytes,
		.snd_wnd = answer->info_size >= with_window ? info->tcpi_snd_wnd : UINT32_MAX,
		.snd_mss = info->tcpi_snd_mss,
		.rwnd_limited_us = info->tcpi_rwnd_limited,
		.last_sent_ms = info->tcpi_last_data_sent,
		.last_received_ms = info->tcpi_last_data_recv,
		.unread = answer->message.idiag_rqueue,
	};
}

int connections_look(struct connections *connections, const struct connection_name *name,
		     struct tcp_sample *ret)
{
	struct connection_name wanted = connection_plain(name);
	struct diag_answer answer;
	int r;

	if (!nameable(&wanted))
		return -EINVAL;
	r = find(connections, &wanted, &answer);
	if (r < 0)
		return r;
	fill(&answer, ret);
	return 0;
}

int connections_destroy(struct connections *connections, const struct connection_name *name,
			uint32_t inode)
{
	struct connection_name wanted = connection_plain(name);
	struct diag_answer answer;
	int r;

	if (!nameable(&wanted))
		return -EINVAL;
	r = find(connections, &wanted, &answer);
	if (r < 0)
		return r;
	if (answer.message.idiag_inode != inode)
		return -ESTALE;
	return diag_destroy(connections->socket, &answer);
}
