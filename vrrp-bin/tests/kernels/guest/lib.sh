# Processes of the program, what they tell, and how something is asserted.
# A scenario is a series of:
#
#   check NAME          begins an assertion
#   usually 4 COMMAND   what takes 4 s on a machine: 12 s is how long it is waited for
#   must COMMAND        what is so now
#   verdict             tells "ok NAME" or "fail NAME WHY"

# The shell prefers its own.
ip() { /usr/bin/ip "$@"; }
up() { read -r up _ </proc/uptime; }
say() { up; echo "[$up] $*"; }
tell() { echo "$*" >/dev/ttyS1; say "$*"; }

clock() { up; clock=${up%.*}${up#*.}; } # in hundredths of a second
until_ok() { # SECONDS COMMAND...
    local end
    clock
    end=$((clock + $1 * 100))
    shift
    until "$@"; do
        clock
        [ "$clock" -ge "$end" ] && return 1
        sleep 0.1
    done
}

check() { checking=$1 why=; say "=== $1"; mark; }
usually() { # SECONDS COMMAND...: once something is wrong, nothing more is waited for
    local seconds=$(($1 * 3))
    shift
    [ -n "$why" ] || until_ok $seconds "$@" || why="not in $seconds s: $*"
}
must() { [ -n "$why" ] || "$@" || why="not so: $*"; }
not() { ! "$@"; }
verdict() {
    if [ -z "$why" ]; then tell "ok $checking"; else tell "fail $checking: $why"; evidence; fi
}
evidence() {
    local host
    for host in a b; do
        echo "--- $host: status, addresses, routes, log"
        vrrp status --control /run/$host.sock 2>&1
        ip -n $host -d address show | grep -v '^ *veth'
        ip -n $host route show table all
        ip -n $host -6 route show table all
        tail -n 24 /out/log.$host | cut -c1-330
    done
}

# --- processes ---

A4=192.0.2.10 A6=2001:db8::10
toml() { # FILE HOST PRIORITY [INTERFACE [MORE]]
    cat >"/tmp/$1.toml" <<EOF
[daemon]
control = "/run/$2.sock"
[[virtual_router]]
name = "web"
interface = "${4:-eth0}"
vrid = 51
addresses = ["$A4/24", "$A6/64"]
priority = $3
$5
EOF
}
touch /out/log.a /out/log.b
start() { # HOST FILE
    ip netns exec $1 true # What this needs is in memory then.
    /usr/bin/ip netns exec $1 vrrp run -c /tmp/$2.toml 2>>/out/log.$1 &
    eval "pid_$1=$!"
    say "start $1 ($2), pid $!"
}
signal() { # HOST SIGNAL
    eval "kill -$2 \$pid_$1"
    say "$2 to $1"
}
ended() { # HOST...: a zombie has ended
    local host state
    for host; do
        eval "state=\$(sed 's/.*) //' /proc/\$pid_$host/stat 2>/dev/null)"
        case $state in "" | [ZX]*) ;; *) return 1 ;; esac
    done
}
leave() { # HOST...: one after the other, without a trace
    local host
    for host; do
        signal $host TERM
        until_ok 15 ended $host || why=${why:-"$host does not end"}
        until_ok 3 free $host || why=${why:-"$host left an address behind"}
    done
}

# --- what is so ---

phase() { # HOST PHASE: both virtual routers are in it
    [ "$(field $1 phase "$2")" = 2 ]
}
active() { [ "$(field $1 state active)" = 2 ]; }
field() { vrrp status --json --control /run/$1.sock 2>/dev/null | grep -o "\"$2\": *\"$3\"" | wc -l; }
addresses() { ip -n $1 -o address show | grep -c -E " ($A4|$A6)/"; }
holds() { [ "$(addresses $1)" = 2 ]; }
free() { [ "$(addresses $1)" = 0 ]; }
marked() { # HOST: as the README shows it
    [ "$(ip -n $1 -o -d address show | grep -E " ($A4|$A6)/" | grep 'metric 1987211888 ' | grep -c deprecated)" = 2 ]
}
sole() { # HOST OTHER: the addresses are there, and only there
    holds $1 && free $2
}
settled() { # HOST OTHER
    sole $1 $2 && phase $1 held && phase $2 backup
}

mark() { # remembers how long the logs are
    local host
    for host in a b; do eval "seen_$host=$(wc -l </out/log.$host)"; done
}
new() { # HOST: the lines since then
    eval "tail -n +\$((seen_$1 + 1)) /out/log.$1"
}
told() { # HOST TIMES EXPRESSION: the new lines say it so often or more
    [ "$(new $1 | grep -c -E "$3")" -ge $2 ]
}
silent() { # HOST EXPRESSION
    not told $1 1 "$2"
}
transitions() { new $1 | grep -c event=transition; }
count() { # HOST...: a figure, how many there were
    local host text=
    for host; do text="$text${text:+, }$(transitions $host)"; done
    tell "figure $checking: transitions $text"
}
still() { # HOST...: no transition
    local host
    for host; do [ "$(transitions $host)" = 0 ] || return 1; done
}
