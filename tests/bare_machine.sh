#!/usr/bin/env bash
# Prove the commands on a bare Debian: python3, pip and CA certificates, nothing else. Needs root and debootstrap.
#
#   tests/bare_machine.sh [FOLDER] [pytest options]
#
# FOLDER holds the system (made on the first use, about 350 MB, kept for the next one; default /var/tmp/healthtrack-bare).
# The pytest options choose the tests; default: -k postgres. The caller's PIP_* variables and pip configuration count.
set -euo pipefail

checkout=$(cd "$(dirname "$0")/.." && pwd)
bare=${1:-/var/tmp/healthtrack-bare}
shift || true
options=("$@")
((${#options[@]})) || options=(-k postgres)
failures=0

say() { printf '\n=== %s\n' "$*"; }
fail() { printf 'FAILED: %s\n' "$*"; failures=$((failures + 1)); }

make_system() {
    [ -e "$bare/complete" ] && return
    say "making a bare Debian in $bare"
    debootstrap --variant=minbase --include=python3,python3-pip,ca-certificates bookworm "$bare"
    touch "$bare/complete"
}

mount_system() {
    trap unmount_system EXIT
    mount -t proc proc "$bare/proc"
    mount --rbind /dev "$bare/dev"
    mount --make-rslave "$bare/dev"
    cp /etc/resolv.conf /etc/hosts "$bare/etc/"
    cp -L /etc/ssl/certs/ca-certificates.crt "$bare/etc/ssl/certs/"
    [ -e /etc/pip.conf ] && cp /etc/pip.conf "$bare/etc/"
    # A package index or a folder of wheels on this machine's disk is seen in there as well.
    local folder
    for folder in $(python3 -m pip config list | grep -o "/[^ ']*" | sed 's,^//,,' | cut -d/ -f1-2 | sort -u) ${PIP_FIND_LINKS:-}; do
        [ -d "$folder" ] && [ "$folder" != / ] && [ "$folder" != /etc ] || continue
        mkdir -p "$bare$folder"
        mountpoint -q "$bare$folder" || mount --rbind -o ro "$folder" "$bare$folder"
    done
}

unmount_system() {
    local target
    # The mounts below the folder and nothing else, deepest first.
    awk -v b="$bare/" 'index($2, b) == 1 {print $2}' /proc/mounts | sort -r | while read -r target; do umount -l "$target"; done
}

# The processes that live in the bare system.
inside() {
    local process
    for process in /proc/[0-9]*; do
        if [ "$(readlink "$process/root" 2>/dev/null)" = "$bare" ]; then tr '\0' ' ' <"$process/cmdline" && echo; fi
    done 2>/dev/null
}

# run ACCOUNT HOME FOLDER COMMAND...
run() {
    local account=$1 home=$2 folder=$3
    shift 3
    local pip_variables
    mapfile -t pip_variables < <(env | grep -E '^(PIP_|SSL_CERT|https?_proxy|HTTPS?_PROXY|no_proxy|NO_PROXY)' || true)
    chroot --userspec="$account" "$bare" /usr/bin/env -i "PATH=/usr/bin:/bin" "HOME=$home" "${pip_variables[@]}" \
        /bin/sh -c 'cd "$1" && shift && exec "$@"' sh "$folder" "$@"
}

copy_checkout() {
    mkdir -p "$bare$1"
    (cd "$checkout" && git ls-files -z --cached --others --exclude-standard | tar --null -T - -cf -) | tar -xf - -C "$bare$1"
    chown -R "$2" "$bare$1"
}

# twice ACCOUNT HOME FOLDER COMMAND...: nothing may be installed the second time, and nothing may be left behind.
twice() {
    local account=$1 first second log=$bare/tmp/log
    say "$account, HOME=$2: python3 manage.py ${*:4}"
    first=$(date +%s)
    run "$1" "$2" "$3" python3 manage.py "${@:4}" || fail "$account: ${*:4}"
    second=$(date +%s)
    run "$1" "$2" "$3" python3 manage.py "${@:4}" >"$log" 2>&1 || fail "$account: ${*:4}, the second time"
    echo "first $((second - first)) s, second $(($(date +%s) - second)) s"
    if grep -q 'installing' "$log"; then fail "$account: installed again"; fi
    nothing_left
}

nothing_left() {
    [ -z "$(inside)" ] || fail "left behind: $(inside)"
    if compgen -G "$bare/tmp/healthtrack-pg-*" >/dev/null; then fail "a socket folder is left"; fi
}

both() {
    twice "$@" test "${options[@]}"
    twice "$@" migrate -v0
}

pids_inside() {
    local process
    for process in /proc/[0-9]*; do
        if [ "$(readlink "$process/root" 2>/dev/null)" = "$bare" ]; then basename "$process"; fi
    done | sort -n
}

# named TEXT: the first process inside whose command line has TEXT.
named() {
    local pid
    for pid in $(pids_inside); do # which may end meanwhile
        if tr '\0' ' ' <"/proc/$pid/cmdline" | grep -q "$1"; then echo "$pid" && return; fi
    done 2>/dev/null
}

supervisor() { named 'manage.py up'; }

# start ACCOUNT HOME FOLDER: start the server; `seconds` says afterwards how long it took to be ready.
start() {
    local begun=$EPOCHREALTIME
    seconds=never
    run "$1" "$2" "$3" python3 manage.py up --port 18099 >"$bare/tmp/up.log" 2>&1 &
    wait_ready || { fail "$1: not ready"; cat "$bare/tmp/up.log"; return; }
    seconds=$(awk -v a="$begun" -v b="$EPOCHREALTIME" 'BEGIN {printf "%.1f", b - a}')
}

wait_ready() {
    python3 - <<'PYTHON'
import sys, time, urllib.error, urllib.request
for _ in range(600):
    try:
        urllib.request.build_opener(urllib.request.ProxyHandler({})).open("http://127.0.0.1:18099/readyz", timeout=5).close()
        sys.exit(0)
    except (urllib.error.URLError, OSError):
        time.sleep(0.1)
sys.exit(1)
PYTHON
}

stop() {
    local pid
    pid=$(supervisor)
    if [ -n "$pid" ]; then kill -TERM "$pid"; else fail "there is no supervisor to stop"; fi
    for _ in $(seq 300); do [ -z "$(supervisor)" ] && break; sleep 0.1; done
    nothing_left
}

# serve ACCOUNT HOME FOLDER: the server twice, then kill -9 of a process of each kind in turn, then a stop.
serve() {
    local seconds each pid
    say "$1, HOME=$2: python3 manage.py up"
    start "$@"
    echo "first start: ready after $seconds s"
    stop
    start "$@"
    echo "second start: ready after $seconds s"
    awk -v s="$seconds" 'BEGIN {exit !(s <= 5)}' || fail "the second start took $seconds s"
    for each in 'manage.py up' 'manage.py web' 'manage.py worker' 'bin/postgres' 'checkpointer' 'manage.py up'; do
        pid=$(named "$each")
        echo "kill -9 $pid, $each"
        if [ -n "$pid" ]; then kill -KILL "$pid"; else fail "there is no $each"; fi
        sleep 1
        [ -n "$(supervisor)" ] || start "$@"
        wait_ready || fail "not ready again after kill -9 of $each"
    done
    stop
}

make_system
mount_system
chroot "$bare" id alice >/dev/null 2>&1 || chroot "$bare" useradd --uid 1000 alice

rm -rf "$bare/root/healthtrack" "$bare/home/alice" "$bare/srv/healthtrack" "$bare/var/cache/healthtrack" "$bare/var/lib/healthtrack"
chmod 0700 "$bare/root"
copy_checkout /root/healthtrack 0:0
both 0:0 /root /root/healthtrack
serve 0:0 /root /root/healthtrack
[ "$(stat -c %a "$bare/root")" = 700 ] || fail "the mode of /root was changed"

install -d -m 0700 -o 1000 -g 1000 "$bare/home/alice"
copy_checkout /home/alice/healthtrack 1000:1000
both 1000:1000 /home/alice /home/alice/healthtrack
serve 1000:1000 /home/alice /home/alice/healthtrack

say "a checkout that cannot be written, and an empty HOME variable"
rm -rf "$bare/home/alice" && install -d -m 0700 -o 1000 -g 1000 "$bare/home/alice"
copy_checkout /srv/healthtrack 0:0
both 1000:1000 "" /srv/healthtrack
if [ -e "$bare/srv/healthtrack/.venv" ]; then fail "something was written into the checkout"; fi

say "$failures failures"
exit "$((failures > 0))"
