//! The catalogue: every code that a diagnostic can carry, with its explanation.
//!
//! `hss-sync explain CODE` prints what stands here. A new code is one row of the table below.

/// How bad a diagnostic is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, serde::Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// Worth a look; `--deny-warnings` makes it an error.
    Warning,
    /// The plan is invalid.
    Error,
}

impl Severity {
    /// `error` or `warning`.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Warning => "warning",
            Self::Error => "error",
        }
    }
}

/// What `explain` says about a code.
#[derive(Clone, Copy, Debug)]
pub struct Explanation {
    /// One line: what the code means.
    pub summary: &'static str,
    /// Why it is a problem and how to mend it, in sentences.
    pub detail: &'static str,
    /// A piece of a plan that gets this code.
    pub bad: &'static str,
    /// The same piece, mended.
    pub good: &'static str,
}

macro_rules! catalogue {
    ($($variant:ident $name:literal $severity:ident $summary:literal $detail:literal $bad:literal => $good:literal;)*) => {
        /// What kind of problem a diagnostic is about.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub enum Code {
            $(#[doc = $summary] $variant,)*
        }

        impl Code {
            /// Every code, in the order of the catalogue.
            pub const ALL: &[Self] = &[$(Self::$variant,)*];

            /// The code as it is printed: `unknown-set`.
            #[must_use]
            pub fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $name,)* }
            }

            /// Error or warning.
            #[must_use]
            pub fn severity(self) -> Severity {
                match self { $(Self::$variant => Severity::$severity,)* }
            }

            /// What `explain` prints.
            #[must_use]
            pub fn explanation(self) -> Explanation {
                match self {
                    $(Self::$variant => Explanation { summary: $summary, detail: $detail, bad: $bad, good: $good },)*
                }
            }
        }
    };
}

catalogue! {
    UnreadableFile "unreadable-file" Error
        "TODO"
        "TODO"
        "" => "";

    FileTooLarge "file-too-large" Error
        "TODO"
        "TODO"
        "" => "";

    InvalidUtf8 "invalid-utf8" Error
        "TODO"
        "TODO"
        "" => "";

    ControlCharacter "control-character" Error
        "TODO"
        "TODO"
        "" => "";

    YamlSyntax "yaml-syntax" Error
        "TODO"
        "TODO"
        "" => "";

    EmptyPlan "empty-plan" Error
        "TODO"
        "TODO"
        "" => "";

    MultipleDocuments "multiple-documents" Error
        "TODO"
        "TODO"
        "" => "";

    DuplicateKey "duplicate-key" Error
        "TODO"
        "TODO"
        "" => "";

    NestingTooDeep "nesting-too-deep" Error
        "TODO"
        "TODO"
        "" => "";

    AliasBudget "alias-budget" Error
        "TODO"
        "TODO"
        "" => "";

    UnknownAnchor "unknown-anchor" Error
        "TODO"
        "TODO"
        "" => "";

    UnsupportedTag "unsupported-tag" Error
        "TODO"
        "TODO"
        "" => "";

    ComplexKey "complex-key" Error
        "TODO"
        "TODO"
        "" => "";

    InvalidMerge "invalid-merge" Error
        "TODO"
        "TODO"
        "" => "";

    UnknownKey "unknown-key" Error
        "TODO"
        "TODO"
        "" => "";

    MissingKey "missing-key" Error
        "TODO"
        "TODO"
        "" => "";

    WrongType "wrong-type" Error
        "TODO"
        "TODO"
        "" => "";

    InvalidValue "invalid-value" Error
        "TODO"
        "TODO"
        "" => "";

    OutOfRange "out-of-range" Error
        "TODO"
        "TODO"
        "" => "";

    NumberAsId "number-as-id" Error
        "TODO"
        "TODO"
        "" => "";

    BooleanAsId "boolean-as-id" Error
        "TODO"
        "TODO"
        "" => "";

    NullValue "null-value" Error
        "TODO"
        "TODO"
        "" => "";

    UnsupportedVersion "unsupported-version" Error
        "TODO"
        "TODO"
        "" => "";

    ConflictingKeys "conflicting-keys" Error
        "TODO"
        "TODO"
        "" => "";

    EmptyCollection "empty-collection" Error
        "TODO"
        "TODO"
        "" => "";

    RepeatedItem "repeated-item" Error
        "TODO"
        "TODO"
        "" => "";

    TemplateNotAllowed "template-not-allowed" Error
        "TODO"
        "TODO"
        "" => "";

    TemplateSyntax "template-syntax" Error
        "TODO"
        "TODO"
        "" => "";

    UndefinedVariable "undefined-variable" Error
        "TODO"
        "TODO"
        "" => "";

    TemplateFailed "template-failed" Error
        "TODO"
        "TODO"
        "" => "";

    TemplateLimit "template-limit" Error
        "TODO"
        "TODO"
        "" => "";

    InvalidRenderedValue "invalid-rendered-value" Error
        "TODO"
        "TODO"
        "" => "";

    UnknownSet "unknown-set" Error
        "TODO"
        "TODO"
        "" => "";

    UnknownLabel "unknown-label" Error
        "TODO"
        "TODO"
        "" => "";

    UnknownProject "unknown-project" Error
        "TODO"
        "TODO"
        "" => "";

    UnknownRegion "unknown-region" Error
        "TODO"
        "TODO"
        "" => "";

    DuplicateProject "duplicate-project" Error
        "TODO"
        "TODO"
        "" => "";

    DuplicateWave "duplicate-wave" Error
        "TODO"
        "TODO"
        "" => "";

    ConflictingRegistryType "conflicting-registry-type" Error
        "TODO"
        "TODO"
        "" => "";

    MissingSets "missing-sets" Error
        "TODO"
        "TODO"
        "" => "";

    EndpointNotAllowed "endpoint-not-allowed" Error
        "TODO"
        "TODO"
        "" => "";

    DuplicateOperation "duplicate-operation" Error
        "TODO"
        "TODO"
        "" => "";

    TooManyOperations "too-many-operations" Error
        "TODO"
        "TODO"
        "" => "";

    OperationWithoutWave "operation-without-wave" Error
        "TODO"
        "TODO"
        "" => "";

    UnusedSet "unused-set" Warning
        "TODO"
        "TODO"
        "" => "";

    UnusedVariable "unused-variable" Warning
        "TODO"
        "TODO"
        "" => "";

    RedundantRegistries "redundant-registries" Warning
        "TODO"
        "TODO"
        "" => "";

    EmptyWave "empty-wave" Warning
        "TODO"
        "TODO"
        "" => "";

    UnlistedRegion "unlisted-region" Warning
        "TODO"
        "TODO"
        "" => "";

    DeadlineExceeded "deadline-exceeded" Warning
        "TODO"
        "TODO"
        "" => "";

}

impl Code {
    /// Reads a printed code.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|code| code.as_str() == text)
    }
}
