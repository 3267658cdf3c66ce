"""The taps on database drivers: what is asked about, and where in each driver.

Loaded by the guard with the first driver; `guard` is the guard's module. Each tap stands at the
lowest point that every way to the server passes, and asks before anything is sent.
"""
import os
import re
import sys
import _thread

# The drivers that are tapped and loaded: what a statement may reach.
loaded = set()

# Statements without one of these are not asked about. What they do is nightlatch's to judge.
_WORDS = ('delete', 'drop', 'truncate', 'update', 'alter', 'replace', 'merge', 'revoke', 'rename',
          'detach', 'reassign', 'terminate')
_WORD = re.compile(r'\b(?:%s)|^\s*(?:do|call|exec|execute)\b' % '|'.join(_WORDS), re.I)
_START = re.compile(r'\s*(?:do|call|exec|execute)\b', re.I)


def put_on(module):
    """Puts the taps on a module that has just been loaded."""
    name = module.__name__
    engine, taps = TAPS.get(name, (None, None))
    if taps is None:
        guard.tell_once('untapped', name, 'its deletes are not asked about')
        return
    try:
        taps(module)
        loaded.add(engine)
    except Exception as error:
        guard.tell_once('failed', name, repr(error))


# ---------------------------------------------------------------------------- tools

def _like(new, old):
    for name in ('__module__', '__name__', '__qualname__', '__doc__'):
        try:
            setattr(new, name, getattr(old, name))
        except Exception:
            pass
    new.__wrapped__ = old
    return new


def _patch(kind, name, make):
    """Replaces a method, in a class written in C too."""
    old = kind.__dict__[name]
    new = _like(make(old), old)
    try:
        setattr(kind, name, new)
    except TypeError:
        import ctypes
        import gc
        # The dict behind the read-only view: every object of the class sees the change.
        gc.get_referents(kind.__dict__)[0][name] = new
        ctypes.pythonapi.PyType_Modified(ctypes.py_object(kind))


def _sql_text(text):
    if isinstance(text, str):
        return text
    if isinstance(text, (bytes, bytearray)):
        return bytes(text).decode('utf-8', 'replace')
    return str(text)


# Texts that were read and do not matter: a loop of SELECTs is to cost next to nothing.
_harmless = set()


def _matters(text):
    if text in _harmless:
        return False
    low = text.lower()
    for word in _WORDS:
        if word in low and _WORD.search(text) is not None:
            return True
    if _START.match(text) is not None:
        return True
    if len(text) < 4096:
        if len(_harmless) > 1024:
            _harmless.clear()
        _harmless.add(text)
    return False


def sql(engine, text, place, count=1):
    """Asks about SQL that is about to be sent."""
    text = _sql_text(text)
    if _matters(text):
        guard.operation(engine, place, text, sql=text, count=count)


def sql_many(engine, text, place, rows):
    """Asks about a statement for many rows; returns the rows to go on with."""
    text = _sql_text(text)
    if not _matters(text):
        return rows
    try:
        count = len(rows)
    except TypeError:
        # Nobody knows how many there are: each is asked about as it comes.
        return _each(engine, text, place, rows)
    if count:
        guard.operation(engine, place, text, sql=text, count=count)
    return rows


def _each(engine, text, place, rows):
    for row in rows:
        guard.operation(engine, place, text, sql=text)
        yield row


class _within:
    """What an operation does within itself was asked about with it."""

    def __enter__(self):
        self.token = guard.inside.set(True)

    def __exit__(self, *_):
        guard.inside.reset(self.token)


# ---------------------------------------------------------------------------- connections

# Drivers that connect through Python's own sockets, by the package their code is in.
_SOCKETED = {'pymongo': 'mongodb', 'redis': 'redis', 'pymysql': 'mysql', 'aiomysql': 'mysql'}


def at_connect(address):
    """A socket is about to connect: tells where, if a driver of ours does it."""
    if not isinstance(address, tuple) or guard.inside.get():
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


# ---------------------------------------------------------------------------- sqlite3

def _file_place(path):
    return {'host': os.path.dirname(path), 'database': os.path.basename(path)}


def at_file(name):
    """A database's file is being opened. What is no plain name tells at its first operation."""
    name = os.fsdecode(name) if isinstance(name, (str, bytes, os.PathLike)) else ''
    if name and name != ':memory:' and not name.startswith('file:'):
        path = os.path.realpath(name)
        guard.connected('sqlite', lambda: _file_place(path))


