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

# Programs that hand a command line to a shell, with other variables.
_TALKED = frozenset(('su', 'runuser'))

# Words before a program that start it, and those of which it gets none of our variables.
_STARTERS = frozenset((
    'sudo', 'doas', 'env', 'nohup', 'nice', 'ionice', 'time', 'timeout', 'exec', 'command', 'then', 'do', 'else', 'if',
    'while', 'until', 'xargs', 'parallel', 'stdbuf', 'setsid', 'taskset', 'chrt', 'flock', 'unbuffer', 'caffeinate', 'watch',
    'strace', 'unshare', 'chroot', 'runuser', 'su', 'uv', 'poetry', 'pipenv', 'run', '{', '!',
))
_FORGETTING = frozenset(('sudo', 'doas', 'su', 'runuser'))
_KEEPING = re.compile('-[a-zA-Z]*E|--preserve-env$')

# What runs a program for each of many.
_REPEATING = re.compile(r'\b(?:xargs|parallel)\b|\b(?:for|while|until)\b.*\bdo\b', re.S)

_PYTHON = re.compile(r'python[\d.]*')

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
    if is_line:
        _starts_line(words[0], folder, variables)
    else:
        _starts_words(words, ' '.join(words), folder, False, variables)


def _starts_line(line, folder, variables):
    for words in _commands(line):
        _starts_words(words, line, folder, True, variables)


def _starts_words(words, line, folder, is_line, variables):
    """A program, with words before it that start it, and what they make of its variables."""
    own, is_started = dict(variables), False
    while words:
        name, is_set, value = words[0].partition('=')
        base = os.path.basename(words[0])
        if base in _SHELLS or base in _TALKED:
            said = next((at for at, word in enumerate(words[1:-1], 1) if re.match('-[a-z]*c$', word)), None)
            if said is not None:
                return _starts_line(words[said + 1], folder, own if base in _SHELLS else {})
        if base in _STARTERS:
            is_started = True
            # One that takes the program from nowhere else gives it no variables but what it says.
            if base in _FORGETTING and not any(map(_KEEPING.match, words[1:3])):
                own = {}
        elif name in ('-i', '-', '--ignore-environment') and is_started:
            own = {}
        elif is_set and not words[0].startswith('-'):
            own[name] = value
        elif not is_started or _is_program(base):
            break
        words = words[1:]
    # What nightlatch runs is guarded by another.
    if not words or os.path.basename(words[0]) == 'nightlatch':
        return
    _starts_one(os.path.basename(words[0]), words[1:], line, folder, is_line, own)


def _is_program(name):
    return bool(_PYTHON.fullmatch(name)) or name in _SHELLS or name in _CLIENTS or name in _REMOVERS or name in (
        'rm', 'find', 'nightlatch')


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
    if _PYTHON.fullmatch(name):
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
        # What a shell puts in place of a variable is not known here; of keys it says not where they are.
        telling = words[:len(words) - len(_redis_command(words))] if name in _REDIS else words
        is_plain = not (is_line and re.search('[$`]', ' '.join(telling) if name in _REDIS else line))
        started = {'argv': [name] + telling, 'vars': _telling(variables), 'folder': folder} if is_plain else None
        deed = _client_deed(name, words)
        if deed is not None and deed['scope'] == 'one' and _REPEATING.search(line):
            deed = dict(deed, scope='unknown')
        if deed is not None:
            guard.operation('shell', lambda: {}, line, deeds=[deed], sql=text, started=started)


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
    if name in _REDIS:
        command = _redis_command(words)
        # Without one it reads what it runs.
        if command:
            return guard._load_taps().tap_file('_nightlatch_stores').redis_deed(command)[0]
    return {'verb': 'shell', 'object': name, 'scope': 'unknown'}


_REDIS = frozenset(('redis-cli', 'valkey-cli'))

# Options of `redis-cli` that take the next word.
_REDIS_VALUED = frozenset((
    '-h', '-p', '-t', '-s', '-a', '-u', '-r', '-i', '-n', '-d', '-D', '--user', '--pass', '--sni', '--cacert', '--cacertdir',
    '--cert', '--key', '--tls-ciphers', '--tls-ciphersuites', '--show-pushes',
))


def _redis_command(words):
    """The command behind the options."""
    words = list(words)
    while words and words[0].startswith('-'):
        if words[0] in ('--eval', '--pipe', '-x', '-X'):
            return []
        words = words[2 if words[0] in _REDIS_VALUED else 1:]
    return words


def _meant(pattern):
    """The files that a word of a shell means."""
    import glob
    return glob.glob(os.path.expanduser(pattern))
