//! Vehicle brands and their models.

use crate::categories::Fits;
use crate::engines::{self, Class, Engine, Fuel};
use crate::error::Error;
use crate::random::Random;
use crate::slug::slug;
use crate::sql::Script;
use crate::words::{Line, WordList};

const LIST: WordList = WordList {
    name: "vehicles.txt",
    text: include_str!("../words/vehicles.txt"),
};

/// The rows of `vehicle_brands`, `vehicle_models` and `vehicle_types`.
pub struct Vehicles {
    brands: Vec<Brand>,
    models: Vec<Model>,
}

/// One row of `vehicle_brands`.
pub struct Brand {
    id: u32,
    /// Unique among brands.
    pub slug: String,
    /// The name on the car.
    pub name: &'static str,
    country_code: &'static str,
    /// Searches in the last year.
    popularity: u32,
}

/// One row of `vehicle_models`.
pub struct Model {
    /// Its id, from 1.
    pub id: u32,
    brand_id: u32,
    slug: String,
    name: &'static str,
    /// Brand and model.
    pub full_name: String,
    year_from: u32,
    /// Searches in the last year; never 0.
    pub popularity: u32,
    engines: Vec<Engine>,
}

impl Vehicles {
    /// Reads the brands and models, and invents their numbers.
    pub fn generate(seed: u64) -> Result<Self, Error> {
        let mut random = Random::for_table(seed, "vehicles");
        let mut vehicles = Self {
            brands: Vec::new(),
            models: Vec::new(),
        };

        let mut rank = 0;
        for line in LIST.lines() {
            if line.depth == 0 {
                vehicles.add_brand(&line, &mut random)?;
                rank = 0;
                continue;
            }
            for entry in line.text.trim_end_matches(',').split(", ") {
                vehicles.add_model(entry, rank, &line, &mut random)?;
                rank += 1;
            }
        }
        Ok(vehicles)
    }

    fn add_brand(&mut self, line: &Line, random: &mut Random) -> Result<(), Error> {
        let expected = "brand | country code | popularity weight";
        let [name, country_code, weight] = line.fields(expected)?;
        let weight: u32 = weight.parse().map_err(|_| line.bad(expected))?;
        let popularity = weight * weight * 20 + random.below(2_000);
        self.brands.push(Brand {
            id: self.brands.len() as u32 + 1,
            slug: slug(name),
            name,
            country_code,
            popularity,
        });
        Ok(())
    }

    /// Adds a model. `rank` is its position in the list of its brand: later ones are rarer.
    fn add_model(
        &mut self,
        entry: &'static str,
        rank: u32,
        line: &Line,
        random: &mut Random,
    ) -> Result<(), Error> {
        let brand = self
            .brands
            .last()
            .ok_or(line.bad("a brand before the models"))?;
        let bad = || line.bad("models such as Golf m1974, Polo s1975");
        let (name, tail) = entry.rsplit_once(' ').ok_or_else(bad)?;
        let (letter, year) = tail.split_at_checked(1).ok_or_else(bad)?;
        let class = Class::parse(letter).ok_or_else(bad)?;
        let year_from = year.parse().map_err(|_| bad())?;

        self.models.push(Model {
            id: self.models.len() as u32 + 1,
            brand_id: brand.id,
            slug: slug(name),
            name,
            full_name: if name.starts_with(brand.name) {
                name.to_owned()
            } else {
                format!("{} {name}", brand.name)
            },
            year_from,
            popularity: brand.popularity / (rank + 4) + random.between(1, 100),
            engines: Engine::generate(class, year_from, random)?,
        });
        Ok(())
    }

    /// The brands by descending popularity, then by id.
    pub fn brands_by_popularity(&self) -> Vec<&Brand> {
        let mut brands: Vec<_> = self.brands.iter().collect();
        brands.sort_by_key(|brand| (u32::MAX - brand.popularity, brand.id));
        brands
    }

    /// The models that a part can fit.
    pub fn models_for(&self, fits: Fits) -> impl Iterator<Item = &Model> {
        self.models
            .iter()
            .filter(move |model| model.engines.iter().any(|engine| suits(fits, engine.fuel)))
    }

    /// Adds the rows to the script.
    pub fn write(&self, script: &mut Script) {
        let columns = ["id", "slug", "name", "country_code", "popularity"];
        let rows = self.brands.iter().map(|row| {
            [
                row.id.into(),
                (&row.slug).into(),
                row.name.into(),
                row.country_code.into(),
                row.popularity.into(),
            ]
        });

        script.insert("vehicle_brands", columns, rows);

        let columns = ["id", "brand_id", "slug", "name", "year_from", "popularity"];
        let rows = self.models.iter().map(|row| {
            [
                row.id.into(),
                row.brand_id.into(),
                (&row.slug).into(),
                row.name.into(),
                row.year_from.into(),
                row.popularity.into(),
            ]
        });

        script.insert("vehicle_models", columns, rows);

        let engines = self
            .models
            .iter()
            .flat_map(|model| model.engines.iter().map(move |engine| (model.id, engine)));
        engines::write(engines, script);
    }
}

fn suits(fits: Fits, fuel: Fuel) -> bool {
    match fits {
        Fits::Any | Fits::Car => true,
        Fits::Combustion => fuel != Fuel::Electric,
        Fits::Petrol => matches!(fuel, Fuel::Petrol | Fuel::Hybrid),
        Fits::Diesel => fuel == Fuel::Diesel,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_engine_part_does_not_fit_an_electric_car() {
        let vehicles = Vehicles::generate(1).unwrap();
        let names: Vec<_> = vehicles
            .models_for(Fits::Combustion)
            .map(|model| model.full_name.as_str())
            .collect();
        assert!(names.contains(&"Volkswagen Golf"));
        assert!(!names.contains(&"Tesla Model 3"));
    }

    #[test]
    fn a_full_name_has_the_brand_once() {
        let vehicles = Vehicles::generate(1).unwrap();
        assert!(
            vehicles
                .models_for(Fits::Any)
                .any(|model| model.full_name == "Polestar 2")
        );
    }
}
