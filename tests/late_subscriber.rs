//! The example `late_subscriber`: what it prints.

#[path = "../examples/late_subscriber.rs"]
#[allow(dead_code, reason = "its `main` is for those who run it")]
mod example;

// G14.
#[test]
fn example_shows_what_a_late_component_gets() {
    let mut printed = Vec::new();
    example::run(&mut printed).unwrap();
    let expected = "\
page     config=1 leader=b beat=b leader=c
leaders  leader=b leader=c
changes  beat=b leader=c
retained Some(Leader { node: \"c\" })
after    config=1
";
    assert_eq!(String::from_utf8(printed).unwrap(), expected);
}
