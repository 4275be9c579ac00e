/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A lost link as evidence: the decision by a table, the kernel's own notices in a namespace. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <libmnl/libmnl.h>
#include <linux/if_link.h>
#include <linux/rtnetlink.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common/clock.h"
#include "daemon/quick/link_loss.h"
#include "daemon/quick/links_netlink.h"
#include "daemon/quick/state.h"
#include "tests/unit/descriptors.h"
#include "tests/unit/namespace_fixture.h"

/* --- the table --- */

enum { ETH1 = 4, ETH2 = 5 };

#define ROUTE(device, direct) { device, direct }
#define NEAR(device) ROUTE(device, true)
#define FAR(device) ROUTE(device, false)
#define NOWHERE ROUTE(0, false)

static const struct {
	const char *name;
	struct link_facts facts;
	enum link_loss loss;
} rows[] = {
#define ROW(name, before, state, now, now_state, loss) \
	{ name, { before, state, true, now, now_state, true, true }, LINK_LOSS_##loss }
	ROW("all is well", NEAR(ETH1), LINK_UP, NEAR(ETH1), LINK_UP, NONE),
	ROW("well, through a gateway", FAR(ETH1), LINK_UP, FAR(ETH1), LINK_UP, NONE),
	/* a carrier lost leaves the route where it is, unless the host is told otherwise */
	ROW("no carrier", NEAR(ETH1), LINK_NO_CARRIER, NEAR(ETH1), LINK_NO_CARRIER, CARRIER),
	ROW("no carrier, no route", NEAR(ETH1), LINK_NO_CARRIER, NOWHERE, LINK_UNKNOWN, CARRIER),
	ROW("no carrier to the gateway", FAR(ETH1), LINK_NO_CARRIER, FAR(ETH1), LINK_NO_CARRIER,
	    CARRIER),
	ROW("switched off", NEAR(ETH1), LINK_OFF, NOWHERE, LINK_UNKNOWN, OFF),
	ROW("removed", NEAR(ETH1), LINK_GONE, NOWHERE, LINK_UNKNOWN, GONE),
	/* what is left is the default route, which does not lead to a neighbour of ours */
	ROW("switched off, default route left", NEAR(ETH1), LINK_OFF, FAR(ETH2), LINK_UP, OFF),
	ROW("removed, default route left", NEAR(ETH1), LINK_GONE, FAR(ETH2), LINK_UP, GONE),
	/* it may live on there */
	ROW("two in one network", NEAR(ETH1), LINK_OFF, NEAR(ETH2), LINK_UP, NONE),
	ROW("two ways to the gateway", FAR(ETH1), LINK_NO_CARRIER, FAR(ETH2), LINK_UP, NONE),
	ROW("… the other one is down, too", FAR(ETH1), LINK_NO_CARRIER, FAR(ETH2),
	    LINK_NO_CARRIER, CARRIER),
	ROW("… its state is not known", FAR(ETH1), LINK_NO_CARRIER, FAR(ETH2), LINK_UNKNOWN,
	    CARRIER),
	ROW("the route moved, both are up", NEAR(ETH1), LINK_UP, NEAR(ETH2), LINK_UP, NONE),
	/* somebody has taken the route away: not the link's fault, TCP will tell */
	ROW("no route, but the link is up", NEAR(ETH1), LINK_UP, NOWHERE, LINK_UNKNOWN, NONE),
	ROW("nothing known of the link", NEAR(ETH1), LINK_UNKNOWN, NOWHERE, LINK_UNKNOWN, NONE),
	ROW("never seen", NOWHERE, LINK_NO_CARRIER, NEAR(ETH1), LINK_NO_CARRIER, NONE),
	{ "the kernel did not tell the way",
	  { NEAR(ETH1), LINK_OFF, false, NOWHERE, LINK_UNKNOWN, true, true },
	  LINK_LOSS_NONE },
	{ "address gone, link up",
	  { NEAR(ETH1), LINK_UP, true, NOWHERE, LINK_UNKNOWN, true, false },
	  LINK_LOSS_ADDRESS },
	{ "address gone, another way is up",
	  { NEAR(ETH1), LINK_UP, true, NEAR(ETH2), LINK_UP, true, false },
	  LINK_LOSS_ADDRESS },
	{ "address and link gone",
	  { NEAR(ETH1), LINK_GONE, true, NOWHERE, LINK_UNKNOWN, true, false },
	  LINK_LOSS_GONE },
	{ "nothing known of the address",
	  { NEAR(ETH1), LINK_UP, true, NEAR(ETH1), LINK_UP, false, false },
	  LINK_LOSS_NONE },
};

static void test_table(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		if (link_loss_of(&rows[i].facts) != rows[i].loss)
			fail_msg("%s: %d instead of %d", rows[i].name,
				 (int)link_loss_of(&rows[i].facts), (int)rows[i].loss);
}

#define AT(ms) (1000 * NS_PER_S + (ms) * NS_PER_MS)

static void test_debounce(void **state)
{
	struct link_debounce d = { .since_ns = 0 };

	(void)state;
	assert_false(link_debounce_step(&d, LINK_LOSS_NONE, AT(0)));
	assert_false(link_debounce_step(&d, LINK_LOSS_CARRIER, AT(0)));
	assert_int_equal(d.since_ns, AT(0));
	assert_false(link_debounce_step(&d, LINK_LOSS_CARRIER, AT(LINK_LOSS_MS - 1)));
	/* a flap starts over */
	assert_false(link_debounce_step(&d, LINK_LOSS_NONE, AT(LINK_LOSS_MS)));
	assert_int_equal(d.since_ns, 0);
	assert_false(link_debounce_step(&d, LINK_LOSS_CARRIER, AT(LINK_LOSS_MS + 1)));
	/* another kind of loss does not */
	assert_true(link_debounce_step(&d, LINK_LOSS_OFF, AT(2 * LINK_LOSS_MS + 1)));
	assert_int_equal(d.loss, LINK_LOSS_OFF);
	/* the clock goes back: it stays lost */
	assert_true(link_debounce_step(&d, LINK_LOSS_OFF, AT(0)));
	assert_false(link_debounce_step(&d, LINK_LOSS_NONE, AT(2 * LINK_LOSS_MS + 2)));
	assert_false(d.lost);
}

/* When to look again: at the end of the time that makes a loss of it, and often while others have
 * still to prove themselves; else when it was due anyway. */
static void test_waits(void **state)
{
	static const uint64_t most = 900000, loss = LINK_LOSS_MS * 1000;
	struct quick_session sessions[2] = { { .present = true, .logged_in_ns = 1, .in_flight = 1 },
					     { .present = true } };
	struct quick quick = { .sessions = sessions, .n_sessions = 2 };
	struct quick_session *session = &sessions[0];

	(void)state;
	assert_int_equal(links_wait_us(&quick, AT(0), most), most);
	session->link.debounce = (struct link_debounce){ .since_ns = AT(0) };
	assert_int_equal(links_wait_us(&quick, AT(0), most), loss + 1);
	assert_int_equal(links_wait_us(&quick, AT(0), 1000), 1000);
	assert_int_equal(links_wait_us(&quick, AT(10), most), loss - 10000 + 1);
	session->link.debounce.lost = true;
	assert_int_equal(links_wait_us(&quick, AT(10), most), 20000);
	assert_int_equal(links_wait_us(&quick, AT(999), most), 20000);
	assert_int_equal(links_wait_us(&quick, AT(1000), most), most);
	/* the clock went back; nothing in flight; given up; logged out; not there */
	assert_int_equal(links_wait_us(&quick, AT(0) - 1, most), most);
	session->in_flight = 0;
	assert_int_equal(links_wait_us(&quick, AT(10), most), most);
	session->in_flight = 1;
	session->given_up = true;
	assert_int_equal(links_wait_us(&quick, AT(10), most), most);
	session->given_up = false;
	session->logged_in_ns = 0;
	assert_int_equal(links_wait_us(&quick, AT(10), most), most);
	session->logged_in_ns = 1;
	session->present = false;
	assert_int_equal(links_wait_us(&quick, AT(10), most), most);
	/* of two the earlier */
	session->present = true;
	sessions[1].link.debounce = (struct link_debounce){ .since_ns = AT(9) };
	assert_int_equal(links_wait_us(&quick, AT(10), most), 20000);
	sessions[1].link.debounce.since_ns = AT(11) - LINK_LOSS_MS * NS_PER_MS;
	assert_int_equal(links_wait_us(&quick, AT(10), most), 1001);
}

static void test_texts(void **state)
{
	static const char *const texts[] = {
		[LINK_LOSS_NONE] = "",
		[LINK_LOSS_CARRIER] = "link eth1 is down (no carrier)",
		[LINK_LOSS_OFF] = "link eth1 is down (switched off)",
		[LINK_LOSS_GONE] = "interface eth1 is gone",
		[LINK_LOSS_ADDRESS] = "address 10.0.1.1 is not the host's any more",
	};
	char buffer[LINK_LOSS_TEXT_MAX];

	(void)state;
	for (unsigned int i = 0; i < LINK_LOSS_MAX; i++)
		assert_string_equal(link_loss_text((enum link_loss)i, "eth1", "10.0.1.1", buffer,
						   sizeof(buffer)),
				    texts[i]);
}

/* --- messages --- */

static struct nlmsghdr *link_message(char *buffer, uint16_t type, uint8_t family,
				     unsigned int flags)
{
	struct nlmsghdr *header = mnl_nlmsg_put_header(buffer);
	struct ifinfomsg *message;

	header->nlmsg_type = type;
	message = mnl_nlmsg_put_extra_header(header, sizeof(*message));
	message->ifi_family = family;
	message->ifi_index = ETH1;
	message->ifi_flags = flags;
	mnl_attr_put_str(header, IFLA_MTU, "xxx");
	mnl_attr_put_strz(header, IFLA_IFNAME, "eth1");
	return header;
}

static void test_messages(void **state)
{
	static const struct {
		uint16_t type;
		uint8_t family;
		unsigned int flags;
		int read;
		enum link_state link;
	} cases[] = {
		{ RTM_NEWLINK, AF_UNSPEC, IFF_UP | IFF_RUNNING | 0x10000, 1, LINK_UP },
		{ RTM_NEWLINK, AF_UNSPEC, IFF_UP | 0x10000, 1, LINK_UP }, /* dormant */
		{ RTM_NEWLINK, AF_UNSPEC, IFF_UP, 1, LINK_NO_CARRIER },
		{ RTM_NEWLINK, AF_UNSPEC, 0, 1, LINK_OFF },
		{ RTM_NEWLINK, AF_UNSPEC, 0x10000, 1, LINK_OFF },
		{ RTM_DELLINK, AF_UNSPEC, IFF_UP | 0x10000, 1, LINK_GONE },
		{ RTM_DELLINK, AF_BRIDGE, IFF_UP, 0, LINK_UNKNOWN }, /* a port left its bridge */
		{ RTM_NEWLINK, AF_BRIDGE, 0, 0, LINK_UNKNOWN },
		{ RTM_NEWROUTE, AF_UNSPEC, 0, 0, LINK_UNKNOWN },
	};
	char buffer[512] __attribute__((aligned(NLMSG_ALIGNTO)));

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct link_notice notice = { .state = LINK_UNKNOWN };
		struct nlmsghdr *header =
			link_message(buffer, cases[i].type, cases[i].family, cases[i].flags);

		assert_int_equal(link_notice_read(header, &notice), cases[i].read);
		assert_int_equal(notice.state, cases[i].link);
		if (!cases[i].read)
			continue;
		assert_int_equal(notice.device, ETH1);
		assert_string_equal(notice.name, "eth1");
		assert_int_equal(notice.address.family, AF_UNSPEC);
		header->nlmsg_len = sizeof(*header) + 4;
		assert_int_equal(link_notice_read(header, &notice), -EBADMSG);
	}
}

