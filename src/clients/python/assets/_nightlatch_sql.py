"""The taps on drivers of SQLite and PostgreSQL, and on what SQLAlchemy runs through others.

Loaded with the first of them; `guard` is the guard's module and `drivers` that of the taps' tools.
"""
import operator
import os
import re
import sys
import weakref


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

    def temporary(connection, names):
        """Which of some names are temporary tables now, and nothing else happens with them."""
        try:
            found = own(connection, 'SELECT type, lower(name) FROM sqlite_temp_master')
        except module.Error:
            return []
        there = {name for kind, name in found if kind == 'table'}
        return [] if any(kind == 'trigger' for kind, _ in found) else [n for n in names if n.lower() in there]

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
                drivers.sql('sqlite', text, place, own=lambda names: temporary(connection, names))
            else:
                many = drivers.sql_many('sqlite', text, place, many, own=lambda names: temporary(connection, names))
        return many

    def told(cursor, before):
        """Tells where the files are that a text has attached."""
        for schema, path in files(getattr(cursor, 'connection', cursor)).items():
            if path and schema not in before:
                guard.connected('sqlite', lambda: drivers.file_place(path))

    def part(cursor, text):
        """What is a part of the same: the text on the same connection."""
        return id(getattr(cursor, 'connection', cursor)), text

    harmless = drivers.harmless

    def asked_within(old, args, kwargs, asked, at):
        """Runs what was asked about: the connection's own methods call the cursor's, and SQL may call
        functions of the person's."""
        with drivers.within(asked):
            return old(*args, **kwargs) if at is None else at(old, args, kwargs)

    # The line that the person's code is at is where later versions warn of what they are given.
    as_caller = drivers.tap_file('_nightlatch_guise').as_caller if sys.version_info >= (3, 12) else None

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
                its = part(args[0], asked) if asked else True
                if asked and guard.inside.get() not in (True, its) and drivers.matters(asked):
                    ask(args[0], asked)
                    is_attaching = 'attach' in asked.lower()
                    if is_attaching:
                        attached.append(True)
                    before = files(getattr(args[0], 'connection', args[0])) if is_attaching else None
                    result = asked_within(old, args, kwargs, its, warning(args))
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
            its = part(args[0], asked)
            if guard.inside.get() not in (True, its) and drivers.matters(asked):
                args = args[:2] + (ask(args[0], asked, args[2]),)
                return asked_within(old, args, kwargs, its, as_caller)
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
_LOGIN = ('sslmode', 'sslrootcert', 'sslcert', 'sslkey', 'sslcrl', 'sslpassword', 'gssencmode', 'krbsrvname', 'options')


def _libpq(info):
    """What a connection was made with, variables and files included, and the number it went to instead of
    its name."""
    known = info.get_parameters() if hasattr(info, 'get_parameters') else info.dsn_parameters
    numbers, hosts = (known.get('hostaddr') or '').split(','), (known.get('host') or '').split(',')
    at = hosts.index(info.host) if info.host in hosts[:len(numbers)] else 0
    return known, numbers[at]


def _libpq_place(info):
    def place():
        number = _libpq(info)[1]
        # The name beside a number is for certificates only.
        return {'host': info.host, 'port': info.port, 'database': info.dbname, 'user': info.user,
                'names': ['%s:%s' % (number, info.port)] if number else []}
    return place


def _libpq_login(info):
    def login():
        known, number = _libpq(info)
        given = {'password': info.password, 'hostaddr': number}
        given.update((name, known.get(name)) for name in _LOGIN)
        return {name: given[name] for name in given if given[name]}
    return login


# Tells which of some names are temporary tables of the connection, if that is what they mean there.
_TEMPORARY = """SELECT c.relname FROM pg_catalog.pg_class c WHERE c.relnamespace = pg_catalog.pg_my_temp_schema()
AND c.relkind IN ('r', 'p') AND NOT c.relhastriggers AND NOT c.relhasrules AND pg_catalog.pg_table_is_visible(c.oid)
AND c.relname IN ('%s')"""

# What a connection is doing when it can be asked something: nothing, or a transaction that is well.
_ASKABLE = (0, 2)