def _sqlite(module):
    def place_of(cursor, execute):
        def place():
            connection = getattr(cursor, 'connection', cursor)
            with _within():
                own = module.Cursor(connection)
                rows = execute(own, 'PRAGMA database_list').fetchall()
            path = ''.join([row[2] for row in rows if row[1] == 'main'])
            if not path:
                return {'host': '[local]', 'database': ':memory:'}
            return _file_place(path)
        return place

    execute = module.Cursor.__dict__['execute']

    def one(old):
        def run(self, text, *args, **kwargs):
            if text.__class__ is str and _matters(text) and not guard.inside.get():
                sql('sqlite', text, place_of(self, execute))
                # The connection's own methods call the cursor's.
                with _within():
                    return old(self, text, *args, **kwargs)
            return old(self, text, *args, **kwargs)
        return run

    def many(old):
        def run(self, text, rows, *args, **kwargs):
            if not guard.inside.get():
                rows = sql_many('sqlite', text, place_of(self, execute), rows)
            return old(self, text, rows, *args, **kwargs)
        return run

    for kind in (module.Cursor, module.Connection):
        _patch(kind, 'execute', one)
        _patch(kind, 'executescript', one)
        _patch(kind, 'executemany', many)


# ---------------------------------------------------------------------------- PostgreSQL

def _libpq_place(info):
    def place():
        return {'host': info.host, 'port': info.port, 'database': info.dbname, 'user': info.user}
    return place


def _psycopg2(module):
    def text_of(cursor, query):
        return query if isinstance(query, (str, bytes)) else query.as_string(cursor)

    def place_of(cursor):
        return lambda: _libpq_place(cursor.connection.info)()

    def one(old):
        def run(self, query, *args, **kwargs):
            sql('postgres', text_of(self, query), place_of(self))
            return old(self, query, *args, **kwargs)
        return run

    def many(old):
        def run(self, query, rows, *args, **kwargs):
            rows = sql_many('postgres', text_of(self, query), place_of(self), rows)
            with _within():
                return old(self, query, rows, *args, **kwargs)
        return run

    _patch(module.cursor, 'execute', one)
    _patch(module.cursor, 'copy_expert', one)
    _patch(module.cursor, 'executemany', many)
    connect = module._connect

    def connecting(*args, **kwargs):
        connection = connect(*args, **kwargs)
        guard.connected('postgres', _libpq_place(connection.info))
        return connection

    module._connect = _like(connecting, connect)


def _psycopg_cursor(module):
    kind = module.BaseCursor
    if hasattr(kind._start_query, '__wrapped__'):
        return  # Newer versions have it in another module, which was tapped.

    def text_of(cursor, query):
        return query if isinstance(query, (str, bytes)) else query.as_string(cursor._conn)

    def start(old):
        def run(self, query=None):
            if query is not None:
                sql('postgres', text_of(self, query), _libpq_place(self._conn.info))
            return (yield from old(self, query))
        return run

    def many(old):
        def run(self, query, rows, *args, **kwargs):
            rows = sql_many('postgres', text_of(self, query), _libpq_place(self._conn.info), rows)
            with _within():
                return (yield from old(self, query, rows, *args, **kwargs))
        return run

    _patch(kind, '_start_query', start)
    for name in ('_executemany_gen_pipeline', '_executemany_gen_no_pipeline'):
        if name in kind.__dict__:
            _patch(kind, name, many)


def _psycopg_connection(module):
    kind = getattr(module, 'BaseConnection', None)
    if kind is None or '_connect_gen' not in kind.__dict__:
        return  # Then each statement still tells where it goes.
    if hasattr(kind._connect_gen, '__wrapped__'):
        return
    old = kind.__dict__['_connect_gen'].__func__

    def connecting(cls, *args, **kwargs):
        connection = yield from old(cls, *args, **kwargs)
        guard.connected('postgres', _libpq_place(connection.info))
        return connection

    kind._connect_gen = classmethod(_like(connecting, old))


_asyncpg_places = {}


def _asyncpg_connection(module):
    def init(old):
        def run(self, protocol, transport, loop, addr, config, params):
            host, port = addr if isinstance(addr, tuple) else (addr, None)
            where = {'host': host, 'port': port, 'database': params.database, 'user': params.user}
            if len(_asyncpg_places) > 4096:
                _asyncpg_places.clear()
            _asyncpg_places[id(protocol)] = where
            guard.connected('postgres', lambda: where)
            return old(self, protocol, transport, loop, addr, config, params)
        return run

    _patch(module.Connection, '__init__', init)


