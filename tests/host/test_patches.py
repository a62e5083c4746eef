"""The patch table: put in all together, taken out exactly."""

from types import SimpleNamespace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from zluda_sync.host.hooks.patch_table import Patch, PatchTable


def build_loud(original, switch):
    """Replace a function by one that says so while its switch is on."""
    return lambda: f"loud {original()}" if switch.is_on else original()


def greet() -> str:
    """Stand for a function of the host."""
    return "hello"


def loud(owner, name="greet") -> Patch:
    return Patch(owner, name, build_loud, "to be loud")


def test_a_patch_is_undone_to_the_same_object():
    """Not a copy, not a wrapper: the original itself."""
    owner, table = SimpleNamespace(greet=greet), PatchTable()
    table.install([loud(owner)])
    assert "loud hello" == owner.greet()
    table.remove_all()
    assert owner.greet is greet
    assert table.is_empty


def test_a_name_that_was_inherited_is_absent_again():
    """Undoing leaves no shadow on the subclass."""

    class Base:
        greet = staticmethod(greet)

    class Sub(Base):
        pass

    table = PatchTable()
    table.install([loud(Sub)])
    assert "greet" in vars(Sub)
    table.remove_all()
    assert "greet" not in vars(Sub)


def test_a_property_comes_back_as_a_property():
    """Reading the class attribute would give the property's value on an instance."""

    class Owner:
        @property
        def value(self):
            return 1

    original, table = vars(Owner)["value"], PatchTable()
    table.install([Patch(Owner, "value", lambda old, switch: property(lambda self: 2), "test")])
    assert 2 == Owner().value
    table.remove_all()
    assert vars(Owner)["value"] is original


def test_an_object_with_slots_can_be_patched():
    """FastAPI keeps a route's function in an object without a namespace."""

    class Route:
        __slots__ = ("greet",)

    owner, table = Route(), PatchTable()
    owner.greet = greet
    table.install([loud(owner)])
    assert "loud hello" == owner.greet()
    table.remove_all()
    assert owner.greet is greet


def test_installing_twice_is_installing_once():
    """A host that restarts in process does not wrap the wrapper."""
    owner, table = SimpleNamespace(greet=greet), PatchTable()
    table.install([loud(owner)])
    table.install([loud(owner)])
    assert "loud hello" == owner.greet()
    table.remove_all()
    assert owner.greet is greet


def test_one_that_fails_takes_all_back():
    """A half-patched host is worse than none."""
    owner, table = SimpleNamespace(greet=greet), PatchTable()
    with pytest.raises(AttributeError):
        table.install([loud(owner), loud(owner, "no_such_name")])
    assert owner.greet is greet
    assert table.is_empty


def test_what_was_installed_before_a_failure_stays():
    """A later addition that fails does not take the earlier ones away."""
    owner, other, table = SimpleNamespace(greet=greet), SimpleNamespace(greet=greet), PatchTable()
    table.install([loud(owner)])
    with pytest.raises(AttributeError):
        table.install([loud(owner), loud(other), loud(other, "no_such_name")])
    assert "loud hello" == owner.greet()
    assert other.greet is greet


def test_a_later_wrapper_of_somebody_else_survives():
    """We cannot leave without taking it away, so ours stays beneath and passes through."""
    owner, table = SimpleNamespace(greet=greet), PatchTable()
    table.install([loud(owner)])
    ours = owner.greet
    owner.greet = lambda: f"<{ours()}>"
    assert "<loud hello>" == owner.greet()
    table.remove_all()
    assert "<hello>" == owner.greet()


def quoted(original):
    """Wrap as an extension does that keeps the original in a closure."""
    return lambda: f"<{original()}>"


def test_ours_comes_back_after_somebody_put_back_what_stood_there_before_us():
    """They wrapped before us, and take their wrapper away while ours is around it."""
    owner, table = SimpleNamespace(greet=quoted(greet)), PatchTable()
    table.install([loud(owner)])
    owner.greet = greet
    table.install([loud(owner)])
    assert "loud hello" == owner.greet()
    table.remove_all()
    assert owner.greet is greet


