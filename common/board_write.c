/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/board_image.h"

/* A publish compares all of a file up to this size with the image, of a larger one the
 * front and the next slice. */
#define CHECK_WHOLE_MAX (1024 * 1024)
#define CHECK_SLICE	(256 * 1024)
#define CHUNK		4096
#define FILE_SIZE_MAX	((off_t)1 << 30)

struct board {
	char *path, *temporary; /* the latter in the same directory, for the rename */
	gid_t gid;		/* (gid_t)-1: leave */
	char boot_id[BOARD_BOOT_ID_MAX];
	int fd;
	struct board_image image; /* what the file must look like */
	bool published;		  /* the file holds what its daemon wants it to hold */
	bool resync;		  /* image and file may differ by our own doing */
	size_t next_check;	  /* where the next slice starts */
};

static int write_exactly(int fd, const void *buffer, size_t size, size_t offset)
{
	const uint8_t *p = buffer;
	ssize_t n;

	while (size > 0) {
		n = pwrite(fd, p, size, (off_t)offset);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		if (n == 0)
			return -ENOSPC;
		p += n;
		offset += (size_t)n;
		size -= (size_t)n;
	}
	return 0;
}

/* Bytes of the file; short at its end. */
static ssize_t read_at(int fd, uint8_t *buffer, size_t size, size_t offset)
{
	size_t have = 0;
	ssize_t n;

	while (have < size) {
		n = pread(fd, buffer + have, size - have, (off_t)(offset + have));
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		if (n == 0)
			break;
		have += (size_t)n;
	}
	return (ssize_t)have;
}

/* Does a part of the file equal the image? An unreadable file does not. */
static bool part_matches(const struct board *board, size_t offset, size_t size)
{
	uint8_t chunk[CHUNK];
	size_t n;

	for (; size > 0; offset += n, size -= n) {
		n = size < sizeof(chunk) ? size : sizeof(chunk);
		if (read_at(board->fd, chunk, n, offset) != (ssize_t)n ||
		    memcmp(chunk, board->image.bytes + offset, n) != 0)
			return false;
	}
	return true;
}

/* A regular file of ours that no reader refuses for its owner or mode. */
static bool stat_is_ours(const struct stat *st)
{
	return S_ISREG(st->st_mode) && st->st_uid == geteuid() && st->st_nlink == 1 &&
	       (st->st_mode & (S_IWGRP | S_IWOTH)) == 0 && (st->st_mode & S_IRUSR);
}

/* Is the file at the path still the one we write, and of its size? */
static bool file_in_place(const struct board *board)
{
	struct stat own, there;

	if (fstat(board->fd, &own) < 0 || lstat(board->path, &there) < 0)
		return false;
	return own.st_dev == there.st_dev && own.st_ino == there.st_ino && stat_is_ours(&own) &&
	       (size_t)own.st_size == board->image.size;
}

/* The next slice to check, wrapping at the end of the file. */
static bool slice_matches(struct board *board)
{
	size_t start = board->next_check, size = board->image.size - start;

	if (size > CHECK_SLICE)
		size = CHECK_SLICE;
	board->next_check = start + size < board->image.size ? start + size : 0;
	return part_matches(board, start, size);
}

static bool file_intact(struct board *board)
{
	if (!file_in_place(board))
		return false;
	if (board->image.size <= CHECK_WHOLE_MAX)
		return part_matches(board, 0, board->image.size);
	return part_matches(board, 0, BOARD_TABLE_OFFSET) && slice_matches(board);
}

/* Create the directory of the board, one level. */
static int make_directory(const char *path)
{
	char *directory = strdup(path), *slash;
	int r = 0;

	if (!directory)
		return -ENOMEM;
	slash = strrchr(directory, '/');
	if (slash && slash != directory) {
		*slash = '\0';
		if (mkdir(directory, 0755) < 0)
			r = errno == EEXIST ? 0 : -errno;
		else if (chmod(directory, 0755) < 0) /* whatever the umask */
			r = -errno;
	}
	free(directory);
	return r;
}

static int open_temporary(const struct board *board)
{
	const int flags = O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC;
	int fd, r;

	if (unlink(board->temporary) < 0 && errno != ENOENT)
		return -errno;
	fd = open(board->temporary, flags, 0600);
	if (fd < 0 && errno == ENOENT) {
		r = make_directory(board->path);
		if (r < 0)
			return r;
		fd = open(board->temporary, flags, 0600);
	}
	return fd < 0 ? -errno : fd;
}

static int fill_file(const struct board *board, int fd, const struct board_image *image)
{
	int r = write_exactly(fd, image->bytes, image->size, 0);

	if (r < 0)
		return r;
	if (board->gid != (gid_t)-1 && fchown(fd, (uid_t)-1, board->gid) < 0)
		return -errno;
	if (fchmod(fd, 0640) < 0 || fsync(fd) < 0)
		return -errno;
	return 0;
}

/* Make 'image' the board: a new file, renamed into place. Takes the image on success. */
static int install_image(struct board *board, struct board_image *image)
{
	int fd = open_temporary(board), r;

	if (fd < 0)
		return fd;
	r = fill_file(board, fd, image);
	if (r == 0 && rename(board->temporary, board->path) < 0)
		r = -errno;
	if (r < 0) {
		unlink(board->temporary);
		close(fd);
		return r;
	}
	if (board->fd >= 0)
		close(board->fd);
	board->fd = fd;
	image_free(&board->image);
	board->image = *image;
	board->next_check = 0;
	board->resync = false;
	return 0;
}

