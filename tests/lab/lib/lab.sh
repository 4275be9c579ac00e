# The scenario library: source this one file. It loads the others, makes the shell strict, and sees to
# it that a scenario that fails says why and leaves its results.
# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash disable=SC2034 # variables are for other files

set -Eeuo pipefail
LAB=${LAB:-/lab} LAB_VAR=${LAB_VAR:-/run/lab} LAB_OUT=${LAB_OUT:-/run/lab/out}
LAB_INIT=${LAB_INIT:-script} LAB_SUITE=${LAB_SUITE:-unknown} LAB_SCENARIO=${LAB_SCENARIO:-none}
mkdir -p "$LAB_VAR" "$LAB_OUT"

for lab_part in say wait result net tgt lio target session multipath product fault load measure ours watch loads quick; do
	# shellcheck source=/dev/null
	. "$LAB/lib/$lab_part.sh"
done
unset lab_part

exec {LAB_STDOUT}>&1
rm -f "$LAB_VAR/failure"
clock_start
trap 'exit 1' TERM
trap 'fail "command failed with status $?: $BASH_COMMAND (${BASH_SOURCE[0]##*/}:$LINENO)"' ERR
trap 'result_write $?' EXIT
