# Three hosts on a bridge: a and b run the program, c is the client.
net() {
    local host
    ip netns add sw
    ip -n sw link set lo up
    ip -n sw link add br0 type bridge forward_delay 0 mcast_snooping 0
    ip -n sw link set br0 up
    for host in a b c; do
        ip netns add $host
        ip -n $host link set lo up
        cable $host eth0
    done
    own a 1
    own b 2
    own c 100
    for host in a b c; do until_ok 10 linked $host; done
}
cable() { # HOST INTERFACE
    ip -n sw link add p$1$2 type veth peer name $2 netns $1
    ip -n sw link set p$1$2 master br0 up
    ip -n $1 link set $2 up
}
own() { # HOST NUMBER [INTERFACE]: the host's own addresses
    ip -n $1 address add 192.0.2.$2/24 dev ${3:-eth0}
    ip -n $1 address add 2001:db8::$2/64 dev ${3:-eth0} nodad
}
disown() { # HOST [INTERFACE]
    ip -n $1 address flush dev ${2:-eth0} scope global
}
linked() { # HOST [INTERFACE]: its link-local address is not tentative any more
    ip -n $1 -6 -o address show dev ${2:-eth0} scope link | grep -v tentative | grep -q fe80
}
