//! Tokens: how they are sent and configured.

use end_to_end::{App, Caller, Options, Route};
use sha2::{Digest, Sha256};

use crate::{behind_a_proxy, from_elsewhere};

#[test]
fn a_token_is_accepted_only_as_a_bearer_token() {
    let app = behind_a_proxy();
    let token = Caller::Admin.token().unwrap();
    let send = |number, header: &str| {
        from_elsewhere(&app, Caller::Nobody, number)
            .with_header("authorization", header)
            .get("/stats")
            .status
    };

    let accepted = [
        format!("Bearer {token}"),
        format!("bearer {token}"),
        format!("BEARER {token}"),
    ];
    let refused = [
        token.to_owned(),
        format!("Basic {token}"),
        format!("Bearer{token}"),
        "Bearer".to_owned(),
        "Bearer ".to_owned(),
        format!("Bearer {token}x"),
        format!("Bearer x{token}"),
        format!("Bearer {}", &token[1..]),
        format!("Bearer {}", token.to_uppercase()),
    ];

    for (number, header) in accepted.iter().enumerate() {
        assert_eq!(send(number, header), 200, "{header}");
    }

    for (number, header) in refused.iter().enumerate() {
        assert_eq!(send(100 + number, header), 401, "{header}");
    }
}

#[test]
fn a_401_explains_how_to_send_a_token() {
    let app = App::start();
    let none = app.nobody().get("/stats").with_status(401);
    assert!(
        none["detail"]
            .as_str()
            .unwrap()
            .contains("Authorization: Bearer"),
        "{none:#}"
    );

    let unknown = app.stranger().get("/stats").with_status(401);
    assert!(
        unknown["detail"].as_str().unwrap().contains("not known"),
        "{unknown:#}"
    );
}

#[test]
fn a_short_token_is_refused_with_the_reason_even_if_it_is_configured() {
    let digest = Sha256::digest("short-token")
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect::<String>();
    let app = App::with(Options::new().variable("tokens", &format!("weak:admin:{digest}")));
    let with = |token: &str| {
        app.nobody()
            .with_header("authorization", &format!("Bearer {token}"))
            .get("/stats")
            .with_status(401)
    };
    let known = with("short-token");
    let unknown = with("other-token");

    assert!(
        known["detail"].as_str().unwrap().contains("128 bits"),
        "{known:#}"
    );
    assert_eq!(known["detail"], unknown["detail"]);
}

#[test]
fn without_tokens_every_protected_route_explains_how_to_configure_them() {
    let app = App::with(Options::new().without_tokens());
    for route in Route::protected() {
        for caller in [Caller::Nobody, Caller::Admin] {
            let problem = route.send(&app.client(caller)).with_status(401);
            assert!(
                problem["detail"]
                    .as_str()
                    .unwrap()
                    .contains("SPIN_VARIABLE_TOKENS"),
                "{route:?}: {problem:#}"
            );
        }
    }

    app.nobody().get("/health").ok();
}
