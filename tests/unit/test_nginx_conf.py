from collections.abc import Mapping

import pytest

from service import nginx_conf
from service.nginx_conf import render, values
from service.settings import SettingError, Settings

REQUIRED = ("-", "-", "never used by nginx")


def test_a_placeholder_is_replaced_everywhere() -> None:
    assert render("a ${ONE};\nb ${ONE} ${TWO};\n", {"ONE": "1", "TWO": "2"}) == "a 1;\nb 1 2;\n"


def test_a_line_is_written_once_for_each_of_several_values() -> None:
    assert (
        render("up {\n  server ${ALL} x;\n}\n", {"ALL": ["a:1", "b:2"]})
        == "up {\n  server a:1 x;\n  server b:2 x;\n}\n"
    )


def test_comments_and_the_variables_of_nginx_stay_as_they_are() -> None:
    text = "# ${ONE} $two ${three}\nset $four ${five};\n"
    assert render(text, {}) == text


@pytest.mark.parametrize(("value", "chosen"), [("1", "a\nb 1;\nd\n"), ("", "a\nc;\nd\n"), ([], "a\nc;\nd\n")])
def test_a_section_depends_on_its_value(value: str, chosen: str) -> None:
    text = "a\n  #if ONE\nb ${ONE};\n  #endif\n  #if not ONE\nc;\n  #endif\nd\n"
    assert render(text, {"ONE": value}) == chosen


@pytest.mark.parametrize(
    ("template", "given", "named"),
    [
        ("${UNKNOWN}", {}, "UNKNOWN"),
        ("nothing", {"UNUSED": "1"}, "UNUSED"),
        ("# ${ONLY_IN_COMMENT}", {"ONLY_IN_COMMENT": "1"}, "ONLY_IN_COMMENT"),
        ("${EMPTY}", {"EMPTY": ""}, "EMPTY"),
        ("${NONE}", {"NONE": []}, "NONE"),
        ("#if CHOICE\n#endif\n", {}, "CHOICE"),
    ],
)
def test_a_name_without_its_other_half_is_an_error(template: str, given: Mapping[str, str], named: str) -> None:
    with pytest.raises(SettingError, match=named):
        render(template, given)


@pytest.mark.parametrize("text", ["8080; evil", "a\nb", "a\rb", "{", "}", '"', "'", "$host", "\\", "# rest"])
@pytest.mark.parametrize("wrap", [str, lambda text: ["fine", text]])
def test_a_value_that_would_break_out_of_its_place_is_refused(text: str, wrap) -> None:
    with pytest.raises(SettingError, match="PLACE"):
        render("x ${PLACE};", {"PLACE": wrap(text)})


def test_the_template_takes_exactly_the_values_of_the_settings() -> None:
    rendered = render(
        nginx_conf.TEMPLATE.read_text(), values(Settings(*REQUIRED, instances="127.0.0.1:1, 127.0.0.1:2"))
    )
    assert "server 127.0.0.1:1 " in rendered
    assert "server 127.0.0.1:2 " in rendered


def test_switches_become_words_of_nginx() -> None:
    off = values(Settings(*REQUIRED, micro_cache=False, nginx_access_log="off"))
    assert (off["MICRO_CACHE"], off["NGINX_ACCESS_LOG"]) == ("", "off")
    on = values(Settings(*REQUIRED, micro_cache=True))
    assert on["MICRO_CACHE"] == "on"
    assert str(on["NGINX_ACCESS_LOG"]).startswith("access.log requests ")


@pytest.mark.parametrize(
    ("setting", "text"),
    [("listen", "127.0.0.1:80 ssl"), ("instances", "a:1,,b:2"), ("instances", "a b"), ("nginx_access_log", "a b")],
)
def test_an_address_or_path_of_several_words_is_refused(setting: str, text: str) -> None:
    with pytest.raises(SettingError, match=setting.upper()):
        values(Settings(*REQUIRED, **{setting: text}))
