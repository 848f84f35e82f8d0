//! What is to be explained, as it is asked for.

use std::net::{IpAddr, Ipv4Addr};

use axum::extract::FromRequestParts;
use http::header::HOST;
use http::request::Parts;
use http::uri::PathAndQuery;
use http::{HeaderName, HeaderValue, Method, Uri};

use crate::admin::api::code::Code;
use crate::admin::api::document::{
    AppNameText, Description, EnvironmentText, Input, RoutineNameText,
};
use crate::admin::api::error::ApiError;
use crate::admin::api::extract::environment;
use crate::model::{AppName, Environment, RoutineName};

/// What is to be explained.
pub(in crate::admin::api) struct Question {
    pub(super) environment: Environment,
    pub(super) about: About,
}

pub(super) enum About {
    User { routine: RoutineName, key: Option<Vec<u8>> },
    AppUser { app: AppName, key: Option<Vec<u8>> },
    Request { parts: Box<Parts>, client: IpAddr },
}

impl<S: Send + Sync> FromRequestParts<S> for Question {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, ApiError> {
        Self::read(parts.uri.query().unwrap_or_default())
    }
}

impl Input for Question {
    fn describe(description: &mut Description) {
        description.asked::<RoutineNameText>("routine", "Of whose user it is asked.");
        description.asked::<AppNameText>("app", "The same of an app.");
        description.asked::<EnvironmentText>("environment", "Production, if it is left out.");
        description.asked::<String>(
            "key",
            "The user's key, in any octets. With `routine` or `app` alone.",
        );
        description
            .asked::<String>("host", "Of a request: its `Host`. Without `routine` and `app`.");
        description.asked::<String>("path", "Of a request: its path and query; `/`, if it is left out. With `host` alone, as what follows.");
        description.asked::<String>("method", "Of a request; GET, if it is left out.");
        description.asked::<Vec<String>>(
            "header",
            "Of a request: `name: value`, as often as there are any.",
        );
        description.asked::<std::net::IpAddr>(
            "client",
            "Of a request: the address it comes from; 127.0.0.1, if it is left out.",
        );
        description.refuses(&[Code::BadRequest]);
    }
}

impl Question {
    pub(super) fn read(query: &str) -> Result<Self, ApiError> {
        let mut written = Written::default();
        for pair in query.split('&').filter(|pair| !pair.is_empty()) {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            let name = String::from_utf8(octets(name));
            let name = name.map_err(|_| ApiError::bad_request("parameters have names in UTF-8"))?;
            written.take(&name, octets(value))?;
        }
        let environment = match written.environment.take() {
            Some(text) => environment(&text)?,
            None => Environment::Production,
        };
        let about = written.about()?;
        Ok(Self { environment, about })
    }
}

/// A question as written.
#[derive(Default)]
struct Written {
    routine: Option<String>,
    app: Option<String>,
    environment: Option<String>,
    /// Keys are octets.
    key: Option<Vec<u8>>,
    host: Option<String>,
    path: Option<String>,
    method: Option<String>,
    client: Option<String>,
    headers: Vec<Vec<u8>>,
}

impl Written {
    fn take(&mut self, name: &str, value: Vec<u8>) -> Result<(), ApiError> {
        let twice = || ApiError::bad_request(format!("`{name}` is given twice"));
        let place = match name {
            "key" => return self.key.replace(value).map_or(Ok(()), |_| Err(twice())),
            "header" => {
                self.headers.push(value);
                return Ok(());
            }
            "routine" => &mut self.routine,
            "app" => &mut self.app,
            "environment" => &mut self.environment,
            "host" => &mut self.host,
            "path" => &mut self.path,
            "method" => &mut self.method,
            "client" => &mut self.client,
            _ => {
                return Err(ApiError::bad_request(format!(
                    "unknown parameter `{name}`: known are routine, app, environment, key, and host, path, method, header, client"
                )));
            }
        };
        let not_text = |_| ApiError::bad_request(format!("`{name}` must be UTF-8"));
        let text = String::from_utf8(value).map_err(not_text)?;
        place.replace(text).map_or(Ok(()), |_| Err(twice()))
    }

