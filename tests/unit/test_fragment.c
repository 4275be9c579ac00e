/* SPDX-License-Identifier: GPL-2.0-or-later */
/* From facts about arrays and LUNs to the fragment's text. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <errno.h>
#include <regex.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/array_conf.h"

#define LUN1  "360000000000000000e00000000010001"
#define LUN2  "360000000000000000e00000000010002"
#define FCLUN "3600c0ff000000000000000000000000a"

#define HEAD                                                                             \
	"# Owned by mpathiscsi. Do not edit: `mpathiscsi enable` writes this file "      \
	"anew,\n"                                                                        \
	"# `mpathiscsi disable` removes it and gives multipathd its former settings "    \
	"back.\n"                                                                        \
	"# Settings of your own belong in /etc/multipath.conf. See mpathiscsi(8).\n"     \
	"\n"

#define IET(d, w)                                                                        \
	{                                                                                \
		.dev = d, .wwid = w, .vendor = "IET", .product = "VIRTUAL-DISK",         \
		.transport = "iscsi_tcp", .software_iscsi = true, .checker = "tur"       \
	}
#define LIO(d, w)                                                                        \
	{                                                                                \
		.dev = d, .wwid = w, .vendor = "LIO-ORG", .product = "disk0",            \
		.transport = "iscsi_tcp", .software_iscsi = true, .checker = "tur",      \
		.alua = true, .access_state = true                                       \
	}
#define FC(d, w, v, p, c)                                                                \
	{                                                                                \
		.dev = d, .wwid = w, .vendor = v, .product = p, .transport = "scsi:fcp", \
		.checker = c                                                             \
	}

static const struct mp_config plain_config = {.polling_interval = 5};

struct outcome {
	struct fragment f;
	struct notes notes;
	char *text;
};

static struct outcome build(const struct conf_input *input)
{
	struct outcome o = {0};

	assert_int_equal(array_conf_build(input, &o.f, &o.notes), 0);
	assert_int_equal(fragment_print(&o.f, &o.text), 0);
	return o;
}

static void done(struct outcome *o)
{
	free(o->text);
	fragment_free(&o->f);
	notes_free(&o->notes);
}

/* Is there a note of this level with all these words? */
static bool noted(const struct outcome *o, enum note_level level, const char *a,
		  const char *b)
{
	for (size_t i = 0; i < o->notes.n; i++)
		if (o->notes.list[i].level == level && strstr(o->notes.list[i].text, a) &&
		    strstr(o->notes.list[i].text, b))
			return true;
	return false;
}

#define INPUT(p, m)                                                                      \
	{                                                                                \
		.paths = p, .n_paths = sizeof(p) / sizeof((p)[0]), .maps = m,            \
		.n_maps = sizeof(m) / sizeof((m)[0]), .config = &plain_config,           \
		.daemon_runs = true                                                      \
	}

#define MAP(a, w, q)                                                                     \
	{                                                                                \
		.alias = a, .wwid = w, .queueing = q, .n_active = 2                      \
	}
#define MAP_RETRY(a, w, n)                                                               \
	{                                                                                \
		.alias = a, .wwid = w, .queueing = MP_QUEUEING_CHECKS, .n_active = 2,    \
		.retries = n                                                             \
	}

