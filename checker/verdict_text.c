/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "checker/verdict.h"

/* A growing sentence that is cut where the buffer ends. */
struct text {
	char *at;
	size_t left; /* with the NUL */
};

__attribute__((format(printf, 2, 3))) static void add(struct text *t, const char *format, ...)
{
	va_list args;
	int n;

	va_start(args, format);
	n = vsnprintf(t->at, t->left, format, args);
	va_end(args);
	if (n < 0)
		return;
	if ((size_t)n >= t->left)
		n = (int)t->left - 1;
	t->at += n;
	t->left -= (size_t)n;
}

static void add_portal(struct text *t, const struct evidence *e)
{
	char buffer[PORTAL_TEXT_MAX];

	add(t, "%s", portal_format(&e->portal, buffer, sizeof(buffer)));
}

static void add_errno(struct text *t, int error)
{
	char buffer[64];

	/* the GNU one: any thread, any locale; may return a constant instead */
	add(t, "%s", strerror_r(-error, buffer, sizeof(buffer)));
}

/* "portal 10.0.1.2:3260 silent for 812 ms (NOP), " while the portal's probe fails */
static void add_trouble(struct text *t, const struct evidence *e)
{
	if (!e->is_iscsi || (e->probe.state != PROBE_SILENT && e->probe.state != PROBE_LOST &&
			     e->probe.state != PROBE_REFUSED &&
			     e->probe.state != PROBE_UNREACHABLE))
		return;
	add(t, "portal ");
	add_portal(t, e);
	switch (e->probe.state) {
	case PROBE_SILENT:
		add(t, " silent for %" PRIu64 " ms (NOP), ", e->probe.trouble_ms);
		return;
	case PROBE_LOST:
		add(t, " closed the probe's connection, ");
		return;
	case PROBE_REFUSED:
		add(t, " refuses connections, ");
		return;
	default:
		add(t, " unreachable");
		if (e->probe.error) {
			add(t, " (");
			add_errno(t, e->probe.error);
			add(t, ")");
		}
		add(t, ", ");
	}
}

/* "portal 10.0.1.2:3260 answers, but " where the LUN alone is to blame */
static void add_lun(struct text *t, const struct evidence *e)
{
	if (!e->is_iscsi || e->probe.state != PROBE_UP)
		return;
	add(t, "portal ");
	add_portal(t, e);
	add(t, " answers, but ");
}

/* Why nothing is said of the portal: only where one might expect it */
static void add_board(struct text *t, const struct evidence *e)
{
	if (e->is_iscsi && e->probe.trust != BOARD_FRESH)
		add(t, " (%s)", board_trust_text(e->probe.trust));
	else if (e->is_iscsi && e->probe.state != PROBE_UP)
		add(t, " (probe of the portal: %s)", probe_state_name(e->probe.state));
}

static void add_test(struct text *t, const struct evidence *e)
{
	add(t, "%s", e->test.read ? "READ" : "TUR");
}

static void add_result(struct text *t, const struct evidence *e)
{
	add(t, "%s", scsi_result_text(e->test.result));
}

static void add_age(struct text *t, const struct evidence *e)
{
	add(t, "%" PRIu64, e->test.age_ms);
}

static void add_timeout(struct text *t, const struct evidence *e)
{
	add(t, "%" PRIu64, (e->test.timeout_ms + 999) / 1000);
}

static void add_in_flight(struct text *t, const struct evidence *e)
{
	add(t, "%" PRIu64, e->io.in_flight);
}

static void add_disrupted(struct text *t, const struct evidence *e)
{
	add(t, "%u", e->test.disrupted);
}

static void add_penalty(struct text *t, const struct evidence *e)
{
	add(t, "%" PRIu32, e->penalty);
}

static void add_test_errno(struct text *t, const struct evidence *e)
{
	add_errno(t, e->test.error);
}

static const struct {
	const char *word;
	void (*add)(struct text *t, const struct evidence *e);
} words[] = {
	{ "portal", add_portal },	{ "trouble", add_trouble },
	{ "lun", add_lun },		{ "board", add_board },
	{ "test", add_test },		{ "result", add_result },
	{ "age", add_age },		{ "timeout", add_timeout },
	{ "in_flight", add_in_flight }, { "disrupted", add_disrupted },
	{ "errno", add_test_errno },	{ "penalty", add_penalty },
};

static void add_word(struct text *t, const struct evidence *e, const char *word, size_t n)
{
	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
		if (strlen(words[i].word) == n && !memcmp(words[i].word, word, n)) {
			words[i].add(t, e);
			return;
		}
	}
	add(t, "{%.*s}", (int)n, word); /* a test looks for braces in every sentence */
}

const char *verdict_text(const struct evidence *e, const struct verdict *verdict, char *buffer,
			 size_t size)
{
	const struct reason_row *row = reason_row(verdict->reason);
	const char *p = row ? row->sentence : "no verdict";
	struct text t = { buffer, size };

	if (!size)
		return buffer;
	buffer[0] = '\0';
	for (;;) {
		size_t plain = strcspn(p, "{");
		const char *end = strchr(p + plain, '}');

		add(&t, "%.*s", (int)plain, p);
		if (!end)
			break;
		p += plain + 1;
		add_word(&t, e, p, (size_t)(end - p));
		p = end + 1;
	}
	return buffer;
}
