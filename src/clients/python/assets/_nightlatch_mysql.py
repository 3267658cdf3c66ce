"""The taps on drivers of MySQL and MariaDB.

Loaded with the first of them; `guard` is the guard's module and `drivers` that of the taps' tools.
"""
import re

# What a statement begins with that goes to another database.
_USE = re.compile(r'\s*use\s+(`[^`]+`|[^\s;`]+)', re.I)


def _moved(connection, text):
    """Takes note of where a connection goes from here on."""
    found = _USE.match(drivers.plain(text))
    if found:
        connection._nightlatch_database = found.group(1).strip('`')


def _at(connection, host, port, database, user):
    """Where a connection goes, which may have been told to go elsewhere since it was made."""
    return _place(host, port, getattr(connection, '_nightlatch_database', database), user)


def _place(host, port, database, user):
    return lambda: {'host': host, 'port': port, 'database': database and drivers.plain(database),
                    'user': user and drivers.plain(user)}


# The texts of a server's functions: it must not take long to tell them.
_ROUTINES = '''/*M!100100 SET STATEMENT max_statement_time=1 FOR */ SELECT /*+ MAX_EXECUTION_TIME(1000) */
ROUTINE_SCHEMA, ROUTINE_NAME, ROUTINE_DEFINITION FROM information_schema.ROUTINES
WHERE ROUTINE_SCHEMA NOT IN ('mysql', 'sys') LIMIT 3000'''


def _told(rows):
    """What is told of a server's functions; a user who may call one may not always read it."""
    functions = [{'schema': drivers.plain(schema), 'name': drivers.plain(name).lower(), 'language': 'sql',
                  'text': drivers.plain(text)} for schema, name, text in rows if text is not None]
    hidden = len(rows) - len(functions)
    return {'functions': functions, 'unread': '%d of them may not be read' % hidden if hidden else None}


def _failed(error):
    """What goes wrong with a question of ours concerns nobody's own work."""
    return {'functions': [], 'unread': str(error)}


# Says of a table what it is; of one that hides another, the one that is meant.
_SHOW = 'SHOW CREATE TABLE `%s`'


def _is_temporary(rows):
    return bool(rows) and drivers.plain(rows[0][1])[:22].upper() == 'CREATE TEMPORARY TABLE'


def _asked_first(old, text_of, place, look):
    """A method before which is asked about a text, and then, where that is wanted, the server about its
    functions. `look` asks the server something, and is a coroutine where the method is."""
    can_look = look is not None

    def is_quiet(connection, text):
        # Many rows come as a bytearray.
        if hasattr(text, 'strip') and drivers.plain(text[:8]).strip()[:3].lower() == 'use':
            _moved(connection, text)
        return drivers.is_quiet(text)

    def asks(connection, text, own):
        return drivers.sql('mysql', text, place(connection), own=lambda _: own, looks=can_look)

    def tell(connection, text, own, found):
        drivers.sql('mysql', text, place(connection), own=lambda _: own, told=found)

    def names(text):
        return drivers.mentioned(text) if can_look else []

    if drivers.is_coroutine(old):
        async def run(self, given, *args, **kwargs):
            text = text_of(given)
            if not is_quiet(self, text):
                own = [name for name in names(text) if await is_own(self, name)]
                if asks(self, text, own):
                    tell(self, text, own, await looked(self))
            return await old(self, given, *args, **kwargs)

        async def is_own(connection, name):
            with drivers.within():
                try:
                    return _is_temporary(await look(connection, _SHOW % name))
                except Exception:
                    return False

        async def looked(connection):
            with drivers.within():
                try:
                    return _told(await look(connection, _ROUTINES))
                except Exception as error:
                    return _failed(error)
    else:
        def run(self, given, *args, **kwargs):
            text = text_of(given)
            if not is_quiet(self, text):
                own = [name for name in names(text) if is_own(self, name)]
                if asks(self, text, own):
                    tell(self, text, own, looked(self))
            return old(self, given, *args, **kwargs)

        def is_own(connection, name):
            with drivers.within():
                try:
                    return _is_temporary(look(connection, _SHOW % name))
                except Exception:
                    return False

        def looked(connection):
            with drivers.within():
                try:
                    return _told(look(connection, _ROUTINES))
                except Exception as error:
                    return _failed(error)
    return run


def _patch(kind, names, place, look, text_of=lambda text: text):
    for name in names:
        if name in kind.__dict__ or name == names[0]:
            drivers.patch(kind, name, lambda old: _asked_first(old, text_of, place, look))


