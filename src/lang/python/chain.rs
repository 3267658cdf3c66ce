//! What stands before a call's brackets: `Family.objects.filter(…).delete` as its names.

use std::collections::BTreeMap;

use ruff_python_ast::{Expr, FStringPart, InterpolatedStringElement, Operator};

/// What stands in a text for a part that is not known: any name would do.
pub(super) const WHATEVER: &str = "_x";

/// One name of a chain.
#[derive(Debug, Clone, Copy)]
struct Link<'a> {
    name: &'a str,
    /// Whether it is called with arguments.
    has_arguments: bool,
}

/// The names from the root to the method, calls and subscripts left out.
#[derive(Debug, Default)]
pub(super) struct Chain<'a> {
    links: Vec<Link<'a>>,
    /// Whether the first of them is a name by itself, and not an attribute of something else.
    is_rooted: bool,
}

impl<'a> Chain<'a> {
    /// Reads a call's function, or any other expression.
    pub(super) fn of(function: &'a Expr) -> Self {
        let mut chain = Self::default();
        let mut at = function;
        let mut has_arguments = false;
        loop {
            at = match at {
                Expr::Attribute(attribute) => {
                    chain.links.push(Link { name: attribute.attr.as_str(), has_arguments });
                    has_arguments = false;
                    &attribute.value
                }
                Expr::Call(call) => {
                    let arguments = &call.arguments;
                    has_arguments = !arguments.args.is_empty() || !arguments.keywords.is_empty();
                    &call.func
                }
                Expr::Subscript(subscript) => &subscript.value,
                Expr::Await(inner) => &inner.value,
                Expr::Starred(inner) => &inner.value,
                Expr::Name(name) => {
                    chain.links.push(Link { name: name.id.as_str(), has_arguments });
                    chain.is_rooted = true;
                    break;
                }
                _ => break,
            };
        }
        chain.links.reverse();
        chain
    }

    /// Returns the method or function that is called.
    pub(super) fn method(&self) -> Option<&'a str> {
        self.links.last().map(|link| link.name)
    }

    /// Returns whether there is no receiver: a function by its bare name.
    pub(super) fn is_function(&self) -> bool {
        self.is_rooted && self.links.len() == 1
    }

    fn before(&self) -> &[Link<'a>] {
        self.links.split_last().map_or(&[], |(_, rest)| rest)
    }

    /// Returns the name right before the method.
    pub(super) fn owner(&self) -> Option<&'a str> {
        self.before().last().map(|link| link.name)
    }

    /// Returns the name the chain begins with.
    pub(super) fn root(&self) -> Option<&'a str> {
        self.links.first().map(|link| link.name).filter(|_| self.is_rooted)
    }

    /// Returns whether one of the names stands before the method and behind the root.
    pub(super) fn has(&self, names: &[&str]) -> bool {
        self.before().iter().skip(1).any(|link| names.contains(&link.name))
    }

    /// Returns whether one of the names stands before the method and is called with arguments.
    pub(super) fn has_called(&self, names: &[&str]) -> bool {
        self.before().iter().any(|link| link.has_arguments && names.contains(&link.name))
    }

    /// Returns what a person would call it: `Family.objects`.
    pub(super) fn shown(&self) -> Option<String> {
        join(self.before())
    }

    /// Returns the whole of it: `Family.objects.delete`.
    pub(super) fn whole(&self) -> Option<String> {
        join(&self.links)
    }
}

fn join(links: &[Link<'_>]) -> Option<String> {
    let names: Vec<&str> = links.iter().map(|link| link.name).collect();
    (!names.is_empty()).then(|| names.join("."))
}

/// What a name stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// Something of a database: a model, a collection, a session, a connection.
    Database,
    /// Something that has methods of these names and loses nothing: a list, a frame, a widget.
    Harmless,
    /// Nobody told.
    Unknown,
}

/// Packages whose classes reach a database.
const DATABASES: &[&str] = &[
    "mongoengine",
    "pymongo",
    "motor",
    "django.db",
    "sqlalchemy",
    "peewee",
    "tortoise",
    "pony",
    "beanie",
    "odmantic",
    "pynamodb",
    "redis",
    "psycopg",
    "psycopg2",
    "asyncpg",
    "MySQLdb",
    "pymysql",
    "sqlite3",
    "elasticsearch",
    "cassandra",
    "boto3",
    "botocore",
    "aiosqlite",
];

