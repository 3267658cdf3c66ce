//! What an EXECUTE gives to the statement that was prepared.

use squawk_syntax::{SyntaxKind, SyntaxNode};

use super::tree::{all_tokens, child, find};
use super::{Read, bounded, parse, read_within, token, tree::Place};
use crate::lang::Effect;

/// Returns what a prepared statement does with the values that an EXECUTE gives it; none where not all
/// are literals, or where it cannot be read with them.
pub(super) fn with_values(prepared: &str, execute: &str) -> Option<Vec<Effect>> {
    let statements = token::statements(execute);
    let values = bounded(execute, statements.first()?, || values(&parse(execute).0))??;
    let prepared_statements = token::statements(prepared);
    let text = bounded(prepared, prepared_statements.first()?, || filled(prepared, &values))??;
    let Read { reason, effects, .. } = read_within(&text, Place::Exact(0), 0);
    reason.is_none().then_some(effects)
}

fn values(root: &SyntaxNode) -> Option<Vec<String>> {
    let execute = find(root, &[SyntaxKind::EXECUTE])?;
    let args = child(&execute, &[SyntaxKind::ARG_LIST])?;
    let literal = |arg: SyntaxNode| {
        let value = arg.children().next()?;
        let is_plain = find(&value, &[SyntaxKind::NAME_REF, SyntaxKind::SELECT]).is_none();
        is_plain.then(|| value.text().to_string())
    };
    args.children().map(literal).collect()
}

/// Puts values in the place of `$1`, `$2` and so on.
fn filled(prepared: &str, values: &[String]) -> Option<String> {
    let mut text = prepared.to_owned();
    let params: Vec<_> = all_tokens(&parse(prepared).0)
        .filter(|token| token.kind() == SyntaxKind::POSITIONAL_PARAM)
        .collect();
    for param in params.into_iter().rev() {
        let number: usize = param.text().strip_prefix('$')?.parse().ok()?;
        let value = values.get(number.checked_sub(1)?)?;
        let range = param.text_range();
        text.replace_range(usize::from(range.start())..usize::from(range.end()), value);
    }
    Some(text)
}
