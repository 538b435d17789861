#!/bin/bash
# image.sh TREE MODULES OUT: an initial file system of the whole TREE, with what a virtual network needs of MODULES.
set -eu
tree=$1 modules=$2 out=$3
PATH=$PATH:/usr/sbin:/sbin
mkdir -p "$tree/modules" "$tree/etc/systemd/system/multi-user.target.wants"
ln -s ../play.service "$tree/etc/systemd/system/multi-user.target.wants/play.service"
# It has neither disks nor terminals.
for unit in getty.target serial-getty@ttyS0.service console-getty.service apt-daily.timer apt-daily-upgrade.timer \
    dpkg-db-backup.timer e2scrub_all.timer fstrim.timer systemd-timesyncd.service systemd-udevd.service; do
    ln -sf /dev/null "$tree/etc/systemd/system/$unit"
done
rm -f "$tree/etc/initrd-release" "$tree/etc/machine-id"
. "$(dirname "$0")/../program/modules.sh"
put_modules "$modules" "$tree" veth
(cd "$tree" && find . | cpio -o -H newc -R 0:0 --quiet) >"$out"
