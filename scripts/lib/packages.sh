# The Debian and Ubuntu packages that building, testing and the demo need. To be sourced.
#
#   install_packages          what the build and the demo need
#   install_packages test     and what the tests and checks need
#
# Says nothing and asks for no rights where all of them are installed.
# shellcheck shell=bash

BUILD_PACKAGES=(
  ca-certificates ccache cmake g++ ninja-build pkg-config
  doctest-dev libcurl4-openssl-dev libfmt-dev liblz4-dev libpugixml-dev libroaring-dev
  libmicrohttpd-dev libsqlite3-dev libssl-dev libtoml11-dev libxxhash-dev nlohmann-json3-dev
  prometheus-cpp-dev
  python3 python3-venv sqlite3 util-linux
)
# llvm-14 turns addresses in a sanitizer's report into names.
TEST_PACKAGES=(
  ceph-common ceph-mon ceph-osd clang-14 clang-format-14 clang-tidy-14 curl debootstrap docker.io
  catatonit dumb-init git libclang-rt-14-dev llvm-14 nghttp2-proxy openssl procps radosgw tini
  php-cli valgrind
  golang-github-mattn-go-sqlite3-dev libxerial-sqlite-jdbc-java php-sqlite3
)
# A real browser looks at the page: where a distribution does not have one, those tests are skipped.
BROWSER_PACKAGES=(chromium chromium-driver fonts-dejavu-core)

install_packages() {
  local wanted=("${BUILD_PACKAGES[@]}") missing=() package
  if [ "${1:-}" = test ]; then
    wanted+=("${TEST_PACKAGES[@]}")
    grep -qx ID=debian /etc/os-release && wanted+=("${BROWSER_PACKAGES[@]}")
  fi
  for package in "${wanted[@]}"; do
    dpkg-query -W -f '${db:Status-Status}' "$package" 2>/dev/null | grep -qx installed ||
      missing+=("$package")
  done
  [ "${#missing[@]}" -eq 0 ] && return 0

  local as_root=()
  if [ "$(id -u)" -ne 0 ]; then
    command -v sudo >/dev/null || {
      echo "missing packages, and neither root nor sudo to install them: ${missing[*]}" >&2
      return 1
    }
    as_root=(sudo)
  fi
  echo "== Installing ${missing[*]}"
  "${as_root[@]}" apt-get -q -o Acquire::Retries=3 update &&
    "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive \
      apt-get -q -y -o Acquire::Retries=3 --no-install-recommends install "${missing[@]}"
}