static void golden_one_array(void **state)
{
	const struct conf_path paths[] = {IET("sdb", LUN2), IET("sda", LUN1),
					  IET("sdc", LUN1),
					  FC("sdz", FCLUN, "HP", "MSA 2050 SAN", "tur")};
	const struct mp_map maps[] = {MAP("mpatha", LUN1, MP_QUEUEING_UNSET),
				      MAP("mpathb", LUN2, MP_QUEUEING_ON),
				      MAP("fc", FCLUN, MP_QUEUEING_OFF)};
	const struct conf_policy policies[] = {
		{LUN1, "failover-only active portal=10.0.1.2 standby portal=10.0.2.2",
		 "round-robin 0"}};
	const struct conf_input input = INPUT(paths, maps);
	struct outcome o = build(&input);

	(void)state;
	assert_true(array_conf_policies(&o.f, policies, 1, &o.notes));
	assert_false(array_conf_policies(&o.f, policies, 1, &o.notes));
	free(o.text);
	assert_int_equal(fragment_print(&o.f, &o.text), 0);
	assert_string_equal(
		o.text,
		HEAD "devices {\n"
		     "\tdevice {\n"
		     "\t\tvendor \"^IET$\"\n"
		     "\t\tproduct \"^VIRTUAL-DISK$\"\n"
		     "\t\t# without mpathiscsi: path_checker tur\n"
		     "\t\tpath_checker \"iscsi\"\n"
		     "\t\tdetect_checker \"no\"\n"
		     "\t\tdetect_prio \"no\"\n"
		     "\t}\n"
		     "}\n"
		     "multipaths {\n"
		     "\tmultipath {\n"
		     "\t\twwid \"" LUN1 "\"\n"
		     "\t\tprio \"iscsi\"\n"
		     "\t\tprio_args \"failover-only active portal=10.0.1.2 standby "
		     "portal=10.0.2.2\"\n"
		     "\t\tpath_grouping_policy \"group_by_prio\"\n"
		     "\t\tpath_selector \"round-robin 0\"\n"
		     "\t\tfailback \"immediate\"\n"
		     "\t\t# without mpathiscsi: no_path_retry not set\n"
		     "\t\tno_path_retry 12\n"
		     "\t}\n"
		     "\tmultipath {\n"
		     "\t\twwid \"" LUN2 "\"\n"
		     "\t\tprio \"iscsi\"\n"
		     "\t\tprio_args \"\"\n"
		     "\t\tpath_grouping_policy \"group_by_prio\"\n"
		     "\t\tfailback \"immediate\"\n"
		     "\t}\n"
		     "}\n");
	assert_true(noted(&o, NOTE_INFO, "mpatha", "60 s"));
	assert_false(noted(&o, NOTE_INFO, "mpathb", ""));
	done(&o);
}

/* Escapes, and what detection would have given LUNs without a stanza. */
static void golden_odd_names(void **state)
{
	const struct conf_path paths[] = {
		{.dev = "sda",
		 .wwid = "1IET \"x\"",
		 .vendor = "A[1]$",
		 .product = "a\"b.c*{2}",
		 .software_iscsi = true,
		 .checker = "directio",
		 .alua = true},
		LIO("sdb", LUN1),
	};
	const struct mp_map maps[] = {MAP("odd", "1IET \"x\"", MP_QUEUEING_ON),
				      MAP("b", LUN1, MP_QUEUEING_ON)};
	const struct conf_input input = INPUT(paths, maps);
	struct outcome o = build(&input);

	(void)state;
	assert_string_equal(o.text,
			    HEAD "devices {\n"
				 "\tdevice {\n"
				 "\t\tvendor \"^A\\[1\\]\\$$\"\n"
				 "\t\tproduct \"^a\"\"b\\.c\\*\\{2\\}$\"\n"
				 "\t\t# without mpathiscsi: path_checker directio\n"
				 "\t\tpath_checker \"iscsi\"\n"
				 "\t\tdetect_checker \"no\"\n"
				 "\t\tdetect_prio \"no\"\n"
				 "\t\tprio \"alua\"\n"
				 "\t}\n"
				 "\tdevice {\n"
				 "\t\tvendor \"^LIO-ORG$\"\n"
				 "\t\tproduct \"^disk0$\"\n"
				 "\t\t# without mpathiscsi: path_checker tur\n"
				 "\t\tpath_checker \"iscsi\"\n"
				 "\t\tdetect_checker \"no\"\n"
				 "\t\tdetect_prio \"no\"\n"
				 "\t\tprio \"sysfs\"\n"
				 "\t}\n"
				 "}\n"
				 "multipaths {\n"
				 "\tmultipath {\n"
				 "\t\twwid \"1IET \"\"x\"\"\"\n"
				 "\t\tprio \"iscsi\"\n"
				 "\t\tprio_args \"\"\n"
				 "\t\tpath_grouping_policy \"group_by_prio\"\n"
				 "\t\tfailback \"immediate\"\n"
				 "\t}\n"
				 "\tmultipath {\n"
				 "\t\twwid \"" LUN1 "\"\n"
				 "\t\tprio \"iscsi\"\n"
				 "\t\tprio_args \"\"\n"
				 "\t\tpath_grouping_policy \"group_by_prio\"\n"
				 "\t\tfailback \"immediate\"\n"
				 "\t}\n"
				 "}\n");
	done(&o);
}