static int write_dirty(const uint8_t *bytes, size_t size, size_t offset, void *arg)
{
	const struct board *board = arg;

	return write_exactly(board->fd, bytes, size, offset);
}

/* Change the file as it is. -EAGAIN: it takes a new one. */
static int update_in_place(struct board *board, const struct board_content *content)
{
	int r;

	board->resync = true; /* until all is done */
	image_begin(&board->image);
	r = image_put_all(&board->image, content);
	if (r == 0)
		r = image_sweep(&board->image);
	if (r == 0)
		r = image_each_dirty(&board->image, write_dirty, board);
	if (r == 0)
		board->resync = false;
	return r;
}

static int replace_file(struct board *board, const struct board_content *content)
{
	struct board_image image;
	int r = image_build(content, board->boot_id, &image);

	if (r < 0)
		return r;
	/* Who beats last is told by the file, also across a repair. */
	*image_beat(&image) = *image_beat(&board->image);
	r = install_image(board, &image);
	if (r < 0)
		image_free(&image);
	return r;
}

static int write_beat(struct board *board, uint64_t now_ns)
{
	struct board_beat *beat = image_beat(&board->image);

	beat->beat_ns = now_ns;
	beat->pid = (uint32_t)getpid();
	beat->sequence++;
	beat->checksum = board_beat_checksum(beat);
	return write_exactly(board->fd, beat, sizeof(*beat), BOARD_BEAT_OFFSET);
}

int board_publish(struct board *board, const struct board_content *content, uint64_t now_ns,
		  bool *ret_repaired)
{
	bool own_doing = board->resync, damaged = !own_doing && !file_intact(board);
	int r = -EAGAIN;

	board->published = false;
	if (!own_doing && !damaged)
		r = update_in_place(board, content);
	if (r == -EAGAIN)
		r = replace_file(board, content);
	if (r == 0)
		r = write_beat(board, now_ns);
	if (r < 0) {
		board->resync = board->resync || !damaged;
		return r;
	}
	board->published = true;
	if (ret_repaired)
		*ret_repaired = damaged;
	return 0;
}

int board_heartbeat(struct board *board, uint64_t now_ns)
{
	int r;

	if (!board->published || !file_in_place(board) ||
	    !part_matches(board, 0, BOARD_TABLE_OFFSET))
		return -ESTALE;
	r = write_beat(board, now_ns);
	if (r < 0) {
		board->resync = true;
		board->published = false;
	}
	return r;
}

/* The whole file, for the caller to free(). -EBADMSG: no file we would trust. */
static int load_file(int fd, uint8_t **ret, size_t *ret_size)
{
	struct stat st;
	uint8_t *bytes;
	ssize_t n;

	if (fstat(fd, &st) < 0)
		return -errno;
	if (!stat_is_ours(&st) || st.st_size < BOARD_TABLE_OFFSET || st.st_size > FILE_SIZE_MAX)
		return -EBADMSG;
	bytes = malloc((size_t)st.st_size);
	if (!bytes)
		return -ENOMEM;
	n = read_at(fd, bytes, (size_t)st.st_size, 0);
	if (n != st.st_size) {
		free(bytes);
		return n < 0 ? (int)n : -EBADMSG;
	}
	*ret = bytes;
	*ret_size = (size_t)st.st_size;
	return 0;
}

/* Give a file that was taken over the mode and group we would have made it with. */
static int settle_mode(const struct board *board, int fd)
{
	if (board->gid != (gid_t)-1 && fchown(fd, (uid_t)-1, board->gid) < 0)
		return -errno;
	return fchmod(fd, 0640) < 0 ? -errno : 0;
}

/* Go on with the file of a previous writer. -ENOENT, -EBADMSG: there is none to go on with. */
static int take_over(struct board *board)
{
	uint8_t *bytes = NULL;
	size_t size = 0;
	int fd, r;

	fd = open(board->path, O_RDWR | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY);
	if (fd < 0)
		return -ENOENT;
	r = load_file(fd, &bytes, &size);
	if (r == 0)
		r = image_adopt(bytes, size, board->boot_id, &board->image);
	if (r < 0) {
		free(bytes);
		close(fd);
		return r;
	}
	board->fd = fd;
	return settle_mode(board, fd);
}

static int start_empty(struct board *board)
{
	struct board_image image;
	int r = image_new(0, 0, board->boot_id, &image);

	if (r < 0)
		return r;
	r = install_image(board, &image);
	if (r < 0)
		image_free(&image);
	return r;
}

static int board_set_paths(struct board *board, const char *path)
{
	size_t length = strlen(path);

	board->path = strdup(path);
	board->temporary = malloc(length + sizeof(".new"));
	if (!board->path || !board->temporary)
		return -ENOMEM;
	memcpy(board->temporary, path, length);
	memcpy(board->temporary + length, ".new", sizeof(".new"));
	return 0;
}

int board_new(const char *path, unsigned int gid, struct board **ret)
{
	struct board *board = calloc(1, sizeof(*board));
	int r;

	if (!board)
		return -ENOMEM;
	board->fd = -1;
	board->gid = gid;
	r = board_set_paths(board, path ? path : BOARD_DEFAULT_PATH);
	if (r == 0)
		r = board_boot_id(board->boot_id);
	if (r == 0)
		r = take_over(board);
	if (r == -ENOENT || r == -EBADMSG)
		r = start_empty(board);
	if (r < 0) {
		board_free(board);
		return r;
	}
	*ret = board;
	return 0;
}

void board_free(struct board *board)
{
	if (!board)
		return;
	if (board->fd >= 0)
		close(board->fd);
	image_free(&board->image);
	free(board->path);
	free(board->temporary);
	free(board);
}
