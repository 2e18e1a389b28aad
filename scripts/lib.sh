# shellcheck shell=bash
# Shared by the scripts in this folder: talking, looking for tools, and counting tests.
# Everything printed here goes to standard error, so that standard output stays the
# property of whatever the script runs.

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
cd "$root" || exit 1

# In CI leaving something out is a failure; everywhere else it is said aloud.
in_ci() { [ "${CI:-}" = 1 ] || [ "${CI:-}" = true ]; }
is_root() { [ "$(id -u)" = 0 ]; }
have() { command -v "$1" >/dev/null 2>&1; }

if [ -t 2 ]; then
  bold=$'\e[1m' red=$'\e[31m' plain=$'\e[0m'
else
  bold='' red='' plain=''
fi

say() { printf '%s==> %s%s\n' "$bold" "$*" "$plain" >&2; }
note() { printf '    %s\n' "$*" >&2; }

# Stops with a problem and, in the lines after it, what would solve it.
die() {
  printf '%serror:%s %s\n' "$red" "$plain" "$1" >&2
  shift
  for line in "$@"; do printf '    %s\n' "$line" >&2; done
  exit 1
}

# The rust compiler, a C compiler (SQLite and the TLS library contain C) and the wasm target.
need_rust() {
  if ! have cargo; then
    # shellcheck disable=SC1091
    [ -f "${CARGO_HOME:-$HOME/.cargo}/env" ] && . "${CARGO_HOME:-$HOME/.cargo}/env"
  fi
  have cargo || die "cargo is not installed; rustup provides it:" \
    "curl --proto '=https' --tlsv1.2 -sSf https://sh.rustup.rs | sh -s -- -y" \
    ". \"\$HOME/.cargo/env\""
  have cc || die "a C compiler (cc) is not installed:" \
    "Debian, Ubuntu:  apt-get install -y build-essential" \
    "Fedora:          dnf install -y gcc" \
    "macOS:           xcode-select --install"
}

# The part of the toolchain that compiles for the browser.
need_wasm() {
  need_rust
  local libraries
  libraries=$(rustc --print target-libdir --target wasm32-unknown-unknown 2>/dev/null || true)
  [ -n "$libraries" ] && [ -d "$libraries" ] && return
  have rustup || die "this Rust toolchain cannot compile for wasm32-unknown-unknown:" \
    "install rustup (https://rustup.rs), then: rustup target add wasm32-unknown-unknown"
  say "Adding the wasm32-unknown-unknown target"
  rustup target add wasm32-unknown-unknown >&2 ||
    die "the wasm target could not be added; when there is a network, run:" \
      "rustup target add wasm32-unknown-unknown"
}

# Installs Debian packages when we may, else names the command. `$1` is what is missing.
need_packages() {
  local what=$1
  shift
  if have apt-get && is_root; then
    say "Installing $what ($*)"
    export DEBIAN_FRONTEND=noninteractive
    apt-get install -y -qq --no-install-recommends "$@" >/dev/null 2>&1 ||
      { apt-get update -qq >&2 && apt-get install -y -qq --no-install-recommends "$@" >/dev/null; } ||
      die "$what could not be installed; run:" "apt-get update && apt-get install -y $*"
  elif have apt-get; then
    die "$what is missing; run:" "sudo apt-get install -y $*"
  else
    die "$what is missing; install it with this system's package manager" "(Debian calls it: $*)"
  fi
}

# The tally: one line a suite, `name passed failed skipped`, summed in the last line of a run.
tally_file="$root/target/tests.tally"
tally_reset() { mkdir -p "$root/target" && : >"$tally_file"; }
tally_add() { printf '%s %s %s %s\n' "$1" "$2" "$3" "${4:-0}" >>"$tally_file"; }
tally_total() {
  awk '{ p += $2; f += $3; s += $4 }
       END { printf "total: %d passed, %d failed", p, f; if (s) printf ", %d skipped", s; print "" }' \
    "$tally_file"
}