def _met(kind, name, place, note=lambda at: drivers.server(at)):
    """Takes note of each server that is connected to: what does no harm at one may do so at another."""
    def make(old):
        if drivers.is_coroutine(old):
            async def run(self, *args, **kwargs):
                result = await old(self, *args, **kwargs)
                note(place(self))
                return result
        else:
            def run(self, *args, **kwargs):
                result = old(self, *args, **kwargs)
                note(place(self))
                return result
        return run

    drivers.patch(kind, name, make)


def _selects(kind, name):
    """A database is chosen by a call, which may be written in C."""
    def chosen(connection, database, *args, **kwargs):
        connection._nightlatch_database = drivers.plain(database)

    old = getattr(kind, name, None)
    if old is not None:
        setattr(kind, name, drivers._like(drivers.asked_first(old, chosen), old))


def pymysql(module):
    def place(c):
        return _at(c, c.unix_socket or c.host, c.port, c.db, c.user)

    def look(connection, text):
        cursor = connection.cursor(module.Cursor)
        cursor.execute(text)
        return cursor.fetchall()

    _patch(module.Connection, ['query'], place, look)
    _met(module.Connection, 'connect', place)
    _selects(module.Connection, 'select_db')


def aiomysql(module):
    def place(c):
        return _at(c, c._unix_socket or c._host, c._port, c._db, c._user)

    async def look(connection, text):
        cursor = await connection.cursor(module.Cursor)
        await cursor.execute(text)
        return await cursor.fetchall()

    _patch(module.Connection, ['query'], place, look)
    _met(module.Connection, '_connect', place)
    _selects(module.Connection, 'select_db')


def mysqlclient(module):
    def named(given, *names):
        return next((given[name] for name in names if given.get(name)), None)

    def init(old):
        def run(self, *args, **kwargs):
            old(self, *args, **kwargs)
            given = dict(zip(('host', 'user', 'password', 'database', 'port'), args), **kwargs)
            host = named(given, 'host') or named(given, 'unix_socket')
            if host is None:
                # Of a file of options, or by default: as the server's library tells it.
                host = self.get_host_info().partition(' ')[0].lower()
            self._nightlatch = _place(host, named(given, 'port') or 3306,
                                      named(given, 'database', 'db'), named(given, 'user'))
            drivers.reached('mysql', self._nightlatch)
        return run

    def look(connection, text):
        query(connection, text)
        return connection.store_result().fetch_row(0)

    query = module.Connection.query
    drivers.patch(module.Connection, '__init__', init)

    def place(connection):
        moved = getattr(connection, '_nightlatch_database', None)
        return connection._nightlatch if moved is None else lambda: dict(connection._nightlatch(), database=moved)

    _patch(module.Connection, ['query'], place, look)
    _selects(module.Connection, 'select_db')


def connector(module):
    """Its own protocol, with and without C, and the one that is awaited."""
    kind = getattr(module, 'CMySQLConnection', None) or module.MySQLConnection
    # The texts of prepared statements, by what they are executed with.
    prepared = {}

    def place(connection):
        host = getattr(connection, '_unix_socket', None) or connection._host
        return _at(connection, host, connection._port, connection._database, connection._user)

    def look(connection, text):
        cursor = connection.cursor(buffered=True)
        cursor.execute(text)
        return cursor.fetchall()

    async def look_awaited(connection, text):
        cursor = await connection.cursor(buffered=True)
        await cursor.execute(text)
        return await cursor.fetchall()

    def key(statement):
        return statement if isinstance(statement, int) else id(statement)

    def remember(text, result):
        if len(prepared) > 4096:
            prepared.clear()
        statement = result.get('statement_id') if isinstance(result, dict) else result
        prepared[key(statement)] = (text, statement)
        return result

    def prepare(old):
        if drivers.is_coroutine(old):
            async def run(self, text, *args, **kwargs):
                return remember(text, await old(self, text, *args, **kwargs))
        else:
            def run(self, text, *args, **kwargs):
                return remember(text, old(self, text, *args, **kwargs))
        return run

    is_async = drivers.is_coroutine(kind.cmd_query)
    look = look_awaited if is_async else look
    _patch(kind, ['cmd_query'], place, look)
    # One that is awaited gives its results one by one, and waits for nothing before.
    _patch(kind, ['cmd_query_iter'], place, None if is_async else look)
    drivers.patch(kind, 'cmd_stmt_prepare', prepare)
    _patch(kind, ['cmd_stmt_execute'], place, look, lambda statement: prepared.get(key(statement), ('', None))[0])
    _selects(kind, 'cmd_init_db')
    if kind.__name__ == 'CMySQLConnection':
        # Its sockets are not Python's.
        _met(kind, '_open_connection', place, lambda at: drivers.reached('mysql', at))
    else:
        _met(kind, 'connect' if is_async else '_open_connection', place)
