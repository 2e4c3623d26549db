"""Files of models and policies go out and in, all of it or nothing, and every change is told in a line."""

from io import StringIO
from pathlib import Path
from typing import Any

import pytest
import yaml
from django.core.management import CommandError, call_command

from fallbacks import catalogue, policies, routes, versions
from fallbacks.exporting import MODEL_WORDS, POLICY_WORDS
from fallbacks.models import CatalogueModel, Enablement, PolicyVersion, Workload
from tests.policy import on_the_way as way
from tests.policy.policies import MODELS, REFUSED, VALID, Refused
from tests.policy.stored import SUPPORT, close, put_models, put_support, verify

pytestmark = pytest.mark.usefixtures("database")
ENTRIES = len(MODELS) + len(VALID)
PAIR = [MODELS["premium-chat"], MODELS["baseline-chat"]]


def run(*words: str) -> str:
    out = StringIO()
    call_command(*words, stdout=out)
    return out.getvalue()


def apply(folder: Path, *words: str, text: str | None = None, **entries: Any) -> list[str]:
    """Apply a file with this text, or of these models and policies, and return the lines that are said."""
    file = folder / "policies.yaml"
    file.write_text(yaml.safe_dump(entries, sort_keys=False) if text is None else text, encoding="utf-8")
    return run("apply_policies", str(file), *words).splitlines()


def refused(folder: Path, **file: Any) -> list[str]:
    """Apply a file that is refused, and return why; the name of the file is cut off."""
    with pytest.raises(CommandError) as told:
        apply(folder, **file)
    *lines, last = str(told.value).splitlines()
    assert last == "Nothing was changed."
    assert told.value.returncode == 1
    return [line.removeprefix(f"{folder}/policies.yaml:").lstrip() for line in lines]


def put_all() -> None:
    put_models()
    for policy in VALID:
        policies.put(policy["workload"], policy, "tests")


def enable() -> None:
    verify()
    way.enable()


# --- Out -------------------------------------------------------------------------------------------------------------


def test_everything_is_in_the_file_models_first() -> None:
    put_all()
    data = yaml.safe_load(run("export_policies"))
    assert list(data) == ["models", "policies"]
    assert [model["name"] for model in data["models"]] == sorted(MODELS)
    assert {policy["workload"] for policy in data["policies"]} == {policy["workload"] for policy in VALID}


def test_a_comment_above_each_field_says_what_it_is_for() -> None:
    put_support()
    lines = run("export_policies").splitlines()
    for words in (MODEL_WORDS, POLICY_WORDS):
        for field, comment in words.items():
            below = lines[lines.index(next(line for line in lines if line.strip() == f"# {comment}")) + 1]
            assert f"{field.rpartition('.')[2]}:" in below


def test_an_empty_installation_tells_what_the_fields_are() -> None:
    text = run("export_policies")
    assert yaml.safe_load(text) == {"models": [], "policies": []}
    for field, comment in {**MODEL_WORDS, **POLICY_WORDS}.items():
        assert f"#   {field}: {comment}" in text


def test_its_own_export_changes_nothing_and_makes_an_empty_installation_the_same(tmp_path: Path) -> None:
    put_all()
    text = run("export_policies")
    assert apply(tmp_path, text=text) == [f"Nothing changes: all {ENTRIES} entries are so already."]
    assert apply(tmp_path, "--check", text=text) == [f"Nothing changes: all {ENTRIES} entries are so already."]
    assert set(PolicyVersion.objects.values_list("version", flat=True)) == {1}
    PolicyVersion.objects.all().delete()
    CatalogueModel.objects.all().delete()
    assert apply(tmp_path, text=text)[-1] == f"{ENTRIES} of {ENTRIES} entries changed."
    assert run("export_policies") == text


