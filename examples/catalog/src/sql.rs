//! SQL for both SQLite and PostgreSQL: names with capitals are quoted, and no function is used that
//! only one of them has.

pub(crate) const POPULAR_PRODUCTS: &str = r#"
    SELECT p.id, p.sku, p.name, p.maker, p.price_cents AS "priceCents", p.stock, p.sales_count AS "salesCount",
           c.slug AS "categorySlug", c.name AS "categoryName"
    FROM products p JOIN categories c ON c.id = p.category_id
    WHERE p.is_active = 1 ORDER BY p.sales_count DESC, p.id LIMIT 100"#;
pub(crate) const PRODUCT_BY_ID: &str = r#"
    SELECT p.id, p.sku, p.name, p.maker, p.price_cents AS "priceCents", p.stock, p.sales_count AS "salesCount",
           c.slug AS "categorySlug", c.name AS "categoryName"
    FROM products p JOIN categories c ON c.id = p.category_id
    WHERE p.is_active = 1 AND p.id = CAST(? AS BIGINT)"#;
pub(crate) const PRODUCTS_OF_CATEGORY: &str = r#"
    SELECT p.id, p.name, p.maker, p.price_cents AS "priceCents", p.stock
    FROM products p JOIN categories c ON c.id = p.category_id
    WHERE p.is_active = 1 AND c.slug = ? ORDER BY p.sales_count DESC, p.id"#;
pub(crate) const SEARCH_PRODUCTS: &str = r#"
    SELECT id, name, maker, price_cents AS "priceCents" FROM products
    WHERE is_active = 1
      AND replace(lower(name || ' ' || maker || ' ' || sku), ?, '') <> lower(name || ' ' || maker || ' ' || sku)
    ORDER BY sales_count DESC, id LIMIT 50"#;
pub(crate) const TOP_BRANDS: &str = r#"
    SELECT id, slug, name, country_code AS "countryCode", popularity
    FROM vehicle_brands ORDER BY popularity DESC, id LIMIT 20"#;
pub(crate) const MODELS_OF_BRAND: &str = r#"
    SELECT brand_id AS "brandId", id, slug, name, year_from AS "yearFrom", popularity
    FROM vehicle_models WHERE brand_id = CAST(? AS BIGINT) ORDER BY popularity DESC, id"#;
pub(crate) const USER_STATISTICS: &str = r#"
    SELECT COUNT(*) AS accounts, SUM(is_active) AS active,
           SUM(CASE WHEN role = 'admin' AND is_active = 1 THEN 1 ELSE 0 END) AS admins,
           SUM(order_count) AS orders, SUM(spent_cents) AS "spentCents", MAX(last_login_at) AS "lastLoginAt"
    FROM users"#;
pub(crate) const SETTING_BY_KEY: &str = r#"
    SELECT key, value, environment, updated_at AS "updatedAt" FROM settings WHERE is_active = 1 AND key = ?"#;
pub(crate) const PAGE_BY_SLUG: &str = r#"
    SELECT slug, title, description, keywords, canonical_url AS "canonicalUrl" FROM seo_pages WHERE slug = ?"#;
pub(crate) const SET_PRICE: &str = "
    UPDATE products SET price_cents = CAST(? AS BIGINT) WHERE id = CAST(? AS BIGINT) RETURNING id, price_cents";
