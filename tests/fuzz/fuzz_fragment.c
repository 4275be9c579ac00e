/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Our file in multipathd's conf.d. First byte even: the rest is the file, whose first line may
 * be left away. Odd: its lines are the values of one that is printed.
 */
#include "daemon/fragment.h"

#include <errno.h>

#include "common/parse.h"
#include "tests/fuzz/fuzz.h"

#define ENDS(field) fuzz_ends(field, sizeof(field))

static void check_values(const struct fragment *f)
{
	for (size_t i = 0; i < f->n_arrays; i++)
		must(ENDS(f->arrays[i].vendor) && ENDS(f->arrays[i].product) &&
		     ENDS(f->arrays[i].prio) && ENDS(f->arrays[i].stock_checker));
	for (size_t i = 0; i < f->n_luns; i++)
		must(ENDS(f->luns[i].wwid) && ENDS(f->luns[i].prio_args) &&
		     ENDS(f->luns[i].selector) && ENDS(f->luns[i].stock_retry));
}

/* What is taken for ours is printed again as it was. */
static void parse(const char *text)
{
	struct fragment f = {.n_luns = 77};
	unsigned int line = 0;
	char *again;
	int r = fragment_parse(text, &f, &line);

	if (r) {
		must(r == -EPERM || r == -EBADMSG);
		must((r == -EPERM) == !fragment_is_ours(text));
		must(f.n_luns == 77);
		must(r == -EPERM || (line >= 1 && line <= fuzz_count_lines(text)));
		return;
	}
	check_values(&f);
	must(fragment_print(&f, &again) == 0);
	must(!strcmp(again, text));
	free(again);
	fragment_sort(&f);
	must(fragment_print(&f, &again) == 0);
	fragment_free(&f);
	must(fragment_parse(again, &f, &line) == 0);
	free(again);
	fragment_free(&f);
}

static void take(struct fuzz_bytes *bytes, char *to, size_t size)
{
	char *line = fuzz_line(bytes);

	if (fragment_text_fits(line))
		(void)copy_text(to, size, line);
	free(line);
}

/* In a comment blanks at the ends and an empty value are none of ours. */
static void take_word(struct fuzz_bytes *bytes, char *to, size_t size)
{
	take(bytes, to, size);
	if (!*to)
		strcpy(to, "unknown");
}

static void add_lun(struct fragment *f, struct fuzz_bytes *bytes)
{
	struct fragment_lun *lun = fragment_add_lun(f);

	must(lun);
	take(bytes, lun->wwid, sizeof(lun->wwid));
	take(bytes, lun->prio_args, sizeof(lun->prio_args));
	take(bytes, lun->selector, sizeof(lun->selector));
	lun->no_path_retry = fuzz_byte(bytes);
	if (lun->no_path_retry)
		take_word(bytes, lun->stock_retry, sizeof(lun->stock_retry));
}

static void add_array(struct fragment *f, struct fuzz_bytes *bytes)
{
	struct fragment_array *array = fragment_add_array(f);

	must(array);
	take(bytes, array->vendor, sizeof(array->vendor));
	take(bytes, array->product, sizeof(array->product));
	take(bytes, array->prio, sizeof(array->prio));
	take_word(bytes, array->stock_checker, sizeof(array->stock_checker));
}

/* What is printed is ours, and says the same. */
static void print(struct fuzz_bytes *bytes)
{
	struct fragment f = {0}, again;
	unsigned int line = 0;
	char *text;

	while (bytes->size) {
		if (fuzz_byte(bytes) & 1)
			add_lun(&f, bytes);
		else
			add_array(&f, bytes);
	}
	must(fragment_print(&f, &text) == 0);
	must(fragment_is_ours(text));
	must(fragment_parse(text, &again, &line) == 0);
	must(again.n_luns == f.n_luns && again.n_arrays == f.n_arrays);
	for (size_t i = 0; i < f.n_luns; i++) {
		must(!strcmp(f.luns[i].wwid, again.luns[i].wwid));
		must(!strcmp(f.luns[i].prio_args, again.luns[i].prio_args));
		must(f.luns[i].no_path_retry == again.luns[i].no_path_retry);
	}
	for (size_t i = 0; i < f.n_arrays; i++)
		must(!strcmp(f.arrays[i].vendor, again.arrays[i].vendor) &&
		     !strcmp(f.arrays[i].product, again.arrays[i].product));
	fragment_free(&again);
	fragment_free(&f);
	free(text);
}

static char header[512];

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	const struct fragment none = {0};
	char *text;

	(void)argc;
	(void)argv;
	must(fragment_print(&none, &text) == 0);
	snprintf(header, sizeof(header), "%.*s", (int)(strchr(text, '\n') - text) + 1, text);
	free(text);
	return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct fuzz_bytes bytes = {data, size};
	uint8_t how = fuzz_byte(&bytes);
	char *text, *whole;

	if (how & 1) {
		print(&bytes);
		return 0;
	}
	text = fuzz_rest(&bytes);
	must(asprintf(&whole, "%s%s", how & 2 ? header : "", text) >= 0);
	parse(whole);
	free(whole);
	free(text);
	return 0;
}
