"""Files that are removed and programs that are started: what the interpreter itself tells of them.

Loaded with the first of them; `guard` is the guard's module.
"""
import os
import re
import sys

# Where nothing of record is kept, unless the configuration names a file there.
_TEMPORARY = os.path.realpath(os.environ.get('TMPDIR') or '/tmp') + os.sep

# Modules that remove files of their own, or have told before: `rmtree` goes file by file.
_OWN = frozenset(('shutil', 'tempfile', 'importlib._bootstrap_external'))

# Programs that reach a database, and nobody guards.
_CLIENTS = frozenset((
    'psql', 'pg_restore', 'dropdb', 'dropuser', 'mysql', 'mariadb', 'mysqladmin', 'mongo', 'mongosh',
    'mongorestore', 'redis-cli', 'sqlite3', 'cqlsh', 'clickhouse-client', 'sqlcmd',
))

# Programs that remove what is not here, or whole folders, and how they say so.
_REMOVERS = {
    'rm': re.compile(r'\s-\w*r|--recursive'), 'kubectl': re.compile(r'\bdelete\b'),
    'aws': re.compile(r'\b(?:delete|terminate|purge|rm|rb)\b'), 'gcloud': re.compile(r'\bdelete\b'),
    'gsutil': re.compile(r'\brm\b'), 'terraform': re.compile(r'\bdestroy\b'),
}

_WORD = re.compile(r'[^\s;|&()<>\'"]+')


def at(event, args):
    """Something of the system is about to be done."""
    if event in ('os.remove', 'os.rmdir', 'shutil.rmtree'):
        _removes(event, args[0])
    else:
        _starts(args[0] if event == 'os.system' else args[2 if event == 'os.spawn' else 1])


def _removes(event, path):
    is_tree = event == 'shutil.rmtree'
    is_own = not is_tree and sys._getframe(4).f_globals.get('__name__') in _OWN
    if is_own or isinstance(path, int):
        return
    folder, name = os.path.split(os.path.abspath(os.fsdecode(path)))
    folder = os.path.realpath(folder)
    whole = os.path.join(folder, name)
    is_temporary = whole.startswith(_TEMPORARY)
    if name.endswith('.pyc') or is_temporary and not guard.has_named_files:
        return
    deed = {'verb': 'drop' if is_tree else 'delete', 'object': whole if is_tree else 'files',
            'scope': 'all' if is_tree else 'one'}
    place = {'host': whole} if is_tree else {'host': folder, 'database': name}
    guard.operation('file', lambda: place, '%s %s' % (event, whole), deeds=[deed],
                    temporary=is_temporary)


def _starts(command):
    if isinstance(command, (str, bytes, os.PathLike)):
        command = [command]
    line = ' '.join([os.fsdecode(part) for part in command])
    words = [os.path.basename(word) for word in _WORD.findall(line)]
    if 'nightlatch' in words:
        return  # It is guarded by another.
    for word in words:
        if word in _CLIENTS or word in _REMOVERS and _REMOVERS[word].search(line):
            deeds = [{'verb': 'shell', 'object': word, 'scope': 'unknown'}]
            guard.operation('shell', lambda: {}, line, deeds=deeds)
            return
