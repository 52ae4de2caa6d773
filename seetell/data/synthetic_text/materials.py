"""What pictures of text are rendered of: words in fonts, on photos or plain colours."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from seetell.data.synthetic_text.backgrounds import PHOTO_SHARE, Backgrounds
from seetell.data.synthetic_text.fonts import find_fonts
from seetell.data.synthetic_text.strings import Strings, read_words


@dataclass(frozen=True)
class Materials:
    """Where words, fonts and photos are; they are looked for when they are asked for.

    Attributes:
        words: file of a word per line; empty for the words that the models of this package know.
        fonts: folder of fonts; empty for those of this machine.
        photos: folder of photos to write on, without text of their own; empty for plain colours and gradients alone.
    """

    words: str = ""
    fonts: str = ""
    photos: str = ""

    def strings(self, characters: str, *, held_out: bool, longest: int) -> Strings:
        """Return the texts to write; see :class:`~seetell.data.synthetic_text.strings.Strings`.

        Raises:
            DataError: there is no such file, or no word in it can be written.
        """
        return Strings(read_words(self.words), characters, held_out=held_out, longest=longest)

    def font_files(self, characters: str) -> tuple[Path, ...]:
        """Return the fonts that have all of some characters, blanks aside.

        Raises:
            DataError: there are none.
        """
        return find_fonts(self.fonts, characters.replace(" ", ""))

    def backgrounds(self, share: float = PHOTO_SHARE) -> Backgrounds:
        """Return what is written on: a photo as often as ``share`` says, where there are any.

        Raises:
            DataError: the folder has no photos.
        """
        return Backgrounds(self.photos or None, share=share)
