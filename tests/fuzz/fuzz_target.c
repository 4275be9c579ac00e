/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What a target sends to a probe: the real link (probe_link.c, its guard, the stages of its login)
 * with libiscsi behind it, on one end of a socket pair, driven as the probe's child drives it.
 * libiscsi takes no random numbers here, so that a seed can hold task tags and the proof of CHAP.
 *
 * First byte: how the link is made (enum made). Then steps, each begun by a byte whose low three
 * bits choose (enum step). A PDU is:
 *
 *	step | FITS | DIGEST | HELD, piece (0: whole), size, 48 bytes of header, 'size' of data
 *
 * The data is padded. FITS: the header is made to tell its length; else the data goes on with
 * zeros to what the header tells. DIGEST: a right CRC follows the header. HELD: it is sent
 * together with the next PDU.
 *
 * Of all that a target can make us read this leaves out the text of SendTargets: the probe makes
 * no discovery sessions, and its guard lets no text response through.
 */
#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common/clock.h"
#include "daemon/probe_link.h"
#include "tests/fuzz/fuzz.h"

enum made {
	MADE_DIGEST = 1, /* offers a header digest first */
	MADE_CHAP = 2,
	MADE_MUTUAL = 4, /* with MADE_CHAP: the target has to prove itself */
	MADE_FENCE = 8,
};

enum step {
	STEP_PDU, /* to STEP_BYTES */
	STEP_BYTES = 3, /* as they are: piece, size, bytes */
	STEP_PING,
	STEP_LOGOUT,
	STEP_REST, /* the target says nothing for a while */
	STEP_END,
	STEPS,
};

enum { FITS = 0x08, DIGEST = 0x10, HELD = 0x20 };

#define HEADER	 48
#define BLOCK	 (HEADER + 4 + PROBE_GUARD_DATA_MAX + 4)
#define PASSWORD "its-own-secret"
#define SECRET	 "the-targets-secret"
/* MD5 of what follows from SECRET, the first identifier (1) and a challenge of 32 zeros. */
#define PROOF "chap_r=0xe23b608b443652700aaea233d06b141f"

/* What the library was given: a stream that is followed here once more, byte by byte. */
struct stream {
	uint8_t header[HEADER + 4];
	size_t have, size, left;
	unsigned int logins, nops, turn;
	uint16_t status; /* of the last login response */
	bool full_feature;
	bool refused; /* the guard has said no */
	size_t n;
	char login[BLOCK * PROBE_GUARD_LOGIN_MAX]; /* all data of the login, in lower case */
};

static struct probe_link probe;
static struct stream stream;
static size_t sent; /* by the probe */
static int ends[2]; /* of the pair: the probe's, until it connects; the target's */

static size_t length_of(const uint8_t *header)
{
	return (size_t)header[5] << 16 | (size_t)header[6] << 8 | header[7];
}

static void check_header(const uint8_t *header)
{
	uint8_t opcode = header[0] & 0x3f;

	must(!header[4] && length_of(header) <= PROBE_GUARD_DATA_MAX);
	if (!stream.full_feature) {
		must(opcode == 0x23 && ++stream.logins <= PROBE_GUARD_LOGIN_MAX);
		stream.status = (uint16_t)(header[36] << 8 | header[37]);
		stream.full_feature = !stream.status && (header[1] & 0x83) == 0x83;
		return;
	}
	must(opcode == 0x20 || opcode == 0x26 || opcode == 0x32 || opcode == 0x3f);
	must(opcode != 0x26 || !length_of(header));
	must(opcode != 0x3f || length_of(header) >= HEADER);
	stream.nops += opcode == 0x20;
}

static void pass_header(uint8_t byte, size_t asked)
{
	if (!stream.have) {
		stream.size = asked == sizeof(stream.header) ? asked : HEADER;
		must(++stream.turn <= PROBE_GUARD_TURN);
	}
	stream.header[stream.have++] = byte;
	if (stream.have < stream.size)
		return;
	check_header(stream.header);
	stream.have = 0;
	stream.left = (length_of(stream.header) + 3) & ~(size_t)3;
}

static void pass(const uint8_t *bytes, size_t n, size_t asked)
{
	for (size_t i = 0; i < n; i++) {
		if (!stream.left) {
			pass_header(bytes[i], asked);
			continue;
		}
		stream.left--;
		if (!probe.login_done) {
			must(stream.n < sizeof(stream.login));
			stream.login[stream.n++] = (char)tolower(bytes[i]);
		}
	}
}

/* As in the probe's child, whose recv() this is. */
ssize_t guarded_recv(int fd, void *buffer, size_t size, int flags) __asm__("recv")
	__attribute__((visibility("default"), used));
