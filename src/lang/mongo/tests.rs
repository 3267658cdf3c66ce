//! The table of commands, and what no row shows.

use proptest::prelude::*;
use serde::Deserialize;
use serde_json::{Value, json};

use super::*;
use crate::lang::told::told;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Table {
    reading: Vec<Row>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Row {
    text: String,
    #[serde(default)]
    does: Vec<String>,
}

#[test]
fn every_command_of_the_table() {
    let file = include_str!("../../../tests/verdicts/mongo-commands.toml");
    let table: Table = toml::from_str(file).expect("TOML");
    let mut wrong = Vec::new();
    for row in &table.reading {
        let body: Value = serde_json::from_str(&row.text).expect("JSON");
        let name = row.text.split('"').nth(1).expect("a first key");
        let does: Vec<String> = command("app", name, &body).iter().map(told).collect();
        if does != row.does {
            wrong.push(format!("{}\n    reads  {does:?}\n    not    {:?}", row.text, row.does));
        }
    }
    assert!(wrong.is_empty(), "{} rows:\n{}", wrong.len(), wrong.join("\n"));
}

#[test]
fn commands_say_what_a_person_needs_to_know() {
    let all = [
        ("delete", json!({"delete": "families", "deletes": [{"q": {}, "limit": 0}]})),
        (
            "update",
            json!({"update": "families", "updates":
            [{"q": {}, "multi": true, "u": {"$unset": {"email": "", "phone": ""}}}]}),
        ),
        ("dropIndexes", json!({"dropIndexes": "families", "index": "*"})),
        ("dropIndexes", json!({"dropIndexes": "families", "index": ["a_1", "b_1"]})),
        (
            "createIndexes",
            json!({"createIndexes": "logs", "indexes":
            [{"key": {"at": 1}, "name": "at_1", "expireAfterSeconds": 60}]}),
        ),
        (
            "renameCollection",
            json!({"renameCollection": "app.a", "to": "app.b", "dropTarget": true}),
        ),
        ("aggregate", json!({"aggregate": "a", "pipeline": [{"$out": "b"}]})),
        ("shutdown", json!({"shutdown": 1})),
        ("dropUser", json!({"dropUser": "root"})),
        ("collMod", json!({"collMod": "a", "validator": {}})),
        ("frobnicate", json!({"frobnicate": 1})),
    ];
    let told = |(name, body): &(&str, Value)| {
        let effects = command("app", name, body);
        effects.iter().map(|effect| effect.phrase.clone()).collect::<Vec<_>>().join("; ")
    };
    insta::assert_snapshot!(all.iter().map(told).collect::<Vec<_>>().join("\n"), @r"
    deletes all documents of app.families
    updates all documents of app.families, and removes email, phone
    drops all indexes of app.families
    drops the index a_1, b_1 of app.families
    has the server delete documents of app.logs by their age
    renames app.a; drops app.b
    overwrites all documents of app.b
    runs shutdown on the server
    runs dropUser on root
    runs collMod on app.a
    runs frobnicate, which is not known to be harmless
    ");
}

#[test]
fn many_operations_are_told_as_often_as_it_matters() {
    let one = json!({"q": {"_id": 7}, "limit": 1});
    let mut deletes = vec![one; 5_000];
    deletes.push(json!({"q": {}, "limit": 0}));
    let effects = command("app", "delete", &json!({"delete": "families", "deletes": deletes}));
    assert_eq!(effects.len(), 1_001);
    assert_eq!(effects[1_000].scope, crate::lang::Scope::All);
}

proptest! {
    #[test]
    fn no_command_makes_it_fall_over(
        name in "delete|update|bulkWrite|aggregate|collMod|mapReduce|createIndexes|dropIndexes|drop",
        key in "q|u|deletes|updates|ops|pipeline|index|indexes|out|limit|nsInfo|\\$or|\\$and|_id",
        value in "null|1|\"x\"|\\[\\]|\\{\\}|\\[\\[null\\]\\]|\\[\\{\"\\$or\":1,\"_id\":\\{\"\\$in\":\\{\\}\\}\\}\\]",
    ) {
        let text = format!("{{\"{name}\": {value}, \"{key}\": {value}}}");
        let body: Value = serde_json::from_str(&text).expect("JSON");
        let _effects = command("app", &name, &body);
    }
}