static void array_specific_checkers_are_refused(void **state)
{
	static const char *const special[] = {
		"rdac", "emc_clariion", "hp_sw", "cciss_tur", "hp_tur", "something_new"};

	(void)state;
	for (size_t i = 0; i < sizeof(special) / sizeof(special[0]); i++) {
		struct conf_path paths[] = {IET("sda", LUN1), IET("sdb", LUN1),
					    LIO("sdc", LUN2)};
		const struct mp_map maps[] = {MAP("a", LUN1, MP_QUEUEING_ON),
					      MAP("b", LUN2, MP_QUEUEING_ON)};
		const struct conf_input input = INPUT(paths, maps);
		struct outcome o;

		strcpy(paths[1].checker, special[i]);
		o = build(&input);
		assert_int_equal(o.f.n_arrays, 1);
		assert_int_equal(o.f.n_luns, 1);
		assert_string_equal(o.f.arrays[0].vendor, "LIO-ORG");
		assert_string_equal(o.f.luns[0].wwid, LUN2);
		assert_true(noted(&o, NOTE_REFUSED, "IET", special[i]));
		done(&o);
	}
}

/* The same array over Fibre Channel: only if a plain checker serves it there. */
static void other_transports(void **state)
{
	static const struct {
		const char *checker;
		bool allowed;
	} cases[] = {{"tur", true},
		     {"directio", true},
		     {"readsector0", false},
		     {"rdac", false}};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct conf_path paths[] = {
			IET("sda", LUN1), FC("sdb", FCLUN, "IET", "VIRTUAL-DISK", "tur")};
		const struct mp_map maps[] = {MAP("a", LUN1, MP_QUEUEING_ON),
					      MAP("fc", FCLUN, MP_QUEUEING_OFF)};
		const struct conf_input input = INPUT(paths, maps);
		struct outcome o;

		strcpy(paths[1].checker, cases[i].checker);
		o = build(&input);
		assert_int_equal(o.f.n_arrays, cases[i].allowed);
		assert_int_equal(o.f.n_luns, cases[i].allowed);
		assert_null(fragment_lun_find(&o.f, FCLUN));
		assert_true(noted(&o, cases[i].allowed ? NOTE_INFO : NOTE_REFUSED,
				  "scsi:fcp", "IET"));
		done(&o);
	}
}

/* A LUN with a path over another transport too is not ours. */
static void mixed_lun(void **state)
{
	const struct conf_path paths[] = {IET("sda", LUN1), IET("sdc", LUN2),
					  FC("sdb", LUN1, "IET", "VIRTUAL-DISK", "tur")};
	const struct mp_map maps[] = {MAP("a", LUN1, MP_QUEUEING_ON),
				      MAP("b", LUN2, MP_QUEUEING_ON)};
	const struct conf_input input = INPUT(paths, maps);
	struct outcome o = build(&input);

	(void)state;
	assert_int_equal(o.f.n_luns, 1);
	assert_string_equal(o.f.luns[0].wwid, LUN2);
	assert_true(noted(&o, NOTE_REFUSED, "a: ", "sdb"));
	done(&o);
}

static void not_for_us(void **state)
{
	struct conf_path paths[] = {FC("sda", FCLUN, "IET", "VIRTUAL-DISK", "tur"),
				    IET("sdb", LUN1)};
	const struct mp_map maps[] = {MAP("fc", FCLUN, MP_QUEUEING_ON)};
	const struct conf_input input = INPUT(paths, maps);
	struct outcome o;

	(void)state;
	paths[1].software_iscsi = false; /* an offload adapter */
	o = build(&input);
	assert_int_equal(o.f.n_arrays, 0);
	assert_int_equal(o.f.n_luns, 0);
	done(&o);
	paths[1].software_iscsi = true; /* but blacklisted: no checker, no map */
	paths[1].checker[0] = '\0';
	strcpy(paths[0].vendor, "OTHER");
	o = build(&input);
	assert_int_equal(o.f.n_arrays, 0);
	assert_true(noted(&o, NOTE_REFUSED, "IET", "blacklisted"));
	done(&o);
	strcpy(paths[1].checker, "tur"); /* a checker, but no map */
	o = build(&input);
	assert_int_equal(o.f.n_arrays, 1);
	assert_int_equal(o.f.n_luns, 0);
	assert_true(noted(&o, NOTE_INFO, LUN1, "no map"));
	done(&o);
}

