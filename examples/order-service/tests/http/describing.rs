use cqrs_axum::Code;
use order_service::http;
use serde_json::Value;

use crate::client::Client;

#[tokio::test]
async fn every_route_is_described_with_its_methods_and_nothing_else_is() {
    let client = Client::in_memory().await;
    let description = client.get("/openapi.json").await.json();
    let described = description["paths"].as_object().unwrap();
    let routes = http::routes(&client.service);
    assert_eq!(described.len(), routes.len());
    for route in routes {
        let item = described.get(route.path).unwrap_or_else(|| panic!("{} is not described", route.path));
        let mut methods: Vec<_> =
            item.as_object().unwrap().keys().map(|method| method.to_uppercase()).collect();
        methods.sort();
        assert_eq!(
            methods,
            route.methods.iter().map(ToString::to_string).collect::<Vec<_>>(),
            "{}",
            route.path
        );
        let path = route.path.replace("{id}", "x");
        let other = client.call("TRACE".parse().unwrap(), &path, &[], "").await;
        let mut allowed: Vec<_> =
            other.header("allow").split(',').filter(|method| *method != "HEAD").collect();
        allowed.sort_unstable();
        assert_eq!(allowed, methods, "{}", route.path);
    }
}

#[tokio::test]
async fn every_answer_is_described_with_a_schema_that_is_there() {
    let description = serde_json::to_value(http::description()).unwrap();
    let mut references = Vec::new();
    gather(&description, &mut references);
    assert!(references.contains(&"#/components/schemas/Problem".to_owned()));
    for reference in references {
        let pointer = reference.strip_prefix('#').expect("within the document");
        assert!(description.pointer(pointer).is_some(), "{reference}");
    }
    for (path, item) in description["paths"].as_object().unwrap() {
        for (method, operation) in item.as_object().unwrap() {
            for (status, response) in operation["responses"].as_object().unwrap() {
                assert!(response["content"].is_object(), "{method} {path} {status}");
            }
        }
    }
}

fn gather(value: &Value, references: &mut Vec<String>) {
    match value {
        Value::Object(members) => {
            references.extend(members.get("$ref").and_then(Value::as_str).map(str::to_owned));
            members.values().for_each(|member| gather(member, references));
        }
        Value::Array(items) => items.iter().for_each(|item| gather(item, references)),
        _ => {}
    }
}

#[tokio::test]
async fn every_kind_of_problem_of_an_operation_is_described() {
    let description = serde_json::to_string(&http::description()).unwrap();
    for code in http::codes() {
        // What no operation answers, but the router does.
        if ![Code::NOT_FOUND, Code::METHOD_NOT_ALLOWED].contains(&code) {
            assert!(description.contains(&format!("`{}`", code.name())), "{}", code.name());
        }
    }
}

#[tokio::test]
async fn the_page_needs_nothing_from_elsewhere() {
    let client = Client::in_memory().await;
    let page = client.get("/").await;
    assert!(page.header("content-type").starts_with("text/html"));
    assert!(page.header("content-security-policy").contains("default-src 'none'"));
    let html = String::from_utf8(page.body).unwrap();
    for elsewhere in ["src=\"http", "href=\"http", "@import", "url(http"] {
        assert!(!html.contains(elsewhere), "{elsewhere}");
    }
}
