/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "daemon/cli_getopt.h"

#include <string.h>

#include "daemon/cli.h"

/* Both forms of an option have its letter, or the number that the long one stands for. */
static const struct option *option_of(const struct option *options, int value)
{
	for (; options->name; options++)
		if (options->val == value)
			return options;
	return NULL;
}

/* getopt(3): optopt is the option that lacks its value or has one too many, or the letter that is
 * none; 0 for a word that is none. */
int cli_getopt(int argc, char **argv, const char *letters, const struct option *options)
{
	int option;

	opterr = 0; /* it would write to stderr itself, and only there */
	option = getopt_long(argc, argv, letters, options, NULL);
	opterr = 1;
	if (option != '?')
		return option;
	if (!optopt)
		cli_error("%s: no such option, or short for several; see --help", argv[optind - 1]);
	else if (!option_of(options, optopt))
		cli_error("-%c: no such option; see --help", optopt);
	else
		cli_error("--%s %s; see --help", option_of(options, optopt)->name,
			  option_of(options, optopt)->has_arg == no_argument ? "takes no value"
									     : "needs a value");
	return option;
}
