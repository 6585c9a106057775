"""Stop when the validation loss no longer gets better, and keep the best weights."""

from __future__ import annotations

import hashlib
import math
from pathlib import Path
from typing import Any

from torch import nn

from resnet_course.base.errors import CourseError
from resnet_course.training.checkpoints import load_weights, save_weights


class EarlyStopper:
    """Watch the validation loss; stop after `num_trials` epochs in a row without a new best.

    Give it the *validation* loss. With the test loss the choice of the epoch would be fitted to the test images,
    and the test accuracy would no longer be an honest estimate.

    Args:
        num_trials: epochs in a row without improvement at which training stops, at least 1.
        save_path: file for the best weights.

    Raises:
        ValueError: if `num_trials` is below 1.

    Taught in lesson 02.
    """

    def __init__(self, num_trials: int, save_path: str | Path) -> None:
        if num_trials < 1:
            raise ValueError(f"num_trials must be at least 1, got {num_trials}")
        self.num_trials = num_trials
        self.save_path = Path(save_path)
        self.best_loss = math.inf
        self.trial_counter = 0
        self.saved = ""

    def is_continuable(self, model: nn.Module, loss: float) -> bool:
        """Take this epoch's loss. True: go on. A new best saves the weights; a NaN is never a best."""
        if loss < self.best_loss:
            self.best_loss = loss
            self.trial_counter = 0
            save_weights(model, self.save_path)
            self.saved = self._digest()
            return True
        self.trial_counter += 1
        return self.trial_counter < self.num_trials

    def get_best_model(self, model: nn.Module) -> nn.Module:
        """Load the best weights into `model` and return it.

        Raises:
            CourseError: if no epoch was saved yet, or the file is no longer the one that was saved.
        """
        if self.best_loss == math.inf:
            raise CourseError(
                f"no epoch was saved yet: {self.save_path} is missing or from an earlier run. Train at least one epoch "
                "with a finite validation loss first."
            )
        if self.saved and self.save_path.is_file() and self._digest() != self.saved:
            raise CourseError(f"another training wrote {self.save_path}. Give each one its own save_path, train again.")
        return load_weights(model, self.save_path)

    def state_dict(self) -> dict[str, Any]:
        """What a checkpoint needs to go on counting."""
        return {"best_loss": self.best_loss, "trial_counter": self.trial_counter, "saved": self.saved}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Go on counting from `state_dict()`."""
        self.best_loss, self.trial_counter, self.saved = (state[name] for name in self.state_dict())

    def _digest(self) -> str:
        return hashlib.sha256(self.save_path.read_bytes()).hexdigest()
