# Faults of a portal's network, all on the target's side unless said; heal N takes every one of them back.
# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash

# cut N [both|in|out]: packets vanish, the link stays up. in: the target hears nothing; out: it is not heard.
cut() {
	local commands=''
	case ${2:-both} in
	in) commands="add element inet lab cut_in { p$1 }" ;;
	out) commands="add element inet lab cut_out { p$1 }" ;;
	both) commands="add element inet lab cut_in { p$1 }; add element inet lab cut_out { p$1 }" ;;
	*) fail "cut: direction \"$2\" is none of both, in, out" ;;
	esac
	in_target nft "$commands"
}

# refuse N: what is sent to the portal's iSCSI port is answered with a TCP reset.
refuse() { in_target nft "add element inet lab refuse { p$1 }"; }

# link_down N: the cable of network N is out on the target's side (the initiator sees no carrier).
link_down() { ip -n target link set "p$1" down; }

# netem N ARGS…: what the target sends on network N is treated as tc-netem is told
# (netem 1 delay 50ms 10ms; netem 1 loss 20%). netem_out N ARGS…: what the initiator sends.
netem() {
	local n=$1
	shift
	modprobe sch_netem
	tc -n target qdisc replace dev "p$n" root netem "$@"
}
netem_out() {
	local n=$1
	shift
	modprobe sch_netem
	tc qdisc replace dev "p$n" root netem "$@"
}

# heal N…: takes all faults of these networks back.
heal() {
	local n
	for n in "$@"; do
		in_target nft "add element inet lab cut_in { p$n }; add element inet lab cut_out { p$n };
			add element inet lab refuse { p$n }; delete element inet lab cut_in { p$n };
			delete element inet lab cut_out { p$n }; delete element inet lab refuse { p$n }"
		if [[ $(ip -n target -o link show "p$n") != *[,\<]UP[,\>]* ]]; then
			ip -n target link set "p$n" up
			ip -n target addr replace "fd00:0:0:$n::2/64" dev "p$n" nodad
			ip addr replace "fd00:0:0:$n::1/64" dev "p$n" nodad
		fi
		tc -n target qdisc delete dev "p$n" root 2> /dev/null || true
		tc qdisc delete dev "p$n" root 2> /dev/null || true
	done
}
