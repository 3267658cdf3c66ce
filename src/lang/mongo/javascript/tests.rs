//! What the corpus of statements does not show: memory, objects, odd and deep texts.

use proptest::prelude::*;

use super::{Names, javascript};
use crate::lang::Reading;
use crate::lang::told::told;

fn does(names: &Names, text: &str) -> String {
    names.read(text).effects().iter().map(told).collect::<Vec<_>>().join("; ")
}

#[test]
fn names_are_remembered_over_statements() {
    let mut names = Names::default();
    names.set_database("shop");
    for text in [
        "const c = db.families",
        "function gone(id) { c.deleteOne({_id: id}) }",
        "const ops = []",
        "ids.forEach(id => ops.push({deleteOne: {filter: {_id: id}}}))",
        "var bulk = c.initializeOrderedBulkOp()",
        "bulk.find({}).remove()",
        "var everything = {}",
    ] {
        assert_eq!(does(&names, text), "", "{text}");
        names.learn(text);
    }
    for (text, expected) in [
        ("c.drop()", "destroy drop all shop.families"),
        ("gone(7)", "remove delete one shop.families"),
        ("ids.forEach(gone)", "remove delete one loop shop.families"),
        ("c.bulkWrite(ops)", "remove delete one loop shop.families"),
        ("bulk.execute()", "remove delete all shop.families"),
        ("c.deleteMany(everything)", "remove delete all shop.families"),
        ("{ let c = new Map(); c.delete(1) }", ""),
    ] {
        let reading = names.read(text);
        assert_eq!(does(&names, text), expected, "{text}");
        let is_in = |effect: &crate::lang::Effect| text.get(effect.span.clone()).is_some();
        assert!(reading.effects().iter().all(is_in), "{text}: {reading:?}");
    }
    // What runs once is gone; another database, and what is forgotten.
    names.learn("bulk.execute()");
    assert_eq!(does(&names, "bulk.execute()"), "");
    names.learn("use other");
    assert_eq!(does(&names, "db.dropDatabase()"), "destroy drop all other");
    assert_eq!(does(&names, "use third\ndb.a.drop()"), "destroy drop all third.a");
    names.clear();
    assert_eq!(does(&names, "gone(7)"), "");
}

#[test]
fn what_is_not_known_is_named_as_it_is_written() {
    let names = Names::default();
    for (text, expected) in [
        ("names.forEach(n => db[n].drop())", "destroy drop all db[n]"),
        ("collections.forEach(c => c.deleteMany({}))", "remove delete all loop c"),
        ("db.getCollection(x).drop()", "destroy drop all db.getCollection(x)"),
        ("db.a.b['c'].drop()", "destroy drop all a.b.c"),
        ("connect(url).dropDatabase()", "destroy drop all"),
        ("rs.remove('b:27017')", "destroy admin all b:27017"),
    ] {
        assert_eq!(does(&names, text), expected, "{text}");
    }
}

#[test]
fn what_is_no_javascript_is_read_all_the_same() {
    let unclear = |text: &str| match javascript(text) {
        Reading::Understood(effects) => format!("understood {}", effects.len()),
        Reading::Unclear { effects, destructive_word, .. } => {
            format!("{} {destructive_word}", effects.len())
        }
    };
    for (text, expected) in [
        ("show dbs", "understood 0"),
        ("use shop;\r\nshow collections\r\ndb.x.drop()", "understood 1"),
        ("db.x.find(", "0 false"),
        ("db.x.drop(", "0 true"),
        ("db.x.find({a: 'drop'", "0 false"),
        ("db.x.find({ // drop\n", "0 false"),
        ("it's time to drop 'families'", "0 true"),
        ("\u{0}drop\u{feff}é", "0 true"),
    ] {
        assert_eq!(unclear(text), expected, "{text}");
    }
}

#[test]
fn deep_and_long_texts_are_survived() {
    const DEEP: usize = 30_000;
    let around = |open: &str, close: &str| {
        format!("{}db.x.drop(){}", open.repeat(DEEP), close.repeat(DEEP))
    };
    for text in [
        around("(", ")"),
        around("[", "]"),
        around("{", "}"),
        around("f(", ")"),
        around("() => {", "}"),
        around("x => ", ""),
        around("!", ""),
        around("- -", ""),
        around("await ", ""),
        around("new ", ""),
        around("a ? b : ", ""),
        around("if (a) {} else ", ""),
        around("if (a)\n", ""),
        around("for (;;)\n", ""),
        around("a: ", ""),
        around("a = ", ""),
        around("`${", "}`"),
        around("a ** ", ""),
        around("a +\n", ""),
        around("a ||\n", ""),
        around("'\\'' + (", ")"),
        around("/'/.x(", ")"),
        around("/* ( */ (", ")"),
        around("\")\" + (", ")"),
        format!("db.x{}.drop()", ".a".repeat(DEEP)),
        format!("db.x{}.drop()", ".a()".repeat(DEEP)),
        format!("db.x{}.drop()", "[0]".repeat(DEEP)),
    ] {
        eprintln!("SHAPE {}", &text[..30]);
        let reading = javascript(&text);
        let is_told = !reading.effects().is_empty()
            || matches!(reading, Reading::Unclear { destructive_word: true, .. });
        assert!(is_told, "{}", &text[..40]);
    }
    // Many statements side by side are not deep.
    let many = "db.x.find({a: [1, 2]}).forEach(d => { print(d) })\n".repeat(20_000) + "db.x.drop()";
    assert_eq!(javascript(&many).effects().len(), 1);
    // Functions that call each other twice do not make a crowd of effects.
    let mut twice = "function f0() { db.x.deleteOne({}) }".to_owned();
    for n in 1..200 {
        twice.push_str(&format!("function f{n}() {{ f{0}(); f{0}() }}", n - 1));
    }
    assert_eq!(javascript(&(twice + "f199()")).effects().len(), 1);
}

proptest! {
    #[test]
    fn nothing_makes_it_fall_over(
        pieces in prop::collection::vec(
            "db|\\.x|\\.drop\\(\\)|\\.deleteMany\\(|\\)|\\(|\\{|\\}|\\[|\\]|=>|=|;|,|`|'|\"|/|\\*|\n|\
             function f|return|for|of|ops|\\.push|\\.forEach|\\$\\{|new Map|use x|é|\u{0}|//|\\.\\.\\.",
            0..30,
        ),
    ) {
        let mut names = Names::default();
        let text = pieces.join(" ");
        names.learn(&text);
        for effect in names.read(&text).effects() {
            prop_assert!(text.get(effect.span.clone()).is_some());
        }
    }
}