ssize_t guarded_recv(int fd, void *buffer, size_t size, int flags)
{
	ssize_t n = probe_link_recv(fd, buffer, size, flags);

	if (fd != probe_link_fd(&probe) || flags & MSG_PEEK)
		return n;
	must(!stream.refused);
	stream.refused = n < 0 && errno == EPROTO;
	must(!stream.refused || probe.dead);
	if (n > 0)
		pass(buffer, (size_t)n, size);
	return n;
}

/* Whatever the probe connects to is the other end of the pair. */
int paired_connect(int fd, const struct sockaddr *address, socklen_t length) __asm__("connect")
	__attribute__((visibility("default"), used));
int paired_connect(int fd, const struct sockaddr *address, socklen_t length)
{
	(void)address;
	(void)length;
	must(dup2(ends[0], fd) == fd);
	return 0;
}

int no_random(void) __asm__("rand") __attribute__((visibility("default"), used));
int no_random(void)
{
	return 0;
}

/* Which descriptors are open. */
static uint64_t descriptors(void)
{
	uint64_t open_ones = 0;

	for (int fd = 0; fd < 64; fd++)
		open_ones |= (uint64_t)(fcntl(fd, F_GETFD) != -1) << fd;
	return open_ones;
}

static void take_what_is_said(void)
{
	char bytes[4096];
	ssize_t n;

	while ((n = read(ends[1], bytes, sizeof(bytes))) > 0) {
		must(!memmem(bytes, (size_t)n, PASSWORD, strlen(PASSWORD)));
		must(!memmem(bytes, (size_t)n, SECRET, strlen(SECRET)));
		sent += (size_t)n;
	}
}

static void check_login(uint8_t how)
{
	must(stream.full_feature && probe.login_done && !probe.redirected && !probe.login_status);
	if ((how & MADE_CHAP) && (how & MADE_MUTUAL))
		must(memmem(stream.login, stream.n, PROOF, strlen(PROOF)));
}

static void check_link(uint8_t how)
{
	must(fuzz_printable(probe.text, sizeof(probe.text)));
	must(probe.dead ? probe.error < 0 : !stream.refused);
	must(!probe.login_status || probe.login_status == stream.status);
	if (probe.logged_in)
		check_login(how);
	else
		must(!probe.logged_out);
	if (probe.redirected)
		must(probe.login_done && probe.login_status >> 8 == 1);
}

/* The owner's part of an answer. */
static void take_answers(void)
{
	for (size_t i = 0; i < PROBE_LINK_NOPS; i++) {
		struct probe_nop *nop = &probe.nops[i];

		if (!nop->answered)
			continue;
		must(nop->busy && nop->answered_ns >= nop->sent_ns && stream.nops);
		nop->busy = false;
		nop->answered = false;
		stream.nops--;
	}
}

/* The owner lets go of it then. */
static bool is_over(void)
{
	return probe.dead || probe.logged_out || (probe.login_done && !probe.logged_in) ||
	       probe_link_fd(&probe) < 0;
}

/* Turns of the child's loop until there is nothing to do. */
static void turns(uint8_t how)
{
	struct pollfd poller = {.fd = probe_link_fd(&probe)};
	int idle = 0;

	while (!is_over()) {
		int unread = 0, left = 0;
		size_t said = sent;

		poller.events = probe_link_events(&probe);
		must(ioctl(poller.fd, FIONREAD, &unread) == 0);
		if (poll(&poller, 1, 0) < 1)
			break;
		stream.turn = 0;
		probe_link_service(&probe, poller.revents);
		take_what_is_said();
		check_link(how);
		take_answers();
		if (is_over())
			break;
		/* Nothing wakes the child for nothing twice: the library may have given up at once,
		 * which it tells the next time. */
		must(ioctl(poller.fd, FIONREAD, &left) == 0);
		idle = left < unread || sent > said ? 0 : idle + 1;
		must(idle <= 1);
	}
}

/* In pieces of that size, or whole (0). */
static void hand_over(const uint8_t *bytes, size_t n, size_t piece, uint8_t how)
{
	piece = piece ? piece : n;
	for (size_t at = 0; at < n && !is_over(); at += piece) {
		size_t size = n - at < piece ? n - at : piece;

		must(send(ends[1], bytes + at, size, MSG_NOSIGNAL) == (ssize_t)size);
		turns(how);
	}
}

static size_t put_digest(uint8_t *to, const uint8_t *header)
{
	uint32_t crc = UINT32_MAX;

	for (size_t i = 0; i < HEADER; i++) {
		crc ^= header[i];
		for (int bit = 0; bit < 8; bit++)
			crc = crc >> 1 ^ (crc & 1 ? 0x82f63b78 : 0);
	}
	crc = ~crc;
	for (int i = 0; i < 4; i++)
		to[i] = (uint8_t)(crc >> (8 * i));
	return 4;
}

