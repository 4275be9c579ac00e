/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * libcheckiscsi.so, path_checker "iscsi": what multipathd calls. Everything about the host
 * is here and in abi.c, everything about paths in path_check.c.
 *
 * Calls come under multipathd's one lock, from threads that may be cancelled and have
 * small, locked stacks and real-time priority; in other hosts (multipath, mpathpersist,
 * qemu-pr-helper) from whatever thread, for different paths possibly at the same time.
 */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

#include "checker/abi.h"
#include "checker/dm_events.h"
#include "checker/path_check.h"
#include "common/board_reader.h"
#include "common/clock.h"
#include "common/host_log.h"

#define EXPORT	 __attribute__((visibility("default")))
#define ROOT_MAX 256
/* The looks of one round at all paths of a host share what is the same for all. */
#define ROUND_NS (5 * NS_PER_MS)

/* How the host declares what it looks up. One argument where 0.15 passes two: the second
 * is not used, and the calling conventions we build for allow it. */
EXPORT int libcheck_check(struct checker *c);
EXPORT int libcheck_init(struct checker *c);
EXPORT void libcheck_free(struct checker *c);
EXPORT void libcheck_reset(void);
EXPORT int libcheck_pending(struct checker *c);
EXPORT bool libcheck_need_wait(struct checker *c);
EXPORT extern const char *libcheck_msgtable[];

/* Message i of the host's numbers is reason i - HOST_MSGID_FIRST + 1. */
const char *libcheck_msgtable[] = {
#define REASON(name, state, voice, code, message, sentence) message,
#include "checker/reasons.def"
#undef REASON
	NULL,
};
_Static_assert(REASON_MAX - 1 <= HOST_MSGIDS_MAX, "the host takes no more messages");

struct watched {
	struct watched *next;
	struct path_check *path;
	enum reason said; /* what the log knows */
};

static struct {
	pthread_mutex_t lock;
	struct watched *first; /* all that are alive */
	bool refusal_said;
} plugin = { .lock = PTHREAD_MUTEX_INITIALIZER };

static pthread_once_t roots_once = PTHREAD_ONCE_INIT;
static struct check_roots roots;
static struct board_reader reader = BOARD_READER_INIT;

static const char *root_from(const char *variable, char *buffer)
{
	const char *value = secure_getenv(variable);

	if (!value || snprintf(buffer, ROOT_MAX, "%s", value) >= ROOT_MAX)
		return NULL;
	return buffer;
}

static uint64_t dm_events_of_round(uint64_t now_ns)
{
	return dm_events_number(now_ns, ROUND_NS);
}

/* For tests; once, as the host's environment may change later. */
static void roots_init(void)
{
	static char sysfs[ROOT_MAX], board[ROOT_MAX];

	roots.sysfs = root_from("MPATHISCSI_SYSFS", sysfs);
	roots.board = root_from("MPATHISCSI_BOARD", board);
	roots.quiet_looks = true;
	roots.dm_events = dm_events_of_round;
	reader.path = roots.board;
	reader.share_ns = ROUND_NS;
	roots.reader = &reader;
}

/* The host ends; its threads may still be about. */
__attribute__((destructor)) static void plugin_end(void)
{
	board_reader_close(&reader);
	dm_events_close();
}

/* A cancelled caller would leave our locks taken and the context half changed. */
static int cancel_off(void)
{
	int old = PTHREAD_CANCEL_ENABLE;

	pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &old);
	return old;
}

static void cancel_restore(int old)
{
	pthread_setcancelstate(old, NULL);
}

static void watched_add(struct watched *watched)
{
	pthread_mutex_lock(&plugin.lock);
	watched->next = plugin.first;
	plugin.first = watched;
	pthread_mutex_unlock(&plugin.lock);
}

/* Take it off the list. False: not ours, perhaps not even a pointer. */
static bool watched_remove(const struct watched *watched)
{
	struct watched **p;
	bool found;

	pthread_mutex_lock(&plugin.lock);
	for (p = &plugin.first; *p && *p != watched;)
		p = &(*p)->next;
	found = *p != NULL;
	if (found)
		*p = (*p)->next;
	pthread_mutex_unlock(&plugin.lock);
	return found;
}

static void refuse(enum abi_layout layout)
{
	bool said;

	pthread_mutex_lock(&plugin.lock);
	said = plugin.refusal_said;
	plugin.refusal_said = true;
	pthread_mutex_unlock(&plugin.lock);
	if (said)
		return;
	if (layout == ABI_UNKNOWN)
		host_log(0, "iscsi checker: refused: this program does not show libmultipath's"
			    " functions to plugins, so its version cannot be told");
	else
		host_log(0, "iscsi checker: refused: this multipath-tools is of a version whose"
			    " struct checker is not known (functions of layout %s, contents not)",
			 layout == ABI_A ? "A (0.8.5 to 0.10)" : "B/C (0.11 to 0.15)");
}

