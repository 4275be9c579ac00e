/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <stdint.h>
#include <string.h>
#include <sys/ioctl.h>

#include <scsi/sg.h>

#include "checker/lun_test.h"
#include "common/clock.h"

#define OP_TEST_UNIT_READY 0x00
#define OP_READ_10	   0x28
#define SENSE_SIZE	   64

struct command {
	uint8_t cdb[10];
	uint8_t cdb_size;
	void *data;
	size_t data_size;
};

static enum scsi_result failed_ioctl(int error)
{
	/* a driver without SG_IO says one of these: stock's tur looks for ENOTTY */
	if (error == ENOTTY || error == EOPNOTSUPP || error == ENOSYS)
		return SCSI_UNSUPPORTED;
	return SCSI_NO_DEVICE;
}

static enum scsi_result send_once(int fd, struct command *command, unsigned int timeout_ms,
				  int *ret_error)
{
	uint8_t sense[SENSE_SIZE] = { 0 };
	struct sg_io_hdr io = {
		.interface_id = 'S',
		.dxfer_direction = command->data ? SG_DXFER_FROM_DEV : SG_DXFER_NONE,
		.cmd_len = command->cdb_size,
		.mx_sb_len = sizeof(sense),
		.dxfer_len = (unsigned int)command->data_size,
		.dxferp = command->data,
		.cmdp = command->cdb,
		.sbp = sense,
		.timeout = timeout_ms,
	};

	if (ioctl(fd, SG_IO, &io) < 0) {
		*ret_error = -errno;
		return failed_ioctl(errno);
	}
	*ret_error = 0;
	return scsi_classify(&(struct scsi_end){
		.status = io.status,
		.host = io.host_status,
		.driver = io.driver_status,
		.sense = sense,
		.sense_size = io.sb_len_wr < SENSE_SIZE ? io.sb_len_wr : SENSE_SIZE,
	});
}

/* Send until there is an answer that is one, the tries are used up, or time is over. */
static void send_command(int fd, struct command *command, unsigned int timeout_ms,
			 uint64_t deadline_ns, struct lun_answer *answer)
{
	int tries = LUN_TEST_TRIES;

	do {
		answer->result = send_once(fd, command, timeout_ms, &answer->error);
		answer->again = answer->again || scsi_result_retry(answer->result);
	} while (scsi_result_retry(answer->result) && --tries && clock_now_ns() < deadline_ns);
}

void lun_test(int fd, unsigned int timeout_ms, const struct lun_read *wanted,
	      struct lun_answer *ret)
{
	uint64_t deadline_ns = clock_now_ns() + timeout_ms * NS_PER_MS;
	struct command ready = { .cdb = { OP_TEST_UNIT_READY }, .cdb_size = 6 };
	/* block address 0, one block */
	struct command read = {
		.cdb = { OP_READ_10, 0, 0, 0, 0, 0, 0, 0, 1, 0 },
		.cdb_size = 10,
		.data = wanted->block,
		.data_size = wanted->size,
	};
	struct lun_answer answer = { .result = SCSI_GOOD };

	if (!wanted->size || !wanted->alone)
		send_command(fd, &ready, timeout_ms, deadline_ns, &answer);
	if (answer.result == SCSI_GOOD && wanted->size) {
		answer.read = true;
		send_command(fd, &read, timeout_ms, deadline_ns, &answer);
	}
	*ret = answer;
}
