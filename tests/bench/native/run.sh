#!/usr/bin/env bash
# The core beside oneDNN on this machine, one thread each: a table of ratios.
# Fetches what is missing (on Debian, as root), builds, runs; about two minutes.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../../.."
bash wasm/toolchain/setup.sh
. build/env.sh
if ! dpkg -s libdnnl-dev libbenchmark-dev >/dev/null 2>&1; then
  apt-get -qq update
  apt-get -qq -y --no-install-recommends install libdnnl-dev libbenchmark-dev
fi
cmake -S tests/bench/native -B build/bench-native -G Ninja
cmake --build build/bench-native
# Layer by layer all three in turns, so that what else the machine does falls
# on all of them.
OMP_NUM_THREADS=1 build/bench-native/conv_benchmark --benchmark_min_time=0.1 \
  --benchmark_repetitions=9 --benchmark_enable_random_interleaving=true \
  --benchmark_report_aggregates_only=true --benchmark_format=json \
  --benchmark_out="build/bench-native/results.json" >/dev/null
node tests/bench/native/ratios.mjs <build/bench-native/results.json
