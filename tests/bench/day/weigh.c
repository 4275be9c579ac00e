/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <dirent.h>
#include <ftw.h>
#include <stdlib.h>
#include <string.h>

#include "tests/bench/day/day.h"

#define RUNTIME "/run/mpathiscsi"
#define PROBE	"mpathiscsi-prob" /* as long as names of processes are */

static double rss_kib(pid_t pid)
{
	char path[64], line[256];
	double value = 0;
	FILE *in;

	snprintf(path, sizeof(path), "/proc/%d/status", (int)pid);
	in = fopen(path, "re");
	while (in && fgets(line, sizeof(line), in))
		if (!strncmp(line, "VmRSS:", 6))
			value = strtod(line + 6, NULL);
	if (in)
		fclose(in);
	return value;
}

static double entries(const char *format, pid_t pid)
{
	char path[64];
	struct dirent *entry;
	double n = 0;
	DIR *dir;

	snprintf(path, sizeof(path), "/proc/%d/%s", (int)pid, format);
	dir = opendir(path);
	while (dir && (entry = readdir(dir)))
		n += *entry->d_name != '.';
	if (dir)
		closedir(dir);
	return n;
}

static double children(pid_t pid)
{
	char path[64];
	double n = 0;
	FILE *in;
	int child;

	snprintf(path, sizeof(path), "/proc/%d/task/%d/children", (int)pid, (int)pid);
	in = fopen(path, "re");
	while (in && fscanf(in, "%d", &child) == 1)
		n++;
	if (in)
		fclose(in);
	return n;
}

static unsigned int n_files;

static int count_file(const char *path, const struct stat *info, int type, struct FTW *ftw)
{
	(void)path;
	(void)info;
	(void)type;
	(void)ftw;
	n_files++;
	return 0;
}

void weigh(const struct day_world *world, struct weight *ret)
{
	pid_t probe = day_find(PROBE, 0);

	if (!probe)
		scale_die("%.0f s: there is no probe", (double)day_now_ns() / 1e9);
	n_files = 0;
	nftw(RUNTIME, count_file, 16, FTW_PHYS);
	nftw("/etc/mpathiscsi", count_file, 16, FTW_PHYS);
	*ret = (struct weight){
		.heap_kib = (double)day_heap(world->daemon) / 1024,
		.probe_heap_kib = (double)day_heap(probe) / 1024,
		.rss_kib = rss_kib(world->daemon),
		.probe_rss_kib = rss_kib(probe),
		.fds = entries("fd", world->daemon),
		.probe_fds = entries("fd", probe),
		.children = children(world->daemon),
		.files = n_files,
	};
}
