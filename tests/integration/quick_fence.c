/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * fence = reinstate against a real target: what the daemon does between its verdict on a session
 * and the end of that session's connection. The engine, the child, the target and the session
 * that is fenced off are real; what the daemon knows of sessions is made up, for there is no
 * initiator in the kernel here. tgt keeps to RFC 7143, 6.3.5 in logins with CHAP.
 */
#include <sys/socket.h>
#include <sys/stat.h>
#include <iscsi/iscsi.h>

#include "daemon/log.h"
#include "daemon/quick/state.h"
#include "tests/integration/probe_lab.h"

#define TARGET "iqn.2026-01.example.tgt:fence"
#define HERE   "127.0.0.1:3260"
#define OTHER  "10.20.0.1:3260"
#define ADMIN  "tgtadm --lld iscsi "
#define SECRET "secretalice1"

#define DEAD  0x10007 /* session numbers, more than sixteen bits: their order tells. Ascending, as the daemon has them */
#define ALIVE 0x10008

static pid_t tgtd;

/* What the daemon knows: session DEAD at HERE and session ALIVE at OTHER, one portal group. */
struct host {
	struct watch watch;
	struct quick quick;
	struct iscsi_identity ids[2];
	struct watched_session watched[2];
	struct quick_session sessions[2];
	uint32_t place[QUICK_PLACES];
};

static bool write_text(const char *name, const char *text)
{
	char path[128];
	FILE *file;

	snprintf(path, sizeof(path), "sysfs/class/iscsi_session/session%d/%s", DEAD, name);
	file = fopen(path, "we");
	if (!file)
		return false;
	fprintf(file, "%s\n", text);
	return !fclose(file);
}

static bool make_sysfs(const char *secret)
{
	char path[128];

	mkdir("sysfs", 0755);
	mkdir("sysfs/class", 0755);
	mkdir("sysfs/class/iscsi_session", 0755);
	snprintf(path, sizeof(path), "sysfs/class/iscsi_session/session%d", DEAD);
	mkdir(path, 0755);
	return write_text("username", "alice") && write_text("password", secret);
}

static void make_session(struct host *host, int i, unsigned int sid, const char *portal)
{
	struct probe_target target = lab_target(TARGET, portal);

	copy_text(target.chap.user, sizeof(target.chap.user), "alice");
	copy_text(target.chap.password, sizeof(target.chap.password), SECRET);
	host->ids[i] = (struct iscsi_identity){.sid = sid, .name = target.name};
	copy_text(host->ids[i].initiator, sizeof(host->ids[i].initiator), LAB_INITIATOR);
	host->watched[i] = (struct watched_session){.id = &host->ids[i], .target = target};
	host->sessions[i] = (struct quick_session){.sid = sid, .present = true, .healthy = i == 1};
}

/* A verdict on DEAD has just been reached; ALIVE has answered since. */
static bool make_host(struct lab *lab, struct host *host)
{
	uint64_t now_ns = clock_now_ns();

	memset(host, 0, sizeof(*host));
	make_session(host, 0, DEAD, HERE);
	make_session(host, 1, ALIVE, OTHER);
	host->sessions[0].verdict = SUSPICION_CONNECTION;
	host->sessions[0].suspicion.since_ns = now_ns - NS_PER_S;
	host->sessions[1].answered_ns = now_ns;
	host->watch.options.sysfs = "sysfs";
	host->watch.sessions = host->watched;
	host->watch.n_sessions = 2;
	host->watch.probes = lab->engine;
	host->watch.quick = &host->quick;
	host->quick.watch = &host->watch;
	host->quick.sessions = host->sessions;
	host->quick.n_sessions = 2;
	host->quick.place = host->place;
	settings_profile(PROFILE_SAFE, &host->quick.settings);
	REQUIRE(lab, make_sysfs(SECRET), "cannot make files");
	REQUIRE(lab, !probe_engine_set(lab->engine, &host->watched[1].target, 1),
		"cannot set targets");
	REQUIRE_STATE(lab, &host->watched[1].target, PROBE_UP, 3000);
	return true;
}

/* The session that is taken for dead, as iscsid would have made it. */
static struct iscsi_context *log_in(struct lab *lab)
{
	struct iscsi_context *iscsi = iscsi_create_context(LAB_INITIATOR);

