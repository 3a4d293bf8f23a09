#!/bin/bash
# What a terminal can do to weir: resize, Ctrl-Z, signals, few abilities. It is given
# back on every way out.
. "${top_srcdir:=.}/tests/e2e/lib.sh"

resize() { tm resize-window -x "$1" -y "$2"; }

shop_agent --bind "$bus"
terminal 100x30 "weir --connect $bus"
shows "a dashboard that connects shows flows" "checkout"
resize 30 8
shows "a terminal too small is told so" "40.?[x×].?10|too small"
resize 60 20
shows "and drawn on when it has grown" "checkout"
same "the picture fills the new size" 20 "$(screen | wc -l)"

kill -TERM "$(cat "$tmp/pid")"
ends_with "SIGTERM ends it with 143" 143
terminal_is_back "SIGTERM gives the terminal back"

terminal 80x24 "weir --connect $bus"
shows "again" "checkout"
keys C-c
until_true has_ended
same "Ctrl-C ends it" yes "$(case $(cat "$status") in 0 | 130) echo yes ;; *) cat "$status" ;; esac)"
terminal_is_back "Ctrl-C gives the terminal back"

terminal 80x24 "weir --connect $bus"
shows "and again" "checkout"
kill -ABRT "$(cat "$tmp/pid")"
until_true has_ended
terminal_is_back "a crash gives the terminal back"

terminal 80x24 "PS1='prompt> ' bash --norc --noprofile -i"
shows "a shell with job control" "prompt>"
keys "weir --connect $bus" Enter
shows "runs weir" "checkout"
keys C-z
shows "Ctrl-Z stops it" "Stopped"
terminal_is_back "Ctrl-Z gives the terminal back"
keys "fg" Enter
shows "fg takes the terminal again" "payment"
same "on the alternate screen" 1 "$(pane alternate_on)"
keys q
shows "q leads back to the shell" "prompt>"
keys "exit" Enter

terminal 80x24 "NO_COLOR=1 weir --connect $bus"
shows "NO_COLOR draws" "checkout"
empty "NO_COLOR uses no colour" "$(screen_ansi | grep -oE $'\e\\[[0-9;:]*(3[0-8]|4[0-8]|9[0-7])[;0-9:]*m' | head -3 | cat -v)"
keys q

terminal 120x24 "TERM=dumb weir --connect $bus"
ends_with "TERM=dumb is refused" 1
shows "and told what to use instead" "weir snapshot"

terminal 80x24 "weir --connect $bus >$tmp/piped 2>&1"
ends_with "no terminal on stdout is refused" 2
same "and told what to use instead" 1 "$(grep -c 'weir snapshot' "$tmp/piped")"
done_testing
