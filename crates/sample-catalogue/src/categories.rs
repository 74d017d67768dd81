//! The category tree, and the products of its leaves.

use crate::error::Error;
use crate::slug::slug;
use crate::sql::Script;
use crate::template::Template;
use crate::words::{Line, WordList};

const LIST: WordList = WordList {
    name: "categories.txt",
    text: include_str!("../words/categories.txt"),
};

/// The rows of `categories`: a node comes after its parent.
pub struct Categories {
    /// Every category, roots, groups and leaves.
    pub all: Vec<Category>,
    /// The products of each leaf.
    pub leaves: Vec<Leaf>,
}

/// One row of `categories`.
pub struct Category {
    id: u32,
    parent_id: Option<u32>,
    /// Unique in the tree.
    pub slug: String,
    /// The name shown to customers.
    pub name: &'static str,
    depth: u32,
    position: u32,
}

/// The products of one leaf category.
pub struct Leaf {
    /// The category's id.
    pub category_id: u32,
    /// The vehicles that the products are made for.
    pub fits: Fits,
    /// Lowest and highest price, in whole euros.
    pub euros: (u32, u32),
    /// The products' names, without maker and vehicle.
    pub product: Template,
    /// The makers of the products.
    pub makers: Vec<&'static str>,
}

/// The vehicles that a product fits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fits {
    /// All: the product is universal.
    Any,
    /// One model with any engine.
    Car,
    /// One model with a combustion engine.
    Combustion,
    /// One model with a petrol engine.
    Petrol,
    /// One model with a diesel engine.
    Diesel,
}

impl Categories {
    /// Reads the tree; it is the same for every seed.
    pub fn generate() -> Result<Self, Error> {
        let mut tree = Self {
            all: Vec::new(),
            leaves: Vec::new(),
        };
        // The ids of the categories above the line, from the root.
        let mut path: Vec<u32> = Vec::new();
        let mut makers = Vec::new();

        for line in LIST.lines() {
            path.truncate(line.depth);
            if path.len() < line.depth {
                return Err(line.bad("at most one step more indentation than the line above"));
            }

            let id = match path.last() {
                None => {
                    let [name, slug, names] = line.fields("name | slug | part makers")?;
                    makers = names.split(", ").collect();
                    tree.add(None, name, slug.to_owned(), 0)
                }
                Some(parent) => tree.add_below(*parent, &line, &makers)?,
            };
            path.push(id);
        }

        Ok(tree)
    }

    fn add_below(
        &mut self,
        parent: u32,
        line: &Line,
        makers: &[&'static str],
    ) -> Result<u32, Error> {
        let is_group = !line.text.contains('|');
        if is_group {
            return Ok(self.add(Some(parent), line.text, slug(line.text), line.depth));
        }

        let [name, fits, euros, product] =
            line.fields("name | fits | price range | product name")?;
        let category_id = self.add(Some(parent), name, slug(name), line.depth);
        self.leaves.push(Leaf {
            category_id,
            fits: Fits::parse(fits).ok_or(line.bad("any, car, combustion, petrol or diesel"))?,
            euros: price_range(euros).ok_or(line.bad("a price range such as 12-60"))?,
            product: Template::parse(product, line)?,
            makers: makers.to_vec(),
        });
        Ok(category_id)
    }

    fn add(
        &mut self,
        parent_id: Option<u32>,
        name: &'static str,
        slug: String,
        depth: usize,
    ) -> u32 {
        let id = self.all.len() as u32 + 1;
        let siblings = self
            .all
            .iter()
            .filter(|other| other.parent_id == parent_id)
            .count() as u32;

        self.all.push(Category {
            id,
            parent_id,
            slug,
            name,
            depth: depth as u32,
            position: siblings + 1,
        });
        id
    }

    /// The categories at the top of the tree.
    pub fn roots(&self) -> impl Iterator<Item = &Category> {
        self.all
            .iter()
            .filter(|category| category.parent_id.is_none())
    }

    /// Adds the rows to the script.
    pub fn write(&self, script: &mut Script) {
        let columns = ["id", "parent_id", "slug", "name", "depth", "position"];
        let rows = self.all.iter().map(|row| {
            [
                row.id.into(),
                row.parent_id.into(),
                (&row.slug).into(),
                row.name.into(),
                row.depth.into(),
                row.position.into(),
            ]
        });

        script.insert("categories", columns, rows);
    }
}

impl Fits {
    fn parse(word: &str) -> Option<Self> {
        match word {
            "any" => Some(Self::Any),
            "car" => Some(Self::Car),
            "combustion" => Some(Self::Combustion),
            "petrol" => Some(Self::Petrol),
            "diesel" => Some(Self::Diesel),
            _ => None,
        }
    }
}

fn price_range(text: &str) -> Option<(u32, u32)> {
    let (low, high) = text.split_once('-')?;
    let low = low.parse().ok()?;
    let high = high.parse().ok()?;
    (low <= high).then_some((low, high))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_category_follows_its_parent_one_level_deeper() {
        let tree = Categories::generate().unwrap();
        for category in &tree.all {
            match category.parent_id {
                None => assert_eq!(category.depth, 0),
                Some(parent) => {
                    assert!(parent < category.id);
                    assert_eq!(category.depth, tree.all[parent as usize - 1].depth + 1);
                }
            }
        }
    }

    #[test]
    fn only_leaves_have_products() {
        let tree = Categories::generate().unwrap();
        for leaf in &tree.leaves {
            assert!(
                tree.all
                    .iter()
                    .all(|category| category.parent_id != Some(leaf.category_id))
            );
            assert!(!leaf.makers.is_empty());
        }
    }
}
