/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "daemon/probe_state.h"

#include <errno.h>
#include <string.h>

#include "common/clock.h"

/* A session that lived this long was a good one: the next attempt comes quickly. */
#define STABLE_NS (5 * NS_PER_S)
/* TCP connects without an answer in a row that make a portal unreachable. */
#define TCP_MISSES	     2
#define LOGIN_BACKOFF_GROWTH 16

/* RFC 7143, 11.13.5 */
enum {
	STATUS_AUTHENTICATION_FAILURE = 0x0201,
	STATUS_AUTHORIZATION_FAILURE = 0x0202,
	STATUS_TOO_MANY_CONNECTIONS = 0x0206,
	STATUS_CANNOT_INCLUDE_IN_SESSION = 0x0208,
	STATUS_SESSION_TYPE_NOT_SUPPORTED = 0x0209,
	STATUS_OUT_OF_RESOURCES = 0x0302,
};

bool probe_status_refuses_session(uint32_t status)
{
	return status == STATUS_TOO_MANY_CONNECTIONS ||
	       status == STATUS_CANNOT_INCLUDE_IN_SESSION ||
	       status == STATUS_SESSION_TYPE_NOT_SUPPORTED ||
	       status == STATUS_OUT_OF_RESOURCES;
}

bool probe_status_refuses_credentials(uint32_t status)
{
	return status == STATUS_AUTHENTICATION_FAILURE ||
	       status == STATUS_AUTHORIZATION_FAILURE;
}

void probe_machine_init(struct probe_machine *machine, bool tcp_only,
			const struct probe_limits *limits, uint64_t now_ns)
{
	memset(machine, 0, sizeof(*machine));
	machine->state = PROBE_CONNECTING;
	machine->tcp_only = tcp_only;
	machine->login_backoff_ms = limits->login_retry_ms;
	machine->next_login_ns = now_ns + limits->login_retry_ms * NS_PER_MS;
}

bool probe_machine_login_due(const struct probe_machine *machine, bool kernel_logged_in,
			     uint64_t now_ns)
{
	if (!machine->tcp_only)
		return machine->shared || kernel_logged_in;
	return kernel_logged_in && now_ns >= machine->next_login_ns;
}

static struct probe_step go_on(void)
{
	return (struct probe_step){.drop = false};
}

/* The attempt came to nothing; the pause grows up to 'max_ms'. */
static struct probe_step retry(struct probe_machine *machine,
			       const struct probe_limits *limits, uint32_t max_ms,
			       const struct probe_event *event)
{
	struct probe_step step = {
		.drop = true,
		.delay_ms = probe_backoff_ms(machine->failures, limits->retry_min_ms,
					     max_ms, event->random),
	};

	if (machine->tcp_only)
		machine->next_login_ns =
			event->now_ns + machine->login_backoff_ms * NS_PER_MS;
	if (machine->failures < UINT32_MAX)
		machine->failures++;
	machine->logged_in_ns = 0;
	return step;
}

/* Connecting costs the target next to nothing: ask twice as often as for logins. */
static struct probe_step retry_connect(struct probe_machine *machine,
				       const struct probe_limits *limits,
				       const struct probe_event *event)
{
	return retry(machine, limits, limits->retry_max_ms / 2, event);
}

static struct probe_step retry_slowly(struct probe_machine *machine,
				      const struct probe_limits *limits,
				      const struct probe_event *event)
{
	struct probe_step step = retry(machine, limits, limits->retry_max_ms, event);

	step.delay_ms = (uint32_t)probe_jitter(limits->slow_retry_ms, 25, event->random);
	return step;
}

/* The target takes no second session: from now on TCP connects, and a login now and then.
 */
