"""Prints what expressions are, one after the other: the same must come with a tap and without."""
import re
import sys
import traceback


def show(names, expressions):
    """Evaluates each line among the names of a program, as if it were typed."""
    for text in expressions.strip().splitlines():
        print('>>>', text)
        try:
            value = eval(compile(text, '<expression>', 'eval'), names)
            said = value if isinstance(value, str) else repr(value)
        except BaseException:
            said = traceback.format_exc()
        # Objects stand where they happen to stand.
        print(re.sub('0x[0-9a-f]+', '0x0', said))
        sys.stdout.flush()