static void no_path_retry(void **state)
{
	static const struct {
		struct mp_map map;
		unsigned int interval, expected;
		const char *stock;
	} cases[] = {
		{MAP("m", LUN1, MP_QUEUEING_UNSET), 5, 12, "not set"},
		{MAP("m", LUN1, MP_QUEUEING_OFF), 5, 12, "fail"},
		{MAP("m", LUN1, MP_QUEUEING_OFF), 7, 9, "fail"},
		{MAP("m", LUN1, MP_QUEUEING_OFF), 120, 1, "fail"},
		{MAP("m", LUN1, MP_QUEUEING_OFF), 0, 12, "fail"},
		{MAP("m", LUN1, MP_QUEUEING_ON), 5, 0, ""},
		{MAP_RETRY("m", LUN1, 12), 5, 0, ""},
		{MAP_RETRY("m", LUN1, 11), 5, 12, "11"},
		{MAP_RETRY("m", LUN1, 4000000), 5000, 0, ""},
		{{.alias = "m", .wwid = LUN1, .queueing = MP_QUEUEING_OFF}, 5, 0, ""},
		{{.alias = "m",
		  .wwid = LUN1,
		  .queueing = MP_QUEUEING_SECONDS,
		  .seconds = 3},
		 5,
		 0,
		 ""},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		const struct conf_path paths[] = {IET("sda", LUN1)};
		const struct mp_config config = {.polling_interval = cases[i].interval};
		struct conf_input input = {.paths = paths,
					   .n_paths = 1,
					   .maps = &cases[i].map,
					   .n_maps = 1,
					   .config = &config,
					   .daemon_runs = true};
		struct outcome o = build(&input), again;

		assert_int_equal(o.f.n_luns, 1);
		assert_int_equal(o.f.luns[0].no_path_retry, cases[i].expected);
		assert_string_equal(o.f.luns[0].stock_retry, cases[i].stock);
		if (!cases[i].map.n_active)
			assert_true(noted(&o, NOTE_WARNING, "m: ", "no usable path"));
		/* Once enabled multipathd shows our value: the decision must stay. */
		if (cases[i].expected) {
			struct mp_map ours = cases[i].map;

			ours.queueing = MP_QUEUEING_CHECKS;
			ours.retries = cases[i].expected;
			input.maps = &ours;
			input.old = &o.f;
			again = build(&input);
			assert_string_equal(again.text, o.text);
			done(&again);
		}
		done(&o);
	}
}

/* Enabled already: multipathd shows "iscsi" everywhere, also on Fibre Channel. */
static void enabling_again_decides_the_same(void **state)
{
	struct conf_path paths[] = {IET("sda", LUN1), LIO("sdb", LUN2),
				    FC("sdc", FCLUN, "IET", "VIRTUAL-DISK", "directio")};
	const struct mp_map maps[] = {MAP("a", LUN1, MP_QUEUEING_UNSET),
				      MAP_RETRY("b", LUN2, 30),
				      MAP("c", FCLUN, MP_QUEUEING_ON)};
	struct conf_input input = INPUT(paths, maps);
	struct outcome first = build(&input), again;
	struct fragment parsed;
	unsigned int line;

	(void)state;
	assert_int_equal(fragment_parse(first.text, &parsed, &line), 0);
	for (size_t i = 0; i < 3; i++)
		strcpy(paths[i].checker, "iscsi");
	input.old = &parsed;
	again = build(&input);
	assert_string_equal(again.text, first.text);
	done(&again);
	/* Logged out: settings stay for when it comes back. */
	input.n_paths = 1;
	again = build(&input);
	assert_string_equal(again.text, first.text);
	assert_true(noted(&again, NOTE_INFO, LUN2, "not seen"));
	done(&again);
	done(&first);
	fragment_free(&parsed);
}

