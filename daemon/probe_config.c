/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <stddef.h>

#include "daemon/probe.h"

void probe_config_default(struct probe_config *config)
{
	*config = (struct probe_config){
		.interval_ms = 250,
		.idle_interval_ms = 1000,
		.nop_deadline_ms = 250,
		.nop_deadline_max_ms = 1000,
		.misses_silent = 3,
		.connect_timeout_ms = 2000,
		.login_timeout_ms = 5000,
		.retry_min_ms = 500,
		.retry_max_ms = 8000,
		.slow_retry_ms = 30000,
		.silent_relogin_ms = 10000,
		.tcp_interval_ms = 1000,
		.login_retry_ms = 60000,
		.child_dead_ms = 1500,
	};
}

#define MINUTE 60000U
#define HOUR   3600000U

const char *probe_config_check(const struct probe_config *c)
{
	const struct {
		uint32_t value, min, max;
		const char *text;
	} rules[] = {
		{c->interval_ms, 50, MINUTE, "interval_ms must be 50…60000"},
		{c->idle_interval_ms, 50, MINUTE, "idle_interval_ms must be 50…60000"},
		{c->nop_deadline_ms, 10, MINUTE, "nop_deadline_ms must be 10…60000"},
		{c->nop_deadline_max_ms, c->nop_deadline_ms, MINUTE,
		 "nop_deadline_max_ms must be nop_deadline_ms…60000"},
		{c->misses_silent, 1, 12, "misses_silent must be 1…12"},
		{c->connect_timeout_ms, 10, MINUTE,
		 "connect_timeout_ms must be 10…60000"},
		{c->login_timeout_ms, 10, MINUTE, "login_timeout_ms must be 10…60000"},
		{c->retry_min_ms, 10, MINUTE, "retry_min_ms must be 10…60000"},
		{c->retry_max_ms, c->retry_min_ms, 10 * MINUTE,
		 "retry_max_ms must be retry_min_ms…600000"},
		{c->slow_retry_ms, 100, HOUR, "slow_retry_ms must be 100…3600000"},
		{c->silent_relogin_ms, 100, HOUR,
		 "silent_relogin_ms must be 100…3600000"},
		{c->tcp_interval_ms, 100, MINUTE, "tcp_interval_ms must be 100…60000"},
		{c->login_retry_ms, 100, HOUR, "login_retry_ms must be 100…3600000"},
		{c->child_dead_ms, 500, MINUTE, "child_dead_ms must be 500…60000"},
	};

	for (size_t i = 0; i < sizeof(rules) / sizeof(rules[0]); i++)
		if (rules[i].value < rules[i].min || rules[i].value > rules[i].max)
			return rules[i].text;
	return NULL;
}
