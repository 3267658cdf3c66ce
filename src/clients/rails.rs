//! Where a command of Rails connects: what `config/database.yml` says of the environment it runs in.

use std::collections::BTreeMap;
use std::path::Path;

use super::settings;
use super::url;
use crate::target::{Address, Decided, Known};
use crate::world::World;

/// Where the file is, from the folder that commands are run in.
const FILE: &str = "config/database.yml";

/// Options and assignments that name the environment, the strongest first, and variables that do.
const OPTIONS: &[&str] = &["-e", "--environment", "RAILS_ENV", "RACK_ENV"];
const VARIABLES: &[&str] = &["RAILS_ENV", "RACK_ENV"];

/// The environment where none is named.
const DEFAULT: &str = "development";

/// A table of the file, by its keys; those within it by `key/key`.
type Table = BTreeMap<String, String>;

/// Decides where a command would connect, the most dangerous place first. `DATABASE_URL` counts more
/// than the file.
///
/// # Errors
/// Never: a file that cannot be read tells nothing.
pub fn decide(args: &[String], world: &World, known: &Known<'_>) -> Result<Vec<Decided>, String> {
    let by_variables = url::decide(args, world, known)?;
    let is_told = by_variables.iter().any(|decided| decided.target.address != Address::default());
    let file = settings::small_file(&world.cwd.join(FILE)).filter(|_| !is_told);
    let Some(text) = file else { return Ok(by_variables) };
    let given = args.iter().enumerate().find_map(|(at, arg)| match arg.split_once('=') {
        Some((name, value)) => OPTIONS.contains(&name).then(|| value.to_owned()),
        None if OPTIONS.contains(&arg.as_str()) => args.get(at + 1).cloned(),
        None => None,
    });
    let variable = || VARIABLES.iter().find_map(|name| world.var(name)).map(str::to_owned);
    let environment = given.or_else(variable).unwrap_or_else(|| DEFAULT.to_owned());
    let source = format!("{environment} in {FILE}");
    let places = places(&text, &environment, world);
    let found = places.into_iter().map(|address| (source.as_str(), address));
    let noted = settings::evidence(args, world);
    let all = url::from_addresses(found, known).into_iter();
    Ok(all.map(|decided| decided.also(noted.clone())).collect())
}

/// Returns where the databases of an environment are: one, or one for each table within it.
fn places(text: &str, environment: &str, world: &World) -> Vec<Address> {
    let mut all = read(text, world).remove(environment).unwrap_or_default();
    let mut databases: BTreeMap<String, Table> = BTreeMap::new();
    while let Some((key, value)) = all.pop_first() {
        let (database, key) = key.split_once('/').unwrap_or(("", &key));
        databases.entry(database.to_owned()).or_default().insert(key.to_owned(), value);
    }
    databases.values().flat_map(|table| places_of(table, &world.cwd)).collect()
}

fn places_of(table: &Table, folder: &Path) -> Vec<Address> {
    let value = |key: &str| table.get(key).filter(|value| !value.is_empty()).cloned();
    if let Some(url) = value("url") {
        return url::addresses(&url, folder);
    }
    let adapter = value("adapter").unwrap_or_default();
    if adapter.starts_with("sqlite") {
        return vec![url::file(&value("database").unwrap_or_default(), folder)];
    }
    if value("database").is_none() && value("host").is_none() {
        return Vec::new();
    }
    vec![Address {
        user: value("username"),
        host: value("host").or_else(|| value("socket")).or_else(|| Some("localhost".to_owned())),
        port: value("port")
            .and_then(|port| port.parse().ok())
            .or_else(|| url::default_port(&adapter)),
        database: value("database"),
    }]
}

/// Reads as much YAML as such files have: tables in tables by indentation, and what they take over
/// from others.
fn read(text: &str, world: &World) -> BTreeMap<String, Table> {
    let mut all: BTreeMap<String, Table> = BTreeMap::new();
    let mut anchors: BTreeMap<String, String> = BTreeMap::new();
    let (mut section, mut inner) = (String::new(), None);
    for line in text.lines() {
        let indent = line.len() - line.trim_start().len();
        let Some((key, value)) = line.trim().split_once(':').filter(|_| !line.contains("#{"))
        else {
            continue;
        };
        let value = plain(value, world);
        let anchor = value.strip_prefix('&').map(|name| name.trim().to_owned());
        if key.starts_with('#') {
            continue;
        }
        if indent == 0 {
            section = key.to_owned();
            inner = None;
            all.entry(section.clone()).or_default();
            if let Some(anchor) = anchor {
                anchors.insert(anchor, section.clone());
            }
            continue;
        }
        if inner.as_ref().is_some_and(|(_, depth)| indent <= *depth) {
            inner = None;
        }
        let taken = value.strip_prefix('*').filter(|_| key == "<<");
        let taken = taken.and_then(|name| all.get(anchors.get(name)?)).cloned().unwrap_or_default();
        let before = inner.as_ref().map(|(name, _)| format!("{name}/")).unwrap_or_default();
        let table = all.entry(section.clone()).or_default();
        if key == "<<" {
            for (key, value) in taken {
                table.entry(format!("{before}{key}")).or_insert(value);
            }
        } else if value.is_empty() || anchor.is_some() {
            inner = Some((key.to_owned(), indent));
        } else {
            table.insert(format!("{before}{key}"), value);
        }
    }
    all
}

/// Takes quotes, comments and Ruby off a value: of Ruby only a variable is read.
fn plain(value: &str, world: &World) -> String {
    let value = value.trim();
    if let Some((_, ruby)) = value.split_once("ENV") {
        let mut words = ruby.split(['"', '\'']).skip(1).step_by(2);
        let variable = words.next().and_then(|name| world.var(name)).map(str::to_owned);
        return variable.or_else(|| words.next().map(str::to_owned)).unwrap_or_default();
    }
    match value.chars().next() {
        Some(quote @ ('"' | '\'')) => value[1..].split(quote).next().unwrap_or_default(),
        Some(_) | None => value.split(" #").next().unwrap_or_default().trim_end(),
    }
    .to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_are_read_for_one_environment() {
        let text = "default: &default\n  adapter: postgresql\n  # a note: none\n  \
                    username: \"shop\"\n\ndevelopment:\n  <<: *default\n  database: shop_dev\n\n\
                    production:\n  primary: &live\n    <<: *default\n    host: db1 # the big one\n    \
                    port: 5433\n    database: <%= ENV.fetch(\"DB_NAME\", \"shop\") %>\n  reports:\n    \
                    url: mysql2://r@db2/reports\nlocal:\n  adapter: sqlite3\n  \
                    database: /srv/shop/a.sqlite3\nremote:\n  adapter: mysql2\n  \
                    host: <%= ENV['SHOP_HOST'] %>\n  database: shop\n";
        let mut world = World::default();
        world.vars.insert("SHOP_HOST".into(), "db3".into());
        for (environment, expected) in [
            ("development", "shop@localhost:5432/shop_dev"),
            ("production", "shop@db1:5433/shop r@db2:3306/reports"),
            ("local", "/srv/shop/a.sqlite3"),
            ("remote", "db3:3306/shop"),
            ("default", ""),
            ("none", ""),
        ] {
            let found: Vec<String> =
                places(text, environment, &world).iter().map(ToString::to_string).collect();
            assert_eq!(found.join(" "), expected, "{environment}");
        }
        for torn in ["", ":", "a:\n b", "\u{feff}production:\n\tx: y", "p:\n  a: &", "p:\n  <<: *"]
        {
            drop(places(torn, "p", &world));
        }
    }
}