def _asyncpg_protocol(module):
    def place_of(protocol):
        return lambda: _asyncpg_places[id(protocol)]

    def text_of(args, kwargs):
        query = args[0] if args else kwargs.get('query') or kwargs.get('state') or kwargs.get('copy_stmt')
        return query if isinstance(query, str) else query.query

    def one(old):
        async def run(self, *args, **kwargs):
            sql('postgres', text_of(args, kwargs), place_of(self))
            return await old(self, *args, **kwargs)
        return run

    def many(old):
        async def run(self, *args, **kwargs):
            text = text_of(args, kwargs)
            if len(args) > 1:
                args = (args[0], sql_many('postgres', text, place_of(self), args[1])) + args[2:]
            else:
                kwargs['args'] = sql_many('postgres', text, place_of(self), kwargs['args'])
            return await old(self, *args, **kwargs)
        return run

    for name in ('query', 'bind_execute', 'copy_in'):
        setattr(module.Protocol, name, _like(one(getattr(module.Protocol, name)),
                                             getattr(module.Protocol, name)))
    old = module.Protocol.bind_execute_many
    module.Protocol.bind_execute_many = _like(many(old), old)


# ---------------------------------------------------------------------------- MySQL

def _pymysql(module):
    def query(old):
        def run(self, text, *args, **kwargs):
            database = self.db.decode() if isinstance(self.db, bytes) else self.db
            sql('mysql', text, lambda: {'host': self.host, 'port': self.port, 'database': database,
                                        'user': _sql_text(self.user)})
            return old(self, text, *args, **kwargs)
        return run

    _patch(module.Connection, 'query', query)


# ---------------------------------------------------------------------------- MongoDB

def _mongo_scope(condition, is_many):
    """`all` for an empty condition, `one` where it names one document, else `filtered`."""
    if not is_many:
        return 'one'
    if not condition:
        return 'all'
    wanted = condition.get('_id')
    is_plain = '_id' in condition and not (hasattr(wanted, 'keys') and
                                           any(str(key)[:1] == '$' for key in wanted))
    return 'one' if is_plain else 'filtered'


def _mongo_deeds(name, command, database):
    """What a command does to which collection."""
    target = '%s.%s' % (database, command.get(name))

    def deed(verb, scope, count=1, on=target):
        return {'verb': verb, 'object': on, 'scope': scope, 'count': count}

    if name == 'delete':
        return [deed('delete', _mongo_scope(one.get('q'), one.get('limit') != 1))
                for one in command.get('deletes', [{}])]
    if name == 'update':
        return [deed('update', _mongo_scope(one.get('q'), one.get('multi')))
                for one in command.get('updates', [{}])]
    if name in ('findAndModify', 'findandmodify'):
        return [deed('delete' if command.get('remove') else 'update', 'one')]
    if name == 'drop':
        return [deed('drop', 'all')]
    if name == 'dropDatabase':
        return [deed('drop', 'all', on=database)]
    if name == 'dropIndexes':
        return [deed('drop', 'all', on='%s (%s)' % (target, command.get('index')))]
    if name == 'renameCollection':
        return [deed('rename', 'all', on=str(command.get(name)))]
    if name == 'aggregate':
        for stage in command.get('pipeline', []):
            if '$out' in stage:
                return [deed('replace', 'all', on='%s.%s' % (database, stage['$out']))]
            if '$merge' in stage:
                return [deed('update', 'unknown', on='%s.%s' % (database, stage['$merge']))]
        return []
    if name == 'bulkWrite':
        deeds = []
        for one in command.get('ops', []):
            kind = 'delete' if 'delete' in one else 'update' if 'update' in one else None
            if kind:
                on = command.get('nsInfo', [])[one[kind]].get('ns')
                deeds.append(deed(kind, _mongo_scope(one.get('filter'), one.get('multi')), on=on))
        return deeds
    return []


def _merged(deeds):
    """Counts what is alike."""
    found = {}
    for deed in deeds:
        key = (deed['verb'], deed['object'], deed['scope'])
        if key in found:
            found[key]['count'] += 1
        else:
            found[key] = deed
    return list(found.values())


_MONGO_COMMANDS = frozenset(('delete', 'update', 'findAndModify', 'findandmodify', 'drop', 'dropDatabase',
                             'dropIndexes', 'renameCollection', 'aggregate', 'bulkWrite'))


