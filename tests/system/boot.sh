#!/bin/bash
# Boot this machine's own systemd in namespaces, on a copy of its file system that is gone afterwards:
#   boot.sh WORK ROOT
# WORK/prepare.sh runs before, in the copy, where WORK is /work-of-test and ROOT is copied to
# /srv/root; systemd then starts hooktest.target. Nothing outside WORK and a cgroup is written.
set -e
work=$1 root=$2
if [ "$3" != inside ]; then
    groups=$(findmnt --noheadings --first-only --types cgroup2 --output TARGET)
    group=$groups/etcsync-test-$$
    mkdir "$group"
    trap 'find "$group" -depth -type d -exec rmdir {} \;' EXIT
    (
        echo $BASHPID > "$group/cgroup.procs"
        exec timeout --signal KILL 120 unshare --mount --pid --fork --kill-child --net --ipc --uts \
            --cgroup bash "$0" "$work" "$root" inside
    )
    exit
fi

mount --make-rprivate /
mount -t tmpfs scratch /mnt
mkdir /mnt/upper /mnt/work /mnt/new
mount -t overlay overlay -o lowerdir=/,upperdir=/mnt/upper,workdir=/mnt/work /mnt/new
cd /mnt/new
mkdir work-of-test
mount --bind "$work" work-of-test
mkdir -p srv/root
cp -a "$root/." srv/root/
mount -t proc proc proc
mount --bind proc/sys proc/sys
mount -o remount,bind,ro proc/sys
mount -t sysfs -o ro sysfs sys
mount -t cgroup2 cgroup sys/fs/cgroup
mount -t tmpfs -o mode=0755 run run
mount -t tmpfs -o mode=0755 dev dev
mkdir dev/pts dev/shm
for device in 'null 1 3' 'zero 1 5' 'full 1 7' 'random 1 8' 'urandom 1 9' 'tty 5 0'; do
    set -- $device
    mknod -m 0666 "dev/$1" c "$2" "$3"
done
ln -s /proc/self/fd dev/fd
pivot_root . mnt
umount --lazy /mnt
mount --make-rshared /
ip link set lo up
bash /work-of-test/prepare.sh > /work-of-test/prepare.log 2>&1
exec env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin container=etcsync-test /lib/systemd/systemd \
    --system --unit=hooktest.target --log-target=console --show-status=false \
    < /dev/null > /work-of-test/systemd.log 2>&1
