"""What is typed: its text, what its names are, and what it is a part of. Some prompts tell less than others: the
interpreter's own up to 3.12, and that of asyncio.

Loaded with the first of them; `guard` is the guard's module.
"""
import sys


def begin(code, name):
    """A statement is about to run."""
    text, how = _text(code, name)
    if text is not None and not text.strip():
        return  # Enter alone.
    types = _types(text or ' '.join(code.co_names))
    guard._announce(text, how, name, is_within(), typed(name, text), types)


def _text(code, name):
    text = guard._texts.pop(name, None)
    if text is not None:
        return text, 'compile'
    if guard._lines:
        return b''.join(guard._lines).decode('utf-8', 'replace'), 'readline'
    lines = sys.modules.get('linecache')
    if lines is not None:
        cache = getattr(lines, '_interactive_cache', None)
        found = cache.get(lines._make_key(code)) if cache else lines.cache.get(name)
        if found and len(found) > 2:
            return ''.join(found[2]), 'linecache'
    return None, 'unknown'


def _types(text):
    """What the statement's names are now, without running anything of theirs."""
    words = ''.join([c if c.isalnum() or c == '_' else ' ' for c in text[:4000]]).split()
    spaces = [sys.modules['__main__'].__dict__]
    frame = sys._getframe(2)
    for _ in range(12):
        if frame is None:
            break
        if frame.f_code.co_name == 'runcode':
            inner = getattr(frame.f_locals.get('self'), 'locals', None)
            if type(inner) is dict:
                spaces.insert(0, inner)
            break
        frame = frame.f_back
    types = {}
    for word in words:
        if word in types or len(types) > 40:
            continue
        for space in spaces:
            if word in space:
                try:
                    types[word] = _described(space[word])
                except Exception:
                    pass  # Nobody knows it then; the statement is none the worse for it.
                break
    return types


def _described(value):
    """Tells what a value is by what it was made of: asking the value itself would run code of the person's,
    and wake what is lazy."""
    if type(value) is type(sys):
        return 'module ' + str(value.__dict__.get('__name__'))
    if issubclass(type(value), type):
        return 'class ' + ' '.join(_origins(value))
    return 'of ' + ' '.join(_origins(type(value)))


def _origins(kind):
    """The full names of a class and of what it is made from, down to `object`."""
    names = []
    for base in type.__getattribute__(kind, '__mro__')[:-1][:8] or (kind,):
        name = type.__getattribute__(base, '__name__')
        space = type.__getattribute__(base, '__dict__')
        names.append('%s.%s' % (space.get('__module__', '?'), name))
    return names


# What shows a prompt, in the shells and debuggers: what is read there is typed.
_PROMPTS = frozenset(('interact', 'mainloop', 'cmdloop', 'interaction'))


def is_within():
    """Tells whether it is code that runs by itself that runs this: then it is a part of that."""
    frame, is_first = sys._getframe(1), True
    while frame is not None:
        code, module = frame.f_code, frame.f_globals.get('__name__')
        # With `-m` it goes by another name.
        module = getattr(frame.f_globals.get('__spec__'), 'name', module)
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
                begin(code, name)
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
