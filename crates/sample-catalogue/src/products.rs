//! The products of the shop.

use std::collections::HashSet;

use crate::categories::{Categories, Fits, Leaf};
use crate::error::Error;
use crate::random::Random;
use crate::sql::Script;
use crate::timestamp::{TAKEN, Timestamp};
use crate::vehicles::{Model, Vehicles};

/// The number of products.
const PRODUCTS: u32 = 5_200;
/// The most attempts to find a new name.
const MAX_ATTEMPTS: u32 = 1_000;
/// The demand for a universal product, compared with the popularity of a vehicle model.
const UNIVERSAL_DEMAND: u32 = 6_000;
/// The cents of a price; common ones occur several times.
const PRICE_ENDINGS: [u32; 8] = [99, 99, 99, 95, 90, 50, 49, 0];

/// The rows of `products`.
pub struct Products {
    all: Vec<Product>,
}

struct Product {
    id: u32,
    sku: String,
    name: String,
    maker: &'static str,
    category_id: u32,
    vehicle_model_id: Option<u32>,
    /// Euro cents, VAT included.
    price_cents: u32,
    stock: u32,
    sales_count: u32,
    is_active: bool,
    created_at: Timestamp,
    updated_at: Timestamp,
}

/// A product without a price.
struct Part<'a> {
    name: String,
    maker: &'static str,
    model: Option<&'a Model>,
}

impl Products {
    /// Invents the products: at least one in each leaf of the tree, more parts for popular vehicles
    /// than for rare ones.
    pub fn generate(
        seed: u64,
        categories: &Categories,
        vehicles: &Vehicles,
    ) -> Result<Self, Error> {
        let mut random = Random::for_table(seed, "products");
        let garages = [Fits::Car, Fits::Combustion, Fits::Petrol, Fits::Diesel]
            .map(|fits| Garage::new(fits, vehicles));
        let mut names = HashSet::new();
        let mut all = Vec::new();
        let mut scores = Vec::new();

        let moments = TAKEN.times_before(1_800, PRODUCTS, &mut random);
        for (id, created_at) in (1..).zip(moments) {
            // The first products fill one leaf each.
            let leaf = match categories.leaves.get(id as usize - 1) {
                Some(leaf) => leaf,
                None => random.pick(&categories.leaves, "leaf category")?,
            };
            let garage = garages.iter().find(|garage| garage.fits == leaf.fits);
            let part = Part::with_new_name(leaf, garage, &mut names, &mut random)?;
            let price_cents = price_cents(leaf.euros, &mut random)?;
            scores.push(score(price_cents, part.model, &mut random));
            all.push(Product::new(
                id,
                part,
                leaf.category_id,
                price_cents,
                created_at,
                &mut random,
            ));
        }

        rank_by_sales(&mut all, &scores);
        Ok(Self { all })
    }

    /// Adds the rows to the script.
    pub fn write(&self, script: &mut Script) {
        let columns = [
            "id",
            "sku",
            "name",
            "maker",
            "category_id",
            "vehicle_model_id",
            "price_cents",
            "stock",
            "sales_count",
            "is_active",
            "created_at",
            "updated_at",
        ];
        let rows = self.all.iter().map(|row| {
            [
                row.id.into(),
                (&row.sku).into(),
                (&row.name).into(),
                row.maker.into(),
                row.category_id.into(),
                row.vehicle_model_id.into(),
                row.price_cents.into(),
                row.stock.into(),
                row.sales_count.into(),
                row.is_active.into(),
                row.created_at.into(),
                row.updated_at.into(),
            ]
        });

        script.insert("products", columns, rows);
    }
}

impl Product {
    fn new(
        id: u32,
        part: Part<'_>,
        category_id: u32,
        price_cents: u32,
        created_at: Timestamp,
        random: &mut Random,
    ) -> Self {
        let sold_out = random.chance(7);
        let stock = random.between(1, 240).min(random.between(1, 240));

        Self {
            id,
            sku: sku(id, part.maker),
            name: part.name,
            maker: part.maker,
            category_id,
            vehicle_model_id: part.model.map(|model| model.id),
            price_cents,
            stock: if sold_out { 0 } else { stock },
            sales_count: 0,
            is_active: !random.chance(2),
            created_at,
            updated_at: created_at.some_time_after(random),
        }
    }
}

