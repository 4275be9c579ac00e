/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "daemon/probe_link.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <iscsi/iscsi.h>
#include <iscsi/scsi-lowlevel.h>

#include "common/clock.h"

#define ALIAS	       "mpathiscsi probe"
#define OPEN_ISCSI_OUI 0x00023d
/* A peer that makes the library keep more PDUs of its own than this, sent or not, is no honest
 * target. */
#define QUEUE_MAX 64

/*
 * An honest target answers our NOPs, at most 20 a second, and asks now and then whether we are
 * there. One that talks more than this, or in smaller pieces, wants our CPU.
 */
static const struct ration_limit hearing = {.each_ns = NS_PER_S / 200, .burst = 400};

static void die(struct probe_link *link, int error)
{
	if (!link->dead)
		link->error = error;
	link->dead = true;
}

/*
 * The link whose library calls may read now. One thread: at most one, and never across
 * turns of the loop.
 */
static struct probe_link *reading;

/* Has a request gone out that was not answered? The library reads past a response to none: what
 * that one says of stages did not happen. */
static bool is_asked(const struct probe_link *link)
{
	return iscsi_queue_length(link->iscsi) > iscsi_out_queue_length(link->iscsi);
}

/* The library asks for a header, or for data, never for both at once. */
static int check_login(struct probe_link *link, const uint8_t *bytes, size_t n, bool data,
		       unsigned int responses)
{
	if (data)
		return link->login.mutual ? probe_login_data(&link->login, bytes, n) : 0;
	if (link->guard.login_responses == responses)
		return 0;
	if (!is_asked(link))
		return -EPROTO;
	return probe_login_header(&link->login, link->guard.header);
}

/* What came from the peer, before the library sees it. */
static int check(struct probe_link *link, const uint8_t *bytes, size_t n, size_t asked)
{
	struct probe_guard *guard = &link->guard;
	unsigned int responses = guard->login_responses;
	bool data = guard->header_size && guard->header_have == guard->header_size;
	int r = probe_guard_pass(guard, bytes, n, asked);

	if (r == 0 && !link->login_done)
		r = check_login(link, bytes, n, data, responses);
	if (r == -EACCES)
		probe_wire_text(link->text, sizeof(link->text),
				"CHAP: the target does not prove itself");
	return r;
}

ssize_t probe_link_recv(int fd, void *buffer, size_t size, int flags)
{
	struct probe_link *link = reading;
	bool ours = link && link->iscsi && iscsi_get_fd(link->iscsi) == fd;
	ssize_t n;
	int r;

	if (ours && !probe_guard_open(&link->guard)) {
		errno = EAGAIN;
		return -1;
	}
	n = recvfrom(fd, buffer, size, flags, NULL, NULL);
	if (!ours || n <= 0)
		return n;
	r = check(link, buffer, (size_t)n, size);
	if (r == 0)
		return n;
	die(link, r);
	errno = EPROTO;
	return -1;
}

static void on_connected(struct iscsi_context *iscsi, int status, void *data,
			 void *private)
{
	struct probe_link *link = private;

	(void)data;
	if (link->iscsi != iscsi)
		return;
	if (status == SCSI_STATUS_GOOD)
		link->connected = true;
	else
		die(link, -ECONNRESET);
}

static void login_refused(struct probe_link *link)
{
	const char *text = iscsi_get_error(link->iscsi);

	link->login_status = link->guard.login_status;
	link->redirected = link->login_status >> 8 == 1;
	link->error = strstr(text, "CHAP") ? -EACCES : -EPROTO;
	probe_wire_text(link->text, sizeof(link->text), text);
}

static void on_login(struct iscsi_context *iscsi, int status, void *data, void *private)
{
	struct probe_link *link = private;

	(void)data;
	if (link->iscsi != iscsi || link->login_done)
		return;
	if (!link->guard.login_responses) {
		probe_wire_text(link->text, sizeof(link->text),
				"libiscsi reads past the guard");
		die(link, -ENOTSUP);
		return;
	}
	link->login_done = true;
	if (status == SCSI_STATUS_GOOD) {
		link->logged_in = true;
	} else if (status == SCSI_STATUS_REDIRECT) {
		link->redirected = true;
		link->login_status = link->guard.login_status;
	} else if (status == SCSI_STATUS_ERROR) {
		login_refused(link);
	} else {
		link->login_done = false;
		die(link, -ECONNRESET);
	}
	if (link->redirected)
		probe_wire_text(link->text, sizeof(link->text),
				iscsi_get_target_address(iscsi));
}

static void on_answer(struct iscsi_context *iscsi, int status, void *data, void *private)
{
	struct probe_nop *nop = private;

	(void)data;
	if (nop->link->iscsi != iscsi)
		return; /* being destroyed */
	if (status == SCSI_STATUS_GOOD) {
		nop->answered = true;
		nop->answered_ns = clock_now_ns();
	} else {
		die(nop->link, status == SCSI_STATUS_CANCELLED ? -ECONNRESET : -EPROTO);
	}
}