def test_ours_comes_back_after_somebody_put_back_an_old_one_of_ours():
    """They kept ours, we went and came back, and they put back what they kept, which is out of use."""
    owner, table = SimpleNamespace(greet=greet), PatchTable()
    table.install([loud(owner)])
    kept = owner.greet
    owner.greet = quoted(kept)
    table.remove_all()
    table.install([loud(owner)])
    assert "loud <hello>" == owner.greet()
    owner.greet = kept
    assert "hello" == owner.greet()
    table.install([loud(owner)])
    assert "loud hello" == owner.greet()
    table.remove_all()
    assert owner.greet is greet


def test_a_wrapper_that_leads_to_ours_is_not_wrapped_again():
    """However often a job asks for the patches: one layer of ours."""
    owner, table, built = SimpleNamespace(greet=greet), PatchTable(), []
    patch = Patch(owner, "greet", lambda old, switch: built.append(1) or build_loud(old, switch), "count")
    table.install([patch])
    theirs = owner.greet = quoted(owner.greet)
    for _ in range(5):
        table.install([patch])
    assert owner.greet is theirs
    assert [1] == built


def test_a_wrapper_that_cannot_be_seen_through_is_wrapped_and_nothing_acts_twice():
    """What keeps the original out of sight gets ours around it, and ours beneath it passes through."""
    owner, table = SimpleNamespace(greet=greet), PatchTable()
    table.install([loud(owner)])
    hidden = {"original": owner.greet}
    owner.greet = lambda: f"<{hidden['original']()}>"
    table.install([loud(owner)])
    assert "loud <hello>" == owner.greet()
    table.remove_all()
    assert "<hello>" == owner.greet()


def test_a_pass_through_is_taken_out_when_it_comes_to_light():
    """We went first, they take their wrapper away later: nothing of ours is left."""
    owner, table = SimpleNamespace(greet=greet), PatchTable()
    table.install([loud(owner)])
    kept = owner.greet
    owner.greet = quoted(kept)
    table.remove_all()
    owner.greet = kept
    table.remove_all()
    assert owner.greet is greet


def test_a_pass_through_never_piles_up():
    """Their wrapper and ours come and go in the order that leaves ours beneath, a thousand times."""
    owner, table = SimpleNamespace(greet=greet), PatchTable()
    for _ in range(1000):
        table.install([loud(owner)])
        kept = owner.greet
        owner.greet = quoted(kept)
        table.remove_all()
        owner.greet = kept
    assert "hello" == owner.greet()
    table.install([loud(owner)])
    assert "loud hello" == owner.greet()
    table.remove_all()
    assert owner.greet is greet


@given(st.lists(st.sampled_from(["on", "off", "wrap", "unwrap"]), max_size=14))
def test_whatever_order_others_come_and_go_in_ours_acts_once_or_not_at_all(actions):
    """After each install, ours acts exactly once; after each removal, never."""
    owner, table, kept, is_on = SimpleNamespace(greet=greet), PatchTable(), [], False
    for action in actions:
        if action == "wrap":
            kept.append(owner.greet)
            owner.greet = quoted(kept[-1])
        elif action == "unwrap" and kept:
            owner.greet = kept.pop()
        elif action in ("on", "off"):
            is_on = action == "on"
            table.install([loud(owner)]) if is_on else table.remove_all()
            assert int(is_on) == owner.greet().count("loud")


def test_removing_twice_is_removing_once():
    """Unload callbacks may come twice."""
    owner, table = SimpleNamespace(greet=greet), PatchTable()
    table.install([loud(owner)])
    table.remove_all()
    table.remove_all()
    assert owner.greet is greet


@given(st.lists(st.sampled_from(["install a", "install b", "remove"]), max_size=12))
def test_any_order_ends_as_it_began(actions):
    """Whatever was installed and removed in between, removal restores both names."""
    first, second, table = SimpleNamespace(greet=greet), SimpleNamespace(greet=greet), PatchTable()
    for action in actions:
        if action == "remove":
            table.remove_all()
        else:
            table.install([loud(first if action == "install a" else second)])
    table.remove_all()
    assert first.greet is greet
    assert second.greet is greet
