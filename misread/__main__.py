"""`python -m misread` is the `misread` command."""

from __future__ import annotations

from misread.cli import main

if __name__ == "__main__":
    main()
