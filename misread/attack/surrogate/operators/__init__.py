"""The operators, one family to a file: what a graph may be made of for gradients to pass through it.

A new operator is one small function in its family's file and one line in the tuple at the end of that file.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from misread.attack.surrogate.operators.activation import ACTIVATION
from misread.attack.surrogate.operators.arithmetic import ARITHMETIC
from misread.attack.surrogate.operators.attention import ATTENTION
from misread.attack.surrogate.operators.cast import CAST
from misread.attack.surrogate.operators.compare import COMPARE
from misread.attack.surrogate.operators.constant import CONSTANT
from misread.attack.surrogate.operators.contrib import CONTRIB
from misread.attack.surrogate.operators.contrib_attention import CONTRIB_ATTENTION
from misread.attack.surrogate.operators.contrib_float import CONTRIB_FLOAT
from misread.attack.surrogate.operators.control import CONTROL
from misread.attack.surrogate.operators.convolution import CONVOLUTION
from misread.attack.surrogate.operators.elementwise import ELEMENTWISE
from misread.attack.surrogate.operators.index import INDEX
from misread.attack.surrogate.operators.matmul import MATMUL
from misread.attack.surrogate.operators.normalisation import NORMALISATION
from misread.attack.surrogate.operators.order import ORDER
from misread.attack.surrogate.operators.pieces import PIECES
from misread.attack.surrogate.operators.pooling import POOLING
from misread.attack.surrogate.operators.quantise import QUANTISE
from misread.attack.surrogate.operators.recurrent import RECURRENT
from misread.attack.surrogate.operators.reduce import REDUCE
from misread.attack.surrogate.operators.resize import RESIZE
from misread.attack.surrogate.operators.sampling import SAMPLING
from misread.attack.surrogate.operators.scatter import SCATTER
from misread.attack.surrogate.operators.shape import SHAPE

if TYPE_CHECKING:
    from collections.abc import Mapping

    from misread.attack.surrogate.node import Operator

OPERATORS: Final[tuple[Operator, ...]] = (
    *ACTIVATION,
    *ARITHMETIC,
    *ATTENTION,
    *CAST,
    *COMPARE,
    *CONSTANT,
    *CONTRIB,
    *CONTRIB_ATTENTION,
    *CONTRIB_FLOAT,
    *CONTROL,
    *CONVOLUTION,
    *ELEMENTWISE,
    *INDEX,
    *MATMUL,
    *NORMALISATION,
    *ORDER,
    *PIECES,
    *POOLING,
    *QUANTISE,
    *RECURRENT,
    *REDUCE,
    *RESIZE,
    *SAMPLING,
    *SCATTER,
    *SHAPE,
)
BY_NAME: Final[Mapping[tuple[str, str], Operator]] = {(entry.domain, entry.name): entry for entry in OPERATORS}
