# A subnet that neither node has an address in, and the client has.
A4=203.0.113.10 A6=2001:db8:5::10
ip -n c address add 203.0.113.100/24 dev eth0
ip -n c address add 2001:db8:5::100/64 dev eth0 nodad
routes() { # HOST TABLE: to it, of both families
    ip -n $1 route show table $2 | grep '^203.0.113.0/24'
    ip -n $1 -6 route show table $2 | grep '^2001:db8:5::/64'
}
routed() { # HOST TABLE: by routes that say whose they are
    [ "$(routes $1 $2 | grep -c 'proto 112 ')" = 2 ] && [ "$(routes $1 $2 | wc -l)" = 2 ]
}
lapsed() { # HOST TABLE: the kernel shows an IPv6 route for some time after its end
    [ -z "$(routes $1 $2 | grep -v -E 'expires (0|-[0-9]+)sec')" ]
}
unrouted() { [ -z "$(routes $1 $2)" ]; }
alone() { # HOST: addresses that make no subnet
    [ "$(ip -n $1 -o address show | grep -c -E " ($A4/32|$A6/128) ")" = 2 ]
}