def _merged(given, are_plain, merge):
    """The text with what a driver will put into it, where that may be more than values."""
    values = given.values() if isinstance(given, dict) else given
    try:
        if isinstance(values, (tuple, list, type({}.values()))) and not are_plain(values):
            return merge()
    except Exception:
        pass  # The driver says the same.
    return None


def _composed(query, context):
    """The text of a query that a program may have put together from parts."""
    if isinstance(query, (str, bytes)):
        return query
    if hasattr(query, 'as_string'):
        return query.as_string(context)
    return _expanded(query, context) if hasattr(query, 'interpolations') else str(query)


def _expanded(template, context):
    """The text of a template, put together by psycopg itself: values stay marks, the rest is SQL. What it
    refuses there it would refuse when it sends it."""
    try:
        from psycopg._tstrings import TemplateProcessor
        from psycopg.adapt import Transformer
        tools = Transformer(context)
        made = TemplateProcessor(template, tx=tools, server_params=True)
    except (ImportError, TypeError):
        # A version that does it otherwise: it may be anything, and is asked about as what cannot be read.
        return 'DELETE %s' % (template,)
    made.process()
    return made.query.decode(tools.encoding)


def psycopg2(module):
    # Where each connection goes and how it logs in, which stays as it is.
    known = weakref.WeakKeyDictionary()

    def at(cursor):
        connection = cursor.connection
        kept = known.setdefault(connection, {})

        def once(tell):
            if tell not in kept:
                kept[tell] = tell(connection.info)()
            return kept[tell]
        return lambda: once(_libpq_place), lambda: once(_libpq_login)

    def own(connection, names):
        """Which of some names are temporary tables of the connection now."""
        if connection.async_ or connection.get_transaction_status() not in _ASKABLE:
            return []
        cursor = module.cursor(connection)
        try:
            execute(cursor, _TEMPORARY % "', '".join(names))
            return [name for name, in cursor.fetchall()]
        except module.Error:
            return []
        finally:
            cursor.close()

    def sql(cursor, text):
        place, login = at(cursor)
        drivers.sql('postgres', text, place, login=login, own=lambda names: own(cursor.connection, names))

    execute = module.cursor.__dict__['execute']

    # How values are made text of, and what for: a program may have them made otherwise.
    adapters = module.adapters
    keys = [(kind, module.ISQLQuote) for kind in _VALUES if (kind, module.ISQLQuote) in adapters]
    kinds, made = frozenset([type(None)] + [kind for kind, _ in keys]), operator.itemgetter(*keys)
    usual = made(adapters)

    def are_plain(values):
        return kinds.issuperset(map(type, values)) and made(adapters) == usual

    def merged(cursor, query, given):
        return _merged(given, are_plain, lambda: cursor.mogrify(query, given))

    def copied(cursor, query='', *args, **kwargs):
        if not drivers.is_quiet(query):
            sql(cursor, _composed(query, cursor))

    def ask(cursor, query='', *args, **kwargs):
        copied(cursor, merged(cursor, query, args[0] if args else kwargs.get('vars')) or query)

    def many(old):
        def run(self, *args, **kwargs):
            given = dict(zip(('query', 'vars_list'), args), **kwargs)
            if len(args) < 3 and len(given) == 2 and 'vars_list' in given:
                place, login = at(self)
                query, rows = given['query'], given['vars_list']
                rows = drivers.sql_many('postgres', _composed(query, self), place, rows, login,
                                        lambda row: merged(self, query, row),
                                        lambda names: own(self.connection, names))
                args, kwargs = (query, rows), {}
            return old(self, *args, **kwargs)
        return run

    def called(cursor, name, *args, **kwargs):
        sql(cursor, 'CALL %s()' % name)

    quiet = drivers.quiet

    def one(old):
        def run(*args, **kwargs):
            # The quick way for what is known to do nothing.
            if kwargs or not 1 < len(args) < 4 or args[1].__class__ is not str or args[1] not in quiet or not (
                    len(args) == 2 or args[2].__class__ in (tuple, list) and are_plain(args[2])):
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
            # What merges its arguments itself is asked about when it is sent.
            if query is not None and not _merges(self):
                own = yield from _psycopg_own(self, query)
                _psycopg_ask(self, query, own)
            return (yield from old(self, query, *args, **kwargs))
        return run

    def many(old):
        def run(self, query, rows, *args, **kwargs):
            info = self._conn.info
            merged = (lambda row: _psycopg_merged(self, query, row)) if _merges(self) else None
            own = yield from _psycopg_own(self, query)
            rows = drivers.sql_many('postgres', _composed(query, self._conn), _libpq_place(info), rows,
                                    _libpq_login(info), merged, lambda _: own)
            with drivers.within(self):
                return (yield from old(self, query, rows, *args, **kwargs))
        return run

    for names, make in ((('_start_query', '_start_copy_gen'), start),
                        (('_executemany_gen_pipeline', '_executemany_gen_no_pipeline'), many)):
        for name in names:
            if name in kind.__dict__:
                drivers.patch(kind, name, make)


