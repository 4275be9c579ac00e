# Faults of a portal's network, all on the target's side unless said; portal_heal N takes every one of them back.
# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash

# portal_cut N [both|in|out]: packets vanish, the link stays up. in: the target hears nothing; out: it is not heard.
portal_cut() {
	local commands=''
	case ${2:-both} in
	in) commands="add element inet lab cut_in { p$1 }" ;;
	out) commands="add element inet lab cut_out { p$1 }" ;;
	both) commands="add element inet lab cut_in { p$1 }; add element inet lab cut_out { p$1 }" ;;
	*) fail "portal_cut: direction \"$2\" is none of both, in, out" ;;
	esac
	in_target nft "$commands"
}

# portal_refuse N: what is sent to the portal's iSCSI port is answered with a TCP reset.
portal_refuse() { in_target nft "add element inet lab refuse { p$1 }"; }

# portal_link_down N: the cable of network N is out on the target's side (the initiator sees no carrier).
portal_link_down() { ip -n target link set "p$1" down; }

# portal_netem N ARGS…: what the target sends on network N is treated as tc-netem is told
# (portal_netem 1 delay 50ms 10ms; portal_netem 1 loss 20%). portal_netem_out N ARGS…: what the initiator sends.
portal_netem() {
	local n=$1
	shift
	modprobe sch_netem
	tc -n target qdisc replace dev "p$n" root netem "$@"
}
portal_netem_out() {
	local n=$1
	shift
	modprobe sch_netem
	tc qdisc replace dev "p$n" root netem "$@"
}

# portal_heal N…: takes all faults of these networks back.
portal_heal() {
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

# portal_answer N [SECONDS]: what a new TCP connection to portal N gets: open, refused or silent.
portal_answer() {
	local status=0
	timeout "${2:-2}" bash -c "exec 3<> /dev/tcp/$(portal_address "$1")/3260" 2> /dev/null || status=$?
	case $status in
	0) echo open ;;
	124) echo silent ;;
	*) echo refused ;;
	esac
}

# portal_answers N open|refused|silent: whether it gets that.
portal_answers() { [[ $(portal_answer "$1") == "$2" ]]; }

# portals_cut N…, portals_uncut N…: as portal_cut and its end, for all of them in the same instant.
portals_cut() { in_target nft "add element inet lab cut_in { $(net_list "$@") }; add element inet lab cut_out { $(net_list "$@") }"; }
portals_uncut() { in_target nft "delete element inet lab cut_in { $(net_list "$@") }; delete element inet lab cut_out { $(net_list "$@") }"; }

# net_list N…: "p1, p2": the devices of networks as nft writes a list.
net_list() {
	local list
	list=$(printf 'p%s, ' "$@")
	echo "${list%, }"
}
