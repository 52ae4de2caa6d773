"""Frozen dataclasses as configuration: built from plain types with every field checked, changed by ``key=value`` pairs.

Errors name the field by its path, such as ``optimiser.learning_rate``: a dataclass complains of its own field, and
whoever builds it puts the path before.
"""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Callable, Collection, Mapping, Sequence
from pathlib import Path
from types import UnionType
from typing import Any, Literal, TypeVar, Union, get_args, get_origin, get_type_hints

from seetell.errors import RecipeError, UsageError, unknown

Config = TypeVar("Config")


def build_config(
    kind: type[Config],
    values: Any,
    where: str = "",
    *,
    renamed: Mapping[str, str] | None = None,
    default: Config | None = None,
    **built: Any,
) -> Config:
    """Build a dataclass from plain types, checking the name and type of every field.

    A class whose fields' types depend on other fields has a class method ``field_types``, which takes the values and
    returns those types by name. Where a field that is itself a dataclass is given in part, the rest is what that field
    is by default.

    Args:
        kind: the dataclass.
        values: its fields.
        where: the path of the field that it fills, for errors; empty for a whole configuration.
        renamed: for fields that are unknown but were known once, what to use now.
        default: has the fields that are not given; the defaults of the dataclass when absent.
        built: fields that are not among the values, ready to use.

    Raises:
        RecipeError: a field is unknown or of the wrong type, or fields contradict.
    """
    if not isinstance(values, Mapping):
        raise RecipeError(f"{where}: expected fields, got {values!r}")
    try:
        types = {name: wanted for name, wanted in _field_types(kind, values).items() if name not in built}
    except RecipeError as error:
        raise RecipeError(_join(where, error)) from error
    arguments = {}
    for key, value in values.items():
        path = _join(where, key)
        if key not in types:
            raise RecipeError(f"{path}: {unknown('field', key, types, renamed=_fitting(renamed, types))}")
        usual = _default(kind, key) if default is None else getattr(default, key)
        arguments[key] = _convert(types[key], value, path, renamed, usual)
    if default is not None:
        rest = (field.name for field in dataclasses.fields(kind) if field.init)  # type: ignore[arg-type]
        arguments |= {name: getattr(default, name) for name in rest if name not in arguments and name not in built}
    try:
        return kind(**arguments, **built)
    except RecipeError as error:
        raise RecipeError(_join(where, error)) from error


def _fitting(renamed: Mapping[str, str] | None, known: Collection[object]) -> dict[str, str]:
    """Return the new names that can be used here: those known, and those that lead elsewhere or explain."""
    return {old: new for old, new in (renamed or {}).items() if new in known or "." in new or " " in new}


def _field_types(kind: type[Any], values: Mapping[str, Any]) -> dict[str, Any]:
    hints = get_type_hints(kind)
    types = {field.name: hints[field.name] for field in dataclasses.fields(kind)}
    if hasattr(kind, "field_types"):
        types |= kind.field_types(values)
    return types


def _default(kind: type[Any], name: str) -> Any:
    """Return what a field of a dataclass is by default; ``None`` where it has to be given."""
    (field,) = (field for field in dataclasses.fields(kind) if field.name == name)
    if field.default_factory is not dataclasses.MISSING:
        return field.default_factory()
    return None if field.default is dataclasses.MISSING else field.default


def _convert(wanted: Any, value: Any, path: str, renamed: Mapping[str, str] | None, default: Any = None) -> Any:
    if wanted is Any:
        return value
    if dataclasses.is_dataclass(wanted):
        usual = default if type(default) is wanted else None
        return build_config(wanted, value, path, renamed=renamed, default=usual)  # type: ignore[arg-type]
    origin, choices = get_origin(wanted), get_args(wanted)
    if origin in (Union, UnionType):
        (given,) = (choice for choice in choices if choice is not type(None))
        return None if value is None else _convert(given, value, path, renamed, default)
    if origin is tuple:
        return _convert_tuple(choices, value, path, renamed)
    if origin is dict:
        if not isinstance(value, Mapping):
            raise RecipeError(f"{path}: expected fields, got {value!r}")
        return dict(value)
    if origin is Literal:
        if value not in choices:
            raise RecipeError(f"{path}: {unknown('value', value, choices, renamed=_fitting(renamed, choices))}")
        return value
    if wanted is float and isinstance(value, (int, float, str)) and not isinstance(value, bool):
        try:
            return float(value)  # YAML reads 1e-3 as text
        except ValueError:
            pass
    elif isinstance(value, wanted) and not (wanted is int and isinstance(value, bool)):
        return value
    raise RecipeError(f"{path}: expected {wanted.__name__}, got {value!r}")


