//! The plan and the sections of a configuration that the documentation shows.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use edge_cache_admin::configuration::Configuration;
use edge_cache_admin::input::FileError;
use edge_cache_admin::warmup::Plan;

const PAGE: &str = include_str!("../../../docs/warmup.md");

const CONFIGURATION_PAGE: &str = include_str!("../../../docs/configuration.md");

fn documented_plan() -> &'static str {
    let after_fence = PAGE.split("```toml\n").nth(1).unwrap();
    after_fence.split("```").next().unwrap()
}

fn read_plan(text: &str) -> Result<Plan, FileError> {
    Configuration::parse("edge-cache.toml", text)?.plan()
}

#[test]
fn the_documented_plan_is_valid() {
    let plan = read_plan(documented_plan()).unwrap();

    assert_eq!(plan.modules.len(), 2);
}

#[test]
fn the_documented_mistake_has_the_documented_error() {
    let mistake = documented_plan().replace("books:{isbn}", "books");
    let documented = PAGE
        .lines()
        .find(|line| line.starts_with("edge-cache.toml:"))
        .unwrap();

    let error = read_plan(&mistake).unwrap_err();

    assert_eq!(error.to_string(), documented);
}

#[test]
fn every_documented_section_is_valid() {
    let blocks = CONFIGURATION_PAGE.split("```toml\n").skip(1);
    let sections: Vec<&str> = blocks
        .map(|after_fence| after_fence.split("```").next().unwrap())
        .collect();

    for section in &sections {
        let file = Configuration::parse("edge-cache.toml", section).unwrap();
        assert_eq!(file.check(), Ok(()), "{section}");
    }

    assert_eq!(sections.len(), 4);
    let whole = sections.join("\n");
    let file = Configuration::parse("edge-cache.toml", &whole).unwrap();
    assert_eq!(file.check(), Ok(()));
}

#[test]
fn the_documented_mistake_of_a_configuration_has_the_documented_error() {
    let file =
        Configuration::parse("edge-cache.toml", "[ttl]\n\"products:popular\" = 0\n").unwrap();

    let problem = file.check().unwrap_err().problem;

    assert!(CONFIGURATION_PAGE.contains(&problem), "{problem}");
}
