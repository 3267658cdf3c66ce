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
    'psql', 'pg_restore', 'dropdb', 'dropuser', 'mysql', 'mariadb', 'mysqladmin', 'mariadb-admin', 'mongo', 'mongosh',
    'mongorestore', 'redis-cli', 'valkey-cli', 'sqlite3', 'cqlsh', 'clickhouse-client', 'sqlcmd',
))

# Programs that remove what is not here, or whole folders, and how they say so.
_REMOVERS = {
    'kubectl': re.compile(r'\bdelete\b'),
    'aws': re.compile(r'\b(?:delete|terminate|purge|rm|rb)\b'), 'gcloud': re.compile(r'\bdelete\b'),
    'gsutil': re.compile(r'\brm\b'), 'terraform': re.compile(r'\bdestroy\b'),
}

# SQL that a client is handed, and the shells that read a command line.
_SQL = re.compile(r'(?:-\w*?|--\w+=)?\s*((?:delete|drop|truncate|update|alter|with|do|call|merge|replace)\b.*\s.*)', re.I | re.S)
_SHELLS = frozenset(('sh', 'bash', 'dash', 'zsh', 'ash', 'ksh'))

# Words before a program that start it.
_STARTERS = frozenset(('sudo', 'env', 'nohup', 'nice', 'time', 'exec', 'command', 'then', 'do', 'xargs'))

# What the variables are called that tell a client where to go.
_TELLING = ('PG', 'MYSQL', 'MONGO', 'REDIS', 'POSTGRES', 'DATABASE_', 'DB_')

# So many files that one command names are looked at.
_MOST_FILES = 1000


def at(event, args):
    """Something of the system is about to be done."""
    try:
        _read(event, args)
    except guard.Refused:
        raise
    except Exception as error:
        guard.tell_once('failed', event, repr(error))


def _read(event, args):
    if event in ('os.remove', 'os.rmdir', 'shutil.rmtree'):
        if event == 'shutil.rmtree' or sys._getframe(4).f_globals.get('__name__') not in _OWN:
            _removes(event, _within(args[0], args[1]))
    else:
        command = args[0] if event == 'os.system' else args[2 if event == 'os.spawn' else 1]
        folder = args[2] if event == 'subprocess.Popen' else None
        own = None if event == 'os.system' else args[3 if event in ('os.spawn', 'subprocess.Popen') else 2]
        _starts(command, os.fsdecode(folder or ''), os.environ if own is None else own)


def _within(path, folder):
    """A path that is told together with the open folder it is in."""
    if folder is None or folder < 0 or isinstance(path, int):
        return path
    return os.path.join(os.readlink('/proc/self/fd/%d' % folder), os.fsdecode(path))


def _removes(event, path):
    is_tree = event == 'shutil.rmtree'
    if isinstance(path, int):
        return
    folder, name = os.path.split(os.path.abspath(os.fsdecode(path)))
    folder = os.path.realpath(folder)
    whole = os.path.join(folder, name)
    is_temporary = whole.startswith(_TEMPORARY)
    if name.endswith('.pyc') or is_temporary and not guard.has_named_files:
        return
    is_whole = is_tree or _is_database(whole)
    deed = {'verb': 'drop' if is_whole else 'delete', 'object': whole if is_whole else 'files',
            'scope': 'all' if is_whole else 'one'}
    place = {'host': whole} if is_tree else {'host': folder, 'database': name}
    guard.operation('file', lambda: place, '%s %s' % (event, whole), deeds=[deed],
                    temporary=is_temporary)


def _is_database(path):
    """Tells whether a file is a database of SQLite's: that is no file among many."""
    try:
        # Opening would wait for whoever writes to a pipe.
        if not os.path.isfile(path) or os.path.islink(path):
            return False
        with open(path, 'rb') as file:
            return file.read(16) == b'SQLite format 3\0'
    except OSError:
        return False


