"""The taps on what is reached by HTTP: AWS by boto3, Elasticsearch and OpenSearch.

Loaded with the first of them; `guard` is the guard's module and `drivers` that of the taps' tools.
"""
import json
import re


def _endpoint(url):
    """The host and port of an endpoint."""
    scheme, _, rest = url.partition('://')
    host, _, port = rest.partition('/')[0].rpartition('@')[2].partition(':')
    return {'host': host, 'port': int(port) if port.isdigit() else 443 if scheme == 'https' else 80}


# ---------------------------------------------------------------------------- AWS

_AWS_REMOVES = re.compile(r'(?:Batch)?(?:Delete|Terminate|Purge|Deregister|Destroy)[A-Z]')

# What lets go of something in other words, or later.
_AWS_LATER = frozenset(('ScheduleKeyDeletion', 'ReleaseAddress', 'ReleaseHosts', 'UpdateTimeToLive',
                        'PutBucketLifecycle', 'PutBucketLifecycleConfiguration', 'PutLifecyclePolicy',
                        'PutRetentionPolicy', 'DecreaseStreamRetentionPeriod'))

# What takes away all that runs where it is set to nothing, and what says how much.
_AWS_SIZES = {
    'UpdateService': 'desiredCount', 'SetDesiredCapacity': 'DesiredCapacity', 'UpdateAutoScalingGroup': 'MaxSize',
    'PutFunctionConcurrency': 'ReservedConcurrentExecutions',
}

# What a queue's reader does to each message.
_AWS_HARMLESS = frozenset(('DeleteMessage', 'DeleteMessageBatch'))

# Operations on one of many, by what names the many.
_AWS_ROWS = {
    'DeleteObject': ('delete', 'Bucket'), 'DeleteObjects': ('delete', 'Bucket'),
    'DeleteItem': ('delete', 'TableName'), 'UpdateItem': ('update', 'TableName'),
}


def _aws_requests(requests, table):
    """What one part of a batch does to a table."""
    for kind, verb in (('DeleteRequest', 'delete'), ('Delete', 'delete'), ('Update', 'update')):
        count = sum(kind in request for request in requests)
        if count:
            yield drivers.deed(verb, table, count=count)


def _aws_deeds(name, given):
    """What a call does, and to which bucket or table, if it is about one."""
    if name in _AWS_ROWS:
        verb, key = _AWS_ROWS[name]
        objects = given.get('Delete', {}).get('Objects', (None,)) if name == 'DeleteObjects' else (None,)
        return given.get(key), [drivers.deed(verb, given.get(key), count=len(objects))]
    if name == 'BatchWriteItem':
        tables = given.get('RequestItems', {})
        deeds = [deed for table in tables for deed in _aws_requests(tables[table], table)]
        return next(iter(tables), None), deeds
    if name == 'TransactWriteItems':
        items = given.get('TransactItems', [])
        tables = {part['TableName'] for item in items for part in item.values() if 'TableName' in part}
        deeds = [deed for table in sorted(tables) for deed in _aws_requests(
            [item for item in items if any(p.get('TableName') == table for p in item.values())], table)]
        return next(iter(tables), None), deeds
    if name in _AWS_SIZES and given.get(_AWS_SIZES[name]) == 0:
        what = given.get('service') or next((value for value in given.values() if isinstance(value, str)), None)
        return None, [drivers.deed('truncate', '%s (%s)' % (what, name), 'all')]
    if name in _AWS_HARMLESS or not (name in _AWS_LATER or _AWS_REMOVES.match(name)):
        return None, []
    what = next((value for value in given.values() if isinstance(value, str)), None)
    bucket = given.get('Bucket') or given.get('TableName')
    verb = 'truncate' if name.startswith('Purge') else 'drop'
    return bucket, [drivers.deed(verb, '%s (%s)' % (what, name), 'all')]


# Parameters that hold SQL: PartiQL, and what RDS, Redshift and Athena run.
_AWS_SQL = ('Statement', 'sql', 'Sql', 'QueryString')


def aws(module):
    def ask(client, name, given, *args, **kwargs):
        place = lambda: dict(_endpoint(client.meta.endpoint_url), database=database)
        database = given.get('Database') or given.get('database') or given.get('TableName')
        for text in [given[key] for key in _AWS_SQL if isinstance(given.get(key), str)] + [
                one.get('Statement', '') for one in given.get('Statements', []) if hasattr(one, 'get')]:
            drivers.sql('aws', text, place)
        database, deeds = _aws_deeds(name, given)
        if deeds:
            shown = '%s %s %s' % (client.meta.service_model.service_name, name, str(given)[:2000])
            guard.operation('aws', place, shown, deeds=deeds)

    kind = getattr(module, 'AioBaseClient', None) or module.BaseClient
    drivers.ask_before(kind, ['_make_api_call'], ask)


# ---------------------------------------------------------------------------- Elasticsearch

# Parts of a path that stand for what is read, and is let go of.
_ELASTIC_HARMLESS = frozenset(('_pit', '_async_search', 'scroll', '_security', '_sql', '_eql'))


def _elastic_scope(body):
    query = body.get('query') if hasattr(body, 'get') else None
    return 'all' if _takes_all(query) else 'filtered'


