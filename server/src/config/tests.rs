use std::path::Path;

use super::*;

fn environment(variables: &[(&str, &str)]) -> Environment {
    variables.iter().copied().collect()
}

fn problems(file: &str, variables: &[(&str, &str)]) -> Vec<String> {
    match Config::parse(Some((Path::new("my.toml"), file)), &environment(variables)) {
        Ok(_) => Vec::new(),
        Err(Problems(problems)) => problems.iter().map(ToString::to_string).collect(),
    }
}

#[test]
fn defaults_are_valid_and_every_one_is_read() {
    let mut wrong = Vec::new();
    let raw = RawConfig::collect(None, &Environment::default(), &mut wrong);
    let reader = Reader::new(&raw);
    let config = Config::read(&reader, &raw);
    let (problems, read) = reader.finish();
    assert_eq!(wrong, []);
    assert_eq!(problems, []);
    let written: std::collections::BTreeSet<_> = raw.defaults.keys().cloned().collect();
    assert_eq!(written, read, "config.default.toml and the sections name the same settings");
    assert_eq!(config.http.body_bytes_max, 20 << 20);
    assert_eq!(config.database.url.expose(), "sqlite:./data/entrepot.db");
}

#[test]
fn every_default_has_a_sentence() {
    let mut previous = "";
    for line in raw::DEFAULTS.lines() {
        if line.contains(" = ") && !line.starts_with('#') {
            assert!(previous.starts_with('#'), "nothing is said about `{line}`");
        }
        previous = line;
    }
}

#[test]
fn the_environment_wins_over_the_file() {
    let file = "[http]\naddress = \"127.0.0.1:1\"\n[data]\ndir = \"/srv/entrepot\"";
    let environment = environment(&[("ENTREPOT__HTTP__ADDRESS", "127.0.0.1:2")]);
    let config = Config::parse(Some((Path::new("my.toml"), file)), &environment).unwrap();
    assert_eq!(config.http.address.port(), 2);
    assert_eq!(config.database.url.expose(), "sqlite:/srv/entrepot/entrepot.db");
}

#[test]
fn every_mistake_is_reported_with_its_place() {
    let file = "\
[http]
address = \"nowhere\"
bodybytes = 1
headers_max = 5
public_url = \"ftp://x\"

[telemetry]
filter = \"gateway=loud\"
metrics = \"friends\"

[sand]
seed = 1
";
    let found = problems(
        file,
        &[
            ("ENTREPOT__GATEWAY__ATTEMPTS_MAX", "0"),
            ("ENTREPOT__GATEWAY__ATTEMPT_MAX", "1"),
            ("ENTREPOT__HTTP", "x"),
            ("ENTREPOT__BILLING__DEMO", "perhaps"),
            ("DATABASE_URL", "mysql://root:hunter2@db/x"),
        ],
    );
    let expected = [
        "my.toml:3: there is no setting `http.bodybytes`",
        "my.toml:11: there is no section `[sand]`",
        "ENTREPOT__GATEWAY__ATTEMPT_MAX: there is no setting `gateway.attempt_max`",
        "ENTREPOT__HTTP: variables of the server are named",
        "DATABASE_URL: `database.url` must begin with",
        "my.toml:2: `http.address` must be an IP address",
        "my.toml:5: `http.public_url` must be",
        "my.toml:4: `http.headers_max` must be a whole number from 10 to 1000",
        "ENTREPOT__GATEWAY__ATTEMPTS_MAX: `gateway.attempts_max` must be a whole number",
        "ENTREPOT__BILLING__DEMO: `billing.demo` must be one of `auto`, `true`, `false`",
        "my.toml:8: `telemetry.filter` is not a filter",
        "my.toml:9: `telemetry.metrics` must be one of `loopback`",
    ];
    for beginning in expected {
        assert!(found.iter().any(|line| line.starts_with(beginning)), "{beginning}: {found:#?}");
    }
    assert_eq!(found.len(), expected.len(), "{found:#?}");
    assert!(found.iter().all(|line| !line.contains("hunter2")));
}

#[test]
fn text_that_is_not_toml_is_a_problem_with_a_line() {
    let found = problems("[http]\naddress = \n", &[]);
    assert!(found.iter().any(|line| line.starts_with("my.toml:2: ")), "{found:#?}");
}

#[test]
fn the_printed_configuration_holds_no_password() {
    let environment =
        environment(&[("DATABASE_URL", "postgres://me:hunter2@db/x?password=hunter2")]);
    let config = Config::parse(None, &environment).unwrap();
    let printed = format!("{config}{config:?}");
    assert!(!printed.contains("hunter2"), "{printed}");
    assert!(printed.contains("postgres://[secret]@db/x"), "{printed}");
    assert!(printed.contains("address = \"127.0.0.1:3000\"  # config.default.toml:"), "{printed}");
}
