/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "common/identity_session.h"

#include <ctype.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "common/parse.h"
#include "common/sysfs.h"

static const char *const session_states[] = {
	[SESSION_UNKNOWN] = "unknown",
	[SESSION_LOGGED_IN] = "LOGGED_IN",
	[SESSION_FAILED] = "FAILED",
	[SESSION_FREE] = "FREE",
};

static const char *const connection_states[] = {
	[CONNECTION_UNKNOWN] = "unknown", [CONNECTION_UP] = "up",
	[CONNECTION_DOWN] = "down",	  [CONNECTION_FAILED] = "failed",
	[CONNECTION_BOUND] = "bound",
};

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

const char *session_state_name(enum session_state state)
{
	return session_states[(size_t)state < COUNT(session_states) ? state : SESSION_UNKNOWN];
}

const char *connection_state_name(enum connection_state state)
{
	if ((size_t)state >= COUNT(connection_states))
		state = CONNECTION_UNKNOWN;
	return connection_states[state];
}

/* Index of the word in attribute 'name', 0 (unknown) when it is none or unreadable. */
static size_t read_word(int at, const char *name, const char *const *words, size_t n)
{
	char text[32];
	size_t i;

	if (at < 0 || sysfs_text(at, name, text, sizeof(text)) < 0)
		return 0;
	for (i = 1; i < n; i++)
		if (strcmp(text, words[i]) == 0)
			return i;
	return 0;
}

int session_open(int root, unsigned int sid)
{
	char path[64];
	int fd;

	snprintf(path, sizeof(path), "class/iscsi_session/session%u", sid);
	fd = sysfs_open_dir(root, path);
	return fd == -ENOTDIR ? -ENOENT : fd;
}

static int open_connection(int root, const struct iscsi_identity *id)
{
	char path[80];

	snprintf(path, sizeof(path), "class/iscsi_connection/connection%u:%u", id->sid, id->cid);
	return sysfs_open_dir(root, path);
}

static int open_host(int root, const struct iscsi_identity *id)
{
	char path[64];

	snprintf(path, sizeof(path), "class/iscsi_host/host%u", id->host);
	return sysfs_open_dir(root, path);
}

static void close_dir(int fd)
{
	if (fd >= 0)
		close(fd);
}

/* As sysfs_text(), also for a directory that could not be opened. */
static int read_text(int at, const char *name, char *buffer, size_t size)
{
	memset(buffer, 0, size);
	return at < 0 ? at : sysfs_text(at, name, buffer, size);
}

/*
 * An address as the kernel prints it: IPv6 without brackets and scope. The scope of a
 * link-local one is the interface it is bound to, as far as that is known.
 */
static int read_address(int root, int at, const char *name, const char *netdev,
			struct ip_address *ret)
{
	char text[PORTAL_TEXT_MAX], path[PATH_NETDEV_MAX + 32];
	struct ip_address address;
	uint64_t index;
	int r = read_text(at, name, text, sizeof(text));

	if (r < 0)
		return r;
	r = ip_address_parse(text, &address);
	if (r < 0)
		return r;
	if (address.family == AF_INET6 && address.bytes[0] == 0xfe &&
	    (address.bytes[1] & 0xc0) == 0x80 && address.scope == 0 && netdev[0]) {
		snprintf(path, sizeof(path), "class/net/%s/ifindex", netdev);
		if (sysfs_number(root, path, 1, INT_MAX, &index) == 0)
			address.scope = (uint32_t)index;
	}
	*ret = address;
	return 0;
}

/* Address and port make a portal only together: *ret is left alone without either. */
static int read_portal(int root, int at, const char *address_name, const char *port_name,
		       const char *netdev, struct portal *ret)
{
	struct portal portal = {.port = 0};
	uint64_t port = 0;
	int r;

	r = read_address(root, at, address_name, netdev, &portal.address);
	if (r == 0)
		r = at < 0 ? at : sysfs_number(at, port_name, 1, UINT16_MAX, &port);
	if (r < 0)
		return r;
	portal.port = (uint16_t)port;
	*ret = portal;
	return 0;
}

