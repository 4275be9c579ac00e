/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Files that outlive the daemon: what was before the levers were pulled, and what operators have
 * failed. */
#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "common/disk_link.h"
#include "daemon/failed.h"
#include "daemon/quick/levers.h"
#include "daemon/quick/levers_file.h"
#include "daemon/quick/levers_record.h"
#include "tests/fuzz/fuzz.h"

static char path[64];

static void tidy(void)
{
	unlink(path);
}

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	(void)argc;
	(void)argv;
	snprintf(path, sizeof(path), "/dev/shm/fuzz-records.%d", (int)getpid());
	atexit(tidy);
	return 0;
}

static void check_record(struct lever_record *record)
{
	unsigned int host, channel, id;
	uint64_t lun;

	must(!lever_record_empty(record) && record->n_disks <= LEVERS_DISKS_MAX);
	must(!record->socket || (record->inode && connection_known(&record->connection)));
	must(!record->recovery || (record->recovery_before >= -1 && record->recovery_set >= -1));
	for (size_t i = 0; i < record->n_disks; i++) {
		const struct lever_disk *disk = &record->disks[i];

		/* It becomes part of a path in sysfs. */
		must(fuzz_ends(disk->address, sizeof(disk->address)));
		must(!scsi_address_parse(disk->address, &host, &channel, &id, &lun));
		must(disk->before >= -1);
		must(lever_record_find_disk(record, disk->address) == disk);
	}
}

static void levers(const char *text)
{
	struct lever_records records = {.n = 77}, again;
	size_t damaged = 0;
	char *out, *twice;

	must(lever_records_parse(text, &records, &damaged) == 0);
	must(damaged <= fuzz_count_lines(text));
	for (size_t i = 0; i < records.n; i++) {
		must(i == 0 || records.sessions[i - 1].sid < records.sessions[i].sid);
		check_record(&records.sessions[i]);
	}
	must(lever_records_format(&records, &out) == 0);
	must(lever_records_parse(out, &again, &damaged) == 0);
	must(damaged == 0 && again.n == records.n);
	must(lever_records_format(&again, &twice) == 0);
	must(!strcmp(out, twice));
	lever_records_free(&records);
	lever_records_free(&again);
	free(out);
	free(twice);
}

static void failed(const char *text)
{
	struct failed found = {.n = 77}, again;
	char *out, *twice;
	int r = failed_parse(text, &found);

	must(r == 0 || r == -EINVAL);
	must(found.n <= fuzz_count_lines(text));
	for (size_t i = 0; i < found.n; i++)
		must(fuzz_ends(found.entries[i].wwid, sizeof(found.entries[i].wwid)) &&
		     *found.entries[i].wwid);
	must(failed_format(&found, &out) == 0);
	must(failed_parse(out, &again) == 0 && again.n == found.n);
	must(failed_format(&again, &twice) == 0);
	must(!strcmp(out, twice));
	failed_free(&found);
	failed_free(&again);
	free(out);
	free(twice);
}

/* As a file: nothing of it is passed over, a NUL neither. */
static void file(const uint8_t *data, size_t size)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	struct levers_file record;
	char *text;

	must(fd >= 0 && write(fd, data, size) == (ssize_t)size);
	close(fd);
	must(levers_file_new(path, &record) == 0);
	must(levers_file_read(&record, &text) == 0);
	must(strlen(text) == size);
	levers(text);
	free(text);
	levers_file_free(&record);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct fuzz_bytes bytes = {data, size};
	char *text;

	switch (fuzz_byte(&bytes) % 3) {
	case 0:
		file(bytes.data, bytes.size);
		return 0;
	case 1:
		text = fuzz_rest(&bytes);
		levers(text);
		break;
	default:
		text = fuzz_rest(&bytes);
		failed(text);
	}
	free(text);
	return 0;
}
