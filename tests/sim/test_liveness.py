"""A name that is free to register is told in time and nothing else is, whatever single channel is dead."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import Phase as Stage
from hypothesis import given, settings
from hypothesis import strategies as st

from common.core.builtin.suffix_rules import rules_for
from common.core.model.evidence import Observation, Phase
from tests.sim.cases import GAP, Case, case_of
from tests.sim.dead_channels import KINDS, Dead
from tests.sim.liveness import run, world_of
from tests.sim.lives import Hold, Life
from tests.sim.oracle import JITTER, SLACK, Facts, bound_of, sinks, wrong
from tests.sim.registry_world import Lie, RegistryWorld
from tests.sim.suffix_models import DAY, SuffixModel, every_model, model_of
from tests.sim.world import START

#: Drives a simulated world.
pytestmark = pytest.mark.simulation

HOUR = 3600.0
#: Seeds run here; `python -m tests.sim` runs as many as one likes.
SEEDS = 48
SHAPES = {
    "rdap and whois": SuffixModel("com"),
    "rdap alone": SuffixModel("com", whois=False),
    "whois alone": SuffixModel("com", rdap=False),
}
PURGE = START + 2 * HOUR
#: The ends of names of the calendar, a day and a week before the purge.
ENDS: dict[str, list[tuple[float, Phase | None]]] = {
    "pending delete": [(0.0, Phase.ACTIVE), (PURGE - 5 * DAY, Phase.PENDING_DELETE), (PURGE, None)],
    "redemption": [(0.0, Phase.ACTIVE), (PURGE - 30 * DAY, Phase.REDEMPTION), (PURGE, None)],
    "no warning": [(0.0, Phase.ACTIVE), (PURGE, None)],
}


#: Registries for which cadences are compared, with what is dead there.
CADENCED = [
    *((shape, None) for shape in SHAPES),
    ("rdap and whois", Dead("rdap", "refused")),
    ("rdap and whois", Dead("whois", "refused")),
]


def case(shape: str = "rdap and whois", way: str = "pending delete", step: float = 60.0, dead: Dead | None = None) -> Case:
    """One plain drop."""
    life = Life(list(ENDS[way]), expires=PURGE + 200 * DAY)
    facts = Facts(SHAPES[shape], life, START, step, GAP, dead=dead, purge=PURGE)
    return Case(1, way, "gone.com", facts, PURGE + 3 * HOUR, step, priority=False)


def dead_channels() -> list[tuple[str, str, str, str]]:
    """(shape, method, kind, when) of every single channel that may die: the only one of a registry for a while."""
    found = []
    for shape, model in SHAPES.items():
        for method in (*model.registry, "dns"):
            whens = ("for a while",) if model.registry == (method,) else ("always", "at the drop")
            found += [(shape, method, kind, when) for kind in KINDS[method] for when in whens]
    return found


@pytest.mark.parametrize("seed", range(SEEDS))
def test_a_history_is_told_in_time_and_truthfully(seed: int) -> None:
    """Of any registry, with any channel dead and at any cadence: what can be registered is told, what cannot is not."""
    row = run(case_of(seed))

    assert not row.violations, "\n".join(row.story)


@pytest.mark.parametrize(("shape", "method", "kind", "when"), dead_channels())
def test_no_single_dead_channel_keeps_a_drop_from_being_told(shape: str, method: str, kind: str, when: str) -> None:
    """A channel that was always dead, dies with the name, or is the only one and comes back: the drop is told in its bound."""
    spans = {"always": (0.0, float("inf")), "at the drop": (PURGE, float("inf")), "for a while": (PURGE - 600, PURGE + 600)}
    row = run(case(shape, dead=Dead(method, kind, *spans[when])))

    assert not row.violations, "\n".join(row.story)


@settings(max_examples=12, deadline=None, derandomize=True, phases=[Stage.generate])
@given(
    st.sampled_from(
        [*((shape, None) for shape in SHAPES), *(("rdap and whois", Dead(m, "refused")) for m in ("rdap", "whois"))]
    ),
    st.sampled_from(sorted(ENDS)),
    st.lists(st.sampled_from([30.0, 60.0, 150.0, 300.0, 600.0, 1200.0, 3600.0]), min_size=2, max_size=2, unique=True),
)
def test_asking_more_often_reaches_a_verdict_at_least_as_soon(
    channels: tuple[str, Dead | None], way: str, steps: list[float]
) -> None:
    """Between two cadences the quicker one tells first, but for the luck of one polling step of its own."""
    shape, dead = channels
    quick, slow = (run(case(shape, way, step, dead)) for step in sorted(steps))

    assert slow.ending != "missed"
    assert quick.ending != "missed"
    assert quick.delay <= slow.delay + min(steps) * JITTER + SLACK


def world_that_shows_the_old_record(planted: Case, until: float) -> RegistryWorld:
    """A world in which every server knows the name as it was before the purge, which the oracle does not know."""
    world = world_of(planted)

    def old(method: str, domain: str, now: float) -> Observation | None:
        if domain != planted.domain or now >= until or method == "http":
            return None
        return Observation(method, planted.facts.life.reading(method, min(now, PURGE - 1)), server=f"{method}.com.test")

    world.lie = old
    return world


def test_the_oracle_sees_a_drop_that_is_never_told() -> None:
    """A registry that goes on showing the old record for ever: the name is missed, and its time line says why."""
    planted = case()
    row = run(planted, world_that_shows_the_old_record(planted, float("inf")))

    assert row.ending == "missed"
    assert any("the registry: no object" in line for line in row.story)


def test_the_oracle_sees_a_false_alarm() -> None:
    """Every server denies one registered name, canaries aside: that alarm is false."""
    planted = case("rdap and whois", "pending delete")
    planted.facts.life.changes.pop()
    planted.lies += [Lie(method, "com", planted.domain, PURGE, PURGE + 2 * HOUR) for method in ("rdap", "whois")]

    row = run(planted)

    assert row.ending == "false"
    assert row.violations[0].startswith("false: 'available'")


def test_the_oracle_sees_an_alarm_that_comes_late() -> None:
    """A registry that shows the old record until the bound is over."""
    planted = case(step=30.0)
    bound = bound_of(planted.facts)
    assert bound is not None

    assert run(planted, world_that_shows_the_old_record(planted, bound.latest)).ending == "late"


def test_a_true_alarm_that_is_taken_back_is_wrong() -> None:
    """But not where the registry itself shows an old record."""
    facts = case().facts
    told = [(PURGE + 30, "available"), (PURGE + 90, "retracted")]
    assert wrong(facts, told, 130.0) == ["'retracted' at +90 s: the alarm was true"]

    facts.life.stale = ("rdap", PURGE + 60, PURGE + 80)
    assert wrong(facts, told, 130.0) == []


@pytest.mark.parametrize(
    ("life", "why"),
    [
        (Life([(0.0, Phase.ACTIVE)]), "it is registered (active)"),
        (Life([(0.0, None)], reserved=True), "it is reserved"),
        (Life([(0.0, Phase.ACTIVE), (PURGE, None)], hold=Hold(PURGE, PURGE + 600)), "its release procedure goes on for 500 s"),
    ],
)
def test_available_is_wrong_about_a_name_that_cannot_be_registered(life: Life, why: str) -> None:
    """Registered, reserved, or in a release procedure."""
    facts = replace(case().facts, life=life)

    assert wrong(facts, [(PURGE + 100, "available")], 130.0) == [f"'available' at +100 s: {why}"]


def test_unregistered_is_wrong_about_a_registered_name_alone() -> None:
    """A reservation or a release procedure is not excluded by that word."""
    held, reserved = Life([(0.0, Phase.UNDELEGATED)]), Life([(0.0, None)], reserved=True)
    lies = [wrong(replace(case().facts, life=life), [(PURGE, "unregistered")], 130.0) for life in (held, reserved)]

    assert [len(lie) for lie in lies] == [1, 0]


def test_a_confidence_that_sinks_is_seen() -> None:
    """From what it was at the alarm to the least that followed."""
    assert sinks([(0.0, 0.99), (60.0, 0.991), (900.0, 0.68)]) == "confidence 0.9900 sank to 0.6800 in 900 s"
    assert not sinks([(0.0, 0.99), (60.0, 0.989)])


def test_nothing_has_to_be_told_of_a_registry_that_cannot_be_asked() -> None:
    """Its only channel is dead for good, or the name never gets free."""
    forever = case("whois alone", dead=Dead("whois", "refused")).facts

    assert bound_of(forever) is None
    assert bound_of(replace(case().facts, life=Life([(0.0, Phase.ACTIVE)]))) is None


def test_the_bound_is_tighter_where_every_channel_is_alive() -> None:
    """A dead channel costs two looks and the ten minutes of repetition."""
    whole, halved = bound_of(case().facts), bound_of(case(dead=Dead("whois", "refused")).facts)

    assert whole is not None
    assert halved is not None
    assert whole.seconds < 300 < halved.seconds < 900


def test_every_release_procedure_of_the_product_has_an_end_here() -> None:
    """So that the oracle can say by when a name in it has to be told."""
    models = {model.suffix: model for model in every_model()}

    assert {"cz", "ee", "br", "tr", "nz", "ca", "dk", "io"} <= {name for name, model in models.items() if model.procedure()}
    assert not [name for name, model in models.items() if rules_for(name).release and not model.procedure()]


def test_a_seed_is_one_history() -> None:
    """The same seed gives the same case and the same end."""
    first, second = run(case_of(7)), run(case_of(7))

    assert str(case_of(7)) == str(case_of(7))
    assert (first.ending, first.delay, first.violations) == (second.ending, second.delay, second.violations)


def test_the_seeds_meet_every_kind_of_trouble_and_every_way() -> None:
    """Three hundred of them leave none out."""
    cases = [case_of(seed) for seed in range(300)]
    kinds = {f"{method} {kind}" for method, all_of in KINDS.items() for kind in all_of}

    assert kinds | {"all alive"} == {case.trouble for case in cases}
    assert {"br", "cz", "ee", "tr"} <= {case.facts.model.suffix.rpartition(".")[2] for case in cases if case.facts.life.hold}
    assert {case.facts.real for case in cases} == {True, False}
    assert model_of("com").registry == ("rdap", "whois")
