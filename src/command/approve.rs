//! `run --approve`: nothing is sent unless the plans are what somebody approved, by their digest.
//!
//! A digest can't be taken apart, so the refusal says what the digests are and how to see what differs.

use std::path::PathBuf;

use super::Context;
use super::load::Loaded;
use crate::diagnostic::visible;
use crate::exit::ExitStatus;
use crate::model::PlanDigest;

/// Plans of a batch whose digests a refusal lists.
const MOST_PLANS: usize = 10;

/// What `--approve` holds the plans to.
pub(super) struct Approval {
    digest: PlanDigest,
    inputs: Vec<PathBuf>,
}

impl Approval {
    /// Reads the flag.
    ///
    /// # Errors
    /// It is no digest; says how one is found.
    pub(super) fn parse(text: Option<&str>, inputs: &[PathBuf]) -> Result<Option<Self>, String> {
        let parse = |text: &str| {
            PlanDigest::parse(text.trim()).map_err(|_| {
                format!(
                    "--approve {}: write the whole digest, sha256: and 64 hexadecimal digits in lower case, as `hss-sync plan` \
                     prints it",
                    visible(text)
                )
            })
        };
        Ok(text.map(parse).transpose()?.map(|digest| Self { digest, inputs: inputs.to_vec() }))
    }

    /// Before anything is asked: the plans as written are what was approved, or could still be when what they leave open is
    /// resolved.
    ///
    /// # Errors
    /// They are not, which was told.
    pub(super) fn before_reads(&self, context: &Context, loaded: &Loaded) -> Result<(), ExitStatus> {
        if self.fits(loaded) || loaded.is_open() { Ok(()) } else { Err(self.refuse(context, loaded)) }
    }

    /// Before anything is sent.
    ///
    /// # Errors
    /// The plans are not what was approved, which was told.
    pub(super) fn before_sending(&self, context: &Context, loaded: &Loaded) -> Result<(), ExitStatus> {
        if self.fits(loaded) { Ok(()) } else { Err(self.refuse(context, loaded)) }
    }

    /// The digest of the plans as written approves whatever their selections find; that with the answers only just those. A lock
    /// holds the answers, which nobody may exchange.
    fn fits(&self, loaded: &Loaded) -> bool {
        self.digest == loaded.digest() || (!loaded.is_locked() && self.digest == loaded.plan.digest)
    }

    fn refuse(&self, context: &Context, loaded: &Loaded) -> ExitStatus {
        let Self { digest, inputs } = self;
        let plans = &loaded.plan.plans;
        let mut message = format!(
            "not what was approved: --approve has {digest}, the {} given {} {}; nothing was sent",
            if plans.len() == 1 { "plan" } else { "plans" },
            if plans.len() == 1 { "has" } else { "together have" },
            loaded.digest(),
        );
        if loaded.digest() != loaded.plan.digest {
            message.push_str(&format!(" (with what `lookup` and `select` found; without it {})", loaded.plan.digest));
        }
        if plans.len() > 1 {
            for plan in plans.iter().take(MOST_PLANS) {
                let approved = if plan.digest == *digest { "   the approved one" } else { "" };
                message.push_str(&format!("\n  {}   {}{approved}", plan.digest, visible(&plan.path)));
            }
            if plans.len() > MOST_PLANS {
                message.push_str(&format!("\n  and {} more", plans.len() - MOST_PLANS));
            }
        }
        let inputs: Vec<String> = inputs.iter().map(|path| path.display().to_string()).collect();
        message.push_str(&format!(
            "\nTo see what differs, compare with what was approved (its lock, a report of it, or the plan as it was): \
             hss-sync plan {} --diff OLD",
            visible(&inputs.join(" "))
        ));
        context.console.error(&message);
        ExitStatus::InvalidPlan
    }
}
