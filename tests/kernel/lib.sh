# SPDX-License-Identifier: MIT
# For tests that meet the kernel: sourced, runs the script anew in a network namespace of its own, or skips it.
# Whatever is made there vanishes with the last process in it.
lastack=${LASTACK:-build/lastack}
case $lastack in /*) ;; *) lastack=$(pwd)/$lastack ;; esac

skip() {
  echo "skipped: $*"
  exit 77
}
fail() {
  echo "failed: $*"
  exit 1
}

# need PROGRAM...
need() {
  for program; do
    command -v "$program" >/dev/null 2>&1 || skip "$program is not installed"
  done
}

# in_namespace SCRIPT ARG...: as root at once, else by way of a user namespace.
in_namespace() {
  [ -z "${LASTACK_TEST_NS:-}" ] || return 0
  need unshare ip
  [ -c /dev/net/tun ] || skip "there is no /dev/net/tun"
  LASTACK_TEST_NS=1
  export LASTACK_TEST_NS
  for how in -n -Urn; do
    if unshare $how sh -c 'ip tuntap add dev probe0 mode tun && ip link del probe0' 2>/dev/null; then
      exec unshare $how sh "$@"
    fi
  done
  skip "no right to make a network namespace with a TUN device"
}

# until_true SECONDS COMMAND...: tries until it succeeds, or fails at the deadline.
until_true() {
  deadline=$(($(date +%s) + $1))
  shift
  until "$@" >/dev/null 2>&1; do
    [ "$(date +%s)" -lt "$deadline" ] || return 1
    sleep 0.02
  done
}
