//! What the name of a function alone tells, in any of the languages.

/// How a function's name starts if it removes something: no more than a notice by day, since
/// nothing but the name speaks for it.
const REMOVING: &[&str] =
    &["delete_", "drop_", "erase_", "purge_", "remove_all_", "truncate_", "wipe_"];

/// Those that are such names by themselves; `truncate` is a function on numbers.
const REMOVERS: &[&str] = &["erase", "purge", "wipe"];

/// Functions whose result differs from row to row without reading any column.
const VOLATILE: &[&str] = &[
    "gen_random_uuid",
    "nextval",
    "rand",
    "random",
    "random_bytes",
    "random_normal",
    "randomblob",
    "uuid",
    "uuid_generate_v4",
    "uuid_short",
];

/// Returns whether a function removes something, by its name.
pub(super) fn removes_by_name(name: &str) -> bool {
    REMOVING.iter().any(|start| name.starts_with(start)) || REMOVERS.contains(&name)
}

/// Returns whether the result of a function differs from row to row without reading any.
pub(super) fn is_volatile(name: &str) -> bool {
    VOLATILE.contains(&name)
}