/* --- the kernel's own --- */

static bool have_namespace;

/* d0 has the connection, e0 another network and the default route. */
static int set_up(void **state)
{
	(void)state;
	have_namespace = own_network(
		"link add d0 type veth peer name d1\n"
		"link add e0 type veth peer name e1\n"
		"link set d0 up\n"
		"link set d1 up\n"
		"link set e0 up\n"
		"link set e1 up\n"
		"addr add 10.1.0.1/24 dev d0\n"
		"addr add fd00:1::1/64 dev d0 nodad\n"
		"addr add 10.2.0.1/24 dev e0\n"
		"addr add fd00:2::1/64 dev e0 nodad\n"
		"route add default via 10.2.0.254\n"
		"route add ::/0 via fd00:2::fe\n");
	return 0;
}

struct scene {
	struct watch watch;
	struct quick quick;
	struct quick_session sessions[2];
	struct links *links;
	sd_event *event;
	unsigned int news;
};

static void on_news(struct quick *quick)
{
	struct scene *scene = (struct scene *)((char *)quick - offsetof(struct scene, quick));

	scene->news++;
	links_look(scene->links, quick, clock_now_ns());
}

static struct connection_name connection(const char *local, const char *peer)
{
	struct connection_name name = { .local_port = 40000, .peer = { .port = 3260 } };

