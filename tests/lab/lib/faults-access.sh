# The fault matrix: logins, with tgt and CHAP. The sessions of portal 1 go through a middleman beside the target
# (iscsi-middleman.py), which can answer a login as other arrays do, and ask a session to log out.
# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash

MIDDLEMAN=$LAB_VAR/middleman # how it answers logins: pass, refuse (0302, out of resources), redirect ADDRESS

# chap_set CONTROLLER SECRET: who logs in there must know it.
chap_set() {
	tgt_admin "$1" --lld iscsi --op unbind --mode account --tid 1 --user $CHAP_USER > /dev/null 2>&1 || true
	tgt_admin "$1" --lld iscsi --op delete --mode account --user $CHAP_USER > /dev/null 2>&1 || true
	tgt_admin "$1" --lld iscsi --op new --mode account --user $CHAP_USER --password "$2"
	tgt_admin "$1" --lld iscsi --op bind --mode account --tid 1 --user $CHAP_USER
}

middleman_start() {
	modprobe -a nf_nat nft_chain_nat nft_redir nft_ct
	in_target nft -f - <<-'NFT'
		table inet middleman {
			chain prerouting {
				type nat hook prerouting priority -100;
				iifname p1 ip daddr 10.0.1.2 tcp dport 3260 redirect to :3261
			}
		}
	NFT
	echo pass > "$MIDDLEMAN"
	nsenter --net=/run/netns/target python3 "$LAB/lib/iscsi-middleman.py" "$MIDDLEMAN" 3261 10.0.1.2 3260 >> "$(log middleman)" 2>&1 &
	MIDDLEMAN_PID=$!
	assert_wait 20 "the middleman listens" middleman_listens
}
middleman_listens() { [[ -n $(in_target ss -Hltn sport = :3261) ]]; }

# The connections of portal 1 end; those of others as in fault_drop.
middleman_drop() { kill -USR2 "$MIDDLEMAN_PID"; }

# middleman_note, middleman_says TEXT: whether the middleman has said that since.
middleman_note() { MIDDLEMAN_LINES=$(wc -l < "$(log middleman)"); }
middleman_says() { [[ $(tail -n "+$((MIDDLEMAN_LINES + 1))" "$(log middleman)") == *"$1"* ]]; }

fault_begin_chap() {
	middleman_note
	chap_set 1 other9876543210
	middleman_drop
	fault_drop 2
}
fault_proof_chap() {
	fault_wait 30 middleman_says 'target answered a login with 0201' # authentication failure
	not session_is 1 LOGGED_IN
	not session_is 2 LOGGED_IN
}
# iscsid gives up a session whose login is refused for its credentials: then the administrator logs in anew.
fault_end_chap() {
	chap_set 1 $CHAP_SECRET
	fault_log_in_again 1 2
}

fault_begin_refuse() {
	middleman_note
	echo refuse > "$MIDDLEMAN"
	middleman_drop
}
fault_proof_refuse() { fault_wait 30 middleman_says 'login answered: refuse'; }
fault_end_refuse() {
	echo pass > "$MIDDLEMAN"
	fault_log_in_again 1
}

# fault_log_in_again N…: waits for iscsid; a session it has given up is begun anew by hand, and the table must say why that is right.
fault_log_in_again() {
	local n
	for n in "$@"; do
		wait_for 40 session_is "$n" LOGGED_IN && continue
		note "iscsid does not log in again on portal $n by itself: logged out and in by hand"
		FAULT_BY_HAND="iscsid does not log in again on portal $n by itself"
		iscsiadm -m node -T "$TARGET_IQN" -I "p$n" -u >> "$(log iscsiadm)" 2>&1
		iscsiadm -m node -T "$TARGET_IQN" -I "p$n" -l >> "$(log iscsiadm)" 2>&1
	done
}

# Portal 1 sends initiators to another address of the same network.
fault_begin_redirect() {
	middleman_note
	ip -n target addr add 10.0.1.3/24 dev p1
	tgt_admin 1 --lld iscsi --op new --mode portal --param portal=10.0.1.3:3260
	echo "redirect 10.0.1.3:3260,1" > "$MIDDLEMAN"
	middleman_drop
	fault_wait 60 fault_peer_is 10.0.1.3 || fault_wrong "session 1 does not follow the redirection"
}
fault_peer_is() {
	local session
	session=$(portal_session 1) && session_is 1 LOGGED_IN &&
		[[ $(cat "/sys/class/iscsi_connection/connection${session#session}:0/address") == "$1" ]]
}
fault_proof_redirect() {
	middleman_says 'login answered: redirect'
	fault_peer_is 10.0.1.3
}
fault_end_redirect() {
	echo pass > "$MIDDLEMAN"
	tgt_admin 1 --lld iscsi --op delete --mode portal --param portal=10.0.1.3:3260
	ip -n target addr delete 10.0.1.3/24 dev p1
	wait_for 40 not session_is 1 LOGGED_IN || fault_wrong "session 1 does not end"
	fault_log_in_again 1
}

# The target asks the session to log out (Asynchronous Message, event 1); the initiator does, and logs in again.
fault_begin_logoutreq() {
	middleman_note
	FAULT_PORT=$(session_port 1)
	kill -USR1 "$MIDDLEMAN_PID"
	fault_wait 20 middleman_says 'logout request'
}
# The kernel's session has logged out, by that connection, and goes on by another one.
fault_proof_logoutreq() {
	fault_wait 30 middleman_says "logout by port $FAULT_PORT"
	fault_wait 30 fault_port_changed
}
fault_port_changed() {
	local port
	port=$(session_port 1) && [[ $port != "$FAULT_PORT" ]] && session_is 1 LOGGED_IN
}
fault_end_logoutreq() { fault_log_in_again 1; }
