"""The page of reproductions: what each classic system has in print, and what a run of it here has.

python benchmarks/reproductions.py > docs/reference/reproductions.md

writes the page from two files of ``benchmarks/reproductions/``: ``published.yaml``, the systems with what their papers
print, written by hand, and ``measured.yaml``, what was measured here. The latter is written from the folders of runs:

python benchmarks/reproductions.py --take runs/camvid-unet runs/flickr8k-up-down

reads of each its recipe's name, its scores (``scores.json``, which ``seetell evaluate … > scores.json`` put there,
otherwise the last validation of the log) and the processor time of its log from the first step on, after the time of
the run that it began from, and replaces those of the recipe's entry. What else an entry says (its data, its command,
which page has the same figures) stays, and is filled in by hand for a new one.
"""

from __future__ import annotations

import argparse
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Any

import yaml

from seetell.atomic_write import atomic_file

FOLDER = Path(__file__).parent / "reproductions"
PUBLISHED, MEASURED = FOLDER / "published.yaml", FOLDER / "measured.yaml"

Score = float | list[float]

NOT_SHIPPED = {
    "flickr8k-transformer-lite0-finetuned": "../how-to/reproduce-the-bundled-model.md#the-captioner-to-begin-with"
}
"""Runs that shipped recipes begin from, but that need more than a recipe's name, and where their commands are."""

FROM_LOGS: dict[str, tuple[tuple[str, ...], float, int]] = {
    "BLEU-1–4": (("Bleu_1", "Bleu_2", "Bleu_3", "Bleu_4"), 100, 1),
    "METEOR": (("METEOR",), 100, 1),
    "ROUGE-L": (("ROUGE_L",), 100, 1),
    "CIDEr-D": (("CIDEr",), 100, 1),
    "annotation R@1/5/10": (("annotation_R@1", "annotation_R@5", "annotation_R@10"), 1, 1),
    "search R@1/5/10": (("search_R@1", "search_R@5", "search_R@10"), 1, 1),
    "boxes right": (("R@1",), 1, 1),
    "points right": (("pointing",), 1, 1),
    "AP50": (("AP50",), 100, 1),
    "AP": (("AP",), 100, 1),
    "mask AP50": (("mask_AP50",), 100, 1),
    "mask AP": (("mask_AP",), 100, 1),
    "key point AP": (("key_point_AP",), 100, 1),
    "key point AP50": (("key_point_AP50",), 100, 1),
    "mean IoU": (("mean_iou",), 100, 1),
    "pixels right": (("pixel_accuracy",), 100, 1),
    "PDJ": (("PDJ",), 100, 0),
    "PCP": (("PCP",), 100, 0),
    "top-1": (("top_1",), 100, 1),
    "localisation error": (("localisation_error",), 100, 1),
    "words right": (("word_accuracy",), 100, 1),
    "letters and digits right": (("alphanumeric_accuracy",), 100, 1),
    "PSNR in dB": (("psnr",), 1, 2),
    "SSIM": (("ssim",), 1, 3),
    "bits a character": (("bits_per_character",), 1, 2),
}
"""What scores of logs and evaluations are called on the page, what they are multiplied by and rounded to."""


@dataclass(frozen=True)
class Published:
    """A row in print.

    Attributes:
        scores: by name; those that belong together are a list.
        data: and its split.
        where: the place in the paper, or whose table it is.
        memory: it was quoted from memory, and no copy was found to compare it with.
        stated: another page that has the same figures, and how its line begins; empty where none has them.
    """

    scores: Mapping[str, Score]
    data: str
    where: str
    memory: bool = False
    stated: Sequence[str] = ()


@dataclass(frozen=True)
class System:
    """A system of the literature.

    Attributes:
        system: its name.
        paper: authors, venue and year.
        published: rows in print; none where the paper prints no number.
        ours: names of entries of what was measured; none without a run.
        recipes: that train it, or that lead to the runs, beside those of the entries.
        shown: where there is nothing to measure, what is there, in Markdown.
        differs: what is different here, or why there is no run.
    """

    system: str
    paper: str
    published: Sequence[Published] = ()
    ours: Sequence[str] = ()
    recipes: Sequence[str] = ()
    shown: str = ""
    differs: str = ""


@dataclass(frozen=True)
class Group:
    """Systems of a kind, a table of the page.

    Attributes:
        group: its heading.
        about: what holds for all of them, in Markdown.
        systems: in the order of the table.
    """

    group: str
    about: str
    systems: Sequence[System]


@dataclass(frozen=True)
class Page:
    """What the page is written from besides measurements.

    Attributes:
        groups: of systems.
        other_recipes: recipes that re-create no row in print, and why.
    """

    groups: Sequence[Group]
    other_recipes: Mapping[str, str]

    @property
    def systems(self) -> Iterator[System]:
        """All systems."""
        return (system for group in self.groups for system in group.systems)


