# lab: init=script timeout=60
. /lab/lib/lab.sh
target_start tgt 2
in_target ss -tlnp
ping -c1 -W2 10.0.1.2 || true
timeout 3 bash -c 'exec 3<>/dev/tcp/10.0.1.2/3260; echo tcp ok' || echo no
ping -c1 -W2 -I p1 10.0.1.2 || true
iscsid_start
login_record 1
timeout 8 iscsiadm -d 3 -m node -T "$TARGET_IQN" -p 10.0.1.2:3260 -I p1 -l 2>&1 | tail -20 || true
ss -tnp
ip a
cat $(log iscsid); pgrep -a iscsid
