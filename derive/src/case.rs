//! Names in other cases.

/// The words of a name in camel case, as they are: `HTTPFailed` is `HTTP` and `Failed`.
fn words(name: &str) -> Vec<String> {
    let letters: Vec<char> = name.chars().collect();
    let mut words = vec![String::new()];
    for (index, &letter) in letters.iter().enumerate() {
        if letter == '_' {
            words.push(String::new());
            continue;
        }
        let follows_small = index > 0 && !letters[index - 1].is_uppercase();
        let leads_small = letters.get(index + 1).is_some_and(|next| next.is_lowercase());
        if letter.is_uppercase() && (follows_small || leads_small) {
            words.push(String::new());
        }
        words.last_mut().expect("there is one from the beginning").push(letter);
    }
    words.retain(|word| !word.is_empty());
    words
}

/// The name of the constant for a variant: `HTTP_FAILED` for `HTTPFailed`.
pub(crate) fn screaming(name: &str) -> String {
    let constant = words(name).join("_").to_uppercase();
    // Of a variant like `_1`.
    if constant.starts_with(|first: char| first.is_numeric()) { format!("_{constant}") } else { constant }
}

/// The name in snake case: `http_failed` for `HTTPFailed`.
pub(crate) fn snake(name: &str) -> String {
    words(name).join("_").to_lowercase()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn constants_are_named_as_a_person_would() {
        for (variant, constant) in [
            ("Loaded", "LOADED"),
            ("HttpFailed", "HTTP_FAILED"),
            ("HTTPFailed", "HTTP_FAILED"),
            ("FailedHTTP", "FAILED_HTTP"),
            ("V2Loaded", "V2_LOADED"),
            ("Loaded2", "LOADED2"),
            ("OverIPv6", "OVER_I_PV6"),
            ("A", "A"),
            ("already_snake", "ALREADY_SNAKE"),
            ("Mixed_Case", "MIXED_CASE"),
            ("_Hidden", "HIDDEN"),
            ("_1", "_1"),
            ("Größe", "GRÖSSE"),
        ] {
            assert_eq!(screaming(variant), constant, "{variant}");
        }
        assert_eq!(snake("ConfigHTTPLoaded"), "config_http_loaded");
    }
}
