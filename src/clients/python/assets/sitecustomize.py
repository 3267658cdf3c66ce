# nightlatch: loads the guard, then gets out of the way of the user's own sitecustomize.
# Every Python that finds this folder on PYTHONPATH runs it, Python 2 included.
import os
import sys


def _load():
    folder = os.path.dirname(os.path.abspath(__file__))
    # This folder is ours, whatever the person wishes for theirs: compiling takes longer than all else.
    kept, sys.dont_write_bytecode = sys.dont_write_bytecode, False
    try:
        if sys.version_info >= (3, 8) and 'NIGHTLATCH_SOCK' in os.environ:
            import _nightlatch
            _nightlatch.start(folder)
    except Exception as error:
        # Whatever is wrong with the guard, Python goes on, and nightlatch says that it is unguarded.
        os.write(2, ('nightlatch: the guard was not loaded: %r\r\n' % (error,)).encode())
    sys.dont_write_bytecode = kept
    sys.modules.pop('_nightlatch', None)
    sys.path[:] = [entry for entry in sys.path if os.path.abspath(entry or '.') != folder]
    sys.path_importer_cache.pop(folder, None)
    sys.modules.pop('sitecustomize', None)


_load()

# The user's own; where there is none, this ImportError is the one that site.py expects.
import sitecustomize
