//! What users of other proxies, flag services and canary tools have met, and the promise
//! that fails here should it come back.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

/// Each failure, and the tests that stand against it.
const FAILURES: &[(&str, &[&str])] = &[
    (
        "users change versions when weights, their order or total, or health change",
        &[
            "s3_a_canary_only_grows_as_its_share_grows",
            "s5_neither_list_order_nor_posting_again_moves_a_key",
            "health_never_rewrites_an_assignment",
        ],
    ),
    (
        "a canary creeps to 100 % because only its users are remembered",
        &["a_minted_key_decides_at_once_and_again_as_a_cookie"],
    ),
    (
        "an override is ignored, or beaten by what a user had before",
        &[
            "an_override_wins_over_everything",
            "an_override_that_cannot_be_followed_is_never_ignored",
        ],
    ),
    (
        "a page comes from one version and its assets from the other",
        &["every_key_lands_where_the_rule_says_before_during_and_after_each_step"],
    ),
    (
        "workers and nodes disagree about weights for a while",
        &["no_request_fails_and_none_sees_two_deployments", "two_nodes_agree_on_a_million_keys"],
    ),
    (
        "one request is decided by two tables",
        &["a_swap_under_load_fails_no_request_and_mixes_no_tables"],
    ),
    ("a guard of the table is held while a request waits", &["there_is_one_swap"]),
    (
        "requests or WebSockets are dropped by a reload or a change of the split",
        &[
            "a_reload_drops_no_request_and_no_connection_and_moves_nobody",
            "deployments_leave_open_sessions_where_they_are",
            "a_restart_loses_none_of_the_requests_that_come_meanwhile",
        ],
    ),
    ("users change versions at a restart", &["a_killed_serin_serves_what_it_served_before"]),
    (
        "a pooled connection that has died becomes a 502",
        &[
            "a_request_that_changes_nothing_is_sent_again_when_its_connection_dies",
            "a_request_is_sent_again_once",
            "what_was_closed_before_is_not_written_to",
        ],
    ),
    (
        "a connection dies by an end, a reset or a write that fails",
        &[
            "a_request_that_changes_nothing_is_sent_again_when_its_connection_dies",
            "half_a_head_on_an_old_connection_is_a_dead_connection",
            "a_request_whose_write_fails_is_sent_again",
        ],
    ),
    (
        "a POST is sent twice",
        &[
            "a_post_that_may_have_arrived_is_never_sent_again",
            "what_an_endpoint_may_have_done_no_other_does_again",
            "what_may_have_been_looked_at_is_not_sent_again",
        ],
    ),
    (
        "a retry stays with what is broken, or crosses to the other version in silence",
        &[
            "without_a_policy_it_fails",
            "the_other_version_answers_and_the_response_says_so",
            "both_versions_are_counted",
        ],
    ),
    (
        "a second request is smuggled in",
        &[
            "lines_have_one_reading",
            "a_request_has_one_length",
            "a_body_whose_chunks_are_in_doubt_breaks_off",
            "an_ambiguous_or_broken_response_is_a_502",
        ],
    ),
    (
        "a second request is smuggled in behind a wish to switch protocols",
        &[
            "nothing_is_forwarded_before_the_upstream_agrees",
            "what_is_no_upgrade_here_is_served_as_http",
        ],
    ),
    (
        "WebSockets break where fields of one hop are dropped",
        &[
            "a_handshake_is_passed_on_with_exactly_what_it_needs",
            "a_switch_without_connection_is_understood",
        ],
    ),
    (
        "fields of one hop travel on",
        &[
            "what_is_meant_for_one_hop_is_dropped_from_requests",
            "what_is_meant_for_one_hop_is_dropped_from_responses",
        ],
    ),
    (
        "a client that waits to be asked for its body waits for ever, or in vain",
        &[
            "the_client_is_asked_when_the_upstream_asks",
            "an_upstream_that_refuses_is_heard_before_the_body_is_asked_for",
        ],
    ),
    (
        "an answer before the end of an upload hangs or is lost",
        &[
            "an_upload_and_its_response_pass_each_other",
            "a_client_that_sends_first_and_reads_then_gets_its_answer",
            "a_half_used_connection_is_not_used_again",
        ],
    ),
    ("large bodies are held whole", &["memory_stays_flat_with_a_huge_body_up_and_down"]),
    (
        "trailers, interim responses and responses without a body lose their framing",
        &[
            "trailers_of_a_response_are_for_clients_that_want_them",
            "announced_trailers_of_a_request_are_passed_on",
            "what_an_upstream_says_on_the_way_is_not_its_answer",
            "responses_without_a_body_keep_what_they_say_of_it_and_the_connection",
        ],
    ),
    (
        "a backend sees field names in a case that it does not know",
        &["fields_pass_as_they_are_and_in_their_order"],
    ),
    (
        "a shutdown hangs, or cuts what runs",
        &[
            "a_drain_ends_what_is_idle_and_finishes_what_runs",
            "a_drain_hears_out_a_head_that_has_begun",
            "a_drain_cuts_what_takes_too_long",
        ],
    ),
    (
        "slow and silent clients hold connections",
        &[
            "a_head_that_drips_in_has_an_end",
            "a_client_that_falls_silent_in_its_body_ends_its_request",
            "a_client_that_takes_nothing_of_its_response_is_given_up",
            "an_http2_client_that_takes_nothing_off_the_wire_is_given_up",
            "an_operator_that_has_stopped_reading_is_given_up",
            "what_could_be_a_preface_and_does_not_come_is_told_so",
            "who_says_no_more_is_answered",
            "who_is_not_answered_in_time_is_taken_for_gone",
            "a_client_that_has_said_all_still_hears",
            "idle_and_silent_clients_are_closed",
        ],
    ),
    ("one hash decides two things", &["s11_decisions_under_other_tags_are_independent"]),
    (
        "the same users meet every canary",
        &[
            "s6_routines_of_similar_names_meet_other_users",
            "s6_successive_releases_of_one_routine_meet_other_users",
        ],
    ),
    (
        "two implementations of the rule disagree",
        &["every_golden_vector_holds", "a_second_implementation_agrees_on_a_million_keys"],
    ),
    (
        "a new version of the rule moves everybody",
        &["every_golden_vector_holds", "the_vectors_cover_what_the_rule_tells_apart"],
    ),
    (
        "all who have no key land on one side",
        &[
            "keyless_traffic_is_exact_in_any_window",
            "sources_are_asked_in_order_and_an_empty_value_is_missing",
        ],
    ),
    (
        "chance is taken for a mistake",
        &["keyless_traffic_of_four_threads_is_split_exactly", "s2_every_percentage_gets_its_share"],
    ),
    ("one heavy user bends the share of requests", &["expected_movement_is_what_keys_do"]),
];

/// The names of all tests, in `src` and in `tests/it`.
fn tests() -> BTreeSet<String> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut folders: Vec<PathBuf> = vec![root.join("src"), root.join("tests/it")];
    let mut names = BTreeSet::new();
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
                continue;
            }
            let text = fs::read_to_string(&path).unwrap();
            let mut lines = text.lines().map(str::trim);
            while let Some(line) = lines.next() {
                if line != "#[test]" {
                    continue;
                }
                let head = lines.find_map(|line| line.strip_prefix("fn "));
                names.extend(head.and_then(|head| head.split('(').next()).map(str::to_owned));
            }
        }
    }
    assert!(names.len() > 500, "the tests were found");
    names
}

#[test]
fn every_known_failure_has_a_promise_that_stands_against_it() {
    let tests = tests();
    for (failure, promises) in FAILURES {
        assert!(!promises.is_empty(), "nothing stands against: {failure}");
        for promise in *promises {
            assert!(tests.contains(*promise), "no test `{promise}` stands against: {failure}");
        }
    }
}
