# Installs, upgrades, removes and purges the package. Each line is one that fails if it is not so.
everything() { find / -xdev -path /proc -prune -o -print | sort; }
is() { [ "$1" = "$2" ] || { echo "$1, and not $2" >&2; exit 1; }; }
gone() { for file; do [ ! -e "$file" ] || { echo "$file is left behind" >&2; exit 1; }; done; }

everything >/before
dpkg -i /first.deb
vrrp --version
is "$(systemctl is-enabled vrrp)" enabled
is "$(stat -c %U:%G:%a /etc/vrrp)" root:vrrp:750
is "$(getent passwd vrrp | cut -d: -f6,7)" /nonexistent:/usr/sbin/nologin
bash -n /usr/share/bash-completion/completions/vrrp
zcat /usr/share/man/man1/vrrp.1.gz | grep -q '^\.TH vrrp 1'
echo "# mine" >/etc/vrrp/vrrp.toml
install -d -o vrrp /var/lib/vrrp
touch /var/lib/vrrp/drains.json

dpkg -i /second.deb
is "$(dpkg-query -W -f '${Version}' vrrp | sed 's/.*-//')" 2
is "$(cat /etc/vrrp/vrrp.toml)" "# mine"
is "$(systemctl is-enabled vrrp)" enabled

dpkg -r vrrp
gone /usr/bin/vrrp /lib/systemd/system/vrrp.service
is "$(cat /etc/vrrp/vrrp.toml)" "# mine"
[ -e /var/lib/vrrp/drains.json ]

rm /etc/vrrp/vrrp.toml
dpkg -P vrrp
gone /etc/vrrp /var/lib/vrrp /run/vrrp
everything >/after
# The account stays. The rest is what dpkg and adduser write about what they did.
diff /before /after | sed -n 's/^> //p' | grep -v -E \
    '^/(after|before|run/adduser|var/lib/dpkg/.*|var/log/.*|var/cache/.*|etc/(passwd|group|g?shadow|sub[ug]id)-|etc/.pwd.lock)$' >/left || true
is "$(cat /left)" ""
echo "installed, upgraded, removed, purged: nothing is left but the account $(getent passwd vrrp)"
