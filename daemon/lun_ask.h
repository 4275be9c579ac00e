/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef MPATHISCSI_LUN_ASK_H
#define MPATHISCSI_LUN_ASK_H

/*
 * Does a LUN answer TEST UNIT READY? Opening the device and asking may both sleep, so a
 * thread does it that nobody waits for.
 */

enum lun_ask_state {
	LUN_ASK_RUNNING,
	LUN_ASK_GOOD, /* the path works: good, busy, reserved, recovered error */
	LUN_ASK_BAD,
};

struct lun_ask;

/* 'device': "sda". -ENOMEM; another -errno: no thread to be had. */
int lun_ask_start(const char *device, struct lun_ask **ret);
enum lun_ask_state lun_ask_state(struct lun_ask *ask);
void lun_ask_put(struct lun_ask *ask); /* NULL is fine; one that runs ends by itself */

#endif
