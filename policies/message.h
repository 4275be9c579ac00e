/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef MPATHISCSI_POLICY_MESSAGE_H
#define MPATHISCSI_POLICY_MESSAGE_H

/* Building texts and messages. Shared by the files of policies/ alone. */

#include <stddef.h>

/* A word of the user's fit to be quoted: 48 bytes of it, dots for the rest, and its NUL. */
#define QUOTED_MAX 52

/* Write a message of at most POLICY_MESSAGE_MAX bytes, NUL included; too long is cut. */
void policy_say(char *message, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* The first 'length' bytes of 'word' for a message: what is not printable ASCII becomes '?',
 * what is too long ends in "...". 'buffer' holds QUOTED_MAX bytes. Returns 'buffer'. */
const char *policy_quote(const char *word, size_t length, char *buffer);

/* Text that grows in a buffer of fixed size; what does not fit is only counted. */
struct policy_text {
	char *buffer;
	size_t size, length; /* length: what it would be with room enough, as snprintf() */
};

void policy_add(struct policy_text *text, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

#endif
