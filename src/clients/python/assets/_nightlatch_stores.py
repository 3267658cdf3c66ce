"""The taps on drivers of MongoDB and Redis.

Loaded with the first of them; `guard` is the guard's module and `drivers` that of the taps' tools.
"""
import re
import sys
import time


# ---------------------------------------------------------------------------- MongoDB

# What is not asked about: it changes nothing that is there. Everything else is nightlatch's to judge.
_MONGO_PLAIN = frozenset('''
    hello ismaster isMaster ping buildInfo buildinfo find getMore count distinct insert listCollections listDatabases
    listIndexes listCommands killCursors startSession endSessions refreshSessions connectionStatus getParameter
    getCmdLineOpts hostInfo serverStatus dbStats dbstats collStats collstats top currentOp getLog explain dataSize
    dbHash getDefaultRWConcern saslStart saslContinue authenticate logout replSetGetStatus replSetGetConfig usersInfo
    rolesInfo commitTransaction abortTransaction
'''.split())

# What a driver adds to each command.
_MONGO_OWN = frozenset(('lsid', '$db', '$clusterTime', '$readPreference', 'txnNumber', 'startTransaction', 'autocommit',
                        'apiVersion', 'apiStrict', 'apiDeprecationErrors'))


def _is_plain_mongo(name, command):
    if name == 'aggregate':
        return not any('$out' in stage or '$merge' in stage for stage in command.get('pipeline', []))
    return name in _MONGO_PLAIN


def mongo(module):
    from bson.json_util import dumps as json

    class Listener(module.CommandListener):
        def started(self, event):
            name, command = event.command_name, event.command
            if _is_plain_mongo(name, command):
                return
            host, port = (tuple(event.connection_id) + (None,))[:2]
            fields = {key: value for key, value in command.items() if key not in _MONGO_OWN}
            guard.operation('mongodb', lambda: {'host': host, 'port': port, 'database': event.database_name}, '',
                            command={'name': name, 'fields': guard.Raw(json(fields))},
                            transaction='autocommit' in command)

        def succeeded(self, event):
            pass

        def failed(self, event):
            pass

    swallow = module._handle_exception

    def heed():
        # The driver prints what a listener raises, and goes on.
        if isinstance(sys.exc_info()[1], guard.Refused):
            raise
        swallow()

    module._handle_exception = heed
    module.register(Listener())


# ---------------------------------------------------------------------------- Redis

# What most programs send most of the time, and takes nothing away: they are looked at no further.
_REDIS_QUICK = frozenset('''
    GET MGET GETRANGE STRLEN EXISTS TTL PTTL TYPE INCR INCRBY DECR DECRBY APPEND SETNX HGET HMGET HGETALL HEXISTS HLEN
    HKEYS HVALS HSET HINCRBY LRANGE LLEN LINDEX LPUSH RPUSH SMEMBERS SISMEMBER SCARD SADD ZRANGE ZSCORE ZCARD ZRANK
    ZADD ZINCRBY XADD XLEN XRANGE SCAN HSCAN SSCAN ZSCAN PUBLISH PING
'''.split())

# Which arguments of a command are keys that are removed or overwritten, and what it comes to.
_ONE, _ALL, _MEMBERS = slice(1, 2), slice(1, None), slice(2, None)
_REDIS_DEEDS = {
    **dict.fromkeys(('DEL', 'UNLINK'), ('delete', _ALL)),
    **dict.fromkeys(('XDEL', 'HDEL', 'SREM', 'ZREM'), ('delete', _MEMBERS)),
    **dict.fromkeys(('LREM', 'GETDEL', 'HGETDEL', 'DELEX', 'MOVE', 'LTRIM', 'XTRIM', 'ZREMRANGEBYSCORE',
                     'ZREMRANGEBYRANK', 'ZREMRANGEBYLEX', 'JSON.DEL', 'JSON.FORGET', 'JSON.CLEAR'),
                    ('delete', _ONE)),
    **dict.fromkeys(('RENAME', 'RENAMENX'), ('rename', _ONE)),
    **dict.fromkeys(('SDIFFSTORE', 'SINTERSTORE', 'SUNIONSTORE'), ('replace', _ONE)),
    **dict.fromkeys(('FLUSHALL', 'FLUSHDB'), ('truncate', None)),
    'FT.DROPINDEX': ('drop', None), 'SWAPDB': ('replace', None), 'SHUTDOWN': ('admin', None),
}

