"""The files of METEOR 1.5 in the package pycocoevalcap: word lists in its jar, and a paraphrase table.

The package is located without being imported, and no Java runs.
"""

from __future__ import annotations

import importlib.util
import zipfile
from dataclasses import dataclass
from pathlib import Path

from seetell.errors import DataError
from seetell.extras import require

_JAR = "meteor-1.5.jar"
_PARAPHRASES = "data/paraphrase-en.gz"
_REINSTALL = "reinstall it: pip install --force-reinstall pycocoevalcap"


@dataclass(frozen=True)
class MeteorFiles:
    """Paths of METEOR's files.

    Attributes:
        jar: contains function words, abbreviations, WordNet's synonyms and irregular forms.
        paraphrases: gzip file with three lines per entry: probability, phrase, paraphrase.
    """

    jar: Path
    paraphrases: Path

    @classmethod
    def find(cls, folder: Path | None = None) -> MeteorFiles:
        """Find the files.

        Args:
            folder: contains ``meteor-1.5.jar`` and ``data/paraphrase-en.gz``; by default that of the installed package.

        Raises:
            DataError: a file is missing.
            UsageError: the package is not installed.
        """
        if folder is None:
            require("meteor", "METEOR")
            package = importlib.util.find_spec("pycocoevalcap")
            assert package is not None
            assert package.submodule_search_locations is not None
            folder = Path(package.submodule_search_locations[0]) / "meteor"
        files = cls(folder / _JAR, folder / _PARAPHRASES)
        for file in (files.jar, files.paraphrases):
            if not file.is_file():
                raise DataError(f"METEOR needs {file}, which does not exist; {_REINSTALL}")
        return files

    def lines(self, name: str) -> list[str]:
        """Return the lines of a word list.

        Args:
            name: path inside the jar.

        Raises:
            DataError: the jar is damaged or lacks the list.
        """
        try:
            with zipfile.ZipFile(self.jar) as jar:
                return jar.read(name).decode("utf-8").splitlines()
        except (OSError, KeyError, UnicodeDecodeError, zipfile.BadZipFile) as error:
            raise DataError(
                f"{self.jar}: expected METEOR 1.5's jar, but {name} cannot be read: {error}; {_REINSTALL}"
            ) from error
