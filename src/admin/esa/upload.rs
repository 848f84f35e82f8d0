//! The form that carries code, spoken as OSS speaks it: fields first, the file last.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use axum::extract::{Request, State};
use axum::response::Response;
use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use bytes::Bytes;
use http::header::{ALLOW, CONTENT_TYPE};
use http::{HeaderMap, HeaderValue, Method, StatusCode};
use http_body_util::{BodyDataStream, Full};
use multer::Multipart;
use tokio::sync::{Semaphore, SemaphorePermit};

use super::permission::{Target, verify};
use super::request_id;
use crate::admin::Admin;
use crate::admin::body::{self, BODY_PATIENCE, BodyError};
use crate::admin::guard::Trespass;
use crate::control::{CODE_MAX_BYTES, Command, CommandError, Refused};

/// Where forms are posted to.
pub(in crate::admin) const UPLOAD_PATH: &str = "/oss";
/// All of a form but its file, in bytes: fields, boundaries, heads of parts.
const FORM_MAX_BYTES: usize = 64 * 1024;

/// An upload waits this long for its turn.
pub(super) const TURN_PATIENCE: Duration = Duration::from_secs(30);

/// Uploads that are held in memory at once; more wait their turn.
const UPLOADS_AT_ONCE_MAX: usize = 4;
static UPLOADS: Semaphore = Semaphore::const_new(UPLOADS_AT_ONCE_MAX);

/// Takes one upload into a staging slot.
pub(in crate::admin) async fn upload(
    State(admin): State<Arc<Admin>>,
    request: Request,
) -> Response {
    let id = request_id(&admin);
    match receive(&admin, request).await {
        Ok(form) => stored(&id, &form),
        Err(refusal) => refused(&id, &refusal),
    }
}

/// Answers what the guard stopped.
pub(in crate::admin) fn turn_upload_away(admin: &Admin, trespass: &Trespass) -> Response {
    let refusal = Refusal::denied(trespass);
    refused(&request_id(admin), &refusal)
}

/// Why nothing was stored, as OSS says it.
pub(super) struct Refusal {
    status: StatusCode,
    code: &'static str,
    message: String,
}

impl Refusal {
    #[expect(clippy::needless_pass_by_value, reason = "reads well in `map_err`")]
    pub(super) fn new(status: StatusCode, code: &'static str, message: impl ToString) -> Self {
        Self { status, code, message: message.to_string() }
    }

    pub(super) fn denied(message: impl ToString) -> Self {
        Self::new(StatusCode::FORBIDDEN, "AccessDenied", message)
    }

    fn malformed(message: impl ToString) -> Self {
        Self::new(StatusCode::BAD_REQUEST, "MalformedPOSTRequest", message)
    }

    fn too_large(max_bytes: usize) -> Self {
        let message = format!("the file has at most {max_bytes} bytes");
        Self::new(StatusCode::BAD_REQUEST, "EntityTooLarge", message)
    }
}

impl Refusal {
    /// Why a body was not read, whose file has at most `file_max_bytes`.
    fn unread(error: BodyError, file_max_bytes: usize) -> Self {
        match error {
            BodyError::TooLarge(_) => Self::too_large(file_max_bytes),
            BodyError::TooSlow => Self::new(StatusCode::BAD_REQUEST, "RequestTimeout", error),
            BodyError::Broken(_) => Self::malformed(error),
        }
    }
}

impl From<CommandError> for Refusal {
    fn from(error: CommandError) -> Self {
        match &error {
            CommandError::Refused(Refused::NoRoutine(_) | Refused::NoVersion(..)) => {
                Self::new(StatusCode::NOT_FOUND, "NoSuchKey", error)
            }
            CommandError::Refused(Refused::AlreadyUploaded(_)) => {
                Self::new(StatusCode::CONFLICT, "FileAlreadyExists", error)
            }
            CommandError::Refused(_) => {
                Self::new(StatusCode::BAD_REQUEST, "InvalidArgument", error)
            }
            CommandError::Store(_) => {
                Self::new(StatusCode::INTERNAL_SERVER_ERROR, "InternalError", error)
            }
            CommandError::Stopped => {
                Self::new(StatusCode::SERVICE_UNAVAILABLE, "ServiceUnavailable", error)
            }
        }
    }
}