def _starts(command, folder, variables):
    is_line = isinstance(command, (str, bytes, os.PathLike))
    words = [os.fsdecode(part) for part in ([command] if is_line else command)]
    if not is_line and len(words) > 2 and os.path.basename(words[0]) in _SHELLS and words[1] == '-c':
        is_line, words = True, words[2:3]
    line = ' '.join(words)
    for words in _commands(line) if is_line else [words]:
        own, is_started = dict(variables), False
        while words and (words[0] in _STARTERS or '=' in words[0] or is_started and words[0].startswith('-')):
            name, is_set, value = words[0].partition('=')
            if name in ('-i', '--ignore-environment'):
                own = {}
            elif is_set:
                own[name] = value
            words, is_started = words[1:], True
        # What nightlatch runs is guarded by another.
        if words and os.path.basename(words[0]) != 'nightlatch':
            _starts_one(os.path.basename(words[0]), words[1:], line, folder, is_line, own)


def _commands(line):
    """The commands of a shell's line, as their words."""
    import shlex
    try:
        lexer = shlex.shlex(line, posix=True, punctuation_chars=True)
        lexer.whitespace_split = True
        words = list(lexer)
    except ValueError:
        words = line.split()
    command = []
    for word in words:
        if word.strip(';|&()'):
            command.append(word)
        else:
            yield command
            command = []
    yield command


def _starts_one(name, words, line, folder, is_line, variables):
    if re.fullmatch(r'python[\d.]*', name):
        _starts_python(words, variables)
    elif name == 'rm' or name == 'find' and ('-delete' in words or 'rm' in words):
        is_tree = name == 'find' or any(re.match(r'-\w*[rR]|--recursive', word) for word in words)
        paths = []
        for word in words:
            if not word.startswith('-'):
                paths += _meant(os.path.join(folder, word)) if is_line else [os.path.join(folder, word)]
            elif name == 'find':
                break
        for path in paths[:_MOST_FILES]:
            if os.path.lexists(path):
                _removes('shutil.rmtree' if is_tree and os.path.isdir(path) else 'os.remove', path)
    elif name in _CLIENTS or name in _REMOVERS and _REMOVERS[name].search(line):
        text = next((found.group(1) for found in map(_SQL.match, words) if found), None)
        # What a shell puts in place of a variable is not known here.
        is_plain = not (is_line and re.search('[$`]', line))
        started = {'argv': [name] + words, 'vars': _telling(variables), 'folder': folder} if is_plain else None
        guard.operation('shell', lambda: {}, line, deeds=[_client_deed(name, words)], sql=text, started=started)


def _starts_python(words, variables):
    """Another Python is guarded like this one, unless it is kept from it."""
    options = []
    for word in words:
        if not word.startswith('-') or word in ('-', '-c', '-m'):
            break
        options += re.findall(r'^-[a-zA-Z]*[IES]', word)
    names = [os.fsdecode(name) for name in variables]
    path = os.fsdecode(next((value for name, value in variables.items() if os.fsdecode(name) == 'PYTHONPATH'), ''))
    if options or 'NIGHTLATCH_SOCK' not in names or guard._folder not in path.split(os.pathsep):
        what = 'a Python that is started with ' + (options[0] if options else 'other variables')
        guard.tell_once('untapped', what, 'its deletes are not asked about')


def _telling(variables):
    named = ((os.fsdecode(name), os.fsdecode(value)) for name, value in variables.items())
    return {name: value for name, value in named if name.startswith(_TELLING) and 'PASS' not in name}


def _client_deed(name, words):
    if name == 'dropdb' and words or name in ('mysqladmin', 'mariadb-admin') and 'drop' in words:
        return {'verb': 'drop', 'object': words[-1], 'scope': 'all'}
    if name in ('redis-cli', 'valkey-cli') and {'FLUSHALL', 'FLUSHDB'}.intersection(word.upper() for word in words):
        return {'verb': 'truncate', 'object': None, 'scope': 'all'}
    return {'verb': 'shell', 'object': name, 'scope': 'unknown'}


def _meant(pattern):
    """The files that a word of a shell means."""
    import glob
    return glob.glob(os.path.expanduser(pattern))
