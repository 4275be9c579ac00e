/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The probe engine against targets that real software is too well-behaved to play: a tiny
 * target of our own in a process of its own, which can refuse a second session, ask for a
 * logout, ping, stop answering, or send garbage. It also keeps what it was sent, so that
 * the bytes of our login can be looked at.
 */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/mman.h>
#include <sys/socket.h>

#include "daemon/probe_wire.h"
#include "tests/integration/pdu.h"
#include "tests/integration/probe_lab.h"

#define NAME "iqn.2026-01.example.fake:target"
#define GOOD "iqn.2026-01.example.fake:good"

enum manner {
	MANNER_GOOD,
	MANNER_REFUSE,	     /* every login by 'status' */
	MANNER_MOVED,	     /* … without an address */
	MANNER_CLOSE,	     /* the connection after the login */
	MANNER_CLOSE_EARLY,  /* … at the first login request */
	MANNER_DEAF,	     /* no NOP is answered */
	MANNER_PING,	     /* pings us, and counts the answers */
	MANNER_ASK_LOGOUT,   /* asks for a logout after the third NOP */
	MANNER_REJECT,	     /* rejects NOPs */
	MANNER_FLOOD,	     /* pings without end and reads nothing */
	MANNER_GARBAGE,	     /* at once */
	MANNER_GARBAGE_LATE, /* after the login */
};

/* What target process and test share. */
struct fake {
	enum manner manner;
	uint32_t status;
	uint16_t port;
	pid_t pid;
	unsigned int connects, logins, nops, pings_sent, pings_answered;
	uint8_t isid[6];
	char login[4096]; /* the keys of the last login, separated by newlines */
	size_t login_length;
};

struct talk {
	struct fake *fake;
	int fd;
	struct pdu_place place;
	uint8_t header[48];
	uint8_t data[8192];
	size_t data_length;
	bool counted; /* this connection's login */
	bool full_feature;
	uint64_t random;
};

static bool read_pdu(struct talk *talk)
{
	if (!pdu_read_all(talk->fd, talk->header, sizeof(talk->header)))
		return false;
	talk->data_length = pdu_get32(talk->header + 4) & 0xffffff;
	if (talk->data_length > sizeof(talk->data) - 4)
		return false;
	return pdu_read_all(talk->fd, talk->data, (talk->data_length + 3) & ~3UL);
}

static void keep_login(struct talk *talk)
{
	struct fake *fake = talk->fake;

	for (size_t i = 0; i < talk->data_length; i++)
		if (fake->login_length + 1 < sizeof(fake->login))
			fake->login[fake->login_length++] =
				talk->data[i] ? (char)talk->data[i] : '\n';
	memcpy(fake->isid, talk->header + 8, sizeof(fake->isid));
}

static bool answer_login(struct talk *talk)
{
	struct fake *fake = talk->fake;
	uint8_t pdu[48 + 20] = {0};
	uint8_t stage = talk->header[1] & 0x0c;
	const char *text = stage ? "HeaderDigest=None" : "AuthMethod=None";
	size_t length = strlen(text) + 1;

	if (!talk->counted) {
		talk->counted = true;
		fake->logins++;
		fake->login_length = 0;
	}
	keep_login(talk);
	if (fake->manner == MANNER_CLOSE_EARLY)
		return false;
	talk->place.cmd_sn = pdu_get32(talk->header + 24) - 1; /* immediate: takes no number */
	pdu_answer(pdu, 0x23, talk->header[1], talk->header, &talk->place);
	memcpy(pdu + 8, talk->header + 8, 6);
	if (fake->manner == MANNER_REFUSE || fake->manner == MANNER_MOVED) {
		pdu[1] = 0;
		pdu[36] = (uint8_t)(fake->status >> 8);
		pdu[37] = (uint8_t)fake->status;
		pdu_write_all(talk->fd, pdu, 48);
		return false;
	}
	pdu_put32(pdu + 4, (uint32_t)length);
	memcpy(pdu + 48, text, length);
	talk->full_feature = (talk->header[1] & 0x83) == 0x83;
	return pdu_write_all(talk->fd, pdu, 48 + ((length + 3) & ~3UL));
}

static bool ping_initiator(struct talk *talk)
{
	uint8_t pdu[48];

	pdu_answer(pdu, 0x20, 0x80, talk->header, &talk->place);
	talk->place.stat_sn--; /* a ping does not count */
	pdu_put32(pdu + 16, 0xffffffff);
	pdu_put32(pdu + 20, 0x1000 + talk->fake->pings_sent++);
	return pdu_write_all(talk->fd, pdu, sizeof(pdu));
}

