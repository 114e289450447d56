//! Which source counts, and what is said about those that don't.

use super::*;
use crate::model::CredentialName;

fn environment(variables: &[(&str, &str)]) -> Environment {
    variables.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
}

fn file(text: &str) -> CredentialsFile {
    let content = Ok(Sections::parse(text).expect("legal"));
    CredentialsFile { shown: "~/.huaweicloud/credentials".to_owned(), content, warning: None }
}

fn no_file() -> CredentialsFile {
    CredentialsFile { content: Err(FileProblem::Absent("there is no such file")), ..file("") }
}

fn find_in(name: &str, variables: &[(&str, &str)], file: &CredentialsFile) -> Result<String, String> {
    let name = CredentialName::parse(name).expect("a credential name");
    let found = find_credential(&name, &environment(variables), file);
    found.map(|found| found.describe()).map_err(|error| error.to_string())
}

fn find(name: &str, variables: &[(&str, &str)]) -> Result<String, String> {
    find_in(name, variables, &no_file())
}

const SK: &str = "secret-key-of-forty-characters-xxxxxxxxx";

#[test]
fn the_first_complete_source_counts() {
    let all = [
        ("HUAWEICLOUD_SDK_AK", "AKAKAKAK1111"),
        ("HUAWEICLOUD_SDK_SK", SK),
        ("CLOUD_SDK_AK", "AKAKAKAK2222"),
        ("CLOUD_SDK_SK", SK),
        ("HW_ACCESS_KEY", "AKAKAKAK3333"),
        ("HW_SECRET_KEY", SK),
        ("HW_SECURITY_TOKEN", "token-token"),
        ("OS_ACCESS_KEY", "AKAKAKAK4444"),
        ("OS_SECRET_KEY", SK),
        ("HW_AUTH_TOKEN", "token-token"),
        ("OS_AUTH_TOKEN", "token-token"),
        ("HW_USER_NAME", "alice"),
        ("HW_USER_PASSWORD", "open sesame"),
        ("HW_DOMAIN_NAME", "example"),
        ("HUAWEICLOUD_SDK_IDP_ID", "corp"),
        ("HUAWEICLOUD_SDK_ID_TOKEN_FILE", "/run/token"),
        ("HSS_SYNC_METADATA_ENDPOINT", "http://127.0.0.1:1"),
    ];
    let no_section = file("[emea]\nak = AKAKAKAK6666\nsk = secret-secret\n");
    let basic = file("[basic]\nak = AKAKAKAK5555\nsk = secret-secret\n");
    for (skipped, file, expected) in [
        (0, &basic, "AK …1111 from HUAWEICLOUD_SDK_AK"),
        (2, &basic, "AK …2222 from CLOUD_SDK_AK"),
        (4, &basic, "temporary AK …3333 from HW_ACCESS_KEY"),
        (7, &basic, "AK …4444 from OS_ACCESS_KEY"),
        (9, &basic, "token from HW_AUTH_TOKEN"),
        (10, &basic, "token from OS_AUTH_TOKEN"),
        (11, &basic, "user name and password from HW_USER_NAME"),
        (13, &basic, "AK …5555 from ~/.huaweicloud/credentials [basic]"),
        (13, &no_section, "identity provider from HUAWEICLOUD_SDK_IDP_ID"),
        (16, &no_section, "agency of this server from the metadata service at http://127.0.0.1:1"),
        (17, &no_section, "agency of this server from the metadata service at http://169.254.169.254"),
    ] {
        assert_eq!(find_in("default", &all[skipped..], file).as_deref(), Ok(expected));
    }
}

