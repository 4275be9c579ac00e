/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef MPATHISCSI_FRAGMENT_H
#define MPATHISCSI_FRAGMENT_H

/*
 * The one file of multipathd's configuration that is ours, as a value: printed, parsed
 * back and changed. Pure. Comments in it keep what was in force without us, so that
 * enabling again, when multipathd only shows our own settings, decides as it did the
 * first time.
 */

#include <stdbool.h>
#include <stddef.h>

#include "common/identity.h"
#include "daemon/multipathd_parse.h"

#define FRAGMENT_NAME "mpathiscsi.conf"

/* multipathd cuts prio_args at 254 bytes without a word (PRIO_ARGS_LEN 255, with the NUL;
 * one byte is kept as reserve). */
#define FRAGMENT_PRIO_ARGS_MAX 253

#define FRAGMENT_STOCK_MAX 32
#define FRAGMENT_SELECTOR_MAX 48

/* devices { device {} }: an array seen over software iSCSI. */
struct fragment_array {
	char vendor[INQUIRY_VENDOR_MAX];
	char product[INQUIRY_PRODUCT_MAX];
	char prio[16]; /* for LUNs without a stanza; "": leave it */
	char stock_checker[FRAGMENT_STOCK_MAX]; /* path_checker without us; "unknown" */
};

/* multipaths { multipath {} }: a LUN on software iSCSI. */
struct fragment_lun {
	char wwid[MP_NAME_MAX];
	char prio_args[FRAGMENT_PRIO_ARGS_MAX + 1]; /* the policy's text; "" none */
	char selector[FRAGMENT_SELECTOR_MAX]; /* "round-robin 0"; "": multipathd's own */
	unsigned int no_path_retry;		    /* polling intervals; 0: leave it */
	char stock_retry[FRAGMENT_STOCK_MAX]; /* no_path_retry without us, if we set it */
};

struct fragment {
	struct fragment_array *arrays;
	size_t n_arrays;
	struct fragment_lun *luns;
	size_t n_luns;
};

void fragment_free(struct fragment *f); /* what it holds; not *f */

/* Add a zeroed element. NULL: no memory. The pointer is good until the next one is added.
 */
struct fragment_array *fragment_add_array(struct fragment *f);
struct fragment_lun *fragment_add_lun(struct fragment *f);

struct fragment_array *fragment_array_find(const struct fragment *f, const char *vendor,
					   const char *product);
struct fragment_lun *fragment_lun_find(const struct fragment *f, const char *wwid);

/* Order by name: the same contents give the same file. */
void fragment_sort(struct fragment *f);

/* The file's text; free() it. -ENOMEM. fragment_sort() first. */
int fragment_print(const struct fragment *f, char **ret_text);

/* Does this text begin with our first line? */
bool fragment_is_ours(const char *text);

/*
 * Parse what fragment_print() wrote. -EPERM: not ours; -EBADMSG: changed by hand,
 * *ret_line is the number of the first line that is not as we write it; -ENOMEM.
 */
int fragment_parse(const char *text, struct fragment *ret, unsigned int *ret_line);

/*
 * An extended regular expression (as multipathd searches for, quoted by the caller) that
 * matches 'text' and nothing else: anchored, special characters escaped. Returns
 * 'buffer'; 2 × strlen + 3 bytes are enough.
 */
const char *fragment_regex(const char *text, char *buffer, size_t size);

/* Can this text stand in a quoted value of the fragment? (printable ASCII, or blanks) */
bool fragment_text_fits(const char *text);

#endif
