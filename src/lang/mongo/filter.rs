//! How many documents a filter means: one, some, or all because it is true for each of them.

use serde_json::{Map, Value};

use crate::lang::Scope;

/// The key of an object that stands for a value nobody knows before the text runs. No document has
/// it: a key of BSON ends at its first NUL.
pub(super) const UNKNOWN: &str = "\0";

/// Keys of extended JSON: an object that begins with one of them is a value, not operators.
const VALUES: &[&str] = &[
    "$oid",
    "$date",
    "$numberInt",
    "$numberLong",
    "$numberDouble",
    "$numberDecimal",
    "$binary",
    "$uuid",
    "$timestamp",
    "$regularExpression",
    "$symbol",
    "$code",
    "$dbPointer",
    "$minKey",
    "$maxKey",
    "$undefined",
    "$ref",
];

/// JavaScript that is true for every document, without spaces, brackets and semicolons.
const TRUE_CODE: &[&str] = &["true", "1", "!0", "!false", "this", "1==1", "1===1", "true==true"];

/// Patterns that every text matches.
const ANY_PATTERN: &[&str] = &["", "^", "$", ".*", "^.*", ".*$", "^.*$", "(.*)", "[\\s\\S]*", ".?"];

/// Whether a condition holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Truth {
    Always,
    Never,
    /// For some documents.
    Sometimes,
    /// It is put together while the text runs.
    Unknown,
}

impl Truth {
    fn of(is_true: bool) -> Self {
        if is_true { Self::Always } else { Self::Never }
    }

    fn not(self) -> Self {
        match self {
            Self::Always => Self::Never,
            Self::Never => Self::Always,
            Self::Sometimes | Self::Unknown => self,
        }
    }

    /// All of several at once. What leaves documents out does so whatever the others are.
    fn all(of: impl IntoIterator<Item = Self>) -> Self {
        let rank = |truth: &Self| match truth {
            Self::Always => 0,
            Self::Unknown => 1,
            Self::Sometimes => 2,
            Self::Never => 3,
        };
        of.into_iter().max_by_key(rank).unwrap_or(Self::Always)
    }

    /// At least one of several.
    fn any(of: impl IntoIterator<Item = Self>) -> Self {
        let rank = |truth: &Self| match truth {
            Self::Never => 0,
            Self::Sometimes => 1,
            Self::Unknown => 2,
            Self::Always => 3,
        };
        of.into_iter().max_by_key(rank).unwrap_or(Self::Never)
    }
}

/// Returns how many documents a filter means; none is all of them.
pub(super) fn scope(filter: Option<&Value>) -> Scope {
    let Some(filter) = filter.filter(|filter| !filter.is_null()) else { return Scope::All };
    // What is no document is not a filter the server takes; an id alone means its document.
    let Some(conditions) = filter.as_object() else { return Scope::Filtered };
    if is_value(conditions) || names_one(conditions) {
        return Scope::One;
    }
    match document(conditions) {
        Truth::Always => Scope::All,
        Truth::Unknown => Scope::Unknown,
        Truth::Sometimes | Truth::Never => Scope::Filtered,
    }
}

/// Tells whether a value is known only when the text runs.
pub(super) fn is_unknown(value: &Value) -> bool {
    value.as_object().is_some_and(|object| object.contains_key(UNKNOWN))
}

fn is_value(object: &Map<String, Value>) -> bool {
    object.keys().any(|key| VALUES.contains(&key.as_str()))
}

/// Returns the operators a field is compared with; none where it is compared with a value.
fn operators(condition: &Value) -> Option<&Map<String, Value>> {
    let object = condition.as_object()?;
    let is_operators = object.keys().any(|key| key.starts_with('$')) && !is_value(object);
    is_operators.then_some(object)
}

/// Tells whether a filter names one document by its id.
fn names_one(conditions: &Map<String, Value>) -> bool {
    let by_id = conditions.get("_id").is_some_and(|wanted| {
        let Some(operators) = operators(wanted) else { return true };
        operators.contains_key("$eq")
            || operators.get("$in").and_then(Value::as_array).is_some_and(|list| {
                list.len() == 1 && !list.iter().any(|value| is_unknown(value) || is_pattern(value))
            })
    });
    let parts = conditions.get("$and").and_then(Value::as_array);
    (by_id && !conditions.get("_id").is_some_and(is_pattern))
        || parts.into_iter().flatten().filter_map(Value::as_object).any(names_one)
}

fn is_pattern(value: &Value) -> bool {
    value.get("$regularExpression").is_some()
}