static bool ask_logout(struct talk *talk)
{
	uint8_t pdu[48];

	pdu_answer(pdu, 0x32, 0x80, talk->header, &talk->place);
	pdu_put32(pdu + 16, 0xffffffff);
	pdu[36] = 1; /* request logout */
	pdu[43] = 5; /* within 5 s */
	return pdu_write_all(talk->fd, pdu, sizeof(pdu));
}

static bool reject(struct talk *talk)
{
	uint8_t pdu[96];

	pdu_answer(pdu, 0x3f, 0x80, talk->header, &talk->place);
	pdu[2] = 0x05; /* command not supported */
	pdu_put32(pdu + 4, 48);
	pdu_put32(pdu + 16, 0xffffffff);
	memcpy(pdu + 48, talk->header, 48);
	return pdu_write_all(talk->fd, pdu, sizeof(pdu));
}

static bool answer_nop(struct talk *talk)
{
	struct fake *fake = talk->fake;
	uint8_t pdu[48];

	if (pdu_get32(talk->header + 16) == 0xffffffff) {
		fake->pings_answered++;
		return true;
	}
	fake->nops++;
	if (!(talk->header[0] & 0x40))
		talk->place.cmd_sn = pdu_get32(talk->header + 24);
	if (fake->manner == MANNER_DEAF)
		return true;
	if (fake->manner == MANNER_REJECT)
		return reject(talk);
	if (fake->manner == MANNER_PING && !ping_initiator(talk))
		return false;
	if (fake->manner == MANNER_ASK_LOGOUT && fake->nops % 4 == 3 && !ask_logout(talk))
		return false;
	pdu_answer(pdu, 0x20, 0x80, talk->header, &talk->place);
	pdu_put32(pdu + 20, 0xffffffff);
	return pdu_write_all(talk->fd, pdu, sizeof(pdu));
}

static bool answer_logout(struct talk *talk)
{
	uint8_t pdu[48];

	pdu_answer(pdu, 0x26, 0x80, talk->header, &talk->place);
	pdu_write_all(talk->fd, pdu, sizeof(pdu));
	return false;
}

static bool answer(struct talk *talk)
{
	switch (talk->header[0] & 0x3f) {
	case 0x03:
		return answer_login(talk);
	case 0x00:
		return answer_nop(talk);
	case 0x06:
		return answer_logout(talk);
	default:
		return false;
	}
}

/* Bytes, sometimes all random, sometimes with the look of a PDU. */
static void send_garbage(struct talk *talk)
{
	static const uint8_t opcodes[] = {0x20, 0x21, 0x22, 0x23, 0x24, 0x25,
					  0x26, 0x31, 0x32, 0x3f, 0x00, 0x1f};
	uint8_t bytes[4096];

	for (unsigned int burst = 1 + pdu_random(&talk->random) % 4; burst; burst--) {
		size_t length = 48 + pdu_random(&talk->random) % (sizeof(bytes) - 48);

		for (size_t i = 0; i < length; i++)
			bytes[i] = (uint8_t)pdu_random(&talk->random);
		if (pdu_random(&talk->random) % 4) {
			bytes[0] = opcodes[pdu_random(&talk->random) % sizeof(opcodes)];
			bytes[4] = 0;
			bytes[5] = 0;
			bytes[6] = (uint8_t)(pdu_random(&talk->random) % 16);
			if (pdu_random(&talk->random) % 2)
				memcpy(bytes + 16, talk->header + 16, 4);
			bytes[36] = (uint8_t)(pdu_random(&talk->random) % 5);
		}
		if (!pdu_write_all(talk->fd, bytes, length))
			return;
	}
}

static void flood(struct talk *talk)
{
	while (ping_initiator(talk))
		;
}

static void serve_one(struct fake *fake, int fd)
{
	static struct talk talk;

	talk = (struct talk){
		.fake = fake, .fd = fd, .place = {.stat_sn = 1, .window = 32}, .random = fake->connects};
	if (fake->manner == MANNER_GARBAGE) {
		if (pdu_random(&talk.random) % 2)
			read_pdu(&talk);
		send_garbage(&talk);
		return;
	}
	while (read_pdu(&talk) && answer(&talk)) {
		if (!talk.full_feature || fake->manner < MANNER_CLOSE)
			continue;
		if (fake->manner == MANNER_CLOSE)
			return;
		if (fake->manner == MANNER_FLOOD)
			flood(&talk);
		if (fake->manner == MANNER_GARBAGE_LATE) {
			if (pdu_random(&talk.random) % 2)
				read_pdu(&talk);
			send_garbage(&talk);
			return;
		}
	}
}

