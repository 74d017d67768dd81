-- Units: *_cents is euro cents with VAT, *_at is RFC 3339 UTC text, is_* is 0 or 1, *_kw is kilowatts,
-- engine_cc is cubic centimetres, year_* is a calendar year.

CREATE TABLE IF NOT EXISTS categories (
    id INTEGER PRIMARY KEY,
    parent_id INTEGER REFERENCES categories (id),
    slug TEXT NOT NULL UNIQUE,
    name TEXT NOT NULL,
    depth INTEGER NOT NULL,
    position INTEGER NOT NULL
);

CREATE TABLE IF NOT EXISTS vehicle_brands (
    id INTEGER PRIMARY KEY,
    slug TEXT NOT NULL UNIQUE,
    name TEXT NOT NULL UNIQUE,
    country_code TEXT NOT NULL,
    popularity INTEGER NOT NULL
);

CREATE TABLE IF NOT EXISTS vehicle_models (
    id INTEGER PRIMARY KEY,
    brand_id INTEGER NOT NULL REFERENCES vehicle_brands (id),
    slug TEXT NOT NULL,
    name TEXT NOT NULL,
    year_from INTEGER NOT NULL,
    popularity INTEGER NOT NULL,
    UNIQUE (brand_id, slug)
);

CREATE TABLE IF NOT EXISTS vehicle_types (
    id INTEGER PRIMARY KEY,
    model_id INTEGER NOT NULL REFERENCES vehicle_models (id),
    name TEXT NOT NULL,
    fuel TEXT NOT NULL CHECK (fuel IN ('petrol', 'diesel', 'hybrid', 'electric')),
    engine_cc INTEGER,
    power_kw INTEGER NOT NULL,
    year_from INTEGER NOT NULL,
    year_to INTEGER,
    UNIQUE (model_id, name)
);

CREATE TABLE IF NOT EXISTS products (
    id INTEGER PRIMARY KEY,
    sku TEXT NOT NULL UNIQUE,
    name TEXT NOT NULL,
    maker TEXT NOT NULL,
    category_id INTEGER NOT NULL REFERENCES categories (id),
    vehicle_model_id INTEGER REFERENCES vehicle_models (id),
    price_cents INTEGER NOT NULL CHECK (price_cents >= 0),
    stock INTEGER NOT NULL CHECK (stock >= 0),
    sales_count INTEGER NOT NULL CHECK (sales_count >= 0),
    is_active INTEGER NOT NULL CHECK (is_active IN (0, 1)),
    created_at TEXT NOT NULL,
    updated_at TEXT NOT NULL
);

CREATE TABLE IF NOT EXISTS users (
    id INTEGER PRIMARY KEY,
    email TEXT NOT NULL UNIQUE,
    name TEXT NOT NULL,
    role TEXT NOT NULL CHECK (role IN ('customer', 'staff', 'admin')),
    is_active INTEGER NOT NULL CHECK (is_active IN (0, 1)),
    order_count INTEGER NOT NULL,
    spent_cents INTEGER NOT NULL,
    created_at TEXT NOT NULL,
    last_login_at TEXT
);

CREATE TABLE IF NOT EXISTS settings (
    id INTEGER PRIMARY KEY,
    key TEXT NOT NULL UNIQUE,
    value TEXT NOT NULL,
    environment TEXT NOT NULL CHECK (environment IN ('all', 'production', 'staging', 'development')),
    is_active INTEGER NOT NULL CHECK (is_active IN (0, 1)),
    updated_at TEXT NOT NULL
);

CREATE TABLE IF NOT EXISTS seo_pages (
    id INTEGER PRIMARY KEY,
    slug TEXT NOT NULL UNIQUE,
    title TEXT NOT NULL,
    description TEXT NOT NULL,
    keywords TEXT NOT NULL,
    canonical_url TEXT NOT NULL,
    is_main INTEGER NOT NULL CHECK (is_main IN (0, 1)),
    updated_at TEXT NOT NULL
);

CREATE INDEX IF NOT EXISTS categories_by_parent ON categories (parent_id, position);
CREATE INDEX IF NOT EXISTS vehicle_brands_by_popularity ON vehicle_brands (popularity DESC, id);
CREATE INDEX IF NOT EXISTS vehicle_models_by_popularity ON vehicle_models (brand_id, popularity DESC, id);
CREATE INDEX IF NOT EXISTS products_by_sales ON products (sales_count DESC, id);
CREATE INDEX IF NOT EXISTS products_by_category ON products (category_id, sales_count DESC, id);
CREATE INDEX IF NOT EXISTS products_by_vehicle_model ON products (vehicle_model_id);
CREATE INDEX IF NOT EXISTS users_by_role ON users (role, is_active);
CREATE INDEX IF NOT EXISTS settings_by_environment ON settings (environment, is_active);
CREATE INDEX IF NOT EXISTS seo_pages_by_main ON seo_pages (is_main, id);
