/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef TESTS_DESCRIPTORS_H
#define TESTS_DESCRIPTORS_H

/* How many descriptors this process has open, for comparison. Include after <cmocka.h>. */

#include <dirent.h>

static inline unsigned int open_descriptors(void)
{
	DIR *dir = opendir("/proc/self/fd");
	unsigned int n = 0;

	assert_non_null(dir);
	while (readdir(dir))
		n++;
	closedir(dir);
	return n;
}

#endif
