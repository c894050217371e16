"""Statements whose values are written into their text, for servers that prepare nothing."""

import re
from pathlib import Path

import pytest

from service.postgres import Call, Statement
from service.postgres.statement import inlined

SERVICE = Path(__file__).parents[2] / "service"
FILES = sorted(SERVICE.rglob("*.sql"))


def literal(value: object) -> str:
    return "'" + str(value).replace("'", "''") + "'"


def test_a_value_that_looks_like_a_parameter_is_none() -> None:
    call = Call(Statement("two", "SELECT $2::text, $1::text"), ("$2", "it's\n$1"))
    assert inlined([call, call], literal) == ";".join(["SELECT 'it''s\n$1'::text, '$2'::text"] * 2)


def test_no_value_stands_in_a_comment_whose_line_it_could_end() -> None:
    statement = Statement("one", "-- one: $1 is a text\nSELECT $1::text -- $1\n")
    assert inlined([Call(statement, ("a\nb",))], literal) == "\nSELECT 'a\nb'::text \n"


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_no_string_of_a_statement_looks_like_a_comment(file: Path) -> None:
    assert not [string for string in re.findall(r"'[^'\n]*'", file.read_text("utf-8")) if "--" in string]
