/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef MPATHISCSI_VERSION_H
#define MPATHISCSI_VERSION_H

#define MPATHISCSI_VERSION "0.1.0"

#endif
