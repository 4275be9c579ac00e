/* SPDX-License-Identifier: GPL-2.0-or-later */
/* /etc/multipath/conf.d/mpathiscsi.conf as a value. */
#include "daemon/fragment.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/parse.h"
#include "daemon/multipathd_config.h"

#define FIRST_LINE                                                                       \
	"# Owned by mpathiscsi. Do not edit: `mpathiscsi enable` writes this file anew,"

static const char header[] = FIRST_LINE
	"\n"
	"# `mpathiscsi disable` removes it and gives multipathd its former settings "
	"back.\n"
	"# Settings of your own belong in /etc/multipath.conf. See mpathiscsi(8).\n"
	"\n";

#define STOCK_CHECKER "# without mpathiscsi: path_checker "
#define STOCK_RETRY   "# without mpathiscsi: no_path_retry "

void fragment_free(struct fragment *f)
{
	free(f->arrays);
	free(f->luns);
	*f = (struct fragment){0};
}

static void *add(void *list, size_t n, size_t size)
{
	char *grown = reallocarray(list, n + 1, size);

	if (grown)
		memset(grown + n * size, 0, size);
	return grown;
}

struct fragment_array *fragment_add_array(struct fragment *f)
{
	struct fragment_array *grown = add(f->arrays, f->n_arrays, sizeof(*grown));

	if (!grown)
		return NULL;
	f->arrays = grown;
	return &grown[f->n_arrays++];
}

struct fragment_lun *fragment_add_lun(struct fragment *f)
{
	struct fragment_lun *grown = add(f->luns, f->n_luns, sizeof(*grown));

	if (!grown)
		return NULL;
	f->luns = grown;
	return &grown[f->n_luns++];
}

struct fragment_array *fragment_array_find(const struct fragment *f, const char *vendor,
					   const char *product)
{
	for (size_t i = 0; i < f->n_arrays; i++)
		if (!strcmp(f->arrays[i].vendor, vendor) &&
		    !strcmp(f->arrays[i].product, product))
			return &f->arrays[i];
	return NULL;
}

struct fragment_lun *fragment_lun_find(const struct fragment *f, const char *wwid)
{
	for (size_t i = 0; i < f->n_luns; i++)
		if (!strcmp(f->luns[i].wwid, wwid))
			return &f->luns[i];
	return NULL;
}

static int by_name(const void *a, const void *b)
{
	const struct fragment_array *x = a, *y = b;
	int r = strcmp(x->vendor, y->vendor);

	return r ? r : strcmp(x->product, y->product);
}

static int by_wwid(const void *a, const void *b)
{
	const struct fragment_lun *x = a, *y = b;

	return strcmp(x->wwid, y->wwid);
}

void fragment_sort(struct fragment *f)
{
	if (f->n_arrays)
		qsort(f->arrays, f->n_arrays, sizeof(*f->arrays), by_name);
	if (f->n_luns)
		qsort(f->luns, f->n_luns, sizeof(*f->luns), by_wwid);
}

bool fragment_text_fits(const char *text)
{
	for (; *text; text++)
		if (*text < 0x20 || *text > 0x7e)
			return false;
	return true;
}

const char *fragment_regex(const char *text, char *buffer, size_t size)
{
	size_t n = 0;

	if (size < 2 * strlen(text) + 3) {
		buffer[0] = '\0';
		return buffer;
	}
	buffer[n++] = '^';
	for (; *text; text++) {
		if (strchr("\\^$.[]|()*+?{}", *text))
			buffer[n++] = '\\';
		buffer[n++] = *text;
	}
	buffer[n++] = '$';
	buffer[n] = '\0';
	return buffer;
}

/* The reverse; false when it is no such expression or does not fit. */
static bool unregex(const char *regex, char *buffer, size_t size)
{
	size_t n = strlen(regex), used = 0;

	if (n < 2 || regex[0] != '^' || regex[n - 1] != '$')
		return false;
	for (size_t i = 1; i < n - 1; i++) {
		if (regex[i] == '\\')
			i++;
		if (i >= n - 1 || used + 1 >= size)
			return false;
		buffer[used++] = regex[i];
	}
	buffer[used] = '\0';
	return true;
}

/* A quoted value: quotes inside are doubled. */
static void print_value(FILE *out, const char *key, const char *value)
{
	fprintf(out, "\t\t%s \"", key);
	for (; *value; value++) {
		if (*value == '"')
			fputc('"', out);
		fputc(*value, out);
	}
	fputs("\"\n", out);
}

static void print_array(FILE *out, const struct fragment_array *a)
{
	char regex[2 * INQUIRY_PRODUCT_MAX + 3];

	fputs("\tdevice {\n", out);
	print_value(out, "vendor", fragment_regex(a->vendor, regex, sizeof(regex)));
	print_value(out, "product", fragment_regex(a->product, regex, sizeof(regex)));
	fprintf(out, "\t\t" STOCK_CHECKER "%s\n", a->stock_checker);
	print_value(out, "path_checker", "iscsi");
	print_value(out, "detect_checker", "no");
	print_value(out, "detect_prio", "no");
	if (a->prio[0])
		print_value(out, "prio", a->prio);
	fputs("\t}\n", out);
}

