"""The taps on drivers of MongoDB and Redis.

Loaded with the first of them; `guard` is the guard's module and `drivers` that of the taps' tools.
"""
import re
import sys
import time


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

    def deed(verb, scope, on=target):
        return drivers.deed(verb, on, scope)

    if name == 'delete':
        return [deed('delete', _mongo_scope(one.get('q'), one.get('limit') != 1))
                for one in command.get('deletes', [{}])]
    if name == 'update':
        return [deed('update', _mongo_scope(one.get('q'), one.get('multi')))
                for one in command.get('updates', [{}])]
    if name in ('findAndModify', 'findandmodify'):
        return [deed('delete' if command.get('remove') else 'update', 'one')]
    if name in ('drop', 'convertToCapped'):
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
                             'dropIndexes', 'renameCollection', 'aggregate', 'bulkWrite', 'convertToCapped'))


def mongo(module):
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
            guard.operation('mongodb', lambda: {'host': host, 'port': port,
                                                'database': event.database_name}, text, deeds=deeds)

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
    'XTRIM': ('delete', slice(1, 2)), 'XDEL': ('delete', slice(2, None)),
    'JSON.DEL': ('delete', slice(1, 2)), 'RENAME': ('rename', slice(1, 2)),
    'FLUSHALL': ('truncate', None), 'FLUSHDB': ('truncate', None), 'FT.DROPINDEX': ('drop', None),
    'SWAPDB': ('replace', None), 'SHUTDOWN': ('admin', None),
}

# Those that let a key go at a time, which may be past, and how many of its units are a second; none
# where it is told from now on.
_REDIS_EXPIRY = {'EXPIRE': None, 'PEXPIRE': None, 'EXPIREAT': 1, 'PEXPIREAT': 1000}

# What a script calls when it removes, and when nobody can say what.
_LUA_REMOVES = re.compile(r'[\'"](?:del|unlink|hdel|srem|zrem|xdel|rename|ltrim)\b', re.I)
_LUA_SEARCHES = re.compile(r'[\'"](?:keys|h?scan|sscan|zscan|flush\w+)[\'"]', re.I)

# What a script looks at first that removes a lock: whether it is still its own.
_LUA_LOCK = re.compile(r'[\'"]get[\'"]\s*,\s*KEYS\[1\]\s*\).*ARGV\[1\]', re.I | re.S)

# The texts of scripts, by what they are called with later.
_redis_scripts = {}


def _redis_script(text, keys):
    """What a script does: to the keys it is given, or to whatever it looks for."""
    text = drivers.plain(text)
    if _LUA_SEARCHES.search(text) and ('flush' in text.lower() or _LUA_REMOVES.search(text)):
        return drivers.deed('execute', None, 'unknown')
    if _LUA_REMOVES.search(text) and not _LUA_LOCK.search(text):
        try:
            return drivers.deed('delete', 'keys', count=max(int(keys), 1))
        except ValueError:
            pass
    return None


def _redis_deed(args):
    """What a command does, and its name; nothing where it removes nothing."""
    if not args:
        return None, ''
    first, *more = drivers.plain(args[0]).split(' ')
    word = first.upper()
    args = (word, *more, *args[1:])
    if word in ('EVAL', 'EVALSHA') and len(args) > 2:
        text = args[1] if word == 'EVAL' else _redis_scripts.get(drivers.plain(args[1]).lower(), '')
        return _redis_script(text, args[2]), word
    if word == 'SCRIPT' and len(args) > 2 and drivers.plain(args[1]).upper() == 'LOAD':
        _remember_script(args[2])
    if word in _REDIS_EXPIRY and len(args) > 2 and _is_past(drivers.plain(args[2]), _REDIS_EXPIRY[word]):
        return drivers.deed('delete', 'keys'), word
    if word not in _REDIS_DEEDS:
        return None, word
    verb, keys = _REDIS_DEEDS[word]
    if keys is None:
        return drivers.deed(verb, None, 'all'), word
    # Keys are one by one what rows are: that they differ does not make another object of them.
    return drivers.deed(verb, 'keys', count=max(len(args[keys]), 1)), word


def _is_past(number, unit):
    try:
        return float(number) <= (0 if unit is None else time.time() * unit)
    except ValueError:
        return False


def _remember_script(text):
    import hashlib
    bytes_of = text if isinstance(text, bytes) else drivers.plain(text).encode()
    if len(_redis_scripts) > 1024:
        _redis_scripts.clear()
    _redis_scripts[hashlib.sha1(bytes_of).hexdigest()] = text


def redis(module):
    def ask(connection, args):
        deed, word = _redis_deed(args)
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
            async def run(self, *args, **kwargs):
                ask(self, args)
                with drivers.within():
                    return await old(self, *args, **kwargs)
        else:
            def run(self, *args, **kwargs):
                ask(self, args)
                with drivers.within():
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
