"""Characters that nobody sees: the spaces of Unicode, and what is no space and shows nothing."""

from typing import Final

#: What Unicode does not count as a space and shows nothing: hyphens and joiners, marks of direction
#: and of byte order, fillers. Parts of emoji (variation selectors, tags) are none of them.
INVISIBLE: Final = "".join(
    chr(code)
    for first, last in (
        (0x00AD, 0x00AD),
        (0x061C, 0x061C),
        (0x115F, 0x1160),
        (0x17B4, 0x17B5),
        (0x180B, 0x180E),
        (0x200B, 0x200F),
        (0x2028, 0x202E),
        (0x2060, 0x206F),
        (0x2800, 0x2800),
        (0x3164, 0x3164),
        (0xFEFF, 0xFEFF),
        (0xFFA0, 0xFFA0),
        (0xFFF9, 0xFFFB),
    )
    for code in range(first, last + 1)
)
#: Spaces of Unicode outside ASCII.
SPACES: Final = (
    "\u0085\u00a0\u1680" + "".join(map(chr, range(0x2000, 0x200B))) + ("\u202f\u205f\u3000")
)
