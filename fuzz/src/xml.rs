//! Whether a text is XML as far as a reader of JUnit needs it: elements that nest, attributes once each and quoted, no entity but
//! the five that every reader knows, and no character that XML has not. The schema is checked by `tests/formats/run`.

use std::collections::{BTreeMap, BTreeSet};

/// How often each element is there.
///
/// # Errors
/// What is not well-formed.
pub fn elements(text: &str) -> Result<BTreeMap<&str, usize>, String> {
    if let Some(c) = text.chars().find(|c| !is_char(*c)) {
        return Err(format!("XML has no character {c:?}"));
    }
    let (mut open, mut found, mut rest) = (Vec::new(), BTreeMap::new(), text);
    while let Some((before, after)) = rest.split_once('<') {
        check_text(before)?;
        if open.is_empty() && !before.trim().is_empty() {
            return Err(format!("text outside of the document: {before:?}"));
        }
        rest = match after.strip_prefix('?') {
            Some(_) if !found.is_empty() => return Err("a declaration that is not the first".to_owned()),
            Some(declaration) => declaration.split_once("?>").ok_or("a declaration without an end")?.1,
            None => tag(after, &mut open, &mut found)?,
        };
    }
    match (open.pop(), rest.trim()) {
        (Some(name), _) => Err(format!("{name} does not end")),
        (None, "") => Ok(found),
        (None, rest) => Err(format!("text outside of the document: {rest:?}")),
    }
}

/// Takes one tag, after its `<`; what follows it.
fn tag<'a>(text: &'a str, open: &mut Vec<&'a str>, found: &mut BTreeMap<&'a str, usize>) -> Result<&'a str, String> {
    if let Some(ending) = text.strip_prefix('/') {
        let (name, rest) = ending.split_once('>').ok_or("a tag without an end")?;
        return match open.pop() {
            Some(last) if last == name => Ok(rest),
            last => Err(format!("{name} ends where {last:?} is open")),
        };
    }
    let end = text.find(|c: char| !c.is_ascii_alphanumeric() && c != '-').ok_or("a tag without an end")?;
    let (name, mut rest) = text.split_at(end);
    if !name.starts_with(|c: char| c.is_ascii_alphabetic()) {
        return Err(format!("an element without a name: {text:.20?}"));
    }
    if open.is_empty() && !found.is_empty() {
        return Err(format!("{name} is a second root"));
    }
    let mut names = BTreeSet::new();
    loop {
        rest = rest.trim_start();
        if let Some(rest) = rest.strip_prefix("/>") {
            *found.entry(name).or_insert(0) += 1;
            return Ok(rest);
        }
        if let Some(rest) = rest.strip_prefix('>') {
            *found.entry(name).or_insert(0) += 1;
            open.push(name);
            return Ok(rest);
        }
        let (attribute, value) =
            rest.split_once("=\"").ok_or_else(|| format!("no attribute of {name}: {rest:.40?}"))?;
        let (value, after) = value.split_once('"').ok_or("an attribute without an end")?;
        let is_name =
            !attribute.is_empty() && attribute.chars().all(|c| c.is_ascii_alphanumeric() || c == '_' || c == '-');
        if !is_name || value.contains('<') || !names.insert(attribute) {
            return Err(format!("no attribute of {name}, or there twice: {attribute:?}"));
        }
        check_text(value)?;
        rest = after;
    }
}

/// What stands between tags, or in an attribute.
fn check_text(text: &str) -> Result<(), String> {
    if text.contains("]]>") {
        return Err("`]]>` in a text".to_owned());
    }
    for reference in text.split('&').skip(1) {
        let (name, _) = reference.split_once(';').ok_or("a bare ampersand")?;
        let number = name.strip_prefix("#x").map(|hex| u32::from_str_radix(hex, 16));
        let number = number.or_else(|| name.strip_prefix('#').map(str::parse));
        let is_known = match number {
            Some(number) => number.ok().and_then(char::from_u32).is_some_and(is_char),
            None => ["amp", "lt", "gt", "quot", "apos"].contains(&name),
        };
        if !is_known {
            return Err(format!("no reference: &{name:.20};"));
        }
    }
    Ok(())
}

/// XML 1.0, production 2.
fn is_char(c: char) -> bool {
    matches!(c, '\t' | '\n' | '\r' | ' '..='\u{d7ff}' | '\u{e000}'..='\u{fffd}' | '\u{10000}'..='\u{10ffff}')
}

#[cfg(test)]
mod tests {
    use super::elements;

    #[test]
    fn a_document_counts_its_elements_and_what_is_none_is_refused() {
        let good = "<?xml version=\"1.0\"?>\n<a x=\"1\" y=\"&lt;&#x41;\"><b/>text &amp; more<b>c</b></a>\n";
        assert_eq!(elements(good), Ok([("a", 1), ("b", 2)].into()));
        for bad in [
            "<a>",
            "<a></b>",
            "<a/><b/>",
            "<a/>text",
            "<a x=\"1\" x=\"2\"/>",
            "<a x='1'/>",
            "<a x=\"<\"/>",
            "<a>&</a>",
            "<a>&nbsp;</a>",
            "<a>&#0;</a>",
            "<a>]]></a>",
            "<a>\u{1b}</a>",
            "<a>\u{fffe}</a>",
            "<a><1/></a>",
            "< a/>",
        ] {
            assert!(elements(bad).is_err(), "{bad}");
        }
    }
}