/* What is held back until the next PDU. */
static uint8_t held[4 * BLOCK];
static size_t n_held;

static void send_pdu(struct fuzz_bytes *bytes, uint8_t step, uint8_t how)
{
	uint8_t piece = fuzz_byte(bytes), size = fuzz_byte(bytes);
	uint8_t *pdu = held + n_held, *data;
	size_t length;

	memset(pdu, 0, BLOCK);
	fuzz_fill(bytes, pdu, HEADER);
	if (step & FITS)
		memcpy(pdu + 5, (uint8_t[3]){0, 0, size}, 3);
	length = length_of(pdu) < PROBE_GUARD_DATA_MAX ? length_of(pdu) : PROBE_GUARD_DATA_MAX;
	data = pdu + HEADER + (step & DIGEST ? put_digest(pdu + HEADER, pdu) : 0);
	fuzz_fill(bytes, data, size < length ? size : length);
	n_held = (size_t)(data - held) + ((length + 3) & ~(size_t)3);
	if (step & HELD && sizeof(held) - n_held >= BLOCK)
		return;
	hand_over(held, n_held, piece, how);
	n_held = 0;
}

static void send_bytes(struct fuzz_bytes *bytes, uint8_t how)
{
	uint8_t piece = fuzz_byte(bytes), size = fuzz_byte(bytes);
	uint8_t buffer[UINT8_MAX];
	size_t n = fuzz_fill(bytes, buffer, size);

	hand_over(buffer, n, piece, how);
}

static void ping(uint8_t how)
{
	if (!probe.logged_in)
		return;
	probe_link_ping(&probe, clock_now_ns());
	check_link(how);
	take_answers();
	turns(how);
}

static void take_step(struct fuzz_bytes *bytes, uint8_t how)
{
	uint8_t step = fuzz_byte(bytes);

	switch (step % STEPS) {
	default:
		send_pdu(bytes, step, how);
		break;
	case STEP_BYTES:
		send_bytes(bytes, how);
		break;
	case STEP_PING:
		ping(how);
		break;
	case STEP_LOGOUT:
		if (probe.logged_in)
			probe_link_logout(&probe);
		turns(how);
		break;
	case STEP_REST:
		probe.heard = (struct ration){0};
		break;
	case STEP_END:
		must(shutdown(ends[1], SHUT_WR) == 0);
		turns(how);
		must(is_over());
		break;
	}
}

static void open_link(uint8_t how)
{
	const struct probe_road road = {
		.portal = {.address = {.family = AF_INET, .bytes = {127, 0, 0, 1}}, .port = 3260}};
	struct probe_wire_add add = {.target = "iqn.t", .initiator = "iqn.i"};

	add.flags = how & MADE_DIGEST ? PROBE_FLAG_HEADER_DIGEST : 0;
	if (how & MADE_CHAP) {
		strcpy(add.chap.user, "user");
		strcpy(add.chap.password, PASSWORD);
	}
	if (how & MADE_MUTUAL) {
		strcpy(add.chap.user_in, "target");
		strcpy(add.chap.password_in, SECRET);
	}
	if (how & MADE_FENCE)
		must(probe_link_open_as(&probe, &add, &road, 7) == 0);
	else
		must(probe_link_open(&probe, &add, &road) == 0);
}

/* Once dead it reads nothing, says nothing, and its reason stays. */
static void check_dead(void)
{
	int error = probe.error;
	size_t said = sent;

	stream.refused = true;
	probe_link_service(&probe, POLLIN | POLLOUT);
	must(!probe_link_ping(&probe, clock_now_ns()));
	take_what_is_said();
	must(probe.dead && probe.error == error && sent == said);
}

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	(void)argc;
	(void)argv;
	/* So that the sanitizer sees each block that the library has given back. */
	return setenv("LIBISCSI_CACHE_ALLOCATIONS", "0", 1);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct fuzz_bytes bytes = {data, size};
	uint8_t how = fuzz_byte(&bytes);
	uint64_t open_before = descriptors();

	memset(&stream, 0, offsetof(struct stream, login));
	n_held = 0;
	must(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, ends) == 0);
	open_link(how);
	close(ends[0]);
	probe_link_service(&probe, POLLOUT);
	must(probe.connected);
	probe_link_login(&probe);
	turns(how);
	while (bytes.size && !is_over())
		take_step(&bytes, how);
	if (probe.dead)
		check_dead();
	probe_link_close(&probe);
	close(ends[1]);
	must(descriptors() == open_before);
	return 0;
}
