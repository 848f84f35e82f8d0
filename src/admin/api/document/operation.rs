//! An operation: a method of a path, what serves it, and what the document says of it. The
//! types of the handler say what is taken and what is answered.

use std::sync::Arc;

use axum::extract::State;
use axum::handler::Handler;
use axum::middleware;
use axum::response::NoContent;
use axum::routing::{self, MethodFilter, MethodRouter};
use axum::{Extension, Json};
use http::{Method, StatusCode};
use schemars::JsonSchema;
use serde_json::{Map, Value, json};

use super::description::Description;
use super::text::EntityTagText;
use crate::admin::Admin;
use crate::admin::api::code::Code;
use crate::admin::api::error::ApiError;
use crate::admin::api::extract::{Asked, At, MaybeSent, Named, Sent};
use crate::admin::api::once::once;
use crate::admin::api::tag::{Made, Preconditions, Tagged};
use crate::admin::signature::Caller;

/// What a part of a request is, for the document. A handler takes what has this alone.
pub(in crate::admin::api) trait Input {
    fn describe(description: &mut Description);
}

/// What a handler answers, for the document.
pub(in crate::admin::api) trait Output {
    fn describe(description: &mut Description);
}

/// A handler of axum's whose types describe it.
pub(in crate::admin::api) trait Described<T>: Handler<T, Arc<Admin>> {
    fn describe(description: &mut Description);
}

macro_rules! described {
    ($($input:ident)*) => {
        impl<F, M, Answering, $($input,)*> Described<(M, $($input,)*)> for F
        where
            F: FnOnce($($input),*) -> Answering + Handler<(M, $($input,)*), Arc<Admin>>,
            Answering: Future,
            Answering::Output: Output,
            $($input: Input,)*
        {
            fn describe(description: &mut Description) {
                $($input::describe(description);)*
                Answering::Output::describe(description);
            }
        }
    };
}

described!();
described!(A);
described!(A B);
described!(A B C);
described!(A B C D);
described!(A B C D E);

/// A method of a path.
pub(in crate::admin::api) struct Operation {
    pub(super) method: Method,
    pub(super) path: &'static str,
    pub(super) id: &'static str,
    pub(super) summary: &'static str,
    /// What it refuses beside what its types say.
    pub(super) codes: &'static [Code],
    pub(super) is_once: bool,
    pub(super) describe: fn(&mut Description),
    route: MethodRouter<Arc<Admin>>,
}

pub(in crate::admin::api) fn get<H: Described<T>, T: 'static>(
    path: &'static str,
    handler: H,
) -> Operation {
    Operation::new(Method::GET, MethodFilter::GET, path, handler)
}

pub(in crate::admin::api) fn post<H: Described<T>, T: 'static>(
    path: &'static str,
    handler: H,
) -> Operation {
    Operation::new(Method::POST, MethodFilter::POST, path, handler)
}

pub(in crate::admin::api) fn patch<H: Described<T>, T: 'static>(
    path: &'static str,
    handler: H,
) -> Operation {
    Operation::new(Method::PATCH, MethodFilter::PATCH, path, handler)
}

pub(in crate::admin::api) fn delete<H: Described<T>, T: 'static>(
    path: &'static str,
    handler: H,
) -> Operation {
    Operation::new(Method::DELETE, MethodFilter::DELETE, path, handler)
}

