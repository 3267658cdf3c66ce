"""The taps on database drivers: which there are, and what they are made with.

Loaded by the guard with the first driver; `guard` is the guard's module. Each tap stands at the
lowest point that every way to the server passes, and asks before anything is sent.
"""
import os
import re
import sys
import _thread

# The drivers that are tapped and loaded: what a statement may reach.
loaded = set()

# Statements without one of these words are not asked about. What they do is nightlatch's to judge.
_WORDS = frozenset((
    b'delete', b'drop', b'truncate', b'update', b'alter', b'replace', b'merge', b'revoke', b'rename', b'detach',
    b'reassign', b'terminate', b'attach', b'purge', b'wipe', b'erase', b'remove', b'do', b'call', b'exec', b'execute',
))

# Letters as small ones, and all else as what stands between words.
_PLAIN = bytes(ord(chr(n).lower()) if chr(n).isalnum() and n < 128 else 32 for n in range(256))

# A text but for its case and its numbers.
_SHAPE = bytes(48 if 48 <= n < 58 else n + 32 if 65 <= n < 91 else n for n in range(256))

# What may stand around strings for it to be certain where they end: no comment begins, and no other quote.
_CERTAIN = bytes(n for n in range(128) if chr(n).isalnum() or chr(n) in " \t\n\r,.()=<>*+_%;:!?'")

# What stands before a bracket in everyday statements, and runs nothing of anybody's. None has a digit.
_FAMILIAR = frozenset('''
    abs all and any array array_agg as avg between bool_and bool_or by cast ceil char char_length coalesce concat
    concat_ws conflict convert count curdate current_setting database date date_add date_format date_sub date_trunc
    datediff exists extract field filter find_in_set floor format from from_unixtime greatest group_concat if ifnull
    in instr interval is join json_arrayagg json_build_object json_extract json_object json_unquote
    jsonb_build_object last_insert_id least left length like limit locate lower lpad ltrim max min mod month not now
    nullif numeric on or over partition position random rand rank replace returning right round row row_count
    row_number rpad rtrim select set some string_agg substr substring substring_index sum then timestamp
    timestampdiff to_char trim union unix_timestamp unnest upper using utc_timestamp value values varchar version
    when where with year
'''.split())
_NAME = re.compile(r'[\w$]+$')


def put_on(module):
    """Puts the taps on a module that has just been loaded."""
    name = module.__name__
    engine, file, tap = TAPS.get(name, (None, None, None))
    if tap is None:
        guard.tell_once('untapped', name, 'its deletes are not asked about')
        return
    try:
        getattr(tap_file(file), tap)(module)
        if engine is not None:
            loaded.add(engine)
    except Exception as error:
        guard.tell_once('failed', name, repr(error))


# The modules with the taps, by their names: each is loaded with the first driver it is for.
_files = {'_nightlatch_frames': guard._frames}


def tap_file(name):
    if name not in _files:
        _files[name] = guard.load(name, drivers=guard._taps)
    return _files[name]


# ---------------------------------------------------------------------------- tools

def _like(new, old):
    for name in ('__module__', '__name__', '__qualname__', '__doc__'):
        try:
            setattr(new, name, getattr(old, name))
        except Exception:
            pass
    code = getattr(old, '__code__', None)
    if code is not None:
        # Where its source is looked for.
        new.__code__ = new.__code__.replace(co_filename=code.co_filename, co_firstlineno=code.co_firstlineno,
                                            co_name=guard.OWN)
    new.__wrapped__ = old
    return new


def patch(kind, name, make):
    """Replaces a method, in a class written in C too."""
    old = kind.__dict__[name]
    new = make(old)
    try:
        setattr(kind, name, _like(new, old))
    except TypeError:
        import ctypes
        import gc
        # The dict behind the read-only view: every object of the class sees the change.
        gc.get_referents(kind.__dict__)[0][name] = tap_file('_nightlatch_guise').method(old, new)
        ctypes.pythonapi.PyType_Modified(ctypes.py_object(kind))


def is_coroutine(function):
    return bool(getattr(getattr(function, '__code__', None), 'co_flags', 0) & 0x80)


def asked_first(old, ask):
    """A method before which `ask` is called with its arguments; the same for one that is awaited."""
    if is_coroutine(old):
        async def run(self, *args, **kwargs):
            ask(self, *args, **kwargs)
            return await old(self, *args, **kwargs)
    else:
        def run(self, *args, **kwargs):
            ask(self, *args, **kwargs)
            return old(self, *args, **kwargs)
    return run


