# haagent.bash - completion of haagent's command line for bash: source it, or install it as
# share/bash-completion/completions/haagent.
# shellcheck shell=bash

_haagent() {
	local cur=$2 prev=$3 option='' word
	local -a actions=(--dump --history --why --test-connection --join --swap --suspend --resume --detach --remove
		--force-active --is-active --sync --barrier --virtual-ip --check-config --capture --decode --reload --upgrade)
	COMPREPLY=()

	# "=" is a word of its own here: --dump=j is "--dump", "=", "j"; behind it what is completed ($2) is empty.
	if [[ ${COMP_WORDS[COMP_CWORD]} == = ]]; then
		option=$prev cur=
	elif [[ $prev == = ]] && ((COMP_CWORD >= 2)); then
		option=${COMP_WORDS[COMP_CWORD - 2]}
	fi
	case $option in
	--dump)
		mapfile -t COMPREPLY < <(compgen -W "json openmetrics prometheus" -- "$cur")
		return
		;;
	--history | --why)
		mapfile -t COMPREPLY < <(compgen -W json -- "$cur")
		return
		;;
	--suspend)
		mapfile -t COMPREPLY < <(compgen -W "15m 1h 4h 1d" -- "$cur")
		return
		;;
	--virtual-ip)
		mapfile -t COMPREPLY < <(compgen -W none -- "$cur")
		return
		;;
	--barrier)
		mapfile -t COMPREPLY < <(compgen -W "10 30 60 300" -- "$cur")
		return
		;;
	--config) prev=-c ;;
	--capture | --decode | --seconds) prev=$option ;;
	?*) return ;;
	esac
	case $prev in
	-c | --config | --capture | --decode)
		compopt -o filenames
		mapfile -t COMPREPLY < <(compgen -f -- "$cur")
		return
		;;
	--test-connection | --join) return ;; # an address
	--seconds)
		mapfile -t COMPREPLY < <(compgen -W "10 30 60 300" -- "$cur")
		return
		;;
	esac

	# One action; then what belongs to it.
	local -a options=(-c --config -h --help -V --version --log-priorities "${actions[@]}")
	for word in "${COMP_WORDS[@]:1:COMP_CWORD-1}"; do
		case $word in
		--log-priorities) options=(-c --config) ;;
		--join | --detach | --remove | --force-active) options=(-c --config --yes) ;;
		--dump | --history | --why | --test-connection) options=(-c --config --json) ;;
		--capture) options=(-c --config --seconds) ;;
		--decode) options=() ;;
		--swap | --suspend | --resume | --is-active | --sync | --barrier | --virtual-ip | --check-config | --reload | --upgrade) options=(-c --config) ;;
		esac
	done
	mapfile -t COMPREPLY < <(compgen -W "${options[*]}" -- "$cur")
}

complete -F _haagent haagent