	if (!iscsi)
		return NULL;
	iscsi_set_noautoreconnect(iscsi, 1);
	iscsi_set_session_type(iscsi, ISCSI_SESSION_NORMAL);
	iscsi_set_targetname(iscsi, TARGET);
	iscsi_set_initiator_username_pwd(iscsi, "alice", SECRET);
	iscsi_set_isid_oui(iscsi, 0x00023d, DEAD);
	if (!iscsi_connect_sync(iscsi, HERE) && !iscsi_login_sync(iscsi))
		return iscsi;
	lab_fail(lab, "no session: %s", iscsi_get_error(iscsi));
	iscsi_destroy_context(iscsi);
	return NULL;
}

static bool is_ended(struct lab *lab, const void *arg)
{
	char byte;
	ssize_t n = recv(iscsi_get_fd((struct iscsi_context *)(uintptr_t)arg), &byte, 1,
			 MSG_PEEK | MSG_DONTWAIT);

	(void)lab;
	return n == 0 || (n < 0 && errno != EAGAIN);
}

static bool is_over(struct lab *lab, const void *arg)
{
	(void)lab;
	return ((const struct quick_session *)arg)->fence == FENCE_OVER;
}

/* The connection may be ended when the target has ended the session, not earlier. */
static bool in_order(struct lab *lab, struct host *host, struct iscsi_context *iscsi)
{
	struct quick_session *dead = &host->sessions[0];

	REQUIRE(lab, quick_fence(&host->quick, dead, clock_now_ns()) == -EINPROGRESS,
		"not asked");
	REQUIRE(lab, quick_fence(&host->quick, dead, clock_now_ns()) == -EINPROGRESS,
		"asked twice, or not waited for");
	REQUIRE(lab, !is_ended(lab, iscsi), "ended before it was asked for");
	REQUIRE(lab, lab_wait(lab, is_over, dead, 2500), "never over");
	REQUIRE(lab, host->quick.n_fenced == 1 && !host->quick.n_not_fenced, "not fenced");
	REQUIRE(lab, lab_wait(lab, is_ended, iscsi, 200), "the target has not ended the session");
	REQUIRE(lab, quick_fence(&host->quick, dead, clock_now_ns()) == 0, "and again?");
	REQUIRE(lab, host->quick.n_fenced == 1, "fenced twice");
	return true;
}

static bool granted(struct lab *lab)
{
	struct iscsi_context *iscsi;
	struct host host;
	bool ok;

	if (!make_host(lab, &host))
		return false;
	iscsi = log_in(lab);
	if (!iscsi)
		return false;
	ok = in_order(lab, &host, iscsi);
	iscsi_destroy_context(iscsi);
	return ok;
}

static bool expires(struct lab *lab)
{
	struct quick_session session = {.fence = FENCE_OVER};

	quick_fence_expire(&session, true);
	REQUIRE(lab, session.fence == FENCE_OVER, "forgotten while it counts");
	session.given_up = true;
	quick_fence_expire(&session, false);
	REQUIRE(lab, session.fence == FENCE_OVER, "forgotten after it was given up");
	session.given_up = false;
	session.fence = FENCE_ASKED;
	quick_fence_expire(&session, false);
	REQUIRE(lab, session.fence == FENCE_ASKED, "forgotten under way");
	session.fence = FENCE_OVER;
	quick_fence_expire(&session, false);
	REQUIRE(lab, session.fence == FENCE_NONE, "kept for the next outage");
	return true;
}

static bool not_wanted(struct lab *lab)
{
	struct host host;
	struct quick_session *dead = &host.sessions[0];

	if (!make_host(lab, &host))
		return false;
	dead->verdict = SUSPICION_NONE; /* its end is wanted for a LUN that hangs */
	REQUIRE(lab, !quick_fence(&host.quick, dead, clock_now_ns()) && dead->fence == FENCE_NONE,
		"fenced for a LUN's sake");
	dead->verdict = SUSPICION_TARGET;
	host.quick.settings.timing.fence = false;
	REQUIRE(lab, !quick_fence(&host.quick, dead, clock_now_ns()) && dead->fence == FENCE_NONE,
		"fenced against the settings");
	REQUIRE(lab, !host.quick.n_fenced && !host.quick.n_not_fenced, "counted");
	return true;
}

