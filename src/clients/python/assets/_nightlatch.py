"""The guard that nightlatch puts into a Python process.

It tells nightlatch each statement before it runs and each destructive operation of a driver before
it is sent, over a unix socket, and waits for the answer. It decides nothing: counts, policy and the
question to the person are nightlatch's. Standard library only; nothing is imported at start that
a bare interpreter would have to load from disk.

One message is one line of JSON; one answer is one line, `go`, `no` or `stop`, and perhaps a reason
behind it. See src/tap/protocol.rs.
"""
import os
import sys
import _socket
import _thread
from _contextvars import ContextVar

try:
    from _json import encode_basestring_ascii as _quoted
except ImportError:
    from json.encoder import py_encode_basestring_ascii as _quoted

PROTOCOL = 1

# Longer texts are cut where they are shown; SQL is then judged as what cannot be read.
MOST_TEXT = 8 << 20

# So many refusals in one statement may be caught; the next ones pass through `except Exception`.
PATIENCE = 3

_folder = None
_code_type = type((lambda: 0).__code__)


class Refused(Exception):
    """nightlatch was told not to run this."""


class _RefusedForGood(BaseException):
    """The same, where the code keeps catching the first and goes on."""


for _kind in (Refused, _RefusedForGood):
    _kind.__module__ = 'nightlatch'
    _kind.__name__ = _kind.__qualname__ = 'Refused'


# ---------------------------------------------------------------------------- the line to nightlatch

class _Line:
    """One connection for each process: after a fork the child makes its own."""
    lock = _thread.RLock()
    socket = None
    inode = None
    path = None
    # Whether this thread waits for an answer: the handler of a signal may ask meanwhile.
    is_busy = False

    @classmethod
    def forget(cls):
        """In a forked child: neither the parent's lock nor its connection is ours."""
        cls.lock = _thread.RLock()
        cls.is_busy = False
        cls.drop()

    @classmethod
    def is_ours(cls):
        """Code that closes all descriptors may have put another file in this one's place."""
        try:
            return os.fstat(cls.socket.fileno()).st_ino == cls.inode
        except OSError:
            return False

    @classmethod
    def connect(cls):
        new = _socket.socket(_socket.AF_UNIX, _socket.SOCK_STREAM)
        new.settimeout(None)
        new.connect(cls.path)
        return new

    @classmethod
    def drop(cls):
        if cls.socket is not None:
            (cls.socket.close if cls.is_ours() else cls.socket.detach)()
            cls.socket = None

    @classmethod
    def exchange(cls, line):
        if cls.is_busy:
            # The answer that is waited for is another's.
            own = cls.connect()
            try:
                return cls.talk(own, line)
            finally:
                own.close()
        cls.is_busy = True
        try:
            if cls.socket is None or not cls.is_ours():
                cls.drop()
                new = cls.connect()
                cls.inode = os.fstat(new.fileno()).st_ino
                cls.socket = new
            return cls.talk(cls.socket, line)
        except BaseException:
            # A connection may have been closed under us; and after Ctrl-C closing it takes the
            # question back.
            cls.drop()
            raise
        finally:
            cls.is_busy = False

    @staticmethod
    def talk(socket, line):
        socket.sendall(line)
        answer = b''
        while not answer.endswith(b'\n'):
            more = socket.recv(4096)
            if not more:
                raise OSError('nightlatch is gone')
            answer += more
        return answer[:-1].decode('utf-8', 'replace')


def _is_own(error):
    """Tells whether an error is of the connection, and not of a signal's handler that ran meanwhile."""
    at = error.__traceback__
    while at.tb_next is not None:
        at = at.tb_next
    return at.tb_frame.f_code.co_filename == _own_file


_own_file = _is_own.__code__.co_filename


class Raw(str):
    """What is JSON already."""


_NAMED = {None: 'null', True: 'true', False: 'false'}


def _encoded(value):
    if value.__class__ is str and value.isascii() and len(value) <= MOST_TEXT:
        return _quoted(value)
    if value is None or value is True or value is False:
        return _NAMED[value]
    if isinstance(value, int):
        return int.__repr__(value)
    if isinstance(value, (list, tuple)):
        return '[' + ','.join([_encoded(item) for item in value]) + ']'
    if isinstance(value, dict):
        return '{' + ','.join([_quoted(str(k)) + ':' + _encoded(v) for k, v in value.items()]) + '}'
    if value.__class__ is Raw:
        return value
    if isinstance(value, (bytes, bytearray)):
        value = bytes(value).decode('utf-8', 'replace')
    value = str(value)[:MOST_TEXT]
    # Halves of characters, as in names of files that are no UTF-8, are no JSON.
    return _quoted(value if value.isascii() else value.encode('utf-8', 'backslashreplace').decode())


