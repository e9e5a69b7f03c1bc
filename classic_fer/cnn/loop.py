"""The training loop: stochastic gradient descent, validated after every epoch."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from copy import deepcopy
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch
from torch import nn
from torch.nn import functional

from classic_fer.cnn.augmentation import augmented, mixed
from classic_fer.cnn.checkpoints import load_checkpoint, save_checkpoint
from classic_fer.cnn.preprocessing import resized, standardise
from classic_fer.cnn.settings import TrainingSettings
from classic_fer.errors import DataError

__all__ = ["Epoch", "Trainer", "logits_of"]

_VALIDATION_BATCH = 256


@dataclass(frozen=True)
class Epoch:
    """One line of the training's history.

    Attributes
    ----------
    number : int
        From 1.
    lr : float
        Learning rate of the last step.
    loss, accuracy : float
        Means over the augmented training faces, while the weights were changing.
    validation_loss, validation_accuracy : float
        Of the weights that are kept (the averaged ones, if they are averaged).
    seconds : float
    """

    number: int
    lr: float
    loss: float
    accuracy: float
    validation_loss: float
    validation_accuracy: float
    seconds: float


class Trainer:
    """Trains one network.

    Parameters
    ----------
    network : torch.nn.Module
        Changed.
    settings : TrainingSettings
    images, targets : Tensor of uint8 (n, H, W), Tensor of int64 (n,)
        Training faces and the number of the class of each.
    validation_images, validation_targets : Tensor
        Likewise, never trained on.
    class_weights : Tensor of float32, shape (n_classes,), optional
    side : int
        Of what the network sees, in pixels.

    Attributes
    ----------
    kept : torch.nn.Module
        The network that is validated: averaged weights, or those of the network itself.
    history : list of Epoch
    """

    def __init__(
        self,
        network: nn.Module,
        settings: TrainingSettings,
        images: torch.Tensor,
        targets: torch.Tensor,
        validation_images: torch.Tensor,
        validation_targets: torch.Tensor,
        *,
        side: int,
        class_weights: torch.Tensor | None = None,
    ) -> None:
        self.settings, self.side = settings, side
        self.images, self.targets = images, targets
        self.validation_images, self.validation_targets = validation_images, validation_targets
        self.class_weights = class_weights
        layout = _layout(settings.half_precision)
        self.network: nn.Module = network.to(memory_format=layout)  # type: ignore[call-overload]
        self.kept = deepcopy(self.network) if settings.averaging else self.network
        self.optimizer = _optimizer(self.network, settings)
        self.history: list[Epoch] = []
        self._best: tuple[float, dict[str, torch.Tensor]] | None = None
        self._steps = 0
        self._factor = 1.0  # by which plateaus have lowered the learning rate
        self._waited = 0  # epochs since the best one, or since the learning rate was lowered

    @property
    def best_epoch(self) -> int:
        """Number of the epoch with the lowest validation loss."""
        return min(self.history, key=lambda epoch: epoch.validation_loss).number

    @property
    def finished(self) -> bool:
        """Whether all epochs are done, or there was no better one for too long."""
        done, patience = len(self.history), self.settings.patience
        if done >= self.settings.epochs:
            return True
        return patience is not None and done > 0 and done - self.best_epoch >= patience

    def run(
        self,
        *,
        checkpoint: Path | None = None,
        told: dict[str, Any] | None = None,
        resume: bool = False,
        progress: Callable[[int, int, Epoch], None] | None = None,
    ) -> None:
        """Train until `finished`; then `kept` is the network to use.

        Parameters
        ----------
        checkpoint : Path, optional
            File that is written after every epoch.
        told : dict, optional
            See `classic_fer.cnn.checkpoints`.
        resume : bool
            Begin with the state in `checkpoint`. The outcome is the same as without the break.
        progress : callable, optional
            Called after every epoch with the number of epochs done, of all, and the epoch.

        Raises
        ------
        DataError
            If the loss is no longer a number.
        """
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(self.settings.seed)
            if resume:
                assert checkpoint is not None
                self._restore(load_checkpoint(checkpoint, told or {}))
            while not self.finished:
                epoch = self._epoch()
                self._note(epoch)
                if checkpoint is not None:
                    save_checkpoint(checkpoint, self._state(), told or {})
                if progress is not None:
                    progress(len(self.history), self.settings.epochs, epoch)
        if self.settings.restore_best and self._best is not None:
            self.kept.load_state_dict(self._best[1])
        self.kept.eval()

    def _epoch(self) -> Epoch:
        start, size = time.perf_counter(), self.settings.batch_size
        losses, hits, lr = 0.0, 0, 0.0
        self.network.train()
        # A last batch of one face would have no variance to normalise by.
        order = torch.randperm(len(self.images))
        batches = [rows for rows in order.split(size) if len(rows) > 1]
        for step, rows in enumerate(batches):
            lr = self._learning_rate(len(self.history) + (step + 1) / len(batches))
            for group in self.optimizer.param_groups:
                group["lr"] = lr
            loss, right = self._step(rows)
            if not math.isfinite(loss):
                raise DataError(
                    f"the loss is {loss} in epoch {len(self.history) + 1}, step {step + 1}: the "
                    f"training diverges; choose a lower learning rate than {self.settings.lr:g}"
                )
            losses, hits = losses + loss * len(rows), hits + right
        validation = logits_of(
            self.kept, self.validation_images, self.side, half=self.settings.half_precision
        )
        n = sum(map(len, batches))
        accuracy = (validation.argmax(dim=1) == self.validation_targets).float().mean().item()
        return Epoch(
            number=len(self.history) + 1,
            lr=lr,
            loss=losses / n,
            accuracy=hits / n,
            validation_loss=functional.cross_entropy(validation, self.validation_targets).item(),
            validation_accuracy=accuracy,
            seconds=time.perf_counter() - start,
        )

    def _step(self, rows: torch.Tensor) -> tuple[float, int]:
        """One step of descent; the loss and the number of right answers before it."""
        settings, targets = self.settings, self.targets[rows]
        x = augmented(self.images[rows], self.side, settings)
        order, share = None, 1.0
        if settings.mixup:
            x, order, share = mixed(x, settings.mixup)
        with torch.autocast("cpu", torch.bfloat16, enabled=settings.half_precision):
            logits = self.network(x.contiguous(memory_format=_layout(settings.half_precision)))
        logits = logits.float()
        loss = self._loss(logits, targets)
        if order is not None:
            loss = share * loss + (1 - share) * self._loss(logits, targets[order])
        self.optimizer.zero_grad()
        loss.backward()
        self.optimizer.step()
        if self.kept is not self.network:
            self._average()
        return loss.item(), int((logits.argmax(dim=1) == targets).sum())

    def _loss(self, logits: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
        return functional.cross_entropy(
            logits,
            targets,
            weight=self.class_weights,
            label_smoothing=self.settings.label_smoothing,
        )

    @torch.no_grad()
    def _average(self) -> None:
        """Move the averaged weights; at first they forget faster, the start being random."""
        self._steps += 1
        decay = min(self.settings.averaging, (1 + self._steps) / (10 + self._steps))
        for mean, weights in zip(self.kept.parameters(), self.network.parameters()):
            mean.lerp_(weights, 1 - decay)
        for statistic, now in zip(self.kept.buffers(), self.network.buffers()):
            statistic.copy_(now)

    def _learning_rate(self, epochs: float) -> float:
        """Learning rate after so many epochs."""
        settings = self.settings
        if epochs < settings.warmup:
            return settings.lr * epochs / settings.warmup
        if settings.schedule != "cosine":
            return settings.lr * self._factor
        share = (epochs - settings.warmup) / (settings.epochs - settings.warmup)
        return settings.lr * (1 + math.cos(math.pi * share)) / 2

    def _note(self, epoch: Epoch) -> None:
        """Keep what a finished epoch found, and lower the learning rate on a plateau."""
        self.history.append(epoch)
        if self._best is None or epoch.validation_loss < self._best[0]:
            self._best = epoch.validation_loss, deepcopy(self.kept.state_dict())
            self._waited = 0
            return
        self._waited += 1
        if self.settings.schedule == "plateau" and self._waited >= self.settings.plateau_patience:
            self._factor *= self.settings.plateau_factor
            self._waited = 0

    def _state(self) -> dict[str, Any]:
        return {
            "network": self.network.state_dict(),
            "kept": self.kept.state_dict(),
            "optimizer": self.optimizer.state_dict(),
            "random": torch.get_rng_state(),
            "history": [asdict(epoch) for epoch in self.history],
            "best": self._best,
            "steps": self._steps,
            "factor": self._factor,
            "waited": self._waited,
        }

    def _restore(self, state: dict[str, Any]) -> None:
        self.network.load_state_dict(state["network"])
        self.kept.load_state_dict(state["kept"])
        self.optimizer.load_state_dict(state["optimizer"])
        torch.set_rng_state(state["random"])
        self.history = [Epoch(**epoch) for epoch in state["history"]]
        self._best = state["best"]
        self._steps, self._factor = state["steps"], state["factor"]
        self._waited = state["waited"]


@torch.no_grad()
def logits_of(
    network: nn.Module, images: torch.Tensor, side: int, *, half: bool = False
) -> torch.Tensor:
    """Logits of faces as they are, without augmentation; the network is left in evaluation mode.

    Parameters
    ----------
    network : torch.nn.Module
    images : Tensor of uint8, shape (n, H, W)
    side : int
    half : bool
        Calculate in bfloat16.

    Returns
    -------
    Tensor of float32, shape (n, n_classes)
    """
    network.eval()
    parts = []
    with torch.autocast("cpu", torch.bfloat16, enabled=half):
        for batch in images.split(_VALIDATION_BATCH):
            x = standardise(resized(batch.float(), side))
            parts.append(network(x.contiguous(memory_format=_layout(half))).float())
    return torch.cat(parts)


def _layout(half: bool) -> torch.memory_format:
    """Channels last is what makes bfloat16 fast.

    In float32 the gradient of depthwise convolutions in that layout crashes torch 2.13 on CPUs.
    """
    return torch.channels_last if half else torch.contiguous_format


def _optimizer(network: nn.Module, settings: TrainingSettings) -> torch.optim.Optimizer:
    """Nesterov's momentum; weight decay on matrices and kernels alone."""
    decayed = [p for p in network.parameters() if p.ndim > 1]
    others = [p for p in network.parameters() if p.ndim <= 1]
    return torch.optim.SGD(
        [
            {"params": decayed, "weight_decay": settings.weight_decay},
            {"params": others, "weight_decay": 0.0},
        ],
        lr=settings.lr,
        momentum=settings.momentum,
        nesterov=settings.momentum > 0,
    )
