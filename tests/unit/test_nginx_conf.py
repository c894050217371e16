from collections.abc import Mapping

import pytest

from service import nginx_conf, old_api
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


def test_a_client_without_a_cart_writes_half_as_often_but_not_never() -> None:
    rates = [values(Settings(*REQUIRED, cart_rate=rate))["NEW_CART_RATE"] for rate in (21, 2, 1, 0)]
    assert rates == ["10", "1", "1", ""]


@pytest.mark.parametrize(
    ("setting", "text"),
    [("listen", "127.0.0.1:80 ssl"), ("instances", "a:1,,b:2"), ("instances", "a b"), ("nginx_access_log", "a b")],
)
def test_an_address_or_path_of_several_words_is_refused(setting: str, text: str) -> None:
    with pytest.raises(SettingError, match=setting.upper()):
        values(Settings(*REQUIRED, **{setting: text}))


@pytest.mark.parametrize(
    ("settings", "named"),
    [
        ({"tls_certificate": "/a"}, "TLS_KEY"),
        ({"tls_key": "/a"}, "TLS_CERTIFICATE"),
        ({"tls_certificate": "/a b", "tls_key": "/a"}, "TLS_CERTIFICATE"),
        ({"trusted_proxies": "balancer.example"}, "TRUSTED_PROXIES"),
        ({"trusted_proxies": "10.0.0.0/33"}, "TRUSTED_PROXIES"),
        ({"base_path": "api"}, "BASE_PATH"),
        ({"base_path": "/a//b"}, "BASE_PATH"),
        ({"base_path": "/a.*"}, "BASE_PATH"),
        *(({"old_api": url}, "OLD_API") for url in ("old.example", "ftp://a", "http://", "http://a/?b", "http://a b/",
                                                     "http://a:b@c/", "http://a:99999/", "http://[::1/")),
    ],
)  # fmt: skip
def test_what_nginx_could_not_use_is_refused_by_name(settings: dict[str, str], named: str) -> None:
    with pytest.raises(SettingError, match=named):
        values(Settings(*REQUIRED, **settings))


def test_the_old_api_is_looked_up_and_verified_where_that_makes_sense(monkeypatch, tmp_path) -> None:
    monkeypatch.setattr(old_api, "_RESOLV_CONF", tmp_path / "resolv.conf")
    (tmp_path / "resolv.conf").write_text("# nameserver 1.1.1.1\nsearch a\nnameserver 10.0.0.2\nnameserver fd00::2\n")
    (tmp_path / "authorities").touch()
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "authorities"))
    https = {"OLD_API": "https://a.example/b", "OLD_API_CA": str(tmp_path / "authorities")}
    assert old_api.values("https://a.example/b/") == {**https, "RESOLVERS": "10.0.0.2 [fd00::2]"}
    assert old_api.values("http://[::1]:80") == {"OLD_API": "http://[::1]:80", "OLD_API_CA": "", "RESOLVERS": ""}
    monkeypatch.setenv("SSL_CERT_FILE", "/nowhere")
    with pytest.raises(SettingError, match="SSL_CERT_FILE"):
        old_api.values("https://a.example")


@pytest.mark.parametrize(
    ("version", "known"), [("1.22.1", False), ("1.25.0", False), ("1.25.1", True), ("1.31.3", True)]
)
def test_how_http_2_is_asked_for_depends_on_the_version(tmp_path, version: str, known: bool) -> None:
    program = tmp_path / "nginx"
    program.write_text(f"#!/bin/sh\necho nginx version: nginx/{version} >&2\n")
    program.chmod(0o755)
    assert nginx_conf.has_http2_directive(program) is known
    certificate = Settings(*REQUIRED, tls_certificate="/c", tls_key="/k", listen_tls="1:2")
    rendered = render(nginx_conf.TEMPLATE.read_text(), values(certificate, http2_directive=known))
    assert ("http2 on;" in rendered, "listen 1:2 ssl http2;" in rendered) == (known, not known)


def test_the_configuration_is_printed_for_the_nginx_at_hand(monkeypatch, tmp_path, capsys) -> None:
    old = tmp_path / "nginx"
    old.write_text("#!/bin/sh\necho nginx version: nginx/1.22.1 >&2\n")
    old.chmod(0o755)
    for name, value in {"DATABASE_URL": "-", "REDIS_URL": "-", "CART_SECRET": "never used by nginx"}.items():
        monkeypatch.setenv(name, value)
    for name, value in {
        "TLS_CERTIFICATE": "/c",
        "TLS_KEY": "/k",
        "INSTANCES": "unix:/a.sock",
        "NGINX": str(old),
    }.items():
        monkeypatch.setenv(name, value)
    nginx_conf.main()
    printed = capsys.readouterr().out
    assert "ssl http2;" in printed
    assert "server unix:/a.sock max_fails" in printed
    assert "    #if" not in printed
