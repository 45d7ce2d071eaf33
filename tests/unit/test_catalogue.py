from __future__ import annotations

from pathlib import Path

import pytest

from lrmonitor.record.catalogue import AmbiguousRun, Catalogue, NoSuchRun
from tests.helpers.recorded import T0, Recorded

OLD, NEW = "20231114-221320-abcd", "20231115-101010-efgh"


@pytest.fixture
def home(tmp_path: Path) -> Path:
    home = tmp_path / "runs-home"
    Recorded(home, OLD, name="digits", created=T0)
    Recorded(home, NEW, name="gan", created=T0 + 1000)
    return home


def test_newest_first(home: Path) -> None:
    runs = Catalogue(home).runs()
    assert [(r.id, r.name, r.kind, r.created) for r in runs] == [
        (NEW, "gan", "launched", T0 + 1000),
        (OLD, "digits", "launched", T0),
    ]
    assert runs[0].folder == home / NEW
    assert runs[0].info["cwd"] == "/somewhere"


def test_a_home_that_is_not_there(tmp_path: Path) -> None:
    catalogue = Catalogue(tmp_path / "nowhere")
    assert catalogue.runs() == []
    for text in ("latest", "x"):
        with pytest.raises(NoSuchRun, match="there are no runs in"):
            catalogue.resolve(text)


def test_broken_folders_are_listed_as_such(home: Path) -> None:
    (home / NEW / "run.json").write_text('{"format": 1, "id"')
    headless = Recorded(home, "20231116-000000-zzzz")
    headless.supervisor("starting")
    (headless.folder / "run.json").unlink()
    (home / "my notes").mkdir()
    (home / "a file").write_text("")
    (home / ".hidden").mkdir()
    (home / ".hidden" / "run.json").write_text("")
    runs = {r.id: r for r in Catalogue(home).runs()}
    assert set(runs) == {OLD, NEW, headless.id}
    assert "damaged" in (runs[NEW].problem or "")
    assert "has no run.json" in (runs[headless.id].problem or "")
    assert runs[OLD].problem is None
    assert Catalogue(home).resolve("latest").id == OLD
    with pytest.raises(NoSuchRun, match=r"cannot be read: its run\.json is damaged"):
        Catalogue(home).resolve(NEW)


@pytest.mark.parametrize(
    ("text", "id"),
    [
        ("latest", NEW),
        (OLD, OLD),
        ("20231114", OLD),
        ("20231115-1", NEW),
        ("gan", NEW),
        ("digits", OLD),
    ],
)
def test_resolve(home: Path, text: str, id: str) -> None:
    assert Catalogue(home).resolve(text).id == id


def test_of_the_same_name_the_newest_is_meant(home: Path) -> None:
    again = Recorded(home, "20231120-000000-aaaa", name="gan", created=T0 + 5000)
    assert Catalogue(home).resolve("gan").id == again.id


def test_an_id_comes_before_a_name_and_a_name_before_a_prefix(home: Path) -> None:
    Recorded(home, "20240101-000000-aaaa", name=OLD, created=T0 + 9000)
    assert Catalogue(home).resolve(OLD).id == OLD
    named = Recorded(home, "20250101-000000-aaaa", name="2023", created=T0)
    assert Catalogue(home).resolve("2023").id == named.id


def test_an_ambiguous_prefix_names_the_candidates(home: Path) -> None:
    with pytest.raises(AmbiguousRun) as caught:
        Catalogue(home).resolve("2023111")
    assert OLD in str(caught.value)
    assert NEW in str(caught.value)


@pytest.mark.parametrize("text", ["nonsense", "2099", "a/b", OLD + "x"])
def test_nothing_of_that_name(home: Path, text: str) -> None:
    with pytest.raises(NoSuchRun, match="lrmonitor list"):
        Catalogue(home).resolve(text)


@pytest.mark.parametrize("text", ["", "  "])
def test_no_name_at_all(home: Path, text: str) -> None:
    with pytest.raises(NoSuchRun, match="give an id"):
        Catalogue(home).resolve(text)


def test_folders(home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    elsewhere = Recorded(tmp_path / "copies", "20220101-000000-copy")
    catalogue = Catalogue(home)
    assert catalogue.resolve(str(elsewhere.folder)).id == elsewhere.id
    monkeypatch.chdir(elsewhere.folder)
    assert catalogue.resolve(".").folder == elsewhere.folder
    monkeypatch.chdir(elsewhere.folder.parent)
    assert catalogue.resolve(f"{elsewhere.id}/").id == elsewhere.id
    assert catalogue.resolve(elsewhere.id).id == elsewhere.id
    # A folder of the working directory that is no run does not hide what a prefix means.
    (elsewhere.folder.parent / "20231114").mkdir()
    assert catalogue.resolve("20231114").id == OLD
    with pytest.raises(NoSuchRun, match=r"is not a run: it has no run\.json"):
        catalogue.resolve(str(tmp_path))


def test_odd_fields_do_not_break_the_list(home: Path) -> None:
    odd = Recorded(home, "20231117-000000-odd0", name=None, kind=None, created="yesterday")
    entry = next(r for r in Catalogue(home).runs() if r.id == odd.id)
    assert (entry.name, entry.kind) == (odd.id, "launched")
    assert entry.created > T0
