//! Every path that is not a route: 404 with a problem body.

use edge_cache_spin::{HostResponse, Request, serve_not_found};

edge_cache_spin::http_service!(handle);

async fn handle(request: Request) -> HostResponse {
    serve_not_found(request).await
}
