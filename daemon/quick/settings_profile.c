/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The profiles. Where the values come from:
 *
 * user_timeout   the kernel counts from the first retransmission, which goes out after TCP's
 *		  RTO (200 ms at least on an untuned route); the second follows after twice the
 *		  RTO. So with 500 ms the second one still has 100 ms for its answer, with 250 ms
 *		  only the first one counts. In safe for those who set arm = auto there.
 * connection     data unacknowledged with back-off 2 is seen from 0.6 s after the first lost
 *		  segment, back-off 3 from 1.4 s, 4 from 3.0 s (measured): safe waits for the
 *		  fourth retransmission, default for the second with 0.4 s to be answered, fast
 *		  for the second.
 * target	  a target that answers no NOP while its TCP does: stopped, or busy. The kernel's
 *		  own NOP time-out takes 10 s with Debian's settings: half of that in safe, a
 *		  quarter in default.
 * lun		  arrays take some seconds to move a LUN to the other controller; in safe more
 *		  than the 15 s that the kernel grants a session, less than its 30 s for a
 *		  command.
 * stranded	  in safe nothing is failed that stock would have kept.
 * rise, flaps	  four flaps in short order hold a path out for 85 s; one that flaps more often
 *		  than every half minute ends up held, one that is rarer never is.
 * stable	  open-iscsi before 2.1.9 mishandles an error during the login that follows one;
 *		  a login under way ends within 5 s or is retried.
 */
#include "daemon/quick/settings.h"

static const struct quick_timing timings[PROFILE_MAX] = {
	[PROFILE_SAFE] = {.arm = false,
			  .release = true,
			  .fence = true,
			  .user_timeout_ms = 1000,
			  .user_timeout_max_ms = 10000,
			  .connection_dead_ms = 3000,
			  .target_dead_ms = 5000,
			  .lun_dead_ms = 20000},
	[PROFILE_DEFAULT] = {.arm = true,
			     .release = true,
			     .fail_stranded = true,
			     .user_timeout_ms = 500,
			     .user_timeout_max_ms = 5000,
			     .connection_dead_ms = 1000,
			     .target_dead_ms = 2500,
			     .lun_dead_ms = 6000},
	[PROFILE_FAST] = {.arm = true,
			  .release = true,
			  .fail_stranded = true,
			  .user_timeout_ms = 250,
			  .user_timeout_max_ms = 5000,
			  .connection_dead_ms = 700,
			  .target_dead_ms = 1500,
			  .lun_dead_ms = 4000},
};

void settings_profile(enum quick_profile profile, struct quick_settings *ret)
{
	ret->profile = profile;
	ret->timing = timings[profile];
	ret->tune_routes = false;
	ret->rto_min_ms = 50; /* above the 40 ms by which a peer may delay an ACK */
	ret->releases_per_minute = 20;
	ret->stable_ms = 5000;
	ret->rise_ms = 1000;
	ret->flap_half_life_s = 60;
	ret->flap_hold = 3500;
	ret->flap_reuse = 1500;
	ret->n_targets = 0;
}

uint32_t settings_fast_tuned_ms(const struct quick_settings *settings)
{
	uint32_t three = 3 * settings->rto_min_ms; /* 150 ms with the default */

	return three < timings[PROFILE_FAST].user_timeout_ms ?
		       three :
		       timings[PROFILE_FAST].user_timeout_ms;
}
