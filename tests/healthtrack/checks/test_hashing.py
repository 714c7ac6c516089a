"""What tells two findings apart. The digests were made with `sha256sum` over the texts in the comments."""

from __future__ import annotations

from healthtrack.checks.hashing import unique_hash

PAYLOAD = {"sdk_name": "web", "count": 3, "banners": ["old"]}


def test_without_keys_there_is_one_finding_for_a_project() -> None:
    # printf 'no_live_events:{}' | sha256sum
    assert (
        unique_hash("no_live_events", PAYLOAD, ()) == "7199c74a20745030b9acac014406b86aeadffc593e5f9920c29154455c7c5bf1"
    )


def test_only_the_named_keys_count() -> None:
    # printf 'sdk_outdated:{"sdk_name": "web"}' | sha256sum
    assert (
        unique_hash("sdk_outdated", PAYLOAD, ("sdk_name",))
        == "e44233ad92676acd0f7a7316aaa31a981095ea5b1f9420d3321b8461d212d7c2"
    )
    assert (
        unique_hash("sdk_outdated", {**PAYLOAD, "count": 4}, ("sdk_name",))
        == "e44233ad92676acd0f7a7316aaa31a981095ea5b1f9420d3321b8461d212d7c2"
    )


def test_without_a_choice_of_keys_the_whole_payload_counts_in_any_order() -> None:
    # printf 'x:{"banners": ["old"], "count": 3, "sdk_name": "web"}' | sha256sum
    assert unique_hash("x", PAYLOAD, None) == "078fcdea15caf8dbc4ae7b25ccf6f0d0ca28a5a6149cc756cde672f3db993602"
    assert (
        unique_hash("x", dict(reversed(PAYLOAD.items())), None)
        == "078fcdea15caf8dbc4ae7b25ccf6f0d0ca28a5a6149cc756cde672f3db993602"
    )


def test_a_missing_key_counts_as_null_and_letters_outside_ascii_are_escaped() -> None:
    # printf 'x:{"a": null, "b": "\\u00e9"}' | sha256sum
    assert (
        unique_hash("x", {"b": "é"}, ("a", "b")) == "89dfbe39cc79d0db934f6754f567ea20e6c0c2f3d1b2869497f9d3f5aac73392"
    )
