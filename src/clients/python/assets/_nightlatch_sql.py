"""The taps on drivers of SQLite and PostgreSQL, and on what SQLAlchemy runs through others.

Loaded with the first of them; `guard` is the guard's module and `drivers` that of the taps' tools.
"""
import os
import re
import sys


# What becomes a value of SQL, and nothing else.
_VALUES = frozenset((int, float, str, bool, bytes, bytearray, memoryview, type(None)))


# ---------------------------------------------------------------------------- sqlite3

_NAME = re.compile(r'\w+')
_ATTACHED = re.compile(r'''\battach\s+(?:database\s+)?['"]([^'"]+)''', re.I)


def sqlite(module):
    execute = module.Cursor.__dict__['execute']
    # Whether any file was attached: then each connection is asked which it has.
    attached = []

    def own(connection, text):
        """Asks the database something of our own, past the taps and what the person makes of texts."""
        factory, connection.text_factory = connection.text_factory, str
        try:
            with drivers.within():
                rows = execute(module.Cursor(connection), text).fetchall()
        finally:
            connection.text_factory = factory
        return [[drivers.plain(item or '') for item in row] for row in rows]

    def files(connection):
        try:
            return {name.lower(): path for _, name, path in own(connection, 'PRAGMA database_list')}
        except module.Error:
            # An authorizer forbids it.
            return {'main': drivers.opened[-1] or ''} if drivers.opened else {}

    def tables(connection, schema):
        text = 'SELECT 0, name FROM "%s".sqlite_master' % schema.replace('"', '""')
        return {name.lower() for _, name in own(connection, text)}

    def reached(connection, text):
        """The files that a text may be about: those it names, or whose tables it names."""
        if len(drivers.opened) == 1 and drivers.opened[0] is not None and not attached:
            return drivers.opened + [os.path.realpath(name) for name in _ATTACHED.findall(text)]
        found = files(connection)
        main = found.pop('main', '')
        found.pop('temp', None)
        # A script uses what it attaches itself.
        paths = [os.path.realpath(name) for name in _ATTACHED.findall(text)]
        if not found:
            return paths + [main]
        words = set(_NAME.findall(text.lower()))
        ours = tables(connection, 'main')
        paths += [path for schema, path in found.items()
                  if schema in words or (tables(connection, schema) - ours) & words]
        return paths + [main] if ours & words or not paths else paths

    def ask(cursor, text, many=None):
        """Asks about a text at each file it reaches; returns the rows to go on with."""
        connection = getattr(cursor, 'connection', cursor)
        for path in reached(connection, text):
            place = lambda: drivers.file_place(path)
            if many is None:
                drivers.sql('sqlite', text, place)
            else:
                many = drivers.sql_many('sqlite', text, place, many)
        return many

    def told(cursor, before):
        """Tells where the files are that a text has attached."""
        for schema, path in files(getattr(cursor, 'connection', cursor)).items():
            if path and schema not in before:
                guard.connected('sqlite', lambda: drivers.file_place(path))

    harmless = drivers.harmless

    def asked_within(old, args, kwargs, asked, at):
        """Runs what was asked about: the connection's own methods call the cursor's, and SQL may call
        functions of the person's."""
        with drivers.within(asked):
            return old(*args, **kwargs) if at is None else at(old, args, kwargs)

    # The line that the person's code is at is where later versions warn of what they are given.
    as_caller = drivers.file_of('_nightlatch_guise').as_caller if sys.version_info >= (3, 12) else None

    def warning(args):
        """What to call with where it may warn: of what is adapted, and of names that numbers are given for."""
        if as_caller is None or len(args) < 3:
            return None
        rows = args[2]
        is_plain = rows.__class__ in (tuple, list) and _VALUES.issuperset(map(type, rows))
        return None if is_plain and not (':' in args[1] or '@' in args[1] or '$' in args[1]) else as_caller

    def one(old):
        def run(*args, **kwargs):
            text = args[1] if 1 < len(args) < 4 else None
            if text.__class__ is not str or text not in harmless:
                asked = drivers.plain(text) if isinstance(text, str) and not kwargs else ''
                if guard.inside.get() not in (True, asked) and drivers.matters(asked):
                    ask(args[0], asked)
                    is_attaching = 'attach' in asked.lower()
                    if is_attaching:
                        attached.append(True)
                    before = files(getattr(args[0], 'connection', args[0])) if is_attaching else None
                    result = asked_within(old, args, kwargs, asked, warning(args))
                    if is_attaching:
                        told(args[0], before)
                    return result
                if not isinstance(text, str):
                    return old(*args, **kwargs)
            at = warning(args)
            return old(*args, **kwargs) if at is None else at(old, args, kwargs)
        return run

    def many(old):
        def run(*args, **kwargs):
            if len(args) != 3 or not isinstance(args[1], str):
                return old(*args, **kwargs)
            asked = drivers.plain(args[1])
            if guard.inside.get() not in (True, asked) and drivers.matters(asked):
                args = args[:2] + (ask(args[0], asked, args[2]),)
                return asked_within(old, args, kwargs, asked, as_caller)
            return old(*args, **kwargs) if as_caller is None else as_caller(old, args, kwargs)
        return run

    def backup(connection, target=None, *args, **kwargs):
        if not isinstance(target, module.Connection):
            return
        is_empty = own(target, 'PRAGMA page_count') == [['']]
        if not is_empty:
            path = files(target).get('main', '')
            deeds = [drivers.deed('replace', os.path.basename(path), 'all')]
            guard.operation('sqlite', lambda: drivers.file_place(path), 'backup', deeds=deeds)

    for kind in (module.Cursor, module.Connection):
        drivers.patch(kind, 'execute', one)
        drivers.patch(kind, 'executescript', one)
        drivers.patch(kind, 'executemany', many)
    drivers.ask_before(module.Connection, ['backup'], backup)


