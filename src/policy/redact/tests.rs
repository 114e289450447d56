//! What a redactor hides, and what it leaves alone.

use proptest::prelude::*;

use super::*;

const SK: &str = r#"Sk/9+a"b\c<d>&e='f%g"#;
const TOKEN: &str = "gAAAAABexampletoken+/=with-plus-slash-equals";
const AK: &str = "AKIDEXAMPLE000000001";

fn redactor(secrets: &[&str]) -> Redactor {
    Redactor::new(secrets.iter().map(|secret| Secret::new((*secret).to_owned())).collect())
}

fn percent(text: &str) -> String {
    text.bytes().map(|byte| format!("%{byte:02x}")).collect()
}

fn unicode(text: &str) -> String {
    text.encode_utf16().map(|unit| format!("\\u{unit:04X}")).collect()
}

fn html(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;").replace('\'', "&#39;")
}

fn json(text: &str) -> String {
    let quoted = serde_json::to_string(text).expect("a string");
    quoted[1..quoted.len() - 1].to_owned()
}

/// Base64 as RFC 4648 has it, bit by bit and with padding.
fn base64(bytes: &[u8]) -> String {
    const DIGITS: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let bits: String = bytes.iter().map(|byte| format!("{byte:08b}")).collect();
    let mut out: String = bits
        .as_bytes()
        .chunks(6)
        .map(|six| format!("{:0<6}", std::str::from_utf8(six).expect("ASCII")))
        .map(|six| char::from(DIGITS[usize::from_str_radix(&six, 2).expect("bits")]))
        .collect();
    while !out.len().is_multiple_of(4) {
        out.push('=');
    }
    out
}

#[test]
fn every_encoding_is_found() {
    assert_eq!(base64(b"light wor"), "bGlnaHQgd29y", "the example everybody knows");
    let redactor = redactor(&[SK]);
    for echo in [
        SK.to_owned(),
        json(SK),
        json(SK).replace('/', "\\/"),
        json(&json(SK)),
        unicode(SK),
        unicode(SK).to_lowercase(),
        percent(SK),
        percent(SK).to_uppercase(),
        percent(SK).replace('%', "%25"),
        html(SK),
        html(&html(SK)),
        json(&html(SK)),
        SK.chars().map(|c| format!("&#x{:x};", u32::from(c))).collect(),
        "Sk%2f9%2Ba\\\"b\\\\c&lt;d&#62;\\u0026e=&#39;f%25g".to_owned(),
    ] {
        assert_eq!(redactor.scrub(&format!("wrong key <{echo}>!")), "wrong key <[redacted]>!", "{echo}");
    }
}

#[test]
fn base64_is_found_alone_and_inside_something_longer() {
    let redactor = redactor(&[TOKEN]);
    for before in ["", "a", "ab", "abc", "user:"] {
        let echo = base64(format!("{before}{TOKEN}").as_bytes());
        for echo in [echo.clone(), echo.replace('+', "-").replace('/', "_"), percent(&echo), echo.replace('/', "\\/")] {
            let scrubbed = redactor.scrub(&format!("Basic {echo}."));
            // Digits of the text before stay, and at most three that share a byte with the secret.
            let around = scrubbed.trim_start_matches("Basic ").len() - REDACTED.len() - ".".len();
            assert!(scrubbed.contains(REDACTED) && around <= 3 * (before.len() * 8 / 6 + 5), "{scrubbed}");
        }
    }
}

#[test]
fn secrets_within_secrets_leave_no_rest() {
    let redactor = redactor(&["abcdefgh", "abcdefghijklmnop", "mnopqrstuv"]);
    assert_eq!(redactor.scrub("<abcdefghijklmnop>"), "<[redacted]>");
    assert_eq!(redactor.scrub("<abcdefghijklmnopqrstuv>"), "<[redacted]>", "two that overlap");
    assert_eq!(redactor.scrub("<abcdefghij>"), "<[redacted]ij>");
}

#[test]
fn a_secret_that_the_end_cuts_off_is_found_from_eight_characters_on() {
    let redactor = redactor(&[TOKEN]);
    assert_eq!(redactor.scrub("echo gAAAAABe"), "echo [redacted]");
    assert_eq!(redactor.scrub("echo gAAAAAB"), "echo gAAAAAB", "seven characters may be anything");
    assert_eq!(redactor.scrub("echo gAAAAABe."), "echo gAAAAABe.", "not at the end");
    assert_eq!(redactor.scrub("echo gAAAAABexampletoken\\u00"), "echo [redacted]", "cut off inside an escape");
}

#[test]
fn an_access_key_keeps_its_last_four_characters() {
    let redactor = redactor(&[SK]).with_access_keys([AK, "short12"]);
    assert_eq!(redactor.scrub(&format!("Access={AK}, other")), "Access=…0001, other");
    assert_eq!(redactor.scrub(&percent(AK)), "…0001");
    assert_eq!(redactor.scrub("is short12 known?"), "is … known?", "too short to show a part of");
}