def ask(message, /, **fields):
    """Sends one message and returns the answer; `lost` where there is nobody to answer."""
    fields['t'] = message
    fields['pid'] = os.getpid()
    line = (_encoded(fields) + '\n').encode()
    with _Line.lock:
        for attempt in (1, 2):
            try:
                return _Line.exchange(line)
            except OSError as error:
                if not _is_own(error):
                    raise
        return 'lost'


# ---------------------------------------------------------------------------- statements

class _Now:
    """The statement that runs."""
    id = 0
    refusals = 0
    input = None
    # Whether all that is run was read from standard input, and announced.
    is_read = False


_texts = {}
_fresh = set()
_lines = []
_readline = None
_prompt = None
_program = None

_INTERACTIVE = ('<stdin', '<python-input', '<console>', '<input', '<ipython-input', '<bpython-input',
                '<ptpython')


# 3.13's line editor numbers its inputs, and does not always compile them as text.
_NUMBERED = '<python-input-'


def _is_new(name):
    """Tells whether a new statement runs, and not the next part of one."""
    is_numbered = name != _Now.input and name.startswith(_NUMBERED)
    if name not in _fresh and not is_numbered:
        return False
    _fresh.discard(name)
    _Now.input = name
    return True


def _is_interactive(name):
    return name.startswith(_INTERACTIVE) or '/ipykernel_' in name and not name.endswith('/ipykernel_launcher.py')


def _on_event(event, args):
    # This runs for every event of the interpreter.
    handler = _HANDLERS.get(event)
    if handler is not None:
        handler(event, args)


def _on_exec(event, args):
    code = args[0]
    if type(code) is not _code_type:
        return
    name = code.co_filename
    if name[:1] == '<' or '/ipykernel_' in name:
        if _is_interactive(name):
            key = '<stdin>' if name.startswith('<stdin') else name
            if _is_new(key):
                _prompts().begin(code, name)
        elif name == '<string>' and any([giver in sys.modules for giver in _GIVERS]):
            _programs().at_text(code, name)
    else:
        started = getattr(sys, 'argv', None) or ('',)
        last = name.rpartition('/')[2]
        if last == '__main__.py' or started[0] and last == str(started[0]).rpartition('/')[2]:
            _programs().at_file(name)


# What runs texts that it is given, beside the shells.
_GIVERS = 'pdb', 'django.core.management.commands.shell'


def _on_compile(event, args):
    global _readline
    source, name = args
    if not isinstance(name, str):
        return
    if isinstance(source, (bytes, str)):
        if name[:1] == '<' or '/ipykernel_' in name:
            if len(_texts) > 64:
                _texts.clear()
            if isinstance(source, bytes):
                source = source.decode('utf-8', 'replace')
            _texts[name] = source
            _fresh.add(name)
            if 'AsyncIOInteractiveConsole' in sys.modules['__main__'].__dict__:
                _prompts().guard_asyncio()
    elif source is None and name == '<stdin>' and not _Now.is_read:
        # The interpreter's own prompt is about to be shown.
        if _readline is None:
            _readline = sys.version_info < (3, 13) and _prompts().listen(_lines)
        del _lines[:]
        _texts.pop(name, None)
        _fresh.add(name)


def _on_driver(event, args):
    if _taps is None:
        return
    if event == 'socket.connect':
        _taps.at_connect(args[1])
    else:
        _taps.at_file(args[0])


def _on_lookup(event, args):
    _names[_thread.get_ident()] = (args[0], args[1])


# How the workers of a pool begin, which are no statements of their own.
_WORKERS = tuple('from multiprocessing.%s import ' % name for name in (
    'spawn', 'forkserver', 'resource_tracker', 'semaphore_tracker'))


def _on_program(event, args):
    """A program is about to run that is not typed: it is one statement."""
    if event == 'cpython.run_file':
        _announce_file(args[0])
    elif event == 'cpython.run_stdin':
        _programs().at_input()
    elif not args[0].startswith(_WORKERS):
        _announce(args[0], 'command', '<string>')


def _on_system(event, args):
    global _system
    if inside.get() is True:
        return
    if _system is None:
        _system = load('_nightlatch_system')
    _system.at(event, args)


_system = None