	assert_int_equal(ip_address_parse(local, &name.local), 0);
	assert_int_equal(ip_address_parse(peer, &name.peer.address), 0);
	return name;
}

static void open_scene(struct scene *scene, const char *local, const char *peer)
{
	memset(scene, 0, sizeof(*scene));
	scene->quick.watch = &scene->watch;
	scene->quick.sessions = scene->sessions;
	scene->quick.n_sessions = 2;
	for (unsigned int i = 0; i < 2; i++)
		scene->sessions[i] = (struct quick_session){ .sid = i + 1,
							     .present = true,
							     .logged_in_ns = 1,
							     .in_flight = 1 };
	scene->sessions[0].connection = connection(local, peer);
	scene->sessions[1].connection = connection("10.2.0.1", "10.2.0.2");
	assert_true(sd_event_new(&scene->event) >= 0);
	assert_int_equal(links_new(scene->event, &scene->quick, on_news, &scene->links), 0);
	links_look(scene->links, &scene->quick, clock_now_ns());
	assert_string_equal(scene->sessions[0].link.interface, "d0");
	assert_string_equal(scene->sessions[1].link.interface, "e0");
	assert_false(link_lost_since(&scene->sessions[0]));
	assert_true(link_is_other(&scene->sessions[0], &scene->sessions[1]));
	assert_false(link_is_other(&scene->sessions[0], &scene->sessions[0]));
}

