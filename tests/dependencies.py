"""`make audit`: what the advisories know of the packages that the locks pin, by pip-audit and `npm audit`.

A finding fails. One that nobody has mended yet may be listed in requirements/known-findings.toml with the reason why we
can live with it, until a day on which it is looked at again. Where an advisory service cannot be reached, nothing is
known: it says NOT AUDITED, and does not fail, or nobody without the service could land a change.
"""

import json
import os
import subprocess
import sys
import tomllib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any

from fallbacks.local import install
from fallbacks.local.environment import PROJECT

KNOWN = PROJECT / "requirements" / "known-findings.toml"
PIP_AUDIT = ("-m", "pip_audit", "-r", "requirements/server.lock", "--require-hashes", "--disable-pip", "-f", "json")
PATIENCE = 300  # seconds


@dataclass(frozen=True, slots=True)
class Finding:
    """What an advisory says of a package that we pin. `mended` is a version without it; "" where there is none."""

    package: str
    ids: tuple[str, ...]
    words: str
    mended: str = ""


@dataclass(frozen=True, slots=True)
class Told:
    """What one tool told: of how many packages it knew, its findings, and why of others nothing is known."""

    tool: str
    audited: int = 0
    findings: tuple[Finding, ...] = ()
    unknown: str = ""


@dataclass(frozen=True, slots=True)
class Known:
    """A finding that we live with for a while."""

    id: str
    package: str
    reason: str
    look_again: date


@dataclass
class Verdict:
    """What is to be printed, and whether it fails."""

    lines: list[str] = field(default_factory=list)
    fails: bool = False


def read_pip_audit(said: str, error: str = "") -> Told:
    """Read the JSON of pip-audit. Packages that it left out are not audited."""
    try:
        packages = json.loads(said)["dependencies"]
    except (ValueError, KeyError, TypeError):
        return Told("pip-audit", unknown=last_line(error or said))
    findings, skipped = [], []
    for package in packages:
        if "skip_reason" in package:
            skipped.append(package)
        for found in package.get("vulns", []):
            findings.append(
                Finding(
                    f"{package['name']} {package['version']}",
                    (found["id"], *found.get("aliases", [])),
                    first_sentence(found.get("description", "")),
                    (found.get("fix_versions") or [""])[-1],
                )
            )
    unknown = ""
    if skipped:
        unknown = (
            f"{len(skipped)} of {len(packages)} packages, such as {skipped[0]['name']}: {skipped[0]['skip_reason']}"
        )
    elif not packages:
        unknown = "it saw no packages"
    return Told("pip-audit", len(packages) - len(skipped), tuple(findings), unknown)


def read_npm_audit(said: str, error: str = "") -> Told:
    """Read the JSON of npm audit."""
    try:
        told = json.loads(said)
        packages = told["vulnerabilities"]
        audited = int(told["metadata"]["dependencies"]["total"])
    except (ValueError, KeyError, TypeError):
        return Told("npm audit", unknown=why_npm_failed(said) or last_line(error or said))
    findings = [
        Finding(
            f"{name} {advisory.get('range', '')}".strip(),
            (str(advisory.get("url", "")).rpartition("/")[2] or str(advisory.get("source", "")),),
            f"{advisory.get('title', '')} ({advisory.get('severity', package.get('severity'))})",
            mended(package.get("fixAvailable")),
        )
        for name, package in sorted(packages.items())
        # What only leans on a package with a finding names that package.
        for advisory in package.get("via", [])
        if isinstance(advisory, dict)
    ]
    return Told("npm audit", audited, tuple(findings))


def mended(fix: Any) -> str:
    """Return what npm says to install; it says `true` where an update within the range will do."""
    if isinstance(fix, dict):
        return f"{fix.get('name')} {fix.get('version')}"
    return "npm update" if fix else ""


