/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "daemon/probe_wire.h"

#include <string.h>
#include <sys/socket.h>

#include "daemon/probe_state.h"

#define RTT_MAX_US	 60000000U
#define LOGIN_STATUS_MAX 0xffffU
#define ERRNO_MAX	 4095

#define FENCE_DEADLINE_MIN_MS 10
#define FENCE_DEADLINE_MAX_MS 60000

static const struct {
	enum probe_wire_side to;
	bool has_id;
	size_t size;
} kinds[PROBE_WIRE_MAX] = {
	[PROBE_WIRE_CONFIG] = {PROBE_WIRE_TO_CHILD, false,
			       sizeof(struct probe_wire_config)},
	[PROBE_WIRE_ADD] = {PROBE_WIRE_TO_CHILD, true, sizeof(struct probe_wire_add)},
	[PROBE_WIRE_UPDATE] = {PROBE_WIRE_TO_CHILD, true,
			       sizeof(struct probe_wire_update)},
	[PROBE_WIRE_REMOVE] = {PROBE_WIRE_TO_CHILD, true,
			       sizeof(struct probe_wire_header)},
	[PROBE_WIRE_FENCE] = {PROBE_WIRE_TO_CHILD, true, sizeof(struct probe_wire_fence)},
	[PROBE_WIRE_BEAT] = {PROBE_WIRE_TO_ENGINE, false,
			     sizeof(struct probe_wire_header)},
	[PROBE_WIRE_REPORT] = {PROBE_WIRE_TO_ENGINE, true,
			       sizeof(struct probe_wire_report)},
	[PROBE_WIRE_GONE] = {PROBE_WIRE_TO_ENGINE, true,
			     sizeof(struct probe_wire_header)},
	[PROBE_WIRE_FENCED] = {PROBE_WIRE_TO_ENGINE, true,
			       sizeof(struct probe_wire_fenced)},
};

size_t probe_wire_begin(union probe_wire_message *message, enum probe_wire_type type,
			uint32_t id)
{
	memset(message, 0, sizeof(*message));
	message->header.magic = PROBE_WIRE_MAGIC;
	message->header.version = PROBE_WIRE_VERSION;
	message->header.type = (uint16_t)type;
	message->header.size = (uint32_t)kinds[type].size;
	message->header.id = id;
	return kinds[type].size;
}

static bool text_valid(const char *text, size_t size)
{
	for (size_t i = 0; i < size; i++) {
		if (!text[i])
			return true;
		if (text[i] < 0x20 || text[i] > 0x7e)
			return false;
	}
	return false;
}

/* Secrets and names may hold any bytes but must end. */
static bool bytes_end(const char *text, size_t size)
{
	return memchr(text, 0, size) != NULL;
}

static bool address_valid(const struct probe_wire_address *address, bool may_be_unknown)
{
	if (address->family == AF_UNSPEC)
		return may_be_unknown;
	return address->family == AF_INET || address->family == AF_INET6;
}

static bool add_valid(const struct probe_wire_add *add)
{
	const struct probe_chap *chap = &add->chap;

	return address_valid(&add->portal, false) && address_valid(&add->source, true) &&
	       add->port > 0 && add->port <= UINT16_MAX && !(add->flags & ~PROBE_FLAGS) &&
	       text_valid(add->netdev, sizeof(add->netdev)) &&
	       bytes_end(add->target, sizeof(add->target)) && add->target[0] &&
	       bytes_end(add->initiator, sizeof(add->initiator)) && add->initiator[0] &&
	       bytes_end(chap->user, sizeof(chap->user)) &&
	       bytes_end(chap->password, sizeof(chap->password)) &&
	       bytes_end(chap->user_in, sizeof(chap->user_in)) &&
	       bytes_end(chap->password_in, sizeof(chap->password_in));
}

static bool fence_valid(const struct probe_wire_fence *fence)
{
	return add_valid(&fence->add) && fence->deadline_ms >= FENCE_DEADLINE_MIN_MS &&
	       fence->deadline_ms <= FENCE_DEADLINE_MAX_MS;
}

static bool fenced_valid(const struct probe_wire_fenced *fenced)
{
	return fenced->login_status <= LOGIN_STATUS_MAX && fenced->error <= 0 &&
	       fenced->error >= -ERRNO_MAX && text_valid(fenced->text, sizeof(fenced->text)) &&
	       /* a login that was refused was not granted */
	       (fenced->error || !fenced->login_status);
}

static bool report_valid(const struct probe_wire_report *report, uint64_t now_ns)
{
	return report->state < PROBE_STATE_MAX && report->last_good_ns <= now_ns &&
	       report->silent_since_ns <= now_ns && report->rtt_us <= RTT_MAX_US &&
	       report->rtt_var_us <= RTT_MAX_US && report->misses <= PROBE_MISSES_MAX &&
	       report->login_status <= LOGIN_STATUS_MAX && report->error <= 0 &&
	       report->error >= -ERRNO_MAX &&
	       text_valid(report->text, sizeof(report->text)) &&
	       /* what a state asserts must be there */
	       (report->state != PROBE_UP || (report->last_good_ns && !report->misses)) &&
	       (report->state != PROBE_SILENT ||
		(report->silent_since_ns && report->misses));
}

bool probe_wire_valid(const union probe_wire_message *message, size_t size,
		      enum probe_wire_side to, uint64_t now_ns)
{
	const struct probe_wire_header *header = &message->header;
	struct probe_config config;

