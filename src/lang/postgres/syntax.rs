//! A statement's tree as the parser's grammar makes it, kept flat: what the reading asks of it is a
//! step in an array, where the parser's own tree, which is made for editors, is several allocations.
//!
//! The nodes are the same, one by one; a test compares them.

use std::ops::{Deref, Range};
use std::rc::Rc;

use squawk_parser::{EntryPoint, LexedStr, StrStep};
use squawk_syntax::SyntaxKind;

/// A tree in the order of its text, each node before what is in it.
struct Tree {
    text: String,
    items: Vec<Item>,
}

/// A node or a token.
#[derive(Debug, Clone, Copy)]
struct Item {
    kind: SyntaxKind,
    is_token: bool,
    /// The node around it; the root is its own.
    parent: u32,
    /// The item behind all that is in it.
    next: u32,
    start: u32,
    end: u32,
}

/// A text that was parsed.
pub(super) struct Parsed {
    pub(super) root: SyntaxNode,
    /// Whether the lexer and the grammar found nothing wrong; what only a look at the tree tells is
    /// left open.
    pub(super) is_grammatical: bool,
}

/// Parses a text as SQL, or as the body of a PL/pgSQL block.
pub(super) fn parse(text: &str, entry: EntryPoint) -> Parsed {
    let lexed = LexedStr::new(text);
    let output = entry.parse(&lexed.to_input());
    let mut is_grammatical = lexed.errors().next().is_none();
    let mut items: Vec<Item> = Vec::with_capacity(text.len() / 2);
    let (mut open, mut at) = (Vec::new(), 0_u32);
    lexed.intersperse_trivia(&output, &mut |step| {
        let here = items.len() as u32;
        let parent = open.last().copied().unwrap_or_default();
        let next = here + 1;
        match step {
            StrStep::Token { kind, text } => {
                let end = at + text.len() as u32;
                items.push(Item { kind, is_token: true, parent, next, start: at, end });
                at = end;
            }
            StrStep::Enter { kind } => {
                items.push(Item { kind, is_token: false, parent, next, start: at, end: at });
                open.push(here);
            }
            StrStep::Exit => {
                if let Some(node) = open.pop().and_then(|node| items.get_mut(node as usize)) {
                    (node.next, node.end) = (here, at);
                }
            }
            StrStep::Error { .. } => is_grammatical = false,
        }
    });
    let tree = Tree { text: text.to_owned(), items };
    Parsed { root: SyntaxNode(Spot { tree: Rc::new(tree), at: 0 }), is_grammatical }
}

/// Where something stands in a tree, be it a node or a token.
#[derive(Clone)]
pub(super) struct Spot {
    tree: Rc<Tree>,
    at: u32,
}

impl Spot {
    fn item(&self) -> &Item {
        &self.tree.items[self.at as usize]
    }

    pub(super) fn kind(&self) -> SyntaxKind {
        self.item().kind
    }

    /// Where it stands in the text that was parsed, in bytes.
    pub(super) fn text_range(&self) -> Range<usize> {
        let Item { start, end, .. } = *self.item();
        start as usize..end as usize
    }

    pub(super) fn text(&self) -> &str {
        &self.tree.text[self.text_range()]
    }

    fn with(&self, at: u32) -> Self {
        Self { tree: Rc::clone(&self.tree), at }
    }

    fn element(self) -> SyntaxElement {
        match self.item().is_token {
            true => SyntaxElement::Token(SyntaxToken(self)),
            false => SyntaxElement::Node(SyntaxNode(self)),
        }
    }

    pub(super) fn parent(&self) -> Option<SyntaxNode> {
        (self.at != 0).then(|| SyntaxNode(self.with(self.item().parent)))
    }
}

impl PartialEq for Spot {
    fn eq(&self, other: &Self) -> bool {
        self.at == other.at && Rc::ptr_eq(&self.tree, &other.tree)
    }
}

/// A node.
#[derive(Clone, PartialEq)]
pub(super) struct SyntaxNode(Spot);

/// A token, spaces and comments among them.
#[derive(Clone, PartialEq)]
pub(super) struct SyntaxToken(Spot);

/// One of both.
pub(super) enum SyntaxElement {
    Node(SyntaxNode),
    Token(SyntaxToken),
}

impl Deref for SyntaxNode {
    type Target = Spot;

    fn deref(&self) -> &Spot {
        &self.0
    }
}

impl Deref for SyntaxToken {
    type Target = Spot;

    fn deref(&self) -> &Spot {
        &self.0
    }
}

impl SyntaxNode {
    /// Whether the whole of another node's text is in this one's.
    pub(super) fn contains(&self, other: &Self) -> bool {
        let (whole, part) = (self.text_range(), other.text_range());
        whole.start <= part.start && part.end <= whole.end
    }

    /// The node itself, and those around it.
    pub(super) fn ancestors(&self) -> impl Iterator<Item = Self> + use<> {
        std::iter::successors(Some(self.clone()), |node| node.parent())
    }

