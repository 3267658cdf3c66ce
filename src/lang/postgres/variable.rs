//! Variables of the block that a statement stands in.

use squawk_syntax::{SyntaxKind, SyntaxNode};

use super::tree::{child, ident};

/// Returns the names of all that is declared around a statement; each is the same for every row.
pub(super) fn variables(statement: &SyntaxNode) -> Vec<String> {
    const DECLARED: &[SyntaxKind] = &[SyntaxKind::PLPGSQL_VAR_DECL, SyntaxKind::PLPGSQL_ALIAS_DECL];
    let blocks = statement.ancestors().filter(|outer| outer.kind() == SyntaxKind::PLPGSQL_BLOCK);
    let sections = blocks.filter_map(|block| child(&block, &[SyntaxKind::PLPGSQL_DECLARE_SECTION]));
    let declared = sections.flat_map(|section| section.children());
    let declared = declared.filter(|part| DECLARED.contains(&part.kind()));
    let names = declared.filter_map(|part| part.children().next());
    names.map(|name| ident(&name)).collect()
}
