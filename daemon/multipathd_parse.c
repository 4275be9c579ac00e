/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Replies of multipathd, checked field by field. */
#include "daemon/multipathd_parse.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/sysmacros.h>

#include "common/parse.h"

#define SEPARATOR  0x1f
#define FIELDS_MAX 16

struct word {
	const char *text;
	int value;
};

static const struct word checker_words[] = {
	{"undef", MP_UNDEF},
	{"ready", MP_READY},
	{"ghost", MP_GHOST},
	{"faulty", MP_FAULTY},
	{"shaky", MP_SHAKY},
	{"i/o pending", MP_PENDING},
	{"i/o timeout", MP_TIMEOUT},
	{"delayed", MP_DELAYED},
	{"disconnected", MP_DISCONNECTED},
};

static const struct word daemon_words[] = {
	{"init", MP_DAEMON_STARTING},	    {"startup", MP_DAEMON_STARTING},
	{"configure", MP_DAEMON_CONFIGURE}, {"idle", MP_DAEMON_IDLE},
	{"running", MP_DAEMON_RUNNING},	    {"shutdown", MP_DAEMON_SHUTDOWN},
};

#define LENGTH(array) (sizeof(array) / sizeof((array)[0]))

static int word_value(const struct word *words, size_t n, const char *text, int otherwise)
{
	for (size_t i = 0; i < n; i++)
		if (!strcmp(words[i].text, text))
			return words[i].value;
	return otherwise;
}

const char *mp_checker_state_name(enum mp_checker_state state)
{
	for (size_t i = 0; i < LENGTH(checker_words); i++)
		if (checker_words[i].value == (int)state)
			return checker_words[i].text;
	return "other";
}

/* Does 'reply' begin with the whole line 'line'? */
static bool line_is(const char *reply, const char *line)
{
	size_t n = strlen(line);

	return !strncmp(reply, line, n) && (reply[n] == '\n' || reply[n] == '\0');
}

/* The list of commands comes after at most three lines: "fail", the reason, the version.
 */
static bool has_help(const char *reply)
{
	for (int i = 0; i < 4; i++) {
		if (line_is(reply, "CLI commands reference:"))
			return true;
		reply = strchr(reply, '\n');
		if (!reply)
			return false;
		reply++;
	}
	return false;
}

static const struct word failures[] = {
	{"timeout", -ETIMEDOUT},
	{"permission deny: need to be root", -EPERM},
	{"map or partition in use", -EBUSY},
	{"device not found", -ENODEV},
};

int mp_reply_check(const char *reply)
{
	bool failed = line_is(reply, "fail");
	const char *reason = failed ? strchr(reply, '\n') : reply;

	if (has_help(reply))
		return -EOPNOTSUPP;
	if (reason) {
		reason += failed;
		for (size_t i = 0; i < LENGTH(failures); i++)
			if (line_is(reason, failures[i].text))
				return failures[i].value;
	}
	return failed ? -EREMOTEIO : 0;
}

/* Cut 'line' at the separators, in place. Returns the number of fields, at most max + 1.
 */
static size_t split(char *line, char **fields, size_t max)
{
	size_t n = 0;

	for (;;) {
		char *end = strchr(line, SEPARATOR);

		if (n < max)
			fields[n] = line;
		n++;
		if (!end || n > max)
			return n;
		*end = '\0';
		line = end + 1;
	}
}

/* Words that multipathd prints where it has nothing to say. */
static bool says_nothing(const char *field)
{
	return !strcmp(field, "[undef]") || !strcmp(field, "undef") ||
	       !strcmp(field, "n/a") || !strcmp(field, "(null)");
}

static int take_text(char *dst, size_t size, const char *field)
{
	return copy_text(dst, size, says_nothing(field) ? "" : field) ? -EPROTO : 0;
}

static int parse_number(const char *field, uint64_t max, unsigned int *ret)
{
	uint64_t value;

	if (parse_uint(field, 0, max, &value))
		return -EPROTO;
	*ret = (unsigned int)value;
	return 0;
}

static int parse_devt(char *field, dev_t *ret)
{
	char *colon = strchr(field, ':');
	unsigned int ma, mi;

	if (says_nothing(field)) {
		*ret = 0;
		return 0;
	}
	if (!colon)
		return -EPROTO;
	*colon = '\0';
	if (parse_number(field, UINT_MAX, &ma) || parse_number(colon + 1, UINT_MAX, &mi))
		return -EPROTO;
	*ret = makedev(ma, mi);
	return 0;
}

static int parse_priority(const char *field, int *ret)
{
	unsigned int value;

	if (field[0] == '-' || says_nothing(field)) { /* PRIO_UNDEF is -1 */
		*ret = -1;
		return 0;
	}
	if (parse_number(field, INT_MAX, &value))
		return -EPROTO;
	*ret = (int)value;
	return 0;
}

/* "[orphan]", "[offline]", "[unknown]": no map. */
static int take_map(char *dst, size_t size, const char *field)
{
	bool none = !strcmp(field, "[orphan]") || !strcmp(field, "[offline]") ||
		    !strcmp(field, "[unknown]");

	return take_text(dst, size, none ? "" : field);
}