    fn about(self) -> Result<About, ApiError> {
        let of_a_request = self.path.is_some()
            || self.method.is_some()
            || self.client.is_some()
            || !self.headers.is_empty();
        match (self.routine, self.app, self.host) {
            (Some(routine), None, None) if !of_a_request => Ok(About::User {
                routine: RoutineName::new(&routine).map_err(ApiError::bad_request)?,
                key: self.key,
            }),
            (None, Some(app), None) if !of_a_request => Ok(About::AppUser {
                app: AppName::new(&app).map_err(ApiError::bad_request)?,
                key: self.key,
            }),
            (None, None, Some(host)) if self.key.is_none() => {
                let client = match self.client.as_deref() {
                    Some(text) => text.parse().map_err(|_| {
                        ApiError::bad_request(format!("client must be an address, not `{text}`"))
                    })?,
                    None => IpAddr::V4(Ipv4Addr::LOCALHOST),
                };
                let path = self.path.as_deref().unwrap_or("/");
                let method = self.method.as_deref().unwrap_or("GET");
                let parts = Box::new(request(&host, path, method, &self.headers)?);
                Ok(About::Request { parts, client })
            }
            _ => Err(ApiError::bad_request(
                "ask either with `routine` or `app` and maybe `key`, or with `host` and maybe `path`, `method`, `header` and `client`",
            )),
        }
    }
}

/// Percent-decoded, with `+` as a space.
fn octets(text: &str) -> Vec<u8> {
    percent_encoding::percent_decode_str(&text.replace('+', " ")).collect()
}

pub(super) fn request(
    host: &str,
    path: &str,
    method: &str,
    headers: &[Vec<u8>],
) -> Result<Parts, ApiError> {
    let bad = |what: &str, text: &str| {
        ApiError::bad_request(format!("{what} of a request cannot be `{text}`"))
    };
    let target: PathAndQuery =
        path.parse().ok().filter(|_| path.starts_with('/')).ok_or_else(|| bad("the path", path))?;
    let (mut parts, ()) = http::Request::new(()).into_parts();
    parts.uri = Uri::from(target);
    parts.method = Method::from_bytes(method.as_bytes()).map_err(|_| bad("the method", method))?;
    let host = HeaderValue::from_str(host).map_err(|_| bad("the host", host))?;
    parts.headers.insert(HOST, host);
    for line in headers {
        let bad = || bad("a header", &String::from_utf8_lossy(line));
        let colon = line.iter().position(|&b| b == b':').ok_or_else(bad)?;
        let (name, value) = (line[..colon].trim_ascii(), line[colon + 1..].trim_ascii());
        let name = HeaderName::from_bytes(name).map_err(|_| bad())?;
        let value = HeaderValue::from_bytes(value).map_err(|_| bad())?;
        parts.headers.append(name, value);
    }
    Ok(parts)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_user_or_a_request_is_asked_about_and_not_both() {
        for query in [
            "routine=shop",
            "routine=shop&key=u%3A1&environment=staging",
            "routine=shop&key=%FF%FE",
            "host=a.test&path=/x%3Fq=1&method=POST&header=Cookie:%20a=b&header=X:1&client=::1",
        ] {
            assert!(Question::read(query).is_ok(), "{query}");
        }
        for query in [
            "",
            "key=1",
            "routine=shop&host=a.test",
            "routine=shop&path=/",
            "host=a.test&key=1",
            "routine=Shop",
            "routine=shop&routine=shop",
            "routine=shop&key=1&key=1",
            "host=%FF",
            "routine=shop&environment=prod",
            "routine=shop&colour=red",
            "host=a.test&path=x",
            "host=a.test&path=*",
            "host=a.test&method=a%20b",
            "host=a.test&header=x",
            "host=a.test&header=a%20b:c",
            "host=a.test&client=here",
            "host=a%0Ab",
        ] {
            assert!(Question::read(query).is_err(), "{query}");
        }
    }

    #[test]
    fn a_request_is_built_as_it_was_written() {
        let headers = ["X-User-Id: ü:1".as_bytes().to_vec(), b"x-raw:\xFF".to_vec()];
        let parts = request("a.test:80", "/x?q=1", "PUT", &headers).unwrap();
        assert_eq!(parts.uri.path(), "/x");
        assert_eq!(parts.uri.query(), Some("q=1"));
        assert_eq!(parts.method, Method::PUT);
        assert_eq!(parts.headers[HOST], "a.test:80");
        assert_eq!(parts.headers["x-user-id"].as_bytes(), "ü:1".as_bytes());
        assert_eq!(parts.headers["x-raw"].as_bytes(), b"\xFF");
    }
}
