//! The questions about a table that the server's catalogs answer.
#![forbid(unsafe_code)]

/// How many foreign keys deep a cascade is followed.
const MAX_DEPTH: u32 = 5;

/// Asks what a name means and how large it is.
pub(super) fn table(object: &str) -> String {
    format!(
        "SELECT json_build_object('schema', n.nspname, 'name', c.relname, 'kind', c.relkind, \
         'rows', CASE WHEN c.relkind = 'p' THEN coalesce((SELECT CASE WHEN min(p.reltuples) < 0 \
         THEN -1 ELSE sum(p.reltuples) END FROM pg_partition_tree(c.oid) t \
         JOIN pg_class p ON p.oid = t.relid WHERE t.isleaf), 0) ELSE c.reltuples END, \
         'bytes', CASE WHEN c.relkind = 'p' THEN (SELECT sum(pg_total_relation_size(t.relid))::bigint \
         FROM pg_partition_tree(c.oid) t) ELSE pg_total_relation_size(c.oid) END, \
         'has_children', c.relkind = 'r' AND c.relhassubclass) \
         FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace \
         WHERE c.oid = pg_catalog.to_regclass('{object}')"
    )
}

/// Asks which tables go along, by foreign keys that `keys` narrows down.
pub(super) fn cascade(object: &str, keys: &str) -> String {
    format!(
        "WITH RECURSIVE along (oid, depth) AS (\
         SELECT con.conrelid, 1 FROM pg_catalog.pg_constraint con WHERE con.contype = 'f' \
         AND con.conparentid = 0 AND con.confrelid = pg_catalog.to_regclass('{object}') {keys} \
         UNION SELECT con.conrelid, along.depth + 1 FROM along JOIN pg_catalog.pg_constraint con \
         ON con.confrelid = along.oid WHERE con.contype = 'f' AND con.conparentid = 0 {keys} \
         AND along.depth < {MAX_DEPTH}) \
         SELECT json_agg(name) FROM (SELECT n.nspname || '.' || c.relname AS name \
         FROM along JOIN pg_catalog.pg_class c ON c.oid = along.oid \
         JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace \
         WHERE c.oid <> pg_catalog.to_regclass('{object}') \
         GROUP BY n.nspname, c.relname ORDER BY min(along.depth), 1 LIMIT 100) names"
    )
}
