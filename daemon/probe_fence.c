/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "daemon/probe_fence.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "common/clock.h"
#include "daemon/probe_link.h"
#include "daemon/probe_socket.h"

/* A logout that is not answered in this time is done without the target. */
#define LOGOUT_NS (400 * NS_PER_MS)

enum fence_phase {
	FENCE_BEGIN,
	FENCE_CONNECT,
	FENCE_LOGIN,
	FENCE_LEAVE,
	FENCE_CLOSED,
};

struct probe_fence {
	struct probe_wire_fence order;
	struct probe_road road;
	enum fence_phase phase;
	uint64_t end_ns; /* of the fence; in LEAVE: of the logout */
	bool known, told;
	int error;
	char text[PROBE_TEXT_MAX];
	struct probe_link link;
};

static void finish(struct probe_fence *fence, int error, const char *text)
{
	fence->known = true;
	fence->error = error;
	probe_wire_text(fence->text, sizeof(fence->text), text);
	fence->phase = FENCE_CLOSED;
	probe_link_close(&fence->link);
}

static void begin(struct probe_fence *fence)
{
	char why[PROBE_TEXT_MAX] = "";
	int error = probe_road_check(&fence->road, why, sizeof(why));

	if (!error) {
		error = probe_link_open_as(&fence->link, &fence->order.add, &fence->road,
					   fence->order.sid);
		probe_wire_text(why, sizeof(why), fence->link.text);
	}
	if (error)
		finish(fence, error, why);
	else
		fence->phase = FENCE_CONNECT;
}

static void connecting(struct probe_fence *fence)
{
	struct probe_link *link = &fence->link;
	int error;

	if (link->dead) {
		finish(fence, link->error, strerror(-link->error));
		return;
	}
	if (!link->connected)
		return;
	error = probe_socket_verify(probe_link_fd(link), &fence->road, true, link->text,
				    sizeof(link->text));
	if (error) {
		finish(fence, error, link->text);
		return;
	}
	fence->phase = FENCE_LOGIN;
	probe_link_login(link);
}

static void granted(struct probe_fence *fence, uint64_t now_ns)
{
	fence->known = true;
	fence->error = 0;
	fence->phase = FENCE_LEAVE;
	fence->end_ns = now_ns + LOGOUT_NS;
	probe_link_logout(&fence->link);
}

static void logging_in(struct probe_fence *fence, uint64_t now_ns)
{
	struct probe_link *link = &fence->link;

	if (link->logged_in)
		granted(fence, now_ns);
	else if (link->redirected)
		finish(fence, -EREMOTE, link->text);
	else if (link->login_done)
		finish(fence, link->error ? link->error : -EPROTO, link->text);
	else if (link->dead)
		finish(fence, link->error,
		       link->error == -ECONNRESET ? "connection closed by the target"
						  : strerror(-link->error));
}

static void leaving(struct probe_fence *fence)
{
	if (!fence->link.logged_out && !fence->link.dead)
		return;
	probe_link_close(&fence->link);
	fence->phase = FENCE_CLOSED;
}

static void advance(struct probe_fence *fence, uint64_t now_ns)
{
	if (fence->phase == FENCE_BEGIN)
		begin(fence);
	if (fence->phase == FENCE_CONNECT)
		connecting(fence);
	if (fence->phase == FENCE_LOGIN)
		logging_in(fence, now_ns);
	if (fence->phase == FENCE_LEAVE)
		leaving(fence);
}

void probe_fence_service(struct probe_fence *fence, short revents, uint64_t now_ns)
{
	if (!revents || fence->phase == FENCE_CLOSED)
		return;
	probe_link_service(&fence->link, revents);
	advance(fence, now_ns);
}

uint64_t probe_fence_tick(struct probe_fence *fence, uint64_t now_ns)
{
	advance(fence, now_ns);
	if (fence->phase == FENCE_CLOSED)
		return UINT64_MAX;
	if (now_ns < fence->end_ns)
		return fence->end_ns;
	if (fence->phase == FENCE_LEAVE) {
		probe_link_close(&fence->link);
		fence->phase = FENCE_CLOSED;
	} else {
		finish(fence, -ETIMEDOUT, "not answered in time");
	}
	return UINT64_MAX;
}

bool probe_fence_answer(const struct probe_fence *fence, union probe_wire_message *message)
{
	struct probe_wire_fenced *fenced = &message->fenced;

	if (!fence->known || fence->told)
		return false;
	probe_wire_begin(message, PROBE_WIRE_FENCED, fence->order.add.header.id);
	fenced->error = fence->error;
	fenced->login_status = fence->error ? fence->link.login_status : 0;
	probe_wire_text(fenced->text, sizeof(fenced->text), fence->text);
	return true;
}

void probe_fence_told(struct probe_fence *fence)
{
	fence->told = true;
}

bool probe_fence_gone(const struct probe_fence *fence)
{
	return fence->told && fence->phase == FENCE_CLOSED;
}

int probe_fence_fd(const struct probe_fence *fence)
{
	return probe_link_fd(&fence->link);
}

short probe_fence_events(const struct probe_fence *fence)
{
	return probe_link_events(&fence->link);
}

struct probe_fence *probe_fence_new(const struct probe_wire_fence *order, uint64_t now_ns)
{
	struct probe_fence *fence = calloc(1, sizeof(*fence));

	if (!fence)
		return NULL;
	fence->order = *order;
	fence->end_ns = now_ns + order->deadline_ms * NS_PER_MS;
	probe_wire_get_address(&fence->road.portal.address, &order->add.portal);
	probe_wire_get_address(&fence->road.source, &order->add.source);
	fence->road.portal.port = (uint16_t)order->add.port;
	memcpy(fence->road.netdev, order->add.netdev, sizeof(fence->road.netdev));
	return fence;
}

void probe_fence_free(struct probe_fence *fence)
{
	if (!fence)
		return;
	probe_link_close(&fence->link);
	explicit_bzero(fence, sizeof(*fence));
	free(fence);
}
