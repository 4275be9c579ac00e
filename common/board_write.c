/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/board_file.h"
#include "common/board_image.h"

/* A publish of everything compares all of a file up to this size with the image, of a larger one
 * the front and the next slice; one of the sessions, which comes twice a second, the front and a
 * smaller slice. */
#define CHECK_WHOLE_MAX	   (1024 * 1024)
#define CHECK_SLICE	   (256 * 1024)
#define CHECK_SLICE_OFTEN  (8 * 1024)
#define CHUNK		   4096

struct board {
	struct board_place place;
	char boot_id[BOARD_BOOT_ID_MAX];
	int fd;
	struct board_image image; /* what the file must look like */
	bool published;		  /* the file holds what its daemon wants it to hold */
	bool resync;		  /* image and file may differ by our own doing */
	size_t next_check;	  /* where the next slice starts */
};

/* Does a part of the file equal the image? An unreadable file does not. */
static bool part_matches(const struct board *board, size_t offset, size_t size)
{
	uint8_t chunk[CHUNK];
	size_t n;

	for (; size > 0; offset += n, size -= n) {
		n = size < sizeof(chunk) ? size : sizeof(chunk);
		if (board_file_read(board->fd, chunk, n, offset) != (ssize_t)n ||
		    memcmp(chunk, board->image.bytes + offset, n) != 0)
			return false;
	}
	return true;
}

/* Is the file at the path still the one we write, and of its size? */
static bool file_in_place(const struct board *board)
{
	struct stat own, there;

	if (fstat(board->fd, &own) < 0 || lstat(board->place.path, &there) < 0)
		return false;
	return own.st_dev == there.st_dev && own.st_ino == there.st_ino && board_file_is_ours(&own) &&
	       (size_t)own.st_size == board->image.size;
}

/* The next slice to check, wrapping at the end of the file. */
static bool slice_matches(struct board *board, size_t slice)
{
	size_t start = board->next_check, size = board->image.size - start;

	if (size > slice)
		size = slice;
	if (!part_matches(board, start, size))
		return false; /* the next one to look must see it, too */
	board->next_check = start + size < board->image.size ? start + size : 0;
	return true;
}

static bool file_intact(struct board *board, size_t slice)
{
	if (!file_in_place(board))
		return false;
	if (slice == CHECK_SLICE && board->image.size <= CHECK_WHOLE_MAX)
		return part_matches(board, 0, board->image.size);
	return part_matches(board, 0, BOARD_TABLE_OFFSET) && slice_matches(board, slice);
}

/* Tell those who keep the old file open that it is the board no more. Whom this does not reach
 * finds the beat to be stale. */
static void retire_file(struct board *board)
{
	struct board_beat beat = { .beat_ns = BOARD_RETIRED, .pid = (uint32_t)getpid() };

	if (board->fd < 0)
		return;
	beat.checksum = board_beat_checksum(&beat);
	board_file_write(board->fd, &beat, sizeof(beat), BOARD_BEAT_OFFSET);
	close(board->fd);
}

/* Make 'image' the board: a new file, renamed into place. Takes the image on success. */
static int install_image(struct board *board, struct board_image *image)
{
	int fd = board_file_replace(&board->place, image->bytes, image->size);

	if (fd < 0)
		return fd;
	retire_file(board);
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

	return board_file_write(board->fd, bytes, size, offset);
}

/* Change the file as it is. -EAGAIN: it takes a new one. On failure image and file differ. */
static int update_in_place(struct board *board, const struct board_content *content)
{
	int r;

	image_begin(&board->image);
	r = image_put_all(&board->image, content);
	if (r == 0)
		r = image_sweep(&board->image);
	if (r == 0)
		r = image_each_dirty(&board->image, write_dirty, board);
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
	return board_file_write(board->fd, beat, sizeof(*beat), BOARD_BEAT_OFFSET);
}

int board_publish(struct board *board, const struct board_content *content, uint64_t now_ns,
		  bool *ret_repaired)
{
	bool own_doing = board->resync, damaged = !own_doing && !file_intact(board, CHECK_SLICE);
	int r = -EAGAIN;

	board->published = false;
	if (!own_doing && !damaged)
		r = update_in_place(board, content);
	if (r == -EAGAIN)
		r = replace_file(board, content);
	if (r == 0)
		r = write_beat(board, now_ns);
	if (r < 0) {
		/* Damage is found, and told, again; what we did ourselves is not damage. */
		board->resync = board->resync || !damaged;
		return r;
	}
	board->published = true;
	if (ret_repaired)
		*ret_repaired = damaged;
	return 0;
}

int board_publish_sessions(struct board *board, const struct board_session *sessions, size_t n,
			   uint64_t now_ns)
{
	int r;

	if (!board->published || board->resync || !file_intact(board, CHECK_SLICE_OFTEN))
		return -ESTALE;
	r = image_put_sessions(&board->image, sessions, n);
	if (r == 0)
		r = image_each_dirty(&board->image, write_dirty, board);
	if (r == 0)
		r = write_beat(board, now_ns);
	if (r == 0)
		return 0;
	board->published = false;
	board->resync = true; /* image and file differ */
	return r == -EAGAIN ? -ESTALE : r;
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

/* Go on with the file of a previous writer. -ENOENT, -EBADMSG: there is none to go on with. */
static int take_over(struct board *board)
{
	uint8_t *bytes = NULL;
	size_t size = 0;
	int fd, r;

	fd = board_file_open(&board->place, &bytes, &size);
	if (fd < 0)
		return fd;
	r = image_adopt(bytes, size, board->boot_id, &board->image);
	if (r < 0) {
		free(bytes);
		close(fd);
		return r;
	}
	board->fd = fd;
	return 0;
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

int board_new(const char *path, unsigned int gid, struct board **ret)
{
	struct board *board = calloc(1, sizeof(*board));
	int r;

	if (!board)
		return -ENOMEM;
	board->fd = -1;
	r = board_place_new(path ? path : BOARD_DEFAULT_PATH, gid, &board->place);
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

int board_set_group(struct board *board, unsigned int gid)
{
	if (fchown(board->fd, (uid_t)-1, gid) < 0)
		return -errno;
	board->place.gid = gid;
	return 0;
}

void board_free(struct board *board)
{
	if (!board)
		return;
	if (board->fd >= 0)
		close(board->fd);
	image_free(&board->image);
	board_place_free(&board->place);
	free(board);
}
