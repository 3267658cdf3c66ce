"""redis-py: functions of Python."""
import inspect
import os
import pydoc

from shown import show

import redis

r = redis.Redis(port=int(os.environ['SERVER']))
n = r.connection_pool.get_connection()

show(globals(), '''
r, type(r), n.send_command.__name__, n.send_command.__qualname__, n.send_command.__doc__
type(n).send_command
inspect.signature(n.send_command), inspect.signature(type(n).pack_commands)
inspect.getsource(n.send_command), inspect.getsourcelines(type(n).pack_commands)
pydoc.plain(pydoc.render_doc(type(n)))
dir(r), dir(n), dir(type(n))
r.set('a', 1), r.get('a'), r.delete('a'), r.delete('a')
r.delete()
r.set()
r.set('a', object())
r.execute_command('NOPE')
r.execute_command()
r.eval('return 1', 0), r.eval('nope', 0)
r.register_script('return 2')(), r.register_script
inspect.signature(redis.commands.core.Script), redis.commands.core.Script.__init__
r.pipeline().set('a', 1).delete('a').execute()
r.pipeline().set('a', 1).lpush('a', 1).execute()
r.lpush('a', 1), r.hdel('a', 'b')
list(r.scan_iter('nope*')), r.flushdb()
n.send_command()
redis.Redis(port=1).ping()
''')