def why_npm_failed(said: str) -> str:
    """Return the sentence of npm's own JSON, if that is what it is."""
    try:
        told = json.loads(said)
        return str(told.get("message") or told["error"].get("summary") or "")
    except (ValueError, KeyError, TypeError, AttributeError):
        return ""


def last_line(text: str) -> str:
    return next((line.strip() for line in reversed(text.splitlines()) if line.strip()), "it said nothing")


def first_sentence(text: str) -> str:
    return " ".join(text.split()).partition(". ")[0][:200]


def read_known(text: str) -> list[Known]:
    """Read the file of findings that we live with. Raises ValueError where one lacks its reason or its day."""
    known = []
    for entry in tomllib.loads(text).get("finding", []):
        try:
            found = Known(entry["id"], entry["package"], entry["reason"], entry["look_again"])
        except KeyError as lacking:
            raise ValueError(f"a finding in {KNOWN.name} has no {lacking}") from None
        if not found.reason.strip() or type(found.look_again) is not date:
            raise ValueError(f"{found.id} in {KNOWN.name} needs a reason, and a date in look_again")
        known.append(found)
    return known


def judge(tools: Sequence[Told], known: Sequence[Known], today: date) -> Verdict:
    """Return what the tools' findings come to."""
    verdict, named = Verdict(), {entry.id: entry for entry in known}
    seen: set[str] = set()
    for told in tools:
        if told.unknown:
            verdict.lines.append(f"NOT AUDITED by {told.tool}: {told.unknown}")
        open_ones = []
        for finding in told.findings:
            entry = next((named[id_] for id_ in finding.ids if id_ in named), None)
            if entry is not None:
                seen.add(entry.id)
            why = reason_to_fail(finding, entry, today)
            if why:
                open_ones.append(f"  {finding.package}: {', '.join(finding.ids)}: {finding.words} - {why}")
            elif entry is not None:
                verdict.lines.append(f"  {finding.package}: {entry.id}, known until {entry.look_again}: {entry.reason}")
        verdict.lines += open_ones
        verdict.fails |= bool(open_ones)
        if told.audited:
            verdict.lines.append(f"{told.tool}: {told.audited} packages audited, {len(open_ones)} findings that fail")
    if not any(told.unknown for told in tools):
        verdict.lines += [f"  {id_} in {KNOWN.name} is found no more: take it out" for id_ in named if id_ not in seen]
    return verdict


def reason_to_fail(finding: Finding, entry: Known | None, today: date) -> str:
    """Return why the finding fails; "" where we live with it."""
    if finding.mended:
        return f"mended by {finding.mended}: raise the lock (make lock)"
    if entry is None:
        return f"no version mends it yet: look whether it concerns us, and list it in {KNOWN.name} with the reason"
    if entry.look_again <= today:
        return f"it was to be looked at again on {entry.look_again}"
    return ""


def run(words: Sequence[str | Path], path: str = "") -> tuple[str, str]:
    """Run a tool; return what it said, and its complaints."""
    environment = dict(os.environ, PATH=path or os.environ.get("PATH", os.defpath))
    try:
        done = subprocess.run(
            words,
            cwd=PROJECT,
            env=environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=PATIENCE,
        )
    except subprocess.TimeoutExpired:
        return "", f"no answer within {PATIENCE} s"
    return done.stdout, done.stderr


def tools() -> Iterator[Told]:
    """Ask both."""
    yield read_pip_audit(*run([sys.executable, *PIP_AUDIT]))
    npm = next(install.ways_to_npm())
    path = os.pathsep.join([str(Path(npm[0]).parent), os.environ.get("PATH", os.defpath)])
    yield read_npm_audit(*run([*npm, "audit", "--json"], path))


def main() -> int:
    try:
        verdict = judge(list(tools()), read_known(KNOWN.read_text()), date.today())  # noqa: DTZ011 - whose day is no matter
    except ValueError as error:
        print(error, file=sys.stderr)
        return 1
    print("\n".join(verdict.lines))
    return int(verdict.fails)


if __name__ == "__main__":
    sys.exit(main())