static void close_scene(struct scene *scene)
{
	links_free(scene->links);
	sd_event_unref(scene->event);
}

/* Until the first session's link is down, or is not, by the kernel's notices alone. */
static void await(struct scene *scene, bool down)
{
	for (int i = 0; i < 200 && !link_lost_since(&scene->sessions[0]) == down; i++)
		assert_true(sd_event_run(scene->event, 100000) >= 0);
	assert_int_equal(link_lost_since(&scene->sessions[0]) != 0, down);
}

static void check_text(const struct scene *scene, const char *expected)
{
	char text[LINK_LOSS_TEXT_MAX];

	assert_string_equal(link_text(&scene->sessions[0], text, sizeof(text)), expected);
}

/* Down by 'break_it', lost after the time, up again by 'mend_it'; the other session has nothing
 * to do with it. */
static void lose(struct scene *scene, const char *break_it, const char *mend_it,
		 const char *text)
{
	struct quick_session *session = &scene->sessions[0];
	uint64_t since;

	ip(break_it);
	await(scene, true);
	since = link_lost_since(session);
	assert_false(link_is_lost(session));
	check_text(scene, "");
	assert_in_range(links_wait_us(&scene->quick, since, 900000), LINK_LOSS_MS * 1000 - 1,
			LINK_LOSS_MS * 1000 + 1);
	links_look(scene->links, &scene->quick, since + LINK_LOSS_MS * NS_PER_MS);
	assert_true(link_is_lost(session));
	check_text(scene, text);
	assert_false(link_lost_since(&scene->sessions[1]));
	/* what has no link helps nobody */
	assert_false(link_is_other(&scene->sessions[1], session));
	ip(mend_it);
	await(scene, false);
	check_text(scene, "");
	assert_true(scene->news > 0);
}

static void all_losses(const char *local, const char *peer, const char *lost_address,
		       const char *add_address, const char *delete_address)
{
	struct scene scene;

	if (!have_namespace)
		skip();
	open_scene(&scene, local, peer);
	lose(&scene, "link set d1 down\n", "link set d1 up\n", "link d0 is down (no carrier)");
	lose(&scene, "link set d0 down\n",
	     "link set d0 up\naddr replace fd00:1::1/64 dev d0 nodad\n",
	     "link d0 is down (switched off)");
	lose(&scene, delete_address, add_address, lost_address);
	close_scene(&scene);
}

