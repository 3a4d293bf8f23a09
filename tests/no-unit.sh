#!/bin/sh
# Stands in for the unit tests where configure did not find Criterion.
. "${top_srcdir:=.}/tests/tap.sh"
skip_all "the unit tests need Criterion"
