# What the client sees: a ping of both families ten times a second, and the longest time without an answer.
watch() {
    pinger v4 $A4
    pinger v6 $A6
    # What happens next is seen by both.
    usually 4 more v4 2
    usually 4 more v6 2
}
pinger() { # NAME ADDRESS
    /usr/bin/ip netns exec c ping -n -D -O -i 0.1 $2 >/out/ping.$1 2>&1 &
    eval "ping_$1=$!"
}
answers() { grep -c 'bytes from' /out/ping.$1; }
more() { [ "$(answers $1)" -gt "$2" ]; }
longest() { # NAME: in hundredths of a second
    sed -n 's/^\[\([0-9.]*\)\] .* bytes from .*/\1/p' /out/ping.$1 |
        awk 'NR > 1 && $1 - last > most { most = $1 - last } { last = $1 } END { printf "%d", most * 100 + 0.5 }'
}
seconds() { printf "%d.%02d s" $(($1 / 100)) $(($1 % 100)); }
# BOUND, in hundredths of a second: the pings are answered again, and were not for that long at most. It ends them.
# Most bounds are what was once measured, and a second. After a link that went down it is how long the backup waits (3.61 s),
# and a second: where in an interval the link goes is chance.
silence() {
    local name longest text=
    for name in v4 v6; do
        usually 4 more $name $(($(answers $name) + 2))
        eval "kill -INT \$ping_$name"
        longest=$(longest $name)
        text="$text${text:+, }$(seconds $longest)"
        [ -z "$why" ] && [ "$longest" -gt "$1" ] && why="$name was silent for $longest hundredths of a second, more than $1"
    done
    tell "figure $checking: silence $text"
}

# A guest that is paused tells it by this: what failed meanwhile says nothing about the program.
ticker() {
    /usr/bin/ip netns exec sw ping -n -D -i 0.2 127.0.0.1 >/out/ping.ticker 2>&1 &
    ping_ticker=$!
}
paused() {
    kill -INT $ping_ticker
    tell "paused $(longest ticker)"
}
