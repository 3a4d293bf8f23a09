#!/bin/sh
# Publish ten flows: publish.sh [URL]. The agent waits until somebody listens.
for i in 1 2 3 4 5 6 7 8 9 10; do
	err=false
	[ $i != 10 ] || err=true
	echo '{"src":"shell","dst":"s3","op":"PUT","kind":"http","us":'${i}000',"err":'$err'}'
done | weir-agent ndjson ${1:+--to "$1"}
