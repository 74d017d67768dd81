//! Authentication: recognises a caller by its bearer token, and limits attempts without one.

use std::time::{Duration, Instant};

use edge_cache_admin::admin::audit::client_network;

use crate::auth::tokens::{Caller, is_long_enough};
use crate::http::call::Call;
use crate::http::problem::Problem;

const NO_TOKENS_CONFIGURED: &str = "no token is configured, so every protected route returns 401: set SPIN_VARIABLE_TOKENS to \
     `name:role:sha256-hex-of-token`, with a role of viewer, operator or admin";
const MISSING_TOKEN: &str = "send a token: `Authorization: Bearer <token>`";
const UNKNOWN_TOKEN: &str = "this token is not known";
/// Sent for every short token, known or not.
const SHORT_TOKEN: &str = "a token must have at least 22 random characters (128 bits), 32 where they are hexadecimal digits; \
     make one with `openssl rand -hex 24`";

impl Call {
    /// Recognises the caller by its token.
    ///
    /// A valid token is recognised even if its client address has had too many attempts.
    ///
    /// # Errors
    /// 401 without a valid token, 429 after too many attempts from one client address. Each attempt
    /// is in the audit trail.
    pub(super) async fn authenticate(&self) -> Result<Caller, Problem> {
        let tokens = &self.config().tokens;
        let token = self.bearer_token();
        let is_long = token.as_deref().is_some_and(is_long_enough);
        if let Some(token) = token.as_deref().filter(|_| is_long)
            && let Some(caller) = tokens.recognise(token)
        {
            return Ok(caller.clone());
        }

        if tokens.is_empty() {
            return Err(Problem::unauthenticated(NO_TOKENS_CONFIGURED));
        }
        if let Some(wait) = self.count_attempt().await {
            return Err(Problem::too_many_attempts(wait.as_secs().max(1)));
        }
        Err(Problem::unauthenticated(match token {
            None => MISSING_TOKEN,
            Some(_) if is_long => UNKNOWN_TOKEN,
            Some(_) => SHORT_TOKEN,
        }))
    }

    fn bearer_token(&self) -> Option<String> {
        let header = self.head.header("authorization")?;
        let (scheme, token) = header.split_once(' ')?;
        let token = token.trim();
        if !scheme.eq_ignore_ascii_case("bearer") || token.is_empty() {
            return None;
        }
        Some(token.to_owned())
    }

    /// Counts an attempt without a valid token. Returns how long the client has to wait if it has
    /// had too many. Redis is not asked if this instance already knows that.
    async fn count_attempt(&self) -> Option<Duration> {
        let network = client_network(&self.client_address);
        let limiter = &self.instance.attempt_limiter;
        let wait = limiter.borrow_mut().count(&network, Instant::now());
        if wait.is_some() {
            return wait;
        }

        let uncounted = limiter.borrow_mut().take_uncounted();
        let wait = self.record_denied(None, uncounted).await?;
        limiter.borrow_mut().block(&network, wait, Instant::now());
        Some(wait)
    }
}