static _Noreturn void serve(struct fake *fake, int listener)
{
	/* not the event loop's and the engine's descriptors: they are to close when they
	 * do */
	for (int fd = 3; fd < 1024; fd++)
		if (fd != listener)
			close(fd);
	for (;;) {
		int fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
		struct linger linger = {0};

		if (fd < 0)
			_exit(1);
		fake->connects++;
		serve_one(fake, fd);
		shutdown(fd, SHUT_WR);
		setsockopt(fd, SOL_SOCKET, SO_LINGER, &linger, sizeof(linger));
		close(fd);
	}
}

static bool fake_start(struct fake *fake)
{
	struct sockaddr_in address = {.sin_family = AF_INET,
				      .sin_port = htons(fake->port)};
	int one = 1, fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	pid_t pid;

	address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
	if (bind(fd, (struct sockaddr *)&address, sizeof(address)) || listen(fd, 16))
		return false;
	pid = fork();
	if (!pid)
		serve(fake, fd);
	close(fd);
	fake->pid = pid;
	return pid > 0;
}

static struct fake *fake_new(enum manner manner, uint16_t port)
{
	struct fake *fake = mmap(NULL, sizeof(*fake), PROT_READ | PROT_WRITE,
				 MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	if (fake == MAP_FAILED)
		abort();
	fake->manner = manner;
	fake->port = port;
	return fake;
}

static void fake_free(struct fake *fake)
{
	lab_stop(&fake->pid);
	munmap(fake, sizeof(*fake));
}

static struct probe_target fake_target(const struct fake *fake, const char *name)
{
	char portal[32];

	snprintf(portal, sizeof(portal), "127.0.0.1:%u", fake->port);
	return lab_target(name, portal);
}

/* Run 'body' with one fake target and an engine that tries again quickly. */
static bool with_fake(struct lab *lab, enum manner manner, uint32_t status,
		      bool (*body)(struct lab *, struct fake *, struct probe_target *))
{
	struct fake *fake = fake_new(manner, 3300);
	struct probe_target target = fake_target(fake, NAME);
	struct probe_config config = lab->config;
	bool ok = false;

	fake->status = status;
	config.retry_min_ms = 20;
	config.retry_max_ms = 50;
	config.login_retry_ms = 3000;
	config.tcp_interval_ms = 200;
	if (manner >= MANNER_GARBAGE) /* garbage may look like a refusal of credentials */
		config.slow_retry_ms = 100;
	probe_engine_free(lab->engine);
	lab->engine = NULL;
	if (!fake_start(fake) ||
	    probe_engine_new(lab->event, &config, lab_changed, lab, &lab->engine) ||
	    probe_engine_set(lab->engine, &target, 1))
		lab_fail(lab, "cannot set up: %s", strerror(errno));
	else
		ok = body(lab, fake, &target);
	fake_free(fake);
	return ok;
}

static bool login_bytes_body(struct lab *lab, struct fake *fake,
			     struct probe_target *target)
{
	static const char *const keys[] = {
		"InitiatorName=" LAB_INITIATOR "\n",
		"InitiatorAlias=mpathiscsi probe\n",
		"TargetName=" NAME "\n",
		"SessionType=Normal\n",
		"HeaderDigest=None,CRC32C\n",
	};

	REQUIRE_STATE(lab, target, PROBE_UP, 3000);
	for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++)
		REQUIRE(lab, strstr(fake->login, keys[i]), "no %s in %s", keys[i],
			fake->login);
	REQUIRE(lab, fake->isid[0] == 0x80, "ISID begins with %02x", fake->isid[0]);
	target->header_digest = true;
	REQUIRE(lab, !probe_engine_set(lab->engine, target, 1), "cannot set targets");
	REQUIRE_STATE(lab, target, PROBE_NONE, 0);
	REQUIRE_STATE(lab, target, PROBE_UP, 3000);
	REQUIRE(lab, strstr(fake->login, "HeaderDigest=CRC32C,None\n"),
		"digest not offered: %s", fake->login);
	return true;
}

