//! `nightlatch check`: the verdict on a text, without running it.

mod answer;
mod lines;

use std::fs;
use std::io::{Read, Write};
use std::sync::Arc;

use self::lines::Lines;
use crate::cli::{CheckArgs, time};
use crate::clients::known;
use crate::clock::Clock;
use crate::config::{self, ConfigError};
use crate::error::{Error, Kind};
use crate::policy::{Decision, Facts, Verdict, judge};
use crate::world::World;

/// A text with the verdict on it.
struct Checked {
    /// The file, as it was named; none for standard input.
    file: Option<String>,
    text: String,
    verdict: Verdict,
}

/// Judges standard input, or files.
///
/// # Errors
///
/// Returns a usage error for a client or a time that is not known, and our own for a text that
/// cannot be read.
pub fn run(
    args: &CheckArgs,
    world: &World,
    clock: &Clock,
    out: &mut dyn Write,
) -> Result<u8, Error> {
    let mut texts = Vec::new();
    for file in &args.file {
        let bytes = fs::read(file).map_err(|error| {
            Error::ours(format!("{} cannot be read.", file.display())).because(error)
        })?;
        texts.push((Some(file.display().to_string()), text(&bytes)));
    }
    if args.file.is_empty() {
        let mut bytes = Vec::new();
        std::io::stdin()
            .read_to_end(&mut bytes)
            .map_err(|error| Error::ours("Standard input cannot be read.").because(error))?;
        texts.push((None, text(&bytes)));
    }
    judged(texts, args, world, clock, out)
}

/// Judges a text.
///
/// # Errors
///
/// As [`run`].
pub fn tell(
    text: &str,
    args: &CheckArgs,
    world: &World,
    clock: &Clock,
    out: &mut dyn Write,
) -> Result<u8, Error> {
    judged(vec![(None, text.to_owned())], args, world, clock, out)
}

fn judged(
    texts: Vec<(Option<String>, String)>,
    args: &CheckArgs,
    world: &World,
    clock: &Clock,
    out: &mut dyn Write,
) -> Result<u8, Error> {
    let read = known::reader(&args.client).ok_or_else(|| unknown_reader(&args.client))?;
    let find = known::by_name(&args.client).and_then(|known| known.mistake);
    for (file, text) in &texts {
        if let Some((at, why)) = find.and_then(|find| find(text)) {
            let (line, column) = Lines::new(text).place(at);
            let name = file.as_deref().unwrap_or("standard input");
            return Err(Error::new(
                Kind::Usage,
                format!("{name}:{line}:{column}: this is not what {} reads.", args.client),
            )
            .because(why)
            .hint("Check the text, or name its client with --client."));
        }
    }
    let loaded = config::load(world);
    let config = loaded.config;
    let mistakes: Vec<String> = loaded.errors.iter().map(ConfigError::line).collect();
    let at = match &args.at {
        None => clock.now(),
        Some(at) => {
            let zone = config.zone();
            time::moment(at, &clock.now().to_zoned(zone)).ok_or_else(|| {
                Error::new(Kind::Usage, format!("`{at}` is not a time.")).hint(time::EXAMPLES)
            })?
        }
    };
    let (limits, rules) = (config.hold.limits, Arc::clone(&config.rules));
    let facts =
        Facts { limits, rules, ..Facts::new(args.tier, config.moment(at, args.tier, None)) };
    let check = |(file, text): (Option<String>, String)| {
        let verdict = judge(&read(&text), &facts);
        Checked { file, text, verdict }
    };
    let all: Vec<Checked> = texts.into_iter().map(check).collect();
    let text = match all.as_slice() {
        all if args.json => answer::json(all, args.tier, &mistakes)?,
        [only] if only.file.is_none() => answer::plain(only, &mistakes),
        all => answer::files(all, &mistakes),
    };
    out.write_all(text.as_bytes())
        .map_err(|error| Error::ours("The verdict cannot be written.").because(error))?;
    Ok(match answer::decision(&all) {
        Decision::Allow | Decision::Notice => 0,
        Decision::Hold(_) | Decision::Deny => 1,
    })
}

/// Decodes a text; editors on Windows write UTF-16, in which no word would be found.
fn text(bytes: &[u8]) -> String {
    let read: fn([u8; 2]) -> u16 = match bytes {
        [0xff, 0xfe, ..] => u16::from_le_bytes,
        [0xfe, 0xff, ..] => u16::from_be_bytes,
        _ => return String::from_utf8_lossy(bytes).into_owned(),
    };
    let units = bytes[2..].as_chunks::<2>().0.iter().map(|pair| read(*pair));
    char::decode_utf16(units).map(|c| c.unwrap_or(char::REPLACEMENT_CHARACTER)).collect()
}

fn unknown_reader(name: &str) -> Error {
    let names = known::KNOWN.iter().map(|known| known.name);
    let names: Vec<&str> = names.chain(known::READ.iter().map(|(name, _)| *name)).collect();
    Error::new(Kind::Usage, format!("The client `{name}` is not known.")).hint(names.join(" or "))
}
