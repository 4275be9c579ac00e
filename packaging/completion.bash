# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
# Completion for mpathiscsi: commands, verbs, options, LUNs, policies, and the path expressions
# that a LUN's paths give. Commands and options come from the help texts, so that nothing here
# needs to know them; LUNs and expressions from the daemon. Needs no other completion code.

# The command as typed, with its socket and policies file, asked for something. Errors are not shown.
_mpathiscsi_ask() {
	timeout 2 "${_mpathiscsi_command[@]}" "$@" 2> /dev/null < /dev/null
}

# First words of the lines of a help text between its "Usage:" and what follows the list: commands, verbs.
_mpathiscsi_names() {
	_mpathiscsi_ask "$@" --help | while read -r -a words; do
		[[ ${words[0]-} == Options: || ${words[0]-} == Examples: ]] && break
		[[ ${words[0]-} =~ ^[a-z]+$ && ${#words[@]} -gt 1 ]] && echo "${words[0]}"
	done
}

# Every long option that a help text names.
_mpathiscsi_options() {
	_mpathiscsi_ask "$@" --help | grep -oE '(^|[ ,])--[a-z][a-z-]*' | grep -oE -- '--[a-z-]+' | sort -u
	echo --help
}

# Vendors and products: of what --product takes only these may have blanks.
_mpathiscsi_products() {
	_mpathiscsi_ask complete products | while read -r line; do printf '%q\n' "$line"; done
}

# Expressions of a LUN (of all: "*") behind what is already joined: "portal=10.0.1.2,if" goes on at "if".
_mpathiscsi_expressions() {
	local lun=$1 before=''
	[[ $2 != *,* ]] || before=${2%,*},
	if [[ $lun == '*' ]]; then
		_mpathiscsi_ask complete expressions
	elif [[ $lun ]]; then
		_mpathiscsi_ask complete expressions "$lun"
	else
		printf '%s\n' portal= iface= source= target= tpg=
	fi | while read -r line; do printf '%s%s\n' "$before" "$line"; done
}

_mpathiscsi() {
	local line=${COMP_LINE:0:COMP_POINT} current previous='' command='' verb='' lun='' option='' word reply
	local -a words _mpathiscsi_command=("${COMP_LINE%% *}")
	local i

	# Our own words: bash breaks them at '=' and ':'.
	read -r -a words <<< "$line"
	current=${words[-1]}
	if [[ $line == *[[:space:]] || ${#words[@]} == 1 ]]; then
		current=''
	else
		unset 'words[-1]'
	fi
	((${#words[@]} <= 1)) || previous=${words[-1]}
	for ((i = 1; i < ${#words[@]}; i++)); do
		word=${words[i]}
		case $word in
		-S | --socket | --policies | -f)
			[[ $word != -f || ! $command ]] || continue # behind a command: --force
			_mpathiscsi_command+=("$word" "${words[i + 1]-}")
			((++i))
			;;
		--socket=* | --policies=*) _mpathiscsi_command+=("$word") ;;
		--timeout | --policy | -p | --reason | -r | --file | -F) ((++i)) ;;
		--target | --product) lun='*'; ((++i)) ;; # a scope stands in a LUN's place
		--target=* | --product=* | --default) lun='*' ;;
		-a | --active | -s | --standby | -x | --exclude | -w | --weight | -d | --down | -u | --up)
			option=$word
			((++i))
			;;
		-*) ;;
		*)
			if [[ ! $command ]]; then
				command=$word
			elif [[ $command == policy && ! $verb ]]; then
				verb=$word
			elif [[ ! $lun ]]; then
				lun=$word
			else
				option=${option:-word}
			fi
			;;
		esac
	done

	# What could stand here?
	[[ $previous != -f || ! $command ]] || previous=''
	case $previous in
	-f | --policies) reply=$(compgen -f -- "$current") ;;
	-S | --socket) reply=$(compgen -f -- "$current") ;;
	-F | --file) reply=$(compgen -f -- "$current") ;;
	-r | --reason) reply='' ;;
	-p | --policy) reply=$(_mpathiscsi_ask complete policies) ;;
	--target) reply=$(_mpathiscsi_ask complete targets) ;;
	--product) reply=$(_mpathiscsi_products) ;;
	-a | --active | -s | --standby | -x | --exclude | -w | --weight | -d | --down | -u | --up)
		reply=$(_mpathiscsi_expressions "$lun" "$current")
		;;
	*)
		case $current in
		--active=* | --standby=* | --exclude=* | --weight=* | --down=* | --up=*)
			reply=$(_mpathiscsi_expressions "$lun" "${current#*=}" | sed "s/^/${current%%=*}=/")
			;;
		--target=*) reply=$(_mpathiscsi_ask complete targets | sed 's/^/--target=/') ;;
		--product=*) reply=$(_mpathiscsi_products | sed 's/^/--product=/') ;;
		-*)
			if [[ $command == policy && $verb ]]; then
				reply=$(_mpathiscsi_options policy "$verb")
			else
				reply=$(_mpathiscsi_options ${command:+"$command"})
			fi
			;;
		*)
			case "$command${verb:+ }$verb" in
			'') reply=$(_mpathiscsi_names) ;;
			policy) reply=$(_mpathiscsi_names policy) ;;
			'policy check') reply=$(compgen -f -- "$current") ;;
			'policy set')
				if [[ ! $lun ]]; then
					reply=$(_mpathiscsi_ask complete luns)
				else
					reply=$(_mpathiscsi_ask complete policies)
				fi
				;;
			status | explain | 'policy show' | 'policy clear')
				[[ $lun ]] || reply=$(_mpathiscsi_ask complete luns)
				;;
			forgive)
				if [[ ! $lun ]]; then
					reply=$(_mpathiscsi_ask complete luns; echo all)
				else
					[[ $lun != all ]] || lun='*'
					reply=$(_mpathiscsi_expressions "$lun" "$current")
				fi
				;;
			whatif | fail | reinstate)
				if [[ ! $lun ]]; then
					reply=$(_mpathiscsi_ask complete luns)
				elif [[ $command != whatif || $option ]]; then
					reply=$(_mpathiscsi_expressions "$lun" "$current")
				else
					reply=$'--down\n--up\n--policy'
				fi
				;;
			esac
			;;
		esac
		;;
	esac

	mapfile -t COMPREPLY < <(while read -r word; do
		[[ $word && $word == "$current"* ]] && printf '%s\n' "$word"
	done <<< "${reply-}")
	# An expression may go on after a comma; "portal=" wants its value.
	for word in "${COMPREPLY[@]}"; do
		[[ $word != *= ]] || compopt -o nospace 2> /dev/null
	done
	# bash replaces only what stands behind its last word break.
	for word in = :; do
		[[ $COMP_WORDBREAKS == *"$word"* && $current == *"$word"* ]] || continue
		for i in "${!COMPREPLY[@]}"; do
			COMPREPLY[i]=${COMPREPLY[i]#"${current%"$word"*}$word"}
		done
		current=${current##*"$word"}
	done
}
complete -F _mpathiscsi mpathiscsi
