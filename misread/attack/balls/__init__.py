"""The geometry of each norm, one file each; `misread.attack.project` finds them by name."""
