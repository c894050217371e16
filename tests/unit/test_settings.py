import dataclasses

import pytest

from service.settings import SettingError, Settings, database_url, table

GIVEN = {"DATABASE_URL": "postgresql://u:hunter2@h/d", "REDIS_URL": "redis://h:1/0", "CART_SECRET": "s" * 32}


def test_settings_come_from_the_environment():
    settings = Settings.from_env(GIVEN | {"THREADS": "3", "MICRO_CACHE": "off", "REDIS_TIMEOUT_SECONDS": "0.5"})
    assert (settings.threads, settings.micro_cache, settings.redis_timeout_seconds) == (3, False, 0.5)
    assert settings.cart_max_lines == 100


def test_every_missing_setting_is_named():
    with pytest.raises(SettingError, match="set DATABASE_URL, REDIS_URL, CART_SECRET"):
        Settings.from_env({})


@pytest.mark.parametrize(
    ("name", "text", "told"),
    [
        ("THREADS", "many", "THREADS takes int, not 'many'"),
        ("THREADS", "0", "THREADS must be at least 1"),
        ("MICRO_CACHE", "perhaps", "MICRO_CACHE takes bool, not 'perhaps'"),
        ("POSTGRES_TIMEOUT_SECONDS", "nan", "POSTGRES_TIMEOUT_SECONDS must be at least 0.01"),
        ("POSTGRES_TIMEOUT_SECONDS", "inf", "POSTGRES_TIMEOUT_SECONDS must be at most"),
        ("LISTEN", "", "LISTEN must not be empty"),
        ("CART_SECRET", "short", "CART_SECRET must have at least 16 characters"),
    ],
)
def test_a_wrong_value_is_told_with_its_name(name, text, told):
    with pytest.raises(SettingError, match=told):
        Settings.from_env(GIVEN | {name: text})


@pytest.fixture
def by_file(tmp_path):
    """The environment with every secret in a file of its own."""
    for name, secret in GIVEN.items():
        tmp_path.joinpath(name).write_bytes(secret.encode() + b"\n")
    return {f"{name}_FILE": str(tmp_path / name) for name in GIVEN}


def test_a_secret_may_be_in_a_file(by_file):
    assert Settings.from_env(by_file) == Settings.from_env(GIVEN)
    assert database_url(by_file) == GIVEN["DATABASE_URL"]


@pytest.mark.parametrize("read", [Settings.from_env, database_url])
@pytest.mark.parametrize("value", [GIVEN["DATABASE_URL"], ""])
def test_a_secret_that_is_set_twice_is_refused(by_file, read, value):
    with pytest.raises(SettingError, match=r"^set DATABASE_URL or DATABASE_URL_FILE, not both$"):
        read(by_file | {"DATABASE_URL": value})


@pytest.mark.parametrize(
    ("content", "told"), [(None, "No such file or directory"), (b"hunter2\xff", "no text in UTF-8")]
)
@pytest.mark.parametrize("read", [Settings.from_env, database_url])
def test_a_file_that_cannot_be_read_is_told_by_its_variable(by_file, tmp_path, content, told, read):
    path = tmp_path / "hunter2"
    if content:
        path.write_bytes(content)
    with pytest.raises(SettingError) as raised:
        read(by_file | {"DATABASE_URL_FILE": str(path)})
    assert str(raised.value) == f"the file that DATABASE_URL_FILE names cannot be read: {told}"
    assert raised.value.__suppress_context__


@pytest.mark.parametrize(
    ("content", "told"), [("", "CART_SECRET must not be empty"), ("short", "CART_SECRET must have at least 16")]
)
def test_a_secret_of_a_file_is_checked_like_any(by_file, tmp_path, content, told):
    tmp_path.joinpath("CART_SECRET").write_text(content)
    with pytest.raises(SettingError, match=told):
        Settings.from_env(by_file)


def test_only_secrets_are_read_from_files(tmp_path):
    assert Settings.from_env(GIVEN | {"LOG_LEVEL_FILE": str(tmp_path / "none")}).log_level == "INFO"


def test_secrets_are_masked():
    settings = Settings.from_env(GIVEN)
    shown = str(settings.masked()) + repr(settings)
    assert "hunter2" not in shown
    assert GIVEN["CART_SECRET"] not in shown
    assert settings.masked()["threads"] == 8


def test_the_table_has_every_setting():
    lines = table().splitlines()
    assert len(lines) == 2 + len(dataclasses.fields(Settings))
    assert (
        "| `CART_SECRET` | required | keys of cart tokens, separated by commas: the first signs, all open (secret) |"
        in lines
    )


NUMBERS = [field for field in dataclasses.fields(Settings) if field.type in ("int", "float")]


@pytest.mark.parametrize("field", NUMBERS, ids=lambda field: field.name)
def test_a_number_has_a_largest_value(field):
    name, largest = field.name.upper(), field.metadata["at_most"]
    assert Settings.from_env(GIVEN | {name: str(largest)})
    with pytest.raises(SettingError, match=f"{name} must be at most"):
        Settings.from_env(GIVEN | {name: str(largest + 1)})
