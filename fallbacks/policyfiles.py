"""Files of all models and policies, read from YAML, with the line on which each field stands. Pure."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import yaml


@dataclass(frozen=True, slots=True)
class Entry:
    """A model or policy of a file: its fields, its line, and the lines of its fields, named as in a refusal."""

    data: dict[str, Any]
    line: int
    lines: Mapping[str, int]

    def line_of(self, name: str) -> int:
        """Return the line of a field; of one that is missing, the line of what it is missing in."""
        return self.lines.get(name) or self.lines.get(name.partition(".")[0]) or self.line


@dataclass(frozen=True, slots=True)
class PolicyFile:
    """What a file holds."""

    models: list[Entry] = field(default_factory=list)
    policies: list[Entry] = field(default_factory=list)


class BadFile(Exception):
    """The file cannot be read at this line; 0 where nobody knows the line."""

    def __init__(self, line: int, message: str) -> None:
        super().__init__(message)
        self.line = line


def read(text: str) -> PolicyFile:
    """Return what a file holds. Raises BadFile."""
    try:
        return _read(yaml.SafeLoader(text))
    except yaml.reader.ReaderError as error:
        line = text.count("\n", 0, error.position) + 1
        raise BadFile(line, f"YAML has no character U+{error.character:04X}: write it as an escape.") from error
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        raise BadFile(mark.line + 1 if mark else 0, f"This is not YAML: {error.problem}.") from error
    except ValueError as error:
        raise BadFile(0, f"This is not YAML: {error}.") from error
    except RecursionError as error:
        raise BadFile(0, "This is nested too deeply: write it as export_policies does.") from error


def _read(loader: yaml.SafeLoader) -> PolicyFile:
    root = loader.get_single_node()
    if not isinstance(root, yaml.MappingNode):
        raise BadFile(1, "Write two lists, `models:` and `policies:`, as export_policies does.")
    _refuse_twice(root)
    for key, _ in root.value:
        if key.value not in ("models", "policies"):
            raise BadFile(key.start_mark.line + 1, f"{key.value} is not known: write `models:` and `policies:`.")
    data = loader.construct_document(root)
    return PolicyFile(**{key.value: _entries(key.value, node, data[key.value]) for key, node in root.value})


def _refuse_twice(node: yaml.Node) -> None:
    """Refuse a field that stands twice in one mapping: YAML's reader would take the last without a word."""
    if isinstance(node, yaml.MappingNode):
        seen: set[Any] = set()
        for key, value in node.value:
            if not isinstance(key.value, str) or key.value in seen:
                raise BadFile(key.start_mark.line + 1, f"{key.value} is no name of a field, or is here twice.")
            seen.add(key.value)
            _refuse_twice(value)
    elif isinstance(node, yaml.SequenceNode):
        for value in node.value:
            _refuse_twice(value)


def _entries(name: str, node: yaml.Node, data: Any) -> list[Entry]:
    if data is None:
        return []
    if not isinstance(node, yaml.SequenceNode) or not all(isinstance(each, yaml.MappingNode) for each in node.value):
        raise BadFile(
            node.start_mark.line + 1, f"Write `{name}:` as a list of entries with fields, as export_policies does."
        )
    return [
        Entry(each, part.start_mark.line + 1, dict(_lines(part))) for part, each in zip(node.value, data, strict=True)
    ]


def _lines(node: yaml.MappingNode, within: str = "") -> Iterator[tuple[str, int]]:
    for key, value in node.value:
        name = f"{within}{key.value}"
        yield name, key.start_mark.line + 1
        if isinstance(value, yaml.MappingNode) and not within:
            yield from _lines(value, f"{name}.")
