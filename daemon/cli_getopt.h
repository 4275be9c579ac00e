/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef MPATHISCSI_CLI_GETOPT_H
#define MPATHISCSI_CLI_GETOPT_H

#include <getopt.h>

/* getopt_long(), but what is wrong is said by cli_error(): '?' comes with a sentence that names the
 * option, on stderr and at the end in JSON. */
int cli_getopt(int argc, char **argv, const char *letters, const struct option *options);

#endif
