"""A short connector file in, Connect's flat configuration out."""

import json
import re
from pathlib import Path

import pytest

from ops import connectors
from ops.connectors import Capture
from ops.errors import OpsError

_GOLDEN = Path(__file__).parents[2] / "golden" / "connectors"


@pytest.mark.parametrize("system", connectors.systems())
def test_each_system_expands_to_its_golden_configuration(system: str) -> None:
    """What Connect gets stands in the repository, so that a change of it is seen in a review."""
    golden = json.loads((_GOLDEN / f"{system}.json").read_text())

    assert connectors.expand(connectors.read(system)) == golden


@pytest.mark.parametrize("system", connectors.systems())
def test_no_configuration_holds_a_credential(system: str) -> None:
    """Credentials are references that Connect looks up in its own environment."""
    config = connectors.expand(connectors.read(system))

    for name in ("database.hostname", "database.port", "database.user", "database.password"):
        assert re.fullmatch(r"\$\{env:SYNCLINE_[A-Z_]+\}", config[name])


@pytest.mark.parametrize("system", connectors.systems())
def test_no_secret_table_is_captured(system: str) -> None:
    """Accounts, sessions and keys are not even asked for."""
    secret = re.compile(
        r"res_user|ir_session|^user$|session|authentication_method|api_key|administrator|token"
    )

    assert [table for table in connectors.read(system).tables if secret.search(table)] == []


def test_a_new_table_is_one_line() -> None:
    """A table is published, keyed and routed from its one entry."""
    before = Capture("erp", {"sale": {"sale_sale": "id"}}, {})
    after = Capture("erp", {"sale": {"sale_sale": "id", "sale_line": "sale"}}, {})
    config = connectors.expand(after)

    assert connectors.expand(before)["table.include.list"] == r"public\.sale_sale"
    assert config["table.include.list"] == r"public\.sale_sale,public\.sale_line"
    assert config["message.key.columns"] == r"public\.sale_line:sale"
    assert config["transforms"] == "key_id,key_sale,to_sale"


def test_routes_match_whole_table_names_only() -> None:
    """A table whose name begins like another's goes to its own document."""
    capture = Capture(
        "erp", {"invoice": {"invoice": "id"}, "line": {"invoice_line": "id", "a-b": "id"}}, {}
    )
    config = connectors.expand(capture)
    topics = ["cdc.erp.public.invoice", "cdc.erp.public.invoice_line", "cdc.erp.public.a_b"]
    routed = [
        [
            name
            for name in capture.documents
            if re.match(config[f"transforms.to_{name}.regex"], topic)
        ]
        for topic in topics
    ]

    assert routed == [["invoice"], ["line"], ["line"]]


def test_a_connectors_own_setting_wins() -> None:
    """What stands in `config` replaces the default."""
    capture = Capture("erp", {"sale": {"sale_sale": "id"}}, {"snapshot.mode": "no_data"})

    assert connectors.expand(capture)["snapshot.mode"] == "no_data"


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("{", "not valid JSON in line 1"),
        ('{"documents": {}}', "`documents` is empty"),
        ('{"documents": {"sale": {}}}', "document 'sale' has no table"),
        (
            '{"documents": {"a": {"t": "id"}, "b": {"t": "id"}}}',
            "table 't' stands in two documents",
        ),
        (
            '{"documents": {"a": {"t": "id"}}, "config": {"database.password": "x"}}',
            "database.password holds a password",
        ),
    ],
)
def test_a_wrong_file_is_refused_in_a_sentence(tmp_path: Path, text: str, sentence: str) -> None:
    """The sentence names the file, the field and the mend."""
    (tmp_path / "erp.json").write_text(text)
    with pytest.raises(OpsError, match=re.escape(sentence)) as refused:
        connectors.read("erp", tmp_path)

    assert "erp.json" in str(refused.value)


def test_an_unknown_system_is_told_the_known_ones(tmp_path: Path) -> None:
    """A typing error is answered with what there is."""
    (tmp_path / "erp.json").write_text("{}")
    with pytest.raises(OpsError, match=r"Known are erp\."):
        connectors.read("epr", tmp_path)