impl<'a> Part<'a> {
    fn with_new_name(
        leaf: &Leaf,
        garage: Option<&Garage<'a>>,
        names: &mut HashSet<String>,
        random: &mut Random,
    ) -> Result<Self, Error> {
        for _ in 0..MAX_ATTEMPTS {
            let maker = *random.pick(&leaf.makers, "part maker")?;
            let product = leaf.product.fill(random)?;
            let model = garage.map(|garage| garage.draw(random)).transpose()?;
            let name = match model {
                Some(model) => format!("{maker} {product} for {}", model.full_name),
                None => format!("{maker} {product}"),
            };

            if names.insert(name.clone()) {
                return Ok(Self { name, maker, model });
            }
        }
        Err(Error::TooFewNames {
            what: format!("product of category {}", leaf.category_id),
        })
    }
}

/// The models that a kind of part fits; popular ones are drawn more often.
struct Garage<'a> {
    fits: Fits,
    models: Vec<&'a Model>,
    /// The popularity of each model plus that of all before it.
    sums: Vec<u32>,
}

impl<'a> Garage<'a> {
    fn new(fits: Fits, vehicles: &'a Vehicles) -> Self {
        let models: Vec<_> = vehicles.models_for(fits).collect();
        let sums = models.iter().scan(0, |sum, model| {
            *sum += model.popularity;
            Some(*sum)
        });
        Self {
            fits,
            sums: sums.collect(),
            models,
        }
    }

    fn draw(&self, random: &mut Random) -> Result<&'a Model, Error> {
        let ticket = random.below(self.sums.last().copied().unwrap_or(0));
        let index = self.sums.partition_point(|sum| *sum <= ticket);
        self.models.get(index).copied().ok_or(Error::Nothing {
            what: "vehicle model",
        })
    }
}

/// The maker's initials and a number that is unique to the id: 7,919 is prime and does not divide a
/// million.
fn sku(id: u32, maker: &str) -> String {
    let initials: String = maker
        .chars()
        .filter(char::is_ascii_alphabetic)
        .take(3)
        .collect();
    format!(
        "{}-{:06}",
        initials.to_ascii_uppercase(),
        u64::from(id) * 7_919 % 1_000_000
    )
}

/// A price of the range with a common ending; low prices are more likely.
fn price_cents((low, high): (u32, u32), random: &mut Random) -> Result<u32, Error> {
    let euros = random.between(low, high).min(random.between(low, high));
    Ok(euros * 100 + random.pick(&PRICE_ENDINGS, "price ending")?)
}

/// The rank of a product by sales before ties; smaller sells better. Cheap products and those for
/// popular vehicles sell better, apart from chance.
fn score(price_cents: u32, model: Option<&Model>, random: &mut Random) -> u32 {
    let demand = model.map_or(UNIVERSAL_DEMAND, |model| model.popularity);
    price_cents.isqrt() * random.between(1_000, 20_000) / demand.isqrt().max(1)
}

/// Sets sales that fall with the rank as in Zipf's law. The lowest ranks are tied, as in a real
/// shop; the id breaks ties.
fn rank_by_sales(products: &mut [Product], scores: &[u32]) {
    let mut ranked: Vec<_> = products.iter_mut().zip(scores).collect();
    ranked.sort_by_key(|(product, score)| (**score, product.id));
    for (rank, (product, _)) in (0..).zip(ranked) {
        product.sales_count = 90_000 / (rank + 9);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_two_products_have_the_same_sku() {
        let numbers: HashSet<_> = (1..=PRODUCTS).map(|id| sku(id, "Same")).collect();
        assert_eq!(numbers.len(), PRODUCTS as usize);
        assert_eq!(sku(1, "Weaver and Co"), "WEA-007919");
    }

    #[test]
    fn a_price_stays_within_its_range() {
        let mut random = Random::for_table(1, "test");
        for _ in 0..1000 {
            let price = price_cents((12, 60), &mut random).unwrap();
            assert!((1_200..=6_099).contains(&price), "{price}");
        }
    }

    #[test]
    fn every_leaf_category_sells_something() {
        let categories = Categories::generate().unwrap();
        let products = Products::generate(1, &categories, &Vehicles::generate(1).unwrap()).unwrap();
        let sold: HashSet<_> = products
            .all
            .iter()
            .map(|product| product.category_id)
            .collect();

        assert!(
            categories
                .leaves
                .iter()
                .all(|leaf| sold.contains(&leaf.category_id))
        );
    }
}
