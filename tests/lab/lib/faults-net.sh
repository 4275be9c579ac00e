# The fault matrix: the network between host and portal 1.
# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash

fault_begin_cut() { portal_cut 1; }
fault_begin_cutin() { portal_cut 1 in; }
fault_begin_cutout() { portal_cut 1 out; }
fault_begin_rst() { portal_refuse 1; }
fault_begin_linkdown() { portal_link_down 1; }
fault_begin_delay() { portal_netem 1 delay 100ms; }
fault_begin_loss() {
	portal_netem 1 loss 10%
	portal_netem_out 1 loss 10%
}
fault_begin_reorder() {
	portal_netem 1 delay 10ms reorder 25% 50% duplicate 10%
	portal_netem_out 1 delay 10ms reorder 25% 50% duplicate 10%
}

# fault_host_hears, fault_target_hears: whether an echo request of the other side arrives, whatever becomes of the answer.
fault_echoes() { "$@" awk '/^Icmp:/ { if (column) { print $column; exit } for (i = 1; i <= NF; i++) if ($i == "InEchos") column = i }' /proc/net/snmp; }
fault_host_hears() {
	local before
	before=$(fault_echoes)
	in_target ping -c 2 -W 1 10.0.1.1 > /dev/null 2>&1 || true
	(($(fault_echoes) > before))
}
fault_target_hears() {
	local before
	before=$(fault_echoes in_target)
	ping -c 2 -W 1 10.0.1.2 > /dev/null 2>&1 || true
	(($(fault_echoes in_target) > before))
}
fault_proof_cut() {
	[[ $(portal_answer 1) == silent ]]
	not fault_target_hears
	not fault_host_hears
}
fault_proof_cutin() {
	[[ $(portal_answer 1) == silent ]]
	not fault_target_hears
	fault_host_hears
}
fault_proof_cutout() {
	[[ $(portal_answer 1) == silent ]]
	fault_target_hears
	not fault_host_hears
}
fault_proof_rst() { [[ $(portal_answer 1) == refused ]]; }
fault_proof_linkdown() { [[ $(< /sys/class/net/p1/carrier) == 0 ]]; }

# fault_pings ARGS…: FAULT_PINGS is what ping says.
fault_pings() { FAULT_PINGS=$(ping -W 2 "$@" 10.0.1.2 2>&1 || true); }
fault_proof_delay() {
	fault_pings -c 3
	awk '/^rtt/ { sub(/.*= /, ""); least = $0 + 0 } END { exit !(least >= 100) }' <<< "$FAULT_PINGS"
}
# What was lost so far, of either direction.
fault_proof_loss() {
	[[ $(tc -s qdisc show dev p1) =~ dropped\ [1-9] ]]
	[[ $(tc -n target -s qdisc show dev p1) =~ dropped\ [1-9] ]]
}
# Answers that come twice, and answers that come after later ones.
fault_proof_reorder() {
	[[ $(tc qdisc show dev p1) == *netem*reorder* ]]
	[[ $(tc -n target qdisc show dev p1) == *netem*reorder* ]]
	fault_pings -c 200 -i 0.002
	[[ $FAULT_PINGS == *duplicates* ]]
	awk '/icmp_seq=/ && !/DUP/ { sub(/.*icmp_seq=/, ""); if ($1 + 0 < last) late = 1; last = $1 + 0 } END { exit !late }' <<< "$FAULT_PINGS"
}

# Small packets pass, large ones vanish: NOP, TEST UNIT READY and login work, reads and writes do not.
fault_begin_mtu() {
	in_target nft -f - <<-'NFT'
		table inet mtu {
			chain input {
				type filter hook input priority 1;
				iifname p1 meta length > 1000 counter drop
			}
			chain output {
				type filter hook output priority 1;
				oifname p1 meta length > 1000 counter drop
			}
		}
	NFT
	[[ $FAULT_SETTING == iscsi ]] || return 0
	fault_wait 120 mtu_held "$(mtu_times_held)" || fault_wrong "the path that comes and goes is not held out"
}
mtu_times_held() { grep -c 'comes and goes' "$(log mpathiscsid)" || true; }
mtu_held() { (($(mtu_times_held) > $1)); }
# Large packets vanished both ways, also those of the sessions; small ones pass. Where the path is not held out it comes and goes.
fault_proof_mtu() {
	[[ $(in_target nft list chain inet mtu input) =~ packets\ [1-9] ]]
	[[ $(in_target nft list chain inet mtu output) =~ packets\ [1-9] ]]
	ping -c 3 -W 2 10.0.1.2 > /dev/null
	not ping -c 2 -W 1 -s 1200 10.0.1.2 > /dev/null
	[[ $FAULT_SETTING != tur ]] || fault_wait 60 fault_failed_some
}
fault_failed_some() { (($(fault_failings) > 0)); }
# The path has come and gone, and is held out until its penalty has decayed.
fault_end_mtu() { in_target nft delete table inet mtu; }

for fault_name in cut cutin cutout rst linkdown delay loss reorder; do
	eval "fault_end_$fault_name() { portal_heal 1; }"
done
