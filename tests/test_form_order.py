"""The order of validation, as docs/forms.md describes it: recorded call by call.

Nothing here has an application, a database or a cache: a form knows none of them.
"""

from collections.abc import Callable
from datetime import date, timedelta
from typing import Any

import pytest
from flask import has_app_context
from werkzeug.datastructures import MultiDict
from wtforms import DateField, Field, IntegerField, SelectMultipleField, StringField
from wtforms.validators import DataRequired, EqualTo, InputRequired, Optional, StopValidation, ValidationError

from forms import BaseForm, FieldError, all_errors, choices, together
from validators import IntegerRange


@pytest.fixture(autouse=True)
def _no_application() -> None:
    """Make sure that no test of this file leans on an application that another one left behind."""
    assert not has_app_context()


class Recorded(StringField):
    """A text field that writes down when WTForms' own two hooks are called."""

    def pre_validate(self, form: Any) -> None:
        """Write it down; refuse what is said to be refused here."""
        form.calls.append(f"{self.name}: pre_validate")
        refuse(self, "pre_validate")

    def post_validate(self, form: Any, validation_stopped: bool) -> None:
        """Write it down, and whether the field had been stopped."""
        form.calls.append(f"{self.name}: post_validate" + (" (stopped)" if validation_stopped else ""))
        refuse(self, "post_validate")


def refuse(field: Field, step: str) -> None:
    """Refuse the field at this step, if its text says so: "error at b" or "stop at b"."""
    if field.data == f"error at {step}":
        raise ValidationError(f"error at {step}")
    if field.data == f"stop at {step}":
        raise StopValidation(f"stop at {step}")


def validator(step: str) -> Callable[[Any, Field], None]:
    """Return a validator that writes down when it is called."""

    def validate(form: Any, field: Field) -> None:
        form.calls.append(f"{field.name}: {step}")
        refuse(field, step)

    return validate


FILTERED: list[str] = []


def filtering(step: str) -> Callable[[str | None], str | None]:
    """Return a filter that writes down when it is called; there is no form yet to write it into."""

    def change(value: str | None) -> str | None:
        FILTERED.append(step)
        return value.strip() if value else value

    return change


class RecordedForm(BaseForm):
    """Two fields with everything that can be called, and the checks of both."""

    one = Recorded(validators=[validator("a"), validator("b")], filters=[filtering("one: filter")])
    two = Recorded(validators=[validator("a"), validator("b")], filters=[filtering("two: filter")])

    def __init__(self, sent: Any = None, **kwargs: Any) -> None:
        """Begin to write down."""
        self.calls: list[str] = []
        FILTERED.clear()
        super().__init__(sent, **kwargs)
        self.calls += FILTERED

    def validate_one(self, field: Field) -> None:
        """Be the form's own hook of the field."""
        validator("validate_one")(self, field)

    def validate_two(self, field: Field) -> None:
        """Be the form's own hook of the field."""
        validator("validate_two")(self, field)

    @together("two", "one")
    def _z_of_both(self, two: str, one: str) -> None:
        """Be a check whose name comes last in the alphabet and first in the form."""
        self.calls.append(f"together: {two}, {one}")

    @together("two")
    def _a_of_one(self, two: str) -> None:
        """Be a check of a single field."""
        self.calls.append(f"together: {two}")


def recorded(one: str, two: str = "fine") -> RecordedForm:
    """Return a validated form."""
    form = RecordedForm(MultiDict({"one": one, "two": two}))
    form.validate()
    return form


OF_TWO = ["two: pre_validate", "two: a", "two: b", "two: validate_two", "two: post_validate"]


def test_filters_then_field_by_field_then_the_checks_of_several() -> None:
    form = recorded(" good ")
    assert form.calls == [
        "one: filter",
        "two: filter",
        *("one: pre_validate", "one: a", "one: b", "one: validate_one", "one: post_validate"),
        *OF_TWO,
        "together: fine, good",
        "together: fine",
    ]
    assert all_errors(form) == {}


def test_filters_run_when_the_form_is_made_and_only_then() -> None:
    form = RecordedForm(MultiDict({"one": " good ", "two": "fine"}))
    assert (form.calls, form.one.data) == (["one: filter", "two: filter"], "good")
    form.validate()
    assert form.calls.count("one: filter") == 1


@pytest.mark.parametrize("step", ["pre_validate", "a", "b", "validate_one", "post_validate"])
def test_an_error_adds_a_sentence_and_the_field_goes_on(step: str) -> None:
    form = recorded(f"error at {step}")
    assert form.calls == [
        "one: filter",
        "two: filter",
        *("one: pre_validate", "one: a", "one: b", "one: validate_one", "one: post_validate"),
        *OF_TWO,
        "together: fine",
    ]
    assert all_errors(form) == {"one": [f"error at {step}"]}