static void test_ipv4(void **state)
{
	(void)state;
	all_losses("10.1.0.1", "10.1.0.2", "address 10.1.0.1 is not the host's any more",
		   "addr add 10.1.0.1/24 dev d0\n", "addr del 10.1.0.1/24 dev d0\n");
}

/* The kernel takes IPv6 addresses away from an interface that is switched off; that is no other
 * loss. */
static void test_ipv6(void **state)
{
	(void)state;
	all_losses("fd00:1::1", "fd00:1::2", "address fd00:1::1 is not the host's any more",
		   "addr add fd00:1::1/64 dev d0 nodad\n", "addr del fd00:1::1/64 dev d0\n");
}

/* A second interface in the same network: the connection lives on there. */
static void test_second_way(void **state)
{
	struct scene scene;

	(void)state;
	if (!have_namespace)
		skip();
	open_scene(&scene, "10.1.0.1", "10.1.0.2");
	ip("addr add 10.1.0.9/24 dev e0 metric 900\n"
	   "link set d0 down\n");
	for (int i = 0; i < 5 && !scene.news; i++)
		assert_true(sd_event_run(scene.event, 100000) >= 0);
	assert_true(scene.news > 0);
	assert_false(link_lost_since(&scene.sessions[0]));
	assert_string_equal(scene.sessions[0].link.interface, "e0");
	ip("link set d0 up\n"
	   "addr replace fd00:1::1/64 dev d0 nodad\n"
	   "addr del 10.1.0.9/24 dev e0\n");
	close_scene(&scene);
}

/* Down, up and down again: the time starts over. */
static void test_flap(void **state)
{
	struct scene scene;
	uint64_t since;

	(void)state;
	if (!have_namespace)
		skip();
	open_scene(&scene, "10.1.0.1", "10.1.0.2");
	ip("link set d1 down\n");
	await(&scene, true);
	since = link_lost_since(&scene.sessions[0]);
	ip("link set d1 up\n");
	await(&scene, false);
	ip("link set d1 down\n");
	await(&scene, true);
	assert_true(link_lost_since(&scene.sessions[0]) > since);
	ip("link set d1 up\n");
	await(&scene, false);
	close_scene(&scene);
}

/* Is the first session looked at then? */
static bool is_looked_at(struct scene *scene, uint64_t now_ns)
{
	links_look(scene->links, &scene->quick, now_ns);
	return scene->sessions[0].link.looked_ns == now_ns;
}

/* Who is looked at without a notice: one that is logged in, each ten seconds, or each second as
 * long as its way is not known; one that is logged out while its link is down. */
static void test_due(void **state)
{
	struct scene scene;
	struct quick_session *session = &scene.sessions[0];
	struct connection_name name;
	uint64_t now_ns;

	(void)state;
	if (!have_namespace)
		skip();
	open_scene(&scene, "10.1.0.1", "10.1.0.2");
	name = session->connection;
	now_ns = session->link.looked_ns;
	links_look(NULL, &scene.quick, now_ns + 3600 * NS_PER_S);
	assert_int_equal(session->link.looked_ns, now_ns);
	assert_false(is_looked_at(&scene, now_ns + 10 * NS_PER_S - 1));
	assert_true(is_looked_at(&scene, now_ns + 10 * NS_PER_S));
	now_ns = session->link.looked_ns;
	session->link.route.device = 0;
	assert_false(is_looked_at(&scene, now_ns + NS_PER_S - 1));
	assert_true(is_looked_at(&scene, now_ns + NS_PER_S));
	now_ns = session->link.looked_ns + 3600 * NS_PER_S;
	session->logged_in_ns = 0;
	assert_false(is_looked_at(&scene, now_ns));
	session->link.debounce.since_ns = 1;
	session->present = false;
	assert_false(is_looked_at(&scene, now_ns));
	session->present = true;
	session->connection = (struct connection_name){ .local_port = 0 };
	assert_false(is_looked_at(&scene, now_ns));
	session->connection = name;
	assert_true(is_looked_at(&scene, now_ns));
	close_scene(&scene);
}

