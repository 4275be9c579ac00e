/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "daemon/quick/switch.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "common/parse.h"
#include "daemon/store.h"

#define CMDLINE_MAX 65536 /* COMMAND_LINE_SIZE is 2048 on x86, 32768 at most elsewhere */

/* The next word, quotes taken away as the kernel's next_arg() does; NULL: no more. */
static const char *next_word(const char *at, char *word, size_t size)
{
	bool quoted = false;
	size_t n = 0;

	while (isspace((unsigned char)*at))
		at++;
	if (!*at)
		return NULL;
	for (; *at && (quoted || !isspace((unsigned char)*at)); at++) {
		if (*at == '"')
			quoted = !quoted;
		else if (n + 1 < size)
			word[n++] = *at;
	}
	word[n] = '\0';
	return at;
}

bool switch_cmdline_off(const char *cmdline)
{
	const size_t prefix = sizeof(SWITCH_KERNEL_WORD "=") - 1;
	char word[64];
	bool off = false, value;

	while ((cmdline = next_word(cmdline, word, sizeof(word))) && strcmp(word, "--") != 0)
		if (!strncmp(word, SWITCH_KERNEL_WORD "=", prefix) &&
		    parse_bool(word + prefix, &value) == 0)
			off = !value;
	return off;
}

/* 'size' - 1 bytes of a file at most. -errno. */
static int read_start(const char *path, char *buffer, size_t size)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK), r = 0;
	size_t used = 0;
	ssize_t n;

	buffer[0] = '\0';
	if (fd < 0)
		return -errno;
	while (used < size - 1 && (n = read(fd, buffer + used, size - 1 - used)) != 0) {
		if (n > 0)
			used += (size_t)n;
		else if (errno != EINTR) {
			r = -errno;
			break;
		}
	}
	close(fd);
	buffer[used] = '\0';
	return r;
}

static bool kernel_says_off(const char *path)
{
	char *text = calloc(1, CMDLINE_MAX);
	bool off = text && read_start(path, text, CMDLINE_MAX) == 0 && switch_cmdline_off(text);

	free(text);
	return off;
}

/* One line, nothing that a terminal would obey. */
static void clean(char *text)
{
	size_t length = strcspn(text, "\n"), i;

	text[length] = '\0';
	for (i = 0; i < length; i++)
		if (iscntrl((unsigned char)text[i]))
			text[i] = '?';
}

void switch_read(const char *path, const char *cmdline, struct switch_state *ret)
{
	int r = read_start(path ? path : SWITCH_DEFAULT_PATH, ret->text, sizeof(ret->text));

	ret->by = SWITCH_OFF_FILE;
	clean(ret->text);
	if (kernel_says_off(cmdline ? cmdline : SWITCH_CMDLINE_PATH)) {
		ret->by = SWITCH_OFF_KERNEL;
		snprintf(ret->text, sizeof(ret->text), "by %s=off on the kernel's command line",
			 SWITCH_KERNEL_WORD);
	} else if (r == -ENOENT || r == -ENOTDIR) {
		ret->by = SWITCH_ON;
	} else if (r < 0) {
		snprintf(ret->text, sizeof(ret->text), "by a file that cannot be read: %s",
			 strerror(-r));
	} else if (!ret->text[0]) {
		snprintf(ret->text, sizeof(ret->text), "by an empty file");
	}
}

bool switch_is_on(const struct switch_state *state)
{
	return state->by == SWITCH_ON;
}

void switch_format(const char *who, unsigned int uid, long long time_s, const char *why,
		   char *ret_text)
{
	time_t seconds = (time_t)time_s;
	char when[64] = "?";
	struct tm utc;

	if (gmtime_r(&seconds, &utc))
		strftime(when, sizeof(when), "%Y-%m-%d %H:%M:%S UTC", &utc);
	snprintf(ret_text, SWITCH_TEXT_MAX, "by %.32s (uid %u) at %s%s%.128s", who, uid, when,
		 *why ? ": " : "", why);
	clean(ret_text);
}

/* Folder of 'path' into 'ret'. */
static char *folder_of(const char *path, char *ret, size_t size)
{
	snprintf(ret, size, "%s", path);
	return dirname(ret);
}

int switch_write_off(const char *path, const char *text)
{
	char copy[PATH_MAX], line[SWITCH_TEXT_MAX + 1];
	const char *folder;

	path = path ? path : SWITCH_DEFAULT_PATH;
	folder = folder_of(path, copy, sizeof(copy));
	if (mkdir(folder, 0755) < 0 && errno != EEXIST)
		return -errno;
	snprintf(line, sizeof(line), "%s\n", text);
	return store_write_file(path, line);
}

int switch_write_on(const char *path)
{
	char copy[PATH_MAX];
	int fd, r;

	path = path ? path : SWITCH_DEFAULT_PATH;
	if (unlink(path) < 0)
		return errno == ENOENT || errno == ENOTDIR ? 0 : -errno;
	fd = open(folder_of(path, copy, sizeof(copy)), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	r = fsync(fd) < 0 ? -errno : 0;
	close(fd);
	return r;
}