static void without_multipathd(void **state)
{
	struct conf_path paths[] = {IET("sda", LUN1), LIO("sdb", LUN2)};
	const struct conf_input input = {.paths = paths, .n_paths = 2};
	struct outcome o;

	(void)state;
	paths[0].checker[0] = paths[1].checker[0] = '\0';
	paths[1].own_handler = true;
	o = build(&input);
	assert_int_equal(o.f.n_arrays, 1);
	assert_string_equal(o.f.arrays[0].stock_checker, "unknown");
	assert_int_equal(o.f.n_luns, 1);
	assert_int_equal(o.f.luns[0].no_path_retry, 0);
	assert_true(noted(&o, NOTE_WARNING, LUN1, "no_path_retry"));
	assert_true(noted(&o, NOTE_REFUSED, "LIO-ORG", "handler"));
	done(&o);
}

/* Written without multipathd, which then started with it: "iscsi" is all it can tell. */
static void enabled_before_multipathd_ran(void **state)
{
	struct conf_path paths[] = {IET("sda", LUN1)};
	const struct mp_map maps[] = {MAP("a", LUN1, MP_QUEUEING_UNSET)};
	struct conf_input blind = {.paths = paths, .n_paths = 1}, input = INPUT(paths, maps);
	struct outcome first, second, third;

	(void)state;
	paths[0].checker[0] = '\0';
	first = build(&blind);
	strcpy(paths[0].checker, "iscsi");
	input.old = &first.f;
	second = build(&input);
	assert_int_equal(second.f.n_arrays, 1);
	assert_string_equal(second.f.arrays[0].stock_checker, "unknown");
	assert_int_equal(second.f.luns[0].no_path_retry, 12);
	input.old = &second.f;
	third = build(&input);
	assert_string_equal(third.text, second.text);
	done(&first);
	done(&second);
	done(&third);
}

static void overrides_are_warned_of(void **state)
{
	const struct conf_path paths[] = {IET("sda", LUN1)};
	const struct mp_map maps[] = {MAP("a", LUN1, MP_QUEUEING_ON)};
	const struct mp_config config = {.polling_interval = 5,
					 .overrides_checker = "directio",
					 .overrides_detect_checker = MP_YES,
					 .overrides_detect_prio = MP_YES};
	const struct mp_config harmless = {.polling_interval = 5,
					   .overrides_checker = "iscsi",
					   .overrides_detect_checker = MP_NO};
	struct conf_input input = INPUT(paths, maps);
	struct outcome o;

	(void)state;
	input.config = &config;
	o = build(&input);
	assert_true(noted(&o, NOTE_WARNING, "overrides", "directio"));
	assert_true(noted(&o, NOTE_WARNING, "overrides", "detect_checker"));
	assert_true(noted(&o, NOTE_WARNING, "overrides", "detect_prio"));
	done(&o);
	input.config = &harmless;
	o = build(&input);
	assert_int_equal(o.notes.n, 0);
	done(&o);
}

static void policies_that_do_not_fit(void **state)
{
	const struct conf_path paths[] = {IET("sda", LUN1)};
	const struct mp_map maps[] = {MAP("a", LUN1, MP_QUEUEING_ON)};
	const struct conf_input input = INPUT(paths, maps);
	struct outcome o = build(&input);
	char text[FRAGMENT_PRIO_ARGS_MAX + 2];
	struct conf_policy policy = {LUN1, text, NULL};

	(void)state;
	memset(text, 'x', sizeof(text));
	text[FRAGMENT_PRIO_ARGS_MAX] = '\0';
	assert_true(array_conf_policies(&o.f, &policy, 1, &o.notes));
	assert_string_equal(o.f.luns[0].prio_args, text);
	assert_int_equal(o.notes.n, 0);
	text[FRAGMENT_PRIO_ARGS_MAX] = 'x';
	text[FRAGMENT_PRIO_ARGS_MAX + 1] = '\0';
	assert_true(array_conf_policies(&o.f, &policy, 1, &o.notes));
	assert_string_equal(o.f.luns[0].prio_args, "");
	assert_true(noted(&o, NOTE_WARNING, LUN1, "prio_args"));
	strcpy(text, "line\nbreak");
	assert_false(array_conf_policies(&o.f, &policy, 1, &o.notes));
	assert_string_equal(o.f.luns[0].prio_args, "");
	assert_int_equal(o.notes.n, 2);
	done(&o);
}

