/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What happens in one cycle. Every cycle is as long and holds the same; whom it hits changes. */
#include <errno.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

#include "common/clock.h"
#include "tests/bench/day/day.h"

#define POLICIES "/etc/mpathiscsi/policies.conf"
#define SETTINGS "/etc/mpathiscsi/mpathiscsid.conf"

#define COMMAND(world, ...) \
	world_command(world, (const char *const[]){"mpathiscsi", __VA_ARGS__, NULL})

/* Go on for so many seconds. */
static void wait_s(double s)
{
	day_run_until(day_now_ns() + (uint64_t)(s * 1e9));
}

static void look(struct day_world *world)
{
	COMMAND(world, "status");
	COMMAND(world, "--json", "status");
	COMMAND(world, "status", "--timing");
	COMMAND(world, "explain", "mpath0");
	COMMAND(world, "whatif", "mpath1", "--down", "portal=10.0.1.2");
	COMMAND(world, "policy", "list");
	COMMAND(world, "policy", "show", "mpath0");
}

static void set_policies(struct day_world *world, unsigned int portal)
{
	char active[32];

	snprintf(active, sizeof(active), "portal=10.0.%u.2", portal);
	COMMAND(world, "policy", "set", "--default", "round-robin");
	COMMAND(world, "policy", "set", "mpath0", "failover-only", "--active", active);
	COMMAND(world, "policy", "set", "mpath1", "round-robin-with-subset", "--active", active);
}

static void clear_policies(struct day_world *world)
{
	COMMAND(world, "policy", "clear", "mpath0");
	COMMAND(world, "policy", "clear", "mpath1");
}

static void lose_connection(struct day_world *world, unsigned int portal)
{
	unsigned long long failed = world->shared->n_failed;

	world_cut(world, portal);
	wait_s(10);
	if (world->shared->n_failed <= failed)
		scale_die("%.0f s: nothing failed the paths over portal %u, which is cut",
			  (double)day_now_ns() / 1e9, portal);
	COMMAND(world, "status");
	world_return(world, portal);
	wait_s(20);
}

/* A verdict, and its end. */
static void fall_silent(struct day_world *world, unsigned int portal)
{
	world_silent(world, portal, true);
	wait_s(0.8);
	world_silent(world, portal, false);
	wait_s(15);
}

static void change_names(struct day_world *world, unsigned int portal)
{
	world_logout(world, portal);
	wait_s(10);
	world_login(world, portal);
	wait_s(15);
}

static void lun_leaves(struct day_world *world)
{
	world_lun(world, false);
	wait_s(10);
	world_lun(world, true);
	wait_s(10);
}

static void without_multipathd(struct day_world *world)
{
	world_multipathd(world, false);
	wait_s(3);
	COMMAND(world, "status");
	wait_s(12);
	world_multipathd(world, true);
	wait_s(5);
}

static void write_file(struct day_world *world, const char *path, const char *text)
{
	scale_write(path, text);
	day_touched();
	world->events++;
	wait_s(2);
}

static void change_files(struct day_world *world)
{
	write_file(world, SETTINGS, "[timing]\nstable_ms = 2000\nprofile = safe");
	write_file(world, SETTINGS, "[timing]\nnonsense = 1");
	write_file(world, SETTINGS, "[timing]\nstable_ms = 1000");
	write_file(world, POLICIES, "[nonsense");
	write_file(world, POLICIES, "[default]\npolicy = round-robin");
	kill(world->daemon, SIGHUP);
	day_touched();
	wait_s(2);
	COMMAND(world, "reload");
}

static void operate(struct day_world *world, unsigned int portal)
{
	char expression[32];

	snprintf(expression, sizeof(expression), "portal=10.0.%u.2", portal);
	COMMAND(world, "fail", "mpath2", expression);
	wait_s(5);
	COMMAND(world, "reinstate", "mpath2", expression);
	COMMAND(world, "forgive", "all");
	COMMAND(world, "off", "--reason=a day's work");
	wait_s(5);
	COMMAND(world, "on");
	wait_s(5);
}

static void lose_probe(struct day_world *world)
{
	pid_t probe = day_find("mpathiscsi-prob", 0), next;

	kill(probe, SIGKILL);
	day_touched();
	wait_s(15);
	next = day_find("mpathiscsi-prob", probe);
	if (!next)
		scale_die("the probe was killed, and there is no other");
	world->events++;
}

void script_cycle(struct day_world *world, unsigned int number)
{
	uint64_t begin_ns = day_now_ns();
	unsigned int portal = 1 + number % DAY_PORTALS;

	set_policies(world, portal);
	look(world);
	lose_connection(world, portal);
	fall_silent(world, portal % DAY_PORTALS + 1);
	change_names(world, (portal + 1) % DAY_PORTALS + 1);
	lun_leaves(world);
	without_multipathd(world);
	clear_policies(world);
	change_files(world);
	clients_disturb(world);
	world_storm(world, 1000);
	operate(world, portal);
	lose_probe(world);
	if (day_now_ns() - begin_ns > DAY_CYCLE_S * NS_PER_S)
		scale_die("the cycle took %.0f s", (double)(day_now_ns() - begin_ns) / 1e9);
	day_run_until(begin_ns + DAY_CYCLE_S * NS_PER_S);
	world_check(world);
}