# Those that take out so many as they are told; one is what a queue's reader takes.
_REDIS_TAKES = frozenset(('SPOP', 'LPOP', 'RPOP', 'ZPOPMIN', 'ZPOPMAX'))
_REDIS_TAKES_COUNT = frozenset(('LMPOP', 'BLMPOP', 'ZMPOP', 'BZMPOP'))

# Ranges that are everything.
_REDIS_WHOLE = frozenset((('ZREMRANGEBYSCORE', '-inf', '+inf'), ('ZREMRANGEBYRANK', '0', '-1'),
                          ('ZREMRANGEBYLEX', '-', '+'), ('LTRIM', '1', '0'), ('XTRIM', 'maxlen', '0')))

# The same by their first two words.
_REDIS_PAIRS = {
    'FUNCTION FLUSH': ('drop', None), 'FUNCTION DELETE': ('drop', None), 'XGROUP DESTROY': ('delete', slice(2, 3)),
    'CLUSTER RESET': ('drop', None),
}

# Those that let a key go at a time, which may be past, and how many of its units are a second; none
# where it is told from now on, with how much of it is as good as now.
_REDIS_EXPIRY = {'EXPIRE': (None, 1), 'PEXPIRE': (None, 1000), 'EXPIREAT': (1, 0), 'PEXPIREAT': (1000, 0)}
_REDIS_EXPIRY_WORDS = {'EX': 'EXPIRE', 'PX': 'PEXPIRE', 'EXAT': 'EXPIREAT', 'PXAT': 'PEXPIREAT'}

# What a script calls when it removes, of the keys it is given and of others; and when nobody can say what.
_LUA_REMOVES = re.compile(r'[\'"](?:del|unlink|hdel|srem|zrem|xdel|rename|ltrim)\b', re.I)
_LUA_OWN = re.compile(r'[\'"](?:del|unlink|hdel|srem|zrem|xdel|rename|ltrim)[\'"]\s*,\s*(?:unpack\s*\(\s*)?KEYS\b', re.I)
_LUA_REPEATS = re.compile(r'\b(?:for|while|repeat|unpack)\b')
_LUA_SEARCHES = re.compile(r'[\'"](?:keys|h?scan|sscan|zscan|flush\w+)[\'"]', re.I)
_LUA_NAMELESS = re.compile(r'redis\.p?call\s*\(\s*[^\'"\s]')

# What a script looks at first that removes a lock: whether it is still its own.
_LUA_LOCK = re.compile(r'[\'"]get[\'"]\s*,\s*KEYS\[1\]\s*\).*ARGV\[1\]', re.I | re.S)

# The functions that a library of scripts makes.
_LUA_FUNCTION = re.compile(r'register_function\s*[({]\s*(?:function_name\s*=\s*)?[\'"](\w+)')

# The texts of scripts, by what they are called with later.
_redis_scripts = {}


def _redis_script(text, keys):
    """What a script does: to the keys it is given, or to whatever it looks for."""
    text = drivers.plain(text)
    removes = len(_LUA_REMOVES.findall(text))
    is_searching = _LUA_SEARCHES.search(text) and ('flush' in text.lower() or removes)
    is_repeating = removes > len(_LUA_OWN.findall(text)) and _LUA_REPEATS.search(text)
    if is_searching or is_repeating or _LUA_NAMELESS.search(text):
        return drivers.deed('execute', None, 'unknown')
    if removes and not _LUA_LOCK.search(text):
        try:
            return drivers.deed('delete', 'keys', count=max(int(keys), 1))
        except ValueError:
            pass
    return None


