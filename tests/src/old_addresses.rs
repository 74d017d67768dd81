//! The addresses of older systems.

/// Addresses of older systems. Each clears a module.
pub(crate) const OLD_ADDRESSES: [&str; 10] = [
    "/api/catalog/invalidate-cache",
    "/api/manufacturers/cache/clear",
    "/api/blog/refresh-cache",
    "/api/products/cache/clear",
    "/api/users/cache/clear",
    "/api/vehicles/cache/clear",
    "/api/config/cache/clear",
    "/api/seo/cache/clear",
    "/api/suppliers/cache/clear",
    "/api/dashboard/cache/clear",
];
