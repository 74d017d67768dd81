//! The plan that the documentation shows.

use edge_cache::warmup::Plan;

#[test]
fn the_documented_plan_is_valid_and_its_mistake_is_told_as_documented() {
    let page = include_str!("../../../docs/warmup.md");
    let text = page.split("```toml\n").nth(1).unwrap().split("```").next().unwrap();
    assert_eq!(Plan::read(&Plan::compile(text).unwrap()).unwrap().modules.len(), 2);
    let mistake = Plan::compile(&text.replace("books:{isbn}", "books")).unwrap_err().to_string();
    let told = page.lines().find_map(|line| line.strip_prefix("books.toml: ")).unwrap();
    assert_eq!(mistake, told);
}
