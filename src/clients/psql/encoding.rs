//! Text in other encodings than UTF-8.
//!
//! psql reads its input in the client's encoding and tells it to nobody. In most of them every byte
//! below 128 is the ASCII character; in a few the second byte of a character may be one, and a
//! quote belongs to the character before it.
#![forbid(unsafe_code)]

use crate::world::World;

/// Beginnings of the names, without their punctuation, that PostgreSQL has for encodings whose
/// second bytes may be ASCII: the client-only ones of its character set table, and their aliases.
const WITH_ASCII: [&str; 16] = [
    "sjis",
    "shiftjis",
    "mskanji",
    "win932",
    "windows932",
    "big5",
    "win950",
    "windows950",
    "gbk",
    "win936",
    "windows936",
    "gb18030",
    "uhc",
    "win949",
    "windows949",
    "johab",
];

/// Returns whether every byte below 128 is the ASCII character, as far as the variables and the
/// locale tell. `given` is what a connection string says. Which of them psql takes depends on its
/// terminal: all have to agree.
#[must_use]
pub(super) fn keeps_ascii(world: &World, given: Option<&str>) -> bool {
    let is_plain = |name: &str| {
        let letters = name.chars().filter(char::is_ascii_alphanumeric);
        let name = letters.collect::<String>().to_ascii_lowercase();
        !WITH_ASCII.iter().any(|start| name.starts_with(start))
    };
    let locale = ["LC_ALL", "LC_CTYPE", "LANG"].iter().find_map(|name| world.var(name));
    let charset = locale.and_then(|locale| Some(locale.split_once('.')?.1));
    let options =
        world.var("PGOPTIONS").and_then(|all| Some(all.split_once("client_encoding=")?.1));
    let named = [given, world.var("PGCLIENTENCODING"), charset, options];
    named.into_iter().flatten().all(is_plain)
}

/// Returns whether a text may change the encoding of what follows: `SET client_encoding`, `SET
/// NAMES`.
#[must_use]
pub(super) fn may_be_set_in(text: &str) -> bool {
    let text = text.to_ascii_lowercase();
    ["client_encoding", "names"].iter().any(|word| text.contains(word))
}

/// Reads a text that may be in any encoding: all that it may say, the likeliest first.
#[must_use]
pub(super) fn readings(bytes: Vec<u8>) -> Vec<String> {
    match String::from_utf8(bytes) {
        Ok(text) => vec![text],
        Err(error) => {
            let bytes = error.into_bytes();
            let mut pairs = bytes.clone();
            let mut at = 0;
            while at + 1 < pairs.len() {
                if pairs[at] >= 0x80 {
                    // A letter stands for what is no character by itself.
                    pairs[at..at + 2].fill(LETTER);
                    at += 1;
                }
                at += 1;
            }
            let single = latin1(&bytes);
            let pairs = latin1(&pairs);
            if pairs == single { vec![single] } else { vec![single, pairs] }
        }
    }
}

/// `é` in Latin-1.
const LETTER: u8 = 0xe9;

/// Every byte a character.
fn latin1(bytes: &[u8]) -> String {
    bytes.iter().map(|&byte| char::from(byte)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_quote_may_belong_to_the_character_before_it() {
        assert_eq!(readings(b"select 1".to_vec()), ["select 1"]);
        assert_eq!(readings("select '日'".into()), ["select '日'"]);
        assert_eq!(readings(b"select '\xe9 '".to_vec()), ["select 'é '", "select 'éé'"]);
        let texts = readings(b"select '\x95'; delete from t; --'".to_vec());
        assert_eq!(texts.len(), 2);
        assert_eq!(texts[1], "select 'éé; delete from t; --'");
    }

    #[test]
    fn the_variables_tell() {
        for (vars, given, expected) in [
            (&[][..], None, true),
            (&[("PGCLIENTENCODING", "GBK")], None, false),
            (&[("PGCLIENTENCODING", "UTF8")], None, true),
            (&[("PGCLIENTENCODING", "utf-8")], Some("Shift_JIS_2004"), false),
            (&[("LANG", "zh_CN.GB18030")], None, false),
            (&[("LANG", "zh_CN.GB18030"), ("LC_ALL", "C.UTF-8")], None, true),
            (&[("LANG", "ja_JP.SJIS"), ("PGCLIENTENCODING", "auto")], None, false),
            (&[("LANG", "de_DE"), ("PGCLIENTENCODING", "latin1")], None, true),
            (&[("PGCLIENTENCODING", "windows-949")], None, false),
            (&[("PGOPTIONS", "-c work_mem=1GB -c client_encoding=GBK")], None, false),
        ] {
            let vars = vars.iter().map(|(name, value)| ((*name).into(), (*value).into()));
            let world = World { vars: vars.collect(), ..World::default() };
            assert_eq!(keeps_ascii(&world, given), expected, "{:?} {given:?}", world.vars);
        }
    }
}