_HANDLERS = {
    'exec': _on_exec,
    'compile': _on_compile,
    'socket.connect': _on_driver,
    'sqlite3.connect': _on_driver,
    'socket.getaddrinfo': _on_lookup,
    'cpython.run_command': _on_program,
    'cpython.run_file': _on_program,
    'cpython.run_stdin': _on_program,
    'os.remove': _on_system,
    'os.rmdir': _on_system,
    'shutil.rmtree': _on_system,
    'os.system': _on_system,
    'os.exec': _on_system,
    'os.posix_spawn': _on_system,
    'os.spawn': _on_system,
    'subprocess.Popen': _on_system,
}


# What each thread has looked up last: the name behind the number it connects to next.
_names = {}


# Programs that pip makes and whose only work is to show a prompt.
_SHELLS = ('ipython', 'ipython3', 'ptpython', 'ptipython', 'bpython')


def _announce_file(name):
    """A script is about to run: it is one statement, and its text is the file's."""
    try:
        with open(name, 'rb') as file:
            text = file.read(MOST_TEXT)
    except (OSError, TypeError):
        return  # Python will say so itself.
    if os.path.basename(os.fsdecode(name)) in _SHELLS and b'sys.exit(' in text:
        return  # What is typed there is what the person does.
    _announce(text, 'file', name)


def _announce(text, how, name, within=False, typed=None, types=()):
    """A new statement begins: nightlatch reads it before it runs."""
    if not within:
        _Now.id += 1
        _Now.refusals = 0
    answer = ask('statement', id=_Now.id, text=text, typed=typed, how=how, file=name, types=dict(types),
                 within=within, drivers=_reached())
    _heed(answer, 'it was not run', name)


def _reached():
    """The drivers that a statement may reach. Django loads its own with the first query."""
    loaded = _taps.loaded if _taps is not None else ()
    return sorted(loaded) or ['django'] * ('django.db.models' in sys.modules)


def _heed(answer, what, name=None):
    """Raises where the answer is no; `name` is the file of a statement that has not begun."""
    word, _, why = answer.partition(' ')
    if word in ('go', 'look'):
        return
    if word == 'lost':
        if name is not None:
            return  # Reading goes on; what it would destroy is asked about once more, and refused.
        why = 'nightlatch is gone, and without it nothing is deleted'
    _Now.refusals += 1
    if word == 'stop':
        error = KeyboardInterrupt()
    else:
        kind = _RefusedForGood if _Now.refusals > PATIENCE and not _is_worker() else Refused
        error = kind('%s (%s)' % (what, why) if why else what)
    _load_frames().refuse(error, name)


def _is_worker():
    """Tells whether a pool of processes waits for what this one returns: it must not just end."""
    process = sys.modules.get('multiprocessing.process')
    return process is not None and process.parent_process() is not None


def _prompts():
    """The module for what is typed."""
    global _prompt
    if _prompt is None:
        _prompt = load('_nightlatch_prompt')
    return _prompt


def _programs():
    """The module for what runs and is not typed."""
    global _program
    if _program is None:
        _program = load('_nightlatch_programs')
    return _program


# ---------------------------------------------------------------------------- operations

# Set while an operation that was asked about runs: what it does within is part of it. Where it may run
# the person's own code, what it is by itself; then only that is part of it.
inside = ContextVar('nightlatch', default=False)


# Whether the configuration names files as targets: those may lie anywhere.
has_named_files = False


def operation(engine, place, text, deeds=None, sql=None, count=1, **more):
    """Asks about an operation that is about to be sent. Raises where it must not be."""
    if inside.get() is True:
        return None
    if sql is not None and len(sql) > MOST_TEXT:
        sql = 'delete ? %d characters are more than can be read' % len(sql)
    try:
        where = place()
    except Exception as error:
        where = {}
        tell_once('failed', engine, 'where it connects is not known: %r' % (error,))
    answer = ask('operation', statement=_Now.id, engine=engine, place=where, text=text,
                 deeds=deeds or [], sql=sql, count=count, **more)
    _heed(answer, 'it was not sent')
    return answer


def connected(engine, place):
    """Tells where a connection has been made."""
    try:
        ask('connected', engine=engine, place=place())
    except Exception as error:
        tell_once('failed', engine, 'where it connects is not known: %r' % (error,))


_told = set()


def tell_once(kind, what, why):
    """Says something about the guard itself that the person should know."""
    if (kind, what) not in _told:
        _told.add((kind, what))
        ask('remark', kind=kind, what=what, why=why)


# ---------------------------------------------------------------------------- drivers

