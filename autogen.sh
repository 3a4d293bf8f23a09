#!/bin/sh
# Make ./configure from configure.ac. Run once after a clone; ./dev does it for you.
set -e
cd "$(dirname "$0")"
mkdir -p build-aux m4
exec autoreconf --install --force