/* More news than the kernel keeps for us: all are looked at. */
static void test_notices_lost(void **state)
{
	char *lines = calloc(1000, 40);
	struct scene scene;
	uint64_t looked_ns;
	size_t used = 0;

	(void)state;
	assert_non_null(lines);
	if (!have_namespace) {
		free(lines);
		skip();
	}
	for (int i = 0; i < 1000; i++)
		used += (size_t)sprintf(lines + used, "link set e0 mtu %d\n", 1400 + i % 2);
	open_scene(&scene, "10.1.0.1", "10.1.0.2");
	while (sd_event_run(scene.event, 0) > 0)
		; /* what there was before */
	looked_ns = scene.sessions[0].link.looked_ns;
	ip("link set e0 mtu 1402\n"); /* of the other one */
	assert_true(sd_event_run(scene.event, 5000000) > 0);
	assert_int_equal(scene.sessions[0].link.looked_ns, looked_ns);
	ip(lines);
	while (sd_event_run(scene.event, 0) > 0)
		;
	assert_true(scene.sessions[0].link.looked_ns > looked_ns);
	assert_false(scene.sessions[0].link.dirty);
	close_scene(&scene);
	free(lines);
}

/* Without a descriptor for one of its sockets there are no links, and nothing is left open. */
static void test_no_descriptors(void **state)
{
	struct quick quick = { .n_sessions = 0 };
	struct rlimit before, few;
	struct links *links = NULL;
	unsigned int failures = 0;
	sd_event *event;
	int r = -1;

	(void)state;
	assert_true(sd_event_new(&event) >= 0);
	assert_int_equal(getrlimit(RLIMIT_NOFILE, &before), 0);
	few = before;
	for (int spare = 0; r < 0 && spare < 10; spare++) {
		unsigned int open_before = open_descriptors();
		int next = dup(0);

		assert_true(next >= 0);
		close(next);
		few.rlim_cur = (rlim_t)(next + spare);
		assert_int_equal(setrlimit(RLIMIT_NOFILE, &few), 0);
		r = links_new(event, &quick, on_news, &links);
		assert_int_equal(setrlimit(RLIMIT_NOFILE, &before), 0);
		if (r < 0) {
			failures++;
			assert_int_equal(r, -EMFILE);
			assert_int_equal(open_descriptors(), open_before);
		}
	}
	assert_int_equal(r, 0);
	assert_int_equal(failures, 2); /* what tells, and what is asked */
	links_free(links);
	links_free(NULL);
	sd_event_unref(event);
}

/* A bridge (as a bond, which not every kernel has) is up as long as one of its ports is. */
static void test_ports(void **state)
{
	struct scene scene;

	(void)state;
	if (!have_namespace)
		skip();
	ip("link add v0 type veth peer name v1\n"
	   "link add w0 type veth peer name w1\n"
	   "link add bridge0 type bridge\n"
	   "link set v0 master bridge0\n"
	   "link set w0 master bridge0\n"
	   "link set v0 up\nlink set v1 up\nlink set w0 up\nlink set w1 up\n"
	   "link set bridge0 up\n"
	   "addr add 10.3.0.1/24 dev bridge0\n");
	open_scene(&scene, "10.1.0.1", "10.1.0.2");
	scene.sessions[0].connection = connection("10.3.0.1", "10.3.0.2");
	scene.sessions[0].link = (struct session_link){ .looked_ns = 0 };
	links_look(scene.links, &scene.quick, clock_now_ns());
	assert_string_equal(scene.sessions[0].link.interface, "bridge0");
	ip("link set v1 down\n");
	for (int i = 0; i < 3; i++)
		assert_true(sd_event_run(scene.event, 100000) >= 0);
	scene.sessions[0].link.dirty = true;
	links_look(scene.links, &scene.quick, clock_now_ns());
	assert_false(link_lost_since(&scene.sessions[0]));
	lose(&scene, "link set w1 down\n", "link set w1 up\n",
	     "link bridge0 is down (no carrier)");
	ip("link del bridge0\nlink del v0\nlink del w0\n");
	close_scene(&scene);
}

/* One datagram to a neighbour that nobody knows. */
static int send_to(const struct ip_address *address)
{
	struct sockaddr_in to = { .sin_family = AF_INET, .sin_port = 9 };
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	assert_true(fd >= 0);
	memcpy(&to.sin_addr, address->bytes, 4);
	assert_int_equal(sendto(fd, "x", 1, 0, (const struct sockaddr *)&to, sizeof(to)), 1);
	return fd;
}

