# Host side of the lab, shared by run and shell (sourced): the disks a guest gets and QEMU's command line.
# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash

lab=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
top=$(cd "$lab/../.." && pwd)
build=$top/build

die() { echo "lab: $*" >&2; exit 1; }

# pack_disks WORK PRODUCT SUITE INIT SHELL SCENARIO ARGS…: makes WORK/lab.tar (guest part, library, scenarios,
# tools, the job) and, when the folder PRODUCT exists, WORK/product.tar.
pack_disks() {
	local work=$1 product=$2 suite=$3 init=$4 shell=$5 scenario=$6
	shift 6
	[[ -x $build/lab/tools/ioload ]] || die "$build/lab/tools/ioload is missing: run make first"
	mkdir -p "$work/job.d"
	{
		printf 'job_suite=%q job_init=%q job_shell=%q job_scenario=%q\n' "$suite" "$init" "$shell" "$scenario"
		printf 'job_args=('
		[[ $# == 0 ]] || printf '%q ' "$@"
		printf ')\n'
	} > "$work/job.d/job"
	tar --owner=0 --group=0 -cf "$work/lab.tar" -C "$lab" guest lib scenarios \
		-C "$build/lab" tools -C "$work/job.d" job
	if [[ -d $product ]]; then
		tar --owner=0 --group=0 -cf "$work/product.tar" -C "$product" .
	fi
}

# qemu_command IMAGE WORK MEM SMP: sets the array qemu to the command line all guests share.
qemu_command() {
	local image=$1 work=$2 mem=$3 smp=$4
	local drive=if=virtio,format=raw,readonly=on,cache=unsafe,file=
	local clock=''
	[[ ! -x $build/lab/tools/hostticks ]] || clock="tsc_early_khz=$("$build/lab/tools/hostticks") "
	qemu=(qemu-system-x86_64 -accel "tcg,thread=multi" -cpu "${LAB_CPU:-qemu64,+rdrand,+ssse3,+sse4.1,+sse4.2,+popcnt}"
		-machine pc -m "$mem" -smp "$smp"
		-nodefaults -no-user-config -display none -no-reboot -nic none
		-kernel "$image/kernel" -initrd "$image/initramfs"
		-append "console=ttyS0 quiet panic=-1 mitigations=off nokaslr tsc=reliable ${clock}net.ifnames=0"
		-drive "$drive$image/root.squashfs" -drive "$drive$work/lab.tar"
		-device virtio-serial)
	if [[ -f $work/product.tar ]]; then
		qemu+=(-drive "$drive$work/product.tar")
	fi
}

# header KEY DEFAULT FILE: the value of KEY in the scenario's "# lab: key=value …" line.
header() {
	local line
	line=$(grep -m 1 '^# lab:' "$3" || true)
	[[ $line =~ [[:space:]]$1=([^[:space:]]+) ]] && echo "${BASH_REMATCH[1]}" || echo "$2"
}