# The module with the taps, loaded with the first driver; what hides our frames; and this module,
# which leaves `sys.modules` once it is set up.
_taps = None
_frames = None
_guard = None


def load(name, **names):
    """Loads another file of the guard, as a module that nobody finds by its name."""
    path = os.path.join(_folder, name + '.py')
    loader = sys.modules['_frozen_importlib_external'].SourceFileLoader(name, path)
    module = type(sys)(name)
    module.__dict__.update(names, guard=_guard)
    kept = sys.dont_write_bytecode
    # What the person wishes for their own folders does not matter in ours: compiling takes longer.
    sys.dont_write_bytecode = False
    try:
        code = loader.get_code(name)
    finally:
        sys.dont_write_bytecode = kept
    exec(code, module.__dict__)
    return module


# How a function of ours is called that stands elsewhere.
OWN = '<nightlatch>'


def is_own(code):
    """Tells whether it is ours: nobody is to see it."""
    return code.co_name == OWN or code.co_filename.startswith(_folder)


def _load_frames():
    global _frames
    if _frames is None:
        _frames = load('_nightlatch_frames')
    return _frames


def _load_taps():
    global _taps
    if _taps is None:
        _load_frames()
        _taps = load('_nightlatch_drivers')
    return _taps


class _Loader:
    """Loads a driver as its own loader does, then puts the tap on."""

    def __init__(self, inner):
        self.inner = inner

    def __getattr__(self, name):
        return getattr(self.inner, name)

    def create_module(self, spec):
        return self.inner.create_module(spec)

    def exec_module(self, module):
        module.__spec__.loader = self.inner
        module.__loader__ = self.inner
        self.inner.exec_module(module)
        _load_taps().put_on(module)


class _Finder:
    """Sees a driver being imported."""
    busy = set()

    @classmethod
    def find_spec(cls, name, path=None, target=None):
        if name not in WATCHED or name in cls.busy:
            return None
        cls.busy.add(name)
        try:
            spec = sys.modules['_frozen_importlib']._find_spec(name, path, target)
        finally:
            cls.busy.discard(name)
        if spec is not None and hasattr(spec.loader, 'exec_module'):
            spec.loader = _Loader(spec.loader)
        return spec


# The modules a tap is put on, and those that have none, of which nightlatch is told.
WATCHED = frozenset('''
    _sqlite3 psycopg2._psycopg psycopg._cursor_base psycopg._connection_base psycopg.cursor psycopg.connection
    psycopg.client_cursor     asyncpg.connection asyncpg.protocol.protocol sqlalchemy.engine.base pymysql.connections aiomysql.connection
    MySQLdb.connections mysql.connector.connection mysql.connector.connection_cext mysql.connector.aio.connection
    pymongo.monitoring redis.connection redis.asyncio.connection redis.commands.core valkey.connection
    valkey.asyncio.connection valkey.commands.core botocore.client aiobotocore.client elastic_transport._transport
    elastic_transport._async_transport elasticsearch.transport elasticsearch._async.transport opensearchpy.transport
    opensearchpy._async.transport bdb jedi.inference.compiled.access

    aioredis apsw arango asyncmy azure.cosmos azure.storage.blob cassandra.cluster clickhouse_connect
    clickhouse_driver coredis couchbase cx_Oracle databricks.sql duckdb fdb firebird.driver google.cloud.bigquery
    google.cloud.firestore google.cloud.storage hdbcli ibm_db influxdb_client kubernetes.client libsql mariadb minio
    neo4j _pg oracledb pg8000 pgdb psqlpy pymemcache pymssql pyodbc pysqlite3 pytds snowflake.connector sqlcipher3
    trino vertica_python
'''.split())


# ---------------------------------------------------------------------------- start

def start(folder):
    """Begins to guard this process."""
    global _folder, _guard, has_named_files
    _folder = folder
    _guard = sys.modules['_nightlatch']
    _Line.path = os.environ['NIGHTLATCH_SOCK']
    if hasattr(os, 'register_at_fork'):
        os.register_at_fork(after_in_child=_Line.forget)
    version = '%d.%d.%d' % sys.version_info[:3]
    answer = ask('hello', protocol=PROTOCOL, client='python', version=version)
    has_named_files = answer == 'go files'
    sys.meta_path.insert(0, _Finder)
    sys.addaudithook(_on_event)
    # What a `.pth` file has loaded before us.
    for name in WATCHED.intersection(sys.modules):
        _load_taps().put_on(sys.modules[name])
