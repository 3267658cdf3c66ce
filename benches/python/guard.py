"""What the guard costs inside Python: bare and guarded in turns, within one run.

    cargo build --release && python3 benches/python/guard.py [ROUNDS]

With GUARD_POSTGRES (what psycopg2 connects to) and GUARD_REDIS (a port) set, those too, where their drivers are.
Nothing here passes or fails. Each figure is the least of its rounds: what the machine adds is noise.
All but the DELETE, which waits for nightlatch's answer, are processor time.
"""
import json
import os
import resource
import sqlite3
import subprocess
import sys
import tempfile
import time

MANY = 1000000
DELETES = 2000
STARTS = 20


def spent(work, clock=time.process_time):
    begin = clock()
    work()
    return clock() - begin


def children():
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def harmless():
    total, seen = 0, {}
    for n in range(MANY // 4):
        total += n
        seen[n % 100] = str(n)
        total -= len(seen)
        seen.pop(n % 100)


def measure():
    """Runs in a process of its own, guarded or not, and prints its figures in seconds."""
    database = sqlite3.connect(':memory:', isolation_level=None)
    database.execute('create table families (id integer primary key)')
    database.executemany('insert into families values (?)', [(n,) for n in range(DELETES)])
    cursor = database.cursor()

    def selects():
        for n in range(MANY // 10):
            cursor.execute('select id from families where id = ?', (n,))

    def other_selects():
        for n in range(MANY // 10):
            cursor.execute('select %d' % n)

    def deletes():
        for n in range(DELETES):
            cursor.execute('delete from families where id = ?', (n,))

    def start(**more):
        subprocess.run([sys.executable, '-c', 'pass'], env=dict(os.environ, **more))

    figures = {}
    for name, select, delete in servers():
        figures[name + ': a SELECT'] = spent(lambda: [select(n) for n in range(DELETES * 5)]) / (DELETES * 5)
        figures[name + ': a DELETE'] = spent(lambda: [delete(n) for n in range(DELETES)], time.perf_counter) / DELETES
    print(json.dumps(dict(figures, **{
        'a start of Python': min([spent(start, children) for _ in range(STARTS)]),
        'one that keeps no byte code': min([
            spent(lambda: start(PYTHONDONTWRITEBYTECODE='1'), children) for _ in range(STARTS)]),
        'a SELECT': spent(selects) / (MANY // 10),
        'a SELECT not seen before': spent(other_selects) / (MANY // 10),
        'a DELETE': spent(deletes, time.perf_counter) / DELETES,
        'a million plain statements': min([spent(harmless) for _ in range(5)]),
    })))


def servers():
    """Gives for each server that is named what reads a row and what deletes one."""
    if 'GUARD_POSTGRES' in os.environ:
        import psycopg2
        connection = psycopg2.connect(os.environ['GUARD_POSTGRES'])
        connection.autocommit = True
        cursor = connection.cursor()
        cursor.execute('create temp table families as select generate_series(0, %d) as id' % DELETES)
        cursor.execute('create index on families (id)')
        yield ('psycopg2', lambda n: cursor.execute('select id from families where id = %s', (n,)),
               lambda n: cursor.execute('delete from families where id = %s', (n,)))
    if 'GUARD_REDIS' in os.environ:
        import redis
        client = redis.Redis(port=int(os.environ['GUARD_REDIS']))
        yield 'redis', lambda n: client.get(n), lambda n: client.delete(n)


def main(rounds):
    here = os.path.dirname(os.path.abspath(__file__))
    nightlatch = os.path.join(here, '..', '..', 'target', 'release', 'nightlatch')
    inner = [sys.executable, os.path.abspath(__file__), '--measure']
    best = {}
    with tempfile.TemporaryDirectory() as folder:
        world = dict(os.environ, NIGHTLATCH_DATA_DIR=folder, NIGHTLATCH_CONFIG=os.devnull)
        for _ in range(rounds):
            for way, command in (('bare', inner),
                                 ('guarded', [nightlatch, 'run', '--as', 'python3', '--'] + inner)):
                output = subprocess.run(command, env=world, stdout=subprocess.PIPE, check=True).stdout
                for name, seconds in json.loads(output).items():
                    known = best.setdefault(name, {})
                    known[way] = min(seconds, known.get(way, seconds))
    print('Python %d.%d.%d, sqlite %s' % (sys.version_info[:3] + (sqlite3.sqlite_version,)))
    for name, known in best.items():
        more = known['guarded'] - known['bare']
        print('%-28s %10.1f us %10.1f us   + %.2f us (%.1f %%)' % (
            name, known['bare'] * 1e6, known['guarded'] * 1e6, more * 1e6, 100 * more / known['bare']))


if __name__ == '__main__':
    if sys.argv[1:] == ['--measure']:
        measure()
    else:
        main(int(sys.argv[1]) if len(sys.argv) > 1 else 5)
