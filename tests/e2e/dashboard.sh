#!/bin/bash
# A live dashboard over ipc and over tcp, fed by a real agent, and its keys.
. "${top_srcdir:=.}/tests/e2e/lib.sh"

terminal 100x30 "weir --listen $bus"
shows "an empty screen says where it listens" "$bus"
shop_agent --to "$bus"
shows "flows over ipc show on the map" "checkout"
shows "and all of their services" "postgres"

keys '?'
shows "? opens the help" "quit"
keys Escape
hides "Esc closes it" "[Qq]uit weir"
keys 2
shows "2 shows the edges" "payment +.*postgres|payment → postgres"
keys 1
shows "1 goes back to the map" "gateway"
keys / 'postgres' Enter
hides "a filter hides what does not match" "gateway"
keys Escape
shows "Esc clears the filter" "gateway"
keys Space
shows "Space freezes the picture" "[Ff]rozen|FROZEN|paused"
keys Space
keys q
ends_with "q ends it well" 0
terminal_is_back "q gives the terminal back"

tcp=tcp://127.0.0.1:$(free_port)
terminal 80x24 "weir --listen $tcp"
shop_agent --encoding json --to "$tcp"
shows "flows over tcp show on the map" "checkout"
keys q
ends_with "q ends it" 0
done_testing
