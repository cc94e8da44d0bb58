"""The library: each command as one call that takes plain paths and keywords; `import misread` has their names."""

from __future__ import annotations
