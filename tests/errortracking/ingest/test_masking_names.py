"""Which keys hold secrets, by their names."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from errortracking.ingest.masking import names
from errortracking.ingest.masking.names import is_secret

SECRETS = """
    password Password PASSWORD password2 db_password dbPassword DB_PASSWORD db-password user.password passwd PWD
    secret client_secret clientSecret CLIENTSecret secret_key AWS_SECRET_ACCESS_KEY secrets
    token access_token accessToken refreshToken csrf_token csrfmiddlewaretoken jwt
    api_key apiKey API_KEY x-api-key X-Api-Key apikey private_key privateKey signing-key encryption_key
    Authorization proxy-authorization auth basic_auth cookie Set-Cookie cookies credentials
    sessionid PHPSESSID JSESSIONID session_key cvv card_cvc ssn otp iban has_password
    dbpassword PGPASSWORD userpassword dbPasswd rootpasswd MYSQL_PWD dbpwd userpwd keypassphrase
    db_pass DB_PASS smtpPass dbpass userpass pass pw db_pw dbpw passwordhash passwordconfirmation confirmpassword
    apikey openaiapikey XAPIKEY privatekey sshprivatekey awssecretkey appsecret clientsecret jwtsecret sshkey ssh_key
    authtoken accesstoken refreshtoken bearertoken usertoken csrftoken xsrftoken XSRF-TOKEN githubtoken slacktoken
    oauth2token basicauth httpauth authcookie sessioncookie dbcredentials api_keys
    sid connect.sid express.sid ASP.NET_SessionId ASPSESSIONIDQABC aiohttp_session laravel_session csrf _csrf
"""
OTHERS = """
    author authors authority oauth tokenizer tokens max_tokens token_count tokenType token_type auth_method
    password_length passwordPolicy password_changed_at password_reset_url secret_name cookie_domain credential_id
    key keyboard monkey primary_key foreign_key cache_key sort-key api apis secretary passenger compass
    $session_id $window_id $set $set_once $lib $lib_version $device_id $exception_list $exception_fingerprint
    type value module filename function lineno colno in_app chunk_id context_line pre_context code_variables
    otp_release $otp_version token_endpoint token_budget cookie_banner
    distinct_id name email user pinned shipping note 1234 _
    passwordless passwordless_enabled passwordlength passwordPolicy forgotpasswordurl detokenize tokenized tokenizers
    nexttoken pagetoken subtokens oauth webauthn unauthorized authorized authored coauthor authenticated
    bypass compass passed pass_count passes passing overpass passport passive render_pass OLDPWD
    secretariat undersecretary keychain keypad hotkey turnkey donkey publickey cookiebanner cookieless
    inside side president account_sid message_sid residue session sessions session_name session_count
    csrf_enabled spaces pwa httpwatch $feature/new-auth-flow $feature/token-refresh
"""


@pytest.mark.parametrize("name", SECRETS.split())
def test_a_secrets_name_is_recognised_in_any_spelling(name: str) -> None:
    assert is_secret(name)


@pytest.mark.parametrize("name", OTHERS.split())
def test_words_that_only_look_similar_are_left_alone(name: str) -> None:
    assert not is_secret(name)


def test_a_name_of_more_than_a_hundred_characters_is_data() -> None:
    assert is_secret("x" * 91 + "_password")
    assert not is_secret("x" * 92 + "_password")


def test_data_is_not_remembered_as_a_name() -> None:
    """A client may send keys of megabytes, and other ones each time."""
    before = names._is_secret.cache_info()
    assert not is_secret("password" * 1_000_000)
    assert names._is_secret.cache_info() == before


def test_an_empty_name_is_no_secrets() -> None:
    assert not is_secret("")


@given(st.text(max_size=60))
def test_any_text_can_be_a_name(name: str) -> None:
    assert is_secret(f"{name} password") is True
    assert is_secret(f"{name} password_length") is False
