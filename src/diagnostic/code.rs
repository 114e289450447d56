//! The catalogue: every code that a diagnostic can carry, with its explanation.
//!
//! `hss-sync explain CODE` prints what stands here. A new code is one row of the table below. The examples are
//! top-level keys of a plan that start at the first column: together with a small base plan, `bad` gets its code
//! and `good` passes, which a test holds them to. This file is long because it is a table.

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
    /// A piece of a plan that gets this code: top-level keys, or the command line that leads to it.
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
                    $(Self::$variant => Explanation {
                        summary: $summary,
                        detail: $detail,
                        bad: $bad.trim_matches('\n'),
                        good: $good.trim_matches('\n'),
                    },)*
                }
            }
        }
    };
}

catalogue! {
    UnreadableFile "unreadable-file" Error
        "A plan file cannot be read"
        "The path was given, but opening or reading it failed: it does not exist, it is no file, or the permission is \
         missing. A batch with one plan missing would not be the batch that was reviewed, so nothing is planned. Check the \
         path from the directory in which the command runs; directories are searched for `*.yaml` and `*.yml`, and `-` \
         is standard input."
r#"
# The directory is called `plans`:
hss-sync validate plan/fleet.yaml
"# => r#"
hss-sync validate plans/fleet.yaml
"#;

    FileTooLarge "file-too-large" Error
        "A plan file is larger than any real plan"
        "Plans can come from strangers, so that the size of what is read is bounded before it is parsed. A file this large is \
         nearly always the wrong file: a log, an export, an archive. Name the plan itself, or split a very large plan \
         into several files and give them together; they still share one quota."
r#"
hss-sync validate inventory-export.yaml
"# => r#"
hss-sync validate plans/europe.yaml plans/asia.yaml
"#;

    InvalidUtf8 "invalid-utf8" Error
        "A plan file is not UTF-8 text"
        "A plan is read as UTF-8. Bytes that are not UTF-8 come from another encoding (Latin-1, GBK, UTF-16) or from a file \
         that is not text, and guessing would change names and ids silently. Save the file as UTF-8; \
         `iconv -f GBK -t UTF-8` converts one."
r#"
# Saved as Latin-1: the é is the single byte E9.
description: Registres privés
"# => r#"
# Saved as UTF-8: the é is the two bytes C3 A9.
description: Registres privés
"#;

    ControlCharacter "control-character" Error
        "A plan file contains a character that cannot be seen"
        "YAML allows no control characters besides tab and line ends. They usually come from copying out of a terminal, and they \
         can make a plan look different from what it says. Delete the character at the marked place; where a value really \
         needs it, write it as an escape in double quotes."
r#"
# U+001B ESCAPE, shown here as ␛, came along with a copied word:
name: fleet-␛[1mnightly
"# => r#"
name: fleet-nightly
"#;

    YamlSyntax "yaml-syntax" Error
        "The file is not well-formed YAML"
        "The parser cannot tell what is meant, so that nothing after this place was read. The usual causes are a bracket or quote \
         that is never closed, a tab used as indentation, or a line that is indented differently from its neighbours. \
         Mend the marked place and validate again: further mistakes may come to light behind it."
r#"
projects:
  - name: payments
    project_ids: { cn-north-4: 0a1b2c3d4e5f60718293a4b5c6d7e8f9 }
    labels: [canary, pci
"# => r#"
projects:
  - name: payments
    project_ids: { cn-north-4: 0a1b2c3d4e5f60718293a4b5c6d7e8f9 }
    labels: [canary, pci]
"#;

    EmptyPlan "empty-plan" Error
        "The file contains no plan"
        "There is nothing in it but white space and comments. An empty file in a batch is more often a failed generator or a \
         wrong path than an intention, so it is not taken as zero operations. Write a plan, or leave the file out."
r#"
# Generated from the inventory.
"# => r#"
version: 1
name: fleet-nightly
registry_sets:
  everything: { sync_all_registries: true }
projects:
  - name: payments
    project_ids: { cn-north-4: 0a1b2c3d4e5f60718293a4b5c6d7e8f9 }
    registry_sets: [everything]
"#;

    MultipleDocuments "multiple-documents" Error
        "The file holds more than one YAML document"
        "Everything behind a second `---` would be a plan of its own, and many tools read only the first one: two readers of the \
         same file could disagree about what is sent. Keep one plan in one file. Several files can be given to one command, \
         or the projects can stand in one plan."
r#"
version: 1
name: payments
---
version: 1
name: search
"# => r#"
version: 1
name: payments-and-search
"#;

    DuplicateKey "duplicate-key" Error
        "A mapping has the same key twice"
        "YAML readers differ in which of the two wins, and none of them tells. What was reviewed and what is sent could then \
         differ. Keep one of the two, or join their values."
r#"
projects:
  - name: payments
    project_ids: { cn-north-4: 0a1b2c3d4e5f60718293a4b5c6d7e8f9 }
    labels: [canary]
    labels: [pci]
"# => r#"
projects:
  - name: payments
    project_ids: { cn-north-4: 0a1b2c3d4e5f60718293a4b5c6d7e8f9 }
    labels: [canary, pci]
"#;

    NestingTooDeep "nesting-too-deep" Error
        "Lists and mappings are nested deeper than any plan needs"
        "A plan needs fewer than ten levels. Depth is bounded so that a hostile file cannot exhaust the stack of the tool that \
         checks it. Look for brackets that were pasted or generated once too often, and remove the levels without meaning."
r#"
projects:
  - name: payments
    project_ids: { cn-north-4: 0a1b2c3d4e5f60718293a4b5c6d7e8f9 }
    labels: [[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[
      canary
      ]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]
"# => r#"
projects:
  - name: payments
    project_ids: { cn-north-4: 0a1b2c3d4e5f60718293a4b5c6d7e8f9 }
    labels: [canary]
"#;

    AliasBudget "alias-budget" Error
        "Aliases expand to more nodes than a plan may have"
        "Each alias stands for a copy of what it names, so that a few lines of aliases of aliases can grow to millions of nodes (a \
         \"billion laughs\"). The number of copies is counted while reading, and reading stops when a fixed bound is reached. \
         Use aliases for parts that are really repeated, and templates for values."
r#"
vars:
  a: &a [x, x, x, x, x, x, x, x, x, x]
  b: &b [*a, *a, *a, *a, *a, *a, *a, *a, *a, *a]
  c: &c [*b, *b, *b, *b, *b, *b, *b, *b, *b, *b]
  d: &d [*c, *c, *c, *c, *c, *c, *c, *c, *c, *c]
  e: &e [*d, *d, *d, *d, *d, *d, *d, *d, *d, *d]
  f: &f [*e, *e, *e, *e, *e, *e, *e, *e, *e, *e]
  g: [*f, *f, *f, *f, *f, *f, *f, *f, *f, *f]
"# => r#"
projects:
  - name: payments
    project_id: "prod-{{ project.name }}-{{ region }}"
    regions: &regions [ap-southeast-1, ap-southeast-3]
  - name: search
    project_id: "prod-{{ project.name }}-{{ region }}"
    regions: *regions
"#;

    UnknownAnchor "unknown-anchor" Error
        "An alias names an anchor that was not defined before it"
        "`*name` stands for the node that was marked `&name` earlier in the same file; an anchor that comes later, or in another \
         file, does not count. Define the anchor above its first use. If the value itself begins with an asterisk, quote it."
r#"
projects:
  - name: payments
    project_id: "prod-{{ project.name }}-{{ region }}"
    regions: *asia
"# => r#"
projects:
  - name: search
    project_id: "prod-{{ project.name }}-{{ region }}"
    regions: &asia [ap-southeast-1, ap-southeast-3]
  - name: payments
    project_id: "prod-{{ project.name }}-{{ region }}"
    regions: *asia
"#;

    UnsupportedTag "unsupported-tag" Error
        "A value has a YAML tag that plans do not use"
        "Tags such as `!env` ask the reader to build something else from the text; what they do depends on the tool. A plan reads \
         no environment and no files, so that it means the same wherever it is checked. Write the value itself, quoted \
         where it must stay text, or declare a variable and set it with `--var`."
r#"
projects:
  - name: payments
    project_ids: { cn-north-4: !env PAYMENTS_PROJECT_ID }
"# => r#"
vars:
  payments_project_id: 0a1b2c3d4e5f60718293a4b5c6d7e8f9
projects:
  - name: payments
    project_ids: { cn-north-4: "{{ vars.payments_project_id }}" }
"#;

    ComplexKey "complex-key" Error
        "A key is a list or a mapping"
        "YAML allows any node as a key, plans only text: a key that is itself a structure fits no setting. It is nearly always an \
         accident, such as a template without quotes, since `{{` opens two mappings in YAML. Quote the key, or write it \
         as plain text."
r#"
vars:
  ? [environment, stage]
  : prod
projects:
  - name: payments
    project_id: "{{ vars.environment }}-payments-{{ region }}"
    regions: [cn-north-4]
"# => r#"
vars:
  environment: prod
projects:
  - name: payments
    project_id: "{{ vars.environment }}-payments-{{ region }}"
    regions: [cn-north-4]
"#;

    InvalidMerge "invalid-merge" Error
        "A merge key `<<` does not name a mapping"
        "`<<` copies the keys of another mapping into this one, so that its value is an alias of a mapping or a list of such aliases. \
         With anything else there is nothing to copy. Most often the asterisk of the alias is missing."
r#"
projects:
  - &payments
    name: payments
    project_id: "prod-{{ project.name }}-{{ region }}"
    regions: [cn-north-4]
  - <<: payments
    name: search
"# => r#"
projects:
  - &payments
    name: payments
    project_id: "prod-{{ project.name }}-{{ region }}"
    regions: [cn-north-4]
  - <<: *payments
    name: search
"#;

    UnknownKey "unknown-key" Error
        "A key is not part of a plan"
        "A setting with a misspelt name would otherwise be ignored, and the run would go on without it. The message names the keys \
         that are allowed here and the nearest one. Correct the spelling, or move the key to the mapping it belongs to; \
         `hss-sync schema plan` describes all of them."
r#"
projects:
  - name: payments
    project_ids: { cn-north-4: 0a1b2c3d4e5f60718293a4b5c6d7e8f9 }
    lables: [canary]
"# => r#"
projects:
  - name: payments
    project_ids: { cn-north-4: 0a1b2c3d4e5f60718293a4b5c6d7e8f9 }
    labels: [canary]
"#;

    MissingKey "missing-key" Error
        "A key that a plan needs is not there"
        "The plan cannot be read without it: there is no default that would be right for everybody. The API does not demand \
         both `registry_id` and `registry_type`, but what it does with half of a registry is not documented, so a plan \
         states both. Add the key that the message names."
r#"
registry_sets:
  harbor:
    registries:
      - { registry_id: 5f9f0c8e-1111-2222-3333-444455556666 }
"# => r#"
registry_sets:
  harbor:
    registries:
      - { registry_id: 5f9f0c8e-1111-2222-3333-444455556666, registry_type: Harbor }
"#;

    WrongType "wrong-type" Error
        "A value has another type than its key needs"
        "A list stands where a text is needed, a text where a list is needed, and so on. Nothing is converted silently, since a \
         conversion can hide a mistake. Write the value in the form that the message names; a list with one item still \
         needs its brackets or dash."
r#"
projects:
  - name: payments
    project_ids: { cn-north-4: 0a1b2c3d4e5f60718293a4b5c6d7e8f9 }
    labels: canary
"# => r#"
projects:
  - name: payments
    project_ids: { cn-north-4: 0a1b2c3d4e5f60718293a4b5c6d7e8f9 }
    labels: [canary]
"#;

    InvalidValue "invalid-value" Error
        "A value is not one that its key can have"
        "The type is right but the text is not: not one of the listed words, not a duration with a unit, not a legal name or id. \
         Words go to the service exactly as they are written and capitals matter: the API knows `Jfrog`, not `JFrog`. \
         Use one of the values that the message names."
r#"
registry_sets:
  harbor:
    registries:
      - { registry_id: 5f9f0c8e-1111-2222-3333-444455556666, registry_type: JFrog }
"# => r#"
registry_sets:
  harbor:
    registries:
      - { registry_id: 5f9f0c8e-1111-2222-3333-444455556666, registry_type: Jfrog }
"#;

    OutOfRange "out-of-range" Error
        "A number or length lies outside its bounds"
        "The bounds come from the API, where it states them (a registry id has at most 64 characters), and otherwise from \
         what can be useful: repeating a call fifty times only spends quota. Choose a value within the bounds that the \
         message names."
r#"
limits:
  retry: { max_attempts: 50 }
"# => r#"
limits:
  retry: { max_attempts: 5 }
"#;

    NumberAsId "number-as-id" Error
        "An id without quotes is read by YAML as a number"
        "Hexadecimal ids can look like numbers: `00012` is twelve and `12345e67` has 72 digits. As a number the id loses its zeros \
         or its digits, and another project, or none, would be addressed. Quote it; the message shows the quoted form."
r#"
projects:
  - name: payments
    project_ids: { cn-north-4: 12345e67 }
"# => r#"
projects:
  - name: payments
    project_ids: { cn-north-4: "12345e67" }
"#;

    BooleanAsId "boolean-as-id" Error
        "An id or name without quotes is read by YAML as true or false"
        "An id is text, and a truth value is not: whether `true` was meant as a word or as a switch cannot be told. Quote it if it \
         is the id; put the id there if it was meant as a switch."
r#"
projects:
  - name: payments
    project_ids: { cn-north-4: 0a1b2c3d4e5f60718293a4b5c6d7e8f9 }
    enterprise_project_id: true
"# => r#"
projects:
  - name: payments
    project_ids: { cn-north-4: 0a1b2c3d4e5f60718293a4b5c6d7e8f9 }
    enterprise_project_id: "true"
"#;

    NullValue "null-value" Error
        "A key has no value"
        "A key with nothing behind its colon is null in YAML, and so are `~` and `null`. Whether the default was meant or a value \
         was forgotten cannot be told. Write the value, or remove the key to get its default."
r#"
projects:
  - name: payments
    project_ids:
      cn-north-4:
"# => r#"
projects:
  - name: payments
    project_ids:
      cn-north-4: 0a1b2c3d4e5f60718293a4b5c6d7e8f9
"#;

    UnsupportedVersion "unsupported-version" Error
        "The plan is of a version that this program does not read"
        "`version` says which rules the plan was written for, and this program knows version 1. A plan for later rules could mean \
         something that is not understood here, so nothing is guessed. Use a newer `hss-sync`, or write the plan for \
         version 1."
r#"
version: 2
"# => r#"
version: 1
"#;

    ConflictingKeys "conflicting-keys" Error
        "Two keys are given that exclude each other"
        "Both say the same thing in different ways, and neither has a right to win. A project has either `project_ids`, one id for \
         each region, or `project_id` with `regions`; a registry set is made of `registries`, `sync_all_registries` or \
         `select`. Keep the one that is meant."
r#"
projects:
  - name: payments
    project_ids: { cn-north-4: 0a1b2c3d4e5f60718293a4b5c6d7e8f9 }
    project_id: prod-payments
    regions: [cn-north-4]
"# => r#"
projects:
  - name: payments
    project_ids: { cn-north-4: 0a1b2c3d4e5f60718293a4b5c6d7e8f9 }
"#;

    EmptyCollection "empty-collection" Error
        "A list or mapping that needs entries has none"
        "An empty set of registries asks for nothing, and what the service does with an empty request is not documented. An \
         empty list is usually what is left when the last item was deleted. Add an entry, or delete the key and what \
         refers to it; to refresh every registry, write `sync_all_registries: true`."
r#"
registry_sets:
  harbor:
    registries: []
"# => r#"
registry_sets:
  harbor:
    sync_all_registries: true
"#;

    RepeatedItem "repeated-item" Error
        "A list names the same thing twice"
        "The second entry would have no effect, so it is a slip: something else was meant, or a line was copied and not changed. \
         Remove it, or correct it to what was meant."
r#"
projects:
  - name: payments
    project_ids: { cn-north-4: 0a1b2c3d4e5f60718293a4b5c6d7e8f9 }
    registry_sets: [harbor, harbor]
"# => r#"
projects:
  - name: payments
    project_ids: { cn-north-4: 0a1b2c3d4e5f60718293a4b5c6d7e8f9 }
    registry_sets: [harbor]
"#;

    TemplateNotAllowed "template-not-allowed" Error
        "A template stands where the value must be literal"
        "Names, waves, limits and endpoints are what a plan is reviewed and selected by, so that they are the same text in \
         the file and in the run. Templates are for what goes into a request: `project_id`, `project_ids`, `regions`, \
         `enterprise_project_id`, `credential`, `registry_id` and `registry_type`. Write the value itself here."
r#"
vars:
  environment: prod
projects:
  - name: "payments-{{ vars.environment }}"
    project_ids: { cn-north-4: 0a1b2c3d4e5f60718293a4b5c6d7e8f9 }
"# => r#"
projects:
  - name: payments-prod
    project_ids: { cn-north-4: 0a1b2c3d4e5f60718293a4b5c6d7e8f9 }
"#;

    TemplateSyntax "template-syntax" Error
        "A template is not well formed"
        "The text between `{{` and `}}` is not an expression, or one of the two is missing. A brace never reaches the service, so \
         that half a template is an error and not a text. Close the expression, or remove the braces if the value is \
         literal; a template in YAML also needs quotes around the whole value."
r#"
vars:
  environment: prod
projects:
  - name: search
    project_id: "{{ vars.environment }}-search-{{ region"
    regions: [ap-southeast-1]
"# => r#"
vars:
  environment: prod
projects:
  - name: search
    project_id: "{{ vars.environment }}-search-{{ region }}"
    regions: [ap-southeast-1]
"#;

    UndefinedVariable "undefined-variable" Error
        "A template uses a name that is not defined"
        "Templates see `vars`, `project` (its name and labels), `region` and `registry_set`, and nothing else: no environment, no \
         files, no clock. An undefined name is never rendered as empty text, since the request would go to another place. \
         Declare the variable under `vars` with a default, or correct the name to the one that is suggested."
r#"
vars:
  environment: prod
projects:
  - name: search
    project_id: "{{ vars.enviroment }}-search-{{ region }}"
    regions: [ap-southeast-1]
"# => r#"
vars:
  environment: prod
projects:
  - name: search
    project_id: "{{ vars.environment }}-search-{{ region }}"
    regions: [ap-southeast-1]
"#;

    TemplateFailed "template-failed" Error
        "A template is well formed but cannot be rendered"
        "The expression asks for something that its values do not allow, such as arithmetic with text or a filter that does \
         not fit. The note names the place (project, region, set) where it was met first and how many operations it \
         affects. Change the expression, or the type of the variable."
r#"
projects:
  - name: search
    project_id: "{{ region - 1 }}"
    regions: [ap-southeast-1]
"# => r#"
projects:
  - name: search
    project_id: "search-{{ region }}"
    regions: [ap-southeast-1]
"#;

    TemplateLimit "template-limit" Error
        "Rendering a template takes or makes too much"
        "A plan can come from a stranger's pull request, so that the size of a template, the work it may cause and the text it may \
         produce are bounded. No id needs more than a few hundred characters. Shorten the template, or put the result \
         into the plan."
r#"
vars:
  pad: "------------------------------------------------------------------------"
projects:
  - name: search
    project_id: "{{ vars.pad ~ vars.pad ~ vars.pad ~ vars.pad ~ vars.pad ~ vars.pad ~
      vars.pad ~ vars.pad ~ vars.pad ~ vars.pad ~ vars.pad ~ vars.pad ~ vars.pad ~
      vars.pad ~ vars.pad }}"
    regions: [ap-southeast-1]
"# => r#"
projects:
  - name: search
    project_id: "search-{{ region }}"
    regions: [ap-southeast-1]
"#;

    InvalidRenderedValue "invalid-rendered-value" Error
        "A template renders to a value that is not legal there"
        "The template itself is right, but with these variables its result is not a legal id, region or registry type: it is empty, \
         too long or holds a character that such a value never has. Every rendered value is checked like a literal one. \
         Correct the variable or the override (`--var`, `--vars-file`, `HSS_SYNC_VAR_…`) that the value came from."
r#"
vars:
  environment: prod eu
projects:
  - name: search
    project_id: "{{ vars.environment }}-search-{{ region }}"
    regions: [ap-southeast-1]
"# => r#"
vars:
  environment: prod-eu
projects:
  - name: search
    project_id: "{{ vars.environment }}-search-{{ region }}"
    regions: [ap-southeast-1]
"#;

    UnknownSet "unknown-set" Error
        "A registry set is named that the plan does not define"
        "`registry_sets` of a project, of `defaults` or of a wave's `select` names entries of the plan's own `registry_sets`. With \
         a misspelt name the registries that were meant would not be refreshed. Correct the name, or define the set."
r#"
projects:
  - name: payments
    project_ids: { cn-north-4: 0a1b2c3d4e5f60718293a4b5c6d7e8f9 }
    registry_sets: [harbour]
"# => r#"
projects:
  - name: payments
    project_ids: { cn-north-4: 0a1b2c3d4e5f60718293a4b5c6d7e8f9 }
    registry_sets: [harbor]
"#;

    UnknownLabel "unknown-label" Error
        "A wave selects a label that no project has"
        "The wave would not take what it was written for; the operations meant for a careful first wave would end up in a later \
         one. Correct the label in the wave's `select`, or add it to the projects that are meant."
r#"
projects:
  - name: payments
    project_ids: { cn-north-4: 0a1b2c3d4e5f60718293a4b5c6d7e8f9 }
    labels: [canary]
rollout:
  waves:
    - { name: first, select: { labels: [canaries] } }
    - { name: rest }
"# => r#"
projects:
  - name: payments
    project_ids: { cn-north-4: 0a1b2c3d4e5f60718293a4b5c6d7e8f9 }
    labels: [canary]
  - name: search
    project_ids: { cn-north-4: ffeeddccbbaa99887766554433221100 }
rollout:
  waves:
    - { name: first, select: { labels: [canary] } }
    - { name: rest }
"#;

    UnknownProject "unknown-project" Error
        "A wave selects a project that the plan does not have"
        "`select: { projects: … }` names projects of this plan by their `name`, or several at once with a glob such as `pay*`. Nothing \
         has this name or matches this glob, so the wave would take nothing by it. Correct it, or remove it from the wave."
r#"
projects:
  - name: payments
    project_ids: { cn-north-4: 0a1b2c3d4e5f60718293a4b5c6d7e8f9 }
rollout:
  waves:
    - { name: first, select: { projects: [payment] } }
    - { name: rest }
"# => r#"
projects:
  - name: payments
    project_ids: { cn-north-4: 0a1b2c3d4e5f60718293a4b5c6d7e8f9 }
  - name: search
    project_ids: { cn-north-4: ffeeddccbbaa99887766554433221100 }
rollout:
  waves:
    - { name: first, select: { projects: [payments] } }
    - { name: rest }
"#;

    UnknownRegion "unknown-region" Error
        "A region is named in which the plan has no project"
        "A wave's `select` can only take regions in which some project of the plan is, named in full or by a glob such as `cn-*`. \
         Nothing is in this one, so a region was misspelt or its projects were removed. Correct it, or remove it."
r#"
projects:
  - name: payments
    project_ids: { cn-north-4: 0a1b2c3d4e5f60718293a4b5c6d7e8f9 }
rollout:
  waves:
    - { name: first, select: { regions: [cn-north-1] } }
    - { name: rest }
"# => r#"
projects:
  - name: payments
    project_ids: { cn-north-4: 0a1b2c3d4e5f60718293a4b5c6d7e8f9 }
  - name: search
    project_ids: { ap-southeast-1: ffeeddccbbaa99887766554433221100 }
rollout:
  waves:
    - { name: first, select: { regions: [cn-north-4] } }
    - { name: rest }
"#;

    DuplicateProject "duplicate-project" Error
        "Two projects have the same name"
        "Reports, waves and operation ids refer to a project by its name, so that two of the same name cannot be told apart. Give \
         one of them another name, or join the two entries if they are the same project in several regions."
r#"
projects:
  - name: payments
    project_ids: { cn-north-4: 0a1b2c3d4e5f60718293a4b5c6d7e8f9 }
  - name: payments
    project_ids: { ap-southeast-1: ffeeddccbbaa99887766554433221100 }
"# => r#"
projects:
  - name: payments
    project_ids:
      cn-north-4: 0a1b2c3d4e5f60718293a4b5c6d7e8f9
      ap-southeast-1: ffeeddccbbaa99887766554433221100
"#;

    DuplicateWave "duplicate-wave" Error
        "Two waves have the same name"
        "Progress and reports say which wave an operation belongs to, and two of the same name cannot be told apart there. Give one \
         of them another name."
r#"
projects:
  - name: payments
    project_ids: { cn-north-4: 0a1b2c3d4e5f60718293a4b5c6d7e8f9 }
    labels: [canary]
  - name: search
    project_ids: { cn-north-4: ffeeddccbbaa99887766554433221100 }
rollout:
  waves:
    - { name: first, select: { labels: [canary] } }
    - { name: first }
"# => r#"
projects:
  - name: payments
    project_ids: { cn-north-4: 0a1b2c3d4e5f60718293a4b5c6d7e8f9 }
    labels: [canary]
  - name: search
    project_ids: { cn-north-4: ffeeddccbbaa99887766554433221100 }
rollout:
  waves:
    - { name: first, select: { labels: [canary] } }
    - { name: rest }
"#;

    ConflictingRegistryType "conflicting-registry-type" Error
        "One registry is given two types"
        "A registry has one type, so at least one of the two is wrong, and what the service does with an id under a wrong type is not \
         documented. It is met when the sets of one place are united into one request. Look the type up in the HSS \
         console, and correct the other entry."
r#"
registry_sets:
  harbor:
    registries:
      - { registry_id: 5f9f0c8e-1111-2222-3333-444455556666, registry_type: Harbor }
  mirrors:
    registries:
      - { registry_id: 5f9f0c8e-1111-2222-3333-444455556666, registry_type: Jfrog }
defaults:
  registry_sets: [harbor, mirrors]
"# => r#"
registry_sets:
  harbor:
    registries:
      - { registry_id: 5f9f0c8e-1111-2222-3333-444455556666, registry_type: Harbor }
  mirrors:
    registries:
      - { registry_id: 7c2e41aa-1111-2222-3333-444455556666, registry_type: Jfrog }
defaults:
  registry_sets: [harbor, mirrors]
"#;

    MissingSets "missing-sets" Error
        "A project has no registry sets, neither of its own nor from the defaults"
        "Without a set there is nothing to ask for in this project, and \"everything\" is too much to assume. Give the project \
         `registry_sets`, or put them under `defaults` for all projects."
r#"
defaults:
  credential: default
projects:
  - name: payments
    project_ids: { cn-north-4: 0a1b2c3d4e5f60718293a4b5c6d7e8f9 }
"# => r#"
defaults:
  credential: default
projects:
  - name: payments
    project_ids: { cn-north-4: 0a1b2c3d4e5f60718293a4b5c6d7e8f9 }
    registry_sets: [harbor]
"#;

    EndpointNotAllowed "endpoint-not-allowed" Error
        "The plan names an endpoint outside Huawei Cloud"
        "A plan can come from a stranger's pull request, and whoever runs it signs requests for that host. An endpoint in a plan must \
         lie under `myhuaweicloud.com` or `myhuaweicloud.eu`. If the other host is right, the operator says so with \
         `--allow-endpoint HOST`, or sets the endpoint with `--endpoint URL`: that is the operator's word and not the plan's."
r#"
endpoints:
  cn-north-4: https://hss.example.com
"# => r#"
endpoints:
  cn-north-4: https://hss.cn-north-4.myhuaweicloud.com
"#;

    DuplicateOperation "duplicate-operation" Error
        "Two entries lead to the same request"
        "The same request would be sent twice: same project, region, enterprise project, credential and registries. Every call \
         counts against a quota of a few calls a minute, so the second one would be a waste, and a repeated task helps \
         nobody. Both places are shown, also when they are in two plans; remove one, or correct the id that was copied."
r#"
projects:
  - name: payments
    project_ids: { cn-north-4: 0a1b2c3d4e5f60718293a4b5c6d7e8f9 }
  - name: search
    project_ids: { cn-north-4: 0a1b2c3d4e5f60718293a4b5c6d7e8f9 }
"# => r#"
projects:
  - name: payments
    project_ids: { cn-north-4: 0a1b2c3d4e5f60718293a4b5c6d7e8f9 }
  - name: search
    project_ids: { cn-north-4: ffeeddccbbaa99887766554433221100 }
"#;

    TooManyOperations "too-many-operations" Error
        "The plan expands to more operations than it allows itself"
        "`rollout.max_operations` (1000 unless the plan says otherwise) guards against a plan that grew by accident: one region more \
         in a shared list can add hundreds of calls and hours of quota. If the growth is meant, raise the number in the \
         plan, where a reviewer sees it; otherwise look at what grew with `hss-sync plan`."
r#"
projects:
  - name: search
    project_id: "search-{{ region }}"
    regions: [ap-southeast-1, ap-southeast-2, ap-southeast-3]
rollout:
  max_operations: 2
"# => r#"
projects:
  - name: search
    project_id: "search-{{ region }}"
    regions: [ap-southeast-1, ap-southeast-2, ap-southeast-3]
rollout:
  max_operations: 3
"#;

    OperationWithoutWave "operation-without-wave" Error
        "No wave takes an operation"
        "Every wave selects something, and this operation matches none of them, so that it would never be sent although it is \
         planned. Add a last wave without `select`, which takes whatever is left, or widen the selection of one of the waves."
r#"
projects:
  - name: payments
    project_ids: { cn-north-4: 0a1b2c3d4e5f60718293a4b5c6d7e8f9 }
    labels: [canary]
  - name: search
    project_ids: { cn-north-4: ffeeddccbbaa99887766554433221100 }
rollout:
  waves:
    - { name: first, select: { labels: [canary] } }
"# => r#"
projects:
  - name: payments
    project_ids: { cn-north-4: 0a1b2c3d4e5f60718293a4b5c6d7e8f9 }
    labels: [canary]
  - name: search
    project_ids: { cn-north-4: ffeeddccbbaa99887766554433221100 }
rollout:
  waves:
    - { name: first, select: { labels: [canary] } }
    - { name: rest }
"#;

    UnusedSet "unused-set" Warning
        "A registry set is defined and never used"
        "No project names it, so its registries are not refreshed by this plan. Either a project was meant to use it, or it is left \
         over. Add it to a project or to `defaults`, or remove it."
r#"
registry_sets:
  harbor:
    registries:
      - { registry_id: 5f9f0c8e-1111-2222-3333-444455556666, registry_type: Harbor }
  swr:
    registries:
      - { registry_id: swr-enterprise-1, registry_type: SwrEnterprise }
defaults:
  registry_sets: [harbor]
"# => r#"
registry_sets:
  harbor:
    registries:
      - { registry_id: 5f9f0c8e-1111-2222-3333-444455556666, registry_type: Harbor }
  swr:
    registries:
      - { registry_id: swr-enterprise-1, registry_type: SwrEnterprise }
defaults:
  registry_sets: [harbor, swr]
"#;

    UnusedVariable "unused-variable" Warning
        "A variable is declared and no template uses it"
        "Setting it changes nothing, which surprises whoever overrides it with `--var`. Either a template was meant to use it and \
         has the value written out, or the variable is left over. Use it, or remove it."
r#"
vars:
  environment: prod
projects:
  - name: search
    project_id: "prod-search-{{ region }}"
    regions: [ap-southeast-1]
"# => r#"
vars:
  environment: prod
projects:
  - name: search
    project_id: "{{ vars.environment }}-search-{{ region }}"
    regions: [ap-southeast-1]
"#;

    RedundantRegistries "redundant-registries" Warning
        "Named registries stand beside a set that already covers all of them"
        "The sets of one place are merged into one request, and a set with `sync_all_registries: true` covers every registry of the \
         project, so that naming some of them adds nothing. The request asks for everything. Remove the redundant sets, \
         or the set that covers all if only the named registries were meant."
r#"
registry_sets:
  everything: { sync_all_registries: true }
  harbor:
    registries:
      - { registry_id: 5f9f0c8e-1111-2222-3333-444455556666, registry_type: Harbor }
defaults:
  registry_sets: [everything, harbor]
"# => r#"
registry_sets:
  everything: { sync_all_registries: true }
defaults:
  registry_sets: [everything]
"#;

    EmptyWave "empty-wave" Warning
        "A wave takes no operation"
        "Whatever it selects was taken by an earlier wave, or nothing has all the properties that it asks for. Its failure budget and \
         its place in the order have no effect, so the rollout is less careful than it looks. Remove the wave, or order \
         and select the waves so that each one takes something."
r#"
projects:
  - name: payments
    project_ids: { cn-north-4: 0a1b2c3d4e5f60718293a4b5c6d7e8f9 }
    labels: [canary, pci]
  - name: search
    project_ids: { cn-north-4: ffeeddccbbaa99887766554433221100 }
rollout:
  waves:
    - { name: first, select: { labels: [canary] } }
    - { name: second, select: { labels: [pci] } }
    - { name: rest }
"# => r#"
projects:
  - name: payments
    project_ids: { cn-north-4: 0a1b2c3d4e5f60718293a4b5c6d7e8f9 }
    labels: [canary, pci]
  - name: search
    project_ids: { cn-north-4: ffeeddccbbaa99887766554433221100 }
rollout:
  waves:
    - { name: first, select: { labels: [canary] } }
    - { name: rest }
"#;

    UnlistedRegion "unlisted-region" Warning
        "A region is not in the list of regions in which HSS is known to be"
        "The list comes from the official SDK and goes stale as regions open, so that this is only a warning: the endpoint is then \
         made by the usual pattern `https://hss.{region}.myhuaweicloud.com`. If the region is new, state its endpoint \
         under `endpoints` or leave it; if it is misspelt, correct it, since every call there would fail."
r#"
projects:
  - name: payments
    project_ids: { cn-nort-4: 0a1b2c3d4e5f60718293a4b5c6d7e8f9 }
"# => r#"
projects:
  - name: payments
    project_ids: { cn-north-4: 0a1b2c3d4e5f60718293a4b5c6d7e8f9 }
"#;

    DeadlineExceeded "deadline-exceeded" Warning
        "The plan is forecast to take longer than its deadline"
        "The forecast counts the calls, the quota and the pauses between waves, with every call answered at once well. `run` stops \
         cleanly at `rollout.deadline`, and what was not sent by then is reported as `not_attempted`. Raise the deadline, \
         split the plan, or merge sets so that fewer calls are needed; a wider quota helps only if the service grants it."
r#"
projects:
  - name: search
    project_id: "search-{{ region }}"
    regions: [ap-southeast-1, ap-southeast-2, ap-southeast-3]
limits:
  quota: { calls: 1, per: 1h, scope: global }
rollout:
  deadline: 30m
"# => r#"
projects:
  - name: search
    project_id: "search-{{ region }}"
    regions: [ap-southeast-1, ap-southeast-2, ap-southeast-3]
limits:
  quota: { calls: 1, per: 1h, scope: global }
rollout:
  deadline: 3h
"#;

    ProjectNotFound "project-not-found" Error
        "IAM finds no project for a region"
        "The plan says `lookup`, and IAM was asked for the project that has the region's name (`GET /v3/projects?name=REGION`). It \
         knows none that this credential may see: the region is not enabled for the account, the credential is another \
         account's, or the project is a sub-project, which has another name. Enable the region, choose the credential, or write \
         the project id itself."
r#"
projects:
  - name: payments
    # The account has nothing in this region:
    project_ids: { ap-southeast-3: lookup }
"# => r#"
projects:
  - name: payments
    project_ids: { ap-southeast-3: 0a1b2c3d4e5f60718293a4b5c6d7e8f9 }
"#;

    AmbiguousProject "ambiguous-project" Error
        "IAM finds several projects for a region"
        "The plan says `lookup`, and more than one project has the region's name. Which of them is meant can't be guessed, since \
         each request would go to another place. Write the id of the right one, which the message lists, in place of `lookup`."
r#"
projects:
  - name: payments
    # Two projects are called cn-north-4:
    project_ids: { cn-north-4: lookup }
"# => r#"
projects:
  - name: payments
    project_ids: { cn-north-4: 0a1b2c3d4e5f60718293a4b5c6d7e8f9 }
"#;

    EmptySelect "empty-select" Error
        "A `select` set matches no registry"
        "The registries of the project were listed, and none that could be synchronised matches all conditions of the set. A request \
         without registries would be refused, and leaving the operation out would hide that something was meant. Compare the \
         conditions with the registries that the message names; capitals matter, and `*` and `?` are the only wildcards."
r#"
registry_sets:
  harbor:
    # The registries are called prod-eu and prod-cn:
    select: { registry_type: Harbor, registry_name: "production-*" }
"# => r#"
registry_sets:
  harbor:
    select: { registry_type: Harbor, registry_name: "prod-*" }
"#;

    RegistryLeftOut "registry-left-out" Warning
        "A `select` set leaves out a registry that it matches"
        "HSS can't reach the registry (its status is not `success`), or its type is one that no request can name. \
         It is left out so that the others are synchronised. Mend its connection in the HSS console, or write \
         `status: success` to say that only connected ones are meant; an explicit `status` is taken at its word."
r#"
registry_sets:
  harbor:
    # One of them has the status `fail`:
    select: { registry_name: "prod-*" }
"# => r#"
registry_sets:
  harbor:
    select: { registry_name: "prod-*", status: success }
"#;

    SettingsSyntax "settings-syntax" Error
        "The settings file is not well-formed TOML"
        "`hss-sync.toml` in the current directory cannot be read, so that nobody could say at which speed a run would go. Mostly a \
         text lacks its quotes, or a key is given twice. Mend the marked place; `hss-sync settings show` says what is in \
         force then."
r#"
quota = 3/1m
"# => r#"
quota = "3/1m"
"#;

    UnknownSetting "unknown-setting" Error
        "A key is not a setting"
        "Settings are about speed and noise, and a misspelt one would be ignored. What is sent, to whom, with which key, and where \
         a run is kept are no settings on purpose: the file may come with a change of somebody else. Correct the spelling, \
         remove the key, or give the flag on the command line."
r#"
concurency = 4
"# => r#"
concurrency = 4
"#;

    InvalidSetting "invalid-setting" Error
        "The value of a setting is not one that it can have"
        "A setting has the form that its flag has on the command line. Nothing is converted or guessed at: a quota without its \
         window, or a number in quotes, is refused. Write it as the message says."
r#"
quota = "5"
"# => r#"
quota = "5/1m"
"#;
}

impl Code {
    /// Reads a printed code.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|code| code.as_str() == text)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::{Code, Severity};

    /// What someone leaves in a text that is not finished.
    const UNFINISHED: &[&str] = &["TODO", "TBD", "FIXME", "XXX", "lorem", "placeholder", "foo", "..."];

    #[test]
    fn a_printed_code_reads_back_and_nothing_else_does() {
        for &code in Code::ALL {
            assert_eq!(Code::parse(code.as_str()), Some(code));
        }
        for other in ["", "UnknownSet", "unknown_set", " unknown-set", "unknown-sets"] {
            assert_eq!(Code::parse(other), None, "{other:?}");
        }
    }

    #[test]
    fn codes_are_kebab_case_after_their_variant() {
        let names: BTreeSet<_> = Code::ALL.iter().map(|code| code.as_str()).collect();
        assert_eq!(names.len(), Code::ALL.len());
        for code in Code::ALL {
            let mut kebab = String::new();
            for c in format!("{code:?}").chars() {
                if c.is_ascii_uppercase() && !kebab.is_empty() {
                    kebab.push('-');
                }
                kebab.push(c.to_ascii_lowercase());
            }
            assert_eq!(code.as_str(), kebab);
        }
    }

    #[test]
    fn every_code_is_explained_in_its_own_words() {
        let mut seen = BTreeSet::new();
        for code in Code::ALL {
            let explanation = code.explanation();
            let texts = [explanation.summary, explanation.detail, explanation.bad, explanation.good];
            for text in texts {
                assert!(!text.trim().is_empty(), "{code:?}: a text is empty");
                let unfinished = UNFINISHED.iter().find(|word| text.contains(**word));
                assert_eq!(unfinished, None, "{code:?}: {text}");
            }
            assert!(seen.insert(explanation.summary), "{code:?}: the summary is another code's");
            assert!(seen.insert(explanation.detail), "{code:?}: the detail is another code's");
            assert_ne!(explanation.bad, explanation.good, "{code:?}");
        }
    }

    #[test]
    fn texts_have_the_form_in_which_they_are_printed() {
        for code in Code::ALL {
            let explanation = code.explanation();
            let summary = explanation.summary;
            assert!(!summary.contains('\n') && !summary.ends_with('.'), "{code:?}: {summary}");
            assert!(summary.chars().count() <= 80, "{code:?}: {summary}");
            let detail = explanation.detail;
            assert!(!detail.contains('\n') && !detail.contains("  ") && detail.ends_with('.'), "{code:?}: {detail}");
            let sentences = detail.split(". ").count();
            assert!((2..=4).contains(&sentences), "{code:?}: {sentences} sentences");
            for example in [explanation.bad, explanation.good] {
                assert_eq!(example, example.trim_end(), "{code:?}");
                assert!(example.lines().all(|line| line.chars().count() <= 90), "{code:?}: {example}");
            }
        }
    }

    #[test]
    fn good_examples_are_yaml_that_a_second_parser_reads() {
        for code in Code::ALL {
            let good = code.explanation().good;
            if let Err(error) = serde_yaml::from_str::<serde_yaml::Value>(good) {
                panic!("{code:?}: {error}\n{good}");
            }
        }
    }

    #[test]
    fn only_what_leaves_the_meaning_clear_is_a_warning() {
        let warnings: Vec<_> =
            Code::ALL.iter().filter(|code| code.severity() == Severity::Warning).map(|code| code.as_str()).collect();
        assert_eq!(
            warnings,
            [
                "unused-set",
                "unused-variable",
                "redundant-registries",
                "empty-wave",
                "unlisted-region",
                "deadline-exceeded",
                "registry-left-out"
            ]
        );
    }
}
