"""What runs and is not typed: modules, folders, archives, what another program runs, standard input.

Loaded with the first of them; `guard` is the guard's module.
"""
import os
import sys


# What runs a text that it is given, by the function that does so.
_RUNNERS = {'pdb': '_getval', 'django.core.management.commands.shell': 'handle'}


def at_text(code, name):
    """A text runs that has no name: the debugger's `p` and its kin, or what a command line says."""
    caller = _caller()
    module = caller and caller.f_globals.get('__name__')
    if module and _RUNNERS.get(module) == caller.f_code.co_name:
        guard._prompts().begin(code, name)
    elif module == 'pdb' and caller.f_code.co_name == '_exec_in_closure' and code.co_name == '__pdb_scope':
        # What is typed and has functions within: what fails there is run once more, in another way.
        if guard._is_new('<stdin>'):
            try:
                guard._prompts().begin(code, '<stdin>')
            except guard.Refused as refused:
                raise guard._RefusedForGood(*refused.args) from None


def _caller():
    """Who runs it, if that is not the interpreter by itself."""
    frame = sys._getframe(1)
    while frame is not None and guard.is_own(frame.f_code):
        frame = frame.f_back
    return frame


def at_file(name):
    """The code of a file runs: tells of it where that file is what was started, whoever started it."""
    caller = _caller()
    if caller is None or guard._is_worker():
        return  # The interpreter, which has told of it; or a part of what was told.
    if str(caller.f_globals.get('__name__')).startswith('importlib.'):
        return
    started, file = os.path.realpath(sys.argv[0]), os.path.realpath(name)
    is_started = file in (started, os.path.join(started, '__main__.py'))
    if not is_started or os.path.dirname(file) == os.path.dirname(os.path.realpath(os.__file__)):
        return  # A module, or what runs a program in its turn: a debugger, a profiler.
    guard._announce(_source(file), 'file', name, within=guard._Now.id > 0)


def _source(file):
    import linecache
    lines = linecache.getlines(file, sys.modules['__main__'].__dict__)
    return ''.join(lines)[:guard.MOST_TEXT] or None


def at_input():
    """A program is about to be read from standard input: whole, so that it can be told of before."""
    if os.isatty(0) or sys.flags.interactive:
        return  # It is read statement by statement.
    guard._Now.is_read = True
    try:
        text = _rest()
    except (OSError, AttributeError):
        text = None
    if text is None or text.strip():
        guard._announce(text, 'command', '<stdin>')


def _rest():
    """What stands in standard input, which is as if nobody had read it."""
    try:
        at = os.lseek(0, 0, os.SEEK_CUR)
    except OSError:
        # What comes through a pipe cannot be put back: a file that has it takes its place.
        kept = os.memfd_create('stdin')
        try:
            while os.write(kept, os.read(0, 1 << 16)):
                pass
            os.lseek(kept, 0, os.SEEK_SET)
            os.dup2(kept, 0)
        finally:
            os.close(kept)
        at = 0
    return os.pread(0, guard.MOST_TEXT, at)