def _merges(cursor):
    return hasattr(cursor, 'mogrify')


def _psycopg_ask(cursor, query, own=()):
    if guard.inside.get() is not cursor and not drivers.is_quiet(query):
        info = cursor._conn.info
        drivers.sql('postgres', _composed(query, cursor._conn), _libpq_place(info), login=_libpq_login(info),
                    own=lambda _: own)


def _psycopg_own(cursor, query):
    """Which temporary tables of the connection a text names."""
    connection = cursor._conn
    names = drivers.mentioned(_composed(query, connection))
    if not names or guard.inside.get() is cursor or getattr(connection, '_pipeline', None) is not None \
            or connection.pgconn.transaction_status not in _ASKABLE:
        return []
    try:
        found = yield from connection._exec_command((_TEMPORARY % "', '".join(names)).encode())
    except Exception:
        return []
    return [drivers.plain(found.get_value(row, 0)) for row in range(found.ntuples)]


def _psycopg_merged(cursor, query, given):
    from psycopg.adapt import PyFormat

    def is_plain(kind):
        return kind in _VALUES and cursor.adapters.get_dumper(kind, PyFormat.TEXT).__module__.startswith('psycopg')
    return _merged(given, lambda values: all(map(is_plain, map(type, values))), lambda: type(cursor)(cursor.connection).mogrify(query, given))


def psycopg_client(module):
    """Cursors that merge their arguments into the text: what they send is asked about."""
    def ask(cursor, query, *args, **kwargs):
        _psycopg_ask(cursor, query.query)

    drivers.ask_before(module.ClientCursorMixin, ['_execute_send'], ask)


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
        login = {'password': params.password} if isinstance(params.password, str) else {}
        if transport.get_extra_info('ssl_object') is not None:
            login['sslmode'] = 'require'
        _asyncpg[id(protocol)] = where, login
        drivers.reached('postgres', lambda: where)

    drivers.ask_before(module.Connection, ['__init__'], init)


def asyncpg_protocol(module):
    kind = module.Protocol

    def at(protocol):
        return lambda: _asyncpg[id(protocol)][0], lambda: _asyncpg[id(protocol)][1]

    def text_of(args, kwargs):
        query = args[0] if args else kwargs.get('query') or kwargs.get('state') or kwargs.get('copy_stmt')
        return query if isinstance(query, str) else query.query

    query = kind.query

    async def own(protocol, text):
        """Which temporary tables of the connection a text names: all of them, or none is known."""
        names = drivers.mentioned(text)
        try:
            is_whole = names and await query(protocol, _TEMPORARY % "', '".join(names), None) == 'SELECT %d' % len(names)
        except Exception:
            return []
        return names if is_whole else []

    def asked(old):
        async def run(self, *args, **kwargs):
            text = text_of(args, kwargs)
            if not drivers.is_quiet(text):
                place, login = at(self)
                found = await own(self, text)
                drivers.sql('postgres', text, place, login=login, own=lambda _: found)
            return await old(self, *args, **kwargs)
        return run

    def many(old):
        async def run(self, *args, **kwargs):
            text = text_of(args, kwargs)
            place, login = at(self)
            found = await own(self, text)
            gate = lambda rows: drivers.sql_many('postgres', text, place, rows, login, own=lambda _: found)
            if len(args) > 1:
                args = (args[0], gate(args[1])) + args[2:]
            else:
                kwargs['args'] = gate(kwargs['args'])
            return await old(self, *args, **kwargs)
        return run

    for name in ('query', 'bind_execute', 'bind', 'copy_in', 'copy_out'):
        old = getattr(kind, name)
        setattr(kind, name, drivers._like(asked(old), old))
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
