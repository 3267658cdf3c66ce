"""sqlite3: methods that are written in C."""
import copy
import datetime
import functools
import inspect
import pickle
import pydoc
import rlcompleter
import sqlite3
import types
import warnings
import weakref

from shown import show

c = sqlite3.connect(':memory:')
k = c.cursor()
k.execute('create table t (a)')


class Sub(sqlite3.Cursor):
    def execute(self, *args):
        return super().execute(*args)


class Text(str):
    pass


def strictly(text):
    with warnings.catch_warnings():
        warnings.simplefilter('error')
        return k.execute(text, (datetime.date(2020, 1, 1),)).fetchall()


show(globals(), '''
c.execute
k.execute
type(c).execute
sqlite3.Cursor.execute
vars(sqlite3.Cursor)['execute']
c.executemany, k.executescript, c.backup
type(c.execute)
type(sqlite3.Cursor.execute)
c.execute.__class__ is types.BuiltinMethodType
isinstance(c.execute, types.BuiltinFunctionType), isinstance(type(c).execute, types.MethodDescriptorType)
inspect.isbuiltin(c.execute), inspect.ismethod(c.execute), inspect.isroutine(c.execute), inspect.isfunction(c.execute)
inspect.ismethoddescriptor(type(c).execute), inspect.isdatadescriptor(type(c).execute)
inspect.signature(c.execute)
inspect.signature(type(c).execute)
inspect.getdoc(c.execute)
inspect.getsource(c.execute)
inspect.getmodule(c.execute)
inspect.unwrap(c.execute)
inspect.classify_class_attrs(sqlite3.Cursor)
pydoc.plain(pydoc.render_doc(c.execute))
pydoc.plain(pydoc.render_doc(type(c).execute))
pydoc.plain(pydoc.render_doc(sqlite3.Cursor))
pydoc.describe(c.execute)
callable(c.execute), callable(type(c).execute)
dir(c), dir(type(c)), dir(c.execute), dir(type(c).execute)
c.execute.__name__, c.execute.__qualname__, c.execute.__doc__, c.execute.__module__, c.execute.__text_signature__
type(c).execute.__name__, type(c).execute.__qualname__, type(c).execute.__objclass__
c.execute.__self__ is c, c.execute == c.execute, c.execute is c.execute, c.execute != k.execute, hash(c.execute) == hash(c.execute)
c.execute == 5, {c.execute: 1}[c.execute], type(c).execute == type(c).execute
c.execute.__func__
c.execute.__wrapped__
c.execute.__dict__
c.execute.__code__
c.execute.nothing
setattr(c.execute, 'x', 1)
pickle.dumps(c.execute)
pickle.loads(pickle.dumps(sqlite3.Cursor.execute)) == sqlite3.Cursor.execute
copy.copy(c.execute) == c.execute, copy.deepcopy(c.execute) == c.execute
weakref.ref(c.execute)
functools.partial(c.execute, 'select 1')().fetchall()
list(map(c.execute, ['select 1']))[0].fetchall()
getattr(c, 'execute')('select 2').fetchall()
sqlite3.Cursor.execute(k, 'select 3').fetchall()
sqlite3.Cursor.execute.__get__(k)('select 4').fetchall()
Sub(c).execute('select 5').fetchall()
Sub(c).executemany
super(Sub, Sub(c)).execute
c.execute()
c.execute(5)
c.execute('select ?', 1)
c.execute('select ?', (1,), 3)
k.execute('select 1; select 2')
k.execute('selec')
k.execute('delete from t', 1, 2, 3, 4)
k.execute(None)
k.execute(b'select 1')
k.executemany()
k.executemany('insert into t values (?)')
k.executemany('insert into t values (?)', 5)
k.executemany('insert into t values (?)', [(1,), (2,)]).rowcount
k.executemany('select ?', [(1,)])
k.executescript()
k.executescript(5)
k.executescript('delete from t; selec')
sqlite3.Cursor.execute()
sqlite3.Cursor.execute(5, 'select 1')
sqlite3.Cursor.execute('select 1')
sqlite3.Connection.execute(k, 'select 1')
k.execute(Text('select 6')).fetchall()
k.execute('select ?', (datetime.datetime(2020, 1, 1),)).fetchall()
k.execute('select ?', (datetime.date(2020, 1, 1),)).fetchall()
k.execute('update t set a = ? where a = 1', (datetime.date(2020, 1, 1),)).rowcount
c.execute('select ?', (datetime.datetime(2020, 1, 1),)).fetchall()
c.executemany('insert into t values (?)', [(datetime.date(2020, 1, 1),)]).rowcount
c.executemany('delete from t where a = ?', [(datetime.date(2020, 1, 1),)]).rowcount
c.execute('select :a', (1,)).fetchall()
c.execute('select :a', {'a': 1}).fetchall()
c.execute('delete from t where a = :a', (1,)).rowcount
[k.execute('select ?', (datetime.date(2020, 1, 1),)) and None for _ in range(3)]
c.execute('select ?', (object(),))
c.execute('select ?', (1, 2))
c.execute('select * from nope')
c.execute('delete from nope where id=1')
sqlite3.connect, sqlite3.Connection, sqlite3.Cursor, c.cursor
isinstance(c, sqlite3.Connection), c.__class__.__name__, type(c).__mro__
c.backup(5)
c.backup()
c.commit() or c.backup(sqlite3.connect(':memory:'))
rlcompleter.Completer({'c': c}).complete('c.exe', 0), rlcompleter.Completer({'c': c}).complete('c.exe', 1)
[getattr(sqlite3.Cursor, n) for n in dir(sqlite3.Cursor)]
c.create_function('f', 0, lambda: 1 / 0) or c.execute('select f()').fetchall()
c.set_trace_callback(print) or c.execute('select 7').fetchall()
c.execute('delete from t where a = 7').rowcount
k.execute('drop table t').fetchall()
strictly('select ?')
strictly('select ?1')
[k.execute('select ?', (n,)) and None for n in (True, None, b'', 1.5)]
''')
