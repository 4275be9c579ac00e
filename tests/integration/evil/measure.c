/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tests/integration/evil/measure.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

/* The second number of a file of /proc. */
static unsigned long second_number(pid_t pid, const char *name)
{
	char path[64], line[128], *end;
	unsigned long number = 0;
	FILE *file;

	snprintf(path, sizeof(path), "/proc/%d/%s", (int)pid, name);
	file = fopen(path, "re");
	if (!file)
		return 0;
	if (fgets(line, sizeof(line), file)) {
		strtoul(line, &end, 10);
		number = strtoul(end, NULL, 10);
	}
	fclose(file);
	return number;
}

unsigned long measure_rss_kib(pid_t pid)
{
	return second_number(pid, "statm") * (unsigned long)sysconf(_SC_PAGESIZE) / 1024;
}

unsigned int measure_fds(pid_t pid)
{
	unsigned int n = 0;
	const struct dirent *entry;
	char path[64];
	DIR *folder;

	snprintf(path, sizeof(path), "/proc/%d/fd", (int)pid);
	folder = opendir(path);
	if (!folder)
		return 0;
	while ((entry = readdir(folder)))
		n += entry->d_name[0] != '.';
	closedir(folder);
	return n - (pid == getpid()); /* the folder's own */
}

uint64_t measure_cpu_ns(pid_t pid)
{
	struct timespec used;
	clockid_t clock;

	if (clock_getcpuclockid(pid, &clock) || clock_gettime(clock, &used))
		return 0;
	return (uint64_t)used.tv_sec * 1000000000ULL + (uint64_t)used.tv_nsec;
}

uint64_t measure_wait_ns(pid_t pid)
{
	return second_number(pid, "schedstat");
}
