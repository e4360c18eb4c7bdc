"""Faults are put in where they should be, and a suite that lacks a test is found out."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.mutants.__main__ import ROOT, TARGETS, Target, main
from tests.mutants.faults import COMPARED, COUNTED, DELETED, JOINED, mutants
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
    """Docstrings, imports from the future, "pass"."""
    assert list(mutants('"""Text."""\nfrom __future__ import annotations\npass\n')) == []


def test_each_mutant_of_the_gates_is_a_source_of_its_own_that_can_be_compiled() -> None:
    """One that cannot be would be killed by any suite."""
    sources = [mutant.source for mutant in mutants((ROOT / TARGETS["gates"].module).read_text())]

    for source in sources:
        compile(source, "gates.py", "exec")
    assert len(sources) > 100
    assert len(set(sources)) == len(sources)


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
    assert made.deleted == 1


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


def test_the_status_tells_where_something_can_be_deleted_that_must_not(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Only of modules whose tests must notice that; a module without tests is passed over."""
    tree(tmp_path, ENTERS, TOO_YOUNG)
    toy, absent = Target("common/toy.py", TESTS), Target("common/toy.py", ("tests/test_absent.py",), strict=True)

    assert main([], tmp_path, {"toy": toy, "absent": absent}) == 0
    assert main(["toy"], tmp_path, {"toy": toy._replace(strict=True)}) == 1
    said = capsys.readouterr().out
    assert "common/toy.py: skipped, there is no tests/test_absent.py" in said
    assert "common/toy.py:8: deleted survived: invited" in said
