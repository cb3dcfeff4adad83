"""Heights of Wannier centres from overlaps at several wave vectors."""

from __future__ import annotations

import numpy as np
import pytest
from harness_dft.vertical import ORDERS, ask_for_more, heights, read_rotations, take_out

NNKP = """ something before
begin nnkpts
   3
     1     2      0   0   0
     1     1      0   0   1
     1     1      0   0  -1
     2     1      0   0   0
     2     2      0   0   1
     2     2      0   0  -1
end nnkpts
 something after
"""


def leaning(b, z, lean=0.5):
    """⟨exp(−ibz)⟩ of two Gaussians of unequal weight about `z`: mean z, width about 0.6 Å, and a skewness."""
    weights, places = np.array([0.8, 0.2]), np.array([-0.2, 0.8]) * lean
    return (weights * np.exp(-1j * b * (z + places) - (0.5 * b) ** 2 / 2)).sum()


@pytest.mark.parametrize("cell", [16.0, 20.0, 25.0])
def test_the_mean_of_a_skewed_function_is_found_whatever_the_cell(cell):
    centres = np.array([1.7, -1.6])
    b = 2 * np.pi / cell
    unitary = np.linalg.qr(np.random.default_rng(0).normal(size=(5, 2, 2)))[0]
    overlaps = {
        n: np.array([u @ np.diag([leaning(n * b, z, 1.5) for z in centres]) @ u.conj().T for u in unitary])
        for n in ORDERS
    }
    plain = heights({1: overlaps[1]}, unitary, cell, centres + 0.1)
    better = heights(overlaps, unitary, cell, centres + 0.1)
    assert np.abs(plain - centres).max() > 3e-3
    assert np.abs(better - centres).max() < 0.02 * np.abs(plain - centres).max()


def test_more_overlaps_are_asked_for_and_wannier90_sees_its_own(tmp_path):
    text = ask_for_more(NNKP)
    lines = text.split("begin nnkpts\n")[1].split("end nnkpts")[0].splitlines()
    assert int(lines[0]) == 5 and len(lines) == 1 + 2 * 5
    asked = [tuple(map(int, line.split())) for line in lines[1:]]
    assert {(k, k, 0, 0, n) for k in (1, 2) for n in (1, 2, 3, -1)} <= set(asked)
    assert text.startswith(" something before") and text.endswith(" something after\n")
    file = tmp_path / "sheet.mmn"

    def written(blocks, number):
        rows = "".join(
            f"{' '.join(map(str, head))}\n"
            + "".join(f" {10 * head[0] + head[4]}.{m}{n} {m}.5\n" for n in range(2) for m in range(2))
            for head in blocks
        )
        return f"title\n{2:12d}{2:12d}{number:12d}\n{rows}"

    file.write_text(written(asked, 5))
    found = take_out(file)
    assert found[2].shape == (2, 2, 2)
    assert found[3][1, 1, 0] == 23.10 + 1.5j, "first index varies fastest in the file"
    known = [tuple(map(int, line.split())) for line in NNKP.split("begin nnkpts\n")[1].splitlines()[1:7]]
    assert file.read_text() == written(known, 3)


def test_rotations_are_read_column_by_column():
    rng = np.random.default_rng(1)
    matrices = rng.normal(size=(3, 2, 2)) + 1j * rng.normal(size=(3, 2, 2))
    text = " written by a test\n 3 2 2\n"
    for matrix in matrices:
        text += "\n 0.0 0.0 0.0\n" + "".join(f" {v.real:.15f} {v.imag:+.15f}\n" for v in matrix.T.ravel())
    np.testing.assert_allclose(read_rotations(text), matrices, atol=1e-14)
