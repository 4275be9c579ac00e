/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>

#include "checker/sense.h"

/* SAM-5 5.3.1 */
#define STATUS_GOOD		    0x00
#define STATUS_CHECK_CONDITION	    0x02
#define STATUS_BUSY		    0x08
#define STATUS_RESERVATION_CONFLICT 0x18
#define STATUS_TASK_SET_FULL	    0x28
#define STATUS_TASK_ABORTED	    0x40
#define STATUS_MASK		    0x7e /* the other bits are vendor's and reserved */

/* linux/include/scsi/scsi_status.h; not a uapi header, the values never change */
#define HOST_OK			 0x00
#define HOST_NO_CONNECT		 0x01
#define HOST_BUS_BUSY		 0x02
#define HOST_TIME_OUT		 0x03
#define HOST_BAD_TARGET		 0x04
#define HOST_ABORT		 0x05
#define HOST_RESET		 0x08
#define HOST_SOFT_ERROR		 0x0b
#define HOST_IMM_RETRY		 0x0c
#define HOST_REQUEUE		 0x0d
#define HOST_DISRUPTED		 0x0e
#define HOST_FAILFAST		 0x0f

#define DRIVER_MASK    0x0f
#define DRIVER_SENSE   0x08
#define DRIVER_TIMEOUT 0x06

#define KEY_RECOVERED	 0x1
#define KEY_NOT_READY	 0x2
#define KEY_MEDIUM	 0x3
#define KEY_HARDWARE	 0x4
#define KEY_ILLEGAL	 0x5
#define KEY_ATTENTION	 0x6
#define KEY_ABORTED	 0xb

static int decode_fixed(const uint8_t *data, size_t size, struct scsi_sense *ret)
{
	struct scsi_sense sense = { .deferred = (data[0] & 0x7f) == 0x71 };

	if (size < 3)
		return -EINVAL;
	sense.key = data[2] & 0x0f;
	/* byte 7: how many bytes follow it; 13 is the last one we want */
	if (size > 13 && data[7] >= 13 - 7) {
		sense.has_asc = true;
		sense.asc = data[12];
		sense.ascq = data[13];
	}
	*ret = sense;
	return 0;
}

static int decode_descriptor(const uint8_t *data, size_t size, struct scsi_sense *ret)
{
	struct scsi_sense sense = { .deferred = (data[0] & 0x7f) == 0x73 };

	if (size < 2)
		return -EINVAL;
	sense.key = data[1] & 0x0f;
	if (size > 3) {
		sense.has_asc = true;
		sense.asc = data[2];
		sense.ascq = data[3];
	}
	*ret = sense;
	return 0;
}

int sense_decode(const uint8_t *data, size_t size, struct scsi_sense *ret)
{
	if (!data || size < 1)
		return -EINVAL;
	switch (data[0] & 0x7f) {
	case 0x70:
	case 0x71:
		return decode_fixed(data, size, ret);
	case 0x72:
	case 0x73:
		return decode_descriptor(data, size, ret);
	default:
		return -EINVAL;
	}
}

/* SPC-5 annex F, additional sense code 04h: logical unit not ready */
static enum scsi_result classify_not_ready(const struct scsi_sense *sense)
{
	if (!sense->has_asc || sense->asc != 0x04)
		return SCSI_NOT_READY;
	switch (sense->ascq) {
	case 0x01:
		return SCSI_BECOMING_READY;
	case 0x02:
		return SCSI_NEEDS_START;
	case 0x0a:
		return SCSI_TRANSITION;
	case 0x0b:
		return SCSI_STANDBY;
	case 0x0c:
		return SCSI_UNAVAILABLE;
	default:
		return SCSI_NOT_READY;
	}
}

static enum scsi_result classify_sense(const struct scsi_sense *sense)
{
	switch (sense->key) {
	case KEY_RECOVERED:
		return SCSI_RECOVERED;
	case KEY_NOT_READY:
		return classify_not_ready(sense);
	case KEY_MEDIUM:
		return SCSI_MEDIUM_ERROR;
	case KEY_HARDWARE:
		return SCSI_HARDWARE_ERROR;
	case KEY_ILLEGAL:
		if (sense->has_asc && sense->asc == 0x25 && sense->ascq == 0x00)
			return SCSI_LUN_GONE;
		return SCSI_ILLEGAL_REQUEST;
	case KEY_ATTENTION:
		return SCSI_UNIT_ATTENTION;
	case KEY_ABORTED:
		return SCSI_ABORTED;
	default:
		return SCSI_CHECK;
	}
}