def test_its_own_export_can_be_applied_though_a_model_does_not_fit_a_policy_any_more(tmp_path: Path) -> None:
    put_all()
    moved = MODELS["baseline-chat"] | {"data_region": "elsewhere"}
    catalogue.put("baseline-chat", moved, "tests")
    assert apply(tmp_path, "--check", text=run("export_policies")) == [
        f"Nothing changes: all {ENTRIES} entries are so already."
    ]


@pytest.mark.parametrize(
    "text",
    ["a: b", "# a", "two\nlines\n", "  a ", "- a", "it's", 'say "hi"', "ünï 🦉", "\x85\u2028\x07", "no", "1", "~"],
)
def test_texts_come_back_as_they_were(tmp_path: Path, text: str) -> None:
    put_support(message=text, description=text, owner=text, notice="never", paid_tiers=[])
    exported = run("export_policies")
    PolicyVersion.objects.all().delete()
    apply(tmp_path, text=exported)
    stored = versions.latest("support-chat")
    assert stored is not None
    assert (stored.policy.message, stored.policy.description, stored.policy.owner) == (text, text, text)


# --- In --------------------------------------------------------------------------------------------------------------


def test_it_says_line_by_line_what_it_changes(tmp_path: Path) -> None:
    assert apply(tmp_path, models=PAIR, policies=[SUPPORT]) == [
        "model premium-chat: new",
        "model baseline-chat: new",
        "policy support-chat, version 1: new",
        "3 of 3 entries changed.",
    ]
    stored = versions.latest("support-chat")
    assert stored is not None
    assert stored.made_by == "manage.py"
    review = SUPPORT["review"] | {"daily_cap": 9}
    change = {"triggers": ["timeout", "rate_limit"], "review": review, "escape_hatch": ""}
    assert apply(
        tmp_path,
        models=[PAIR[0] | {"output_price": 12.5, "data_region": None}],
        policies=[SUPPORT | change],
    ) == [
        "model premium-chat: data_region eu -> none; output_price 10 -> 12.5",
        "policy support-chat, version 2: triggers +rate_limit -overloaded -server_error -unavailable;"
        " escape_hatch Point the gateway at the second vendor. -> none; review.daily_cap 50 -> 9",
        "2 of 2 entries changed.",
    ]


def test_what_is_not_in_the_file_stays_as_it_is(tmp_path: Path) -> None:
    put_support()
    put_models("home")
    apply(tmp_path, models=[MODELS["same-same"]])
    assert CatalogueModel.objects.count() == 4
    assert versions.latest("support-chat") is not None


def test_it_says_which_routes_are_not_enabled_any_more(tmp_path: Path) -> None:
    put_support()
    enable()
    back = "not enabled for users any more: it must be verified and enabled again"
    said = apply(tmp_path, models=[PAIR[1] | {"data_region": None}])
    assert said[1] == f"  the route of support-chat is {back}"
    enable()
    assert apply(tmp_path, policies=[SUPPORT | {"payload_classes": ["chat"]}])[1] == f"  its route is {back}"
    assert not Enablement.objects.filter(until=None).exists()


def test_check_says_the_same_and_changes_nothing(tmp_path: Path) -> None:
    put_support()
    enable()
    entries: dict[str, Any] = {
        "models": [MODELS["home"], PAIR[1] | {"data_region": None}],
        "policies": [SUPPORT | {"notice": "always"}, SUPPORT | {"workload": "another"}],
    }
    said = StringIO()
    file = tmp_path / "policies.yaml"
    file.write_text(yaml.safe_dump(entries))
    with pytest.raises(CommandError, match=r"^4 of 4 entries would change; nothing was changed\.$") as told:
        call_command("apply_policies", str(file), "--check", stdout=said)
    assert told.value.returncode == 1
    assert CatalogueModel.objects.count() == 2
    assert (PolicyVersion.objects.count(), Workload.objects.count()) == (1, 1)
    assert routes.route_state("support-chat") == "enabled"
    assert apply(tmp_path, **entries) == [*said.getvalue().splitlines(), "4 of 4 entries changed."]


