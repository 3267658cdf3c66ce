"""Compares `nightlatch check` with PostgreSQL's own grammar, statement by statement.

    python3 -m venv /tmp/oracle && /tmp/oracle/bin/pip install pglast
    /tmp/oracle/bin/python tests/oracle/postgres.py target/release/nightlatch FOLDER

FOLDER holds .sql files: PostgreSQL's src/test/regress/sql, for instance. The grammar knows nothing of
policy, so what is destructive is written down here once more, from the node types; no code is shared.
Prints totals, then every difference. Those that are left have reasons in differences.md beside this.
"""

import collections
import json
import pathlib
import subprocess
import sys

from pglast import ast, enums, split
from pglast.parser import ParseError, parse_sql

LATER = ("CreateFunctionStmt", "PrepareStmt", "ViewStmt", "CreatePolicyStmt", "CreateTrigStmt")
DROPS = ("DropStmt", "DropdbStmt", "DropRoleStmt", "DropTableSpaceStmt", "DropOwnedStmt", "DropUserMappingStmt",
         "DropSubscriptionStmt", "TruncateStmt", "ReassignOwnedStmt")
LOCKS = ("LockStmt", "ClusterStmt", "ReindexStmt", "AlterSystemStmt", "RenameStmt")
TYPES = enums.AlterTableType
OBJECTS = {"lo_unlink", "lo_truncate", "lo_truncate64", "lowrite"}


def severity(node):
    """Returns 2 for what must be held, 1 for what must be noticed, 0 for the rest, by day."""
    if isinstance(node, (tuple, list)):
        return max(map(severity, node), default=0)
    if not isinstance(node, ast.Node):
        return 0
    kind = type(node).__name__
    if kind in LATER:
        replaces = getattr(node, "replace", False)
        return 1 if replaces else 0
    if kind == "RuleStmt":
        return max(1 if node.replace else 0, 2 if severity(node.actions or ()) == 2 else 0)
    if kind == "ExplainStmt" and not runs(node):
        return 0
    own = 0
    if kind in ("DeleteStmt", "UpdateStmt"):
        own = 2 if node.whereClause is None else 1
    elif kind in DROPS:
        own = 2
    elif kind in LOCKS:
        own = 1
    elif kind == "AlterTableStmt":
        subtypes = {command.subtype for command in node.cmds}
        if subtypes & {TYPES.AT_DropColumn, TYPES.AT_DropConstraint, TYPES.AT_DetachPartition}:
            own = 2
        elif TYPES.AT_AlterColumnType in subtypes:
            own = 1
    elif kind == "AlterDomainStmt" and node.subtype == enums.AlterDomainType.AD_DropConstraint \
            if hasattr(enums, "AlterDomainType") else kind == "AlterDomainStmt" and str(node.subtype) == "X":
        own = 2
    elif kind == "AlterOpFamilyStmt" and node.isDrop:
        own = 2
    elif kind == "MergeStmt":
        writes = (enums.CmdType.CMD_DELETE, enums.CmdType.CMD_UPDATE)
        own = 1 if any(clause.commandType in writes for clause in node.mergeWhenClauses) else 0
    elif kind == "InsertStmt":
        conflict = node.onConflictClause
        updates = enums.OnConflictAction.ONCONFLICT_UPDATE
        own = 1 if conflict is not None and conflict.action == updates else 0
    elif kind == "CopyStmt":
        own = 1 if node.is_program else 0
    elif kind in ("GrantStmt", "GrantRoleStmt"):
        own = 0 if node.is_grant else 1
    elif kind == "SelectStmt":
        calls = any(name in OBJECTS for name in called(node.targetList))
        own = (2 if node.fromClause and node.whereClause is None else 1) if calls else 0
    return max([own] + [severity(getattr(node, name)) for name in node])


def runs(explain):
    """Returns whether EXPLAIN runs the statement."""
    result = False
    for option in explain.options or ():
        if option.defname in ("analyze", "analyse"):
            value = option.arg
            words = [str(getattr(value, name, "")).lower() for name in ("sval", "boolval", "ival")]
            result = not ({"false", "off", "0"} & set(words))
    return result


