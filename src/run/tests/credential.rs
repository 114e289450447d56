//! Credentials that are asked for in the middle of a run: which attempt has which, and what a failure means.

use super::*;
use crate::event::FailureKind;
use crate::model::Access;
use crate::policy::Redactor;
use crate::run::port::{CredentialFailure, Credentials};

/// Gives `token-0`, then, after it was called outdated, `token-1` and so on; fails as the script says.
struct Scripted {
    /// What becomes of the request with this number, from 0.
    script: Box<dyn Fn(usize) -> Result<(), CredentialFailure>>,
    asked: RefCell<usize>,
    renewed: RefCell<usize>,
    renewable: bool,
}

impl Scripted {
    fn new(script: impl Fn(usize) -> Result<(), CredentialFailure> + 'static) -> Self {
        Self { script: Box::new(script), asked: RefCell::default(), renewed: RefCell::default(), renewable: true }
    }
}

impl Credentials for Scripted {
    fn has(&self, _: &CredentialName) -> bool {
        true
    }

    fn redactor(&self) -> Redactor {
        Redactor::default()
    }

    async fn get(&self, _: &Access) -> Result<Credential, CredentialFailure> {
        let number = self.asked.replace_with(|asked| *asked + 1);
        tokio::time::sleep(ms(20)).await;
        (self.script)(number)?;
        Ok(Credential::Token(Secret::new(format!("secret-token-{}", self.renewed.borrow()))))
    }

    fn outdated(&self, _: &Access, _: &Credential) -> bool {
        *self.renewed.borrow_mut() += 1;
        self.renewable
    }
}

type ByToken = Box<dyn Fn(&str) -> Result<Answer, SendError>>;

/// Answers by the token of a request, and remembers it.
struct Gateway {
    clock: VirtualClock,
    tokens: RefCell<Vec<String>>,
    answer: ByToken,
}

impl Gateway {
    #[expect(clippy::disallowed_methods, reason = "the origin of virtual time, which stands still until all wait")]
    fn new(answer: impl Fn(&str) -> Result<Answer, SendError> + 'static) -> Self {
        Self { clock: VirtualClock(Instant::now()), tokens: RefCell::default(), answer: Box::new(answer) }
    }
}

impl Transport for Gateway {
    async fn send(&self, request: SignedRequest, _: Duration) -> Result<Answer, SendError> {
        tokio::time::sleep(ms(50)).await;
        let token = request.headers().iter().find(|(name, _)| name == "X-Auth-Token").expect("a token").1.clone();
        let answer = (self.answer)(&token);
        self.tokens.borrow_mut().push(token);
        answer
    }
}

async fn go_as(plan: &ExecutionPlan, credentials: &Scripted, gateway: &Gateway) -> RunSummary {
    let (mut notes, stop) = (Notes::default(), CancellationToken::new());
    let sinks: &mut [&mut dyn EventSink] = &mut [&mut notes];
    let outside = Outside { transport: gateway, tasks: &NoTasks, clock: &gateway.clock, log: &mut Unlogged, sinks };
    run(plan, credentials, &options(), None, outside, &stop).await.expect("the run is conserved").summary
}

fn refused_credential() -> Result<(), CredentialFailure> {
    Err(CredentialFailure::Refused("IAM refused the password".to_owned()))
}

fn unreachable() -> Result<(), CredentialFailure> {
    Err(CredentialFailure::Unreachable("IAM can't be reached".to_owned()))
}

#[tokio::test(start_paused = true)]
async fn a_refusal_sends_nothing_and_ends_the_credential() {
    let plan = Fixture::simple(limits("100/1s"), 20);
    let gateway = Gateway::new(|_| accepted());
    let summary = go_as(&plan, &Scripted::new(|_| refused_credential()), &gateway).await;
    assert_eq!((summary.counts.failed, summary.counts.not_attempted, gateway.tokens.borrow().len()), (1, 19, 0));
    let Some(Outcome::Failed(failure)) = &summary.operations[0].outcome else { panic!("failed") };
    assert_eq!((failure.kind, failure.status), (FailureKind::Credential, None));
    assert_eq!(failure.message, "IAM refused the password");
    assert_eq!(summary.operations[19].outcome, Some(Outcome::NotAttempted(NotAttemptedReason::CredentialRefused)));
}

/// Between the tokens of a long run: those that got theirs go on, the others are not lost.
#[tokio::test(start_paused = true)]
async fn what_cannot_be_reached_is_asked_again_and_nothing_is_sent_meanwhile() {
    let plan = Fixture::simple(limits("100/1s"), 4);
    let gateway = Gateway::new(|_| accepted());
    let scripted = Scripted::new(|number| if matches!(number, 0 | 1 | 4) { unreachable() } else { Ok(()) });
    let summary = go_as(&plan, &scripted, &gateway).await;
    assert_eq!((summary.counts.accepted, gateway.tokens.borrow().len()), (4, 4));
    assert_eq!(summary.attempts, 7);
    let failed: Vec<_> =
        summary.operations.iter().flat_map(|op| op.attempts.iter()).filter_map(|each| each.kind).collect();
    assert_eq!(failed, [FailureKind::NotSent; 3]);

    let gateway = Gateway::new(|_| accepted());
    let summary = go_as(&Fixture::simple(limits("100/1s"), 1), &Scripted::new(|_| unreachable()), &gateway).await;
    let Some(Outcome::Failed(failure)) = &summary.operations[0].outcome else { panic!("failed") };
    assert_eq!((failure.kind, summary.attempts, gateway.tokens.borrow().len()), (FailureKind::NotSent, 5, 0));
}

#[tokio::test(start_paused = true)]
async fn an_outdated_token_is_replaced_and_a_refused_one_is_not() {
    for (code, renewable, tokens, kind) in [
        ("APIGW.0307", true, vec!["secret-token-0", "secret-token-1"], None),
        ("APIG.0307", true, vec!["secret-token-0", "secret-token-1"], None),
        ("APIGW.0307", false, vec!["secret-token-0"], Some(FailureKind::Credential)),
        ("APIGW.0301", true, vec!["secret-token-0"], Some(FailureKind::Credential)),
    ] {
        let body = format!(r#"{{"error_code":"{code}","error_msg":"no: secret-token-0"}}"#);
        let gateway = Gateway::new(move |token| if token.ends_with('0') { answer(401, &body) } else { accepted() });
        let scripted = Scripted { renewable, ..Scripted::new(|_| Ok(())) };
        let summary = go_as(&Fixture::simple(limits("100/1s"), 1), &scripted, &gateway).await;
        assert_eq!(*gateway.tokens.borrow(), tokens, "{code}");
        let operation = &summary.operations[0];
        assert_eq!(operation.attempts.last().expect("one").kind, kind, "{code}");
        // The token was got in the middle of the run, and is taken out of what echoes it all the same.
        assert_eq!(operation.attempts[0].error_message.as_deref(), Some("no: [redacted]"), "{code}");
    }
}
