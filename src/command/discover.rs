//! `hss-sync discover`: lists what an account has, by reads alone, and writes a plan from it.

use super::Context;
use super::load::{LoadFailure, endpoint_chain};
use super::online::{Online, block_on};
use super::pace::Pace;
use super::service::ServiceError;
use crate::cli::DiscoverArgs;
use crate::diagnostic::visible;
use crate::event::FailureKind;
use crate::exit::ExitStatus;
use crate::expand::EndpointChain;
use crate::io::fs;
use crate::model::{
    CredentialName, EnterpriseProjectId, InvalidValue, KNOWN_REGIONS, Limits, Listing, Region, RegistryType,
};
use crate::read::{ReadLimits, Reader};
use crate::report::{Discovered, DiscoveredProject, discovered_plan};
use crate::resolve::{Extent, Lookup, Question};
use crate::run::port::{Clock, Credentials};

/// The EU site is a cloud of its own: a key of the others is refused there, and a refused key asks nothing more.
const EU_SITE: &str = "eu-west-1";

/// What was typed, with its meaning.
struct Wish {
    regions: Vec<Region>,
    types: Vec<RegistryType>,
    credential: CredentialName,
    enterprise_project_id: EnterpriseProjectId,
    chain: EndpointChain,
    limits: ReadLimits,
}

/// Writes a plan of everything that is found.
pub(super) fn discover(context: &Context, args: &DiscoverArgs) -> ExitStatus {
    let wish = match Wish::parse(context, args) {
        Ok(wish) => wish,
        Err(failure) => return failure.report(context),
    };
    let (found, status) = match block_on(ask(context, args, &wish)).and_then(|asked| asked) {
        Ok(found) => found,
        Err(error) => {
            context.console.error(&error.to_string());
            return error.status();
        }
    };
    for missing in &found.missing {
        context.console.error(missing);
    }
    match discovered_plan(&found) {
        Some(plan) => write(context, args, &plan, status),
        None if status == ExitStatus::Success => context.usage(
            "no registry was found that a plan could name; `--regions` and `--types` choose where and what to look for, \
             and only connected registries are taken",
        ),
        None => status,
    }
}

impl Wish {
    fn parse(context: &Context, args: &DiscoverArgs) -> Result<Self, LoadFailure> {
        let usage =
            |flag: &str, text: &str, error: &InvalidValue| LoadFailure::Usage(vec![format!("{flag} {text}: {error}")]);
        let mut regions = Vec::new();
        for text in &args.regions {
            let region = Region::parse(text.trim()).map_err(|error| usage("--regions", text, &error))?;
            if !regions.contains(&region) {
                regions.push(region);
            }
        }
        if regions.is_empty() {
            let asked = KNOWN_REGIONS.iter().filter(|region| !region.starts_with(EU_SITE));
            regions = asked.filter_map(|region| Region::parse(region).ok()).collect();
        }
        let types = args
            .types
            .iter()
            .map(|text| RegistryType::parse(text.trim()).map_err(|error| usage("--types", text, &error)));
        let mut limits = Limits::default();
        Pace::parse(&args.pace)?.apply(&mut limits);
        Ok(Self {
            regions,
            types: types.collect::<Result<_, _>>()?,
            credential: CredentialName::parse(&args.credential)
                .map_err(|error| usage("--credential", &args.credential, &error))?,
            enterprise_project_id: EnterpriseProjectId::parse(&args.enterprise_project_id)
                .map_err(|error| usage("--enterprise-project-id", &args.enterprise_project_id, &error))?,
            chain: endpoint_chain(args.endpoint.as_deref(), &context.environment)?,
            limits: ReadLimits {
                quotas: vec![limits.quota],
                concurrency: limits.concurrency.get() as usize,
                attempt_timeout: limits.attempt_timeout,
                retry: limits.retry,
            },
        })
    }
}

async fn ask(context: &Context, args: &DiscoverArgs, wish: &Wish) -> Result<(Discovered, ExitStatus), ServiceError> {
    let bounds = (wish.limits.concurrency, wish.limits.attempt_timeout);
    let online = Online::connect(context, &args.service, [&wish.credential], bounds).await?.complete()?;
    let notice = |text: &str| context.console.info(text);
    let asker = online.asker(wish.limits.clone(), &notice);
    let found = find(&Reader::new(&asker, online.iam()), wish, online.wall()).await;
    let calls = asker.calls();
    let counted = |count: usize, what: &str| format!("{count} {what}{}", if count == 1 { "" } else { "s" });
    context.console.info(&format!("asked {} by {}", counted(wish.regions.len(), "region"), counted(calls, "read")));
    Ok(found)
}

/// Looks the projects of all regions up, and lists their registries.
async fn find<K: Credentials, C: Clock>(
    reader: &Reader<'_, K, C>,
    wish: &Wish,
    at: jiff::Timestamp,
) -> (Discovered, ExitStatus) {
    let lookup = |region: &Region| Lookup { credential: wish.credential.clone(), region: region.clone() };
    let lookups: Vec<Lookup> = wish.regions.iter().map(lookup).collect();
    reader.look_up(&lookups).await;

    let mut listings = Vec::new();
    for lookup in &lookups {
        let Ok(endpoint) = wish.chain.endpoint_of(&lookup.region, None) else { continue };
        listings.extend(reader.asked().inventory.projects_of(lookup).into_iter().map(|project| Listing {
            credential: lookup.credential.clone(),
            region: lookup.region.clone(),
            endpoint: endpoint.clone(),
            project_id: project.id.clone(),
            enterprise_project_id: wish.enterprise_project_id.clone(),
        }));
    }
    let wanted: Vec<_> = listings.iter().map(|listing| (listing.clone(), Extent::All)).collect();
    reader.list(&wanted).await;

    let asked = reader.asked();
    let mut status = ExitStatus::Success;
    let mut missing = Vec::new();
    let questions = lookups.iter().cloned().map(Question::Projects);
    for question in questions.chain(listings.iter().cloned().map(Question::Registries)) {
        let Some(failure) = asked.failures.get(&question) else { continue };
        let refused = failure.kind == FailureKind::Credential;
        status = status.max(if refused { ExitStatus::Credentials } else { ExitStatus::Failed });
        let reason = failure.reason();
        missing.push(match &question {
            Question::Projects(lookup) => format!("{}: the project can't be looked up: {reason}", lookup.region),
            Question::Registries(listing) | Question::Tasks(listing) => {
                format!("{}: the registries of {} can't be listed: {reason}", listing.region, listing.project_id)
            }
        });
    }
    let missing = missing.iter().map(|text| visible(text).into_owned()).collect();
    let projects = listings.into_iter().map(|listing| DiscoveredProject {
        registries: asked.inventory.registries_of(&listing).to_vec(),
        region: listing.region,
        project_id: listing.project_id,
    });
    let found = Discovered {
        at,
        credential: wish.credential.clone(),
        enterprise_project_id: wish.enterprise_project_id.clone(),
        types: wish.types.clone(),
        projects: projects.collect(),
        missing,
    };
    (found, status)
}

fn write(context: &Context, args: &DiscoverArgs, plan: &str, status: ExitStatus) -> ExitStatus {
    let Some(path) = args.out.as_ref().filter(|path| path.as_os_str() != "-") else {
        return context.printed(context.console.result(plan), status);
    };
    match fs::write_atomic(path, plan.as_bytes(), fs::Parents::Create) {
        Ok(()) => {
            context.console.info(&format!("wrote {}", visible(&path.display().to_string())));
            status
        }
        Err(error) => {
            context.console.error(&error.to_string());
            status.max(ExitStatus::Unwritable)
        }
    }
}
