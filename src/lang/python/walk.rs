//! The walk over a tree: what encloses each call.

use std::collections::BTreeMap;

use ruff_python_ast::visitor::{Visitor, walk_expr, walk_stmt};
use ruff_python_ast::{Comprehension, Expr, ExprCall, Stmt};
use ruff_text_size::Ranged;

use super::call::{self, ROW};
use super::chain::{Chain, Kind, kind};
use crate::lang::Effect;

/// Functions that call what they are given once for each of many.
const MAPPERS: &[&str] = &[
    "map",
    "starmap",
    "imap",
    "imap_unordered",
    "map_async",
    "starmap_async",
    "gather",
    "submit",
    "for_each",
    "foreach",
    "apply",
    "apply_async",
    "filter",
    "as_completed",
    "wait",
    "reduce",
];

/// Those that do so where they are given a `key`.
const KEYED: &[&str] = &["sorted", "max", "min", "groupby", "sort"];

/// Functions that run a text of Python which they are given.
const RUNNERS: &[&str] = &["exec", "eval", "run_cell", "run_line_magic", "run_cell_magic", "ex"];

/// How many calls deep a function that the same text defines is followed, and texts in texts.
const MOST_CALLS: usize = 4;

/// How many calls are followed in all: nobody reads what does more.
const MOST_FOLLOWED: usize = 1_000;

/// Functions that hand on what they are given.
const WRAPPERS: &[&str] = &["list", "tuple", "set", "sorted", "reversed", "iter", "enumerate"];

/// Methods that run a statement put together by the program.
const EXECUTORS: &[&str] = &["execute", "exec", "scalar", "scalars", "execute_async"];

/// Reads all statements of a text.
pub(super) fn effects(suite: &[Stmt], types: &BTreeMap<String, String>) -> Vec<Effect> {
    read(suite, types, Around::default(), 0)
}

fn read(
    suite: &[Stmt],
    types: &BTreeMap<String, String>,
    around: Around,
    deep: usize,
) -> Vec<Effect> {
    let functions = BTreeMap::new();
    let mut walk = Walk { types, effects: Vec::new(), around, functions, deep, followed: 0 };
    for statement in suite {
        walk.visit_stmt(statement);
    }
    walk.effects
}

/// What encloses a call.
#[derive(Debug, Clone, Default)]
pub(super) struct Around {
    /// What is looped over, as a person would call it, empty where that has no name; there is a
    /// loop if it is some.
    pub(super) looped: Option<String>,
    /// Whether a condition is put on what is called: `delete(User).where(…)`.
    pub(super) is_filtered: bool,
    /// Whether it is what an `execute` is given: a statement put together.
    pub(super) is_executed: bool,
    /// Whether it is an argument of a function that calls it.
    is_mapped: bool,
    /// Loop variables, and what they are taken from.
    bound: Vec<(String, Kind)>,
}

impl Around {
    /// Says what the root of a chain stands for.
    pub(super) fn kind(&self, types: &BTreeMap<String, String>, name: Option<&str>) -> Kind {
        let bound = self.bound.iter().rev().find(|(known, _)| Some(known.as_str()) == name);
        bound.map_or_else(|| kind(types, name), |(_, kind)| *kind)
    }
}

pub(super) struct Walk<'t, 'a> {
    types: &'t BTreeMap<String, String>,
    effects: Vec<Effect>,
    around: Around,
    /// The bodies of functions that the text has defined so far.
    functions: BTreeMap<String, &'a [Stmt]>,
    /// How many calls and texts deep this is.
    deep: usize,
    /// How many were followed so far.
    followed: usize,
}

impl<'a> Walk<'_, 'a> {
    /// Walks a part with other surroundings, and returns to the old ones.
    fn within(&mut self, change: impl FnOnce(&mut Around), walk: impl FnOnce(&mut Self)) {
        let before = self.around.clone();
        change(&mut self.around);
        walk(self);
        self.around = before;
    }

    /// A loop over something: its target is bound within.
    fn bind(&self, target: &Expr, iter: &Expr) -> Vec<(String, Kind)> {
        // An element of a list can be anything; one of a query set is of the database.
        let of = match self.around.kind(self.types, Chain::of(taken_from(iter)).root()) {
            Kind::Database => Kind::Database,
            Kind::Harmless | Kind::Unknown => Kind::Unknown,
        };
        names(target).into_iter().map(|name| (name, of)).collect()
    }

    fn comprehension(&mut self, generators: &'a [Comprehension], elements: &[&'a Expr]) {
        let before = self.around.clone();
        for generator in generators {
            self.visit_expr(&generator.iter);
            let bound = self.bind(&generator.target, &generator.iter);
            self.around.bound.extend(bound);
            self.around.looped = Some(shown(&generator.iter));
            for condition in &generator.ifs {
                self.visit_expr(condition);
            }
        }
        for element in elements {
            self.visit_expr(element);
        }
        self.around = before;
    }

    fn call(&mut self, expr: &'a ExprCall) {
        if let Expr::Lambda(lambda) = &*expr.func {
            self.visit_expr(&lambda.body);
        }
        let chain = Chain::of(&expr.func);
        let found = call::read(expr, &chain, &self.around, self.types);
        if !found.is_empty() {
            self.effects.extend(found);
            return;
        }
        let method = chain.method().unwrap_or_default();
        let is_condition = ["where", "filter", "filter_by"].contains(&method);
        self.within(
            |around| around.is_filtered |= is_condition,
            |walk| walk.visit_expr(&expr.func),
        );
        if RUNNERS.contains(&method) {
            self.text(expr);
        }
        self.own(expr);
        let has_key = expr
            .arguments
            .keywords
            .iter()
            .any(|given| given.arg.as_ref().is_some_and(|name| name.as_str() == "key"));
        let is_keyed = has_key && KEYED.contains(&method);
        let is_mapper = is_keyed || MAPPERS.contains(&method);
        let over = expr.arguments.args.get(usize::from(!is_keyed)).map(shown).unwrap_or_default();
        let is_executing = EXECUTORS.contains(&method);
        self.within(
            |around| {
                around.is_filtered = false;
                around.is_mapped = is_mapper;
                around.is_executed = is_executing;
                if is_mapper {
                    around.looped = Some(over);
                }
            },
            |walk| walk.visit_arguments(&expr.arguments),
        );
    }
}