#[test]
fn signatures_and_authentication_headers_go_by_their_look() {
    let redactor = Redactor::default();
    let hex = "7be66680".repeat(8);
    let scrub = |text: &str| redactor.scrub(text);
    assert_eq!(scrub(&format!("SignedHeaders=host, Signature={hex}|")), "SignedHeaders=host, Signature=[redacted]|");
    assert_eq!(scrub(&format!("{{\"signature\": \"{hex}\"}}")), "{\"signature\": \"[redacted]\"}");
    assert_eq!(scrub(&format!("Signature%3D{hex}%26")), "Signature%[redacted]%26");
    assert_eq!(scrub("…, Signature=7be66680aa"), "…, Signature=[redacted]", "cut off");
    assert_eq!(
        scrub("POST|Authorization: SDK-HMAC-SHA256 Access=ABCDEFGH, SignedHeaders=host|region:x"),
        "POST|Authorization: [redacted]|region:x"
    );
    assert_eq!(
        scrub(r#"{"headers":{"X-Auth-Token":"gAAAAAB0123456789","a":1}}"#),
        r#"{"headers":{"X-Auth-Token":"[redacted]","a":1}}"#
    );
    assert_eq!(scrub("x-security-token:MIIabcdefghijklmnop|x"), "x-security-token:[redacted]|x");
    for prose in [
        "Incorrect IAM authentication information: verify aksk signature fail, signature time:20260115T080910Z",
        "Authorization: missing",
        "content-type;host;x-sdk-date;x-security-token|e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
        "X-Auth-Token is invalid in the request",
        "plan sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
    ] {
        assert_eq!(scrub(prose), prose);
    }
}

#[test]
fn other_text_stays_as_it_is() {
    let redactor = redactor(&[SK, TOKEN, "abc", ""]);
    for text in ["", "权限不足: abc &amp; %2f \\u002f", "Sk/9 gAAAA", "%", "\\", "&#", "\\u", "&#xffffffffff;"] {
        assert_eq!(redactor.scrub(text), text);
    }
}

#[test]
fn debug_shows_no_secret() {
    let shown = format!("{:?}", redactor(&[SK, TOKEN]).with_access_keys([AK]));
    for secret in ["Sk/9", "gAAAA", "AKIDEXAMPLE", &base64(TOKEN.as_bytes())[..12]] {
        assert!(!shown.contains(secret), "{shown}");
    }
}

#[test]
fn large_texts_of_any_pattern_are_scrubbed() {
    // As long as IAM tokens get, and without a period.
    let token: String =
        "MII".chars().chain((0u64..8000).map(|n| char::from(b'A' + (n * n * 31 % 1009 % 26) as u8))).collect();
    let redactor = redactor(&[SK, TOKEN, &token]).with_access_keys([AK]);
    for unit in [
        "x",
        "\\",
        "%",
        "&amp;",
        "&#",
        "S",
        "MII",
        &token[..8000],
        "signature",
        "authorization: a ",
        "x-auth-token:",
        "镜像",
    ] {
        let text = unit.repeat(65_536 / unit.len());
        assert!(redactor.scrub(&text).len() <= text.len() + REDACTED.len());
    }
}

/// One character in a randomly chosen encoding.
fn encode(c: char, how: u8) -> String {
    let text = c.to_string();
    match how % 6 {
        0 => percent(&text),
        1 => unicode(&text),
        2 => format!("&#{};", u32::from(c)),
        3 => html(&text),
        4 => json(&text),
        _ => text,
    }
}

#[test]
fn what_is_learnt_later_is_found_as_well_and_only_once() {
    let mut redactor = Redactor::new(vec![Secret::new("first-secret".to_owned())]);
    assert_eq!(redactor.scrub("first-secret later-secret"), "[redacted] later-secret");
    let patterns = redactor.patterns.len();
    redactor.learn(&Secret::new("later-secret".to_owned()));
    redactor.learn_access_key("AKLATER0001");
    assert_eq!(redactor.scrub("first-secret later-secret AKLATER0001"), "[redacted] [redacted] …0001");
    let grown = redactor.patterns.len();
    redactor.learn(&Secret::new("later-secret".to_owned()));
    redactor.learn_access_key("AKLATER0001");
    assert_eq!(redactor.patterns.len(), grown);
    assert!(grown > patterns);
}

proptest! {
    #[test]
    fn no_secret_survives_in_any_encoding(
        secrets in proptest::collection::vec("[!-~]{8,40}", 1..4),
        which in any::<prop::sample::Index>(),
        hows in proptest::collection::vec(any::<u8>(), 40),
        before in "\\PC{0,12}", after in "\\PC{0,12}",
    ) {
        let redactor = Redactor::new(secrets.iter().cloned().map(Secret::new).collect());
        let secret = which.get(&secrets);
        let mixed: String = secret.chars().zip(&hows).map(|(c, how)| encode(c, *how)).collect();
        let inner = format!("{before}{secret}");
        for echo in [secret.clone(), json(secret), percent(secret), unicode(secret), html(secret), base64(secret.as_bytes()),
            base64(inner.as_bytes()), mixed.clone()] {
            let scrubbed = redactor.scrub(&format!("{before}{echo}{after}"));
            for secret in &secrets {
                for form in [secret.clone(), json(secret), percent(secret), unicode(secret), html(secret),
                    base64(secret.as_bytes())] {
                    prop_assert!(!scrubbed.contains(&form), "{form} in {scrubbed}");
                }
            }
            prop_assert!(!scrubbed.contains(&mixed), "{mixed} in {scrubbed}");
            prop_assert!(scrubbed.contains(REDACTED));
        }
    }

    #[test]
    fn no_text_is_too_odd(text in any::<String>(), secret in any::<String>()) {
        let scrubbed = redactor(&[&secret, TOKEN]).scrub(&text);
        prop_assert!(secret.chars().count() < SHORTEST || !scrubbed.contains(&secret) || REDACTED.contains(&secret));
    }
}