static void on_logout(struct iscsi_context *iscsi, int status, void *data, void *private)
{
	struct probe_link *link = private;

	(void)status;
	(void)data;
	if (link->iscsi == iscsi)
		link->logged_out = true;
}

/*
 * A random ISID of type 0x80: the kernel's are of the OUI type, so never the same. Another one for each
 * target of this process, and the same at each login there: a session that was lost in silence, of
 * which the target does not know yet, is then reinstated by the next one (RFC 7143, 6.3.5) and does not
 * stay there beside it.
 */
static int set_isid(struct iscsi_context *iscsi, uint32_t id)
{
	static uint32_t random[2];
	static bool drawn;

	if (!drawn && getrandom(random, sizeof(random), 0) != (ssize_t)sizeof(random))
		return -EIO;
	drawn = true;
	return iscsi_set_isid_random(iscsi, (random[0] + id) & 0xffffff, random[1] & 0xffff)
		       ? -EIO
		       : 0;
}

static int set_isid_of(struct iscsi_context *iscsi, uint32_t sid)
{
	return iscsi_set_isid_oui(iscsi, OPEN_ISCSI_OUI, sid & 0xffffff) ? -EIO : 0;
}

static int set_chap(struct iscsi_context *iscsi, const struct probe_chap *chap)
{
	if (!chap->user[0])
		return 0;
	if (iscsi_set_initiator_username_pwd(iscsi, chap->user, chap->password))
		return -EINVAL;
	if (!chap->user_in[0])
		return 0;
	return iscsi_set_target_username_pwd(iscsi, chap->user_in, chap->password_in)
		       ? -EINVAL
		       : 0;
}

/* The library keeps copies of the secrets: overwrite them by something as long as can be.
 */
static void forget_chap(struct iscsi_context *iscsi)
{
	char blank[PROBE_CHAP_MAX];

	memset(blank, 'x', sizeof(blank) - 1);
	blank[sizeof(blank) - 1] = 0;
	iscsi_set_initiator_username_pwd(iscsi, blank, blank);
	iscsi_set_target_username_pwd(iscsi, blank, blank);
	iscsi_set_initiator_username_pwd(iscsi, "", "");
	iscsi_set_target_username_pwd(iscsi, "", "");
}

/* 'sid' NULL: a session of our own. */
static int configure(struct iscsi_context *iscsi, const struct probe_wire_add *add,
		     const uint32_t *sid)
{
	/* A target that insists on the other kind gets its way, as with the kernel. */
	enum iscsi_header_digest digest = add->flags & PROBE_FLAG_HEADER_DIGEST
						  ? ISCSI_HEADER_DIGEST_CRC32C_NONE
						  : ISCSI_HEADER_DIGEST_NONE_CRC32C;
	char netdev[PATH_NETDEV_MAX];

	iscsi_set_timeout(iscsi, 0);
	iscsi_set_noautoreconnect(iscsi, 1);
	if (add->netdev[0]) {
		memcpy(netdev, add->netdev, sizeof(netdev));
		iscsi_set_bind_interfaces(iscsi, netdev);
	}
	if ((sid ? set_isid_of(iscsi, *sid) : set_isid(iscsi, add->header.id)) ||
	    iscsi_set_alias(iscsi, ALIAS) ||
	    iscsi_set_session_type(iscsi, ISCSI_SESSION_NORMAL) ||
	    iscsi_set_targetname(iscsi, add->target) ||
	    iscsi_set_header_digest(iscsi, digest) || set_chap(iscsi, &add->chap))
		return -EINVAL;
	return 0;
}

static int connect_to(struct probe_link *link, const struct probe_road *road)
{
	char portal[PORTAL_TEXT_MAX];

	portal_format(&road->portal, portal, sizeof(portal));
	errno = 0;
	if (iscsi_connect_async(link->iscsi, portal, on_connected, link)) {
		int error = errno ? -errno : -EIO;

		probe_wire_text(link->text, sizeof(link->text),
				probe_error_is_local(error) ? iscsi_get_error(link->iscsi)
							    : strerror(-error));
		return error;
	}
	if (fcntl(iscsi_get_fd(link->iscsi), F_SETFD, FD_CLOEXEC))
		return -errno;
	return probe_socket_verify(iscsi_get_fd(link->iscsi), road, false, link->text,
				   sizeof(link->text));
}

static int open_link(struct probe_link *link, const struct probe_wire_add *add,
		     const struct probe_road *road, const uint32_t *sid)
{
	int error;

	memset(link, 0, sizeof(*link));
	probe_guard_init(&link->guard);
	probe_login_init(&link->login, add->chap.user[0] && add->chap.user_in[0]);
	for (size_t i = 0; i < PROBE_LINK_NOPS; i++)
		link->nops[i].link = link;
	link->iscsi = iscsi_create_context(add->initiator);
	if (!link->iscsi) {
		probe_wire_text(link->text, sizeof(link->text), "libiscsi: no memory");
		return -ENOMEM;
	}
	error = configure(link->iscsi, add, sid);
	if (error)
		probe_wire_text(link->text, sizeof(link->text),
				iscsi_get_error(link->iscsi));
	else
		error = connect_to(link, road);
	if (error)
		probe_link_close(link);
	return error;
}

