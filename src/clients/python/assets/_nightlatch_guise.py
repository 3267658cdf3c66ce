"""What stands in for a method that is written in C: it looks like it, and warns where it would.

Loaded with the first driver that has such methods; `guard` is the guard's module.
"""
import sys
import types


# What is ours of a stand-in; else it is what it stands for.
_OWN = frozenset(('__call__', '__get__', '__deepcopy__'))


def _guise(kind, original):
    """A class of objects that are called by what they keep in `__call__`, and look as what `original` tells."""

    def look_up(self, name):
        return object.__getattribute__(self, name) if name in _OWN else getattr(original(self), name)

    made = type(kind.__name__, (), {
        '__slots__': ('__call__', '_self', '__weakref__'),
        '__module__': 'builtins',
        '__doc__': property(lambda self: original(self).__doc__),
        '__getattribute__': look_up,
        '__repr__': lambda self: repr(original(self)),
        '__hash__': lambda self: hash(original(self)),
        '__dir__': lambda self: dir(original(self)),
        '__eq__': lambda self, other: original(self) == (original(other) if type(other) is made else other),
        '__deepcopy__': lambda self, memo: self,
    })
    return made


def method(old, run):
    """A method that runs `run`, and is to everybody else the `old` one, which is written in C."""
    bound = _guise(types.BuiltinMethodType, lambda made: old.__get__(instance_of(made)))
    kind = _guise(type(old), lambda made: old)
    instance_of, new, bind = bound._self.__get__, bound.__new__, types.MethodType

    def get(self, instance, owner=None):
        if instance is None:
            return self
        made = new(bound)
        made.__call__, made._self = bind(run, instance), instance
        return made

    kind.__get__ = get
    _call_directly(kind)
    made = kind()
    made.__call__ = run
    return made


# A type's flag that its objects may be called with an instance first, without being bound to it; and where a
# type keeps its flags, in bytes.
_IS_METHOD, _FLAGS_AT = 1 << 17, 168


def _call_directly(kind):
    """Spares each call the object that is bound, where the flags are found."""
    import ctypes
    flags = ctypes.c_ulong.from_address(id(kind) + _FLAGS_AT)
    if flags.value == kind.__flags__:
        flags.value |= _IS_METHOD


# Functions by where they are called from, and the code there.
_callers = {}


def _call(old, args, kwargs):
    return old(*args, **kwargs)


def as_caller(old, args, kwargs):
    """Calls what may warn so that it warns of the line that the person's code is at, and counts there."""
    frame = sys._getframe(1)
    while guard.is_own(frame.f_code):
        frame = frame.f_back
        if frame is None:
            return old(*args, **kwargs)
    code, space, line = frame.f_code, frame.f_globals, frame.f_lineno
    function, known, at = _callers.get((id(code), line), (None, None, None))
    if known is not code or at is not space:
        if len(_callers) > 256:
            _callers.clear()
        function = guard._frames.moved(_call, code.co_filename, line, guard.OWN, space)
        _callers[id(code), line] = function, code, space
    return function(old, args, kwargs)