/* What waits for a neighbour's address is thrown away; what is known, or permanent, is left. */
static void test_neighbour(void **state)
{
	struct ip_address unknown, permanent;
	struct route_socket *socket;
	uint32_t d0;
	int fd;

	(void)state;
	if (!have_namespace)
		skip();
	ip("neigh add 10.1.0.7 lladdr 02:00:00:00:00:07 dev d0 nud permanent\n");
	d0 = if_nametoindex("d0");
	assert_int_equal(ip_address_parse("10.1.0.66", &unknown), 0);
	assert_int_equal(ip_address_parse("10.1.0.7", &permanent), 0);
	assert_int_equal(route_socket_new(&socket), 0);
	assert_int_equal(neighbour_drop(socket, d0, &unknown), 0);
	fd = send_to(&unknown);
	assert_int_equal(neighbour_drop(socket, d0, &unknown), 1);
	assert_int_equal(neighbour_drop(socket, d0, &unknown), 0);
	assert_int_equal(neighbour_drop(socket, d0, &permanent), 0);
	ip("neigh del 10.1.0.7 dev d0\n"); /* fails if it is gone */
	close(fd);
	route_socket_free(socket);
}

/* A connection ends for want of a link: what waits for its neighbour is never sent. Not if it had
 * no trouble with its link, or that is long over, or nothing may act. */
static void test_forget_packets(void **state)
{
	struct scene scene;
	struct quick_session *session = &scene.sessions[0];
	struct route_socket *socket;
	uint64_t now_ns = clock_now_ns();
	struct ip_address unknown;
	int fd;

	(void)state;
	if (!have_namespace)
		skip();
	open_scene(&scene, "10.1.0.1", "10.1.0.2");
	assert_int_equal(route_socket_new(&socket), 0);
	assert_int_equal(ip_address_parse("10.1.0.77", &unknown), 0);
	session->link.next_hop = unknown;
	for (int kept = 0; kept < 5; kept++) {
		fd = send_to(&unknown);
		scene.quick.settings_known = kept != 0;
		session->link.trouble_ns = kept == 1 ? 0 : now_ns;
		link_forget_packets(kept == 3 ? NULL : scene.links, &scene.quick, session,
				    now_ns + (kept == 2 ? 5001 : 1) * NS_PER_MS);
		if (kept < 4)
			assert_int_equal(neighbour_drop(socket, session->link.route.device,
							&unknown), 1);
		close(fd);
	}
	assert_int_equal(neighbour_drop(socket, session->link.route.device, &unknown), 0);
	/* where the kernel will not have it there is nothing but to say so */
	fd = send_to(&unknown);
	session->link.next_hop.family = AF_UNSPEC;
	link_forget_packets(scene.links, &scene.quick, session, now_ns + 1);
	assert_int_equal(neighbour_drop(socket, session->link.route.device, &unknown), 1);
	close(fd);
	route_socket_free(socket);
	close_scene(&scene);
}

/* The interface is removed: last, for there is no way back. */
static void test_removed(void **state)
{
	struct scene scene;

	(void)state;
	if (!have_namespace)
		skip();
	open_scene(&scene, "10.1.0.1", "10.1.0.2");
	ip("link del d0\n");
	await(&scene, true);
	links_look(scene.links, &scene.quick,
		   link_lost_since(&scene.sessions[0]) + LINK_LOSS_MS * NS_PER_MS);
	check_text(&scene, "interface d0 is gone");
	close_scene(&scene);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_table),	   cmocka_unit_test(test_debounce),
		cmocka_unit_test(test_texts),	   cmocka_unit_test(test_messages),
		cmocka_unit_test(test_ipv4),	   cmocka_unit_test(test_ipv6),
		cmocka_unit_test(test_second_way), cmocka_unit_test(test_flap),
		cmocka_unit_test(test_ports),	   cmocka_unit_test(test_neighbour),
		cmocka_unit_test(test_waits),	   cmocka_unit_test(test_due),
		cmocka_unit_test(test_notices_lost), cmocka_unit_test(test_no_descriptors),
		cmocka_unit_test(test_forget_packets), cmocka_unit_test(test_removed),
	};

	return cmocka_run_group_tests(tests, set_up, NULL);
}