# ---------------------------------------------------------------------------- PostgreSQL

# What psql takes of how a driver logs in: its own library may be older, and know less.
_LOGIN = ('password', 'sslmode', 'sslrootcert', 'sslcert', 'sslkey', 'options')


def _libpq_place(info):
    def place():
        known = info.get_parameters() if hasattr(info, 'get_parameters') else info.dsn_parameters
        number = known.get('hostaddr')
        # The name beside a number is for certificates only.
        return {'host': info.host, 'port': info.port, 'database': info.dbname, 'user': info.user,
                'names': ['%s:%s' % (number, info.port)] if number else []}
    return place


def _libpq_login(info):
    def login():
        known = info.get_parameters() if hasattr(info, 'get_parameters') else info.dsn_parameters
        known = dict(known, password=info.password)
        return {name: known[name] for name in _LOGIN if known.get(name)}
    return login


def _composed(query, context):
    """The text of a query that a program may have put together from parts."""
    if isinstance(query, (str, bytes)):
        return query
    if hasattr(query, 'as_string'):
        return query.as_string(context)
    # A template: what is put into it is a value.
    parts = getattr(query, 'strings', None)
    return str(query) if parts is None else '$1'.join(parts)


def psycopg2(module):
    def at(cursor):
        info = cursor.connection.info
        return _libpq_place(info), _libpq_login(info)

    def sql(cursor, text):
        place, login = at(cursor)
        drivers.sql('postgres', text, place, login=login)

    def merged(cursor, query, given):
        """The text with what the driver will put in, where that may be more than values."""
        values = given.values() if isinstance(given, dict) else given
        try:
            if isinstance(values, (tuple, list, type({}.values()))) and not _VALUES.issuperset(map(type, values)):
                return cursor.mogrify(query, given)
        except Exception:
            pass  # The driver says the same.
        return query

    def copied(cursor, query='', *args, **kwargs):
        if not drivers.is_quiet(query):
            sql(cursor, _composed(query, cursor))

    def ask(cursor, query='', *args, **kwargs):
        copied(cursor, merged(cursor, query, args[0] if args else kwargs.get('vars')))

    def many(old):
        def run(self, *args, **kwargs):
            given = dict(zip(('query', 'vars_list'), args), **kwargs)
            if len(args) < 3 and len(given) == 2 and 'vars_list' in given:
                place, login = at(self)
                text, rows = _composed(given['query'], self), given['vars_list']
                args, kwargs = (given['query'], drivers.sql_many('postgres', text, place, rows, login)), {}
            with drivers.within():
                return old(self, *args, **kwargs)
        return run

    def called(cursor, name, *args, **kwargs):
        sql(cursor, 'CALL %s()' % name)

    quiet = drivers.quiet

    def one(old):
        def run(*args, **kwargs):
            # The quick way for what is known to do nothing.
            if kwargs or not 1 < len(args) < 4 or args[1].__class__ is not str or args[1] not in quiet or not (
                    len(args) == 2 or args[2].__class__ in (tuple, list) and _VALUES.issuperset(map(type, args[2]))):
                ask(*args, **kwargs)
            return old(*args, **kwargs)
        return run

    drivers.patch(module.cursor, 'execute', one)
    drivers.ask_before(module.cursor, ['copy_expert'], copied)
    drivers.ask_before(module.cursor, ['callproc'], called)
    drivers.patch(module.cursor, 'executemany', many)
    connect = module._connect

    def connecting(*args, **kwargs):
        connection = connect(*args, **kwargs)
        drivers.reached('postgres', _libpq_place(connection.info))
        return connection

    module._connect = drivers._like(connecting, connect)


