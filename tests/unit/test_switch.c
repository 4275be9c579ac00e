/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "daemon/quick/report_settings.h"
#include "daemon/quick/switch.h"
#include "daemon/store.h"

static const struct {
	const char *cmdline;
	bool off;
} lines[] = {
	{"", false},
	{"mpathiscsi=off", true},
	{"BOOT_IMAGE=/vmlinuz root=/dev/sda1 ro quiet mpathiscsi=off\n", true},
	{"mpathiscsi=off quiet", true},
	{"mpathiscsi=no", true},
	{"mpathiscsi=0", true},
	{"\"mpathiscsi=off\"", true},
	{"mpathiscsi=\"off\"", true},
	{"mpathiscsi=on", false},
	{"mpathiscsi=off mpathiscsi=on", false},
	{"mpathiscsi=on mpathiscsi=off", true},
	{"mpathiscsi", false},
	{"mpathiscsi=", false},
	{"mpathiscsi=of", false},
	{"mpathiscsi=offline", false},
	{"mpathiscsi=off,now", false},
	{"mpathiscsi.off", false},
	{"xmpathiscsi=off", false},
	{"rd.mpathiscsi=off", false},
	{"quiet -- mpathiscsi=off", false},
	{"mpathiscsi=off -- mpathiscsi=on", true},
	{"note=\"a mpathiscsi=off b\"", false},
	{"note=\"open mpathiscsi=off", false},
	{"\t mpathiscsi=off\t", true},
	{"a=0123456789012345678901234567890123456789012345678901234567890123456789 mpathiscsi=off",
	 true},
};

static void cmdlines(void **state)
{
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(lines) / sizeof(lines[0]); i++)
		if (switch_cmdline_off(lines[i].cmdline) != lines[i].off)
			fail_msg("\"%s\": not %s", lines[i].cmdline, lines[i].off ? "off" : "on");
}

static void formats(void **state)
{
	char text[SWITCH_TEXT_MAX], why[400];

	(void)state;
	switch_format("root", 0, 1767323045, "", text);
	assert_string_equal(text, "by root (uid 0) at 2026-01-02 03:04:05 UTC");
	switch_format("ann", 1000, 0, "array moves", text);
	assert_string_equal(text, "by ann (uid 1000) at 1970-01-01 00:00:00 UTC: array moves");
	switch_format("e\033vil\nby x", 1, 0, "", text);
	assert_string_equal(text, "by e?vil");
	memset(why, 'y', sizeof(why) - 1);
	why[sizeof(why) - 1] = '\0';
	switch_format("a-name-of-more-than-thirty-two-bytes", UINT32_MAX, 0, why, text);
	assert_true(strlen(text) < SWITCH_TEXT_MAX - 1);
	assert_int_equal(strspn(strstr(text, ": y") + 2, "y"), 128);
}

struct place {
	char folder[64], off[128], cmdline[64];
};

static void make_place(struct place *place, const char *cmdline)
{
	snprintf(place->folder, sizeof(place->folder), "/tmp/switch.XXXXXX");
	assert_non_null(mkdtemp(place->folder));
	snprintf(place->off, sizeof(place->off), "%.40s/etc/off", place->folder);
	snprintf(place->cmdline, sizeof(place->cmdline), "%.40s/cmdline", place->folder);
	assert_int_equal(store_write_file(place->cmdline, cmdline), 0);
}

static void remove_place(struct place *place)
{
	char folder[128];

	snprintf(folder, sizeof(folder), "%.40s/etc", place->folder);
	unlink(place->off);
	rmdir(place->off);
	rmdir(folder);
	unlink(place->cmdline);
	assert_int_equal(rmdir(place->folder), 0);
}

static void expect(const struct place *place, enum switch_by by, const char *text)
{
	struct switch_state state;

	memset(&state, 0xAA, sizeof(state));
	switch_read(place->off, place->cmdline, &state);
	assert_int_equal(state.by, by);
	assert_string_equal(state.text, text);
	assert_int_equal(switch_is_on(&state), by == SWITCH_ON);
}

