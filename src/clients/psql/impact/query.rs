//! The questions about a table that the server's catalogs answer.
#![forbid(unsafe_code)]

/// How many foreign keys deep a cascade is followed.
const MAX_DEPTH: u32 = 5;

/// How many tables' rows are counted.
const MAX_CHILDREN: u32 = 8;

/// Asks what a name means and how large it is.
pub(super) fn table(object: &str) -> String {
    format!(
        "SELECT json_build_object('schema', quote_ident(n.nspname), 'name', quote_ident(c.relname), 'kind', c.relkind, \
         'rows', CASE WHEN c.relkind = 'p' THEN coalesce((SELECT CASE WHEN min(p.reltuples) < 0 \
         THEN -1 ELSE sum(p.reltuples) END FROM pg_partition_tree(c.oid) t \
         JOIN pg_class p ON p.oid = t.relid WHERE t.isleaf), 0) ELSE c.reltuples END, \
         'bytes', CASE WHEN c.relkind = 'p' THEN (SELECT sum(pg_total_relation_size(t.relid))::bigint \
         FROM pg_partition_tree(c.oid) t) ELSE pg_total_relation_size(c.oid) END, \
         'has_children', c.relkind = 'r' AND c.relhassubclass, \
         'partitions', CASE WHEN c.relkind = 'p' THEN (SELECT count(*) FROM pg_partition_tree(c.oid) t \
         WHERE t.isleaf) ELSE 0 END) \
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
         SELECT json_agg(name) FROM (SELECT quote_ident(n.nspname) || '.' || quote_ident(c.relname) AS name \
         FROM along JOIN pg_catalog.pg_class c ON c.oid = along.oid \
         JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace \
         WHERE c.oid <> pg_catalog.to_regclass('{object}') \
         GROUP BY n.nspname, c.relname ORDER BY min(along.depth), 1 LIMIT 100) names"
    )
}

/// Writes the queries that count, in each table that goes along, the rows that do, and in each that
/// refers to any of these; psql runs what it writes. `source` and `condition` are the statement's own.
pub(super) fn children(object: &str, source: &str, condition: Option<&str>, token: &str) -> String {
    let tag = format!("$nl{token}$");
    let rows = match condition {
        Some(condition) => format!("{source} WHERE ({condition})"),
        None => source.to_owned(),
    };
    let columns = |table: &str, key: &str, prefix: &str| {
        format!(
            "(SELECT string_agg({prefix}quote_ident(a.attname), ', ' ORDER BY k.n) \
             FROM unnest(con.{key}) WITH ORDINALITY k(num, n) JOIN pg_catalog.pg_attribute a \
             ON a.attrelid = con.{table} AND a.attnum = k.num)"
        )
    };
    let (own, theirs) =
        (columns("conrelid", "conkey", "'nl_child.' || "), columns("confrelid", "confkey", ""));
    format!(
        "WITH RECURSIVE along (oid, name, does, path, rows) AS (\
         SELECT pg_catalog.to_regclass('{object}')::oid, '' COLLATE \"C\", 'c'::\"char\", ARRAY[pg_catalog.to_regclass('{object}')::oid], {tag}{rows}{tag} COLLATE \"C\" \
         UNION ALL SELECT con.conrelid, (quote_ident(n.nspname) || '.' || quote_ident(c.relname)) COLLATE \"C\", con.confdeltype, \
         along.path || con.conrelid, pg_catalog.format('%s nl_child WHERE (%s) IN (SELECT %s FROM %s)', \
         con.conrelid::regclass, {own}, {theirs}, along.rows) COLLATE \"C\" \
         FROM along JOIN pg_catalog.pg_constraint con ON con.confrelid = along.oid \
         JOIN pg_catalog.pg_class c ON c.oid = con.conrelid JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace \
         WHERE con.contype = 'f' AND con.conparentid = 0 AND con.confdeltype IN ('c', 'n', 'd') AND along.does = 'c' \
         AND con.conrelid <> ALL (along.path) AND pg_catalog.cardinality(along.path) <= {MAX_DEPTH}) \
         SELECT pg_catalog.format('SELECT json_build_object(''name'', %L, ''does'', %L, ''rows'', count(*)) FROM %s', \
         name, does, rows) FROM along WHERE name <> '' \
         ORDER BY pg_catalog.cardinality(path), name LIMIT {MAX_CHILDREN} \\gexec"
    )
}

