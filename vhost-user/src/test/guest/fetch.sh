#!/bin/sh
# Fetches what the real-guest tests need and prints where it is, as KEY=path lines:
#
#   QEMU      script that runs QEMU (from Debian testing, which has vhost-user-test-device-pci)
#   KERNEL    kernel for QEMU (Debian cloud kernel of this machine's release)
#   INITRD    initial RAM disk for QEMU with the guest's user space
#   UML       user-mode Linux
#   UML_ROOT  read-only root folder for user-mode Linux, with the same user space
#
# Needs apt and dpkg-deb on amd64, no root and no installation: packages are only downloaded and
# unpacked, with an apt state of its own and this machine's mirror and keys. The cache is
# $VPORTD_GUEST_CACHE, or vportd/guests in $XDG_CACHE_HOME or ~/.cache; delete it to start afresh.
# If something is missing, exits with status 77 and the reason on standard error.
set -eu
umask 022
export LC_ALL=C

cannot() {
    echo "fetch.sh: $*" >&2
    exit 77
}

here=$(cd "$(dirname "$0")" && pwd)
cache=${VPORTD_GUEST_CACHE:-${XDG_CACHE_HOME:-${HOME:-/nonexistent}/.cache}/vportd/guests}

# Change this number when the list of packages or the way they are unpacked changes.
packages=$cache/packages-1
# The guest's user space is built again whenever a file of it, or this script, changes.
recipe=$(cd "$here" && find fetch.sh root -type f | sort | xargs cat | cksum | tr ' ' -)
guest=$cache/guest-$recipe

show() {
    echo "QEMU=$packages/qemu/qemu"
    echo "KERNEL=$packages/stable/boot/vmlinuz"
    echo "INITRD=$guest/initrd.img"
    echo "UML=$packages/stable/usr/bin/linux.uml"
    echo "UML_ROOT=$guest/uml"
}

if [ -d "$packages" ] && [ -d "$guest" ]; then
    show
    exit 0
fi

[ "$(uname -s)-$(uname -m)" = Linux-x86_64 ] || cannot "only for Linux on x86-64"
for tool in apt-get apt-cache apt-config dpkg-deb flock mktemp; do
    command -v "$tool" >/dev/null || cannot "no $tool: only for Debian and its derivatives with apt"
done
codename=$(. /etc/os-release && echo "${ID:-}:${VERSION_CODENAME:-testing}")
case $codename in
debian:*) codename=${codename#debian:} ;;
*) cannot "only for Debian" ;;
esac
mkdir -p "$cache" 2>/dev/null || cannot "cannot make the folder $cache"
[ -w "$cache" ] || cannot "cannot write to $cache"

# One run at a time; the others wait and then find the work done.
exec 9>"$cache/lock"
flock 9
if [ -d "$packages" ] && [ -d "$guest" ]; then
    show
    exit 0
fi
find "$cache" -maxdepth 1 -name 'new.*' -exec rm -rf {} + # left by a run that was killed
new=$(mktemp -d "$cache/new.XXXXXX")
trap 'rm -rf "$new"' EXIT
trap 'exit 77' INT TERM HUP
log=$new/log
chmod 755 "$new"

# fail WHAT: gives up, with the last lines that the tools wrote
fail() {
    cannot "$1: $(grep -E '^(E|W|dpkg[a-z-]*):' "$log" | tail -n 2 | tr '\n' ' ')"
}

# The machine's mirror of a suite. The first form works before any "apt-get update".
mirror() {
    apt-get indextargets --no-release-info --format '$(RELEASE) $(REPO_URI)' 2>/dev/null |
        sed -n "s/^$1 //p" | head -n 1
}

mirror_from_sources() {
    cat /etc/apt/sources.list /etc/apt/sources.list.d/*.list 2>/dev/null |
        sed -n "s/^deb  *\(\[[^]]*\]\)\{0,1\} *\([^ ]*\)  *$1 .*/\2/p" | head -n 1
}

