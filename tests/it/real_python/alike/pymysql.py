"""PyMySQL: functions of Python."""
import inspect
import os
import pydoc

from shown import show

import pymysql

c = pymysql.connect(host='127.0.0.1', port=int(os.environ['SERVER']), user='root', database='shop', autocommit=True)
k = c.cursor()
k.execute('create temporary table t (a int)')

show(globals(), '''
c, type(c), c.query.__name__, c.query.__qualname__, c.query.__module__, c.query.__doc__
type(c).query.__name__, type(c).query
inspect.signature(c.query), inspect.signature(type(c).connect)
inspect.getsource(c.query), inspect.getsourcefile(c.query), inspect.getsourcelines(type(c).query)
inspect.isfunction(type(c).query), inspect.ismethod(c.query), inspect.isroutine(c.query)
pydoc.plain(pydoc.render_doc(type(c)))
dir(c), dir(k), dir(type(c))
k.execute('select 1'), k.fetchall()
k.execute('select %s', (1,)), k.fetchall()
k.execute()
k.execute(5)
k.execute('selec')
k.execute('delete from nope where a = 1')
k.execute('delete from t where a = 1')
k.executemany('insert into t values (%s)', [(1,), (2,)])
k.executemany('delete from t where a = %s', [(1,), (2,)])
k.execute('drop table if exists nope')
c.query('select 1', 2, 3)
c.query('select 1'), c.store_result() if hasattr(c, 'store_result') else None
c.select_db('shop'), c.select_db('nope')
pymysql.connect, pymysql.connections.Connection
pymysql.connect(unix_socket='/nowhere')
c.close(), k.execute('select 1')
''')