static bool login_bytes(struct lab *lab)
{
	return with_fake(lab, MANNER_GOOD, 0, login_bytes_body);
}

/* One login, then TCP connects; a login again later, less and less often. */
static bool refuses_body(struct lab *lab, struct fake *fake, struct probe_target *target)
{
	const struct probe_report *report;
	unsigned int logins, connects;

	REQUIRE_STATE(lab, target, PROBE_TCP_ONLY, 3000);
	report = probe_engine_find(lab->engine, target);
	REQUIRE(lab, report->login_status == fake->status, "status 0x%04x",
		report->login_status);
	lab_watch(lab, 1500);
	report = probe_engine_find(lab->engine, target);
	REQUIRE(lab, report->state == PROBE_TCP_ONLY && report->rtt_us, "%s, RTT %u",
		lab_state(lab, target), report->rtt_us);
	REQUIRE(lab, strstr(report->text, "second session"), "'%s'", report->text);
	REQUIRE(lab, fake->logins == 1 && fake->connects >= 4, "%u logins, %u connects",
		fake->logins, fake->connects);
	/* the portal goes away and comes back: seen, and no login for that */
	lab_stop(&fake->pid);
	REQUIRE_STATE(lab, target, PROBE_REFUSED, 2000);
	REQUIRE(lab, fake_start(fake), "cannot restart");
	REQUIRE_STATE(lab, target, PROBE_TCP_ONLY, 2000);
	REQUIRE(lab, fake->logins == 1, "logged in again at once");
	/* now and then a login, but not while the kernel's own session is down */
	target->kernel_logged_in = false;
	REQUIRE(lab, !probe_engine_set(lab->engine, target, 1), "cannot set targets");
	connects = fake->connects;
	lab_watch(lab, 5000);
	REQUIRE(lab, fake->logins == 1 && fake->connects > connects + 10,
		"%u logins, %u connects", fake->logins, fake->connects - connects);
	REQUIRE_STATE(lab, target, PROBE_TCP_ONLY, 0);
	target->kernel_logged_in = true;
	REQUIRE(lab, !probe_engine_set(lab->engine, target, 1), "cannot set targets");
	lab_watch(lab, 1500);
	logins = fake->logins;
	REQUIRE(lab, logins == 2, "%u logins, not 2", logins);
	/* it takes us now: found by the next login */
	fake->manner = MANNER_GOOD;
	REQUIRE_STATE(lab, target, PROBE_UP, 10000);
	return true;
}

static bool refuses_0206(struct lab *lab)
{
	return with_fake(lab, MANNER_REFUSE, 0x0206, refuses_body);
}

static bool tcp_only_body(struct lab *lab, struct fake *fake, struct probe_target *target)
{
	struct probe_engine_status status;

	REQUIRE_STATE(lab, target, PROBE_TCP_ONLY, 3000);
	/* the next child knows it too */
	probe_engine_status(lab->engine, &status);
	kill(status.pid, SIGKILL);
	REQUIRE_STATE(lab, target, PROBE_NONE, 1000);
	REQUIRE_STATE(lab, target, PROBE_TCP_ONLY, 3000);
	REQUIRE(lab, fake->logins == 1, "%u logins", fake->logins);
	return true;
}

static bool refuses_0302(struct lab *lab)
{
	return with_fake(lab, MANNER_REFUSE, 0x0302, tcp_only_body);
}

static bool unavailable_body(struct lab *lab, struct fake *fake,
			     struct probe_target *target)
{
	REQUIRE_STATE(lab, target, PROBE_LOGIN_FAILED, 3000);
	REQUIRE(lab, probe_engine_find(lab->engine, target)->login_status == 0x0301,
		"status");
	fake->manner = MANNER_GOOD;
	REQUIRE_STATE(lab, target, PROBE_UP, 3000);
	return true;
}

static bool unavailable(struct lab *lab)
{
	return with_fake(lab, MANNER_REFUSE, 0x0301, unavailable_body);
}

static bool moved_body(struct lab *lab, struct fake *fake, struct probe_target *target)
{
	REQUIRE_STATE(lab, target, PROBE_REDIRECTED, 3000);
	lab_watch(lab, 500);
	REQUIRE(lab, fake->logins == 1, "%u logins", fake->logins);
	return true;
}

static bool moved_without_address(struct lab *lab)
{
	return with_fake(lab, MANNER_MOVED, 0x0102, moved_body);
}

