"""Training and measuring: plain PyTorch loops that do not know which model or data they are given."""

from resnet_course.base.memory import keep_freed_memory
from resnet_course.training.checkpoints import load_state, load_weights, save_state, save_weights
from resnet_course.training.early_stopping import EarlyStopper
from resnet_course.training.fit import History, fit
from resnet_course.training.seeds import reset_seeds
from resnet_course.training.steps import FLOAT32, Precision, eval_mode, evaluate, predict, train_step

__all__ = [
    "FLOAT32",
    "EarlyStopper",
    "History",
    "Precision",
    "eval_mode",
    "evaluate",
    "fit",
    "keep_freed_memory",
    "load_state",
    "load_weights",
    "predict",
    "reset_seeds",
    "save_state",
    "save_weights",
    "train_step",
]
