#!/bin/sh
# copy_sqlite.sh ARCHIVE PREFIX OUTPUT: the library with every name that it defines behind a prefix,
# so that a program can hold several copies, each with a state of its own.
set -eu
nm -g --defined-only "$1" 2> /dev/null |
  awk -v prefix="$2" 'NF == 3 { print $3, prefix $3 }' | sort -u > "$3.names"
objcopy --redefine-syms="$3.names" "$1" "$3"