def ask_before(kind, names, ask):
    """Puts a question before methods of a class: the first of them must be there."""
    for name in names:
        if name in kind.__dict__ or name == names[0]:
            patch(kind, name, lambda old: asked_first(old, ask))


def plain(text):
    if isinstance(text, str):
        # What a class of its own says of itself is not what a driver takes.
        return text if text.__class__ is str else str.__str__(text)
    if isinstance(text, (bytes, bytearray)):
        return bytes(text).decode('utf-8', 'replace')
    return str(text)


class _Known:
    """Texts that were read and do not matter: a loop of SELECTs is to cost next to nothing."""

    def __init__(self):
        self.texts = set()
        self.shapes = set()

    def keep(self, text, shape, called):
        if len(text) > 4096:
            return
        if len(self.texts) + len(self.shapes) > 1024:
            self.clear()
        # A number in its name makes another function, and one of somebody's may run what it is given.
        is_alike = not called if b"'" in shape else not any(c.isdigit() for name in called for c in name)
        if is_alike and (b"'" not in shape or not shape.translate(None, _CERTAIN)):
            self.shapes.add(shape)
        self.texts.add(text)

    def clear(self):
        self.texts.clear()
        self.shapes.clear()


# Those of servers with functions, which a text may call, and those of others.
_calling, _silent = _Known(), _Known()
harmless, quiet = _silent.texts, _calling.texts


_last = ('', b'')


def _shape(text):
    """A text but for its case, its numbers and its strings: what differs in these alone does the same."""
    global _last
    last, shape = _last
    if last is not text:
        around = text
        if "'" in text and '\\' not in text:
            around = "'".join(text.split("'")[::2])
        shape = around.encode('utf-8', 'replace').translate(_SHAPE)
        _last = text, shape
    return shape


def is_quiet(text):
    """Tells whether a text for a server with functions is known to do nothing; the rest is for `sql`."""
    return text.__class__ is str and (text in _calling.texts or _shape(text) in _calling.shapes)


def _called(text):
    """The names of functions that a text may call, but for familiar ones."""
    names = set()
    for part in text.split('(')[:-1]:
        word = part.rstrip().rpartition(' ')[2].lower()
        if word not in _FAMILIAR:
            names.add(_name(part.rstrip().lower()))
    names.discard(None)
    return names.difference(_FAMILIAR) if names else names


def _name(part):
    """What is called behind a part of a text, if that is a name."""
    if part.endswith(('"', '`')):
        return part[:-1].rpartition(part[-1])[2]
    if part.endswith('/'):
        return part[-20:]  # A comment may stand between a name and its bracket.
    found = _NAME.search(part)
    if found is None:
        return None
    is_qualified = part[:found.start()].endswith('.') and not part[:found.start()].endswith('pg_catalog.')
    return ('.' if is_qualified else '') + found.group()


# What makes a temporary table, and the names of all that were made: each connection has its own, and is
# asked whether one of such a name is there.
_MAKES = re.compile(r'''\b(?:create\s+(?:or\s+replace\s+)?(?:(?:global|local)\s+)?temp(?:orary)?\s+table\s+
    (?:if\s+not\s+exists\s+)?|into\s+temp(?:orary)?\s+(?:table\s+)?)(?:"([^"\'\\]+)"|`([^`\'\\]+)`|(\w+))''', re.I | re.X)
_temporary = {}


def mentioned(text):
    """The names of temporary tables that stand in a text of the person's."""
    if not _temporary or guard.inside.get() is True:
        return []
    return [_temporary[word] for word in set(re.findall(r'\w+', plain(text).lower())).intersection(_temporary)]


def matters(text):
    return _read(text, None, False)[0]


# The functions that nightlatch has found harmless, by server: a driver's `login` says that it has some.
_functions = {}


def server(place):
    """What is known of the functions where a statement goes."""
    try:
        where = place()
    except Exception:
        return set()  # Whoever asks will say so.
    key = (where.get('host'), where.get('port'), where.get('database'))
    if key not in _functions:
        # What does no harm at one server may do so at another.
        _calling.clear()
        _functions[key] = set()
    return _functions[key]


def reached(engine, place):
    """Tells of a connection to a server with functions."""
    server(place)
    guard.connected(engine, place)