static bool pings_body(struct lab *lab, struct fake *fake, struct probe_target *target)
{
	REQUIRE_STATE(lab, target, PROBE_UP, 3000);
	lab_watch(lab, 1500);
	REQUIRE(lab, fake->pings_sent >= 3, "%u pings sent", fake->pings_sent);
	REQUIRE(lab, fake->pings_answered + 1 >= fake->pings_sent,
		"%u of %u pings answered", fake->pings_answered, fake->pings_sent);
	REQUIRE_STATE(lab, target, PROBE_UP, 0);
	return true;
}

static bool target_pings(struct lab *lab)
{
	return with_fake(lab, MANNER_PING, 0, pings_body);
}

static bool logout_asked_body(struct lab *lab, struct fake *fake,
			      struct probe_target *target)
{
	uint8_t isid[6];

	REQUIRE_STATE(lab, target, PROBE_UP, 3000);
	memcpy(isid, fake->isid, sizeof(isid));
	REQUIRE_STATE(lab, target, PROBE_LOST, 3000);
	fake->manner = MANNER_GOOD;
	REQUIRE_STATE(lab, target, PROBE_UP, 3000);
	REQUIRE(lab, fake->logins >= 2, "%u logins", fake->logins);
	REQUIRE(lab, !memcmp(isid, fake->isid, sizeof(isid)),
		"another ISID: a session that the target still has would not be reinstated");
	return true;
}

static bool logout_asked(struct lab *lab)
{
	return with_fake(lab, MANNER_ASK_LOGOUT, 0, logout_asked_body);
}

static bool deaf_body(struct lab *lab, struct fake *fake, struct probe_target *target)
{
	(void)fake;
	REQUIRE_STATE(lab, target, PROBE_SILENT, 6000);
	REQUIRE(lab, !lab_saw(lab, 0, target, PROBE_UP), "up by its login alone");
	return true;
}

static bool deaf(struct lab *lab)
{
	return with_fake(lab, MANNER_DEAF, 0, deaf_body);
}

static bool closes_body(struct lab *lab, struct fake *fake, struct probe_target *target)
{
	unsigned int logins;

	REQUIRE_STATE(lab, target, PROBE_LOST, 3000);
	logins = fake->logins;
	lab_watch(lab, 2000);
	REQUIRE(lab, fake->logins > logins && fake->logins < logins + 150,
		"%u logins in 2 s", fake->logins - logins);
	REQUIRE(lab, !lab_saw(lab, 0, target, PROBE_UP), "up by its login alone");
	return true;
}

static bool closes(struct lab *lab)
{
	return with_fake(lab, MANNER_CLOSE, 0, closes_body);
}

static bool closes_early_body(struct lab *lab, struct fake *fake,
			      struct probe_target *target)
{
	REQUIRE_STATE(lab, target, PROBE_LOGIN_FAILED, 3000);
	REQUIRE(lab, probe_engine_find(lab->engine, target)->error == -ECONNRESET,
		"error %d", probe_engine_find(lab->engine, target)->error);
	fake->manner = MANNER_GOOD;
	REQUIRE_STATE(lab, target, PROBE_UP, 3000);
	return true;
}

static bool closes_early(struct lab *lab)
{
	return with_fake(lab, MANNER_CLOSE_EARLY, 0, closes_early_body);
}

static bool rejects_body(struct lab *lab, struct fake *fake, struct probe_target *target)
{
	(void)fake;
	REQUIRE_STATE(lab, target, PROBE_LOST, 3000);
	return true;
}

static bool rejects(struct lab *lab)
{
	return with_fake(lab, MANNER_REJECT, 0, rejects_body);
}

/* Whatever this target does, the child stays and the good target beside it stays up. */
static bool hostile_beside_good(struct lab *lab, struct fake *fake,
				struct probe_target *target, unsigned int connects,
				unsigned int ms)
{
	struct fake *good = fake_new(MANNER_GOOD, 3301);
	struct probe_target both[] = {*target, fake_target(good, GOOD)};
	struct probe_engine_status status = {0};
	uint64_t end_ns = clock_now_ns() + ms * NS_PER_MS;
	bool started = fake_start(good), up = false;
	size_t mark;

	if (started && !probe_engine_set(lab->engine, both, 2))
		up = lab_wait_state(lab, &both[1], PROBE_UP, 3000);
	mark = lab->n_log;
	while (up && fake->connects < connects && clock_now_ns() < end_ns)
		lab_watch(lab, 50);
	probe_engine_status(lab->engine, &status);
	fake_free(good);
	REQUIRE(lab, up, "the good target is not up");
	REQUIRE(lab, fake->connects >= connects, "only %u connects", fake->connects);
	REQUIRE(lab, !lab_saw(lab, mark, &both[1], PROBE_NONE) && status.starts == 1,
		"the child died: %s, %u starts", status.last_failure, status.starts);
	/* One late answer is the noise of a busy machine; three in a row would be our child. */
	REQUIRE(lab, !lab_saw(lab, mark, &both[1], PROBE_SILENT),
		"the good target was thought silent");
	return true;
}