int probe_link_open(struct probe_link *link, const struct probe_wire_add *add,
		    const struct probe_road *road)
{
	return open_link(link, add, road, NULL);
}

int probe_link_open_as(struct probe_link *link, const struct probe_wire_add *add,
		       const struct probe_road *road, uint32_t sid)
{
	return open_link(link, add, road, &sid);
}

void probe_link_close(struct probe_link *link)
{
	struct iscsi_context *iscsi = link->iscsi;

	if (!iscsi)
		return;
	link->iscsi = NULL; /* from here on the callbacks do nothing */
	forget_chap(iscsi);
	iscsi_destroy_context(iscsi);
	for (size_t i = 0; i < PROBE_LINK_NOPS; i++)
		link->nops[i].busy = false;
}

int probe_link_fd(const struct probe_link *link)
{
	return link->iscsi ? iscsi_get_fd(link->iscsi) : -1;
}

short probe_link_events(const struct probe_link *link)
{
	return link->iscsi ? (short)iscsi_which_events(link->iscsi) : 0;
}

/* End of file, or something the library could not digest? */
static int why_broken(struct probe_link *link)
{
	char byte;
	int fd = iscsi_get_fd(link->iscsi);
	ssize_t n = fd < 0 ? 0 : recv(fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT);

	if (n == 0)
		return -ECONNRESET;
	return n < 0 && errno != EAGAIN ? -errno : -EPROTO;
}

static int service(struct probe_link *link, int revents)
{
	int result;

	reading = link;
	probe_guard_turn(&link->guard);
	result = iscsi_service(link->iscsi, revents);
	reading = NULL;
	return result;
}

static void service_connecting(struct probe_link *link)
{
	int error = probe_socket_error(iscsi_get_fd(link->iscsi));

	if (error)
		die(link, error);
	else if (service(link, POLLOUT) < 0)
		die(link, -EPROTO);
}

static bool is_heard(struct probe_link *link)
{
	return ration_take(&link->heard, &hearing, 1 + link->guard.turn, clock_now_ns());
}

static void die_of_talk(struct probe_link *link)
{
	if (!link->dead)
		probe_wire_text(link->text, sizeof(link->text), "the target talks without end");
	die(link, -EPROTO);
}

void probe_link_service(struct probe_link *link, short revents)
{
	int error = 0;

	if (!link->iscsi || link->dead || !revents)
		return;
	if (!link->connected) {
		service_connecting(link);
		return;
	}
	if (revents & POLLERR)
		error = probe_socket_error(iscsi_get_fd(link->iscsi));
	/* What came before the end is still to be read: the reason for it, perhaps. */
	if (revents & (POLLERR | POLLHUP))
		revents = POLLIN;
	if (service(link, revents & (POLLIN | POLLOUT)) < 0)
		die(link, error ? error : why_broken(link));
	else if (error)
		die(link, error);
	if ((revents & POLLIN) && !is_heard(link))
		die_of_talk(link);
	if (iscsi_queue_length(link->iscsi) > QUEUE_MAX)
		die_of_talk(link);
	if (link->login_done && !link->forgotten) {
		forget_chap(link->iscsi);
		link->forgotten = true;
	}
}

void probe_link_login(struct probe_link *link)
{
	int failed;

	reading = link;
	failed = iscsi_login_async(link->iscsi, on_login, link);
	reading = NULL;
	if (failed) {
		probe_wire_text(link->text, sizeof(link->text),
				iscsi_get_error(link->iscsi));
		die(link, -EPROTO);
	}
}

static struct probe_nop *free_nop(struct probe_link *link)
{
	for (size_t i = 0; i < PROBE_LINK_NOPS; i++)
		if (!link->nops[i].busy)
			return &link->nops[i];
	return NULL;
}

struct probe_nop *probe_link_ping(struct probe_link *link, uint64_t now_ns)
{
	struct probe_nop *nop = free_nop(link);
	int queued, failed;

	if (!nop || link->dead)
		return NULL;
	*nop = (struct probe_nop){.link = link, .busy = true, .sent_ns = now_ns};
	queued = iscsi_queue_length(link->iscsi);
	reading = link; /* later versions read already when they queue */
	failed = iscsi_nop_out_async(link->iscsi, on_answer, NULL, 0, nop);
	reading = NULL;
	if (failed) {
		die(link, -EPROTO);
	} else if (!nop->answered && iscsi_queue_length(link->iscsi) <= queued) {
		/* Success that is none: the target has asked for a logout, and the
		 * library swallows NOPs from then on. */
		probe_wire_text(link->text, sizeof(link->text),
				"target asked the probe to log out");
		die(link, -ECONNRESET);
	}
	if (!link->dead)
		return nop;
	nop->busy = false;
	return NULL;
}

void probe_link_logout(struct probe_link *link)
{
	int failed;

	reading = link;
	failed = iscsi_logout_async(link->iscsi, on_logout, link);
	reading = NULL;
	if (failed)
		die(link, -EPROTO);
}