def _takes_all(query):
    """Tells whether a query takes every document, as far as its words tell."""
    if not query or not hasattr(query, 'items') or 'match_all' in query:
        return True
    kind, value = next(iter(query.items()))
    if kind == 'bool':
        parts = [value.get(name) or [] for name in ('must', 'filter', 'should', 'must_not')]
        return not parts[3] and all(_takes_all(one) for part in parts[:3]
                                    for one in (part if isinstance(part, list) else [part]))
    if kind in ('constant_score', 'function_score', 'nested'):
        return _takes_all(value.get('filter') or value.get('query'))
    if kind in ('query_string', 'simple_query_string', 'wildcard', 'prefix', 'regexp'):
        return any(str(word) in ('', '*', '*:*', '.*') for part in value.values()
                   for word in (part.values() if isinstance(part, dict) else [part]))
    return kind == 'exists' and value.get('field') in ('_id', '_index')


def _field(body, *names):
    """What stands within objects within a body; nothing where there is no such thing."""
    for name in names:
        body = body.get(name) if hasattr(body, 'get') else None
    return body


def _elastic_reindex(body):
    """Documents of the other index are overwritten, unless it is told to make new ones only."""
    index = _field(body, 'dest', 'index')
    if _field(body, 'dest', 'op_type') == 'create':
        return index, []
    return index, [drivers.deed('replace', index, 'unknown')]


def _lets_go_at_once(body):
    """Tells whether a policy deletes what is there within a day."""
    phase = _field(body, 'policy', 'phases', 'delete')
    if _field(phase, 'actions', 'delete') is None:
        return False
    number, unit = re.fullmatch(r'(\d*)(.*)', str(_field(phase, 'min_age') or '')).groups()
    return unit != 'd' or int(number or 0) == 0


def _elastic_bulk(body, index):
    """What a bulk does; its body is text, or lines and objects."""
    if isinstance(body, (str, bytes)):
        body = body.splitlines()
    counts = {}
    for line in body or []:
        if isinstance(line, (str, bytes)):
            start = line[:40].encode() if isinstance(line, str) else line[:40]
            if b'"delete"' not in start and b'"update"' not in start:
                continue
            line = json.loads(line)
        verb = 'delete' if 'delete' in line else 'update' if 'update' in line else None
        if verb and len(line) == 1 and isinstance(line[verb], dict):
            key = (verb, line[verb].get('_index', index))
            counts[key] = counts.get(key, 0) + 1
    return [drivers.deed(verb, on, count=count) for (verb, on), count in counts.items()]


def _elastic_deeds(method, path, body):
    """What a request does, and to which index."""
    parts = [part for part in path.partition('?')[0].split('/') if part]
    index = parts[0] if parts and not parts[0].startswith('_') else None
    if '_bulk' in parts:
        deeds = _elastic_bulk(body, index)
        return index or (deeds[0]['object'] if deeds else None), deeds
    for part, verb in (('_delete_by_query', 'delete'), ('_update_by_query', 'update')):
        if part in parts:
            return index, [drivers.deed(verb, index, _elastic_scope(body))]
    if '_aliases' in parts and method == 'POST' and hasattr(body, 'get'):
        gone = [one['remove_index'].get('index') for one in body.get('actions', []) if 'remove_index' in one]
        return index, [drivers.deed('drop', str(one), 'all') for one in gone]
    if parts[-1:] == ['_reindex']:
        return _elastic_reindex(body)
    if parts[-1:] == ['_restore']:
        # It takes the place of what is there and closed.
        return index, [drivers.deed('replace', str(_field(body, 'indices') or '/'.join(parts[:-1])), 'unknown')]
    if parts[:2] == ['_ilm', 'policy'] and method == 'PUT' and _lets_go_at_once(body):
        return index, [drivers.deed('drop', 'what %s is put on' % parts[-1], 'all')]
    if '_update' in parts and method == 'POST':
        return index, [drivers.deed('update', index)]
    if method != 'DELETE' or _ELASTIC_HARMLESS.intersection(parts):
        return index, []
    if '_doc' in parts:
        return index, [drivers.deed('delete', index)]
    return index, [drivers.deed('drop', '/'.join(parts), 'all')]


def elastic(module):
    def node(transport):
        pool = getattr(transport, 'node_pool', None)
        if pool is not None:
            config = next(iter(pool.all())).config
            return config.host, config.port
        first = transport.hosts[0]
        return first.get('host'), first.get('port', 9200)

    def ask(transport, method, target, *args, **kwargs):
        # The older ones have headers, parameters and body behind the path.
        body = kwargs.get('body', args[2] if len(args) > 2 else None)
        index, deeds = _elastic_deeds(method, target, body)
        if deeds:
            place = lambda: dict(zip(('host', 'port', 'database'), node(transport) + (index,)))
            shown = '%s %s %s' % (method, target, str(body or '')[:2000])
            guard.operation('elasticsearch', place, shown.strip(), deeds=deeds)

    kind = getattr(module, 'AsyncTransport', None) or module.Transport
    drivers.ask_before(kind, ['perform_request'], ask)