@pytest.mark.parametrize(
    ("step", "called"),
    [
        ("pre_validate", ["one: pre_validate"]),
        ("a", ["one: pre_validate", "one: a"]),
        ("b", ["one: pre_validate", "one: a", "one: b"]),
        ("validate_one", ["one: pre_validate", "one: a", "one: b", "one: validate_one"]),
    ],
)
def test_a_stop_ends_its_field_and_no_other(step: str, called: list[str]) -> None:
    form = recorded(f"stop at {step}")
    ended = [*called, "one: post_validate (stopped)"]
    assert form.calls == ["one: filter", "two: filter", *ended, *OF_TWO, "together: fine"]
    assert all_errors(form) == {"one": [f"stop at {step}"]}


def test_the_errors_of_a_field_are_in_the_order_of_its_validators() -> None:
    class Strict(BaseForm):
        name = StringField(validators=[InputRequired("never"), says("first"), says("second")])

        def validate_name(self, _: Field) -> None:
            raise ValidationError("third")

    form = Strict(MultiDict({"name": "x"}))
    assert not form.validate()
    assert all_errors(form) == {"name": ["first", "second", "third"]}


def says(sentence: str) -> Callable[[Any, Field], None]:
    """Return a validator that always complains."""

    def validate(_: Any, __: Field) -> None:
        raise ValidationError(sentence)

    return validate


class Span(BaseForm):
    """The form of the worked example in docs/forms.md, with a record of what its checks saw."""

    first_day = DateField(validators=[InputRequired("Fill this in.")])
    last_day = DateField(validators=[InputRequired("Fill this in.")])
    guests = IntegerField(validators=[InputRequired("Fill this in."), IntegerRange(1, 4)])

    def __init__(self, sent: Any = None, **kwargs: Any) -> None:
        """Begin to write down."""
        self.seen: list[tuple[Any, ...]] = []
        super().__init__(sent, **kwargs)

    def validate_guests(self, field: Field) -> None:
        """Refuse one number among those that the validators took."""
        if field.data == 3:
            raise ValidationError("There is no room for three.")

    @together("first_day", "last_day")
    def _check_span(self, first_day: date, last_day: date) -> dict[str, Any]:
        """Check two days, and change one of them."""
        self.seen.append((first_day, last_day))
        if last_day < first_day:
            raise FieldError("last_day", "This is before the first day.")
        if (last_day - first_day).days > 14:
            raise ValidationError("Two weeks at most.")
        return {"last_day": last_day + timedelta(days=1)}

    @together("last_day", "guests")
    def _check_party(self, last_day: date, guests: int) -> None:
        """Check a day that the check before may have changed."""
        self.seen.append((last_day, guests))


def booked(first_day: str = "2026-05-01", last_day: str = "2026-05-03", guests: str = "2") -> Span:
    """Return a validated form."""
    form = Span(MultiDict({"first_day": first_day, "last_day": last_day, "guests": guests}))
    form.validate()
    return form


def test_a_check_gets_clean_data_and_the_next_one_what_it_made_of_them() -> None:
    form = booked()
    assert form.seen == [(date(2026, 5, 1), date(2026, 5, 3)), (date(2026, 5, 4), 2)]
    assert (form.last_day.data, form.data["last_day"]) == (date(2026, 5, 4), date(2026, 5, 4))


@pytest.mark.parametrize(
    ("sent", "failed", "seen"),
    [
        ({"first_day": ""}, ["first_day"], [(date(2026, 5, 3), 2)]),
        ({"first_day": "soon"}, ["first_day"], [(date(2026, 5, 3), 2)]),
        ({"last_day": "2026-02-30"}, ["last_day"], []),
        ({"guests": "many"}, ["guests"], [(date(2026, 5, 1), date(2026, 5, 3))]),
        ({"guests": "9"}, ["guests"], [(date(2026, 5, 1), date(2026, 5, 3))]),
        ({"guests": "3"}, ["guests"], [(date(2026, 5, 1), date(2026, 5, 3))]),
        ({"first_day": "x", "last_day": "x", "guests": "x"}, ["first_day", "last_day", "guests"], []),
    ],
    ids=str,
)
def test_a_field_that_failed_reaches_no_check(
    sent: dict[str, str], failed: list[str], seen: list[tuple[Any, ...]]
) -> None:
    form = booked(**sent)
    assert list(all_errors(form)) == failed
    assert form.seen == seen


def test_the_complaint_of_a_check_stands_at_the_field_that_it_names_and_that_field_has_failed() -> None:
    form = booked(last_day="2026-04-30")
    assert all_errors(form) == {"last_day": ["This is before the first day."]}
    assert len(form.seen) == 1, "the second check saw a field that the first one refused"


