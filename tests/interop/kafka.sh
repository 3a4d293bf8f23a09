#!/bin/bash
# The real Apache Kafka, from Maven Central, without ZooKeeper; filled by the Collector's
# Kafka exporter. Commits, two agents that share a group, and a broker that dies.
. "$(dirname "$0")/lib.sh"
. tests/interop/otelcol.sh
version=3.9.1
command -v java >/dev/null && command -v mvn >/dev/null || skip "Apache Kafka" "java or mvn is missing"
lib=$cache/kafka-$version
[ -e "$lib/done" ] || {
	mkdir -p "$lib"
	sed "s/VERSION/$version/" tests/interop/kafka-pom.xml >"$lib/pom.xml"
	(cd "$lib" && mvn -q -B dependency:copy-dependencies -DoutputDirectory="$lib" && touch "done") >"$lib/log" 2>&1
}
[ -e "$lib/done" ] || skip "Apache Kafka" "Maven could not get it (see $lib/log)"
program=$(otelcol)
[ -n "$program" ] || skip "Apache Kafka" "there is no Collector to fill it"
peer="$version, Collector $otelcol_version"
read -r kafka controller receive <<<"$(ports 3)"

cat >"$tmp/server.properties" <<END
process.roles=broker,controller
node.id=1
controller.quorum.voters=1@127.0.0.1:$controller
listeners=PLAINTEXT://127.0.0.1:$kafka,CONTROLLER://127.0.0.1:$controller
controller.listener.names=CONTROLLER
log.dirs=$tmp/kafka
num.partitions=4
offsets.topic.num.partitions=1
offsets.topic.replication.factor=1
group.initial.rebalance.delay.ms=0
END
cat >"$tmp/log4j.properties" <<'END'
log4j.rootLogger=WARN, out
log4j.appender.out=org.apache.log4j.ConsoleAppender
log4j.appender.out.layout=org.apache.log4j.SimpleLayout
END
java() { command java -Xmx384m -cp "$lib/*" "$@"; }
broker() {
	background "$tmp/kafka.log" java kafka.Kafka "$tmp/server.properties"
	broker=$!
	until_true listens "$kafka"
}
# Each partition's committed and last offset, one line each.
offsets() { # GROUP
	java org.apache.kafka.tools.consumer.group.ConsumerGroupCommand --bootstrap-server "127.0.0.1:$kafka" \
		--describe --group "$1" 2>/dev/null | awk '$4 ~ /^[0-9]+$/ { print $2, $3, $4, $5 }'
}
no_lag() { offsets "$1" | awk '$3 < $4 { n++ } { all++ } END { exit !(all > 0 && n == 0) }'; }
lagging() { ! no_lag "$1"; }
send() { # BODY...
	post "http://127.0.0.1:$receive/v1/traces" "$@" | grep -v 200
}
options=(--brokers "127.0.0.1:$kafka" --from earliest)

java kafka.tools.StorageTool format -t "$(head -c 16 /dev/urandom | base64 | tr '+/' '-_' | cut -c1-22)" \
	-c "$tmp/server.properties" >"$tmp/format.log" 2>&1
broker
for message in protobuf json; do
	collect "$program" "kafka/$message"
	send "${bodies[@]}"
	sleep 2
	stop "$collector"
	collector=
	weir-agent --check kafka "${options[@]}" --group-id look --topic "spans-$message" >"$tmp/lines" 2>"$tmp/err" ||
		cat "$tmp/err"
	row "Apache Kafka" "$peer" "OTLP $message in 4 partitions, looked at" "$(edges "$tmp/lines")"
done

# ------------------------------------------------------------ published, then committed
fill() { # TOPIC: what the Collector gets from now on goes there
	[ -z "${collector:-}" ] || stop "$collector"
	collect "$program" kafka/protobuf "s/spans-protobuf/$1/"
}
round() { # N: all bodies once more, as other traces
	bodies_now "$1"
	send "$tmp"/now/*
}

fill spans-once
follow kafka "${options[@]}" --group-id once --topic spans-once
round 0
sleep 3
holds "Apache Kafka" "$peer" "nothing is committed before it was published" lagging once
seconds=30 until_true no_lag once
holds "Apache Kafka" "$peer" "all is committed when it was" no_lag once
stop "$agent"
row "Apache Kafka" "$peer" "published" "$(recorded)"
follow kafka "${options[@]}" --group-id once --topic spans-once
sleep 5
stop "$agent"
holds "Apache Kafka" "$peer" "the next agent of the group reads nothing twice" grep -q 'requests 0,' "$agent_log"
kill -INT "$recorder"

# ------------------------------------------------------------ two agents, one group
fill spans-pair
follow kafka "${options[@]}" --group-id pair --topic spans-pair
first=$agent
round 1
sleep 12 # the halves are together
agent_to_bus kafka "${options[@]}" --group-id pair --topic spans-pair
second=$!
sleep 6
round 2
sleep 14
stop "$first"
sleep 6
round 3
sleep 14
stop "$second"
row "Apache Kafka" "$peer" "a second agent joins, the first one leaves, 3 rounds" "$(recorded --rounds 3)"
holds "Apache Kafka" "$peer" "both had a share" grep -qE 'requests [1-9]' "$agent_log"

# ------------------------------------------------------------ a broker that dies
fill spans-dead
follow kafka "${options[@]}" --group-id dead --topic spans-dead
round 1
sleep 14
kill -9 "$broker"
sleep 5
holds "Apache Kafka" "$peer" "that the broker is gone is said" grep -q 'agent: kafka: ' "$agent_log"
round 2 # the Collector keeps it
sleep "${DEAD:-60}"
broker
sleep 45 # the Collector tries again ever more seldom
stop "$agent"
row "Apache Kafka" "$peer" "the broker is killed for a minute, 2 rounds" "$(recorded --rounds 2)"
finish
