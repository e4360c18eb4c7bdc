"""Faults are put in where they should be, and a suite that lacks a test is found out."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.mutants.__main__ import ROOT, TARGETS, Target, main
from tests.mutants.faults import COMPARED, COUNTED, DELETED, JOINED, TUNING, mutants
from tests.mutants.listed import find_stale
from tests.mutants.table import DOCUMENT
from tests.mutants.trial import Score, Trial, TrialError

TOY = '''"""A module with a rule in it."""

from __future__ import annotations


def may_enter(age: int, *, invited: bool) -> bool:
    """Whether it may."""
    return invited and age > 17
'''
ENTERS = "def test_enters():\n    assert may_enter(18, invited=True)\n"
TOO_YOUNG = "def test_too_young():\n    assert not may_enter(17, invited=True)\n"
NOT_INVITED = "def test_not_invited():\n    assert not may_enter(18, invited=False)\n"
TESTS = ("tests/test_toy.py",)


def faults(source: str, kind: str) -> list[str]:
    """The faults of one kind in a source, as they are told."""
    return [mutant.text for mutant in mutants(source) if mutant.kind == kind]


def tree(root: Path, *tests: str, module: str = TOY) -> Path:
    """A tree with the module and these tests."""
    for folder in ("common", "tests"):
        (root / folder).mkdir()
        (root / folder / "__init__.py").touch()
    (root / "common/toy.py").write_text(module)
    (root / "tests/test_toy.py").write_text("from common.toy import may_enter\n\n\n" + "\n\n".join(tests))
    return root


def score(root: Path, patience: float = 10.0) -> Score:
    """What the tests of the tree are worth."""
    with Trial(root, patience) as trial:
        return trial.score("common/toy.py", TESTS)


def test_every_statement_operand_and_filter_is_deleted_once() -> None:
    """Statements that hold others too."""
    source = "x = a and b\nif x:\n    y = [n for n in z if n]\nelse:\n    y = 1\n"

    assert faults(source, DELETED) == [
        "x = a and b",
        "a",
        "b",
        "if x:",
        "y = [n for n in z if n]",
        "n",
        "y = 1",
    ]


def test_comparisons_lose_their_boundary_and_turn_into_their_opposite() -> None:
    """One at a time, in chains as well; "is" and "in" have no boundary."""
    assert faults("a < b", COMPARED) == ["a < b  ->  a <= b", "a < b  ->  a >= b"]
    assert faults("0 <= a is b", COMPARED) == [
        "0 <= a is b  ->  0 < a is b",
        "0 <= a is b  ->  0 > a is b",
        "0 <= a is b  ->  0 <= a is not b",
    ]
    assert faults("a in b", COMPARED) == ["a in b  ->  a not in b"]


def test_and_and_or_are_swapped() -> None:
    """With all their operands."""
    assert faults("a and b or c", JOINED) == ["a and b  ->  a or b", "a and b or c  ->  (a and b) and c"]


def test_numbers_are_one_off_each_way() -> None:
    """Not truth values, texts and annotations."""
    assert faults("x: int = 2\nf(0.5, True, 'a')\ny: Literal[1]", COUNTED) == [
        "x: int = 2  ->  x: int = 3",
        "x: int = 2  ->  x: int = 1",
        "f(0.5, True, 'a')  ->  f(1.5, True, 'a')",
        "f(0.5, True, 'a')  ->  f(-0.5, True, 'a')",
    ]


def test_what_is_not_run_is_left_alone() -> None:
    """Docstrings, "pass", imports, what only a type checker looks at."""
    source = '"""Text."""\nimport a\nfrom b import c\npass\nif TYPE_CHECKING:\n    x = 1\nclass P(Protocol):\n    y = 2\n'

    assert list(mutants(source)) == []


def test_a_constant_of_ten_or_more_that_is_one_off_is_tuning() -> None:
    """One of the module only; a smaller one, one of a function, or something deleted is a fault like others."""
    source = "MOST, _LEAST = 10, 9\nWAIT: float = 60.0\nstart = 10\ndef f():\n    AT = 10\n"

    assert faults(source, TUNING) == [
        "(10, 9)  ->  (11, 9)",
        "(10, 9)  ->  (9, 9)",
        "WAIT: float = 60.0  ->  WAIT: float = 61.0",
        "WAIT: float = 60.0  ->  WAIT: float = 59.0",
    ]
    assert len(faults(source, COUNTED)) == 6
    assert "WAIT: float = 60.0" in faults(source, DELETED)


def test_a_name_tells_a_mutant_from_all_others_without_its_line() -> None:
    """By the function it is in, and by a number where two are alike."""
    methods = ("def f(self):\n        return x", "def g(self):\n        if y:\n            return x\n        return x")
    source = "".join(f"    {method}\n" for method in methods)

    assert [mutant.name for mutant in mutants(f"class A:\n{source}") if mutant.text == "return x"] == [
        "A.f: return x",
        "A.g: return x",
        "A.g: return x (2)",
    ]


def test_each_mutant_of_the_gates_is_a_source_and_a_name_of_its_own_that_can_be_compiled() -> None:
    """One that cannot be would be killed by any suite."""
    found = list(mutants((ROOT / "common/core/verdict/gates.py").read_text()))

    for mutant in found:
        compile(mutant.source, "gates.py", "exec")
    assert len({mutant.source for mutant in found}) == len({mutant.name for mutant in found}) == len(found) > 100


@pytest.mark.parametrize("target", TARGETS, ids=lambda target: target.module)
def test_what_a_module_is_tried_against_drives_no_simulated_world(target: Target) -> None:
    """Each of its mutants would take seconds."""
    for path in target.tests:
        assert "tests.sim" not in (ROOT / path).read_text()


def test_a_suite_that_tests_every_line_lets_no_mutant_survive(tmp_path: Path) -> None:
    """And the tree is as it was."""
    made = score(tree(tmp_path, ENTERS, TOO_YOUNG, NOT_INVITED))

    assert made.survivors == ()
    assert made.killed == 9
    assert (tmp_path / "common/toy.py").read_text() == TOY
    assert not (tmp_path / "common/__pycache__").exists()


def test_a_test_taken_away_is_found_out(tmp_path: Path) -> None:
    """By the line that may be deleted since then."""
    made = score(tree(tmp_path, ENTERS, TOO_YOUNG))

    assert [(mutant.line, mutant.text) for mutant in made.survivors if mutant.kind == DELETED] == [(8, "invited")]


def test_a_fault_that_makes_a_loop_endless_is_noticed_by_the_clock(tmp_path: Path) -> None:
    """It is not waited for much longer than the suite takes without it."""
    loop = "def may_enter(age, *, invited):\n    while True:\n        return invited\n"
    made = score(tree(tmp_path, ENTERS, module=loop), patience=2.0)

    assert made.late == 1
    assert made.killed == 2


def test_a_suite_that_fails_without_a_fault_says_nothing(tmp_path: Path) -> None:
    """What it killed would not be told from what it broke."""
    with pytest.raises(TrialError, match="without a fault its tests are failed"):
        score(tree(tmp_path, ENTERS.replace("18", "17")))


def test_a_suite_about_another_module_says_nothing(tmp_path: Path) -> None:
    """It would let every mutant survive, and one from outside the copy as well."""
    tree(tmp_path, ENTERS)
    (tmp_path / "tests/test_toy.py").write_text("def test_nothing():\n    pass\n")

    with pytest.raises(TrialError, match="did not load it from the copy"):
        score(tmp_path)


INVITED = "may_enter: invited"


def listing(root: Path, *names: str) -> None:
    """List mutants of the module beside the tool."""
    (root / "tests/mutants").mkdir()
    (root / "tests/mutants/listed.toml").write_text(f'["common/toy.py"]\n"All are invited." = {list(names)}\n')


def test_the_status_tells_whether_a_strict_module_has_a_mutant_that_survives(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Of another module it is only told."""
    tree(tmp_path, ENTERS, TOO_YOUNG)
    toy = Target("common/toy.py", TESTS)

    assert main(["toy"], tmp_path, [toy]) == 1
    assert main(["common"], tmp_path, [toy._replace(strict=False)]) == 0
    said = capsys.readouterr().out
    assert said.count(f"common/toy.py:8: deleted survived: {INVITED}\n") == 2
    assert said.count("[1/1] common/toy.py: 9 mutants\n") == 2


