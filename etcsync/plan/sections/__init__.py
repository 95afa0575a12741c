"""Merging files of sections by section and key. Pure: contents in, content or conflicts out.

For files of systemd, pacman, NetworkManager and OpenSSH, where two settings that have nothing to do
with each other often stand on adjoining lines. Which files these are, and how each is written, is
in `formats`. A merged file is only as good as the format's knowledge of the program that reads it,
so that none may be put in place before that program has accepted it.
"""

from etcsync.plan.sections.formats import section_format_for
from etcsync.plan.sections.merging import merge_sections

__all__ = ["merge_sections", "section_format_for"]
