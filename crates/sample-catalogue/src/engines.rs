//! Vehicle types: the engines of a model. They are invented, but have the right size for its class.

use crate::error::Error;
use crate::random::Random;
use crate::sql::Script;

/// The last model year of the catalogue.
const LAST_YEAR: u32 = 2025;
/// The first model year of the catalogue: the shop has no parts for older vehicles.
const FIRST_YEAR: u32 = 1988;

/// The class of a model, which decides on its engines.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Class {
    /// City cars.
    Small,
    /// Family cars.
    Medium,
    /// Saloons and estates.
    Large,
    /// Off-road cars and pickups.
    OffRoad,
    /// Vans.
    Van,
    /// Sports cars.
    Performance,
    /// Battery-electric cars.
    Electric,
    /// Cars that were only sold as hybrids.
    Hybrid,
}

/// The energy source of an engine, stored in `vehicle_types.fuel`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fuel {
    /// Petrol.
    Petrol,
    /// Diesel.
    Diesel,
    /// Petrol with an electric motor.
    Hybrid,
    /// A battery.
    Electric,
}

/// One row of `vehicle_types`, without its ids.
#[derive(Debug, PartialEq, Eq)]
pub struct Engine {
    name: String,
    /// Its energy source.
    pub fuel: Fuel,
    /// Displacement in cubic centimetres; none for an electric motor.
    cc: Option<u32>,
    kw: u32,
    year_from: u32,
    year_to: Option<u32>,
}

/// An engine of a class: fuel, displacement, lowest and highest power in kilowatts.
type EngineChoice = (Fuel, Option<u32>, u32, u32);

const SMALL: &[EngineChoice] = &[
    (Fuel::Petrol, Some(999), 48, 81),
    (Fuel::Petrol, Some(1149), 43, 74),
    (Fuel::Petrol, Some(1242), 44, 66),
    (Fuel::Petrol, Some(1390), 55, 92),
    (Fuel::Diesel, Some(1248), 51, 70),
    (Fuel::Diesel, Some(1461), 48, 81),
];
const MEDIUM: &[EngineChoice] = &[
    (Fuel::Petrol, Some(1395), 66, 110),
    (Fuel::Petrol, Some(1598), 74, 120),
    (Fuel::Petrol, Some(1798), 85, 141),
    (Fuel::Petrol, Some(1995), 96, 165),
    (Fuel::Diesel, Some(1560), 66, 88),
    (Fuel::Diesel, Some(1598), 77, 100),
    (Fuel::Diesel, Some(1968), 81, 140),
];
const LARGE: &[EngineChoice] = &[
    (Fuel::Petrol, Some(1984), 110, 195),
    (Fuel::Petrol, Some(2497), 125, 190),
    (Fuel::Petrol, Some(2996), 170, 280),
    (Fuel::Diesel, Some(1995), 100, 150),
    (Fuel::Diesel, Some(2993), 150, 220),
];
const OFF_ROAD: &[EngineChoice] = &[
    (Fuel::Petrol, Some(1598), 85, 132),
    (Fuel::Petrol, Some(1998), 107, 184),
    (Fuel::Petrol, Some(2995), 160, 250),
    (Fuel::Diesel, Some(1968), 85, 147),
    (Fuel::Diesel, Some(2199), 110, 150),
    (Fuel::Diesel, Some(2755), 110, 150),
];
const VAN: &[EngineChoice] = &[
    (Fuel::Petrol, Some(1598), 66, 85),
    (Fuel::Diesel, Some(1499), 55, 96),
    (Fuel::Diesel, Some(1968), 75, 130),
    (Fuel::Diesel, Some(2298), 81, 132),
    (Fuel::Diesel, Some(2998), 107, 150),
];
const PERFORMANCE: &[EngineChoice] = &[
    (Fuel::Petrol, Some(1998), 140, 235),
    (Fuel::Petrol, Some(2497), 160, 265),
    (Fuel::Petrol, Some(3598), 220, 330),
    (Fuel::Petrol, Some(4297), 280, 410),
];
const ELECTRIC: &[EngineChoice] = &[
    (Fuel::Electric, None, 60, 110),
    (Fuel::Electric, None, 125, 170),
    (Fuel::Electric, None, 190, 250),
    (Fuel::Electric, None, 280, 390),
];
const HYBRID: &[EngineChoice] = &[
    (Fuel::Hybrid, Some(1339), 65, 80),
    (Fuel::Hybrid, Some(1497), 73, 91),
    (Fuel::Hybrid, Some(1798), 90, 103),
    (Fuel::Hybrid, Some(1987), 112, 144),
];

