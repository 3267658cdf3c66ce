//! The walk over a tree: what encloses each call.

use std::collections::BTreeMap;

use ruff_python_ast::visitor::{Visitor, walk_expr, walk_stmt};
use ruff_python_ast::{Comprehension, Expr, ExprCall, Stmt};

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
];

/// Functions that hand on what they are given.
const WRAPPERS: &[&str] = &["list", "tuple", "set", "sorted", "reversed", "iter", "enumerate"];

/// Methods that run a statement put together by the program.
const EXECUTORS: &[&str] = &["execute", "exec", "scalar", "scalars", "execute_async"];

/// Reads all statements of a text.
pub(super) fn effects(suite: &[Stmt], types: &BTreeMap<String, String>) -> Vec<Effect> {
    let mut walk = Walk { types, effects: Vec::new(), around: Around::default() };
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

pub(super) struct Walk<'t> {
    types: &'t BTreeMap<String, String>,
    effects: Vec<Effect>,
    around: Around,
}

impl Walk<'_> {
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

    fn comprehension(&mut self, generators: &[Comprehension], elements: &[&Expr]) {
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

    fn call(&mut self, expr: &ExprCall) {
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
        let is_mapper = MAPPERS.contains(&method);
        let over = expr.arguments.args.get(1).map(shown).unwrap_or_default();
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

impl<'a> Visitor<'a> for Walk<'_> {
    fn visit_stmt(&mut self, statement: &'a Stmt) {
        match statement {
            Stmt::FunctionDef(function) => {
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
