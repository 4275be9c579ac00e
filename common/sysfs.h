/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef MPATHISCSI_SYSFS_H
#define MPATHISCSI_SYSFS_H

/*
 * Small attribute files below sysfs, read relative to a directory descriptor. Nothing here
 * allocates or waits; every buffer is bounded and small (multipathd's threads have stacks
 * of 32 KiB).
 */

#include <stddef.h>
#include <stdint.h>

/* Directory 'name' below descriptor 'at', as an O_PATH descriptor the caller closes. */
int sysfs_open_dir(int at, const char *name);

/* The mount point: 'sysfs', or /sys when NULL. Descriptor as above, or -errno. */
int sysfs_open_root(const char *sysfs);

/*
 * Read a whole attribute, one trailing newline removed. 0; -ENOBUFS: longer than the
 * buffer; -EINVAL: contains NUL bytes; other -errno of open or read. 'buffer' is all
 * zero behind the text, and everywhere on failure.
 */
int sysfs_read(int at, const char *name, char *buffer, size_t size);

/*
 * The same for one line of printable ASCII. A value of the kernel's "(null)" is no value:
 * 'buffer' is then "". Anything else (-EINVAL) too.
 */
int sysfs_text(int at, const char *name, char *buffer, size_t size);

/* A decimal number in min…max, *ret written on success only. -EINVAL, -ERANGE, -errno. */
int sysfs_number(int at, const char *name, uint64_t min, uint64_t max, uint64_t *ret);

/* The target of a symbolic link. 0, -ENOBUFS, -errno (-EINVAL: not a link). */
int sysfs_link(int at, const char *name, char *buffer, size_t size);

/*
 * Call fn for each entry but "." and ".." of directory 'name' below 'at'; 'dir' is its
 * descriptor. Stops when fn returns non-zero and returns that. A directory that vanishes
 * while we read it has no further entries. -errno when it cannot be opened.
 */
int sysfs_each(int at, const char *name, int (*fn)(int dir, const char *entry, void *arg),
	       void *arg);

#endif