def _mongo(module):
    class Listener(module.CommandListener):
        def started(self, event):
            name = event.command_name
            if name not in _MONGO_COMMANDS:
                return
            deeds = _merged(_mongo_deeds(name, event.command, event.database_name))
            if not deeds:
                return
            host, port = (tuple(event.connection_id) + (None,))[:2]
            text = '%s %s' % (name, _shown(name, event.command))
            try:
                guard.operation('mongodb', lambda: {'host': host, 'port': port,
                                                    'database': event.database_name}, text, deeds=deeds)
            except guard.Refused as refused:
                # The driver swallows what a listener raises, unless it is more than an Exception.
                raise guard._RefusedForGood(*refused.args) from None

        def succeeded(self, event):
            pass

        def failed(self, event):
            pass

    module.register(Listener())


def _shown(name, command):
    """The part of a command that says what it is about."""
    parts = [str(command.get(name))]
    for key in ('deletes', 'updates', 'query', 'index', 'to', 'pipeline'):
        if key in command:
            value = command[key]
            parts.append(repr(value[:3] if isinstance(value, list) else value)[:2000])
    return ' '.join(parts)


# ---------------------------------------------------------------------------- Redis

# Which arguments of a command are keys that are removed, and what it comes to.
_REDIS_DEEDS = {
    'DEL': ('delete', slice(1, None)), 'UNLINK': ('delete', slice(1, None)),
    'GETDEL': ('delete', slice(1, 2)), 'HDEL': ('delete', slice(1, 2)), 'SREM': ('delete', slice(1, 2)),
    'ZREM': ('delete', slice(1, 2)), 'ZREMRANGEBYSCORE': ('delete', slice(1, 2)),
    'ZREMRANGEBYRANK': ('delete', slice(1, 2)), 'LTRIM': ('delete', slice(1, 2)),
    'RENAME': ('rename', slice(1, 2)), 'FLUSHALL': ('truncate', None), 'FLUSHDB': ('truncate', None),
    'SWAPDB': ('replace', None), 'SHUTDOWN': ('admin', None), 'XTRIM': ('delete', slice(1, 2)),
}


def _redis_deed(args):
    if not args:
        return None
    word = args[0]
    word = (bytes(word).decode('utf-8', 'replace') if isinstance(word, (bytes, bytearray)) else str(word))
    word = word.split(' ')[0].upper()
    if word not in _REDIS_DEEDS:
        return None
    verb, keys = _REDIS_DEEDS[word]
    if keys is None:
        return {'verb': verb, 'object': None, 'scope': 'all', 'count': 1}, word
    count = max(len(args[keys]), 1)
    # Keys are one by one what rows are: that they differ does not make another object of them.
    return {'verb': verb, 'object': 'keys', 'scope': 'one', 'count': count}, word


def _redis(module):
    def ask(connection, args):
        found = _redis_deed(args)
        if found is None:
            return
        deed, word = found
        shown = ' '.join([_sql_text(arg)[:80] for arg in args[1:5]])

        def place():
            host = getattr(connection, 'host', None) or getattr(connection, 'path', None)
            number = getattr(connection, 'db', 0)
            return {'host': host, 'port': getattr(connection, 'port', None), 'database': str(number)}
        guard.operation('redis', place, ('%s %s' % (word, shown)).strip(), deeds=[deed])

    def one(old):
        if _is_coroutine(old):
            async def run(self, *args, **kwargs):
                ask(self, args)
                with _within():
                    return await old(self, *args, **kwargs)
        else:
            def run(self, *args, **kwargs):
                ask(self, args)
                with _within():
                    return old(self, *args, **kwargs)
        return run

    def many(old):
        def run(self, commands, *args, **kwargs):
            commands = list(commands)
            for command in commands:
                ask(self, command)
            return old(self, commands, *args, **kwargs)
        return run

    _patch(module.AbstractConnection, 'send_command', one)
    _patch(module.AbstractConnection, 'pack_commands', many)


def _is_coroutine(function):
    return bool(getattr(getattr(function, '__code__', None), 'co_flags', 0) & 0x80)


# Where each tap stands: the module it is put on, once that is loaded, and the engine behind it.
TAPS = {
    '_sqlite3': ('sqlite', _sqlite),
    'psycopg2._psycopg': ('postgres', _psycopg2),
    'psycopg._cursor_base': ('postgres', _psycopg_cursor),
    'psycopg.cursor': ('postgres', _psycopg_cursor),
    'psycopg._connection_base': ('postgres', _psycopg_connection),
    'psycopg.connection': ('postgres', _psycopg_connection),
    'asyncpg.connection': ('postgres', _asyncpg_connection),
    'asyncpg.protocol.protocol': ('postgres', _asyncpg_protocol),
    'pymysql.connections': ('mysql', _pymysql),
    'pymongo.monitoring': ('mongodb', _mongo),
    'redis.connection': ('redis', _redis),
    'redis.asyncio.connection': ('redis', _redis),
}
