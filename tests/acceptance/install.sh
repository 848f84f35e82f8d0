# How the acceptance tests get the programs of others, each once, under target/acceptance.
# To be sourced by a script that has set $target, and $root: the repository.

skipped=0
skip() {
  printf '\n!! SKIPPED: %s\n' "$*"
  skipped=1
}

# Ends with $1, and under CI=true never well where something was skipped.
end() {
  if [ "$skipped" = 1 ] && [ "${CI:-}" = true ]; then exit 1; fi
  exit "$1"
}

# Servers are where not everybody looks.
PATH=$PATH:/usr/sbin

# Whether all of these commands are there.
have() { command -v "$@" >/dev/null && [ "$(command -v "$@" | wc -l)" = $# ]; }

# A folder's name: what is in it, where it works, and the content of its pins.
folder() {
  local name=$1 where=$2
  shift 2
  printf '%s/%s-%s-%s' "$target" "$name" "$where" "$(cat "$@" | sha256sum | cut -c1-16)"
}

# Runs a command that fills a new folder; it counts once it is filled.
install_into() {
  local to=$1
  shift
  [ -d "$to" ] && return 0
  rm -rf "$to.new"
  mkdir -p "$to.new"
  if "$@" "$to.new"; then mv "$to.new" "$to"; else
    rm -rf "$to.new"
    return 1
  fi
}

# Unpacks packages of Debian, and those of what they need that this machine lacks, into a
# new folder: nothing is installed, no script of theirs is run. $@: the packages, and last
# the folder.
unpack() {
  local to=${*: -1} packages=("${@:1:$#-1}") missing
  mkdir "$to/packages"
  missing=$(apt-get --simulate --no-install-recommends install "${packages[@]}" |
    awk '$1 == "Inst" { print $2 }') && [ -n "$missing" ] &&
    (cd "$to/packages" && xargs apt-get -qq download <<<"$missing") || return 1
  local package
  for package in "$to"/packages/*.deb; do dpkg-deb --extract "$package" "$to" || return 1; done
  rm -r "$to/packages"
}

# Brings the commands of $PATH up to date with packages of Debian.
# $1: what they are for, one word. $2: its packages. The rest: the commands to have.
# What is there already is taken; what is unpacked is found before what is installed.
debian() {
  local name=$1 packages=$2 to where
  shift 2
  have "$@" && return 0
  command -v apt-get >/dev/null || return 1
  where=$(. /etc/os-release && printf '%s%s-%s' "${ID:-}" "${VERSION_ID:-}" "$(uname -m)")
  to=$target/$name-$where
  if [ ! -d "$to" ]; then
    echo "fetching $packages"
    # Without the lists of packages there is nothing to be had; only root may bring them.
    if [ "$(id -u)" = 0 ]; then apt-get -qq update || true; fi
    # shellcheck disable=SC2086 # words
    install_into "$to" unpack $packages >"$target/$name.log" 2>&1 ||
      { tail -n 5 "$target/$name.log"; return 1; }
  fi
  PATH=$to/usr/sbin:$to/usr/bin:$PATH
  export "UNPACKED_$name=$to" "LIBRARIES_$name=$(libraries "$to")"
  have "$@"
}

# Where the loader finds the libraries that `debian` has unpacked into a folder.
libraries() { find "$1" -name '*.so*' -printf '%h\n' | sort -u | paste -sd:; }

# Sets $SERIN to the binary that is asked for, or to one that is built.
build_serin() {
  if [ -n "${SERIN:-}" ]; then
    SERIN=$(realpath "$SERIN")
  else
    SERIN=$(cd "$root" && cargo build --release --message-format json-render-diagnostics |
      python3 -c '
import json, os, sys
built = [json.loads(line).get("executable") for line in sys.stdin]
print(next(path for path in built if path and os.path.basename(path) == "serin"))
')
  fi
  export SERIN
}