static bool garbage_body(struct lab *lab, struct fake *fake, struct probe_target *target)
{
	return hostile_beside_good(lab, fake, target, 200, 30000);
}

static bool garbage(struct lab *lab)
{
	return with_fake(lab, MANNER_GARBAGE, 0, garbage_body);
}

static bool garbage_late(struct lab *lab)
{
	return with_fake(lab, MANNER_GARBAGE_LATE, 0, garbage_body);
}

static bool flood_body(struct lab *lab, struct fake *fake, struct probe_target *target)
{
	return hostile_beside_good(lab, fake, target, 10, 20000);
}

static bool floods(struct lab *lab)
{
	return with_fake(lab, MANNER_FLOOD, 0, flood_body);
}

/*
 * The other side: children that are not what they should be. This program plays them too
 * (as PROBE_BAD_CHILD); 'kind' follows from the process id, so that each start is
 * another.
 */
enum { BAD_MUTE, BAD_BYTES, BAD_FIELDS, BAD_STRANGER, BAD_FLOOD, BAD_KINDS };

static size_t bad_message(struct talk *talk, int kind, union probe_wire_message *message)
{
	size_t size;

	switch (kind) {
	case BAD_BYTES:
		for (size_t i = 0; i < sizeof(*message); i++)
			((uint8_t *)message)[i] = (uint8_t)pdu_random(&talk->random);
		return 1 + pdu_random(&talk->random) % sizeof(*message);
	case BAD_FIELDS:
		size = probe_wire_begin(message, PROBE_WIRE_REPORT, 1);
		message->report.state = PROBE_UP; /* … with no answer ever seen */
		message->report.misses = pdu_random(&talk->random) % 3;
		return size;
	case BAD_STRANGER:
		size = probe_wire_begin(message, PROBE_WIRE_REPORT, 77);
		message->report.state = PROBE_UP;
		message->report.last_good_ns = clock_now_ns();
		return size;
	default:
		return probe_wire_begin(message, PROBE_WIRE_BEAT, 0);
	}
}

static int bad_child(void)
{
	struct talk talk = {.random = (uint64_t)getpid()};
	union probe_wire_message message;
	int kind = getpid() % BAD_KINDS;

	while (kind == BAD_MUTE)
		pause();
	for (;;) {
		size_t size = bad_message(&talk, kind, &message);

		if (send(PROBE_WIRE_FD, &message, size, MSG_NOSIGNAL) < 0 &&
		    errno != EAGAIN)
			return 1;
	}
}

static bool bad_children(struct lab *lab)
{
	struct probe_target target = lab_target(NAME, "127.0.0.1:3300");
	struct probe_config config = lab->config;
	struct probe_engine_status status = {0};
	uint64_t end_ns = clock_now_ns() + 20 * NS_PER_S;
	bool nonsense = false, hung = false;

	config.child_path = getenv("PROBE_BAD_CHILD");
	config.child_dead_ms = 500;
	REQUIRE(lab, config.child_path, "PROBE_BAD_CHILD is not set");
	probe_engine_free(lab->engine);
	lab->engine = NULL;
	REQUIRE(lab,
		!probe_engine_new(lab->event, &config, lab_changed, lab, &lab->engine),
		"no engine");
	REQUIRE(lab, !probe_engine_set(lab->engine, &target, 1), "cannot set targets");
	while ((status.starts < 6 || !nonsense || !hung) && clock_now_ns() < end_ns) {
		lab_watch(lab, 20);
		probe_engine_status(lab->engine, &status);
		nonsense |= strstr(status.last_failure, "nonsense") != NULL;
		hung |= strstr(status.last_failure, "hung") != NULL;
	}
	REQUIRE(lab, status.starts >= 6 && nonsense && hung, "%u children in 20 s: %s",
		status.starts, status.last_failure);
	REQUIRE(lab, !lab->n_log, "believed: %s", probe_state_name(lab->log[0].state));
	return true;
}