fn document(conditions: &Map<String, Value>) -> Truth {
    let truths = conditions.iter().map(|(key, value)| match key.as_str() {
        UNKNOWN => Truth::Unknown,
        "$and" => Truth::all(list(value).map(part)),
        "$or" => either(value),
        "$nor" => Truth::any(list(value).map(part)).not(),
        "$expr" => expression(value),
        "$where" => code(value),
        "$comment" | "$alwaysTrue" => Truth::Always,
        "$alwaysFalse" => Truth::Never,
        "$jsonSchema" => schema(value),
        "$sampleRate" => {
            if value.as_f64() == Some(1.0) {
                Truth::Always
            } else {
                Truth::Sometimes
            }
        }
        operator if operator.starts_with('$') => Truth::Sometimes,
        field => compared(field, value),
    });
    Truth::all(truths)
}

fn list(value: &Value) -> impl Iterator<Item = &Value> {
    let unknown = is_unknown(value).then_some(value);
    value.as_array().into_iter().flatten().chain(unknown)
}

fn part(value: &Value) -> Truth {
    match value.as_object() {
        Some(conditions) => document(conditions),
        None => Truth::Sometimes,
    }
}

/// `$or`: also true for each where one part is another's opposite.
fn either(value: &Value) -> Truth {
    let parts: Vec<&Map<String, Value>> = list(value).filter_map(Value::as_object).collect();
    let only = |part: &&Map<String, Value>| {
        let (field, condition) = part.iter().next().filter(|_| part.len() == 1)?;
        Some((field.clone(), condition.clone()))
    };
    let single: Vec<(String, Value)> = parts.iter().filter_map(only).take(MOST_PARTS).collect();
    let has_opposite = single.iter().any(|(field, condition)| {
        let is_other =
            |(other, against): &(String, Value)| other == field && is_opposite(condition, against);
        single.iter().any(is_other)
    });
    if has_opposite { Truth::Always } else { Truth::any(list(value).map(part)) }
}

/// Parts of an `$or` that are compared with each other: nobody types more.
const MOST_PARTS: usize = 16;

fn is_opposite(one: &Value, other: &Value) -> bool {
    let Some((operator, against)) = operators(other).and_then(|of| of.iter().next()) else {
        return false;
    };
    match operator.as_str() {
        "$ne" => one == against || one.get("$eq") == Some(against),
        "$not" => one == against,
        "$nin" => one.get("$in") == Some(against),
        "$exists" => {
            let this = one.get("$exists").map(is_true);
            this.is_some_and(|this| this != is_true(against))
        }
        _ => false,
    }
}

/// A field against a value or operators.
fn compared(field: &str, condition: &Value) -> Truth {
    if is_pattern(condition) {
        let pattern = &condition["$regularExpression"]["pattern"];
        return any_text(pattern);
    }
    let Some(operators) = operators(condition) else { return Truth::Sometimes };
    let options = operators.get("$options").is_some();
    Truth::all(operators.iter().map(|(operator, value)| match operator.as_str() {
        "$regex" => any_text(value),
        "$options" if options => Truth::Always,
        operator => operation(field, operator, value),
    }))
}

fn operation(field: &str, operator: &str, value: &Value) -> Truth {
    let is_id = field == "_id";
    let is_empty = value.as_array().is_some_and(Vec::is_empty);
    let has = |key: &str| value.get(key).is_some();
    match operator {
        "$nin" if is_empty => Truth::Always,
        "$in" if is_empty => Truth::Never,
        "$nin" if is_id && list(value).all(is_no_id) => Truth::Always,
        "$ne" if is_id && is_no_id(value) => Truth::Always,
        "$exists" if is_id => Truth::of(is_true(value)),
        // The ends of the order of all values, where a field that is missing counts too.
        "$gte" if has("$minKey") => Truth::Always,
        "$lte" if has("$maxKey") => Truth::Always,
        "$gt" if is_id && (has("$minKey") || is_no_id(value)) => Truth::Always,
        "$gte" if is_id && is_no_id(value) => Truth::Always,
        "$lt" if is_id && has("$maxKey") => Truth::Always,
        "$not" => compared(field, value).not(),
        "$comment" => Truth::Always,
        _ => Truth::Sometimes,
    }
}