impl<'a> Walk<'_, 'a> {
    /// A function that the text itself defines: what it does is done where it is called.
    fn own(&mut self, expr: &'a ExprCall) {
        let Expr::Name(name) = &*expr.func else { return };
        if let Some(body) = self.functions.get(name.id.as_str()).copied()
            && self.deep < MOST_CALLS
            && self.followed < MOST_FOLLOWED
        {
            self.followed += 1;
            self.deep += 1;
            self.visit_body(body);
            self.deep -= 1;
        }
    }

    /// A text of Python that a call is given, where it is written out.
    fn text(&mut self, expr: &ExprCall) {
        for given in expr.arguments.args.iter().filter(|_| self.deep < MOST_CALLS) {
            let Expr::StringLiteral(string) = given else { continue };
            let found = without_options(string.value.to_str()).into_iter().find_map(|text| {
                let parsed = super::parsed(text)?;
                let found = read(&parsed.body, self.types, self.around.clone(), self.deep + 1);
                (!found.is_empty()).then_some(found)
            });
            let Some(found) = found else { continue };
            let place = expr.range().start().to_usize()..expr.range().end().to_usize();
            let found = found.into_iter().map(|effect| Effect { span: place.clone(), ..effect });
            self.effects.extend(found);
        }
    }
}

impl<'a> Visitor<'a> for Walk<'_, 'a> {
    fn visit_stmt(&mut self, statement: &'a Stmt) {
        match statement {
            Stmt::FunctionDef(function) => {
                self.functions.insert(function.name.to_string(), &function.body);
                for decorator in &function.decorator_list {
                    self.visit_decorator(decorator);
                }
            }
            Stmt::For(loops) => {
                self.visit_expr(&loops.iter);
                let bound = self.bind(&loops.target, &loops.iter);
                let over = shown(&loops.iter);
                self.within(
                    |around| {
                        around.bound.extend(bound);
                        around.looped = Some(over);
                    },
                    |walk| walk.visit_body(&loops.body),
                );
                self.visit_body(&loops.orelse);
            }
            Stmt::While(loops) => {
                self.within(
                    |around| around.looped = Some(shown(&loops.test)),
                    |walk| {
                        walk.visit_expr(&loops.test);
                        walk.visit_body(&loops.body);
                    },
                );
                self.visit_body(&loops.orelse);
            }
            // `del x` and `del d[k]` are about names and containers.
            Stmt::Delete(_) => {}
            other => walk_stmt(self, other),
        }
    }

    fn visit_expr(&mut self, expr: &'a Expr) {
        match expr {
            Expr::Call(inner) => self.call(inner),
            Expr::ListComp(list) => self.comprehension(&list.generators, &[&list.elt]),
            Expr::SetComp(set) => self.comprehension(&set.generators, &[&set.elt]),
            Expr::Generator(inner) => self.comprehension(&inner.generators, &[&inner.elt]),
            Expr::DictComp(dict) => {
                let mut elements: Vec<&Expr> = dict.key.iter().map(AsRef::as_ref).collect();
                elements.push(&dict.value);
                self.comprehension(&dict.generators, &elements);
            }
            Expr::Lambda(lambda) if self.around.is_mapped => self.visit_expr(&lambda.body),
            Expr::Lambda(_) => {}
            // `map(Family.delete, families)`
            Expr::Attribute(attribute)
                if self.around.is_mapped && ROW.contains(&attribute.attr.as_str()) =>
            {
                let chain = Chain::of(expr);
                self.effects.extend(call::mapped(expr, &chain, &self.around, self.types));
            }
            other => walk_expr(self, other),
        }
    }
}

/// Returns a text, and what may be left of it behind the options of one of IPython's commands: `-n1 -r 1 …`.
fn without_options(text: &str) -> Vec<&str> {
    let mut found = vec![text];
    let mut rest = text.trim_start();
    while rest.starts_with('-') {
        rest = behind(rest);
        found.push(rest);
        if !rest.starts_with('-') {
            // It may be the option's value.
            rest = behind(rest);
            found.push(rest);
        }
    }
    found
}

/// Returns what stands behind a text's first word.
fn behind(text: &str) -> &str {
    text.split_once(char::is_whitespace).map_or("", |(_, rest)| rest.trim_start())
}

/// Returns what a person would call something that is looped over.
fn shown(expr: &Expr) -> String {
    Chain::of(taken_from(expr)).whole().unwrap_or_default()
}

/// Returns what is really looped over by `list(…)` and the like.
fn taken_from(expr: &Expr) -> &Expr {
    if let Expr::Call(call) = expr
        && let Expr::Name(name) = &*call.func
        && WRAPPERS.contains(&name.id.as_str())
        && let Some(first) = call.arguments.args.first()
    {
        return first;
    }
    expr
}

/// Returns the names a loop binds.
fn names(target: &Expr) -> Vec<String> {
    match target {
        Expr::Name(name) => vec![name.id.to_string()],
        Expr::Tuple(tuple) => tuple.elts.iter().flat_map(names).collect(),
        Expr::List(list) => list.elts.iter().flat_map(names).collect(),
        Expr::Starred(inner) => names(&inner.value),
        _ => Vec::new(),
    }
}
