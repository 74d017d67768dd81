//! The download of a whole value.

use edge_cache::keyspace::whole_value::{NotWhole, WholeValue};
use edge_cache::redis::Redis;
use futures_util::{Stream, stream};

use super::InspectKeyRequest;
use crate::error::Error;

impl InspectKeyRequest {
    /// Begins the download, if one is requested: its length, and its pieces of at most 8 MiB. The first
    /// step is done before this returns, so a value that cannot be downloaded is an error. A later failure
    /// is the last piece; what was sent before is then worth nothing. Two round trips for each MiB; one for
    /// a value up to 1 MiB, and one for each chunk of a value in chunks.
    ///
    /// # Errors
    /// [`Error::NotFound`] when the key does not exist, [`Error::NotDownloadable`] for a collection and for
    /// a value that cannot be decompressed, and those of the connection.
    pub async fn download<R: Redis + 'static>(
        &self,
        redis: R,
    ) -> Result<Option<(u64, Pieces<R>)>, Error> {
        let Some(form) = self.download else {
            return Ok(None);
        };

        let opened = WholeValue::open(&redis, &self.key, form).await;
        let value = opened.map_err(|reason| self.refuse_download(reason))?;
        Ok(Some((value.bytes(), Pieces { redis, value })))
    }

    fn refuse_download(&self, reason: NotWhole) -> Error {
        match reason {
            NotWhole::Missing => Error::key_not_found(&self.key),
            NotWhole::Redis(error) => Error::Redis(error),
            NotWhole::Collection(_) | NotWhole::Undecodable(_) | NotWhole::Changed => {
                Error::NotDownloadable(reason.to_string())
            }
        }
    }
}

/// The pieces of a value.
#[derive(Debug)]
pub struct Pieces<R> {
    redis: R,
    value: WholeValue,
}

impl<R: Redis + 'static> Pieces<R> {
    /// Reads the pieces one after the other, each when it is asked for. The last one may be why the rest
    /// cannot be read.
    pub fn into_stream(self) -> impl Stream<Item = Result<Vec<u8>, String>> {
        stream::unfold(Some(self), async |pieces| {
            let mut pieces = pieces?;
            match pieces.value.next_piece(&pieces.redis).await {
                Ok(Some(piece)) => Some((Ok(piece), Some(pieces))),
                Ok(None) => None,
                Err(error) => Some((Err(error.to_string()), None)),
            }
        })
    }
}