def _read(text, place, has_functions):
    """Tells whether to ask about a text, and which functions it calls that nothing is known of."""
    known = _calling if has_functions else _silent
    if text in known.texts:
        return False, ()
    shape = _shape(text)
    if shape in known.shapes:
        return False, ()
    if 'temp' in text.lower():
        for quoted, ticked, name in _MAKES.findall(text):
            name = quoted or ticked or name.lower()
            _temporary[name.lower()] = name
    is_asked = not _WORDS.isdisjoint(text.encode('utf-8', 'replace').translate(_PLAIN).split())
    called = fresh = ()
    if b'(' in shape and (has_functions or b"'" in shape):
        called = _called(text)
        fresh = called.difference(server(place)) if called and has_functions else ()
    if not is_asked and not fresh and (not called or not has_functions or len(_functions) < 2):
        known.keep(text, shape, called)
    return is_asked or bool(fresh), fresh


def _ask(engine, text, place, count, called, more, own=None):
    if more.get('login'):
        more = dict(more, login=more['login']())
    names = own and mentioned(text)
    if names:
        more = dict(more, own=own(names))
    answer = guard.operation(engine, place, text, sql=text, count=count, **more)
    if 'create' in text.lower():
        # Perhaps a function that did no harm so far.
        server(place).clear()
        _calling.clear()
    elif answer == 'go harmless':
        server(place).update(called)
    return answer


def sql(engine, text, place, count=1, own=None, **more):
    """Asks about SQL that is about to be sent. `login` makes what nightlatch logs in with to read the
    server's functions; with `looks` they can be told, and whether they are asked for is returned. `own`
    says which of some names are temporary tables of the connection now."""
    text = plain(text)
    is_asked, called = _read(text, place, bool(more))
    return is_asked and _ask(engine, text, place, count, called, more, own) == 'look'


def sql_many(engine, text, place, rows, login=None, merged=None, own=None):
    """Asks about a statement for many rows; returns the rows to go on with. `merged` makes the text of a
    row that the driver merges into it, where that may be more than values."""
    text = plain(text)
    more = {'login': login} if login else {}
    try:
        count = len(rows)
    except TypeError:
        # Nobody knows how many there are: each is asked about as it comes.
        is_asked = merged is not None or _read(text, place, bool(more))[0]
        return _each(engine, text, place, rows, more, merged, own) if is_asked else rows
    apart = [] if merged is None else list(filter(None, map(merged, rows)))
    for one in apart:
        sql(engine, one, place, own=own, **more)
    is_asked, called = _read(text, place, bool(more))
    if is_asked and count > len(apart):
        _ask(engine, text, place, count - len(apart), called, more, own)
    return rows


def _each(engine, text, place, rows, more, merged, own):
    rows, end = iter(rows), object()
    while True:
        # The driver takes them while it runs what was asked about: this is not that, and neither is
        # what the person's own code does to make one.
        token = guard.inside.set(False)
        try:
            row = next(rows, end)
            if row is end:
                return
            sql(engine, merged and merged(row) or text, place, own=own, **more)
        finally:
            guard.inside.reset(token)
        yield row


def deed(verb, on, scope='one', count=1):
    """One thing an operation does, for engines that speak no SQL."""
    return {'verb': verb, 'object': on, 'scope': scope, 'count': count}


class within:
    """What an operation does within itself was asked about with it."""

    def __init__(self, what=True):
        self.what = what

    def __enter__(self):
        self.token = guard.inside.set(self.what)

    def __exit__(self, *_):
        guard.inside.reset(self.token)


# ---------------------------------------------------------------------------- connections

# Drivers that connect through Python's own sockets, by the package their code is in.
_SOCKETED = {'pymongo': 'mongodb', 'redis': 'redis', 'valkey': 'redis', 'pymysql': 'mysql', 'aiomysql': 'mysql',
             'mysql': 'mysql'}


def at_connect(address):
    """A socket is about to connect: tells where, if a driver of ours does it."""
    if not isinstance(address, tuple) or guard.inside.get() is True:
        return
    frame = sys._getframe(2)
    for _ in range(16):
        if frame is None:
            return
        engine = _SOCKETED.get(frame.f_globals.get('__name__', '').partition('.')[0])
        if engine is not None:
            break
        frame = frame.f_back
    else:
        return
    host, port = address[0], address[1]
    asked = guard._names.get(_thread.get_ident())
    if asked is not None and asked[1] in (port, str(port)) and isinstance(asked[0], (str, bytes)):
        host = asked[0]
    guard.connected(engine, lambda: {'host': host, 'port': port})