/// Packages whose classes reach none, though their methods are named alike.
const HARMLESS: &[&str] = &[
    "builtins",
    "collections",
    "numpy",
    "pandas",
    "polars",
    "tkinter",
    "pathlib",
    "logging",
    "io",
    "os",
    "shutil",
    "array",
    "queue",
    "asyncio",
    "threading",
    "enum",
    "re",
];

/// Says what a description of a running process' name means.
pub(super) fn kind(types: &BTreeMap<String, String>, name: Option<&str>) -> Kind {
    let Some(told) = name.and_then(|name| types.get(name)) else { return Kind::Unknown };
    let mut words = told.split(' ');
    let is_module = words.next() == Some("module");
    let origins: Vec<&str> = words.collect();
    let is_from = |packages: &[&str]| {
        origins.iter().any(|origin| {
            packages.iter().any(|package| {
                let rest = origin.strip_prefix(package);
                rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
            })
        })
    };
    if is_from(DATABASES) {
        Kind::Database
    } else if is_module {
        if is_from(HARMLESS) { Kind::Harmless } else { Kind::Unknown }
    } else if origins.first().is_some_and(|first| {
        HARMLESS
            .iter()
            .any(|package| first.strip_prefix(package).is_some_and(|r| r.starts_with('.')))
    }) {
        Kind::Harmless
    } else {
        Kind::Unknown
    }
}

/// Returns the text of a string, what is put into it left open; none where it is no string.
pub(super) fn text(expr: &Expr) -> Option<String> {
    match expr {
        Expr::StringLiteral(string) => Some(string.value.to_str().to_owned()),
        Expr::BytesLiteral(bytes) => {
            let bytes: Vec<u8> = bytes.value.bytes().collect();
            Some(String::from_utf8_lossy(&bytes).into_owned())
        }
        Expr::FString(string) => Some(
            string
                .value
                .iter()
                .map(|part| match part {
                    FStringPart::Literal(literal) => literal.as_str().to_owned(),
                    FStringPart::FString(inner) => left_open(&inner.elements),
                })
                .collect(),
        ),
        Expr::TString(string) => {
            Some(string.value.iter().map(|part| left_open(&part.elements)).collect())
        }
        // "…" % x, "…" + x, "…".format(x), text("…"), dedent("…")
        Expr::BinOp(operation) => {
            let left = text(&operation.left)?;
            let right = text(&operation.right).unwrap_or_else(|| WHATEVER.to_owned());
            Some(match operation.op {
                Operator::Add => left + &right,
                Operator::Mod => filled(&left, '%', percent_end),
                _ => left,
            })
        }
        Expr::Call(call) => {
            if let Expr::Attribute(attribute) = &*call.func
                && attribute.attr.as_str() == "format"
            {
                return text(&attribute.value).map(|text| filled(&text, '{', brace_end));
            }
            call.arguments.args.first().and_then(text)
        }
        _ => None,
    }
}

/// Leaves open what is put into a string: any name would do, it stands for whatever is there then.
fn left_open(elements: &[InterpolatedStringElement]) -> String {
    elements
        .iter()
        .map(|element| match element {
            InterpolatedStringElement::Literal(literal) => &*literal.value,
            InterpolatedStringElement::Interpolation(_) => WHATEVER,
        })
        .collect()
}

/// Leaves open what is put into a text at its marks: what begins with `begin` and ends where `end` says,
/// in bytes behind it. A mark that stands twice is itself.
fn filled(text: &str, begin: char, end: fn(&str) -> Option<usize>) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, behind)) = rest.split_once(begin) {
        out.push_str(before);
        rest = behind;
        if let Some(same) = behind.strip_prefix(begin) {
            out.push(begin);
            rest = same;
        } else if let Some(length) = end(behind) {
            out.push_str(WHATEVER);
            rest = &behind[length..];
        } else {
            out.push(begin);
        }
    }
    out + rest
}

/// `%s`, `%-5.2f`, `%(name)s`.
fn percent_end(behind: &str) -> Option<usize> {
    let named = if behind.starts_with('(') { behind.find(')')? + 1 } else { 0 };
    let flags = |c: char| c.is_ascii_digit() || "#0- +.*".contains(c);
    let kind = named + behind[named..].find(|c| !flags(c))?;
    behind[kind..].starts_with(|c: char| c.is_ascii_alphabetic()).then_some(kind + 1)
}

/// `{}`, `{0}`, `{name!r:>5}`.
fn brace_end(behind: &str) -> Option<usize> {
    behind.find('}').map(|at| at + 1)
}