static int take_path(char **f, void *entry)
{
	struct mp_path *p = entry;

	if (take_text(p->dev, sizeof(p->dev), f[0]) || parse_devt(f[1], &p->devt) ||
	    take_text(p->wwid, sizeof(p->wwid), f[2]) ||
	    take_text(p->checker, sizeof(p->checker), f[6]) ||
	    parse_priority(f[7], &p->priority) ||
	    take_map(p->map, sizeof(p->map), f[8]) ||
	    take_text(p->hcil, sizeof(p->hcil), f[9]) ||
	    take_text(p->protocol, sizeof(p->protocol), f[10]) ||
	    take_text(p->inquiry, sizeof(p->inquiry), f[11]))
		return -EPROTO;
	if (!p->dev[0])
		return -EPROTO;
	if (!strcmp(p->checker, "none"))
		p->checker[0] = '\0';
	p->dm = !strcmp(f[3], "active")	  ? MP_DM_ACTIVE
		: !strcmp(f[3], "failed") ? MP_DM_FAILED
					  : MP_DM_UNDEF;
	p->offline = !strcmp(f[4], "offline");
	p->checker_state = (enum mp_checker_state)word_value(
		checker_words, LENGTH(checker_words), f[5],
		says_nothing(f[5]) ? MP_UNDEF : MP_OTHER);
	return 0;
}

/* "off", "on", "-", "12 chk", "35 sec". */
static int take_queueing(char *field, struct mp_map *m)
{
	char *unit = strchr(field, ' ');

	if (!unit) {
		m->queueing = !strcmp(field, "on")    ? MP_QUEUEING_ON
			      : !strcmp(field, "off") ? MP_QUEUEING_OFF
						      : MP_QUEUEING_UNSET;
		return 0;
	}
	*unit++ = '\0';
	if (!strcmp(unit, "chk")) {
		m->queueing = MP_QUEUEING_CHECKS;
		return parse_number(field, INT_MAX, &m->retries);
	}
	m->queueing = MP_QUEUEING_SECONDS;
	return strcmp(unit, "sec") ? -EPROTO : parse_number(field, INT_MAX, &m->seconds);
}

static int take_mp_map(char **f, void *entry)
{
	struct mp_map *m = entry;

	if (take_text(m->alias, sizeof(m->alias), f[0]) ||
	    take_text(m->wwid, sizeof(m->wwid), f[1]) ||
	    take_text(m->dm, sizeof(m->dm), f[2]) || take_queueing(f[3], m) ||
	    parse_number(f[4], INT_MAX, &m->n_active) ||
	    take_text(m->failback, sizeof(m->failback), f[5]))
		return -EPROTO;
	m->suspended = !strncmp(f[6], "suspend", 7);
	m->foreign = strcmp(f[7], "--") && !says_nothing(f[7]) && f[7][0];
	return m->alias[0] ? 0 : -EPROTO;
}

struct list {
	size_t n_fields, entry_size;
	int (*take)(char **fields, void *entry);
};

static size_t count_lines(const char *text)
{
	size_t n = 0;

	for (; *text; text = strchr(text, '\n') + 1) {
		n++;
		if (!strchr(text, '\n'))
			break;
	}
	return n;
}

static int parse_lines(const struct list *list, char *text, char *entries, size_t *ret_n)
{
	char *save = NULL;
	size_t n = 0;

	for (char *line = strtok_r(text, "\n", &save); line;
	     line = strtok_r(NULL, "\n", &save)) {
		char *fields[FIELDS_MAX];

		if (split(line, fields, FIELDS_MAX) != list->n_fields ||
		    list->take(fields, entries + n * list->entry_size))
			return -EPROTO;
		n++;
	}
	*ret_n = n;
	return 0;
}

static int parse_list(const struct list *list, const char *reply, void **ret,
		      size_t *ret_n)
{
	int r = mp_reply_check(reply);
	size_t lines, n;
	char *copy, *entries;

	if (r)
		return r;
	lines = line_is(reply, "ok") ? 0 : count_lines(reply); /* an empty list is "ok" */
	if (!lines) {
		*ret = NULL;
		*ret_n = 0;
		return 0;
	}
	copy = strdup(reply);
	entries = calloc(lines, list->entry_size);
	r = copy && entries ? parse_lines(list, copy, entries, &n) : -ENOMEM;
	free(copy);
	if (r) {
		free(entries);
		return r;
	}
	*ret = entries;
	*ret_n = n;
	return 0;
}

int mp_paths_parse(const char *reply, struct mp_path **ret_list, size_t *ret_n)
{
	static const struct list list = {12, sizeof(struct mp_path), take_path};
	void *entries;
	int r = parse_list(&list, reply, &entries, ret_n);

	if (!r)
		*ret_list = entries;
	return r;
}

int mp_maps_parse(const char *reply, struct mp_map **ret_list, size_t *ret_n)
{
	static const struct list list = {8, sizeof(struct mp_map), take_mp_map};
	void *entries;
	int r = parse_list(&list, reply, &entries, ret_n);

	if (!r)
		*ret_list = entries;
	return r;
}

int mp_daemon_parse(const char *reply, struct mp_daemon *ret)
{
	int r = mp_reply_check(reply), state;
	unsigned int pid;
	char word[16];
	int end = 0;

	if (r)
		return r;
	/* sscanf's %u takes blanks and signs, and a blank takes nothing: a digit must come first. */
	if (strncmp(reply, "pid ", 4) || reply[4] < '0' || reply[4] > '9')
		return -EPROTO;
	/* NOLINTNEXTLINE(cert-err34-c): nine digits always fit */
	if (sscanf(reply + 4, "%9u %15[a-z]%n", &pid, word, &end) != 2 || !pid)
		return -EPROTO;
	state = word_value(daemon_words, LENGTH(daemon_words), word, -1);
	if (state < 0)
		return -EPROTO;
	*ret = (struct mp_daemon){
		.pid = (pid_t)pid,
		.state = (enum mp_daemon_state)state,
		.pending = line_is(reply + 4 + end, " (pending reconfigure)"),
	};
	return 0;
}