async fn receive(admin: &Admin, request: Request) -> Result<Form, Refusal> {
    let (_turn, request) = take_turn(&UPLOADS, TURN_PATIENCE, request).await?;
    let form = receive_form(request, CODE_MAX_BYTES, BODY_PATIENCE).await?;
    let name = match verify(&admin.upload_secret, &form, (admin.clock)()) {
        Ok(Target::Slot(name)) => name,
        Ok(Target::Assets(..)) => {
            return Err(Refusal::denied("the policy is for another upload"));
        }
        Err(why) => return Err(Refusal::denied(why)),
    };
    form.check_length(CODE_MAX_BYTES)?;
    let command = Command::StageCode {
        name,
        description: form.description.clone(),
        code: form.file.as_ref().into(),
    };
    admin.control.execute(command).await?;
    Ok(form)
}

/// The right to hold what `request` carries in memory, for as long as it is kept.
pub(super) async fn take_turn(
    uploads: &'static Semaphore,
    patience: Duration,
    request: Request,
) -> Result<(SemaphorePermit<'static>, Request), Refusal> {
    if let Ok(turn) = tokio::time::timeout(patience, uploads.acquire()).await {
        return Ok((turn.expect("nobody closes it"), request));
    }
    // The body is thrown away as it comes, so that the answer is heard behind it.
    let _ = body::read(request.into_body(), 0).await;
    Err(Refusal::new(
        StatusCode::SERVICE_UNAVAILABLE,
        "ServiceUnavailable",
        format!("other uploads took all turns for {patience:?}; try again"),
    ))
}

/// A form whose file is hardly larger than `file_max_bytes`, which is left to check
/// until it is known who sent it.
pub(super) async fn receive_form(
    request: Request,
    file_max_bytes: usize,
    patience: Duration,
) -> Result<Form, Refusal> {
    let (parts, body) = request.into_parts();
    if parts.method != Method::POST {
        return Err(Refusal::new(
            StatusCode::METHOD_NOT_ALLOWED,
            "MethodNotAllowed",
            "code is uploaded by POST",
        ));
    }
    let boundary = boundary(&parts.headers)?;
    let octets = body::read_within(body, file_max_bytes + FORM_MAX_BYTES, patience).await;
    let octets = octets.map_err(|error| Refusal::unread(error, file_max_bytes))?;
    Form::read(octets, boundary).await
}

fn boundary(headers: &HeaderMap) -> Result<String, Refusal> {
    headers
        .get(CONTENT_TYPE)
        .and_then(|kind| kind.to_str().ok())
        .and_then(|kind| multer::parse_boundary(kind).ok())
        .ok_or_else(|| Refusal::malformed("the body must be multipart/form-data with a boundary"))
}

/// What a form says; fields that are not known are ignored.
#[derive(Debug, Default)]
pub(super) struct Form {
    pub(super) key: String,
    pub(super) policy: String,
    pub(super) signature: String,
    pub(super) description: String,
    /// What a success is answered with.
    pub(super) success: StatusCode,
    pub(super) file: Bytes,
}

impl Form {
    async fn read(octets: Bytes, boundary: String) -> Result<Self, Refusal> {
        let stream = BodyDataStream::new(Full::new(octets));
        let mut parts = Multipart::new::<_, _, Infallible, _>(stream, boundary);
        let mut form = Self::default();
        while let Some(part) = parts.next_field().await.map_err(Refusal::malformed)? {
            let name = part.name().unwrap_or_default().to_owned();
            let value = part.bytes().await.map_err(Refusal::malformed)?;
            if name == "file" {
                // What follows the file does not count, as with OSS.
                form.file = value;
                return Ok(form);
            }
            form.take(&name, &value)?;
        }
        Err(Refusal::malformed("the form has no part called `file`"))
    }

    pub(super) fn check_length(&self, max_bytes: usize) -> Result<(), Refusal> {
        if self.file.len() > max_bytes { Err(Refusal::too_large(max_bytes)) } else { Ok(()) }
    }

    fn take(&mut self, name: &str, value: &[u8]) -> Result<(), Refusal> {
        let text = || {
            std::str::from_utf8(value)
                .map_err(|_| Refusal::malformed(format!("`{name}` must be UTF-8")))
        };
        match name {
            "key" => text()?.clone_into(&mut self.key),
            "policy" => text()?.clone_into(&mut self.policy),
            "Signature" => text()?.clone_into(&mut self.signature),
            "x:codeDescription" => {
                let decoded = BASE64_STANDARD.decode(text()?).ok();
                self.description =
                    decoded.and_then(|octets| String::from_utf8(octets).ok()).ok_or_else(|| {
                        Refusal::malformed(format!("`{name}` must be text in base64"))
                    })?;
            }
            // Any other value means the default, as with OSS.
            "success_action_status" => {
                self.success = match value {
                    b"201" => StatusCode::CREATED,
                    b"204" => StatusCode::NO_CONTENT,
                    _ => StatusCode::OK,
                }
            }
            _ => {}
        }
        Ok(())
    }
}