def file_place(path):
    """Where a database's file is; one in memory is nowhere."""
    if not path:
        return {'host': '[local]', 'database': ':memory:'}
    return {'host': os.path.dirname(path), 'database': os.path.basename(path)}


# The files that were opened, each once; none where a name does not tell which it is.
opened = []


def at_file(name):
    """A database's file is being opened. What is no plain name tells at its first operation."""
    name = os.fsdecode(name) if isinstance(name, (str, bytes, os.PathLike)) else 'file:'
    path = '' if name in ('', ':memory:') else None if name.startswith('file:') else os.path.realpath(name)
    if path not in opened:
        opened.append(path)
    # IPython's own history, which it opens by itself, is no place where anybody is.
    if path and not ('IPython' in sys.modules and path.endswith('/history.sqlite')):
        guard.connected('sqlite', lambda: file_place(path))


# ---------------------------------------------------------------------------- the table

# Where each tap stands: the module it is put on, once that is loaded; the engine behind it; and the
# file and the function that put it on.
TAPS = {
    'bdb': (None, '_nightlatch_frames', 'debugger'),
    'jedi.inference.compiled.access': (None, '_nightlatch_guise', 'completion'),
    '_sqlite3': ('sqlite', '_nightlatch_sql', 'sqlite'),
    'psycopg2._psycopg': ('postgres', '_nightlatch_sql', 'psycopg2'),
    'psycopg._cursor_base': ('postgres', '_nightlatch_sql', 'psycopg_cursor'),
    'psycopg.cursor': ('postgres', '_nightlatch_sql', 'psycopg_cursor'),
    'psycopg.client_cursor': ('postgres', '_nightlatch_sql', 'psycopg_client'),
    'psycopg._connection_base': ('postgres', '_nightlatch_sql', 'psycopg_connection'),
    'psycopg.connection': ('postgres', '_nightlatch_sql', 'psycopg_connection'),
    'asyncpg.connection': ('postgres', '_nightlatch_sql', 'asyncpg_connection'),
    'asyncpg.protocol.protocol': ('postgres', '_nightlatch_sql', 'asyncpg_protocol'),
    'pymysql.connections': ('mysql', '_nightlatch_mysql', 'pymysql'),
    'aiomysql.connection': ('mysql', '_nightlatch_mysql', 'aiomysql'),
    'MySQLdb.connections': ('mysql', '_nightlatch_mysql', 'mysqlclient'),
    'mysql.connector.connection': ('mysql', '_nightlatch_mysql', 'connector'),
    'mysql.connector.connection_cext': ('mysql', '_nightlatch_mysql', 'connector'),
    'mysql.connector.aio.connection': ('mysql', '_nightlatch_mysql', 'connector'),
    'sqlalchemy.engine.base': ('sqlalchemy', '_nightlatch_sql', 'sqlalchemy'),
    'pymongo.monitoring': ('mongodb', '_nightlatch_stores', 'mongo'),
    'redis.connection': ('redis', '_nightlatch_stores', 'redis'),
    'redis.asyncio.connection': ('redis', '_nightlatch_stores', 'redis'),
    'redis.commands.core': ('redis', '_nightlatch_stores', 'redis_scripts'),
    'valkey.connection': ('redis', '_nightlatch_stores', 'redis'),
    'valkey.asyncio.connection': ('redis', '_nightlatch_stores', 'redis'),
    'valkey.commands.core': ('redis', '_nightlatch_stores', 'redis_scripts'),
    'botocore.client': ('aws', '_nightlatch_web', 'aws'),
    'aiobotocore.client': ('aws', '_nightlatch_web', 'aws'),
    'elastic_transport._transport': ('elasticsearch', '_nightlatch_web', 'elastic'),
    'elastic_transport._async_transport': ('elasticsearch', '_nightlatch_web', 'elastic'),
    'elasticsearch.transport': ('elasticsearch', '_nightlatch_web', 'elastic'),
    'elasticsearch._async.transport': ('elasticsearch', '_nightlatch_web', 'elastic'),
    'opensearchpy.transport': ('elasticsearch', '_nightlatch_web', 'elastic'),
    'opensearchpy._async.transport': ('elasticsearch', '_nightlatch_web', 'elastic'),
}
