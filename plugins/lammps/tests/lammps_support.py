"""Interactions that the tests use."""

from __future__ import annotations

from typing import Any

TERSOFF: dict[str, Any] = {"pair_style": "tersoff", "pair_coeff": "* * BNC.tersoff B N", "species": ["B", "N"]}
ILP: dict[str, Any] = {
    "pair_style": "hybrid/overlay tersoff ilp/graphene/hbn/opt 16.0 1",
    "pair_coeff": ["* * tersoff BNC.tersoff B N", "* * ilp/graphene/hbn/opt BNCH.ILP B N"],
    "species": ["B", "N"],
    "molecules": "layers",
}
LJ: dict[str, Any] = {
    "pair_style": "lj/cut 8.0",
    "pair_coeff": "* * 0.0104 3.4",
    "species": ["Ar"],
    "after": ["pair_modify shift yes"],
}
PLAIN_ILP: dict[str, Any] = {
    **ILP,
    "pair_style": ILP["pair_style"].replace("/opt", ""),
    "pair_coeff": [line.replace("/opt", "") for line in ILP["pair_coeff"]],
}
