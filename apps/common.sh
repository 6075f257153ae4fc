# shellcheck shell=bash
# What apps/setup, apps/quickstart, tests/run and .ci/run share. Sourced, not run. Sets `root`, the repository's folder.

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
deps=$root/build/deps

# Tools keep caches and settings in HOME; where there is none, they get a folder of ours.
if [ -z "${HOME:-}" ] || [ ! -d "$HOME" ] || [ ! -w "$HOME" ]; then
  HOME=$deps/home
  export HOME
  mkdir -p "$HOME"
fi

bold='' red='' plain=''
if [ -t 1 ] && [ -z "${NO_COLOR:-}" ] && [ "${TERM:-dumb}" != dumb ]; then
  bold=$'\e[1m' red=$'\e[31m' plain=$'\e[0m'
fi

say() { printf '%s\n' "$*"; }
headline() { printf '\n%s== %s%s\n' "$bold" "$*" "$plain"; }
fail() {
  printf '%serror:%s %s\n' "$red" "$plain" "$*" >&2
  exit 1
}

# "75 s" or "3 min 20 s".
duration() {
  if [ "$1" -lt 120 ]; then
    printf '%d s' "$1"
  else
    printf '%d min %d s' $(($1 / 60)) $(($1 % 60))
  fi
}

# step TITLE COMMAND...: announces the step, runs it, says how long it took. A failing step ends the script with its
# exit status.
step() {
  local title=$1 start=$SECONDS status=0
  shift
  headline "$title"
  "$@" || status=$?
  if [ "$status" -ne 0 ]; then
    printf "%serror:%s '%s' failed (exit status %d) after %s\n" "$red" "$plain" "$title" "$status" \
      "$(duration $((SECONDS - start)))" >&2
    exit "$status"
  fi
  say "-- $title: $(duration $((SECONDS - start)))"
}

# Compiler processes to run at once: one a core, but no more than memory carries (a file that includes LibTorch takes
# about 1.5 GB).
build_jobs() {
  local cores memory
  cores=$(nproc)
  memory=$(awk '/^MemAvailable:/ { print int($2 / 1500000) }' /proc/meminfo 2>/dev/null)
  if [ -n "$memory" ] && [ "$memory" -lt "$cores" ]; then
    cores=$((memory > 0 ? memory : 1))
  fi
  printf '%d' "$cores"
}

# configure PRESET [CMAKE_ARGUMENT...]
# Torch_DIR of the environment is handed on: CMake itself reads only its own variable of that name.
configure() {
  local preset=$1
  shift
  (cd "$root" && cmake --preset "$preset" ${Torch_DIR:+"-DTorch_DIR=$Torch_DIR"} "$@")
}

# build PRESET [TARGET...]
build() {
  local preset=$1
  shift
  (cd "$root" && cmake --build --preset "$preset" --parallel "$(build_jobs)" ${1:+--target "$@"})
}
