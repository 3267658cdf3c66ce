//! A condition's tree to what the question of scope needs of it.

use squawk_syntax::SyntaxKind;

use super::expression::{
    chain, column, is_bool, is_called, is_column, is_expression, is_null, number, operand,
    outermost, parts, unwrapped,
};
use super::function;
use super::subquery::{gives_nothing, is_empty_list, is_of_all, only_value, subquery, values};
use super::syntax::SyntaxNode;
use super::token::BETWEEN;
use super::tree::{all_tokens, child, find, has_token, name, string};
use crate::lang::condition::{CAST, Condition, Cover, Op, Truth, pattern};

/// The table a condition is about.
#[derive(Debug, Clone)]
pub(super) struct Subject {
    /// What its columns can be qualified with: the alias, or else the table's own name.
    pub(super) qualifier: String,
    /// The table's name as the statement has it.
    pub(super) table: String,
    /// A WITH query has the same name: a subquery on it is not the table.
    pub(super) is_shadowed: bool,
    /// What the same table goes by around a subquery on it, or where it is joined with itself: of the
    /// row at hand both mean the same.
    pub(super) outer: Option<String>,
}

impl Subject {
    /// No table: every column is another's.
    pub(super) fn of_nothing() -> Self {
        let (qualifier, table) = (String::new(), String::new());
        Self { qualifier, table, is_shadowed: false, outer: None }
    }

    /// The table of this name, whose columns no condition names.
    pub(super) fn with_table(self, table: &str) -> Self {
        Self { table: table.to_owned(), ..self }
    }

    /// Returns how much of the table an expression covers as a condition.
    pub(super) fn cover(&self, expr: &SyntaxNode) -> Cover {
        self.read(expr).cover(Truth::Strict)
    }

    /// Reads an expression.
    pub(super) fn read(&self, expr: &SyntaxNode) -> Condition {
        let expr = unwrapped(expr);
        if let Some(number) = number(&expr) {
            return Condition::Number(number);
        }
        if let Some(column) = self.own_column(&expr) {
            return Condition::Column(column);
        }
        match expr.kind() {
            SyntaxKind::LITERAL => self.literal(&expr),
            SyntaxKind::CAST_EXPR => self.cast(&expr),
            SyntaxKind::PREFIX_EXPR => self.prefix(&expr),
            SyntaxKind::POSTFIX_EXPR => self.postfix(&expr),
            SyntaxKind::BIN_EXPR => self.binary(&expr),
            SyntaxKind::CALL_EXPR => self.call(&expr),
            SyntaxKind::CASE_EXPR => self.case(&expr),
            SyntaxKind::PAREN_EXPR => match subquery(&expr).and_then(|query| only_value(&query)) {
                Some(value) => self.read(&value),
                None => self.other(&expr),
            },
            _ => self.other(&expr),
        }
    }

    fn boxed(&self, expr: &SyntaxNode) -> Box<Condition> {
        Box::new(self.read(expr))
    }

    fn other(&self, expr: &SyntaxNode) -> Condition {
        // Two looks at a query may differ, as far as anybody knows.
        let is_volatile = function::is_volatile(expr) || find(expr, QUERIES).is_some();
        Condition::Other {
            text: self.text(expr),
            reads: self.reads(expr),
            is_volatile: is_volatile && self.reads(expr),
        }
    }

    /// Returns a column of the table itself.
    fn own_column(&self, expr: &SyntaxNode) -> Option<String> {
        match column(expr)? {
            (None, column) => Some(column),
            (Some(qualifier), column) => {
                (qualifier == self.qualifier || Some(qualifier) == self.outer).then_some(column)
            }
        }
    }

    fn literal(&self, expr: &SyntaxNode) -> Condition {
        match all_tokens(expr).next().map(|token| token.kind()) {
            Some(SyntaxKind::TRUE_KW) => Condition::Known(Some(true)),
            Some(SyntaxKind::FALSE_KW) => Condition::Known(Some(false)),
            Some(SyntaxKind::NULL_KW) => Condition::Known(None),
            Some(SyntaxKind::POSITIONAL_PARAM) => self.other(expr),
            _ => string(expr).map_or_else(|| self.other(expr), Condition::Text),
        }
    }

