# nightlatch in zsh. In ~/.zshrc, after compinit: eval "$(nightlatch init zsh)"
# Aliases, so that `\psql` and `command psql` are the bare client, and completions stay as they are.
if [[ -o interactive ]]; then
    () {
        emulate -L zsh
        local client wraps=
        for client in @CLIENTS@; do
            # An alias of one's own that only adds options is kept; anything else is left alone.
            (( $+functions[$client] )) && continue
            case ${aliases[$client]-$client} in
            $client | "$client "*) alias "$client=nightlatch ${aliases[$client]-$client}" ;;
            "nightlatch $client" | "nightlatch $client "*) ;;
            *) continue ;;
            esac
            wraps+=" $client"
        done
        export NIGHTLATCH_SHELL="$$ zsh$wraps"
    }

    # What a program that was killed left behind is said once.
    __nightlatch_prompt() {
        local code=$?
        case $code in
        130 | 141 | 148) ;;
        *) (( code < 128 )) || command nightlatch recover --notice 2>/dev/null ;;
        esac
        # compinit may have been run after this file.
        if (( $+functions[compdef] )) && [[ ${_comps[nightlatch]-} != __nightlatch_complete ]]; then
            compdef __nightlatch_complete nightlatch
        fi
        return code
    }
    typeset -ga precmd_functions
    (( ${precmd_functions[(I)__nightlatch_prompt]} )) || precmd_functions=(__nightlatch_prompt $precmd_functions)
    @NOTICE@

    __nightlatch_complete() {
        if (( CURRENT > 2 )) && [[ " @CLIENTS@ " == *" ${words[2]} "* ]]; then
            shift words
            (( CURRENT-- ))
            _normal
            return
        fi
        if (( ! $+functions[_nightlatch] )); then
            eval "$(command nightlatch completions zsh)"
            compdef __nightlatch_complete nightlatch
        fi
        _nightlatch "$@"
    }

    __nightlatch_history() {
        # What is taken is printed once the prompt is out of the way.
        local taken
        taken=$(command nightlatch history -i </dev/tty)
        zle -I
        [[ -z $taken ]] || print -r -- "$taken"
    }
    zle -N nightlatch-history __nightlatch_history
    @KEY@
fi
