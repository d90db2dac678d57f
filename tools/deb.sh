#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Makes a Debian package of the release build: tools/deb.sh [BUILD [FOLDER]] puts it into FOLDER, BUILD
# unless said, and prints its name.
set -eu
root=$(cd "$(dirname "$0")/.." && pwd)
build=$(cd "${1:-$root/build}" && pwd)
to=$(cd "${2:-$build}" && pwd)
for tool in dpkg-deb dpkg-shlibdeps; do
    command -v $tool >/dev/null || { echo "tools/deb.sh: needs $tool: apt install dpkg-dev" >&2; exit 3; }
done
version=$(head -n 1 "$root/VERSION")
arch=$(dpkg --print-architecture)
stage=$(mktemp -d)
trap 'rm -rf "$stage"' EXIT
tree=$stage/tree
DESTDIR=$tree cmake --install "$build/release" --prefix /usr --strip >/dev/null
for unit in service socket; do
    install -D -m 644 "$root/contrib/systemd/stint@.$unit" "$tree/usr/lib/systemd/system/stint@.$unit"
done
install -D -m 644 "$root/contrib/debian/README.etc" "$tree/etc/stint/README"
install -D -m 644 "$root/contrib/logrotate/stint" "$tree/etc/logrotate.d/stint"
install -D -m 644 "$root/contrib/prometheus/alerts.yml" "$tree/usr/share/doc/stint/examples/alerts.yml"
install -m 644 "$root/contrib/grafana/stint.json" "$tree/usr/share/doc/stint/examples/grafana.json"
rm "$tree/usr/share/doc/stint/LICENSE"
cat >"$tree/usr/share/doc/stint/copyright" <<END
Format: https://www.debian.org/doc/packaging-manuals/copyright-format/1.0/
Upstream-Name: Stint

Files: *
Copyright: 2026 The Stint authors
License: Apache-2.0
 On Debian systems the text of the license is in /usr/share/common-licenses/Apache-2.0.
END
gzip -n -9 -c >"$tree/usr/share/doc/stint/changelog.gz" <<END
stint ($version) unstable; urgency=medium

  * What changed is in /usr/share/doc/stint/NEWS.gz.

 -- The Stint authors <stint@localhost>  $(date -u -R -r "$root/CHANGELOG.md")
END
gzip -n -9 -c "$root/CHANGELOG.md" >"$tree/usr/share/doc/stint/NEWS.gz"
gzip -n -9 "$tree"/usr/share/man/man1/*.1

# What the program links is needed; what plug-ins link is recommended, as each of them may be missing.
mkdir -p "$stage/debian"
: >"$stage/debian/control"
needs() {
    (cd "$stage" && dpkg-shlibdeps --ignore-missing-info -O "$@" 2>/dev/null) |
        sed -n 's/^shlibs:Depends=//p'
}
depends=$(needs "$tree/usr/bin/stint" "$tree"/usr/lib/libstint.so.*.*)
recommends=$(needs "$tree"/usr/lib/stint/*.so | tr ',' '\n' | sed 's/^ *//' | grep -v '^libc6 ' |
    paste -sd , | sed 's/,/, /g')
mkdir "$tree/DEBIAN"
cat >"$tree/DEBIAN/control" <<END
Package: stint
Version: $version
Architecture: $arch
Maintainer: The Stint authors <stint@localhost>
Installed-Size: $(du -sk "$tree/usr" | cut -f 1)
Depends: ${depends:-libc6}
${recommends:+Recommends: $recommends
}Section: utils
Priority: optional
Description: WebAssembly runtime for the edge and for devices
 Runs modules and components, compiles them ahead of time, and serves
 applications over HTTP: the unit stint@NAME serves the one in
 /etc/stint/NAME.
 .
 The recommended packages are what plug-ins link: the server, TLS, HTTP
 clients, SQLite, Redis, MQTT, the compiler.
END
printf '/etc/%s\n' stint/README logrotate.d/stint >"$tree/DEBIAN/conffiles"
echo "libstint 0 stint (>= $version)" >"$tree/DEBIAN/shlibs"
echo "activate-noawait ldconfig" >"$tree/DEBIAN/triggers"
cat >"$tree/DEBIAN/postinst" <<'END'
#!/bin/sh
set -e
if [ -d /run/systemd/system ]; then
    systemctl daemon-reload || true
    # What serves goes on with the new program: an old one would look for plug-ins of its own version.
    if [ "$1" = configure ] && [ -n "$2" ]; then
        systemctl try-restart 'stint@*.service' || true
    fi
fi
END
cat >"$tree/DEBIAN/prerm" <<'END'
#!/bin/sh
set -e
if [ "$1" = remove ] && [ -d /run/systemd/system ]; then
    systemctl stop 'stint@*.socket' 'stint@*.service' || true
fi
END
cat >"$tree/DEBIAN/postrm" <<'END'
#!/bin/sh
set -e
if [ -d /run/systemd/system ]; then
    systemctl daemon-reload || true
fi
END
find "$tree" -type d -exec chmod 755 {} +
chmod 755 "$tree/DEBIAN/postinst" "$tree/DEBIAN/prerm" "$tree/DEBIAN/postrm"
(cd "$tree" && find usr -type f -exec md5sum {} + >DEBIAN/md5sums)
package=$to/stint_${version}_${arch}.deb
dpkg-deb --root-owner-group -b "$tree" "$package" >/dev/null
echo "$package"