def test_what_is_refused_is_told_with_its_line_and_nothing_is_applied(tmp_path: Path) -> None:
    put_all()
    lines = run("export_policies").splitlines()
    at = lines.index("- workload: support-chat")
    notice = next(number for number, line in enumerate(lines) if number > at and "notice:" in line)
    share = next(number for number, line in enumerate(lines) if number > at and "pass_rate:" in line)
    lines[notice], lines[share] = "  notice: sometimes", "    pass_rate: 90"
    price = lines.index("  output_price: 10")
    lines[price] = "  output_price: 11"
    assert refused(tmp_path, text="\n".join(lines)) == [
        f"{notice + 1}: policy support-chat: notice: sometimes is not a notice. Choose one of: always, paid, never.",
        f"{share + 1}: policy support-chat: review.pass_rate: Choose a number from 0 to 1.",
    ]
    assert not CatalogueModel.objects.filter(output_price=11).exists()


@pytest.mark.parametrize("case", [case for case in REFUSED if case.letter], ids=lambda case: case.why)
def test_a_policy_that_must_be_refused_is_in_a_file_too(tmp_path: Path, case: Refused) -> None:
    put_models()
    told = refused(tmp_path, policies=[case.policy])
    named = {line.split(": ")[2].partition(".")[0] for line in told}
    assert named >= case.fields
    assert not Workload.objects.exists()


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("models: [", "1: This is not YAML: expected the node content, but found '<stream end>'."),
        ("a: 1\na: 2\n", "2: a is no name of a field, or is here twice."),
        ("models:\n- name: a\n  provider: b\n  name: c\n", "4: name is no name of a field, or is here twice."),
        ("- a\n", "1: Write two lists, `models:` and `policies:`, as export_policies does."),
        ("", "1: Write two lists, `models:` and `policies:`, as export_policies does."),
        ("routes: []\n", "1: routes is not known: write `models:` and `policies:`."),
        ("models: a\n", "1: Write `models:` as a list of entries with fields, as export_policies does."),
        ("models:\n- a\n", "2: Write `models:` as a list of entries with fields, as export_policies does."),
        ("models:\n- provider: a\n", "2: model None: name: It must be a text, and is required."),
        ("policies:\n- workload: 7\n", "2: policy 7: workload: It must be a text, and is required."),
        ("models: !!python/object:os.system {}\n", "1: This is not YAML: could not determine a constructor"),
        ("[" * 5_000, "This is nested too deeply: write it as export_policies does."),
        ("\na: \x07", "2: YAML has no character U+0007: write it as an escape."),
        ("models: 2026-13-45", "This is not YAML: month must be in 1..12."),
        ("a: 2026-13-45", "1: a is not known: write `models:` and `policies:`."),
    ],
)
def test_a_file_that_cannot_be_read_is_told_why_and_where(tmp_path: Path, text: str, told: str) -> None:
    assert refused(tmp_path, text=text)[0].startswith(told)


def test_the_same_name_twice_is_refused(tmp_path: Path) -> None:
    told = refused(tmp_path, models=[*PAIR, PAIR[0]])
    assert len(told) == 2
    assert told[0].endswith("model premium-chat: name: It is here 2 times: leave one of them.")


def test_an_empty_list_is_one(tmp_path: Path) -> None:
    assert apply(tmp_path, text="models:\npolicies: []\n") == ["Nothing changes: all 0 entries are so already."]


def test_a_file_that_is_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(CommandError, match="cannot be read: No such file or directory"):
        run("apply_policies", str(tmp_path / "none.yaml"))
    (tmp_path / "latin.yaml").write_bytes(b"a: \xff")
    with pytest.raises(CommandError, match="is not UTF-8"):
        run("apply_policies", str(tmp_path / "latin.yaml"))