@dataclass(frozen=True)
class Measured:
    """What was measured here.

    Attributes:
        scores: as those in print.
        data: and its split.
        command: that made or measured it.
        minutes: of processor time or of the run; empty where nothing is trained.
        recipe: its name; empty where there is none.
        what: which of several runs of a system it is; empty for the only one.
        stated: the page that has the same figures, and how its line begins; empty where no other has them.
    """

    scores: Mapping[str, Score]
    data: str
    command: str
    minutes: str = ""
    recipe: str = ""
    what: str = ""
    stated: Sequence[str] = ()


def read_page(file: Path) -> Page:
    """Read what was published."""
    read = yaml.safe_load(file.read_text(encoding="utf-8"))
    groups = []
    for group in read["groups"]:
        systems = [
            System(**{**system, "published": [Published(**row) for row in system.get("published", ())]})
            for system in group["systems"]
        ]
        groups.append(Group(group["group"], group["about"], systems))
    return Page(groups, read["other_recipes"])


def read_measured(file: Path) -> dict[str, Measured]:
    """Read what was measured, by name of the entry."""
    return {name: Measured(**entry) for name, entry in yaml.safe_load(file.read_text(encoding="utf-8")).items()}


def written(measured: Mapping[str, Measured]) -> str:
    """Return the text of the file of what was measured, in its one form."""
    entries = {
        name: {part.name: value for part in fields(entry) if (value := getattr(entry, part.name)) != part.default}
        for name, entry in sorted(measured.items())
    }
    text: str = yaml.safe_dump(entries, allow_unicode=True, default_flow_style=None, sort_keys=False, width=120)
    return text


def scores_of_log(values: Mapping[str, Any]) -> dict[str, Score]:
    """Return scores as the page has them, of a log's validation or of what ``seetell evaluate`` printed."""
    scores: dict[str, Score] = {}
    for name, (keys, factor, digits) in FROM_LOGS.items():
        if all(key in values for key in keys):
            numbers = [round(factor * values[key], digits or None) for key in keys]
            scores[name] = numbers if len(numbers) > 1 else numbers[0]
    return scores


def take(folder: Path, entries: Mapping[str, Measured]) -> tuple[str, Measured]:
    """Return the name and the entry of a run.

    Args:
        folder: of the run.
        entries: what is known already.
    """
    from seetell.training.compared_runs import Compared
    from seetell.training.run_folder import RunFolder
    from seetell.training.run_log import read_log

    run = RunFolder(folder)
    recipe = yaml.safe_load(run.config.read_text(encoding="utf-8"))
    name, log = recipe["name"], read_log(run.log)
    clock = [line["cpu_seconds"] for line in log if "cpu_seconds" in line]
    began_from = entries.get(Path(recipe.get("init_from") or name).name)
    known = entries.get(name, Measured({}, "", f"seetell train {name}", recipe=name))
    minutes = known.minutes
    if clock:
        # older logs have the time in their last line alone
        before_steps = clock[0] / 60 if len(clock) > 1 else 0
        spent = Compared(name, log, "").cpu_minutes - before_steps
        minutes = f"{spent:.1f}"
        if began_from and began_from.recipe != name and began_from.minutes:
            minutes = f"{began_from.minutes} + {minutes}"
    evaluated = folder / "scores.json"
    if evaluated.is_file():
        scores = scores_of_log(json.loads(evaluated.read_text(encoding="utf-8")))
    else:
        scores = scores_of_log([line for line in log if scores_of_log(line)][-1])
    return name, replace(known, scores=scores, minutes=minutes)


def runs_before(command: str) -> list[str]:
    """Return the names of the runs that a command needs and does not make itself, first what comes first.

    These are the folders of ``runs/`` that it names, and what the recipes it trains begin from or learn from.
    """
    from seetell.training.recipes import shipped_recipes

    recipes, needed = shipped_recipes(), dict[str, None]()
    made = {*re.findall(r"seetell train ([\w-]+)", command), *re.findall(r"--output runs/([\w-]+)", command)}

    def need(text: str) -> None:
        for run in re.findall(r"runs/([\w-]+)", re.sub(r"#.*", "", text)):
            if run not in made and run not in needed:
                if run in recipes:
                    need(recipes[run].read_text(encoding="utf-8"))
                needed[run] = None

    for recipe in re.findall(r"seetell train ([\w-]+)", command):
        need(recipes[recipe].read_text(encoding="utf-8"))
    need(command)
    return list(needed)


def command_text(command: str) -> str:
    """Return a command in a cell of the table, and the recipes of the runs that it needs."""
    before = [f"[{run}]({NOT_SHIPPED.get(run, f'../../recipes/{run}.yaml')})" for run in runs_before(command)]
    return f"`{command}`" + f" after {', '.join(before)}" * bool(before)


