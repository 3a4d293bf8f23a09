# lib.sh - real programs in a real terminal: a private tmux server, helpers that wait
# for what the screen says instead of sleeping, and a clean end. For bash; source it first.
#
# Everything happens in $tmp; HOME and XDG_RUNTIME_DIR point into it.

. "${top_srcdir:=.}/tests/tap.sh"
: "${top_builddir:=$top_srcdir/build}"

command -v tmux >/dev/null || skip_all "tmux is missing"

# Short, because a Unix socket's path is at most 107 bytes.
tmp=$(mktemp -d "/tmp/weir-e2e.XXXXXX") || exit 1
mkdir -m 700 "$tmp/run" "$tmp/home"
PATH=$(cd "$top_builddir" && pwd):$PATH
HOME=$tmp/home XDG_RUNTIME_DIR=$tmp/run XDG_CONFIG_HOME=$tmp/home/.config
# In-tree programs must run without being installed, and leaks in e2e count too.
ASAN_OPTIONS=detect_leaks=1:log_path=$tmp/asan
export PATH HOME XDG_RUNTIME_DIR XDG_CONFIG_HOME ASAN_OPTIONS
unset NO_COLOR COLORTERM TMUX WEIR_CONFIG
bus=ipc://$tmp/bus

pids=
at_end() {
	tm kill-server 2>/dev/null
	# shellcheck disable=SC2086 # a list of words
	[ -z "$pids" ] || kill $pids 2>/dev/null
	wait 2>/dev/null
	for report in "$tmp"/asan.*; do
		[ -e "$report" ] || continue
		echo "Bail out! a sanitizer spoke"
		cat "$report"
	done
	rm -rf "$tmp"
}
trap at_end EXIT
trap 'exit 1' INT TERM HUP

# Each terminal has a server of its own: one that is just ending would take the next
# session with it.
servers=0
tm() { tmux -u -S "$tmp/tmux.$servers" -f /dev/null "$@"; }

# Start COMMAND (as for env) in a new terminal of WIDTHxHEIGHT. Its pid is in $tmp/pid,
# its exit status in $status once it ends; the terminal stays, to be looked at.
terminal() { # WIDTHxHEIGHT COMMAND
	tm kill-server 2>/dev/null
	servers=$((servers + 1))
	status=$tmp/status.$servers # the one before may end only now
	rm -f "$tmp/pid"
	printf 'echo $$ >%s/pid\nexec env %s\n' "$tmp" "$2" >"$tmp/command"
	tm new-session -d -x "${1%x*}" -y "${1#*x}" "sh $tmp/command
		echo \$? >$status.new; mv $status.new $status; exec sleep 1000" \; \
		set -g status off \; set -g escape-time 0 \; resize-window -x "${1%x*}" -y "${1#*x}"
}

# A command in the background that ends with the test. Its pid is $!.
background() {
	"$@" >"$tmp/background.log" 2>&1 &
	pids="$pids $!"
}

screen() { tm capture-pane -p; }
screen_ansi() { tm capture-pane -p -e; }
keys() { tm send-keys "$@"; }
pane() { tm display-message -p "#{$1}"; } # a tmux format variable

# Poll until COMMAND succeeds, at most 20 s: that is for a loaded machine.
until_true() {
	tries=400
	until "$@"; do
		tries=$((tries - 1))
		[ $tries -gt 0 ] || return 1
		sleep 0.05
	done
}
screen_has() { screen | grep -qE -e "$1"; }
screen_lacks() { ! screen_has "$1"; }
has_ended() { [ -e "$status" ]; }

shows() { # NAME REGEX: waits for it
	if until_true screen_has "$2"; then
		ok "$1"
	else
		not_ok "$1" "no \"$2\" on this screen:
$(screen)"
	fi
}
hides() { # NAME REGEX: waits until it is gone
	if until_true screen_lacks "$2"; then
		ok "$1"
	else
		not_ok "$1" "still \"$2\" on this screen:
$(screen)"
	fi
}
ends_with() { # NAME STATUS: waits for the terminal's command to end
	if until_true has_ended; then
		same "$1" "$2" "$(cat "$status")"
	else
		not_ok "$1" "still running:
$(screen)"
	fi
}
terminal_is_back() { # NAME: main screen, visible cursor, no mouse, echoing
	same "$1" "alternate 0, cursor 1, mouse 0, keypad 0" \
		"alternate $(pane alternate_on), cursor $(pane cursor_flag), mouse $(pane mouse_any_flag), keypad $(pane keypad_flag)"
}

# ------------------------------------------------------------------ weir's own
# Flows of a small shop as JSON lines, one batch each 50 ms, until the reader goes.
shop() {
	while
		echo '{"src":"gateway","dst":"checkout","us":41000,"op":"POST /checkout","kind":"http"}' &&
			echo '{"src":"checkout","dst":"payment","us":18300,"op":"Charge","kind":"grpc"}' &&
			echo '{"src":"payment","dst":"postgres","us":2400,"op":"UPDATE accounts","kind":"db"}'
	do
		sleep 0.05
	done 2>/dev/null
}

# An agent that publishes the shop. OPTIONS say where to.
shop_agent() { # OPTIONS...
	mkfifo "$tmp/shop.$#.fifo"
	shop >"$tmp/shop.$#.fifo" &
	pids="$pids $!"
	weir-agent ndjson "$@" <"$tmp/shop.$#.fifo" >"$tmp/agent.log" 2>&1 &
	agent=$!
	pids="$pids $agent"
}

# A loopback port nobody listens on. Somebody may take it before us; nobody does.
free_port() {
	for port in $(seq $((20000 + $$ % 10000)) 39999); do
		(exec 3<>"/dev/tcp/127.0.0.1/$port") 2>/dev/null || { echo "$port"; return; }
	done
}
