"""``dp train`` with the validation set looked at in full, the best state kept, and an end when nothing improves.

deepmd looks at single validation batches for its log and has no early stopping. Run as
``python -m harness_deep_wannier.trainer FOLDER``; the folder holds ``input.json`` (deepmd's input) and ``watch.json``,
and gets ``history.jsonl``, checkpoints and, when training has come to its end, ``done.json``.
"""

from __future__ import annotations

import json
import os
import shutil
import sys
import time
from pathlib import Path
from typing import Any

from harness_deep_wannier.kalman import batches, filtered

#: Steps that a pass of the Kalman filter counts as.
PASS = 50
CHECKPOINT, BEST, HISTORY, DONE, STATE = "model.ckpt", "best", "history.jsonl", "done.json", "filter.npz"


class Finished(Exception):
    """Training has come to its end before its last step."""


def score(errors: dict[str, float], goals: dict[str, float]) -> float:
    """How far the validation errors are from their goals: the root of the mean square of their ratios."""
    return float((sum((errors[key] / goal) ** 2 for key, goal in goals.items()) / len(goals)) ** 0.5)


def pooled(results: list[tuple[int, dict[str, float]]]) -> dict[str, float]:
    """Root-mean-square errors of systems, put together with the numbers of their frames."""
    frames = sum(n for n, _ in results)
    keys = [key for key in results[0][1] if key not in ("natoms", "rmse")]
    return {key: float((sum(n * r[key] ** 2 for n, r in results) / frames) ** 0.5) for key in keys}


def trainer(base: type, watch: dict[str, Any], folder: Path) -> type:
    """A subclass of deepmd's trainer that watches the validation set whenever it saves a checkpoint."""
    file = folder / HISTORY
    history: list[dict[str, Any]] = _rows(file)

    class Watching(base):  # type: ignore[misc, valid-type, unused-ignore]
        def train(self, train_data: Any = None, valid_data: Any = None) -> None:
            self._valid = valid_data
            self._started = time.perf_counter() - (history[-1]["seconds"] if history else 0.0)
            last = history[-1]["step"] if history else 0
            self._filtering = last > self.stop_batch  # taken up again where Adam had done its part
            super().train(train_data, None)
            self._filtering = False
            filtered(
                self,
                train_data,
                watch["passes"],
                watch["filter"],
                watch["seed"],
                lambda: score(self._validation(), watch["goals"]),
                lambda done: self.save_checkpoint(self.stop_batch + PASS * done),
                folder / STATE,
            )

        def save_checkpoint(self, cur_batch: int) -> None:
            if self._filtering:
                return
            super().save_checkpoint(cur_batch)
            history[:] = [row for row in history if row["step"] < cur_batch]
            errors = self._validation()
            row = {"step": int(cur_batch), "seconds": time.perf_counter() - self._started, **errors}
            row["score"] = score(errors, watch["goals"])
            if row["score"] < min((other["score"] for other in history), default=float("inf")):
                _copy_checkpoint(folder, int(cur_batch))
            history.append(row)
            file.write_text("".join(f"{json.dumps(other)}\n" for other in history))
            best = min(history, key=lambda other: other["score"])["step"]
            if cur_batch - best >= PASS * watch["patience"]:
                raise Finished(f"no better validation errors for {watch['patience']} passes")
            if watch.get("seconds") and row["seconds"] > watch["seconds"]:
                raise Finished(f"time limit of {watch['seconds'] / 60:g} minutes")

        def _validation(self) -> dict[str, float]:
            results = []
            for batch in batches(self._valid):
                feed = self.get_feed_dict(batch, is_training=False)
                results.append((len(batch["coord"]), self.loss.eval(self.sess, feed, batch["natoms_vec"])))
            return pooled(results)

    return Watching


def _rows(file: Path) -> list[dict[str, Any]]:
    """The lines of a history that are whole."""
    rows = []
    for line in file.read_text().splitlines() if file.exists() else []:
        try:
            rows.append(json.loads(line))
        except ValueError:
            break
    return rows


def _copy_checkpoint(folder: Path, step: int) -> None:
    """Keep a checkpoint as the best one, in a folder of its own that appears whole."""
    aside = folder / f"{BEST}.new"
    shutil.rmtree(aside, ignore_errors=True)
    aside.mkdir()
    for path in folder.glob(f"{CHECKPOINT}-{step}.*"):
        shutil.copyfile(path, aside / path.name.replace(f"-{step}", ""))
    (aside / "checkpoint").write_text(f'model_checkpoint_path: "{CHECKPOINT}"\n')
    shutil.rmtree(folder / BEST, ignore_errors=True)
    aside.rename(folder / BEST)


def _die_with_parent() -> None:
    """On Linux, end with the process that started us, so that a killed fit leaves no training behind."""
    if sys.platform == "linux":
        import ctypes
        import signal

        pr_set_pdeathsig = 1
        ctypes.CDLL(None).prctl(pr_set_pdeathsig, signal.SIGKILL)


def main(argv: list[str] | None = None) -> int:
    """Train in a folder, from its last checkpoint if there is one."""
    (folder,) = (Path(argument).absolute() for argument in (sys.argv[1:] if argv is None else argv))
    _die_with_parent()
    os.chdir(folder)
    watch = json.loads((folder / "watch.json").read_text())
    from deepmd.tf.entrypoints import train as entry
    from deepmd.tf.fit.dipole import DipoleFittingSeA
    from deepmd.tf.fit.ener import EnerFitting

    from harness_deep_wannier.loss import DerivativeLoss, EnergyLoss

    def loss_of_dipoles(self: Any, loss: dict[str, Any], lr: Any) -> Any:
        names = {"tensor_name": "dipole", "tensor_size": 3, "label_name": "dipole"}
        return DerivativeLoss(watch["weights"], watch["goals"], model=self, **names)

    def loss_of_energies(self: Any, loss: dict[str, Any], lr: Any) -> Any:
        told = {key: value for key, value in loss.items() if key != "type"}
        return EnergyLoss(watch["goals"], watch["heights"], starter_learning_rate=lr.start_lr(), **told)

    DipoleFittingSeA.get_loss = loss_of_dipoles
    EnerFitting.get_loss = loss_of_energies
    entry.DPTrainer = trainer(entry.DPTrainer, watch, folder)
    restart = CHECKPOINT if (folder / f"{CHECKPOINT}.index").exists() else None
    reason = "all steps done"
    try:
        entry.train(
            INPUT="input.json",
            init_model=None,
            restart=restart,
            output="out.json",
            init_frz_model=None,
            mpi_log="master",
            log_level=20,
            log_path=None,
            skip_neighbor_stat=True,
        )
    except Finished as stop:
        reason = str(stop)
    (folder / DONE).write_text(json.dumps({"reason": reason, "seconds": _rows(folder / HISTORY)[-1]["seconds"]}))
    return 0


if __name__ == "__main__":
    sys.exit(main())
