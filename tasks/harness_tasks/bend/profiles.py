"""What one loaded ribbon looks like, bin by bin: curvature, slip, strain, polarization."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from harness_tasks.mechanics.atomic_strain import AtomicStrain
from harness_tasks.structures.ribbon import Ribbon


@dataclass(frozen=True, slots=True)
class Shape:
    """The middle surface of a ribbon, bin by bin.

    Attributes
    ----------
    centre
        Mean y and z of the atoms of each bin, shape (n_bins, 2), Å.
    curvature
        Turning angle at each bin over the length that belongs to it, 1/Å; positive in a valley (w'' > 0).
    length
        Half the way to the bin before plus half the way to the one after, Å; ways between held bins do not count,
        since nothing bends there. So all of the turn at a clamp falls on the half bin that is free.
    tangent, normal
        Unit vectors (n_bins, 2) in the y-z plane; the normal points to the upper side.
    """

    centre: np.ndarray
    curvature: np.ndarray
    length: np.ndarray
    tangent: np.ndarray
    normal: np.ndarray


def bin_mean(ribbon: Ribbon, values: np.ndarray, mask: np.ndarray | None = None) -> np.ndarray:
    """Mean over the atoms (of `mask`) in each bin; `values` is (natoms,) or (natoms, k)."""
    chosen = np.ones(len(ribbon.bins), dtype=bool) if mask is None else mask
    count = np.bincount(ribbon.bins[chosen], minlength=ribbon.n_bins)
    columns = values.reshape(len(values), -1)[chosen]
    sums = [np.bincount(ribbon.bins[chosen], column, ribbon.n_bins) / count for column in columns.T]
    return np.stack(sums, axis=1).reshape(ribbon.n_bins, *values.shape[1:])


def shape_of(ribbon: Ribbon, positions: np.ndarray, period: float) -> Shape:
    """The middle surface at `positions` (natoms, 3); `period` is the loaded cell along y, Å.

    The curvature is that of the polygon through the bin centres, turning angle over mean segment: exact for a
    circle, and free of the small slope approximation (equation S4 of Javvaji et al., Adv. Energy Mater. 12,
    2201370 (2022), is not printed; w''/(1 + w'²)^(3/2) of averaged heights is the usual reading).
    """
    centre = bin_mean(ribbon, positions[:, 1:])
    image = np.array([period, 0.0])
    if ribbon.periodic:
        around = np.vstack([centre[-1] - image, centre, centre[0] + image])
    else:
        around = np.vstack([2 * centre[0] - centre[1], centre, 2 * centre[-1] - centre[-2]])
    segments = np.diff(around, axis=0)
    lengths = np.linalg.norm(segments, axis=1)
    turning = np.diff(np.unwrap(np.arctan2(segments[:, 1], segments[:, 0])))
    held = ~ribbon.free_bins
    beside = np.pad(held, 1, mode="wrap" if ribbon.periodic else "edge")
    counted = np.where(beside[1:] & beside[:-1], 0.0, lengths)
    own = 0.5 * (counted[1:] + counted[:-1])
    tangent = segments[1:] / lengths[1:, None] + segments[:-1] / lengths[:-1, None]
    tangent /= np.linalg.norm(tangent, axis=1)[:, None]
    normal = np.stack([-tangent[:, 1], tangent[:, 0]], axis=1)
    curvature = np.divide(turning, own, out=np.zeros_like(own), where=own > 0)
    return Shape(centre, curvature, own, tangent, normal)


def averages(ribbon: Ribbon, shape: Shape) -> tuple[float, float]:
    """Mean of |κ| and root mean square κ over the free length, 1/Å.

    Sums run over every bin, since the turn at a clamp falls on a held one.
    """
    mean = float((np.abs(shape.curvature) * shape.length).sum() / ribbon.span)
    square = float((shape.curvature**2 * shape.length).sum() / ribbon.span)
    return mean, square**0.5


def slip(ribbon: Ribbon, positions: np.ndarray, shape: Shape) -> tuple[np.ndarray, np.ndarray] | None:
    """Slip of the top layer over the bottom one along the surface, and their distance normal to it, Å, by bin.

    None for a single layer.
    """
    top = ribbon.layer == ribbon.layer.max()
    bottom = ribbon.layer == 0
    if ribbon.layer.max() == 0:
        return None
    gap = bin_mean(ribbon, positions[:, 1:], top) - bin_mean(ribbon, positions[:, 1:], bottom)
    flat = ribbon.flat.positions[:, 1:]
    offset = (bin_mean(ribbon, flat, top) - bin_mean(ribbon, flat, bottom))[:, 0]
    along = (gap * shape.tangent).sum(axis=1) - offset
    return along, (gap * shape.normal).sum(axis=1)


def gradient(ribbon: Ribbon, values: np.ndarray) -> np.ndarray:
    """Central difference of a bin profile along the unloaded y, per Å."""
    if ribbon.periodic:
        return np.asarray((np.roll(values, -1) - np.roll(values, 1)) / (2 * ribbon.spacing))
    return np.asarray(np.gradient(values, ribbon.spacing))


def shear_gradient(ribbon: Ribbon, strain: AtomicStrain, positions: np.ndarray, cell: np.ndarray) -> np.ndarray:
    """∂ε_zy/∂y of the bin averages of the atomic Green strain, 1/Å; nan where it is not defined.

    Parameters
    ----------
    ribbon
        The ribbon.
    strain
        Green strain of each atom.
    positions
        (natoms, 3), Å.
    cell
        (3, 3), Å.
    """
    if not strain.defined:
        return np.full(ribbon.n_bins, np.nan)
    return gradient(ribbon, bin_mean(ribbon, strain.green(positions, cell)[:, 2, 1]))


def local_polarization(
    ribbon: Ribbon, positions: np.ndarray, shape: Shape, dipoles: np.ndarray, net_charges: np.ndarray | None = None
) -> np.ndarray:
    """Polarization of each bin along z and along the local normal, shape (n_bins, 2), e/Å per unloaded area.

    Parameters
    ----------
    dipoles
        Of the atoms, e Å, shape (natoms, 3).
    net_charges
        What `LocalDipoles` leaves at the atoms, e: adds Σ Q_i (r_i − r_bin), the charge that went from layer to
        layer. What went from bin to bin is in-plane polarization and stays out.
    """
    directions = np.stack([np.tile([0.0, 1.0], (ribbon.n_bins, 1)), shape.normal], axis=1)
    vectors = dipoles[:, 1:]
    if net_charges is not None:
        vectors = vectors + net_charges[:, None] * (positions[:, 1:] - shape.centre[ribbon.bins])
    count = np.bincount(ribbon.bins, minlength=ribbon.n_bins) / (ribbon.width * ribbon.spacing)
    return np.asarray(np.einsum("bdk,bk->bd", directions, bin_mean(ribbon, vectors)) * count[:, None])