    fn cast(&self, expr: &SyntaxNode) -> Condition {
        let inner = expr.children().find(|part| is_expression(part.kind()));
        let ty = find(expr, &[SyntaxKind::PATH_TYPE]);
        let ty = ty.filter(|ty| find(ty, &[SyntaxKind::ARG_LIST]).is_none());
        match (inner, ty) {
            (Some(inner), Some(ty)) if is_bool(&ty) => self.read(&inner),
            (Some(inner), Some(ty)) => match self.read(&inner) {
                literal @ (Condition::Text(_) | Condition::Number(_)) => match is_lasting(&ty) {
                    true => literal,
                    false => self.other(expr),
                },
                value if is_lasting(&ty) || value.is_key() && is_whole(&ty) => {
                    Condition::Call(CAST.to_owned(), vec![value])
                }
                _ => self.other(expr),
            },
            _ => self.other(expr),
        }
    }

    fn prefix(&self, expr: &SyntaxNode) -> Condition {
        let sign = all_tokens(expr).next().map(|token| token.kind());
        match (operand(expr), sign) {
            (Some(inner), Some(SyntaxKind::NOT_KW)) => self.read(&inner).negated(true),
            (Some(inner), Some(SyntaxKind::PLUS)) => self.read(&inner),
            _ => self.other(expr),
        }
    }

    fn postfix(&self, expr: &SyntaxNode) -> Condition {
        match operand(expr) {
            Some(inner) if has_token(expr, SyntaxKind::NOTNULL_KW) => {
                Condition::IsNotNull(self.boxed(&inner))
            }
            Some(inner) if has_token(expr, SyntaxKind::ISNULL_KW) => {
                Condition::IsNull(self.boxed(&inner))
            }
            _ => self.other(expr),
        }
    }

    fn call(&self, expr: &SyntaxNode) -> Condition {
        if child(expr, &[SyntaxKind::EXISTS_FN]).is_some()
            && let Some(select) = subquery(expr)
        {
            if self.finds_itself(&select) {
                return Condition::Whole;
            }
            if only_value(&select).is_some() {
                return Condition::Known(Some(true));
            }
        }
        let args = child(expr, &[SyntaxKind::ARG_LIST]).map(|args| {
            let args = args.children().filter(|arg| arg.kind() == SyntaxKind::ARG);
            args.map(|arg| arg.children().last().filter(|arg| is_expression(arg.kind())))
                .collect::<Option<Vec<_>>>()
        });
        let is_plain = expr.children().count() == 2;
        match (function::called(expr), args.flatten()) {
            (Some(name), Some(args)) if is_plain => {
                Condition::Call(name, args.iter().map(|arg| self.read(arg)).collect())
            }
            _ => self.other(expr),
        }
    }

    fn case(&self, expr: &SyntaxNode) -> Condition {
        let within = |node: &SyntaxNode| -> Vec<Condition> {
            let parts = node.children().filter(|part| is_expression(part.kind()));
            parts.map(|part| self.read(&part)).collect()
        };
        let mut chosen_by = within(expr);
        let mut results = Vec::new();
        let whens = child(expr, &[SyntaxKind::WHEN_CLAUSE_LIST]);
        for when in whens.iter().flat_map(|list| list.children()) {
            let mut parts = within(&when).into_iter();
            let (Some(condition), Some(result), None) = (parts.next(), parts.next(), parts.next())
            else {
                return self.other(expr);
            };
            chosen_by.push(condition);
            results.push(result);
        }
        let or_else = child(expr, &[SyntaxKind::ELSE_CLAUSE]).map(|part| within(&part));
        match or_else.as_deref() {
            None => results.push(Condition::Known(None)),
            Some([result]) => results.push(result.clone()),
            Some(_) => return self.other(expr),
        }
        Condition::Case { chosen_by, results }
    }

