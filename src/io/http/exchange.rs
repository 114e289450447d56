//! A client that exchanges a proof for a token or keys: with IAM, and with the metadata service of a cloud server.
//!
//! What it sends is proof by itself (a password, a token of an identity provider) and so isn't signed. It is no transport:
//! nothing that creates tasks accepts it, and an [`Exchange`] is made for a few fixed paths in `io::credential` only. Plain
//! HTTP, which only loopback and the metadata service have, never goes through a proxy.

use std::time::Duration;

use secrecy::zeroize::Zeroize as _;

use super::in_time::InTime;
use super::{HttpTransport, LONGEST_BODY, header_map, how_far, no_answer, read_answer};
use crate::model::Secret;
use crate::policy::{Answer, SendError};

/// The methods that exchanges have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ExchangeMethod {
    /// Keys of the metadata service.
    Get,
    /// Everything of IAM.
    Post,
    /// A token of the metadata service.
    Put,
}

/// One request. Its headers and body may be secret: its `Debug` shows neither.
pub struct Exchange {
    method: ExchangeMethod,
    url: String,
    headers: Vec<(String, String)>,
    body: String,
}

impl Exchange {
    /// A request to `url` with these headers and this body.
    #[must_use]
    pub fn new(method: ExchangeMethod, url: String, headers: &[(&str, &str)], body: String) -> Self {
        let headers = headers.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        Self { method, url, headers, body }
    }
}

impl Drop for Exchange {
    fn drop(&mut self) {
        self.headers.iter_mut().for_each(|(_, value)| value.zeroize());
        self.body.zeroize();
    }
}

impl std::fmt::Debug for Exchange {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Exchange").field("method", &self.method).field("url", &self.url).finish_non_exhaustive()
    }
}

/// What came back. The body of a success may hold keys: the `Debug` doesn't show it.
pub struct ExchangeAnswer {
    /// Status, body and the headers that every answer has.
    pub answer: Answer,
    /// `X-Subject-Token`: the token that IAM gives.
    pub subject_token: Option<Secret>,
}

impl Drop for ExchangeAnswer {
    fn drop(&mut self) {
        self.answer.body.zeroize();
    }
}

impl std::fmt::Debug for ExchangeAnswer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ExchangeAnswer").field("status", &self.answer.status).finish_non_exhaustive()
    }
}

/// Sends exchanges, each once, on the connections of a transport.
#[derive(Clone, Debug)]
pub struct ExchangeClient {
    transport: HttpTransport,
}

impl ExchangeClient {
    /// Shares the transport's connections, roots and proxy.
    #[must_use]
    pub fn new(transport: HttpTransport) -> Self {
        Self { transport }
    }

    /// Sends it once and reads the answer, within `timeout` in all, on the run's clock.
    ///
    /// # Errors
    /// When no answer came.
    pub async fn send(&self, exchange: &Exchange, timeout: Duration) -> Result<ExchangeAnswer, SendError> {
        let method = match exchange.method {
            ExchangeMethod::Get => reqwest::Method::GET,
            ExchangeMethod::Post => reqwest::Method::POST,
            ExchangeMethod::Put => reqwest::Method::PUT,
        };
        let mut headers = header_map(&exchange.headers)?;
        let rerouted = self.transport.reroute(&exchange.url, &mut headers);
        let url = rerouted.as_deref().unwrap_or(&exchange.url);
        let prepared = self.transport.client.request(method, url).headers(headers).body(exchange.body.clone());
        let mut time = InTime::start(&self.transport.clock, timeout);
        let Some(sent) = time.await_or_give_up(prepared.send()).await else {
            return Err(no_answer(timeout));
        };
        let response = sent.map_err(how_far)?;
        let subject_token = response.headers().get("x-subject-token").and_then(|value| value.to_str().ok());
        let subject_token = subject_token.map(|token| Secret::new(token.to_owned()));
        Ok(ExchangeAnswer { answer: read_answer(response, &mut time, LONGEST_BODY).await, subject_token })
    }
}