impl Class {
    /// The class that a letter of `vehicles.txt` stands for.
    pub fn parse(letter: &str) -> Option<Self> {
        match letter {
            "s" => Some(Self::Small),
            "m" => Some(Self::Medium),
            "l" => Some(Self::Large),
            "u" => Some(Self::OffRoad),
            "v" => Some(Self::Van),
            "p" => Some(Self::Performance),
            "e" => Some(Self::Electric),
            "h" => Some(Self::Hybrid),
            _ => None,
        }
    }

    fn choices(self) -> &'static [EngineChoice] {
        match self {
            Self::Small => SMALL,
            Self::Medium => MEDIUM,
            Self::Large => LARGE,
            Self::OffRoad => OFF_ROAD,
            Self::Van => VAN,
            Self::Performance => PERFORMANCE,
            Self::Electric => ELECTRIC,
            Self::Hybrid => HYBRID,
        }
    }
}

impl Fuel {
    fn word(self) -> &'static str {
        match self {
            Self::Petrol => "petrol",
            Self::Diesel => "diesel",
            Self::Hybrid => "hybrid",
            Self::Electric => "electric",
        }
    }

    fn title(self) -> &'static str {
        match self {
            Self::Petrol => "Petrol",
            Self::Diesel => "Diesel",
            Self::Hybrid => "Hybrid",
            Self::Electric => "Electric",
        }
    }
}

impl Engine {
    /// Two to four different engines for a model of `class` that was introduced in `year`, the
    /// smallest first.
    pub fn generate(class: Class, year: u32, random: &mut Random) -> Result<Vec<Self>, Error> {
        let wanted = random.between(2, 4) as usize;
        let mut choices = class.choices().to_vec();

        while choices.len() > wanted {
            let dropped = *random.pick(&choices, "engine")?;
            choices.retain(|choice| *choice != dropped);
        }

        Ok(choices
            .into_iter()
            .map(|choice| Self::of(choice, year, random))
            .collect())
    }

    fn of((fuel, cc, low_kw, high_kw): EngineChoice, year: u32, random: &mut Random) -> Self {
        let kw = random.between(low_kw, high_kw);
        // Metric horsepower: 1 kW = 1.3596 hp.
        let hp = (kw * 13_596 + 5_000) / 10_000;
        let name = match cc.map(|cc| (cc + 50) / 100) {
            Some(tenths) => format!("{}.{} {} {hp} hp", tenths / 10, tenths % 10, fuel.title()),
            None => format!("{} {hp} hp", fuel.title()),
        };

        let first = year.max(FIRST_YEAR);
        let year_from = random.between(first, (first + 12).min(LAST_YEAR));
        let year_to = Some(year_from + random.between(3, 9)).filter(|last| *last < LAST_YEAR);

        Self {
            name,
            fuel,
            cc,
            kw,
            year_from,
            year_to,
        }
    }
}

/// Adds the rows of `vehicle_types` to the script. Each engine comes with the id of its model.
pub fn write<'a>(engines: impl Iterator<Item = (u32, &'a Engine)>, script: &mut Script) {
    let columns = [
        "id",
        "model_id",
        "name",
        "fuel",
        "engine_cc",
        "power_kw",
        "year_from",
        "year_to",
    ];
    let rows = (1_u32..).zip(engines).map(|(id, (model_id, row))| {
        [
            id.into(),
            model_id.into(),
            (&row.name).into(),
            row.fuel.word().into(),
            row.cc.into(),
            row.kw.into(),
            row.year_from.into(),
            row.year_to.into(),
        ]
    });

    script.insert("vehicle_types", columns, rows);
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn a_model_has_two_to_four_engines_with_different_names() {
        let mut random = Random::for_table(1, "test");

        for class in
            ["s", "m", "l", "u", "v", "p", "e", "h"].map(|letter| Class::parse(letter).unwrap())
        {
            for _ in 0..200 {
                let engines = Engine::generate(class, 2001, &mut random).unwrap();
                let names: BTreeSet<_> = engines.iter().map(|engine| &engine.name).collect();

                assert!(
                    (2..=4).contains(&engines.len()) && names.len() == engines.len(),
                    "{names:?}"
                );
            }
        }
    }

    #[test]
    fn an_electric_car_has_no_displacement() {
        let engines =
            Engine::generate(Class::Electric, 2020, &mut Random::for_table(1, "test")).unwrap();
        assert!(
            engines
                .iter()
                .all(|engine| engine.fuel == Fuel::Electric && engine.cc.is_none())
        );
    }

    #[test]
    fn a_type_is_never_older_than_its_model_nor_newer_than_the_catalogue() {
        let mut random = Random::for_table(1, "test");
        for year in [1963, 1990, 2015, LAST_YEAR] {
            for engine in Engine::generate(Class::Small, year, &mut random).unwrap() {
                assert!((year.max(FIRST_YEAR)..=LAST_YEAR).contains(&engine.year_from));
                assert!(
                    engine
                        .year_to
                        .is_none_or(|last| last > engine.year_from && last < LAST_YEAR)
                );
            }
        }
    }
}
