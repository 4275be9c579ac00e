/* SPDX-License-Identifier: GPL-2.0-or-later */
/* multipath-tools 0.8.6 to 0.10 as a path checker sees it. */
#define LAYOUT 'A'
#include "tests/hosts/fake_host.h"