def redis_deed(args):
    """What a command does, and its name; nothing where it removes nothing."""
    if not args or args[0] in _REDIS_QUICK:
        return None, ''
    first, *more = drivers.plain(args[0]).split(' ')
    word = first.upper()
    args = (word, *more, *args[1:])
    second = drivers.plain(args[1]).upper() if len(args) > 1 else ''
    if word in ('EVAL', 'EVALSHA', 'EVAL_RO', 'FCALL') and len(args) > 2:
        text = args[1] if word == 'EVAL' else _redis_scripts.get(drivers.plain(args[1]).lower(), '')
        return _redis_script(text, args[2]), word
    if second == 'LOAD' and word in ('SCRIPT', 'FUNCTION') and len(args) > 2:
        _remember_script(args[-1])
    if word in _REDIS_EXPIRY and len(args) > 2 and _is_past(drivers.plain(args[2]), *_REDIS_EXPIRY[word]):
        return drivers.deed('delete', 'keys'), word
    if word in ('SET', 'GETEX') and len(args) > 3:
        given = [drivers.plain(arg).upper() for arg in args[2:]]
        for name, number in zip(given, given[1:]):
            meant = _REDIS_EXPIRY.get(_REDIS_EXPIRY_WORDS.get(name))
            # A lock is taken for a second and less.
            if meant is not None and not (word == 'SET' and 'NX' in given) and _is_past(number, *meant):
                return drivers.deed('delete', 'keys'), word
    taken = _taken(word, [drivers.plain(arg).upper() for arg in args[2:]])
    if taken > 1:
        return drivers.deed('delete', drivers.plain(args[1]), count=taken), word
    if word in ('REPLICAOF', 'SLAVEOF') and second != 'NO':
        return drivers.deed('drop', None, 'all'), word
    if word == 'MIGRATE' and not any(drivers.plain(arg).upper() == 'COPY' for arg in args[5:]):
        return drivers.deed('delete', 'keys'), word
    if word == 'RESTORE' and any(drivers.plain(arg).upper() == 'REPLACE' for arg in args[4:]):
        return drivers.deed('replace', 'keys'), word
    verb, keys = _REDIS_DEEDS.get(word) or _REDIS_PAIRS.get('%s %s' % (word, second)) or (None, None)
    if verb is None:
        return None, word
    if keys is None:
        return drivers.deed(verb, None, 'all'), word
    if (word,) + tuple(drivers.plain(arg).lower() for arg in args[2:4]) in _REDIS_WHOLE:
        return drivers.deed(verb, drivers.plain(args[1]), 'all'), word
    # Keys are one by one what rows are: that they differ does not make another object of them.
    return drivers.deed(verb, 'keys', count=max(len(args[keys]), 1)), word


def _taken(word, rest):
    """How many members a command takes out of a key."""
    if word in _REDIS_TAKES_COUNT:
        rest = rest[-1:] if rest[-2:-1] == ['COUNT'] else []
    elif word not in _REDIS_TAKES:
        return 0
    return int(rest[0]) if rest and rest[0].isdigit() else 0


def _is_past(number, unit, soon):
    try:
        return float(number) <= (soon if unit is None else time.time() * unit)
    except ValueError:
        return False


def _remember_script(text):
    import hashlib
    bytes_of = text if isinstance(text, bytes) else drivers.plain(text).encode()
    if len(_redis_scripts) > 1024:
        _redis_scripts.clear()
    _redis_scripts[hashlib.sha1(bytes_of).hexdigest()] = text
    for name in _LUA_FUNCTION.findall(drivers.plain(text)):
        _redis_scripts[name.lower()] = text


def redis(module):
    def ask(connection, args):
        deed, word = redis_deed(args)
        if deed is None:
            return
        shown = ' '.join([drivers.plain(arg)[:80] for arg in args[1:5]])

        def place():
            host = getattr(connection, 'host', None) or getattr(connection, 'path', None)
            number = getattr(connection, 'db', 0)
            return {'host': host, 'port': getattr(connection, 'port', None), 'database': str(number)}
        guard.operation('redis', place, ('%s %s' % (word, shown)).strip(), deeds=[deed])

    def one(old):
        if drivers.is_coroutine(old):
            return drivers.asked_first(old, lambda connection, *args, **_: ask(connection, args))

        def run(self, *args, **kwargs):
            # The quick way, for most of what is sent.
            if not args or args[0] not in _REDIS_QUICK:
                ask(self, args)
            return old(self, *args, **kwargs)
        return run

    def many(old):
        def run(self, commands, *args, **kwargs):
            commands = list(commands)
            for command in commands:
                ask(self, command)
            return old(self, commands, *args, **kwargs)
        return run

    kind = getattr(module, 'AbstractConnection', None) or module.Connection
    drivers.patch(kind, 'send_command', one)
    drivers.patch(kind, 'pack_commands', many)


def redis_scripts(module):
    """A script is called by its sum, before anybody has seen its text."""
    def made(old):
        def run(self, client, script, *args, **kwargs):
            _remember_script(script)
            return old(self, client, script, *args, **kwargs)
        return run

    for kind in (module.Script, module.AsyncScript):
        drivers.patch(kind, '__init__', made)
