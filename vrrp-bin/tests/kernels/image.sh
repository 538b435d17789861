#!/bin/bash
# image.sh MODULES PROGRAM OUT: an initial file system of the guest's scripts, the program, the modules below MODULES,
# busybox, ip, tc and ping, and keepalived where it is installed.
set -eu
modules=$1 program=$2 out=$3
here=$(cd "$(dirname "$0")" && pwd)
PATH=$PATH:/usr/sbin:/sbin
root=$(mktemp -d)
trap 'rm -rf "$root"' EXIT
mkdir -p "$root"/{bin,usr/bin,usr/sbin,proc,sys,dev,etc,modules}

bundle() { # PROGRAM: with its libraries, where it expects them
    local file library
    file=$(command -v "$1")
    cp -L "$file" "$root/usr/bin/$1"
    for library in $(ldd "$file" 2>/dev/null | grep -o '/[^ ]*'); do
        mkdir -p "$root/$(dirname "$library")"
        [ -e "$root/$library" ] || cp -L "$library" "$root/$library"
    done
}
for name in busybox ip tc ping; do bundle "$name"; done
command -v keepalived >/dev/null && bundle keepalived
# Everything else is busybox's.
for applet in $(busybox --list); do
    case $applet in busybox | ip | tc | ping) ;; *) ln -sf ../usr/bin/busybox "$root/bin/$applet" ;; esac
done
# The distributions of netem's delays.
distributions=$(dirname "$(find /usr/lib /lib -name normal.dist -path '*/tc/*' -print -quit)")
mkdir -p "$root/$distributions"
cp "$distributions"/*.dist "$root/$distributions/"
cp "$program" "$root/usr/bin/vrrp"
cp -r "$here"/guest/* "$root/"
chmod +x "$root/init"
echo root:x:0:0:root:/root:/bin/sh >"$root/etc/passwd"
echo root:x:0: >"$root/etc/group"

. "$here/../program/modules.sh"
put_modules "$modules" "$root" veth bridge macvlan dummy 8021q bonding vrf sch_netem
(cd "$root" && find . | cpio -o -H newc -R 0:0 --quiet) >"$out.unfinished"
mv "$out.unfinished" "$out"