def test_a_file_may_come_from_standard_input(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdin", StringIO(yaml.safe_dump({"models": PAIR})))
    assert run("apply_policies", "-").endswith("2 of 2 entries changed.\n")


# --- For a router ----------------------------------------------------------------------------------------------------


def router() -> tuple[dict[str, Any], str]:
    """The configuration of a LiteLLM router, and its comments."""
    text = run("export_litellm")
    return yaml.safe_load(text), "\n".join(line for line in text.splitlines() if line.startswith("#"))


def put_route(workload: str, primary: str, fallback: str | None, *, enabled: bool, **change: Any) -> None:
    body = SUPPORT | {"workload": workload, "primary": primary, "fallback": fallback, "payload_classes": ["chat"]}
    policies.put(workload, body | {"permits": ["billing_boundary", "compliance_boundary"]} | change, "tests")
    if enabled:
        verify("chat", workload=workload, primary=primary, fallback=fallback)
        assert fallback is not None
        way.enable(workload, primary, fallback)


def test_a_router_gets_the_catalogue_and_the_fallbacks_that_are_enabled_and_no_others() -> None:
    put_models()
    put_route("support-chat", "premium-chat", "baseline-chat", enabled=True)
    put_route("code", "strong-code", "standard-code", enabled=False)
    put_route("alone", "bare", None, enabled=False)
    config, comments = router()
    assert {each["model_name"] for each in config["model_list"]} == set(MODELS)
    assert config["router_settings"] == {
        "fallbacks": [{"premium-chat": ["baseline-chat"]}],
        "context_window_fallbacks": [{"premium-chat": []}],
        "content_policy_fallbacks": [{"premium-chat": []}],
        "max_fallbacks": 1,
    }
    assert "# - strong-code: code has standard-code as its fallback, which is not enabled for users" in comments
    assert "# - bare: alone has no fallback" in comments
    close()
    assert router()[0]["router_settings"]["fallbacks"] == []


def test_a_primary_of_several_workloads_falls_back_only_where_all_of_them_may() -> None:
    put_models()
    put_route("one", "home", "same-same", enabled=True, triggers=["rate_limit"], min_attempts=3)
    put_route("two", "home", "same-same", enabled=True, triggers=["rate_limit"], min_attempts=4)
    settings = router()[0]["router_settings"]
    assert settings["fallbacks"] == [{"home": ["same-same"]}]
    assert settings["model_group_retry_policy"] == {"home": {"RateLimitErrorRetries": 3}}
    put_route("three", "home", "no-account", enabled=True)
    config, comments = router()
    assert config["router_settings"]["fallbacks"] == []
    assert "# - home: one, three, two have other fallbacks than each other" in comments
    put_route("three", "home", None, enabled=False)
    config, comments = router()
    assert config["router_settings"]["fallbacks"] == []
    assert "# - home: enabled for one, two, but LiteLLM would fall back for others too: three has no" in comments


def test_a_model_is_named_as_litellm_knows_it_or_by_an_address_of_its_own() -> None:
    for name, provider in (("azure/gpt-4o", "azure"), ("claude", "Anthropic"), ("own/chat", "Halcyon Labs")):
        catalogue.put(name, MODELS["home"] | {"name": name, "provider": provider}, "tests")
    assert {each["model_name"]: each["litellm_params"] for each in router()[0]["model_list"]} == {
        "azure/gpt-4o": {"model": "azure/gpt-4o"},
        "claude": {"model": "anthropic/claude"},
        "own/chat": {
            "model": "openai/own/chat",
            "api_base": "os.environ/HALCYON_LABS_API_BASE",
            "api_key": "os.environ/HALCYON_LABS_API_KEY",
        },
    }


def test_the_configuration_goes_to_a_file_too(tmp_path: Path) -> None:
    put_support()
    assert run("export_litellm", str(tmp_path / "config.yaml")) == ""
    assert (tmp_path / "config.yaml").read_text() == run("export_litellm", "-")
    with pytest.raises(CommandError, match="cannot be written"):
        run("export_litellm", str(tmp_path / "no" / "config.yaml"))
