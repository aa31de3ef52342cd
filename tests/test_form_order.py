"""The order of validation (docs/forms.md), recorded call by call.

Forms depend on no application, database or cache, so that these tests have none.
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
    """Check that no context of an application was left by another test."""
    assert not has_app_context()


class RecordingField(StringField):
    """A text field that records the calls of its two hooks."""

    def pre_validate(self, form: Any) -> None:
        """Record the call, and raise the error for this step, if there is one."""
        form.calls.append(f"{self.name}: pre_validate")
        raise_error(self, "pre_validate")

    def post_validate(self, form: Any, validation_stopped: bool) -> None:
        """Record the call and whether validation was stopped, and raise the error for this step, if there is one."""
        form.calls.append(f"{self.name}: post_validate" + (" (stopped)" if validation_stopped else ""))
        raise_error(self, "post_validate")


def raise_error(field: Field, step: str) -> None:
    """Raise an error if the text of the field names this step: "error at b" or "stop at b"."""
    if field.data == f"error at {step}":
        raise ValidationError(f"error at {step}")
    if field.data == f"stop at {step}":
        raise StopValidation(f"stop at {step}")


def create_validator(step: str) -> Callable[[Any, Field], None]:
    """Return a validator that records its calls."""

    def validate(form: Any, field: Field) -> None:
        form.calls.append(f"{field.name}: {step}")
        raise_error(field, step)

    return validate


FILTER_CALLS: list[str] = []


def create_filter(step: str) -> Callable[[str | None], str | None]:
    """Return a filter that records its calls in `FILTER_CALLS`, because there is no form yet."""

    def strip(value: str | None) -> str | None:
        FILTER_CALLS.append(step)
        return value.strip() if value else value

    return strip


class RecordingForm(BaseForm):
    """Two fields with validators, filters and hooks, and checks of one and of both fields."""

    one = RecordingField(
        validators=[create_validator("a"), create_validator("b")], filters=[create_filter("one: filter")]
    )
    two = RecordingField(
        validators=[create_validator("a"), create_validator("b")], filters=[create_filter("two: filter")]
    )

    def __init__(self, sent: Any = None, **kwargs: Any) -> None:
        """Process the data, and record the calls of the filters."""
        self.calls: list[str] = []
        FILTER_CALLS.clear()
        super().__init__(sent, **kwargs)
        self.calls += FILTER_CALLS

    def validate_one(self, field: Field) -> None:
        """Validate the field `one`."""
        create_validator("validate_one")(self, field)

    def validate_two(self, field: Field) -> None:
        """Validate the field `two`."""
        create_validator("validate_two")(self, field)

    @together("two", "one")
    def _z_of_both(self, two: str, one: str) -> None:
        """Record the call; the name is last in the alphabet, and the definition is first in the form."""
        self.calls.append(f"together: {two}, {one}")

    @together("two")
    def _a_of_one(self, two: str) -> None:
        """Record the call of a check of a single field."""
        self.calls.append(f"together: {two}")


def validate_texts(one: str, two: str = "valid") -> RecordingForm:
    """Return a validated form."""
    form = RecordingForm(MultiDict({"one": one, "two": two}))
    form.validate()
    return form


CALLS_OF_TWO = ["two: pre_validate", "two: a", "two: b", "two: validate_two", "two: post_validate"]


def test_filters_run_first_then_each_field_then_the_checks_of_several_fields() -> None:
    form = validate_texts(" good ")
    assert form.calls == [
        "one: filter",
        "two: filter",
        *("one: pre_validate", "one: a", "one: b", "one: validate_one", "one: post_validate"),
        *CALLS_OF_TWO,
        "together: valid, good",
        "together: valid",
    ]
    assert all_errors(form) == {}


def test_filters_run_only_when_the_form_is_created() -> None:
    form = RecordingForm(MultiDict({"one": " good ", "two": "valid"}))
    assert (form.calls, form.one.data) == (["one: filter", "two: filter"], "good")
    form.validate()
    assert form.calls.count("one: filter") == 1


@pytest.mark.parametrize("step", ["pre_validate", "a", "b", "validate_one", "post_validate"])
def test_an_error_is_added_and_the_validation_of_the_field_continues(step: str) -> None:
    form = validate_texts(f"error at {step}")
    assert form.calls == [
        "one: filter",
        "two: filter",
        *("one: pre_validate", "one: a", "one: b", "one: validate_one", "one: post_validate"),
        *CALLS_OF_TWO,
        "together: valid",
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
def test_a_stop_ends_the_validation_of_its_field_only(step: str, called: list[str]) -> None:
    form = validate_texts(f"stop at {step}")
    stopped = [*called, "one: post_validate (stopped)"]
    assert form.calls == ["one: filter", "two: filter", *stopped, *CALLS_OF_TWO, "together: valid"]
    assert all_errors(form) == {"one": [f"stop at {step}"]}


def test_the_errors_of_a_field_are_in_the_order_of_its_validators() -> None:
    class Strict(BaseForm):
        name = StringField(validators=[InputRequired("never"), always_refuse("first"), always_refuse("second")])

        def validate_name(self, _: Field) -> None:
            raise ValidationError("third")

    form = Strict(MultiDict({"name": "x"}))
    assert not form.validate()
    assert all_errors(form) == {"name": ["first", "second", "third"]}


def always_refuse(sentence: str) -> Callable[[Any, Field], None]:
    """Return a validator that always raises this error."""

    def validate(_: Any, __: Field) -> None:
        raise ValidationError(sentence)

    return validate


class BookingForm(BaseForm):
    """The form of the example in docs/forms.md, which also records the arguments of its checks."""

    first_day = DateField(validators=[InputRequired("Fill this in.")])
    last_day = DateField(validators=[InputRequired("Fill this in.")])
    guests = IntegerField(validators=[InputRequired("Fill this in."), IntegerRange(1, 4)])

    def __init__(self, sent: Any = None, **kwargs: Any) -> None:
        """Process the data."""
        self.seen: list[tuple[Any, ...]] = []
        super().__init__(sent, **kwargs)

    def validate_guests(self, field: Field) -> None:
        """Refuse one of the numbers that the validators accept."""
        if field.data == 3:
            raise ValidationError("There is no room for three.")

    @together("first_day", "last_day")
    def _check_span(self, first_day: date, last_day: date) -> dict[str, Any]:
        """Check two days, and change the last one."""
        self.seen.append((first_day, last_day))
        if last_day < first_day:
            raise FieldError("last_day", "This is before the first day.")
        if (last_day - first_day).days > 14:
            raise ValidationError("Two weeks at most.")
        return {"last_day": last_day + timedelta(days=1)}

    @together("last_day", "guests")
    def _check_party(self, last_day: date, guests: int) -> None:
        """Record a day that the previous check may have changed."""
        self.seen.append((last_day, guests))


def validate_booking(first_day: str = "2026-05-01", last_day: str = "2026-05-03", guests: str = "2") -> BookingForm:
    """Return a validated form."""
    form = BookingForm(MultiDict({"first_day": first_day, "last_day": last_day, "guests": guests}))
    form.validate()
    return form


def test_checks_get_processed_data_including_the_changes_of_previous_checks() -> None:
    form = validate_booking()
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
def test_checks_of_invalid_fields_are_not_called(
    sent: dict[str, str], failed: list[str], seen: list[tuple[Any, ...]]
) -> None:
    form = validate_booking(**sent)
    assert list(all_errors(form)) == failed
    assert form.seen == seen


def test_an_error_of_a_check_belongs_to_the_field_that_it_names() -> None:
    form = validate_booking(last_day="2026-04-30")
    assert all_errors(form) == {"last_day": ["This is before the first day."]}
    assert len(form.seen) == 1, "the second check was called with an invalid field"


def test_an_error_of_a_check_without_a_field_belongs_to_the_form_and_is_first() -> None:
    form = validate_booking(last_day="2026-06-30", guests="3")
    assert list(all_errors(form).items()) == [
        ("", ["Two weeks at most."]),
        ("guests", ["There is no room for three."]),
    ]
    # cms/answers.py uses the first sentence of the first entry as `message`; test_profile.py tests that over HTTP.
    assert form.last_day.data == date(2026, 6, 30), "a check that raised an error has changed the data"


def test_errors_are_in_the_order_of_the_form() -> None:
    form = validate_booking(first_day="x", last_day="x", guests="9")
    assert list(all_errors(form)) == ["first_day", "last_day", "guests"]


def test_checks_run_in_the_order_of_their_definition_those_of_base_classes_first() -> None:
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


def test_a_check_can_be_overridden_or_disabled_in_a_derived_form() -> None:
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

    class Disabled(Base):
        _check_name = None

    assert Derived(MultiDict({"name": "x"})).validate()
    assert Disabled(MultiDict({"name": "x"})).validate()
    assert calls == ["derived", "then", "then"]


def test_a_form_that_is_validated_twice_has_the_same_errors_twice() -> None:
    form = validate_booking(last_day="2026-06-30", guests="3")
    before = all_errors(form)
    assert not form.validate()
    assert all_errors(form) == before


def test_extra_validators_run_after_those_of_the_field_and_before_that_of_the_form() -> None:
    form = RecordingForm(MultiDict({"one": "good", "two": "valid"}))
    form.validate({"one": [create_validator("extra")]})
    assert form.calls[2:8] == [
        "one: pre_validate",
        "one: a",
        "one: b",
        "one: extra",
        "one: validate_one",
        "one: post_validate",
    ]


def test_a_view_can_add_errors_to_a_form() -> None:
    form = validate_booking()
    form.add_error("guests", "No longer available.")
    form.add_error("", "Try again tomorrow.")
    assert all_errors(form) == {"": ["Try again tomorrow."], "guests": ["No longer available."]}


class TagsForm(BaseForm):
    """A field with one value, a field with several values, and a check of both."""

    name = StringField(validators=[Optional()])
    repetition = StringField(validators=[EqualTo("name", "The values do not match.")])
    tags = SelectMultipleField(choices=choices({"a": "A", "b": "B"}))

    @together("name", "tags")
    def _check_both(self, name: str, tags: list[str]) -> None:
        """Raise AttributeError or TypeError if a value is None."""
        name.lower()
        sorted(tags)


def test_a_field_that_is_submitted_twice_is_refused_and_not_checked() -> None:
    form = TagsForm(MultiDict([("name", "x"), ("name", "x"), ("repetition", "x")]))
    assert not form.validate()
    assert all_errors(form) == {"name": ["This field was submitted more than once."]}


def test_a_field_with_several_choices_may_be_submitted_several_times() -> None:
    form = TagsForm(MultiDict([("name", "x"), ("repetition", "x"), ("tags", "a"), ("tags", "b")]))
    assert form.validate(), all_errors(form)
    assert form.tags.data == ["a", "b"]


@pytest.mark.parametrize(
    "sent", [{}, {"name": ""}, {"repetition": "x"}, {"name": "x", "tags": "c"}, {"tags": "a"}], ids=str
)
def test_checks_never_get_the_none_of_an_invalid_field(sent: dict[str, str]) -> None:
    class StrictForm(BaseForm):
        name = StringField(validators=[DataRequired("Fill this in.")])
        number = IntegerField(validators=[InputRequired("Fill this in."), IntegerRange(1, 9)])

        @together("name", "number")
        def _check_both(self, name: str, number: int) -> None:
            name.lower()
            number.bit_length()

    form = StrictForm(MultiDict({**sent, "number": "none"}))
    assert not form.validate()
    assert "number" in all_errors(form)


def test_a_form_without_data_has_no_errors() -> None:
    assert all_errors(BookingForm()) == {}
    assert all_errors(TagsForm()) == {}