# make_apt NAME SUITE: an apt that knows only that suite; its commands are run with apt_of NAME.
# All settings of the machine are kept (proxies, certificates) but for its folders and hooks.
make_apt() {
    state=$new/apt/$1
    mkdir -p "$state/lists/partial" "$state/archives/partial" "$state/empty"
    : >"$state/status"
    echo "deb $uri $2 main" >"$state/sources.list"
    {
        apt-config dump | grep -Ev '^Dir[ :]|-Invoke|^DPkg|DEP-11|Pre-Install'
        cat <<CONF
Dir::Etc::Main "/dev/null";
Dir::Etc::Parts "$state/empty";
Dir::Etc::SourceList "$state/sources.list";
Dir::Etc::SourceParts "$state/empty";
Dir::Etc::Preferences "/dev/null";
Dir::Etc::PreferencesParts "$state/empty";
Dir::Etc::Trusted "/dev/null";
Dir::Etc::TrustedParts "$new/apt/keys";
Dir::State "$state";
Dir::State::Lists "$state/lists";
Dir::State::Status "$state/status";
Dir::Cache "$state";
Dir::Cache::Archives "$state/archives";
Dir::Log "$state";
Debug::NoLocking "1";
APT::Sandbox::User "";
APT::Architecture "amd64";
#clear APT::Architectures;
APT::Architectures:: "amd64";
APT::Default-Release "";
Acquire::Languages "none";
Acquire::Retries "2";
CONF
    } >"$state/apt.conf"
    apt_of "$1" get -q update >>"$log" 2>&1 || fail "no package list of Debian $2"
    [ -n "$(apt_of "$1" cache pkgnames qemu-system-x86)" ] || fail "no package list of Debian $2"
}

apt_of() (
    export APT_CONFIG="$new/apt/$1/apt.conf"
    cd "$new/apt/$1/archives"
    command=apt-$2
    shift 2
    exec "$command" "$@"
)

