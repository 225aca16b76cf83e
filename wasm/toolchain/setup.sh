#!/usr/bin/env bash
# Puts every tool that the build needs where it belongs, and nothing twice.
#
#   setup.sh [--browser] [--check] [--consumers] [--firefox] [--sanitizers]
#            [--docs]
#
# Without flags: what building needs. --browser adds Chromium (browser tests),
# --check the formatter, --firefox Firefox ESR (only for tests that ask for it),
# --sanitizers Clang with its sanitizers, libFuzzer and clang-tidy, --docs
# Doxygen,
# --consumers the bundlers and engines that the consumers' tests use.
# A second run finds everything there and takes a fraction of a second.
#
# Where things go: system packages by apt-get; Emscripten and the C++ libraries
# into ${XDG_CACHE_HOME:-~/.cache}/convscope, in folders keyed by version that
# every clone of this user shares; npm packages into node_modules. The last act
# writes build/env.sh, which the npm scripts source.
#
# An emcc (3.1.69 or newer) on the PATH or under $EMSDK goes before ours, as do
# HIGHWAY_DIR, DOCTEST_DIR and JSON_DIR from the environment.
set -euo pipefail

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
cache=${XDG_CACHE_HOME:-$HOME/.cache}/convscope

# The versions, in one place. The keys name the folders: change a version, or
# the way it is unpacked (the "r" number), and the old folder is left alone.
readonly min_emscripten=3.1.69
readonly acorn=8.14.0
readonly llvm=19
# Debian's stable release, hence versions that stay: Emscripten 3.1.69,
# Binaryen 120, Highway 1.2.0, doctest 2.4.11, nlohmann-json 3.11.3.
readonly suite=trixie
arch=$(uname -m)
emscripten_dir=$cache/emscripten-3.1.69-binaryen-120-$arch-r1
libraries_dir=$cache/highway-1.2.0-doctest-2.4.11-json-3.11.3-r1

want_browser=false want_check=false want_firefox=false want_sanitizers=false
want_docs=false want_consumers=false
for argument in "$@"; do
  case $argument in
    --browser) want_browser=true ;;
    --check) want_check=true ;;
    --firefox) want_firefox=true ;;
    --sanitizers) want_sanitizers=true ;;
    --docs) want_docs=true ;;
    --consumers) want_consumers=true ;;
    *)
      echo "setup: unknown option $argument (known: --browser --check --consumers --firefox --sanitizers --docs)" >&2
      exit 2
      ;;
  esac
done

say() { echo "setup: $*" >&2; }
have() { command -v "$1" >/dev/null 2>&1; }
is_debian() {
  [[ -r /etc/os-release ]] && grep -qx 'ID=debian' /etc/os-release && have apt-get
}

# --- What is missing? -------------------------------------------------------

# version_at_least HAVE WANT
version_at_least() {
  [[ $(printf '%s\n%s\n' "$1" "$2" | sort -V | head -n1) == "$2" ]]
}