#[test]
fn a_named_credential_has_its_own_variables_and_section() {
    let variables = [
        ("HSS_SYNC_CREDENTIAL_EMEA_2_AK", "AKAKAKAK1111"),
        ("HSS_SYNC_CREDENTIAL_EMEA_2_SK", SK),
        ("HW_AUTH_TOKEN", SK),
    ];
    let file =
        file("[basic]\nak = AKAKAKAK5555\nsk = secret-secret\n[emea-2]\nak = AKAKAKAK6666\nsk = secret-secret\n");
    assert_eq!(
        find_in("emea-2", &variables, &file).as_deref(),
        Ok("AK …1111 from HSS_SYNC_CREDENTIAL_EMEA_2_AK"),
        "variables come first"
    );
    assert_eq!(
        find_in("emea-2", &variables[2..], &file).as_deref(),
        Ok("AK …6666 from ~/.huaweicloud/credentials [emea-2]")
    );
    assert_eq!(
        find("emea", &[("HSS_SYNC_CREDENTIAL_EMEA_AUTH_TOKEN", SK)]).as_deref(),
        Ok("token from HSS_SYNC_CREDENTIAL_EMEA_AUTH_TOKEN")
    );
    // Neither the default's token nor its section nor the metadata service is for it.
    assert_eq!(
        find_in("apac", &variables, &file).expect_err("nothing"),
        "credential `apac`: no source is complete; looked for, in this order:\n\
         - HSS_SYNC_CREDENTIAL_APAC_AK + HSS_SYNC_CREDENTIAL_APAC_SK (+ HSS_SYNC_CREDENTIAL_APAC_SECURITY_TOKEN): not set\n\
         - HSS_SYNC_CREDENTIAL_APAC_AUTH_TOKEN: not set\n\
         - ~/.huaweicloud/credentials [apac]: there is no such section\n\
         set one of these; README.md, \"Going live\", says more"
    );
}

#[test]
fn values_are_trimmed_and_empty_ones_are_not_set() {
    let variables = [
        ("HUAWEICLOUD_SDK_AK", ""),
        ("HUAWEICLOUD_SDK_SK", " \n"),
        ("CLOUD_SDK_AK", " AKAKAKAK1111\n"),
        ("CLOUD_SDK_SK", "secret-secret\r\n"),
    ];
    let name = CredentialName::default_name();
    let found = find_credential(&name, &environment(&variables), &no_file()).expect("complete");
    let Origin::Ready(Credential::AccessKey { access_key, secret_key, security_token: None }) = found.origin else {
        panic!("a key pair")
    };
    assert_eq!((access_key.as_str(), secret_key.expose()), ("AKAKAKAK1111", "secret-secret"));
}

#[test]
fn a_half_set_source_names_what_is_missing() {
    for (set, missing) in [
        ("HUAWEICLOUD_SDK_AK", "HUAWEICLOUD_SDK_SK is not"),
        ("HUAWEICLOUD_SDK_SK", "HUAWEICLOUD_SDK_AK is not"),
        ("HUAWEICLOUD_SDK_SECURITY_TOKEN", "HUAWEICLOUD_SDK_AK is not"),
        ("HUAWEICLOUD_SDK_IDP_ID", "HUAWEICLOUD_SDK_ID_TOKEN_FILE is not"),
        ("HUAWEICLOUD_SDK_ID_TOKEN_FILE", "HUAWEICLOUD_SDK_IDP_ID is not"),
        ("HW_USER_NAME", "HW_USER_PASSWORD and HW_DOMAIN_NAME are not"),
        ("HW_USER_PASSWORD", "HW_USER_NAME and HW_DOMAIN_NAME are not"),
    ] {
        let error = find("default", &[(set, SK)]).expect_err("half set");
        assert!(error.contains(&format!("{set} is set, but {missing}")), "{error}");
    }
    // A complete source after it doesn't help: it could be somebody else's.
    assert!(find("default", &[("HUAWEICLOUD_SDK_AK", SK), ("HW_AUTH_TOKEN", SK)]).is_err());
    // A half-set source after a complete one doesn't matter.
    let variables = [("CLOUD_SDK_AK", "AKAKAKAK1111"), ("CLOUD_SDK_SK", SK), ("HW_ACCESS_KEY", "x")];
    assert!(find("default", &variables).is_ok());
    // The name of an account is set for other tools as well.
    assert!(find("default", &[("HW_DOMAIN_NAME", "example")]).is_ok(), "the metadata service");
}

#[test]
fn a_half_set_section_names_what_is_missing() {
    for (text, part) in [
        ("ak = AKAKAKAK1111", "`ak` of [basic] in ~/.huaweicloud/credentials is set, but `sk` of [basic] in"),
        ("sk = secret-secret", "but `ak` of [basic] in ~/.huaweicloud/credentials is not"),
        ("security_token = token-token", "but `ak` of [basic]"),
        ("idp_id = corp\nak = AKAKAKAK1111\nsk = secret-secret", "but `id_token_file` of [basic]"),
        ("idp_id = corp\nid_token_file = x\niam_endpoint = http://iam.example", "`iam_endpoint` of [basic] in"),
        ("ak = AKAKAKAK1111\nsk = short", "`sk` of [basic] in ~/.huaweicloud/credentials has fewer than 8"),
    ] {
        let error = find_in("default", &[], &file(&format!("[basic]\n{text}\n"))).expect_err(text);
        assert!(error.contains(part), "{part}: {error}");
    }
    // Keys of the SDK that say nothing about who asks are no half.
    let other = find_in("default", &[("HSS_SYNC_METADATA_ENDPOINT", "off")], &file("[basic]\nproject_id = x\n"));
    let error = other.expect_err("nothing");
    assert!(error.contains("[basic]: neither ak + sk nor idp_id + id_token_file is set in it"), "{error}");
}

