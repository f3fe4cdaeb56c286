import pytest

from cisgram.core.errors import InputError, UnknownName
from cisgram.core.registry import Registry, unknown


@pytest.fixture
def methods():
    table = Registry("method")

    @table.register(complete=True)
    def occlusion():
        """Change of the output.

        More about it.
        """

    @table.register(name="deep-lift")
    def deep_lift():
        pass

    return table


def test_an_entry_carries_its_function_its_facts_and_its_first_line(methods):
    entry = methods["occlusion"]
    assert entry.fn.__name__ == entry.name == "occlusion"
    assert (entry.facts, entry.summary) == ({"complete": True}, "Change of the output.")
    assert methods["deep-lift"].summary == ""


def test_registering_leaves_the_function_as_it_was():
    table = Registry("method")

    def ism():
        return 3

    assert table.register()(ism) is ism


def test_a_name_that_is_not_there_gets_the_nearest_and_then_the_list(methods):
    with pytest.raises(UnknownName) as caught:
        methods["oclusion"]
    assert str(caught.value) == (
        "No method named 'oclusion'. Did you mean 'occlusion'? Known: deep-lift, occlusion."
    )


def test_nothing_is_proposed_where_nothing_is_near():
    assert str(unknown("model", "zzz", ["b", "a"])) == "No model named 'zzz'. Known: a, b."


def test_a_name_is_given_once(methods):
    with pytest.raises(InputError, match="'occlusion' is registered twice"):
        methods.register(name="occlusion")(len)
    assert methods["occlusion"].fn is not len


def test_it_is_a_mapping_in_the_order_of_registration(methods):
    assert list(methods) == ["occlusion", "deep-lift"]
    assert len(methods) == 2
    assert "occlusion" in methods
    assert "oclusion" not in methods
    assert methods.get("occlusion").name == "occlusion"
