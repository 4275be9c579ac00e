/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef MPATHISCSI_FOLD_H
#define MPATHISCSI_FOLD_H

#include <stdio.h>

#define FOLD_WIDTH 80

/* Print 'text' behind 'indent' blanks, broken at blanks so that no line is longer than
 * FOLD_WIDTH (a longer word stands alone); further lines get two blanks more. Ends the line. */
void fold_print(FILE *out, int indent, const char *text);

#endif
