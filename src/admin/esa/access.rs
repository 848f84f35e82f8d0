//! Actions that tell how the account's routines are reached.

use std::future::ready;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::Arc;

use hmac::{Hmac, KeyInit, Mac};
use serde::Serialize;
use sha2::Sha256;

use super::action::{Action, Call};
use super::error::EsaError;
use super::wire::{Fields, account_domain, fields};
use crate::admin::time::rfc3339_seconds;
use crate::model::{Routine, RoutineName, Timestamp};

pub(super) const ACTIONS: &[Action] = &[
    Action::reads("GetRoutineAccessToken", &["Name"], |call| Box::pin(access_token(call))),
    Action::reads("GetRoutineStagingEnvIp", &[], |call| {
        Box::pin(ready(Ok(staging_addresses(call))))
    }),
    Action::reads("GetRoutineUserInfo", &[], |call| Box::pin(user_info(call))),
    Action::reads("ListRoutineCanaryAreas", &[], |call| Box::pin(ready(Ok(canary_areas(call))))),
];

const SECOND_NS: i64 = 1_000_000_000;
/// How long a token opens a default record, as ESA has it.
const TOKEN_LIFETIME_S: i64 = 60 * 60;

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct AccessToken {
    token: String,
}

/// What ESA wants as `esa_er_token` on a default record. Default records here are open
/// to all and never ask for it, so nothing verifies one; it is made as if they did.
async fn access_token(call: &Call<'_>) -> Result<Fields, EsaError> {
    let name = call.params.routine_name("Name")?;
    call.routine(&name).await?;
    let admin = call.admin;
    let token = token(&admin.upload_secret, &name, (admin.clock)());
    Ok(fields(&AccessToken { token }))
}

/// `<routine>.<second of its end>.<HMAC-SHA256 of both>`, fit for a query and a cookie.
/// The word before them keeps it apart from all else that is signed with `secret`.
fn token(secret: &[u8], name: &RoutineName, now: Timestamp) -> String {
    let claim = format!("{name}.{}", (now.0 / SECOND_NS).saturating_add(TOKEN_LIFETIME_S));
    let mac = Hmac::<Sha256>::new_from_slice(secret).expect("HMAC takes a key of any length");
    let tag = mac.chain_update("esa_er_token ").chain_update(&claim).finalize().into_bytes();
    tag.iter().fold(claim + ".", |token, octet| token + &format!("{octet:02x}"))
}

#[derive(Serialize)]
#[serde(rename_all = "UPPERCASE")]
struct StagingAddresses {
    ipv4: Vec<String>,
}

fn staging_addresses(call: &Call<'_>) -> Fields {
    let ipv4 = ipv4_of(call.admin.staging).iter().map(ToString::to_string).collect();
    fields(&StagingAddresses { ipv4 })
}

/// Where a client of this machine finds the listener. One of IPv6 alone has no such
/// address; `[::]` may or may not take IPv4, so nothing is promised.
fn ipv4_of(listener: SocketAddr) -> Option<Ipv4Addr> {
    match listener.ip() {
        IpAddr::V4(address) if address.is_unspecified() => Some(Ipv4Addr::LOCALHOST),
        IpAddr::V4(address) => Some(address),
        IpAddr::V6(_) => None,
    }
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct UserInfo {
    routines: Vec<UserRoutine>,
    subdomains: Vec<String>,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct UserRoutine {
    routine_name: String,
    description: String,
    create_time: String,
}

/// Superseded by `ListUserRoutines`, and without its pages.
async fn user_info(call: &Call<'_>) -> Result<Fields, EsaError> {
    let catalog = call.admin.control.catalog().await?;
    let line = |routine: &Arc<Routine>| UserRoutine {
        routine_name: routine.name.to_string(),
        description: routine.description.clone(),
        create_time: rfc3339_seconds(routine.created),
    };
    let own = call.admin.domain().into_iter().map(|domain| domain.as_str().to_owned());
    Ok(fields(&UserInfo {
        routines: catalog.routines.values().map(line).collect(),
        subdomains: std::iter::once(account_domain(&call.admin.account)).chain(own).collect(),
    }))
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct CanaryAreas {
    canary_areas: Vec<String>,
}

/// The regions that the config knows.
fn canary_areas(call: &Call<'_>) -> Fields {
    let canary_areas = call
        .admin
        .table
        .read(|table| table.regions().iter().map(|region| region.name.to_string()).collect());
    fields(&CanaryAreas { canary_areas })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_is_for_one_routine_and_one_hour() {
        let name = |text| RoutineName::new(text).unwrap();
        let (secret, now) = ([7; 32], Timestamp(1_710_120_201_067_203_242));
        let shop = token(&secret, &name("shop"), now);
        let parts: Vec<&str> = shop.split('.').collect();
        assert_eq!(parts[..2], ["shop", "1710123801"]);
        assert_eq!(parts[2].len(), 64);
        let fit = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-');
        assert!(shop.chars().all(fit), "{shop}");

        let tag = |token: &str| token.rsplit('.').next().unwrap().to_owned();
        let later = Timestamp(now.0 + SECOND_NS);
        for other in [
            token(&secret, &name("cart"), now),
            token(&secret, &name("shop"), later),
            token(&[8; 32], &name("shop"), now),
        ] {
            assert_ne!(tag(&other), tag(&shop));
        }
    }

    #[test]
    fn staging_is_found_at_an_address_that_can_be_dialled() {
        let of = |listener: &str| ipv4_of(listener.parse().unwrap()).map(|ip| ip.to_string());
        assert_eq!(of("127.0.0.2:80").as_deref(), Some("127.0.0.2"));
        assert_eq!(of("0.0.0.0:80").as_deref(), Some("127.0.0.1"));
        assert_eq!(of("[::1]:80"), None);
        assert_eq!(of("[::]:80"), None);
    }
}
