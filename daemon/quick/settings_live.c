/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Settings against what was measured. */
#include "daemon/quick/settings.h"

#include <stdarg.h>
#include <stdio.h>

#define RTO_MIN_UNTUNED_US 200000U /* TCP_RTO_MIN of linux include/net/tcp.h */
/* An RTO is rounded up to the clock's ticks (10 ms at most), and TCP's own smoothed round trip
 * in it is not that of the NOPs. */
#define SLACK_US      20000U
#define ANSWER_MIN_US 20000U
#define SHORT_RTT     5 /* as in checker/patience.c: then an RTO is nothing but its floor */

struct finding {
	enum settings_fit fit;
	char *message;
};

static void found(struct finding *finding, enum settings_fit fit, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

static void found(struct finding *finding, enum settings_fit fit, const char *format, ...)
{
	va_list args;

	if (fit <= finding->fit)
		return;
	finding->fit = fit;
	va_start(args, format);
	vsnprintf(finding->message, SETTINGS_MESSAGE_MAX, format, args);
	va_end(args);
}

static uint32_t ms_up(uint64_t us)
{
	return (uint32_t)((us + 999) / 1000);
}

/* In which a retransmission is answered: what the RTO has above its floor is the kernel's own
 * idea of it (RFC 6298), where that is longer. */
static uint64_t answer_us(const struct quick_settings *settings, const struct settings_fact *fact)
{
	uint32_t floor = fact->routes_tuned ? settings->rto_min_ms * 1000 : RTO_MIN_UNTUNED_US;
	uint64_t answer = 2 * (uint64_t)fact->rtt_us;

	if (fact->rto_us > floor + SLACK_US && fact->rto_us - floor > answer)
		answer = fact->rto_us - floor;
	return answer > ANSWER_MIN_US ? answer : ANSWER_MIN_US;
}

/* The RTO once the routes are as the settings want them: where the least RTO is what
 * determines it, it moves with that. */
static uint32_t rto_expected(const struct quick_settings *settings,
			     const struct settings_fact *fact)
{
	uint32_t tuned = settings->rto_min_ms * 1000;
	uint32_t now = fact->routes_tuned ? tuned : RTO_MIN_UNTUNED_US;
	uint32_t then = settings->tune_routes ? tuned : RTO_MIN_UNTUNED_US;

	if (fact->rto_us == 0 || (uint64_t)fact->rto_us > (uint64_t)now + fact->rtt_us + SLACK_US)
		return fact->rto_us;
	return fact->rto_us > now ? fact->rto_us - now + then : then;
}

static void check_round_trip(struct finding *finding, const struct settings_fact *fact,
			     const char *key, uint32_t ms)
{
	if ((uint64_t)ms * 1000 <= fact->rtt_us)
		found(finding, SETTINGS_REFUSED,
		      "%s %u of target %s is not above the round trip measured to %s, %u ms", key,
		      ms, fact->target, fact->portal, ms_up(fact->rtt_us));
}

static void check_armed(struct finding *finding, const struct quick_timing *timing,
			const struct settings_fact *fact, uint64_t answer, uint32_t rto_us)
{
	uint64_t least = (uint64_t)rto_us * 5 / 2;
	bool is_floor = (uint64_t)fact->rtt_us * SHORT_RTT <= rto_us;

	check_round_trip(finding, fact, "user_timeout_ms", timing->user_timeout_ms);
	if ((uint64_t)timing->user_timeout_ms * 1000 <= answer)
		found(finding, SETTINGS_REFUSED,
		      "user_timeout_ms %u of target %s is not above the %u ms in which %s answers "
		      "a "
		      "retransmission: one lost segment would end a healthy connection",
		      timing->user_timeout_ms, fact->target, ms_up(answer), fact->portal);
	if (rto_us && !is_floor && (uint64_t)timing->user_timeout_ms * 1000 < least)
		found(finding, SETTINGS_WARNING,
		      "user_timeout_ms %u of target %s is short for %s (round trip %u ms, RTO %u "
		      "ms): %u is used there",
		      timing->user_timeout_ms, fact->target, fact->portal, ms_up(fact->rtt_us),
		      ms_up(rto_us), ms_up(least));
}

static void check_release(struct finding *finding, const struct quick_timing *timing,
			  const struct settings_fact *fact, uint32_t rto_us)
{
	check_round_trip(finding, fact, "connection_dead_ms", timing->connection_dead_ms);
	check_round_trip(finding, fact, "target_dead_ms", timing->target_dead_ms);
	if (timing->lun_dead_ms)
		check_round_trip(finding, fact, "lun_dead_ms", timing->lun_dead_ms);
	if ((uint64_t)timing->connection_dead_ms * 1000 <= rto_us)
		found(finding, SETTINGS_REFUSED,
		      "connection_dead_ms %u of target %s is not above TCP's RTO to %s, %u ms: "
		      "nothing has been sent again by then",
		      timing->connection_dead_ms, fact->target, fact->portal, ms_up(rto_us));
}

/* The longest a path can be silent before it is given up. */
static uint64_t longest_deadline(const struct quick_timing *timing)
{
	uint64_t longest = timing->arm ? timing->user_timeout_ms : 0;

	if (timing->release && timing->target_dead_ms > longest)
		longest = timing->target_dead_ms;
	if (timing->release && timing->lun_dead_ms > longest)
		longest = timing->lun_dead_ms;
	return longest;
}

static void check_queueing(struct finding *finding, const struct quick_settings *settings,
			   const struct quick_timing *timing, const struct settings_fact *fact)
{
	uint64_t sum = longest_deadline(timing) + settings->rise_ms;

	if (!timing->arm && !timing->release)
		return;
	if (fact->queueing_ms == 0 || sum <= fact->queueing_ms)
		return;
	found(finding, SETTINGS_REFUSED,
	      "longest deadline of target %s and rise_ms, together %llu ms, are above the %llu ms "
	      "for "
	      "which a map of it queues (no_path_retry): shorten them or raise no_path_retry",
	      fact->target, (unsigned long long)sum, (unsigned long long)fact->queueing_ms);
}

enum settings_fit settings_check_live(const struct quick_settings *settings,
				      const struct settings_fact *facts, size_t n, char *message)
{
	struct finding finding = {.fit = SETTINGS_FIT, .message = message};
	size_t i;

	message[0] = '\0';
	for (i = 0; i < n; i++) {
		const struct quick_timing *timing = settings_timing(settings, facts[i].target);

		if (timing->arm)
			check_armed(&finding, timing, &facts[i], answer_us(settings, &facts[i]),
				    rto_expected(settings, &facts[i]));
		if (timing->release)
			check_release(&finding, timing, &facts[i],
				      rto_expected(settings, &facts[i]));
		check_queueing(&finding, settings, timing, &facts[i]);
	}
	return finding.fit;
}
