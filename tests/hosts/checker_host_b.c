/* SPDX-License-Identifier: GPL-2.0-or-later */
/* multipath-tools 0.11 to 0.14 as a path checker sees it. */
#define LAYOUT 'B'
#include "tests/hosts/fake_host.h"