/* The expression finds the text and nothing near it. */
static void regexes_match_exactly(void **state)
{
	static const char *const texts[] = {"IET", "a.b",   "x*",     "[a]",  "(p|q)",
					    "{1}", "^$",    "a\\b",   "1+1?", "",
					    "a b", "\"q\"", "LIO-ORG"};

	(void)state;
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		char regex[64], near[32];
		regex_t compiled;

		fragment_regex(texts[i], regex, sizeof(regex));
		assert_int_equal(regcomp(&compiled, regex, REG_EXTENDED | REG_NOSUB), 0);
		assert_int_equal(regexec(&compiled, texts[i], 0, NULL, 0), 0);
		snprintf(near, sizeof(near), "x%s", texts[i]);
		assert_int_equal(regexec(&compiled, near, 0, NULL, 0), REG_NOMATCH);
		snprintf(near, sizeof(near), "%sx", texts[i]);
		assert_int_equal(regexec(&compiled, near, 0, NULL, 0), REG_NOMATCH);
		for (size_t j = 0; j < sizeof(texts) / sizeof(texts[0]); j++)
			if (i != j)
				assert_int_equal(regexec(&compiled, texts[j], 0, NULL, 0),
						 REG_NOMATCH);
		regfree(&compiled);
	}
}

static void parse_gives_back_what_was_printed(void **state)
{
	struct fragment f = {0}, parsed;
	struct fragment_array *a;
	struct fragment_lun *lun;
	unsigned int line;
	char *text, *again;

	(void)state;
	a = fragment_add_array(&f);
	strcpy(a->vendor, "A\\^$[.]");
	strcpy(a->product, "0123456789abcdef");
	strcpy(a->stock_checker, "directio");
	strcpy(a->prio, "alua");
	a = fragment_add_array(&f);
	strcpy(a->stock_checker, "unknown");
	lun = fragment_add_lun(&f);
	strcpy(lun->wwid, "t10 # { } ! \"\" x");
	strcpy(lun->prio_args, "a \"b\" c");
	lun->no_path_retry = 12;
	strcpy(lun->stock_retry, "not set");
	lun = fragment_add_lun(&f);
	strcpy(lun->wwid, "{"); /* opens no section */
	strcpy(lun->prio_args, "{");
	assert_non_null(fragment_add_lun(&f));
	fragment_sort(&f);
	assert_int_equal(fragment_print(&f, &text), 0);
	assert_int_equal(fragment_parse(text, &parsed, &line), 0);
	assert_int_equal(parsed.n_arrays, 2);
	assert_int_equal(parsed.n_luns, 3);
	for (size_t i = 0; i < 2; i++)
		assert_memory_equal(&parsed.arrays[i], &f.arrays[i], sizeof(f.arrays[i]));
	for (size_t i = 0; i < 3; i++)
		assert_memory_equal(&parsed.luns[i], &f.luns[i], sizeof(f.luns[i]));
	assert_int_equal(fragment_print(&parsed, &again), 0);
	assert_string_equal(text, again);
	free(text);
	free(again);
	fragment_free(&parsed);
	fragment_free(&f);
}

/* Any change by hand is noticed, with its line; nothing damaged is half understood. */
static void changes_by_hand_are_noticed(void **state)
{
	const struct conf_path paths[] = {IET("sda", LUN1), LIO("sdb", LUN2)};
	const struct mp_map maps[] = {MAP("a", LUN1, MP_QUEUEING_OFF),
				      MAP("b", LUN2, MP_QUEUEING_ON)};
	const struct conf_input input = INPUT(paths, maps);
	struct outcome o = build(&input);
	size_t size = strlen(o.text);
	unsigned int seed = 11, line = 0;
	struct fragment f;

	(void)state;
	assert_int_equal(fragment_parse("", &f, &line), -EPERM);
	assert_int_equal(fragment_parse("# mine\n", &f, &line), -EPERM);
	for (size_t i = 0; i < size; i++) {
		char *text = strdup(o.text);
		int r;

		assert_non_null(text);
		text[i] = '\0';
		r = fragment_parse(text, &f, &line);
		assert_int_equal(r, fragment_is_ours(text) ? -EBADMSG : -EPERM);
		free(text);
	}
	for (size_t i = 0; i < 3000; i++) {
		char *text = strdup(o.text);
		size_t at = (size_t)rand_r(&seed) % size;
		int r;

		assert_non_null(text);
		text[at] = (char)(rand_r(&seed) % 126 + 1);
		r = fragment_parse(text, &f, &line);
		/* Another value of the right kind is parsed as such, and printed as such.
		 */
		if (!r) {
			char *again;

			assert_int_equal(fragment_print(&f, &again), 0);
			assert_string_equal(again, text);
			free(again);
			fragment_free(&f);
		} else {
			assert_true(r == -EBADMSG || r == -EPERM);
		}
		free(text);
	}
	done(&o);
}

