"""Answers to `early_stopper`: when to stop, and the best weights kept in a file."""

from . import edited

NAME = "EarlyStopper"

STOPPER = """
    class EarlyStopper:
        def __init__(self, num_trials, save_path):
            self.num_trials = num_trials
            self.save_path = save_path
            self.trial_counter = 0
            self.best_loss = float("inf")

        def is_continuable(self, model, loss):
            if loss < self.best_loss:
                self.best_loss = loss
                self.trial_counter = 0
                torch.save(model.state_dict(), self.save_path)
                return True
            self.trial_counter += 1
            if self.trial_counter >= self.num_trials:
                return False
            return True

        def get_best_model(self, model):
            model.load_state_dict(torch.load(self.save_path, weights_only=True))
            return model
"""

RIGHT = {
    "counting up": STOPPER,
    "counting down, without a best at first": """
        class EarlyStopper:
            def __init__(self, num_trials, save_path):
                self.num_trials, self.path, self.left, self.best = num_trials, str(save_path), num_trials, None

            def is_continuable(self, model, loss):
                import math
                if not math.isnan(loss) and (self.best is None or loss < self.best):
                    self.best, self.left = loss, self.num_trials
                    torch.save(model.state_dict(), self.path)
                else:
                    self.left -= 1
                return self.left > 0

            def get_best_model(self, model):
                import copy
                best = copy.deepcopy(model)
                best.load_state_dict(torch.load(self.path, weights_only=True, map_location="cpu"))
                return best
    """,
    "a list of losses": """
        class EarlyStopper:
            def __init__(self, num_trials, save_path):
                self.num_trials, self.save_path, self.losses, self.last_best = num_trials, save_path, [], 0

            def is_continuable(self, model, loss):
                best = min([l for l in self.losses if l == l], default=float("inf"))
                self.losses.append(loss)
                if loss < best:
                    torch.save({name: tensor.clone() for name, tensor in model.state_dict().items()}, self.save_path)
                    self.last_best = len(self.losses)
                return len(self.losses) - self.last_best < self.num_trials

            def get_best_model(self, model):
                with open(self.save_path, "rb") as file:
                    model.load_state_dict(torch.load(file, weights_only=True))
                return model.eval()
    """,
    "an answer that is a tensor": edited(
        STOPPER, ("            return True\n", "            return torch.tensor(True)\n")
    ),
}

COUNTED = """\
            self.trial_counter += 1
            if self.trial_counter >= self.num_trials:
                return False
            return True
"""

