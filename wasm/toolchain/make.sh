#!/usr/bin/env bash
# What the npm scripts do. Each starts from a fresh clone, fetches what is
# missing, and rebuilds only what changed.
#
#   make.sh build                                  dist/ and demo/dist/
#   make.sh start                                  the same, served (PORT, default 8080)
#   make.sh test [SUITE …]                         those tests, or all of
#                                                  native install sanitized tidy wasm demo browser firefox consumers
#   make.sh fuzz [SECONDS [TARGET …]]              each target for so long (1800)
#   make.sh check [--fix]                          format, types, package hygiene
#   make.sh release                                all of it, and build/convscope-VERSION.tgz
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."

command=${1:-}
shift || true

setup() {
  bash wasm/toolchain/setup.sh "$@"
  . build/env.sh
}

# compile PRESET [TARGET]: configures when there is nothing yet or the tools
# have moved; Ninja sees to everything else.
compile() {
  local preset=$1 folder=build/$1
  local configure=(cmake --preset "$preset") log=build/$1.log
  [[ -z ${CI:-} ]] || configure+=(-DCONVSCOPE_WERROR=ON)
  # libFuzzer is Clang's; by hand any compiler with sanitizers will do.
  [[ $preset != asan && $preset != tidy ]] || configure+=(-DCMAKE_CXX_COMPILER=clang++-19)
  if [[ ! -f $folder/build.ninja || build/env.sh -nt $folder/build.ninja ]]; then
    "${configure[@]}" --fresh >"$log" 2>&1 || {
      cat "$log" >&2
      return 1
    }
  fi
  cmake --build "$folder" ${2:+--target "$2"}
}

build_package() {
  compile wasm-simd
  compile wasm-relaxed
  node wasm/toolchain/package.mjs
  node wasm/toolchain/provenance.mjs
}
build_site() {
  build_package
  node demo/build.mjs
}

# The references of the package and of the C++ headers, beside the page.
build_reference() {
  rm -rf build/doxygen demo/dist/api
  mkdir -p demo/dist/api
  typedoc --options wasm/typedoc.json --logLevel Warn || return 1
  node wasm/toolchain/reference.mjs demo/dist/api/js || return 1
  doxygen core/Doxyfile || return 1
  cp -r build/doxygen/html demo/dist/api/cpp
}

# The package as a user gets it: packed, and unpacked into a project's
# node_modules, from where the tests import it by its name.
pack() {
  rm -rf build/consumer
  mkdir -p build/consumer/node_modules/convscope
  local file
  file=$(npm pack --silent --ignore-scripts --pack-destination build)
  tar -xzf "build/$file" --strip-components=1 -C build/consumer/node_modules/convscope
  echo '{ "private": true, "type": "module" }' >build/consumer/package.json
}

# bundle FILE…: those below tests/, into build/consumer. Node 20 strips no types.
# What is not the file's own comes from node_modules: "convscope" is the packed
# one (tsconfig.json would lead to its sources).
bundle() {
  esbuild "$@" --bundle --format=esm --platform=node --target=node20 \
    --packages=external --tsconfig-raw='{}' --sourcemap=inline --log-level=warning --ignore-annotations \
    --outbase=tests --outdir=build/consumer/tests
}

