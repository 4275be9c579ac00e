/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What comes over multipathd's socket: its frames (over a real socket), and each kind of reply. */
#include <errno.h>
#include <sys/socket.h>
#include <unistd.h>

#include "daemon/multipathd_config.h"
#include "daemon/multipathd_parse.h"
#include "daemon/multipathd_wire.h"
#include "tests/fuzz/fuzz.h"

#define ENDS(field) fuzz_ends(field, sizeof(field))

static void *const UNTOUCHED = (void *)0x1234;

static bool is_error(int r)
{
	return r < 0 && r >= -4095;
}

static void paths(const char *reply)
{
	struct mp_path *list = UNTOUCHED;
	size_t n = 77;
	int r = mp_paths_parse(reply, &list, &n);

	if (r) {
		must(is_error(r) && list == UNTOUCHED && n == 77);
		return;
	}
	must(n <= fuzz_count_lines(reply) && (n == 0 || list));
	for (size_t i = 0; i < n; i++) {
		const struct mp_path *p = &list[i];

		must(ENDS(p->dev) && *p->dev && ENDS(p->wwid) && ENDS(p->checker));
		must(ENDS(p->map) && ENDS(p->hcil) && ENDS(p->protocol) && ENDS(p->inquiry));
		must(p->priority >= -1 && p->dm <= MP_DM_FAILED && p->checker_state <= MP_OTHER);
		must(*mp_checker_state_name(p->checker_state));
	}
	free(list);
}

static void maps(const char *reply)
{
	struct mp_map *list = UNTOUCHED;
	size_t n = 77;
	int r = mp_maps_parse(reply, &list, &n);

	if (r) {
		must(is_error(r) && list == UNTOUCHED && n == 77);
		return;
	}
	must(n <= fuzz_count_lines(reply) && (n == 0 || list));
	for (size_t i = 0; i < n; i++) {
		const struct mp_map *m = &list[i];

		must(ENDS(m->alias) && *m->alias && ENDS(m->wwid) && ENDS(m->dm));
		must(ENDS(m->failback) && m->queueing <= MP_QUEUEING_SECONDS);
	}
	free(list);
}

static void daemon_state(const char *reply)
{
	struct mp_daemon state = {.pid = -77};
	int r = mp_daemon_parse(reply, &state);

	if (r)
		must(is_error(r) && state.pid == -77);
	else
		must(state.pid > 0 && state.state <= MP_DAEMON_SHUTDOWN);
}

static void config(const char *reply)
{
	struct mp_config found = {.polling_interval = 7777};
	int r = mp_config_parse(reply, &found);

	if (r)
		must(is_error(r) && found.polling_interval == 7777);
	else
		must(ENDS(found.config_dir) && ENDS(found.overrides_checker));
}

static void config_line(const char *text)
{
	size_t length = strcspn(text, "\n");
	char *line = fuzz_text(text, length), *key, *value;

	if (mp_config_line(line, &key, &value)) {
		must(*key && !strpbrk(key, " \t"));
		must(key >= line && value > key && value <= line + length);
	}
	free(line);
}

/* The bytes as multipathd's side of a connection, in two portions. */
static void frames(const uint8_t *data, size_t size)
{
	struct exchange x;
	int fds[2], r;

	if (size > 65536) /* more than the socket takes at once */
		size = 65536;
	must(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, fds) == 0);
	must(exchange_begin(&x, fds[0], MP_SHOW_DAEMON) == 0);
	must(send(fds[1], data, size / 2, MSG_NOSIGNAL) == (ssize_t)(size / 2));
	r = exchange_step(&x);
	if (r == 0) {
		must(send(fds[1], data + size / 2, size - size / 2, MSG_NOSIGNAL) ==
		     (ssize_t)(size - size / 2));
		shutdown(fds[1], SHUT_WR);
		while ((r = exchange_step(&x)) == 0)
			must(exchange_events(&x) == POLLIN);
	}
	must(r == 1 || is_error(r));
	if (r == 1) {
		must(x.reply_done == x.length.value && x.reply_done <= size);
		must(x.reply[x.reply_done] == '\0');
		must(!memcmp(x.reply, data + sizeof(size_t), x.reply_done));
	}
	exchange_end(&x);
	close(fds[1]);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct fuzz_bytes bytes = {data, size};
	uint8_t which = fuzz_byte(&bytes);
	char *text;

	if (which % 4 == 3) {
		frames(bytes.data, bytes.size);
		return 0;
	}
	text = fuzz_rest(&bytes);
	must(mp_reply_check(text) <= 0);
	paths(text);
	maps(text);
	daemon_state(text);
	config(text);
	config_line(text);
	free(text);
	return 0;
}
