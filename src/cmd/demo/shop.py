"""The demonstration's application: families in a file of SQLite."""
import sqlite3
import sys

try:
    import readline
except ImportError:
    pass

# What is tried here stays out of the history of other sessions.
sys.__interactivehook__ = lambda: None

connection = sqlite3.connect('orders.db', isolation_level=None)
connection.execute('CREATE TABLE IF NOT EXISTS families (id INTEGER PRIMARY KEY, name TEXT)')


class Objects:
    """All families; loops and counts like an ORM's."""

    def __iter__(self):
        rows = connection.execute('SELECT id, name FROM families ORDER BY id').fetchall()
        return iter([Family(*row) for row in rows])

    def count(self):
        return connection.execute('SELECT count(*) FROM families').fetchone()[0]


class Family:
    """One family."""
    objects = Objects()

    def __init__(self, id, name):
        self.id = id
        self.name = name

    def save(self):
        connection.execute('REPLACE INTO families VALUES (?, ?)', (self.id, self.name))

    def delete(self):
        connection.execute('DELETE FROM families WHERE id = ?', (self.id,))


def tidy():
    """The same loop, where a reader of the prompt does not see it."""
    for family in Family.objects:
        family.delete()


if not Family.objects.count():
    connection.executemany('INSERT INTO families VALUES (?, ?)',
                           [(number, 'family %d' % number) for number in range(1, 1001)])