def test_the_complaint_of_a_check_without_a_field_stands_above_the_form_and_is_told_first() -> None:
    form = booked(last_day="2026-06-30", guests="3")
    assert list(all_errors(form).items()) == [
        ("", ["Two weeks at most."]),
        ("guests", ["There is no room for three."]),
    ]
    # cms/answers.py tells the first sentence of the first entry as `message`; test_profile.py sees that over HTTP.
    assert form.last_day.data == date(2026, 6, 30), "a check that complained has changed the data"


def test_what_is_wrong_is_told_in_the_order_of_the_form() -> None:
    form = booked(first_day="x", last_day="x", guests="9")
    assert list(all_errors(form)) == ["first_day", "last_day", "guests"]


def test_the_checks_of_a_base_class_come_first_each_in_the_order_in_which_it_is_written() -> None:
    calls: list[str] = []

    class Base(BaseForm):
        name = StringField()

        @together("name")
        def _second_in_the_alphabet(self, name: str) -> None:
            calls.append("base, one")

        @together("name")
        def _first(self, name: str) -> None:
            calls.append("base, two")

    class Derived(Base):
        @together("name")
        def _a(self, name: str) -> None:
            calls.append("derived")

    assert Derived(MultiDict({"name": "x"})).validate()
    assert calls == ["base, one", "base, two", "derived"]


def test_a_check_that_a_derived_form_writes_anew_takes_the_place_of_the_older_one() -> None:
    calls: list[str] = []

    class Base(BaseForm):
        name = StringField()

        @together("name")
        def _check_name(self, name: str) -> None:
            calls.append("base")

        @together("name")
        def _then(self, name: str) -> None:
            calls.append("then")

    class Derived(Base):
        @together("name")
        def _check_name(self, name: str) -> None:
            calls.append("derived")

    class Silent(Base):
        _check_name = None

    assert Derived(MultiDict({"name": "x"})).validate()
    assert Silent(MultiDict({"name": "x"})).validate()
    assert calls == ["derived", "then", "then"]


def test_a_form_that_is_validated_twice_has_the_same_errors_twice() -> None:
    form = booked(last_day="2026-06-30", guests="3")
    before = all_errors(form)
    assert not form.validate()
    assert all_errors(form) == before


def test_an_extra_validator_comes_after_those_of_the_field_and_before_that_of_the_form() -> None:
    form = RecordedForm(MultiDict({"one": "good", "two": "fine"}))
    form.validate({"one": [validator("from outside")]})
    assert form.calls[2:8] == [
        "one: pre_validate",
        "one: a",
        "one: b",
        "one: from outside",
        "one: validate_one",
        "one: post_validate",
    ]


def test_a_view_can_add_errors_to_a_form() -> None:
    form = booked()
    form.add_error("guests", "Somebody was quicker.")
    form.add_error("", "Come back tomorrow.")
    assert all_errors(form) == {"": ["Come back tomorrow."], "guests": ["Somebody was quicker."]}


class Several(BaseForm):
    """A field that takes one value, one that takes several, and a check of both."""

    name = StringField(validators=[Optional()])
    repetition = StringField(validators=[EqualTo("name", "They differ.")])
    tags = SelectMultipleField(choices=choices({"a": "A", "b": "B"}))

    @together("name", "tags")
    def _never_of_a_failed_one(self, name: str, tags: list[str]) -> None:
        """Do what raises for None."""
        name.lower()
        sorted(tags)


def test_a_field_that_is_sent_twice_is_refused_whatever_it_holds_and_reaches_no_check() -> None:
    form = Several(MultiDict([("name", "x"), ("name", "x"), ("repetition", "x")]))
    assert not form.validate()
    assert all_errors(form) == {"name": ["This field was submitted more than once."]}


def test_a_field_of_several_choices_may_be_sent_several_times() -> None:
    form = Several(MultiDict([("name", "x"), ("repetition", "x"), ("tags", "a"), ("tags", "b")]))
    assert form.validate(), all_errors(form)
    assert form.tags.data == ["a", "b"]


@pytest.mark.parametrize(
    "sent", [{}, {"name": ""}, {"repetition": "x"}, {"name": "x", "tags": "c"}, {"tags": "a"}], ids=str
)
def test_no_check_ever_receives_the_none_of_a_field_that_failed(sent: dict[str, str]) -> None:
    class Careless(BaseForm):
        name = StringField(validators=[DataRequired("Fill this in.")])
        number = IntegerField(validators=[InputRequired("Fill this in."), IntegerRange(1, 9)])

        @together("name", "number")
        def _would_raise(self, name: str, number: int) -> None:
            name.lower()
            number.bit_length()

    form = Careless(MultiDict({**sent, "number": "none"}))
    assert not form.validate()
    assert "number" in all_errors(form)


def test_an_empty_form_for_a_page_is_no_complaint() -> None:
    assert all_errors(Span()) == {}
    assert all_errors(Several()) == {}