static struct probe_step session_refused(struct probe_machine *machine,
					 const struct probe_limits *limits,
					 const struct probe_event *event)
{
	struct probe_step step = {.drop = true};
	uint64_t wait_ms = machine->login_backoff_ms;

	if (machine->tcp_only && wait_ms < limits->login_retry_ms * LOGIN_BACKOFF_GROWTH)
		wait_ms *= 2;
	machine->login_backoff_ms = (uint32_t)wait_ms;
	machine->next_login_ns =
		event->now_ns + probe_jitter(wait_ms * NS_PER_MS, 25, event->random);
	if (machine->state != PROBE_TCP_ONLY)
		machine->rtt = (struct probe_rtt){0}; /* another kind of round trip */
	machine->tcp_only = true;
	machine->state = PROBE_TCP_ONLY;
	machine->misses = 0;
	machine->silent_since_ns = 0;
	machine->failures = 0;
	machine->error = 0;
	machine->logged_in_ns = 0;
	machine->last_good_ns = event->now_ns; /* it did answer */
	step.delay_ms =
		(uint32_t)probe_jitter(limits->tcp_interval_ms, 10, event->random);
	return step;
}

static struct probe_step on_local(struct probe_machine *machine,
				  const struct probe_limits *limits,
				  const struct probe_event *event)
{
	machine->state = PROBE_LOCAL;
	machine->error = event->error;
	return retry(machine, limits, limits->retry_max_ms, event);
}

static struct probe_step on_connect_failed(struct probe_machine *machine,
					   const struct probe_limits *limits,
					   const struct probe_event *event)
{
	machine->state =
		event->error == -ECONNREFUSED ? PROBE_REFUSED : PROBE_UNREACHABLE;
	machine->error = event->error;
	return retry_connect(machine, limits, event);
}

static struct probe_step on_rejected(struct probe_machine *machine,
				     const struct probe_limits *limits,
				     const struct probe_event *event)
{
	machine->login_status = event->status;
	if (probe_status_refuses_session(event->status))
		return session_refused(machine, limits, event);
	machine->tcp_only = false;
	machine->state = PROBE_LOGIN_FAILED;
	machine->error = event->error;
	if (probe_status_refuses_credentials(event->status))
		return retry_slowly(machine, limits, event);
	return retry(machine, limits, limits->retry_max_ms, event);
}

static struct probe_step on_login_failed(struct probe_machine *machine,
					 const struct probe_limits *limits,
					 const struct probe_event *event)
{
	machine->login_status = 0;
	machine->state = PROBE_LOGIN_FAILED;
	machine->error = event->error;
	if (event->error == -EACCES)
		return retry_slowly(machine, limits, event);
	return retry(machine, limits, limits->retry_max_ms, event);
}

static struct probe_step on_redirected(struct probe_machine *machine,
				       const struct probe_limits *limits,
				       const struct probe_event *event)
{
	machine->tcp_only = false;
	machine->state = PROBE_REDIRECTED;
	machine->login_status = event->status;
	machine->error = 0;
	return retry_slowly(machine, limits, event);
}

/* Whether the portal is up is for the first NOP to say; the state stays. */
static struct probe_step on_logged_in(struct probe_machine *machine,
				      const struct probe_event *event)
{
	if (machine->tcp_only)
		machine->rtt = (struct probe_rtt){0};
	machine->tcp_only = false;
	machine->shared = true;
	machine->login_status = 0;
	machine->error = 0;
	machine->logged_in_ns = event->now_ns;
	return go_on();
}

static void sample(struct probe_machine *machine, const struct probe_event *event)
{
	/* What came after a silence measures the outage, not the round trip. */
	if (event->sample && machine->state != PROBE_SILENT &&
	    event->now_ns >= event->sent_ns)
		probe_rtt_sample(&machine->rtt,
				 (event->now_ns - event->sent_ns) / NS_PER_US);
}

static void good(struct probe_machine *machine, const struct probe_event *event,
		 enum probe_state state)
{
	sample(machine, event);
	machine->state = state;
	machine->misses = 0;
	machine->silent_since_ns = 0;
	machine->error = 0;
	machine->last_good_ns = event->now_ns;
}

static void count_miss(struct probe_machine *machine, const struct probe_event *event)
{
	if (machine->misses < PROBE_MISSES_MAX)
		machine->misses++;
	if (!machine->silent_since_ns)
		machine->silent_since_ns = event->sent_ns;
}