#[test]
fn the_identity_provider_of_a_section_comes_before_its_keys() {
    let file = file(
        "[basic]\nak = AKAKAKAK1111\nsk = secret-secret\nidp_id = corp\nid_token_file = /run/token\n\
         iam_endpoint = https://iam.example\n",
    );
    let found = find_credential(&CredentialName::default_name(), &Environment::new(), &file).expect("complete");
    assert_eq!(found.iam_endpoint, Endpoint::parse("https://iam.example").ok());
    let Origin::IdToken(federation) = found.origin else { panic!("{:?}", found.origin) };
    assert_eq!((federation.idp_id.as_str(), federation.token_file), ("corp", PathBuf::from("/run/token")));
}

#[test]
fn a_file_that_is_not_usable_matters_only_when_it_is_reached() {
    let broken = CredentialsFile { content: Err(FileProblem::Unusable("line 3: odd".to_owned())), ..file("") };
    assert!(find_in("default", &[("HW_AUTH_TOKEN", SK)], &broken).is_ok());
    assert_eq!(find_in("default", &[], &broken).expect_err("reached"), "credential `default`: line 3: odd");
}

#[test]
fn what_no_key_can_be_is_refused_without_showing_it() {
    for (value, reason) in [
        ("two\nlines-of-it", "line break"),
        ("with space-in-it", "a space"),
        ("sécret-sécret", "a character"),
        ("bell\u{7}bell", "a character"),
        ("short12", "fewer than 8"),
    ] {
        let error = find("default", &[("OS_ACCESS_KEY", "AKAKAKAK1111"), ("OS_SECRET_KEY", value)]).expect_err(value);
        assert!(error.contains("OS_SECRET_KEY") && error.contains(reason) && !error.contains(value), "{error}");
    }
    assert!(find("default", &[("OS_ACCESS_KEY", "AK,Signature=x"), ("OS_SECRET_KEY", SK)]).is_err());
    for (value, reason) in [("two\nlines-of-it", "line break"), ("abc", "fewer than 4")] {
        let variables = [("HW_USER_NAME", "alice"), ("HW_USER_PASSWORD", value), ("HW_DOMAIN_NAME", "example")];
        let error = find("default", &variables).expect_err(value);
        assert!(error.contains("HW_USER_PASSWORD") && error.contains(reason) && !error.contains(value), "{error}");
    }
}

#[test]
fn nothing_set_says_what_was_looked_for_and_where() {
    assert_eq!(
        find("default", &[("HSS_SYNC_METADATA_ENDPOINT", "off")]).expect_err("nothing"),
        "credential `default`: no source is complete; looked for, in this order:\n\
         - HUAWEICLOUD_SDK_AK + HUAWEICLOUD_SDK_SK (+ HUAWEICLOUD_SDK_SECURITY_TOKEN): not set\n\
         - CLOUD_SDK_AK + CLOUD_SDK_SK: not set\n\
         - HW_ACCESS_KEY + HW_SECRET_KEY (+ HW_SECURITY_TOKEN): not set\n\
         - OS_ACCESS_KEY + OS_SECRET_KEY: not set\n\
         - HW_AUTH_TOKEN: not set\n\
         - OS_AUTH_TOKEN: not set\n\
         - HW_USER_NAME + HW_USER_PASSWORD + HW_DOMAIN_NAME: not set\n\
         - ~/.huaweicloud/credentials [basic]: there is no such file\n\
         - HUAWEICLOUD_SDK_IDP_ID + HUAWEICLOUD_SDK_ID_TOKEN_FILE: not set\n\
         - metadata service of a cloud server: switched off by HSS_SYNC_METADATA_ENDPOINT\n\
         set one of these; README.md, \"Going live\", says more"
    );
    let error = find("default", &[("HSS_SYNC_METADATA_ENDPOINT", "http://example.com")]).expect_err("not loopback");
    assert!(error.contains("the value of HSS_SYNC_METADATA_ENDPOINT is not usable"), "{error}");
}