	if (size < sizeof(*header) || header->magic != PROBE_WIRE_MAGIC ||
	    header->version != PROBE_WIRE_VERSION || header->type == PROBE_WIRE_NONE ||
	    header->type >= PROBE_WIRE_MAX)
		return false;
	if (kinds[header->type].to != to || header->size != size ||
	    kinds[header->type].size != size ||
	    kinds[header->type].has_id != !!header->id)
		return false;
	switch (header->type) {
	case PROBE_WIRE_CONFIG:
		probe_wire_get_config(&config, &message->config);
		return !probe_config_check(&config);
	case PROBE_WIRE_ADD:
		return add_valid(&message->add);
	case PROBE_WIRE_UPDATE:
		return !(message->update.flags & ~PROBE_FLAGS);
	case PROBE_WIRE_REPORT:
		return report_valid(&message->report, now_ns);
	case PROBE_WIRE_FENCE:
		return fence_valid(&message->fence);
	case PROBE_WIRE_FENCED:
		return fenced_valid(&message->fenced);
	default:
		return true;
	}
}

void probe_wire_put_address(struct probe_wire_address *to, const struct ip_address *from)
{
	to->family = from->family;
	to->scope = from->scope;
	memcpy(to->bytes, from->bytes, sizeof(to->bytes));
}

void probe_wire_get_address(struct ip_address *to, const struct probe_wire_address *from)
{
	memset(to, 0, sizeof(*to));
	to->family = (sa_family_t)from->family;
	to->scope = from->scope;
	memcpy(to->bytes, from->bytes, sizeof(to->bytes));
}

size_t probe_wire_put_config(union probe_wire_message *message,
			     const struct probe_config *config)
{
	struct probe_wire_config *to = &message->config;
	size_t size = probe_wire_begin(message, PROBE_WIRE_CONFIG, 0);

	to->interval_ms = config->interval_ms;
	to->idle_interval_ms = config->idle_interval_ms;
	to->nop_deadline_ms = config->nop_deadline_ms;
	to->nop_deadline_max_ms = config->nop_deadline_max_ms;
	to->misses_silent = config->misses_silent;
	to->connect_timeout_ms = config->connect_timeout_ms;
	to->login_timeout_ms = config->login_timeout_ms;
	to->retry_min_ms = config->retry_min_ms;
	to->retry_max_ms = config->retry_max_ms;
	to->slow_retry_ms = config->slow_retry_ms;
	to->silent_relogin_ms = config->silent_relogin_ms;
	to->tcp_interval_ms = config->tcp_interval_ms;
	to->login_retry_ms = config->login_retry_ms;
	return size;
}

void probe_wire_get_config(struct probe_config *to, const struct probe_wire_config *from)
{
	probe_config_default(to);
	to->interval_ms = from->interval_ms;
	to->idle_interval_ms = from->idle_interval_ms;
	to->nop_deadline_ms = from->nop_deadline_ms;
	to->nop_deadline_max_ms = from->nop_deadline_max_ms;
	to->misses_silent = from->misses_silent;
	to->connect_timeout_ms = from->connect_timeout_ms;
	to->login_timeout_ms = from->login_timeout_ms;
	to->retry_min_ms = from->retry_min_ms;
	to->retry_max_ms = from->retry_max_ms;
	to->slow_retry_ms = from->slow_retry_ms;
	to->silent_relogin_ms = from->silent_relogin_ms;
	to->tcp_interval_ms = from->tcp_interval_ms;
	to->login_retry_ms = from->login_retry_ms;
}

static void fill_add(struct probe_wire_add *add, const struct probe_target *target,
		     const struct portal *portal, uint32_t flags)
{
	probe_wire_put_address(&add->portal, &portal->address);
	probe_wire_put_address(&add->source, &target->name.source);
	add->port = portal->port;
	add->flags = flags;
	memcpy(add->netdev, target->name.netdev, sizeof(add->netdev));
	memcpy(add->target, target->name.target, sizeof(add->target));
	memcpy(add->initiator, target->initiator, sizeof(add->initiator));
	add->chap = target->chap;
}

size_t probe_wire_put_add(union probe_wire_message *message, uint32_t id,
			  const struct probe_target *target, const struct portal *portal,
			  uint32_t flags)
{
	size_t size = probe_wire_begin(message, PROBE_WIRE_ADD, id);

	fill_add(&message->add, target, portal, flags);
	return size;
}

size_t probe_wire_put_fence(union probe_wire_message *message, uint32_t id,
			    const struct probe_target *via, unsigned int sid,
			    uint32_t deadline_ms)
{
	size_t size = probe_wire_begin(message, PROBE_WIRE_FENCE, id);
	const struct portal *portal =
		portal_known(&via->current) ? &via->current : &via->name.portal;

	fill_add(&message->fence.add, via, portal,
		 via->header_digest ? PROBE_FLAG_HEADER_DIGEST : 0);
	message->fence.sid = sid;
	message->fence.deadline_ms = deadline_ms;
	return size;
}

void probe_wire_get_report(struct probe_report *to, const struct probe_wire_report *from,
			   uint64_t now_ns)
{
	to->state = (enum probe_state)from->state;
	to->updated_ns = now_ns;
	to->last_good_ns = from->last_good_ns;
	to->silent_since_ns = from->silent_since_ns;
	to->rtt_us = from->rtt_us;
	to->rtt_var_us = from->rtt_var_us;
	to->misses = from->misses;
	to->login_status = from->login_status;
	to->error = from->error;
	memcpy(to->text, from->text, sizeof(to->text));
}

void probe_wire_text(char *to, size_t size, const char *from)
{
	size_t i;

	for (i = 0; i + 1 < size && from[i]; i++)
		to[i] = from[i] < 0x20 || from[i] > 0x7e ? '?' : from[i];
	to[i] = 0;
}