def scores_text(scores: Mapping[str, Score]) -> str:
    """Return scores in a cell of the table."""
    parts = []
    for name, value in scores.items():
        numbers = value if isinstance(value, list) else [value]
        parts.append(f"{name} {' / '.join(str(number) for number in numbers)}")
    return ", ".join(parts)


def row(system: System, measured: Mapping[str, Measured]) -> str:
    """Return a system's row of the table."""
    in_print = [
        f"{scores_text(one.scores)} – {one.data}, {one.where}{'†' if one.memory else ''}" for one in system.published
    ]
    runs = [measured[name] for name in system.ours]
    by_data: dict[str, list[str]] = {}
    for run in runs:
        by_data.setdefault(run.data, []).append(f"{run.what}: " * bool(run.what) + scores_text(run.scores))
    ours = [f"{'; '.join(scores)} – {data}" for data, scores in by_data.items()] or [system.shown or "**no run yet**"]
    recipes = dict.fromkeys([*(run.recipe for run in runs if run.recipe), *system.recipes])
    cells = [
        f"**{system.system}**, {system.paper}",
        "; ".join(in_print) or "no number",
        "; ".join(ours),
        ", ".join(f"[{recipe}](../../recipes/{recipe}.yaml)" for recipe in recipes) or "–",
        "; ".join(dict.fromkeys(command_text(run.command) for run in runs)) or "–",
        "; ".join(run.minutes for run in runs if run.minutes) or "–",
        system.differs or "see above",
    ]
    return f"| {' | '.join(cells)} |"


HEAD = """\
| system | in print | ours | recipe | command | minutes | what differs |
|---|---|---|---|---|---|---|"""

TOP = """\
# Reproductions

<!-- generated by: python benchmarks/reproductions.py > docs/reference/reproductions.md -->

Every classic system that seetell re-creates: the row that its paper prints, what a run of it has here, and why the two
differ. {counts}

- Scores are in the units of the papers, mostly × 100 or in per cent; errors in print are told as shares that are right.
  Behind the dash stand the data and its split, and for rows in print their place.
- **†**: quoted from memory, and no copy was found to compare it with. Without it, the figures stand the same in a copy
  of the paper, in its authors' repository, or in others' quotations of its table.
- **no run yet** says plainly that nothing was trained or measured here; whether the network is built as in print is
  tested all the same: [encoders](encoders.md), [detectors](detectors.md).
- Next to none of ours are on the papers' data: no ImageNet, VOC, COCO or Visual Genome was at hand, runs are of minutes
  on one or two cores of an x86 server, and the test photos of Flickr8k are not used. A score on other data is no better
  and no worse than one in print: it says that the system works, and what it does beside its kin on the same data.
- CIDEr-D is ours: the CIDEr of Vedantam et al. (2015) in the form that COCO's evaluation code computes, × 100. Papers
  that measure with that code print the same as CIDEr.
- Minutes are of one processor core, from the first step on, where the log of the run has them, otherwise of the run, on
  a server that did other work beside; a sum begins with the runs that it began from.

Command lines are in short: `PATH` is where the data lies, and the head of each recipe has the whole. What stands behind
*after* is trained first, in that order, by the command at the head of its recipe: each leaves the folder `runs/NAME`,
where the next looks for it. `seetell evaluate` measures the folder that `seetell export` wrote (`./NAME`), or a bundled
model (`NAME` alone). The page is written, and runs are taken up, by

<!-- tested by: tests/scripts/test_reproductions.py -->
```bash
python benchmarks/reproductions.py --take runs/camvid-unet
python benchmarks/reproductions.py > docs/reference/reproductions.md
```
"""


def page_text(page: Page, measured: Mapping[str, Measured]) -> str:
    """Return the page in Markdown."""
    systems = list(page.systems)
    counts = f"{len(systems)} systems, {sum(bool(system.ours) for system in systems)} of them with a run."
    parts = [TOP.format(counts=counts)]
    for group in page.groups:
        rows = [row(system, measured) for system in group.systems]
        parts.append("\n".join([f"## {group.group}\n\n{group.about.strip()}\n", HEAD, *rows]) + "\n")
    others = [f"| [{name}](../../recipes/{name}.yaml) | {why} |" for name, why in page.other_recipes.items()]
    parts.append("\n".join(["## Recipes of no row in print\n", "| recipe | why |", "|---|---|", *others]) + "\n")
    return "\n".join(parts)


def main(arguments: Sequence[str] | None = None) -> None:
    """Print the page, or take up runs."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--take", metavar="RUN", nargs="+", type=Path, help="folders of runs whose figures to take up")
    given = parser.parse_args(arguments)
    measured = read_measured(MEASURED)
    if not given.take:
        print(page_text(read_page(PUBLISHED), measured), end="")
        return
    for folder in given.take:
        name, entry = take(folder, measured)
        measured[name] = entry
    with atomic_file(MEASURED) as file:
        file.write(written(measured).encode())


if __name__ == "__main__":
    main()