static void off_and_on(void **state)
{
	struct place place;
	struct stat info;

	(void)state;
	make_place(&place, "quiet\n");
	expect(&place, SWITCH_ON, "");
	assert_int_equal(switch_write_on(place.off), 0);
	/* the folder is made */
	assert_int_equal(switch_write_off(place.off, "by root"), 0);
	expect(&place, SWITCH_OFF_FILE, "by root");
	assert_int_equal(stat(place.off, &info), 0);
	assert_int_equal(info.st_size, 8);
	assert_int_equal(switch_write_off(place.off, "by ann"), 0);
	expect(&place, SWITCH_OFF_FILE, "by ann");
	assert_int_equal(switch_write_on(place.off), 0);
	expect(&place, SWITCH_ON, "");
	assert_int_equal(access(place.off, F_OK), -1);
	remove_place(&place);
}

/* Whatever stands at that name has been put there to switch off. */
static void odd_files(void **state)
{
	struct place place;
	FILE *out;

	(void)state;
	make_place(&place, "quiet\n");
	assert_int_equal(switch_write_off(place.off, "x"), 0);
	assert_int_equal(store_write_file(place.off, ""), 0); /* touch */
	expect(&place, SWITCH_OFF_FILE, "by an empty file");
	assert_int_equal(store_write_file(place.off, "a\tb\033[2J\nmore\n"), 0);
	expect(&place, SWITCH_OFF_FILE, "a?b?[2J");
	out = fopen(place.off, "w");
	fprintf(out, "%0*d", 100000, 1);
	fclose(out);
	{
		struct switch_state read;

		switch_read(place.off, place.cmdline, &read);
		assert_int_equal(read.by, SWITCH_OFF_FILE);
		assert_int_equal(strlen(read.text), SWITCH_TEXT_MAX - 1);
	}
	unlink(place.off);
	assert_int_equal(mkdir(place.off, 0755), 0);
	expect(&place, SWITCH_OFF_FILE, "by a file that cannot be read: Is a directory");
	assert_int_equal(switch_write_off(place.off, "x"), -EISDIR);
	assert_int_equal(switch_write_on(place.off), -EISDIR);
	rmdir(place.off);
	assert_int_equal(symlink("/nonexistent/off", place.off), 0);
	expect(&place, SWITCH_ON, "");
	assert_int_equal(switch_write_on(place.off), 0);
	remove_place(&place);
}

static void kernel_wins(void **state)
{
	struct place place;

	(void)state;
	make_place(&place, "quiet mpathiscsi=off\n");
	expect(&place, SWITCH_OFF_KERNEL, "by mpathiscsi=off on the kernel's command line");
	assert_int_equal(switch_write_off(place.off, "by root"), 0);
	expect(&place, SWITCH_OFF_KERNEL, "by mpathiscsi=off on the kernel's command line");
	/* a command line that cannot be read says nothing */
	assert_int_equal(unlink(place.cmdline), 0);
	expect(&place, SWITCH_OFF_FILE, "by root");
	remove_place(&place);
}

static void report(void **state)
{
	struct json_object *object = json_object_new_object();
	struct switch_state s = {.by = SWITCH_ON};

	(void)state;
	report_switch(&s, object);
	assert_string_equal(json_object_to_json_string_ext(object, JSON_C_TO_STRING_PLAIN),
			    "{\"on\":true}");
	s = (struct switch_state){.by = SWITCH_OFF_FILE, .text = "by root"};
	report_switch(&s, object);
	assert_string_equal(json_object_to_json_string_ext(object, JSON_C_TO_STRING_PLAIN),
			    "{\"on\":false,\"off_by\":\"file\",\"off_text\":\"by root\"}");
	s.by = SWITCH_OFF_KERNEL;
	report_switch(&s, object);
	assert_string_equal(json_object_to_json_string_ext(object, JSON_C_TO_STRING_PLAIN),
			    "{\"on\":false,\"off_by\":\"kernel\",\"off_text\":\"by root\"}");
	json_object_put(object);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(cmdlines),    cmocka_unit_test(formats),
		cmocka_unit_test(off_and_on),  cmocka_unit_test(odd_files),
		cmocka_unit_test(kernel_wins), cmocka_unit_test(report),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
