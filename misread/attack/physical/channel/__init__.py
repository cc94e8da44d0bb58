"""The training channel: print or display, pose, light, optics, sensor, tone, codec and the deployment resize, in torch.

One stage per file. A new stage is one such file and one line in a profile; a new profile is one entry of `PROFILES`.
It shares no code with the channel that tests what is made here.
"""

from __future__ import annotations

from misread.attack.physical.channel.backdrop import Backdrop
from misread.attack.physical.channel.capture import Channel, Clip
from misread.attack.physical.channel.profile import PROFILES, Profile
from misread.attack.physical.channel.ranges import Range, centred
from misread.attack.physical.channel.stage import Draw, Stage, View

__all__ = ["PROFILES", "Backdrop", "Channel", "Clip", "Draw", "Profile", "Range", "Stage", "View", "centred"]
