# nightlatch: loads the guard into an interpreter that runs already, and did not look at PYTHONPATH.
def _load():
    import os
    import sys
    folder = os.environ['PYTHONPATH'].split(os.pathsep)[0]
    sys.path.insert(0, folder)
    try:
        import _nightlatch
        _nightlatch.start(folder)
    finally:
        sys.path.remove(folder)
        sys.path_importer_cache.pop(folder, None)
        sys.modules.pop('_nightlatch', None)


_load()
