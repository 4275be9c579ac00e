# The fault matrix with LIO, what `make check` runs of it: a portal that falls silent, LUNs that hang. Arguments: as of faults.sh.
# lab: init=script timeout=2700
# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash source=/dev/null
. /lab/scenarios/faults.sh family=lun faults="cut hang" "$@"
