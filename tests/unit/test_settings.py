import dataclasses

import pytest

from service.settings import SettingError, Settings, table

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
