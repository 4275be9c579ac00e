/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Messages between the engine and its probe child, which is a stranger to it. First byte even:
 * the rest is a message as received (with bit 1 its header is made to fit, as for type bits
 * 4 … 7). Odd: the rest is what a message is made of.
 */
#include <errno.h>
#include <sys/socket.h>

#include "common/clock.h"
#include "daemon/probe_state.h"
#include "daemon/probe_wire.h"
#include "tests/fuzz/fuzz.h"

#define NOW (1000 * NS_PER_S)

static void check_report(const struct probe_wire_report *message)
{
	struct probe_report report;

	probe_wire_get_report(&report, message, NOW);
	must(report.state < PROBE_STATE_MAX && *probe_state_name(report.state));
	must(report.last_good_ns <= NOW && report.silent_since_ns <= NOW);
	must(report.error <= 0 && report.misses <= PROBE_MISSES_MAX);
	must(fuzz_printable(report.text, sizeof(report.text)));
	must(report.state != PROBE_UP || report.last_good_ns);
}

static void check_add(const struct probe_wire_add *add)
{
	struct ip_address address;

	probe_wire_get_address(&address, &add->portal);
	must(address.family == AF_INET || address.family == AF_INET6);
	must(*add->target && fuzz_ends(add->target, sizeof(add->target)));
	must(*add->initiator && fuzz_ends(add->initiator, sizeof(add->initiator)));
	must(fuzz_printable(add->netdev, sizeof(add->netdev)));
	must(fuzz_ends(add->chap.password, sizeof(add->chap.password)));
	must(add->port >= 1 && add->port <= 65535);
}

static void check_config(const struct probe_wire_config *message)
{
	union probe_wire_message again;
	struct probe_config config;

	probe_wire_get_config(&config, message);
	must(probe_config_check(&config) == 0);
	must(probe_wire_put_config(&again, &config) == sizeof(*message));
	must(!memcmp(&again.config, message, sizeof(*message)));
}

static void check_message(const union probe_wire_message *message)
{
	switch (message->header.type) {
	case PROBE_WIRE_CONFIG:
		check_config(&message->config);
		break;
	case PROBE_WIRE_ADD:
		check_add(&message->add);
		break;
	case PROBE_WIRE_FENCE:
		check_add(&message->fence.add);
		must(message->fence.deadline_ms >= 10 && message->fence.deadline_ms <= 60000);
		break;
	case PROBE_WIRE_REPORT:
		check_report(&message->report);
		break;
	case PROBE_WIRE_FENCED:
		must(fuzz_printable(message->fenced.text, sizeof(message->fenced.text)));
		must(message->fenced.error <= 0);
		break;
	default:
		break;
	}
}

static void receive(struct fuzz_bytes *bytes, uint8_t how)
{
	union probe_wire_message message, header;
	size_t size = bytes->size;
	bool child, engine;

	fuzz_fill(bytes, &message, sizeof(message));
	if (how & 2) {
		enum probe_wire_type type = PROBE_WIRE_CONFIG + (how >> 4) % (PROBE_WIRE_MAX - 1);
		uint32_t id = type == PROBE_WIRE_CONFIG || type == PROBE_WIRE_BEAT ? 0 : 5;

		size = probe_wire_begin(&header, type, id);
		message.header = header.header;
	}
	child = probe_wire_valid(&message, size, PROBE_WIRE_TO_CHILD, NOW);
	engine = probe_wire_valid(&message, size, PROBE_WIRE_TO_ENGINE, NOW);
	must(!(child && engine));
	if (child || engine) {
		must(size <= sizeof(message) && message.header.size == size);
		check_message(&message);
	}
}

/* What the engine sends of a target that makes sense, the child takes. */
static void put(struct fuzz_bytes *bytes)
{
	union probe_wire_message message;
	struct probe_target target = {.chap = {{0}, {0}, {0}, {0}}};
	char text[40];
	char *from;

	target.name.portal.port = (uint16_t)(fuzz_byte(bytes) << 8 | fuzz_byte(bytes) | 1);
	target.name.portal.address.family = fuzz_byte(bytes) & 1 ? AF_INET : AF_INET6;
	fuzz_fill(bytes, target.name.portal.address.bytes, 4);
	fuzz_fill(bytes, target.name.target, sizeof(target.name.target) - 1);
	fuzz_fill(bytes, target.initiator, sizeof(target.initiator) - 1);
	fuzz_fill(bytes, target.chap.password, sizeof(target.chap.password) - 1);
	from = fuzz_rest(bytes);
	probe_wire_text(text, sizeof(text), from);
	must(fuzz_printable(text, sizeof(text)));
	probe_wire_text(target.name.netdev, sizeof(target.name.netdev), from);
	free(from);
	must(probe_wire_put_add(&message, 5, &target, &target.name.portal, 0) ==
	     message.header.size);
	must(probe_wire_valid(&message, message.header.size, PROBE_WIRE_TO_CHILD, NOW) ==
	     (*target.name.target && *target.initiator));
	must(probe_wire_put_fence(&message, 6, &target, 7, 1000) == message.header.size);
	must(probe_wire_valid(&message, message.header.size, PROBE_WIRE_TO_CHILD, NOW) ==
	     (*target.name.target && *target.initiator));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct fuzz_bytes bytes = {data, size};
	uint8_t how = fuzz_byte(&bytes);

	if (how & 1)
		put(&bytes);
	else
		receive(&bytes, how);
	return 0;
}
