//! Exports of the audit trail: all records that a filter takes, newest first, one JSON document a line.

use edge_cache::redis::Redis;
use futures_util::{Stream, stream};
use serde::Serialize;

use super::page::{AuditPage, AuditPageRequest};
use crate::error::Error;

/// The last line of an export that failed.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Failure {
    error: String,
    /// The cursor from which another export goes on.
    next_cursor: Option<String>,
}

/// The next step of an export.
enum Step {
    /// Sends these lines, and reads the next page by the request, if there is one.
    Send(String, Option<AuditPageRequest>),
    Read(AuditPageRequest),
    End,
}

impl AuditPageRequest {
    /// Exports the records, a page at a time: no more than one is in memory. The first page is read before
    /// this returns, so that a trail that cannot be read is an error. A later failure is the last line:
    /// `{"error": ..., "nextCursor": ...}`. One round trip a page, as for [`AuditPageRequest::run`].
    ///
    /// # Errors
    /// Those of the connection.
    pub async fn export<R: Redis + 'static>(
        self,
        redis: R,
    ) -> Result<impl Stream<Item = String> + use<R>, Error> {
        let page = self.run(&redis).await?;
        let first = Step::Send(lines(&page), self.next_page(&page));
        Ok(stream::unfold((redis, first), async |(redis, step)| {
            let (lines, next) = match step {
                Step::Send(lines, next) => (lines, next),
                Step::Read(request) => read_lines(&redis, request).await,
                Step::End => return None,
            };
            Some((lines, (redis, next.map_or(Step::End, Step::Read))))
        }))
    }
}

/// Reads a page. Returns its lines, and the request of the next one.
async fn read_lines<R: Redis>(
    redis: &R,
    request: AuditPageRequest,
) -> (String, Option<AuditPageRequest>) {
    match request.run(redis).await {
        Ok(page) => (lines(&page), request.next_page(&page)),
        Err(error) => {
            let failure = Failure {
                error: error.to_string(),
                next_cursor: request.cursor(),
            };
            (line(&failure), None)
        }
    }
}

fn lines(page: &AuditPage) -> String {
    page.entries.iter().map(line).collect()
}

fn line(document: &impl Serialize) -> String {
    let mut json = serde_json::to_string(document).unwrap_or_default();
    json.push('\n');
    json
}
