"""What prompts tell of what is typed there, and those that tell less than others: the interpreter's own
up to 3.12, and that of asyncio.

Loaded with the first of them; `guard` is the guard's module.
"""
import sys


# What shows a prompt, in the shells and debuggers: what is read there is typed.
_PROMPTS = frozenset(('interact', 'mainloop', 'cmdloop', 'interaction'))


def is_within():
    """Tells whether it is code that runs by itself that runs this: then it is a part of that."""
    frame, is_first = sys._getframe(1), True
    while frame is not None:
        code, module = frame.f_code, frame.f_globals.get('__name__')
        if guard.is_own(code):
            frame = frame.f_back
            continue
        if code.co_name in _PROMPTS:
            return False
        if guard._is_interactive(code.co_filename):
            return True
        if is_first and module not in ('code', 'codeop'):
            is_first = False
            if module == '__main__' and 'AsyncIOInteractiveConsole' not in frame.f_globals:
                return True
        frame = frame.f_back
    return False


def typed(name, text):
    """What was typed, where a shell makes Python of it first."""
    try:
        if name.startswith('<ipython-input') or '/ipykernel_' in name:
            shell = sys.modules['IPython'].get_ipython()
            raw = shell.history_manager.input_hist_raw[-1]
            return raw if raw.strip() != text.strip() and shell.transform_cell(raw) == text else None
    except Exception:
        pass  # Then it is what runs.
    return None


def guard_asyncio():
    """`python -m asyncio` calls its input as a function, which raises no event."""
    console = sys.modules['__main__'].__dict__['AsyncIOInteractiveConsole']
    if hasattr(console.runcode, '__wrapped__'):
        return
    original = console.runcode

    def runcode(self, code):
        name = code.co_filename
        if guard._is_interactive(name) and guard._is_new(name):
            try:
                guard._begin(code, name)
            except (guard.Refused, guard._RefusedForGood):
                self.showtraceback()
                return getattr(self, 'STATEMENT_FAILED', None)
        return original(self, code)

    runcode.__wrapped__ = original
    console.runcode = runcode


def listen(lines):
    """Adds each line that the line editor reads to `lines`: nobody else is shown the text.

    Returns what must be kept alive, false where there is nothing to listen to, and none where there
    may be at the next prompt.
    """
    try:
        import ctypes
        slot = ctypes.c_void_p.in_dll(ctypes.pythonapi, 'PyOS_ReadlineFunctionPointer')
    except (ImportError, ValueError):
        return False
    if not slot.value:
        return None
    prototype = ctypes.CFUNCTYPE(ctypes.c_void_p, ctypes.c_void_p, ctypes.c_void_p, ctypes.c_char_p)
    original = prototype(slot.value)

    def read(stdin, stdout, prompt):
        try:
            line = original(stdin, stdout, prompt)
        except BaseException:
            # Ctrl-C: the interpreter raises KeyboardInterrupt by itself when it gets no line.
            return 0
        if line:
            lines.append(ctypes.string_at(line))
        return line or 0

    callback = prototype(read)
    slot.value = ctypes.cast(callback, ctypes.c_void_p).value
    return callback, original
