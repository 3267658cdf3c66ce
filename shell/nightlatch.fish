# nightlatch in fish. In ~/.config/fish/config.fish: nightlatch init fish | source
# `command psql` is the bare client; completions go by the name and stay as they are.
if status is-interactive
    for client in @CLIENTS@
        # A function of one's own is left alone.
        contains -- $client $__nightlatch_wraps; or functions -q $client; and continue
        set -ga __nightlatch_wraps $client
        function $client --inherit-variable client --description 'through nightlatch'
            # What another function runs nobody has typed: completions run Python.
            if test (status stack-trace | string match -- '*in function*' | count) -gt 1
                command $client $argv
            else
                command nightlatch $client $argv
            end
        end
    end
    set -e client
    set -gx NIGHTLATCH_SHELL "$fish_pid fish $__nightlatch_wraps"

    # What a program that was killed left behind is said once.
    function __nightlatch_prompt --on-event fish_postexec
        set -l code $status
        if test $code -ge 128; and not contains $code 130 141 148
            command nightlatch recover --notice 2>/dev/null
        end
    end
    @NOTICE@

    function __nightlatch_history
        set -l taken (command nightlatch history -i </dev/tty)
        # Below the line that is being typed.
        test -z "$taken"; or printf '\n%s' $taken; and echo
        commandline -f repaint
    end
    @KEY@

    function __nightlatch_complete
        set -l words (commandline -opc) (commandline -ct)
        if test (count $words) -gt 2; and contains -- $words[2] @CLIENTS@
            complete -C (string join -- ' ' (string escape -- $words[2..]))
        else if not set -q __nightlatch_completed
            # Our own are asked for when they are first wanted.
            set -g __nightlatch_completed
            command nightlatch completions fish | source
            complete -C (string join -- ' ' (string escape -- $words))
        end
    end
    complete -c nightlatch -f -a '(__nightlatch_complete)'
end
