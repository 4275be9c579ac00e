# The network: the target lives in a namespace of its own behind N separate networks 10.0.N.0/24 and
# fd00:0:0:N::/64; the initiator has .1 (::1) on device pN, the target .2 (::2) on its own device pN.
# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash

NET_PORTALS=0

# in_target COMMAND…: runs COMMAND in the target's network namespace (and only that one: configfs and
# sysfs stay as they are).
in_target() { nsenter --net=/run/netns/target "$@"; }

# portal_address N [6]: the address of portal N.
portal_address() {
	if [[ ${2:-4} == 6 ]]; then echo "fd00:0:0:$1::2"; else echo "10.0.$1.2"; fi
}

# net_start N: makes the namespace and N networks, and the tables the faults are put into.
net_start() {
	local n
	modprobe -a veth tcp_diag inet_diag nf_tables nft_reject_inet
	ip netns add target
	ip -n target link set lo up
	for ((n = 1; n <= $1; n++)); do
		ip link add "p$n" type veth peer name "p$n" netns target
		ip addr add "10.0.$n.1/24" dev "p$n"
		ip addr add "fd00:0:0:$n::1/64" dev "p$n" nodad
		ip -n target addr add "10.0.$n.2/24" dev "p$n"
		ip -n target addr add "fd00:0:0:$n::2/64" dev "p$n" nodad
		ip link set "p$n" up
		ip -n target link set "p$n" up
	done
	in_target nft -f - <<-'NFT'
		table inet lab {
			set cut_in { type ifname; }
			set cut_out { type ifname; }
			set refuse { type ifname; }
			chain input {
				type filter hook input priority 0;
				iifname @cut_in drop
				iifname @refuse tcp dport 3260 reject with tcp reset
			}
			chain output {
				type filter hook output priority 0;
				oifname @cut_out drop
			}
		}
	NFT
	NET_PORTALS=$1
}

# net_stop: takes the networks away.
net_stop() {
	local n
	for ((n = 1; n <= NET_PORTALS; n++)); do
		ip link delete "p$n"
	done
	ip netns delete target
	NET_PORTALS=0
}