def called(node):
    """Yields the names of called functions."""
    if isinstance(node, (tuple, list)):
        for part in node:
            yield from called(part)
    elif isinstance(node, ast.Node):
        if type(node).__name__ == "FuncCall":
            yield node.funcname[-1].sval
        for name in node:
            yield from called(getattr(node, name))


def nodes(node):
    """Yields a node and all below it."""
    if isinstance(node, (tuple, list)):
        for part in node:
            yield from nodes(part)
    elif isinstance(node, ast.Node):
        yield node
        for name in node:
            yield from nodes(getattr(node, name))


def made_temporary(tree):
    """Yields the names of the temporary tables that a statement makes."""
    for node in nodes(tree):
        kind = type(node).__name__
        relation = node.relation if kind == "CreateStmt" else node.rel if kind == "IntoClause" else None
        if relation is not None and relation.relpersistence == "t":
            yield relation.relname


def touched(tree):
    """Returns the names of the relations that a statement may destroy or change."""
    names = set()
    for node in nodes(tree):
        kind = type(node).__name__
        if kind in ("DeleteStmt", "UpdateStmt", "MergeStmt", "InsertStmt", "AlterTableStmt", "RenameStmt"):
            names.add(node.relation.relname if node.relation is not None else None)
        elif kind == "CreateFunctionStmt":
            names.add(node.funcname[0].sval if len(node.funcname) > 1 else None)
        elif kind in ("TruncateStmt", "LockStmt"):
            names |= {relation.relname for relation in node.relations}
        elif kind == "DropStmt":
            is_table = node.removeType == enums.ObjectType.OBJECT_TABLE
            for dropped in node.objects:
                parts = [part.sval for part in getattr(dropped, "objname", dropped) if isinstance(part, ast.String)]
                names.add("pg_temp" if parts[:1] == ["pg_temp"] else parts[-1] if is_table else None)
        elif kind in LOCKS + DROPS:
            names.add(None)
    return names


def judged(program, text):
    """Returns the effects of a text with their severity alone, not as one of many."""
    command = [program, "check", "--client", "psql", "--json", "--at", "2026-11-20T12:00:00Z"]
    answer = subprocess.run(command, input=text.encode(), capture_output=True, check=False).stdout
    found = []
    for effect in json.loads(answer)["effects"]:
        drops = effect["verb"] in ("drop", "truncate", "drop-column", "detach")
        is_held = effect["verdict"] == "hold" and (effect["scope"] in ("all", "unknown") or drops)
        mild = 0 if effect["verdict"] == "allow" else 1
        found.append((*effect["span"], 2 if is_held else mild))
    return found


def main(program, folder):
    totals = collections.Counter()
    differences = []
    for file in sorted(pathlib.Path(folder).glob("*.sql")):
        text = file.read_text(errors="replace")
        effects = judged(program, text)
        temporary = {"pg_temp"}
        try:
            pieces = split(text, with_parser=False, only_slices=True)
        except Exception:
            totals["files the grammar's lexer refuses"] += 1
            continue
        for piece in pieces:
            statement = text[piece]
            try:
                tree = parse_sql(statement)
            except ParseError:
                totals["not PostgreSQL"] += 1
                continue
            temporary |= set(made_temporary(tree))
            begin, end = len(text[:piece.start].encode()), len(text[:piece.stop].encode())
            ours = [level for first, last, level in effects if begin <= first and last <= end + 1]
            kinds = {type(raw.stmt).__name__ for raw in tree}
            if not tree or kinds & {"DoStmt", "ExecuteStmt"}:
                continue
            if not ours:
                totals["taken for data of a COPY"] += 1
                continue
            expected, found = max(severity(raw.stmt) for raw in tree), max(ours)
            totals["statements"] += 1
            totals["destructive"] += expected > 0
            word = "miss" if found < expected else "false hold" if (expected, found) == (0, 2) else None
            names = touched(tree)
            if word == "miss" and names and names <= temporary:
                totals["on temporary objects of the text itself"] += 1
                word = None
            if word:
                totals[word] += 1
                differences.append(f"{word}: {file.name}: {expected} {found}: {' '.join(statement.split())[:200]}")
    for name, count in totals.items():
        print(f"{count:8} {name}")
    print("\n".join(differences))


if __name__ == "__main__":
    main(*sys.argv[1:])