# run_node_tests PATH…: the test files at or below tests/PATH, in Node.
run_node_tests() {
  local files=()
  mapfile -t files < <(cd tests && find "$@" -name '*.test.ts' | sort)
  [[ ${#files[@]} -gt 0 ]] || {
    echo "no test files in tests/$*" >&2
    return 1
  }
  bundle "${files[@]/#/tests/}" || return 1
  local bundled=("${files[@]/%.ts/.js}")
  # A test that hangs, or leaves a browser open, must not hang the run.
  local flags=(--enable-source-maps --test --test-force-exit --test-timeout=600000
    --test-reporter=spec --test-concurrency=2)
  # Relaxed SIMD sits behind a flag in Node 20; later versions have it, and no flag.
  [[ $(node -p 'parseInt(process.versions.node)') -gt 20 ]] || flags=(--experimental-wasm-relaxed-simd "${flags[@]}")
  CONVSCOPE_VECTORS=${CONVSCOPE_VECTORS:-$PWD/tests/data/vectors} \
    CONVSCOPE_CHROMIUM=${CONVSCOPE_CHROMIUM:-$(command -v chromium || command -v google-chrome || true)} \
    node --expose-gc "${flags[@]}" "${bundled[@]/#/build/consumer/tests/}"
}

# The functions of one suite each. They run under "if", where bash ignores
# errexit: hence the explicit && chains.
run_ctest() {
  local preset=$1 status=0
  ctest --preset "$preset" --parallel 2 || status=1
  # ctest counts files, doctest counts cases.
  awk '/^\[doctest\] test cases:/ { total += $4; passed += $6; failed += $9 }
    END { print "doctest: " total " test cases, " passed " passed, " failed " failed" }' \
    "build/$preset/Testing/Temporary/LastTest.log"
  return $status
}
test_native() { compile release convscope_tests && run_ctest release; }
# The library installed, and a user's project that finds it.
test_install() {
  compile release convscope && mkdir -p build/consumer && run_node_tests install
}
# The same tests under the sanitizers, and a short run of each fuzz target.
test_sanitized() {
  compile asan && run_ctest asan && bash tests/fuzz/run.sh "${CONVSCOPE_FUZZ_SECONDS:-20}" edits layers text
}
# clang-tidy over what has changed since it last found nothing.
test_tidy() {
  compile tidy convscope && echo "tidy: nothing found in $(printf '%s\n' core/src/*.cc | wc -l) files"
}
test_wasm() { build_package && pack && run_node_tests wasm && fuzz_javascript; }
fuzz_javascript() {
  bundle tests/fuzz/*_fuzz.ts && bash tests/fuzz/run.sh "${CONVSCOPE_FUZZ_SECONDS:-20}" files onnx links
}
test_demo() { build_package && pack && run_node_tests demo; }
# What others make of the package: bundlers, Node, TypeScript, ONNX Runtime.
test_consumers() {
  build_package && check_package && typedoc --options wasm/typedoc.json --emit none &&
    pack && run_node_tests consumers
}
# Whether package.json and the packed files are as resolvers want them.
check_package() {
  publint --strict &&
    attw --pack . --profile esm-only --exclude-entrypoints convscope.simd.wasm convscope.relaxed.wasm
}
test_browser() { build_site && pack && run_node_tests browser; }
# The page's main stories once more, in Firefox.
test_firefox() {
  build_site && pack || return 1
  CONVSCOPE_BROWSER=firefox run_node_tests browser/{edit,modes,stack,bring}.test.ts
}

run_tests() {
  local suites=("$@") suite status=0 report=()
  [[ ${#suites[@]} -gt 0 ]] || suites=(native install sanitized tidy wasm demo browser firefox consumers)
  local tools=(--browser --docs --sanitizers)
  [[ " ${suites[*]} " != *" firefox "* ]] || tools+=(--firefox)
  [[ " ${suites[*]} " != *" consumers "* ]] || tools+=(--consumers)
  setup "${tools[@]}"
  for suite in "${suites[@]}"; do
    declare -F "test_$suite" >/dev/null || {
      echo "test: no suite named $suite (there are: native install sanitized tidy wasm demo browser firefox consumers)" >&2
      exit 2
    }
    echo
    echo "--- $suite"
    # A subshell, so that its errexit holds: every suite is run and reported.
    local began=$SECONDS outcome=passed
    set +e
    (
      set -e
      "test_$suite"
    )
    [[ $? -eq 0 ]] || outcome=FAILED status=1
    set -e
    report+=("$(printf '%-9s %s (%d s)' "$suite" "$outcome" $((SECONDS - began)))")
  done
  echo
  printf '%s\n' "${report[@]}"
  return $status
}

run_fuzz() {
  setup --sanitizers
  compile asan
  build_package
  pack
  bundle tests/fuzz/*_fuzz.ts
  bash tests/fuzz/run.sh "${1:-1800}" "${@:2}"
}

# What goes out is what a clean tree gives once everything has passed. A tag on
# the commit, if there is one, is the version's, and the changelog has it.
run_release() {
  local version tags
  version=$(node -p 'require("./package.json").version')
  tags=$(git tag --points-at HEAD --list 'v*')
  [[ -z $(git status --porcelain) ]] || {
    echo "release: there are changes that are not committed" >&2
    exit 1
  }
  grep -q "^## \[${version//./\\.}\]" CHANGELOG.md || {
    echo "release: CHANGELOG.md has no section \"## [$version]\"" >&2
    exit 1
  }
  [[ -z $tags || " ${tags//$'\n'/ } " == *" v$version "* ]] || {
    echo "release: the tag $tags does not fit version $version of package.json" >&2
    exit 1
  }
  # Warnings are errors.
  export CI=true
  run_check
  run_tests
  build_site
  build_reference
  local file
  file=$(npm pack --silent --ignore-scripts --pack-destination build)
  (cd build && sha256sum "$file")
  echo "release: build/$file and the site in demo/dist; what it is made of: dist/PROVENANCE.md"
}

run_check() {
  local fix=false
  [[ ${1:-} != --fix ]] || fix=true
  setup --check
  build_package
  local cc=() web=()
  mapfile -t cc < <(git ls-files -co --exclude-standard '*.cc' '*.h')
  mapfile -t web < <(git ls-files -co --exclude-standard '*.ts' '*.mjs' '*.css' '*.html' ':!tests/data')
  local status=0
  if $fix; then
    clang-format-19 -i "${cc[@]}"
    prettier --write --log-level warn "${web[@]}"
  else
    clang-format-19 --dry-run -Werror "${cc[@]}" || status=1
    prettier --check "${web[@]}" || status=1
  fi
  tsc -p . || status=1
  check_package || status=1
  [[ $status -eq 0 ]] && echo "check: all well" || echo "check: FAILED (format: npm run check -- --fix)" >&2
  return $status
}

case $command in
  build)
    setup --docs
    build_site
    build_reference
    ;;
  start)
    setup
    build_site
    exec node demo/serve.mjs
    ;;
  test) run_tests "$@" ;;
  check) run_check "$@" ;;
  fuzz) run_fuzz "$@" ;;
  release) run_release ;;
  *)
    echo "usage: make.sh build | start | test [SUITE …] | check [--fix] | fuzz [SECONDS [TARGET …]] | release" >&2
    exit 2
    ;;
esac
