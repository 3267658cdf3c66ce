"""What stands in for a method that is written in C: it looks like it, and warns where it would.

Loaded with the first driver that has such methods; `guard` is the guard's module.
"""
import sys
import types


# What is ours of a stand-in; else it is what it stands for.
_OWN = frozenset(('__call__', '__get__', '__deepcopy__'))


def _guise(kind, slots, original):
    """A class of objects that are called by what they keep in `__call__`, and look as what `original` tells."""

    def look_up(self, name):
        return object.__getattribute__(self, name) if name in _OWN else getattr(original(self), name)

    made = type(kind.__name__, (), {
        '__slots__': ('__call__', '__weakref__') + slots,
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


_Method = _guise(types.MethodDescriptorType, ('_old',), lambda made: _old_of(made))
_Bound = _guise(types.BuiltinMethodType, ('_old', '_self'), lambda made: _bound_old_of(made).__get__(_self_of(made)))
_old_of, _call_of = _Method._old.__get__, _Method.__dict__['__call__'].__get__
_bound_old_of, _self_of = _Bound._old.__get__, _Bound._self.__get__


def _get(self, instance, owner=None, new=_Bound.__new__, bind=types.MethodType):
    if instance is None:
        return self
    made = new(_Bound)
    made.__call__, made._old, made._self = bind(_call_of(self), instance), _old_of(self), instance
    return made


_Method.__get__ = _get


def method(old, run):
    """A method that runs `run`, and is to everybody else the `old` one, which is written in C."""
    made = _Method()
    made.__call__, made._old = run, old
    return made


def completion(module):
    """Jedi looks at no attribute whose kind it does not know: these are as good as those written in C."""
    module.ALLOWED_DESCRIPTOR_ACCESS += (_Method,)


# A type's flag that its objects may be called with an instance first, without being bound to it; and where a
# type keeps its flags, in bytes.
_IS_METHOD, _FLAGS_AT = 1 << 17, 168


def _call_directly(kind):
    """Spares each call the object that is bound, where the flags are found."""
    if sys.implementation.name != 'cpython':
        return
    import ctypes
    flags = ctypes.c_ulong.from_address(id(kind) + _FLAGS_AT)
    if flags.value == kind.__flags__:
        flags.value |= _IS_METHOD


_call_directly(_Method)

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
        module = sys.modules.get(space.get('__name__'))
        if getattr(module, '__dict__', None) is space:
            # What is no module's must not live longer for us.
            _callers[id(code), line] = function, code, space
    return function(old, args, kwargs)
