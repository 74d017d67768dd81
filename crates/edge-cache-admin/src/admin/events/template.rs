//! Templates of names, with fields in braces: `products:{id}:*`.

/// Replaces each `{name}` by `field(name)`.
///
/// # Errors
/// The mistake in a template, or the field that is missing.
pub(super) fn fill(
    template: &str,
    field: impl Fn(&str) -> Option<String>,
) -> Result<String, String> {
    let mut filled = String::with_capacity(template.len() + 16);
    let mut rest = template;
    while let Some((before, after)) = rest.split_once('{') {
        let (name, tail) = after
            .split_once('}')
            .ok_or("has a brace that is not closed")?;
        if name.is_empty() || before.contains('}') {
            return Err("has braces that do not match, or are empty".into());
        }

        let value = field(name).ok_or_else(|| format!("needs `{name}`, which the event lacks"))?;
        filled.push_str(before);
        filled.push_str(&value);
        rest = tail;
    }

    if rest.contains('}') {
        return Err("has a brace that is not opened".into());
    }
    filled.push_str(rest);
    Ok(filled)
}

/// Returns true if the template uses a field.
pub(super) fn uses_field(template: &str, name: &str) -> bool {
    template.contains(&format!("{{{name}}}"))
}
