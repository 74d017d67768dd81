//! Pages for search engines: those of the word list, one for each department, one for each popular
//! vehicle brand.

use crate::categories::Categories;
use crate::error::Error;
use crate::random::Random;
use crate::sql::Script;
use crate::timestamp::{TAKEN, Timestamp};
use crate::vehicles::Vehicles;
use crate::words::{Line, WordList};

const LIST: WordList = WordList {
    name: "seo_pages.txt",
    text: include_str!("../words/seo_pages.txt"),
};
/// The number of vehicle brands with a page.
const BRAND_PAGES: usize = 20;
/// The address of the shop, at a reserved domain (RFC 2606).
const SITE: &str = "https://www.example.com/";

/// The rows of `seo_pages`.
pub struct SeoPages {
    all: Vec<SeoPage>,
}

struct SeoPage {
    slug: String,
    title: String,
    description: String,
    keywords: String,
    is_main: bool,
    updated_at: Timestamp,
}

impl SeoPages {
    /// Reads the pages of the word list and makes the others.
    pub fn generate(
        seed: u64,
        categories: &Categories,
        vehicles: &Vehicles,
    ) -> Result<Self, Error> {
        let mut random = Random::for_table(seed, "seo_pages");
        let mut all = LIST
            .lines()
            .map(|line| SeoPage::read(&line))
            .collect::<Result<Vec<_>, _>>()?;

        all.extend(
            categories
                .roots()
                .map(|root| SeoPage::of_category(&root.slug, root.name)),
        );
        let brands = vehicles
            .brands_by_popularity()
            .into_iter()
            .take(BRAND_PAGES);
        all.extend(brands.map(|brand| SeoPage::of_brand(&brand.slug, brand.name)));

        for page in &mut all {
            page.updated_at = TAKEN.some_time_before(400, &mut random);
        }
        Ok(Self { all })
    }

    /// Adds the rows to the script.
    pub fn write(&self, script: &mut Script) {
        let columns = [
            "id",
            "slug",
            "title",
            "description",
            "keywords",
            "canonical_url",
            "is_main",
            "updated_at",
        ];
        let rows = (1_u32..).zip(&self.all).map(|(id, row)| {
            let path = if row.slug == "homepage" {
                ""
            } else {
                &row.slug
            };
            [
                id.into(),
                (&row.slug).into(),
                (&row.title).into(),
                (&row.description).into(),
                (&row.keywords).into(),
                format!("{SITE}{path}").into(),
                row.is_main.into(),
                row.updated_at.into(),
            ]
        });

        script.insert("seo_pages", columns, rows);
    }
}

impl SeoPage {
    fn read(line: &Line) -> Result<Self, Error> {
        let [slug, rank, title, keywords, description] =
            line.fields("slug | main or other | title | keywords | description")?;
        let is_main = match rank {
            "main" => true,
            "other" => false,
            _ => return Err(line.bad("main or other in the second field")),
        };

        Ok(Self {
            is_main,
            ..Self::other(
                slug.to_owned(),
                title.to_owned(),
                description.to_owned(),
                keywords.to_owned(),
            )
        })
    }

    fn of_category(slug: &str, name: &str) -> Self {
        let plain = name.to_lowercase();
        Self::other(
            format!("parts-{slug}"),
            format!("{name}: Parts and Prices"),
            format!(
                "The whole {plain} department: compare makers and prices, and see what is in stock today."
            ),
            format!("{plain}, car parts, {slug} parts"),
        )
    }

    fn of_brand(slug: &str, name: &str) -> Self {
        Self::other(
            format!("vehicle-{slug}"),
            format!("Parts for {name} Models"),
            format!(
                "Parts for every {name} in the catalogue: pick the model and the engine, and order what fits."
            ),
            format!("{name} parts, {name} spare parts, {name} models"),
        )
    }

    fn other(slug: String, title: String, description: String, keywords: String) -> Self {
        Self {
            slug,
            title,
            description,
            keywords,
            is_main: false,
            updated_at: TAKEN,
        }
    }
}
