# The fault matrix: the network between host and portal 1.
# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash

fault_begin_cut() { portal_cut 1; }
fault_begin_cutin() { portal_cut 1 in; }
fault_begin_cutout() { portal_cut 1 out; }
fault_begin_rst() { portal_refuse 1; }
fault_begin_linkdown() { portal_link_down 1; }
fault_begin_delay() { portal_netem 1 delay 100ms; }
fault_begin_loss() { portal_netem 1 loss 10% && portal_netem_out 1 loss 10%; }
fault_begin_reorder() {
	portal_netem 1 delay 10ms reorder 25% 50% duplicate 10%
	portal_netem_out 1 delay 10ms reorder 25% 50% duplicate 10%
}

# Small packets pass, large ones vanish: NOP, TEST UNIT READY and login work, reads and writes do not.
fault_begin_mtu() {
	in_target nft -f - <<-'NFT'
		table inet mtu {
			chain input {
				type filter hook input priority 1;
				iifname p1 meta length > 1000 drop
			}
			chain output {
				type filter hook output priority 1;
				oifname p1 meta length > 1000 drop
			}
		}
	NFT
	[[ $FAULT_SETTING == iscsi ]] || return 0
	fault_wait 120 mtu_held "$(mtu_times_held)" || fault_wrong "the path that comes and goes is not held out"
}
mtu_times_held() { grep -c 'comes and goes' "$(log mpathiscsid)" || true; }
mtu_held() { (($(mtu_times_held) > $1)); }
# The path has come and gone, and is held out until the administrator forgives it.
fault_end_mtu() {
	in_target nft delete table inet mtu
	[[ $FAULT_SETTING == alone ]] || mpathiscsi forgive all > /dev/null
}

for fault_name in cut cutin cutout rst linkdown delay loss reorder; do
	eval "fault_end_$fault_name() { portal_heal 1; }"
done
