"""pymongo: what a listener of commands changes of nothing else."""
import inspect
import os
import pydoc

from shown import show

import pymongo
from pymongo import monitoring

m = pymongo.MongoClient(port=int(os.environ['SERVER']), serverSelectionTimeoutMS=5000)
c = m.app.alike

show(globals(), '''
m, c, type(c), c.delete_one, type(c).delete_one
inspect.signature(c.delete_one), inspect.getsource(c.delete_many)
pydoc.plain(pydoc.render_doc(type(c).delete_one))
dir(c), dir(m), dir(monitoring)
monitoring.register, monitoring.CommandListener
inspect.signature(monitoring.register)
c.find_one({'_id': 1})
c.delete_one({'_id': 1}).deleted_count, c.delete_one({'_id': 1}).deleted_count
c.delete_one()
m.app.command('nope')
c.find({'_id': 3}).next()
''')