# unpack NAME ROOT: unpacks all packages fetched by that apt into one merged-/usr root
unpack() {
    mkdir -p "$2/usr/bin" "$2/usr/sbin" "$2/usr/lib" "$2/usr/lib64" "$new/one"
    ln -s usr/bin usr/sbin usr/lib usr/lib64 "$2/"
    for package in "$new/apt/$1/archives"/*.deb; do
        # not straight into the root, where its lib/ would replace the link
        dpkg-deb -x "$package" "$new/one" >>"$log" 2>&1 || fail "cannot unpack $package"
        rm -rf "$new/one/usr/share/doc" "$new/one/usr/share/man" "$new/one/usr/share/locale"
        rm -rf "$new/one/usr/share/info" "$new/one/etc" "$new/one/var" "$new/one/usr/include"
        for dir in bin sbin lib lib64; do
            if [ -d "$new/one/$dir" ] && [ ! -L "$new/one/$dir" ]; then
                cp -a "$new/one/$dir/." "$2/usr/$dir/"
                rm -rf "$new/one/$dir"
            fi
        done
        cp -a "$new/one/." "$2/"
        rm -rf "$new/one"
        mkdir "$new/one"
        rm "$package"
    done
    rmdir "$new/one"
    # bookworm's loader is linked with an absolute target outside of the root
    ln -sf "../lib/x86_64-linux-gnu/ld-linux-x86-64.so.2" "$2/usr/lib64/ld-linux-x86-64.so.2"
}

fetch_packages() {
    uri=$(mirror "$codename")
    [ -n "$uri" ] || uri=$(mirror_from_sources "$codename")
    [ -n "$uri" ] || cannot "no mirror of Debian $codename in apt's sources"

    mkdir -p "$new/apt/keys"
    for key in /etc/apt/trusted.gpg.d/*.gpg /etc/apt/trusted.gpg.d/*.asc /etc/apt/keyrings/*.gpg \
        /etc/apt/keyrings/*.asc /usr/share/keyrings/debian-archive-keyring.*; do
        [ -r "$key" ] || continue
        name=$(basename "$key")
        cp "$key" "$new/apt/keys/$(echo "$name" | sed 's/\.pgp$/.gpg/')"
    done

    # This machine's own release: kernels and user space
    make_apt stable "$codename"
    kernel=$(apt_of stable cache depends linux-image-cloud-amd64 2>>"$log" |
        sed -n 's/.*Depends: \(linux-image-[^ ]*\)$/\1/p' | head -n 1)
    [ -n "$kernel" ] || fail "no package linux-image-cloud-amd64"
    apt_of stable get -q -y --download-only --no-install-recommends install \
        busybox-static perl-base qemu-guest-agent >>"$log" 2>&1 || fail "cannot fetch the guest's packages"
    apt_of stable get -q download user-mode-linux "$kernel" >>"$log" 2>&1 || fail "cannot fetch the kernels"
    unpack stable "$new/packages/stable"
    ln -s "vmlinuz-${kernel#linux-image-}" "$new/packages/stable/boot/vmlinuz"

    # Debian testing: QEMU
    make_apt testing testing
    apt_of testing get -q -y --download-only --no-install-recommends install qemu-system-x86 >>"$log" 2>&1 ||
        fail "cannot fetch QEMU"
    unpack testing "$new/packages/qemu"
    cat >"$new/packages/qemu/qemu" <<'QEMU'
#!/bin/sh
# Runs the QEMU beside this script, with its own libraries.
root=$(dirname "$(readlink -f "$0")")
lib=$root/usr/lib/x86_64-linux-gnu
export QEMU_MODULE_DIR="$lib/qemu"
exec "$lib/ld-linux-x86-64.so.2" --library-path "$lib" "$root/usr/bin/qemu-system-x86_64" \
    -L "$root/usr/share/qemu" -L "$root/usr/share/seabios" -L "$root/usr/lib/ipxe/qemu" "$@"
QEMU
    chmod 755 "$new/packages/qemu/qemu"
    "$new/packages/qemu/qemu" -device help 2>>"$log" | grep -q vhost-user-test-device-pci ||
        fail "QEMU of Debian testing has no vhost-user-test-device-pci or does not run"
    mv -T "$new/packages" "$packages"
}

# user_space DIR: busybox, perl, qemu-ga and our own files
user_space() {
    from=$packages/stable
    mkdir -p "$1/usr/bin" "$1/usr/lib64" "$1/usr/lib/x86_64-linux-gnu" "$1/usr/lib/modules"
    for dir in dev proc sys tmp run root var etc mnt; do
        mkdir "$1/$dir"
    done
    ln -s usr/bin "$1/bin"
    ln -s usr/bin "$1/sbin"
    ln -s usr/lib "$1/lib"
    ln -s usr/lib64 "$1/lib64"
    ln -s bin "$1/usr/sbin"
    ln -s ../run "$1/var/run"
    echo root:x:0:0:root:/root:/bin/sh >"$1/etc/passwd"
    echo root:x:0: >"$1/etc/group"
    cp "$from/usr/bin/busybox" "$1/usr/bin/"
    for applet in $("$from/usr/bin/busybox" --list); do
        [ "$applet" = busybox ] || ln -s busybox "$1/usr/bin/$applet"
    done
    cp "$from/usr/bin/perl" "$from/usr/sbin/qemu-ga" "$1/usr/bin/"
    loader=$from/usr/lib/x86_64-linux-gnu/ld-linux-x86-64.so.2
    cp -L "$loader" "$1/usr/lib64/"
    for program in perl qemu-ga; do
        "$loader" --library-path "$from/usr/lib/x86_64-linux-gnu" --list "$1/usr/bin/$program"
    done 2>>"$log" | sed -n 's/.* => \([^ ]*\) .*/\1/p' | sort -u | while read -r library; do
        cp -L "$library" "$1/usr/lib/x86_64-linux-gnu/"
    done
    mkdir -p "$1/usr/lib/x86_64-linux-gnu/perl-base"
    cp "$from/usr/lib/x86_64-linux-gnu/perl-base/strict.pm" "$from/usr/lib/x86_64-linux-gnu/perl-base/warnings.pm" \
        "$1/usr/lib/x86_64-linux-gnu/perl-base/"
    cp -R "$here/root/." "$1/"
    chmod 755 "$1/init" "$1/usr/lib/vportd"/* "$1/usr/bin"/port*
}

# modules DIR FOLDER NAME...: copies those modules that are not built in, to be loaded in that order
modules() {
    dir=$1/usr/lib/modules
    folder=$2
    shift 2
    for name; do
        file=$(find "$folder" -name "$name.ko*" | head -n 1)
        case $file in
        '') continue ;;
        *.xz) xz -dc "$file" >"$dir/$name.ko" ;;
        *) cp "$file" "$dir/$name.ko" ;;
        esac
        echo "$name" >>"$dir/order"
    done
    [ -s "$dir/order" ] || cannot "no virtio modules in $folder"
}

build_guest() {
    user_space "$new/guest/uml"
    cp -a "$new/guest/uml" "$new/initrd"
    modules "$new/guest/uml" "$packages/stable/usr/lib/uml/modules" virtio_console
    modules "$new/initrd" "$packages/stable/usr/lib/modules" \
        virtio_ring virtio virtio_pci_modern_dev virtio_pci_legacy_dev virtio_pci virtio_mmio virtio_console
    (cd "$new/initrd" && find . | "$packages/stable/usr/bin/busybox" cpio -o -H newc) \
        >"$new/guest/initrd.img" 2>>"$log" || fail "cannot make the initial RAM disk"
    rm -rf "$new/initrd"
    # files of earlier recipes; not of this day, for another checkout may be using the cache
    find "$cache" -maxdepth 1 -name 'guest-*' -mtime +7 -exec rm -rf {} +
    mv -T "$new/guest" "$guest"
}

[ -d "$packages" ] || fetch_packages
[ -d "$guest" ] || build_guest
show