    pub(super) fn children_with_tokens(&self) -> impl Iterator<Item = SyntaxElement> + use<> {
        self.walk(|item, _| item.next, |_| true).map(Spot::element)
    }

    pub(super) fn children(&self) -> impl Iterator<Item = Self> + use<> {
        self.walk(|item, _| item.next, |item| !item.is_token).map(Self)
    }

    /// The node itself, and those in it, in the order of the text.
    pub(super) fn descendants(&self) -> impl Iterator<Item = Self> + use<> {
        let below = self.walk(|_, at| at + 1, |item| !item.is_token);
        std::iter::once(self.clone()).chain(below.map(Self))
    }

    /// The tokens in it, however deep.
    pub(super) fn tokens_below(&self) -> impl Iterator<Item = SyntaxToken> + use<> {
        self.walk(|_, at| at + 1, |item| item.is_token).map(SyntaxToken)
    }

    pub(super) fn last_token(&self) -> Option<SyntaxToken> {
        let last = self.0.with(self.0.item().next - 1);
        last.item().is_token.then_some(SyntaxToken(last))
    }

    /// Goes over what is in it, from each item to the next one.
    fn walk<N: Fn(&Item, u32) -> u32, F: Fn(&Item) -> bool>(
        &self,
        next: N,
        is_wanted: F,
    ) -> impl Iterator<Item = Spot> + use<N, F> {
        let tree = Rc::clone(&self.0.tree);
        let (mut at, end) = (self.0.at + 1, self.0.item().next);
        std::iter::from_fn(move || {
            while at < end {
                let item = &tree.items[at as usize];
                let here = at;
                at = next(item, here);
                if is_wanted(item) {
                    return Some(Spot { tree: Rc::clone(&tree), at: here });
                }
            }
            None
        })
    }
}

impl SyntaxToken {
    /// The token before it, spaces and comments among them; none behind an empty node.
    pub(super) fn prev_token(&self) -> Option<Self> {
        let is_around = |at: &u32| self.0.tree.items[*at as usize].next > self.0.at;
        let before = (0..self.0.at).rev().find(|at| !is_around(at))?;
        let before = self.0.with(before);
        before.item().is_token.then_some(Self(before))
    }
}

impl SyntaxElement {
    pub(super) fn kind(&self) -> SyntaxKind {
        match self {
            Self::Node(node) => node.kind(),
            Self::Token(token) => token.kind(),
        }
    }

    pub(super) fn as_node(&self) -> Option<&SyntaxNode> {
        match self {
            Self::Node(node) => Some(node),
            Self::Token(_) => None,
        }
    }

    pub(super) fn as_token(&self) -> Option<&SyntaxToken> {
        match self {
            Self::Token(token) => Some(token),
            Self::Node(_) => None,
        }
    }