static struct probe_step on_missed(struct probe_machine *machine,
				   const struct probe_limits *limits,
				   const struct probe_event *event)
{
	count_miss(machine, event);
	if (machine->misses >= limits->misses_silent)
		machine->state = PROBE_SILENT;
	else if (machine->state == PROBE_UP || machine->state == PROBE_CONNECTING)
		machine->state = PROBE_LATE;
	return go_on();
}

/* A good session that is lost is tried again at once, a short-lived one with growing
 * pauses. */
static void judge_session(struct probe_machine *machine, const struct probe_event *event)
{
	if (machine->logged_in_ns && event->now_ns - machine->logged_in_ns >= STABLE_NS)
		machine->failures = 0;
}

static struct probe_step on_lost(struct probe_machine *machine,
				 const struct probe_limits *limits,
				 const struct probe_event *event)
{
	judge_session(machine, event);
	machine->state = PROBE_LOST;
	machine->error = event->error;
	return retry_connect(machine, limits, event);
}

static struct probe_step on_stuck(struct probe_machine *machine,
				  const struct probe_limits *limits,
				  const struct probe_event *event)
{
	judge_session(machine, event);
	return retry_connect(machine, limits, event);
}

static struct probe_step on_tcp(struct probe_machine *machine,
				const struct probe_limits *limits,
				const struct probe_event *event)
{
	struct probe_step step = {.drop = true};

	step.delay_ms =
		(uint32_t)probe_jitter(limits->tcp_interval_ms, 10, event->random);
	if (event->type == PROBE_EV_TCP_OK) {
		good(machine, event, PROBE_TCP_ONLY);
		return step;
	}
	count_miss(machine, event);
	machine->error = event->error;
	if (event->error == -ECONNREFUSED)
		machine->state = PROBE_REFUSED;
	else if (machine->misses >= TCP_MISSES || machine->state == PROBE_CONNECTING)
		machine->state = PROBE_UNREACHABLE;
	else if (machine->state == PROBE_TCP_ONLY || machine->state == PROBE_UP)
		machine->state = PROBE_LATE;
	return step;
}

struct probe_step probe_machine_event(struct probe_machine *machine,
				      const struct probe_limits *limits,
				      const struct probe_event *event)
{
	switch (event->type) {
	case PROBE_EV_LOCAL:
		return on_local(machine, limits, event);
	case PROBE_EV_CONNECT_FAILED:
		return on_connect_failed(machine, limits, event);
	case PROBE_EV_LOGIN_REJECTED:
		return on_rejected(machine, limits, event);
	case PROBE_EV_LOGIN_FAILED:
		return on_login_failed(machine, limits, event);
	case PROBE_EV_REDIRECTED:
		return on_redirected(machine, limits, event);
	case PROBE_EV_LOGGED_IN:
		return on_logged_in(machine, event);
	case PROBE_EV_ANSWERED:
		good(machine, event, PROBE_UP);
		return go_on();
	case PROBE_EV_MISSED:
		return on_missed(machine, limits, event);
	case PROBE_EV_LOST:
		return on_lost(machine, limits, event);
	case PROBE_EV_STUCK:
		return on_stuck(machine, limits, event);
	case PROBE_EV_TCP_OK:
	case PROBE_EV_TCP_FAILED:
		return on_tcp(machine, limits, event);
	case PROBE_EV_MAX:
		break;
	}
	return go_on();
}

struct probe_pause probe_machine_pause(const struct probe_machine *machine,
				       const struct probe_limits *limits, bool hurry,
				       uint64_t now_ns, uint32_t random)
{
	struct probe_pause pause = {.leisurely = false};
	uint64_t every_ns = limits->interval_ms * NS_PER_MS;

	if (machine->state != PROBE_UP || machine->misses) {
		pause.until_ns = now_ns + probe_jitter(every_ns, 10, random);
		return pause;
	}
	if (!hurry && limits->idle_interval_ms > limits->interval_ms) {
		pause.leisurely = true;
		every_ns = limits->idle_interval_ms * NS_PER_MS;
	}
	pause.until_ns = (now_ns / every_ns + 1) * every_ns;
	return pause;
}