    fn binary(&self, expr: &SyntaxNode) -> Condition {
        let Some((left, op, right)) = parts(expr) else {
            return self.other(expr);
        };
        // Written out with its schema, an operator is the same.
        let bare = op.strip_prefix("operator(").and_then(|op| op.strip_suffix(')'));
        let op = bare.map_or(op.as_str(), |op| op.strip_prefix("pg_catalog.").unwrap_or(op));
        let is_not = op.starts_with("not") || op.starts_with('!') && op != "!=" || op == "isnot";
        if let Some(list) = self.list(&right) {
            let is_all = is_of_all(&right);
            return match op {
                _ if list.is_empty() && (is_all || right.kind() == SyntaxKind::CALL_EXPR) => {
                    Condition::Known(Some(is_all))
                }
                "=" if !is_all => Condition::In(self.boxed(&left), list),
                "<>" | "!=" if is_all => Condition::In(self.boxed(&left), list).negated(true),
                "like" | "ilike" if !is_all => {
                    let parts = list.into_iter().map(|one| self.like(&left, one, pattern::like));
                    Condition::Or(parts.collect())
                }
                _ => self.other(expr),
            };
        }
        match op {
            _ if gives_nothing(&right) && op.ends_with("in") => Condition::Known(Some(is_not)),
            _ if gives_nothing(&right) && is_of_all(&right) => Condition::Known(Some(true)),
            "and" => self.conjunction(&chain(expr, "and")),
            "or" => Condition::Or(chain(expr, "or").iter().map(|part| self.read(part)).collect()),
            "is" if is_null(&right) => Condition::IsNull(self.boxed(&left)),
            "isnot" if is_null(&right) => Condition::IsNotNull(self.boxed(&left)),
            "is" | "isnot" => match all_tokens(&right).next().map(|token| token.kind()) {
                Some(SyntaxKind::TRUE_KW) => Condition::Is(self.boxed(&left), !is_not),
                Some(SyntaxKind::FALSE_KW) => Condition::Is(self.boxed(&left), is_not),
                _ => self.other(expr),
            },
            "@>" if is_empty_list(&right) => self.like(&left, self.read(&right), |_| true),
            "<@" if is_empty_list(&left) => self.like(&right, self.read(&left), |_| true),
            "^@" => {
                Condition::Call("starts_with".to_owned(), vec![self.read(&left), self.read(&right)])
            }
            ">=" | "<=" if self.is_own_end(&left, op, &right) => Condition::Whole,
            "=" | "in" | "notin" if !is_of_all(&right) && self.is_itself(&left, &right) => {
                Condition::Whole.negated(is_not)
            }
            "in" | "notin" => {
                let list = values(&right).unwrap_or_else(|| right.children().collect());
                if list.is_empty() || !list.iter().all(|item| is_expression(item.kind())) {
                    return self.other(expr);
                }
                let list = list.iter().map(|item| self.read(item)).collect();
                Condition::In(self.boxed(&left), list).negated(is_not)
            }
            "like" | "ilike" | "similarto" | "~~" | "~~*" | "notlike" | "notilike"
            | "notsimilarto" | "!~~" | "!~~*" => {
                // ESCAPE changes nothing about a pattern of `%` alone.
                let escaped = parts(&right).filter(|(_, op, _)| op == "escape");
                let taken = escaped.map_or(right, |(taken, ..)| taken);
                self.like(&left, self.read(&taken), pattern::like).negated(is_not)
            }
            "~" | "~*" | "!~" | "!~*" => {
                self.like(&left, self.read(&right), pattern::regular).negated(is_not)
            }
            "+" | "-" | "*" | "/" | "%" | "||" => {
                let sign = op.chars().next().unwrap_or_default();
                Condition::Arithmetic(sign, self.boxed(&left), self.boxed(&right))
            }
            _ => match comparison(op) {
                Some(op) if is_expression(right.kind()) => {
                    Condition::compare(self.read(&left), op, self.read(&right))
                }
                _ => self.other(expr),
            },
        }
    }

    fn like(
        &self,
        value: &SyntaxNode,
        pattern: Condition,
        takes_all: impl Fn(&str) -> bool,
    ) -> Condition {
        Condition::matches(self.read(value), pattern, takes_all)
    }

    /// AND, and what the parser makes of `a BETWEEN 1 AND 2`: an operator, and a part that holds
    /// the upper bound.
    fn conjunction(&self, operands: &[SyntaxNode]) -> Condition {
        let mut read = Vec::new();
        let mut operands = operands.iter();
        while let Some(part) = operands.next() {
            let part = unwrapped(part);
            let Some((value, low, is_not)) = half(&part) else {
                read.push(self.read(&part));
                continue;
            };
            let Some(high) = operands.next() else {
                read.push(self.other(&part));
                break;
            };
            let (value, low, high) = (self.read(&value), self.read(&low), self.read(high));
            read.push(Condition::between(value, low, high).negated(is_not));
        }
        match read.pop() {
            Some(only) if read.is_empty() => only,
            last => Condition::And(read.into_iter().chain(last).collect()),
        }
    }

