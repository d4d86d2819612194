//! What the API answers: JSON, GitHub's errors, and pages.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use crate::http::Answer;

/// One answer of the API.
#[derive(Debug, Clone)]
pub(super) struct Reply {
    pub(super) status: u16,
    headers: Vec<(&'static str, String)>,
    body: Value,
}

impl Reply {
    pub(super) fn json(status: u16, body: Value) -> Self {
        Self {
            status,
            headers: Vec::new(),
            body,
        }
    }

    pub(super) fn error(status: u16, message: &str) -> Self {
        Self::json(
            status,
            json!({
                "message": message,
                "documentation_url": "https://docs.github.com/rest",
                "status": status.to_string(),
            }),
        )
    }

    pub(super) fn not_found() -> Self {
        Self::error(404, "Not Found")
    }

    /// The same answer with its body inside another one.
    pub(super) fn wrapped(mut self, wrap: impl FnOnce(Value) -> Value) -> Self {
        self.body = wrap(self.body);
        self
    }

    /// 422 about one field, as GitHub words it.
    pub(super) fn invalid(resource: &str, field: &str, message: &str) -> Self {
        let mut reply = Self::error(422, "Validation Failed");
        if let Some(body) = reply.body.as_object_mut() {
            let error = json!({
                "resource": resource, "field": field, "code": "custom", "message": message,
            });
            body.insert("errors".to_owned(), json!([error]));
        }
        reply
    }

    pub(super) fn header(mut self, header: (&'static str, String)) -> Self {
        self.headers.push(header);
        self
    }

    /// One page of a list, with the `Link` header that clients follow; `url` is the list's own.
    pub(super) fn page(items: Vec<Value>, query: &BTreeMap<String, String>, url: &str) -> Self {
        let number = |key: &str| query.get(key).and_then(|value| value.parse::<usize>().ok());
        let per_page = number("per_page").unwrap_or(30).clamp(1, 100);
        let page = number("page").unwrap_or(1).max(1);
        let last = items.len().div_ceil(per_page).max(1);
        let rest: String = query
            .iter()
            .filter(|(key, _)| *key != "page" && *key != "per_page")
            .map(|(key, value)| format!("&{key}={value}"))
            .collect();
        let link = |page: usize, rel: &str| {
            format!("<{url}?per_page={per_page}&page={page}{rest}>; rel=\"{rel}\"")
        };
        let mut links = Vec::new();
        if page > 1 {
            links.extend([link(page - 1, "prev"), link(1, "first")]);
        }
        if page < last {
            links.extend([link(page + 1, "next"), link(last, "last")]);
        }
        let items = items
            .into_iter()
            .skip((page - 1) * per_page)
            .take(per_page)
            .collect();
        let reply = Self::json(200, Value::Array(items));
        if links.is_empty() {
            reply
        } else {
            reply.header(("link", links.join(", ")))
        }
    }
}

impl From<Reply> for Answer {
    fn from(reply: Reply) -> Self {
        let mut headers = reply.headers;
        headers.extend([
            ("content-type", "application/json; charset=utf-8".to_owned()),
            ("x-github-request-id", "SAND:B0X".to_owned()),
            ("x-ratelimit-limit", "5000".to_owned()),
            ("x-ratelimit-remaining", "4900".to_owned()),
        ]);
        Self::Reply {
            status: reply.status,
            headers,
            body: reply.body.to_string(),
        }
    }
}
