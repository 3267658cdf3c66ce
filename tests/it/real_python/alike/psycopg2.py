"""psycopg2: methods that are written in C, and what they are given."""
import inspect
import os
import pickle
import pydoc
import sqlite3

from shown import show

import jedi
import psycopg2.extras
from IPython.core.completer import IPCompleter
from IPython.core.interactiveshell import InteractiveShell
from IPython.core.oinspect import Inspector
from psycopg2.extensions import AsIs

c = psycopg2.connect(os.environ['SERVER'])
c.autocommit = True
k = c.cursor()
k.execute('create temp table t (a int)')
d = c.cursor(cursor_factory=psycopg2.extras.RealDictCursor)

lite = sqlite3.connect(':memory:')
shell = InteractiveShell.instance()
shell.user_ns.update(k=k, lite=lite)


def completed(text):
    return [(it.name, it.type, it.docstring()) for it in jedi.Interpreter(text, [globals()]).complete()]


show(globals(), '''
completed('k.exe'), completed('lite.exe'), completed('lite.cursor().exe')
jedi.Interpreter('lite.execute(', [globals()]).get_signatures()
jedi.Interpreter('k.execute(', [globals()]).get_signatures()
list(map(str, IPCompleter(shell).completions('lite.exe', 8))), shell.complete('exe', 'k.exe')
Inspector(theme_name='nocolor').info(lite.execute, 'lite.execute')
k.execute
type(k).execute
k.executemany, k.copy_expert, k.callproc, k.mogrify
d.execute
type(d).execute
type(k.execute), type(type(k).execute)
inspect.isbuiltin(k.execute), inspect.ismethod(k.execute), inspect.isroutine(k.execute)
inspect.signature(k.execute)
pydoc.plain(pydoc.render_doc(k.execute))
pydoc.plain(pydoc.render_doc(type(k)))
k.execute.__name__, k.execute.__qualname__, k.execute.__self__ is k, k.execute == k.execute
pickle.dumps(k.execute)
pickle.loads(pickle.dumps(type(k).execute)) == type(k).execute
dir(k), dir(c), dir(k.execute)
k.execute()
k.execute(5)
k.execute('')
k.execute('select 1', None), k.fetchall()
k.execute('select %s', (1,)), k.fetchall()
k.execute('select %(a)s', {'a': 1}), k.fetchall()
k.execute(query='select 1', vars=None), k.fetchall()
k.execute('select 1', given=None)
k.execute('select %s', (object(),))
k.execute('select %s', (1, 2))
k.execute('select %s', (AsIs('2'),)), k.fetchall()
k.execute(b'select 3'), k.fetchall()
k.execute('selec')
k.execute('delete from nope where a = 1')
k.execute('delete from t where a = 1'), k.rowcount, k.statusmessage
k.executemany('insert into t values (%s)', [(1,), (2,)]), k.rowcount
k.executemany('insert into t values (%s)', 5)
k.executemany()
k.executemany('delete from t where a = %s', [(1,)]), k.rowcount
k.copy_expert('copy t to stdout', open(os.devnull, 'w'))
k.copy_expert('copy t from stdin', 5)
k.callproc('version'), len(k.fetchall())
k.callproc('nope')
d.execute('select 1 as one'), d.fetchall()
psycopg2.extras.execute_values(k, 'insert into t values %s', [(1,), (2,)])
psycopg2.connect, psycopg2.extensions.cursor, psycopg2.extensions.connection
psycopg2.connect('host=/nowhere')
k.close(), k.execute('select 1')
''')
