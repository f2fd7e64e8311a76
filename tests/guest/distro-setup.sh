#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
#
# Run by tests/lab/distro.py as root of a new system, before it is written to a disk:
# what an installer does after the packages. The firmware's partition will have what
# is in /esp.

set -e

# Services start from now on
rm -f /usr/sbin/policy-rc.d
echo distro >/etc/hostname
cat >/etc/fstab <<'END'
LABEL=root / ext4 errors=remount-ro 0 1
LABEL=ESP /boot/efi vfat umask=0077 0 1
END
cat >/etc/systemd/network/lab.network <<'END'
[Match]
Type=ether
[Network]
DHCP=ipv4
END
systemctl --quiet enable systemd-networkd ssh
cat >/etc/default/grub <<'END'
GRUB_DEFAULT=0
GRUB_TIMEOUT=0
GRUB_DISTRIBUTOR=Debian
GRUB_CMDLINE_LINUX_DEFAULT=""
GRUB_CMDLINE_LINUX="console=ttyS0 tsc=reliable no_timer_check"
GRUB_TERMINAL=console
END

mkdir -p /boot/efi /esp/EFI/BOOT /esp/EFI/debian
cp /usr/lib/shim/shimx64.efi.signed /esp/EFI/BOOT/BOOTX64.EFI
cp /usr/lib/grub/x86_64-efi-signed/grubx64.efi.signed /esp/EFI/BOOT/grubx64.efi
cat >/esp/EFI/debian/grub.cfg <<'END'
search --no-floppy --label root --set=root
set prefix=($root)/boot/grub
configfile $prefix/grub.cfg
END
# update-grub asks for the devices, which are not there yet: it is run by the first boot
mkdir -p /boot/grub
cat >/boot/grub/grub.cfg <<'END'
linux /vmlinuz root=LABEL=root ro console=ttyS0 tsc=reliable no_timer_check
initrd /initrd.img
boot
END
