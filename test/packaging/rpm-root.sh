# usage: sh rpm-root.sh FOLDER RPM…   - in mount and pid namespaces of its own
# Installs the packages into a copy-on-write view of this machine, upgrades and removes them, and prints what it finds.
set -e
folder=$1
shift
mount -t tmpfs tmpfs "$folder"
mkdir "$folder/upper" "$folder/work" "$folder/root"
mount -t overlay overlay -o "lowerdir=/,upperdir=$folder/upper,workdir=$folder/work" "$folder/root"
root=$folder/root
mount -t tmpfs tmpfs "$root/run"
mount -t proc proc "$root/proc"
rpm() { command rpm --root "$root" --dbpath /var/lib/rpm-test "$@" 2>&1; }

# Debian's own packages are not in the data of rpm, so nothing is there that the packages depend on.
rpm -i --nodeps "$@"
grep '^pgroute66:' "$root/etc/passwd"
chroot "$root" stat -c '%U:%G %a %n' /etc/pgroute66 /var/lib/pgroute66
chroot "$root" /usr/bin/pgroute66 --version
unit=/usr/lib/systemd/system/pgroute66.service
echo "verify: $(chroot "$root" systemd-analyze verify --man=no $unit 2>&1 | grep pgroute66 || true)"

echo '# changed by the operator' > "$root/etc/pgroute66/haproxy.cfg"
touch "$root/var/lib/pgroute66/memory.json"
rpm -U --force --nodeps "$@"
echo "upgraded: $(sed 's/# //' "$root/etc/pgroute66/haproxy.cfg")"

rpm -e --nodeps pgroute66-node pgroute66-haproxy pgroute66
test ! -e "$root/usr/bin/pgroute66"
test ! -e "$root$unit"
echo "left: $(ls "$root/var/lib/pgroute66") $(ls "$root/etc/pgroute66")"