static void print_lun(FILE *out, const struct fragment_lun *lun)
{
	fputs("\tmultipath {\n", out);
	print_value(out, "wwid", lun->wwid);
	print_value(out, "prio", "iscsi");
	/* Also when empty: else those of a stanza of the administrator's would come in.
	 */
	print_value(out, "prio_args", lun->prio_args);
	print_value(out, "path_grouping_policy", "group_by_prio");
	if (lun->selector[0])
		print_value(out, "path_selector", lun->selector);
	print_value(out, "failback", "immediate");
	if (lun->no_path_retry) {
		fprintf(out, "\t\t" STOCK_RETRY "%s\n", lun->stock_retry);
		fprintf(out, "\t\tno_path_retry %u\n", lun->no_path_retry);
	}
	fputs("\t}\n", out);
}

int fragment_print(const struct fragment *f, char **ret_text)
{
	char *text = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);

	if (!out)
		return -ENOMEM;
	fputs(header, out);
	fputs("devices {\n", out);
	for (size_t i = 0; i < f->n_arrays; i++)
		print_array(out, &f->arrays[i]);
	fputs("}\nmultipaths {\n", out);
	for (size_t i = 0; i < f->n_luns; i++)
		print_lun(out, &f->luns[i]);
	fputs("}\n", out);
	if (ferror(out) | fclose(out)) {
		free(text);
		return -ENOMEM;
	}
	*ret_text = text;
	return 0;
}

bool fragment_is_ours(const char *text)
{
	return !strncmp(text, FIRST_LINE "\n", strlen(FIRST_LINE) + 1);
}

/* Parsing: take the values where we would have put them, print, compare. Whatever differs
 * was changed by hand. */
struct reader {
	struct fragment f;
	struct fragment_array *array; /* the open stanza, one of them */
	struct fragment_lun *lun;
	int error;
};

static bool take_array_value(struct fragment_array *a, const char *key, const char *value)
{
	if (!strcmp(key, "vendor"))
		return unregex(value, a->vendor, sizeof(a->vendor));
	if (!strcmp(key, "product"))
		return unregex(value, a->product, sizeof(a->product));
	if (!strcmp(key, "prio"))
		return !copy_text(a->prio, sizeof(a->prio), value);
	return true;
}

static bool take_lun_value(struct fragment_lun *lun, const char *key, const char *value)
{
	uint64_t n;

	if (!strcmp(key, "wwid"))
		return !copy_text(lun->wwid, sizeof(lun->wwid), value);
	if (!strcmp(key, "prio_args"))
		return !copy_text(lun->prio_args, sizeof(lun->prio_args), value);
	if (!strcmp(key, "path_selector"))
		return !copy_text(lun->selector, sizeof(lun->selector), value);
	if (strcmp(key, "no_path_retry"))
		return true;
	if (parse_uint(value, 1, INT_MAX, &n))
		return false;
	lun->no_path_retry = (unsigned int)n;
	return true;
}

static bool take_comment(struct reader *r, const char *comment)
{
	if (r->array && !strncmp(comment, STOCK_CHECKER, strlen(STOCK_CHECKER)))
		return !copy_text(r->array->stock_checker,
				  sizeof(r->array->stock_checker),
				  comment + strlen(STOCK_CHECKER));
	if (r->lun && !strncmp(comment, STOCK_RETRY, strlen(STOCK_RETRY)))
		return !copy_text(r->lun->stock_retry, sizeof(r->lun->stock_retry),
				  comment + strlen(STOCK_RETRY));
	return true;
}

static bool open_stanza(struct reader *r, const char *key)
{
	if (!strcmp(key, "device"))
		r->array = fragment_add_array(&r->f);
	else if (!strcmp(key, "multipath"))
		r->lun = fragment_add_lun(&r->f);
	else
		return true;
	if (!r->array && !r->lun)
		r->error = -ENOMEM;
	return !r->error;
}

static void take_line(struct reader *r, char *line)
{
	char *comment = line + strspn(line, " \t"), *key, *value;
	bool good = true, quoted = strchr(line, '"'); /* wwid "{" opens nothing */

	if (*comment == '#')
		good = take_comment(r, comment);
	else if (!mp_config_line(line, &key, &value))
		return;
	else if (!quoted && !strcmp(value, "{"))
		good = open_stanza(r, key);
	else if (!strcmp(key, "}"))
		r->array = NULL, r->lun = NULL;
	else if (r->array)
		good = take_array_value(r->array, key, value);
	else if (r->lun)
		good = take_lun_value(r->lun, key, value);
	if (!good && !r->error)
		r->error = -EBADMSG;
}

/* Number of the first line in which the texts differ; 0: they are the same. */
static unsigned int first_difference(const char *a, const char *b)
{
	unsigned int line = 1;

	for (; *a && *a == *b; a++, b++)
		line += *a == '\n';
	return *a == *b ? 0 : line;
}

int fragment_parse(const char *text, struct fragment *ret, unsigned int *ret_line)
{
	struct reader r = {0};
	char *copy, *save = NULL, *again = NULL;
	unsigned int line = 1;

	if (!fragment_is_ours(text))
		return -EPERM;
	copy = strdup(text);
	if (!copy)
		return -ENOMEM;
	for (char *at = strtok_r(copy, "\n", &save); at; at = strtok_r(NULL, "\n", &save))
		take_line(&r, at);
	free(copy);
	if (r.error != -ENOMEM) {
		int error = fragment_print(&r.f, &again);

		if (error)
			r.error = error;
		else
			line = first_difference(text, again);
		if (!r.error && line)
			r.error = -EBADMSG;
		free(again);
	}
	if (r.error) {
		fragment_free(&r.f);
		*ret_line = line ? line : 1;
		return r.error;
	}
	*ret = r.f;
	return 0;
}