static void change_by_hand_names_its_line(void **state)
{
	const char *text = HEAD "devices {\n"
				"}\n"
				"multipaths {\n"
				"\tuser_friendly_names yes\n"
				"}\n";
	struct fragment f;
	unsigned int line = 0;

	(void)state;
	assert_int_equal(fragment_parse(text, &f, &line), -EBADMSG);
	assert_int_equal(line, 8);
}

/* The configuration as multipathd prints it. */
#define CONFIG                                                                           \
	"defaults {\n\tverbosity 2\n\tpolling_interval 7\n\tpath_checker \"tur\"\n"      \
	"\tdetect_checker \"yes\"\n}\nblacklist {\n\tdevnode \"^(ram|loop)[0-9]\"\n"     \
	"\tdevice {\n\t\tvendor \"IBM\"\n\t\tproduct \"S/390\"\n\t}\n}\n"                \
	"devices {\n\tdevice {\n\t\tvendor \"x {\"\n\t\tpath_checker \"rdac\"\n\t}\n}\n"

static void config_of_multipathd(void **state)
{
	static const char *const bad[] = {
		"",
		"ok\n",
		"defaults {\n",
		"defaults {\n}\n}\n",
		"overrides {\n}\n",
		"polling_interval 5\n",
	};
	struct mp_config c;

	(void)state;
	assert_int_equal(mp_config_parse(CONFIG "overrides {\n}\n", &c), 0);
	assert_int_equal(c.polling_interval, 7);
	assert_string_equal(c.overrides_checker, "");
	assert_int_equal(c.overrides_detect_checker, MP_NOT_SET);
	assert_int_equal(
		mp_config_parse(CONFIG
				"overrides {\n\tpath_checker \"directio\"\n"
				"\tdetect_prio \"no\"\n\tdetect_checker \"yes\"\n"
				"\tprotocol {\n\t\ttype \"scsi:fcp\"\n"
				"\t\tpath_checker \"none\"\n\t}\n}\nmultipaths {\n}\n",
				&c),
		0);
	assert_string_equal(c.overrides_checker, "directio");
	assert_int_equal(mp_config_parse(CONFIG "blacklist {\n\tdevnode \"{\"\n}\n", &c), 0);
	assert_int_equal(
		mp_config_parse(CONFIG
				"overrides {\n\tpath_checker \"directio\"\n"
				"\tdetect_prio \"no\"\n\tdetect_checker \"yes\"\n}\n",
				&c),
		0);
	assert_int_equal(c.overrides_detect_checker, MP_YES);
	assert_int_equal(c.overrides_detect_prio, MP_NO);
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_int_equal(mp_config_parse(bad[i], &c), -EPROTO);
	assert_int_equal(mp_config_parse("timeout\n", &c), -ETIMEDOUT);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(golden_one_array),
		cmocka_unit_test(golden_odd_names),
		cmocka_unit_test(array_specific_checkers_are_refused),
		cmocka_unit_test(other_transports),
		cmocka_unit_test(mixed_lun),
		cmocka_unit_test(not_for_us),
		cmocka_unit_test(no_path_retry),
		cmocka_unit_test(enabling_again_decides_the_same),
		cmocka_unit_test(without_multipathd),
		cmocka_unit_test(enabled_before_multipathd_ran),
		cmocka_unit_test(overrides_are_warned_of),
		cmocka_unit_test(policies_that_do_not_fit),
		cmocka_unit_test(regexes_match_exactly),
		cmocka_unit_test(parse_gives_back_what_was_printed),
		cmocka_unit_test(changes_by_hand_are_noticed),
		cmocka_unit_test(change_by_hand_names_its_line),
		cmocka_unit_test(config_of_multipathd),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