    /// Returns an operand's text, folded, with the table's own qualifier left out.
    fn text(&self, node: &SyntaxNode) -> String {
        let node = unwrapped(node);
        match column(&node) {
            Some((None, column)) => column,
            Some((Some(qualifier), column)) if qualifier == self.qualifier => column,
            Some((Some(qualifier), column)) => format!("{qualifier}.{column}"),
            None => {
                let tokens: Vec<String> = all_tokens(&node)
                    .map(|token| match token.text().starts_with(['\'', '"', '$', 'E', 'e']) {
                        true => token.text().to_owned(),
                        false => token.text().to_ascii_lowercase(),
                    })
                    .collect();
                tokens.join(" ")
            }
        }
    }

    /// Returns whether an expression may read a column of the table, or differ from row to row.
    fn reads(&self, expr: &SyntaxNode) -> bool {
        if function::is_volatile(expr) {
            return true;
        }
        expr.descendants().filter(|node| node.kind() == SyntaxKind::NAME_REF).any(|node| {
            let Some(parent) = node.parent().filter(|_| node != *expr) else {
                return is_column(&node);
            };
            match parent.kind() {
                SyntaxKind::CALL_EXPR => false,
                SyntaxKind::FIELD_EXPR => {
                    // The qualifier is the first part: `t.id`; of `s.t.id` the second counts.
                    if is_called(&parent) || parent.children().next().as_ref() != Some(&node) {
                        return false;
                    }
                    match outermost(&parent) {
                        Some((Some(qualifier), _)) => qualifier == self.qualifier,
                        Some((None, _)) | None => true,
                    }
                }
                _ => is_column(&node) && !is_inner(&node, expr),
            }
        })
    }
}

/// Returns whether a bare column in a subquery is the subquery's own, as far as one can tell: it is
/// compared with no other.
fn is_inner(node: &SyntaxNode, expr: &SyntaxNode) -> bool {
    let mut around = node.ancestors().skip(1).take_while(|outer| outer != expr);
    let mut columns = 1;
    let select = around.find(|outer| {
        if outer.kind() == SyntaxKind::BIN_EXPR && columns == 1 {
            let names = outer.descendants().filter(|name| name.kind() == SyntaxKind::NAME_REF);
            columns = names.take(2).count();
        }
        outer.kind() == SyntaxKind::SELECT
    });
    let is_own = |select: SyntaxNode| child(&select, &[SyntaxKind::FROM_CLAUSE]).is_some();
    columns == 1 && select.is_some_and(is_own)
}

/// Reads the first half of a BETWEEN: the value, the lower bound, and whether NOT stands there.
fn half(part: &SyntaxNode) -> Option<(SyntaxNode, SyntaxNode, bool)> {
    if part.kind() == SyntaxKind::PREFIX_EXPR && has_token(part, SyntaxKind::NOT_KW) {
        let (value, low, is_not) = half(&operand(part)?)?;
        return Some((value, low, !is_not));
    }
    let (value, op, low) = parts(part)?;
    let is_not = op == BETWEEN.1;
    (is_not || op == BETWEEN.0).then_some((value, low, is_not))
}

/// Returns whether a type holds every value as it was, as far as equality goes.
fn is_lasting(ty: &SyntaxNode) -> bool {
    matches!(name(ty).rsplit('.').next(), Some("text" | "varchar" | "jsonb" | "citext"))
}

/// Returns whether a type is one of whole numbers.
fn is_whole(ty: &SyntaxNode) -> bool {
    matches!(name(ty).rsplit('.').next(), Some("bigint" | "int" | "int4" | "int8" | "integer"))
}

fn comparison(op: &str) -> Option<Op> {
    Some(match op {
        "=" => Op::Equal,
        "<>" | "!=" => Op::Unequal,
        "<" => Op::Less,
        ">" => Op::Greater,
        "<=" => Op::LessOrEqual,
        ">=" => Op::GreaterOrEqual,
        "isnotdistinctfrom" => Op::Same,
        "isdistinctfrom" => Op::Differs,
        _ => return None,
    })
}

const QUERIES: &[SyntaxKind] = &[
    SyntaxKind::SELECT,
    SyntaxKind::COMPOUND_SELECT,
    SyntaxKind::PAREN_SELECT,
    SyntaxKind::VALUES,
    SyntaxKind::TABLE,
];
