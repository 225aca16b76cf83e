#!/usr/bin/env bash
# Runs fuzz targets that are built already, two at a time.
#
#   run.sh SECONDS [TARGET …]
#
# A target in C++ begins with the inputs in corpus/TARGET, keeps what is new in
# build/fuzz/TARGET, and leaves an input that breaks a promise in build/fuzz as
# TARGET-crash-…; "build/asan/tests/fuzz/fuzz_TARGET FILE" runs that one again.
# One in JavaScript prints the input.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."

seconds=$1
shift
targets=("$@")
[[ ${#targets[@]} -gt 0 ]] || targets=(edits layers text files onnx links)

fuzz() {
  local target=$1 log=build/fuzz/$1.log program=(build/asan/tests/fuzz/fuzz_"$1")
  mkdir -p "build/fuzz/$target"
  if [[ -d tests/fuzz/corpus/$target ]]; then
    # Inputs beyond these sizes repeat what smaller ones say.
    program+=(-max_total_time="$seconds" -max_len=600 -timeout=25 -rss_limit_mb=3000
      -print_funcs=0 -artifact_prefix="build/fuzz/$target-"
      "build/fuzz/$target" "tests/fuzz/corpus/$target")
  else
    program=(node "build/consumer/tests/fuzz/${target}_fuzz.js" "$seconds")
  fi
  if "${program[@]}" >"$log" 2>&1; then
    echo "fuzz: $target: $(tail -n 1 "$log")"
  else
    tail -n 60 "$log" >&2
    echo "fuzz: $target FAILED (whole output: $log)" >&2
    return 1
  fi
}
export -f fuzz
export seconds UBSAN_OPTIONS=print_stacktrace=1

printf '%s\n' "${targets[@]}" | xargs -P 2 -I {} bash -c 'fuzz {}'
