# Installs the package, has systemd do with the daemon what operators do, and tells what it saw. The other node is in the
# network namespace `peer`, with a smaller priority.
export PATH=/usr/sbin:/usr/bin:/sbin:/bin
A4=192.0.2.10

tell() { echo "$*" >/dev/ttyS1; echo "$*"; }
saw() { [ -n "$why" ] || tell "  $*"; } # Only of what is as it should be.
check() { checking=$1 why=; }
must() { [ -n "$why" ] || "$@" || why="not so: $*"; }
until_ok() { # SECONDS COMMAND...
    local end
    end=$(($(date +%s) + $1))
    shift
    until "$@"; do
        [ "$(date +%s)" -ge "$end" ] && return 1
        sleep 0.1
    done
}
usually() { # SECONDS COMMAND...: the machine is emulated, and gets a multiple
    local seconds=$(($1 * 6))
    shift
    [ -n "$why" ] || until_ok $seconds "$@" || why="not in $seconds s: $*"
}
not() { ! "$@"; }
verdict() {
    if [ -z "$why" ]; then
        tell "ok $checking"
    else
        tell "fail $checking: $why"
        systemctl --no-pager status vrrp
        journalctl --no-pager -u vrrp | tail -n 40
        vrrp status
        ip address show dev eth0
        tail -n 20 /root/peer.log
    fi
}

property() { systemctl show -P "$1" vrrp; }
is() { [ "$(property "$1")" = "$2" ]; }
holds() { ip -o address show dev eth0 | grep -q " $A4/"; }
peer_holds() { ip -n peer -o address show dev eth0 | grep -q " $A4/"; }
phase() { vrrp status --json web 2>/dev/null | grep -q "\"phase\": *\"$1\""; }
serves() { phase held || phase adopted; }
peer_told() { grep -c event=transition /root/peer.log; }
same_process() { [ "$(property MainPID)" = "$pid" ]; }
another_process() { [ "$(property MainPID)" -gt 1 ] && not same_process; }
peer_is_quiet() { [ "$(peer_told)" = "$transitions" ]; }
remember() { pid=$(property MainPID) transitions=$(peer_told); }
effective() { vrrp status web | grep -q "$1"; }

stty -F /dev/ttyS1 raw
for module in $(cat /modules/order); do insmod "/modules/$module"; done
ip netns add peer
ip link add eth0 type veth peer name eth0 netns peer
ip address add 192.0.2.1/24 dev eth0
ip -n peer address add 192.0.2.2/24 dev eth0
ip link set eth0 up
ip -n peer link set lo up
ip -n peer link set eth0 up
toml() { # PRIORITY
    printf '[[virtual_router]]\nname = "web"\ninterface = "eth0"\nvrid = 51\naddresses = ["%s/24"]\npriority = %s\n' \
        "$A4" "$1"
    # A start takes a while on an emulated machine.
    echo 'interval = "4s"'
}
tell "systemd $(systemctl --version | sed -n '1s/systemd //p'), Linux $(uname -r)"

check install
must dpkg -i /first.deb
must systemctl --quiet is-enabled vrrp
# There is no configuration yet.
must not systemctl --quiet is-active vrrp
must not systemctl --quiet is-failed vrrp
saw "enabled, and waits for a configuration: $(property ConditionResult) $(property ActiveState)"
verdict

cp /usr/bin/vrrp /root/vrrp
{ toml 100; printf '[daemon]\ncontrol = "/run/peer.sock"\n'; } >/root/peer.toml
ip netns exec peer /root/vrrp run -c /root/peer.toml 2>/root/peer.log &
until_ok 60 peer_holds

check start
{ toml 150; printf '[daemon]\nstate = "/var/lib/vrrp"\n'; } >/etc/vrrp/vrrp.toml
must systemctl start vrrp
must is ActiveState active
usually 10 phase held
must holds
must not peer_holds
saw "Type=$(property Type) WatchdogUSec=$(property WatchdogUSec)"
verdict

check rights
pid=$(property MainPID)
must grep -q "^CapEff:.0000000000003000$" "/proc/$pid/status"
must grep -q "^CapBnd:.0000000000003000$" "/proc/$pid/status"
must grep -q "^NoNewPrivs:.1$" "/proc/$pid/status"
must grep -q "^Seccomp:.2$" "/proc/$pid/status"
must [ "$(stat -c %U "/proc/$pid")" = vrrp ]
must [ "$(stat -c %U:%G:%a /run/vrrp/control.sock)" = vrrp:vrrp:660 ]
saw "user $(stat -c %U "/proc/$pid"), $(grep CapEff "/proc/$pid/status" | tr -s '\t' ' '), \
$(systemd-analyze security --no-pager vrrp | sed -n 's/^→ //p')"
verdict

check reload
remember
sed -i 's/150/160/' /etc/vrrp/vrrp.toml
must systemctl reload vrrp
must effective 160
must same_process
must peer_is_quiet
verdict

check refused_reload
sed -i 's/vrid = 51/vrid = 510/' /etc/vrrp/vrrp.toml
must not systemctl reload vrrp
must is ActiveState active
must same_process
must phase held
sed -i 's/vrid = 510/vrid = 51/' /etc/vrrp/vrrp.toml
saw "$(journalctl --no-pager -u vrrp -o cat | grep -m 1 'vrid. is 510')"
verdict

check vrrp_restart
remember
must vrrp restart
must phase adopted
must same_process
must is ActiveState active
must is NRestarts 0
must peer_is_quiet
saw "MainPID $pid before and $(property MainPID) after, transitions of the peer: $(($(peer_told) - transitions))"
verdict

check crash
remember
kill -KILL "$pid"
usually 2 another_process
usually 5 phase adopted
must is NRestarts 1
must peer_is_quiet
saw "killed, and started again: MainPID $pid before and $(property MainPID) after, phase adopted, \
transitions of the peer: $(($(peer_told) - transitions))"
verdict

check watchdog
remember
kill -STOP "$pid"
# Whether the other node takes over before systemd ends the process is a matter of moments.
usually 10 another_process
usually 20 serves
must is NRestarts 2
usually 5 not peer_holds
saw "stopped, and ended by the watchdog: $(journalctl --no-pager -u vrrp -o cat | grep -m 1 -i watchdog)"
verdict

check restart
remember
must systemctl restart vrrp
must another_process
usually 20 phase held
usually 5 not peer_holds
verdict

check upgrade
remember
must dpkg -i /second.deb
must same_process
must phase adopted
must is ActiveState active
must peer_is_quiet
saw "$(dpkg-query -W vrrp), MainPID $pid before and $(property MainPID) after, \
transitions of the peer: $(($(peer_told) - transitions))"
verdict

check remove
must dpkg -r vrrp
usually 5 peer_holds
must not holds
must not systemctl --quiet is-active vrrp
must [ ! -e /usr/bin/vrrp ]
must [ ! -e /run/vrrp ]
saw "the peer has the address: $(ip -n peer -o address show dev eth0 | grep -o "$A4/[0-9]*")"
verdict

check purge
rm /etc/vrrp/vrrp.toml
must dpkg -P vrrp
must [ ! -e /var/lib/vrrp ]
must [ ! -e /etc/vrrp ]
must not systemctl cat vrrp
verdict

tell end
sync
poweroff -f