WRONG = {
    "counter_never_reset": edited(STOPPER, ("                self.trial_counter = 0\n", "")),
    "one_too_late": edited(STOPPER, (">= self.num_trials", "> self.num_trials")),
    "one_too_early": edited(STOPPER, (">= self.num_trials", ">= self.num_trials - 1")),
    "stops_at_first_bad": edited(STOPPER, (COUNTED, "            return False\n")),
    "never_stops": edited(STOPPER, (COUNTED, "            return True\n")),
    "keeps_last": edited(
        STOPPER,
        ("                torch.save(model.state_dict(), self.save_path)\n", ""),
        ("            if loss <", "            torch.save(model.state_dict(), self.save_path)\n            if loss <"),
    ),
    "equal_is_better": edited(STOPPER, ("loss < self.best_loss", "loss <= self.best_loss")),
    "not_worse_is_better": """
        class EarlyStopper:
            def __init__(self, num_trials, save_path):
                self.num_trials, self.save_path, self.bad, self.best = num_trials, save_path, 0, float("inf")

            def is_continuable(self, model, loss):
                if loss > self.best:
                    self.bad += 1
                    return self.bad < self.num_trials
                self.bad, self.best = 0, loss
                torch.save(model.state_dict(), self.save_path)
                return True

            def get_best_model(self, model):
                model.load_state_dict(torch.load(self.save_path, weights_only=True))
                return model
    """,
    "nan_is_better": edited(
        STOPPER, ("if loss < self.best_loss:", "if loss >= self.best_loss:\n                pass\n            else:")
    ),
    "higher_is_better": edited(
        STOPPER, ("loss < self.best_loss", "loss > self.best_loss"), ('float("inf")', 'float("-inf")')
    ),
    "starts_at_zero": edited(STOPPER, ('float("inf")', "0")),
    "starts_at_a_number": edited(STOPPER, ('float("inf")', "1000")),
    "compares_with_previous": edited(
        STOPPER,
        (
            "            self.trial_counter += 1\n",
            "            self.best_loss = loss\n            self.trial_counter += 1\n",
        ),
    ),
    "best_never_updated": edited(STOPPER, ("                self.best_loss = loss\n", "")),
    "never_saves": edited(STOPPER, ("                torch.save(model.state_dict(), self.save_path)\n", "")),
    "kept_in_memory": edited(
        STOPPER,
        ("torch.save(model.state_dict(), self.save_path)", "self.weights = copy.deepcopy(model.state_dict())"),
        ("torch.load(self.save_path, weights_only=True)", "self.weights"),
        ("    class EarlyStopper", "    import copy\n    class EarlyStopper"),
    ),
    "kept_without_copy": edited(
        STOPPER,
        ("torch.save(model.state_dict(), self.save_path)", "self.weights = model.state_dict()"),
        ("torch.load(self.save_path, weights_only=True)", "self.weights"),
    ),
    "saves_at_the_end": edited(
        STOPPER,
        ("                torch.save(model.state_dict(), self.save_path)\n", ""),
        (
            "                return False",
            "                torch.save(model.state_dict(), self.save_path)\n                return False",
        ),
    ),
    "saves_whole_model": edited(
        STOPPER,
        ("torch.save(model.state_dict()", "torch.save(model"),
        ("model.load_state_dict(torch.load(self.save_path, weights_only=True))", "model = torch.load(self.save_path)"),
    ),
    "saves_parameters_only": edited(
        STOPPER,
        ("model.state_dict()", "{name: value.data for name, value in model.named_parameters()}"),
    ),
    "current_returned": edited(
        STOPPER, ("            model.load_state_dict(torch.load(self.save_path, weights_only=True))\n", "")
    ),
    "not_returned": edited(STOPPER, ("            return model\n", "")),
    "load_result_returned": edited(
        STOPPER,
        ("            return model\n", ""),
        ("            model.load_state", "            return model.load_state"),
    ),
    "state_returned": edited(
        STOPPER,
        ("            return model\n", ""),
        ("model.load_state_dict(torch.load(self.save_path, weights_only=True))", "return torch.load(self.save_path)"),
    ),
    "no_answer_when_better": edited(
        STOPPER, ("self.save_path)\n                return True\n", "self.save_path)\n                return\n")
    ),
    "no_answer": """
        class EarlyStopper:
            def __init__(self, num_trials, save_path):
                self.num_trials, self.save_path, self.bad, self.best = num_trials, save_path, 0, float("inf")

            def is_continuable(self, model, loss):
                if loss < self.best:
                    self.bad, self.best = 0, loss
                    torch.save(model.state_dict(), self.save_path)
                else:
                    self.bad += 1
                self.bad < self.num_trials

            def get_best_model(self, model):
                model.load_state_dict(torch.load(self.save_path, weights_only=True))
                return model
    """,
    "inverted": edited(STOPPER, ("return True", "return YES"), ("return False", "return True"), ("YES", "False")),
}

UNKNOWN = {
    "better only by a tenth": edited(STOPPER, ("loss < self.best_loss", "loss < 0.9 * self.best_loss")),
    "counting from 1": edited(
        STOPPER, ("trial_counter = 0\n            self.best", "trial_counter = 1\n            self.best")
    ),
}

TRIAL = "            raise NotImplementedError\n"
STUBS = {
    f"before {line}": edited(STOPPER, (f"            {line}", f"{TRIAL}            {line}"))
    for line in ("self.num_trials = num_trials", "if loss <", "model.load_state_dict(")
}

CRASHING = {
    "no methods": """
        class EarlyStopper:
            def __init__(self, num_trials, save_path):
                pass
    """,
    "an object in place of the class": STOPPER + '\n    EarlyStopper = EarlyStopper(2, "best.pt")\n',
    "nothing made": "def EarlyStopper(num_trials, save_path): pass",
}