/// Tells whether nobody gives a document this as its id.
fn is_no_id(value: &Value) -> bool {
    match value {
        Value::Null | Value::Bool(_) => true,
        Value::String(text) => text.is_empty(),
        Value::Object(object) => {
            let is_zeros = |id: &str| !id.is_empty() && id.bytes().all(|byte| byte == b'0');
            object.contains_key("$undefined")
                || object.get("$oid").and_then(Value::as_str).is_some_and(is_zeros)
        }
        Value::Number(_) | Value::Array(_) => false,
    }
}

fn any_text(pattern: &Value) -> Truth {
    match pattern.as_str() {
        Some(pattern) if ANY_PATTERN.contains(&pattern) => Truth::Always,
        _ if is_pattern(pattern) => any_text(&pattern["$regularExpression"]["pattern"]),
        _ => Truth::Sometimes,
    }
}

/// What the server takes for true.
fn is_true(value: &Value) -> bool {
    match value {
        Value::Null => false,
        Value::Bool(is_true) => *is_true,
        Value::Number(number) => number.as_f64() != Some(0.0),
        Value::Object(object) => !object.contains_key("$undefined"),
        Value::String(_) | Value::Array(_) => true,
    }
}

/// An aggregation expression.
fn expression(value: &Value) -> Truth {
    match value {
        // A field's value, or a variable.
        Value::String(text) if text.starts_with('$') => Truth::Sometimes,
        Value::Object(object) => match object.iter().next() {
            Some((key, of)) if object.len() == 1 => operator_of_expression(key, of),
            _ if is_unknown(value) => Truth::Unknown,
            _ => Truth::of(true),
        },
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) | Value::Array(_) => {
            Truth::of(is_true(value))
        }
    }
}

fn operator_of_expression(operator: &str, of: &Value) -> Truth {
    let pair = of.as_array().filter(|list| list.len() == 2).map(|list| (&list[0], &list[1]));
    let is_fixed = |value: &Value| match value {
        Value::String(text) => !text.starts_with('$'),
        Value::Object(_) | Value::Array(_) => false,
        Value::Null | Value::Bool(_) | Value::Number(_) => true,
    };
    match (operator, pair) {
        (UNKNOWN, _) => Truth::Unknown,
        ("$literal", _) => Truth::of(is_true(of)),
        ("$and", _) => Truth::all(list(of).map(expression)),
        ("$or", _) => Truth::any(list(of).map(expression)),
        ("$not", _) => of
            .as_array()
            .and_then(|list| list.first())
            .map_or_else(|| expression(of).not(), |first| expression(first).not()),
        ("$eq" | "$gte" | "$lte", Some((one, other))) if one == other && !is_unknown(one) => {
            Truth::Always
        }
        ("$eq", Some((one, other))) if is_fixed(one) && is_fixed(other) => Truth::Never,
        ("$ne", Some((one, other))) if is_fixed(one) && is_fixed(other) => Truth::of(one != other),
        _ => Truth::Sometimes,
    }
}

/// `$where`: JavaScript, as text or as a function.
fn code(value: &Value) -> Truth {
    let text = value.get("$code").unwrap_or(value).as_str();
    let Some(text) = text else {
        return if is_unknown(value) { Truth::Unknown } else { Truth::Sometimes };
    };
    let bare: String =
        text.chars().filter(|c| !c.is_whitespace() && !"(){};".contains(*c)).collect();
    let body = bare.strip_prefix("function").or(bare.strip_prefix("=>")).unwrap_or(&bare);
    let body = body.strip_prefix("return").unwrap_or(body);
    if TRUE_CODE.contains(&body) { Truth::Always } else { Truth::Sometimes }
}

