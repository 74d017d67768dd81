//! A channel that a component reads as a WIT `stream`.

use std::pin::Pin;
use std::task::{Context, Poll};

use tokio::sync::mpsc::Receiver;
use wasmtime::StoreContextMut;
use wasmtime::component::{Destination, StreamProducer, StreamResult, VecBuffer};

/// Items passed on in one read.
const MAX_ITEMS_PER_READ: usize = 256;

/// Passes on the items of a channel. The bound of the channel slows a fast sender down.
pub struct ChannelProducer<T>(pub Receiver<T>);

impl<D, T: Send + Sync + 'static> StreamProducer<D> for ChannelProducer<T> {
    type Item = T;
    type Buffer = VecBuffer<T>;

    fn poll_produce<'a>(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        store: StoreContextMut<'a, D>,
        mut destination: Destination<'a, T, VecBuffer<T>>,
        finish: bool,
    ) -> Poll<wasmtime::Result<StreamResult>> {
        let wanted = destination
            .remaining(store)
            .unwrap_or(MAX_ITEMS_PER_READ)
            .min(MAX_ITEMS_PER_READ);
        // A read of zero items asks whether there are any. Taking an item for it could lose the
        // item.
        if wanted == 0 {
            return Poll::Ready(Ok(StreamResult::Completed));
        }

        let mut items = Vec::with_capacity(wanted);
        match self.get_mut().0.poll_recv_many(context, &mut items, wanted) {
            Poll::Ready(0) => Poll::Ready(Ok(StreamResult::Dropped)),
            Poll::Ready(_) => {
                destination.set_buffer(items.into());
                Poll::Ready(Ok(StreamResult::Completed))
            }
            Poll::Pending if finish => Poll::Ready(Ok(StreamResult::Cancelled)),
            Poll::Pending => Poll::Pending,
        }
    }
}