/* Target names compare without case (RFC 7143, 4.2.7.1); the kernel keeps what it was given. */
static void read_iscsi_name(int at, const char *name, char *buffer, size_t size)
{
	char *p;

	read_text(at, name, buffer, size);
	for (p = buffer; *p; p++)
		*p = (char)tolower((unsigned char)*p);
}

static int read_recovery_tmo(int session)
{
	char text[32];
	uint64_t seconds;

	if (sysfs_text(session, "recovery_tmo", text, sizeof(text)) < 0)
		return INT_MIN;
	if (strcmp(text, "off") == 0 || strcmp(text, "-1") == 0)
		return -1;
	return parse_uint(text, 0, INT_MAX, &seconds) < 0 ? INT_MIN : (int)seconds;
}

static void read_netdev(int host, char *netdev, size_t size)
{
	/* "default" is open-iscsi's word for: not bound. */
	if (read_text(host, "netdev", netdev, size) < 0 || strcmp(netdev, "default") == 0 ||
	    strchr(netdev, '/') || netdev[0] == '.')
		memset(netdev, 0, size);
}

static void read_live(int root, int connection, int host, struct iscsi_identity *id)
{
	const char *netdev = id->name.netdev;
	uint64_t number;

	id->connection_state = (enum connection_state)read_word(
		connection, "state", connection_states, COUNT(connection_states));
	read_portal(root, connection, "address", "port", netdev, &id->current);
	if (connection >= 0 &&
	    sysfs_number(connection, "local_port", 1, UINT16_MAX, &number) == 0)
		id->local_port = (uint16_t)number;
	read_address(root, host, "ipaddress", netdev, &id->name.source);
	/* Configured as a host name, or unreadable: the peer is the best name we can give. */
	if (!portal_known(&id->name.portal))
		id->name.portal = id->current;
}

static void read_digests(int connection, struct iscsi_identity *id)
{
	uint64_t number;

	if (connection < 0)
		return;
	if (sysfs_number(connection, "header_digest", 0, 1, &number) == 0)
		id->header_digest = number != 0;
	if (sysfs_number(connection, "data_digest", 0, 1, &number) == 0)
		id->data_digest = number != 0;
}

static enum session_state read_session_state(int session)
{
	return (enum session_state)read_word(session, "state", session_states,
					     COUNT(session_states));
}

void session_read(int root, int session, struct iscsi_identity *id)
{
	struct path_name *name = &id->name;
	int connection = open_connection(root, id);
	int host = open_host(root, id);
	uint64_t number;

	read_netdev(host, name->netdev, sizeof(name->netdev));
	read_iscsi_name(session, "targetname", name->target, sizeof(name->target));
	read_iscsi_name(session, "initiatorname", id->initiator, sizeof(id->initiator));
	read_text(session, "ifacename", name->iface, sizeof(name->iface));
	if (sysfs_number(session, "tpgt", 0, UINT16_MAX, &number) == 0)
		name->tpgt = (int)number;
	id->recovery_tmo = read_recovery_tmo(session);
	read_portal(root, connection, "persistent_address", "persistent_port", name->netdev,
		    &name->portal);
	read_digests(connection, id);
	read_live(root, connection, host, id);
	id->session_state = read_session_state(session);
	close_dir(connection);
	close_dir(host);
}

void session_refresh(int root, int session, struct iscsi_identity *id)
{
	int connection = open_connection(root, id);
	int host = open_host(root, id);

	read_live(root, connection, host, id);
	id->session_state = read_session_state(session);
	/* They read 0 in recovery; a login may have negotiated others. */
	if (id->session_state == SESSION_LOGGED_IN)
		read_digests(connection, id);
	close_dir(connection);
	close_dir(host);
}

bool session_stands(int root, const struct iscsi_identity *id)
{
	char path[96], state[32];
	uint64_t port = 0;

	snprintf(path, sizeof(path), "class/iscsi_session/session%u/state", id->sid);
	if (id->session_state != SESSION_LOGGED_IN || !id->local_port ||
	    sysfs_text(root, path, state, sizeof(state)) < 0 ||
	    strcmp(state, session_states[SESSION_LOGGED_IN]) != 0)
		return false;
	snprintf(path, sizeof(path), "class/iscsi_connection/connection%u:%u/local_port", id->sid,
		 id->cid);
	return sysfs_number(root, path, 1, UINT16_MAX, &port) == 0 && port == id->local_port;
}