impl Operation {
    fn new<H: Described<T>, T: 'static>(
        method: Method,
        filter: MethodFilter,
        path: &'static str,
        handler: H,
    ) -> Self {
        Self {
            method,
            path,
            id: "",
            summary: "",
            codes: &[],
            is_once: false,
            describe: H::describe,
            route: routing::on(filter, handler),
        }
    }

    pub(in crate::admin::api) fn called(mut self, id: &'static str, summary: &'static str) -> Self {
        (self.id, self.summary) = (id, summary);
        self
    }

    /// What it refuses beside what its types say.
    pub(in crate::admin::api) fn refuses(mut self, codes: &'static [Code]) -> Self {
        self.codes = codes;
        self
    }

    /// Takes an `Idempotency-Key`.
    pub(in crate::admin::api) fn once(mut self) -> Self {
        self.is_once = true;
        self
    }

    pub(super) fn reads(&self) -> bool {
        self.method == Method::GET
    }

    pub(super) fn path(&self) -> &'static str {
        self.path
    }

    /// The method as the document spells it.
    pub(super) fn verb(&self) -> String {
        self.method.as_str().to_ascii_lowercase()
    }

    /// Where it is served, and what serves it.
    pub(in crate::admin::api) fn route(
        self,
        admin: &Arc<Admin>,
    ) -> (&'static str, MethodRouter<Arc<Admin>>) {
        let route = if self.is_once {
            self.route.layer(middleware::from_fn_with_state(admin.clone(), once))
        } else {
            self.route
        };
        (self.path, route)
    }
}

impl Input for State<Arc<Admin>> {
    fn describe(_: &mut Description) {}
}

impl Input for Extension<Caller> {
    fn describe(_: &mut Description) {}
}

impl<T: Named> Input for At<T> {
    fn describe(description: &mut Description) {
        T::describe(description);
        description.refuses(&[Code::PathNotFound]);
    }
}

impl<T: JsonSchema> Input for Asked<T> {
    fn describe(description: &mut Description) {
        description.query::<T>();
        description.refuses(&[Code::BadRequest]);
    }
}

const OF_BODIES: [Code; 5] =
    [Code::BadRequest, Code::BodyTooSlow, Code::BodyTooLarge, Code::NotJson, Code::Invalid];

impl<T: JsonSchema> Input for Sent<T> {
    fn describe(description: &mut Description) {
        description.body::<T>(true);
        description.refuses(&OF_BODIES);
    }
}

impl<T: JsonSchema> Input for MaybeSent<T> {
    fn describe(description: &mut Description) {
        description.body::<T>(false);
        description.refuses(&OF_BODIES);
    }
}

impl Input for Preconditions {
    fn describe(description: &mut Description) {
        description.parameter_ref("IfMatch");
        description.parameter_ref("IfNoneMatch");
        description.refuses(&[Code::BadRequest, Code::PreconditionFailed]);
    }
}

impl<T: Output> Output for Result<T, ApiError> {
    fn describe(description: &mut Description) {
        T::describe(description);
    }
}

impl<T: JsonSchema> Output for Json<T> {
    fn describe(description: &mut Description) {
        let schema = description.schema_of_answer::<T>();
        description.answers(StatusCode::OK, "What was asked for.", Some(schema), Map::new());
    }
}

impl<T: JsonSchema> Output for Tagged<T> {
    fn describe(description: &mut Description) {
        let schema = description.schema_of_answer::<T>();
        let tag = description.header::<EntityTagText>("What to send as If-Match.");
        let headers = Map::from_iter([("ETag".to_owned(), tag)]);
        let text = if description.reads() { "What was asked for." } else { "As it is now." };
        description.answers(StatusCode::OK, text, Some(schema), headers.clone());
        if description.reads() {
            Preconditions::describe(description);
            let text = "It is what If-None-Match names.";
            description.answers(StatusCode::NOT_MODIFIED, text, None, headers);
        }
    }
}

impl<T: JsonSchema> Output for Made<T> {
    fn describe(description: &mut Description) {
        let schema = description.schema_of_answer::<T>();
        let tag = description.header::<EntityTagText>("Its tag at Location.");
        let location = json!({
            "description": "Where it is.",
            "required": true,
            "schema": { "type": "string", "format": "uri-reference" },
        });
        let headers: Map<String, Value> =
            Map::from_iter([("ETag".to_owned(), tag), ("Location".to_owned(), location)]);
        description.answers(StatusCode::CREATED, "It was made.", Some(schema), headers);
    }
}

impl Output for NoContent {
    fn describe(description: &mut Description) {
        description.answers(StatusCode::NO_CONTENT, "It is gone.", None, Map::new());
    }
}
