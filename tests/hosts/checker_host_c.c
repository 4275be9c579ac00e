/* SPDX-License-Identifier: GPL-2.0-or-later */
/* multipath-tools 0.15 as a path checker sees it. */
#define LAYOUT 'C'
#include "tests/hosts/fake_host.h"
