/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef MPATHISCSI_EVIL_HEALTHY_H
#define MPATHISCSI_EVIL_HEALTHY_H

/* The healthy portal beside the evil ones. */
#define HEALTHY_NAME	  "iqn.2026-01.example.tgt:healthy"
#define HEALTHY_PORTAL	  "127.0.0.1:3260"
#define HEALTHY_INITIATOR "iqn.2026-01.example.host:evil"

#endif