/// OSS's own default is 204; the tools of the staging flow want exactly 200, which
/// is what its callback makes of it.
pub(super) fn stored(id: &str, form: &Form) -> Response {
    match form.success {
        StatusCode::CREATED => {
            let key = escaped(&form.key);
            xml(StatusCode::CREATED, id, &format!("<PostResponse><Key>{key}</Key></PostResponse>"))
        }
        StatusCode::NO_CONTENT => answer(StatusCode::NO_CONTENT, id, None, String::new()),
        _ => answer(StatusCode::OK, id, Some("application/json"), r#"{"Status":"OK"}"#.to_owned()),
    }
}

pub(super) fn refused(id: &str, refusal: &Refusal) -> Response {
    let (code, message) = (refusal.code, escaped(&refusal.message));
    let error = format!(
        "<Error><Code>{code}</Code><Message>{message}</Message><RequestId>{id}</RequestId></Error>"
    );
    let mut response = xml(refusal.status, id, &error);
    if refusal.status == StatusCode::METHOD_NOT_ALLOWED {
        let headers = response.headers_mut();
        headers.insert(ALLOW, HeaderValue::from_static("POST"));
    }
    response
}

fn xml(status: StatusCode, id: &str, root: &str) -> Response {
    let text = format!("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n{root}\n");
    answer(status, id, Some("application/xml"), text)
}

fn answer(status: StatusCode, id: &str, kind: Option<&'static str>, text: String) -> Response {
    let mut response = Response::new(Body::from(text));
    *response.status_mut() = status;
    let headers = response.headers_mut();
    if let Some(kind) = kind {
        headers.insert(CONTENT_TYPE, HeaderValue::from_static(kind));
    }
    if let Ok(id) = HeaderValue::from_str(id) {
        headers.insert("x-oss-request-id", id);
    }
    response
}

/// XML 1.0, section 2.4: what stands for markup does not stand for itself.
fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn read(form: &str) -> Result<Form, Refusal> {
        let form = form.replace('\n', "\r\n");
        Form::read(Bytes::from(form), "b".to_owned()).await
    }

    #[tokio::test]
    async fn a_form_ends_with_its_file() {
        let form = read(
            "--b\nContent-Disposition: form-data; name=\"key\"\n\nk\n\
             --b\nContent-Disposition: form-data; name=\"x:codeDescription\"\n\nw7w=\n\
             --b\nContent-Disposition: form-data; name=\"Url\"\n\nignored\n\
             --b\nContent-Disposition: form-data; name=\"success_action_status\"\n\n201\n\
             --b\nContent-Disposition: form-data; name=\"file\"\n\ncode\n\
             --b\nContent-Disposition: form-data; name=\"key\"\n\nlate\n--b--\n",
        )
        .await;
        let form = form.map_err(|refusal| refusal.message).unwrap();
        assert_eq!((form.key.as_str(), form.description.as_str()), ("k", "ü"));
        assert_eq!(form.success, StatusCode::CREATED);
        assert_eq!(form.file, "code");
    }

    #[tokio::test]
    async fn a_form_that_does_not_parse_is_malformed() {
        for form in [
            "",
            "--b--\n",
            "--b\nContent-Disposition: form-data; name=\"file\"\n\nbroken off",
            "--b\nContent-Disposition: form-data; name=\"key\"\n\nno file\n--b--\n",
            "--b\nContent-Disposition: form-data; name=\"x:codeDescription\"\n\n!\n--b--\n",
        ] {
            let refusal = read(form).await.map(drop).unwrap_err();
            assert_eq!(refusal.code, "MalformedPOSTRequest", "{form}");
        }
    }

    #[test]
    fn markup_in_a_message_is_text() {
        assert_eq!(escaped("<a & b>"), "&lt;a &amp; b&gt;");
    }

    #[tokio::test]
    async fn an_upload_without_a_turn_is_told_to_try_again() {
        static ONE: Semaphore = Semaphore::const_new(1);
        let none = || Request::new(Body::empty());
        let (turn, _) = take_turn(&ONE, Duration::ZERO, none()).await.ok().unwrap();
        let refusal = take_turn(&ONE, Duration::ZERO, none()).await.err().unwrap();
        assert_eq!((refusal.status.as_u16(), refusal.code), (503, "ServiceUnavailable"));
        assert!(refusal.message.contains("try again"), "{}", refusal.message);
        drop(turn);
        assert!(take_turn(&ONE, Duration::ZERO, none()).await.is_ok());
    }
}
