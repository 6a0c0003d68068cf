# SPDX-License-Identifier: GPL-2.0-or-later
# Completion for oomlens and oomtop.  It asks the programs themselves, so that it knows what they know.
_oomlens()
{
	local cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD - 1]} program=${COMP_WORDS[0]} command="" word first words=""

	COMPREPLY=()
	if [ "${program##*/}" = oomlens ]; then
		command=${COMP_WORDS[1]}
		if [ "$COMP_CWORD" = 1 ]; then
			mapfile -t COMPREPLY < <(compgen -W "$("$program" --help 2> /dev/null | sed -n 's/^  \([a-z]*\) .*/\1/p') --help --version" -- "$cur")
			return
		fi
		[ "$command" != help ] || return
	fi
	# --name=value comes as three words
	[ "$cur" != '=' ] || cur=
	[ "$prev" != '=' ] || prev=${COMP_WORDS[COMP_CWORD - 2]}
	case $prev in
	--color) words='auto always never' ;;
	-f|--format) words='jsonl csv prometheus' ;;
	--what) words='events candidates victims' ;;
	--verdict) words='exact explained within_drift unexplained insufficient' ;;
	--apply-as) words='choom systemd kubernetes docker' ;;
	--db|-o|--output|--runtime-dir) mapfile -t COMPREPLY < <(compgen -f -- "$cur"); return ;;
	esac
	if [ -n "$words" ]; then
		mapfile -t COMPREPLY < <(compgen -W "$words" -- "$cur")
		return
	fi
	if [[ $cur == -* ]]; then
		# shellcheck disable=SC2086
		mapfile -t COMPREPLY < <(compgen -W "$("$program" $command --help 2> /dev/null | sed -n 's/^  \(-.,\|   \) \(--[a-z-]*\).*/\2/p')" -- "$cur")
		return
	fi
	first=1
	for word in "${COMP_WORDS[@]:2:COMP_CWORD - 2}"; do
		[[ $word == -* ]] || first=
	done
	if [ "$command" = query ]; then
		[ -z "$first" ] || mapfile -t COMPREPLY < <(compgen -W "$("$program" query --list --csv 2> /dev/null | sed '1d; s/,.*//')" -- "$cur")
		return
	fi
	mapfile -t COMPREPLY < <(compgen -f -- "$cur")
}
complete -o filenames -F _oomlens oomlens oomtop
