//! The products of the shop.

use std::collections::HashSet;

use crate::categories::{Categories, Fits, Leaf};
use crate::error::Error;
use crate::random::Random;
use crate::sql::Script;
use crate::timestamp::{TAKEN, Timestamp};
use crate::vehicles::{Model, Vehicles};

/// How many products there are.
const COUNT: u32 = 5_200;
/// How often another name is tried before the words count as used up.
const ATTEMPTS: u32 = 1_000;
/// What a universal product counts for beside the popularity of a vehicle model.
const UNIVERSAL_DEMAND: u32 = 6_000;
/// The cents a price ends with; the most common more than once.
const ENDINGS: [u32; 8] = [99, 99, 99, 95, 90, 50, 49, 0];

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

/// What a product is, before it has a price.
struct Part<'a> {
    name: String,
    maker: &'static str,
    model: Option<&'a Model>,
}

impl Products {
    /// Invents the products: at least one in each leaf of the tree, more parts for popular vehicles than for rare ones.
    pub fn generate(seed: u64, categories: &Categories, vehicles: &Vehicles) -> Result<Self, Error> {
        let mut random = Random::for_table(seed, "products");
        let garages = [Fits::Car, Fits::Combustion, Fits::Petrol, Fits::Diesel].map(|fits| Garage::new(fits, vehicles));
        let mut names = HashSet::new();
        let mut all = Vec::new();
        let mut scores = Vec::new();
        let moments = TAKEN.times_before(1_800, COUNT, &mut random);
        for (id, created_at) in (1..).zip(moments) {
            let leaf = match categories.leaves.get(id as usize - 1) {
                Some(leaf) => leaf,
                None => random.pick(&categories.leaves, "leaf category")?,
            };
            let garage = garages.iter().find(|garage| garage.fits == leaf.fits);
            let part = Part::with_new_name(leaf, garage, &mut names, &mut random)?;
            let price_cents = price_cents(leaf.euros, &mut random)?;
            scores.push(score(price_cents, part.model, &mut random));
            all.push(Product::of(id, part, leaf.category_id, price_cents, created_at, &mut random));
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
    fn of(
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
        for _ in 0..ATTEMPTS {
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
        Err(Error::TooFewNames { what: format!("product of category {}", leaf.category_id) })
    }
}

/// The models one kind of part is made for, to be drawn by popularity.
struct Garage<'a> {
    fits: Fits,
    models: Vec<&'a Model>,
    /// For each model, its popularity and that of all before it.
    sums: Vec<u32>,
}

impl<'a> Garage<'a> {
    fn new(fits: Fits, vehicles: &'a Vehicles) -> Self {
        let models: Vec<_> = vehicles.models_for(fits).collect();
        let sums = models.iter().scan(0, |sum, model| {
            *sum += model.popularity;
            Some(*sum)
        });
        Self { fits, sums: sums.collect(), models }
    }

    fn draw(&self, random: &mut Random) -> Result<&'a Model, Error> {
        let ticket = random.below(self.sums.last().copied().unwrap_or(0));
        let index = self.sums.partition_point(|sum| *sum <= ticket);
        self.models.get(index).copied().ok_or(Error::Nothing { what: "vehicle model" })
    }
}

/// Maker's initials and a number that no other id has: 7,919 is prime and no factor of a million.
fn sku(id: u32, maker: &str) -> String {
    let initials: String = maker.chars().filter(char::is_ascii_alphabetic).take(3).collect();
    format!("{}-{:06}", initials.to_ascii_uppercase(), u64::from(id) * 7_919 % 1_000_000)
}

/// A price of the range, likelier to be low than high, with a usual ending.
fn price_cents((low, high): (u32, u32), random: &mut Random) -> Result<u32, Error> {
    let euros = random.between(low, high).min(random.between(low, high));
    Ok(euros * 100 + random.pick(&ENDINGS, "price ending")?)
}

/// The smaller, the better a product sells: cheap before dear, for popular vehicles before rare ones, and luck.
fn score(price_cents: u32, model: Option<&Model>, random: &mut Random) -> u32 {
    let demand = model.map_or(UNIVERSAL_DEMAND, |model| model.popularity);
    price_cents.isqrt() * random.between(1_000, 20_000) / demand.isqrt().max(1)
}

/// Sales that fall off as one over the rank (Zipf). They end in ties, as in a shop: the id decides between equals.
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
        let numbers: HashSet<_> = (1..=COUNT).map(|id| sku(id, "Same")).collect();
        assert_eq!(numbers.len(), COUNT as usize);
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
        let sold: HashSet<_> = products.all.iter().map(|product| product.category_id).collect();
        assert!(categories.leaves.iter().all(|leaf| sold.contains(&leaf.category_id)));
    }
}
