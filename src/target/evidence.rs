//! One reason for a tier, and how the strongest of them decides.

use serde::Serialize;

use super::Tier;
use super::hosts::tier_in_name;

/// How much a piece of evidence counts, least first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Strength {
    /// Worth showing, never decides.
    Hint,
    /// Where the address is: loopback, a unix socket, a file, a tunnel to nobody knows where.
    Place,
    /// Whose host it is: a provider of databases.
    Provider,
    /// A word in the name of a host, database or this machine.
    Name,
    /// The server itself, known from earlier sessions.
    Server,
    /// A `[[target]]` of the configuration.
    Configured,
}

/// One reason for a tier.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Evidence {
    /// What it speaks for.
    pub tier: Tier,
    /// How much it counts.
    pub strength: Strength,
    /// Where it comes from: `config`, `host name`, `address`, `PGHOST`.
    pub source: String,
    /// What it says, as a phrase: "`*.prod.example.com` is orders-prod".
    pub text: String,
}

impl Evidence {
    /// Returns what the words of a name say, where they say anything. That something is called after
    /// development never says that a server is not live.
    #[must_use]
    pub fn in_name(name: &str, strength: Strength, source: &str) -> Option<Self> {
        let (tier, word) = tier_in_name(name)?;
        let strength = if tier == Tier::Development { Strength::Hint } else { strength };
        let (source, text) = (source.to_owned(), format!("`{word}` in {name}"));
        Some(Self { tier, strength, source, text })
    }

    /// Returns it as a reason: "because `*.prod.example.com` is orders-prod".
    #[must_use]
    pub fn because(&self) -> String {
        // Some name a thing, and others say something of one.
        let of = if self.text.contains(" is ") { "" } else { "of " };
        format!("because {of}{}", self.text)
    }
}

/// Returns the tier the evidence speaks for: the strongest decides, the more dangerous of equals.
/// Hints by themselves decide nothing.
#[must_use]
pub fn weigh(evidence: &[Evidence]) -> Tier {
    evidence
        .iter()
        .filter(|item| item.strength > Strength::Hint)
        .max_by_key(|item| (item.strength, item.tier))
        .map_or(Tier::Unknown, |item| item.tier)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn item(tier: Tier, strength: Strength) -> Evidence {
        Evidence { tier, strength, source: String::new(), text: String::new() }
    }

    #[test]
    fn nothing_is_unknown() {
        assert_eq!(weigh(&[]), Tier::Unknown);
        assert_eq!(weigh(&[item(Tier::Development, Strength::Hint)]), Tier::Unknown);
    }

    #[test]
    fn the_strongest_wins_and_ties_go_to_the_more_dangerous() {
        let place = item(Tier::Development, Strength::Place);
        let name = item(Tier::Production, Strength::Name);
        let hint = item(Tier::Production, Strength::Hint);
        let staging = item(Tier::Staging, Strength::Configured);
        let production = item(Tier::Production, Strength::Configured);
        assert_eq!(weigh(&[place.clone(), hint]), Tier::Development);
        assert_eq!(weigh(&[name.clone(), place]), Tier::Production);
        assert_eq!(weigh(&[name, staging.clone()]), Tier::Staging);
        assert_eq!(weigh(&[production, staging]), Tier::Production);
    }
}