#define ASLEEP_S 7 /* 20 reports a second, of which one look takes 88 */

/* It is the owner that stands still: all that its child has to tell is then told at once. */
static bool owner_asleep(struct lab *lab)
{
	struct fake *fake = fake_new(MANNER_GOOD, 3300);
	struct probe_target target = fake_target(fake, NAME);
	struct probe_config config = lab->config;
	struct probe_engine_status before, after = {0};
	bool up;

	config.interval_ms = 50;
	probe_engine_free(lab->engine);
	lab->engine = NULL;
	REQUIRE(lab,
		!probe_engine_new(lab->event, &config, lab_changed, lab, &lab->engine),
		"no engine");
	up = fake_start(fake) && !probe_engine_set(lab->engine, &target, 1) &&
	     lab_wait_state(lab, &target, PROBE_UP, 3000);
	probe_engine_status(lab->engine, &before);
	if (up) {
		sleep(ASLEEP_S);
		lab_watch(lab, 1000);
		probe_engine_status(lab->engine, &after);
	}
	fake_free(fake);
	REQUIRE(lab, up, "not up");
	REQUIRE(lab, after.pid == before.pid && after.starts == before.starts,
		"the child is another one: %s", after.last_failure);
	return true;
}

/* The daemon dies of SIGKILL: nothing of the probe may outlive it. */
static bool owner_killed(struct lab *lab)
{
	struct fake *fake = fake_new(MANNER_GOOD, 3300);
	struct probe_target target = fake_target(fake, NAME);
	pid_t *child = mmap(NULL, sizeof(*child), PROT_READ | PROT_WRITE,
			    MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	uint64_t end_ns = clock_now_ns() + 5 * NS_PER_S;
	bool started = child != MAP_FAILED && fake_start(fake), gone = false;
	pid_t owner = started ? fork() : -1, pid;

	if (!owner) {
		static struct lab own;
		struct probe_engine_status status;

		lab_init(&own);
		if (!lab_begin(&own) || probe_engine_set(own.engine, &target, 1) ||
		    !lab_wait_state(&own, &target, PROBE_UP, 3000))
			_exit(1);
		probe_engine_status(own.engine, &status);
		*child = status.pid;
		for (;;)
			lab_watch(&own, 1000);
	}
	while (started && !*child && clock_now_ns() < end_ns)
		lab_watch(lab, 20);
	pid = started ? *child : 0;
	lab_stop(&owner);
	while (pid && !gone && clock_now_ns() < end_ns) {
		lab_watch(lab, 20);
		gone = kill(pid, 0) && errno == ESRCH;
	}
	fake_free(fake);
	REQUIRE(lab, pid, "no child");
	REQUIRE(lab, gone, "the child lives on");
	return true;
}

static const struct lab_case cases[] = {
	{"login: names, alias, ISID of the random type, digest", login_bytes},
	{"second session refused (0x0206): TCP connect only", refuses_0206},
	{"out of resources (0x0302): TCP connect only, known to the next child",
	 refuses_0302},
	{"service unavailable (0x0301): login failed, tried again", unavailable},
	{"moved permanently, no address: redirected", moved_without_address},
	{"target's own pings answered", target_pings},
	{"target asks for a logout: lost, logged in again", logout_asked},
	{"target takes logins but answers no NOP: never up", deaf},
	{"target closes after each login: never up, no hurry", closes},
	{"target closes during login: login failed", closes_early},
	{"target rejects NOPs: lost", rejects},
	{"garbage after connect, 200 times: child lives, others undisturbed", garbage},
	{"garbage after login, 200 times: child lives, others undisturbed", garbage_late},
	{"flood of pings: dropped, others undisturbed", floods},
	{"mad children: mute, garbage, lies, floods: killed, never believed",
	 bad_children},
	{"owner asleep: the child stays", owner_asleep},
	{"owner killed: the child goes with it", owner_killed},
};

int main(int argc, char **argv)
{
	static struct lab lab;

	if (!strcmp(argv[0], "mpathiscsi-probe"))
		return bad_child();
	lab_init(&lab);
	return lab_main(&lab, cases, sizeof(cases) / sizeof(cases[0]), argc, argv);
}
