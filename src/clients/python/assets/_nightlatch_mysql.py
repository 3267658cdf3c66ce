"""The taps on drivers of MySQL and MariaDB.

Loaded with the first of them; `guard` is the guard's module and `drivers` that of the taps' tools.
"""


def _place(host, port, database, user):
    return lambda: {'host': host, 'port': port, 'database': database and drivers.plain(database),
                    'user': user and drivers.plain(user)}


def _queries(kind, place):
    def ask(connection, text, *args, **kwargs):
        drivers.sql('mysql', text, place(connection))

    drivers.ask_before(kind, ['query'], ask)


def pymysql(module):
    _queries(module.Connection, lambda c: _place(c.host, c.port, c.db, c.user))


def aiomysql(module):
    _queries(module.Connection, lambda c: _place(c._host, c._port, c._db, c._user))


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
            guard.connected('mysql', self._nightlatch)
        return run

    drivers.patch(module.Connection, '__init__', init)
    _queries(module.Connection, lambda connection: connection._nightlatch)


def connector(module):
    """Its own protocol, with and without C, and the one that is awaited."""
    kind = getattr(module, 'CMySQLConnection', None) or module.MySQLConnection
    # The texts of prepared statements, by what they are executed with.
    prepared = {}

    def place(connection):
        return _place(connection._host, connection._port, connection._database, connection._user)

    def ask(connection, text, *args, **kwargs):
        drivers.sql('mysql', text, place(connection))

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

    def ask_prepared(connection, statement, *args, **kwargs):
        text, _ = prepared.get(key(statement), ('', None))
        drivers.sql('mysql', text, place(connection))

    drivers.ask_before(kind, ['cmd_query', 'cmd_query_iter'], ask)
    drivers.patch(kind, 'cmd_stmt_prepare', prepare)
    drivers.ask_before(kind, ['cmd_stmt_execute'], ask_prepared)
    if kind.__name__ == 'CMySQLConnection':
        # Its sockets are not Python's.
        def opened(old):
            def run(self, *args, **kwargs):
                result = old(self, *args, **kwargs)
                guard.connected('mysql', place(self))
                return result
            return run
        drivers.patch(kind, '_open_connection', opened)