/// Asks which triggers and rules fire; `trigger` is the bit of the event, `rule` its number. `columns`
/// are those that an UPDATE sets, where they are known: there are triggers for some only.
pub(super) fn fires(
    object: &str,
    trigger: u8,
    rule: Option<char>,
    columns: Option<&[String]>,
) -> String {
    let rule = rule.unwrap_or('0');
    let columns = columns.map_or_else(String::new, |columns| {
        let list: Vec<String> = columns.iter().map(|column| format!("'{column}'")).collect();
        format!(
            "AND (t.tgattr::text = '' OR EXISTS (SELECT 1 FROM pg_catalog.pg_attribute a \
             WHERE a.attrelid = t.tgrelid AND a.attnum = ANY (t.tgattr) \
             AND quote_ident(a.attname) IN ({})))",
            list.join(", ")
        )
    });
    format!(
        "SELECT json_build_object(\
         'triggers', (SELECT json_agg(quote_ident(t.tgname) ORDER BY t.tgname) FROM pg_catalog.pg_trigger t \
         WHERE t.tgrelid = pg_catalog.to_regclass('{object}') AND NOT t.tgisinternal \
         AND t.tgenabled IN ('O', 'A') AND (t.tgtype & {trigger}) <> 0 {columns}), \
         'rules', (SELECT json_agg(quote_ident(r.rulename) ORDER BY r.rulename) FROM pg_catalog.pg_rewrite r \
         WHERE r.ev_class = pg_catalog.to_regclass('{object}') AND r.ev_type = '{rule}' \
         AND r.ev_enabled IN ('O', 'A')))"
    )
}

/// Asks which views, materialized or not, read a table, however indirectly: they go along with DROP … CASCADE.
pub(super) fn views(object: &str) -> String {
    format!(
        "WITH RECURSIVE above (oid, depth) AS (\
         SELECT r.ev_class, 1 FROM pg_catalog.pg_depend d JOIN pg_catalog.pg_rewrite r ON r.oid = d.objid \
         WHERE d.classid = 'pg_catalog.pg_rewrite'::regclass AND d.refclassid = 'pg_catalog.pg_class'::regclass \
         AND d.refobjid = pg_catalog.to_regclass('{object}') AND r.ev_class <> d.refobjid \
         UNION SELECT r.ev_class, above.depth + 1 FROM above JOIN pg_catalog.pg_depend d \
         ON d.refobjid = above.oid AND d.refclassid = 'pg_catalog.pg_class'::regclass \
         JOIN pg_catalog.pg_rewrite r ON r.oid = d.objid AND d.classid = 'pg_catalog.pg_rewrite'::regclass \
         WHERE r.ev_class <> above.oid AND above.depth < {MAX_DEPTH}) \
         SELECT json_agg(DISTINCT quote_ident(n.nspname) || '.' || quote_ident(c.relname)) FROM above \
         JOIN pg_catalog.pg_class c ON c.oid = above.oid AND c.relkind IN ('m', 'v') \
         JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace"
    )
}

/// Asks when the server last put its log away, from which lost rows could be had back.
pub(super) fn archive() -> &'static str {
    "SELECT json_build_object('mode', current_setting('archive_mode'), \
     'seconds', floor(extract(epoch FROM now() - a.last_archived_time)), \
     'fails', coalesce(a.last_failed_time > a.last_archived_time, a.last_failed_time IS NOT NULL)) \
     FROM pg_catalog.pg_stat_archiver a WHERE NOT pg_catalog.pg_is_in_recovery()"
}