def _convert_tuple(items: tuple[Any, ...], value: Any, path: str, renamed: Mapping[str, str] | None) -> tuple[Any, ...]:
    if not isinstance(value, (list, tuple)):
        raise RecipeError(f"{path}: expected a list such as [a, b], got {value!r}")
    if items[-1] is Ellipsis:
        items = items[:1] * len(value)
    if len(items) != len(value):
        raise RecipeError(f"{path}: expected a list of {len(items)}, got {value!r}")
    return tuple(_convert(wanted, item, path, renamed) for wanted, item in zip(items, value, strict=True))


def parse_settings(settings: Sequence[str]) -> dict[str, Any]:
    """Read ``key=value`` pairs; a value is JSON, a list such as ``[a, b]``, or text.

    Raises:
        UsageError: one is not such a pair.
    """
    parsed = {}
    for setting in settings:
        key, equals, value = setting.partition("=")
        if not equals:
            raise UsageError(f"--set {setting}: expected key=value, such as beam_size=3")
        parsed[key.strip()] = _parse_value(value.strip())
    return parsed


def _parse_value(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        pass
    if text.startswith("[") and text.endswith("]"):
        return [_parse_value(item.strip()) for item in text[1:-1].split(",")]
    return text


def set_field(content: dict[str, Any], path: str, value: Any) -> None:
    """Set a field of nested plain types in place, making the parts that its dotted path leads through.

    Raises:
        UsageError: a part of the path is a value without fields.
    """
    *parents, last = path.split(".")
    for parent in parents:
        content = content.setdefault(parent, {})
        if not isinstance(content, dict):
            raise UsageError(f"--set {path}: {parent!r} has no fields of its own")
    content[last] = value


def read_yaml(path: Path) -> dict[str, Any]:
    """Read a YAML file of fields.

    Raises:
        RecipeError: it is missing, or is not YAML with fields.
    """
    import yaml

    try:
        content = yaml.safe_load(path.read_text(encoding="utf-8")) or {}
    except (OSError, UnicodeDecodeError, yaml.YAMLError, RecursionError) as error:
        raise RecipeError(f"{path}: cannot read the recipe: {error}") from error
    if not isinstance(content, dict):
        raise RecipeError(f"{path}: expected fields such as 'name: my-captioner', got {type(content).__name__}")
    return content


def check_sizes(config: object, *fields: str) -> None:
    """Raise an error for fields below 1.

    Raises:
        RecipeError: naming the field.
    """
    _check(config, fields, lambda value: value >= 1, "at least 1")


def check_limits(config: object, *fields: str) -> None:
    """Raise an error for fields below 1 other than -1, which stands for no limit; see :func:`check_sizes`."""
    _check(config, fields, lambda value: value == -1 or value >= 1, "at least 1, or -1 for no limit")


def check_positive(config: object, *fields: str) -> None:
    """Raise an error for fields that are not above 0; see :func:`check_sizes`."""
    _check(config, fields, lambda value: value > 0, "a positive number")


def check_not_negative(config: object, *fields: str) -> None:
    """Raise an error for fields below 0; see :func:`check_sizes`."""
    _check(config, fields, lambda value: value >= 0, "0 or more")


def check_probabilities(config: object, *fields: str) -> None:
    """Raise an error for fields that are not probabilities below 1; see :func:`check_sizes`."""
    _check(config, fields, lambda value: 0 <= value < 1, "a probability below 1")


def check_shares(config: object, *fields: str) -> None:
    """Raise an error for fields that are not from 0 to 1; see :func:`check_sizes`."""
    _check(config, fields, lambda value: 0 <= value <= 1, "a number from 0 to 1")


def check_parts(config: object, *fields: str) -> None:
    """Raise an error for fields that are not above 0 and at most 1; see :func:`check_sizes`."""
    _check(config, fields, lambda value: 0 < value <= 1, "above 0, at most 1")


def check_fractions(config: object, *fields: str) -> None:
    """Raise an error for fields that are not from 0 to below 1; see :func:`check_sizes`."""
    _check(config, fields, lambda value: 0 <= value < 1, "a number from 0 to below 1")


def _check(config: object, fields: Sequence[str], accepts: Callable[[Any], bool], expected: str) -> None:
    for field in fields:
        value = getattr(config, field)
        if not accepts(value):
            raise RecipeError(f"{field}: expected {expected}, got {value}")


def _join(where: str, rest: object) -> str:
    return f"{where}.{rest}" if where else str(rest)
