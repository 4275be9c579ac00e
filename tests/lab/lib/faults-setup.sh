# The fault matrix: the host of a boot, by family of faults and checker setting, and how it is put right after a wrong cell.
# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash disable=SC2034 # variables are for other files

CHAP_USER=lab CHAP_SECRET=secret0123456789

# fault_target FAMILY: four portals on two controllers, five LUNs.
fault_target() {
	case $1 in
	lun) LIO_SPLIT=1 && target_start lio 4 luns=5 controllers=2 ;;
	access)
		printf '%s\n' "node.session.auth.authmethod = CHAP" "node.session.auth.username = $CHAP_USER" \
			"node.session.auth.password = $CHAP_SECRET" >> /etc/iscsi/iscsid.conf
		target_start tgt 4 luns=5 controllers=2
		chap_set 1 $CHAP_SECRET
		chap_set 2 $CHAP_SECRET
		middleman_start
		;;
	*) target_start tgt 4 luns=5 controllers=2 ;;
	esac
}

# fault_conf CHECKER: that checker and the policies by multipath.conf alone.
fault_conf() {
	cat <<-C
		defaults {
			find_multipaths yes
			polling_interval 1
			max_polling_interval 1
		}
		devices {
			device {
				vendor "(LAB|LIO-ORG)"
				product ".*"
				path_checker $1
				detect_checker no
				detect_prio no
			}
		}
		multipaths {
		$(by_conf 1 2 3 4)
		}
	C
}

# fault_policies: the same policies as mpathiscsid's file has them.
fault_policies() {
	cat <<-P
		[lun $(lun_wwid 1)]
		policy = failover-only
		active = portal=10.0.1.2
		[lun $(lun_wwid 2)]
		policy = round-robin
		[lun $(lun_wwid 3)]
		policy = round-robin-with-subset
		active = portal=10.0.1.2
		active = portal=10.0.2.2
		standby = portal=10.0.3.2
		standby = portal=10.0.4.2
		[lun $(lun_wwid 4)]
		policy = weighted-path
		weight = portal=10.0.1.2:1
		weight = portal=10.0.2.2:2
		weight = portal=10.0.3.2:3
		weight = portal=10.0.4.2:4
		[lun $(lun_wwid 5)]
		policy = least-queue-depth
	P
}

# fault_host SETTING:
#   iscsi  checker and prioritizer iscsi, mpathiscsid with the policies in its file, mpathiscsi enable
#   alone  the same by multipath.conf (prio_args), no daemon
#   tur    stock's checker tur, prioritizer iscsi (prio_args), mpathiscsid for quick paths
fault_host() {
	FAULT_SETTING=$1
	login_at_once 4
	case $1 in
	iscsi)
		fault_policies > /etc/mpathiscsi/policies.conf
		daemon_start
		multipathd_start - < <(multipath_conf "polling_interval 1" "max_polling_interval 1" "no_path_retry queue")
		assert "mpathiscsi enable" mpathiscsi enable > "$(log enable)"
		;;
	alone | tur)
		[[ $1 == alone ]] || daemon_start
		fault_conf "$([[ $1 == tur ]] && echo tur || echo iscsi)" > "$LAB_VAR/multipath.conf"
		multipathd_start "$LAB_VAR/multipath.conf"
		;;
	*) fail "checker \"$1\" is none of iscsi, alone, tur" ;;
	esac
	assert_wait 60 "every path has its checker" checker_everywhere "$([[ $1 == tur ]] && echo tur || echo iscsi)"
	assert_wait 60 "every LUN has a map with all paths" maps_complete
	truth_learn
	assert_wait 90 "path groups as the policies say" fault_in_order
}

# fault_multipathd, fault_daemon, fault_iscsid: started again, as systemd would.
fault_multipathd() {
	multipathd -d >> "$(log multipathd)" 2>&1 &
	MULTIPATHD_PID=$!
	fault_wait 90 multipathd_ready || fault_wrong "multipathd does not answer"
}
fault_daemon() {
	mpathiscsid >> "$(log mpathiscsid)" 2>&1 &
	DAEMON_PID=$!
	fault_wait 30 daemon_ready || fault_wrong "mpathiscsid does not answer"
}
fault_iscsid() { iscsid >> "$(log iscsid)" 2>&1; }

# fault_rebuild: after a wrong cell: whatever is left of the fault is taken back, what is dead is started, sessions are begun
# anew if they must. Status 1: it is of no use.
fault_rebuild() {
	local c
	FAULT_REBUILDS=$((FAULT_REBUILDS + 1))
	(context) > "$LAB_OUT/wrong.$FAULT_REBUILDS.txt" 2>&1
	fault_heal_all
	for c in 1 2; do
		[[ $TARGET_KIND != tgt ]] || process_runs "${TARGET_PID[c]}" || controller_start "$c"
	done
	pgrep -x iscsid > /dev/null || fault_iscsid
	process_runs "$MULTIPATHD_PID" || fault_multipathd
	[[ $FAULT_SETTING == alone ]] || process_runs "$DAEMON_PID" || fault_daemon
	fault_loads_kill
	mpathiscsi forgive all > /dev/null 2>&1
	if ! fault_wait 60 fault_sound; then
		say "the sessions are begun anew"
		iscsiadm -m node -u >> "$(log iscsiadm)" 2>&1
		for c in 1 2 3 4; do
			iscsiadm -m node -T "$TARGET_IQN" -p "$(portal_address $c):3260" -I "p$c" -l >> "$(log iscsiadm)" 2>&1
		done
		fault_wait 120 fault_sound || { say "the host cannot be put right: $FAULT_LACKS"; return 1; }
	fi
	fault_base
}
FAULT_REBUILDS=0
fault_sound() { all_up; }
fault_loads_kill() {
	local lun
	for lun in 1 2 3 4 5; do kill -KILL "${LOADS_PID[$lun]}" 2> /dev/null; done
	return 0
}
