/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The probe engine against real targets (tgtd): what it sees of each kind of trouble, and
 * what the target sees of it. Started by tests/integration/run, which prepares:
 * this namespace with loopback and the devices left0 (10.20.0.1, fd00:20::1) and left1
 * (10.21.0.1), whose other ends right0 (10.20.0.2, fd00:20::2) and right1 (10.21.0.2) are
 * in the network namespace "peer".
 */
#include <sys/socket.h>
#include <iscsi/iscsi.h>

#include "tests/integration/probe_fences.h"
#include "tests/integration/probe_lab.h"

#define ANY	 "iqn.2026-01.example.tgt:any"
#define OTHER	 "iqn.2026-01.example.tgt:other"
#define ONE_WAY	 "iqn.2026-01.example.tgt:chap"
#define MUTUAL	 "iqn.2026-01.example.tgt:mutual"
#define REDIRECT "iqn.2026-01.example.tgt:redirect"
#define DIGEST	 "iqn.2026-01.example.tgt:digest"
#define LOCAL	 "127.0.0.1:3260"
#define PEER	 "10.20.0.2:3260"
#define PEER6	 "[fd00:20::2]:3260"

#define ADMIN "tgtadm -C %d --lld iscsi "

/* 1: on loopback; 2: behind the devices, in the namespace "peer". */
static pid_t targets[3];

static bool admin_answers(struct lab *lab, const void *arg)
{
	return !lab_sh(lab, "tgtadm -C %d --op show --mode sys 2>&1", *(const int *)arg);
}

static bool wait_plain(struct lab *lab, bool (*condition)(struct lab *, const void *),
		       const void *arg, unsigned int ms)
{
	uint64_t end_ns = clock_now_ns() + ms * NS_PER_MS;

	while (!condition(lab, arg))
		if (clock_now_ns() >= end_ns)
			return false;
	return true;
}

