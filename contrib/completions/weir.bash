# Completion of weir for bash. Made by tools/completions.
_weir() {
	local cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD-1]} command=weir word
	for word in "${COMP_WORDS[@]:1:COMP_CWORD-1}"; do
		case $word in snapshot | check | diff | record | replay | demo | help) command=$word; break ;; esac
	done
	COMPREPLY=()
	case $prev in
	--connect) return ;;
	--listen) return ;;
	--with) return ;;
	--replay) COMPREPLY=($(compgen -f -- "$cur")); return ;;
	--speed) COMPREPLY=($(compgen -W "max 1 4 10" -- "$cur")); return ;;
	--at) return ;;
	--group) return ;;
	--window) COMPREPLY=($(compgen -W "10s 1m 5m 15m" -- "$cur")); return ;;
	--filter) return ;;
	--warn-p99) return ;;
	--crit-p99) return ;;
	--warn-errors) return ;;
	--crit-errors) return ;;
	--min-samples) return ;;
	--state) return ;;
	--view) COMPREPLY=($(compgen -W "map edges services events sources" -- "$cur")); return ;;
	--theme) COMPREPLY=($(compgen -f -- "$cur")); return ;;
	--safe) COMPREPLY=($(compgen -W "auto always never" -- "$cur")); return ;;
	--color) COMPREPLY=($(compgen -W "auto always never" -- "$cur")); return ;;
	--status-line) return ;;
	--status-style) return ;;
	--for) return ;;
	--format) COMPREPLY=($(compgen -W "text ansi json" -- "$cur")); return ;;
	--size) return ;;
	--output) COMPREPLY=($(compgen -f -- "$cur")); return ;;
	--fail-on) return ;;
	--warn-on) return ;;
	--max-size) return ;;
	--script) COMPREPLY=($(compgen -f -- "$cur")); return ;;
	--scenario) return ;;
	--seed) return ;;
	--config) COMPREPLY=($(compgen -f -- "$cur")); return ;;
	esac
	if [[ $cur == -* ]]; then
		case $command in
		weir) word="--connect --listen --with --replay --speed --at --group --window --filter --warn-p99 --crit-p99 --warn-errors --crit-errors --min-samples --state --view --theme --ascii --safe --color --mouse --bell --status-line --status-style --config --check-config --help --version" ;;
		snapshot) word="--connect --listen --with --replay --speed --at --group --window --filter --warn-p99 --crit-p99 --warn-errors --crit-errors --min-samples --state --view --theme --ascii --safe --color --for --format --size --output --config --help" ;;
		check) word="--connect --listen --with --replay --speed --at --group --window --filter --warn-p99 --crit-p99 --warn-errors --crit-errors --min-samples --state --for --fail-on --warn-on --config --help" ;;
		diff) word="--window --filter --min-samples --format --output --config --help" ;;
		record) word="--connect --listen --with --replay --speed --group --for --max-size --config --help" ;;
		replay) word="--speed --at --window --filter --warn-p99 --crit-p99 --warn-errors --crit-errors --min-samples --state --view --theme --ascii --safe --color --mouse --bell --status-line --status-style --size --output --script --config --help" ;;
		demo) word="--window --filter --warn-p99 --crit-p99 --warn-errors --crit-errors --min-samples --view --theme --ascii --safe --color --mouse --bell --status-line --status-style --for --format --size --output --scenario --seed --config --help" ;;
		help) word="--config --help" ;;
		esac
		COMPREPLY=($(compgen -W "$word" -- "$cur"))
	elif [[ $command == weir ]]; then
		COMPREPLY=($(compgen -W "snapshot check diff record replay demo help" -- "$cur"))
	else
		COMPREPLY=($(compgen -f -- "$cur"))
	fi
}
complete -o filenames -F _weir weir
