# What a process holds and uses: memory, descriptors, threads, mapped files, processor time; and whether it is the one it was.
# Sourced by the scenarios that ask.
# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash disable=SC2034 # variables are for other files

# usage_least PID: sets USAGE_RSS (KiB), USAGE_FDS and USAGE_THREADS to the least of twelve looks within three seconds: what
# is only there for a moment, as a check that is under way, does not count.
usage_least() {
	local look i key value fds
	USAGE_RSS='' USAGE_FDS='' USAGE_THREADS=''
	for ((look = 0; look < 12; look++)); do
		while read -r key value _; do
			case $key in
			VmRSS:) [[ -n $USAGE_RSS && $USAGE_RSS -le $value ]] || USAGE_RSS=$value ;;
			Threads:) [[ -n $USAGE_THREADS && $USAGE_THREADS -le $value ]] || USAGE_THREADS=$value ;;
			esac
		done < "/proc/$1/status"
		fds=$(find "/proc/$1/fd" -mindepth 1 2> /dev/null | wc -l)
		[[ -n $USAGE_FDS && $USAGE_FDS -le $fds ]] || USAGE_FDS=$fds
		for i in 1 2 3 4 5; do tick; done
	done
}

# process_born PID: when it was started, in the kernel's ticks: with its number, what tells it from a later one.
process_born() {
	local line
	local -a word
	read -r line < "/proc/$1/stat" && read -r -a word <<< "${line##*) }" && echo "${word[19]}"
}

# same_process PID BORN: whether the process of that number is there and was born then.
same_process() { process_runs "$1" && [[ $(process_born "$1") == "$2" ]]; }

# mapped PID NAME: how many copies of a library's code a process has mapped.
mapped() { grep -cE "r-xp .*/$2\.so" "/proc/$1/maps" || true; }

# zombies_count: processes that have ended and that nobody has waited for.
zombies_count() { ps -eo stat= | grep -c '^Z' || true; }

# ticks PID…: their processor time so far (hundredths of a second), threads included.
ticks() {
	local pid line total=0
	local -a word
	for pid in "$@"; do
		read -r line < "/proc/$pid/stat"
		read -r -a word <<< "${line##*) }"
		total=$((total + word[11] + word[12]))
	done
	echo "$total"
}