/* What cannot be fenced does not wait, or not for long, and is counted once. */
static bool fails(struct lab *lab, struct host *host, bool at_once)
{
	struct quick_session *dead = &host->sessions[0];
	uint64_t begin_ns = clock_now_ns();
	int r = quick_fence(&host->quick, dead, begin_ns);

	REQUIRE(lab, r == (at_once ? 0 : -EINPROGRESS), "first answer is %d", r);
	REQUIRE(lab, lab_wait(lab, is_over, dead, 3000), "never over");
	REQUIRE(lab, clock_now_ns() - begin_ns < 2200 * NS_PER_MS, "held up for too long");
	REQUIRE(lab, !quick_fence(&host->quick, dead, clock_now_ns()), "still held up");
	REQUIRE(lab, host->quick.n_not_fenced == 1 && !host->quick.n_fenced, "counted wrongly");
	return true;
}

static bool nowhere(struct lab *lab)
{
	struct host host;

	if (!make_host(lab, &host))
		return false;
	host.sessions[1].healthy = false;
	return fails(lab, &host, true);
}

static bool no_child(struct lab *lab)
{
	struct host host;

	if (!make_host(lab, &host))
		return false;
	probe_engine_free(lab->engine);
	lab->engine = NULL;
	REQUIRE(lab, !probe_engine_new(lab->event, &lab->config, lab_changed, lab, &lab->engine),
		"no engine");
	host.watch.probes = lab->engine;
	return fails(lab, &host, true);
}

static bool refused(struct lab *lab)
{
	struct host host;

	if (!make_host(lab, &host))
		return false;
	REQUIRE(lab, make_sysfs("wrongsecret1"), "cannot make files");
	return fails(lab, &host, false);
}

static bool silent(struct lab *lab)
{
	struct host host;
	bool ok;

	if (!make_host(lab, &host))
		return false;
	kill(tgtd, SIGSTOP);
	ok = fails(lab, &host, false);
	kill(tgtd, SIGCONT);
	return ok;
}

/* An answer that comes when the session has logged in anew is nobody's. */
static bool too_late(struct lab *lab)
{
	struct host host;
	struct quick_session *dead = &host.sessions[0];

	if (!make_host(lab, &host))
		return false;
	REQUIRE(lab, quick_fence(&host.quick, dead, clock_now_ns()) == -EINPROGRESS, "not asked");
	dead->fence = FENCE_NONE;
	lab_watch(lab, 1000);
	REQUIRE(lab, dead->fence == FENCE_NONE && !host.quick.n_fenced, "taken for the new login's");
	return true;
}

static const struct lab_case cases[] = {
	{"daemon's fence: the session is ended first, then the connection may be", granted},
	{"daemon's fence: one for each outage", expires},
	{"daemon's fence: not for a LUN that hangs, not unless set", not_wanted},
	{"daemon's fence: no portal for it", nowhere},
	{"daemon's fence: no probe process", no_child},
	{"daemon's fence: login refused", refused},
	{"daemon's fence: target silent, over in time", silent},
	{"daemon's fence: answer after a new login", too_late},
};

static bool answers(struct lab *lab)
{
	uint64_t end_ns = clock_now_ns() + 10 * NS_PER_S;

	while (lab_sh(lab, "tgtadm --op show --mode sys 2>&1"))
		if (clock_now_ns() > end_ns)
			return false;
	return true;
}

static bool start_target(struct lab *lab)
{
	char *const arguments[] = {(char[]){"tgtd"}, (char[]){"-f"}, NULL};

	tgtd = lab_start("tgtd-fence.log", arguments);
	return tgtd > 0 && answers(lab) &&
	       !lab_sh(lab, ADMIN "--op new --mode target --tid 1 -T " TARGET " 2>&1") &&
	       !lab_sh(lab, ADMIN "--op bind --mode target --tid 1 -I ALL 2>&1") &&
	       !lab_sh(lab, ADMIN "--op new --mode account --user alice --password " SECRET " 2>&1") &&
	       !lab_sh(lab, ADMIN "--op bind --mode account --tid 1 --user alice 2>&1");
}

int main(int argc, char **argv)
{
	static struct lab lab;
	int status = 1;

	lab_init(&lab);
	if (!getenv("LAB_VERBOSE"))
		log_set_level(LOG_ERR);
	if (start_target(&lab))
		status = lab_main(&lab, cases, sizeof(cases) / sizeof(cases[0]), argc, argv);
	else
		fprintf(stderr, "tgtd does not start: %s\n", lab.output);
	if (tgtd > 0)
		kill(tgtd, SIGCONT);
	lab_stop(&tgtd);
	return status;
}
