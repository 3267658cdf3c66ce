# nightlatch in bash. In ~/.bashrc: eval "$(nightlatch init bash)"
# Aliases, so that `\psql` and `command psql` are the bare client, and completions stay as they are.
case $- in
*i*)
    __nightlatch_wraps=
    for __nightlatch in @CLIENTS@; do
        # An alias of one's own that only adds options is kept; anything else is left alone.
        declare -F "$__nightlatch" >/dev/null && continue
        case ${BASH_ALIASES[$__nightlatch]-$__nightlatch} in
        "$__nightlatch" | "$__nightlatch "*)
            # shellcheck disable=SC2139 # it is to be expanded now
            alias "$__nightlatch=nightlatch ${BASH_ALIASES[$__nightlatch]-$__nightlatch}"
            ;;
        "nightlatch $__nightlatch" | "nightlatch $__nightlatch "*) ;;
        *) continue ;;
        esac
        __nightlatch_wraps+=" $__nightlatch"
    done
    export NIGHTLATCH_SHELL="$$ bash$__nightlatch_wraps"
    unset __nightlatch __nightlatch_wraps

    # What a program that was killed left behind is said once.
    __nightlatch_prompt() {
        local status=$?
        case $status in
        130 | 141 | 148) ;;
        *) [ "$status" -lt 128 ] || command nightlatch recover --notice 2>/dev/null ;;
        esac
        return "$status"
    }
    case "${PROMPT_COMMAND[*]-}" in
    *__nightlatch_prompt*) ;;
    # In front, where the status of the last command still stands.
    *) PROMPT_COMMAND="__nightlatch_prompt${PROMPT_COMMAND:+;$PROMPT_COMMAND}" ;;
    esac
    @NOTICE@

    __nightlatch_complete() {
        if [ "$COMP_CWORD" -gt 1 ] && declare -F _command_offset >/dev/null; then
            # shellcheck disable=SC2194 # it is filled in
            case " @CLIENTS@ " in
            *" ${COMP_WORDS[1]} "*)
                _command_offset 1
                return
                ;;
            esac
        fi
        if ! declare -F _nightlatch >/dev/null; then
            eval "$(command nightlatch completions bash)"
            complete -F __nightlatch_complete -o bashdefault -o default nightlatch
        fi
        _nightlatch "$@"
    }
    complete -F __nightlatch_complete -o bashdefault -o default nightlatch
    @KEY@
    ;;
esac