def test_what_is_listed_is_left_out_and_told_with_its_reason(tmp_path: Path) -> None:
    """In the document, where all that survives is excused."""
    tree(tmp_path, ENTERS, TOO_YOUNG)
    (tmp_path / DOCUMENT).parent.mkdir()
    listing(tmp_path, INVITED)

    assert main(["--write"], tmp_path, [Target("common/toy.py", TESTS)]) == 0
    written = (tmp_path / DOCUMENT).read_text()
    assert "| `common/toy.py` | 9 | 8 | 0 | 0 | 1 | 0 |\n" in written
    assert f"## `common/toy.py`\n\n- All are invited.\n  - `{INVITED}`\n" in written


def test_what_is_listed_and_killed_fails_the_run(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """It needs no excuse any more."""
    tree(tmp_path, ENTERS, TOO_YOUNG, NOT_INVITED)
    listing(tmp_path, INVITED)

    assert main([], tmp_path, [Target("common/toy.py", TESTS)]) == 1
    assert f"common/toy.py: listed, and the tests kill it: {INVITED!r}\n" in capsys.readouterr().out


def test_what_is_listed_and_not_there_is_told_with_what_is_like_it(tmp_path: Path) -> None:
    """Of the modules that are tried; and a module that no target has."""
    tree(tmp_path)
    listed = {"common/toy.py": {INVITED: "", "may_enter: invite": ""}, "common/gone.py": {"x": ""}}
    told = list(find_stale(tmp_path, ["common/toy.py"], ["common/toy.py"], listed))

    assert told == [
        "common/gone.py is listed and has no target",
        f"common/toy.py: listed, and there is no such mutant: 'may_enter: invite'; is it {INVITED!r}?",
    ]
    assert list(find_stale(tmp_path, [], ["common/toy.py", "common/gone.py"], listed)) == []


@pytest.mark.parametrize("arguments", [["unknown"], ["toy", "--write"]])
def test_a_wrong_command_line_is_refused(tmp_path: Path, arguments: list[str]) -> None:
    """A target that does not exist, and a document about some targets only."""
    with pytest.raises(SystemExit):
        main(arguments, tmp_path, [Target("common/toy.py", TESTS)])
