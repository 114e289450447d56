//! `hss-sync man`: manual pages, made from the arguments themselves.
//!
//! A page is that of clap, with the example of `--help` as a section of its own.

use std::fmt::Write as _;
use std::io;

use clap::{Command, CommandFactory};
use clap_mangen::Man;

use super::Context;
use crate::cli::{Cli, ManArgs};
use crate::diagnostic::visible;
use crate::exit::ExitStatus;
use crate::io::fs::{Parents, write_atomic};

/// Prints the main page, or writes all of them to a directory.
pub(super) fn man(context: &Context, args: &ManArgs) -> ExitStatus {
    let mut root = Cli::command();
    root.build();
    let Some(directory) = &args.dir else {
        return match page(&root) {
            Ok((_, text)) => {
                context.printed(context.console.result_with(|out| out.write_all(&text)), ExitStatus::Success)
            }
            Err(error) => context.printed(Err(error), ExitStatus::Success),
        };
    };
    let mut commands = vec![root];
    let mut written = 0;
    while let Some(command) = commands.pop() {
        let made = page(&command).map_err(|error| error.to_string());
        let done = made.and_then(|(name, text)| {
            write_atomic(&directory.join(name), &text, Parents::Create).map_err(|error| error.to_string())
        });
        if let Err(message) = done {
            context.console.error(&message);
            return ExitStatus::Unwritable;
        }
        written += 1;
        commands.extend(command.get_subcommands().filter(|command| !command.is_hide_set()).cloned());
    }
    context.console.info(&format!("wrote {written} pages to {}", visible(&directory.display().to_string())));
    ExitStatus::Success
}

/// The file name and text of the page of one command.
fn page(command: &Command) -> io::Result<(String, Vec<u8>)> {
    // Titles in one form, whatever the level: HSS-SYNC-PLAN(1).
    let name = command.get_display_name().unwrap_or_else(|| command.get_name()).to_owned();
    let source = format!("hss-sync {}", env!("CARGO_PKG_VERSION"));
    let man =
        Man::new(command.clone().version(None::<&str>)).title(name.to_uppercase()).source(source).manual("hss-sync");
    let mut text = Vec::new();
    man.render_title(&mut text)?;
    man.render_name_section(&mut text)?;
    man.render_synopsis_section(&mut text)?;
    if let Some(example) = command.get_before_help() {
        text.extend(example_section(&example.to_string()).into_bytes());
    }
    man.render_description_section(&mut text)?;
    man.render_options_section(&mut text)?;
    if command.has_subcommands() {
        man.render_subcommands_section(&mut text)?;
    }
    if command.get_after_help().is_some() {
        man.render_extra_section(&mut text)?;
    }
    Ok((man.get_filename(), ascii(&String::from_utf8_lossy(&text)).into_bytes()))
}

/// The page in ASCII, which every roff reads: other characters as their code points.
fn ascii(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        if c.is_ascii() {
            out.push(c);
        } else {
            let _ = write!(out, "\\[u{:04X}]", u32::from(c));
        }
    }
    out
}

/// The example that `--help` begins with, as lines that are not filled.
fn example_section(example: &str) -> String {
    let example = example.strip_prefix("Example:").unwrap_or(example).trim();
    let mut section = String::from(".SH EXAMPLE\n.nf\n");
    for line in example.lines() {
        // A backslash begins an escape, a dash is a hyphen to roff, and a dot or quote at the start of a line a request.
        section.push_str("\\&");
        section.push_str(&line.replace('\\', "\\e").replace('-', "\\-").replace('\'', "\\(aq"));
        section.push('\n');
    }
    section.push_str(".fi\n");
    section
}
