//! The interpreter's own command line, as far as it matters for us.

/// Options that take the next argument, or the rest of their own.
const WITH_VALUE: &[u8] = b"WXcm";

/// What a command line of the interpreter says.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Invocation {
    /// It only prints its version or help.
    pub is_informational: bool,
    /// The option by which the guard is not loaded, as written: `-I`, `-E` or `-S`.
    pub defeats: Option<char>,
}

/// Reads the interpreter's options, up to the script, `-c` or `-m`.
#[must_use]
pub fn parse(args: &[String]) -> Invocation {
    let mut found = Invocation::default();
    let mut args = args.iter();
    while let Some(arg) = args.next() {
        if let Some(long) = arg.strip_prefix("--") {
            match long {
                "" => break,
                "check-hash-based-pycs" => skip(&mut args),
                long => found.is_informational |= long == "version" || long.starts_with("help"),
            }
            continue;
        }
        let Some(letters) = arg.strip_prefix('-').filter(|letters| !letters.is_empty()) else {
            break;
        };
        let mut letters = letters.bytes();
        while let Some(letter) = letters.next() {
            match letter {
                b'h' | b'?' | b'V' => found.is_informational = true,
                b'I' | b'E' | b'S' => {
                    found.defeats.get_or_insert(char::from(letter));
                }
                letter if WITH_VALUE.contains(&letter) => {
                    let is_last = matches!(letter, b'c' | b'm');
                    if letters.len() == 0 && !is_last {
                        skip(&mut args);
                    }
                    if is_last {
                        return found;
                    }
                    break;
                }
                _ => {}
            }
        }
    }
    found
}

/// Passes over an option's value.
fn skip<'a>(args: &mut impl Iterator<Item = &'a String>) {
    args.next();
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(line: &str) -> (bool, Option<char>) {
        let args: Vec<String> = line.split_whitespace().map(str::to_owned).collect();
        let found = parse(&args);
        (found.is_informational, found.defeats)
    }

    #[test]
    fn options_up_to_the_script_count() {
        for (line, expected) in [
            ("", (false, None)),
            ("-V", (true, None)),
            ("-VV", (true, None)),
            ("--version", (true, None)),
            ("--help-all", (true, None)),
            ("-I", (false, Some('I'))),
            ("-qS", (false, Some('S'))),
            ("-W ignore -E x.py", (false, Some('E'))),
            ("-Wignore -X dev -u -i x.py -I -V", (false, None)),
            ("-X importtime -c -E", (false, None)),
            ("-cprint(1) -I", (false, None)),
            ("-m asyncio -V", (false, None)),
            ("-im code -E", (false, None)),
            ("script.py --version", (false, None)),
            ("- -I", (false, None)),
            ("-- -I", (false, None)),
            ("--check-hash-based-pycs always -S", (false, Some('S'))),
        ] {
            assert_eq!(read(line), expected, "python3 {line}");
        }
    }
}