/// `$jsonSchema`: true for each if it says nothing but that a document is one.
fn schema(value: &Value) -> Truth {
    let Some(object) = value.as_object() else { return Truth::Sometimes };
    let says_nothing = |(key, value): (&String, &Value)| match key.as_str() {
        "bsonType" | "type" => value == "object",
        "required" => value.as_array().is_some_and(|names| names.iter().all(|name| name == "_id")),
        "title" | "description" => true,
        "properties" | "patternProperties" => value.as_object().is_some_and(Map::is_empty),
        "additionalProperties" => value == &Value::Bool(true),
        _ => false,
    };
    if object.iter().all(says_nothing) { Truth::Always } else { Truth::Sometimes }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn filters_that_mean_everything() {
        for filter in [
            json!({}),
            json!(null),
            json!({"$comment": "x"}),
            json!({"_id": {"$exists": true}}),
            json!({"_id": {"$exists": 1}}),
            json!({"_id": {"$ne": null}}),
            json!({"_id": {"$ne": ""}}),
            json!({"_id": {"$nin": []}}),
            json!({"_id": {"$nin": [null]}}),
            json!({"x": {"$nin": []}}),
            json!({"x": {"$not": {"$in": []}}}),
            json!({"_id": {"$not": {"$exists": false}}}),
            json!({"_id": {"$gte": {"$minKey": 1}}}),
            json!({"_id": {"$gt": {"$oid": "000000000000000000000000"}}}),
            json!({"$expr": true}),
            json!({"$expr": 1}),
            json!({"$expr": {"$literal": true}}),
            json!({"$expr": {"$eq": [1, 1]}}),
            json!({"$expr": {"$eq": ["$x", "$x"]}}),
            json!({"$expr": {"$ne": [1, 2]}}),
            json!({"$expr": {"$not": [false]}}),
            json!({"$expr": {"$or": ["$x", true]}}),
            json!({"$or": [{}]}),
            json!({"$or": [{"x": 1}, {}]}),
            json!({"$or": [{"x": 1}, {"x": {"$ne": 1}}]}),
            json!({"$or": [{"x": {"$exists": true}}, {"x": {"$exists": false}}]}),
            json!({"$or": [{"x": {"$in": [1]}}, {"x": {"$nin": [1]}}]}),
            json!({"$nor": [{"$expr": false}]}),
            json!({"$nor": [{"_id": {"$exists": false}}]}),
            json!({"$and": []}),
            json!({"$and": [{}]}),
            json!({"$and": [{"_id": {"$exists": true}}, {"$comment": "x"}]}),
            json!({"$where": "true"}),
            json!({"$where": "return true;"}),
            json!({"$where": {"$code": "function() { return true }"}}),
            json!({"$where": {"$code": "() => true"}}),
            json!({"$jsonSchema": {}}),
            json!({"$jsonSchema": {"bsonType": "object"}}),
            json!({"name": {"$regularExpression": {"pattern": ".*", "options": ""}}}),
            json!({"name": {"$regex": "", "$options": "i"}}),
            json!({"$sampleRate": 1}),
        ] {
            assert_eq!(scope(Some(&filter)), Scope::All, "{filter}");
        }
        assert_eq!(scope(None), Scope::All);
    }

    #[test]
    fn filters_that_mean_one_or_some() {
        for filter in [
            json!({"_id": 7}),
            json!({"_id": null}),
            json!({"_id": {"$oid": "65a000000000000000000000"}}),
            json!({"_id": {"a": 1}}),
            json!({"_id": {"$eq": 7}}),
            json!({"_id": {"$in": [7]}}),
            json!({"_id": 7, "gone": true}),
            json!({"$and": [{"_id": 7}, {"x": 1}]}),
            json!({"_id": {UNKNOWN: null}}),
        ] {
            assert_eq!(scope(Some(&filter)), Scope::One, "{filter}");
        }
        for filter in [
            json!({"x": 1}),
            json!({"x": {"$exists": true}}),
            json!({"x": {"$ne": null}}),
            json!({"_id": {"$in": []}}),
            json!({"_id": {"$in": [7, 8]}}),
            json!({"_id": {"$in": {UNKNOWN: null}}}),
            json!({"_id": {"$gt": 7}}),
            json!({"_id": {"$ne": 7}}),
            json!({"_id": {"$regularExpression": {"pattern": "^a", "options": ""}}}),
            json!({"_id": {"$exists": true}, "x": 1}),
            json!({"$expr": false}),
            json!({"$expr": "$gone"}),
            json!({"$expr": {"$eq": ["$a", "$b"]}}),
            json!({"$expr": {"$eq": [1, 2]}}),
            json!({"$or": [{"x": 1}, {"y": 1}]}),
            json!({"$nor": [{}]}),
            json!({"$where": "this.gone"}),
            json!({"$jsonSchema": {"required": ["gone"]}}),
            json!({"x": {"$not": {"$gt": 3}}}),
            json!({"x": 1, UNKNOWN: null}),
            json!({"$and": [{"x": 1}, {UNKNOWN: null}]}),
            json!({"name": {"$regex": "^test"}}),
        ] {
            assert_eq!(scope(Some(&filter)), Scope::Filtered, "{filter}");
        }
        for filter in [
            json!({UNKNOWN: null}),
            json!({"$and": [{UNKNOWN: null}]}),
            json!({"$or": [{"x": 1}, {UNKNOWN: null}]}),
        ] {
            assert_eq!(scope(Some(&filter)), Scope::Unknown, "{filter}");
        }
    }
}
