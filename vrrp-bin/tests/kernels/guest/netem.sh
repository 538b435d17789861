# What both nodes send passes netem. Counted is from 8 s after the start on, when the election is over.
#
# trial NAME SECONDS INTERVAL CHANGES SILENCE NETEM...: the active node never leaves in that time; the other one has
# CHANGES transitions at most; the client waits for an answer for SILENCE hundredths of a second at most.
trial() {
    local name=$1 seconds=$2 interval=$3 changes=$4 bound=$5 host
    shift 5
    check $name
    toml a a 150 eth0 "interval = \"$interval\""
    toml b b 100 eth0 "interval = \"$interval\""
    for host in a b; do must ip netns exec $host tc qdisc add dev eth0 root netem "$@"; done
    start a a
    start b b
    sleep 8
    usually 2 active a
    mark
    watch
    sleep $seconds
    count a b
    must still a
    must [ "$(transitions b)" -le $changes ]
    must active a
    must holds a
    silence $bound
    leave a b
    must free a
    verdict
    for host in a b; do ip netns exec $host tc qdisc del dev eth0 root; done
}
