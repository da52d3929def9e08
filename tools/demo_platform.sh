# What the demonstrations share: a platform on a temporary data directory that ends with the script.
# To be sourced by bash with `set -euo pipefail`; needs nothing but bash, sed and the thaw program.
here=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
thaw=${THAW:-$here/build/release/apps/thaw/thaw}
work=$(mktemp -d "${TMPDIR:-/tmp}/thaw-demo.XXXXXX")
platform=

say() { printf '\n\033[1m%s\033[0m\n' "$*"; }
run() {
  printf '$ %s\n' "$*"
  "$@"
}
# The data directory may belong to nobody else: it is removed in the end.
finish() {
  local code=$?
  if [ -n "$platform" ] && kill -0 "$platform" 2>/dev/null; then
    kill -TERM "$platform" && wait "$platform" || true
  fi
  if [ "$code" -ne 0 ]; then
    echo "the demo failed; the platform's log:" >&2
    tail -n 40 "$work/log" >&2 || true
  fi
  rm -rf "$work"
  exit "$code"
}
trap finish EXIT
# poll WHAT COMMAND...: until COMMAND succeeds; a minute is only a bound against hanging.
poll() {
  local what=$1
  shift
  for _ in $(seq 600); do
    if "$@"; then return 0; fi
    if ! kill -0 "$platform" 2>/dev/null; then
      echo "the platform ended while waiting for $what" >&2
      return 1
    fi
    sleep 0.1
  done
  echo "waited in vain for $what" >&2
  return 1
}


# start_platform OPTION...: runs `thaw up` and sets gateway and THAW_API_ADDRESS.
start_platform() {
  "$thaw" up --data-dir "$work/data" --gateway-address 127.0.0.1:0 --api-address 127.0.0.1:0 \
    "$@" >"$work/log" 2>&1 &
  platform=$!
  poll "the platform" test -s "$work/data/endpoints.json"
  THAW_API_ADDRESS=$(sed -n 's/.*"api" *: *"\([^"]*\)".*/\1/p' "$work/data/endpoints.json")
  gateway=$(sed -n 's/.*"gateway" *: *"\([^"]*\)".*/\1/p' "$work/data/endpoints.json")
  export THAW_API_ADDRESS
  echo "   gateway http://$gateway, API http://$THAW_API_ADDRESS"
  PATH=$(dirname "$thaw"):$PATH
}
stop_platform() {
  kill -TERM "$platform"
  wait "$platform"
  platform=
  echo "   stopped; nothing is left running"
}
at_zero() { [ "$(thaw instances list --json | tr -d ' \n')" = "[]" ]; }
