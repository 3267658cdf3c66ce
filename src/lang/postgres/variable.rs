//! Variables of the block that a statement stands in.

use squawk_syntax::SyntaxKind;

use super::subquery::Queries;
use super::syntax::SyntaxNode;
use super::tree::{child, find, ident};
use crate::lang::condition::Condition;
use crate::lang::condition::names::Names;
use crate::lang::condition::source::Tree;

/// Returns all that is declared around a statement, with its value where that is a literal and stays.
pub(super) fn variables(statement: &SyntaxNode) -> Vec<(String, Option<Condition>)> {
    const DECLARED: &[SyntaxKind] = &[SyntaxKind::PLPGSQL_VAR_DECL, SyntaxKind::PLPGSQL_ALIAS_DECL];
    let blocks = statement.ancestors().filter(|outer| outer.kind() == SyntaxKind::PLPGSQL_BLOCK);
    let sections = blocks.filter_map(|block| child(&block, &[SyntaxKind::PLPGSQL_DECLARE_SECTION]));
    let declared = sections.flat_map(|section| section.children());
    let declared = declared.filter(|part| DECLARED.contains(&part.kind()));
    let named = declared.filter_map(|part| {
        let name = ident(&part.children().next()?);
        let value = value(&part).filter(|_| !is_set(statement, &name));
        Some((name, value))
    });
    named.collect()
}

/// Returns the literal that a variable is declared with.
fn value(declared: &SyntaxNode) -> Option<Condition> {
    let init = child(declared, &[SyntaxKind::PLPGSQL_VAR_INIT])?;
    let target = find(&init, &[SyntaxKind::TARGET])?;
    let value = Queries.read(&target.children().next()?, &Names::of_nothing());
    value.is_constant().then_some(value)
}

/// Returns whether a variable is set anywhere in the block.
fn is_set(statement: &SyntaxNode, name: &str) -> bool {
    let root = statement.ancestors().last();
    let mut parts = root.iter().flat_map(SyntaxNode::descendants);
    parts.any(|part| part.kind() == SyntaxKind::PLPGSQL_ASSIGN_TARGET && ident(&part) == name)
}