static bool define(struct lab *lab, int n)
{
	static const char *const names[] = {ANY,    OTHER,    ONE_WAY,
					    MUTUAL, REDIRECT, DIGEST};

	for (unsigned int i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (lab_sh(lab, ADMIN "--op new --mode target --tid %u -T %s 2>&1", n,
			   i + 1, names[i]) ||
		    lab_sh(lab, ADMIN "--op bind --mode target --tid %u -I ALL 2>&1", n,
			   i + 1))
			return false;
	return !lab_sh(lab,
		       ADMIN
		       "--op new --mode account --user alice --password secretalice1 "
		       "2>&1",
		       n) &&
	       !lab_sh(lab,
		       ADMIN
		       "--op new --mode account --user bob --password secretbob123 2>&1",
		       n) &&
	       !lab_sh(lab, ADMIN "--op bind --mode account --tid 3 --user alice 2>&1",
		       n) &&
	       !lab_sh(lab, ADMIN "--op bind --mode account --tid 4 --user alice 2>&1",
		       n) &&
	       !lab_sh(lab,
		       ADMIN
		       "--op bind --mode account --tid 4 --user bob --outgoing 2>&1",
		       n) &&
	       !lab_sh(lab,
		       ADMIN "--op update --mode target --tid 5 -n RedirectAddress "
			     "-v 10.20.0.2 2>&1",
		       n) &&
	       !lab_sh(lab,
		       ADMIN
		       "--op update --mode target --tid 5 -n RedirectPort -v 3260 2>&1",
		       n) &&
	       !lab_sh(lab,
		       ADMIN "--op update --mode target --tid 5 -n RedirectReason "
			     "-v Temporary 2>&1",
		       n) &&
	       !lab_sh(lab,
		       ADMIN
		       "--op update --mode target --tid 6 -n HeaderDigest -v CRC32C "
		       "2>&1",
		       n);
}

static bool start_target(struct lab *lab, int n)
{
	char control[8];
	char *const here[] = {(char[]){"tgtd"}, (char[]){"-f"}, (char[]){"-C"}, control,
			      NULL};
	char *const there[] = {(char[]){"ip"},	 (char[]){"netns"}, (char[]){"exec"},
			       (char[]){"peer"}, (char[]){"tgtd"},  (char[]){"-f"},
			       (char[]){"-C"},	 control,	    NULL};

	snprintf(control, sizeof(control), "%d", n);
	targets[n] = lab_start("tgtd.log", n == 1 ? here : there);
	if (targets[n] < 0 || !wait_plain(lab, admin_answers, &n, 10000)) {
		fprintf(stderr, "tgtd %d does not answer\n", n);
		return false;
	}
	if (define(lab, n))
		return true;
	fprintf(stderr, "tgtd %d does not take its targets: %s\n", n, lab->output);
	return false;
}

/* The probe sessions a target knows, by the alias they log in with. */
static int sessions(struct lab *lab, int n, const char *initiator)
{
	int found = 0;

	if (lab_sh(lab, ADMIN "--op show --mode target 2>&1", n))
		return -1;
	for (const char *line = lab->output; (line = strstr(line, initiator)); line++)
		found++;
	return found;
}

static struct probe_target chap_target(const char *name, const char *password)
{
	struct probe_target target = lab_target(name, LOCAL);

	copy_text(target.chap.user, sizeof(target.chap.user), "alice");
	copy_text(target.chap.password, sizeof(target.chap.password), password);
	return target;
}

static bool nop_up(struct lab *lab)
{
	struct probe_target target = lab_target(ANY, LOCAL);
	const struct probe_report *report;
	uint64_t first_ns;

	REQUIRE(lab, !probe_engine_set(lab->engine, &target, 1), "cannot set targets");
	REQUIRE_STATE(lab, &target, PROBE_UP, 3000);
	first_ns = probe_engine_find(lab->engine, &target)->last_good_ns;
	lab_watch(lab, 1000);
	report = probe_engine_find(lab->engine, &target);
	REQUIRE(lab, report->state == PROBE_UP, "no longer up");
	REQUIRE(lab, report->last_good_ns > first_ns + 500 * NS_PER_MS,
		"no NOPs after the first");
	REQUIRE(lab, report->rtt_us >= 1 && report->rtt_us < 100000,
		"implausible RTT %u us", report->rtt_us);
	REQUIRE(lab, !report->misses && !report->error && !report->text[0],
		"up, with misses %u error %d text '%s'", report->misses, report->error,
		report->text);
	return true;
}

/* Name and alias at the target; one session; and none once nobody wants it. */
static bool seen_at_target(struct lab *lab)
{
	struct probe_target target = lab_target(ANY, LOCAL);

	REQUIRE(lab, !probe_engine_set(lab->engine, &target, 1), "cannot set targets");
	REQUIRE_STATE(lab, &target, PROBE_UP, 3000);
	REQUIRE(lab,
		sessions(lab, 1,
			 "Initiator: " LAB_INITIATOR " alias: mpathiscsi probe") == 1,
		"not one session with our name and alias: %s", lab->output);
	REQUIRE(lab, !probe_engine_set(lab->engine, NULL, 0), "cannot set no targets");
	REQUIRE(lab, !probe_engine_find(lab->engine, &target), "still probed");
	for (uint64_t end_ns = clock_now_ns() + 3 * NS_PER_S;
	     sessions(lab, 1, LAB_INITIATOR);) {
		REQUIRE(lab, clock_now_ns() < end_ns, "session stays: %s", lab->output);
		lab_watch(lab, 20);
	}
	return true;
}

static bool silent_target(struct lab *lab)
{
	struct probe_target target = lab_target(ANY, LOCAL);
	const struct probe_report *report;
	uint64_t stopped_ns, took_ms;
	size_t mark;

	REQUIRE(lab, !probe_engine_set(lab->engine, &target, 1), "cannot set targets");
	REQUIRE_STATE(lab, &target, PROBE_UP, 3000);
	lab_watch(lab, 2000); /* let the deadline settle */
	mark = lab->n_log;
	stopped_ns = clock_now_ns();
	kill(targets[1], SIGSTOP);
	REQUIRE_STATE(lab, &target, PROBE_SILENT, 5000);
	took_ms = (clock_now_ns() - stopped_ns) / NS_PER_MS;
	REQUIRE(lab, lab_saw(lab, mark, &target, PROBE_LATE),
		"silent without being late first");
	REQUIRE(lab, took_ms >= 500 && took_ms <= 1500, "silent after %lu ms",
		(unsigned long)took_ms);
	report = probe_engine_find(lab->engine, &target);
	REQUIRE(lab,
		report->misses >= 3 && report->silent_since_ns >= stopped_ns - NS_PER_S,
		"misses %u", report->misses);
	kill(targets[1], SIGCONT);
	REQUIRE_STATE(lab, &target, PROBE_UP, 1000);
	REQUIRE(lab, !probe_engine_find(lab->engine, &target)->silent_since_ns,
		"still silent?");
	REQUIRE(lab, sessions(lab, 1, LAB_INITIATOR) == 1, "not one session: %s",
		lab->output);
	return true;
}

/* A target that hangs for long: tried anew, never more than one session, comes back. */
static bool long_silence(struct lab *lab)
{
	struct probe_target target = lab_target(ANY, LOCAL);

	REQUIRE(lab, !probe_engine_set(lab->engine, &target, 1), "cannot set targets");
	REQUIRE_STATE(lab, &target, PROBE_UP, 3000);
	kill(targets[1], SIGSTOP);
	REQUIRE_STATE(lab, &target, PROBE_LOGIN_FAILED, 25000);
	REQUIRE(lab, probe_engine_find(lab->engine, &target)->error == -ETIMEDOUT,
		"login failed with %d", probe_engine_find(lab->engine, &target)->error);
	kill(targets[1], SIGCONT);
	REQUIRE_STATE(lab, &target, PROBE_UP, 15000);
	REQUIRE(lab, sessions(lab, 1, LAB_INITIATOR) == 1, "not one session: %s",
		lab->output);
	return true;
}

static bool refused(struct lab *lab)
{
	struct probe_target target = lab_target(ANY, "127.0.0.1:3999");

	REQUIRE(lab, !probe_engine_set(lab->engine, &target, 1), "cannot set targets");
	REQUIRE_STATE(lab, &target, PROBE_REFUSED, 3000);
	REQUIRE(lab, probe_engine_find(lab->engine, &target)->error == -ECONNREFUSED,
		"error is not ECONNREFUSED");
	return true;
}

static bool blackhole(struct lab *lab)
{
	struct probe_target target = lab_target(ANY, PEER);
	size_t mark;

	REQUIRE(lab, !lab_sh(lab, "iptables -A OUTPUT -d 10.20.0.2 -j DROP 2>&1"), "%s",
		lab->output);
	REQUIRE(lab, !probe_engine_set(lab->engine, &target, 1), "cannot set targets");
	REQUIRE_STATE(lab, &target, PROBE_UNREACHABLE, 6000);
	REQUIRE(lab, !lab_sh(lab, "iptables -F OUTPUT 2>&1"), "%s", lab->output);
	REQUIRE_STATE(lab, &target, PROBE_UP, 10000);
	/* an address that nobody has */
	target = lab_target(ANY, "10.20.0.77:3260");
	mark = lab->n_log;
	REQUIRE(lab, !probe_engine_set(lab->engine, &target, 1), "cannot set targets");
	REQUIRE_STATE(lab, &target, PROBE_UNREACHABLE, 6000);
	REQUIRE(lab, !lab_saw(lab, mark, &target, PROBE_UP), "up at nobody's address");
	/* an address that no route leads to */
	target = lab_target(ANY, "192.0.2.1:3260");
	REQUIRE(lab, !probe_engine_set(lab->engine, &target, 1), "cannot set targets");
	REQUIRE_STATE(lab, &target, PROBE_UNREACHABLE, 3000);
	REQUIRE(lab, probe_engine_find(lab->engine, &target)->error == -ENETUNREACH,
		"error is not ENETUNREACH");
	return true;
}

/* A road cut under a live session: silent, then unreachable, then up again, all quickly.
 */
static bool silent_cut(struct lab *lab)
{
	struct probe_target target = lab_target(ANY, PEER);

	REQUIRE(lab, !probe_engine_set(lab->engine, &target, 1), "cannot set targets");
	REQUIRE_STATE(lab, &target, PROBE_UP, 3000);
	REQUIRE(lab, !lab_sh(lab, "iptables -A INPUT -s 10.20.0.2 -j DROP 2>&1"), "%s",
		lab->output);
	REQUIRE_STATE(lab, &target, PROBE_SILENT, 3500);
	REQUIRE_STATE(lab, &target, PROBE_UNREACHABLE, 8000);
	lab_watch(lab, 3000);
	REQUIRE(lab, !lab_sh(lab, "iptables -F INPUT 2>&1"), "%s", lab->output);
	REQUIRE_STATE(lab, &target, PROBE_UP, 8000);
	return true;
}

static bool chap(struct lab *lab)
{
	struct probe_target target = chap_target(ONE_WAY, "secretalice1");

	REQUIRE(lab, !probe_engine_set(lab->engine, &target, 1), "cannot set targets");
	REQUIRE_STATE(lab, &target, PROBE_UP, 3000);
	return true;
}

static bool chap_mutual(struct lab *lab)
{
	struct probe_target target = chap_target(MUTUAL, "secretalice1");

	copy_text(target.chap.user_in, sizeof(target.chap.user_in), "bob");
	copy_text(target.chap.password_in, sizeof(target.chap.password_in),
		  "secretbob123");
	REQUIRE(lab, !probe_engine_set(lab->engine, &target, 1), "cannot set targets");
	REQUIRE_STATE(lab, &target, PROBE_UP, 3000);
	return true;
}

/* Asked once, not again and again: no account is locked by us. */
static bool wrong_secret(struct lab *lab)
{
	struct probe_target target = chap_target(ONE_WAY, "wrongsecret1");
	const struct probe_report *report;
	uint64_t updated_ns;

	REQUIRE(lab, !probe_engine_set(lab->engine, &target, 1), "cannot set targets");
	REQUIRE_STATE(lab, &target, PROBE_LOGIN_FAILED, 3000);
	report = probe_engine_find(lab->engine, &target);
	REQUIRE(lab, report->login_status >> 8 == 2, "login status 0x%04x (%s)",
		report->login_status, report->text);
	REQUIRE(lab, !strstr(report->text, "wrongsecret1"), "the secret is in the text");
	updated_ns = report->updated_ns;
	lab_watch(lab, 5000);
	report = probe_engine_find(lab->engine, &target);
	REQUIRE(lab, report->updated_ns == updated_ns && lab->n_log <= 2,
		"tried again already");
	/* the right secret is tried at once */
	target = chap_target(ONE_WAY, "secretalice1");
	REQUIRE(lab, !probe_engine_set(lab->engine, &target, 1), "cannot set targets");
	REQUIRE_STATE(lab, &target, PROBE_UP, 3000);
	return true;
}

static bool wrong_mutual_secret(struct lab *lab)
{
	struct probe_target target = chap_target(MUTUAL, "secretalice1");

	copy_text(target.chap.user_in, sizeof(target.chap.user_in), "bob");
	copy_text(target.chap.password_in, sizeof(target.chap.password_in),
		  "notbobssecret");
	REQUIRE(lab, !probe_engine_set(lab->engine, &target, 1), "cannot set targets");
	REQUIRE_STATE(lab, &target, PROBE_LOGIN_FAILED, 3000);
	REQUIRE(lab, probe_engine_find(lab->engine, &target)->error == -EACCES,
		"error %d (%s)", probe_engine_find(lab->engine, &target)->error,
		lab_text(lab, &target));
	lab_watch(lab, 3000);
	REQUIRE(lab, lab->n_log <= 2, "tried again already");
	return true;
}

static bool no_such_target(struct lab *lab)
{
	struct probe_target target = lab_target("iqn.2026-01.example.tgt:nobody", LOCAL);

	REQUIRE(lab, !probe_engine_set(lab->engine, &target, 1), "cannot set targets");
	REQUIRE_STATE(lab, &target, PROBE_LOGIN_FAILED, 3000);
	REQUIRE(lab, probe_engine_find(lab->engine, &target)->login_status == 0x0203,
		"login status 0x%04x",
		probe_engine_find(lab->engine, &target)->login_status);
	return true;
}

/* Not followed; with the kernel's own peer known, that one is probed. */
static bool redirect(struct lab *lab)
{
	struct probe_target target = lab_target(REDIRECT, LOCAL);
	const struct probe_report *report;

	REQUIRE(lab, !probe_engine_set(lab->engine, &target, 1), "cannot set targets");
	REQUIRE_STATE(lab, &target, PROBE_REDIRECTED, 3000);
	report = probe_engine_find(lab->engine, &target);
	REQUIRE(lab, report->login_status == 0x0101, "status 0x%04x",
		report->login_status);
	REQUIRE(lab, strstr(report->text, "10.20.0.2:3260"), "no address in '%s'",
		report->text);
	lab_watch(lab, 1000);
	REQUIRE(lab, !sessions(lab, 2, LAB_INITIATOR), "the redirect was followed");
	REQUIRE(lab,
		!lab_sh(lab,
			ADMIN "--op update --mode target --tid 5 -n RedirectAddress "
			      "-v '' 2>&1",
			2),
		"%s", lab->output);
	REQUIRE(lab, !portal_parse(PEER, 3260, &target.current), "portal");
	REQUIRE(lab, !probe_engine_set(lab->engine, &target, 1), "cannot set targets");
	REQUIRE_STATE(lab, &target, PROBE_UP, 3000);
	REQUIRE(lab, sessions(lab, 2, LAB_INITIATOR) == 1, "not at the current peer");
	/* the kernel's connection goes down: the probe stays where it was */
	target.current = (struct portal){0};
	REQUIRE(lab, !probe_engine_set(lab->engine, &target, 1), "cannot set targets");
	lab_watch(lab, 500);
	REQUIRE(lab, lab_wait_state(lab, &target, PROBE_UP, 0), "moved away: %s",
		lab_state(lab, &target));
	return true;
}

static bool ipv6(struct lab *lab)
{
	struct probe_target here = lab_target(ANY, "[::1]:3260");
	struct probe_target there = lab_target(OTHER, PEER6);
	struct probe_target both[] = {here, there};

	REQUIRE(lab, !probe_engine_set(lab->engine, both, 2), "cannot set targets");
	REQUIRE_STATE(lab, &here, PROBE_UP, 3000);
	REQUIRE_STATE(lab, &there, PROBE_UP, 3000);
	return true;
}

/* A link-local portal as sysfs shows it: without scope, with the device it is bound to.
 */
static bool ipv6_link_local(struct lab *lab)
{
	struct probe_target target;
	char portal[80], *address, *end;

	REQUIRE(lab,
		!lab_sh(lab, "ip -n peer -6 -o addr show dev right0 scope link 2>&1"),
		"%s", lab->output);
	address = strstr(lab->output, "fe80:");
	REQUIRE(lab, address && (end = strchr(address, '/')), "no address: %s",
		lab->output);
	*end = 0;
	snprintf(portal, sizeof(portal), "[%s]:3260", address);
	target = lab_target(ANY, portal);
	copy_text(target.name.netdev, sizeof(target.name.netdev), "left0");
	REQUIRE(lab, !probe_engine_set(lab->engine, &target, 1), "cannot set targets");
	REQUIRE_STATE(lab, &target, PROBE_UP, 5000);
	return true;
}

static bool target_restart(struct lab *lab)
{
	struct probe_target target = lab_target(ANY, LOCAL);
	size_t mark;

	REQUIRE(lab, !probe_engine_set(lab->engine, &target, 1), "cannot set targets");
	REQUIRE_STATE(lab, &target, PROBE_UP, 3000);
	mark = lab->n_log;
	lab_stop(&targets[1]);
	REQUIRE_STATE(lab, &target, PROBE_REFUSED, 3000);
	REQUIRE(lab, lab_saw(lab, mark, &target, PROBE_LOST),
		"refused without being lost first");
	REQUIRE(lab, start_target(lab, 1), "cannot restart tgtd");
	REQUIRE_STATE(lab, &target, PROBE_UP, 10000);
	return true;
}

static pid_t child_pid(struct lab *lab)
{
	struct probe_engine_status status;

	probe_engine_status(lab->engine, &status);
	return status.pid;
}

static bool another_child(struct lab *lab, const void *arg)
{
	pid_t pid = child_pid(lab);

	return pid && pid != *(const pid_t *)arg;
}

static bool child_killed(struct lab *lab)
{
	struct probe_target target = lab_target(ANY, LOCAL);
	struct probe_engine_status status;
	pid_t first;
	size_t mark;

	REQUIRE(lab, !probe_engine_set(lab->engine, &target, 1), "cannot set targets");
	REQUIRE_STATE(lab, &target, PROBE_UP, 3000);
	first = child_pid(lab);
	mark = lab->n_log;
	kill(first, SIGKILL);
	REQUIRE_STATE(lab, &target, PROBE_NONE, 1000);
	REQUIRE(lab, lab_wait(lab, another_child, &first, 3000), "no other child");
	REQUIRE_STATE(lab, &target, PROBE_UP, 3000);
	REQUIRE(lab, lab->log[mark].state == PROBE_NONE, "not NONE first");
	probe_engine_status(lab->engine, &status);
	REQUIRE(lab, strstr(status.last_failure, "signal 9") && status.starts == 2,
		"'%s', %u", status.last_failure, status.starts);
	REQUIRE(lab, sessions(lab, 1, LAB_INITIATOR) == 1, "not one session: %s",
		lab->output);
	return true;
}

static bool child_hangs(struct lab *lab)
{
	struct probe_target target = lab_target(ANY, LOCAL);
	uint64_t stopped_ns;
	pid_t first;

	REQUIRE(lab, !probe_engine_set(lab->engine, &target, 1), "cannot set targets");
	REQUIRE_STATE(lab, &target, PROBE_UP, 3000);
	first = child_pid(lab);
	stopped_ns = clock_now_ns();
	kill(first, SIGSTOP);
	REQUIRE_STATE(lab, &target, PROBE_NONE, 3500);
	REQUIRE(lab, clock_now_ns() - stopped_ns > NS_PER_S, "given up too early");
	REQUIRE(lab, lab_wait(lab, another_child, &first, 3000), "no other child");
	REQUIRE(lab, kill(first, 0) && errno == ESRCH, "the hung child is still there");
	REQUIRE_STATE(lab, &target, PROBE_UP, 3000);
	return true;
}

/* A short stop of the child is its own fault: nothing is held against the target. */
static bool child_slow(struct lab *lab)
{
	struct probe_target target = lab_target(ANY, LOCAL);
	size_t mark;

	REQUIRE(lab, !probe_engine_set(lab->engine, &target, 1), "cannot set targets");
	REQUIRE_STATE(lab, &target, PROBE_UP, 3000);
	mark = lab->n_log;
	for (int i = 0; i < 3; i++) {
		kill(child_pid(lab), SIGSTOP);
		lab_watch(lab, 800);
		kill(child_pid(lab), SIGCONT);
		lab_watch(lab, 600);
	}
	REQUIRE(lab, lab->n_log == mark, "state went to %s",
		probe_state_name(lab->log[mark].state));
	REQUIRE(lab, probe_engine_find(lab->engine, &target)->rtt_us < 100000,
		"RTT %u us", probe_engine_find(lab->engine, &target)->rtt_us);
	return true;
}

static long status_field(struct lab *lab, pid_t pid, const char *field, int base)
{
	char path[64];
	const char *found;

	snprintf(path, sizeof(path), "/proc/%d/status", pid);
	if (lab_sh(lab, "cat %s", path))
		return -1;
	found = strstr(lab->output, field);
	return found ? (long)strtoul(found + strlen(field), NULL, base) : -1;
}

static bool child_confined(struct lab *lab)
{
	struct probe_target target = lab_target(ANY, LOCAL);
	pid_t pid;

	REQUIRE(lab, !probe_engine_set(lab->engine, &target, 1), "cannot set targets");
	REQUIRE_STATE(lab, &target, PROBE_UP, 3000);
	pid = child_pid(lab);
	REQUIRE(lab, status_field(lab, pid, "\nUid:\t", 10) > 0, "runs as root");
	REQUIRE(lab, status_field(lab, pid, "\nGroups:\t", 10) == 0, "has groups");
	REQUIRE(lab, status_field(lab, pid, "\nCapEff:\t", 16) == 0, "has capabilities");
	REQUIRE(lab, status_field(lab, pid, "\nCapPrm:\t", 16) == 0,
		"may get capabilities");
	REQUIRE(lab, status_field(lab, pid, "\nNoNewPrivs:\t", 10) == 1,
		"may get privileges");
#ifndef __SANITIZE_ADDRESS__
	REQUIRE(lab, status_field(lab, pid, "\nSeccomp:\t", 10) == 2, "any system call");
#endif
	REQUIRE(lab, status_field(lab, pid, "\nThreads:\t", 10) == 1,
		"more than one thread");
	REQUIRE(lab,
		!lab_sh(lab,
			"tr '\\0' '\\n' < /proc/%d/environ 2>&1; ls /proc/%d/fd 2>&1",
			pid, pid),
		"%s", lab->output);
	REQUIRE(lab, !strchr(lab->output, '='), "has an environment: %s", lab->output);
	REQUIRE(lab, !strcmp(lab->output, "0\n1\n2\n3\n4\n"), "descriptors: %s",
		lab->output);
	REQUIRE(lab,
		!lab_sh(lab, "grep 'Max core file size *0 *0 ' /proc/%d/limits", pid),
		"may dump core");
	REQUIRE(lab,
		!lab_sh(lab, "stat -c %%u /proc/%d/mem", pid) && lab->output[0] == '0',
		"may be traced by its own user");
	return true;
}

/*
 * Both of a good and a refused login: neither in a file of this namespace, nor among what /proc
 * shows of child and engine, nor in what the engine says of the target. A word that is there
 * proves that the search finds one.
 */
static bool secret_hidden(struct lab *lab)
{
	struct probe_target good = chap_target(ONE_WAY, "secretalice1");
	struct probe_target bad = chap_target(ONE_WAY, "wrongsecret1");
	struct probe_engine_status status;
	static const char search[] =
		"grep -rsalD skip '%s' /run /proc/%d/cmdline /proc/%d/environ /proc/%d/comm "
		"/proc/%d/cmdline /proc/%d/environ | head -n 3";
	int engine = (int)getpid();
	pid_t pid;

	REQUIRE(lab, !probe_engine_set(lab->engine, &good, 1), "cannot set targets");
	REQUIRE_STATE(lab, &good, PROBE_UP, 3000);
	REQUIRE(lab, !probe_engine_set(lab->engine, &bad, 1), "cannot set targets");
	REQUIRE_STATE(lab, &bad, PROBE_LOGIN_FAILED, 5000);
	pid = child_pid(lab);
	lab_sh(lab, search, "mpathiscsi-probe", pid, pid, pid, engine, engine);
	REQUIRE(lab, *lab->output, "the search finds nothing");
	lab_sh(lab, search, "secretalic[e]1", pid, pid, pid, engine, engine);
	REQUIRE(lab, !*lab->output, "the secret: %s", lab->output);
	lab_sh(lab, search, "wrongsecre[t]1", pid, pid, pid, engine, engine);
	REQUIRE(lab, !*lab->output, "the wrong secret: %s", lab->output);
	probe_engine_status(lab->engine, &status);
	REQUIRE(lab, !strstr(probe_engine_find(lab->engine, &bad)->text, "secret") &&
			     !strstr(status.last_failure, "secret"), "told in a text");
	return true;
}

/* A refused interpreter of a program: no evidence, a reason, and no busy loop. */
static bool no_child(struct lab *lab)
{
	struct probe_target target = lab_target(ANY, LOCAL);
	struct probe_engine_status status;
	struct probe_config config = lab->config;

	probe_engine_free(lab->engine);
	lab->engine = NULL;
	config.child_path = "/nonexistent/mpathiscsi-probe";
	REQUIRE(lab,
		!probe_engine_new(lab->event, &config, lab_changed, lab, &lab->engine),
		"no engine");
	REQUIRE(lab, !probe_engine_set(lab->engine, &target, 1), "cannot set targets");
	lab_watch(lab, 1500);
	probe_engine_status(lab->engine, &status);
	REQUIRE(lab, strstr(status.last_failure, "No such file"), "'%s'",
		status.last_failure);
	REQUIRE(lab, status.starts >= 2 && status.starts <= 6, "%u starts",
		status.starts);
	REQUIRE(lab, lab_wait_state(lab, &target, PROBE_NONE, 0), "state %s",
		lab_state(lab, &target));
	return true;
}

static bool netdev(struct lab *lab)
{
	struct probe_target target = lab_target(ANY, PEER);

	copy_text(target.name.netdev, sizeof(target.name.netdev), "left0");
	REQUIRE(lab, !ip_address_parse("10.20.0.1", &target.name.source), "address");
	REQUIRE(lab, !probe_engine_set(lab->engine, &target, 1), "cannot set targets");
	REQUIRE_STATE(lab, &target, PROBE_UP, 3000);
	REQUIRE(lab,
		!lab_sh(lab, "ss -tnH dst 10.20.0.2 2>&1") &&
			strstr(lab->output, "10.20.0.1%left0"),
		"not bound to left0: %s", lab->output);
	return true;
}

static bool netdev_wrong(struct lab *lab)
{
	struct probe_target target = lab_target(ANY, PEER);

	/* the device is there, but the session's address is not on it */
	copy_text(target.name.netdev, sizeof(target.name.netdev), "left1");
	REQUIRE(lab, !ip_address_parse("10.20.0.1", &target.name.source), "address");
	REQUIRE(lab, !probe_engine_set(lab->engine, &target, 1), "cannot set targets");
	REQUIRE_STATE(lab, &target, PROBE_LOCAL, 3000);
	REQUIRE(lab, strstr(lab_text(lab, &target), "10.21.0.1"), "'%s'",
		lab_text(lab, &target));
	/* no such device: never by another road */
	target = lab_target(ANY, PEER);
	copy_text(target.name.netdev, sizeof(target.name.netdev), "gone0");
	REQUIRE(lab, !probe_engine_set(lab->engine, &target, 1), "cannot set targets");
	REQUIRE_STATE(lab, &target, PROBE_LOCAL, 3000);
	REQUIRE(lab, probe_engine_find(lab->engine, &target)->error == -ENODEV,
		"error %d", probe_engine_find(lab->engine, &target)->error);
	REQUIRE(lab, strstr(lab_text(lab, &target), "gone0"), "'%s'",
		lab_text(lab, &target));
	/* not bound, and the route leaves from another address than the session's */
	target = lab_target(ANY, PEER);
	REQUIRE(lab, !ip_address_parse("10.21.0.1", &target.name.source), "address");
	REQUIRE(lab, !probe_engine_set(lab->engine, &target, 1), "cannot set targets");
	REQUIRE_STATE(lab, &target, PROBE_LOCAL, 3000);
	lab_watch(lab, 500);
	REQUIRE(lab, !sessions(lab, 2, LAB_INITIATOR), "logged in by the wrong road");
	return true;
}

static bool two_targets(struct lab *lab)
{
	struct probe_target both[] = {lab_target(ANY, LOCAL), lab_target(OTHER, LOCAL)};

	REQUIRE(lab, !probe_engine_set(lab->engine, both, 2), "cannot set targets");
	REQUIRE_STATE(lab, &both[0], PROBE_UP, 3000);
	REQUIRE_STATE(lab, &both[1], PROBE_UP, 3000);
	REQUIRE(lab, sessions(lab, 1, LAB_INITIATOR) == 2, "not two sessions: %s",
		lab->output);
	return true;
}

/* Whatever is done to the wanted set: never two sessions of one key. */
static bool churn(struct lab *lab)
{
	struct probe_target set[4] = {lab_target(ANY, LOCAL), lab_target(ANY, LOCAL),
				      lab_target(ANY, LOCAL), lab_target(OTHER, LOCAL)};
	unsigned int seed = 7;

	for (int round = 0; round < 60; round++) {
		size_t n = (size_t)rand_r(&seed) % 5;

		for (size_t i = 0; i < 4; i++) {
			set[i].header_digest = rand_r(&seed) % 2;
			set[i].kernel_logged_in = rand_r(&seed) % 2;
		}
		REQUIRE(lab, !probe_engine_set(lab->engine, set, n),
			"cannot set targets");
		lab_watch(lab, (unsigned int)rand_r(&seed) % 60);
		REQUIRE(lab, sessions(lab, 1, LAB_INITIATOR) <= 2,
			"round %d, too many: %s", round, lab->output);
	}
	REQUIRE(lab, !probe_engine_set(lab->engine, set, 4), "cannot set targets");
	REQUIRE_STATE(lab, &set[0], PROBE_UP, 5000);
	REQUIRE_STATE(lab, &set[3], PROBE_UP, 5000);
	REQUIRE(lab, sessions(lab, 1, LAB_INITIATOR) == 2, "not one session a key: %s",
		lab->output);
	return true;
}

static bool all_up(struct lab *lab, const void *arg)
{
	const struct probe_target *set = arg;

	for (size_t i = 0; set[i].name.iface[0]; i++) {
		const struct lab_want want = {&set[i], PROBE_UP};

		if (!lab_is(lab, &want))
			return false;
	}
	return true;
}

#define MANY 150

/* Many keys, and all of them replaced at once. */
static bool many(struct lab *lab)
{
	static struct probe_target set[MANY + 1];
	struct probe_engine_status status;

	for (int round = 0; round < 2; round++) {
		for (size_t i = 0; i < MANY; i++) {
			set[i] = lab_target(ANY, LOCAL);
			snprintf(set[i].name.iface, sizeof(set[i].name.iface), "%d-%zu",
				 round, i);
		}
		REQUIRE(lab, !probe_engine_set(lab->engine, set, MANY),
			"cannot set targets");
		REQUIRE(lab, lab_wait(lab, all_up, set, 10000), "not all are up");
		REQUIRE(lab, sessions(lab, 1, LAB_INITIATOR) == MANY,
			"not one session a key");
	}
	probe_engine_status(lab->engine, &status);
	REQUIRE(lab, status.starts == 1, "%u children: %s", status.starts,
		status.last_failure);
	return true;
}

static bool header_digest(struct lab *lab)
{
	struct probe_target target = lab_target(ANY, LOCAL);
	struct probe_target strict = lab_target(DIGEST, LOCAL);
	struct probe_target both[2];

	target.header_digest = true;
	strict.header_digest = true;
	both[0] = target;
	both[1] = strict;
	REQUIRE(lab, !probe_engine_set(lab->engine, both, 2), "cannot set targets");
	REQUIRE_STATE(lab, &target, PROBE_UP, 3000);
	REQUIRE_STATE(lab, &strict, PROBE_UP, 3000);
	lab_watch(lab, 1000);
	REQUIRE(lab, lab_wait_state(lab, &strict, PROBE_UP, 0), "no longer up");
	return true;
}

static bool everything_ends(struct lab *lab)
{
	struct probe_target target = lab_target(ANY, LOCAL);
	pid_t pid;

	REQUIRE(lab, !probe_engine_set(lab->engine, &target, 1), "cannot set targets");
	REQUIRE_STATE(lab, &target, PROBE_UP, 3000);
	pid = child_pid(lab);
	probe_engine_free(lab->engine);
	lab->engine = NULL;
	REQUIRE(lab, kill(pid, 0) && errno == ESRCH, "the child is still there");
	REQUIRE(lab, !sessions(lab, 1, LAB_INITIATOR), "the session was not ended: %s",
		lab->output);
	return true;
}

static bool one_session(struct lab *lab, const void *arg)
{
	(void)arg;
	return sessions(lab, 1, LAB_INITIATOR) == 1;
}

/* In and out again; the probe's own session is not touched. */
static bool fence_granted(struct lab *lab)
{
	struct probe_target target = lab_target(ANY, LOCAL);
	struct fence_seen seen = {.calls = 0};
	size_t mark;

	REQUIRE(lab, probe_engine_fence(lab->engine, &target, 1, 1000, fence_done, &seen) ==
			     -ENOTCONN,
		"taken without a child");
	REQUIRE(lab, !probe_engine_set(lab->engine, &target, 1), "cannot set targets");
	REQUIRE_STATE(lab, &target, PROBE_UP, 3000);
	mark = lab->n_log;
	if (!fence_once(lab, &target, 2000, &seen))
		return false;
	REQUIRE(lab, !seen.result.error, "not granted: %s", seen.result.text);
	REQUIRE(lab, lab_wait(lab, one_session, NULL, 3000), "not one session: %s",
		lab->output);
	lab_watch(lab, 500);
	REQUIRE(lab, seen.calls == 1, "told %u times", seen.calls);
	REQUIRE(lab, lab->n_log == mark, "the probe has noticed");
	return true;
}

static bool fence_refused(struct lab *lab)
{
	struct probe_target target = chap_target(ONE_WAY, "secretalice1");
	struct probe_target wrong = chap_target(ONE_WAY, "wrongsecret1");
	struct probe_target closed = lab_target(ANY, "127.0.0.1:3999");
	struct probe_target moved = lab_target(REDIRECT, LOCAL);
	struct fence_seen seen;

	REQUIRE(lab, !probe_engine_set(lab->engine, &target, 1), "cannot set targets");
	REQUIRE_STATE(lab, &target, PROBE_UP, 3000);
	if (!fence_once(lab, &target, 2000, &seen))
		return false;
	REQUIRE(lab, !seen.result.error, "not granted: %s", seen.result.text);
	if (!fence_once(lab, &wrong, 2000, &seen))
		return false;
	REQUIRE(lab, seen.result.error && seen.result.login_status >> 8 == 2,
		"wrong secret: error %d, status 0x%04x", seen.result.error,
		seen.result.login_status);
	if (!fence_once(lab, &closed, 2000, &seen))
		return false;
	REQUIRE(lab, seen.result.error == -ECONNREFUSED, "closed port: error %d",
		seen.result.error);
	if (!fence_once(lab, &moved, 2000, &seen))
		return false;
	REQUIRE(lab, seen.result.error == -EREMOTE, "redirect: error %d", seen.result.error);
	return true;
}

/* Has the target ended this connection? */
static bool ended(struct lab *lab, const void *arg)
{
	char byte;
	ssize_t n = recv(*(const int *)arg, &byte, 1, MSG_PEEK | MSG_DONTWAIT);

	(void)lab;
	return n == 0 || (n < 0 && errno != EAGAIN);
}

/*
 * A session as iscsid would name it is ended by the fence of its number and by no other. With
 * CHAP: tgt follows RFC 7143, 6.3.5 only for a login that has a security stage.
 */
static bool fence_reinstates(struct lab *lab)
{
	struct probe_target target = chap_target(ONE_WAY, "secretalice1");
	struct iscsi_context *iscsi = iscsi_create_context(LAB_INITIATOR);
	struct fence_seen seen;
	bool ok = false;
	int fd;

	REQUIRE(lab, iscsi, "no memory");
	iscsi_set_noautoreconnect(iscsi, 1);
	iscsi_set_session_type(iscsi, ISCSI_SESSION_NORMAL);
	iscsi_set_targetname(iscsi, ONE_WAY);
	iscsi_set_initiator_username_pwd(iscsi, "alice", "secretalice1");
	iscsi_set_isid_oui(iscsi, 0x00023d, 4711 + 0x10000);
	if (iscsi_connect_sync(iscsi, LOCAL) || iscsi_login_sync(iscsi)) {
		lab_fail(lab, "no session: %s", iscsi_get_error(iscsi));
	} else if (probe_engine_set(lab->engine, &target, 1) ||
		   !lab_wait_state(lab, &target, PROBE_UP, 3000)) {
		lab_fail(lab, "no probe");
	} else if (fence_of(lab, &target, 4711, &seen) && !seen.result.error) {
		fd = iscsi_get_fd(iscsi);
		if (lab_wait(lab, ended, &fd, 1000))
			lab_fail(lab, "ended by a fence of another session");
		else if (!fence_of(lab, &target, 4711 + 0x10000, &seen) || seen.result.error)
			lab_fail(lab, "not granted: %s", seen.result.text);
		else if (!lab_wait(lab, ended, &fd, 3000))
			lab_fail(lab, "not ended");
		else
			ok = true;
	} else {
		lab_fail(lab, "not granted: %s", seen.result.text);
	}
	iscsi_destroy_context(iscsi);
	return ok;
}

/* Over in time, whoever is silent: the target, or the child. */
static bool fence_silent(struct lab *lab)
{
	struct probe_target target = lab_target(ANY, PEER), stopped = lab_target(ANY, LOCAL);
	struct fence_seen seen[PROBE_MAX_FENCES], one;
	uint64_t begin_ns;
	int r = 0;

	REQUIRE(lab, !probe_engine_set(lab->engine, &target, 1), "cannot set targets");
	REQUIRE_STATE(lab, &target, PROBE_UP, 3000);
	kill(targets[1], SIGSTOP);
	begin_ns = clock_now_ns();
	REQUIRE(lab, fence_once(lab, &stopped, 1000, &one), "%s", lab->why);
	REQUIRE(lab, one.result.error == -ETIMEDOUT, "error %d", one.result.error);
	REQUIRE(lab, one.at_ns - begin_ns >= 950 * NS_PER_MS &&
			     one.at_ns - begin_ns <= 1600 * NS_PER_MS,
		"after %lu ms", (unsigned long)((one.at_ns - begin_ns) / NS_PER_MS));
	memset(seen, 0, sizeof(seen));
	for (size_t i = 0; i < PROBE_MAX_FENCES && !r; i++)
		r = probe_engine_fence(lab->engine, &stopped, (unsigned int)i, 10000,
				       fence_done, &seen[i]);
	REQUIRE(lab, !r, "one of many not taken: %s", strerror(-r));
	r = probe_engine_fence(lab->engine, &stopped, 99, 10000, fence_done, &one);
	REQUIRE(lab, r == -EBUSY, "one too many: %d", r);
	kill(child_pid(lab), SIGKILL);
	for (size_t i = 0; i < PROBE_MAX_FENCES; i++) {
		REQUIRE(lab, lab_wait(lab, fence_was_told, &seen[i], 2000), "not told of the child");
		REQUIRE(lab, seen[i].result.error == -EPIPE && seen[i].sid == i, "error %d of %u",
			seen[i].result.error, seen[i].sid);
	}
	kill(targets[1], SIGCONT);
	REQUIRE_STATE(lab, &target, PROBE_UP, 8000);
	return true;
}

static const struct lab_case cases[] = {
	{"NOP up, round trip plausible", nop_up},
	{"initiator name and alias at the target, logout when not wanted",
	 seen_at_target},
	{"silent target (SIGSTOP): late, silent, up again", silent_target},
	{"target silent for long: login tried anew, up again", long_silence},
	{"port refused", refused},
	{"black hole, address nobody has, no route: unreachable", blackhole},
	{"road cut under a live session: silent, unreachable, up again", silent_cut},
	{"CHAP one-way", chap},
	{"CHAP mutual", chap_mutual},
	{"CHAP wrong secret: login failed, not repeated", wrong_secret},
	{"CHAP mutual, target proves itself wrongly", wrong_mutual_secret},
	{"no such target", no_such_target},
	{"login redirect not followed, the kernel's own peer probed", redirect},
	{"IPv6, loopback and routed", ipv6},
	{"IPv6 link-local portal on a bound device", ipv6_link_local},
	{"target killed and restarted: lost, refused, up", target_restart},
	{"child killed: no evidence, replaced", child_killed},
	{"child hangs: noticed, no evidence, replaced", child_hangs},
	{"child slow: nothing held against the target", child_slow},
	{"child confined: user, capabilities, environment, descriptors", child_confined},
	{"CHAP secrets in no file, argument, environment or text", secret_hidden},
	{"child cannot be started: said, not repeated in a hurry", no_child},
	{"bound to the session's device, verified", netdev},
	{"wrong device, no such device, other source: no probe by another road",
	 netdev_wrong},
	{"two targets at one portal", two_targets},
	{"wanted set in turmoil: never two sessions of a key", churn},
	{"150 keys, all replaced at once: one session each", many},
	{"header digest CRC32C, offered and insisted on", header_digest},
	{"fence granted: in and out, the probe is not touched", fence_granted},
	{"fence refused: wrong secret, closed port, redirect", fence_refused},
	{"fence ends the session it names, and no other", fence_reinstates},
	{"fence at a silent target, and by a child that dies", fence_silent},
	{"engine freed: session ended, child gone", everything_ends},
};

int main(int argc, char **argv)
{
	static struct lab lab;
	int status = 1;

	lab_init(&lab);
	if (start_target(&lab, 1) && start_target(&lab, 2))
		status = lab_main(&lab, cases, sizeof(cases) / sizeof(cases[0]), argc,
				  argv);
	for (int n = 1; n <= 2; n++) {
		if (targets[n] > 0)
			kill(targets[n], SIGCONT);
		lab_stop(&targets[n]);
	}
	return status;
}