static int take_over(struct checker *c, enum abi_layout layout)
{
	struct watched *watched;

	if (layout == ABI_UNKNOWN || !abi_plausible(layout, c)) {
		refuse(layout);
		return 1;
	}
	pthread_once(&roots_once, roots_init);
	watched = calloc(1, sizeof(*watched));
	if (!watched)
		return 1;
	if (path_check_new(abi_fd(layout, c), &roots, &watched->path)) {
		free(watched);
		return 1;
	}
	watched_add(watched);
	abi_set_context(layout, c, watched);
	return 0;
}

int libcheck_init(struct checker *c)
{
	int old = cancel_off();
	int r = take_over(c, abi_detect());

	cancel_restore(old);
	return r;
}

void libcheck_free(struct checker *c)
{
	enum abi_layout layout = abi_detect();
	struct watched *watched;
	int old;

	if (layout == ABI_UNKNOWN)
		return;
	old = cancel_off();
	watched = abi_context(layout, c);
	if (watched && watched_remove(watched)) {
		path_check_free(watched->path);
		free(watched);
		abi_set_context(layout, c, NULL);
	}
	cancel_restore(old);
}

void libcheck_reset(void)
{
	int old = cancel_off();

	pthread_mutex_lock(&plugin.lock);
	plugin.refusal_said = false;
	pthread_mutex_unlock(&plugin.lock);
	cancel_restore(old);
}

static int host_state(enum verdict_state state)
{
	switch (state) {
	case VERDICT_DOWN:
		return HOST_DOWN;
	case VERDICT_UP:
		return HOST_UP;
	case VERDICT_GHOST:
		return HOST_GHOST;
	case VERDICT_TIMEOUT:
		return HOST_TIMEOUT;
	default:
		return HOST_PENDING;
	}
}

/* One line a change: trouble, and its end, at the verbosity multipathd runs with (2). */
static void say(struct watched *watched, const struct verdict *verdict)
{
	char text[VERDICT_TEXT_MAX];
	bool news = reason_row(verdict->reason)->voice == VOICE_LOUD ||
		    (watched->said != REASON_NONE);

	if (!verdict_worth_saying(watched->said, verdict->reason))
		return;
	watched->said = verdict->reason;
	verdict_text(path_check_evidence(watched->path), verdict, text, sizeof(text));
	host_log(news ? 2 : 3, "%s: iscsi checker: %s: %s", path_check_device(watched->path),
		 verdict_state_name(verdict->state), text);
}

static int report(struct checker *c, enum abi_layout layout, struct watched *watched,
		  const struct verdict *verdict)
{
	say(watched, verdict);
	abi_set_msgid(layout, c, (short)(HOST_MSGID_FIRST + verdict->reason - 1));
	return host_state(verdict->state);
}

static enum check_mode check_mode(enum abi_layout layout, const struct checker *c)
{
	if (abi_is_sync(c))
		return CHECK_INLINE;
	return layout == ABI_A ? CHECK_BRIEF : CHECK_ASYNC;
}

int libcheck_check(struct checker *c)
{
	enum abi_layout layout = abi_detect();
	struct watched *watched;
	struct verdict verdict;
	int old, state;

	if (layout == ABI_UNKNOWN)
		return HOST_PENDING;
	watched = abi_context(layout, c);
	if (!watched)
		return HOST_PENDING;
	old = cancel_off();
	verdict = path_check_look(watched->path, abi_fd(layout, c), abi_timeout(layout, c),
				  check_mode(layout, c));
	state = report(c, layout, watched, &verdict);
	cancel_restore(old);
	return state;
}

int libcheck_pending(struct checker *c)
{
	enum abi_layout layout = abi_detect();
	struct watched *watched;
	struct verdict verdict;
	int old, state;

	if (layout != ABI_BC)
		return HOST_PENDING;
	watched = abi_context(layout, c);
	if (!watched)
		return HOST_PENDING;
	old = cancel_off();
	verdict = path_check_again(watched->path);
	state = report(c, layout, watched, &verdict);
	cancel_restore(old);
	return state;
}

bool libcheck_need_wait(struct checker *c)
{
	struct watched *watched;

	if (abi_detect() != ABI_BC)
		return false;
	watched = abi_context(ABI_BC, c);
	return watched && path_check_waits(watched->path);
}
