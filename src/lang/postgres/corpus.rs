//! Statements that tests compare two readings on.

use super::token::statements;

/// The statements of the tables of verdicts, and what the fuzzer found.
pub(super) fn texts() -> Vec<String> {
    let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR"));
    let file = |name: &str| std::fs::read_to_string(root.join(name)).expect("it is there");
    let mut texts = Vec::new();
    for name in ["adversary-postgres", "corpus-postgres", "postgres"] {
        let table: toml::Table =
            file(&format!("tests/verdicts/{name}.toml")).parse().expect("TOML");
        let rows = table.values().filter_map(toml::Value::as_array).flatten();
        texts.extend(
            rows.filter_map(|row| row.get("text").unwrap_or(row).as_str()).map(str::to_owned),
        );
    }
    let found = file("fuzz/corpus/postgres.jsonl");
    texts.extend(found.lines().map(|line| serde_json::from_str::<String>(line).expect("JSON")));
    texts
}

/// A text as it is, and with each of its first words left out, and doubled.
pub(super) fn varied(text: &str) -> Vec<String> {
    let mut varied = vec![text.to_owned()];
    for statement in statements(text).iter().filter(|statement| !statement.is_doubtful) {
        for token in statement.tokens.iter().take(20) {
            let mut less = text.to_owned();
            less.replace_range(token.range.clone(), " ");
            let mut more = text.to_owned();
            more.insert_str(token.range.end, &format!(" {}", &text[token.range.clone()]));
            varied.extend([less, more]);
        }
    }
    varied
}