# Prints the folder of the user's own emcc if it is new enough. The version is
# read from the file beside it: asking emcc itself costs a Python start.
find_users_emcc() {
  local candidate found version
  for candidate in "${EMSDK:+$EMSDK/upstream/emscripten/emcc}" "$(command -v emcc || true)"; do
    [[ -n $candidate && -x $candidate ]] || continue
    found=$(dirname "$(readlink -f "$candidate")")
    [[ $found == "$cache"/* ]] && continue # Ours, from an earlier build/env.sh.
    version=$(tr -d '"' 2>/dev/null <"$found/emscripten-version.txt") ||
      version=$("$candidate" --version 2>/dev/null | grep -oEm1 '[0-9]+\.[0-9]+\.[0-9]+') || continue
    version=${version%%[!0-9.]*}
    if version_at_least "$version" "$min_emscripten"; then
      dirname "$candidate"
      return
    fi
    say "$candidate is Emscripten $version; $min_emscripten or newer is needed, so it is not used"
  done
}

# Values from an earlier build/env.sh are ours, perhaps of an older version.
for variable in HIGHWAY_DIR DOCTEST_DIR JSON_DIR; do
  [[ ${!variable:-} != "$cache"/* ]] || unset "$variable"
done

emcc_dir=$(find_users_emcc)
ours=false
[[ -n $emcc_dir ]] || ours=true

# Clang's libraries of that name come in a package of their own.
have_fuzzer() {
  local file
  file=$(clang++-$llvm -print-file-name="libclang_rt.fuzzer-$arch.a" 2>/dev/null) ||
    file=/usr/lib/llvm-$llvm/lib/clang/$llvm/lib/linux/libclang_rt.fuzzer-$arch.a
  [[ -f $file || -f ${file/-$arch/} ]]
}

packages=()
need() { # need PROGRAM PACKAGE: the package is wanted if no such program exists
  have "$1" || packages+=("$2")
}
missing_packages() {
  packages=()
  need cmake cmake
  need ninja ninja-build
  # Any C++20 compiler will do; CMake asks $CXX first, then c++.
  have "${CXX:-c++}" || packages+=(g++)
  need git git
  need python3 python3
  need flock util-linux
  if $ours; then
    need /usr/lib/llvm-$llvm/bin/clang clang-$llvm
    need /usr/lib/llvm-$llvm/bin/wasm-ld lld-$llvm
    need /usr/lib/llvm-$llvm/bin/llvm-ar llvm-$llvm
  fi
  if $want_browser && [[ ! -x ${CONVSCOPE_CHROMIUM:-} ]]; then
    have chromium || have google-chrome || packages+=(chromium fonts-dejavu-core)
  fi
  if $want_check; then need clang-format-$llvm clang-format-$llvm; fi
  if $want_firefox; then need firefox-esr firefox-esr; fi
  if $want_docs; then need doxygen doxygen; fi
  if $want_sanitizers; then
    need clang++-$llvm clang-$llvm
    # The oldest that is promised to C++ users.
    need clang++-14 clang-14
    have_fuzzer || packages+=(libclang-rt-$llvm-dev)
    need clang-tidy-$llvm clang-tidy-$llvm
  fi
}

have_libraries() {
  [[ -d $libraries_dir ]] || [[ -n ${HIGHWAY_DIR:-} && -n ${DOCTEST_DIR:-} && -n ${JSON_DIR:-} ]]
}
have_emscripten() { ! $ours || [[ -d $emscripten_dir ]]; }
# The folders whose package-lock.json is to be installed.
module_folders=("$root")
! $want_consumers || module_folders+=("$root/tests/consumers")

have_modules() {
  local folder
  for folder in "${module_folders[@]}"; do
    # npm writes this file last, so an interrupted install does not count.
    [[ -f $folder/node_modules/.package-lock.json &&
      ! $folder/package-lock.json -nt $folder/node_modules/.package-lock.json ]] || return 1
  done
}

# --- Getting it -------------------------------------------------------------

# The one message for machines that we cannot set up ourselves.
refuse() {
  cat >&2 <<MESSAGE
setup: this machine lacks: $1
setup: only Debian, as root, is set up automatically. Elsewhere please install
  - cmake 3.25, ninja, git, python3 and a C++20 compiler (g++ 12 or clang 14 and newer)
  - Emscripten $min_emscripten or newer: the emsdk from https://emscripten.org, then "source emsdk_env.sh"
  - Chromium or Chrome for the browser tests (or its path in CONVSCOPE_CHROMIUM)
  - clang++-14, and clang++-$llvm with its sanitizers and libFuzzer (compiler-rt), and clang-tidy-$llvm, for the tests with them
  - Doxygen for the reference of the C++ headers
  - clang-format-$llvm for "npm run check"
and run the same command again. Highway 1.2.0, doctest 2.4.11 and nlohmann-json 3.11.3 are then fetched by
CMake's FetchContent, unless HIGHWAY_DIR, DOCTEST_DIR and JSON_DIR name folders that hold them.
MESSAGE
  exit 1
}

install_packages() {
  say "installing ${packages[*]}"
  # The lists may be missing or old; a stale list fails in confusing ways.
  apt-get -o DPkg::Lock::Timeout=600 -qq update >&2
  DEBIAN_FRONTEND=noninteractive apt-get -o DPkg::Lock::Timeout=600 -qq -y \
    --no-install-recommends install "${packages[@]}" >"$cache/apt.log" 2>&1 || {
    tail -n 30 "$cache/apt.log" >&2
    say "apt-get could not install ${packages[*]}; its whole output: $cache/apt.log"
    exit 1
  }
}

# A private apt for $suite beside the system's own, which stays untouched. The
# mirror and the key are the ones that this machine's apt already uses.
suite_apt_ready=false
suite_apt() {
  apt-get -qq -o Dir::Etc::sourcelist="$scratch/apt/sources.list" -o Dir::Etc::sourceparts=- \
    -o Dir::State::lists="$scratch/apt/lists" -o Dir::Cache="$scratch/apt/cache" \
    -o Dir::State::status=/dev/null -o APT::Sandbox::User=root "$@" >&2
}
prepare_suite_apt() {
  $suite_apt_ready && return
  local codename mirror keyring=/usr/share/keyrings/debian-archive-keyring.gpg
  codename=$(. /etc/os-release && echo "$VERSION_CODENAME")
  # Other vendors' repositories use Debian's release names too: theirs do not
  # end in "debian", or they carry an origin of their own.
  mirror=$(apt-get indextargets --format '$(REPO_URI) $(RELEASE) $(COMPONENT)' 'Created-By: Packages' |
    awk -v release="$codename" '($2 == release || $2 == "stable") && $3 == "main" {
      if ($1 ~ /\/debian\/?$/) { print $1; found = 1; exit } if (!first) first = $1 }
      END { if (!found && first) print first }')
  [[ -n $mirror ]] || {
    say "apt has no source for Debian $codename main, so there is no mirror to take $suite from"
    exit 1
  }
  mkdir -p "$scratch/apt/lists/partial" "$scratch/apt/cache/archives/partial"
  local signed=
  [[ -r $keyring ]] && signed="[signed-by=$keyring] "
  printf '%s %s%s %s main\n' deb "$signed" "$mirror" "$suite" deb-src "$signed" "$mirror" "$suite" \
    >"$scratch/apt/sources.list"
  say "reading Debian $suite's package list"
  suite_apt update
  suite_apt_ready=true
}

# Leaves a finished folder or none: unpacked beside, renamed as the last act.
publish() {
  sync -f "$1"
  mv -T "$1" "$2"
}

get_libraries() {
  prepare_suite_apt
  say "fetching Highway, doctest and nlohmann-json"
  local work=$scratch/libraries
  mkdir -p "$work/download" "$work/tree"
  (
    cd "$work/download"
    suite_apt download doctest-dev nlohmann-json3-dev
    suite_apt source --download-only highway
    for package in *.deb; do dpkg -x "$package" "$work/unpacked"; done
    mkdir "$work/tree/highway"
    tar -xf highway_*.orig.tar.* --strip-components=1 -C "$work/tree/highway"
  )
  mv "$work/unpacked/usr/include" "$work/tree/include"
  [[ -f $work/tree/highway/hwy/highway.h && -f $work/tree/include/doctest/doctest.h &&
    -f $work/tree/include/nlohmann/json.hpp ]] || {
    say "Debian $suite's packages of Highway, doctest and nlohmann-json hold other files than expected"
    exit 1
  }
  publish "$work/tree" "$libraries_dir"
}

get_emscripten() {
  prepare_suite_apt
  say "fetching Emscripten (about 240 MB)"
  local work=$scratch/emscripten
  local tree=$work/tree
  mkdir -p "$work/download" "$tree"
  (
    cd "$work/download"
    suite_apt download emscripten binaryen libc6 libgcc-s1 libstdc++6
    for package in *.deb; do
      dpkg -x "$package" "$work/unpacked"
      rm "$package"
    done
    # Emscripten's optimiser imports acorn; npm verifies what it downloads.
    npm pack --silent "acorn@$acorn" >/dev/null
    mkdir -p "$work/unpacked/usr/share/emscripten/node_modules/acorn"
    tar -xzf acorn-*.tgz --strip-components=1 -C "$work/unpacked/usr/share/emscripten/node_modules/acorn"
  )
  mv "$work/unpacked/usr/share/emscripten" "$tree/emscripten"
  # Half of the 1.7 GB: libraries for dynamic linking, and the tests' files.
  rm -rf "$tree"/emscripten/cache/sysroot/lib/wasm32-emscripten/{pic,lto-pic} "$tree/emscripten/test"
  mkdir -p "$tree/binaryen/bin"
  mv "$work/unpacked/usr/bin" "$tree/binaryen/real"
  # Debian releases before $suite have the C library in /lib.
  mv "$work"/unpacked/usr/lib/*-linux-gnu* "$tree/binaryen/lib"

  # Binaryen is built for a newer C library than the system's: run it under the
  # loader that came with it, and keep that library off everyone else's path.
  local program loader
  loader=$(cd "$tree/binaryen/lib" && echo ld-linux*.so.*)
  for program in "$tree"/binaryen/real/wasm*; do
    program=$(basename "$program")
    printf '%s\n' '#!/bin/sh' \
      'root=$(dirname "$(dirname "$(readlink -f "$0")")")' \
      "exec \"\$root/lib/$loader\" --library-path \"\$root/lib\" \"\$root/real/$program\" \"\$@\"" \
      >"$tree/binaryen/bin/$program"
    chmod +x "$tree/binaryen/bin/$program"
  done
  "$tree/binaryen/bin/wasm-opt" --version >&2

  local version
  version=$(tr -d '"' <"$tree/emscripten/emscripten-version.txt")
  [[ ${version%%[!0-9.]*} == 3.1.69 ]] || say "Debian $suite now has Emscripten $version; 3.1.69 was expected"

  # emcc reads this file beside it when no EM_CONFIG says otherwise. Debian's own
  # libraries come prebuilt, hence the frozen cache.
  cat >"$tree/emscripten/.emscripten" <<CONFIG
import shutil
LLVM_ROOT = '/usr/lib/llvm-$llvm/bin'
BINARYEN_ROOT = '$emscripten_dir/binaryen'
NODE_JS = shutil.which('node')
FROZEN_CACHE = True
CONFIG
  publish "$tree" "$emscripten_dir"
}

get_modules() {
  if [[ ! -f $root/package-lock.json ]]; then
    say "no package-lock.json yet: npm packages are left alone"
    return
  fi
  local wanted=("${module_folders[@]}") folder
  for folder in "${wanted[@]}"; do
    module_folders=("$folder")
    ! have_modules || continue
    say "installing npm packages in .${folder#"$root"}"
    # No package of ours needs its install script, so none gets to run one.
    (cd "$folder" && npm ci --ignore-scripts --no-audit --no-fund --loglevel=error >&2)
  done
  module_folders=("${wanted[@]}")
}

# --- Do it ------------------------------------------------------------------

missing_packages
if ! have node || ! version_at_least "$(node -p process.versions.node)" 20; then
  refuse "Node.js 20 or newer"
fi
if [[ ${#packages[@]} -gt 0 ]] || ! have_libraries || ! have_emscripten || ! have_modules; then
  if ! is_debian; then
    missing="${packages[*]}"
    have_emscripten || missing+=" emscripten"
    [[ -z $missing ]] || refuse "$missing"
  elif [[ ${#packages[@]} -gt 0 && $(id -u) -ne 0 ]]; then
    refuse "${packages[*]} (sudo apt-get install ${packages[*]})"
  fi

  mkdir -p "$cache"
  # Two set-ups at once: the second waits here and then finds all it wanted.
  if have flock; then
    exec 9>"$cache/lock"
    flock 9
  fi
  scratch=$(mktemp -d "$cache/unfinished.XXXXXX")
  trap 'rm -rf "$scratch"' EXIT
  trap 'exit 130' INT
  trap 'exit 143' TERM
  # What a killed set-up left behind; the lock says nobody is at work there.
  find "$cache" -maxdepth 1 -name 'unfinished.*' ! -path "$scratch" -exec rm -rf {} +

  missing_packages
  [[ ${#packages[@]} -eq 0 ]] || install_packages
  # Elsewhere than on Debian CMake fetches the libraries (FetchContent).
  have_libraries || ! is_debian || get_libraries
  have_emscripten || get_emscripten
  have_modules || get_modules
  say "done"
fi

# --- build/env.sh -----------------------------------------------------------

environment=$(
  echo "# Written by wasm/toolchain/setup.sh. Source it to use the same tools by hand."
  if [[ -d $libraries_dir ]]; then
    printf 'export HIGHWAY_DIR=%q\n' "${HIGHWAY_DIR:-$libraries_dir/highway}"
    printf 'export DOCTEST_DIR=%q\n' "${DOCTEST_DIR:-$libraries_dir/include}"
    printf 'export JSON_DIR=%q\n' "${JSON_DIR:-$libraries_dir/include}"
  fi
  if $ours; then
    # A configuration of some other Emscripten would send ours astray.
    echo 'unset EM_CONFIG'
    emcc_dir=$emscripten_dir/emscripten
  fi
  # tsc writes the types of the bindings (--emit-tsd); emcc looks for it on the PATH.
  printf 'case $PATH in %q:*) ;; *) export PATH=%q:"$PATH" ;; esac\n' \
    "$emcc_dir" "$emcc_dir:$root/node_modules/.bin"
)
mkdir -p "$root/build"
if [[ $environment != "$(cat "$root/build/env.sh" 2>/dev/null)" ]]; then
  echo "$environment" >"$root/build/env.sh.$$"
  mv "$root/build/env.sh.$$" "$root/build/env.sh"
fi