static enum scsi_result classify_host(uint16_t host)
{
	switch (host) {
	case HOST_NO_CONNECT:
	case HOST_BAD_TARGET:
		return SCSI_NO_CONNECT;
	case HOST_FAILFAST:
		return SCSI_FAILFAST;
	case HOST_DISRUPTED:
		return SCSI_DISRUPTED;
	case HOST_TIME_OUT:
		return SCSI_HOST_TIMEOUT;
	case HOST_BUS_BUSY:
	case HOST_RESET:
	case HOST_SOFT_ERROR:
	case HOST_IMM_RETRY:
	case HOST_REQUEUE:
		return SCSI_HOST_RETRY;
	case HOST_ABORT:
	default:
		return SCSI_HOST_ERROR;
	}
}

static enum scsi_result classify_status(uint8_t status)
{
	switch (status) {
	case STATUS_GOOD:
		return SCSI_GOOD;
	case STATUS_CHECK_CONDITION:
		return SCSI_CHECK;
	case STATUS_BUSY:
	case STATUS_TASK_SET_FULL:
		return SCSI_BUSY;
	case STATUS_TASK_ABORTED:
		return SCSI_ABORTED;
	default:
		return SCSI_STATUS;
	}
}

enum scsi_result scsi_classify(const struct scsi_end *end)
{
	uint8_t status = end->status & STATUS_MASK;
	uint16_t driver = end->driver & DRIVER_MASK;
	struct scsi_sense sense;

	if (status == STATUS_RESERVATION_CONFLICT)
		return SCSI_RESERVATION_CONFLICT;
	if (end->host != HOST_OK)
		return classify_host(end->host);
	if (status == STATUS_CHECK_CONDITION || driver == DRIVER_SENSE) {
		if (sense_decode(end->sense, end->sense_size, &sense))
			return SCSI_CHECK;
		/* about a command of the past: the present one was not executed */
		if (sense.deferred)
			return SCSI_UNIT_ATTENTION;
		return classify_sense(&sense);
	}
	if (driver == DRIVER_TIMEOUT)
		return SCSI_HOST_TIMEOUT;
	if (driver != 0)
		return SCSI_HOST_ERROR;
	return classify_status(status);
}

bool scsi_result_retry(enum scsi_result result)
{
	switch (result) {
	case SCSI_UNIT_ATTENTION:
	case SCSI_ABORTED:
	case SCSI_HOST_RETRY:
	case SCSI_HOST_ERROR:
		return true;
	default:
		return false;
	}
}

static const char *const result_text[] = {
	[SCSI_GOOD] = "good",
	[SCSI_RECOVERED] = "recovered error",
	[SCSI_RESERVATION_CONFLICT] = "reservation conflict",
	[SCSI_BUSY] = "busy",
	[SCSI_STANDBY] = "target port in standby state",
	[SCSI_TRANSITION] = "asymmetric access state transition",
	[SCSI_UNAVAILABLE] = "target port in unavailable state",
	[SCSI_BECOMING_READY] = "not ready, becoming ready",
	[SCSI_NEEDS_START] = "not ready, needs to be started",
	[SCSI_NOT_READY] = "not ready",
	[SCSI_UNIT_ATTENTION] = "unit attention again and again",
	[SCSI_LUN_GONE] = "logical unit not supported (unmapped at the target)",
	[SCSI_ILLEGAL_REQUEST] = "illegal request",
	[SCSI_MEDIUM_ERROR] = "medium error",
	[SCSI_HARDWARE_ERROR] = "hardware error",
	[SCSI_ABORTED] = "command aborted by the target",
	[SCSI_CHECK] = "check condition without usable sense data",
	[SCSI_STATUS] = "unknown SCSI status",
	[SCSI_NO_CONNECT] = "no connection to the device",
	[SCSI_FAILFAST] = "transport failed",
	[SCSI_DISRUPTED] = "connection lost",
	[SCSI_HOST_TIMEOUT] = "timed out in the kernel",
	[SCSI_HOST_RETRY] = "host adapter asks for retries",
	[SCSI_HOST_ERROR] = "host adapter error",
	[SCSI_NO_DEVICE] = "the device accepts no commands",
	[SCSI_UNSUPPORTED] = "not a SCSI device",
};
_Static_assert(sizeof(result_text) / sizeof(result_text[0]) == SCSI_RESULT_MAX,
	       "every result has a text");

const char *scsi_result_text(enum scsi_result result)
{
	if ((unsigned int)result >= SCSI_RESULT_MAX)
		return "unknown result";
	return result_text[result];
}
