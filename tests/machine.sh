#!/bin/sh
# Installs missing Debian packages for the tests; on other systems it lists what to install manually.
# usage: tests/machine.sh [node|nginx]
set -eu

missing=""
need() { # need COMMAND PACKAGE...
  command=$1; shift
  if ! command -v "$command" >/dev/null 2>&1 && [ ! -x "$command" ]; then missing="$missing $*"; fi
}

if [ "${1:-}" = node ]; then
  need node nodejs
  need npm npm
elif [ "${1:-}" = nginx ]; then
  command -v nginx >/dev/null 2>&1 || need /usr/sbin/nginx nginx-light
else
  need memcached memcached
  need /usr/sbin/pgbouncer pgbouncer
  need chromium-headless-shell chromium-headless-shell  # If only `chromium` is found, the tests use that.
  need /usr/sbin/nginx nginx-light
  need promtool prometheus
  need systemd-analyze systemd libseccomp2  # To check the units; systemd need not run.
  ls /usr/lib/postgresql/*/bin/initdb >/dev/null 2>&1 || missing="$missing postgresql"
  ls /usr/share/fonts/opentype/noto/NotoSansCJK-Regular.ttc >/dev/null 2>&1 || missing="$missing fonts-noto-cjk"
fi
[ -n "$missing" ] || exit 0

if ! command -v apt-get >/dev/null 2>&1; then
  echo "Please install what these Debian packages hold, then run this again:$missing" >&2
  exit 1
fi
root=""
if [ "$(id -u)" -ne 0 ]; then
  if ! command -v sudo >/dev/null 2>&1; then
    echo "Please run as root: apt-get install$missing" >&2
    exit 1
  fi
  root=sudo
fi
echo "Installing$missing"
$root env DEBIAN_FRONTEND=noninteractive apt-get update -qq
# shellcheck disable=SC2086
$root env DEBIAN_FRONTEND=noninteractive apt-get install -qq -y --no-install-recommends $missing >/dev/null
