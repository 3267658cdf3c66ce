//! Words in host and database names that speak for a tier.

use super::Tier;

/// Words that stand for a tier where they are whole words of a name.
const WORDS: &[(&str, Tier)] = &[
    ("prod", Tier::Production),
    ("prd", Tier::Production),
    ("production", Tier::Production),
    ("live", Tier::Production),
    ("staging", Tier::Staging),
    ("stage", Tier::Staging),
    ("stg", Tier::Staging),
];

/// Words that take the meaning out of the word after them: `pre-prod`, `non_production`.
const UNDOING: &[&str] = &["pre", "non", "not", "no", "pseudo"];

/// Returns the most dangerous tier a name speaks for, with the word that says so.
///
/// Words end at anything that is no letter and at digits (`prod2`), so `product_catalog`,
/// `reproduction`, `livestock` and `preprod` say nothing.
#[must_use]
pub fn tier_in_name(name: &str) -> Option<(Tier, &'static str)> {
    let lower = name.to_lowercase();
    let words: Vec<&str> =
        lower.split(|c: char| !c.is_alphabetic()).filter(|word| !word.is_empty()).collect();
    words
        .iter()
        .enumerate()
        .filter(|(at, _)| *at == 0 || !UNDOING.contains(&words[at - 1]))
        .filter_map(|(_, word)| WORDS.iter().find(|(known, _)| known == word))
        .map(|&(word, tier)| (tier, word))
        .max_by_key(|(tier, _)| *tier)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whole_words_speak() {
        for (name, tier) in [
            ("db1.prod.example.com", Tier::Production),
            ("orders-prod", Tier::Production),
            ("orders_prod_eu", Tier::Production),
            ("prod2", Tier::Production),
            ("PROD", Tier::Production),
            ("prd-db", Tier::Production),
            ("production", Tier::Production),
            ("live.db.example.com", Tier::Production),
            ("staging-prod-mirror", Tier::Production),
            ("staging", Tier::Staging),
            ("stage3.example.com", Tier::Staging),
            ("db.stg.internal", Tier::Staging),
        ] {
            assert_eq!(tier_in_name(name).map(|(tier, _)| tier), Some(tier), "{name}");
        }
    }

    #[test]
    fn parts_of_words_stay_quiet() {
        for name in [
            "product_catalog",
            "products",
            "reproduction",
            "livestock",
            "alive",
            "deliver",
            "preprod",
            "pre-prod",
            "non_production",
            "nonprod",
            "backstage",
            "upstage",
            "postgres",
            "orders",
            "10.1.2.3",
            "[local]",
            "",
            "oliver.example.com",
        ] {
            assert_eq!(tier_in_name(name), None, "{name}");
        }
    }
}
