/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef MPATHISCSI_SENSE_H
#define MPATHISCSI_SENSE_H

/*
 * What the end of a SCSI command says about the path it took. Pure: bytes in, enum out.
 * Sources: SPC-5 4.4 (sense data formats), SAM-5 5.3 (status codes), linux
 * include/scsi/scsi_status.h (host and driver bytes).
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct scsi_sense {
	bool deferred; /* reports an earlier command, not this one */
	bool has_asc;  /* long enough for asc and ascq */
	uint8_t key, asc, ascq;
};

/*
 * Decode fixed (70h, 71h) and descriptor (72h, 73h) sense of 'size' bytes. Never reads
 * past 'size' nor past the length the data itself states. -EINVAL: too short or no sense
 * data at all; *ret is then untouched.
 */
int sense_decode(const uint8_t *data, size_t size, struct scsi_sense *ret);

/* One finished command, as SG_IO returns it (the status bytes of struct sg_io_hdr). */
struct scsi_end {
	uint8_t status;		/* SAM status */
	uint16_t host, driver;	/* DID_xxx, DRIVER_xxx */
	const uint8_t *sense;
	size_t sense_size;	/* bytes written, 0 none */
};

/* From "fine" to "no idea"; what each means for the path is verdict.c's business. */
enum scsi_result {
	SCSI_GOOD,
	SCSI_RECOVERED,		   /* 01: done, with a remark */
	SCSI_RESERVATION_CONFLICT, /* somebody else's reservation: the path works */
	SCSI_BUSY,		   /* BUSY, TASK SET FULL: the target answers */
	SCSI_STANDBY,		   /* 02/04/0B */
	SCSI_TRANSITION,	   /* 02/04/0A: access state changing */
	SCSI_UNAVAILABLE,	   /* 02/04/0C */
	SCSI_BECOMING_READY,	   /* 02/04/01 */
	SCSI_NEEDS_START,	   /* 02/04/02 */
	SCSI_NOT_READY,		   /* 02/other */
	SCSI_UNIT_ATTENTION,	   /* 06: ask again */
	SCSI_LUN_GONE,		   /* 05/25/00: logical unit not supported */
	SCSI_ILLEGAL_REQUEST,	   /* 05/other */
	SCSI_MEDIUM_ERROR,	   /* 03 */
	SCSI_HARDWARE_ERROR,	   /* 04 */
	SCSI_ABORTED,		   /* 0B, and status TASK ABORTED */
	SCSI_CHECK,		   /* CHECK CONDITION with any other or no sense */
	SCSI_STATUS,		   /* any other status byte */
	SCSI_NO_CONNECT,	   /* host: no such device or it went away */
	SCSI_FAILFAST,		   /* host: transport failed for good (recovery expired) */
	SCSI_DISRUPTED,		   /* host: connection lost while the command ran */
	SCSI_HOST_TIMEOUT,	   /* host: not answered within the command's timeout */
	SCSI_HOST_RETRY,	   /* host: asks for another try */
	SCSI_HOST_ERROR,	   /* host or driver: any other failure */
	SCSI_NO_DEVICE,		   /* the ioctl itself failed: device offline or removed */
	SCSI_UNSUPPORTED,	   /* the ioctl does not exist here: not a SCSI device */
	SCSI_RESULT_MAX
};

/* The order of judgement is that of multipathd's own tur checker (reservation conflict
 * first, then host byte, then sense), refined. A sense is looked at only with CHECK
 * CONDITION or with a driver byte that announces it (kernels before 5.14). */
enum scsi_result scsi_classify(const struct scsi_end *end);

/* Worth sending the same command again at once, a bounded number of times? */
bool scsi_result_retry(enum scsi_result result);

/* A phrase for people: "not ready, becoming ready", "reservation conflict" … */
const char *scsi_result_text(enum scsi_result result);

#endif
