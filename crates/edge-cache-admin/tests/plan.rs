//! The plan that the documentation shows.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use edge_cache_admin::warmup::Plan;

const PAGE: &str = include_str!("../../../docs/warmup.md");

fn documented_plan() -> &'static str {
    let after_fence = PAGE.split("```toml\n").nth(1).unwrap();
    after_fence.split("```").next().unwrap()
}

#[test]
fn the_documented_plan_is_valid() {
    let compiled = Plan::compile(documented_plan()).unwrap();

    let plan = Plan::read(&compiled).unwrap();

    assert_eq!(plan.modules.len(), 2);
}

#[test]
fn the_documented_mistake_has_the_documented_error() {
    let mistake = documented_plan().replace("books:{isbn}", "books");
    let documented = PAGE
        .lines()
        .find_map(|line| line.strip_prefix("books.toml: "))
        .unwrap();

    let error = Plan::compile(&mistake).unwrap_err();

    assert_eq!(error.to_string(), documented);
}