def psycopg_cursor(module):
    kind = module.BaseCursor
    if hasattr(kind._start_query, '__wrapped__'):
        return  # Newer versions have it in another module, which was tapped.

    def start(old):
        def run(self, query=None, *args, **kwargs):
            if query is not None and not drivers.is_quiet(query):
                info = self._conn.info
                drivers.sql('postgres', _composed(query, self._conn), _libpq_place(info),
                            login=_libpq_login(info))
            return (yield from old(self, query, *args, **kwargs))
        return run

    def many(old):
        def run(self, query, rows, *args, **kwargs):
            info = self._conn.info
            rows = drivers.sql_many('postgres', _composed(query, self._conn), _libpq_place(info), rows,
                                    _libpq_login(info))
            with drivers.within():
                return (yield from old(self, query, rows, *args, **kwargs))
        return run

    for names, make in ((('_start_query', '_start_copy_gen'), start),
                        (('_executemany_gen_pipeline', '_executemany_gen_no_pipeline'), many)):
        for name in names:
            if name in kind.__dict__:
                drivers.patch(kind, name, make)


def psycopg_connection(module):
    kind = getattr(module, 'BaseConnection', None)
    if kind is None or '_connect_gen' not in kind.__dict__:
        return  # Then each statement still tells where it goes.
    if hasattr(kind._connect_gen, '__wrapped__'):
        return
    old = kind.__dict__['_connect_gen'].__func__

    def connecting(cls, *args, **kwargs):
        connection = yield from old(cls, *args, **kwargs)
        drivers.reached('postgres', _libpq_place(connection.info))
        return connection

    kind._connect_gen = classmethod(drivers._like(connecting, old))


# Where each connection of asyncpg goes and how it logs in, by its protocol.
_asyncpg = {}


def asyncpg_connection(module):
    def init(connection, protocol, transport, loop, addr, config, params):
        # A socket's file is named after its port.
        is_file = not isinstance(addr, tuple)
        host, port = (os.path.dirname(addr), addr.rpartition('.')[2]) if is_file else addr
        port = int(port) if str(port).isdigit() else None
        where = {'host': host, 'port': port, 'database': params.database, 'user': params.user}
        if len(_asyncpg) > 4096:
            _asyncpg.clear()
        password = params.password if isinstance(params.password, str) else None
        _asyncpg[id(protocol)] = where, {'password': password} if password else {}
        drivers.reached('postgres', lambda: where)

    drivers.ask_before(module.Connection, ['__init__'], init)


def asyncpg_protocol(module):
    kind = module.Protocol

    def at(protocol):
        return lambda: _asyncpg[id(protocol)][0], lambda: _asyncpg[id(protocol)][1]

    def text_of(args, kwargs):
        query = args[0] if args else kwargs.get('query') or kwargs.get('state') or kwargs.get('copy_stmt')
        return query if isinstance(query, str) else query.query

    def ask(protocol, *args, **kwargs):
        text = text_of(args, kwargs)
        if not drivers.is_quiet(text):
            place, login = at(protocol)
            drivers.sql('postgres', text, place, login=login)

    def many(old):
        async def run(self, *args, **kwargs):
            text = text_of(args, kwargs)
            place, login = at(self)
            if len(args) > 1:
                rows = drivers.sql_many('postgres', text, place, args[1], login)
                args = (args[0], rows) + args[2:]
            else:
                kwargs['args'] = drivers.sql_many('postgres', text, place, kwargs['args'], login)
            return await old(self, *args, **kwargs)
        return run

    for name in ('query', 'bind_execute', 'bind', 'copy_in', 'copy_out'):
        old = getattr(kind, name)
        setattr(kind, name, drivers._like(drivers.asked_first(old, ask, is_async=True), old))
    old = kind.bind_execute_many
    kind.bind_execute_many = drivers._like(many(old), old)


# ---------------------------------------------------------------------------- SQLAlchemy

# Its names of the drivers that are tapped themselves.
_TAPPED = frozenset(('pysqlite', 'aiosqlite', 'psycopg2', 'psycopg', 'psycopg_async', 'asyncpg',
                     'pymysql', 'aiomysql', 'mysqldb', 'mysqlconnector'))


def sqlalchemy(module):
    """What goes through a driver that has no tap is asked about where SQLAlchemy hands it over."""
    from sqlalchemy import event

    def ask(connection, cursor, text, parameters, context, is_many):
        url = connection.engine.url
        place = lambda: {'host': url.host, 'port': url.port, 'database': url.database,
                         'user': url.username}
        count = len(parameters) if is_many and isinstance(parameters, (list, tuple)) else 1
        more = {}
        if connection.dialect.name == 'postgresql':
            more['login'] = lambda: {'password': url.password} if url.password else {}
        drivers.sql(connection.dialect.name, text, place, count, **more)

    def init(old):
        def run(self, pool, dialect, url, *args, **kwargs):
            old(self, pool, dialect, url, *args, **kwargs)
            if dialect.driver not in _TAPPED:
                event.listen(self, 'before_cursor_execute', ask)
                place = {'host': url.host, 'port': url.port, 'database': url.database}
                event.listen(self, 'connect',
                             lambda *_: guard.connected(dialect.name, lambda: place))
        return run

    drivers.patch(module.Engine, '__init__', init)
