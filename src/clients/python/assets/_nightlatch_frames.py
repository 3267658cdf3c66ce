"""Takes the guard's own frames out of tracebacks: a person is to see their own code and one line.

Loaded with the first driver, or with the first refusal; `guard` is the guard's module. Whoever shows
a traceback raises an event of the interpreter first: then our frames are unlinked from it.
"""
import sys

_is_busy = False


def _is_ours(traceback):
    return guard.is_own(traceback.tb_frame.f_code)


def _strip(traceback):
    """Unlinks our frames; returns the first that is another's."""
    global _is_busy
    _is_busy = True
    try:
        at = traceback
        while at is not None:
            after = at.tb_next
            while after is not None and _is_ours(after):
                after = after.tb_next
            at.tb_next = after
            at = after
        return traceback.tb_next if traceback is not None and _is_ours(traceback) else traceback
    finally:
        _is_busy = False


def _on_look(event, args):
    if args[1] == 'tb_frame' and not _is_busy:
        _strip(args[0])


def _on_show(event, args):
    error, seen = args[2], 0
    while isinstance(error, BaseException) and seen < 20:
        first = _strip(error.__traceback__)
        if first is not None:
            error.__traceback__ = first
        error, seen = error.__cause__ or error.__context__, seen + 1


def _on_unraisable(event, args):
    # In a destructor, or at the end: the interpreter prints it by itself.
    _strip(getattr(args[1], 'exc_traceback', None))


def _before(owner, name, look):
    """Has `look` see the arguments of a function first, of which no event tells."""
    original = getattr(owner, name)
    if hasattr(original, '__wrapped__'):
        return

    def shown(argument):
        look(argument)
        return original(argument)

    shown.__wrapped__ = original
    setattr(owner, name, shown)


def debugger(module):
    """A debugger steps over what is ours, as it does over what is written in C."""
    original = module.Bdb.dispatch_call

    def dispatch_call(self, frame, argument):
        if guard.is_own(frame.f_code):
            return None
        return original(self, frame, argument)

    dispatch_call.__wrapped__ = original
    module.Bdb.dispatch_call = dispatch_call


def moved(function, file, line, name, space):
    """A function as if it stood in one line elsewhere."""
    code = function.__code__
    more = {'co_filename': file, 'co_name': name, 'co_firstlineno': line}
    if hasattr(code, 'co_qualname'):
        # All of it is in that line, and its columns are of another text.
        more['co_linetable'] = b'\xef\x00' * (len(code.co_code) // 16 + 1)
    return type(function)(code.replace(**more), space)


def _statement(error): raise error


def refuse(error, name):
    """Raises a refusal; that of a whole statement of the file `name` as if from its first line."""
    for module in ('code', '__main__'):
        # `code.interact` and its kin begin to look behind the first of our frames.
        console = getattr(sys.modules.get(module), 'InteractiveInterpreter', None)
        if console is not None:
            _before(console, 'showtraceback', lambda _: _strip(sys.exc_info()[2]))
    if 'threading' in sys.modules:
        _before(sys.modules['threading'], 'excepthook', lambda args: _strip(args.exc_traceback))
    if name is None:
        raise error
    moved(_statement, name, 1, '<module>', {})(error)


guard._HANDLERS['object.__getattr__'] = _on_look
guard._HANDLERS['sys.excepthook'] = _on_show
guard._HANDLERS['sys.unraisablehook'] = _on_unraisable