    pub(super) fn into_token(self) -> Option<SyntaxToken> {
        match self {
            Self::Token(token) => Some(token),
            Self::Node(_) => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use squawk_syntax::ast::{self, AstNode};
    use squawk_syntax::quote::quote_ident;
    use squawk_syntax::{SourceFile, SyntaxNode as CrateNode};

    use super::*;
    use crate::lang::postgres::block::Block;
    use crate::lang::postgres::clean::is_surely_clean;
    use crate::lang::postgres::tree::{ident, string};
    use crate::lang::postgres::{corpus, token};

    type Shape = (SyntaxKind, Range<usize>, Option<Range<usize>>, usize);

    /// Both trees node by node and token by token, with what leads from one to another.
    fn agree(own: &SyntaxNode, others: &CrateNode) {
        let shape = |node: &SyntaxNode| -> Shape {
            let last = node.last_token().map(|token| token.text_range());
            (node.kind(), node.text_range(), last, node.ancestors().count())
        };
        let other_shape = |node: &CrateNode| -> Shape {
            let last = node.last_token().map(|token| token.text_range().into());
            (node.kind(), node.text_range().into(), last, node.ancestors().count())
        };
        assert!(
            own.descendants()
                .map(|node| shape(&node))
                .eq(others.descendants().map(|node| other_shape(&node)))
        );
        let tokens = own.tokens_below().map(|token| {
            (token.kind(), token.text_range(), token.prev_token().map(|before| before.text_range()))
        });
        let other_tokens = others.descendants_with_tokens().filter_map(|part| part.into_token());
        let other_tokens = other_tokens.map(|token| {
            let before = token.prev_token().map(|before| before.text_range().into());
            (token.kind(), Range::from(token.text_range()), before)
        });
        assert!(tokens.eq(other_tokens));
        for (own, other) in own.descendants().zip(others.descendants()) {
            let parts = own.children_with_tokens().map(|part| part.kind());
            assert!(parts.eq(other.children_with_tokens().map(|part| part.kind())));
            let nodes = own.children().map(|node| node.kind());
            assert!(nodes.eq(other.children().map(|node| node.kind())));
            assert_eq!(own.text(), other.text().to_string());
            let literal = ast::Literal::cast(other.clone());
            assert_eq!(string(&own), literal.and_then(|literal| literal.string_value()));
            if own.text().starts_with(['"', 'U', 'u'])
                && own.text().contains('"')
                && own.tokens_below().count() == 1
            {
                let first = other.first_token().and_then(|token| token.parent());
                let name = ast::normalize_name_node(&first.expect("it has one"));
                assert_eq!(ident(&own), quote_ident(&name));
            }
        }
    }

    /// Whether the tree is the one that the parser's crate makes, with as many mistakes in it; so are
    /// those of the blocks in it.
    fn same(text: &str) {
        let Parsed { root, is_grammatical } = parse(text, EntryPoint::SourceFile);
        let file = SourceFile::parse(text);
        agree(&root, file.tree().syntax());
        let errors = file.errors();
        assert!(
            !is_grammatical || !is_surely_clean(&root) || errors.is_empty(),
            "{text}: {errors:?}"
        );
        assert!(is_grammatical || !errors.is_empty(), "{text}");
        let own = root.descendants().filter(|node| node.kind() == SyntaxKind::DO);
        let others = file.tree().syntax().descendants().filter_map(ast::Do::cast);
        for (own, other) in own.zip(others) {
            let (block, body) = (Block::of(&own), other.plpgsql());
            assert_eq!(block.is_some(), body.is_some(), "{text}");
            let (Some(block), Some(body)) = (block, body) else { continue };
            agree(&block.root, &body.syntax());
            assert_eq!(block.is_clean, body.errors().is_empty(), "{text}");
            for node in body.syntax().descendants_with_tokens() {
                let range = Range::from(node.text_range());
                if !range.is_empty() {
                    let source = Range::from(body.source_range(node.text_range()));
                    assert_eq!(block.source.range(range), source, "{text}");
                }
            }
        }
    }

    #[test]
    fn the_tree_is_that_of_the_parsers_crate() {
        for text in corpus::texts().iter().chain(&FORMS.map(str::to_owned)) {
            for text in corpus::varied(text) {
                for statement in token::statements(&text) {
                    let slice = &text[statement.range.clone()];
                    let is_shallow = token::depth(&text, &statement).levels < 150;
                    if is_shallow
                        && std::panic::catch_unwind(|| SourceFile::parse(slice).errors()).is_ok()
                    {
                        same(slice);
                    }
                }
            }
        }
    }

    /// Forms in which the second look finds mistakes, and others beside them that are right.
    #[rustfmt::skip]
    const FORMS: [&str; 31] = [
        "select a from t where b in () or c not in (1) or d in (row(1)) or (e, f) overlaps (g, h)",
        "select left, current_schema, t.left, left(a, 1), coalesce(), greatest(1), nullif(1), user(), null()",
        "select 1 = any (select 1), any (array[1]), a like some ('{}') escape 'x', 1 < all (b) + 2",
        "select from t where a in (select from u) and (select) = 1",
        "select distinct from t",
        "from t select a",
        "select (1, select 2)",
        "select a from t join u, v natural join w, x cross join y using (a), z cross join y, t left join u on a",
        "select a from lateral t, only (t), (t), ((select 1)) a, (select 1) b, lateral (select 1), only f()",
        "select @ a, * b, % c, a @@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@ b",
        "select a::numeric(10, 2), b::numeric(1 + 1), c::varchar(a), d::bit(variadic 3), e::interval(3)",
        "select [1], array[[1], [2]], array(select 1), array(1)",
        "select 'a' 'b', 'a'\n'b', E'a\\n' /* x */ 'b', U&'\\0061' uescape '!', U&'!0061' uescape '!', N'x', B'12', X'ag'",
        "select U&\"\\0061\", U&\"!0061\" uescape '!', \"a\"\"b\", \"\", a uescape '!', $1, $, 1a, 0x, 1e",
        "insert into t values (default, (default)), (default + 1)",
        "update t set a = default, b[1] = default, (c, d) = (1, default)",
        "update t set where a = 1",
        "create table left (a)",
        "create table t (a, b int default 1)",
        "create function f() returns int language sql as 'select from where'",
        "create function f() returns int language sql language sql as 'select 1' return 2",
        "create view v as select a into b from t",
        "set a to",
        "do language sql 'select 1'",
        "do 'begin null; end' language plpgsql 'x'",
        "do 'begin perform ''a''; end'",
        "do E'begin\\n perform \\'a\\', 1; end'",
        "do language plpgsql $$ begin if case when a then b end then null; end if; begin null; end end $$",
        "do $$ begin for a, b in 1..2 loop null; end loop; for r in reverse select 1 loop null; end loop; fetch all from c into strict x; end $$",
        "do $a$ declare x t.a%type; begin while (case when a then b end) loop exit; end loop; execute 'x' into strict y; end $a$",
        "select json_array(select 1, 2), json_object('a': 1, 2), merge_action(1), grouping(), normalize()",
    ];
}
